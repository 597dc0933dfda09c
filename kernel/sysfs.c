/* SPDX-License-Identifier: MIT
 *
 * /sys/devices/system/cpu: which processors there are, run, and can run. A processor that was
 * not started at boot never will be, so "possible" is what is online. /sys/devices/system/node: the
 * one node, where all memory and all processors are. And /sys/kernel/mm/hugepages: the pool of huge pages; /sys/block and /sys/dev/block: the loop
 * devices (kernel/loop/attr.c). Made at look-up like procfs; nothing else of Linux's sysfs is here.
 */
#include "kernel/sysfs.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/time.h"
#include "fs/file.h"
#include "fs/hugetlb/pool.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/uio.h"
#include "fs/vfs.h"
#include "kernel/loop/attr.h"
#include "kernel/pause.h"
#include "kernel/procfs/meminfo.h"
#include "kernel/task/proc.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"
#include "mm/phys/stat.h"

#define SYSFS_MAGIC 0x62656572u
#define SYSFS_DEV   10u
#define SYSFS_SIZE  4096u /* what stat(2) tells of every file there */
#define TEXT_MAX    32u

/* Numbers of inodes: directories, files, and a directory for each processor. */
#define FIRST_FILE 32u
#define FIRST_CPU  64u

enum dir {
    ROOT = 1,
    DEVICES,
    SYSTEM,
    CPU,
    NODE,
    NODE_0,
    NODE_HUGE,
    NODE_2M,
    KERNEL,
    MM,
    HUGEPAGES,
    SIZE_2M,
    BLOCK,
    DEV,
    DEV_BLOCK,
    DIRS_END
};

static const struct {
    const char *name;
    enum dir parent;
} dirs[DIRS_END] = {
    [DEVICES] = {"devices", ROOT},
    [SYSTEM] = {"system", DEVICES},
    [CPU] = {"cpu", SYSTEM},
    [NODE] = {"node", SYSTEM},
    [NODE_0] = {"node0", NODE},
    [NODE_HUGE] = {"hugepages", NODE_0},
    [NODE_2M] = {"hugepages-2048kB", NODE_HUGE},
    [KERNEL] = {"kernel", ROOT},
    [MM] = {"mm", KERNEL},
    [HUGEPAGES] = {"hugepages", MM},
    [SIZE_2M] = {"hugepages-2048kB", HUGEPAGES},
    [BLOCK] = {"block", ROOT},
    [DEV] = {"dev", ROOT},
    [DEV_BLOCK] = {"block", DEV},
};

/* Processors [first, end). */
static void put_range(struct seq *s, u32 first, u32 end)
{
    if (first < end)
        seq_printf(s, "%u", first);
    if (first + 1 < end)
        seq_printf(s, "-%u", end - 1);
    seq_puts(s, "\n");
}

static void show_running(struct seq *s)
{
    put_range(s, 0, cpu_count);
}

static void show_present(struct seq *s)
{
    put_range(s, 0, arch_cpus_present());
}

static void show_offline(struct seq *s)
{
    put_range(s, cpu_count, arch_cpus_present());
}

static void show_most(struct seq *s)
{
    seq_printf(s, "%u\n", MAX_CPUS - 1);
}

/* ---- the node ---- */

static void show_node(struct seq *s)
{
    put_range(s, 0, 1);
}

static void show_cpumap(struct seq *s)
{
    u64 cpus = ~0ull >> (64 - cpu_count);

    seq_printf(s, cpu_count > 32 ? "%08x,%08x\n" : "%x\n",
               cpu_count > 32 ? (u32)(cpus >> 32) : (u32)cpus, (u32)cpus);
}

static void show_distance(struct seq *s)
{
    seq_puts(s, "10\n"); /* of itself, in the words of ACPI's SLIT */
}

static void show_numastat(struct seq *s)
{
    u64 here = mm_stat_sum(MM_STAT_pgalloc);

    seq_printf(s,
               "numa_hit %lu\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\n"
               "local_node %lu\nother_node 0\n",
               here, here);
}

/* ---- the pool of huge pages ---- */

static struct hugepool pool_at_rest(void)
{
    memory_settle();
    return hugepool_counts();
}

static void show_nr(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().total);
}

static void show_overcommit(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().overcommit);
}

static void show_free(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().free);
}

static void show_reserved(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().reserved);
}

static void show_surplus(struct seq *s)
{
    seq_printf(s, "%lu\n", pool_at_rest().surplus);
}

