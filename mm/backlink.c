/* SPDX-License-Identifier: MIT
 *
 * The container of backlinks. Inline slots hold 40-bit keys; the log is a flat array that is
 * appended to. When it is full, stale entries and doubles are removed (by sorting, so that
 * the price per added hint stays logarithmic) and it is doubled if it is still half full.
 */
#include "mm/backlink.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"
#include "mm/stat.h"

struct backlink_log {
    u32 used, room;
    u64 key[];
};

#define LOG_FIRST 7u /* entries of the first log: 64 bytes in all */

static u64 log_bytes; /* atomic */

static inline u64 inline_key(const struct backlinks *b, unsigned i)
{
    return (u64)b->high[i] << 32 | b->low[i];
}

static inline void inline_set(struct backlinks *b, unsigned i, u64 key)
{
    b->low[i] = (u32)key;
    b->high[i] = (u8)(key >> 32);
}

static struct backlink_log *log_of(const struct backlinks *b)
{
    return (struct backlink_log *)((u64)b->log_high << 32 | b->log_low);
}

static void log_store(struct backlinks *b, struct backlink_log *log)
{
    b->log_low = (u32)(uintptr_t)log;
    b->log_high = (u32)((uintptr_t)log >> 32);
    b->more = 1;
}

static size_t log_size(u32 room)
{
    return sizeof(struct backlink_log) + room * sizeof(u64);
}

bool backlink_live(const struct page *pg, u64 key)
{
    const struct page *table = phys_to_page(key << 3);
    pte_t pte;

    if (table->type != PAGE_TABLE || table->level != 0)
        return false;
    pte = pte_load((const pte_t *)phys_to_virt(key << 3));
    return pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg);
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

static int log_add(struct page *pg, u64 key)
{
    struct backlink_log *log = log_of(&pg->links), *bigger;

    if (unlikely(log->used == log->room)) {
        log_prune(pg, log);
        if (log->used > log->room / 2) {
            if (log->room > 0x3fffffff)
                return -ENOMEM;
            bigger = log_alloc(log->room * 2 + 1);
            if (!bigger && log->used == log->room)
                return -ENOMEM;
            if (bigger) {
                memcpy(bigger->key, log->key, log->used * sizeof(u64));
                bigger->used = log->used;
                log_free(log);
                log_store(&pg->links, bigger);
                log = bigger;
            }
        }
    }
    log->key[log->used++] = key;
    return 0;
}

int backlink_add(struct page *pg, const struct page *leaf, unsigned i)
{
    u64 key = backlink_key(leaf, i);
    int slot = -1;
    struct backlink_log *log;

    if (pg->links.more)
        return log_add(pg, key);
    for (int s = 0; s < BACKLINKS_INLINE; s++) {
        u64 k = inline_key(&pg->links, (unsigned)s);

        if (k == key)
            return 0;
        if (!k)
            slot = s;
    }
    for (int s = 0; slot < 0 && s < BACKLINKS_INLINE; s++)
        if (!backlink_live(pg, inline_key(&pg->links, (unsigned)s)))
            slot = s;
    if (slot >= 0) {
        inline_set(&pg->links, (unsigned)slot, key);
        return 0;
    }
    log = log_alloc(LOG_FIRST);
    if (!log)
        return -ENOMEM;
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        log->key[log->used++] = inline_key(&pg->links, s);
    log->key[log->used++] = key;
    log_store(&pg->links, log);
    return 0;
}

void backlink_visit(const struct page *pg, void (*visit)(u64 key, void *arg), void *arg)
{
    if (pg->links.more) {
        const struct backlink_log *log = log_of(&pg->links);

        for (u32 i = 0; i < log->used; i++)
            visit(log->key[i], arg);
        return;
    }
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++)
        if (inline_key(&pg->links, s))
            visit(inline_key(&pg->links, s), arg);
}

void backlink_clear(struct page *pg)
{
    if (pg->links.more)
        log_free(log_of(&pg->links));
    memset(&pg->links, 0, sizeof(pg->links));
}

u64 backlink_bytes(void)
{
    return __atomic_load_n(&log_bytes, __ATOMIC_RELAXED);
}
