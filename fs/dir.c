/* SPDX-License-Identifier: MIT
 *
 * Reading the directories whose contents are dentries. The position is the cookie of the
 * next entry: 0 ".", 1 "..", then the children in order.
 */
#include "fs/dentry.h"
#include "fs/file.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

static u8 type_of(const struct inode *ino)
{
    return (u8)((ino->mode & S_IFMT) >> 12); /* DT_* are the type bits shifted */
}

static int dir_readdir(struct file *f, struct dir_sink *s)
{
    struct dentry *dir = f->path.dentry;
    struct dentry *d;

    SCOPED_LOCK_SHARED(&vfs_tree_lock);
    if (dir->dead)
        return -ENOENT;
    if (s->pos == 0 && s->emit(s, ".", 1, dir->inode->ino, DT_DIR, 1))
        s->pos = 1;
    if (s->pos == 1) {
        struct inode *up = dir->parent ? dir->parent->inode : dir->inode;

        if (s->emit(s, "..", 2, up->ino, DT_DIR, 2))
            s->pos = 2;
    }
    if (s->pos >= 2) {
        for (d = dentry_child(dir, s->pos); d; d = dentry_next(d)) {
            if (!s->emit(s, d->name, d->len, d->inode->ino, type_of(d->inode),
                         d->cookie + 1))
                break;
            s->pos = d->cookie + 1;
            if (pause_point())
                break;
        }
    }
    return 0;
}

s64 dir_lseek(struct file *f, s64 offset, int whence)
{
    return file_seek(f, offset, whence);
}

ssize_t dir_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return -EISDIR;
}

static int dir_fsync(struct file *f)
{
    (void)f;
    return 0; /* memory is all there is */
}

const struct file_ops dir_file_ops = {
    .read = dir_read,
    .fsync = dir_fsync,
    .readdir = dir_readdir,
    .lseek = dir_lseek,
};
