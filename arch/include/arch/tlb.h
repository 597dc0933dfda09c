/* SPDX-License-Identifier: MIT
 *
 * Forgetting translations that the CPUs remember.
 */
#pragma once

#include "lib/types.h"

struct mm;

/* Loads the address space with this root on the running CPU (no-op when loaded). mm NULL:
 * the kernel's own. Flushes what the CPU may hold of the previous one. */
void arch_mm_load(struct mm *mm, paddr_t root);
void arch_flush_user_all(void);

/* Flush a kernel address range on every CPU and wait. */
void arch_flush_kernel(vaddr_t start, vaddr_t end);

/* Asks the CPUs in `cpus` (bit per cpu_id, the caller's own excluded) to flush [start, end)
 * of `mm`, or everything of it when start == end == 0, and returns when all have. */
void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end);
