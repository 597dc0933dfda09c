/* SPDX-License-Identifier: MIT
 *
 * ramfs: directories are dentries, files are vm_objects. Reading, writing and mapping use
 * the same pages, so they agree byte for byte at once. Pages are pinned while bytes move, so
 * truncate never waits for a copy and a copy never sees a page in other hands.
 */
#include "fs/ramfs/ramfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/numbers.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

#define LINK_SHORT 128u
#define FIRST_DEV  16u /* st_dev below it: memfd, pipes */

SLAB_CACHE(inode_cache, "inode", struct inode);

static u64 last_ino; /* atomic */
static DEFINE_PER_CPU(struct numbers, inos);
static const struct inode_ops ramfs_dir_ops, ramfs_file_ops, ramfs_link_ops,
    ramfs_node_ops;
static const struct file_ops ramfs_fops;

struct inode *inode_create(u32 mode, u64 rdev, const struct inode_ops *ops,
                           const struct file_ops *fops)
{
    struct inode *ino = slab_zalloc(&inode_cache);

    if (!ino)
        return NULL;
    ino->ino = number_next(this_cpu_ptr(inos), &last_ino);
    ino->dev = 1;
    ino->mode = mode;
    ino->nlink = S_ISDIR(mode) ? 2 : 1;
    ino->rdev = rdev;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = fs_now();
    mutex_init(&ino->lock);
    ino->ops = ops;
    ino->fops = fops;
    return ino;
}

/* The text of a link is a page, unless it is short. */
static u64 link_pages(const struct inode *ino)
{
    return S_ISLNK(ino->mode) && strlen(ino->data) > LINK_SHORT;
}

int inode_join(struct inode *ino, const struct inode *dir)
{
    u64 npages = link_pages(ino);
    int err;

    ino->dev = dir->dev;
    ino->super = dir->super;
    if (npages && !quota_charge_pages(dir->quota, npages))
        return -ENOSPC;
    err = inode_charge(ino, dir->quota);
    if (err)
        quota_uncharge_pages(dir->quota, npages);
    return err;
}

void inode_destroy(struct inode *ino)
{
    if (ino->object)
        object_put(ino->object);
    inode_uncharge(ino);
    slab_free(&inode_cache, ino);
}

static void ramfs_destroy(struct inode *ino)
{
    if (S_ISLNK(ino->mode)) {
        if (ino->quota)
            quota_uncharge_pages(ino->quota, link_pages(ino));
        kfree(ino->data);
    }
    inode_destroy(ino);
}

int ramfs_create_inode(u32 mode, u64 rdev, struct inode **out)
{
    struct inode *ino;

    if (S_ISDIR(mode)) {
        ino = inode_create(mode, 0, &ramfs_dir_ops, &dir_file_ops);
    } else if (S_ISREG(mode)) {
        ino = inode_create(mode, 0, &ramfs_file_ops, &ramfs_fops);
        if (ino && !(ino->object = object_create(0))) {
            inode_destroy(ino);
            ino = NULL;
        }
    } else {
        ino = inode_create(mode, rdev, &ramfs_node_ops, NULL);
    }
    *out = ino;
    return ino ? 0 : -ENOMEM;
}

static int ramfs_create(struct inode *dir, const char *name, u32 mode, u64 rdev,
                        struct inode **out)
{
    int err = ramfs_create_inode(mode, rdev, out);

    (void)name;
    if (err)
        return err;
    err = inode_join(*out, dir);
    if (err)
        inode_put(*out);
    return err;
}

int ramfs_symlink(struct inode *dir, const char *target, struct inode **out)
{
    size_t n = strlen(target) + 1;
    struct inode *ino;
    char *text;
    int err;

    if (n > PATH_MAX)
        return -ENAMETOOLONG;
    text = kmalloc(n);
    if (!text)
        return -ENOMEM;
    memcpy(text, target, n);
    ino = inode_create(S_IFLNK | 0777, 0, &ramfs_link_ops, NULL);
    if (!ino) {
        kfree(text);
        return -ENOMEM;
    }
    ino->data = text;
    err = inode_join(ino, dir);
    if (err)
        inode_put(ino);
    else
        *out = ino;
    return err;
}

static ssize_t ramfs_readlink(struct inode *ino, char *buf, size_t size)
{
    size_t n = MIN(strlen(ino->data), size);

    memcpy(buf, ino->data, n);
    return (ssize_t)n;
}

