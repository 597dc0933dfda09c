/* SPDX-License-Identifier: MIT
 *
 * Loop devices: their files, and /dev/loop-control, which makes and removes them. Binding and all
 * other requests: kernel/loop/status.c.
 */
#include "kernel/loop/loop.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "kernel/devices.h"
#include "kernel/loop/status.h"
#include "kernel/main.h"
#include "kernel/task/proc.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/errno.h"

#define LOOP_FIRST     8u /* so many are there at boot */
#define FIRST_DEVICE   DEVICE(LOOP_MAJOR, 0)
#define CONTROL_DEVICE DEVICE(10, 237)
#define READAHEAD      256u

struct mutex loop_lock = {.queue = LIST_INIT(loop_lock.queue)};
static struct loop loops[LOOP_MAX];

bool loop_is_there(u32 n)
{
    return n < LOOP_MAX && READ_ONCE(loops[n].there);
}

bool loop_is_bound(u32 n)
{
    return n < LOOP_MAX && READ_ONCE(loops[n].backing);
}

u32 loop_number(const struct file *f)
{
    return (u32)(f->inode->rdev - FIRST_DEVICE);
}

struct loop *loop_at(u32 n)
{
    REQUIRES(&loop_lock);
    return &loops[n];
}

void loop_look(u32 n, struct loop *out)
{
    SCOPED_LOCK(&loop_lock);
    *out = loops[n];
    if (out->backing)
        file_get(out->backing);
}

void loop_forget(struct loop *copy)
{
    if (copy->backing)
        file_put(copy->backing);
}

struct file *loop_unbind(struct loop *l)
{
    REQUIRES(&loop_lock);
    struct file *backing = l->backing;

    WRITE_ONCE(l->backing, NULL);
    l->flags = l->block = 0;
    l->offset = l->limit = l->size = 0;
    memset(l->name, 0, sizeof(l->name));
    return backing;
}

/* ---- files ---- */

static int loop_open(struct file *f)
{
    SCOPED_LOCK(&loop_lock);
    struct loop *l = loop_at(loop_number(f));

    if (!l->there)
        return -ENXIO;
    l->openers++;
    return 0;
}

static void loop_release(struct file *f)
{
    struct file *backing = NULL;
    struct loop *l;

    mutex_lock(&loop_lock);
    l = loop_at(loop_number(f));
    if (--l->openers == 0) {
        l->soft_block = 0;
        if (l->flags & LO_FLAGS_AUTOCLEAR)
            backing = loop_unbind(l);
    }
    mutex_unlock(&loop_lock);
    if (backing)
        file_put(backing);
}

/* Moves bytes between u and the file of a device, as far as the device goes. What the file does not
 * have is an error of the device: somebody has cut it. */
static ssize_t move(struct loop *l, struct uio *u, u64 *pos, bool writes)
{
    u64 at = l->offset + *pos;
    size_t rest = 0;
    ssize_t n;

    if (u->left > l->size - *pos) {
        rest = u->left - (l->size - *pos);
        u->left -= rest;
    }
    if (writes) {
        u->place = AT_POSITION;
        n = file_write_at(l->backing, u, &at);
    } else {
        n = file_read_at(l->backing, u, &at);
    }
    u->left += rest;
    if (n > 0)
        *pos += (u64)n;
    return n == 0 || n == -EPERM || n == -EINVAL ? -EIO : n;
}

/* With O_DIRECT whole blocks go, as on Linux. */
static bool is_odd(const struct file *f, const struct loop *l, const struct uio *u,
                   u64 pos)
{
    return (file_flags(f) & O_DIRECT) && (pos | u->left) % loop_block(l);
}

static ssize_t loop_read(struct file *f, struct uio *u, u64 *pos)
{
    struct loop l;
    ssize_t n = 0;

    loop_look(loop_number(f), &l);
    if (*pos < l.size && u->left)
        n = is_odd(f, &l, u, *pos) ? -EINVAL : move(&l, u, pos, false);
    loop_forget(&l);
    return n;
}

