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
#include "lib/pause.h"
#include "lib/rbtree_inline.h"
#include "lib/uapi/errno.h"
#include "mm/table/mm_types.h"
#include "mm/vm/monitor.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"

static struct vma *node_vma(const struct rb_node *n)
{
    return n ? rb_entry(n, struct vma, node) : NULL;
}

struct vma *vma_search(const struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct rb_node *n = mm->vmas.node;
    struct vma *best = READ_ONCE(mm->recent);

    /* Mostly it goes on from there, or lies in the hole below. */
    if (best && va >= best->end) {
        if (!best->next || va < best->next->end)
            return best->next;
    } else if (best && (!best->prev || va >= best->prev->end)) {
        return best;
    }
    for (best = NULL; n;) {
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
static inline u64 hole(const struct vma *prev, const struct vma *v)
{
    u64 gap = v->start - (prev ? prev->end : 0);

    return unlikely(v->flags & VM_GROWSDOWN) ? gap - MIN(gap, STACK_GUARD_GAP) : gap;
}

static inline bool gap_update(struct rb_node *n)
{
    struct vma *v = rb_entry(n, struct vma, node);
    u64 gap = v->gap;

    if (n->left)
        gap = MAX(gap, rb_entry(n->left, struct vma, node)->max_gap);
    if (n->right)
        gap = MAX(gap, rb_entry(n->right, struct vma, node)->max_gap);
    if (gap == v->max_gap)
        return false;
    v->max_gap = gap;
    return true;
}

/* There is a hole as large as this in the subtree n. */
static inline void raise_gap(struct rb_node *n, u64 gap)
{
    for (; n && node_vma(n)->max_gap < gap; n = rb_parent(n))
        node_vma(n)->max_gap = gap;
}

/* The hole below v (may be NULL) may have changed. */
static inline void set_gap(struct vma *v)
{
    u64 old = v ? v->gap : 0, gap = v ? hole(v->prev, v) : 0;

    if (gap != old)
        v->gap = gap;
    if (gap > old)
        raise_gap(&v->node, gap);
    else if (gap < old)
        rb_propagate_with(&v->node, gap_update);
}

static inline void join_neighbours(struct vma *v, struct vma *prev, struct vma *next)
{
    v->prev = prev;
    v->next = next;
    if (prev)
        prev->next = v;
    if (next)
        next->prev = v;
}

/* Between its neighbours, of which the one that is lower in the tree has a place free; `gap` is the
 * hole below v, `narrower` the neighbour above if the hole below that one is not what it was. */
static void tree_insert(struct mm *mm, struct vma *v, u64 gap, struct vma *narrower)
{
    struct rb_node **link = &mm->vmas.node, *parent = NULL;

    if (v->next && !v->next->node.left) {
        parent = &v->next->node;
        link = &parent->left;
    } else if (v->prev) {
        parent = &v->prev->node;
        link = &parent->right;
    }
    v->gap = v->max_gap = gap;
    rb_link(&v->node, parent, link);
    if (!narrower || parent != &narrower->node)
        raise_gap(parent, gap);
    if (narrower)
        rb_propagate_with(&narrower->node, gap_update);
    rb_balance_with(&mm->vmas, &v->node, gap_update);
    mm->nvmas++;
}

static noinline void tree_erase_any(struct mm *mm, struct vma *v)
{
    rb_erase_with(&mm->vmas, &v->node, gap_update);
}

/* stop (NULL: none): from there up the hole below v is not the largest of any subtree. */
static always_inline void tree_erase(struct mm *mm, struct vma *v,
                                     const struct rb_node *stop)
{
    struct rb_node *n = rb_parent(&v->node);

    mm->nvmas--;
    if (!rb_is_red_leaf(&v->node)) {
        tree_erase_any(mm, v);
        return;
    }
    rb_replace_child(&mm->vmas, n, &v->node, NULL); /* what was inserted last, mostly */
    if (v->gap)
        while (n != stop && gap_update(n))
            n = rb_parent(n);
}

/* Nothing stands between the two any more. */
static inline void leave_neighbours(struct vma *prev, struct vma *next)
{
    if (prev)
        prev->next = next;
    if (next)
        next->prev = prev;
}

/* Whether v is the neighbour below, or above, of a free range that begins at start. */
static inline bool is_below(const struct vma *v, vaddr_t start)
{
    return v->end <= start && (!v->next || v->next->end > start);
}

static inline bool is_above(const struct vma *v, vaddr_t start)
{
    return v->end > start && (!v->prev || v->prev->end <= start);
}

/* The neighbours of a free range. What was removed there, looked for, or inserted just below
 * has left one as the hint. */
static always_inline struct vma *neighbours(const struct mm *mm, vaddr_t start,
                                            struct vma **prev)
{
    struct vma *v = mm->recent;

    if (v && is_below(v, start)) {
        *prev = v;
        return v->next;
    }
    if (!v || !is_above(v, start))
        v = vma_search(mm, start);
    *prev = v ? v->prev : node_vma(rb_last(&mm->vmas));
    return v;
}

static inline void insert_between(struct mm *mm, struct vma *v, struct vma *prev,
                                  struct vma *next, struct vma *like)
{
    v->mm = mm;
    join_neighbours(v, prev, next);
    if (next)
        next->gap = hole(v, next);
    tree_insert(mm, v, hole(prev, v), next);
    if (v->object)
        object_link_like(v, like);
    mm->recent = v;
}

void vma_insert_like(struct mm *mm, struct vma *v, struct vma *like)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev, *next = neighbours(mm, v->start, &prev);

    insert_between(mm, v, prev, next, like);
}

static noinline void take_out(struct mm *mm, struct vma *v)
{
    struct vma *next = v->next;

    leave_neighbours(v->prev, next);
    set_gap(next); /* first: then what goes is not the largest of any subtree */
    mm->recent = next;
    tree_erase(mm, v, next && next->gap >= v->gap ? &next->node : NULL);
}

void vma_remove(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    if (v->object)
        object_unlink(v);
    take_out(mm, v);
}

static struct rb_node *next_node(void *arg)
{
    struct vma **next = arg, *v = *next;

    *next = v->next;
    pause_anyway();
    return &v->node;
}

void vma_remove_run(struct mm *mm, struct vma *first, struct vma *end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev = first->prev, *head = prev ? vma_first(mm) : end;
    u32 n = 0;

    object_unlink_run(first, end);
    for (const struct vma *v = first; v != end; v = v->next)
        n++;
    leave_neighbours(prev, end);
    if (n >= mm->nvmas - n) { /* fewer stay: their tree is made anew */
        mm->nvmas -= n;
        mm->recent = NULL;
        if (end)
            end->gap = hole(prev, end);
        rb_build(&mm->vmas, mm->nvmas, next_node, &head, gap_update);
        return;
    }
    mm->recent = NULL;
    set_gap(end); /* first, as in take_out() */
    for (struct vma *v = first; v != end; v = v->next) {
        tree_erase(mm, v, NULL);
        pause_anyway();
    }
}

void vma_remove_all(struct mm *mm)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    mm->vmas = (struct rb_root)RB_ROOT;
    mm->nvmas = 0;
    mm->recent = NULL;
}

