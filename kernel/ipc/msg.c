/* SPDX-License-Identifier: MIT
 *
 * msgget, msgsnd, msgrcv; see kernel/ipc/msg.h.
 */
#include "kernel/ipc/msg.h"
#include "fs/inode.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

#define TYPE_MAX (s64)(~0ull >> 1)

u32 msg_max = 8192, msg_mnb = 16384, msg_mni = 32000;
u64 msg_all_bytes, msg_all; /* atomic */

SLAB_CACHE(queue_cache, "msg_queue", struct msg_queue);

/* One that waits for a message, on its own stack. */
struct msg_receiver {
    struct list link;  /* [Q] */
    void *thread;      /* [c] */
    s64 type;          /* [c] as msgrcv's */
    u32 flags;         /* [c] */
    size_t room;       /* [c] */
    struct message *m; /* [Q] what it got, */
    int err;           /* [Q] or why not */
    bool done;         /* [Q]; its thread looks without it first */
};

/* ---- messages ---- */

static void message_free(struct message *m)
{
    ipc_uncharge(m->account, sizeof(*m) + m->len);
    kfree(m);
}

static struct message *message_alloc(s64 type, size_t len)
{
    struct account *a = ipc_charge(sizeof(struct message) + len);
    struct message *m = a ? kmalloc(sizeof(*m) + len) : NULL;

    if (m)
        *m = (struct message){.account = a, .type = type, .len = len};
    else if (a)
        ipc_uncharge(a, sizeof(*m) + len);
    return m;
}

static void count(struct msg_queue *q, const struct message *m, s64 sign)
{
    REQUIRES(&q->lock);
    q->qnum += (u64)sign;
    q->cbytes += (u64)sign * m->len;
    __atomic_fetch_add(&msg_all, (u64)sign, __ATOMIC_RELAXED);
    __atomic_fetch_add(&msg_all_bytes, (u64)sign * m->len, __ATOMIC_RELAXED);
}

/* ---- queues ---- */

