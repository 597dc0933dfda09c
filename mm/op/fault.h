/* SPDX-License-Identifier: MIT
 *
 * The page fault: from an address and an access to an installed translation or a reason
 * why there is none.
 */
#pragma once

#include "mm/vm/slot.h"

enum fault_result {
    FAULT_OK,
    FAULT_MAPERR, /* nothing mapped there: SIGSEGV, SEGV_MAPERR */
    FAULT_ACCERR, /* the VMA does not allow this access: SIGSEGV, SEGV_ACCERR */
    FAULT_BUS,    /* beyond the end of the object: SIGBUS, BUS_ADRERR */
    FAULT_OOM,    /* no memory */
    /* The monitor of the VMA is to be asked first (mm/vm/monitor.h); nothing has changed. */
    FAULT_ASK_MISSING, /* there is no page */
    FAULT_ASK_WRITE,   /* it is guarded against writing */
    FAULT_ASK_MINOR    /* the object has the page, and it is not shown */
};

static inline bool fault_asks(enum fault_result result)
{
    return result >= FAULT_ASK_MISSING && result <= FAULT_ASK_MINOR;
}

#define FAULT_READ   1u /* equal VM_READ, VM_WRITE, VM_EXEC */
#define FAULT_WRITE  2u
#define FAULT_EXEC   4u
/* Beside them, of fault_locked(): vma_read() has just found the VMA, so slot_read() is right. */
#define FAULT_HINTED 8u

/* Resolves one access at va. Takes mm->lock itself (shared, or exclusive to grow a stack).
 * An address below a growable area grows it, whatever the stack pointer says, as Linux does
 * since 5.0, within RLIMIT_STACK and the guard gap. */
enum fault_result fault_handle(struct mm *mm, vaddr_t va, u32 access);

/* The same with mm->lock held in either mode, without stack growth. Counts no fault. */
enum fault_result fault_locked(struct mm *mm, struct vma *v, vaddr_t va, u32 access);

/* Makes the page at va a private copy that va alone shows, whatever the rights of v, which
 * is private and has some right; the translation stays within the rights. mm->lock held. */
enum fault_result fault_own(struct mm *mm, struct vma *v, vaddr_t va);
