/* SPDX-License-Identifier: MIT
 *
 * Loop devices, loop(4): block devices whose bytes are those of a regular file. What they are,
 * and what differs from Linux: docs/reference/loop.md.
 */
#pragma once

#include "lib/mutex.h"
#include "lib/types.h"
#include "lib/uapi/loop.h"

struct file;

#define LOOP_MAX    64u
#define LOOP_MAJOR  7u
#define LOOP_SECTOR 512u /* what sizes are counted in, and the smallest block */

/* One device; all of it under loop_lock. The bytes of the file move without the lock, with a reference of
 * who moves them. */
struct loop {
    bool there;           /* it exists; words that others look at without the lock */
    struct file *backing; /* referenced; NULL: it is not bound */
    u32 openers;          /* open files of the device */
    u32 flags;            /* LO_FLAGS_*; 0 when not bound, as the next five */
    u64 offset, limit;    /* of the file's bytes: the first, how many at most (0: all) */
    u64 size;       /* bytes, whole sectors: what it was when it was last measured */
    u32 block;      /* logical block size; 0 stands for LOOP_SECTOR */
    u32 soft_block; /* BLKBSZSET; 0: what fits the size. Gone with the last opener */
    char name[LO_NAME_SIZE]; /* the text of LOOP_SET_STATUS */
    bool read_only;          /* BLKROSET */
    u64 readahead;           /* in sectors: told, and nothing else */
};

/* Order: loop_lock -> vfs_tree_lock. No user memory is touched and no file let go with it held. */
extern struct mutex loop_lock;

/* Whether the device number n exists, is bound: at some moment. Without a lock. */
bool loop_is_there(u32 n);
bool loop_is_bound(u32 n);

/* A copy; out->backing has a reference of its own, for loop_forget. Takes loop_lock. */
void loop_look(u32 n, struct loop *out);
void loop_forget(struct loop *copy);

u32 loop_number(const struct file *f);
/* loop_lock. */
struct loop *loop_at(u32 n);
/* Lets the file go, which the caller puts after loop_lock. */
struct file *loop_unbind(struct loop *l);

static inline bool loop_is_read_only(const struct loop *l)
{
    return l->read_only || l->flags & LO_FLAGS_READ_ONLY;
}

static inline u32 loop_block(const struct loop *l)
{
    return l->block ? l->block : LOOP_SECTOR;
}

void loop_init(void); /* /dev/loop-control and the first devices, at boot */
