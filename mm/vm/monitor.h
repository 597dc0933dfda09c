/* SPDX-License-Identifier: MIT
 *
 * A monitor: somebody outside mm who wants to be asked before memory changes, as userfaultfd(2)
 * offers it (kernel/uffd/). All that mm knows of him is here: VMAs that he watches refer to him,
 * a fault that he is to be asked about returns FAULT_ASK_* instead of an answer, and each
 * small page that must not be written without him is guarded. What he does to memory is in
 * mm/op/provide.h.
 *
 * Guards are bits by address, not by page: they outlive translations, so truncate, mprotect and remaps
 * need not know about them. Where something may be guarded (VM_ASK_WRITE), only a fault, which
 * looks, gives the right to write.
 */
#pragma once

#include "lib/index.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/vm/vma.h"

struct quota;

struct monitor {
    u32 refs;            /* atomic: of VMAs, and others */
    spinlock_t lock;     /* below T */
    struct index guards; /* [lock] 64 pages each, a bit for each */
    u64 charged;         /* [lock] bytes on the bill of `quota` */
    struct quota *quota; /* [c] referenced */
    void (*release)(
        struct monitor *m); /* the last reference is gone; after monitor_fini() */
};

/* One reference, nothing guarded; the running user pays for guards. */
void monitor_init(struct monitor *m, void (*release)(struct monitor *m));

static inline void monitor_get(struct monitor *m)
{
    u32 old = __atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

void monitor_put(struct monitor *m);

/* v, which has no monitor or this one, gets it and the VM_ASK_* of `flags`; M exclusive. */
void vma_set_monitor(struct vma *v, struct monitor *m, u32 flags);

/* Whether the page of va is guarded. M held. */
static inline bool monitor_guards(const struct monitor *m, vaddr_t va)
{
    u64 page = va >> PAGE_SHIFT;
    u64 bits = (u64)(uintptr_t)index_get(&m->guards, (u32)(page / 64));

    return bits >> page % 64 & 1;
}

/* Guards the pages of [start, end); -ENOMEM: nothing has changed. M exclusive; pauses. */
int must_check monitor_guard(struct monitor *m, vaddr_t start, vaddr_t end);
/* The contrary. M held; pauses when more than 64 pages are asked for, and then M is exclusive. */
void monitor_unguard(struct monitor *m, vaddr_t start, vaddr_t end);
