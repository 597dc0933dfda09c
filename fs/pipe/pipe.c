/* SPDX-License-Identifier: MIT
 *
 * Pipes and FIFOs. Who has opened one stands under the inode's lock, the bytes under the
 * pipe's own.
 */
#include "fs/pipe/pipe.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/pipe/capacity.h"
#include "fs/pipe/pipe_own.h"
#include "fs/ramfs/ramfs.h"
#include "lib/fmt.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

#define FIONREAD 0x541bu
#define PIPE_DEV 9u /* st_dev of nameless pipes */

/* ---- life ---- */

static void pipe_free(struct pipe *p)
{
    pipe_room_uncharge(p->account, p->ring.nslots);
    account_put(p->account);
    ring_fini(&p->ring);
    waitq_fini(&p->readable);
    waitq_fini(&p->writable);
    kfree(p);
}

/* 0, -ENOMEM, -ENFILE: the user's pipes have all the room they may. */
static int pipe_alloc(struct pipe **out)
{
    struct pipe *p = kzalloc(sizeof(*p));
    u32 nslots;

    if (!p)
        return -ENOMEM;
    p->account = account_current();
    nslots = pipe_room_for_new(p->account);
    if (!nslots || ring_init(&p->ring, nslots) != 0) {
        pipe_room_uncharge(p->account, nslots);
        kfree(p);
        return nslots ? -ENOMEM : -ENFILE;
    }
    account_hold(p->account);
    mutex_init(&p->lock);
    mutex_bears_faults(&p->lock);
    waitq_init(&p->readable);
    waitq_init(&p->writable);
    *out = p;
    return 0;
}

/* ---- the calls ---- */

static ssize_t pipe_read(struct file *f, struct uio *u, u64 *pos)
{
    struct pipe *p = f->data;
    ssize_t n;
    bool over, tight;
    int err;

    (void)pos;
    if (!u->left)
        return 0;
    for (;;) {
        over = pipe_is_over(p);
        mutex_lock(&p->lock);
        tight = pipe_is_tight(p);
        n = ring_used(&p->ring) ? ring_take(&p->ring, u) : 0;
        mutex_unlock(&p->lock);
        if (n > 0 && tight)
            waitq_wake_all(&p->writable);
        if (n || over)
            return n;
        if (file_flags(f) & O_NONBLOCK || u->nonblock)
            return -EAGAIN;
        err = waitq_wait(&p->readable, pipe_has_news(p));
        if (err)
            return err;
    }
}

static ssize_t pipe_write(struct file *f, struct uio *u, u64 *pos)
{
    bool packets = file_flags(f) & O_DIRECT && !u->plain;
    /* atomic up to PIPE_BUF */
    size_t want = packets ? PAGE_SIZE : u->left <= PIPE_BUF ? u->left : 1;
    struct pipe *p = f->data;
    ssize_t done = 0, n;
    int err;

    (void)pos;
    while (u->left) {
        if (!READ_ONCE(p->readers)) {
            u->broken = true;
            return done ? done : -EPIPE;
        }
        mutex_lock(&p->lock);
        if (!pipe_has_room(p, want))
            n = 0;
        else if (packets)
            n = ring_put_packet(&p->ring, u, MIN(u->left, PIPE_BUF));
        else
            n = ring_put(&p->ring, u, u->left);
        mutex_unlock(&p->lock);
        if (n < 0)
            return done ? done : n;
        if (n > 0) {
            done += n;
            want = packets ? PAGE_SIZE : 1;
            waitq_wake_all(&p->readable);
            continue;
        }
        if (file_flags(f) & O_NONBLOCK || u->nonblock)
            return done ? done : -EAGAIN;
        err = waitq_wait(&p->writable, pipe_has_room(p, want) || !READ_ONCE(p->readers));
        if (err)
            return done ? done : err;
    }
    return done;
}

/* f->pos remembers how many writers there had been when a FIFO was opened: nobody has hung
 * up before the first one came. */
static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->data;
    u32 mask = 0;

    if (file_readable(f)) {
        poll_add(pt, &p->readable);
        if (pipe_is_over(p) && READ_ONCE(p->writer_opens) != READ_ONCE(f->pos))
            mask |= POLLHUP;
        if (ring_used(&p->ring))
            mask |= POLLIN | POLLRDNORM;
    }
    if (file_writable(f)) {
        poll_add(pt, &p->writable);
        if (pipe_has_room(p, PIPE_BUF))
            mask |= POLLOUT | POLLWRNORM;
        if (!READ_ONCE(p->readers))
            mask |= POLLERR;
    }
    return mask;
}

static long pipe_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct pipe *p = f->data;
    u32 n;

    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock); /* else a write that fails half way would be counted */
    n = (u32)ring_bytes(&p->ring);
    mutex_unlock(&p->lock);
    if (arg > USER_END - sizeof(n) || arch_copy_to_user(arg, &n, sizeof(n)) != 0)
        return -EFAULT;
    return 0;
}

