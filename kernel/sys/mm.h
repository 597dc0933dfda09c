/* SPDX-License-Identifier: MIT
 *
 * What the files with memory system calls share.
 */
#pragma once

#include "kernel/pause.h"
#include "kernel/task/proc.h"
#include "lib/uapi/mman.h"
#include "lib/uapi/personality.h"
#include "mm/debug/check.h"
#include "mm/op/mm.h"

static inline struct mm *current_mm(void)
{
    return current_proc()->mm;
}

/* Whether a program that asks for these rights may execute as well, without a word of it: with
 * READ_IMPLIES_EXEC what may be read may be executed, where no mount forbids it. */
static inline bool executes_too(const struct thread *t, u64 prot)
{
    return unlikely(t->personality & READ_EXECUTES) && (prot & PROT_READ);
}

/* Debug kernels look at the whole address space after every call that changes it: on one CPU, for
 * faults and truncates on others would change it meanwhile. */
static inline long checked(long result)
{
#ifdef TESSERA_DEBUG
    if (!check_calls || cpu_count > 1)
        return result;
    stall_end((uintptr_t)__builtin_return_address(0));
    mutex_lock_shared(&current_mm()->lock);
    if (!READ_ONCE(pauses))
        mm_check(current_mm());
    mutex_unlock(&current_mm()->lock);
    stall_begin(); /* the check is no part of the call */
#endif
    return result;
}
