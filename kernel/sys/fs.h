/* SPDX-License-Identifier: MIT
 *
 * What the file system calls share: names and directories of the caller, what a name or a
 * descriptor stands for, lists of buffers.
 */
#pragma once

#include "fs/fd_array.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define RW_MAX    0x7ffff000ul /* bytes one call moves at most */
#define IOV_MAX   1024
#define IOV_STACK 8

/* The file of a descriptor with a reference; NULL: EBADF. file_of takes O_PATH files too. */
struct file *file_of(int fd);
struct file *io_file_of(int fd);

/* The same until the call ends, without a reference where one thread alone has the table. *held: it
 * has one; io_return() gives it back. In line: each transfer begins with it. */
static always_inline struct file *io_borrow(int fd, bool *held)
{
    struct file *f;

    *held = !fd_borrow(current_thread()->files, fd, &f);
    if (unlikely(*held))
        return io_file_of(fd);
    return f && file_flags(f) & O_PATH ? NULL : f;
}

static inline void io_return(struct file *f, bool held)
{
    if (unlikely(held))
        file_put(f);
}

/* Installs f as the lowest free descriptor; f's reference is used up also on failure. */
long install_file(struct file *f, bool cloexec);
u32 fd_limit(void);

/* A name of the caller in fresh memory (kfree). empty_ok: "" is a name, else -ENOENT. */
int must_check name_of(vaddr_t user, bool empty_ok, char **out);

/* What a dirfd argument stands for. */
struct at_dir {
    struct file *file;       /* keeps base; NULL: none needed */
    const struct path *base; /* for vfs_*: NULL is the working directory */
};
/* -EBADF, -ENOTDIR. An absolute name needs no descriptor. */
int must_check at_dir_get(int dirfd, const char *name, struct at_dir *d);
void at_dir_put(struct at_dir *d);

/* An existing object, by name or descriptor. */
struct target {
    struct path path; /* dentry NULL: a file without a name */
    struct inode *inode;
};
/* at_flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH count. */
int must_check target_at(int dirfd, vaddr_t name, u32 at_flags, struct target *t);
/* The same with the directories and rights of fs. */
int must_check target_in(struct fs_context *fs, int dirfd, vaddr_t name, u32 at_flags,
                         struct target *t);
/* The same by a name in kernel memory. */
int must_check target_name(struct fs_context *fs, int dirfd, const char *name,
                           u32 at_flags, struct target *t);
int must_check target_fd(int fd, bool path_ok, struct target *t);
void target_put(struct target *t);

/* Buffers of the caller, range-checked, RW_MAX bytes at most. buffers_put when it was 0. */
struct buffers {
    struct uio uio;
    struct iovec stack[IOV_STACK];
    struct iovec *heap;
};
/* -EINVAL, -EFAULT, -ENOMEM. */
int must_check buffers_get(struct buffers *b, vaddr_t iov, u64 count);
/* One buffer: 0 or -EFAULT. */
static inline int must_check buffer_get(struct buffers *b, vaddr_t buf, size_t len)
{
    b->heap = NULL;
    if (!user_range_ok(buf, len))
        return -EFAULT;
    uio_init_user(&b->uio, b->stack, buf, MIN(len, RW_MAX));
    return 0;
}
void buffers_put(struct buffers *b);

/* The rights of the running process in the file systems. */
const struct fs_cred *current_cred(void);
/* Whether the running process may do what only the owner (or root) may. */
bool owns(const struct inode *ino);
