/* SPDX-License-Identifier: MIT
 *
 * The page fault: from an address and an access to an installed translation or a reason
 * why there is none.
 */
#pragma once

#include "arch/pkey.h"
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
/* And what only fault_handle() and fault_denied() say: the protection key fault_key(result) denies it:
 * SIGSEGV, SEGV_PKUERR. */
#define FAULT_KEY ((enum fault_result)0x40)

static inline bool fault_asks(enum fault_result result)
{
    return result >= FAULT_ASK_MISSING && result <= FAULT_ASK_MINOR;
}

static inline bool fault_by_key(enum fault_result result)
{
    return result - FAULT_KEY < KEYS;
}

static inline unsigned fault_key(enum fault_result result)
{
    return result - FAULT_KEY;
}

/* Whether the key of v keeps the running thread from it, whose address space it is. */
static inline bool fault_key_denies(const struct vma *v, bool write)
{
    return !key_allows(vma_key(v), write);
}

#define FAULT_READ   1u /* equal VM_READ, VM_WRITE, VM_EXEC */
#define FAULT_WRITE  2u
#define FAULT_EXEC   4u
/* Beside them, of fault_locked(): vma_read() has just found the VMA, so slot_read() is right. */
#define FAULT_HINTED 8u
/* The running thread does it, in mm which is loaded, so its rights by protection keys count; nobody's
 * do where one address space looks into another. Fetches need none (Intel SDM vol. 3A, 4.6.2). */
#define FAULT_KEYED  16u

/* Resolves one access at va with mm->lock held in either mode, without stack growth. Counts no fault. */
enum fault_result fault_locked(struct mm *mm, struct vma *v, vaddr_t va, u32 access);

/* Makes the page at va a private copy that va alone shows, whatever the rights of v, which
 * is private and has some right; the translation stays within the rights. mm->lock held. */
enum fault_result fault_own(struct mm *mm, struct vma *v, vaddr_t va);