/* ---- opening and closing ---- */

static inline void add(u32 *count, s32 n)
{
    __atomic_store_n(count, *count + (u32)n, __ATOMIC_RELEASE);
}

/* The inode's lock is held, or nobody knows of the pipe yet. */
static void join(struct pipe *p, const struct file *f)
{
    if (file_readable(f)) {
        add(&p->readers, 1);
        add(&p->reader_opens, 1);
    }
    if (file_writable(f)) {
        add(&p->writers, 1);
        add(&p->writer_opens, 1);
    }
    p->users++;
    waitq_wake_all(&p->readable);
    waitq_wake_all(&p->writable);
}

static void leave(struct inode *ino, struct file *f)
{
    struct pipe *p = f->data;
    bool last;

    mutex_lock(&ino->lock);
    add(&p->readers, -(s32)file_readable(f));
    add(&p->writers, -(s32)file_writable(f));
    last = --p->users == 0;
    if (last)
        ino->pipe = NULL;
    waitq_wake_all(&p->readable);
    waitq_wake_all(&p->writable);
    mutex_unlock(&ino->lock);
    if (last)
        pipe_free(p);
}

static void pipe_release(struct file *f)
{
    leave(f->inode, f);
}

/* What an open of a FIFO has found. */
struct arrival {
    u32 readers, writers;           /* with itself */
    u32 reader_opens, writer_opens; /* without */
};

/* Waits for the other side, as open(2) of a FIFO does. A pipe opened again through /proc has
 * had both sides. */
static int wait_partner(const struct file *f, const struct arrival *a)
{
    struct pipe *p = f->data;
    bool reads = file_readable(f), writes = file_writable(f);

    if ((reads && writes) || f->inode->dev == PIPE_DEV)
        return 0;
    if (reads) {
        if (a->writers || file_flags(f) & O_NONBLOCK)
            return 0;
        return waitq_wait(&p->readable, READ_ONCE(p->writer_opens) != a->writer_opens);
    }
    if (a->readers)
        return 0;
    if (file_flags(f) & O_NONBLOCK)
        return -ENXIO;
    return waitq_wait(&p->writable, READ_ONCE(p->reader_opens) != a->reader_opens);
}

static int fifo_open(struct file *f)
{
    struct inode *ino = f->inode;
    struct arrival a;
    struct pipe *p = NULL;
    int err;

    mutex_lock(&ino->lock);
    if (ino->pipe)
        p = ino->pipe;
    err = p ? 0 : pipe_alloc(&p);
    if (err) {
        mutex_unlock(&ino->lock);
        return err;
    }
    ino->pipe = p;
    f->data = p;
    a.reader_opens = p->reader_opens;
    a.writer_opens = p->writer_opens;
    join(p, f);
    a.readers = p->readers;
    a.writers = p->writers;
    if (file_readable(f) && !a.writers && ino->dev != PIPE_DEV)
        f->pos = a.writer_opens;
    mutex_unlock(&ino->lock);
    err = wait_partner(f, &a);
    if (err)
        leave(ino, f);
    return err;
}

const struct file_ops fifo_ops = {
    .open = fifo_open,
    .release = pipe_release,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .nowait_read = true,
    .nowait_write = true,
};

static const struct inode_ops pipe_inode_ops = {.destroy = inode_destroy};

/* A nameless FIFO's dentry with its inode in it. */
static struct dentry *pipe_dentry(void)
{
    struct inode *ino = inode_create(S_IFIFO | 0600, 0, &pipe_inode_ops, &fifo_ops);
    struct dentry *d;
    char name[32];
    int len;

    if (!ino)
        return NULL;
    ino->dev = PIPE_DEV;
    len = fmt_snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)ino->ino);
    d = dentry_create(NULL, name, (size_t)len, ino);
    if (!d)
        inode_put(ino);
    return d;
}

/* One end; joins the pipe. */
static int pipe_end(struct dentry *d, struct pipe *p, u32 flags, struct file **out)
{
    struct file *f;
    int err = file_create(d->inode, &fifo_ops, flags, &f);

    if (err)
        return err;
    inode_get(d->inode);
    dentry_get(d);
    f->path = (struct path){NULL, d};
    f->data = p;
    join(p, f);
    *out = f;
    return 0;
}

int pipe_create(u32 flags, struct file **reader, struct file **writer)
{
    struct dentry *d = pipe_dentry();
    struct pipe *p;
    int err;

    if (!d)
        return -ENOMEM;
    err = pipe_alloc(&p);
    if (err)
        goto out;
    d->inode->pipe = p;
    err = pipe_end(d, p, O_RDONLY | (flags & ~O_DIRECT), reader);
    if (err) {
        pipe_free(p);
        goto out;
    }
    err = pipe_end(d, p, O_WRONLY | flags, writer);
    if (err)
        file_put(*reader);
out:
    dentry_put(d);
    return err;
}

bool file_is_pipe(const struct file *f)
{
    return f->ops == &fifo_ops;
}
