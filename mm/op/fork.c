/* SPDX-License-Identifier: MIT
 *
 * fork: every VMA that may be inherited is copied. Private pages become shared read-only on
 * both sides until one writes; pages of objects are not copied (the child faults them in);
 * away arrays are, so the arrangement is inherited, present or not.
 */
#include "mm/op/fork.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"
#include "mm/vm/commit.h"
#include "mm/vm/monitor.h"
#include "mm/vm/object.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/slot.h"

/* Whether the leaf table of va can be lent: only v lies over it. */
static bool only_there(const struct vma *v, vaddr_t va)
{
    vaddr_t low = align_down(va, LEAF_SPAN);
    const struct vma *prev = v->start > low ? vma_prev(v) : NULL;
    const struct vma *next = v->end < low + LEAF_SPAN ? vma_next(v) : NULL;

    return (!prev || prev->end <= low) && (!next || next->start >= low + LEAF_SPAN);
}

/* Shows the private pages of v in the child as well. */
static int copy_private(struct vma *v, struct mm *child, struct change *c)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;

    pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
    {
        struct slot to;
        int lent = 0;

        if (!table->present)
            continue;
        if (vma_kind(v) == VMA_ANON && !order && only_there(v, va))
            lent = lend_to_child(v->mm, child, va, table, c);
        if (lent < 0)
            return lent;
        if (lent)
            goto next;
        if (unlikely(!order && table->holders) && !(table = lend_own(v->mm, va)))
            return -ENOMEM;
        to = slot_make(child, va, order);
        if (!to.table)
            return -ENOMEM;
        if (v->object)
            object_lock_homes(v->object);
        slot_share(c, table, to.table, to.i, to.i + slot_count(va, next, order), order);
        if (v->object)
            spin_unlock(&v->object->lock);
    next:
        if (next >= v->end)
            break; /* the caller pauses */
        change_pause(c);
        if (pause_killed())
            return -EINTR;
    }
    return 0;
}

static int copy_vma(struct vma *v, struct mm *child, struct change *b,
                    struct monitor **parents)
{
    REQUIRES_EXCLUSIVE(&child->lock);
    struct vma *c = vma_alloc();
    int err = 0;

    if (!c)
        return -ENOMEM;
    vma_copy(c, child, v->start, v, v->start, v->end);
    /* Neither locks nor promises are inherited. */
    c->flags &= ~(VM_LOCKED | VM_LOCKONFAULT | VM_HUGE_OWNER);
    if ((c->flags & VM_ACCOUNT) && commit_check(v->mm, vma_npages(v)) != 0) {
        vma_free(c);
        return -ENOMEM;
    }
    if (unlikely(v->monitor)) {
        change_before_pauses(b);
        err = monitor_inherit(c, v, parents);
        if (err) {
            vma_free(c);
            return err;
        }
    }
    vma_insert_like(child, c, v);
    area_account(child, c->flags, (s64)vma_npages(c));
    if (vma_kind(v) == VMA_SHARED)
        err = away_inherit(child, v);
    else if (!(v->flags & (VM_WIPEONFORK | VM_NOCOPY)))
        err = copy_private(v, child, b);
    if (!err) /* without its lock it may equal its neighbour */
        vma_merge(child, c);
    return err;
}

static void copy_fields(struct mm *c, const struct mm *p)
{
    c->mmap_base = p->mmap_base;
    c->brk_start = p->brk_start;
    c->brk = p->brk;
    c->limits = p->limits;
    c->membarrier = p->membarrier;
    c->keys = p->keys;
    c->exec_only = p->exec_only;
    c->program = p->program;
    if (c->program.exe)
        vm_file_get(c->program.exe);
}

int mm_fork(struct mm *parent, struct mm **child)
{
    struct mm *c = mm_create();
    struct monitor *parents = NULL;
    struct change batch;
    struct vma *v;
    int err = 0;

    if (!c)
        return -ENOMEM;
    mm_lock(parent);
    mm_lock(c);
    copy_fields(c, parent);
    change_begin(&batch, parent);
    vma_for_each (v, parent) {
        if (v->flags & VM_DONTFORK)
            continue;
        err = copy_vma(v, c, &batch, &parents);
        change_pause(&batch);
        if (!err && pause_killed())
            err = -EINTR;
        if (err)
            break;
    }
    /* The parent must not write through stale entries before the copy is complete. */
    change_end(&batch);
    monitor_inherited(parents);
    mm_unlock(c);
    mm_unlock(parent);
    if (err) {
        mm_put(c);
        return err;
    }
    *child = c;
    return 0;
}
