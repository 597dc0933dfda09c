/* SPDX-License-Identifier: MIT
 *
 * What semaphores, messages and shared memory of System V have in common: a table of objects by
 * key and id, and who may use them. sysvipc(7).
 *
 *     id = sequence << IPC_SEQ_SHIFT | slot
 *
 * so that an id is not soon given again when its slot is.
 */
#pragma once

#include "lib/index.h"
#include "lib/list.h"
#include "lib/mutex.h"
#include "lib/uapi/ipc.h"

#define IPC_SEQ_SHIFT   15
#define IPC_OBJECTS_MAX (1u << IPC_SEQ_SHIFT)
#define IPC_KEY_CHAINS  64u

/* The beginning of each kind's record. Who owns it and what is allowed change under the lock of the
 * table and that of the object, if it has one; either is enough to read. */
struct ipc_object {
    s32 id, key;       /* [c]; the key is IPC_PRIVATE once it is removed, table lock */
    struct list chain; /* [table lock] of those with such a key */
    u32 uid, gid;
    u32 cuid, cgid; /* [c] */
    u32 mode;       /* permissions; above them bits of the kind's own */
    s64 ctime;
};

struct ipc_table {
    struct mutex lock;
    struct index by_slot;             /* [lock] */
    struct list keys[IPC_KEY_CHAINS]; /* [lock] made at first use */
    u32 highest;                      /* [lock] no slot above it is in use */
    u32 lowest;                       /* [lock] no slot below it is free */
    u32 next_seq;                     /* [lock] */
    s32 next_id; /* id wished for the next object, -1: none; one word */
};

#define IPC_TABLE_INIT(t)                                            \
    {                                                                \
        .lock = {.queue = LIST_INIT((t).lock.queue)}, .next_id = -1, \
    }

extern struct ipc_table sem_table, msg_table, shm_table;

/* ---- the table: t->lock held ---- */

/* For semget and its kind: the object with that key, or NULL in *out when a new one is to be
 * made. -ENOENT, -EEXIST. */
int must_check ipc_find_key(struct ipc_table *t, s32 key, u32 flags,
                            struct ipc_object **out);
struct ipc_object *ipc_find_id(struct ipc_table *t, s32 id); /* NULL */
/* The first object at slot *slot or behind it, whose slot is stored. NULL: there is none. */
struct ipc_object *ipc_next(struct ipc_table *t, u32 *slot);
/* For *_STAT: the one in just that slot, NULL. */
struct ipc_object *ipc_at(struct ipc_table *t, s32 slot);
/* Highest slot in use, 0 when there is none. */
u32 ipc_highest(struct ipc_table *t);
u32 ipc_count(const struct ipc_table *t);

/* Gives o, of the caller's ids, its id. -ENOSPC: no slot, -ENOMEM. ipc_insert is what makes it
 * visible, and cannot fail when ipc_prepare did not. */
int must_check ipc_prepare(struct ipc_table *t, struct ipc_object *o, s32 key, u32 flags);
void ipc_insert(struct ipc_table *t, struct ipc_object *o);
/* Undoes ipc_prepare alone. */
void ipc_unprepare(struct ipc_table *t, struct ipc_object *o);
/* Nobody finds it by its key any more; then, by its id. */
void ipc_forget_key(struct ipc_object *o);
void ipc_remove(struct ipc_table *t, struct ipc_object *o);

/* ---- rights ---- */

/* `want` is a mode whose bits of any of the three classes are asked for. -EACCES. */
int must_check ipc_check(const struct ipc_object *o, u32 want);
/* Whether the caller may remove and change it. -EPERM. */
int must_check ipc_check_owner(const struct ipc_object *o);
struct cred;
bool ipc_in_group(const struct cred *c, u32 gid);

struct ipc64_perm ipc_perm(const struct ipc_object *o);
/* IPC_SET. -EINVAL. */
int must_check ipc_set_perm(struct ipc_object *o, const struct ipc64_perm *to);

/* ---- memory ---- */

struct account;

/* Objects and messages outlive their maker, so what one user has of them is bounded: an eighth
 * of memory, in bytes. NULL: more than that. The account is referenced. */
struct account *must_check ipc_charge(size_t nbytes);
void ipc_uncharge(struct account *a, size_t nbytes);

static inline s64 ipc_seconds(u64 ns)
{
    return (s64)(ns / 1000000000);
}
