/* SPDX-License-Identifier: MIT
 *
 * The steps the memory calls are made of; see mm/op/area.h.
 */
#include "mm/op/area.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area_trim.h"
#include "mm/op/zap.h"
#include "mm/table/pagetable.h"
#include "mm/vm/commit.h"
#include "mm/vm/huge.h"
#include "mm/vm/monitor.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"

int area_reserve(struct area_reserve *r, unsigned n)
{
    for (r->n = 0; r->n < n; r->n++) {
        r->spare[r->n] = vma_alloc();
        if (!r->spare[r->n]) {
            area_release(r);
            return -ENOMEM;
        }
    }
    return 0;
}

struct vma *area_take(struct area_reserve *r)
{
    ASSERT(r->n > 0);
    return r->spare[--r->n];
}

/* Whether a part of v must become a VMA of its own before it is removed: what it was promised
 * ends with it. Else the bound of v moves. */
static inline bool cut_off(const struct vma *v)
{
    return v->flags & VM_HUGE_OWNER;
}

unsigned area_cuts(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    const struct vma *v = vma_find(mm, start);
    unsigned n = 0;

    if (!v || v->start >= end)
        return 0;
    if (v->start < start)
        n = (end < v->end) + cut_off(v);
    if (v->end < end)
        v = vma_find(mm, end);
    return n + (v && start <= v->start && v->start < end && end < v->end && cut_off(v));
}

void area_doom(struct vma *v, struct area_dead *dead)
{
    if (!vma_refers(v)) {
        vma_free(v);
        return;
    }
    v->next = dead->first;
    dead->first = v;
}

void area_bury_all(struct area_dead *dead)
{
    while (dead->first) {
        struct vma *v = dead->first;

        dead->first = v->next;
        vma_free(v);
        if (dead->first)
            pause_anyway();
    }
}

static bool is_data(u32 flags)
{
    return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* npages of memory get other flags, of the same kind. */
static void account_flags(struct mm *mm, u32 old, u32 flags, s64 npages)
{
    if ((old ^ flags) & VM_ACCOUNT)
        commit_add(flags & VM_ACCOUNT ? npages : -npages);
    if ((old ^ flags) & VM_LOCKED)
        mm->locked_vm += (u64)(flags & VM_LOCKED ? npages : -npages);
    if (is_data(old) != is_data(flags))
        mm->data_vm += (u64)(is_data(flags) ? npages : -npages);
}

struct area_pages area_pages_in(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_seek(mm, start);
    struct area_pages n = {.first = v && v->start < end ? v : NULL};

    for (; v && v->start < end; v = area_next(v, end)) {
        u64 here = (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;

        n.all += here;
        n.committed += v->flags & VM_ACCOUNT ? here : 0;
        n.flags |= v->flags;
    }
    return n;
}

/* The same where a piece of v stays at one side. */
unsigned area_growth_beside(const struct vma *v, vaddr_t start, vaddr_t end, u32 flags)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    bool below = v->start < start;
    const struct vma *beside = below ? vma_next(v) : vma_prev(v);
    struct vma piece;

    if (!beside || beside->flags != flags)
        return 1;
    piece = *v;
    piece.start = MAX(v->start, start);
    piece.end = MIN(v->end, end);
    piece.pgoff = vma_home(v, piece.start);
    piece.flags = flags;
    /* The piece may become part of a neighbour. */
    return below ? !vma_can_merge(&piece, beside) : !vma_can_merge(beside, &piece);
}

bool area_sealed(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = area_next(v, end))
        if (v->flags & VM_SEALED)
            return true;
    return false;
}

int area_check_memlock(const struct mm *mm, u64 npages)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    if (caller_may(CAP_IPC_LOCK))
        return 0;
    return mm->locked_vm + npages > mm->limits.memlock >> PAGE_SHIFT ? -EAGAIN : 0;
}

bool area_cuts_page(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    const struct vma *a = start % HUGE_SIZE ? vma_at(mm, start) : NULL;
    const struct vma *b = end % HUGE_SIZE ? vma_at(mm, end) : NULL;

    return (a && start % vma_page_size(a)) || (b && end % vma_page_size(b));
}

int area_check_unmap(const struct mm *mm, vaddr_t start, vaddr_t end,
                     const struct area_pages *there)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    const struct vma *v = there->first;

    if (v && v->start < start && end < v->end && !area_may_cut(mm, 1))
        return -ENOMEM;
    if ((there->flags & VM_HUGE) && area_cuts_page(mm, start, end))
        return -EINVAL;
    return there->flags & VM_SEALED ? -EPERM : 0;
}

/* Removes the translations of [start, end), a part of v. */
static inline void unmap_part(struct vma *v, vaddr_t start, vaddr_t end, struct change *c)
{
    huge_disown(v);
    if (unlikely(v->flags & VM_ASK_WRITE)) {
        change_before_pauses(c);
        monitor_unguard(v->monitor, start, end);
    }
    zap_range(v, start, end, c);
    slot_forget(v, start, end, c);
}

