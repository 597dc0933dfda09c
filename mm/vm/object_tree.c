/* SPDX-License-Identifier: MIT
 *
 * Who maps an object: the tree of VMAs ordered by home, an interval tree in which every node
 * knows the largest home end below it. What fork copies has the homes of what it was copied
 * from, and hangs below that (mm/vm/kin.h), not in the tree that all processes share.
 */
#include "mm/vm/object_tree.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/rbtree_inline.h"
#include "mm/vm/backlink.h"
#include "mm/vm/census.h"
#include "mm/vm/kin.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/vma.h"

static struct vma *home_vma(const struct rb_node *n)
{
    return n ? rb_entry(n, struct vma, home_node) : NULL;
}

static pgoff_t home_end(const struct vma *v)
{
    return v->pgoff + vma_npages(v);
}

static inline bool home_update(struct rb_node *n)
{
    struct vma *v = home_vma(n);
    pgoff_t max = home_end(v);

    if (n->left)
        max = MAX(max, home_vma(n->left)->home_max);
    if (n->right)
        max = MAX(max, home_vma(n->right)->home_max);
    if (max == v->home_max)
        return false;
    v->home_max = max;
    return true;
}

static bool counts_writable(const struct vma *v)
{
    return (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

/* after: of o, home before v, and mostly the last of those; or NULL. */
static void insert(struct vm_object *o, struct vma *v, struct vma *after)
{
    struct rb_node **link = &o->vmas.node, *parent = NULL;

    if (after) {
        parent = &after->home_node;
        link = &parent->right;
        /* At the same home, with room beside it, nobody else need be looked at. */
        if (*link || after->pgoff != v->pgoff) {
            struct rb_node *next = rb_next(parent);

            if (*link) {
                parent = next;
                link = &next->left;
            }
            if (next && home_vma(next)->pgoff < v->pgoff) {
                link = &o->vmas.node;
                parent = NULL;
            }
        }
    }
    while (*link) {
        parent = *link;
        link = v->pgoff < home_vma(parent)->pgoff ? &parent->left : &parent->right;
    }
    v->home_max = 0;
    kin_init(v);
    rb_insert_with(&o->vmas, &v->home_node, parent, link, home_update);
}

static inline bool in_tree(const struct vma *v)
{
    return v->home_max != 0;
}

static void erase(struct vm_object *o, struct vma *v)
{
    struct vma *heir;

    if (!in_tree(v)) {
        kin_leave(v);
    } else if (v->kin.first) {
        heir = kin_inherit(v);
        rb_replace(&o->vmas, &v->home_node, &heir->home_node);
        heir->home_max = v->home_max;
    } else {
        rb_erase_with(&o->vmas, &v->home_node, home_update);
    }
}

void object_link_locked(struct vma *v, struct vma *after)
{
    REQUIRES(&v->object->lock);
    struct vm_object *o = v->object;

    if (after && after->pgoff == v->pgoff && home_end(after) == home_end(v)) {
        v->home_max = 0;
        kin_join(v, after);
    } else {
        insert(o, v, after && in_tree(after) ? after : NULL);
    }
    o->nvmas++;
    o->shared_writable += counts_writable(v);
    o->nprivate += !(v->flags & VM_SHARED);
}

void object_unlink_locked(struct vma *v)
{
    REQUIRES(&v->object->lock);
    struct vm_object *o = v->object;

    erase(o, v);
    o->nvmas--;
    o->shared_writable -= counts_writable(v);
    o->nprivate -= !(v->flags & VM_SHARED);
}

/* Whether v would keep its place in the order. */
static bool keeps_place(const struct vma *v, pgoff_t pgoff)
{
    const struct vma *other;

    if (!in_tree(v) || v->kin.first)
        return false; /* the others keep their homes */
    if (pgoff == v->pgoff)
        return true;
    other = home_vma(pgoff < v->pgoff ? rb_prev(&v->home_node) : rb_next(&v->home_node));
    return !other || (pgoff < v->pgoff ? other->pgoff <= pgoff : pgoff <= other->pgoff);
}

void object_resize_locked(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES(&v->object->lock);
    struct vm_object *o = v->object;
    pgoff_t pgoff = v->pgoff + (pgoff_t)((s64)(start - v->start) >> PAGE_SHIFT);
    bool stays = keeps_place(v, pgoff);

    if (!stays)
        erase(o, v);
    v->pgoff = pgoff;
    v->start = start;
    v->end = end;
    if (stays)
        rb_propagate_with(&v->home_node, home_update);
    else
        insert(o, v, NULL);
}

void object_link_like(struct vma *v, struct vma *like)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    object_lock_homes(v->object);
    object_link_locked(v, like);
    spin_unlock(&v->object->lock);
}

/* Nothing maps o any more? Then what was remembered of its mappings goes. */
static void forget_mappings(struct vm_object *o)
{
    REQUIRES(&o->lock);
    while (o->nvmas == 0 && backlink_drop_logs(o))
        (void)pause_unlocked(&o->lock);
    if (o->nvmas == 0)
        census_forget(o);
}

void object_unlink(struct vma *v)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    struct vm_object *o = v->object;

    object_lock_homes(o);
    object_unlink_locked(v);
    forget_mappings(o);
    spin_unlock(&o->lock);
}

