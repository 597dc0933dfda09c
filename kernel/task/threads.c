/* SPDX-License-Identifier: MIT
 *
 * The table of threads by number. A process is found by the number of any of its threads:
 * so does Linux wherever it takes a pid, except where only a group leader will do.
 */
#include "kernel/task/threads.h"
#include "arch/time.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "lib/lock.h"

#define HASH_SIZE 4096u

static struct list hash[HASH_SIZE];

static struct list *bucket(s32 tid)
{
    struct list *head = &hash[(u32)tid % HASH_SIZE];

    if (!head->next)
        list_init(head);
    return head;
}

void thread_publish(struct thread *t)
{
    REQUIRES(&proc_lock);
    if (!t->serial) {
        t->serial = proc_next_serial();
        t->start_ns = clock_monotonic_ns();
    }
    list_add(bucket(t->tid), &t->tid_link);
}

void thread_unpublish(struct thread *t)
{
    REQUIRES(&proc_lock);
    list_del(&t->tid_link);
    list_init(&t->tid_link);
}

struct thread *thread_find(s32 tgid, s32 tid)
{
    REQUIRES(&proc_lock);
    struct list *pos, *head = bucket(tid);

    list_for_each (pos, head) {
        struct thread *t = list_entry(pos, struct thread, tid_link);

        if (t->tid == tid)
            return !tgid || t->proc->pid == tgid ? t : NULL;
    }
    return NULL;
}

struct proc *proc_find_by_thread(s32 tid)
{
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
