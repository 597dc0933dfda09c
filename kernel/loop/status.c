/* SPDX-License-Identifier: MIT
 *
 * Requests to a loop device. Who changes one has CAP_SYS_ADMIN. Records of the caller are read
 * before loop_lock is taken and written after it.
 */
#include "kernel/loop/status.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "kernel/loop/block.h"
#include "kernel/loop/loop.h"
#include "kernel/sys/fs.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/capability.h"

#define SETTABLE \
    (LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO)

/* ---- binding ---- */

static u64 measure(const struct file *backing, u64 offset, u64 limit)
{
    u64 size = READ_ONCE(backing->inode->object->size);

    size = offset < size ? size - offset : 0;
    return align_down(limit && limit < size ? limit : size, LOOP_SECTOR);
}

static bool may_back(const struct file *f)
{
    return S_ISREG(f->inode->mode) && f->inode->object && f->ops->read;
}

static bool may_direct(const struct file *backing, u64 offset)
{
    return inode_may_direct(backing->inode) && offset % LOOP_SECTOR == 0;
}

static int check_block(u32 size)
{
    return size < LOOP_SECTOR || size > PAGE_SIZE || (size & (size - 1)) ? -EINVAL : 0;
}

static int check_info(const struct loop_info64 *info)
{
    if (info->lo_encrypt_key_size > LO_KEY_SIZE || info->lo_encrypt_type)
        return -EINVAL;
    return (s64)info->lo_offset < 0 || (s64)info->lo_sizelimit < 0 ? -EOVERFLOW : 0;
}

/* The part of the file, once everything is known to be right. */
static void set_info(struct loop *l, const struct loop_info64 *info)
{
    REQUIRES(&loop_lock);
    if (l->offset != info->lo_offset || l->limit != info->lo_sizelimit)
        l->size = measure(l->backing, info->lo_offset, info->lo_sizelimit);
    l->offset = info->lo_offset;
    l->limit = info->lo_sizelimit;
    memcpy(l->name, info->lo_file_name, sizeof(l->name));
    l->name[sizeof(l->name) - 1] = '\0';
    if (!may_direct(l->backing, l->offset))
        l->flags &= ~LO_FLAGS_DIRECT_IO;
}

static int bind(struct loop *l, const struct file *device, struct file *backing,
                const struct loop_config *c)
{
    REQUIRES(&loop_lock);
    int err;

    if (l->backing)
        return -EBUSY;
    if (!may_back(backing) || (c->info.lo_flags & ~SETTABLE))
        return -EINVAL;
    err = c->block_size ? check_block(c->block_size) : 0;
    if (!err)
        err = check_info(&c->info);
    if (err)
        return err;
    WRITE_ONCE(l->backing, backing);
    l->flags = c->info.lo_flags;
    if (!file_writable(backing) || !backing->ops->write || !file_writable(device))
        l->flags |= LO_FLAGS_READ_ONLY;
    l->block = c->block_size;
    l->size = measure(backing, 0, 0);
    set_info(l, &c->info);
    return 0;
}

/* LOOP_CHANGE_FD: *backing becomes what it was before. */
static int change(struct loop *l, struct file **backing)
{
    REQUIRES(&loop_lock);
    struct file *old = l->backing;

    if (!old)
        return -ENXIO;
    if (!(l->flags & LO_FLAGS_READ_ONLY) || !may_back(*backing) ||
        measure(*backing, l->offset, l->limit) != measure(old, l->offset, l->limit))
        return -EINVAL;
    WRITE_ONCE(l->backing, *backing);
    *backing = old;
    if (!may_direct(l->backing, l->offset))
        l->flags &= ~LO_FLAGS_DIRECT_IO;
    return 0;
}

static long take_file(struct file *f, u32 cmd, const struct loop_config *c)
{
    struct file *backing = io_file_of((int)c->fd);
    struct loop *l;
    int err;

    if (!backing)
        return -EBADF;
    mutex_lock(&loop_lock);
    l = loop_at(loop_number(f));
    err = cmd == LOOP_CHANGE_FD ? change(l, &backing) : bind(l, f, backing, c);
    mutex_unlock(&loop_lock);
    if (err || cmd == LOOP_CHANGE_FD)
        file_put(backing);
    return err;
}

/* With other openers it goes with the last of them. */
static long clear(struct file *f)
{
    struct file *backing = NULL;
    struct loop *l;
    int err = 0;

    mutex_lock(&loop_lock);
    l = loop_at(loop_number(f));
    if (!l->backing)
        err = -ENXIO;
    else if (l->openers > 1)
        l->flags |= LO_FLAGS_AUTOCLEAR;
    else
        backing = loop_unbind(l);
    mutex_unlock(&loop_lock);
    if (backing)
        file_put(backing);
    return err;
}

/* ---- status ---- */