static ssize_t loop_write(struct file *f, struct uio *u, u64 *pos)
{
    struct loop l;
    ssize_t n = -EPERM;

    loop_look(loop_number(f), &l);
    if (!loop_is_read_only(&l))
        n = !u->left                 ? 0
            : *pos >= l.size         ? -ENOSPC
            : is_odd(f, &l, u, *pos) ? -EINVAL
                                     : move(&l, u, pos, true);
    loop_forget(&l);
    return n;
}

static s64 loop_lseek(struct file *f, s64 offset, int whence)
{
    struct loop l;
    s64 to = 0;

    loop_look(loop_number(f), &l);
    loop_forget(&l);
    if (whence == SEEK_CUR)
        to = (s64)f->pos;
    else if (whence == SEEK_END)
        to = (s64)l.size;
    else if (whence != SEEK_SET)
        return -EINVAL;
    if (whence == SEEK_CUR && offset == 0)
        return to;
    if (__builtin_add_overflow(to, offset, &to) || to < 0 || (u64)to > l.size)
        return -EINVAL;
    return to;
}

static int loop_fsync(struct file *f)
{
    struct loop l;
    int err = 0;

    loop_look(loop_number(f), &l);
    if (l.backing && l.backing->ops->fsync)
        err = l.backing->ops->fsync(l.backing);
    loop_forget(&l);
    return err;
}

static const struct file_ops loop_ops = {.open = loop_open,
                                         .release = loop_release,
                                         .read = loop_read,
                                         .write = loop_write,
                                         .lseek = loop_lseek,
                                         .ioctl = loop_ioctl,
                                         .fsync = loop_fsync};

/* ---- /dev/loop-control ---- */

static int add(u32 n)
{
    REQUIRES(&loop_lock);
    int err = devfs_show(FIRST_DEVICE + n, true);

    if (err) {
        devfs_show(FIRST_DEVICE + n, false);
        return err;
    }
    loops[n].readahead = READAHEAD;
    WRITE_ONCE(loops[n].there, true);
    return (int)n;
}

/* number < 0: any that is not there yet. */
static int add_asked(s32 number)
{
    u32 n = number < 0 ? 0 : (u32)number;

    while (number < 0 && n < LOOP_MAX && loops[n].there)
        n++;
    if (n >= LOOP_MAX)
        return -ENOSPC;
    return loops[n].there ? -EEXIST : add(n);
}

static int remove(s32 number)
{
    struct loop *l = &loops[(u32)number % LOOP_MAX];

    if (number < 0)
        return -EINVAL;
    if ((u32)number >= LOOP_MAX || !l->there)
        return -ENODEV;
    if (l->backing || l->openers)
        return -EBUSY;
    *l = (struct loop){.there = false};
    return devfs_show(FIRST_DEVICE + (u32)number, false);
}

static int get_free(void)
{
    for (u32 n = 0; n < LOOP_MAX; n++)
        if (loops[n].there && !loops[n].backing)
            return (int)n;
    return add_asked(-1);
}

static long control_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    (void)f;
    if (cmd != LOOP_CTL_ADD && cmd != LOOP_CTL_REMOVE && cmd != LOOP_CTL_GET_FREE)
        return -ENOSYS;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    SCOPED_LOCK(&loop_lock);
    return cmd == LOOP_CTL_ADD      ? add_asked((s32)arg)
           : cmd == LOOP_CTL_REMOVE ? remove((s32)arg)
                                    : get_free();
}

static s64 control_lseek(struct file *f, s64 offset, int whence)
{
    (void)offset, (void)whence;
    return (s64)f->pos;
}

static const struct file_ops control_ops = {.ioctl = control_ioctl,
                                            .lseek = control_lseek};

void loop_init(void)
{
    device_add("loop-control", CONTROL_DEVICE, 0660, &control_ops);
    if (devfs_register_blocks("loop", FIRST_DEVICE, LOOP_MAX, 0660, &loop_ops) != 0)
        panic("no memory for loop devices");
    SCOPED_LOCK(&loop_lock);
    for (u32 n = 0; n < LOOP_FIRST; n++)
        (void)add(n); /* nothing is mounted yet: only noted */
}
