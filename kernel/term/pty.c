/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals. The slave is a terminal like the console, whose line discipline prints into
 * a ring that the master reads, and is typed at by what the master writes:
 *
 *   master  --write-->  discipline (editing, signals) --read-->  slave
 *           <--read---  ring   <--output, echo---------write---
 *
 * A record is made when its number is first used and kept for the next who gets the number: so a
 * process that still remembers it as its terminal finds memory of the right kind. There are
 * PTY_MAX of them, and PTY_USER_MAX for a user, who pays for the open files as for others.
 *
 * Locks: ptys_lock (a mutex) for which numbers are taken, opens and closes; the rings belong to
 * the discipline's lock.
 */
#include "kernel/term/pty.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "kernel/devices.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/term/ldisc_out.h"
#include "kernel/term/pty_own.h"
#include "kernel/term/tty.h"
#include "kernel/term/tty_ioctl.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define PTY_MAX      256u
#define PTY_USER_MAX 64u /* of a user without CAP_SYS_ADMIN */
#define PTS_MAJOR    136u
#define PTMX         DEVICE(5, 2)
#define CHUNK        256u

#define DEVPTS_MAGIC 0x1cd1u
#define DEVPTS_DEV   11u
#define FIRST_NODE   3u /* inode numbers, as on Linux */
#define TTY_GROUP    5u

static struct mutex ptys_lock;
static struct pty *ptys[PTY_MAX]; /* [ptys_lock]; a record once there stays */
static struct fs_type devpts_type;

static const struct inode_ops node_ops, root_ops;
static const struct file_ops root_fops, master_ops;

/* ---- names ---- */

SLAB_CACHE(inode_cache, "devpts_inode", struct inode);

static struct inode *make_inode(u64 number, u32 mode)
{
    struct inode *ino = slab_zalloc(&inode_cache);

    if (!ino)
        return NULL;
    ino->ino = number;
    ino->dev = DEVPTS_DEV;
    ino->mode = mode;
    ino->nlink = S_ISDIR(mode) ? 2 : 1;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = (s64)fs_now();
    mutex_init(&ino->lock);
    ino->ops = S_ISDIR(mode) ? &root_ops : &node_ops;
    ino->fops = S_ISDIR(mode) ? &root_fops : NULL;
    return ino;
}

static void destroy(struct inode *ino)
{
    inode_uncharge(ino);
    slab_free(&inode_cache, ino);
}

static int lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    u32 n = 0;

    (void)dir;
    if (!len || len > 3 || (len > 1 && *name == '0'))
        return -ENOENT;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -ENOENT;
        n = n * 10 + (u32)(name[i] - '0');
    }
    if (n >= PTY_MAX)
        return -ENOENT;
    SCOPED_LOCK(&ptys_lock);
    if (!ptys[n] || !ptys[n]->node)
        return -ENOENT;
    inode_get(*out = ptys[n]->node);
    return 0;
}

static int root_read(struct file *f, struct dir_sink *s)
{
    char name[12];

    for (; s->pos < 2; s->pos++)
        if (!s->emit(s, "..", s->pos + 1, f->inode->ino, DT_DIR, s->pos + 1))
            return 0;
    SCOPED_LOCK(&ptys_lock);
    for (; s->pos < PTY_MAX + 2; s->pos++) {
        const struct pty *p = ptys[s->pos - 2];
        int len;

        if (!p || !p->node)
            continue;
        len = fmt_snprintf(name, sizeof(name), "%u", p->index);
        if (!s->emit(s, name, (size_t)len, p->node->ino, DT_CHR, s->pos + 1))
            break;
    }
    return 0;
}

static void node_stat(struct inode *ino, struct kernel_stat *st)
{
    (void)ino;
    st->st_blksize = 1024;
}

static const struct inode_ops node_ops = {.destroy = destroy, .stat = node_stat};
static const struct inode_ops root_ops = {
    .lookup = lookup, .destroy = destroy, .stat = node_stat};
static const struct file_ops root_fops = {.readdir = root_read, .lseek = file_seek};

