/* SPDX-License-Identifier: MIT
 *
 * Logs of backlinks, see mm/vm/backlink_log.h. A table is an array of a power of two of words: the
 * first tells about it, the others are slots, probed one after the other. It is looked through
 * for stale keys when three quarters of it are used, and replaced by one of twice the size if
 * more than half turn out to be live; without memory for that it fills up to its last slot but
 * one, and is not looked through again at each key.
 */
#include "mm/vm/backlink_log.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"
#include "mm/phys/stat.h"
#include "mm/vm/backlink.h"

struct table {
    u16 used;
    u16 limit; /* used before the next look for stale keys */
    u16 order; /* log2 of its words */
    u16 tries; /* keys refused since it is full */
    u64 key[]; /* key[0] is the second word: slots are 0 to slots - 1 */
};

#define TABLE_FIRST    3u /* 64 bytes */
#define TABLE_LAST     9u /* a page */
#define DIGIT          4u
#define CHILDREN       (1u << DIGIT)
#define LEVELS         16u /* of 4 bits in 64: different keys part there at last */
#define COLLAPSE_ORDER 7u  /* a node with keys for half of such a table becomes one */
#define COLLAPSE       (1u << (COLLAPSE_ORDER - 1))
#define NODE_TAG       1u /* in a log's or child's word: it is a node */

struct node {
    uintptr_t child[CHILDREN];
};

static u64 log_bytes; /* atomic */

u64 backlink_bytes(void)
{
    return __atomic_load_n(&log_bytes, __ATOMIC_RELAXED);
}

static void *take(size_t size)
{
    void *p = kzalloc(size);

    if (p)
        __atomic_fetch_add(&log_bytes, size, __ATOMIC_RELAXED);
    return p;
}

static void give(void *p, size_t size)
{
    __atomic_fetch_sub(&log_bytes, size, __ATOMIC_RELAXED);
    kfree(p);
}

static inline struct node *node_of(uintptr_t word)
{
    return (struct node *)(word & ~(uintptr_t)NODE_TAG);
}

/* Top bits choose children, those below the table's slot. */
static inline u64 hash(u64 key)
{
    return key * 0x9e3779b97f4a7c15ull;
}

static inline unsigned digit(u64 h, unsigned level)
{
    return (unsigned)(h << level * DIGIT >> (64 - DIGIT));
}

static inline unsigned slots(const struct table *t)
{
    return (1u << t->order) - 1;
}

static inline unsigned first_slot(const struct table *t, u64 key)
{
    unsigned i = (unsigned)(hash(key) >> 16) & slots(t);

    return i == slots(t) ? 0 : i;
}

static inline unsigned next_slot(const struct table *t, unsigned i)
{
    return i + 1 == slots(t) ? 0 : i + 1;
}

static u16 usual_limit(unsigned order)
{
    unsigned n = (1u << order) - 1;

    /* The first is worth its memory only while it is needed: looked through at every key. */
    return (u16)(order == TABLE_FIRST ? BACKLINKS_INLINE : n - n / 4);
}

static struct table *table_make(unsigned order)
{
    struct table *t = take(sizeof(u64) << order);

    if (!t)
        return NULL;
    t->order = (u16)order;
    t->limit = usual_limit(order);
    mm_count(backlink_grow);
    return t;
}

static void table_free(struct table *t)
{
    give(t, sizeof(u64) << t->order);
}

/* The slot of `key`, or the empty one where it belongs: there always is one. */
static inline unsigned find(const struct table *t, u64 key)
{
    unsigned i = first_slot(t, key);

    while (t->key[i] && t->key[i] != key)
        i = next_slot(t, i);
    return i;
}

static void put(struct table *t, u64 key)
{
    t->key[find(t, key)] = key;
    t->used++;
}

/* Empties slot i; keys behind it that were pushed on by it move up. */
static void take_out(struct table *t, unsigned i)
{
    for (unsigned j = next_slot(t, i); t->key[j]; j = next_slot(t, j)) {
        unsigned first = first_slot(t, t->key[j]);

        if (i <= j ? i < first && first <= j : i < first || first <= j)
            continue; /* stands between its first slot and the hole already */
        t->key[i] = t->key[j];
        i = j;
    }
    t->key[i] = 0;
    t->used--;
}

