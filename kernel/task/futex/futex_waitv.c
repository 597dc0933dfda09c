/* SPDX-License-Identifier: MIT
 *
 * futex_waitv: waiting on up to 128 words at once.
 */
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/time.h"
#include "mm/phys/slab.h"

#define WAITV_MAX       128u
#define FUTEX2_SIZE_U32 0x02u
#define FUTEX2_PRIVATE  0x80u

/* As the program gives it. */
struct waitv {
    u64 value, addr;
    u32 flags, reserved;
};

struct one {
    struct waitv want;
    struct futex_waiter w;
};

/* All of the program's array is read before the first is waited for. */
static int read_all(struct one *all, u32 n, vaddr_t user)
{
    for (u32 i = 0; i < n; i++) {
        struct waitv *v = &all[i].want;

        if (copy_from_user(v, user + i * sizeof(*v), sizeof(*v)) != 0)
            return -EFAULT;
        if (v->reserved || (v->flags & ~FUTEX2_PRIVATE) != FUTEX2_SIZE_U32 ||
            v->value > UINT32_MAX)
            return -EINVAL;
    }
    return 0;
}

static int get_keys(struct one *all, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        const struct waitv *v = &all[i].want;
        int err = v->addr & 3 ? -EINVAL : !user_range_ok(v->addr, 4) ? -EFAULT : 0;

        if (!err)
            err = futex_key_get(&all[i].w.key, v->addr, v->flags & FUTEX2_PRIVATE,
                                FUTEX_READS);
        if (err) {
            while (i--)
                futex_key_put(&all[i].w.key);
            return err;
        }
    }
    return 0;
}

static int queue_one(struct one *one)
{
    struct futex_bucket *b = futex_bucket_of(&one->w.key);
    u32 value;
    int err;

    one->w.thread = current_thread();
    one->w.bits = ~0u;
    futex_lock(b);
    err = futex_load_now(one->want.addr, &value);
    if (!err && value != (u32)one->want.value)
        err = -EAGAIN;
    if (!err)
        futex_add(b, &one->w);
    spin_unlock(&b->lock);
    return err;
}

/* 0; -EAGAIN, -EFAULT: because of the one after the *queued first. */
static int queue(struct one *all, u32 n, u32 *queued)
{
    for (*queued = 0; *queued < n; ++*queued) {
        int err = queue_one(&all[*queued]);

        if (err)
            return err;
    }
    return 0;
}

static bool any_woken(const struct one *all, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (READ_ONCE(all[i].w.woken))
            return true;
    return false;
}

static int sleep(const struct one *all, u32 n, u64 deadline)
{
    while (!any_woken(all, n)) {
        if (thread_interrupted())
            return -ERESTARTSYS;
        if (thread_park_until(deadline) != 0 && !any_woken(all, n))
            return -ETIMEDOUT;
    }
    return 0;
}

/* Leaves the queues: the last that was woken, or -1. */
static int leave(struct one *all, u32 queued)
{
    int woken = -1;

    for (u32 i = 0; i < queued; i++) {
        struct futex_bucket *b = futex_lock_waiter(&all[i].w);

        if (all[i].w.woken)
            woken = (int)i;
        else
            list_del(&all[i].w.link);
        spin_unlock(&b->lock);
    }
    return woken;
}

static long wait_all(struct one *all, u32 n, u64 deadline)
{
    u32 queued;
    int err, woken;

    do {
        err = get_keys(all, n);
        if (err)
            return err;
        err = queue(all, n, &queued);
        if (!err)
            err = sleep(all, n, deadline);
        woken = leave(all, queued);
        for (u32 i = 0; i < n; i++)
            futex_key_put(&all[i].w.key);
        if (woken >= 0)
            return woken;
        /* Words that were not there are brought in, and all begins again. */
    } while (err == -EFAULT &&
             (err = futex_fault_in(all[queued].want.addr, FUTEX_READS)) == 0);
    return err;
}

static int read_deadline(vaddr_t timeout, s32 clock, u64 *deadline)
{
    u64 ns, now;
    int err;

    *deadline = NO_DEADLINE;
    if (!timeout)
        return 0;
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return -EINVAL;
    err = timespec_from_user(timeout, &ns);
    if (err)
        return err;
    now = clock == CLOCK_REALTIME ? clock_realtime_ns() : clock_monotonic_ns();
    *deadline = clock_monotonic_ns() + (ns > now ? ns - now : 0);
    return 0;
}

long sys_futex_waitv(const struct syscall_args *a)
{
    u32 n = (u32)a->a1;
    u64 deadline;
    struct one *all;
    long result;

    if ((u32)a->a2 || !n || n > WAITV_MAX || !a->a0)
        return -EINVAL;
    result = read_deadline(a->a3, (s32)a->a4, &deadline);
    if (result)
        return result;
    all = kzalloc(n * sizeof(*all));
    if (!all)
        return -ENOMEM;
    result = read_all(all, n, a->a0);
    if (!result)
        result = wait_all(all, n, deadline);
    kfree(all);
    return result;
}
