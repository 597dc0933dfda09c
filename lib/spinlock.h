/* SPDX-License-Identifier: MIT
 *
 * Spinlock: 4 bytes, taken with interrupts as they are. The kernel is not preempted while
 * it runs (only user code and explicit yields switch threads), so a holder never loses its
 * CPU. Locks that interrupt handlers take use the _irq forms everywhere.
 * Order of all locks: docs/book/12-locking.md.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/assert.h"

typedef struct spinlock {
    u32 held;
} spinlock_t;

#define SPINLOCK_INIT \
    {                 \
        0             \
    }

/* Test builds count the locks this CPU holds, so that a pause with one is found. */
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
#define SPIN_NOTE(n) (cpu_spinlocks() += (n))
#else
#define SPIN_NOTE(n) ((void)0)
#endif

static inline void spin_lock(spinlock_t *l)
{
    while (unlikely(__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))) {
        while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
            cpu_relax(); /* serves TLB requests of other CPUs, see arch/cpu.h */
    }
    SPIN_NOTE(1);
}

static inline bool spin_trylock(spinlock_t *l)
{
    if (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
        return false;
    SPIN_NOTE(1);
    return true;
}

static inline void spin_unlock(spinlock_t *l)
{
    SPIN_NOTE(-1);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const spinlock_t *l)
{
    return __atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0;
}

static inline irqflags_t spin_lock_irq(spinlock_t *l)
{
    irqflags_t flags = irq_save();

    spin_lock(l);
    return flags;
}

static inline void spin_unlock_irq(spinlock_t *l, irqflags_t flags)
{
    spin_unlock(l);
    irq_restore(flags);
}
