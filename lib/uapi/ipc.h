/* SPDX-License-Identifier: MIT
 *
 * What the three kinds of System V objects have in common, and semaphores and messages, in the
 * Linux x86-64 ABI: sysvipc(7), semop(2), semctl(2), msgop(2), msgctl(2).
 */
#pragma once

#include "lib/assert.h"
#include "lib/types.h"

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

#define IPC_RMID 0
#define IPC_SET  1
#define IPC_STAT 2
#define IPC_INFO 3

struct ipc64_perm {
    s32 key;
    u32 uid, gid, cuid, cgid, mode;
    u16 seq, pad[3];
    u64 unused[2];
};
STATIC_ASSERT(sizeof(struct ipc64_perm) == 48);

/* ---- semaphores ---- */

#define SEM_UNDO 0x1000

#define GETPID       11
#define GETVAL       12
#define GETALL       13
#define GETNCNT      14
#define GETZCNT      15
#define SETVAL       16
#define SETALL       17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20

#define SEMVMX 32767
#define SEMAEM SEMVMX

struct sembuf {
    u16 num;
    s16 op, flags;
};

struct semid64_ds {
    struct ipc64_perm perm;
    s64 otime, unused1, ctime, unused2;
    u64 nsems, unused3, unused4;
};
STATIC_ASSERT(sizeof(struct semid64_ds) == 104);

struct seminfo {
    s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

/* ---- messages ---- */

#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13

struct msqid64_ds {
    struct ipc64_perm perm;
    s64 stime, rtime, ctime;
    u64 cbytes, qnum, qbytes;
    s32 lspid, lrpid;
    u64 unused[2];
};
STATIC_ASSERT(sizeof(struct msqid64_ds) == 120);

struct msginfo {
    s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
    u16 msgseg, pad; /* named, so that it is zero: programs see it */
};