static void ramfs_link_stat(struct inode *ino, struct kernel_stat *st)
{
    st->st_size = (s64)strlen(ino->data);
}

int ramfs_truncate(struct inode *ino, u64 size)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    u64 now = ino->object->size;

    if ((size < now && (ino->seals & F_SEAL_SHRINK)) ||
        (size > now && (ino->seals & F_SEAL_GROW)))
        return -EPERM;
    return object_truncate(ino->object, size);
}

/* Pages that files may still take. Those of ordinary users stop well before the faults of
 * programs fail, so that a full file system kills nobody. */
static u64 file_room(const struct vm_object *o)
{
    u64 now = page_count_free(), keep = 2 * page_count_reserve();
    u64 room = rank_current() != RANK_USER ? page_count_room()
               : now > keep                ? now - keep
                                           : 0;

    return MIN(room, quota_room(o->quota));
}

/* Whether files may take no more memory. */
static bool is_full(const struct vm_object *o)
{
    /* The usual case first: there is room for the lowest rank. */
    return !likely(page_count_free() > 2 * page_count_reserve() &&
                   quota_ample(o->quota)) &&
           !file_room(o);
}

/* Pages for [offset, end); at least what is not resident at all has to find room. */
static int allocate(struct vm_object *o, u64 offset, u64 end)
{
    u64 pages, resident = object_resident(o);

    if (end > OBJECT_MAX_SIZE)
        return -EFBIG;
    pages = (align_up(end, PAGE_SIZE) - align_down(offset, PAGE_SIZE)) / PAGE_SIZE;
    if (pages > resident && pages - resident > file_room(o))
        return -ENOSPC;
    return object_allocate(o, offset, end);
}

/* Zeroing allocates nothing: a hole reads as zeros. */
int ramfs_fallocate(struct inode *ino, u32 mode, u64 offset, u64 len)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    struct vm_object *o = ino->object;
    u64 end = offset + len;
    int err = 0;

    if (mode & ~(u32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) &&
        (ino->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && end > o->size && (ino->seals & F_SEAL_GROW))
        return -EPERM;
    switch (mode & ~FALLOC_FL_KEEP_SIZE) {
    case FALLOC_FL_PUNCH_HOLE:
        if (!(mode & FALLOC_FL_KEEP_SIZE))
            return -EOPNOTSUPP;
        object_punch(o, offset, MIN(end, OBJECT_MAX_SIZE));
        break;
    case FALLOC_FL_ZERO_RANGE:
        if (end > OBJECT_MAX_SIZE)
            return -EFBIG;
        object_punch(o, offset, end);
        err = allocate(o, offset, end);
        break;
    case 0:
        err = allocate(o, offset, end);
        break;
    default:
        return -EOPNOTSUPP;
    }
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE))
        object_extend(o, end);
    if (!err)
        inode_touch(ino);
    return err;
}

ssize_t ramfs_read(struct file *f, struct uio *u, u64 *pos)
{
    struct vm_object *o = f->inode->object;
    size_t done = 0;

    file_accessed(f);
    while (u->left) {
        u64 size = READ_ONCE(o->size), span = PAGE_SIZE << o->order, offset = *pos % span;
        size_t part, n;
        struct page *pg;

        if (*pos >= size)
            break;
        part = MIN(u->left, span - offset);
        part = MIN(part, size - *pos);
        pg = object_find_page(o, *pos >> PAGE_SHIFT);
        if (pg) {
            n = uio_copy_to(u, (char *)page_to_virt(pg) + offset, part);
            page_put(pg);
        } else {
            n = uio_zero(u, part);
        }
        done += n;
        *pos += n;
        if (n < part)
            return done ? (ssize_t)done : -EFAULT;
        if (u->left && pause_point())
            break;
    }
    return (ssize_t)done;
}

