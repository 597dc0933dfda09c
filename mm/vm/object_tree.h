/* SPDX-License-Identifier: MIT
 *
 * What the files of mm/ that walk an object share: iteration over the VMAs whose home range
 * meets a range of file pages, and the last step of a page's life. O held.
 */
#pragma once

#include "lib/lock.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

/* The number under which the page with file page pgoff stands. */
static inline pgoff_t object_first(const struct vm_object *o, pgoff_t pgoff)
{
    return pgoff >> o->order << o->order;
}

struct vma *object_first_vma(const struct vm_object *o, pgoff_t first, pgoff_t last);
struct vma *object_next_vma(const struct vma *v, pgoff_t first, pgoff_t last);

/* Visits the VMAs of o whose home range meets [first, last). */
#define object_for_each_vma(v, o, first, last) \
    for (v = object_first_vma(o, first, last); v; v = object_next_vma(v, first, last))

/* For changing what the tree is ordered by: unlink, change, link, all with O held, so that no
 * walk misses the VMA. */
void object_link_locked(struct vma *v);
void object_unlink_locked(struct vma *v);

/* A look-up that remembers the last node of the index: neighbours cost a load. Valid while O
 * is held. */
struct object_cursor {
    struct vm_object *object;
    struct index_node *node;
    u32 block; /* number / INDEX_SLOTS of node; ~0: none yet */
};

static inline struct object_cursor object_cursor(struct vm_object *o)
{
    return (struct object_cursor){o, NULL, ~0u};
}

/* The resident page at pgoff, below the object's end, or NULL. */
static inline struct page *object_cursor_get(struct object_cursor *c, pgoff_t pgoff)
{
    REQUIRES(&c->object->lock);
    u32 block = (u32)(pgoff / INDEX_SLOTS);

    if (pgoff >= object_npages(c->object))
        return NULL;
    if (block != c->block) {
        c->block = block;
        c->node = index_leaf(&c->object->pages, object_number(pgoff));
    }
    return c->node ? c->node->slot[pgoff % INDEX_SLOTS] : NULL;
}

/* The page has left the index and has no translation: drops its hints and its name. The
 * object's reference is now the caller's, who counts it off with object_uncount(). */
void object_forget_page(struct page *pg);
/* n pages of o have been forgotten: they are on no bill any more. */
void object_uncount(struct vm_object *o, u64 n);

/* fallocate: takes back the pages of [first, last) marked PG_FRESH, or clears the mark. */
void object_unallocate(struct vm_object *o, pgoff_t first, pgoff_t last);
void object_keep_fresh(struct vm_object *o, pgoff_t first, pgoff_t last);
