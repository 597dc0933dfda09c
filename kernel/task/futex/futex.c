/* SPDX-License-Identifier: MIT
 *
 * Futexes: sleeping on a word of memory until another thread says that it changed. The names
 * of words are in futex_key.c, those that are locks with an owner in futex_pi.c, the death of
 * owners in robust.c.
 */
#include "kernel/task/futex/futex.h"
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/futex/futex_pi.h"
#include "kernel/task/futex/futex_requeue_pi.h"
#include "kernel/task/futex/futex_two.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object.h"

int futex_wake_some(struct futex_bucket *b, const struct futex_key *key, int n, u32 bits,
                    u64 last, int *woken)
{
    REQUIRES(&b->lock);
    struct list *pos, *tmp;

    list_for_each_safe (pos, tmp, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (*woken >= n)
            return 1;
        if (!futex_same_key(&w->key, key) || w->arrival > last)
            continue;
        if (w->pi || w->requeue_key)
            return -EINVAL;
        if (!(w->bits & bits))
            continue;
        list_del(&w->link);
        w->woken = true;
        thread_unpark(w->thread);
        ++*woken;
        if (pause_due())
            return 0;
    }
    return 1;
}

int futex_wake_key(const struct futex_key *key, int n, u32 bits)
{
    struct futex_bucket *b = futex_bucket_of(key);
    int woken = 0, done;
    u64 last;

    futex_lock(b);
    last = b->arrivals;
    while ((done = futex_wake_some(b, key, n, bits, last, &woken)) == 0)
        pause_unlocked(&b->lock);
    spin_unlock(&b->lock);
    return done < 0 ? done : woken;
}

/* As on Linux a call that wants to wake nobody wakes one. */
static int wake_at(vaddr_t addr, bool private, int n, u32 bits)
{
    struct futex_key key;
    int woken;

    if (!bits)
        return -EINVAL;
    woken = futex_key_get(&key, addr, private, FUTEX_READS);
    if (woken)
        return woken;
    woken = futex_wake_key(&key, MAX(n, 1), bits);
    futex_key_put(&key);
    return woken;
}

int futex_wake_shared(vaddr_t addr, int n)
{
    if (addr & 3 || !user_range_ok(addr, 4))
        return -EFAULT;
    return wake_at(addr, false, n, ~0u);
}

static long futex_wait(vaddr_t addr, bool private, u32 expected, u64 deadline, u32 bits)
{
    struct futex_waiter w = {.thread = current_thread(), .bits = bits};
    struct futex_bucket *b;
    long result;

    if (!bits)
        return -EINVAL;
    result = futex_queue(&w, addr, private, expected);
    if (result)
        return result;
    result = futex_sleep(&w.woken, deadline);
    b = futex_lock_waiter(&w);
    if (w.woken)
        result = 0;
    else
        list_del(&w.link);
    spin_unlock(&b->lock);
    futex_key_put(&w.key); /* the key of now: a requeue may have changed it */
    return result;
}

/* ---- the call ---- */

/* Where the fourth argument is a time-out: relative for FUTEX_WAIT, else a moment. */
static int wait_deadline(vaddr_t timeout, u32 op, u64 *deadline)
{
    u32 cmd = op & FUTEX_CMD_MASK;
    u64 ns, now;
    int err;

    *deadline = NO_DEADLINE;
    if (!timeout)
        return 0;
    if (cmd == FUTEX_WAIT)
        return deadline_from_user(timeout, deadline);
    err = timespec_from_user(timeout, &ns);
    if (err)
        return err;
    now = op & FUTEX_CLOCK_REALTIME || cmd == FUTEX_LOCK_PI ? clock_realtime_ns()
                                                            : clock_monotonic_ns();
    *deadline = clock_monotonic_ns() + (ns > now ? ns - now : 0);
    return 0;
}

