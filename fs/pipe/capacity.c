/* SPDX-License-Identifier: MIT
 *
 * How much pipes hold, and how much of it a user may have, as pipe(7) describes it.
 */
#include "fs/pipe/capacity.h"
#include "fs/pipe/pipe_own.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"

#define DEFAULT_SLOTS 16u
#define POOR_SLOTS    2u /* of users who have many pipes */

u32 pipe_max_size = 1u << 20, pipe_user_pages_hard;
u32 pipe_user_pages_soft = 16384;

void pipe_init(void)
{
    pipe_user_pages_soft = (u32)MIN((u64)pipe_user_pages_soft, page_count_total() / 8);
}

static bool beyond(u64 npages, u32 limit)
{
    return limit && npages > limit && rank_current() == RANK_USER;
}

static u64 room_charge(struct account *a, u32 nslots)
{
    return __atomic_add_fetch(&a->pipe_pages, nslots, __ATOMIC_RELAXED);
}

void pipe_room_uncharge(struct account *a, u32 nslots)
{
    __atomic_fetch_sub(&a->pipe_pages, nslots, __ATOMIC_RELAXED);
}

u32 pipe_room_for_new(struct account *a)
{
    u32 most = READ_ONCE(pipe_max_size) / PAGE_SIZE;
    u32 nslots = beyond(DEFAULT_SLOTS, most) ? most : DEFAULT_SLOTS;
    u64 now = room_charge(a, nslots);

    if (nslots > POOR_SLOTS && beyond(now, READ_ONCE(pipe_user_pages_soft))) {
        pipe_room_uncharge(a, nslots - POOR_SLOTS);
        now -= nslots - POOR_SLOTS;
        nslots = POOR_SLOTS;
    }
    if (!beyond(now, READ_ONCE(pipe_user_pages_hard)))
        return nslots;
    pipe_room_uncharge(a, nslots);
    return 0;
}

u32 pipe_capacity(struct file *f)
{
    return (u32)ring_capacity(&((struct pipe *)f->data)->ring);
}

/* Growing beyond the limits is not for everybody. */
static int resize(struct pipe *p, u32 nslots)
{
    REQUIRES(&p->lock);
    u32 before = p->ring.nslots;
    u64 now = room_charge(p->account, nslots) - before;
    int err = 0;

    if (nslots > before && (beyond(nslots, READ_ONCE(pipe_max_size) / PAGE_SIZE) ||
                            beyond(now, READ_ONCE(pipe_user_pages_soft)) ||
                            beyond(now, READ_ONCE(pipe_user_pages_hard))))
        err = -EPERM;
    if (!err)
        err = ring_resize(&p->ring, nslots);
    pipe_room_uncharge(p->account, err ? nslots : before);
    return err;
}

long pipe_set_capacity(struct file *f, u64 bytes)
{
    struct pipe *p = f->data;
    u64 size = PAGE_SIZE;
    int err = 0;

    if (bytes > 1ull << 31)
        return -EINVAL;
    while (size < bytes)
        size *= 2;
    mutex_lock(&p->lock);
    if (ring_used(&p->ring) > size)
        err = -EBUSY;
    else if (size != ring_capacity(&p->ring))
        err = resize(p, (u32)(size / PAGE_SIZE));
    mutex_unlock(&p->lock);
    waitq_wake_all(&p->writable);
    return err ? err : (long)size;
}
