/* SPDX-License-Identifier: MIT
 *
 * A ramfs that fills itself. A directory gets a name when somebody looks for it, and all of them
 * when it is listed or one of its names is to be changed. A file gets the pages that are read,
 * and all of them before it is mapped, run or written; a page that is there is the file's, and
 * never asked for again. Nothing goes back to the server.
 *
 * Locks: vfs_tree_lock and an inode's lock are outside ninep_lock, which also orders the filling
 * of files.
 */
#include "fs/host/hostfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/host/ninep.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/ramfs.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

#define NINEP_MAGIC 0x01021997u

/* inode->data of directories and files of the server. */
struct host_node {
    struct host_node *next; /* [ninep_lock] of those whose inode is gone */
    u32 fid;                /* [c] */
    bool open;              /* [ninep_lock] the fid is open for reading */
    bool whole;             /* set under ninep_lock: all of the contents are here */
};

static const struct inode_ops host_dir_ops, host_whole_dir_ops, host_file_ops;
static const struct file_ops host_dir_fops, host_file_fops;

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

static void begin(void)
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

static void end(void)
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
    ino->data = n;
    set_attributes(ino, a);
    *out = ino;
    return 0;
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

static void host_destroy(struct inode *ino)
{
    if (ino->data)
        bury(ino->data);
    inode_destroy(ino);
}

/* ---- directories ---- */

/* The server's name goes into the tree. 0 also when there is none, or it cannot be seen. */
static int add_name(struct dentry *dir, const char *name, size_t len)
{
    REQUIRES_EXCLUSIVE(&vfs_tree_lock);
    struct host_node *n = dir->inode->data;
    struct inode *ino;
    u32 fid;
    int err = ninep_walk(n->fid, name, len, &fid);

    if (!err)
        err = make_inode(dir->inode, fid, &ino);
    if (err)
        return err == -ENOENT ? 0 : err;
    return dentry_add(dir, name, len, ino);
}

/* All names in one answer; where the next ones are in *offset. 1, 0: those were all. */
static int add_some(struct dentry *dir, u32 fid, u8 *room, u64 *offset)
{
    struct ninep_entry e;
    const u8 *bytes, *at = room;
    ssize_t n = ninep_readdir(fid, *offset, &bytes);
    int more;

    if (n <= 0)
        return (int)n;
    memcpy(room, bytes, (size_t)n);
    while ((more = ninep_next(&at, room + n, &e)) > 0) {
        size_t len = strlen(e.name);
        int err = 0;

        *offset = e.next;
        if (strcmp(e.name, ".") == 0 || strcmp(e.name, "..") == 0)
            continue;
        if (!dentry_find(dir, e.name, len))
            err = add_name(dir, e.name, len);
        if (err == -ENOMEM || err == -ENOSPC)
            return err;
        if (pause_point())
            return -EINTR;
    }
    return more < 0 ? more : 1;
}

static int add_all(struct dentry *dir)
{
    struct host_node *n = dir->inode->data;
    u8 *room = kmalloc(NINEP_READ_MAX);
    u64 offset = 0, last;
    u32 fid;
    int err;

    if (!room)
        return -ENOMEM;
    err = ninep_walk(n->fid, NULL, 0, &fid);
    if (!err) {
        err = ninep_open(fid);
        if (!err)
            do {
                last = offset;
                err = add_some(dir, fid, room, &offset);
            } while (err > 0 && offset != last);
        ninep_forget(fid);
    }
    kfree(room);
    if (err > 0) /* it goes round in circles */
        err = -EIO;
    if (!err)
        WRITE_ONCE(dir->inode->ops, &host_whole_dir_ops);
    return err;
}

static int host_fill(struct dentry *dir, const char *name, size_t len, bool whole)
{
    REQUIRES_EXCLUSIVE(&vfs_tree_lock);
    int err;

    begin();
    err = whole ? add_all(dir) : add_name(dir, name, len);
    end();
    return err;
}