static bool has_timeout(u32 cmd)
{
    return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
           cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static bool takes_realtime(u32 cmd)
{
    return cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI ||
           cmd == FUTEX_LOCK_PI2;
}

static bool word_ok(vaddr_t addr, int *err)
{
    *err = addr & 3 ? -EINVAL : !user_range_ok(addr, 4) ? -EFAULT : 0;
    return *err == 0;
}

static long call_two_words(const struct syscall_args *a, u32 cmd, bool private)
{
    struct futex_two r = {
        .addr = a->a0,
        .other_addr = a->a4,
        .n = (int)a->a2,
        .n_other = (int)a->a3,
        .compare = cmd == FUTEX_CMP_REQUEUE,
        .value = (u32)a->a5,
    };
    int err;

    if (cmd != FUTEX_WAKE_OP && (r.n < 0 || r.n_other < 0))
        return -EINVAL;
    if (cmd == FUTEX_CMP_REQUEUE_PI && (r.n != 1 || r.addr == r.other_addr))
        return -EINVAL;
    if (!word_ok(r.addr, &err) || !word_ok(r.other_addr, &err))
        return err;
    if (cmd == FUTEX_CMP_REQUEUE_PI)
        return futex_cmp_requeue_pi(r.addr, r.other_addr, private, r.n_other, r.value);
    return futex_two_words(&r, private, cmd == FUTEX_WAKE_OP);
}

static long call_waits(const struct syscall_args *a, u32 cmd, bool private, u64 deadline)
{
    int err;

    if (cmd == FUTEX_WAIT_BITSET && !(u32)a->a5)
        return -EINVAL;
    if (!word_ok(a->a0, &err))
        return err;
    switch (cmd) {
    case FUTEX_WAIT:
        return futex_wait(a->a0, private, (u32)a->a2, deadline, ~0u);
    case FUTEX_WAIT_BITSET:
        return futex_wait(a->a0, private, (u32)a->a2, deadline, (u32)a->a5);
    case FUTEX_WAIT_REQUEUE_PI:
        if (a->a0 == a->a4)
            return -EINVAL;
        if (!word_ok(a->a4, &err))
            return err;
        return futex_wait_requeue_pi(a->a0, a->a4, private, (u32)a->a2, ~0u, deadline);
    default: /* FUTEX_LOCK_PI, FUTEX_LOCK_PI2 */
        return futex_lock_pi(a->a0, private, deadline, false);
    }
}

static long wait_on(void)
{
    struct thread *t = current_thread();
    const u64 *args = t->restart_args;
    long result = futex_wait(args[0], args[2], (u32)args[1], t->restart_deadline, ~0u);

    if (result != -EINTR)
        return result;
    t->restart_fn = wait_on;
    return -ERESTART_BLOCK;
}

/* A wait with a time-out is not started again after a handler; without one (a stop, say) a
 * relative one goes on with what is left of its time. */
static long wait_result(long result, const struct syscall_args *a, u64 deadline)
{
    struct thread *t = current_thread();

    if (result != -EINTR)
        return result;
    if (deadline == NO_DEADLINE)
        return -ERESTARTSYS;
    if (((u32)a->a1 & FUTEX_CMD_MASK) != FUTEX_WAIT)
        return -ERESTARTNOHAND;
    t->restart_fn = wait_on;
    t->restart_deadline = deadline;
    t->restart_args[0] = a->a0;
    t->restart_args[1] = (u32)a->a2;
    t->restart_args[2] = ((u32)a->a1 & FUTEX_PRIVATE_FLAG) != 0;
    return -ERESTART_BLOCK;
}

long sys_futex(const struct syscall_args *a)
{
    u32 op = (u32)a->a1, cmd = op & FUTEX_CMD_MASK;
    bool private = op & FUTEX_PRIVATE_FLAG;
    u64 deadline = NO_DEADLINE;
    int err = has_timeout(cmd) ? wait_deadline(a->a3, op, &deadline) : 0;

    if (err)
        return err;
    if (op & FUTEX_CLOCK_REALTIME && !takes_realtime(cmd))
        return -ENOSYS;
    if (has_timeout(cmd))
        return wait_result(call_waits(a, cmd, private, deadline), a, deadline);
    switch (cmd) {
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP:
    case FUTEX_CMP_REQUEUE_PI:
        return call_two_words(a, cmd, private);
    case FUTEX_WAKE:
        return word_ok(a->a0, &err) ? wake_at(a->a0, private, (int)a->a2, ~0u) : err;
    case FUTEX_WAKE_BITSET:
        if (!(u32)a->a5)
            return -EINVAL;
        return word_ok(a->a0, &err) ? wake_at(a->a0, private, (int)a->a2, (u32)a->a5)
                                    : err;
    case FUTEX_TRYLOCK_PI:
        return word_ok(a->a0, &err) ? futex_lock_pi(a->a0, private, NO_DEADLINE, true)
                                    : err;
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(a->a0, private);
    default:
        return -ENOSYS;
    }
}
