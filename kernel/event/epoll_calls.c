/* SPDX-License-Identifier: MIT
 *
 * The calls of epoll(7).
 */
#include "kernel/event/epoll.h"
#include "kernel/event/waiting.h"
#include "kernel/event/watch.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/time.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define ALWAYS    (POLLERR | POLLHUP)
/* What may stand beside EPOLLEXCLUSIVE. */
#define EXCLUSIVE (POLLIN | POLLOUT | ALWAYS | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static long create(bool cloexec)
{
    struct file *f;
    int err = epoll_open(&f);

    return err ? err : install_file(f, cloexec);
}

long sys_epoll_create(const struct syscall_args *a)
{
    return (s32)a->a0 <= 0 ? -EINVAL : create(false);
}

long sys_epoll_create1(const struct syscall_args *a)
{
    return (u32)a->a0 & ~O_CLOEXEC ? -EINVAL : create(a->a0 & O_CLOEXEC);
}

static long change(struct epoll *ep, int op, struct file *f, int fd,
                   const struct epoll_event *e)
{
    u32 events = e->events | ALWAYS;
    struct watch *w;

    if (op == EPOLL_CTL_ADD)
        return watch_add(ep, f, fd, events, e->data);
    w = watch_find(ep, f, fd);
    if (!w)
        return -ENOENT;
    if (op == EPOLL_CTL_DEL) {
        watch_remove(w);
        return 0;
    }
    if (w->events & EPOLLEXCLUSIVE)
        return -EINVAL;
    watch_change(w, events, e->data);
    return 0;
}

static int check(int op, const struct file *epf, const struct file *f,
                 const struct epoll_event *e)
{
    bool exclusive = op != EPOLL_CTL_DEL && e->events & EPOLLEXCLUSIVE;

    if (!f->ops->poll)
        return -EPERM;
    if (epf == f || !file_is_epoll(epf))
        return -EINVAL;
    if (op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
        return -EINVAL;
    if (exclusive && (op == EPOLL_CTL_MOD || file_is_epoll(f) || e->events & ~EXCLUSIVE))
        return -EINVAL;
    return 0;
}

long sys_epoll_ctl(const struct syscall_args *a)
{
    struct epoll_event e = {0};
    int op = (s32)a->a1, fd = (s32)a->a2;
    struct file *epf, *f;
    long result = -EBADF;

    if (op != EPOLL_CTL_DEL && copy_from_user(&e, a->a3, sizeof(e)) != 0)
        return -EFAULT;
    epf = io_file_of((s32)a->a0);
    f = io_file_of(fd);
    if (epf && f)
        result = check(op, epf, f, &e);
    if (!result) {
        epoll_enter(epf->data);
        result = change(epf->data, op, f, fd, &e);
        epoll_leave(epf->data);
    }
    if (f)
        file_put(f);
    if (epf)
        file_put(epf);
    return result;
}

static long wait_on(const struct syscall_args *a, u64 deadline)
{
    s32 max = (s32)a->a2;
    struct file *f = io_file_of((s32)a->a0);
    long result;

    if (!f)
        return -EBADF;
    if (max <= 0 || (u32)max > INT32_MAX / sizeof(struct epoll_event))
        result = -EINVAL;
    else if (!user_range_ok(a->a1, (u64)max * sizeof(struct epoll_event)))
        result = -EFAULT;
    else if (!file_is_epoll(f))
        result = -EINVAL;
    else
        result = epoll_wait_for(f->data, a->a1, max, deadline);
    file_put(f);
    return result;
}

static u64 deadline_in_ms(s32 ms)
{
    return ms < 0 ? NO_DEADLINE : deadline_in((u64)ms * 1000000);
}

long sys_epoll_wait(const struct syscall_args *a)
{
    return wait_on(a, deadline_in_ms((s32)a->a3));
}

static long wait_masked(const struct syscall_args *a, u64 deadline)
{
    bool replaced;
    long result = mask_from_user(a->a4, a->a5, &replaced);

    if (result)
        return result;
    result = wait_on(a, deadline);
    mask_restore(replaced, result);
    return result;
}

long sys_epoll_pwait(const struct syscall_args *a)
{
    return wait_masked(a, deadline_in_ms((s32)a->a3));
}

long sys_epoll_pwait2(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE, ns;
    int err = a->a3 ? timespec_from_user(a->a3, &ns) : 0;

    if (err)
        return err;
    return wait_masked(a, a->a3 ? deadline_in(ns) : deadline);
}
