/* SPDX-License-Identifier: MIT
 *
 * The slow half of the sleeping lock: waiters queue, and the one that unlocks hands the lock to
 * the first of them (with every reader that follows directly). MUTEX_QUEUED in the state sends all
 * others here, so that m->lock alone says who gets it. Where there are other CPUs one who comes
 * tries for a moment before he queues, and looks for a moment before he sleeps: most holders have
 * done by then, and to sleep and be woken costs more, for both.
 */
#include "lib/lock.h"

void mutex_init(struct mutex *m)
{
    m->lock = (spinlock_t)SPINLOCK_INIT;
    m->state = 0;
    list_init(&m->queue);
#ifdef TESSERA_LOCKDEP
    m->site = 0;
#endif
#ifdef LOCKS_CHECKED
    m->bears_faults = false;
#endif
}

#define LOOK_TURNS 500u
#define LOOK_STEP  16u

/* All others come to m->lock from here on, until grant(). */
static void shut(struct mutex *m)
{
    REQUIRES(&m->lock);
    __atomic_fetch_or(&m->state, MUTEX_QUEUED, __ATOMIC_ACQUIRE);
}

/* The holders are these, without MUTEX_QUEUED; grants the lock to waiters in order while it is free
 * for them. A waiter that sees `granted` passes m->lock before it goes on: so its thread is there
 * until it has been woken. MUTEX_QUEUED was set. */
static void grant(struct mutex *m, u32 holders)
{
    REQUIRES(&m->lock);
    while (!list_empty(&m->queue)) {
        struct mutex_waiter *w = list_entry(m->queue.next, struct mutex_waiter, link);
        void *thread = w->sleeps ? w->thread : NULL;

        if (w->mode == MUTEX_EXCLUSIVE ? holders != 0 : holders & MUTEX_ALONE)
            break;
        holders += w->mode == MUTEX_EXCLUSIVE ? MUTEX_ALONE : MUTEX_READER;
        list_del(&w->link);
        WRITE_ONCE(w->granted, true);
        if (thread)
            thread_unpark(thread);
    }
    __atomic_store_n(&m->state, holders | (list_empty(&m->queue) ? 0 : MUTEX_QUEUED),
                     __ATOMIC_RELEASE);
}

static u32 holders_of(const struct mutex *m)
{
    return READ_ONCE(m->state) & ~MUTEX_QUEUED;
}

/* Whether w was granted the lock; if not and `leave`, it waits no more. */
static bool is_granted(struct mutex *m, struct mutex_waiter *w, bool leave)
{
    bool granted;

    spin_lock(&m->lock);
    granted = w->granted;
    w->sleeps = !granted;
    if (!granted && leave) {
        list_del(&w->link);
        grant(m, holders_of(m)); /* those behind it may go with those that have it */
    }
    spin_unlock(&m->lock);
    return granted;
}

/* Whether it is no use to look on: others could run here, and the holder, who may pause, can be one
 * of them. */
static bool is_vain(void)
{
    const struct cpu *cpu = cpu_self();

    return READ_ONCE(cpu->need_resched) || READ_ONCE(cpu->ready) > 1;
}

/* Tries for a moment, less and less often. Who is in the queue is handed the lock, and nobody has it
 * until he runs: so one that comes stays out for as long as he can, also while there is a queue, which
 * goes first. */
static bool try_again(struct mutex *m, enum mutex_mode mode)
{
    u32 step = 1; /* turns to the next look, which takes the line from the holder */

    for (u32 i = 0; i < LOOK_TURNS && cpu_count > 1; i += step) {
        u32 taken = mode == MUTEX_EXCLUSIVE ? ~0u : MUTEX_ALONE | MUTEX_QUEUED;

        if (!(READ_ONCE(m->state) & taken) && mutex_try(m, mode))
            return true;
        if (is_vain())
            return false;
        step = MIN(2 * step, LOOK_STEP);
        for (u32 turn = 0; turn < step; turn++)
            cpu_wait();
    }
    return false;
}

/* Waits a moment for w to be granted. */
static void look(const struct mutex_waiter *w)
{
    for (u32 i = 0; i < LOOK_TURNS && cpu_count > 1; i++) {
        if (READ_ONCE(w->granted) || is_vain())
            return;
        cpu_wait();
    }
}

bool mutex_lock_slow(struct mutex *m, enum mutex_mode mode, bool (*stop)(void))
{
    struct mutex_waiter w = {.thread = thread_self(), .mode = mode};
    bool leave = false;

    if (try_again(m, mode))
        return true;
    spin_lock(&m->lock);
    list_add_tail(&m->queue, &w.link);
    shut(m);
    grant(m, holders_of(m));
    spin_unlock(&m->lock);
    look(&w);
    if (is_granted(m, &w, false))
        return true;
    while (!leave) {
        if (READ_ONCE(w.granted) && is_granted(m, &w, false))
            return true;
        leave = stop && stop();
        if (!leave)
            thread_park();
    }
    return is_granted(m, &w, true);
}

/* What is left when one holder goes. */
static u32 less(u32 state)
{
    ASSERT(state & ~MUTEX_QUEUED);
    return state - (state & MUTEX_ALONE ? MUTEX_ALONE : MUTEX_READER);
}

void mutex_unlock_slow(struct mutex *m)
{
    u32 old = READ_ONCE(m->state);

    while (!(old & MUTEX_QUEUED))
        if (__atomic_compare_exchange_n(&m->state, &old, less(old), true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    spin_lock(&m->lock);
    shut(m); /* those who waited may have gone */
    grant(m, less(holders_of(m)));
    spin_unlock(&m->lock);
}

#ifdef LOCKS_CHECKED
static u32 find(const struct held_mutexes *held, const struct mutex *m)
{
    u32 i = 0;

    while (i < held->n && held->of[i].m != m)
        i++;
    return i;
}

bool mutex_may_take(const struct mutex *m)
{
    return cpu_spinlocks() == 0 && !mutex_is_mine(m);
}

void mutex_note_taken(const struct mutex *m, enum mutex_mode mode)
{
    struct held_mutexes *held = thread_mutexes();

    ASSERT(held->n < HELD_MUTEXES);
    held->of[held->n].m = m;
    held->of[held->n].site = held->next_site;
    held->of[held->n++].mode = mode;
}

void mutex_note_given_up(const struct mutex *m)
{
    struct held_mutexes *held = thread_mutexes();
    u32 i = find(held, m);

    ASSERT(i < held->n); /* a mutex is given up by who holds it */
    held->of[i] = held->of[--held->n];
}

bool mutex_is_mine(const struct mutex *m)
{
    const struct held_mutexes *held = thread_mutexes();

    return find(held, m) < held->n;
}

bool mutex_is_mine_alone(const struct mutex *m)
{
    const struct held_mutexes *held = thread_mutexes();
    u32 i = find(held, m);

    return i < held->n && held->of[i].mode == MUTEX_EXCLUSIVE;
}

bool mutexes_bear_faults(void)
{
    const struct held_mutexes *held = thread_mutexes();
    u32 i = 0;

    while (i < held->n && held->of[i].m->bears_faults)
        i++;
    return i == held->n;
}
#endif
