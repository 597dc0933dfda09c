/* SPDX-License-Identifier: MIT
 *
 * Commitments: memory that programs may still come to need. Counted are the pages of VMAs
 * with VM_ACCOUNT (private writable memory), the size of shared anonymous objects and System V
 * segments, and each page of other files in memory. vm.overcommit_memory says what the count
 * means. docs/reference/overcommit.md.
 */
#pragma once

#include "mm/phys/stat.h"

struct mm;

#define OVERCOMMIT_GUESS  0u /* no single piece larger than the machine */
#define OVERCOMMIT_ALWAYS 1u
#define OVERCOMMIT_NEVER  2u /* all pieces together below commit_limit */

/* vm.overcommit_memory, vm.overcommit_ratio (per cent), vm.overcommit_kbytes (0: the ratio
 * counts), vm.admin_reserve_kbytes, vm.user_reserve_kbytes. */
extern u32 mm_overcommit, mm_overcommit_ratio;
extern u64 mm_overcommit_kbytes, mm_admin_reserve_kbytes, mm_user_reserve_kbytes;

/* The reserves of a machine with npages free pages. */
void commit_init(u64 npages);

/* Whether npages more may be committed, for mm (NULL: for nobody in particular). Counts
 * nothing. 0 or -ENOMEM. */
int must_check commit_check(const struct mm *mm, u64 npages);

/* Counts npages (may be negative). Not for interrupt handlers. */
DECLARE_PER_CPU(s64, commit_part); /* read it by commit_total() */
static inline void commit_add(s64 npages)
{
    mm_part_add(commit_part, npages);
}

/* Pages committed, and how many mode 2 allows. */
u64 commit_total(void);
u64 commit_limit(void);