static void drop(struct msg_queue *q)
{
    if (__atomic_sub_fetch(&q->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    waitq_fini(&q->senders);
    ipc_uncharge(q->account, sizeof(*q));
    slab_free(&queue_cache, q);
}

void msg_put(struct msg_queue *q)
{
    mutex_unlock(&q->lock);
    drop(q);
}

int msg_get(s32 id, struct msg_queue **out)
{
    struct ipc_object *o;

    mutex_lock(&msg_table.lock);
    o = ipc_find_id(&msg_table, id);
    if (o) {
        *out = container_of(o, struct msg_queue, ipc);
        __atomic_fetch_add(&(*out)->refs, 1, __ATOMIC_RELAXED);
    }
    mutex_unlock(&msg_table.lock);
    if (!o)
        return -EINVAL;
    mutex_lock(&(*out)->lock);
    if (!(*out)->removed)
        return 0;
    msg_put(*out);
    return -EINVAL;
}

static void finish(struct msg_receiver *r, struct message *m, int err)
{
    list_del(&r->link);
    r->m = m;
    r->err = err;
    __atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
    thread_unpark(r->thread);
}

void msg_retry(struct msg_queue *q)
{
    REQUIRES(&q->lock);
    while (!list_empty(&q->receivers)) {
        finish(list_entry(q->receivers.next, struct msg_receiver, link), NULL, -EAGAIN);
        pause_anyway();
    }
    waitq_wake_all(&q->senders);
}

void msg_unlist(struct msg_queue *q)
{
    REQUIRES(&msg_table.lock);
    REQUIRES(&q->lock);
    q->removed = true;
    ipc_remove(&msg_table, &q->ipc);
}

void msg_drain(struct msg_queue *q)
{
    REQUIRES(&q->lock);
    while (!list_empty(&q->messages)) {
        struct message *m = list_entry(q->messages.next, struct message, link);

        list_del(&m->link);
        count(q, m, -1);
        message_free(m);
        pause_anyway();
    }
    msg_retry(q);
}

static int create_queue(s32 key, u32 flags, struct msg_queue **out)
{
    REQUIRES(&msg_table.lock);
    struct account *a;
    struct msg_queue *q = NULL;
    int err = -ENOMEM;

    if (ipc_count(&msg_table) >= READ_ONCE(msg_mni))
        return -ENOSPC;
    a = ipc_charge(sizeof(*q));
    if (a)
        q = slab_zalloc(&queue_cache);
    if (q)
        err = ipc_prepare(&msg_table, &q->ipc, key, flags);
    if (err) {
        if (q)
            slab_free(&queue_cache, q);
        if (a)
            ipc_uncharge(a, sizeof(*q));
        return err;
    }
    mutex_init(&q->lock);
    waitq_init(&q->senders);
    list_init(&q->messages);
    list_init(&q->receivers);
    q->account = a;
    q->refs = 1;
    q->qbytes = READ_ONCE(msg_mnb);
    ipc_insert(&msg_table, &q->ipc);
    *out = q;
    return 0;
}

/* msgget(key, flags) */
long sys_msgget(const struct syscall_args *a)
{
    s32 key = (s32)a->a0;
    u32 flags = (u32)a->a1;
    struct ipc_object *o;
    struct msg_queue *q;
    int err;

    SCOPED_LOCK(&msg_table.lock);
    err = ipc_find_key(&msg_table, key, flags, &o);
    if (!err && !o) {
        err = create_queue(key, flags, &q);
        o = err ? NULL : &q->ipc;
    } else if (!err) {
        err = ipc_check(o, flags & 0777);
    }
    return err ? err : o->id;
}

/* ---- sending ---- */

static bool wants(const struct msg_receiver *r, const struct message *m)
{
    if (r->type == 0)
        return true;
    if (r->type < 0)
        return m->type <= -MAX(r->type, -TYPE_MAX);
    return (m->type == r->type) != !!(r->flags & MSG_EXCEPT);
}

static void take_note(struct msg_queue *q, bool receives, s32 pid)
{
    REQUIRES(&q->lock);
    *(receives ? &q->rtime : &q->stime) = ipc_seconds(fs_now());
    *(receives ? &q->lrpid : &q->lspid) = pid;
}

/* Whether a receiver that waits takes it. Those for whom it is too long leave. */
static bool hand_over(struct msg_queue *q, struct message *m)
{
    REQUIRES(&q->lock);
    struct list *pos, *next;

    list_for_each_safe (pos, next, &q->receivers) {
        struct msg_receiver *r = list_entry(pos, struct msg_receiver, link);

        pause_anyway();
        if (!wants(r, m))
            continue;
        if (m->len > r->room && !(r->flags & MSG_NOERROR)) {
            finish(r, NULL, -E2BIG);
            continue;
        }
        take_note(q, true, ((struct thread *)r->thread)->proc->pid);
        finish(r, m, 0);
        return true;
    }
    return false;
}

static bool has_room(const struct msg_queue *q, size_t len)
{
    return len + q->cbytes <= q->qbytes && q->qnum + 1 <= q->qbytes;
}

/* What a waiting sender sleeps for, seen without the lock. */
static bool may_go_on(const struct msg_queue *q, size_t len)
{
    return READ_ONCE(q->removed) || (len + READ_ONCE(q->cbytes) <= READ_ONCE(q->qbytes) &&
                                     READ_ONCE(q->qnum) + 1 <= READ_ONCE(q->qbytes));
}

/* Puts m into q, which is locked before and after: m is the queue's then. */
static int send(struct msg_queue *q, struct message *m, u32 flags)
{
    REQUIRES(&q->lock);
    int err;

    for (;;) {
        err = q->removed ? -EIDRM : ipc_check(&q->ipc, 0222);
        if (err)
            return err;
        if (has_room(q, m->len))
            break;
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        mutex_unlock(&q->lock);
        err = waitq_wait(&q->senders, may_go_on(q, m->len));
        mutex_lock(&q->lock);
        if (err)
            return q->removed ? -EIDRM : -ERESTARTNOHAND;
    }
    take_note(q, false, current_proc()->pid);
    if (!hand_over(q, m)) {
        list_add_tail(&q->messages, &m->link);
        count(q, m, 1);
    }
    return 0;
}

/* msgsnd(id, message, size, flags) */
long sys_msgsnd(const struct syscall_args *a)
{
    struct msg_queue *q;
    struct message *m;
    size_t len = a->a2;
    s64 type;
    int err;

    if (copy_from_user(&type, a->a1, sizeof(type)) != 0)
        return -EFAULT;
    if (len > READ_ONCE(msg_max) || type < 1)
        return -EINVAL;
    m = message_alloc(type, len);
    if (!m)
        return -ENOMEM;
    err = copy_from_user(m->bytes, a->a1 + sizeof(type), len);
    if (!err)
        err = msg_get((s32)a->a0, &q);
    if (!err) {
        err = send(q, m, (u32)a->a3);
        msg_put(q);
    }
    if (err)
        message_free(m);
    return err;
}

/* ---- receiving ---- */

/* The message r asks for: of negative types the first of the lowest type. */
static struct message *find(struct msg_queue *q, const struct msg_receiver *r)
{
    REQUIRES(&q->lock);
    struct message *best = NULL;
    struct list *pos;
    s64 at = 0;

    list_for_each (pos, &q->messages) {
        struct message *m = list_entry(pos, struct message, link);

        pause_anyway();
        if (r->flags & MSG_COPY) {
            if (at++ == r->type)
                return m;
        } else if (wants(r, m) && (!best || m->type < best->type)) {
            best = m;
            if (r->type >= 0)
                break;
        }
    }
    return best;
}

/* Sleeps until somebody gives r a message or a reason; q is locked before and after. */
static int wait(struct msg_queue *q, struct msg_receiver *r)
{
    REQUIRES(&q->lock);
    r->thread = thread_self();
    r->done = false;
    list_add_tail(&q->receivers, &r->link);
    mutex_unlock(&q->lock);
    while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE) && !thread_interrupted())
        thread_park();
    mutex_lock(&q->lock);
    if (r->done)
        return r->err;
    list_del(&r->link);
    return -ERESTARTNOHAND;
}

