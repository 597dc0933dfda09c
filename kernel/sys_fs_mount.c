/* SPDX-License-Identifier: MIT
 *
 * mount and umount2, for root.
 */
#include "kernel/sys_fs.h"
#include "kernel/uaccess.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"

/* Flags that change nothing here: times of access are not written, and messages go to the
 * log only. Those that promise protection (nosuid, nodev, noexec, read-only) are refused: no
 * mount keeps such a promise. */
#define MS_NOATIME     0x400u
#define MS_NODIRATIME  0x800u
#define MS_SILENT      0x8000u
#define MS_RELATIME    0x200000u
#define MS_STRICTATIME 0x1000000u
#define MS_ACCEPTED \
    (MS_NOATIME | MS_NODIRATIME | MS_SILENT | MS_RELATIME | MS_STRICTATIME)
#define MS_MAGIC      0xc0ed0000u
#define MS_MAGIC_MASK 0xffff0000u

#define UMOUNT_NOFOLLOW 8u

#define TYPE_MAX 64

/* No file system here knows an option, so only an empty text is right. */
static int check_options(vaddr_t data)
{
    char first = 0;

    if (data && copy_from_user(&first, data, 1) != 0)
        return -EFAULT;
    return first ? -EINVAL : 0;
}

/* mount(source, target, type, flags, data): the source of a memory file system is only a
 * label. */
long sys_mount(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u32 flags = (u32)a->a3;
    char type[TYPE_MAX], *name;
    ssize_t n;
    int err;

    if (!proc_capable(p, CAP_SYS_ADMIN))
        return -EPERM;
    if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
        flags &= ~MS_MAGIC_MASK;
    if (flags & ~MS_ACCEPTED)
        return -EINVAL;
    err = check_options(a->a4);
    if (err)
        return err;
    n = strncpy_from_user(type, a->a2, sizeof(type));
    if (n < 0)
        return n == -ENAMETOOLONG ? -ENODEV : n;
    err = name_of(a->a1, false, &name);
    if (err)
        return err;
    err = vfs_mount(&p->fs, type, name);
    kfree(name);
    return err;
}

long sys_umount2(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    char *name;
    int err;

    if ((u32)a->a1 & ~UMOUNT_NOFOLLOW)
        return -EINVAL;
    if (!proc_capable(p, CAP_SYS_ADMIN))
        return -EPERM;
    err = name_of(a->a0, false, &name);
    if (err)
        return err;
    err = vfs_umount(&p->fs, name);
    kfree(name);
    return err;
}
