/* SPDX-License-Identifier: MIT
 *
 * What a monitor (mm/vm/monitor.h) does to the memory it watches (mm/op/watch.h): gives pages, shows
 * those that are there, guards them against writing. Each takes mm->lock itself; the caller has a
 * reference to mm and wakes who waits. Addresses are multiples of PAGE_SIZE, ranges not empty and in
 * the user half.
 */
#pragma once

#include "mm/vm/monitor.h"

/* What the next three do to a page beside. */
#define PROVIDE_GUARDED \
    1u                  /* it is guarded; without this it is not, whatever was before */
#define PROVIDE_HUGE 2u /* it is one of 2 MiB; -ENOENT: the VMA has others */

/* Whether [start, end) may be provided for: 0, *size is that of its pages; -ENOENT: it is not part of
 * one VMA that has a monitor; -EAGAIN: one who has not been told of all changes; -EINVAL:
 * PROVIDE_GUARDED without VM_ASK_WRITE, or `object`, and it has none; a page is cut. */
int must_check mm_provide_check(struct mm *mm, vaddr_t start, vaddr_t end, u32 how,
                                bool object, u64 *size);

/* The page at va, where there is none, becomes `pg`, from page_alloc_user(), or a copy of the block
 * `pg`, from page_alloc(HUGE_ORDER), which is mm's then; NULL: a small page of zeros. -EEXIST;
 * -EFAULT: beyond the end of its object; -ENOENT, -EAGAIN, -EINVAL as above; -ENOMEM. */
int must_check mm_provide(struct mm *mm, vaddr_t va, struct page *pg, u32 how);

/* Shows at va the page that the object has. -EEXIST: one is shown; -EFAULT: it has none; the rest
 * as above. */
int must_check mm_provide_shown(struct mm *mm, vaddr_t va, u32 how);

/* Guards [start, end) or (on false) ends that. -ENOENT: not all that is mapped there has m and
 * VM_ASK_WRITE, or nothing is; -EAGAIN as above; -EINVAL: a
 * page is cut; -ENOMEM; -EINTR: killed. */
int must_check mm_guard(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end,
                        bool on);
