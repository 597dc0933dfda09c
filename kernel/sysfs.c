/* SPDX-License-Identifier: MIT
 *
 * /sys/devices/system/cpu: which processors there are, run, and can run. A processor that was
 * not started at boot never will be, so "possible" is what is online. Read-only, made at
 * look-up like procfs; nothing else of Linux's sysfs is here.
 */
#include "kernel/sysfs.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/time.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/uio.h"
#include "fs/vfs.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define SYSFS_MAGIC 0x62656572u
#define SYSFS_DEV   10u
#define SYSFS_SIZE  4096u /* what stat(2) tells of every file there */
#define TEXT_MAX    32u

/* Numbers of inodes: the directories that lead down, the files of the last one, and a
 * directory for each processor. */
#define FIRST_FILE 16u
#define FIRST_CPU  64u

static const char *const way[] = {"devices", "system", "cpu"};
#define CPU_DIR (1 + ARRAY_SIZE(way))

/* Processors [first, end). */
static void put_range(char *out, u32 first, u32 end)
{
    if (first == end)
        str_copy(out, "\n", TEXT_MAX);
    else if (first + 1 == end)
        fmt_snprintf(out, TEXT_MAX, "%u\n", first);
    else
        fmt_snprintf(out, TEXT_MAX, "%u-%u\n", first, end - 1);
}

static void show_running(char *out)
{
    put_range(out, 0, cpu_count);
}

static void show_present(char *out)
{
    put_range(out, 0, arch_cpus_present());
}

static void show_offline(char *out)
{
    put_range(out, cpu_count, arch_cpus_present());
}

static void show_most(char *out)
{
    fmt_snprintf(out, TEXT_MAX, "%u\n", MAX_CPUS - 1);
}

static const struct {
    const char *name;
    void (*show)(char *out);
} files[] = {{"kernel_max", show_most},
             {"offline", show_offline},
             {"online", show_running},
             {"possible", show_running},
             {"present", show_present}};

static bool is_file(u64 ino)
{
    return ino >= FIRST_FILE && ino < FIRST_FILE + ARRAY_SIZE(files);
}

/* ---- names ---- */

/* Name of the i-th thing in the directory `dir`, and its inode's number; false: no more. */
static bool entry_at(u64 dir, u64 i, char *name, u64 *ino)
{
    if (dir < CPU_DIR) {
        str_copy(name, way[dir - 1], TEXT_MAX);
        *ino = dir + 1;
        return i == 0;
    }
    if (dir != CPU_DIR)
        return false;
    if (i < ARRAY_SIZE(files)) {
        str_copy(name, files[i].name, TEXT_MAX);
        *ino = FIRST_FILE + i;
        return true;
    }
    i -= ARRAY_SIZE(files);
    fmt_snprintf(name, TEXT_MAX, "cpu%u", (u32)i);
    *ino = FIRST_CPU + i;
    return i < arch_cpus_present();
}

/* ---- inodes ---- */

static const struct inode_ops sysfs_ops;
static const struct file_ops dir_fops, text_fops;

SLAB_CACHE(inode_cache, "sysfs_inode", struct inode);

static int make_inode(u64 number, struct inode **out)
{
    struct inode *ino = slab_zalloc(&inode_cache);

    if (!ino)
        return -ENOMEM;
    ino->ino = number;
    ino->dev = SYSFS_DEV;
    ino->mode = is_file(number) ? S_IFREG | 0444 : S_IFDIR | 0755;
    ino->nlink = is_file(number) ? 1 : 2;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = clock_boot_epoch() * 1000000000;
    mutex_init(&ino->lock);
    ino->ops = &sysfs_ops;
    ino->fops = is_file(number) ? &text_fops : &dir_fops;
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
    char have[TEXT_MAX];
    u64 ino;

    for (u64 i = 0; entry_at(dir->ino, i, have, &ino); i++) {
        if (strlen(have) == len && memcmp(have, name, len) == 0)
            return make_inode(ino, out);
    }
    return -ENOENT;
}

static void stat(struct inode *ino, struct kernel_stat *st)
{
    st->st_size = is_file(ino->ino) ? SYSFS_SIZE : 0;
}

static const struct inode_ops sysfs_ops = {
    .lookup = lookup, .stat = stat, .destroy = destroy};

/* ---- files ---- */

static int text_open(struct file *f)
{
    return file_writable(f) ? -EACCES : 0;
}

static ssize_t text_read(struct file *f, struct uio *u, u64 *pos)
{
    char text[TEXT_MAX];
    size_t len, part;

    files[f->inode->ino - FIRST_FILE].show(text);
    len = strlen(text);
    if (*pos >= len || !u->left)
        return 0;
    part = MIN(len - (size_t)*pos, u->left);
    if (uio_copy_to(u, text + *pos, part) < part)
        return -EFAULT;
    *pos += part;
    return (ssize_t)part;
}

static s64 seek(struct file *f, s64 offset, int whence)
{
    s64 to = whence == SEEK_CUR ? (s64)f->pos + offset : offset;

    return (whence != SEEK_SET && whence != SEEK_CUR) || to < 0 ? -EINVAL : to;
}

static int dir_read(struct file *f, struct dir_sink *s)
{
    u64 self = f->inode->ino, ino;
    char name[TEXT_MAX];

    for (; s->pos < 2; s->pos++) {
        if (!s->emit(s, "..", s->pos + 1, self, DT_DIR, s->pos + 1))
            return 0;
    }
    for (; entry_at(self, s->pos - 2, name, &ino); s->pos++) {
        if (!s->emit(s, name, strlen(name), ino, is_file(ino) ? DT_REG : DT_DIR,
                     s->pos + 1))
            return 0;
    }
    return 0;
}

static const struct file_ops text_fops = {
    .open = text_open, .read = text_read, .lseek = seek};
static const struct file_ops dir_fops = {.readdir = dir_read, .lseek = seek};

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
