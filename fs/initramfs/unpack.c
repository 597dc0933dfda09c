/* SPDX-License-Identifier: MIT
 *
 * From the entries of an archive to files. Nothing of an entry is trusted.
 */
#include "fs/initramfs/unpack.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "fs/open.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

static int fail(struct unpack *u, const char *cause)
{
    u->cpio.cause = cause;
    return -EINVAL;
}

/* ---- names ---- */

/* Where the name begins without "/" and "./" in front; "" is the root itself. */
static const char *relative(const char *name)
{
    for (;;) {
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && (name[1] == '/' || name[1] == 0))
            name++;
        else
            return name;
    }
}

/* Goes from *at, whose reference is used up, to its child; makes it where it is missing. */
static int step(struct unpack *u, struct path *at, const char *name)
{
    struct path next;
    int err = vfs_lookup(&u->fs, at, name, LOOKUP_FOLLOW, &next);

    if (err == -ENOENT) {
        err = vfs_mkdir(&u->fs, at, name, 0755);
        if (!err)
            err = vfs_lookup(&u->fs, at, name, LOOKUP_FOLLOW, &next);
    }
    if (err)
        return err;
    path_put(at);
    *at = next;
    return 0;
}

/* Makes the directories that lead to name, each from the one before: a name is read once,
 * however deep it goes. */
static int make_parents(struct unpack *u, const char *name)
{
    size_t n = strlen(name);
    char *copy = kmalloc(n + 1), *part = copy;
    struct path at = u->fs.dirs->root;
    int err = 0;

    if (!copy)
        return -ENOMEM;
    memcpy(copy, name, n + 1);
    path_get(&at);
    for (char *p = strchr(copy, '/'); p && !err; p = strchr(part, '/')) {
        if (!*relative(p)) /* only slashes are left */
            break;
        *p = 0;
        if (*part)
            err = step(u, &at, part);
        part = p + 1;
    }
    path_put(&at);
    kfree(copy);
    return err;
}

/* Takes away what is in the place of a new entry, if it is not of the kind `keep` (S_IF*, 0:
 * none is kept). -EEXIST: it is. */
static int clear_place(struct unpack *u, const char *name, u32 keep)
{
    struct path p;
    int err = vfs_lookup(&u->fs, &u->fs.dirs->root, name, 0, &p);
    u32 kind;

    if (err == -ENOENT)
        return make_parents(u, name);
    if (err)
        return err;
    kind = p.dentry->inode->mode & S_IFMT;
    path_put(&p);
    if (kind == keep)
        return -EEXIST;
    return kind == S_IFDIR ? vfs_rmdir(&u->fs, &u->fs.dirs->root, name)
                           : vfs_unlink(&u->fs, &u->fs.dirs->root, name);
}

/* ---- making entries ---- */

static u64 time_of(const struct cpio_entry *e)
{
    return (u64)e->field[CPIO_MTIME] * 1000000000ull;
}

/* What comes later in a directory changes its time: it is set when all is done. */
static void remember_time(struct unpack *u, struct inode *dir, u64 when)
{
    struct dir_time *t = kmalloc(sizeof(*t));

    if (!t)
        return; /* a directory with a wrong time, no reason to give up */
    inode_get(dir);
    *t = (struct dir_time){.dir = dir, .when = when};
    *u->times_end = t;
    u->times_end = &t->next;
}

void unpack_set_times(struct unpack *u)
{
    while (u->times) {
        struct dir_time *t = u->times;

        u->times = t->next;
        mutex_lock(&t->dir->lock);
        vfs_utimes(t->dir, t->when, t->when);
        mutex_unlock(&t->dir->lock);
        inode_put(t->dir);
        kfree(t);
    }
}

static void set_owner(struct unpack *u, struct inode *ino, const struct cpio_entry *e)
{
    u64 when = time_of(e);

    SCOPED_LOCK(&ino->lock);
    if (e->field[CPIO_UID] != ino->uid || e->field[CPIO_GID] != ino->gid)
        vfs_chown(ino, e->field[CPIO_UID], e->field[CPIO_GID]);
    if (!S_ISLNK(ino->mode))
        vfs_chmod(ino, e->field[CPIO_MODE] & 07777);
    if (S_ISDIR(ino->mode))
        remember_time(u, ino, when);
    else
        vfs_utimes(ino, when, when);
}

static int write_all(struct file *f, const u8 *data, size_t len)
{
    struct iovec iov;
    struct uio io;
    ssize_t n;

    uio_init_kernel(&io, &iov, (void *)data, len);
    n = len ? file_write(f, &io) : 0;
    return n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0;
}

