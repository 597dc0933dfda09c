/* SPDX-License-Identifier: MIT
 *
 * The buddy lists over the usable ranges. A free block is known by its first page: type
 * PAGE_FREE and its order; the other pages of a block never look like that, because a block
 * that is absorbed loses its type. Blocks never merge across the end of a range, so nothing
 * outside RAM is ever read.
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

/* Ranges of RAM, by frame number; written at boot only. */
static struct {
    pfn_t start, end;
} regions[BOOT_RANGES_MAX];
static u32 nregions;

bool region_remember(pfn_t start, pfn_t end)
{
    REQUIRES(&buddy.lock);
    if (start >= end || nregions == BOOT_RANGES_MAX)
        return false;
    regions[nregions].start = start;
    regions[nregions].end = end;
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

void block_free(pfn_t pfn, unsigned order)
{
    REQUIRES(&buddy.lock);
    u32 r = region_of(pfn);

    WRITE_ONCE(buddy.nfree, buddy.nfree + (1ull << order));
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

struct page *block_take(unsigned order)
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
    WRITE_ONCE(buddy.nfree, buddy.nfree - (1ull << order));
    return pg;
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
