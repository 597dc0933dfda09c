/* SPDX-License-Identifier: MIT
 *
 * Which memory a monitor watches: flags of VMAs, cut at the ends of what it asks for and
 * merged where they are equal again.
 */
#include "mm/op/watch.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"

/* Whether v can have a monitor that is asked so. */
static bool watchable(const struct vma *v, u32 asks)
{
    return !(v->flags & VM_DROPPABLE) && (v->object || !(asks & VM_ASK_MINOR));
}

/* Why what is mapped in the range cannot be changed; records needed in *cuts. */
static int check(struct mm *mm, const struct monitor *m, vaddr_t start, vaddr_t end,
                 u32 asks, unsigned *cuts, u32 *seen)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_find(mm, start);

    *cuts = 0;
    if (!v || v->start >= end || area_cuts_page(mm, start, end))
        return -EINVAL;
    for (; v && v->start < end; v = area_next(v, end)) {
        *seen |= v->flags;
        if (!watchable(v, asks))
            return -EINVAL;
        if (asks && !(v->flags & VM_MAYWRITE))
            return -EPERM;
        if (v->monitor && v->monitor != m)
            return asks ? -EBUSY : -EINVAL;
        if ((v->flags & VM_MONITORED) != asks)
            *cuts += (v->start < start) + (end < v->end);
    }
    return area_may_cut(mm, *cuts) ? 0 : -ENOMEM;
}

/* Gives [start, end) of v the monitor m, NULL: none. The VMA that holds the part. */
static struct vma *change(struct vma *v, struct monitor *m, vaddr_t start, vaddr_t end,
                          u32 asks, struct area_reserve *r)
{
    struct monitor *old = v->monitor;

    if ((v->flags & VM_MONITORED) == asks)
        return v;
    if (v->start < start) {
        vma_split(v->mm, v, start, area_take(r));
        v = v->next;
    }
    if (end < v->end)
        vma_split(v->mm, v, end, area_take(r));
    if (asks) {
        if (!old || !(v->flags & VM_ASK_WRITE)) /* of another time */
            monitor_unguard(m, v->start, v->end);
        vma_set_monitor(v, m, asks);
    } else {
        if (v->flags & VM_ASK_WRITE)
            monitor_unguard(old, v->start, v->end);
        v->flags &= ~VM_MONITORED;
        v->monitor = NULL;
        monitor_put(old);
    }
    return vma_merge(v->mm, v);
}

static int change_range(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end,
                        u32 asks, u32 *seen)
{
    struct area_reserve r = {.n = 0};
    unsigned cuts;
    int err;

    mm_lock(mm);
    err = check(mm, m, start, end, asks, &cuts, seen);
    if (!err && cuts)
        err = area_reserve(&r, cuts);
    for (struct vma *v = err ? NULL : vma_find(mm, start); v && v->start < end;) {
        v = change(v, m, start, end, asks, &r);
        v = area_next(v, end);
    }
    mm_unlock(mm);
    area_release(&r);
    return err;
}

int mm_watch(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end, u32 asks,
             bool *huge)
{
    u32 seen = 0;
    int err = change_range(mm, m, start, end, asks, &seen);

    if (huge)
        *huge = seen & VM_HUGE;
    return err;
}

int mm_unwatch(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end)
{
    u32 seen = 0;

    return change_range(mm, m, start, end, 0, &seen);
}

void mm_unwatch_all(struct mm *mm, struct monitor *m)
{
    struct area_reserve none = {.n = 0};

    mm_lock(mm);
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        if (v->monitor == m)
            v = change(v, m, v->start, v->end, 0, &none);
        pause_anyway();
    }
    mm_unlock(mm);
}
