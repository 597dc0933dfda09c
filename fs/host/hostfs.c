/* SPDX-License-Identifier: MIT
 *
 * A ramfs that fills itself. A directory gets a name when somebody looks for it, and all of them
 * when it is listed or one of its names is to be changed. A file gets the pages that are read,
 * and all of them before it is mapped, run or written; a page that is there is the file's, and
 * never asked for again. Nothing goes back to the server.
 *
 * Locks: an inode's lock is outside ninep_lock, which also orders the filling of files. The server
 * may be slow, so nobody asks it with vfs_tree_lock held: walks elsewhere do not wait.
 */
#include "fs/host/hostfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/host/hostfs_own.h"
#include "fs/host/ninep.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/ramfs/content.h"
#include "fs/ramfs/ramfs.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

#define NINEP_MAGIC 0x01021997u

static const struct inode_ops host_dir_ops, host_whole_dir_ops;
static const struct file_ops host_dir_fops;

/* Fids that the server may forget: told with the next request that is made anyway. Linked by
 * `next`, added without a lock: an inode may end where nobody may sleep. */
static struct host_node *gone;

static void bury(struct host_node *n)
{
    n->next = __atomic_load_n(&gone, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&gone, &n->next, n, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

void host_begin(void)
{
    struct host_node *n;

    mutex_lock(&ninep_lock);
    n = __atomic_exchange_n(&gone, NULL, __ATOMIC_ACQUIRE);
    while (n) {
        struct host_node *next = n->next;

        ninep_forget(n->fid);
        kfree(n);
        n = next;
    }
}

void host_end(void)
{
    mutex_unlock(&ninep_lock);
}

/* ---- inodes ---- */

static void set_attributes(struct inode *ino, const struct ninep_attr *a)
{
    ino->uid = a->uid;
    ino->gid = a->gid;
    ino->atime_ns = a->atime_ns;
    ino->mtime_ns = a->mtime_ns;
    ino->ctime_ns = a->ctime_ns;
    if (ino->object)
        object_extend(ino->object, a->size);
}

/* A directory or a file of the server, which owns the fid from then on. */
static int make_own(const struct ninep_attr *a, u32 fid, struct inode **out)
{
    struct host_node *n = kzalloc(sizeof(*n));
    u32 mode = a->mode & (S_IFMT | 07777);
    bool dir = S_ISDIR(mode);
    struct inode *ino = NULL;

    if (n)
        ino = inode_create(mode, 0, dir ? &host_dir_ops : &host_file_ops,
                           dir ? &host_dir_fops : &host_file_fops);
    if (ino && !dir && !(ino->object = object_create(0))) {
        ino->data = NULL;
        inode_put(ino);
        ino = NULL;
    }
    if (!ino) {
        kfree(n);
        return -ENOMEM;
    }
    n->fid = fid;
    n->size = MIN(a->size, (u64)INT64_MAX);
    n->blocks = MIN(a->blocks, (u64)INT64_MAX);
    n->nlink = a->nlink;
    ino->data = n;
    set_attributes(ino, a);
    *out = ino;
    return 0;
}

/* What the server has, not what of it is here; of a file whose length has changed, that. */
void host_stat(struct inode *ino, struct kernel_stat *st)
{
    const struct host_node *n = ino->data;

    if (S_ISDIR(ino->mode)) {
        st->st_size = (s64)n->size;
        st->st_nlink = MAX(st->st_nlink, n->nlink); /* most of its names are not here */
    }
    if ((u64)st->st_size == n->size)
        st->st_blocks = (s64)n->blocks;
}

static int make_link(struct inode *dir, u32 fid, struct inode **out)
{
    char *text = kmalloc(PATH_MAX);
    int err = text ? ninep_readlink(fid, text, PATH_MAX) : -ENOMEM;

    if (!err)
        err = ramfs_symlink(dir, text, out);
    kfree(text);
    return err;
}

/* The inode of a fid that was found in dir; the fid is used up. */
static int make_inode(struct inode *dir, u32 fid, struct inode **out)
{
    struct ninep_attr a;
    bool kept = false;
    int err = ninep_getattr(fid, &a);

    if (!err && S_ISREG(a.mode) && a.size > OBJECT_MAX_SIZE)
        err = -EFBIG;
    if (!err && (S_ISDIR(a.mode) || S_ISREG(a.mode))) {
        err = make_own(&a, fid, out);
        kept = !err;
        if (!err && (err = inode_join(*out, dir)) != 0)
            inode_put(*out);
    } else if (!err && S_ISLNK(a.mode)) {
        err = make_link(dir, fid, out);
    } else if (!err) {
        err = ramfs_create_inode(a.mode & (S_IFMT | 07777), a.rdev, out);
        if (!err && (err = inode_join(*out, dir)) != 0)
            inode_put(*out);
    }
    if (!err && !S_ISDIR(a.mode) && !S_ISREG(a.mode))
        set_attributes(*out, &a);
    if (!kept)
        ninep_forget(fid);
    return err;
}

void host_destroy(struct inode *ino)
{
    if (ino->data)
        bury(ino->data);
    inode_destroy(ino);
}

/* ---- directories ---- */

static bool is_known(struct dentry *dir, const char *name, size_t len)
{
    SCOPED_LOCK_SHARED(&vfs_tree_lock);
    return dir->inode->ops != &host_dir_ops || dentry_find(dir, name, len);
}

static int ask_for_name(struct dentry *dir, const char *name, size_t len,
                        struct inode **out)
{
    struct host_node *n = dir->inode->data;
    u32 fid;
    int err;

    host_begin();
    err = ninep_walk(n->fid, name, len, &fid);
    if (!err)
        err = make_inode(dir->inode, fid, out);
    host_end();
    return err;
}

/* The server's name goes into the tree. 0 also when there is none. Nobody's walk waits for the
 * server: what has happened to the directory meanwhile counts, and the answer is thrown away. */
static int bring_name(struct dentry *dir, const char *name, size_t len)
{
    struct inode *ino;
    int err;

    if (is_known(dir, name, len))
        return 0;
    err = ask_for_name(dir, name, len, &ino);
    if (err)
        return err == -ENOENT ? 0 : err;
    mutex_lock(&vfs_tree_lock);
    if (!dir->dead && dir->inode->ops == &host_dir_ops && !dentry_find(dir, name, len))
        err = dentry_add(dir, name, len, ino);
    else
        inode_put(ino);
    mutex_unlock(&vfs_tree_lock);
    return err;
}

/* A directory once more, for its list of names. */
static int open_list(const struct host_node *n, u32 *fid)
{
    int err;

    host_begin();
    err = ninep_walk(n->fid, NULL, 0, fid);
    if (!err && (err = ninep_open(*fid)) != 0)
        ninep_forget(*fid);
    host_end();
    return err;
}

/* One answer with names, which is copied. Its size. */
static ssize_t ask_for_list(u32 fid, u64 offset, u8 *room)
{
    const u8 *bytes;
    ssize_t n;

    host_begin();
    n = ninep_readdir(fid, offset, &bytes);
    if (n > 0)
        memcpy(room, bytes, (size_t)n);
    host_end();
    return n;
}

/* The names of one answer; where the next ones are in *offset. 1, 0: those were all. */
static int bring_some(struct dentry *dir, u32 fid, u8 *room, u64 *offset)
{
    const u8 *at = room;
    ssize_t n = ask_for_list(fid, *offset, room);
    struct ninep_entry e;
    int more;

    if (n <= 0)
        return (int)n;
    while ((more = ninep_next(&at, room + n, &e)) > 0) {
        int err = 0;

        *offset = e.next;
        if (strcmp(e.name, ".") != 0 && strcmp(e.name, "..") != 0)
            err = bring_name(dir, e.name, strlen(e.name));
        if (err == -ENOMEM || err == -ENOSPC)
            return err;
        if (pause_point())
            return -EINTR;
    }
    return more < 0 ? more : 1;
}

static int bring_all(struct dentry *dir)
{
    u8 *room = kmalloc(NINEP_READ_MAX);
    u64 offset = 0, last;
    u32 fid;
    int err;

    if (!room)
        return -ENOMEM;
    err = open_list(dir->inode->data, &fid);
    if (!err) {
        do {
            last = offset;
            err = bring_some(dir, fid, room, &offset);
        } while (err > 0 && offset != last);
        host_begin();
        ninep_forget(fid);
        host_end();
    }
    kfree(room);
    if (err > 0) /* it goes round in circles */
        err = -EIO;
    if (err)
        return err;
    mutex_lock(&vfs_tree_lock);
    WRITE_ONCE(dir->inode->ops, &host_whole_dir_ops);
    mutex_unlock(&vfs_tree_lock);
    return 0;
}

static int host_fill(struct dentry *dir, const char *name, size_t len, bool whole)
{
    REQUIRES_EXCLUSIVE(&vfs_tree_lock);
    int err;

    mutex_unlock(&vfs_tree_lock);
    err = whole ? bring_all(dir) : bring_name(dir, name, len);
    mutex_lock(&vfs_tree_lock);
    return err;
}

static int host_readdir(struct file *f, struct dir_sink *s)
{
    struct dentry *dir = f->path.dentry;
    int err = 0;

    if (READ_ONCE(dir->inode->ops) == &host_dir_ops)
        err = bring_all(dir);
    return err ? err : dir_file_ops.readdir(f, s);
}

static int host_create(struct inode *dir, const char *name, u32 mode, u64 rdev,
                       struct inode **out)
{
    int err = ramfs_create_inode(mode, rdev, out);

    (void)name;
    if (!err && (err = inode_join(*out, dir)) != 0)
        inode_put(*out);
    return err;
}

static const struct inode_ops host_dir_ops = {.fill = host_fill,
                                              .create = host_create,
                                              .symlink = ramfs_symlink,
                                              .destroy = host_destroy,
                                              .stat = host_stat};
static const struct inode_ops host_whole_dir_ops = {.create = host_create,
                                                    .symlink = ramfs_symlink,
                                                    .destroy = host_destroy,
                                                    .stat = host_stat};
/* As all directories, but for the listing. */
static const struct file_ops host_dir_fops = {
    .read = dir_read, .fsync = ramfs_fsync, .readdir = host_readdir, .lseek = dir_lseek};

/* ---- the file system ---- */

static int host_make_root(const struct fs_type *type, struct inode **root)
{
    struct ninep_attr a;
    struct inode *own;
    u32 fid;
    int err = ramfs_make_root(type, &own); /* for its device number */

    if (err)
        return err;
    host_begin();
    err = ninep_attach("", &fid);
    if (!err) {
        err = ninep_getattr(fid, &a);
        if (!err && !S_ISDIR(a.mode))
            err = -ENOTDIR;
        if (!err)
            err = make_own(&a, fid, root);
        if (err)
            ninep_forget(fid);
    }
    host_end();
    if (!err)
        (*root)->dev = own->dev;
    inode_put(own);
    return err;
}

/* What Linux's mounts of such a server say; another transport there is not. */
static int host_configure(struct super *s, char *options, bool remount)
{
    char *key, *value;

    (void)s;
    (void)remount;
    while (option_next(&options, &key, &value))
        if (!value || !((strcmp(key, "trans") == 0 && strcmp(value, "virtio") == 0) ||
                        (strcmp(key, "version") == 0 && strcmp(value, "9p2000.L") == 0)))
            return -EINVAL;
    return 0;
}

/* The last inodes are gone: their fids too. */
static void host_drop(struct super *s)
{
    (void)s;
    host_begin();
    host_end();
}

static struct fs_type host_type = {.name = "9p",
                                   .magic = NINEP_MAGIC,
                                   .root_mode = 0755,
                                   .make_root = host_make_root,
                                   .configure = host_configure,
                                   .drop = host_drop};

void hostfs_init(void)
{
    vfs_register(&host_type);
}
