/* SPDX-License-Identifier: MIT
 *
 * The executable invariants of docs/reference/invariants.md. Host tests run them after every
 * step, debug kernels after every memory call.
 */
#pragma once

struct mm;

/* Panics with the invariant that does not hold. M held in any mode, nothing else running on
 * this address space. */
void mm_check(struct mm *mm);

/* All address spaces and the frames: nothing may run. */
void mm_check_all(void);
