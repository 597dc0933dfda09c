/* SPDX-License-Identifier: MIT
 *
 * Keys, ids and rights; see kernel/ipc/table.h.
 */
#include "kernel/ipc/table.h"
#include "fs/groups.h"
#include "fs/inode.h"
#include "fs/perm.h"
#include "kernel/task/proc.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"

#define SEQ_MASK 0xffffu

struct ipc_table sem_table = IPC_TABLE_INIT(sem_table),
                 msg_table = IPC_TABLE_INIT(msg_table),
                 shm_table = IPC_TABLE_INIT(shm_table);

static u32 slot_of(s32 id)
{
    return (u32)id % IPC_OBJECTS_MAX;
}

static struct list *chain_of(struct ipc_table *t, s32 key)
{
    if (!t->keys[0].next)
        for (u32 i = 0; i < IPC_KEY_CHAINS; i++)
            list_init(&t->keys[i]);
    return &t->keys[(u32)key * 2654435761u >> 26];
}
STATIC_ASSERT(IPC_KEY_CHAINS == 1u << (32 - 26));

int ipc_find_key(struct ipc_table *t, s32 key, u32 flags, struct ipc_object **out)
{
    REQUIRES(&t->lock);
    struct list *chain = chain_of(t, key), *pos;

    *out = NULL;
    if (key == IPC_PRIVATE)
        return 0;
    list_for_each (pos, chain)
        if (list_entry(pos, struct ipc_object, chain)->key == key)
            *out = list_entry(pos, struct ipc_object, chain);
    if (!*out)
        return flags & IPC_CREAT ? 0 : -ENOENT;
    return flags & IPC_CREAT && flags & IPC_EXCL ? -EEXIST : 0;
}

struct ipc_object *ipc_at(struct ipc_table *t, s32 slot)
{
    REQUIRES(&t->lock);
    return slot >= 0 && (u32)slot < IPC_OBJECTS_MAX ? index_get(&t->by_slot, (u32)slot)
                                                    : NULL;
}

struct ipc_object *ipc_find_id(struct ipc_table *t, s32 id)
{
    struct ipc_object *o = id >= 0 ? ipc_at(t, (s32)slot_of(id)) : NULL;

    return o && o->id == id ? o : NULL;
}

struct ipc_object *ipc_next(struct ipc_table *t, u32 *slot)
{
    REQUIRES(&t->lock);
    return index_next(&t->by_slot, slot);
}

u32 ipc_highest(struct ipc_table *t)
{
    REQUIRES(&t->lock);
    while (t->highest && !index_get(&t->by_slot, t->highest))
        t->highest--;
    return t->highest;
}

u32 ipc_count(const struct ipc_table *t)
{
    return (u32)t->by_slot.count;
}

/* The id wished for by *_next_id, if it is free; else the lowest free slot. */
static int choose_slot(struct ipc_table *t, u32 *slot, u32 *seq)
{
    s32 wish = __atomic_exchange_n(&t->next_id, -1, __ATOMIC_RELAXED);

    if (wish >= 0 && !index_get(&t->by_slot, slot_of(wish))) {
        *slot = slot_of(wish);
        *seq = (u32)wish >> IPC_SEQ_SHIFT;
        return 0;
    }
    while (t->lowest < IPC_OBJECTS_MAX && index_get(&t->by_slot, t->lowest))
        t->lowest++;
    *slot = t->lowest;
    *seq = t->next_seq++ & SEQ_MASK;
    return t->lowest < IPC_OBJECTS_MAX ? 0 : -ENOSPC;
}

int ipc_prepare(struct ipc_table *t, struct ipc_object *o, s32 key, u32 flags)
{
    REQUIRES(&t->lock);
    const struct cred *c = own_cred();
    u32 slot, seq;
    int err = choose_slot(t, &slot, &seq);

    if (!err)
        err = index_reserve(&t->by_slot, slot);
    if (err)
        return err;
    o->id = (s32)(seq << IPC_SEQ_SHIFT | slot);
    o->key = key;
    o->uid = o->cuid = c->euid;
    o->gid = o->cgid = c->egid;
    o->mode = flags & 0777;
    o->ctime = ipc_seconds(fs_now());
    list_init(&o->chain);
    return 0;
}

void ipc_unprepare(struct ipc_table *t, struct ipc_object *o)
{
    REQUIRES(&t->lock);
    index_trim(&t->by_slot, slot_of(o->id));
}

void ipc_insert(struct ipc_table *t, struct ipc_object *o)
{
    REQUIRES(&t->lock);
    u32 slot = slot_of(o->id);
    int err = index_set(&t->by_slot, slot, o);

    ASSERT(err == 0); /* reserved */
    t->highest = MAX(t->highest, slot);
    if (o->key != IPC_PRIVATE)
        list_add(chain_of(t, o->key), &o->chain);
}

void ipc_forget_key(struct ipc_object *o)
{
    list_del(&o->chain);
    o->key = IPC_PRIVATE;
}

void ipc_remove(struct ipc_table *t, struct ipc_object *o)
{
    REQUIRES(&t->lock);
    list_del(&o->chain);
    index_erase(&t->by_slot, slot_of(o->id));
    t->lowest = MIN(t->lowest, slot_of(o->id));
}

/* ---- rights ---- */

bool ipc_in_group(const struct cred *c, u32 gid)
{
    return c->egid == gid || groups_have(c->fs.groups, gid);
}

int ipc_check(const struct ipc_object *o, u32 want)
{
    u32 have = o->mode, bits = (want >> 6 | want >> 3 | want) & 7;
    const struct cred *c = own_cred();

    if (c->euid == o->uid || c->euid == o->cuid)
        have >>= 6;
    else if (ipc_in_group(c, o->gid) || ipc_in_group(c, o->cgid))
        have >>= 3;
    return (bits & ~have) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int ipc_check_owner(const struct ipc_object *o)
{
    const struct cred *c = own_cred();

    return c->euid == o->uid || c->euid == o->cuid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

struct ipc64_perm ipc_perm(const struct ipc_object *o)
{
    return (struct ipc64_perm){.key = o->key,
                               .uid = o->uid,
                               .gid = o->gid,
                               .cuid = o->cuid,
                               .cgid = o->cgid,
                               .mode = o->mode,
                               .seq = (u16)((u32)o->id >> IPC_SEQ_SHIFT)};
}

int ipc_set_perm(struct ipc_object *o, const struct ipc64_perm *to)
{
    if (to->uid == ~0u || to->gid == ~0u)
        return -EINVAL;
    o->uid = to->uid;
    o->gid = to->gid;
    o->mode = (o->mode & ~0777u) | (to->mode & 0777);
    o->ctime = ipc_seconds(fs_now());
    return 0;
}

/* ---- memory ---- */

struct account *ipc_charge(size_t nbytes)
{
    struct account *a = account_current();
    u64 used = __atomic_add_fetch(&a->ipc_bytes, nbytes, __ATOMIC_RELAXED);

    if (rank_current() == RANK_USER && used > page_count_total() * PAGE_SIZE / 8) {
        __atomic_fetch_sub(&a->ipc_bytes, nbytes, __ATOMIC_RELAXED);
        return NULL;
    }
    account_hold(a);
    return a;
}

void ipc_uncharge(struct account *a, size_t nbytes)
{
    __atomic_fetch_sub(&a->ipc_bytes, nbytes, __ATOMIC_RELAXED);
    account_put(a);
}
