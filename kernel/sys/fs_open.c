/* SPDX-License-Identifier: MIT
 *
 * Opening and making files: open, openat2, pipe, memfd_create.
 */
#include "fs/fdtable.h"
#include "fs/open.h"
#include "fs/pipe/pipe.h"
#include "fs/ramfs/memfd.h"
#include "fs/vfs.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mman.h"
#include "mm/phys/slab.h"

#define NOTIFICATION_PIPE O_EXCL /* of pipe2 */

#define RESOLVE_FLAGS                                                                  \
    (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | \
     RESOLVE_IN_ROOT | RESOLVE_CACHED)

_Static_assert(LOOKUP_RESOLVE(RESOLVE_NO_XDEV) == LOOKUP_NO_XDEV &&
                   LOOKUP_RESOLVE(RESOLVE_NO_MAGICLINKS) == LOOKUP_NO_MAGICLINKS &&
                   LOOKUP_RESOLVE(RESOLVE_NO_SYMLINKS) == LOOKUP_NO_SYMLINKS &&
                   LOOKUP_RESOLVE(RESOLVE_BENEATH) == LOOKUP_BENEATH &&
                   LOOKUP_RESOLVE(RESOLVE_IN_ROOT) == LOOKUP_IN_ROOT &&
                   LOOKUP_RESOLVE(RESOLVE_CACHED) == LOOKUP_CACHED,
               "a walk's restrictions are openat2's");

static long open_name(int dirfd, const char *name, u32 flags, u32 mode, u32 within)
{
    struct fdtable *files = current_thread()->files;
    struct at_dir dir;
    struct file *f;
    int fd, err = at_dir_get(dirfd, within & LOOKUP_IN_ROOT ? "." : name, &dir);

    if (err)
        return err;
    /* Nothing may be created or cut when there is no descriptor for it. */
    fd = fd_reserve(files, fd_limit());
    if (fd >= 0) {
        err = vfs_open_within(current_fs(), dir.base, name, flags, mode, within, &f);
        if (err)
            fd_unreserve(files, fd);
        else
            fd_fill(files, fd, f, flags & O_CLOEXEC);
    }
    at_dir_put(&dir);
    return err ? err : fd;
}

static long open_user_name(int dirfd, vaddr_t user, u32 flags, u32 mode, u32 within)
{
    char *name;
    long result;
    int err = name_of(user, false, &name);

    if (err)
        return err;
    result = open_name(dirfd, name, flags | O_LARGEFILE, mode, within);
    kfree(name);
    return result;
}

/* O_TMPFILE makes a file to write to, O_CREAT never makes a directory. */
static bool flags_clash(u64 flags)
{
    if (flags & TMPFILE_BIT)
        return !(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY ||
               (flags & O_CREAT);
    return (flags & O_CREAT) && (flags & O_DIRECTORY);
}

static long do_open(int dirfd, vaddr_t user, u32 flags, u32 mode)
{
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (flags_clash(flags))
        return -EINVAL;
    return open_user_name(dirfd, user, flags & OPEN_FLAGS, mode, 0);
}

long sys_open(const struct syscall_args *a)
{
    return do_open(AT_FDCWD, a->a0, (u32)a->a1, (u32)a->a2);
}

long sys_openat(const struct syscall_args *a)
{
    return do_open((int)a->a0, a->a1, (u32)a->a2, (u32)a->a3);
}

long sys_creat(const struct syscall_args *a)
{
    return do_open(AT_FDCWD, a->a0, O_CREAT | O_WRONLY | O_TRUNC, (u32)a->a1);
}

/* What open(2) would pass over in silence. */
static int check_how(const struct open_how *how)
{
    u64 flags = how->flags;
    bool creates = flags & (O_CREAT | TMPFILE_BIT);

    if ((flags & ~(u64)(OPEN_FLAGS | O_LARGEFILE)) ||
        (how->resolve & ~(u64)RESOLVE_FLAGS) || (how->mode & ~(u64)(creates ? 07777 : 0)))
        return -EINVAL;
    if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
        return -EINVAL;
    if (flags_clash(flags))
        return -EINVAL;
    if ((flags & O_PATH) &&
        (flags & ~(u64)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
        return -EINVAL;
    /* What changes the file system is never just a look at what is known. */
    if ((how->resolve & RESOLVE_CACHED) && (creates || (flags & O_TRUNC)))
        return -EAGAIN;
    return 0;
}

long sys_openat2(const struct syscall_args *a)
{
    struct open_how how;
    int err;

    if (a->a3 < sizeof(how)) /* as it was at first */
        return -EINVAL;
    err = copy_struct_from_user(&how, sizeof(how), a->a2, a->a3);
    if (!err)
        err = check_how(&how);
    if (err)
        return err;
    return open_user_name((int)a->a0, a->a1, (u32)how.flags, (u32)how.mode,
                          LOOKUP_RESOLVE(how.resolve));
}

/* A file without a directory belongs to who makes it. */
static void own(struct file *f)
{
    f->inode->uid = current_cred()->uid;
    f->inode->gid = current_cred()->gid;
}

static long do_pipe(vaddr_t user, u32 flags)
{
    struct fdtable *t = current_thread()->files;
    bool cloexec = flags & O_CLOEXEC;
    struct file *reader, *writer;
    s32 fds[2];
    int err;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | NOTIFICATION_PIPE))
        return -EINVAL;
    if (flags & NOTIFICATION_PIPE)
        return -ENOPKG; /* as of a Linux built without them */
    err = pipe_create(flags & (O_NONBLOCK | O_DIRECT), &reader, &writer);
    if (err)
        return err;
    own(reader); /* one inode for both ends */
    fds[0] = fd_reserve(t, fd_limit());
    fds[1] = fds[0] < 0 ? fds[0] : fd_reserve(t, fd_limit());
    err = fds[1] < 0 ? fds[1] : copy_to_user(user, fds, sizeof(fds));
    if (!err) { /* nobody has seen a descriptor of a call that fails */
        fd_fill(t, fds[0], reader, cloexec);
        fd_fill(t, fds[1], writer, cloexec);
        return 0;
    }
    if (fds[1] >= 0)
        fd_unreserve(t, fds[1]);
    if (fds[0] >= 0)
        fd_unreserve(t, fds[0]);
    file_put(reader);
    file_put(writer);
    return err;
}

long sys_pipe(const struct syscall_args *a)
{
    return do_pipe(a->a0, 0);
}

long sys_pipe2(const struct syscall_args *a)
{
    return do_pipe(a->a0, (u32)a->a1);
}

long sys_memfd_create(const struct syscall_args *a)
{
    u32 flags = (u32)a->a1, size = 0;
    char name[MEMFD_NAME_MAX + 1];
    struct file *f;
    ssize_t n;
    int err;

    if (flags & MFD_HUGETLB) {
        size = flags >> MAP_HUGE_SHIFT;
        flags &= (1u << MAP_HUGE_SHIFT) - 1;
    }
    if ((flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL |
                        MFD_EXEC)) ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return -EINVAL;
    n = strncpy_from_user(name, a->a0, sizeof(name));
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    if (size && size != MAP_HUGE_2MB >> MAP_HUGE_SHIFT)
        return -ENODEV;
    err = memfd_create(name, flags, &f);
    if (err)
        return err;
    own(f);
    return install_file(f, flags & MFD_CLOEXEC);
}