/* Removes the translations of [start, end), of which v is the first VMA. What has to be cut
 * for that is cut; the first VMA of the range then. */
static struct vma *unmap_pages(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                               struct area_reserve *r)
{
    struct change batch;

    if (v->start < start && end < v->end) /* a hole in it */
        vma_split(mm, v, end, area_take(r));
    if (v->start < start && cut_off(v)) {
        vma_split(mm, v, start, area_take(r));
        v = v->next;
    }
    change_begin(&batch, mm);
    for (struct vma *u = v; u && u->start < end; u = u->next) {
        vaddr_t from = MAX(u->start, start), to = MIN(u->end, end);

        if (to < u->end && cut_off(u))
            vma_split(mm, u, to, area_take(r));
        unmap_part(u, from, to, &batch);
        if (to < end)
            change_pause(&batch);
    }
    change_end(&batch);
    return v;
}

/* Removes v and those behind it that end at `end` at most; the first that stays. */
static struct vma *remove_whole(struct mm *mm, struct vma *v, vaddr_t end,
                                struct area_dead *dead)
{
    struct vma *first = v, *next;

    for (; v && v->end <= end; v = v->next) {
        area_account(mm, v->flags, -(s64)vma_npages(v));
        if (v->end < end)
            pause_anyway();
    }
    if (first == v)
        return v;
    if (first->next == v)
        vma_remove(mm, first);
    else
        vma_remove_run(mm, first, v);
    for (; first != v; first = next) {
        next = first->next;
        area_doom(first, dead);
        if (next != v)
            pause_anyway();
    }
    return v;
}

/* Whether no table is, or could be, under anonymous memory over one leaf table at most. */
static always_inline bool is_bare(const struct vma *v)
{
    return !v->object && !(v->flags & (VM_HUGE | VM_ASK_WRITE)) &&
           (v->start ^ (v->end - 1)) < LEAF_SPAN && !pt_leaf(v->mm, v->start);
}

static noinline void unmap_all(struct vma *v)
{
    struct change c;

    change_begin(&c, v->mm);
    unmap_part(v, v->start, v->end, &c);
    change_end(&c);
}

void area_unmap_one(struct mm *mm, struct vma *v, struct area_dead *dead)
{
    bool bare = is_bare(v);

    if (!bare)
        unmap_all(v);
    area_account(mm, v->flags, -(s64)vma_npages(v));
    vma_remove(mm, v);
    area_trim_between(mm, v->start, v->end, v->prev ? v->prev->end : 0, v->next, !bare);
    area_doom(v, dead);
}

void area_unmap_some(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                     struct area_reserve *r, struct area_dead *dead)
{
    vaddr_t floor;

    /* Translations first, while the VMAs are still in their objects' trees; then the VMAs;
     * then tables nobody can come to any more. */
    v = unmap_pages(mm, v, start, end, r);
    floor = v->start < start ? start : v->prev ? v->prev->end : 0;
    if (v->start < start) {
        area_account(mm, v->flags, -(s64)((v->end - start) >> PAGE_SHIFT));
        vma_set_end(v, start);
        v = v->next;
    }
    v = remove_whole(mm, v, end, dead);
    if (v && v->start < end) {
        area_account(mm, v->flags, -(s64)((end - v->start) >> PAGE_SHIFT));
        vma_set_start(v, end);
    }
    mm->recent = v;
    area_trim_between(mm, start, end, floor, v, true);
}

int area_find_gap_low(const struct mm *mm, u64 len, u64 size, vaddr_t low, vaddr_t high,
                      vaddr_t *out)
{
    int err = vma_find_gap_low(mm, len + (size - PAGE_SIZE), low, high, out);

    if (!err)
        *out = align_up(*out, size);
    return err;
}

struct vma *area_set_flags(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                           u32 flags, struct area_reserve *r)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    s64 npages;
    bool low, high; /* the neighbour there takes the part */

    ASSERT(v->start <= start && end <= v->end);
    if (v->flags == flags)
        return v;
    /* The object counts its VMAs by these. */
    ASSERT(!((v->flags ^ flags) & (VM_SHARED | VM_MAYWRITE | VM_GROWSDOWN)));
    npages = (s64)((end - start) >> PAGE_SHIFT);
    account_flags(mm, v->flags, flags, npages);
    low = start == v->start && v->prev && v->prev->flags == flags &&
          vma_continues(v->prev, v);
    high =
        end == v->end && v->next && v->next->flags == flags && vma_continues(v, v->next);
    if (low && end < v->end) {
        vma_move_border(v->prev, v, end);
        return v->prev;
    }
    if (high && v->start < start) {
        vma_move_border(v, v->next, start);
        return v->next;
    }
    if (v->start < start) {
        vma_split(mm, v, start, area_take(r));
        v = v->next;
    }
    if (end < v->end)
        vma_split(mm, v, end, area_take(r));
    vma_set_flags(v, flags);
    if (high)
        vma_absorb(mm, v, v->next);
    if (low) {
        v = v->prev;
        vma_absorb(mm, v, v->next);
    }
    mm->recent = v; /* mostly it, or what follows it, is next */
    return v;
}
