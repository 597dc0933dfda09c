/* SPDX-License-Identifier: MIT
 *
 * What any block device is asked: sizes, whether it may be written, readahead; and the requests
 * that give parts of it back or fill them with zeros, which make holes in the file.
 */
#include "kernel/loop/block.h"
#include "fs/file.h"
#include "kernel/loop/loop.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

/* The largest up to a page that the size is a multiple of, unless one was set. */
static u32 soft_block(const struct loop *l)
{
    u32 size = loop_block(l);

    if (l->soft_block)
        return MAX(l->soft_block, size);
    while (size < PAGE_SIZE && !(l->size & size))
        size *= 2;
    return size;
}

static long punch(struct file *f, const struct loop *l, u32 cmd, uintptr_t arg)
{
    struct inode *ino = l->backing ? l->backing->inode : NULL;
    u64 range[2], end;

    if (!file_writable(f))
        return -EBADF;
    if (cmd == BLKSECDISCARD || !ino || !ino->ops->fallocate)
        return -EOPNOTSUPP;
    if (copy_from_user(range, arg, sizeof(range)) != 0)
        return -EFAULT;
    if ((range[0] | range[1]) % LOOP_SECTOR ||
        __builtin_add_overflow(range[0], range[1], &end) || end > l->size)
        return -EINVAL;
    if (loop_is_read_only(l))
        return -EPERM;
    if (!range[1])
        return 0;
    SCOPED_LOCK(&ino->lock);
    return ino->ops->fallocate(ino, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               l->offset + range[0], range[1]);
}

static long set(struct file *f, u32 cmd, uintptr_t arg)
{
    bool by_value = cmd == BLKRASET || cmd == BLKFRASET;
    s32 value = 0;
    struct loop *l;

    if (!capable(CAP_SYS_ADMIN))
        return -EACCES;
    if (!by_value && copy_from_user(&value, arg, sizeof(value)) != 0)
        return -EFAULT;
    SCOPED_LOCK(&loop_lock);
    l = loop_at(loop_number(f));
    if (by_value) {
        l->readahead = align_down(arg, PAGE_SIZE / LOOP_SECTOR);
    } else if (cmd == BLKROSET) {
        l->read_only = value != 0;
    } else {
        if (value < (s32)loop_block(l) || value > (s32)PAGE_SIZE || (value & (value - 1)))
            return -EINVAL;
        l->soft_block = (u32)value;
    }
    return 0;
}

static long tell(uintptr_t arg, u64 value, size_t size)
{
    return copy_to_user(arg, &value, size);
}

static long get(const struct loop *l, u32 cmd, uintptr_t arg)
{
    switch (cmd) {
    case BLKGETSIZE64:
        return tell(arg, l->size, 8);
    case BLKGETSIZE:
        return tell(arg, l->size / LOOP_SECTOR, 8);
    case BLKRAGET:
    case BLKFRAGET:
        return tell(arg, l->readahead, 8);
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN:
        return tell(arg, loop_block(l), 4);
    case BLKBSZGET:
        return tell(arg, soft_block(l), 4);
    case BLKROGET:
        return tell(arg, loop_is_read_only(l), 4);
    case BLKIOOPT:
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
        return tell(arg, 0, 4);
    case BLKROTATIONAL:
        return tell(arg, 0, 2);
    default:
        return -EINVAL;
    }
}

long block_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct loop l;
    long result;

    switch (cmd) {
    case BLKROSET:
    case BLKRASET:
    case BLKFRASET:
    case BLKBSZSET:
        return set(f, cmd, arg);
    case BLKFLSBUF: /* the file's pages are where the bytes are kept */
        return capable(CAP_SYS_ADMIN) ? 0 : -EACCES;
    case BLKRRPART: /* no kind of partition table is known */
        return capable(CAP_SYS_ADMIN) ? -EINVAL : -EACCES;
    default:
        break;
    }
    loop_look(loop_number(f), &l);
    if (cmd == BLKDISCARD || cmd == BLKSECDISCARD || cmd == BLKZEROOUT)
        result = punch(f, &l, cmd, arg);
    else
        result = get(&l, cmd, arg);
    loop_forget(&l);
    return result;
}
