/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables: an array of files that grows by doubling, and two bits per descriptor: in
 * use, close-on-exec. A number in use without a file is reserved by a call under way.
 *
 * A file is found and referenced under the table's lock, and so is taken out: a finder has a
 * reference before the last other one can go. Files are given up without the lock.
 */
#include "fs/fdtable.h"
#include "fs/fd_array.h"
#include "fs/file.h"
#include "fs/lock/locks.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define FD_FIRST 64u

u32 fd_max = FD_MAX_MOST;

#define AT_ONCE 16384u /* descriptors copied in one piece */

/* A descriptor of f goes away: so do the record locks of the table on that file, unless it only
 * named the file. */
static void drop(struct fdtable *t, struct file *f)
{
    if (!(file_flags(f) & O_PATH))
        locks_forget(t->lock_owner, f->inode);
    file_put(f);
}

SLAB_CACHE_LINES(table_cache, "fdtable", struct fdtable);

static struct fdtable *table_alloc(u32 size)
{
    struct fdtable *t = slab_zalloc(&table_cache);

    if (!t)
        return NULL;
    t->refs = t->owners = 1;
    t->lock_owner = lock_owner_new();
    if (!fd_array_alloc(&t->a, size)) {
        slab_free(&table_cache, t);
        return NULL;
    }
    return t;
}

struct fdtable *fdtable_create(void)
{
    return table_alloc(FD_FIRST);
}

int fdtable_may_clone(struct fdtable *t)
{
    u32 last = (u32)align_up(READ_ONCE(fd_max), 64) / 64;

    if (likely(READ_ONCE(t->a.size) / 64 <= last))
        return 0;
    SCOPED_LOCK(&t->lock);
    for (u32 word = last; word < t->a.size / 64; word++)
        if (t->a.used[word])
            return -EMFILE;
    return 0;
}

/* All of a table of usual size is as it was at one moment; of a larger one each piece is. */
struct fdtable *fdtable_clone(struct fdtable *from)
{
    u32 size;
    struct fdtable *t = NULL;

    do { /* it may grow meanwhile */
        if (t)
            fdtable_put(t);
        size = READ_ONCE(from->a.size);
        t = table_alloc(size);
        if (!t)
            return NULL;
        spin_lock(&from->lock);
        if (from->a.size == size)
            break;
        spin_unlock(&from->lock);
    } while (true);
    for (u32 word = 0; word < size / 64; word++) {
        fd_array_copy(&t->a, &from->a, word);
        if ((word + 1) % (AT_ONCE / 64) == 0) {
            spin_unlock(&from->lock);
            pause_anyway();
            spin_lock(&from->lock);
        }
    }
    spin_unlock(&from->lock);
    return t;
}

void fdtable_get(struct fdtable *t)
{
    __atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
}

void fdtable_own(struct fdtable *t)
{
    __atomic_fetch_add(&t->owners, 1, __ATOMIC_RELAXED);
    fdtable_get(t);
}

void fdtable_disown(struct fdtable *t)
{
    __atomic_fetch_sub(&t->owners, 1, __ATOMIC_RELEASE); /* for fd_borrow() of the last */
    fdtable_put(t);
}

bool fdtable_is_shared(const struct fdtable *t)
{
    return __atomic_load_n(&t->owners, __ATOMIC_RELAXED) > 1;
}

u64 fdtable_lock_owner(const struct fdtable *t)
{
    return t->lock_owner;
}

bool fd_is(struct fdtable *t, int fd, const struct file *f)
{
    bool same;

    spin_lock(&t->lock);
    same = (u32)fd < t->a.size && t->a.files[fd] == f;
    spin_unlock(&t->lock);
    return same;
}

void fdtable_put(struct fdtable *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (u32 word = 0; word < t->a.size / 64; word++) {
        for (u64 used = t->a.used[word]; used; used &= used - 1) {
            drop(t, t->a.files[word * 64 + (u32)__builtin_ctzl(used)]);
            pause_anyway();
        }
        pause_anyway();
    }
    fd_array_free(&t->a);
    slab_free(&table_cache, t);
}

u32 fd_size(const struct fdtable *t)
{
    return READ_ONCE(t->a.size);
}

u64 fdtable_bytes(const struct fdtable *t)
{
    return sizeof(*t) + READ_ONCE(t->a.size) * (sizeof(struct file *) + 1);
}

static void put(struct fdtable *t, u32 fd, struct file *f, bool cloexec)
{
    REQUIRES(&t->lock);
    fd_array_put(&t->a, fd, f, cloexec);
}

/* Takes the file out of its slot; NULL when there is none. */
static struct file *take(struct fdtable *t, u32 fd)
{
    struct file *f;

    spin_lock(&t->lock);
    f = fd < t->a.size ? t->a.files[fd] : NULL;
    if (f)
        put(t, fd, NULL, false);
    spin_unlock(&t->lock);
    return f;
}

