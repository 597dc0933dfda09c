/* SPDX-License-Identifier: MIT
 *
 * What the memory calls share: records reserved before the first change, cutting VMAs at the
 * ends of a range, unmapping, limits and accounting. M exclusive throughout.
 */
#pragma once

#include "lib/pause.h"
#include "mm/op/mm.h"
#include "mm/vm/vma.h"

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

/* Removes everything in [start, end). Needs up to two spare records. Cannot fail. */
void area_unmap(struct mm *mm, vaddr_t start, vaddr_t end, struct area_reserve *r,
                struct area_dead *dead);

/* The lowest free range of `len` bytes in [low, high) that begins at a multiple of `size`, that of
 * its pages. -ENOMEM. */
int must_check area_find_gap_low(const struct mm *mm, u64 len, u64 size, vaddr_t low,
                                 vaddr_t high, vaddr_t *out);

/* Where a mapping goes that asks for no place, at `least` or above: the highest room below the stack,
 * else the lowest above a base. -ENOMEM. */
int must_check area_find_place(const struct mm *mm, u64 len, u64 size, vaddr_t least,
                               vaddr_t *out);

/* Adds npages (may be negative) of memory with these VM_* flags to the totals. */
void area_account(struct mm *mm, u32 flags, s64 npages);

/* Whether some of [start, end) is sealed. */
bool area_sealed(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Whether npages more with these flags fit into RLIMIT_AS, RLIMIT_DATA and, with VM_ACCOUNT,
 * among the commitments; `gone` pages, some of them committed, go away at the same time. 0 or
 * -ENOMEM. */
int must_check area_check_limits(const struct mm *mm, u32 flags, u64 npages, u64 gone,
                                 u64 gone_committed);

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
unsigned area_growth(const struct vma *v, vaddr_t start, vaddr_t end, u32 flags);

/* RLIMIT_MEMLOCK for npages more locked pages: 0, -EAGAIN. */
int must_check area_check_memlock(const struct mm *mm, u64 npages);

/* Splits and merges so that [start, end) within one VMA at a time gets new flags. The cut
 * records must be reserved. Returns the VMA that now holds the part. */
struct vma *area_set_flags(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                           u32 flags, struct area_reserve *r);