/* The order of links: by file and kind, as Linux tells them apart. */
static int compare(const struct link *l, const struct cpio_entry *e)
{
    const u32 *f = e->field;
    const u32 a[] = {l->ino, l->dev_major, l->dev_minor, l->kind};
    const u32 b[] = {f[CPIO_INO], f[CPIO_DEV_MAJOR], f[CPIO_DEV_MINOR],
                     f[CPIO_MODE] & S_IFMT};

    for (int i = 0; i < 4; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* The first name of the file this entry is one more name of. When there is none, this one is
 * it from now on. *first NULL: so it is, or the file has only one name. */
static int find_link(struct unpack *u, const struct cpio_entry *e, const char *name,
                     const char **first)
{
    struct rb_node **at = &u->links.node, *parent = NULL;
    struct link *l;

    *first = NULL;
    if (e->field[CPIO_NLINK] < 2)
        return 0;
    while (*at) {
        int order;

        parent = *at;
        l = rb_entry(parent, struct link, node);
        order = compare(l, e);
        if (!order) {
            *first = l->name;
            return 0;
        }
        at = order < 0 ? &parent->right : &parent->left;
    }
    l = kmalloc(sizeof(*l));
    if (!l)
        return -ENOMEM;
    *l = (struct link){.ino = e->field[CPIO_INO],
                       .dev_major = e->field[CPIO_DEV_MAJOR],
                       .dev_minor = e->field[CPIO_DEV_MINOR],
                       .kind = e->field[CPIO_MODE] & S_IFMT,
                       .name = name};
    rb_insert(&u->links, &l->node, parent, at, NULL);
    return 0;
}

/* One more name of what `first` names, if that is of the same kind still. */
static int make_link(struct unpack *u, const struct cpio_entry *e, const char *first,
                     const char *name)
{
    struct path from;
    int err = vfs_lookup(&u->fs, &u->fs.dirs->root, first, 0, &from);

    if (err)
        return err;
    if ((from.dentry->inode->mode ^ e->field[CPIO_MODE]) & S_IFMT)
        err = fail(u, "a hard link to something of another kind");
    if (!err && strcmp(first, name) != 0) {
        err = clear_place(u, name, 0);
        if (!err)
            err = vfs_link(&u->fs, &from, &u->fs.dirs->root, name);
    }
    path_put(&from);
    return err;
}

/* The data may come with any of the names. */
static int make_file(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    const char *first;
    struct file *f;
    int err = find_link(u, e, name, &first);

    if (!err)
        err = first ? make_link(u, e, first, name) : clear_place(u, name, S_IFREG);
    if (err == -EEXIST)
        err = 0; /* as on Linux the file stays, and gets other contents */
    if (err || (first && !e->field[CPIO_FILESIZE]))
        return err;
    err = vfs_open(&u->fs, &u->fs.dirs->root, name,
                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, e->field[CPIO_MODE] & 07777,
                   &f);
    if (err)
        return err;
    err = write_all(f, e->data, e->field[CPIO_FILESIZE]);
    if (!err)
        set_owner(u, f->inode, e);
    file_put(f);
    if (!err && !cpio_data_good(e))
        err = fail(u, "the data has a wrong checksum");
    return err;
}

static int make_symlink(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    size_t n = strnlen((const char *)e->data, e->field[CPIO_FILESIZE]);
    char *target;
    int err;

    if (n == 0 || n >= PATH_MAX)
        return fail(u, "the target of a symbolic link is empty or too long");
    target = kmalloc(n + 1);
    if (!target)
        return -ENOMEM;
    memcpy(target, e->data, n);
    target[n] = 0;
    err = clear_place(u, name, 0);
    if (!err)
        err = vfs_symlink(&u->fs, &u->fs.dirs->root, name, target);
    kfree(target);
    return err;
}

static int make_directory(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    int err = clear_place(u, name, S_IFDIR);

    if (err)
        return err == -EEXIST ? 0 : err;
    return vfs_mkdir(&u->fs, &u->fs.dirs->root, name, e->field[CPIO_MODE] & 07777);
}

/* Devices, FIFOs, sockets: never opened here. */
static int make_other(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    u64 rdev = make_dev(e->field[CPIO_RDEV_MAJOR], e->field[CPIO_RDEV_MINOR]);
    const char *first;
    int err = find_link(u, e, name, &first);

    if (!err && first)
        return make_link(u, e, first, name);
    if (!err)
        err = clear_place(u, name, 0);
    if (err)
        return err;
    return vfs_mknod(&u->fs, &u->fs.dirs->root, name,
                     e->field[CPIO_MODE] & (S_IFMT | 07777), rdev);
}

static int set_owner_of(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    struct path p;
    int err = vfs_lookup(&u->fs, &u->fs.dirs->root, name, 0, &p);

    if (err)
        return err;
    set_owner(u, p.dentry->inode, e);
    path_put(&p);
    return 0;
}

int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
    const char *name = relative(e->name);
    int err;

    if (e->odd)
        return fail(u, e->odd);
    if (!*name)
        return S_ISDIR(e->field[CPIO_MODE]) ? set_owner_of(u, e, "/")
                                            : fail(u, "the root can only be a directory");
    switch (e->field[CPIO_MODE] & S_IFMT) {
    case S_IFREG:
        return make_file(u, e, name);
    case S_IFLNK:
        err = make_symlink(u, e, name);
        break;
    case S_IFDIR:
        err = make_directory(u, e, name);
        break;
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        err = make_other(u, e, name);
        break;
    default:
        return fail(u, "the mode names no kind of file");
    }
    return err ? err : set_owner_of(u, e, name);
}

void unpack_forget_links(struct unpack *u)
{
    struct rb_node *n;

    while ((n = u->links.node) != NULL) {
        rb_erase(&u->links, n, NULL);
        kfree(rb_entry(n, struct link, node));
    }
}
