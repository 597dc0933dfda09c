/* SPDX-License-Identifier: MIT
 *
 * Inside a descriptor table (fs/fdtable.h): what of it grows, which is the files and two bits per
 * number, all under the table's lock, which fs/fdtable.c asserts.
 */
#pragma once

#include "fs/file.h"

struct fd_array {
    u32 size; /* a multiple of 64 */
    u32 full; /* so many words of `used` are, from the first on: no need to look there */
    struct file **files;
    u64 *used; /* one allocation with cloexec */
    u64 *cloexec;
};

struct fdtable {
    u32 refs;          /* atomic */
    u32 owners;        /* atomic: threads; the other references are for a look */
    u64 lock_owner;    /* [c] of record locks */
    spinlock_t lock;   /* below all others */
    struct fd_array a; /* [lock] the size is also read without: it only grows */
};

/* fd_get() without a reference, for the only thread with the table: nobody takes the file away before
 * its call ends. false: other threads have the table too, *f is not told. In line: each transfer
 * begins with it. */
static inline bool fd_borrow(const struct fdtable *t, int fd, struct file **f)
{
    if (unlikely(__atomic_load_n(&t->owners, __ATOMIC_ACQUIRE) > 1))
        return false;
    *f = likely((u32)fd < t->a.size) ? t->a.files[fd] : NULL;
    return true;
}

/* An array of `size` numbers, all free. false: no memory. */
bool must_check fd_array_alloc(struct fd_array *a, u32 size);
/* The memory; the files are somebody else's matter. */
void fd_array_free(struct fd_array *a);
/* All of `from`, the smaller one, goes to `to`. */
void fd_array_move(struct fd_array *to, const struct fd_array *from);
/* 64 descriptors, with references; what is only reserved is not copied. */
void fd_array_copy(struct fd_array *to, const struct fd_array *from, u32 word);
/* The lowest number >= min that is not in use; the size of the array when there is none. */
u32 fd_array_free_from(struct fd_array *a, u32 min);

static inline bool fd_is_cloexec(const struct fd_array *a, u32 fd)
{
    return a->cloexec[fd / 64] >> (fd % 64) & 1;
}

static inline bool fd_is_used(const struct fd_array *a, u32 fd)
{
    return a->used[fd / 64] >> (fd % 64) & 1;
}

static inline void fd_set_bit(u64 *words, u32 fd, bool on)
{
    u64 bit = 1ull << (fd % 64);

    words[fd / 64] = on ? words[fd / 64] | bit : words[fd / 64] & ~bit;
}

/* Puts f (NULL: nothing) at fd. */
static inline void fd_array_put(struct fd_array *a, u32 fd, struct file *f, bool cloexec)
{
    a->files[fd] = f;
    if (!f)
        a->full = MIN(a->full, fd / 64);
    fd_set_bit(a->used, fd, f);
    fd_set_bit(a->cloexec, fd, cloexec);
}
