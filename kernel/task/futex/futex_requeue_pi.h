/* SPDX-License-Identifier: MIT
 *
 * Condition variables with PI futexes.
 */
#pragma once

#include "lib/types.h"

long futex_wait_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, u32 expected,
                           u32 bits, u64 deadline);

long futex_cmp_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, int nmove,
                          u32 expected);
