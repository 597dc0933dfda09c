/* SPDX-License-Identifier: MIT
 *
 * System V shared memory in the Linux x86-64 ABI: shmget(2), shmop(2), shmctl(2).
 */
#pragma once

#include "lib/uapi/ipc.h"

#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

/* Flags of shmget. */
#define SHM_HUGETLB   04000
#define SHM_NORESERVE 010000

/* Flags of shmat. */
#define SHM_RDONLY 010000
#define SHM_RND    020000
#define SHM_REMAP  040000
#define SHM_EXEC   0100000

/* Bits of the mode beside the permissions. */
#define SHM_DEST   01000
#define SHM_LOCKED 02000

struct shmid64_ds {
    struct ipc64_perm perm;
    u64 segsz;
    s64 atime, dtime, ctime;
    s32 cpid, lpid;
    u64 nattch, unused[2];
};
STATIC_ASSERT(sizeof(struct shmid64_ds) == 112);

struct shminfo64 {
    u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct shm_info {
    s32 used_ids, pad;
    u64 tot, rss, swp, swap_attempts, swap_successes;
};
