/* SPDX-License-Identifier: MIT
 *
 * Segments of System V shared memory: the table by id and key. A segment is a file without
 * a name whose object the mappings show. Who holds the file: each VMA, the table until
 * IPC_RMID, and calls under way (pins); so the number of attaches is the number of VMAs,
 * exact through fork, exec, exit, munmap and splits, and the last detach of a removed
 * segment frees it.
 */
#pragma once

#include "fs/file.h"
#include "lib/uapi/shm.h"

#define SHM_SEGMENTS_MAX 4096u /* slots; shm_mni is never more */
#define SHM_SEQ_SHIFT    15    /* an id is sequence << SHM_SEQ_SHIFT | slot */

/* Settings: the largest segment in bytes, all together in pages, and how many. */
extern u64 shm_max, shm_all;
extern u32 shm_mni;

struct shm_segment {
    struct file *file; /* its references are the segment's life */
    s32 id, key;
    u64 size;
    u32 uid, gid, cuid, cgid;
    u32 mode; /* permissions, SHM_DEST, SHM_LOCKED */
    s64 atime, dtime, ctime;
    s32 cpid, lpid;
    u32 pins;
};

/* Everything in this header: shm_lock held, except shm_put. */
extern struct mutex shm_lock;

/* Who makes a segment. */
struct shm_owner {
    u32 uid, gid;
    s32 pid;
    struct mm *mm; /* judged by the commit limit */
};

/* A fresh segment. -EINVAL size, -ENOSPC, -ENOMEM. */
int must_check shm_create(s32 key, u64 size, u32 flags, const struct shm_owner *by,
                          struct shm_segment **out);

struct shm_segment *shm_by_key(s32 key); /* not IPC_PRIVATE; NULL */
struct shm_segment *shm_by_id(s32 id);   /* NULL */
/* The segment in slot `index` of the table, NULL. */
struct shm_segment *shm_by_index(u32 index);
/* Highest slot in use, 0 when there is none. */
u32 shm_highest(void);

static inline struct vm_object *shm_object(const struct shm_segment *s)
{
    return s->file->inode->object;
}

u64 shm_attaches(const struct shm_segment *s);

/* Keeps s over a time without the lock; false: its last holder has just left. */
bool must_check shm_get(struct shm_segment *s);
/* Without the lock. */
void shm_put(struct shm_segment *s);

/* IPC_RMID: nobody finds it by key any more, and the table lets go of it: the caller gives
 * the reference in the result back (file_put) without the lock. NULL: that was done before. */
struct file *shm_remove(struct shm_segment *s);
