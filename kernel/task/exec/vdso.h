/* SPDX-License-Identifier: MIT
 *
 * The vDSO (arch/vdso.h) in programs: one object for all of them, the image and behind it the page
 * that the kernel writes.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"

struct mm;
struct vma;

/* Once the clock and all CPUs run. Without memory there is none. */
void vdso_init(void);

/* Bytes it has at most. */
#define VDSO_ROOM (16ul << 10)

/* The time of day was set. */
void vdso_clock_was_set(void);

/* Maps it into a program's fresh memory, up to `end`. The address for AT_SYSINFO_EHDR
 * in *image, 0: there is none. -ENOMEM; -EEXIST: the program lies there. */
int vdso_map(struct mm *mm, vaddr_t end, vaddr_t *image);

/* Whether v shows it. */
bool vdso_is(const struct vma *v);