static const struct {
    const char *name;
    enum dir parent;
    void (*show)(struct seq *s);
    void (*set)(u64 number); /* NULL: it is only read */
} files[] = {
    {"kernel_max", CPU, show_most, NULL},
    {"offline", CPU, show_offline, NULL},
    {"online", CPU, show_running, NULL},
    {"possible", CPU, show_running, NULL},
    {"present", CPU, show_present, NULL},
    {"has_cpu", NODE, show_node, NULL},
    {"has_memory", NODE, show_node, NULL},
    {"has_normal_memory", NODE, show_node, NULL},
    {"online", NODE, show_node, NULL},
    {"possible", NODE, show_node, NULL},
    {"cpulist", NODE_0, show_running, NULL},
    {"cpumap", NODE_0, show_cpumap, NULL},
    {"distance", NODE_0, show_distance, NULL},
    {"meminfo", NODE_0, procfs_show_node, NULL},
    {"numastat", NODE_0, show_numastat, NULL},
    {"free_hugepages", NODE_2M, show_free, NULL},
    {"nr_hugepages", NODE_2M, show_nr, hugepool_resize},
    {"surplus_hugepages", NODE_2M, show_surplus, NULL},
    {"free_hugepages", SIZE_2M, show_free, NULL},
    {"nr_hugepages", SIZE_2M, show_nr, hugepool_resize},
    {"nr_overcommit_hugepages", SIZE_2M, show_overcommit, hugepool_set_overcommit},
    {"resv_hugepages", SIZE_2M, show_reserved, NULL},
    {"surplus_hugepages", SIZE_2M, show_surplus, NULL}};

static bool is_file(u64 ino)
{
    return ino >= FIRST_FILE && ino < FIRST_FILE + ARRAY_SIZE(files);
}

static bool is_loop(u64 ino)
{
    return ino >= LOOP_ATTRS;
}

static bool may_set(u64 ino)
{
    return is_file(ino) && files[ino - FIRST_FILE].set;
}

/* ---- names ---- */

/* Name of the i-th thing in the directory `dir`, and its inode's number; false: no more. */
static bool entry_at(u64 dir, u64 i, char *name, u64 *ino)
{
    const char *found = NULL;

    for (u64 d = ROOT + 1; d < DIRS_END && !found; d++) {
        if (dirs[d].parent == dir && i-- == 0) {
            found = dirs[d].name;
            *ino = d;
        }
    }
    for (u64 f = 0; f < ARRAY_SIZE(files) && !found; f++) {
        if (files[f].parent == dir && i-- == 0) {
            found = files[f].name;
            *ino = FIRST_FILE + f;
        }
    }
    if (found)
        str_copy(name, found, TEXT_MAX);
    if (!found && (dir == BLOCK || dir == DEV_BLOCK))
        return loop_attr_device(i, dir == DEV_BLOCK, name, TEXT_MAX, ino);
    if (is_loop(dir))
        return loop_attr_at(dir, i, name, TEXT_MAX, ino);
    if (found || dir != CPU)
        return found;
    fmt_snprintf(name, TEXT_MAX, "cpu%u", (u32)i);
    *ino = FIRST_CPU + i;
    return i < arch_cpus_present();
}

/* ---- inodes ---- */

static const struct inode_ops sysfs_ops, link_ops;
static const struct file_ops dir_fops, text_fops;

SLAB_CACHE(inode_cache, "sysfs_inode", struct inode);

static u32 mode_of(u64 number)
{
    u32 type = is_loop(number)   ? loop_attr_type(number)
               : is_file(number) ? S_IFREG
                                 : S_IFDIR;

    return type | (S_ISLNK(type)     ? 0777
                   : S_ISDIR(type)   ? 0755
                   : may_set(number) ? 0644
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
    st->st_size = S_ISREG(ino->mode) ? SYSFS_SIZE : 0;
}

static ssize_t readlink(struct inode *ino, char *buf, size_t size)
{
    char text[TEXT_MAX];
    size_t n = MIN(loop_attr_text(ino->ino, text, sizeof(text)), size);

    memcpy(buf, text, n);
    return (ssize_t)n;
}

static const struct inode_ops sysfs_ops = {
    .lookup = lookup, .stat = stat, .destroy = destroy};
static const struct inode_ops link_ops = {
    .readlink = readlink, .stat = stat, .destroy = destroy};

/* ---- files ---- */

static int text_open(struct file *f)
{
    return file_writable(f) && !may_set(f->inode->ino) ? -EACCES : 0;
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

    if (!is_loop(number)) {
        seq_init(&s, f->account);
        files[number - FIRST_FILE].show(&s);
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
    char text[TEXT_MAX];
    size_t n = uio_copy_from(u, text, MIN(u->left, sizeof(text) - 1)), all = n;
    u64 number;

    (void)pos;
    if (u->left)
        return n ? -EINVAL : -EFAULT;
    if (!proc_capable(current_proc(), CAP_SYS_ADMIN))
        return -EPERM;
    for (text[n] = '\0'; n && text[n - 1] == '\n'; text[n - 1] = '\0', n--)
        ;
    if (str_to_u64(text, &number) != 0)
        return -EINVAL;
    files[f->inode->ino - FIRST_FILE].set(number);
    return (ssize_t)all;
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
        if (!s->emit(s, name, strlen(name), ino, (u8)(mode_of(ino) >> 12), s->pos + 1))
            return 0;
    }
    return 0;
}

static const struct file_ops text_fops = {
    .open = text_open, .read = text_read, .write = text_write, .lseek = file_seek};
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