/* exec: the table is the thread's own by now. */
void fdtable_close_on_exec(struct fdtable *t)
{
    for (u32 word = 0; word < READ_ONCE(t->a.size) / 64; word++) {
        while (t->a.cloexec[word]) {
            struct file *f = take(t, word * 64 + (u32)__builtin_ctzl(t->a.cloexec[word]));

            if (f)
                drop(t, f);
            pause_anyway();
        }
        pause_anyway();
    }
}

struct file *fd_get(struct fdtable *t, int fd)
{
    struct file *f = NULL;

    spin_lock(&t->lock);
    if ((u32)fd < t->a.size)
        f = t->a.files[fd];
    if (f)
        file_get(f);
    spin_unlock(&t->lock);
    return f;
}

/* Makes room for descriptor fd. 0, -ENOMEM. */
static int grow(struct fdtable *t, u32 fd)
{
    while (fd >= READ_ONCE(t->a.size)) {
        u32 old = READ_ONCE(t->a.size), size = old * 2;
        struct fd_array more;

        while (size <= fd)
            size *= 2;
        if (!fd_array_alloc(&more, size))
            return -ENOMEM;
        spin_lock(&t->lock);
        if (t->a.size == old) {
            struct fd_array before = t->a;

            fd_array_move(&more, &before);
            t->a = more;
            more = before;
        }
        spin_unlock(&t->lock);
        fd_array_free(&more);
    }
    return 0;
}

/* The lowest free number >= min below limit, with t->lock held on success. */
static int find_free(struct fdtable *t, u32 min, u32 limit)
{
    u32 fd;

    limit = MIN(limit, FD_MAX_MOST);
    if (min >= limit)
        return -EMFILE;
    for (;;) {
        int err;

        spin_lock(&t->lock);
        fd = fd_array_free_from(&t->a, min);
        if (fd < t->a.size && fd < limit)
            return (int)fd;
        spin_unlock(&t->lock);
        if (fd >= limit)
            return -EMFILE;
        err = grow(t, fd);
        if (err)
            return err;
    }
}

int fd_install(struct fdtable *t, struct file *f, int min, u32 limit, bool cloexec)
{
    int fd = find_free(t, (u32)min, limit);

    if (fd < 0)
        return fd;
    put(t, (u32)fd, f, cloexec);
    spin_unlock(&t->lock);
    return fd;
}

int fd_reserve(struct fdtable *t, u32 limit)
{
    int fd = find_free(t, 0, limit);

    if (fd < 0)
        return fd;
    fd_set_bit(t->a.used, (u32)fd, true);
    spin_unlock(&t->lock);
    return fd;
}

void fd_fill(struct fdtable *t, int fd, struct file *f, bool cloexec)
{
    SCOPED_LOCK(&t->lock);
    put(t, (u32)fd, f, cloexec);
}

void fd_unreserve(struct fdtable *t, int fd)
{
    SCOPED_LOCK(&t->lock);
    put(t, (u32)fd, NULL, false);
}

int fd_install_at(struct fdtable *t, struct file *f, int fd, u32 limit, bool cloexec)
{
    struct file *old;
    int err;

    if ((u32)fd >= MIN(limit, FD_MAX_MOST))
        return -EBADF;
    err = grow(t, (u32)fd);
    if (err)
        return err;
    spin_lock(&t->lock);
    old = t->a.files[fd];
    if (!old && fd_is_used(&t->a, (u32)fd))
        err = -EBUSY;
    else
        put(t, (u32)fd, f, cloexec);
    spin_unlock(&t->lock);
    if (old)
        drop(t, old);
    return err ? err : fd;
}

int fd_close(struct fdtable *t, int fd)
{
    struct file *f = fd < 0 ? NULL : take(t, (u32)fd);

    if (!f)
        return -EBADF;
    drop(t, f);
    return 0;
}

int fd_get_cloexec(struct fdtable *t, int fd)
{
    int result = -EBADF;

    spin_lock(&t->lock);
    if ((u32)fd < t->a.size && t->a.files[fd])
        result = fd_is_cloexec(&t->a, (u32)fd);
    spin_unlock(&t->lock);
    return result;
}

int fd_set_cloexec(struct fdtable *t, int fd, bool on)
{
    int result = -EBADF;

    spin_lock(&t->lock);
    if ((u32)fd < t->a.size && t->a.files[fd]) {
        fd_set_bit(t->a.cloexec, (u32)fd, on);
        result = 0;
    }
    spin_unlock(&t->lock);
    return result;
}

int fd_next(struct fdtable *t, int fd)
{
    SCOPED_LOCK(&t->lock);
    for (u32 from = fd < 0 ? 0 : (u32)fd; from < t->a.size; from = (from | 63) + 1) {
        for (u64 used = t->a.used[from / 64] >> (from % 64); used; used &= used - 1) {
            u32 at = from + (u32)__builtin_ctzl(used);

            if (t->a.files[at])
                return (int)at;
        }
    }
    return -1;
}
