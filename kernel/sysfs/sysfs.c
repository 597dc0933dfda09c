/* SPDX-License-Identifier: MIT
 *
 * The file system of /sys, made at look-up like procfs. What is in it: tree.c and topology.c here,
 * kernel/loop/attr.c.
 */
#include "kernel/sysfs/sysfs.h"
#include "arch/time.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/uio.h"
#include "fs/vfs.h"
#include "kernel/loop/attr.h"
#include "kernel/sysfs/tree.h"
#include "kernel/task/proc.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define SYSFS_MAGIC 0x62656572u
#define SYSFS_DEV   10u
#define SYSFS_SIZE  4096u /* what stat(2) tells of every file there */

/* ---- inodes ---- */

static const struct inode_ops sysfs_ops, link_ops;
static const struct file_ops dir_fops, text_fops;

SLAB_CACHE(inode_cache, "sysfs_inode", struct inode);

static u32 mode_of(u64 number)
{
    u32 type = tree_type(number);

    return type | (S_ISLNK(type)          ? 0777
                   : S_ISDIR(type)        ? 0755
                   : tree_may_set(number) ? 0644
                                          : 0444);
}

static int make_inode(u64 number, struct inode **out)
{
    struct inode *ino = slab_zalloc(&inode_cache);

    if (!ino)
        return -ENOMEM;
    ino->ino = number;
    ino->dev = SYSFS_DEV;
    ino->mode = mode_of(number);
    ino->nlink = S_ISDIR(ino->mode) ? 2 : 1;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = (s64)clock_boot_epoch() * 1000000000;
    mutex_init(&ino->lock);
    ino->ops = S_ISLNK(ino->mode) ? &link_ops : &sysfs_ops;
    ino->fops = S_ISDIR(ino->mode) ? &dir_fops : &text_fops;
    *out = ino;
    return 0;
}

static void destroy(struct inode *ino)
{
    inode_uncharge(ino);
    slab_free(&inode_cache, ino);
}

static int lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    char have[TREE_TEXT];
    u64 ino;

    for (u64 i = 0; tree_entry(dir->ino, i, have, &ino); i++) {
        if (strlen(have) == len && memcmp(have, name, len) == 0)
            return make_inode(ino, out);
    }
    return -ENOENT;
}

static void stat(struct inode *ino, struct kernel_stat *st)
{
    st->st_size = S_ISREG(ino->mode) ? SYSFS_SIZE : 0;
}

static ssize_t readlink(struct inode *ino, char *buf, size_t size)
{
    char text[TREE_TEXT];
    size_t n = MIN(tree_link(ino->ino, text, sizeof(text)), size);

    memcpy(buf, text, n);
    return (ssize_t)n;
}

static const struct inode_ops sysfs_ops = {
    .lookup = lookup, .stat = stat, .destroy = destroy, .passing = true};
static const struct inode_ops link_ops = {
    .readlink = readlink, .stat = stat, .destroy = destroy, .passing = true};

/* ---- files ---- */

static int text_open(struct file *f)
{
    return file_writable(f) && !tree_may_set(f->inode->ino) ? -EACCES : 0;
}

static ssize_t give(struct uio *u, u64 *pos, const char *text, size_t len)
{
    size_t part;

    if (*pos >= len || !u->left)
        return 0;
    part = MIN(len - (size_t)*pos, u->left);
    if (uio_copy_to(u, text + *pos, part) < part)
        return -EFAULT;
    *pos += part;
    return (ssize_t)part;
}

static ssize_t text_read(struct file *f, struct uio *u, u64 *pos)
{
    u64 number = f->inode->ino;
    struct seq s;
    char *text;
    ssize_t n;

    WRITE_ONCE(f->data, f);
    if (!tree_is_loop(number)) {
        seq_init(&s, f->account);
        tree_show(number, &s);
        n = s.error ? s.error : seq_read(&s, u, *pos);
        seq_free(&s);
        *pos += n > 0 ? (u64)n : 0;
        return n;
    }
    text = kmalloc(PATH_MAX); /* one tells the name of a file */
    if (!text)
        return -ENOMEM;
    n = give(u, pos, text, loop_attr_text(number, text, PATH_MAX));
    kfree(text);
    return n;
}

static ssize_t text_write(struct file *f, struct uio *u, u64 *pos)
{
    char text[TREE_TEXT];
    size_t n = uio_copy_from(u, text, MIN(u->left, sizeof(text) - 1)), all = n;
    u64 number;

    (void)pos;
    if (u->left)
        return n ? -EINVAL : -EFAULT;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    for (text[n] = '\0'; n && text[n - 1] == '\n'; text[n - 1] = '\0', n--)
        ;
    if (str_to_u64(text, &number) != 0)
        return -EINVAL;
    tree_set(f->inode->ino, number);
    return (ssize_t)all;
}

static int text_fsync(struct file *f)
{
    (void)f;
    return 0;
}

/* A text that was never read is a change: that is how Linux tells of one, and there are no others
 * here. f->data: it was. */
static u32 text_poll(struct file *f, struct poll_table *pt)
{
    (void)pt;
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM |
           (READ_ONCE(f->data) ? 0 : POLLERR | POLLPRI);
}

static int dir_read(struct file *f, struct dir_sink *s)
{
    u64 self = f->inode->ino, ino;
    char name[TREE_TEXT];

    for (; s->pos < 2; s->pos++) {
        if (!s->emit(s, "..", s->pos + 1, self, DT_DIR, s->pos + 1))
            return 0;
    }
    for (; tree_entry(self, s->pos - 2, name, &ino); s->pos++) {
        if (!s->emit(s, name, strlen(name), ino, (u8)(mode_of(ino) >> 12), s->pos + 1))
            return 0;
    }
    return 0;
}

static const struct file_ops text_fops = {.open = text_open,
                                          .read = text_read,
                                          .write = text_write,
                                          .fsync = text_fsync,
                                          .poll = text_poll,
                                          .lseek = file_seek};
static const struct file_ops dir_fops = {.readdir = dir_read, .lseek = file_seek};

/* ---- the file system ---- */

static int make_root(const struct fs_type *type, struct inode **root)
{
    (void)type;
    return make_inode(1, root);
}

static struct fs_type sysfs_type = {
    .name = "sysfs", .magic = SYSFS_MAGIC, .make_root = make_root};

void sysfs_init(void)
{
    vfs_register(&sysfs_type);
}
