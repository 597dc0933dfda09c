/* SPDX-License-Identifier: MIT
 *
 * semget, semop and those who wait; see kernel/ipc/sem.h.
 */
#include "kernel/ipc/sem.h"
#include "fs/inode.h"
#include "kernel/ipc/sem_undo.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

#define OPS_AT_HAND 16u /* of a call, without memory of their own */

u32 sem_msl = 32000, sem_mns = 1024000000, sem_opm = 500, sem_mni = 32000;

static u32 total; /* sem_table.lock */

/* A call's operations, done all at once or not at all. */
struct sem_waiter {
    struct list link; /* [S] */
    void *thread;     /* [c] */
    const struct sembuf *ops;
    u32 n;                 /* [c] */
    u32 at;                /* [S] the operation that cannot be done */
    struct sem_undo *undo; /* [c] NULL: none of them is undone */
    s32 pid;               /* [c] */
    s32 result;            /* [S] once it is done */
    bool done;             /* [S]; its thread looks without it first */
};

u32 sem_total(void)
{
    REQUIRES(&sem_table.lock);
    return total;
}

static size_t set_bytes(u32 n)
{
    return sizeof(struct sem_set) + n * sizeof(struct semaphore);
}

/* ---- sets ---- */

void sem_drop(struct sem_set *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ipc_uncharge(s->account, set_bytes(s->n));
    kfree(s);
}

void sem_put(struct sem_set *s)
{
    mutex_unlock(&s->lock);
    sem_drop(s);
}

int sem_get(s32 id, struct sem_set **out)
{
    struct ipc_object *o;

    mutex_lock(&sem_table.lock);
    o = ipc_find_id(&sem_table, id);
    if (o) {
        *out = container_of(o, struct sem_set, ipc);
        __atomic_fetch_add(&(*out)->refs, 1, __ATOMIC_RELAXED);
    }
    mutex_unlock(&sem_table.lock);
    if (!o)
        return -EINVAL;
    mutex_lock(&(*out)->lock);
    if (!(*out)->removed)
        return 0;
    sem_put(*out);
    return -EINVAL;
}

void sem_unlist(struct sem_set *s)
{
    REQUIRES(&sem_table.lock);
    REQUIRES(&s->lock);
    s->removed = true;
    ipc_remove(&sem_table, &s->ipc);
    total -= s->n;
}

static int create_set(s32 key, u32 n, u32 flags, struct sem_set **out)
{
    REQUIRES(&sem_table.lock);
    struct account *a;
    struct sem_set *s = NULL;
    int err = -ENOMEM;

    if (n == 0)
        return -EINVAL;
    if (n > READ_ONCE(sem_mns) || total > READ_ONCE(sem_mns) - n ||
        ipc_count(&sem_table) >= READ_ONCE(sem_mni))
        return -ENOSPC;
    a = ipc_charge(set_bytes(n));
    if (a)
        s = kzalloc(set_bytes(n));
    if (s)
        err = ipc_prepare(&sem_table, &s->ipc, key, flags);
    if (err) {
        kfree(s);
        if (a)
            ipc_uncharge(a, set_bytes(n));
        return err;
    }
    mutex_init(&s->lock);
    list_init(&s->waiters);
    list_init(&s->undos);
    s->account = a;
    s->refs = 1;
    s->n = n;
    total += n;
    ipc_insert(&sem_table, &s->ipc);
    *out = s;
    return 0;
}

/* semget(key, number, flags) */
long sys_semget(const struct syscall_args *a)
{
    s32 key = (s32)a->a0, n = (s32)a->a1;
    u32 flags = (u32)a->a2;
    struct ipc_object *o;
    struct sem_set *s;
    int err;

    if (n < 0 || (u32)n > READ_ONCE(sem_msl))
        return -EINVAL;
    SCOPED_LOCK(&sem_table.lock);
    err = ipc_find_key(&sem_table, key, flags, &o);
    if (err)
        return err;
    if (!o) {
        err = create_set(key, (u32)n, flags, &s);
        return err ? err : s->ipc.id;
    }
    s = container_of(o, struct sem_set, ipc);
    if ((u32)n > s->n)
        return -EINVAL;
    err = ipc_check(o, flags & 0777);
    return err ? err : o->id;
}

/* ---- operations ---- */

/* Takes back the first `n` operations. */
static void take_back(struct sem_set *s, const struct sem_waiter *w, u32 n)
{
    while (n--)
        s->sem[w->ops[n].num].value -= w->ops[n].op;
}

/* What undoing the operations would add: within the bounds of SEMAEM. `sign` -1: notes them, 1:
 * takes the note back. */
static bool note_undo(const struct sem_waiter *w, u32 n, s32 sign)
{
    for (u32 i = 0; i < n; i++) {
        s16 *adjust = &w->undo->adjust[w->ops[i].num];
        s32 sum = *adjust + sign * w->ops[i].op;

        if (!(w->ops[i].flags & SEM_UNDO))
            continue;
        if (sum < -SEMAEM - 1 || sum > SEMAEM) {
            (void)note_undo(w, i, -sign);
            return false;
        }
        *adjust = (s16)sum;
    }
    return true;
}

