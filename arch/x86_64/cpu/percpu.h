/* SPDX-License-Identifier: MIT
 *
 * What each CPU has for itself: its copy of the per-CPU section, headed by its block, an idle
 * stack and the stacks of its exceptions.
 */
#pragma once

#include "arch/cpu.h"

/* Keeps the section as it is linked, for the copies. First thing in C. */
void cpu_areas_init(void);

/* Makes those of CPU `id`, which is not running; its block, NULL: no memory. */
struct cpu *cpu_area_create(u32 id);
void cpu_area_destroy(u32 id);
/* Memory of one. */
u64 cpu_area_pages(void);

/* The boot CPU's exceptions get guarded stacks too. After kspace_init. */
void cpu_area_boot_stacks(void);
