/* SPDX-License-Identifier: MIT
 *
 * The page allocator: what programs leave to root and the kernel, single pages from the stacks
 * of CPUs (mm/phys/page_stack.h), larger blocks from the buddy lists (mm/phys/blocks.h).
 */
#include "mm/phys/buddy.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/stale.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/blocks.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/page_stack.h"
#include "mm/phys/stat.h"

#define RESERVE_LEAST 64u
#define PA_ZEROED     2u /* with hand_out() only: it is clear already */

#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
/* Of the thread that runs there: a switch takes it along (kernel/inject.c). */
static DEFINE_PER_CPU(u64, fail_countdown);

void alloc_fail_at(u64 n)
{
    this_cpu(fail_countdown) = n;
}

u64 alloc_fail_left(void)
{
    return this_cpu(fail_countdown);
}

bool alloc_should_fail(void)
{
    u64 *left = this_cpu_ptr(fail_countdown);

    return *left && --*left == 0;
}
#endif

static void region_add(paddr_t start, paddr_t end)
{
    REQUIRES(&buddy.lock);
    pfn_t pfn = align_up(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

    if (!region_remember(pfn, last))
        return;
    page_levels.total += last - pfn;
    kasan_poison(phys_to_virt(pfn << PAGE_SHIFT), (last - pfn) << PAGE_SHIFT,
                 KASAN_PAGE_FREE);
    while (pfn < last) {
        unsigned order = BUDDY_ORDERS - 1;

        while ((pfn & ((1ull << order) - 1)) || pfn + (1ull << order) > last)
            order--;
        block_free(pfn, order);
        pfn += 1ull << order;
    }
}

/* Programs leave about 1.5 % and at most 4 MiB to root's shell and the kernel, as long as nobody says
 * otherwise. */
static void set_reserve(void)
{
    REQUIRES(&buddy.lock);
    WRITE_ONCE(page_levels.reserve, MIN(page_levels.total / 64, (u64)1024));
}

int page_set_reserve(u64 npages)
{
    if (npages < RESERVE_LEAST || npages > page_levels.total / 4)
        return -EINVAL;
    spin_lock(&buddy.lock);
    WRITE_ONCE(page_levels.reserve, npages);
    buddy_unlock();
    return 0;
}

void buddy_add(paddr_t start, paddr_t end)
{
    spin_lock(&buddy.lock);
    region_add(start, end);
    set_reserve();
    buddy_unlock();
}

void buddy_init(void)
{
    u64 bytes = align_up(boot_alloc_top(), GROUP * PAGE_SIZE) / PAGE_SIZE / GROUP *
                sizeof(struct group);

    memset(&buddy, 0, sizeof(buddy));
    buddy.groups =
        phys_to_virt(boot_alloc_pages(align_up(bytes, PAGE_SIZE) / PAGE_SIZE, 1));
    memset(&page_levels, 0, sizeof(page_levels));
    regions_forget();
    for (unsigned o = 0; o < BUDDY_ORDERS; o++)
        list_init(&buddy.free[o]);
    spin_lock(&buddy.lock);
    boot_alloc_rest(region_add);
    set_reserve();
    buddy_unlock();
}

/* A block of 2^order pages, order > 0. */
static struct page *large_alloc(unsigned order)
{
    struct page *pg;

    spin_lock(&buddy.lock);
    pg = block_take(order);
    buddy_unlock();
    if (pg)
        return pg;
    if (page_stack_count(this_cpu_ptr(page_stack))) {
        page_drain();
        spin_lock(&buddy.lock);
        pg = block_take(order);
        buddy_unlock();
    }
    if (!pg) /* what other CPUs keep is there for the next try */
        page_drain_ask();
    return pg;
}

/* Pages that such an allocation must leave. Ordinary programs stop first, in faults before
 * calls, then root's, and the kernel itself has the last. */
static u64 floor_of(u32 flags)
{
    u64 reserve = page_count_reserve();

    switch (rank_current()) {
    case RANK_USER:
        return flags & PA_USER ? reserve : reserve * 3 / 4;
    case RANK_ADMIN:
        return flags & PA_USER ? reserve / 2 : reserve / 4;
    case RANK_KERNEL:
        break;
    }
    return flags & PA_USER ? reserve / 4 : 0;
}

static noinline bool may_have_last(unsigned order, u32 flags)
{
    return page_count_free() >= floor_of(flags) + (1ull << order);
}

u64 page_count_room(void)
{
    u64 now = page_count_free(), keep = floor_of(PA_USER);

    return now > keep ? now - keep : 0;
}

/* A block that the allocator has given up becomes the caller's. */
static always_inline struct page *hand_out(struct page *pg, unsigned order, u32 flags)
{
    mm_count(pgalloc);
    kasan_unpoison(page_to_virt(pg), PAGE_SIZE << order);
    /* Type, order, flags and references are the first word. */
    STATIC_ASSERT(offsetof(struct page, order) == 1 && offsetof(struct page, refs) == 4);
    WRITE_ONCE(*(u64 *)pg, PAGE_KERNEL | order << 8 | 1ull << 32);
    for (size_t i = 0; flags & PA_ZERO && i < 1ull << order; i++)
        clear_page((char *)page_to_virt(pg) + i * PAGE_SIZE);
    if (!(flags & (PA_ZERO | PA_ZEROED)))
        stale_fill(page_to_virt(pg), PAGE_SIZE << order, STALE_FRESH);
    return pg;
}

static struct page *block_alloc(unsigned order, u32 flags)
{
    struct page *pg;

    ASSERT(order < BUDDY_ORDERS);
    if (unlikely(READ_ONCE(buddy.nfree) <= page_count_reserve() + (1ull << order)) &&
        !may_have_last(order, flags))
        return NULL;
    pg = large_alloc(order);
    return pg ? hand_out(pg, order, flags) : NULL;
}

/* Whatever is not the next page of the stack. */
static noinline struct page *alloc_other(unsigned order, u32 flags)
{
    struct page_stack *c = this_cpu_ptr(page_stack);
    struct page *pg;

    if (order)
        return block_alloc(order, flags);
    if (page_levels.low && !may_have_last(0, flags))
        return NULL;
    if (flags & PA_ZERO && c->nzeroed) {
        pg = hand_out(c->zeroed[--c->nzeroed], 0, PA_ZEROED);
        ASSERT(page_is_zeroed(pg)); /* nobody wrote to it while it was free */
        return pg;
    }
    pg = c->count ? c->pages[--c->count] : page_stack_refill(c);
    return pg ? hand_out(pg, 0, flags) : NULL;
}

struct page *page_alloc(unsigned order, u32 flags)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    if (alloc_should_fail())
        return NULL;
    if (unlikely(order) || unlikely(page_levels.low) || unlikely(!c->count) ||
        (flags & PA_ZERO && c->nzeroed))
        return alloc_other(order, flags);
    return hand_out(c->pages[--c->count], 0, flags);
}

