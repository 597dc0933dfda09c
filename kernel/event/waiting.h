/* SPDX-License-Identifier: MIT
 *
 * What the calls that wait for files share: their time, and the mask of signals for as long
 * as they wait.
 */
#pragma once

#include "lib/types.h"

/* ns from now as a moment; 0 stays "do not wait". */
u64 deadline_in(u64 ns);

/* Replaces the running thread's mask while it waits; user 0: does not. -EINVAL, -EFAULT. */
int must_check mask_from_user(vaddr_t user, u64 size, bool *replaced);
/* An interrupted call gets its mask back only when the handlers have been set up. */
void mask_restore(bool replaced, long result);
