/* SPDX-License-Identifier: MIT
 *
 * The table of threads by number. A process is found by the number of any of its threads:
 * so does Linux wherever it takes a pid, except where only a group leader will do.
 */
#include "kernel/task/threads.h"
#include "arch/time.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"

#define BUCKETS 1024u

/* Changed under proc_lock and the lock; either is enough to read. A line of its own for each:
 * neighbouring numbers are mostly strangers'. */
struct bucket {
    spinlock_t lock; /* irq-safe */
    struct list threads;
} __attribute__((aligned(64)));

static struct bucket buckets[BUCKETS];

static struct bucket *bucket_of(s32 tid)
{
    return &buckets[(u32)tid % BUCKETS];
}

void thread_publish(struct thread *t)
{
    REQUIRES(&proc_lock);
    struct bucket *b = bucket_of(t->tid);

    if (!t->serial) {
        t->serial = proc_next_serial();
        t->start_ns = clock_monotonic_ns();
    }
    spin_lock(&b->lock);
    if (!b->threads.next)
        list_init(&b->threads);
    list_add(&b->threads, &t->tid_link);
    spin_unlock(&b->lock);
}

void thread_unpublish(struct thread *t)
{
    REQUIRES(&proc_lock);
    struct bucket *b = bucket_of(t->tid);

    spin_lock(&b->lock);
    list_del(&t->tid_link);
    list_init(&t->tid_link);
    spin_unlock(&b->lock);
}

static struct thread *find(const struct bucket *b, s32 tgid, s32 tid)
{
    REQUIRES_EITHER(&proc_lock, &b->lock);
    const struct list *head = &b->threads;

    /* A bucket that nobody used yet has no list. */
    for (struct list *pos = head->next; pos && pos != head; pos = pos->next) {
        struct thread *t = list_entry(pos, struct thread, tid_link);

        if (t->tid == tid)
            return !tgid || t->proc->pid == tgid ? t : NULL;
    }
    return NULL;
}

struct thread *thread_find(s32 tgid, s32 tid)
{
    REQUIRES(&proc_lock);
    return find(bucket_of(tid), tgid, tid);
}

struct thread *thread_lock(s32 tgid, s32 tid, irqflags_t *flags)
{
    struct bucket *b = bucket_of(tid);
    struct thread *t;

    *flags = spin_lock_irq(&b->lock);
    t = find(b, tgid, tid);
    if (!t)
        spin_unlock_irq(&b->lock, *flags);
    return t;
}

void thread_unlock(s32 tid, irqflags_t flags)
{
    spin_unlock_irq(&bucket_of(tid)->lock, flags);
}

struct proc *proc_find_by_thread(s32 tid)
{
    REQUIRES(&proc_lock);
    struct proc *p = tid ? proc_find(tid) : current_proc();
    struct thread *t;

    if (p || tid <= 0)
        return p;
    t = thread_find(0, tid);
    return t ? t->proc : NULL;
}

bool task_identify(s32 tgid, s32 number, struct task_id *out)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = number > 0 ? proc_find_by_thread(number) : NULL;
    const struct thread *t = NULL;

    if (p && tgid && p->pid != tgid)
        p = NULL;
    if (p && p->pid != number)
        t = thread_find(p->pid, number);
    if (p)
        *out = (struct task_id){.pid = p->pid, .serial = p->serial};
    if (t) {
        out->tid = t->tid;
        out->tid_serial = t->serial;
    }
    spin_unlock_irq(&proc_lock, flags);
    return p != NULL;
}

struct proc *task_find(const struct task_id *id, struct thread **out)
{
    REQUIRES(&proc_lock);
    struct proc *p = proc_find(id->pid);
    struct thread *t;

    if (!p || p->serial != id->serial)
        return NULL;
    t = thread_find(id->pid, id->tid ? id->tid : id->pid);
    if (id->tid && (!t || t->serial != id->tid_serial))
        return NULL;
    if (out)
        *out = t;
    return p;
}
