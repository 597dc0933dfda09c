/* SPDX-License-Identifier: MIT
 *
 * Backlinks: the four inline hints of a page, and when it gets a log. Inline slots hold 40-bit
 * keys; the log is a set (mm/vm/backlink_log.h), to which the first two words of the links lead.
 * The other two hold the neighbours in the object's list of pages with a log, so that nobody
 * has to look for them.
 */
#include "mm/vm/backlink.h"
#include "lib/lock.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/vm/backlink_log.h"
#include "mm/vm/backrun.h"

static inline void inline_set(struct backlinks *b, unsigned i, u64 key)
{
    b->low[i] = (u32)key;
    b->high[i] = (u8)(key >> 32);
}

static uintptr_t log_of(const struct page *pg)
{
    return (u64)pg->links.low[1] << 32 | pg->links.low[0];
}

static void log_store(struct page *pg, uintptr_t log)
{
    pg->links.low[0] = (u32)log;
    pg->links.low[1] = (u32)(log >> 32);
}

/* ---- the object's list of pages with a log: frame numbers, 0 at both ends ----
 *
 * It and the hand of the sweep are under log_lock. A page stays in it as long as it has a log,
 * so who holds that lock may look at any page of the list. */

static struct page *logged(u32 pfn)
{
    return pfn ? pfn_to_page(pfn) : NULL;
}

static void list_enter(struct page *pg)
{
    REQUIRES(&pg->object->log_lock);
    struct vm_object *o = pg->object;
    u32 pfn = (u32)page_to_pfn(pg); /* below 2^31: PHYS_LIMIT */

    pg->links.low[2] = o->logs;
    pg->links.low[3] = 0;
    if (o->logs)
        logged(o->logs)->links.low[3] = pfn;
    WRITE_ONCE(o->logs, pfn);
    pg->flags |= PG_LOG;
}

static void list_leave(struct page *pg)
{
    REQUIRES(&pg->object->log_lock);
    struct vm_object *o = pg->object;
    struct page *next = logged(pg->links.low[2]), *prev = logged(pg->links.low[3]);

    if (next)
        next->links.low[3] = pg->links.low[3];
    if (prev)
        prev->links.low[2] = pg->links.low[2];
    else
        WRITE_ONCE(o->logs, pg->links.low[2]);
    if (o->log_hand == page_to_pfn(pg)) {
        o->log_hand = pg->links.low[2];
        o->log_at = 0;
    }
    pg->flags &= (u16)~PG_LOG;
}

/* ---- from inline to log and back ---- */

/* The page gets a log that holds what stood inline. */
static int log_begin(struct page *pg)
{
    REQUIRES(&pg->object->log_lock);
    uintptr_t log = 0;

    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        if (log_add(pg, &log, backlink_inline(pg, s)) != 0) {
            log_free(log);
            return -ENOMEM;
        }
    memset(&pg->links, 0, sizeof(pg->links));
    log_store(pg, log);
    list_enter(pg);
    return 0;
}

static void keep_inline(u64 key, void *arg)
{
    struct backlinks *b = arg;
    unsigned s = 0;

    while (b->low[s] | b->high[s])
        s++;
    inline_set(b, s, key);
}

/* Back to inline hints: the log has at most four. */
static void log_end(struct page *pg)
{
    REQUIRES(&pg->object->log_lock);
    struct backlinks few = {{0}, {0}};
    uintptr_t log = log_of(pg);
    u64 at = 0;

    while (log_visit_part(log, &at, keep_inline, &few))
        continue;
    list_leave(pg);
    pg->links = few;
    log_free(log);
}

/* Takes N of pg, which has a log, unless `mine` is it. False: somebody else has it, or the page
 * has left the index. */
static bool try_node(const struct page *pg, const spinlock_t *mine)
{
    struct index_node *node = index_leaf(&pg->object->pages, pg->index);

    if (!node || (&node->lock != mine && !spin_trylock(&node->lock)))
        return false;
    if (node->slot[pg->index % INDEX_SLOTS] == pg)
        return true;
    if (&node->lock != mine)
        spin_unlock(&node->lock);
    return false;
}

static void sweep_page(struct vm_object *o, struct page *pg)
{
    REQUIRES(&o->log_lock);
    REQUIRES(object_node_lock(pg));
    uintptr_t log = log_of(pg);
    bool more;

    more = log_prune_part(pg, &log, &o->log_at);
    log_store(pg, log);
    o->log_hand = more ? (u32)page_to_pfn(pg) : pg->links.low[2];
    if (more)
        return;
    o->log_at = 0;
    if (log_small(log))
        log_end(pg);
}

/* Each time a log took memory, a part of another is looked at, round the object's logs: so all
 * of them together stay in proportion to what is live. One that is in use just now is passed
 * over. `mine`: the N that is held. */
static void sweep(struct vm_object *o, const spinlock_t *mine)
{
    REQUIRES(&o->log_lock);
    struct page *pg = logged(o->log_hand ? o->log_hand : o->logs);
    spinlock_t *node;

    if (!pg)
        return;
    if (!try_node(pg, mine)) {
        o->log_hand = pg->links.low[2];
        o->log_at = 0;
        return;
    }
    node = object_node_lock(pg);
    sweep_page(o, pg);
    if (node != mine)
        spin_unlock(node);
}

