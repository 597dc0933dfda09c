/* SPDX-License-Identifier: MIT
 *
 * timerfd_create(2): timers that are read and polled.
 */
#include "arch/time.h"
#include "fs/anon.h"
#include "kernel/event/alarm.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/time.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/time.h"
#include "mm/phys/slab.h"

#define NSEC 1000000000ul

struct timerfd {
    struct alarm alarm; /* [lock] */
    spinlock_t lock;
    struct waitq readers;
    s32 clock;     /* [c] */
    u32 set_flags; /* [lock] of the last setting */
    u64 sets;      /* [lock] alarm_clock_sets then */
};

static bool cancelled(const struct timerfd *t)
{
    return READ_ONCE(t->set_flags) & TFD_TIMER_CANCEL_ON_SET &&
           READ_ONCE(t->sets) != __atomic_load_n(&alarm_clock_sets, __ATOMIC_ACQUIRE);
}

static u64 ring(struct ktimer *k)
{
    struct timerfd *t = container_of(k, struct timerfd, alarm.timer);
    u64 deadline = alarm_deadline(&t->alarm);

    if (deadline > clock_monotonic_ns())
        return deadline;
    waitq_wake_all(&t->readers);
    return 0;
}

static void clock_set(struct alarm *a)
{
    waitq_wake_all(&container_of(a, struct timerfd, alarm)->readers);
}

/* Expirations, 0: none yet; -ECANCELED. */
static s64 take(struct timerfd *t)
{
    SCOPED_LOCK(&t->lock);

    if (cancelled(t)) {
        WRITE_ONCE(t->sets, alarm_clock_sets);
        return -ECANCELED;
    }
    return (s64)alarm_take(&t->alarm, alarm_now(&t->alarm));
}

static ssize_t timerfd_read(struct file *f, struct uio *u, u64 *pos)
{
    struct timerfd *t = f->data;
    s64 n;
    int err;

    (void)pos;
    if (u->left < sizeof(n))
        return -EINVAL;
    n = take(t);
    if (!n) {
        if (file_flags(f) & O_NONBLOCK || u->nonblock)
            return -EAGAIN;
        err = waitq_wait(&t->readers, (n = take(t)) != 0);
        if (err)
            return err;
    }
    if (n < 0)
        return n;
    if (READ_ONCE(t->alarm.next))
        alarm_arm(&t->alarm);
    return uio_copy_to(u, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
    const struct timerfd *t = f->data;
    u64 next;

    poll_add(pt, &((struct timerfd *)f->data)->readers);
    next = READ_ONCE(t->alarm.next);
    return (next && alarm_now(&t->alarm) >= next) || cancelled(t) ? POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->data;

    ktimer_cancel(&t->alarm.timer);
    alarm_fini(&t->alarm);
    ktimer_cancel(&t->alarm.timer); /* the clock may have been set between */
    waitq_fini(&t->readers);
    kfree(t);
}

struct setting {
    u64 left, interval;
};

static struct setting setting_of(struct timerfd *t)
{
    SCOPED_LOCK(&t->lock);

    return (struct setting){alarm_left(&t->alarm, alarm_now(&t->alarm)),
                            t->alarm.interval};
}

static void timerfd_show(struct file *f, struct seq *s)
{
    struct timerfd *t = f->data;
    struct setting now = setting_of(t);
    u64 next = READ_ONCE(t->alarm.next);

    seq_printf(s, "clockid: %d\nticks: %d\nsettime flags: 0%o\n", t->clock,
               next && alarm_now(&t->alarm) >= next, READ_ONCE(t->set_flags));
    seq_printf(s, "it_value: (%lu, %lu)\nit_interval: (%lu, %lu)\n", now.left / NSEC,
               now.left % NSEC, now.interval / NSEC, now.interval % NSEC);
}

static const struct file_ops timerfd_ops = {.read = timerfd_read,
                                            .poll = timerfd_poll,
                                            .show = timerfd_show,
                                            .release = timerfd_release,
                                            .nowait_read = true};

long sys_timerfd_create(const struct syscall_args *a)
{
    u32 flags = (u32)a->a1;
    s32 clock = (s32)a->a0;
    bool wakes = clock_is_alarm(clock);
    struct timerfd *t;
    struct file *f;
    int err;

    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        !wakes)
        return -EINVAL;
    if (wakes && !capable(CAP_WAKE_ALARM))
        return -EPERM;
    t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->clock = clock;
    waitq_init(&t->readers);
    alarm_init(&t->alarm, ring);
    t->alarm.clock_set = clock_set;
    err = anon_create(ANON_TIMERFD, &timerfd_ops, O_RDWR | (flags & O_NONBLOCK), t, &f);
    if (err) {
        kfree(t);
        return err;
    }
    return install_file(f, flags & O_CLOEXEC);
}

/* -EBADF, -EINVAL. */
static int timerfd_of(int fd, struct file **out)
{
    struct file *f = io_file_of(fd);

    if (!f)
        return -EBADF;
    *out = f;
    if (f->ops == &timerfd_ops)
        return 0;
    file_put(f);
    return -EINVAL;
}

static struct setting set(struct timerfd *t, u32 flags, u64 value, u64 interval)
{
    bool by_wall = t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM;
    bool wall = flags & TFD_TIMER_ABSTIME && by_wall;
    struct setting old = setting_of(t);

    spin_lock(&t->lock);
    if (value && !(flags & TFD_TIMER_ABSTIME))
        value += clock_monotonic_ns();
    alarm_set(&t->alarm, wall, value, interval);
    WRITE_ONCE(t->set_flags, wall ? flags : flags & TFD_TIMER_ABSTIME);
    WRITE_ONCE(t->sets, __atomic_load_n(&alarm_clock_sets, __ATOMIC_ACQUIRE));
    spin_unlock(&t->lock);
    alarm_arm(&t->alarm);
    return old;
}

static int setting_to_user(vaddr_t user, const struct setting *s)
{
    int err = timespec_to_user(user, s->interval);

    return err ? err : timespec_to_user(user + sizeof(struct timespec), s->left);
}

long sys_timerfd_settime(const struct syscall_args *a)
{
    u32 flags = (u32)a->a1;
    struct setting old;
    struct file *f;
    u64 interval, value;
    int err = timespec_from_user(a->a2, &interval);

    if (!err)
        err = timespec_from_user(a->a2 + sizeof(struct timespec), &value);
    if (!err && flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        err = -EINVAL;
    if (!err)
        err = timerfd_of((s32)a->a0, &f);
    if (err)
        return err;
    old = set(f->data, flags, value, interval);
    file_put(f);
    return a->a3 ? setting_to_user(a->a3, &old) : 0;
}

long sys_timerfd_gettime(const struct syscall_args *a)
{
    struct setting now;
    struct file *f;
    int err = timerfd_of((s32)a->a0, &f);

    if (err)
        return err;
    now = setting_of(f->data);
    file_put(f);
    return setting_to_user(a->a1, &now);
}