static int make_root(const struct fs_type *type, struct inode **root)
{
    (void)type;
    *root = make_inode(1, S_IFDIR | 0755);
    return *root ? 0 : -ENOMEM;
}

static struct fs_type devpts_type = {
    .name = "devpts", .magic = DEVPTS_MAGIC, .make_root = make_root};

/* ---- opening ---- */

/* A free number for user uid, with its record. -ENOSPC, -ENOMEM. */
static int take_number(u32 uid, struct pty **out)
{
    u32 mine = 0, i, free = PTY_MAX;

    for (i = 0; i < PTY_MAX; i++) {
        bool used = ptys[i] && ptys[i]->used;

        mine += used && ptys[i]->uid == uid;
        if (!used && free == PTY_MAX)
            free = i;
    }
    if (free == PTY_MAX || (mine >= PTY_USER_MAX && !capable(CAP_SYS_ADMIN)))
        return -ENOSPC;
    if (!ptys[free])
        ptys[free] = kzalloc(sizeof(**ptys));
    if (!ptys[free])
        return -ENOMEM;
    *out = ptys[free];
    (*out)->index = free;
    return 0;
}

/* TIOCEXCL. */
static bool is_closed_to_others(const struct tty *t)
{
    return READ_ONCE(t->exclusive) && !capable(CAP_SYS_ADMIN);
}

/* Opened as /dev/tty by a process of its session. */
static int hold(struct tty *t)
{
    struct pty *p = container_of(t, struct pty, tty);

    SCOPED_LOCK(&ptys_lock);
    if (!p->node || READ_ONCE(t->session) != READ_ONCE(current_proc()->sid))
        return -EIO;
    if (is_closed_to_others(t))
        return -EBUSY;
    p->slaves++;
    return 0;
}

static void drop(struct tty *t)
{
    struct pty *p = container_of(t, struct pty, tty);

    SCOPED_LOCK(&ptys_lock);
    if (--p->slaves)
        return;
    p->used = p->master;
    waitq_wake_all(&p->out.readers);
    waitq_wake_all(&p->out.writers);
}

static int master_open(struct file *f)
{
    const struct fs_cred *c = &own_cred()->fs;
    struct inode *node;
    struct pty *p;
    int err;

    SCOPED_LOCK(&ptys_lock);
    err = take_number(c->uid, &p);
    if (err)
        return err;
    node = make_inode(FIRST_NODE + p->index, S_IFCHR | 0620);
    if (!node)
        return -ENOMEM;
    node->rdev = DEVICE(PTS_MAJOR, p->index);
    node->uid = c->uid;
    node->gid = TTY_GROUP;
    ldisc_init(&p->tty.ld);
    p->tty.ld.termios.c_iflag &= ~(u32)IUTF8;
    p->tty.ld.termios.c_cflag = B38400 | CS8 | CREAD;
    p->tty.exclusive = false;
    p->tty.ld.out = &p->out;
    ldisc_out_init(&p->out);
    p->tty.size = (struct winsize){0};
    p->tty.locked = (struct kernel_termios){.c_iflag = 0};
    p->tty.device = node->rdev;
    p->tty.hung = false;
    p->tty.hold = hold;
    p->tty.drop = drop;
    p->tty.session = p->tty.foreground = 0;
    p->node = node;
    p->uid = c->uid;
    p->slaves = 0;
    p->used = p->master = p->locked = true;
    p->opened = false;
    f->data = &p->tty;
    return 0;
}

static void master_close(struct file *f)
{
    struct pty *p = pty_of(f);
    struct inode *node;

    mutex_lock(&ptys_lock);
    node = p->node;
    p->node = NULL;
    WRITE_ONCE(p->tty.hung, true);
    mutex_unlock(&ptys_lock);
    tty_hangup(&p->tty);
    inode_put(node);
    mutex_lock(&ptys_lock);
    p->master = false;
    p->used = p->slaves != 0;
    mutex_unlock(&ptys_lock);
}