static noinline void block_give(struct page *pg, unsigned order)
{
    pg->type = PAGE_RESERVED;
    spin_lock(&buddy.lock);
    block_free(page_to_pfn(pg), order);
    buddy_unlock();
}

void page_free(struct page *pg, unsigned order)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    ASSERT(pg->type > PAGE_CACHED && pg->type < PAGE_TYPES);
    mm_count(pgfree);
    kasan_poison(page_to_virt(pg), PAGE_SIZE << order, KASAN_PAGE_FREE);
    pg->refs = 0;
    if (unlikely(order)) {
        block_give(pg, order);
        return;
    }
    if (unlikely(c->count == STACK_MAX))
        page_stack_spill(c, STACK_MAX / 2);
    pg->type = PAGE_CACHED;
    c->pages[c->count++] = pg;
}

no_race_check u64 page_count_free(void)
{
    u64 n = READ_ONCE(buddy.nfree);

    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        n += page_stack_count(&per_cpu(page_stack, cpu));
    return n;
}

u64 page_count_total(void)
{
    return page_levels.total;
}

u64 page_count_reserve(void)
{
    return READ_ONCE(page_levels.reserve);
}

#define COUNT_AT_ONCE 256u

void page_count_orders(u64 n[BUDDY_ORDERS])
{
    u64 groups = align_up(page_limit(), GROUP) / GROUP;

    memset(n, 0, GROUP_ORDER * sizeof(*n));
    for (u64 i = 0; i < groups; pause_anyway()) {
        SCOPED_LOCK(&buddy.lock);
        for (u64 end = MIN(i + COUNT_AT_ONCE, groups); i < end; i++)
            if (buddy.groups[i].free)
                group_count(buddy.groups[i].free, n);
    }
    for (unsigned o = GROUP_ORDER; o < BUDDY_ORDERS; o++)
        n[o] = page_count_order(o);
}

u64 page_count_order(unsigned order)
{
    ASSERT(order >= GROUP_ORDER);
    return READ_ONCE(buddy.blocks[order]);
}
