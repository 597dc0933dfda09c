/* SPDX-License-Identifier: MIT
 *
 * Segments of System V shared memory. A segment is a file without
 * a name whose object the mappings show. Who holds the file: each VMA, the table until
 * IPC_RMID, and calls under way (pins); so the number of attaches is the number of VMAs,
 * exact through fork, exec, exit, munmap and splits, and the last detach of a removed
 * segment frees it. With kernel.shm_rmid_forced the table lets go of each as soon as it is
 * attached, and of those that never were when the thread that made them ends.
 */
#pragma once

#include "fs/file.h"
#include "kernel/ipc/table.h"
#include "lib/uapi/shm.h"

/* Settings: the largest segment in bytes, all together in pages, and how many. */
extern u64 shm_max, shm_all;
extern u32 shm_mni;

struct shm_segment {
    struct ipc_object ipc; /* mode: also SHM_DEST, SHM_LOCKED */
    struct file *file;     /* its references are the segment's life */
    bool held;             /* the table has one of them */
    u64 size, npages;      /* [c] as it was asked for: what the object has may differ */
    u64 maker;             /* serial of the thread that made it, 0: it has ended */
    s64 atime, dtime;
    s32 cpid, lpid;
    u32 locker; /* SHM_LOCKED: the user whose RLIMIT_MEMLOCK it counts against */
    u32 pins;
};

/* Everything in this header: shm_table.lock held, except shm_put. */

/* A fresh segment. -EINVAL size, -ENOSPC, -ENOMEM. */
int must_check shm_create(s32 key, u64 size, u32 flags, struct shm_segment **out);

struct shm_segment *shm_by_id(s32 id);     /* NULL */
struct shm_segment *shm_by_slot(s32 slot); /* NULL */
/* The first in slot *slot or behind it, whose slot is stored. NULL: there is none. */
struct shm_segment *shm_next(u32 *slot);

static inline struct vm_object *shm_object(const struct shm_segment *s)
{
    return s->file->inode->object;
}

u64 shm_attaches(const struct shm_segment *s);
/* It has been attached: kernel.shm_rmid_forced may now give a reference back, as shm_remove. */
struct file *shm_attached(struct shm_segment *s);

/* Keeps s over a time without the lock; false: its last holder has just left. */
bool must_check shm_get(struct shm_segment *s);
/* Without the lock. */
void shm_put(struct shm_segment *s);

/* IPC_RMID: nobody finds it by key any more, and the table lets go of it: the caller gives
 * the reference in the result back (file_put) without the lock. NULL: that was done before. */
struct file *shm_remove(struct shm_segment *s);

/* ---- kernel.shm_rmid_forced; without the lock ---- */

bool shm_forced(void);
/* On: segments without attach whose maker has ended go at once. */
void shm_force(bool on);

struct thread;
void shm_thread_ends(struct thread *t);
