/* SPDX-License-Identifier: MIT
 *
 * Semaphores of System V: sets, the operations on them and who waits, and what is undone at the
 * end of a thread. semop(2).
 *
 *   semget -> struct sem_set      in sem_table; [S] is its own lock
 *   semop  -> struct sem_waiter   on the stack of a thread that waits
 *   SEM_UNDO -> struct sem_undo   one for a set and a list of undos; threads that were made with
 *                                 CLONE_SYSVSEM have the list in common
 *
 * A thread that can go on is given what it waits for by the one that made it possible; first come,
 * first served. Locks in this order: sem_table.lock, a set's, that of a list of undos.
 */
#pragma once

#include "kernel/ipc/table.h"

/* kernel.sem: semaphores of a set, of all sets, operations of a call, sets. Single words. */
extern u32 sem_msl, sem_mns, sem_opm, sem_mni;

struct semaphore {
    s32 value, pid; /* who did the last operation */
};

struct sem_set {
    struct ipc_object ipc;
    struct mutex lock;       /* S */
    u32 refs;                /* atomic: the table, calls under way */
    u32 n;                   /* [c] */
    bool removed;            /* [S] */
    s64 otime;               /* [S] */
    struct list waiters;     /* [S] of struct sem_waiter */
    struct list undos;       /* [S] of struct sem_undo.of_set */
    struct account *account; /* [c] it stands there */
    struct semaphore sem[];  /* [S] */
};

struct sem_undo {
    struct list of_set;     /* [S] */
    struct list of_list;    /* [S and the list's lock]; either is enough to read */
    struct sem_undos *list; /* [c] both are there as long as this is */
    struct sem_set *set;
    struct account *account; /* [c] it stands there */
    s16 adjust[];            /* [S] added at the end */
};

struct sem_undos;
struct thread;

/* ---- sets ---- */

/* The set with a reference, -EINVAL: none, locked; unlock with sem_put. */
int must_check sem_get(s32 id, struct sem_set **out);
void sem_put(struct sem_set *s);
/* The same, not locked. */
void sem_drop(struct sem_set *s);
/* Wakes those whose operations can be done now. s->lock held. */
void sem_update(struct sem_set *s);
/* All waiters leave with -EIDRM. s->lock held. */
void sem_evict(struct sem_set *s);
/* How many wait for semaphore `num` to become zero, or greater. s->lock held. */
u32 sem_count_waiters(const struct sem_set *s, u32 num, bool zero);
/* Semaphores of all sets. sem_table.lock held. */
u32 sem_total(void);
/* Takes a set, whose lock is held, out of the table, whose lock is held too; the table's reference
 * is the caller's to give back. */
void sem_unlist(struct sem_set *s);
