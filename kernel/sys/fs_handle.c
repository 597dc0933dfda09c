/* SPDX-License-Identifier: MIT
 *
 * Handles of files: those of memory file systems by their numbers, which no two ever have.
 * open_by_handle_at(2).
 */
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "fs/ramfs/ramfs.h"
#include "fs/vfs.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define HANDLE_MAX  128u
#define HANDLE_TYPE 1 /* as on Linux: a generation, the number */

struct handle_head {
    u32 bytes;
    s32 type;
};

struct handle {
    u32 generation; /* 0: numbers are not given again */
    u32 number[2];
};

static bool has_handles(const struct path *p)
{
    const struct fs_type *type = p->mnt ? p->mnt->super->type : NULL;

    return type && type->make_root == ramfs_make_root;
}

/* The handle of t, or how long it would be; the mount's number, which is not given again, in
 * mount_size bytes. */
static long put_handle(const struct target *t, vaddr_t user, vaddr_t mount,
                       size_t mount_size)
{
    const u64 id = t->path.mnt->id;
    u64 n = t->inode->ino;
    const struct handle h = {0, {(u32)n, (u32)(n >> 32)}};
    struct handle_head head;
    bool fits;

    if (copy_from_user(&head, user, sizeof(head)) != 0)
        return -EFAULT;
    if (head.bytes > HANDLE_MAX)
        return -EINVAL;
    fits = head.bytes >= sizeof(h);
    head = (struct handle_head){sizeof(h), fits ? HANDLE_TYPE : 255};
    if (copy_to_user(mount, &id, mount_size) != 0 ||
        copy_to_user(user, &head, sizeof(head)) != 0 ||
        (fits && copy_to_user(user + sizeof(head), &h, sizeof(h)) != 0))
        return -EFAULT;
    return fits ? 0 : -EOVERFLOW;
}

/* (dirfd, name, handle, mount, flags). Each handle finds its file, so one that is only compared
 * (AT_HANDLE_FID) is the same; none leads to its directory (AT_HANDLE_CONNECTABLE). */
long sys_name_to_handle_at(const struct syscall_args *a)
{
    u32 flags = (u32)a->a4;
    bool connectable = flags & AT_HANDLE_CONNECTABLE;
    struct target t;
    long err;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID |
                  AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE) ||
        (connectable && flags & (AT_HANDLE_FID | AT_EMPTY_PATH)))
        return -EINVAL;
    err = target_at((int)a->a0, a->a1,
                    (flags & AT_EMPTY_PATH) |
                        (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW),
                    &t);
    if (err)
        return err;
    err = has_handles(&t.path) && !connectable
              ? put_handle(&t, a->a2, a->a3,
                           flags & AT_HANDLE_MNT_ID_UNIQUE ? sizeof(u64) : sizeof(u32))
              : -EOPNOTSUPP;
    target_put(&t);
    return err;
}

/* The file of that number below root; NULL. */
static struct dentry *dentry_of(struct dentry *root, u64 number)
{
    REQUIRES(&vfs_tree_lock);
    struct dentry *d = root, *next;

    while (d->inode->ino != number) {
        next = dentry_child(d, 0);
        while (!next && d != root && !(next = dentry_next(d)))
            d = d->parent;
        if (!next)
            return NULL;
        d = next;
        pause_anyway();
    }
    return d;
}

/* The file of a handle on a mount: where it is, referenced. -ESTALE: nowhere. */
static int find_handle(const struct path *on, const struct handle *h, struct path *out)
{
    struct dentry *d = NULL;

    mutex_lock_shared(&vfs_tree_lock);
    if (has_handles(on) && !h->generation)
        d = dentry_of(on->mnt->root, (u64)h->number[1] << 32 | h->number[0]);
    if (d) {
        *out = (struct path){on->mnt, d};
        path_get(out);
    }
    mutex_unlock(&vfs_tree_lock);
    return d ? 0 : -ESTALE;
}

static long open_handle(const struct path *on, const struct handle *h, u32 flags)
{
    struct path p;
    struct file *f;
    long err = find_handle(on, h, &p);

    if (err)
        return err;
    err = file_open_path(current_cred(), &p, flags | O_LARGEFILE, false, &f);
    path_put(&p);
    return err ? err : install_file(f, flags & O_CLOEXEC);
}

/* (a file of the mount, handle, flags) */
long sys_open_by_handle_at(const struct syscall_args *a)
{
    struct {
        struct handle_head head;
        struct handle handle;
    } h;
    struct target t;
    long err;

    if (copy_from_user(&h.head, a->a1, sizeof(h.head)) != 0)
        return -EFAULT;
    if (!h.head.bytes || h.head.bytes > HANDLE_MAX || h.head.type < 0)
        return -EINVAL;
    err = target_name(current_fs(), (int)a->a0, "", AT_EMPTY_PATH, &t);
    if (err)
        return err;
    if (!capable(CAP_DAC_READ_SEARCH))
        err = -EPERM;
    else if (h.head.bytes < sizeof(h.handle) || h.head.type != HANDLE_TYPE)
        err = -ESTALE;
    else if (copy_from_user(&h, a->a1, sizeof(h)) != 0)
        err = -EFAULT;
    else
        err =
            open_handle(&t.path, &h.handle,
                        (u32)a->a2 & OPEN_FLAGS & ~(u32)(O_CREAT | O_EXCL | TMPFILE_BIT));
    target_put(&t);
    return err;
}
