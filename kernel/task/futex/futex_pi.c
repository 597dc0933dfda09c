/* SPDX-License-Identifier: MIT
 *
 * PI futexes: locks whose word holds the number of the owning thread. The kernel is asked only when
 * somebody must wait; then a struct futex_pi says who has the lock, and unlocking hands it to the
 * first who waits. Nobody is boosted: threads wait in the order of their arrival.
 *
 * A waiter that was given the lock stays in the queue until it runs: so that others find the
 * owner there while the word of one that died is not yet right.
 */
#include "kernel/task/futex/futex_pi.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define CHAIN_MAX 1024u

SLAB_CACHE(pi_cache, "futex_pi", struct futex_pi);

struct futex_pi *futex_pi_alloc(void)
{
    return slab_zalloc(&pi_cache);
}

void futex_pi_drop(struct futex_pi *unused)
{
    slab_free(&pi_cache, unused);
}

/* pi->owner and link, nwaiters together with the bucket's, thread->pi_owned, pi_wait,
 * pi_gone (set without it). One for all: a circle may go through any of them; only who has to wait, or made others
 * wait, comes here. pi->owner changes under the bucket's lock too, which is enough to read it.
 * Irq-safe. */
static spinlock_t pi_lock;

static void set_owner(struct futex_pi *pi, struct thread *owner)
{
    irqflags_t flags = spin_lock_irq(&pi_lock);

    if (pi->owner)
        list_del(&pi->link);
    pi->owner = owner;
    if (owner)
        list_add_tail(&owner->pi_owned, &pi->link);
    spin_unlock_irq(&pi_lock, flags);
}

