/* SPDX-License-Identifier: MIT
 *
 * Reading, writing and mapping use the same pages, so they agree byte for byte at once. Pages
 * are pinned while bytes move, so truncate never waits for a copy and a copy never sees a page in
 * other hands.
 */
#include "fs/ramfs/content.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/vm/object.h"

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
        pg = object_pin(o, (u32)object_first(o, *pos >> PAGE_SHIFT));
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
        struct page *pg = object_look_up(o, *pos >> PAGE_SHIFT);

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
        if (o->order) { /* holes of huge pages are not searched for: one piece of data */
            if (offset < 0 || offset >= size)
                return -ENXIO;
            return whence == SEEK_HOLE ? size : offset;
        }
        return object_seek(o, offset, whence == SEEK_HOLE);
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &base))
        return -EINVAL;
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
