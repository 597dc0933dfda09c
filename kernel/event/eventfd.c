/* SPDX-License-Identifier: MIT
 *
 * eventfd(2): a counter that can be waited for.
 */
#include "fs/anon.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "lib/lock.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define COUNT_MAX (~0ull - 1)

struct eventfd {
    spinlock_t lock;
    u64 count; /* [lock] */
    bool semaphore;
    u32 id; /* [c] for /proc */
    struct waitq readable, writable;
};

/* What a read gets now, 0: nothing yet. */
static u64 take(struct eventfd *e)
{
    SCOPED_LOCK(&e->lock);
    u64 n = e->semaphore ? e->count != 0 : e->count;

    WRITE_ONCE(e->count, e->count - n);
    return n;
}

static bool add(struct eventfd *e, u64 n)
{
    SCOPED_LOCK(&e->lock);

    if (n > COUNT_MAX - e->count)
        return false;
    WRITE_ONCE(e->count, e->count + n);
    return true;
}

static ssize_t eventfd_read(struct file *f, struct uio *u, u64 *pos)
{
    struct eventfd *e = f->data;
    bool now = file_flags(f) & O_NONBLOCK || u->nonblock;
    u64 n = 0;
    int err;

    (void)pos;
    if (u->left < sizeof(n))
        return -EINVAL;
    n = take(e);
    if (!n) {
        err = now ? -EAGAIN : waitq_wait(&e->readable, (n = take(e)) != 0);
        if (err)
            return err;
    }
    waitq_wake_all(&e->writable);
    return uio_copy_to(u, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct uio *u, u64 *pos)
{
    struct eventfd *e = f->data;
    bool now = file_flags(f) & O_NONBLOCK || u->nonblock;
    u64 n;
    int err;

    (void)pos;
    if (u->left < sizeof(n))
        return -EINVAL;
    if (uio_copy_from(u, &n, sizeof(n)) != sizeof(n))
        return -EFAULT;
    if (n > COUNT_MAX)
        return -EINVAL;
    if (!add(e, n)) {
        err = now ? -EAGAIN : waitq_wait(&e->writable, add(e, n));
        if (err)
            return err;
    }
    waitq_wake_all(&e->readable);
    return sizeof(n);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->data;
    u64 count;

    poll_add(pt, &e->readable);
    poll_add(pt, &e->writable);
    count = READ_ONCE(e->count);
    return (count ? POLLIN : 0) | (count < COUNT_MAX ? POLLOUT : 0);
}

static void eventfd_show(struct file *f, struct seq *s)
{
    const struct eventfd *e = f->data;

    seq_printf(s, "eventfd-count: %16lx\neventfd-id: %u\neventfd-semaphore: %d\n",
               READ_ONCE(e->count), e->id, e->semaphore);
}

static void eventfd_release(struct file *f)
{
    struct eventfd *e = f->data;

    waitq_fini(&e->readable);
    waitq_fini(&e->writable);
    kfree(e);
}

static const struct file_ops eventfd_ops = {.read = eventfd_read,
                                            .write = eventfd_write,
                                            .poll = eventfd_poll,
                                            .show = eventfd_show,
                                            .release = eventfd_release,
                                            .nowait_read = true};

static long create(u32 count, u32 flags)
{
    static u32 ids; /* atomic */
    struct eventfd *e;
    struct file *f;
    int err;

    if (flags & ~(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    e = kzalloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    e->id = __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED);
    waitq_init(&e->readable);
    waitq_init(&e->writable);
    err = anon_create(ANON_EVENTFD, &eventfd_ops, O_RDWR | (flags & O_NONBLOCK), e, &f);
    if (err) {
        kfree(e);
        return err;
    }
    return install_file(f, flags & O_CLOEXEC);
}

long sys_eventfd(const struct syscall_args *a)
{
    return create((u32)a->a0, 0);
}

long sys_eventfd2(const struct syscall_args *a)
{
    return create((u32)a->a0, (u32)a->a1);
}
