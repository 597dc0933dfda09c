/* SPDX-License-Identifier: MIT
 *
 * What the files of mm/ that walk an object share: the tree of the VMAs that map it, iteration
 * over those whose home range meets a range of file pages, and the search for its pages. O held.
 */
#pragma once

#include "lib/lock.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

/* N of a page that is in the index; O or N is held, so that it stays there. */
static inline spinlock_t *object_node_lock(const struct page *pg)
{
    return &index_leaf(&pg->object->pages, pg->index)->lock;
}

struct vma *object_first_vma(const struct vm_object *o, pgoff_t first, pgoff_t last);
struct vma *object_next_any(const struct vma *v, pgoff_t first, pgoff_t last);
static inline struct vma *object_next_vma(const struct vma *v, pgoff_t first,
                                          pgoff_t last)
{
    return v->object->nvmas == 1 ? NULL : object_next_any(v, first, last);
}

/* Visits the VMAs of o whose home range meets [first, last). */
#define object_for_each_vma(v, o, first, last) \
    for (v = object_first_vma(o, first, last); v; v = object_next_vma(v, first, last))

/* Adds or removes a VMA in the object's tree; the caller holds the mm lock exclusively. like: the
 * one that v is a copy of, made by fork, for their places are side by side; else NULL. */
void object_link_like(struct vma *v, struct vma *like);
void object_unlink(struct vma *v);
/* Removes v and those that follow it up to `end` (NULL: all), many of one object at once. Pauses. */
void object_unlink_run(struct vma *v, const struct vma *end);

/* The same with O held: no walk misses what goes from one VMA to another meanwhile. after: NULL, or a VMA
 * of the object whose home lies before v's, near it. */
void object_link_locked(struct vma *v, struct vma *after);
void object_unlink_locked(struct vma *v);

/* Gives v, which is in the tree, other bounds; its homes stay where they are. O held. */
void object_resize_locked(struct vma *v, vaddr_t start, vaddr_t end);

/* A look-up that remembers the last leaf of the index and may hold its lock: neighbours cost a
 * load. No lock is needed for it; valid until the caller pauses. */
struct object_cursor {
    struct vm_object *object;
    struct index_node *node;
    pgoff_t block; /* number / INDEX_SLOTS of node; ~0: none yet */
    bool held;     /* the lock of node is */
};

static inline struct object_cursor object_cursor(struct vm_object *o)
{
    return (struct object_cursor){o, NULL, ~0ul, false};
}

/* Gives the lock up. */
static inline void object_cursor_release(struct object_cursor *c)
{
    if (c->held)
        spin_unlock(&c->node->lock);
    c->held = false;
}

/* The resident page at pgoff, below the object's end, or NULL; N of its leaf, if there is one,
 * is held until the cursor moves to another or is released. */
static inline struct page *object_cursor_get(struct object_cursor *c, pgoff_t pgoff)
{
    pgoff_t block = pgoff / INDEX_SLOTS;

    if (pgoff >= object_npages(c->object))
        return NULL;
    if (block != c->block) {
        object_cursor_release(c);
        c->block = block;
        c->node = index_leaf(&c->object->pages, object_number(pgoff));
    }
    if (!c->node)
        return NULL;
    if (!c->held) {
        spin_lock(&c->node->lock);
        c->held = true;
    }
    return c->node->slot[pgoff % INDEX_SLOTS];
}

/* fallocate: takes back the pages of [first, last) marked PG_FRESH, or clears the mark. */
void object_unallocate(struct vm_object *o, pgoff_t first, pgoff_t last);
void object_keep_fresh(struct vm_object *o, pgoff_t first, pgoff_t last);