/* Moves the bounds of a VMA that stays in its place of the order. With an object, O is held. */
static inline void set_bounds(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    if (v->object) {
        object_resize_locked(v, start, end);
        return;
    }
    v->pgoff = start >> PAGE_SHIFT;
    v->start = start;
    v->end = end;
}

static inline void lock_homes(const struct vma *v)
{
    if (v->object)
        object_lock_homes(v->object);
}

static inline void unlock_homes(const struct vma *v)
{
    if (v->object)
        spin_unlock(&v->object->lock);
}

void vma_set_start(struct vma *v, vaddr_t start)
{
    lock_homes(v);
    set_bounds(v, start, v->end);
    unlock_homes(v);
    set_gap(v);
}

void vma_set_end(struct vma *v, vaddr_t end)
{
    lock_homes(v);
    set_bounds(v, v->start, end);
    unlock_homes(v);
    set_gap(v->next);
}

void vma_split(struct mm *mm, struct vma *v, vaddr_t va, struct vma *upper)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    ASSERT(v->start < va && va < v->end);
    vma_copy(upper, mm, va, v, va, v->end);
    if (v->monitor)
        vma_set_monitor(upper, v->monitor, v->flags);
    lock_homes(v); /* no walk of the object sees one without the other */
    if (v->object) /* first, while both end at one place: what ends last above them stays */
        object_link_locked(upper, v);
    set_bounds(v, v->start, va);
    unlock_homes(v);
    join_neighbours(upper, v, v->next);
    tree_insert(mm, upper, 0, NULL); /* the hole above is what it was */
}

void vma_move_border(struct vma *a, struct vma *b, vaddr_t va)
{
    ASSERT(vma_continues(a, b) && a->start < va && va < b->end);
    lock_homes(a);
    set_bounds(a, a->start, va);
    set_bounds(b, va, b->end);
    unlock_homes(a);
}

void vma_absorb(struct mm *mm, struct vma *a, struct vma *b)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    ASSERT(a->end == b->start);
    lock_homes(a);
    set_bounds(a, a->start, b->end); /* first: as in vma_split() */
    if (b->object)
        object_unlink_locked(b);
    unlock_homes(a);
    leave_neighbours(b->prev, b->next);
    tree_erase(mm, b, NULL);
    mm->recent = a;
    vma_free(b);
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev = v->prev;

    if (v->next && vma_can_merge(v, v->next))
        vma_absorb(mm, v, v->next);
    if (prev && vma_can_merge(prev, v)) {
        vma_absorb(mm, prev, v);
        v = prev;
    }
    return v;
}

struct vma *vma_add(struct mm *mm, struct vma *v)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev, *next = neighbours(mm, v->start, &prev), *to;

    if (prev && vma_can_merge(prev, v)) {
        vma_set_end(prev, v->end);
        to = prev;
    } else if (next && vma_can_merge(v, next)) {
        vma_set_start(next, v->start);
        to = next;
    } else {
        insert_between(mm, v, prev, next, NULL);
        return v;
    }
    vma_free(v);
    return vma_merge(mm, to);
}
