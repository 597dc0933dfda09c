/* SPDX-License-Identifier: MIT
 *
 * What the memory calls share: records reserved before the first change, cutting VMAs at the
 * ends of a range, unmapping, limits and accounting. M exclusive throughout.
 */
#pragma once

#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/op/populate.h"
#include "mm/vm/commit.h"
#include "mm/vm/vma.h"
#include "mm/vm/vma_gap.h"

/* The VMA after v if v ends below end, for loops over [start, end); pauses between the two. */
static inline struct vma *area_next(const struct vma *v, vaddr_t end)
{
    if (v->end >= end)
        return NULL;
    pause_anyway();
    return vma_next(v);
}

/* Fresh VMA records, so that cutting cannot fail. */
struct area_reserve {
    struct vma *spare[3];
    unsigned n;
};

/* 0, or -ENOMEM with nothing reserved. n <= 3. */
int must_check area_reserve(struct area_reserve *r, unsigned n);
struct vma *area_take(struct area_reserve *r);
/* Frees what was not used. */
static inline void area_release(struct area_reserve *r)
{
    while (unlikely(r->n))
        vma_free(r->spare[--r->n]);
}

/* Records needed to remove [start, end): 0 to 2. */
unsigned area_cuts(const struct mm *mm, vaddr_t start, vaddr_t end);

/* VMAs a call has removed: freed by area_bury after mm->lock is given up, because the last
 * reference to a file may run code that takes locks of the file system. */
struct area_dead {
    struct vma *first;
};
void area_doom(struct vma *v, struct area_dead *dead); /* v is in no tree any more */
void area_bury_all(struct area_dead *dead);
static inline void area_bury(struct area_dead *dead)
{
    if (dead->first)
        area_bury_all(dead);
}

/* What is mapped in a range: the first VMA, pages, those of them with VM_ACCOUNT, and the flags
 * of all VMAs together. */
struct area_pages {
    const struct vma *first; /* NULL: nothing */
    u64 all, committed;
    u32 flags;
};
struct area_pages area_pages_in(struct mm *mm, vaddr_t start, vaddr_t end);

/* Whether [start, end), where `there` is, can be removed: -ENOMEM a hole in one VMA at
 * vm.max_map_count, -EINVAL a page would be cut, -EPERM sealed. */
int must_check area_check_unmap(const struct mm *mm, vaddr_t start, vaddr_t end,
                                const struct area_pages *there);

/* Whether a border at start or end would lie inside a page. */
bool area_cuts_page(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Removes v; what is in [start, end), more or less than one, of which v is the first. */
void area_unmap_one(struct mm *mm, struct vma *v, struct area_dead *dead);
void area_unmap_some(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                     struct area_reserve *r, struct area_dead *dead);
/* Removes everything in [start, end). Needs up to two spare records. Cannot fail. */
static inline void area_unmap(struct mm *mm, vaddr_t start, vaddr_t end,
                              struct area_reserve *r, struct area_dead *dead)
{
    struct vma *v = vma_find(mm, start);

    if (v && v->start == start && v->end == end)
        area_unmap_one(mm, v, dead);
    else if (v && v->start < end)
        area_unmap_some(mm, v, start, end, r, dead);
}

/* The lowest free range of `len` bytes in [low, high) that begins at a multiple of `size`, that of
 * its pages. -ENOMEM. */
int must_check area_find_gap_low(const struct mm *mm, u64 len, u64 size, vaddr_t low,
                                 vaddr_t high, vaddr_t *out);

#define PLACE_BASE (USER_END / 3 & PAGE_MASK)

/* Where a mapping goes that asks for no place, at `least` or above: the highest room below the stack,
 * else the lowest above PLACE_BASE. -ENOMEM. */
static always_inline int must_check area_find_place(const struct mm *mm, u64 len,
                                                    u64 size, vaddr_t least, vaddr_t *out)
{
    least = MAX(align_up(READ_ONCE(mm_min_addr), PAGE_SIZE), least);
    if (unlikely(vma_find_gap(mm, len + (size - PAGE_SIZE), least, mm->mmap_base, out) !=
                 0))
        return area_find_gap_low(mm, len, size, MAX(PLACE_BASE, least), USER_END, out);
    if (size != PAGE_SIZE)
        *out = align_up(*out, size);
    return 0;
}

/* Adds npages (may be negative) of memory with these VM_* flags to the totals. */
static inline void area_account(struct mm *mm, u32 flags, s64 npages)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    mm->total_vm += (u64)npages;
    if (flags & VM_ACCOUNT)
        commit_add(npages);
    if (flags & VM_GROWSDOWN)
        mm->stack_vm += (u64)npages;
    else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        mm->data_vm += (u64)npages;
    if (flags & VM_LOCKED)
        mm->locked_vm += (u64)npages;
    if (mm->total_vm > mm->hiwater_vm) /* its line is written when it changes only */
        mm->hiwater_vm = mm->total_vm;
}

