/* SPDX-License-Identifier: MIT
 *
 * An mremap call under way: mm/call/mremap_call.c decides, mm/op/mremap.c moves. M exclusive.
 */
#pragma once

#include "lib/uapi/mman.h"
#include "mm/op/area.h"

#define PLACED (MREMAP_FIXED | MREMAP_DONTUNMAP)

struct mremap {
    struct mm *mm;
    vaddr_t old, new_addr;
    u64 old_len, new_len;
    u32 flags;
    bool fills;       /* new memory may have to be there at once */
    bool pinned_leaf; /* some leaf table at the target is pinned */
    bool copies;      /* the old place keeps what it shows: shared memory duplicated */
    struct area_reserve reserve, cuts, tail;
    struct area_dead dead;
};

/* Moves, or with `keep` duplicates, what v shows in [old, old+old_len) to new_addr, which is
 * settled. -ENOMEM: nothing has changed. */
int must_check mremap_move(struct mremap *m, struct vma *v, bool keep);
