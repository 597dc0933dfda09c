/* SPDX-License-Identifier: MIT
 *
 * Where there is room: the highest or the lowest hole of an address space that takes a
 * mapping. Holes lie below VMAs, and one above the last. At most one of them crosses a bound
 * of the search and is looked at by itself; among the others the tree's largest holes lead
 * to the first that is large enough.
 */
#include "mm/vm/vma_gap.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

static struct vma *node_vma(const struct rb_node *n)
{
    return rb_entry(n, struct vma, node);
}

static bool roomy(const struct rb_node *n, u64 len)
{
    return n && node_vma(n)->max_gap >= len;
}

/* The last, or the first, of the roomy subtree n with a hole of len. */
static struct vma *last_in(struct rb_node *n, u64 len)
{
    for (;;) {
        if (roomy(n->right, len))
            n = n->right;
        else if (node_vma(n)->gap >= len)
            return node_vma(n);
        else
            n = n->left;
    }
}

static struct vma *first_in(struct rb_node *n, u64 len)
{
    for (;;) {
        if (roomy(n->left, len))
            n = n->left;
        else if (node_vma(n)->gap >= len)
            return node_vma(n);
        else
            n = n->right;
    }
}

/* The last VMA before v, or the first after it, with a hole of len below; NULL: none. */
static struct vma *roomy_before(const struct vma *v, u64 len)
{
    const struct rb_node *n = &v->node, *from;

    while (!roomy(n->left, len)) {
        do {
            from = n;
            n = rb_parent(n);
            if (!n)
                return NULL;
        } while (from != n->right);
        if (node_vma(n)->gap >= len)
            return node_vma(n);
    }
    return last_in(n->left, len);
}

static struct vma *roomy_after(const struct vma *v, u64 len)
{
    const struct rb_node *n = &v->node, *from;

    while (!roomy(n->right, len)) {
        do {
            from = n;
            n = rb_parent(n);
            if (!n)
                return NULL;
        } while (from != n->left);
        if (node_vma(n)->gap >= len)
            return node_vma(n);
    }
    return first_in(n->right, len);
}

static struct vma *last_vma(const struct mm *mm)
{
    const struct rb_node *last = rb_last(&mm->vmas);

    return last ? node_vma(last) : NULL;
}

/* What of the hole below v (NULL: above all) lies in [low, high). */
static inline bool clip(const struct mm *mm, const struct vma *v, vaddr_t *low,
                        vaddr_t *high)
{
    const struct vma *last = v ? NULL : last_vma(mm);

    if (v) {
        *high = MIN(*high, vma_low_end(v));
        *low = MAX(*low, vma_low_end(v) - v->gap);
    } else if (last) {
        *low = MAX(*low, last->end);
    }
    return *low < *high;
}

int vma_find_gap(const struct mm *mm, u64 len, vaddr_t low, vaddr_t high, vaddr_t *out)
{
    REQUIRES(&mm->lock);
    vaddr_t floor = low, ceil = high;
    struct vma *v = vma_find(mm, high);

    if (!clip(mm, v, &floor, &ceil) || ceil - floor < len) {
        if (v)
            v = roomy_before(v, len);
        else if ((v = last_vma(mm)) != NULL && v->gap < len) /* all are below high */
            v = roomy_before(v, len);
        if (!v || vma_low_end(v) < low || vma_low_end(v) - low < len)
            return -ENOMEM;
        ceil = vma_low_end(v);
    }
    WRITE_ONCE(((struct mm *)mm)->recent, v); /* as a hint: it will be asked for */
    *out = ceil - len;
    return 0;
}

int vma_find_gap_low(const struct mm *mm, u64 len, vaddr_t low, vaddr_t high,
                     vaddr_t *out)
{
    REQUIRES(&mm->lock);
    vaddr_t floor = low, ceil = high;
    struct vma *v = vma_find(mm, low);

    if (clip(mm, v, &floor, &ceil) && ceil - floor >= len) {
        *out = floor;
        return 0;
    }
    if (!v)
        return -ENOMEM;
    v = roomy_after(v, len);
    floor = low, ceil = high;
    if (!clip(mm, v, &floor, &ceil) || ceil - floor < len)
        return -ENOMEM;
    *out = floor;
    return 0;
}
