/* SPDX-License-Identifier: MIT
 *
 * The graph of lib/lockdep.h. Places that take locks are sites; a class is a set of sites,
 * kept as a forest. Edges between sites are only added; those between classes are made anew
 * when two classes become one. All of it under one lock that takes part in nothing.
 */
#include "lib/lockdep.h"
#include "lib/lock.h"
#include "lib/lockdep_graph.h"
#include "lib/nested.h"
#include "lib/percpu.h"

#ifdef TESSERA_LOCKDEP

#define HELD_SPINS 24u

struct held_spin {
    const spinlock_t *lock;
    u32 site;
};

struct held_spins {
    u32 n;
    struct held_spin of[HELD_SPINS];
};

static DEFINE_PER_CPU(struct held_spins, held_spins);
bool lockdep_stopped;

void lockdep_stop(void)
{
    WRITE_ONCE(lockdep_stopped, true);
}

enum taking { TRIES, WAITS, WAITS_NESTED };

/* The running CPU is about to take a spinlock at this place. The word of the lock's class. */
static u32 about_to_take(const spinlock_t *l, uintptr_t place, enum taking how)
{
    u32 word = READ_ONCE(l->held) & ~LOCK_HOLDER_MASK, site;
    const struct held_spins *held = this_cpu_ptr(held_spins);
    bool irqs_on = irq_enabled(), fresh = !word || how == WAITS_NESTED;
    irqflags_t flags;

    if (lockdep_stopped)
        return word;
    flags = irq_save();
    site = lockdep_site_of(place);
    if (!word)
        word = site << LOCK_HOLDER_BITS;
    else if (lockdep_class_of(word >> LOCK_HOLDER_BITS) != lockdep_class_of(site))
        lockdep_join(word >> LOCK_HOLDER_BITS, site);
    for (u32 i = 0; how != TRIES && i < held->n; i++)
        lockdep_note_edge(held->of[i].site, held->of[i].lock, site, l, fresh);
    if (how != TRIES || !cpu_own.irq_depth)
        lockdep_note_interrupts(lockdep_class_of(site), place, irqs_on);
    irq_restore(flags);
    return word;
}

static void taken(const spinlock_t *l, uintptr_t place)
{
    irqflags_t flags = irq_save();
    struct held_spins *held = this_cpu_ptr(held_spins);

    if (!lockdep_stopped) {
        ASSERT(held->n < HELD_SPINS);
        held->of[held->n++] = (struct held_spin){l, lockdep_site_of(place)};
    }
    irq_restore(flags);
}

static void given_up(const spinlock_t *l)
{
    irqflags_t flags = irq_save();
    struct held_spins *held = this_cpu_ptr(held_spins);
    u32 i = held->n;

    while (i > 0 && held->of[i - 1].lock != l)
        i--;
    if (i > 0) {
        for (; i < held->n; i++)
            held->of[i - 1] = held->of[i];
        held->n--;
    }
    irq_restore(flags);
}

/* The word keeps its class while nobody holds the lock. */
static bool take(spinlock_t *l, u32 word)
{
    u32 free = READ_ONCE(l->held);

    return !(free & LOCK_HOLDER_MASK) &&
           __atomic_compare_exchange_n(&l->held, &free,
                                       (free & ~LOCK_HOLDER_MASK ?: word) | cpu_holder(),
                                       false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void take_or_wait(spinlock_t *l, uintptr_t place, enum taking how)
{
    u32 word;

    ASSERT(!spin_is_mine(l));
    word = about_to_take(l, place, how);
    while (!take(l, word))
        cpu_wait();
    SPIN_NOTE(1);
    taken(l, place);
}

void spin_lock(spinlock_t *l)
{
    take_or_wait(l, (uintptr_t)__builtin_return_address(0), WAITS);
}

void spin_lock_nested(spinlock_t *l)
{
    take_or_wait(l, (uintptr_t)__builtin_return_address(0), WAITS_NESTED);
}

bool spin_trylock(spinlock_t *l)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);

    if (!take(l, about_to_take(l, place, TRIES)))
        return false;
    SPIN_NOTE(1);
    taken(l, place);
    return true;
}

void spin_unlock(spinlock_t *l)
{
    ASSERT(spin_is_mine(l));
    SPIN_NOTE(-1);
    given_up(l);
    __atomic_store_n(&l->held, READ_ONCE(l->held) & ~LOCK_HOLDER_MASK, __ATOMIC_RELEASE);
}

void lockdep_mutex(struct mutex *m)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    struct held_mutexes *held = thread_mutexes();
    irqflags_t flags;
    bool fresh = !m->site;
    u32 site;

    if (lockdep_stopped)
        return;
    flags = irq_save();
    site = lockdep_site_of(place);
    if (fresh)
        m->site = site;
    else if (lockdep_class_of(m->site) != lockdep_class_of(site))
        lockdep_join(m->site, site);
    for (u32 i = 0; i < held->n; i++)
        lockdep_note_edge(held->of[i].site, held->of[i].m, site, m, fresh);
    held->next_site = site;
    irq_restore(flags);
}

#endif
