/* SPDX-License-Identifier: MIT
 *
 * memfd_create: files of memory without a place in the tree, and their seals. ramfs obeys
 * the seals where data and sizes change.
 */
#include "fs/ramfs/memfd.h"
#include "fs/dentry.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/inode.h"
#include "fs/ramfs/ramfs.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mman.h"
#include "lib/uapi/stat.h"

#define PREFIX    "/memfd:"
#define MEMFD_DEV 8u
#define ALL_SEALS                                                                     \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | \
     F_SEAL_EXEC)
#define NO_WRITES (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

int file_create_unlinked(const char *name, struct inode *ino, const struct file_ops *fops,
                         struct file **out)
{
    struct dentry *d = dentry_create(NULL, name, strlen(name), ino);
    int err;

    if (!d)
        return -ENOMEM;
    d->dead = true; /* it counts as deleted from the start */
    inode_get(ino); /* the dentry has one reference, the file the other */
    err = file_create(ino, fops, O_RDWR | O_LARGEFILE, out);
    if (err)
        dentry_put(d);
    else
        (*out)->path = (struct path){NULL, d};
    return err;
}

int memfd_create(const char *name, u32 flags, struct file **out)
{
    char text[NAME_MAX + 1] = PREFIX;
    u32 mode = S_IFREG | (flags & MFD_NOEXEC_SEAL ? 0666 : 0777);
    struct inode *ino;
    int err = flags & MFD_HUGETLB ? hugetlbfs_create_inode(mode, 0, &ino)
                                  : ramfs_create_inode(mode, 0, &ino);

    if (err)
        return err;
    ino->nlink = 0;
    ino->dev = MEMFD_DEV;
    if (flags & MFD_NOEXEC_SEAL)
        ino->seals = F_SEAL_EXEC;
    else
        ino->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    str_copy(text + sizeof(PREFIX) - 1, name, sizeof(text) - (sizeof(PREFIX) - 1));
    err = file_create_unlinked(text, ino, ino->fops, out);
    if (err)
        inode_put(ino);
    return err;
}

/* Files of memory have seals; those with a name are closed to new ones from the start. */
static bool has_seals(const struct file *f)
{
    return S_ISREG(f->inode->mode) && f->inode->object && !(file_flags(f) & O_PATH);
}

static u32 seals_of(const struct inode *ino)
{
    return ino->dev == MEMFD_DEV ? ino->seals : F_SEAL_SEAL;
}

long memfd_get_seals(struct file *f)
{
    return has_seals(f) ? (long)seals_of(f->inode) : -EINVAL;
}

long memfd_add_seals(struct file *f, u32 seals)
{
    struct inode *ino = f->inode;
    struct vm_object *o = ino->object;
    long err = 0;

    if (!file_writable(f))
        return -EPERM;
    if ((seals & ~ALL_SEALS) || !has_seals(f))
        return -EINVAL;
    mutex_lock(&ino->lock);
    /* A program that stays one stays as it is. */
    if ((seals & F_SEAL_EXEC) && (ino->mode & 0111))
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    spin_lock(&o->lock); /* for mappings under way */
    if (seals_of(ino) & F_SEAL_SEAL)
        err = -EPERM;
    else if (seals & F_SEAL_WRITE && !(ino->seals & F_SEAL_WRITE) && o->shared_writable)
        err = -EBUSY;
    else
        ino->seals |= seals;
    if (ino->seals & NO_WRITES)
        WRITE_ONCE(o->sealed, true);
    spin_unlock(&o->lock);
    mutex_unlock(&ino->lock);
    return err;
}

bool memfd_map_begin(struct file *f)
{
    struct inode *ino = f->inode;
    bool free;

    if (ino->dev != MEMFD_DEV)
        return true;
    SCOPED_LOCK(&ino->object->lock);
    free = !(ino->seals & NO_WRITES);
    ino->object->shared_writable += free;
    return free;
}

void memfd_map_end(struct file *f)
{
    struct inode *ino = f->inode;

    if (ino->dev != MEMFD_DEV)
        return;
    SCOPED_LOCK(&ino->object->lock);
    ino->object->shared_writable--;
}
