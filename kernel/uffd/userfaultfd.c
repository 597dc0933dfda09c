/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2): the descriptor.
 */
#include "fs/anon.h"
#include "kernel/devices.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/uffd/uffd.h"
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

    (void)pos;
    if (!READ_ONCE(x->features) || u->left < sizeof(msg))
        return -EINVAL;
    for (; u->left >= sizeof(msg); done += (ssize_t)sizeof(msg)) {
        if (!uffd_take(x, &msg)) {
            int err = done  ? -EAGAIN
                      : now ? -EAGAIN
                            : waitq_wait(&x->readers, uffd_take(x, &msg));

            if (err)
                return done ? done : err;
        }
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
    return list_empty(&u->pending) ? 0 : POLLIN;
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

    mm_unhold(u->mm);
    waitq_fini(&u->readers);
    kfree(u);
}

/* Who waits goes on as if nothing had been registered. */
static void uffd_release(struct file *f)
{
    struct uffd *u = f->data;

    if (mm_tryget(u->mm)) {
        mm_unwatch_all(u->mm, &u->monitor);
        mm_put(u->mm);
    }
    uffd_wake(u, 0, USER_END);
    monitor_put(&u->monitor);
}

static const struct file_ops uffd_ops = {.read = uffd_read,
                                         .poll = uffd_poll,
                                         .ioctl = uffd_ioctl,
                                         .show = uffd_show,
                                         .release = uffd_release};

static long uffd_create(u32 flags)
{
    struct uffd *u;
    struct file *f;
    int err;

    if (flags & ~(UFFD_USER_MODE_ONLY | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    u = kzalloc(sizeof(*u));
    if (!u)
        return -ENOMEM;
    monitor_init(&u->monitor, uffd_free);
    u->mm = current_proc()->mm;
    mm_hold(u->mm);
    u->user_only = flags & UFFD_USER_MODE_ONLY;
    list_init(&u->pending);
    list_init(&u->asked);
    waitq_init(&u->readers);
    err =
        anon_create(ANON_USERFAULTFD, &uffd_ops, O_RDONLY | (flags & O_NONBLOCK), u, &f);
    if (err) {
        monitor_put(&u->monitor);
        return err;
    }
    return install_file(f, flags & O_CLOEXEC);
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