static int host_readdir(struct file *f, struct dir_sink *s)
{
    struct dentry *dir = f->path.dentry;
    int err = 0;

    if (READ_ONCE(dir->inode->ops) == &host_dir_ops) {
        mutex_lock(&vfs_tree_lock);
        if (dir->inode->ops == &host_dir_ops)
            err = host_fill(dir, NULL, 0, true);
        mutex_unlock(&vfs_tree_lock);
    }
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

/* ---- contents ---- */

static bool is_here(struct vm_object *o, pgoff_t pgoff)
{
    struct page *pg = object_find_page(o, pgoff);

    if (pg)
        page_put(pg);
    return pg != NULL;
}

/* The pages from pgoff on, `count` at most, none of which is here. How many there are now; 0:
 * the file ends before. */
static ssize_t fetch(struct inode *ino, pgoff_t pgoff, u64 count)
{
    struct host_node *n = ino->data;
    const u8 *bytes;
    ssize_t got;
    u64 i;

    if (!n->open) {
        int err = ninep_open(n->fid);

        if (err)
            return err;
        n->open = true;
    }
    got = ninep_read(n->fid, pgoff << PAGE_SHIFT, (u32)(count << PAGE_SHIFT), &bytes);
    for (i = 0; got > 0 && i << PAGE_SHIFT < (u64)got; i++) {
        struct page *pg;
        int err = object_get_page(ino->object, pgoff + i, &pg);

        if (err)
            return err == -ENXIO ? 0 : err;
        memcpy(page_to_virt(pg), bytes + (i << PAGE_SHIFT),
               MIN((u64)got - (i << PAGE_SHIFT), PAGE_SIZE));
        page_put(pg);
    }
    return got < 0 ? got : (ssize_t)i;
}

/* The bytes [from, to) are here afterwards, as far as the file goes. */
static int load(struct inode *ino, u64 from, u64 to)
{
    struct host_node *n = ino->data;
    struct vm_object *o = ino->object;
    pgoff_t at = from >> PAGE_SHIFT;
    ssize_t got = 1;

    if (READ_ONCE(n->whole))
        return 0;
    begin();
    while (!n->whole && got > 0) {
        u64 stop = align_up(MIN(to, o->size), PAGE_SIZE) >> PAGE_SHIFT, count = 0;

        while (at < stop && is_here(o, at))
            at++;
        while (at + count < stop && count < NINEP_READ_MAX / PAGE_SIZE &&
               !is_here(o, at + count))
            count++;
        if (!count)
            break;
        got = fetch(ino, at, count);
        at += got > 0 ? (u64)got : 0;
        if (pause_killed())
            got = -EINTR;
    }
    if (got >= 0 && from == 0 && to >= o->size)
        WRITE_ONCE(n->whole, true);
    end();
    return got < 0 ? (int)got : 0;
}

static int load_all(struct inode *ino)
{
    return load(ino, 0, ~0ull);
}

static int host_open(struct file *f)
{
    return file_writable(f) ? load_all(f->inode) : 0;
}

static ssize_t host_read(struct file *f, struct uio *u, u64 *pos)
{
    int err = load(f->inode, *pos, *pos + MIN(u->left, 1ul << 40));

    return err ? err : ramfs_read(f, u, pos);
}

static s64 host_lseek(struct file *f, s64 offset, int whence)
{
    int err = whence == SEEK_DATA || whence == SEEK_HOLE ? load_all(f->inode) : 0;

    return err ? err : ramfs_lseek(f, offset, whence);
}

static int host_mmap(struct file *f, bool shared, struct vm_object **out)
{
    int err = load_all(f->inode);

    return err ? err : ramfs_mmap(f, shared, out);
}

static int host_truncate(struct inode *ino, u64 size)
{
    int err = load_all(ino);

    return err ? err : ramfs_truncate(ino, size);
}

static int host_fallocate(struct inode *ino, u32 mode, u64 offset, u64 len)
{
    int err = load_all(ino);

    return err ? err : ramfs_fallocate(ino, mode, offset, len);
}

static const struct inode_ops host_dir_ops = {.fill = host_fill,
                                              .create = host_create,
                                              .symlink = ramfs_symlink,
                                              .destroy = host_destroy};
static const struct inode_ops host_whole_dir_ops = {
    .create = host_create, .symlink = ramfs_symlink, .destroy = host_destroy};
static const struct inode_ops host_file_ops = {
    .truncate = host_truncate, .fallocate = host_fallocate, .destroy = host_destroy};
static const struct file_ops host_file_fops = {.open = host_open,
                                               .read = host_read,
                                               .write = ramfs_write,
                                               .lseek = host_lseek,
                                               .mmap = host_mmap,
                                               .fsync = ramfs_fsync};
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
    begin();
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
    end();
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
    begin();
    end();
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