static int slave_open(struct file *f)
{
    u32 index = (u32)(f->inode->rdev - DEVICE(PTS_MAJOR, 0));
    struct pty *p;

    SCOPED_LOCK(&ptys_lock);
    p = index < PTY_MAX ? ptys[index] : NULL;
    /* A name that was found before belongs to the one that had the number then. */
    if (!p || !p->node || p->locked ||
        (f->inode->ops == &node_ops && f->inode != p->node))
        return -EIO;
    if (is_closed_to_others(&p->tty))
        return -EBUSY;
    p->slaves++;
    WRITE_ONCE(p->opened, true);
    f->data = &p->tty;
    if (!(file_flags(f) & O_NOCTTY) && file_readable(f))
        tty_take(&p->tty);
    return 0;
}

static void slave_close(struct file *f)
{
    drop(f->data);
}

/* ---- the master's bytes ---- */

static bool slave_gone(const struct pty *p)
{
    return READ_ONCE(p->opened) && !READ_ONCE(p->slaves);
}

static ssize_t master_read(struct file *f, struct uio *u, u64 *pos)
{
    struct pty *p = pty_of(f);
    u8 bytes[CHUNK];
    ssize_t done = 0;
    size_t n;
    int err;

    (void)pos;
    while (u->left) {
        n = ldisc_out_take(&p->tty.ld, bytes, MIN(u->left, sizeof(bytes)), !done);
        if (n) {
            if (uio_copy_to(u, bytes, n) < n)
                return done ? done : -EFAULT;
            done += (ssize_t)n;
            if (ldisc_out_packets(&p->tty.ld))
                break; /* one packet */
            continue;
        }
        if (done)
            break;
        if (slave_gone(p))
            return -EIO;
        if (file_flags(f) & O_NONBLOCK)
            return -EAGAIN;
        err = waitq_wait(&p->out.readers, ldisc_out_ready(&p->tty.ld) || slave_gone(p));
        if (err)
            return err;
    }
    return done;
}

static ssize_t master_write(struct file *f, struct uio *u, u64 *pos)
{
    struct pty *p = pty_of(f);
    struct tty *t = &p->tty;
    ssize_t done = 0;
    u8 bytes[CHUNK];
    int err = 0;

    (void)pos;
    while (u->left && !err) {
        size_t part = MIN(u->left, sizeof(bytes)), n = uio_copy_from(u, bytes, part);
        size_t typed = 0;

        while (typed < n && !err) {
            typed += tty_type(t, bytes + typed, n - typed);
            if (typed < n)
                err = file_flags(f) & O_NONBLOCK
                          ? -EAGAIN
                          : waitq_wait(&p->out.writers, ldisc_room(&t->ld));
        }
        done += (ssize_t)typed;
        if (n < part && !err)
            err = -EFAULT;
        if (u->left && !err && thread_interrupted())
            err = -ERESTARTSYS;
    }
    return done ? done : err;
}

static u32 master_poll(struct file *f, struct poll_table *pt)
{
    struct pty *p = pty_of(f);
    u32 events = 0;

    poll_add(pt, &p->out.readers);
    poll_add(pt, &p->out.writers);
    if (ldisc_out_ready(&p->tty.ld))
        events |= POLLIN | POLLRDNORM;
    if (ldisc_out_status(&p->tty.ld))
        events |= POLLPRI;
    if (slave_gone(p))
        events |= POLLHUP;
    if (ldisc_room(&p->tty.ld))
        events |= POLLOUT | POLLWRNORM;
    return events;
}

static const struct file_ops master_ops = {.open = master_open,
                                           .release = master_close,
                                           .read = master_read,
                                           .write = master_write,
                                           .ioctl = pty_ioctl,
                                           .poll = master_poll};
const struct file_ops pty_slave_ops = {.open = slave_open,
                                       .release = slave_close,
                                       .read = tty_read,
                                       .write = tty_write,
                                       .ioctl = tty_ioctl,
                                       .poll = tty_poll};

void pty_init(void)
{
    mutex_init(&ptys_lock);
    vfs_register(&devpts_type);
    device_add("ptmx", PTMX, 0666, &master_ops);
    if (devfs_register_range(DEVICE(PTS_MAJOR, 0), PTY_MAX, &pty_slave_ops) != 0)
        panic("no memory for terminals");
}
