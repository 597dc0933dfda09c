/* SPDX-License-Identifier: MIT
 *
 * The buddy lists over the usable ranges. A free block is known by its first page: type
 * PAGE_FREE and its order; the other pages of a block never look like that, because a block
 * that is absorbed loses its type. Blocks never merge across the end of a range, so nothing
 * outside RAM is ever read.
 *
 * What is smaller is bits: a page is freed by setting its own, whatever is free beside it, and the
 * blocks in a group are found by shifting its word against itself.
 */
#include "mm/phys/blocks.h"
#include "lib/lock.h"
#include "mm/phys/boot_alloc.h"

struct buddy_lists buddy;
struct page_levels page_levels;

void buddy_unlock(void)
{
    REQUIRES(&buddy.lock);
    bool low = READ_ONCE(buddy.nfree) <= page_levels.reserve + 1;

    if (unlikely(page_levels.low != low))
        WRITE_ONCE(page_levels.low, low);
    spin_unlock(&buddy.lock);
}

/* Ranges of RAM, by frame number, the largest first: looked through for each block that is freed.
 * Written at boot only. */
static struct {
    pfn_t start, end;
} regions[BOOT_RANGES_MAX];
static u32 nregions;

bool region_remember(pfn_t start, pfn_t end)
{
    REQUIRES(&buddy.lock);
    u32 i = nregions;

    if (start >= end || nregions == BOOT_RANGES_MAX)
        return false;
    for (; i && regions[i - 1].end - regions[i - 1].start < end - start; i--)
        regions[i] = regions[i - 1];
    regions[i].start = start;
    regions[i].end = end;
    nregions++;
    return true;
}

void regions_forget(void)
{
    nregions = 0;
}

static void block_insert(pfn_t pfn, unsigned order)
{
    REQUIRES(&buddy.lock);
    struct page *pg = pfn_to_page(pfn);

    pg->type = PAGE_FREE;
    pg->order = (u8)order;
    list_add(&buddy.free[order], &pg->link);
    buddy.blocks[order]++;
}

static void block_remove(struct page *pg)
{
    REQUIRES(&buddy.lock);
    list_del(&pg->link);
    buddy.blocks[pg->order]--;
    pg->type = PAGE_RESERVED; /* until the caller names it: not a free block's head */
}

static u32 region_of(pfn_t pfn)
{
    for (u32 i = 0; i < nregions; i++)
        if (pfn - regions[i].start < regions[i].end - regions[i].start)
            return i;
    panic("page %#llx is not memory", (unsigned long long)pfn);
}

/* From GROUP_ORDER on. */
static void large_free(pfn_t pfn, unsigned order)
{
    REQUIRES(&buddy.lock);
    u32 r = region_of(pfn);

    while (order + 1 < BUDDY_ORDERS) {
        pfn_t other = pfn ^ (1ull << order);
        struct page *pg;

        if (other < regions[r].start || other + (1ull << order) > regions[r].end)
            break;
        pg = pfn_to_page(other);
        if (READ_ONCE(pg->type) != PAGE_FREE || pg->order != order) /* it may be in use */
            break;
        block_remove(pg);
        pfn &= ~(1ull << order);
        order++;
    }
    block_insert(pfn, order);
}

static struct page *large_take(unsigned order)
{
    REQUIRES(&buddy.lock);
    unsigned o = order;

    while (o < BUDDY_ORDERS && list_empty(&buddy.free[o]))
        o++;
    if (o == BUDDY_ORDERS)
        return NULL;

    struct page *pg = list_entry(list_first(&buddy.free[o]), struct page, link);
    pfn_t pfn = page_to_pfn(pg);

    block_remove(pg);
    while (o > order) {
        o--;
        block_insert(pfn + (1ull << o), o);
    }
    return pg;
}

/* ---- groups ---- */

/* The firsts of the free blocks of order + 1, of those of `order`. */
static inline u64 pairs(u64 blocks, unsigned order)
{
    static const u64 even[GROUP_ORDER] = {
        0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
        0x0001000100010001, 0x0000000100000001, 0 /* a full group counts as two halves */,
    };

    return blocks & blocks >> (1u << order) & even[order];
}

