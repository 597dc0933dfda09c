/* SPDX-License-Identifier: MIT
 *
 * Advisory locks: fcntl's records and flock. The engine is fs/lock/locks.c.
 */
#include "kernel/sys/fs_lock.h"
#include "fs/fdtable.h"
#include "fs/lock/locks.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

/* Where the range of l starts counting. */
static int base_of(struct file *f, s16 whence, s64 *base)
{
    switch (whence) {
    case SEEK_SET:
        *base = 0;
        return 0;
    case SEEK_CUR:
        *base = (s64)READ_ONCE(f->pos);
        return 0;
    case SEEK_END:
        *base = f->inode->object ? (s64)READ_ONCE(f->inode->object->size) : 0;
        return 0;
    default:
        return -EINVAL;
    }
}

/* A negative length counts backwards from the start, zero means to the end of everything. */
static int range_of(struct file *f, const struct flock *l, struct lock_request *r)
{
    s64 start, end;
    int err = base_of(f, l->l_whence, &start);

    if (err)
        return err;
    if (__builtin_add_overflow(start, l->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (l->l_len == 0) {
        end = (s64)LOCK_END;
    } else if (l->l_len > 0) {
        if (__builtin_add_overflow(start, l->l_len - 1, &end))
            return -EOVERFLOW;
    } else {
        end = start - 1;
        if (__builtin_add_overflow(start, l->l_len, &start) || start < 0)
            return -EINVAL;
    }
    r->start = (u64)start;
    r->end = (u64)end;
    return 0;
}

static int make_request(struct file *f, const struct flock *l, bool ofd,
                        struct lock_request *r)
{
    struct proc *p = current_proc();

    if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
        return -EINVAL;
    if (ofd && l->l_pid != 0)
        return -EINVAL;
    *r = (struct lock_request){
        .inode = f->inode,
        .file = f->lock_owner,
        .owner = ofd ? f->lock_owner : fdtable_lock_owner(current_thread()->files),
        .pid = ofd ? -1 : p->pid,
        .type = l->l_type,
    };
    return range_of(f, l, r);
}

long record_lock_test(struct file *f, vaddr_t user, bool ofd)
{
    struct lock_request r, found;
    struct flock l;
    int err;

    if (copy_from_user(&l, user, sizeof(l)) != 0)
        return -EFAULT;
    if (l.l_type == F_UNLCK)
        return -EINVAL;
    err = make_request(f, &l, ofd, &r);
    if (err)
        return err;
    if (lock_test(&r, &found)) {
        l.l_type = found.type;
        l.l_whence = SEEK_SET;
        l.l_start = (s64)found.start;
        l.l_len = found.end == LOCK_END ? 0 : (s64)(found.end - found.start + 1);
        l.l_pid = found.pid;
    } else {
        l.l_type = F_UNLCK;
    }
    return copy_to_user(user, &l, sizeof(l));
}

/* A record goes when its process closes any descriptor of the file. Whose descriptor was
 * closed between the look-up and the grant would have one that no close takes away. */
static int grant_stands(int fd, const struct file *f, const struct lock_request *r)
{
    struct lock_request undo = *r;
    int err;

    if (r->type == F_UNLCK || fd_is(current_thread()->files, fd, f))
        return 0;
    undo.type = F_UNLCK;
    err = lock_set(&undo, false);
    if (err)
        locks_forget(r->owner, r->inode); /* no memory to cut out just the range */
    return -EBADF;
}

long record_lock_set(int fd, struct file *f, vaddr_t user, bool ofd, bool wait)
{
    struct lock_request r;
    struct flock l;
    int err;

    if (copy_from_user(&l, user, sizeof(l)) != 0)
        return -EFAULT;
    err = make_request(f, &l, ofd, &r);
    if (err)
        return err;
    if ((r.type == F_RDLCK && !file_readable(f)) ||
        (r.type == F_WRLCK && !file_writable(f)))
        return -EBADF;
    err = lock_set(&r, wait);
    return err || ofd ? err : grant_stands(fd, f, &r);
}

long sys_flock(const struct syscall_args *a)
{
    u32 op = (u32)a->a1, kind = op & ~(u32)LOCK_NB;
    struct lock_request r;
    struct file *f;
    long result;

    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    f = io_file_of((int)a->a0);
    if (!f)
        return -EBADF;
    r = (struct lock_request){
        .inode = f->inode,
        .file = f->lock_owner,
        .owner = f->lock_owner,
        .pid = current_proc()->pid,
        .whole_file = true,
        .type = kind == LOCK_SH   ? F_RDLCK
                : kind == LOCK_EX ? F_WRLCK
                                  : F_UNLCK,
        .end = LOCK_END,
    };
    result = lock_set(&r, !(op & LOCK_NB));
    file_put(f);
    return result;
}