/* A copy of the message, which stays where it is. */
static int copy(const struct message *m, struct message **out)
{
    *out = message_alloc(m->type, m->len);
    if (!*out)
        return -ENOMEM;
    memcpy((*out)->bytes, m->bytes, m->len);
    return 0;
}

/* Fills in r->m, a message that is the caller's. q is locked before and after. */
static int receive(struct msg_queue *q, struct msg_receiver *r)
{
    REQUIRES(&q->lock);
    struct message *m;
    int err;

    for (;;) {
        err = q->removed ? -EIDRM : ipc_check(&q->ipc, 0444);
        if (err)
            return err;
        m = find(q, r);
        if (m)
            break;
        if (r->flags & IPC_NOWAIT)
            return -ENOMSG;
        err = wait(q, r);
        if (err != -EAGAIN)
            return err;
    }
    if (m->len > r->room && !(r->flags & MSG_NOERROR))
        return -E2BIG;
    if (r->flags & MSG_COPY)
        return copy(m, &r->m);
    list_del(&m->link);
    count(q, m, -1);
    take_note(q, true, current_proc()->pid);
    waitq_wake_all(&q->senders);
    r->m = m;
    return 0;
}

/* msgrcv(id, message, size, type, flags) */
long sys_msgrcv(const struct syscall_args *a)
{
    struct msg_receiver r = {.type = (s64)a->a3, .flags = (u32)a->a4, .room = a->a2};
    struct msg_queue *q;
    size_t n;
    int err;

    if ((s32)a->a0 < 0 || (s64)a->a2 < 0)
        return -EINVAL;
    if (r.flags & MSG_COPY && (r.flags & MSG_EXCEPT || !(r.flags & IPC_NOWAIT)))
        return -EINVAL;
    err = msg_get((s32)a->a0, &q);
    if (err)
        return err;
    err = receive(q, &r);
    msg_put(q);
    if (err)
        return err;
    n = MIN(r.room, r.m->len);
    if (copy_to_user(a->a1, &r.m->type, sizeof(r.m->type)) != 0 ||
        copy_to_user(a->a1 + sizeof(r.m->type), r.m->bytes, n) != 0)
        err = -EFAULT;
    message_free(r.m);
    return err ? err : (long)n;
}
