/* SPDX-License-Identifier: MIT
 *
 * The protection keys of an address space, for the calls that give memory one.
 */
#pragma once

#include "arch/pkey.h"
#include "mm/table/mm_types.h"

/* Whether programs may use it: it is in use, and not the one of execute-only memory. */
static inline bool key_is_allocated(const struct mm *mm, int key)
{
    return key >= 0 && key < (int)KEYS && mm->keys >> key & 1 &&
           !(mm->exec_only && mm->exec_only >> PTE_PROT_KEY_SHIFT == (u32)key);
}

/* VM_RIGHTS of memory that can only be executed: VM_EXEC, with the key for it, which the running thread
 * may not read; without one, if there are none or all are in use. M exclusive. */
u32 exec_rights(struct mm *mm);
