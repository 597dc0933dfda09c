/* SPDX-License-Identifier: MIT
 *
 * The records of VMAs: where they come from, what they refer to, which one a CPU found last.
 */
#pragma once

#include "arch/pte.h"
#include "lib/percpu.h"
#include "lib/types.h"

struct mm;
struct vma;

/* A record without references and policy, whose other fields say nothing yet: bounds, home and flags are the
 * caller's to set, the rest is set when it is inserted. NULL: no memory. */
struct vma *vma_alloc(void);
/* Makes the fresh record `to` show what v shows in [start, end), which may be beyond its end,
 * at `at` of `mm`: bounds, home, flags, policy, references to object and file. It has no monitor. */
void vma_copy(struct vma *to, struct mm *mm, vaddr_t at, const struct vma *v,
              vaddr_t start, vaddr_t end);
/* Frees the record and drops its references to object and file. */
void vma_free(struct vma *v);

/* What the running CPU found last between mm_read_begin() and mm_read_end(), of the address space
 * that is loaded: right as long as that has not been changed. */
struct vma_hint {
    u64 seq; /* of the address space; ~0, which none ever has: nothing was found */
    struct vma *v;
    const pte_t *directory; /* a table of level 1, and the first address it covers */
    vaddr_t covers;
};
DECLARE_PER_CPU(struct vma_hint, vma_hint);
/* The rest of vma_read(), and of vma_read_begin() where `seq` is mm's. */
struct vma *vma_read_search(const struct mm *mm, vaddr_t va);
struct vma *vma_read_begin_slowly(struct mm *mm, vaddr_t va, u64 seq);