/* 0, or -ENOSPC: four hints are live. */
static inline int inline_add(struct page *pg, u64 key)
{
    struct backlinks *b = &pg->links;
    u32 low = (u32)key;
    int slot = -1;

#pragma GCC unroll 4
    for (int s = BACKLINKS_INLINE - 1; s >= 0; s--) {
        u32 l = b->low[s];

        if (unlikely(l == low) && b->high[s] == (u8)(key >> 32))
            return 0;
        if (!l && !b->high[s])
            slot = s;
    }
    for (int s = 0; unlikely(slot < 0) && s < BACKLINKS_INLINE; s++)
        if (!backlink_live(pg, backlink_inline(pg, (unsigned)s)))
            slot = s;
    if (slot < 0)
        return -ENOSPC;
    inline_set(b, (unsigned)slot, key);
    return 0;
}

static noinline int add_to_log(struct page *pg, u64 key)
{
    REQUIRES(object_node_lock(pg));
    struct vm_object *o = pg->object;
    SCOPED_LOCK(&o->log_lock);
    u64 before = backlink_bytes();
    uintptr_t log;
    int err;

    if (o->log_grew) { /* not later: the key of this call is not live yet */
        o->log_grew = false;
        sweep(o, object_node_lock(pg));
        if (!(pg->flags & PG_LOG) && inline_add(pg, key) == 0)
            return 0;
    }
    if (!(pg->flags & PG_LOG) && log_begin(pg) != 0)
        return -ENOMEM;
    log = log_of(pg);
    err = log_add(pg, &log, key);
    log_store(pg, log);
    if (!err && log_small(log)) /* the others were stale */
        log_end(pg);
    o->log_grew |= backlink_bytes() > before;
    return err;
}

int backlink_add_any(struct page *pg, u64 key)
{
    if (likely(!(pg->flags & PG_LOG)) && likely(inline_add(pg, key) == 0))
        return 0;
    return add_to_log(pg, key);
}

bool backlink_visit_part(const struct page *pg, u64 *at, backlink_fn visit, void *arg)
{
    if (pg->flags & PG_LOG)
        return log_visit_part(log_of(pg), at, visit, arg);
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        if (backlink_inline(pg, s))
            visit(backlink_inline(pg, s), arg);
    return false;
}

/* Hints copied out of a log: the running CPU's until it pauses. */
struct hints {
    u32 n;
    u64 key[511 + INDEX_WORDS];
};

static DEFINE_PER_CPU(struct hints, copied);

static void copy_hint(u64 key, void *arg)
{
    struct hints *h = arg;

    ASSERT(h->n < ARRAY_SIZE(h->key));
    h->key[h->n++] = key;
}

/* Whether `key` is among the hints of pg itself. */
static bool has(const struct page *pg, u64 key)
{
    if (pg->flags & PG_LOG)
        return log_has(log_of(pg), key);
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        if (backlink_inline(pg, s) == key)
            return true;
    return false;
}

/* What the runs say of pg and its own hints do not. */
static void copy_runs(const struct index_node *leaf, const struct page *pg,
                      struct hints *h)
{
    for (unsigned s = 0; s < INDEX_WORDS && leaf->word[s]; s++) {
        u64 key = backrun_at(leaf->word[s], pg->index % INDEX_SLOTS);
        bool known = !key || has(pg, key);

        for (unsigned i = 0; i < s && !known; i++) /* runs may lie over one another */
            known = backrun_at(leaf->word[i], pg->index % INDEX_SLOTS) == key;
        if (!known)
            copy_hint(key, h);
    }
}

bool backlink_visit_copy(const struct page *pg, u64 *at, backlink_fn visit, void *arg)
{
    REQUIRES(&pg->object->lock);
    struct index_node *leaf = index_leaf(&pg->object->pages, pg->index);
    struct hints *h = this_cpu_ptr(copied);
    bool more;

    h->n = 0;
    spin_lock(&leaf->lock);
    more = backlink_visit_part(pg, at, copy_hint, h);
    if (!more) /* last: what they say and a log gets meanwhile is not live before */
        copy_runs(leaf, pg, h);
    spin_unlock(&leaf->lock);
    for (u32 i = 0; i < h->n; i++)
        visit(h->key[i], arg);
    return more;
}

bool backlink_hinted(const struct page *pg)
{
    REQUIRES(&pg->object->lock);
    return backlink_any(pg) || backrun_any(index_leaf(&pg->object->pages, pg->index));
}

void backlink_clear(struct page *pg)
{
    if (pg->flags & PG_LOG) {
        uintptr_t log = log_of(pg);

        spin_lock(&pg->object->log_lock);
        list_leave(pg);
        spin_unlock(&pg->object->log_lock);
        log_bury(&pg->object->dead_logs, log);
    }
    memset(&pg->links, 0, sizeof(pg->links));
}

bool backlink_free_part(struct vm_object *o)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    return log_free_buried(&o->dead_logs);
}

bool backlink_drop_logs(struct vm_object *o)
{
    REQUIRES(&o->lock);
    ASSERT(o->nvmas == 0); /* so nobody adds one */
    if (!backlink_free_part(o) && o->logs)
        backlink_clear(logged(o->logs));
    return o->logs || o->dead_logs;
}
