/* SPDX-License-Identifier: MIT
 *
 * Walks over all processes, those of a group, or the threads of one. Each process has a place in an order that
 * only grows; a walk remembers the place it has come to, so it may give proc_lock up between
 * two steps. Who is born meanwhile comes at its end: nobody escapes a signal to all by
 * forking.
 */
#include "kernel/task/walk.h"
#include "kernel/pause.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/usage.h"
#include "lib/lock.h"
#include "lib/pause.h"

/* What each new process changes, on one line. */
static struct {
    struct rb_root by_birth; /* proc_lock; with the next two */
    struct rb_root by_group; /* and in each group by birth */
    u64 last_birth;
    u64 last_serial; /* atomic */
} __attribute__((aligned(64))) all;

u64 proc_next_serial(void)
{
    return __atomic_add_fetch(&all.last_serial, 1, __ATOMIC_RELAXED);
}

static struct proc *birth_entry(struct rb_node *n)
{
    return n ? rb_entry(n, struct proc, birth_node) : NULL;
}

static struct proc *group_entry(struct rb_node *n)
{
    return n ? rb_entry(n, struct proc, group_node) : NULL;
}

static void link_group(struct proc *p)
{
    struct rb_node **link = &all.by_group.node, *parent = NULL;

    while (*link) {
        const struct proc *q = group_entry(*link);

        parent = *link;
        link = p->pgid < q->pgid || (p->pgid == q->pgid && p->birth < q->birth)
                   ? &parent->left
                   : &parent->right;
    }
    rb_insert(&all.by_group, &p->group_node, parent, link, NULL);
}

void procs_add(struct proc *p)
{
    REQUIRES(&proc_lock);
    struct rb_node **link = &all.by_birth.node, *parent = NULL;

    p->birth = ++all.last_birth;
    while (*link) { /* it is the last */
        parent = *link;
        link = &parent->right;
    }
    rb_insert(&all.by_birth, &p->birth_node, parent, link, NULL);
    link_group(p);
}

void procs_remove(struct proc *p)
{
    REQUIRES(&proc_lock);
    rb_erase(&all.by_birth, &p->birth_node, NULL);
    rb_erase(&all.by_group, &p->group_node, NULL);
}

void procs_regroup(struct proc *p, s32 pgid)
{
    REQUIRES(&proc_lock);
    rb_erase(&all.by_group, &p->group_node, NULL);
    p->pgid = pgid;
    link_group(p);
}

static struct proc *born_after(u64 birth)
{
    struct rb_node *n = all.by_birth.node;
    struct proc *found = NULL;

    while (n) {
        struct proc *p = birth_entry(n);

        if (p->birth > birth)
            found = p;
        n = p->birth > birth ? n->left : n->right;
    }
    return found;
}

static struct proc *member_after(s32 pgid, u64 birth)
{
    struct rb_node *n = all.by_group.node;
    struct proc *found = NULL;

    while (n) {
        struct proc *p = group_entry(n);
        bool behind = p->pgid > pgid || (p->pgid == pgid && p->birth > birth);

        if (behind)
            found = p;
        n = behind ? n->left : n->right;
    }
    return found && found->pgid == pgid ? found : NULL;
}

struct proc *group_first(s32 pgid)
{
    REQUIRES(&proc_lock);
    return member_after(pgid, 0);
}

struct proc *group_next(const struct proc *p)
{
    REQUIRES(&proc_lock);
    struct proc *q = group_entry(rb_next(&p->group_node));

    return q && q->pgid == p->pgid ? q : NULL;
}

struct proc *group_after(s32 pgid, u64 birth)
{
    REQUIRES(&proc_lock);
    return member_after(pgid, birth);
}

u64 proc_births(void)
{
    return all.last_birth;
}

bool proc_pause(irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    if (!breath_due())
        return false;
    spin_unlock_irq(&proc_lock, *flags);
    breathe();
    *flags = spin_lock_irq(&proc_lock);
    return true;
}

struct procs procs_begin(s32 pgid)
{
    return (struct procs){.pgid = pgid, .flags = spin_lock_irq(&proc_lock)};
}

struct procs procs_begin_all(void)
{
    return (struct procs){.all = true, .flags = spin_lock_irq(&proc_lock)};
}

struct proc *procs_next(struct procs *w)
{
    struct proc *p;

    proc_pause(&w->flags);
    p = w->all ? born_after(w->birth) : member_after(w->pgid, w->birth);
    if (p)
        w->birth = p->birth;
    return p;
}

void procs_end(struct procs *w)
{
    spin_unlock_irq(&proc_lock, w->flags);
}

void proc_for_each(bool (*visit)(struct proc *p, void *arg), void *arg)
{
    struct procs w = procs_begin_all();
    struct proc *p;

    while ((p = procs_next(&w)) && visit(p, arg))
        ;
    procs_end(&w);
}

/* ---- threads ---- */

void thread_walk_begin(struct thread_walk *w, struct proc *p)
{
    REQUIRES(&p->sig.lock);
    w->next = p->threads.next;
    w->missed = NULL;
    list_add(&p->walks, &w->link);
}

struct thread *thread_walk_next(struct thread_walk *w, struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *at = w->next;

    if (at == &p->threads)
        return NULL;
    w->next = at->next;
    return list_entry(at, struct thread, proc_link);
}

void thread_walk_end(struct thread_walk *w)
{
    list_del(&w->link);
}

void thread_walk_join(struct proc *p, struct thread *t)
{
    struct rb_node **link = &p->by_serial.node, *parent = NULL;

    while (*link) { /* it is the last */
        parent = *link;
        link = &parent->right;
    }
    rb_insert(&p->by_serial, &t->serial_node, parent, link, NULL);
    list_add_tail(&p->threads, &t->proc_link);
}

struct thread *thread_after(const struct proc *p, u64 serial)
{
    REQUIRES_EITHER(&proc_lock, &p->sig.lock);
    struct rb_node *n = p->by_serial.node;
    struct thread *found = NULL;

    while (n) {
        struct thread *t = rb_entry(n, struct thread, serial_node);

        if (t->serial > serial)
            found = t;
        n = t->serial > serial ? n->left : n->right;
    }
    return found;
}

struct thread *thread_of_serial(const struct proc *p, u64 serial)
{
    REQUIRES(&p->sig.lock);
    struct rb_node *n = p->by_serial.node;

    while (n) {
        struct thread *t = rb_entry(n, struct thread, serial_node);

        if (t->serial == serial)
            return t;
        n = serial < t->serial ? n->left : n->right;
    }
    return NULL;
}

void thread_walk_leave(struct proc *p, struct thread *t)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    struct list *pos;

    list_for_each (pos, &p->walks) {
        struct thread_walk *w = list_entry(pos, struct thread_walk, link);
        const struct thread *next = list_entry(w->next, struct thread, proc_link);

        if (w->missed && w->next != &p->threads && t->serial >= next->serial)
            io_counts_add(w->missed, &t->io);
        if (w->next == &t->proc_link)
            w->next = t->proc_link.next;
    }
    list_del(&t->proc_link);
    rb_erase(&p->by_serial, &t->serial_node, NULL);
}