/* Bytes that may be written at pos under the limits and seals, or an error. */
static ssize_t write_room(const struct inode *ino, u64 pos, size_t n)
{
    if (ino->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (pos >= OBJECT_MAX_SIZE)
        return -EFBIG;
    n = MIN(n, OBJECT_MAX_SIZE - pos);
    if ((ino->seals & F_SEAL_GROW) && pos + n > ino->object->size) {
        /* Whole pages below the end are written; the one that would grow it is not begun. */
        u64 whole = align_down(ino->object->size, PAGE_SIZE);

        if (pos >= whole)
            return -EPERM;
        n = whole - pos;
    }
    return (ssize_t)n;
}

/* ino->lock is held by file_write, so that appends and sizes do not race. */
ssize_t ramfs_write(struct file *f, struct uio *u, u64 *pos)
{
    REQUIRES_EXCLUSIVE(&f->inode->lock);
    struct inode *ino = f->inode;
    struct vm_object *o = ino->object;
    ssize_t room = write_room(ino, *pos, u->left);
    size_t done = 0;
    int err = 0;

    if (room < 0)
        return room;
    while (done < (size_t)room) {
        u64 offset = *pos % PAGE_SIZE;
        size_t part = MIN((size_t)room - done, PAGE_SIZE - offset), n;
        struct page *pg = object_find_page(o, *pos >> PAGE_SHIFT);

        if (!pg) { /* a hole, or behind the end: that needs room */
            err =
                is_full(o) ? -ENOSPC : object_get_page_extend(o, *pos >> PAGE_SHIFT, &pg);
            if (err) {
                err = err == -ENOMEM ? -ENOSPC : err;
                break;
            }
        }
        n = uio_copy_from(u, (char *)page_to_virt(pg) + offset, part);
        page_put(pg);
        done += n;
        *pos += n;
        if (n < part) {
            err = -EFAULT;
            break;
        }
        if (done < (size_t)room && pause_point())
            break;
    }
    if (done) {
        object_extend(o, *pos);
        inode_touch(ino);
    }
    if (err) /* a page made for bytes that never came lies beyond the end */
        object_punch(o, align_up(o->size, PAGE_SIZE), align_up(*pos + 1, PAGE_SIZE));
    return done ? (ssize_t)done : err;
}

s64 ramfs_lseek(struct file *f, s64 offset, int whence)
{
    struct vm_object *o = f->inode->object;
    s64 size = (s64)READ_ONCE(o->size), base = 0;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = (s64)f->pos;
        break;
    case SEEK_END:
        base = size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (o->order) /* holes of huge pages are not searched for */
            return -EINVAL;
        return object_seek(o, offset, whence == SEEK_HOLE);
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &base))
        return -EOVERFLOW;
    return base < 0 ? -EINVAL : base;
}

int ramfs_mmap(struct file *f, bool shared, struct vm_object **out)
{
    (void)shared;
    object_get(f->inode->object);
    *out = f->inode->object;
    return 0;
}

int ramfs_fsync(struct file *f)
{
    (void)f;
    return 0; /* memory is all there is */
}

static const struct inode_ops ramfs_dir_ops = {
    .create = ramfs_create,
    .symlink = ramfs_symlink,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_file_ops = {
    .truncate = ramfs_truncate,
    .fallocate = ramfs_fallocate,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_link_ops = {
    .readlink = ramfs_readlink,
    .stat = ramfs_link_stat,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_node_ops = {.destroy = ramfs_destroy};

static const struct file_ops ramfs_fops = {
    .read = ramfs_read,
    .write = ramfs_write,
    .lseek = ramfs_lseek,
    .mmap = ramfs_mmap,
    .fsync = ramfs_fsync,
};

int ramfs_make_root(const struct fs_type *type, struct inode **root)
{
    static u64 last_dev = FIRST_DEV; /* atomic */
    int err = ramfs_create_inode(S_IFDIR | type->root_mode, 0, root);

    if (!err)
        (*root)->dev = __atomic_add_fetch(&last_dev, 1, __ATOMIC_RELAXED);
    return err;
}

/* ---- options ---- */

/* Only mode= counts; what else is given is not looked at, as on Linux. */
static int ramfs_configure(struct super *s, char *options, bool remount)
{
    struct root_options root = {~0ull, ~0ull, ~0ull};
    char *key, *value;

    while (option_next(&options, &key, &value))
        if (strcmp(key, "mode") == 0 && root_option(&root, key, value) < 0)
            return -EINVAL;
    if (!remount)
        root_options_apply(&root, s->root->inode);
    return 0;
}

struct fs_type ramfs_type = {
    .name = "ramfs",
    .magic = 0x858458f6,
    .root_mode = 0755,
    .make_root = ramfs_make_root,
    .configure = ramfs_configure,
};
