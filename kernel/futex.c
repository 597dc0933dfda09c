/* SPDX-License-Identifier: MIT
 *
 * Futexes: sleeping on a word of memory until another thread says that it changed. Waiters
 * are keyed by address space and address, which is exact for private words; a word in
 * shared memory is found by the processes that share the address space.
 */
#include "lib/uapi/futex.h"
#include "arch/time.h"
#include "kernel/process.h"
#include "kernel/sys.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"
#include "lib/uapi/errno.h"

struct futex_waiter {
    struct list link;
    struct thread *thread;
    struct mm *mm;
    vaddr_t addr;
    u32 bits;
    bool woken;
};

static spinlock_t futex_lock;
static struct list waiters = LIST_INIT(waiters);

static bool is_waiting(const struct futex_waiter *w, const struct mm *mm, vaddr_t addr)
{
    return w->mm == mm && w->addr == addr;
}

static void wake(struct futex_waiter *w)
{
    list_del(&w->link);
    w->woken = true;
    thread_unpark(w->thread);
}

int futex_wake(struct mm *mm, vaddr_t addr, int n, u32 bits)
{
    struct list *pos, *tmp;
    int woken = 0;

    spin_lock(&futex_lock);
    list_for_each_safe (pos, tmp, &waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (woken >= n)
            break;
        if (!is_waiting(w, mm, addr) || !(w->bits & bits))
            continue;
        wake(w);
        woken++;
    }
    spin_unlock(&futex_lock);
    return woken;
}

/* Queued before the word is read, so that a wake-up after the read is not lost. */
static long futex_wait(vaddr_t addr, u32 expected, u64 deadline, u32 bits)
{
    struct futex_waiter w = {.thread = current_thread(), .addr = addr, .bits = bits};
    u32 value;
    long result = 0;

    w.mm = w.thread->proc->mm;
    spin_lock(&futex_lock);
    list_add_tail(&waiters, &w.link);
    spin_unlock(&futex_lock);
    if (arch_load_user_u32(addr, &value) != 0)
        result = -EFAULT;
    else if (value != expected)
        result = -EAGAIN;
    while (!result && !READ_ONCE(w.woken)) {
        if (thread_interrupted())
            result = deadline == NO_DEADLINE ? -ERESTARTSYS : -EINTR;
        else if (thread_park_until(deadline) != 0 && !READ_ONCE(w.woken))
            result = -ETIMEDOUT;
    }
    spin_lock(&futex_lock);
    if (w.woken)
        result = 0;
    else
        list_del(&w.link);
    spin_unlock(&futex_lock);
    return result;
}

static int requeue(struct mm *mm, vaddr_t from, vaddr_t to, int nwake, int nmove)
{
    struct list *pos, *tmp;
    int done = futex_wake(mm, from, nwake, ~0u);

    spin_lock(&futex_lock);
    list_for_each_safe (pos, tmp, &waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (nmove <= 0)
            break;
        if (!is_waiting(w, mm, from))
            continue;
        w->addr = to;
        nmove--;
        done++;
    }
    spin_unlock(&futex_lock);
    return done;
}

/* FUTEX_WAIT's time-out is relative, WAIT_BITSET's a moment of its clock. */
static int wait_deadline(vaddr_t timeout, u32 op, u64 *deadline)
{
    u64 ns, now;
    int err;

    *deadline = NO_DEADLINE;
    if (!timeout)
        return 0;
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
        return deadline_from_user(timeout, deadline);
    err = timespec_from_user(timeout, &ns);
    if (err)
        return err;
    now = op & FUTEX_CLOCK_REALTIME ? clock_realtime_ns() : clock_monotonic_ns();
    *deadline = clock_monotonic_ns() + (ns > now ? ns - now : 0);
    return 0;
}

static long wait_call(const struct syscall_args *a, u32 op, u32 bits)
{
    u64 deadline;
    int err = wait_deadline(a->a3, op, &deadline);

    if (err)
        return err;
    return bits ? futex_wait(a->a0, (u32)a->a2, deadline, bits) : -EINVAL;
}

long sys_futex(const struct syscall_args *a)
{
    struct mm *mm = current_proc()->mm;
    u32 op = (u32)a->a1, value;
    int n = (int)a->a2;

    if (a->a0 & 3)
        return -EINVAL;
    if (!user_range_ok(a->a0, 4))
        return -EFAULT;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return wait_call(a, op, ~0u);
    case FUTEX_WAIT_BITSET:
        return wait_call(a, op, (u32)a->a5);
    case FUTEX_WAKE:
        return futex_wake(mm, a->a0, n, ~0u);
    case FUTEX_WAKE_BITSET:
        return (u32)a->a5 ? futex_wake(mm, a->a0, n, (u32)a->a5) : -EINVAL;
    case FUTEX_CMP_REQUEUE:
        if (arch_load_user_u32(a->a0, &value) != 0)
            return -EFAULT;
        if (value != (u32)a->a5)
            return -EAGAIN;
        /* fall through */
    case FUTEX_REQUEUE:
        if (n < 0 || (int)a->a3 < 0 || a->a4 & 3 || !user_range_ok(a->a4, 4))
            return -EINVAL;
        return requeue(mm, a->a0, a->a4, n, (int)a->a3);
    default:
        return -ENOSYS;
    }
}