/* False: that one ends, and owns nothing new. */
static bool set_owner_alive(struct futex_pi *pi, struct thread *owner)
{
    SCOPED_LOCK_IRQ(&pi_lock);

    pi->owner = owner;
    list_add_tail(&owner->pi_owned, &pi->link);
    /* First that, then the look: futex_pi_exit() does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (likely(!READ_ONCE(owner->pi_gone)))
        return true;
    list_del(&pi->link);
    pi->owner = NULL;
    return false;
}

void futex_pi_free(struct futex_pi *pi)
{
    set_owner(pi, NULL);
    slab_free(&pi_cache, pi);
}

struct futex_waiter *futex_first_waiter(struct futex_bucket *b,
                                        const struct futex_key *key)
{
    REQUIRES(&b->lock);
    struct list *pos;

    list_for_each (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (futex_same_key(&w->key, key))
            return w;
    }
    return NULL;
}

/* The first that was not given the lock already. */
static struct futex_waiter *next_owner(struct futex_bucket *b, const struct futex_pi *pi)
{
    REQUIRES(&b->lock);
    struct list *pos;

    list_for_each (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (w->pi == pi && !w->woken)
            return w;
    }
    return NULL;
}

static bool circle(const struct thread *t, const struct futex_pi *pi)
{
    REQUIRES(&pi_lock);
    for (u32 n = 0; pi && pi->owner && n < CHAIN_MAX; n++) {
        if (pi->owner == t)
            return true;
        pi = pi->owner->pi_wait;
    }
    return false;
}

/* Looked for and begun in one: two threads must not both find no circle and then make one. */
int futex_pi_wait_on(struct futex_waiter *w, struct futex_pi *pi)
{
    SCOPED_LOCK_IRQ(&pi_lock);

    if (circle(w->thread, pi))
        return -EDEADLOCK;
    w->pi = pi;
    pi->nwaiters++;
    w->thread->pi_wait = pi;
    return 0;
}

/* The waiter leaves the queue and the PI futex. */
static void leave(struct futex_waiter *w)
{
    REQUIRES(&w->bucket->lock);
    struct futex_pi *pi = w->pi;
    irqflags_t flags = spin_lock_irq(&pi_lock);

    w->thread->pi_wait = NULL;
    w->pi = NULL;
    spin_unlock_irq(&pi_lock, flags);
    list_del(&w->link);
    if (--pi->nwaiters == 0)
        futex_pi_free(pi);
}

/* ---- who owns it ---- */

/* The word says who owns a futex that others wait for: it must agree with what is known. */
static int join(const struct futex_waiter *first, u32 word, struct futex_pi **pi)
{
    s32 tid = (s32)(word & FUTEX_TID_MASK);
    irqflags_t flags;
    int err = 0;

    if (!first->pi)
        return -EINVAL; /* somebody waits for it as for another kind */
    flags = spin_lock_irq(&pi_lock);
    if (!first->pi->owner ||
        (first->pi->owner->tid != tid && (tid || !(word & FUTEX_OWNER_DIED))))
        err = -EINVAL;
    spin_unlock_irq(&pi_lock, flags);
    if (!err)
        *pi = first->pi;
    return err;
}

static void found(struct futex_pi **spare, const struct futex_key *key,
                  struct thread *owner, struct futex_pi **pi)
{
    *pi = *spare;
    *spare = NULL;
    (*pi)->key = *key;
    set_owner(*pi, owner);
}

/* The first who waits: the word alone says who owns it. */
static int found_for_word(struct futex_pi **spare, const struct futex_key *key, s32 tid,
                          struct futex_pi **pi)
{
    irqflags_t flags;
    struct thread *owner = thread_lock(0, tid, &flags);
    int err = owner && set_owner_alive(*spare, owner) ? 0 : -ESRCH;

    if (!err) {
        *pi = *spare;
        *spare = NULL;
        (*pi)->key = *key;
    }
    if (owner)
        thread_unlock(tid, flags);
    return err;
}

int futex_pi_take(vaddr_t addr, struct futex_bucket *b, const struct futex_key *key,
                  struct thread *t, enum taking how, struct futex_pi **spare,
                  struct futex_pi **pi)
{
    REQUIRES(&b->lock);
    struct futex_waiter *first;
    u32 word, new;
    int err = futex_load_now(addr, &word);

    if (err)
        return err;
    if ((s32)(word & FUTEX_TID_MASK) == t->tid)
        return -EDEADLOCK;
    first = futex_first_waiter(b, key);
    if (first)
        return join(first, word, pi);
    if (!(word & FUTEX_TID_MASK)) {
        new = (word & FUTEX_OWNER_DIED) | (u32)t->tid;
        if (how == TAKE_WITH_WAITERS)
            new |= FUTEX_WAITERS;
        err = futex_xchg_now(addr, word, new);
        if (!err && how == TAKE_WITH_WAITERS)
            found(spare, key, t, pi);
        return err ? err : 1;
    }
    err = futex_xchg_now(addr, word, word | FUTEX_WAITERS);
    return err ? err : found_for_word(spare, key, (s32)(word & FUTEX_TID_MASK), pi);
}

int futex_pi_retry(int err, vaddr_t addr)
{
    if (err == -EFAULT)
        return futex_fault_in(addr, FUTEX_WRITES);
    if (thread_interrupted())
        return -ERESTARTNOINTR;
    sched_yield_now();
    return 0;
}

/* ---- waiting to own ---- */

/* The old owner died without writing who comes next. Its bucket's lock is held, and given
 * up to bring the word in. */
static int write_owner(struct futex_waiter *w, vaddr_t addr)
{
    REQUIRES(&w->bucket->lock);
    u32 word;
    int err;

    for (;;) {
        err = futex_load_now(addr, &word);
        if (!err)
            err = futex_xchg_now(addr, word,
                                 (u32)w->thread->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
        if (!err)
            return 0;
        spin_unlock(&w->bucket->lock);
        if (err == -EFAULT)
            err = futex_fault_in(addr, FUTEX_WRITES);
        else
            err = 0;
        futex_lock(w->bucket); /* who owns it is moved no more */
        if (err)
            return err;
    }
}

int futex_pi_finish(struct futex_waiter *w, vaddr_t addr, int err)
{
    struct futex_bucket *b = futex_lock_waiter(w);

    if (w->woken) {
        err = 0;
        if (w->owner_died)
            err = write_owner(w, addr);
    }
    leave(w);
    spin_unlock(&b->lock);
    return err;
}

static int wait_to_own(vaddr_t addr, struct futex_waiter *w, u64 deadline, bool try,
                       struct futex_pi **spare)
{
    struct futex_bucket *b = futex_bucket_of(&w->key);
    struct futex_pi *pi = NULL;
    int err;

    futex_lock(b);
    err = futex_pi_take(addr, b, &w->key, w->thread, TAKE_ALONE, spare, &pi);
    if (err == 0) {
        err = try ? -EWOULDBLOCK : futex_pi_wait_on(w, pi);
        if (!err) {
            futex_add(b, w);
        } else {
            if (pi->nwaiters == 0)
                futex_pi_free(pi);
            spin_unlock(&b->lock);
            return err;
        }
    }
    spin_unlock(&b->lock);
    if (err == -EAGAIN || err == -EFAULT) {
        err = futex_pi_retry(err, addr);
        return err ? err : 2;
    }
    if (err)
        return err > 0 ? 0 : err;
    err = futex_pi_finish(w, addr, futex_sleep(&w->woken, deadline));
    return err == -EINTR ? -ERESTARTNOINTR : err;
}

long futex_lock_pi(vaddr_t addr, bool private, u64 deadline, bool try)
{
    struct futex_pi *spare = futex_pi_alloc();
    int err;

    if (!spare)
        return -ENOMEM;
    do {
        struct futex_waiter w = {.thread = current_thread(), .bits = ~0u};

        err = futex_key_get(&w.key, addr, private, FUTEX_WRITES);
        if (err)
            break;
        err = wait_to_own(addr, &w, deadline, try, &spare);
        futex_key_put(&w.key);
    } while (err == 2);
    if (spare)
        futex_pi_drop(spare);
    return err;
}

/* ---- giving it up ---- */

static void hand_over(struct futex_pi *pi, struct futex_waiter *next, bool owner_died)
{
    set_owner(pi, next->thread);
    next->owner_died = owner_died;
    WRITE_ONCE(next->woken, true);
    thread_unpark(next->thread);
}

static int unlock_now(vaddr_t addr, struct futex_bucket *b, const struct futex_key *key,
                      u32 word)
{
    REQUIRES(&b->lock);
    struct thread *me = current_thread();
    struct futex_waiter *first = futex_first_waiter(b, key), *next = NULL;
    int err;

    if (first) {
        if (!first->pi || first->pi->owner != me)
            return -EINVAL;
        next = next_owner(b, first->pi);
    }
    err = futex_xchg_now(addr, word, next ? FUTEX_WAITERS | (u32)next->thread->tid : 0);
    if (!err && next)
        hand_over(first->pi, next, false);
    return err;
}

long futex_unlock_pi(vaddr_t addr, bool private)
{
    struct futex_bucket *b;
    struct futex_key key;
    u32 word;
    int err;

    do {
        if (!user_range_ok(addr, 4) || arch_load_user_u32(addr, &word) != 0)
            return -EFAULT;
        if ((s32)(word & FUTEX_TID_MASK) != current_thread()->tid)
            return -EPERM;
        err = addr & 3 ? -EINVAL : futex_key_get(&key, addr, private, FUTEX_WRITES);
        if (err)
            return err;
        b = futex_bucket_of(&key);
        futex_lock(b);
        err = unlock_now(addr, b, &key, word);
        spin_unlock(&b->lock);
        futex_key_put(&key);
        if (err != -EAGAIN && err != -EFAULT)
            return err;
        err = futex_pi_retry(err, addr);
    } while (!err);
    return err;
}

/* The bucket of the first that t owns, NULL: it owns none. *pi: that one. */
static struct futex_bucket *owned(struct thread *t, struct futex_pi **pi)
{
    SCOPED_LOCK_IRQ(&pi_lock);
    struct list *first = list_first(&t->pi_owned);

    *pi = first ? list_entry(first, struct futex_pi, link) : NULL;
    return first ? futex_bucket_of(&(*pi)->key) : NULL;
}

void futex_pi_begin(struct thread *t)
{
    SCOPED_LOCK_IRQ(&pi_lock);
    t->pi_gone = false;
}

void futex_pi_exit(struct thread *t)
{
    struct futex_bucket *b;
    struct futex_pi *pi;

    /* Nobody makes it an owner from now on. Most own nothing, and leave the lock alone: who was about
     * to make it one either sees this, or is seen here (tests/models/owner.pml). */
    __atomic_store_n(&t->pi_gone, true, __ATOMIC_SEQ_CST);
    while (unlikely(READ_ONCE(t->pi_owned.next) != &t->pi_owned) && (b = owned(t, &pi))) {
        futex_lock(b);
        /* It may have lost its last waiter meanwhile, or stand elsewhere. */
        if (owned(t, &pi) == b) {
            struct futex_waiter *next = next_owner(b, pi);

            if (next)
                hand_over(pi, next, true);
            else
                set_owner(pi, NULL); /* who has just been given it leaves the queue */
        }
        spin_unlock(&b->lock);
        pause_anyway();
    }
}
