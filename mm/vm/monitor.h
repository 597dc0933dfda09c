/* SPDX-License-Identifier: MIT
 *
 * A monitor: somebody outside mm who wants to be asked before memory changes, as userfaultfd(2)
 * offers it (kernel/uffd/). All that mm knows of him is here: VMAs that he watches refer to him,
 * a fault that he is to be asked about returns FAULT_ASK_* instead of an answer, and each
 * small page that must not be written without him is guarded. What he does to memory is in
 * mm/op/provide.h.
 *
 * Where the monitor wants it, his memory stays his when mremap moves it, and the child of a fork gets
 * a monitor of its own for what it inherits.
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
    u32 changing;        /* atomic: so many calls change memory and have not told him yet:
                          * nothing is provided or guarded meanwhile */
    bool follows;        /* [M of what is watched] mremap leaves him what it moves */
    /* [the same] At fork: the monitor for memory of `child`, with a reference; NULL: no memory
     * for it. Itself NULL: the child's memory is not watched. */
    struct monitor *(*heir)(struct monitor *m, struct mm *child);
    struct monitor *born,
        *next; /* [M exclusive] of the fork under way: that, and another parent */
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

/* Whether v's monitor is to have what mremap moves. */
static inline bool monitor_follows(const struct vma *v)
{
    return v->monitor && v->monitor->follows;
}

/* At fork: c, the copy of v, gets the heir of v's monitor, and its guards; *parents, NULL before the
 * first: monitors that got an heir. -ENOMEM, -EINTR. M of both exclusive; pauses. */
int must_check monitor_inherit(struct vma *c, struct vma *v, struct monitor **parents);
/* After the last VMA, or a failure, with the same locks. */
void monitor_inherited(struct monitor *parents);

/* Guards the pages of [start, end); -ENOMEM: nothing has changed. M exclusive; pauses. */
int must_check monitor_guard(struct monitor *m, vaddr_t start, vaddr_t end);
/* Room for guarding at `at` and on, in `to`, what is guarded of [start, end) in `from`; then, with the
 * same arguments, the guards: that cannot fail. -ENOMEM, -EINTR: no room is left over. M exclusive;
 * pause. */
int must_check monitor_copy_reserve(struct monitor *from, vaddr_t start, vaddr_t end,
                                    struct monitor *to, vaddr_t at);
void monitor_copy(struct monitor *from, vaddr_t start, vaddr_t end, struct monitor *to,
                  vaddr_t at);
/* Gives room back that was reserved for that and not used. */
void monitor_copy_undo(struct monitor *to, vaddr_t at, u64 len);
/* The contrary. M held; pauses when more than 64 pages are asked for, and then M is exclusive. */
void monitor_unguard(struct monitor *m, vaddr_t start, vaddr_t end);
