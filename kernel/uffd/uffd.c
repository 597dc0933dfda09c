/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2): the descriptor.
 */
#include "kernel/uffd/uffd.h"
#include "fs/anon.h"
#include "fs/fdtable.h"
#include "kernel/devices.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/uffd/event.h"
#include "kernel/uffd/wait.h"
#include "lib/lock.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/op/mm.h"
#include "mm/op/watch.h"
#include "mm/phys/slab.h"

#define UFFD_DEVICE \
    DEVICE(10, 126) /* of those that Linux gives to whom it has no number for */

u32 uffd_unprivileged;

/* As many messages as fit; waits for the first only. */
static ssize_t uffd_read(struct file *f, struct uio *u, u64 *pos)
{
    struct uffd *x = f->data;
    bool now = file_flags(f) & O_NONBLOCK || u->nonblock;
    struct uffd_msg msg;
    ssize_t done = 0;
    int taken;

    (void)pos;
    if (!READ_ONCE(x->features) || u->left < sizeof(msg))
        return -EINVAL;
    for (; u->left >= sizeof(msg); done += (ssize_t)sizeof(msg)) {
        taken = uffd_take(x, &msg);
        if (!taken) {
            int err = done || now
                          ? -EAGAIN
                          : waitq_wait(&x->readers, (taken = uffd_take(x, &msg)) != 0);

            if (err)
                return done ? done : err;
        }
        if (taken < 0)
            return done ? done : taken;
        if (uio_copy_to(u, &msg, sizeof(msg)) != sizeof(msg))
            return done ? done : -EFAULT;
    }
    return done;
}

/* Who polls wants to read without waiting: a message may be gone by then. */
static u32 uffd_poll(struct file *f, struct poll_table *pt)
{
    struct uffd *u = f->data;

    poll_add(pt, &u->readers);
    if (!READ_ONCE(u->features) || !(file_flags(f) & O_NONBLOCK))
        return POLLERR;
    SCOPED_LOCK(&u->lock);
    return list_empty(&u->pending) && list_empty(&u->events) ? 0 : POLLIN;
}

static u64 length(const struct list *l)
{
    const struct list *pos;
    u64 n = 0;

    list_for_each (pos, l)
        n++;
    return n;
}

static void uffd_show(struct file *f, struct seq *s)
{
    struct uffd *u = f->data;
    u64 pending, asked;

    spin_lock(&u->lock);
    pending = length(&u->pending);
    asked = length(&u->asked);
    spin_unlock(&u->lock);
    seq_printf(s, "pending:\t%lu\ntotal:\t%lu\nAPI:\t%llx:%llx:%llx\n", pending,
               pending + asked, UFFD_API, READ_ONCE(u->features) & ~UFFD_READY,
               UFFD_FEATURES);
}

static void uffd_free(struct monitor *m)
{
    struct uffd *u = uffd_of(m);

    if (u->features & UFFD_EVENTS)
        __atomic_fetch_sub(&uffd_tells, 1, __ATOMIC_RELAXED);
    if (u->parent) { /* the fork has failed */
        __atomic_fetch_sub(&u->parent->monitor.changing, 1, __ATOMIC_RELEASE);
        monitor_put(&u->parent->monitor);
    }
    mm_unhold(u->mm);
    waitq_fini(&u->readers);
    kfree(u);
}

/* Who waits goes on as if nothing had been registered. */
void uffd_close(struct uffd *u)
{
    uffd_end_events(u);
    if (mm_tryget(u->mm)) {
        mm_unwatch_all(u->mm, &u->monitor);
        mm_put(u->mm);
    }
    uffd_wake(u, 0, USER_END);
    monitor_put(&u->monitor);
}

static void uffd_release(struct file *f)
{
    uffd_close(f->data);
}

static const struct file_ops uffd_ops = {.read = uffd_read,
                                         .poll = uffd_poll,
                                         .ioctl = uffd_ioctl,
                                         .show = uffd_show,
                                         .release = uffd_release};

struct uffd *uffd_alloc(struct mm *mm, u32 flags)
{
    struct uffd *u = kzalloc(sizeof(*u));

    if (!u)
        return NULL;
    monitor_init(&u->monitor, uffd_free);
    u->mm = mm;
    mm_hold(mm);
    u->flags = flags;
    list_init(&u->pending);
    list_init(&u->asked);
    list_init(&u->events);
    waitq_init(&u->readers);
    return u;
}

/* The monitor of what a child inherits, with the same features. */
static struct monitor *heir(struct monitor *m, struct mm *child)
{
    struct uffd *u = uffd_of(m), *new = uffd_alloc(child, u->flags);

    if (!new)
        return NULL;
    (void)uffd_set_features(new, u->features);
    monitor_get(m);
    __atomic_fetch_add(&m->changing, 1, __ATOMIC_RELAXED);
    new->parent = u;
    return &new->monitor;
}

bool uffd_set_features(struct uffd *u, u64 features)
{
    SCOPED_LOCK(&u->lock);
    if (u->features)
        return false;
    if (features & UFFD_EVENTS)
        __atomic_fetch_add(&uffd_tells, 1, __ATOMIC_RELAXED);
    u->monitor.follows = features & UFFD_FEATURE_EVENT_REMAP;
    u->monitor.heir = features & UFFD_FEATURE_EVENT_FORK ? heir : NULL;
    /* Last: with that, memory can be registered. */
    __atomic_store_n(&u->features, features | UFFD_READY, __ATOMIC_RELEASE);
    return true;
}

int uffd_open(struct uffd *u)
{
    struct fdtable *t = current_thread()->files;
    int fd = fd_reserve(t, fd_limit()), err;
    struct file *f;

    if (fd < 0)
        return fd;
    err = anon_create(ANON_USERFAULTFD, &uffd_ops, O_RDONLY | (u->flags & O_NONBLOCK), u,
                      &f);
    if (err) {
        fd_unreserve(t, fd);
        return err;
    }
    fd_fill(t, fd, f, u->flags & O_CLOEXEC);
    return fd;
}

static long uffd_create(u32 flags)
{
    struct uffd *u;
    int fd;

    if (flags & ~(UFFD_USER_MODE_ONLY | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    u = uffd_alloc(current_proc()->mm, flags);
    if (!u)
        return -ENOMEM;
    fd = uffd_open(u);
    if (fd < 0)
        monitor_put(&u->monitor);
    return fd;
}

long sys_userfaultfd(const struct syscall_args *a)
{
    u32 flags = (u32)a->a0;

    if (!(flags & UFFD_USER_MODE_ONLY) && !READ_ONCE(uffd_unprivileged) &&
        !capable(CAP_SYS_PTRACE))
        return -EPERM;
    return uffd_create(flags);
}

/* No right is asked for: who could open the device has it. */
static long device_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    (void)f;
    return cmd == USERFAULTFD_IOC_NEW ? uffd_create((u32)arg) : -EINVAL;
}

void uffd_init(void)
{
    static const struct file_ops ops = {.ioctl = device_ioctl};

    device_add("userfaultfd", UFFD_DEVICE, 0600, &ops);
}
