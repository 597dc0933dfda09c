/* SPDX-License-Identifier: MIT
 *
 * Files of the host: the pages that are read are fetched, and all of them before the file is
 * mapped, run or written.
 */
#include "fs/file.h"
#include "fs/host/hostfs.h"
#include "fs/host/hostfs_own.h"
#include "fs/inode.h"
#include "fs/ramfs/content.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/vm/object.h"

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

        if (err) /* the host has removed it since its name was brought */
            return err == -ENOENT ? -ESTALE : err;
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
    host_begin();
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
    host_end();
    return got < 0 ? (int)got : 0;
}

static int load_all(struct inode *ino)
{
    return load(ino, 0, ~0ull);
}

static ssize_t host_read(struct file *f, struct uio *u, u64 *pos)
{
    int err = load(f->inode, *pos, *pos + MIN(u->left, 1ul << 40));

    return err ? err : ramfs_read(f, u, pos);
}

static ssize_t host_write(struct file *f, struct uio *u, u64 *pos)
{
    int err = load_all(f->inode);

    return err ? err : ramfs_write(f, u, pos);
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

/* To nothing: what it was is not asked for. */
static int empty(struct inode *ino)
{
    struct host_node *n = ino->data;
    int err;

    host_begin();
    err = ramfs_truncate(ino, 0);
    if (!err)
        WRITE_ONCE(n->whole, true);
    host_end();
    return err;
}

static int host_truncate(struct inode *ino, u64 size)
{
    int err = size ? load_all(ino) : empty(ino);

    return err || !size ? err : ramfs_truncate(ino, size);
}

static int host_fallocate(struct inode *ino, u32 mode, u64 offset, u64 len)
{
    int err = load_all(ino);

    return err ? err : ramfs_fallocate(ino, mode, offset, len);
}

const struct inode_ops host_file_ops = {.truncate = host_truncate,
                                        .fallocate = host_fallocate,
                                        .destroy = host_destroy,
                                        .stat = host_stat};
const struct file_ops host_file_fops = {.read = host_read,
                                        .write = host_write,
                                        .lseek = host_lseek,
                                        .mmap = host_mmap,
                                        .fsync = ramfs_fsync};