/* The order of the largest block in a set, which is not empty. */
static inline unsigned largest(u64 free)
{
    unsigned order = 0;

    while ((free = pairs(free, order)) != 0)
        order++;
    return order;
}

/* Sets what is free in a group: not all. */
static inline void group_set(struct group *g, u64 free)
{
    REQUIRES(&buddy.lock);
    u64 old = g->free;

    g->free = free;
    if (old && free && largest(old) == largest(free))
        return;
    if (old)
        list_del(&g->link);
    if (free)
        list_add(&buddy.free[largest(free)], &g->link);
}

void group_free(u64 group, u64 pages)
{
    REQUIRES(&buddy.lock);
    struct group *g = &buddy.groups[group];

    ASSERT(!(g->free & pages)); /* or one was free already */
    pages |= g->free;
    if (pages != ~0ull) {
        group_set(g, pages);
        return;
    }
    group_set(g, 0);
    large_free(group * GROUP, GROUP_ORDER);
}

/* A group with a free block of `order`, out of a larger one if need be. NULL: there is none. */
static struct group *group_with(unsigned order)
{
    REQUIRES(&buddy.lock);
    struct group *g;
    struct page *pg;

    for (; order < GROUP_ORDER; order++)
        if (!list_empty(&buddy.free[order]))
            return list_entry(list_first(&buddy.free[order]), struct group, link);
    pg = large_take(GROUP_ORDER);
    if (!pg)
        return NULL;
    g = &buddy.groups[page_to_pfn(pg) / GROUP];
    g->free = ~0ull; /* and in a list, as long as the caller leaves some */
    list_add(&buddy.free[GROUP_ORDER - 1], &g->link);
    return g;
}

u64 group_take(pfn_t *first)
{
    struct group *g = group_with(0);
    u64 pages;

    if (!g)
        return 0;
    pages = g->free;
    group_set(g, 0);
    *first = (pfn_t)(g - buddy.groups) * GROUP;
    return pages;
}

void block_free(pfn_t pfn, unsigned order)
{
    WRITE_ONCE(buddy.nfree, buddy.nfree + (1ull << order));
    if (order >= GROUP_ORDER)
        large_free(pfn, order);
    else
        group_free(pfn / GROUP, ((1ull << (1u << order)) - 1) << pfn % GROUP);
}

struct page *block_take(unsigned order)
{
    pfn_t pfn;

    if (order >= GROUP_ORDER) {
        struct page *pg = large_take(order);

        if (pg)
            WRITE_ONCE(buddy.nfree, buddy.nfree - (1ull << order));
        return pg;
    }

    struct group *g = group_with(order);
    u64 firsts;

    if (!g)
        return NULL;
    firsts = g->free;
    for (unsigned o = 0; o < order; o++)
        firsts = pairs(firsts, o);
    pfn = (pfn_t)(g - buddy.groups) * GROUP + (u32)__builtin_ctzll(firsts);
    group_set(g, g->free & ~(((1ull << (1u << order)) - 1) << pfn % GROUP));
    WRITE_ONCE(buddy.nfree, buddy.nfree - (1ull << order));
    return pfn_to_page(pfn);
}

void group_count(u64 free, u64 n[GROUP_ORDER])
{
    for (unsigned order = 0; free; order++) {
        u64 larger = pairs(free, order);

        for (u64 left = free; left; left &= left - 1)
            n[order]++;
        for (u64 left = larger; left; left &= left - 1)
            n[order] -= 2;
        free = larger;
    }
}

bool page_exists(pfn_t pfn)
{
    for (u32 i = 0; i < nregions; i++)
        if (pfn >= regions[i].start && pfn < regions[i].end)
            return true;
    return false;
}

pfn_t page_limit(void)
{
    pfn_t limit = 0;

    for (u32 i = 0; i < nregions; i++)
        limit = MAX(limit, regions[i].end);
    return limit;
}
