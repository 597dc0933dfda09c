/* SPDX-License-Identifier: MIT
 *
 * Growable areas (MAP_GROWSDOWN, the program's stack).
 */
#pragma once

#include "lib/types.h"

struct mm;
struct vma;

/* Extends the growable VMA above va down to va: within RLIMIT_STACK and RLIMIT_AS, with
 * STACK_GUARD_GAP to the VMA below. The VMA, or NULL. M exclusive. */
struct vma *stack_grow(struct mm *mm, vaddr_t va);

/* Sets up the growable stack of a new program: [top - initial, top). */
int mm_make_stack(struct mm *mm, vaddr_t top, u64 initial, bool exec);
