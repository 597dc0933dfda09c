/* SPDX-License-Identifier: MIT
 *
 * The container of backlinks. Inline slots hold 40-bit keys; the log is a flat array that is
 * appended to. When it is full, stale entries and doubles are removed (by sorting, so that
 * the price per added hint stays logarithmic) and it is doubled if it is still about three
 * quarters full.
 */
#include "mm/backlink.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/object.h"
#include "mm/slab.h"
#include "mm/stat.h"

struct backlink_log {
    u32 used, room;
    u64 key[];
};

#define LOG_FIRST 7u /* entries of the first log: 64 bytes in all */

static u64 log_bytes; /* atomic */

static inline void inline_set(struct backlinks *b, unsigned i, u64 key)
{
    b->low[i] = (u32)key;
    b->high[i] = (u8)(key >> 32);
}

static struct backlink_log *log_of(const struct page *pg)
{
    return (struct backlink_log *)((u64)pg->links.low[1] << 32 | pg->links.low[0]);
}

static void log_store(struct page *pg, struct backlink_log *log)
{
    pg->links.low[0] = (u32)(uintptr_t)log;
    pg->links.low[1] = (u32)((uintptr_t)log >> 32);
}

static size_t log_size(u32 room)
{
    return sizeof(struct backlink_log) + room * sizeof(u64);
}

static void sift_down(u64 *a, u32 i, u32 n)
{
    for (u32 child; (child = 2 * i + 1) < n; i = child) {
        u64 t;

        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[i] >= a[child])
            return;
        t = a[i];
        a[i] = a[child];
        a[child] = t;
    }
}

/* Heapsort: in place, no recursion, no bad case. */
static void sort_keys(u64 *a, u32 n)
{
    for (u32 i = n / 2; i-- > 0;)
        sift_down(a, i, n);
    for (u32 end = n; end-- > 1;) {
        u64 t = a[0];

        a[0] = a[end];
        a[end] = t;
        sift_down(a, 0, end);
    }
}

/* Keeps one of each live key. */
static void log_prune(const struct page *pg, struct backlink_log *log)
{
    u32 kept = 0;

    sort_keys(log->key, log->used);
    for (u32 i = 0; i < log->used; i++) {
        if (kept && log->key[kept - 1] == log->key[i])
            continue;
        if (backlink_live(pg, log->key[i]))
            log->key[kept++] = log->key[i];
    }
    log->used = kept;
}

static struct backlink_log *log_alloc(u32 room)
{
    struct backlink_log *log = kmalloc(log_size(room));

    if (!log)
        return NULL;
    log->used = 0;
    log->room = room;
    mm_count(backlink_grow);
    __atomic_fetch_add(&log_bytes, log_size(room), __ATOMIC_RELAXED);
    return log;
}

static void log_free(struct backlink_log *log)
{
    __atomic_fetch_sub(&log_bytes, log_size(log->room), __ATOMIC_RELAXED);
    kfree(log);
}

/* The page gets its first log, holding what stood inline. */
static int log_begin(struct page *pg)
{
    struct backlink_log *log = log_alloc(LOG_FIRST);

    if (!log)
        return -ENOMEM;
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        log->key[log->used++] = backlink_inline(pg, s);
    memset(&pg->links, 0, sizeof(pg->links));
    log_store(pg, log);
    pg->flags |= PG_LOG;
    pg->object->nlogs++;
    return 0;
}

/* Back to inline hints, when the live ones leave room. */
static void log_end(struct page *pg)
{
    struct backlink_log *log = log_of(pg);

    memset(&pg->links, 0, sizeof(pg->links));
    for (unsigned i = 0; i < log->used; i++)
        inline_set(&pg->links, i, log->key[i]);
    pg->flags &= (u16)~PG_LOG;
    pg->object->nlogs--;
    log_free(log);
}

/* Makes room in a full log: throws out, and doubles it when that did not help enough. */
static int log_make_room(struct page *pg)
{
    struct backlink_log *log = log_of(pg), *bigger;

    log_prune(pg, log);
    if (log->used <= log->room - log->room / 4 - 1)
        return 0;
    bigger = log->room < 0x3fffffff ? log_alloc(log->room * 2 + 1) : NULL;
    if (!bigger)
        return log->used < log->room ? 0 : -ENOMEM;
    memcpy(bigger->key, log->key, log->used * sizeof(u64));
    bigger->used = log->used;
    log_store(pg, bigger);
    log_free(log);
    return 0;
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

static noinline int log_add(struct page *pg, u64 key)
{
    struct backlink_log *log;

    if (!(pg->flags & PG_LOG) && log_begin(pg) != 0)
        return -ENOMEM;
    log = log_of(pg);
    /* A first log is worth its memory only while it is needed: look at every addition. */
    if (log->room == LOG_FIRST && log->used > BACKLINKS_INLINE) {
        log_prune(pg, log);
        if (log->used < BACKLINKS_INLINE) {
            log_end(pg);
            return inline_add(pg, key);
        }
    }
    if (unlikely(log->used == log->room)) {
        int err = log_make_room(pg);

        if (err)
            return err;
        log = log_of(pg);
    }
    log->key[log->used++] = key;
    return 0;
}

int backlink_add(struct page *pg, const pte_t *entry)
{
    u64 key = backlink_key(entry);

    if (likely(!(pg->flags & PG_LOG)) && likely(inline_add(pg, key) == 0))
        return 0;
    return log_add(pg, key);
}

void backlink_visit(const struct page *pg, void (*visit)(u64 key, void *arg), void *arg)
{
    if (pg->flags & PG_LOG) {
        const struct backlink_log *log = log_of(pg);

        for (u32 i = 0; i < log->used; i++)
            visit(log->key[i], arg);
        return;
    }
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        if (backlink_inline(pg, s))
            visit(backlink_inline(pg, s), arg);
}

void backlink_unique(const struct page *pg)
{
    struct backlink_log *log;

    if (!(pg->flags & PG_LOG)) /* inline hints are */
        return;
    log = log_of(pg);
    for (u32 i = 1; i < log->used; i++)
        if (log->key[i - 1] >= log->key[i]) {
            log_prune(pg, log);
            return;
        }
}

void backlink_clear(struct page *pg)
{
    if (pg->flags & PG_LOG) {
        pg->flags &= (u16)~PG_LOG;
        pg->object->nlogs--;
        log_free(log_of(pg));
    }
    memset(&pg->links, 0, sizeof(pg->links));
}

void backlink_drop_logs(struct vm_object *o)
{
    u32 number = 0;
    struct page *pg;

    while (o->nlogs && (pg = index_next(&o->pages, &number)) != NULL) {
        if (pg->flags & PG_LOG)
            backlink_clear(pg);
        number++;
    }
}

u64 backlink_bytes(void)
{
    return __atomic_load_n(&log_bytes, __ATOMIC_RELAXED);
}
