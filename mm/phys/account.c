/* SPDX-License-Identifier: MIT
 *
 * Accounts of users and quotas of file systems, see mm/phys/account.h.
 */
#include "mm/phys/account.h"

#include "lib/assert.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

SLAB_CACHE_LINES(account_cache, "account", struct account);
SLAB_CACHE(quota_cache, "quota", struct quota);

/* They count, and bound nobody. */
#define QUOTA_FREE                                                   \
    (struct quota)                                                   \
    {                                                                \
        .refs = 1, .max_pages = QUOTA_NONE, .max_inodes = QUOTA_NONE \
    }

static struct quota root_files = QUOTA_FREE, root_segments = QUOTA_FREE;
struct account account_root = {
    .refs = 1, .files = &root_files, .segments = &root_segments};

static spinlock_t lock; /* the list */
static struct list accounts = LIST_INIT(accounts);

/* ---- quotas ---- */

struct quota *quota_create(void)
{
    struct quota *q = slab_alloc(&quota_cache);

    if (q)
        *q = QUOTA_FREE;
    return q;
}

void quota_put(struct quota *q)
{
    if (__atomic_sub_fetch(&q->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(q->pages == 0 && q->inodes == 0 && q->bytes == 0);
    slab_free(&quota_cache, q);
}

void quota_set_default(struct quota *q)
{
    u64 half = page_count_total() / 2;

    q->max_pages = q->max_inodes = half;
    q->kept_pages = q->kept_inodes = half / 16;
}

static bool within(u64 used, u64 max, u64 kept)
{
    if (used > max)
        return false;
    return used <= max - MIN(max, kept) || rank_current() != RANK_USER;
}

bool quota_charge_last(struct quota *q, u64 n, u64 used)
{
    if (within(used, q->max_pages, q->kept_pages))
        return true;
    quota_uncharge_pages(q, n);
    return false;
}

void quota_uncharge_bytes(struct quota *q, u64 n)
{
    u64 old = __atomic_fetch_sub(&q->bytes, n, __ATOMIC_RELAXED);

    if (!q->exact)
        quota_uncharge_pages(q, old / PAGE_SIZE - (old - n) / PAGE_SIZE);
}

bool quota_charge_bytes(struct quota *q, u64 n)
{
    u64 old = __atomic_fetch_add(&q->bytes, n, __ATOMIC_RELAXED);
    u64 npages = (old + n) / PAGE_SIZE - old / PAGE_SIZE;

    if (q->exact || !npages || quota_charge_pages(q, npages))
        return true;
    __atomic_fetch_add(&q->pages, npages, __ATOMIC_RELAXED);
    quota_uncharge_bytes(q, n);
    return false;
}

bool quota_charge_inode(struct quota *q)
{
    u64 used = __atomic_add_fetch(&q->inodes, 1, __ATOMIC_RELAXED);

    if (within(used, q->max_inodes, q->kept_inodes))
        return true;
    quota_uncharge_inodes(q, 1);
    return false;
}

u64 quota_room(const struct quota *q)
{
    u64 max = q->max_pages, used = READ_ONCE(q->pages);

    if (rank_current() == RANK_USER)
        max -= MIN(max, q->kept_pages);
    return max > used ? max - used : 0;
}

/* ---- accounts ---- */

static struct account *find(u32 uid)
{
    struct list *pos;

    list_for_each (pos, &accounts) {
        struct account *a = list_entry(pos, struct account, link);

        if (a->uid == uid)
            return a;
    }
    return NULL;
}

static struct account *create(u32 uid)
{
    struct account *a = slab_zalloc(&account_cache);

    if (!a)
        return NULL;
    a->refs = 1;
    a->uid = uid;
    a->files = quota_create();
    a->segments = a->files ? quota_create() : NULL;
    if (!a->segments) {
        if (a->files)
            quota_put(a->files);
        slab_free(&account_cache, a);
        return NULL;
    }
    /* Segments stay when all their user's processes have been ended. */
    a->segments->max_pages = page_count_total() / 4;
    return a;
}

static void destroy(struct account *a)
{
    ASSERT(!a->signals && !a->pipe_pages && !a->bytes && !a->ipc_bytes);
    quota_put(a->files);
    quota_put(a->segments);
    slab_free(&account_cache, a);
}

struct account *account_get(u32 uid)
{
    struct account *a, *fresh = NULL;

    if (uid == 0) {
        account_hold(&account_root);
        return &account_root;
    }
    for (;;) {
        spin_lock(&lock);
        a = find(uid);
        if (a) {
            a->refs++;
        } else if (fresh) {
            list_add(&accounts, &fresh->link);
            a = fresh;
            fresh = NULL;
        }
        spin_unlock(&lock);
        if (a)
            break;
        fresh = create(uid);
        if (!fresh)
            return NULL;
    }
    if (fresh)
        destroy(fresh);
    return a;
}

void account_hold(struct account *a)
{
    __atomic_fetch_add(&a->refs, 1, __ATOMIC_RELAXED);
}

void account_put(struct account *a)
{
    bool last;

    /* Not the last for sure: no lock. Only a finder under the lock can add to the last. */
    for (u32 now = READ_ONCE(a->refs); now > 1;)
        if (__atomic_compare_exchange_n(&a->refs, &now, now - 1, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return;
    spin_lock(&lock);
    last = __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) == 0;
    if (last)
        list_del(&a->link);
    spin_unlock(&lock);
    if (last)
        destroy(a);
}

u64 account_pages(const struct account *a)
{
    return READ_ONCE(a->files->pages) + READ_ONCE(a->segments->pages) +
           READ_ONCE(a->pipe_pages) +
           (READ_ONCE(a->bytes) + READ_ONCE(a->ipc_bytes)) / PAGE_SIZE;
}
