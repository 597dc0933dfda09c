/* SPDX-License-Identifier: MIT
 *
 * mount and umount2: names, texts and rights; what they do is in fs/mount/mount_calls.c.
 * sysfs(2): the kinds of file systems by number.
 */
#include "fs/mount/mount.h"
#include "fs/mount/mount_calls.h"
#include "fs/namei.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mount.h"
#include "mm/phys/slab.h"

#define KNOWN                                                                           \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_REMOUNT |       \
     MS_MANDLOCK | MS_DIRSYNC | MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_BIND | \
     MS_MOVE | MS_REC | MS_SILENT | MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED | \
     MS_RELATIME | MS_STRICTATIME | MS_LAZYTIME)

/* A text of the caller in fresh memory, at most a page; NULL for address 0. */
static int text_of(vaddr_t at, char **out)
{
    ssize_t n;

    *out = NULL;
    if (!at)
        return 0;
    *out = kmalloc(PATH_MAX);
    if (!*out)
        return -ENOMEM;
    n = strncpy_from_user(*out, at, PATH_MAX);
    return n < 0 ? (n == -ENAMETOOLONG ? -EINVAL : (int)n) : 0;
}

/* Options are as much of a page as can be read; "" for address 0. */
static int options_of(vaddr_t at, char **out)
{
    char *text = kmalloc(PATH_MAX);
    size_t n = 0;

    *out = text;
    if (!text)
        return -ENOMEM;
    while (at && n < PATH_MAX - 1 && copy_from_user(&text[n], at + n, 1) == 0 && text[n])
        n++;
    if (at && n == 0 && copy_from_user(&text[n], at, 1) != 0)
        return -EFAULT;
    text[n] = '\0';
    return 0;
}

static int look_up(vaddr_t name, u32 lookup_flags, struct path *out)
{
    char *text;
    int err = name_of(name, false, &text);

    if (err)
        return err;
    err = vfs_lookup(current_fs(), NULL, text, lookup_flags, out);
    kfree(text);
    return err;
}

/* mount(source, target, type, flags, data): the source of a memory file system is only a
 * label. Names come before rights, as on Linux. */
long sys_mount(const struct syscall_args *a)
{
    u32 flags = (u32)a->a3;
    char *type = NULL, *source = NULL, *options = NULL;
    struct path at;
    int err;

    if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
        flags &= ~MS_MAGIC_MASK;
    err = text_of(a->a2, &type);
    if (!err)
        err = text_of(a->a0, &source);
    if (!err)
        err = options_of(a->a4, &options);
    if (!err)
        err = look_up(a->a1, LOOKUP_FOLLOW, &at);
    if (!err) {
        struct mount_args args = {source, type, flags, options};

        err = !capable(CAP_SYS_ADMIN) ? -EPERM : flags & ~KNOWN ? -EINVAL : 0;
        if (err)
            path_put(&at);
        else
            err = vfs_mount(current_fs(), &at, &args);
    }
    kfree(type);
    kfree(source);
    kfree(options);
    return err;
}

long sys_umount2(const struct syscall_args *a)
{
    u32 flags = (u32)a->a1;
    struct path at;
    int err;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    err = look_up(a->a0, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &at);
    if (err)
        return err;
    if (!capable(CAP_SYS_ADMIN))
        err = -EPERM;
    else if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
        err = -EINVAL;
    if (err)
        path_put(&at);
    else
        err = vfs_umount(current_fs(), &at, flags);
    return err;
}

/* ---- sysfs(2) ---- */

/* Looked for among the kinds in their order: the number of a name, the name of a number. */
struct type_search {
    const char *name;
    u32 number, seen;
    const struct fs_type *found;
};

static void compare_type(const struct fs_type *type, void *arg)
{
    struct type_search *s = arg;

    if (s->name ? strcmp(s->name, type->name) == 0 : s->seen == s->number) {
        s->found = type;
        s->number = s->seen;
    }
    s->seen++;
}

long sys_sysfs(const struct syscall_args *a)
{
    struct type_search s = {.number = (u32)a->a1};
    char *name = NULL;
    int err = 0;

    switch ((int)a->a0) {
    case 1:
        err = name_of(a->a1, false, &name);
        if (err)
            return err;
        s.name = name;
        vfs_for_each_type(compare_type, &s);
        kfree(name);
        return s.found ? (long)s.number : -EINVAL;
    case 2:
        vfs_for_each_type(compare_type, &s);
        return s.found ? copy_to_user(a->a2, s.found->name, strlen(s.found->name) + 1)
                       : -EINVAL;
    case 3:
        vfs_for_each_type(compare_type, &s);
        return s.seen;
    default:
        return -EINVAL;
    }
}