/* Does all of them or none: 0, -ERANGE, -EAGAIN: w->at has to wait. */
static int perform(struct sem_set *s, struct sem_waiter *w)
{
    REQUIRES(&s->lock);
    int err = 0;
    u32 i;

    for (i = 0; i < w->n; i++) {
        const struct sembuf *op = &w->ops[i];
        struct semaphore *sem = &s->sem[op->num];

        if (op->op == 0 ? sem->value != 0 : sem->value + op->op < 0)
            err = -EAGAIN;
        else if (sem->value + op->op > SEMVMX)
            err = -ERANGE;
        if (err)
            break;
        sem->value += op->op;
    }
    w->at = i;
    if (!err && w->undo && !note_undo(w, w->n, -1))
        err = -ERANGE;
    if (err) {
        take_back(s, w, i);
        return err;
    }
    for (i = 0; i < w->n; i++)
        s->sem[w->ops[i].num].pid = w->pid;
    s->otime = ipc_seconds(fs_now());
    return 0;
}

static bool alters(const struct sem_waiter *w)
{
    for (u32 i = 0; i < w->n; i++)
        if (w->ops[i].op != 0)
            return true;
    return false;
}

static void finish(struct sem_waiter *w, int result)
{
    list_del(&w->link);
    w->result = result;
    __atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
    thread_unpark(w->thread);
}

/* Whether what it was found to wait for has come, so that a new try is worth it. */
static bool has_chance(const struct sem_set *s, const struct sem_waiter *w)
{
    const struct sembuf *op = &w->ops[w->at];
    s32 value = s->sem[op->num].value;

    return op->op == 0 ? value == 0 : value + op->op >= 0;
}

void sem_update(struct sem_set *s)
{
    REQUIRES(&s->lock);
    struct list *pos = s->waiters.next;

    while (pos != &s->waiters) {
        struct sem_waiter *w = list_entry(pos, struct sem_waiter, link);
        int err = -EAGAIN;

        pos = pos->next;
        if (has_chance(s, w))
            err = perform(s, w);
        if (err == -EAGAIN && !(w->ops[w->at].flags & IPC_NOWAIT)) {
            pause_anyway();
            continue;
        }
        finish(w, err);
        if (!err && alters(w))
            pos = s->waiters.next; /* for those before it there may be a chance now */
    }
}

void sem_evict(struct sem_set *s)
{
    REQUIRES(&s->lock);
    while (!list_empty(&s->waiters)) {
        finish(list_entry(s->waiters.next, struct sem_waiter, link), -EIDRM);
        pause_anyway();
    }
}

u32 sem_count_waiters(const struct sem_set *s, u32 num, bool zero)
{
    REQUIRES(&s->lock);
    struct list *pos;
    u32 n = 0;

    list_for_each (pos, &s->waiters) {
        const struct sem_waiter *w = list_entry(pos, struct sem_waiter, link);
        const struct sembuf *op = &w->ops[w->at];

        n += op->num == num && (op->op == 0) == zero;
        pause_anyway();
    }
    return n;
}

/* Puts w in the queue and sleeps; s is locked before and after. */
static int wait(struct sem_set *s, struct sem_waiter *w, u64 deadline)
{
    REQUIRES(&s->lock);
    int err = 0;

    w->thread = thread_self();
    list_add_tail(&s->waiters, &w->link);
    mutex_unlock(&s->lock);
    while (!err && !__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
        if (thread_interrupted())
            err = -EINTR;
        else if (thread_park_until(deadline) != 0)
            err = -EAGAIN;
    }
    mutex_lock(&s->lock);
    if (w->done)
        return w->result;
    list_del(&w->link);
    return err;
}

/* The set, locked, when the operations are such as the caller may do on it; w->undo is set. */
static int find_set(s32 id, struct sem_waiter *w, struct sem_set **out)
{
    bool undo = false;
    u32 most = 0;
    int err = sem_get(id, out);

    if (err)
        return err;
    for (u32 i = 0; i < w->n; i++) {
        most = MAX(most, w->ops[i].num);
        undo |= (w->ops[i].flags & SEM_UNDO) != 0;
    }
    if (most >= (*out)->n)
        err = -EFBIG;
    if (!err)
        err = ipc_check(&(*out)->ipc, alters(w) ? 0222 : 0444);
    if (!err && undo)
        err = sem_undo_get(*out, &w->undo);
    if (err)
        sem_put(*out);
    return err;
}

static long operate(s32 id, const struct sembuf *ops, u32 n, u64 deadline)
{
    struct sem_waiter w = {.ops = ops, .n = n, .pid = current_proc()->pid};
    struct sem_set *s;
    int err = find_set(id, &w, &s);

    if (err)
        return err;
    err = perform(s, &w);
    if (!err && alters(&w))
        sem_update(s);
    if (err == -EAGAIN && !(ops[w.at].flags & IPC_NOWAIT))
        err = wait(s, &w, deadline);
    sem_put(s);
    return err;
}

static long semop(s32 id, vaddr_t from, u64 n, u64 deadline)
{
    struct sembuf few[OPS_AT_HAND], *ops = few;
    long result;

    if (n > READ_ONCE(sem_opm))
        return -E2BIG;
    if (n < 1)
        return -EINVAL;
    if (n > OPS_AT_HAND && !(ops = kmalloc(n * sizeof(*ops))))
        return -ENOMEM;
    result = copy_from_user(ops, from, n * sizeof(*ops));
    if (!result)
        result = operate(id, ops, (u32)n, deadline);
    if (ops != few)
        kfree(ops);
    return result;
}

/* semop(id, operations, number) */
long sys_semop(const struct syscall_args *a)
{
    return semop((s32)a->a0, a->a1, (u32)a->a2, NO_DEADLINE);
}

/* semtimedop(id, operations, number, timeout) */
long sys_semtimedop(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE;
    int err = a->a3 ? deadline_from_user(a->a3, &deadline) : 0;

    return err ? err : semop((s32)a->a0, a->a1, (u32)a->a2, deadline);
}
