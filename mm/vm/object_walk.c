/* SPDX-License-Identifier: MIT
 *
 * Walks over the mappings of an object that pause, and those who wait for their end.
 */
#include "mm/vm/object_walk.h"
#include "lib/lock.h"
#include "lib/mutex.h"

/* On the waiter's stack. Who sets `go` holds O until the thread is woken, and the waiter takes
 * O before it leaves, so the record outlives its use. */
struct walk_waiter {
    struct walk_waiter *next; /* [O] */
    void *thread;             /* [c] */
    bool go;                  /* set [O]; its owner looks without it first */
};

void object_walk_wait(struct vm_object *o)
{
    REQUIRES(&o->lock);
    while (o->walks) {
        struct walk_waiter w = {o->walk_waiters, thread_self(), false};

        o->walk_waiters = &w;
        spin_unlock(&o->lock);
        while (!__atomic_load_n(&w.go, __ATOMIC_ACQUIRE))
            thread_park();
        spin_lock(&o->lock);
    }
}

void object_walk_pause_now(struct object_walk *w)
{
    struct vm_object *o = w->object;

    REQUIRES(&o->lock);
    if (!w->paused) {
        ASSERT(o->walks < (u16)~0u); /* one for each thread at most */
        o->walks++;
    }
    w->paused = true;
    spin_unlock(&o->lock);
    pause_now();
    spin_lock(&o->lock);
}

void object_walk_over(struct object_walk *w)
{
    struct vm_object *o = w->object;
    struct walk_waiter *next;

    REQUIRES(&o->lock);
    if (--o->walks)
        return;
    next = o->walk_waiters;
    o->walk_waiters = NULL;
    while (next) {
        struct walk_waiter *one = next;

        next = one->next;
        __atomic_store_n(&one->go, true, __ATOMIC_RELEASE);
        thread_unpark(one->thread);
    }
}
