/* SPDX-License-Identifier: MIT
 *
 * The initial file system: one or more cpio archives of the "newc" kind, one behind the
 * other with zero bytes between. Nothing in an archive is trusted: at the first thing that
 * is wrong, one line says where and what, and unpacking ends; what came before it stays.
 * Names are relative to the root whatever they begin with; ".." is refused; missing parent
 * directories are made; a later entry of the same name replaces an earlier one, except
 * that a directory with contents is never replaced by something else.
 */
#include "fs/cpio.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/slab.h"

#define LINK_BUCKETS 256u

/* The first name of a file with several. */
struct link {
    struct link *next;
    u32 ino, dev_major, dev_minor;
    const char *name;
};

struct unpack {
    struct fs_context fs; /* a copy without umask */
    struct cpio cpio;
    struct link *links[LINK_BUCKETS];
};

static int fail(struct unpack *u, const char *cause)
{
    u->cpio.cause = cause;
    return -EINVAL;
}

static const char *error_text(int err)
{
    switch (err) {
    case -ENOMEM:
    case -ENOSPC:
        return "no memory left";
    case -ENOTDIR:
        return "a parent of the name is not a directory";
    case -ELOOP:
        return "the name leads through a loop of links";
    case -ENAMETOOLONG:
        return "a component of the name is too long";
    case -ENOTEMPTY:
        return "would replace a directory that is not empty";
    case -EFBIG:
        return "the file is too large";
    default:
        return "the entry cannot be made";
    }
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

static bool has_dotdot(const char *name)
{
    for (const char *p = name; *p;) {
        const char *end = strchr(p, '/');
        size_t n = end ? (size_t)(end - p) : strlen(p);

        if (n == 2 && p[0] == '.' && p[1] == '.')
            return true;
        if (!end)
            break;
        p = end + 1;
    }
    return false;
}

/* Makes the directories that lead to name. */
static int make_parents(struct unpack *u, const char *name)
{
    size_t n = strlen(name);
    char *path = kmalloc(n + 1);
    int err = 0;

    if (!path)
        return -ENOMEM;
    memcpy(path, name, n + 1);
    for (char *p = strchr(path, '/'); p && !err; p = strchr(p + 1, '/')) {
        *p = 0;
        err = vfs_mkdir(&u->fs, &u->fs.root, path, 0755);
        if (err == -EEXIST)
            err = 0;
        *p = '/';
    }
    kfree(path);
    return err;
}

/* Takes away what is in the place of a new entry. -EEXIST: a directory, and one is wanted. */
static int clear_place(struct unpack *u, const char *name, bool directory)
{
    struct path p;
    int err = vfs_lookup(&u->fs, &u->fs.root, name, 0, &p);
    bool is_dir;

    if (err == -ENOENT)
        return make_parents(u, name);
    if (err)
        return err;
    is_dir = S_ISDIR(p.dentry->inode->mode);
    path_put(&p);
    if (is_dir && directory)
        return -EEXIST;
    return is_dir ? vfs_rmdir(&u->fs, &u->fs.root, name)
                  : vfs_unlink(&u->fs, &u->fs.root, name);
}

/* ---- making entries ---- */

static void set_owner(struct inode *ino, const struct cpio_entry *e)
{
    u64 when = (u64)e->field[CPIO_MTIME] * 1000000000ull;

    if (e->field[CPIO_UID] || e->field[CPIO_GID])
        vfs_chown(ino, e->field[CPIO_UID], e->field[CPIO_GID]);
    if (!S_ISLNK(ino->mode))
        vfs_chmod(ino, e->field[CPIO_MODE] & 07777);
    vfs_utimes(ino, when, when);
}

static int write_all(struct file *f, const u8 *data, size_t len)
{
    struct iovec iov;
    struct uio io;
    ssize_t n;

    uio_init_kernel(&io, &iov, (void *)data, len);
    n = len ? file_write(f, &io, NULL) : 0;
    return n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0;
}

/* A regular file, or one more name of one. */
static struct link **find_link(struct unpack *u, const struct cpio_entry *e)
{
    u32 hash = e->field[CPIO_INO] ^ e->field[CPIO_DEV_MINOR] << 7 ^
               e->field[CPIO_DEV_MAJOR] << 13;
    struct link **at = &u->links[hash % LINK_BUCKETS];

    while (*at && !((*at)->ino == e->field[CPIO_INO] &&
                    (*at)->dev_major == e->field[CPIO_DEV_MAJOR] &&
                    (*at)->dev_minor == e->field[CPIO_DEV_MINOR]))
        at = &(*at)->next;
    return at;
}

static int remember_link(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    struct link **at = find_link(u, e), *l = kmalloc(sizeof(*l));

    if (!l)
        return -ENOMEM;
    *l = (struct link){.ino = e->field[CPIO_INO],
                       .dev_major = e->field[CPIO_DEV_MAJOR],
                       .dev_minor = e->field[CPIO_DEV_MINOR],
                       .name = name};
    *at = l;
    return 0;
}

static int make_link(struct unpack *u, const char *first, const char *name)
{
    struct path from;
    int err = vfs_lookup(&u->fs, &u->fs.root, first, 0, &from);

    if (err)
        return err;
    /* Another entry may have taken that name meanwhile: never open a FIFO or device here. */
    if (S_ISREG(from.dentry->inode->mode))
        err = vfs_link(&u->fs, &from, &u->fs.root, name);
    else
        err = fail(u, "a hard link to something that is no regular file");
    path_put(&from);
    return err;
}

/* The data may come with any of the names. */
static int make_file(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    struct link *first = e->field[CPIO_NLINK] > 1 ? *find_link(u, e) : NULL;
    struct file *f;
    int err = 0;

    if (first && strcmp(first->name, name) != 0) {
        err = clear_place(u, name, false);
        if (!err)
            err = make_link(u, first->name, name);
        if (err || !e->field[CPIO_FILESIZE])
            return err;
    } else {
        err = clear_place(u, name, false);
    }
    if (!err)
        err =
            vfs_open(&u->fs, &u->fs.root, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                     e->field[CPIO_MODE] & 07777, &f);
    if (err)
        return err;
    err = write_all(f, e->data, e->field[CPIO_FILESIZE]);
    if (!err)
        set_owner(f->inode, e);
    file_put(f);
    if (!err && !first && e->field[CPIO_NLINK] > 1)
        err = remember_link(u, e, name);
    return err;
}

static int make_symlink(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    size_t n = e->field[CPIO_FILESIZE];
    char *target;
    int err;

    if (n == 0 || n >= PATH_MAX || memchr(e->data, 0, n))
        return fail(u, "the target of a symbolic link is empty, too long or has a NUL");
    target = kmalloc(n + 1);
    if (!target)
        return -ENOMEM;
    memcpy(target, e->data, n);
    target[n] = 0;
    err = clear_place(u, name, false);
    if (!err)
        err = vfs_symlink(&u->fs, &u->fs.root, name, target);
    kfree(target);
    return err;
}

static int make_other(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    u64 rdev = make_dev(e->field[CPIO_RDEV_MAJOR], e->field[CPIO_RDEV_MINOR]);
    bool directory = S_ISDIR(e->field[CPIO_MODE]);
    int err = clear_place(u, name, directory);

    if (err)
        return err == -EEXIST ? 0 : err;
    if (directory)
        return vfs_mkdir(&u->fs, &u->fs.root, name, e->field[CPIO_MODE] & 07777);
    return vfs_mknod(&u->fs, &u->fs.root, name, e->field[CPIO_MODE] & (S_IFMT | 07777),
                     rdev);
}

static int set_owner_of(struct unpack *u, const struct cpio_entry *e, const char *name)
{
    struct path p;
    int err = vfs_lookup(&u->fs, &u->fs.root, name, 0, &p);

    if (err)
        return err;
    set_owner(p.dentry->inode, e);
    path_put(&p);
    return 0;
}

static int make_entry(struct unpack *u, const struct cpio_entry *e)
{
    const char *name = relative(e->name);
    int err;

    if (has_dotdot(name))
        return fail(u, "\"..\" in a name");
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

/* ---- archives ---- */

static void forget_links(struct unpack *u)
{
    for (u32 i = 0; i < LINK_BUCKETS; i++) {
        while (u->links[i]) {
            struct link *l = u->links[i];

            u->links[i] = l->next;
            kfree(l);
        }
    }
}

/* One archive up to its trailer. *where: the offset of the entry being read. */
static int unpack_archive(struct unpack *u, size_t *where)
{
    struct cpio_entry e;
    int err;

    for (;;) {
        *where = u->cpio.at;
        if (u->cpio.at == u->cpio.len)
            return fail(u, "ends without the entry TRAILER!!!");
        err = cpio_next(&u->cpio, &e);
        if (err)
            return err;
        if (cpio_is_trailer(&e)) {
            forget_links(u);
            return 0;
        }
        err = make_entry(u, &e);
        if (err)
            return err;
    }
}

int initramfs_unpack(struct fs_context *fs, const void *data, size_t len)
{
    struct unpack *u = kzalloc(sizeof(*u));
    size_t where = 0;
    int err = 0;

    if (!u)
        return -ENOMEM;
    u->fs = *fs; /* borrows the references */
    u->fs.umask = 0;
    u->fs.cwd = u->fs.root;
    u->cpio = (struct cpio){.archive = data, .len = len};
    cpio_skip_zeros(&u->cpio);
    if (u->cpio.at == len)
        err = fail(u, "empty");
    while (!err && u->cpio.at < len) {
        err = unpack_archive(u, &where);
        cpio_skip_zeros(&u->cpio);
    }
    if (err)
        printk("initramfs: offset %zu: %s\n", where,
               u->cpio.cause ? u->cpio.cause : error_text(err));
    forget_links(u);
    kfree(u);
    return err ? -EINVAL : 0;
}
