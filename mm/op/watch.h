/* SPDX-License-Identifier: MIT
 *
 * A monitor (mm/vm/monitor.h) begins and ends to watch memory. Each takes mm->lock itself; the caller
 * has a reference to mm and wakes who waits. Addresses are multiples of PAGE_SIZE, ranges not empty
 * and in the user half.
 */
#pragma once

#include "mm/vm/monitor.h"

/* m is asked about [start, end) as the VM_ASK_* in `asks` say. *huge (NULL: not asked): some of it has
 * pages of 2 MiB. -EINVAL: nothing is mapped there, or something that cannot be watched in this way,
 * or a page is cut; -EPERM: memory that can never be written; -EBUSY: somebody else's; -ENOMEM. */
int must_check mm_watch(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end,
                        u32 asks, bool *huge);
/* The end of that, also where it was not watched. -EINVAL: as above, or somebody else's; -ENOMEM. */
int must_check mm_unwatch(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end);
/* Everywhere. */
void mm_unwatch_all(struct mm *mm, struct monitor *m);
