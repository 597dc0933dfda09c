/* SPDX-License-Identifier: MIT
 *
 * What the memory calls share: records reserved before the first change, cutting VMAs at the
 * ends of a range, unmapping, limits and accounting. M exclusive throughout.
 */
#pragma once

#include "mm/mm.h"
#include "mm/vma.h"

/* Fresh VMA records, so that cutting cannot fail. */
struct area_reserve {
    struct vma *spare[3];
    unsigned n;
};

/* 0, or -ENOMEM with nothing reserved. n <= 3. */
int must_check area_reserve(struct area_reserve *r, unsigned n);
struct vma *area_take(struct area_reserve *r);
void area_release(struct area_reserve *r); /* frees what was not used */

/* Records needed to cut [start, end) out: 0 to 2. */
unsigned area_cuts(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Makes va a border between VMAs, if it lies inside one. */
void area_cut(struct mm *mm, vaddr_t va, struct area_reserve *r);

/* VMAs a call has removed: freed by area_bury after mm->lock is given up, because the last
 * reference to a file may run code that takes locks of the file system. */
struct area_dead {
    struct vma *first;
};
void area_bury(struct area_dead *dead);

/* Removes everything in [start, end). Needs up to two spare records. Cannot fail. */
void area_unmap(struct mm *mm, vaddr_t start, vaddr_t end, struct area_reserve *r,
                struct area_dead *dead);

/* Adds npages (may be negative) of memory with these VM_* flags to the totals. */
void area_account(struct mm *mm, u32 flags, s64 npages);

/* Whether some of [start, end) is sealed. */
bool area_sealed(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Mapped pages in [start, end). */
u64 area_pages_in(const struct mm *mm, vaddr_t start, vaddr_t end);

/* Whether npages more with these flags fit into RLIMIT_AS, RLIMIT_DATA, the memory of the
 * machine (private writable memory, unless VM_NORESERVE) and the number of VMAs; `replaced`
 * pages go away at the same time. 0 or -ENOMEM. */
int must_check area_check_limits(const struct mm *mm, u32 flags, u64 npages,
                                 u64 replaced);

/* RLIMIT_MEMLOCK for npages more locked pages: 0, -EAGAIN. */
int must_check area_check_memlock(const struct mm *mm, u64 npages);

/* Splits and merges so that [start, end) within one VMA at a time gets new flags. The cut
 * records must be reserved. Returns the VMA that now holds the part. */
struct vma *area_set_flags(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                           u32 flags, struct area_reserve *r);