static void prune(const struct page *pg, struct table *t)
{
    for (unsigned i = 0; i < slots(t); i++)
        while (t->key[i] && !backlink_live(pg, t->key[i]))
            take_out(t, i);
}

/* The same keys in a table of another size. NULL: no memory, t is as it was. */
static struct table *resized(struct table *t, unsigned order)
{
    struct table *other = table_make(order);

    if (!other)
        return NULL;
    for (unsigned i = 0; i < slots(t); i++)
        if (t->key[i])
            put(other, t->key[i]);
    table_free(t);
    return other;
}

/* A node with the keys of t, each child's table made for what it gets. 0: no memory, t is as it
 * was. */
static uintptr_t split(struct table *t, unsigned level)
{
    struct node *n = take(sizeof(*n));
    u16 keys[CHILDREN] = {0};

    if (!n)
        return 0;
    for (unsigned i = 0; i < slots(t); i++)
        if (t->key[i])
            keys[digit(hash(t->key[i]), level)]++;
    for (unsigned d = 0, order = TABLE_FIRST; d < CHILDREN; d++, order = TABLE_FIRST) {
        if (!keys[d])
            continue;
        while (keys[d] >= usual_limit(order) && order < TABLE_LAST)
            order++;
        n->child[d] = (uintptr_t)table_make(order);
        if (!n->child[d]) {
            log_free((uintptr_t)n | NODE_TAG);
            return 0;
        }
    }
    for (unsigned i = 0; i < slots(t); i++)
        if (t->key[i])
            put((struct table *)n->child[digit(hash(t->key[i]), level)], t->key[i]);
    table_free(t);
    return (uintptr_t)n | NODE_TAG;
}

static int add(const struct page *pg, uintptr_t *where, unsigned level, u64 key);

/* Adds a key to the full table at *where. */
static noinline int add_full(const struct page *pg, uintptr_t *where, unsigned level,
                             u64 key)
{
    struct table *t = (struct table *)*where, *bigger;
    unsigned last = slots(t) - 1, enough = slots(t) / 2;
    uintptr_t word;

    if (t->used < last || t->tries++ % 64 == 0)
        prune(pg, t);
    if (t->order == TABLE_FIRST)
        enough = last - 1;
    if (t->used <= enough) {
        t->limit = usual_limit(t->order);
        put(t, key);
        return 0;
    }
    if (t->order < TABLE_LAST) {
        bigger = resized(t, t->order + 1);
        word = (uintptr_t)bigger;
    } else {
        word = split(t, level);
    }
    if (word) {
        *where = word;
        return add(pg, where, level, key);
    }
    if (t->used == last)
        return -ENOMEM;
    put(t, key);
    t->limit = (u16)MIN(t->used + 1 + slots(t) / 8, last);
    return 0;
}

static int add(const struct page *pg, uintptr_t *where, unsigned level, u64 key)
{
    struct table *t;
    unsigned i;

    while (*where & NODE_TAG)
        where = &node_of(*where)->child[digit(hash(key), level++)];
    if (!*where) {
        *where = (uintptr_t)table_make(TABLE_FIRST);
        if (!*where)
            return -ENOMEM;
    }
    t = (struct table *)*where;
    i = find(t, key);
    if (t->key[i])
        return 0;
    if (unlikely(t->used >= t->limit))
        return add_full(pg, where, level, key);
    t->key[i] = key;
    t->used++;
    return 0;
}

int log_add(const struct page *pg, uintptr_t *log, u64 key)
{
    return add(pg, log, 0, key);
}

bool log_has(uintptr_t log, u64 key)
{
    const struct table *t;
    unsigned level = 0;

    while (log & NODE_TAG)
        log = node_of(log)->child[digit(hash(key), level++)];
    t = (const struct table *)log;
    return t && t->key[find(t, key)] == key;
}

