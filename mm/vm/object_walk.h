/* SPDX-License-Identifier: MIT
 *
 * A walk over the mappings of an object that may pause: as many as programs make, 90,000 of one
 * page. While it has paused the tree of mappings stands still, and no translation goes from
 * one mapping to another: who wants that waits with O given up, holding his address space. So
 * the walk goes on from the mapping it has reached, and misses none. A walk waits for nothing but
 * its turn to run.
 */
#pragma once

#include "lib/pause.h"
#include "lib/spinlock.h"
#include "mm/vm/object.h"

struct object_walk {
    struct vm_object *object;
    bool paused; /* counted in object->walks */
};

/* Gives O up until no walk has paused; O is held before and after. */
void object_walk_wait(struct vm_object *o);

/* Takes O in order to change who maps o, or to move translations between mappings. May sleep. */
static always_inline void object_lock_homes(struct vm_object *o)
{
    spin_lock(&o->lock);
    if (unlikely(o->walks))
        object_walk_wait(o);
}

/* Gives O up, lets others run, takes O. Between two mappings; what was noted is flushed. */
void object_walk_pause_now(struct object_walk *w);
void object_walk_over(struct object_walk *w);

/* The end of a walk. O held. */
static inline void object_walk_end(struct object_walk *w)
{
    if (unlikely(w->paused))
        object_walk_over(w);
}
