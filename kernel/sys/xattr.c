/* SPDX-License-Identifier: MIT
 *
 * The calls on extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2).
 * Those that a file keeps, and the one that each socket has.
 */
#include "fs/xattr.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "fs/socket/socket.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define PROTOCOL_ATTRIBUTE "system.sockprotoname" /* sockets': lsof and lsfd ask for it */

/* A call on the way to its inode. */
struct xattr_call {
    long (*fn)(struct target *t, struct xattr_call *c);
    char name[XATTR_NAME_MAX + 1]; /* empty: a call without one */
    char *value;  /* setxattr: its bytes; else what is answered; or NULL */
    vaddr_t user; /* getxattr, listxattr */
    u64 size;
    u32 flags;
};

static long set(struct target *t, struct xattr_call *c)
{
    struct inode *ino = t->inode;
    int err = path_begin_change(&t->path);

    if (err)
        return err;
    mutex_lock(&ino->lock);
    err = xattr_permission(current_cred(), ino, c->name, true);
    if (!err && !ino->quota)
        err = -EOPNOTSUPP;
    if (!err && c->fn == set)
        err = xattr_set(ino, c->name, c->value, (u32)c->size, c->flags);
    else if (!err)
        err = xattr_remove(ino, c->name);
    mutex_unlock(&ino->lock);
    path_end_change(&t->path);
    return err;
}

static long remove(struct target *t, struct xattr_call *c)
{
    return set(t, c);
}

static long answer(struct xattr_call *c, const void *bytes, u64 n)
{
    if (c->size && n > c->size)
        return -ERANGE;
    if (c->size && n) {
        c->value = kmalloc(n);
        if (!c->value)
            return -ENOMEM;
        memcpy(c->value, bytes, n);
    }
    return (long)n;
}

static long get(struct target *t, struct xattr_call *c)
{
    const char *protocol = socket_protocol_name(t->inode);
    const struct xattr *x;
    int err;

    if (protocol && strcmp(c->name, PROTOCOL_ATTRIBUTE) == 0)
        return answer(c, protocol, strlen(protocol) + 1);
    SCOPED_LOCK_SHARED(&t->inode->lock);
    err = xattr_permission(current_cred(), t->inode, c->name, false);
    if (!err && !t->inode->quota)
        err = -EOPNOTSUPP;
    if (err)
        return err;
    x = xattr_find(t->inode, c->name);
    return x ? answer(c, xattr_value(x), x->size) : -ENODATA;
}

/* The names that the caller may see, each with its NUL: bytes. to NULL: they are counted. */
static u64 names(const struct inode *ino, char *to)
{
    bool admin = capable(CAP_SYS_ADMIN);
    const struct xattr *x = NULL;
    u64 total = 0;

    while ((x = xattr_next(ino, x))) {
        pause_anyway();
        if (!admin && strncmp(x->bytes, "trusted.", 8) == 0)
            continue;
        if (to)
            memcpy(to + total, x->bytes, x->name_len + 1);
        total += x->name_len + 1;
    }
    return total;
}

/* trusted.* are for administrators. */
static long list(struct target *t, struct xattr_call *c)
{
    u64 total;

    if (socket_protocol_name(t->inode))
        return answer(c, PROTOCOL_ATTRIBUTE, sizeof(PROTOCOL_ATTRIBUTE));
    SCOPED_LOCK_SHARED(&t->inode->lock);
    total = names(t->inode, NULL);
    if (!c->size || !total)
        return (long)total;
    if (total > XATTR_SIZE_MAX)
        return c->size >= XATTR_SIZE_MAX ? -E2BIG : -ERANGE;
    if (total > c->size)
        return -ERANGE;
    c->value = kmalloc(total);
    if (!c->value)
        return -ENOMEM;
    return (long)names(t->inode, c->value);
}

/* Once nothing is locked: a fault in the program's memory may take for ever. */
static long give(const struct xattr_call *c, long n)
{
    if (n <= 0 || !c->size || (c->fn != get && c->fn != list))
        return n;
    return copy_to_user(c->user, c->value, (size_t)n) != 0 ? -EFAULT : n;
}

/* Reads what the call has: 0; then value_put. */
static int prepare(const struct syscall_args *a, struct xattr_call *c)
{
    ssize_t n = 1;

    if (c->fn == list) {
        c->user = a->a1;
        c->size = a->a2;
        return 0;
    }
    c->user = a->a2;
    c->size = a->a3;
    c->flags = (u32)a->a4;
    if (c->fn == set && c->flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    n = strncpy_from_user(c->name, a->a1, sizeof(c->name));
    if (n <= 0)
        return n == 0 || n == -ENAMETOOLONG ? -ERANGE : (int)n;
    if (c->fn != set || !c->size)
        return 0;
    if (c->size > XATTR_SIZE_MAX)
        return -E2BIG;
    c->value = kmalloc(c->size);
    if (!c->value)
        return -ENOMEM;
    return copy_from_user(c->value, c->user, c->size);
}

/* name 0: the descriptor in the first argument. */
static long run(const struct syscall_args *a, struct xattr_call *c, bool named, u32 flags)
{
    struct target t;
    long result = 0;

    if (!named && ((s32)a->a0 != AT_FDCWD || c->fn == list || c->fn == remove))
        result = target_fd((int)a->a0, false, &t);
    else if (!named) { /* AT_FDCWD stands for the current directory */
        result = prepare(a, c);
        if (!result)
            result = target_name(current_fs(), AT_FDCWD, ".", 0, &t);
        named = true;
    } else {
        result = prepare(a, c);
        if (!result)
            result = target_at(AT_FDCWD, a->a0, flags, &t);
    }
    if (!result) {
        if (!named)
            result = prepare(a, c);
        if (!result)
            result = c->fn(&t, c);
        target_put(&t);
    }
    result = give(c, result);
    kfree(c->value);
    return result;
}

#define XATTR_CALLS(name, how)                                                       \
    long sys_##name(const struct syscall_args *a)                                    \
    {                                                                                \
        return run(a, &(struct xattr_call){.fn = (how)}, true, 0);                   \
    }                                                                                \
    long sys_l##name(const struct syscall_args *a)                                   \
    {                                                                                \
        return run(a, &(struct xattr_call){.fn = (how)}, true, AT_SYMLINK_NOFOLLOW); \
    }                                                                                \
    long sys_f##name(const struct syscall_args *a)                                   \
    {                                                                                \
        return run(a, &(struct xattr_call){.fn = (how)}, false, 0);                  \
    }

XATTR_CALLS(setxattr, set)
XATTR_CALLS(getxattr, get)
XATTR_CALLS(listxattr, list)
XATTR_CALLS(removexattr, remove)
