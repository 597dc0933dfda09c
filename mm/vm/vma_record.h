/* SPDX-License-Identifier: MIT
 *
 * The records of VMAs: where they come from, what they refer to.
 */
#pragma once

#include "lib/types.h"

struct mm;
struct vma;

/* A record without references, whose other fields say nothing yet: bounds, home and flags are the
 * caller's to set, the rest is set when it is inserted. NULL: no memory. */
struct vma *vma_alloc(void);
/* Makes the fresh record `to` show what v shows in [start, end), which may be beyond its end,
 * at `at` of `mm`: bounds, home, flags, references to object and file. It has no monitor. */
void vma_copy(struct vma *to, struct mm *mm, vaddr_t at, const struct vma *v,
              vaddr_t start, vaddr_t end);
/* Frees the record and drops its references to object and file. */
void vma_free(struct vma *v);