/* Whether some of [start, end) is sealed. */
bool area_sealed(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Whether npages more with these flags fit into RLIMIT_AS, RLIMIT_DATA and, with VM_ACCOUNT,
 * among the commitments; `gone` pages, some of them committed, go away at the same time. 0 or
 * -ENOMEM. */
static inline int must_check area_check_limits(const struct mm *mm, u32 flags, u64 npages,
                                               u64 gone, u64 gone_committed)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    bool data = (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
    u64 more = npages - MIN(gone, npages);

    if (mm->total_vm + more > mm->limits.as >> PAGE_SHIFT)
        return -ENOMEM;
    if (data && mm->data_vm + more > mm->limits.data >> PAGE_SHIFT)
        return -ENOMEM;
    if ((flags & VM_ACCOUNT) && npages > gone_committed)
        return commit_check(mm, npages - gone_committed);
    return 0;
}

/* Whether the address space may have a new VMA: vm.max_map_count and not one more, as mmap
 * counts; or n more by cutting, which never passes the limit. */
static inline bool area_may_add(const struct mm *mm)
{
    return mm->nvmas <= mm_max_map_count;
}
static inline bool area_may_cut(const struct mm *mm, unsigned n)
{
    return n == 0 || mm->nvmas + n <= mm_max_map_count;
}

/* How many VMAs more there are after [start, end) of v (cut to it) has got these flags. */
unsigned area_growth_beside(const struct vma *v, vaddr_t start, vaddr_t end, u32 flags);
static inline unsigned area_growth(const struct vma *v, vaddr_t start, vaddr_t end,
                                   u32 flags)
{
    bool below = v->start < start, above = end < v->end;

    if (v->flags == flags)
        return 0;
    return below == above ? 2u * below : area_growth_beside(v, start, end, flags);
}

/* RLIMIT_MEMLOCK for npages more locked pages: 0, -EAGAIN. */
int must_check area_check_memlock(const struct mm *mm, u64 npages);

/* Makes [start, end), which is free, private anonymous memory of small pages with these flags, filled
 * if they say so. 0; -EAGAIN RLIMIT_MEMLOCK; -ENOMEM other limits, vm.max_map_count, no memory. */
static inline int must_check area_add(struct mm *mm, vaddr_t start, vaddr_t end,
                                      u32 flags)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    u64 npages = (end - start) >> PAGE_SHIFT;
    struct vma *v;
    int err = area_may_add(mm) ? 0 : -ENOMEM;

    if (!err && unlikely(flags & VM_LOCKED))
        err = area_check_memlock(mm, npages);
    if (!err)
        err = area_check_limits(mm, flags, npages, 0, 0);
    v = err ? NULL : vma_alloc();
    if (!v)
        return err ? err : -ENOMEM;
    v->start = start;
    v->end = end;
    v->pgoff = start >> PAGE_SHIFT;
    vma_set_flags(v, flags);
    vma_add(mm, v);
    area_account(mm, flags, (s64)npages);
    if (unlikely(flags & VM_LOCKED) && vm_populates(flags))
        (void)fault_populate(mm, start, end); /* best effort by definition */
    return 0;
}

/* Splits and merges so that [start, end), which lies in v, gets new flags. The cut
 * records must be reserved. Returns the VMA that now holds the part. */
struct vma *area_set_flags(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                           u32 flags, struct area_reserve *r);
