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
#include "lib/lockdep.h"

/* Host and debug builds know who holds what, see lib/lock.h. */
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG) || defined(TESSERA_LOCKDEP) || \
    defined(TESSERA_KCSAN)
#define LOCKS_CHECKED
#endif

typedef struct spinlock {
    u32 held; /* 0: free; in checked builds the holder, else 1 */
} spinlock_t;

#define SPINLOCK_INIT \
    {                 \
        0             \
    }

#ifdef LOCKS_CHECKED
#define SPIN_CHECK(cond) ASSERT(cond)
/* The locks of a CPU are counted, so that a pause with one is found. */
#define SPIN_NOTE(n)     (cpu_spinlocks() += (n))

#ifdef TESSERA_LOCKDEP
#define SPIN_HOLDER(word) ((word)&LOCK_HOLDER_MASK)
#else
#define SPIN_HOLDER(word) (word)
#endif

/* Whether the running CPU holds it. An interrupt handler holds what it has interrupted. */
static inline bool spin_is_mine(const spinlock_t *l)
{
    return SPIN_HOLDER(__atomic_load_n(&l->held, __ATOMIC_RELAXED)) == cpu_holder();
}

static inline bool spin_take(spinlock_t *l)
{
    u32 free = 0;

    return __atomic_compare_exchange_n(&l->held, &free, cpu_holder(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
#else
#define SPIN_CHECK(cond)  ((void)0)
#define SPIN_NOTE(n)      ((void)0)
#define SPIN_HOLDER(word) (word)

static inline bool spin_take(spinlock_t *l)
{
    return !__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE);
}
#endif

/* CPUs that have waited for a lock for longer than a moment: who holds one for long may give it up. */
extern u32 spin_waiters;

/* Takes a lock that somebody else had a moment ago. In kernels this function leaves all registers
 * to its caller, and the compiler is not told of the call: so the slow way of an inline lock
 * costs the common way nothing. */
#ifdef TESSERA_HOST
#define SAVES_ALL
#else
#define SAVES_ALL __attribute__((no_caller_saved_registers))
#endif
SAVES_ALL void spin_wait(spinlock_t *l);

static always_inline void spin_wait_quietly(spinlock_t *l)
{
#ifdef TESSERA_HOST
    spin_wait(l);
#else
    __asm__ volatile("call spin_wait" ::"D"(l) : "memory", "cc");
#endif
}

#ifdef TESSERA_LOCKDEP
void spin_lock(spinlock_t *l);
bool spin_trylock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
#else
static always_inline void spin_lock(spinlock_t *l)
{
    SPIN_CHECK(!spin_is_mine(l));
    if (unlikely(!spin_take(l)))
        spin_wait_quietly(l);
    SPIN_NOTE(1);
}

static inline bool spin_trylock(spinlock_t *l)
{
    if (!spin_take(l))
        return false;
    SPIN_NOTE(1);
    return true;
}

static inline void spin_unlock(spinlock_t *l)
{
    SPIN_CHECK(spin_is_mine(l));
    SPIN_NOTE(-1);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
#endif

static inline bool spin_is_locked(const spinlock_t *l)
{
    return SPIN_HOLDER(__atomic_load_n(&l->held, __ATOMIC_RELAXED)) != 0;
}

static always_inline irqflags_t spin_lock_irq(spinlock_t *l)
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
