/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables: an array of files that grows by doubling, and a bit per descriptor for
 * close-on-exec.
 */
#include "fs/file.h"
#include "fs/lock/locks.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"

#define FD_FIRST 64u

struct fdtable {
    u32 refs;        /* atomic */
    u32 owners;      /* atomic: processes; the other references are for a look */
    u64 lock_owner;  /* of record locks; constant */
    spinlock_t lock; /* everything below */
    u32 size;
    struct file **files;
    u64 cloexec[FD_MAX_HARD / 64];
};

/* A descriptor of f goes away: so do the record locks of the table on that file. */
static void drop(struct fdtable *t, struct file *f)
{
    locks_forget(t->lock_owner, f->inode);
    file_put(f);
}

SLAB_CACHE(table_cache, "fdtable", struct fdtable);

static struct fdtable *table_alloc(u32 size)
{
    struct fdtable *t = slab_zalloc(&table_cache);

    if (!t)
        return NULL;
    t->refs = t->owners = 1;
    t->lock_owner = lock_owner_new();
    t->size = size;
    t->files = kzalloc(size * sizeof(struct file *));
    if (!t->files) {
        slab_free(&table_cache, t);
        return NULL;
    }
    return t;
}

struct fdtable *fdtable_create(void)
{
    return table_alloc(FD_FIRST);
}

struct fdtable *fdtable_clone(struct fdtable *from)
{
    struct fdtable *t;

    for (;;) {
        u32 size = READ_ONCE(from->size);

        t = table_alloc(size);
        if (!t)
            return NULL;
        spin_lock(&from->lock);
        if (from->size == size)
            break;
        spin_unlock(&from->lock); /* it grew meanwhile */
        fdtable_put(t);
    }
    for (u32 i = 0; i < from->size; i++) {
        t->files[i] = from->files[i];
        if (t->files[i])
            file_get(t->files[i]);
    }
    memcpy(t->cloexec, from->cloexec, sizeof(t->cloexec));
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
    __atomic_fetch_sub(&t->owners, 1, __ATOMIC_RELAXED);
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
    same = (u32)fd < t->size && t->files[fd] == f;
    spin_unlock(&t->lock);
    return same;
}

void fdtable_put(struct fdtable *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (u32 i = 0; i < t->size; i++) {
        if (t->files[i])
            drop(t, t->files[i]);
        else if (i % FD_FIRST)
            continue;
        pause_anyway();
    }
    kfree(t->files);
    slab_free(&table_cache, t);
}

u64 fdtable_bytes(const struct fdtable *t)
{
    return sizeof(*t) + READ_ONCE(t->size) * sizeof(struct file *);
}

static bool is_cloexec(const struct fdtable *t, u32 fd)
{
    return t->cloexec[fd / 64] >> (fd % 64) & 1;
}

static void set_cloexec(struct fdtable *t, u32 fd, bool on)
{
    u64 bit = 1ull << (fd % 64);

    t->cloexec[fd / 64] = on ? t->cloexec[fd / 64] | bit : t->cloexec[fd / 64] & ~bit;
}

/* Takes the file out of its slot; NULL when there is none. */
static struct file *take(struct fdtable *t, u32 fd)
{
    struct file *f;

    spin_lock(&t->lock);
    f = fd < t->size ? t->files[fd] : NULL;
    if (f) {
        t->files[fd] = NULL;
        set_cloexec(t, fd, false);
    }
    spin_unlock(&t->lock);
    return f;
}

void fdtable_close_on_exec(struct fdtable *t)
{
    for (u32 fd = 0; fd < READ_ONCE(t->size); fd++) {
        if (is_cloexec(t, fd)) {
            struct file *f = take(t, fd);

            if (f)
                drop(t, f);
            pause_anyway();
        }
    }
}

struct file *fd_get(struct fdtable *t, int fd)
{
    struct file *f = NULL;

    spin_lock(&t->lock);
    if ((u32)fd < t->size)
        f = t->files[fd];
    if (f)
        file_get(f);
    spin_unlock(&t->lock);
    return f;
}

/* Makes room for descriptor fd. 0, -ENOMEM. */
static int grow(struct fdtable *t, u32 fd)
{
    while (fd >= READ_ONCE(t->size)) {
        u32 old = READ_ONCE(t->size), size = old * 2;
        struct file **files;

        while (size <= fd)
            size *= 2;
        files = kzalloc(size * sizeof(struct file *));
        if (!files)
            return -ENOMEM;
        spin_lock(&t->lock);
        if (t->size == old) {
            struct file **before = t->files;

            memcpy(files, before, old * sizeof(struct file *));
            t->files = files;
            t->size = size;
            files = before;
        }
        spin_unlock(&t->lock);
        kfree(files);
    }
    return 0;
}

/* The lowest free number >= min below limit, with t->lock held on success. */
static int find_free(struct fdtable *t, u32 min, u32 limit)
{
    u32 fd;

    limit = MIN(limit, FD_MAX_HARD);
    if (min >= limit)
        return -EMFILE;
    for (;;) {
        int err;

        spin_lock(&t->lock);
        for (fd = min; fd < t->size && t->files[fd]; fd++)
            ;
        if (fd < t->size && fd < limit)
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
    t->files[fd] = f;
    set_cloexec(t, (u32)fd, cloexec);
    spin_unlock(&t->lock);
    return fd;
}

int fd_reserve(struct fdtable *t, u32 limit)
{
    int fd = find_free(t, 0, limit);

    if (fd < 0)
        return fd;
    spin_unlock(&t->lock);
    return 0;
}

int fd_install_at(struct fdtable *t, struct file *f, int fd, u32 limit, bool cloexec)
{
    struct file *old;
    int err;

    if ((u32)fd >= MIN(limit, FD_MAX_HARD))
        return -EBADF;
    err = grow(t, (u32)fd);
    if (err)
        return err;
    spin_lock(&t->lock);
    old = t->files[fd];
    t->files[fd] = f;
    set_cloexec(t, (u32)fd, cloexec);
    spin_unlock(&t->lock);
    if (old)
        drop(t, old);
    return fd;
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
    if ((u32)fd < t->size && t->files[fd])
        result = is_cloexec(t, (u32)fd);
    spin_unlock(&t->lock);
    return result;
}

int fd_set_cloexec(struct fdtable *t, int fd, bool on)
{
    int result = -EBADF;

    spin_lock(&t->lock);
    if ((u32)fd < t->size && t->files[fd]) {
        set_cloexec(t, (u32)fd, on);
        result = 0;
    }
    spin_unlock(&t->lock);
    return result;
}

int fd_next(struct fdtable *t, int fd)
{
    int result = -1;

    spin_lock(&t->lock);
    for (u32 i = fd < 0 ? 0 : (u32)fd; i < t->size && result < 0; i++)
        if (t->files[i])
            result = (int)i;
    spin_unlock(&t->lock);
    return result;
}
