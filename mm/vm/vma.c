/* SPDX-License-Identifier: MIT
 *
 * The tree of VMAs: find, insert, split, merge. Every node knows the largest hole that lies
 * directly below a VMA of its subtree; mm/vm/vma_gap.c searches by it.
 *
 *      hole        hole
 *   |........[ VMA ].....[ VMA ]        hole below a VMA = its low end - end of predecessor
 *
 * A growable VMA keeps STACK_GUARD_GAP below itself free: its low end counts from there.
 */
#include "mm/vm/vma.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"
#include "mm/table/mm_types.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"

SLAB_CACHE(vma_cache, "vma", struct vma);

static struct vma *node_vma(const struct rb_node *n)
{
    return n ? rb_entry(n, struct vma, node) : NULL;
}

DEFINE_PER_CPU(struct vma_hint, vma_hint); /* id 0: no address space has it */

struct vma *vma_read_search(const struct mm *mm, vaddr_t va)
{
    struct vma *v = vma_search(mm, va);

    if (!v || va < v->start)
        return NULL;
    this_cpu(vma_hint) = (struct vma_hint){mm->id, mm->seq, v, NULL, USER_END};
    return v;
}

struct vma *vma_alloc(void)
{
    return slab_zalloc(&vma_cache);
}

void vma_free(struct vma *v)
{
    if (v->object)
        object_put(v->object);
    if (v->file)
        vm_file_put(v->file);
    slab_free(&vma_cache, v);
}

void vma_copy(struct vma *to, struct mm *mm, vaddr_t at, const struct vma *v,
              vaddr_t start, vaddr_t end)
{
    to->mm = mm;
    to->start = at;
    to->end = at + (end - start);
    to->pgoff = v->object ? vma_home(v, start) : at >> PAGE_SHIFT;
    to->flags = v->flags;
    to->object = v->object;
    to->file = v->file;
    if (to->object)
        object_get(to->object);
    if (to->file)
        vm_file_get(to->file);
}

struct vma *vma_search(const struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct rb_node *n = mm->vmas.node;
    struct vma *best = NULL;

    while (n) {
        struct vma *v = rb_entry(n, struct vma, node);

        if (va < v->end) {
            best = v;
            if (va >= v->start)
                break;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

struct vma *vma_at(const struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct vma *v = READ_ONCE(mm->recent);

    if (v && va - v->start < v->end - v->start)
        return v;
    v = vma_search(mm, va);
    if (!v || va < v->start)
        return NULL;
    /* A hint only; the caller that removes a VMA clears it under the exclusive lock. */
    WRITE_ONCE(((struct mm *)mm)->recent, v);
    return v;
}

struct vma *vma_first(const struct mm *mm)
{
    REQUIRES(&mm->lock);
    return node_vma(rb_first(&mm->vmas));
}

/* What is free between prev (may be NULL) and v. */
static u64 hole(const struct vma *prev, const struct vma *v)
{
    vaddr_t floor = prev ? prev->end : 0, low = vma_low_end(v);

    return low > floor ? low - floor : 0;
}

static bool gap_update(struct rb_node *n)
{
    struct vma *v = node_vma(n);
    u64 gap = v->gap;

    if (n->left)
        gap = MAX(gap, node_vma(n->left)->max_gap);
    if (n->right)
        gap = MAX(gap, node_vma(n->right)->max_gap);
    if (gap == v->max_gap)
        return false;
    v->max_gap = gap;
    return true;
}

/* The hole between prev and v (may be NULL) may have changed. */
static void set_gap(struct vma *v, const struct vma *prev)
{
    u64 gap;

    if (!v)
        return;
    gap = hole(prev, v);
    if (gap == v->gap)
        return;
    v->gap = gap;
    rb_propagate(&v->node, gap_update);
}

static void tree_insert(struct mm *mm, struct vma *v)
{
    struct rb_node **link = &mm->vmas.node, *parent = NULL;
    struct vma *prev = NULL, *next = NULL;

    while (*link) {
        parent = *link;
        if (v->start < node_vma(parent)->start) {
            next = node_vma(parent);
            link = &parent->left;
        } else {
            prev = node_vma(parent);
            link = &parent->right;
        }
    }
    v->gap = hole(prev, v);
    v->max_gap = 0;
    rb_insert(&mm->vmas, &v->node, parent, link, gap_update);
    set_gap(next, v);
    mm->nvmas++;
}

static void tree_erase(struct mm *mm, struct vma *v)
{
    struct vma *prev = vma_prev(v), *next = vma_next(v);

    rb_erase(&mm->vmas, &v->node, gap_update);
    set_gap(next, prev);
    mm->nvmas--;
    mm->recent = NULL;
}

void vma_insert(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    v->mm = mm;
    tree_insert(mm, v);
    if (v->object)
        object_link(v);
}

void vma_remove(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    if (v->object)
        object_unlink(v);
    tree_erase(mm, v);
}

/* Moves the bounds of a VMA that stays in its place of the order. */
static void set_bounds(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    if (v->object) {
        object_lock_homes(v->object);
        object_unlink_locked(v);
    }
    v->pgoff += ((s64)(start - v->start)) >> PAGE_SHIFT;
    v->start = start;
    v->end = end;
    if (v->object) {
        object_link_locked(v);
        spin_unlock(&v->object->lock);
    }
    set_gap(v, vma_prev(v));
    set_gap(vma_next(v), v);
}

void vma_set_start(struct vma *v, vaddr_t start)
{
    set_bounds(v, start, v->end);
}

void vma_set_end(struct vma *v, vaddr_t end)
{
    set_bounds(v, v->start, end);
}

void vma_split(struct mm *mm, struct vma *v, vaddr_t va, struct vma *upper)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    ASSERT(v->start < va && va < v->end);
    vma_copy(upper, mm, va, v, va, v->end);
    /* First the new one, then the cut: no walk of the object may miss the upper part. */
    vma_insert(mm, upper);
    set_bounds(v, v->start, va);
}

bool vma_can_merge(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->flags == b->flags && a->object == b->object &&
           a->file == b->file && a->pgoff + vma_npages(a) == b->pgoff;
}

/* b becomes part of a, which grows first: no walk of the object may miss the range. */
static void absorb(struct mm *mm, struct vma *a, struct vma *b)
{
    vaddr_t end = b->end;

    set_bounds(a, a->start, end);
    vma_remove(mm, b);
    vma_free(b);
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev = vma_prev(v), *next = vma_next(v);

    if (next && vma_can_merge(v, next))
        absorb(mm, v, next);
    if (prev && vma_can_merge(prev, v)) {
        absorb(mm, prev, v);
        v = prev;
    }
    return v;
}