/* What is set and cleared there: the flag for the end; the one for partitions stays. */
static long set_status(struct file *f, const struct loop_info64 *info)
{
    SCOPED_LOCK(&loop_lock);
    struct loop *l = loop_at(loop_number(f));
    int err = l->backing ? check_info(info) : -ENXIO;

    if (err)
        return err;
    l->flags = (l->flags & ~LO_FLAGS_AUTOCLEAR) |
               (info->lo_flags & (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN));
    set_info(l, info);
    return 0;
}

static long set_old_status(struct file *f, uintptr_t arg)
{
    struct loop_info64 info = {0};
    struct loop_info old;

    if (copy_from_user(&old, arg, sizeof(old)) != 0)
        return -EFAULT;
    info.lo_offset = (u64)(s64)old.lo_offset;
    info.lo_encrypt_type = (u32)old.lo_encrypt_type;
    info.lo_encrypt_key_size = (u32)old.lo_encrypt_key_size;
    info.lo_flags = old.lo_flags;
    memcpy(info.lo_file_name, old.lo_name, LO_NAME_SIZE);
    return set_status(f, &info);
}

static int get_status(u32 n, struct loop_info64 *info)
{
    struct kernel_stat st;
    struct loop l;

    loop_look(n, &l);
    if (!l.backing)
        return -ENXIO;
    vfs_stat(l.backing->inode, &st);
    *info = (struct loop_info64){.lo_device = st.st_dev,
                                 .lo_inode = st.st_ino,
                                 .lo_offset = l.offset,
                                 .lo_sizelimit = l.limit,
                                 .lo_number = n,
                                 .lo_flags = l.flags};
    memcpy(info->lo_file_name, l.name, LO_NAME_SIZE);
    loop_forget(&l);
    return 0;
}

static long tell_status(struct file *f, u32 cmd, uintptr_t arg)
{
    struct loop_info64 info;
    struct loop_info old;
    int err = get_status(loop_number(f), &info);

    if (err)
        return err;
    if (cmd == LOOP_GET_STATUS64)
        return copy_to_user(arg, &info, sizeof(info));
    memset(&old, 0, sizeof(old));
    old.lo_number = (s32)info.lo_number;
    old.lo_device = info.lo_device;
    old.lo_inode = info.lo_inode;
    old.lo_offset = (s32)info.lo_offset;
    old.lo_flags = info.lo_flags;
    memcpy(old.lo_name, info.lo_file_name, LO_NAME_SIZE);
    if ((u64)(s64)old.lo_offset != info.lo_offset)
        return -EOVERFLOW;
    return copy_to_user(arg, &old, sizeof(old));
}

static long set_one(struct file *f, u32 cmd, uintptr_t arg)
{
    SCOPED_LOCK(&loop_lock);
    struct loop *l = loop_at(loop_number(f));

    if (!l->backing)
        return -ENXIO;
    if (cmd == LOOP_SET_CAPACITY) {
        l->size = measure(l->backing, l->offset, l->limit);
    } else if (cmd == LOOP_SET_BLOCK_SIZE) {
        if (arg > PAGE_SIZE || check_block((u32)arg) != 0)
            return -EINVAL;
        l->block = (u32)arg;
    } else if (!arg) {
        l->flags &= ~LO_FLAGS_DIRECT_IO;
    } else {
        if (!may_direct(l->backing, l->offset))
            return -EINVAL;
        l->flags |= LO_FLAGS_DIRECT_IO;
    }
    return 0;
}

static long change_device(struct file *f, u32 cmd, uintptr_t arg)
{
    struct loop_config c = {.fd = (u32)arg};

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    switch (cmd) {
    case LOOP_CONFIGURE:
        if (copy_from_user(&c, arg, sizeof(c)) != 0)
            return -EFAULT;
        return take_file(f, cmd, &c);
    case LOOP_SET_FD:
    case LOOP_CHANGE_FD:
        return take_file(f, cmd, &c);
    case LOOP_CLR_FD:
        return clear(f);
    case LOOP_SET_STATUS:
        return set_old_status(f, arg);
    case LOOP_SET_STATUS64:
        if (copy_from_user(&c.info, arg, sizeof(c.info)) != 0)
            return -EFAULT;
        return set_status(f, &c.info);
    default:
        return set_one(f, cmd, arg);
    }
}

long loop_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    switch (cmd) {
    case LOOP_GET_STATUS:
    case LOOP_GET_STATUS64:
        return tell_status(f, cmd, arg);
    case LOOP_SET_FD:
    case LOOP_CHANGE_FD:
    case LOOP_CONFIGURE:
    case LOOP_CLR_FD:
    case LOOP_SET_STATUS:
    case LOOP_SET_STATUS64:
    case LOOP_SET_CAPACITY:
    case LOOP_SET_BLOCK_SIZE:
    case LOOP_SET_DIRECT_IO:
        return change_device(f, cmd, arg);
    default:
        return block_ioctl(f, cmd, arg);
    }
}