bool log_small(uintptr_t log)
{
    return !log || (!(log & NODE_TAG) && ((struct table *)log)->used <= BACKLINKS_INLINE);
}

/* The place of the table that covers position *at, which is moved to the next; *more: whether
 * there is one. */
static uintptr_t *table_at(uintptr_t *log, u64 *at, bool *more)
{
    unsigned level = 0;
    u64 step;

    while (*log & NODE_TAG)
        log = &node_of(*log)->child[digit(*at, level++)];
    step = level ? 1ull << (64 - level * DIGIT) : 0;
    *at = (*at & ~(step - 1)) + step;
    *more = level && *at;
    return log;
}

bool log_visit_part(uintptr_t log, u64 *at, void (*visit)(u64 key, void *arg), void *arg)
{
    bool more;
    const struct table *t = (const struct table *)*table_at(&log, at, &more);

    for (unsigned i = 0; t && i < slots(t); i++)
        if (t->key[i])
            visit(t->key[i], arg);
    return more;
}

static void move_keys(struct table *to, uintptr_t from)
{
    struct table *t = (struct table *)from;

    for (unsigned i = 0; t && i < slots(t); i++)
        if (t->key[i])
            put(to, t->key[i]);
}

/* Makes one table of a node whose keys fit in a part of one. */
static void collapse(uintptr_t *where)
{
    struct node *n = node_of(*where);
    struct table *t = NULL;
    u64 used = 0;

    for (unsigned i = 0; i < CHILDREN; i++) {
        if (n->child[i] & NODE_TAG)
            return;
        if (n->child[i])
            used += ((struct table *)n->child[i])->used;
    }
    if (used > COLLAPSE || (used && (t = table_make(COLLAPSE_ORDER)) == NULL))
        return;
    for (unsigned i = 0; used && i < CHILDREN; i++)
        move_keys(t, n->child[i]);
    log_free(*where);
    *where = (uintptr_t)t;
}

/* Throws the stale keys out of a table, and makes it smaller or frees it. */
static void prune_table(const struct page *pg, uintptr_t *where)
{
    struct table *t = (struct table *)*where, *smaller;
    unsigned order = t->order;

    prune(pg, t);
    while (order > TABLE_FIRST && t->used <= ((1u << order) - 1) / 4)
        order--;
    if (t->used == 0) {
        table_free(t);
        *where = 0;
    } else if (order < t->order && (smaller = resized(t, order)) != NULL) {
        *where = (uintptr_t)smaller;
    }
}

bool log_prune_part(const struct page *pg, uintptr_t *log, u64 *at)
{
    uintptr_t *node[LEVELS], *where = log;
    unsigned level = 0;
    u64 here = *at;
    bool more;

    while (*where & NODE_TAG) {
        node[level] = where;
        where = &node_of(*where)->child[digit(here, level++)];
    }
    table_at(log, at, &more);
    if (*where)
        prune_table(pg, where);
    while (level-- &&
           digit(here, level) == CHILDREN - 1) /* the last child: what is above? */
        collapse(node[level]);
    return more;
}

void log_bury(uintptr_t *dead, uintptr_t log)
{
    while (log) {
        uintptr_t child = log & NODE_TAG ? node_of(log)->child[0] : 0;
        uintptr_t *next = log & NODE_TAG ? &node_of(log)->child[0]
                                         : (uintptr_t *)((struct table *)log)->key;

        *next = *dead;
        *dead = log;
        log = child;
    }
}

bool log_free_buried(uintptr_t *dead)
{
    uintptr_t log = *dead;

    if (log & NODE_TAG) {
        struct node *n = node_of(log);

        *dead = n->child[0];
        for (unsigned i = 1; i < CHILDREN; i++)
            log_bury(dead, n->child[i]);
        give(n, sizeof(*n));
    } else if (log) {
        *dead = (uintptr_t)((struct table *)log)->key[0];
        table_free((struct table *)log);
    }
    return *dead != 0;
}

void log_free(uintptr_t log)
{
    uintptr_t dead = 0;

    log_bury(&dead, log);
    while (log_free_buried(&dead))
        continue;
}
