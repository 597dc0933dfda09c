/* SPDX-License-Identifier: MIT
 *
 * VMAs with the same homes: one of them, the root, stands in the tree of the object
 * (mm/vm/object_tree.c), and what fork copied hangs below the one it was copied from. So a child
 * that comes and goes changes what its parent has, and nothing that other processes write.
 *
 *      root (in the tree)
 *        │ first
 *        ▼
 *       copy ── next ──▶ copy ── next ──▶ back to the root, marked
 *        │ first
 *        ▼
 *       copy of the copy ── next ──▶ back to the copy, marked
 *
 * A node that goes leaves its place to those below it, in O(1). O held for all of it. Only
 * object_tree.c includes this.
 */
#pragma once

#include "mm/vm/vma.h"

#define KIN_UP 1ul /* in `next`: the last, this leads to the one above */

static inline struct vma *kin_vma(uintptr_t link)
{
    return (struct vma *)(link & ~KIN_UP);
}

/* v stands in the tree, alone. */
static inline void kin_init(struct vma *v)
{
    v->kin.first = v->kin.next = 0;
}

/* Hangs v below `like`. */
static inline void kin_join(struct vma *v, struct vma *like)
{
    struct kin *above = &like->kin;

    v->kin.first = 0;
    v->kin.next = above->first;
    v->kin.lead = &above->first;
    if (above->first) {
        kin_vma(above->first)->kin.lead = &v->kin.next;
    } else {
        v->kin.next = (uintptr_t)like | KIN_UP;
        above->last = v;
    }
    above->first = (uintptr_t)v;
}

/* Those below v, in the place of v, which is not the root. */
static inline void kin_leave_to_heirs(struct vma *v)
{
    const struct kin *k = &v->kin;
    struct vma *heir = kin_vma(k->first), *last = k->last;

    *k->lead = k->first;
    heir->kin.lead = k->lead;
    last->kin.next = k->next;
    if (k->next & KIN_UP)
        kin_vma(k->next)->kin.last = last;
    else
        kin_vma(k->next)->kin.lead = &last->kin.next;
}

/* v, which is not the root, hangs nowhere any more. */
static inline void kin_leave(struct vma *v)
{
    const struct kin *k = &v->kin;
    struct vma *above = kin_vma(k->next);

    if (k->first) {
        kin_leave_to_heirs(v);
    } else if (!(k->next & KIN_UP)) {
        *k->lead = k->next;
        kin_vma(k->next)->kin.lead = k->lead;
    } else if (k->lead == &above->kin.first) {
        above->kin.first = 0;
    } else { /* the one before it is the last now */
        *k->lead = k->next;
        above->kin.last = container_of(k->lead, struct vma, kin.next);
    }
}

/* The first below the root takes its place, and the others below itself. */
static inline struct vma *kin_inherit(const struct vma *root)
{
    struct vma *heir = kin_vma(root->kin.first);
    struct kin *k = &heir->kin;
    uintptr_t others = k->next;

    if (!(others & KIN_UP)) {
        uintptr_t *end = k->first ? &k->last->kin.next : &k->first;

        *end = others;
        kin_vma(others)->kin.lead = end;
        k->last = root->kin.last;
        k->last->kin.next = (uintptr_t)heir | KIN_UP;
    }
    k->next = 0;
    k->lead = NULL;
    return heir;
}

/* The one after v in a walk from the root over all; *v is the root when there is none. */
static inline struct vma *kin_next(const struct vma **v)
{
    if ((*v)->kin.first)
        return kin_vma((*v)->kin.first);
    while ((*v)->kin.next & KIN_UP)
        *v = kin_vma((*v)->kin.next);
    return kin_vma((*v)->kin.next);
}
