/* SPDX-License-Identifier: MIT
 *
 * Open files: life, and the generic half of read and write.
 */
#include "fs/file.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/lock/locks.h"
#include "fs/namei.h"
#include "fs/numbers.h"
#include "fs/open.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

SLAB_CACHE_LINES(file_cache, "file", struct file);

/* What an open file costs at least: with a name and an inode of its own, as a pipe has. */
#define FILE_BYTES (sizeof(struct file) + sizeof(struct dentry) + sizeof(struct inode))

#define FILES_MAX_LEAST 8192u

u64 files_max;

/* Open files: the sum of both. */
static s64 open_all;
static DEFINE_PER_CPU(s32, open_here);

u64 files_open(void)
{
    s64 n = __atomic_load_n(&open_all, __ATOMIC_RELAXED);

    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        n += READ_ONCE(per_cpu(open_here, cpu));
    return (u64)MAX(n, (s64)0);
}

/* Cheap while it is far away. */
static bool beyond_max(void)
{
    u64 max = READ_ONCE(files_max);
    s64 about = __atomic_load_n(&open_all, __ATOMIC_RELAXED) + cpu_count * TALLY_AT_ONCE;

    return unlikely(about < 0 || (u64)about > max) && files_open() > max;
}

static void uncount(struct account *a)
{
    tally_add(this_cpu_ptr(open_here), &open_all, -1);
    __atomic_fetch_sub(&a->bytes, FILE_BYTES, __ATOMIC_RELAXED);
}

static bool count(struct account *a)
{
    tally_add(this_cpu_ptr(open_here), &open_all, 1);
    __atomic_fetch_add(&a->bytes, FILE_BYTES, __ATOMIC_RELAXED);
    if (likely(!beyond_max()) || rank_current() != RANK_USER)
        return true;
    uncount(a);
    return false;
}

static void file_release(struct vm_file *vm)
{
    struct file *f = container_of(vm, struct file, vm);

    if (unlikely(f->async))
        file_async_end(f->async);
    if (unlikely(f->watches))
        file_watches_end(f);
    locks_forget(f->lock_owner, f->inode);
    if (f->ops->release)
        f->ops->release(f);
    if (f->holds_write)
        end_writing(&f->path);
    if (f->denies_write)
        inode_allow_write(f->inode);
    inode_put(f->inode); /* before the path: it may lie in a file system that goes */
    path_put(&f->path);
    uncount(f->account);
    account_put(f->account);
    slab_free(&file_cache, f);
}

void files_init(void)
{
    files_max = MAX(page_count_total() * PAGE_SIZE / 1024 / 10, FILES_MAX_LEAST);
}

int file_create(struct inode *inode, const struct file_ops *ops, u32 flags,
                struct file **out)
{
    struct account *a = account_current();
    struct file *f;

    if (!count(a))
        return -ENFILE;
    f = slab_zalloc(&file_cache);
    if (!f) {
        uncount(a);
        return -ENOMEM;
    }
    account_hold(a);
    f->account = a;
    f->vm.refs = 1;
    f->vm.release = file_release;
    f->flags = flags;
    f->inode = inode;
    f->lock_owner = lock_owner_new();
    f->ops = ops;
    mutex_init(&f->pos_lock);
    mutex_bears_faults(&f->pos_lock);
    *out = f;
    return 0;
}

void file_get(struct file *f)
{
    vm_file_get(&f->vm);
}

void file_put(struct file *f)
{
    vm_file_put(&f->vm);
}

bool file_get_live(struct file *f)
{
    u32 refs = __atomic_load_n(&f->vm.refs, __ATOMIC_RELAXED);

    while (refs && !__atomic_compare_exchange_n(&f->vm.refs, &refs, refs + 1, false,
                                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    return refs;
}

void file_change_flags(struct file *f, u32 mask, u32 flags)
{
    u32 now = file_flags(f);

    while (!__atomic_compare_exchange_n(&f->flags, &now, (now & ~mask) | (flags & mask),
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

s64 file_seek(struct file *f, s64 offset, int whence)
{
    s64 to = whence == SEEK_CUR ? (s64)f->pos : 0;

    if ((whence != SEEK_SET && whence != SEEK_CUR) ||
        __builtin_add_overflow(to, offset, &to) || to < 0)
        return -EINVAL;
    return to;
}

ssize_t file_read(struct file *f, struct uio *u)
{
    u64 pos;
    ssize_t n;

    if (!f->ops->read)
        return -EINVAL;
    if (!f->ops->lseek) /* no position: pipes, terminals */
        return f->ops->read(f, u, NULL);
    mutex_lock(&f->pos_lock);
    pos = f->pos;
    n = file_read_at(f, u, &pos);
    WRITE_ONCE(f->pos, pos);
    mutex_unlock(&f->pos_lock);
    return n;
}

ssize_t file_write(struct file *f, struct uio *u)
{
    u64 pos;
    ssize_t n;

    if (!f->ops->write)
        return -EINVAL;
    if (!f->ops->lseek)
        return f->ops->write(f, u, NULL);
    mutex_lock(&f->pos_lock);
    pos = f->pos;
    n = file_write_at(f, u, &pos);
    WRITE_ONCE(f->pos, pos);
    mutex_unlock(&f->pos_lock);
    return n;
}

ssize_t file_pread_kernel(struct file *f, void *buf, size_t len, u64 pos)
{
    struct iovec iov;
    struct uio u;

    if (!f->ops->read)
        return -EINVAL;
    uio_init_kernel(&u, &iov, buf, len);
    return f->ops->read(f, &u, &pos);
}