/* All n VMAs of o, `writable` of them counted as that, if there are no others: the tree need not be
 * taken apart. A mapping under way is counted, too, so the count is not just cleared. */
static bool unlink_all(struct vm_object *o, u64 n, u32 writable)
{
    bool all;

    object_lock_homes(o);
    all = o->nvmas == n;
    if (all) {
        o->vmas = (struct rb_root)RB_ROOT;
        o->nvmas = 0;
        o->shared_writable -= writable;
        o->nprivate = 0;
        forget_mappings(o);
    }
    spin_unlock(&o->lock);
    return all;
}

void object_unlink_run(struct vma *v, const struct vma *end)
{
    while (v != end) {
        REQUIRES_EXCLUSIVE(&v->mm->lock);
        struct vm_object *o = v->object;
        struct vma *last = v;
        u32 writable = 0;
        u64 n = 0;

        for (; last != end && last->object == o; last = last->next, n++) {
            writable += counts_writable(last);
            pause_anyway();
        }
        if (o && n > 1 && unlink_all(o, n, writable))
            v = last;
        for (; v != last; v = v->next) {
            if (o)
                object_unlink(v);
            pause_anyway();
        }
    }
}

/* The leftmost node of the subtree n whose home range meets [first, last). */
static struct vma *first_in(struct rb_node *n, pgoff_t first, pgoff_t last)
{
    while (n) {
        struct vma *v = home_vma(n);

        if (n->left && home_vma(n->left)->home_max > first) {
            n = n->left;
            continue;
        }
        if (v->pgoff >= last)
            return NULL;
        if (home_end(v) > first)
            return v;
        n = n->right;
        if (n && home_vma(n)->home_max <= first)
            return NULL;
    }
    return NULL;
}

struct vma *object_first_vma(const struct vm_object *o, pgoff_t first, pgoff_t last)
{
    REQUIRES(&o->lock);
    if (!o->vmas.node || home_vma(o->vmas.node)->home_max <= first)
        return NULL;
    return first_in(o->vmas.node, first, last);
}

struct vma *object_next_any(const struct vma *v, pgoff_t first, pgoff_t last)
{
    REQUIRES(&v->object->lock);
    const struct vma *same = kin_next(&v);
    const struct rb_node *n = &v->home_node;

    if (same)
        return (struct vma *)same;
    for (;;) {
        struct rb_node *parent;

        if (n->right && home_vma(n->right)->home_max > first) {
            struct vma *found = first_in(n->right, first, last);

            if (found)
                return found;
        }
        while ((parent = rb_parent(n)) != NULL && parent->right == n)
            n = parent;
        if (!parent)
            return NULL;
        n = parent;
        if (home_vma(n)->pgoff >= last)
            return NULL;
        if (home_end(home_vma(n)) > first)
            return home_vma(n);
    }
}
