/* SPDX-License-Identifier: MIT
 *
 * The page allocator above the buddy lists (mm/phys/blocks.h).
 *
 * Single pages are lazy: a freed one goes to a per-CPU stack and from there to a plain list,
 * unmerged. They are merged only when a larger block is wanted and none is there, so the
 * common traffic of single pages never pays for splitting and merging. Page tables come back
 * empty, that is zeroed: a few of them are kept for those who want such pages.
 */
#include "mm/phys/buddy.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "mm/phys/account.h"
#include "mm/phys/blocks.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/stat.h"

#define CACHE_MAX         128u
#define CACHE_BATCH       64u
#define CACHE_BLOCK_ORDER 5u /* blocks of at most this order fill the stack */
#define ZEROED_MAX        256u

struct page_cache {
    u32 count, nzeroed;
    u32 drains; /* page_drain_ask() calls that this CPU has seen */
    struct page *pages[CACHE_MAX];
    struct page *zeroed[ZEROED_MAX];
};

static DEFINE_PER_CPU(struct page_cache, page_cache);

/* Read at each allocation, written rarely. */
static struct {
    u64 total;
    u64 reserve;
    bool low; /* a single page more, and less than the reserve is left */
} __attribute__((aligned(64))) levels;

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

/* After a change of nfree. */
static void buddy_unlock(void)
{
    REQUIRES(&buddy.lock);
    bool low = READ_ONCE(buddy.nfree) <= levels.reserve + 1;

    if (unlikely(levels.low != low))
        WRITE_ONCE(levels.low, low);
    spin_unlock(&buddy.lock);
}

static void region_add(paddr_t start, paddr_t end)
{
    REQUIRES(&buddy.lock);
    pfn_t pfn = align_up(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

    if (!region_remember(pfn, last))
        return;
    levels.total += last - pfn;
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

/* Programs leave about 1.5 % and at most 4 MiB to root's shell and the kernel. */
static void set_reserve(void)
{
    levels.reserve = MIN(levels.total / 64, (u64)1024);
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
    memset(&buddy, 0, sizeof(buddy));
    memset(&levels, 0, sizeof(levels));
    regions_forget();
    for (unsigned o = 0; o < BUDDY_ORDERS; o++)
        list_init(&buddy.free[o]);
    spin_lock(&buddy.lock);
    boot_alloc_rest(region_add);
    set_reserve();
    buddy_unlock();
}

/* Adds a block to the stack, which has room for it. False: there is none. */
static bool refill_block(struct page_cache *c)
{
    REQUIRES(&buddy.lock);
    unsigned order = 0;
    u32 n = c->count;
    struct page *pg;

    while (order < CACHE_BLOCK_ORDER && list_empty(&buddy.free[order]))
        order++;
    pg = block_take(order);
    if (!pg)
        return false;
    for (struct page *last = pg + (1u << order); last-- > pg;) {
        last->type = PAGE_CACHED;
        c->pages[n++] = last;
    }
    c->count = n;
    return true;
}

static struct page *cache_refill(struct page_cache *c)
{
    STATIC_ASSERT(CACHE_BATCH + (1u << CACHE_BLOCK_ORDER) <= CACHE_MAX);
    spin_lock(&buddy.lock);
    while (c->count < CACHE_BATCH && buddy.lazy) {
        c->pages[c->count++] = buddy.lazy;
        buddy.lazy = (struct page *)buddy.lazy->link.next;
    }
    buddy.nlazy -= c->count;
    WRITE_ONCE(buddy.nfree, buddy.nfree - c->count);
    while (c->count < CACHE_BATCH && refill_block(c))
        ;
    buddy_unlock();
    if (c->count)
        return c->pages[--c->count];
    return c->nzeroed ? c->zeroed[--c->nzeroed] : NULL;
}

static void lazy_push(struct page *pg)
{
    REQUIRES(&buddy.lock);
    pg->link.next = (struct list *)buddy.lazy;
    buddy.lazy = pg;
    buddy.nlazy++;
    WRITE_ONCE(buddy.nfree, buddy.nfree + 1);
}

/* Moves pages from the stack to the lazy list until `keep` are left. */
static void cache_spill(struct page_cache *c, u32 keep)
{
    spin_lock(&buddy.lock);
    while (c->count > keep)
        lazy_push(c->pages[--c->count]);
    buddy_unlock();
}

void page_drain(void)
{
    struct page_cache *c = this_cpu_ptr(page_cache);

    cache_spill(c, 0);
    spin_lock(&buddy.lock);
    while (c->nzeroed)
        lazy_push(c->zeroed[--c->nzeroed]);
    while (buddy.lazy) {
        struct page *pg = buddy.lazy;

        buddy.lazy = (struct page *)pg->link.next;
        pg->type = PAGE_RESERVED;
        WRITE_ONCE(buddy.nfree, buddy.nfree - 1); /* block_free counts it again */
        block_free(page_to_pfn(pg), 0);
    }
    buddy.nlazy = 0;
    buddy_unlock();
}

static u32 drains_asked; /* atomic */

u32 page_drain_ask(void)
{
    return __atomic_add_fetch(&drains_asked, 1, __ATOMIC_SEQ_CST);
}

bool page_drain_is_asked(void)
{
    return READ_ONCE(drains_asked) != this_cpu(page_cache).drains;
}

void page_drain_if_asked(void)
{
    u32 mark = __atomic_load_n(&drains_asked, __ATOMIC_ACQUIRE);

    if (likely(mark == this_cpu(page_cache).drains))
        return;
    page_drain();
    __atomic_store_n(&this_cpu_ptr(page_cache)->drains, mark, __ATOMIC_RELEASE);
}

bool page_drain_answered(u32 cpu, u32 mark)
{
    return (s32)(__atomic_load_n(&per_cpu(page_cache, cpu).drains, __ATOMIC_ACQUIRE) -
                 mark) >= 0;
}

static u32 cached(const struct page_cache *c)
{
    return c->count + c->nzeroed;
}

/* A block of 2^order pages, order > 0. */
static struct page *large_alloc(unsigned order)
{
    struct page *pg;

    spin_lock(&buddy.lock);
    pg = block_take(order);
    buddy_unlock();
    if (pg || !(buddy.nlazy || cached(this_cpu_ptr(page_cache))))
        return pg;
    page_drain();
    spin_lock(&buddy.lock);
    pg = block_take(order);
    buddy_unlock();
    if (!pg) /* what other CPUs keep is there for the next try */
        page_drain_ask();
    return pg;
}

/* Pages that such an allocation must leave. Ordinary programs stop first, in faults before
 * calls, then root's, and the kernel itself has the last. */
static u64 floor_of(u32 flags)
{
    switch (rank_current()) {
    case RANK_USER:
        return flags & PA_USER ? levels.reserve : levels.reserve * 3 / 4;
    case RANK_ADMIN:
        return flags & PA_USER ? levels.reserve / 2 : levels.reserve / 4;
    case RANK_KERNEL:
        break;
    }
    return flags & PA_USER ? levels.reserve / 4 : 0;
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
    WRITE_ONCE(pg->type, PAGE_KERNEL);
    pg->order = (u8)order;
    pg->flags = 0;
    pg->refs = 1;
    for (size_t i = 0; flags & PA_ZERO && i < 1ull << order; i++)
        clear_page((char *)page_to_virt(pg) + i * PAGE_SIZE);
    return pg;
}

static struct page *block_alloc(unsigned order, u32 flags)
{
    struct page *pg;

    ASSERT(order < BUDDY_ORDERS);
    if (unlikely(READ_ONCE(buddy.nfree) <= levels.reserve + (1ull << order)) &&
        !may_have_last(order, flags))
        return NULL;
    pg = large_alloc(order);
    return pg ? hand_out(pg, order, flags) : NULL;
}

/* Whatever is not the next page of the stack. */
static noinline struct page *alloc_other(unsigned order, u32 flags)
{
    struct page_cache *c = this_cpu_ptr(page_cache);
    struct page *pg;

    if (order)
        return block_alloc(order, flags);
    if (levels.low && !may_have_last(0, flags))
        return NULL;
    if (flags & PA_ZERO && c->nzeroed)
        return hand_out(c->zeroed[--c->nzeroed], 0, flags & ~PA_ZERO);
    pg = c->count ? c->pages[--c->count] : cache_refill(c);
    return pg ? hand_out(pg, 0, flags) : NULL;
}

struct page *page_alloc(unsigned order, u32 flags)
{
    struct page_cache *c = this_cpu_ptr(page_cache);

    if (alloc_should_fail())
        return NULL;
    if (unlikely(order) || unlikely(levels.low) || unlikely(!c->count) ||
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
    struct page_cache *c = this_cpu_ptr(page_cache);

    ASSERT(pg->type > PAGE_CACHED && pg->type < PAGE_TYPES);
    mm_count(pgfree);
    kasan_poison(page_to_virt(pg), PAGE_SIZE << order, KASAN_PAGE_FREE);
    pg->refs = 0;
    if (unlikely(order)) {
        block_give(pg, order);
        return;
    }
    if (unlikely(c->count == CACHE_MAX))
        cache_spill(c, CACHE_MAX / 2);
    pg->type = PAGE_CACHED;
    c->pages[c->count++] = pg;
}

/* Takes the first page of a chain; NULL: it was none for the lists of single pages. */
static always_inline struct page *chain_next(u32 *pfn)
{
    struct page *pg = pfn_to_page(*pfn);

    *pfn = pg->index;
    if (unlikely(pg->order || (pg->type != PAGE_ANON && cpu_count > 1))) {
        page_free_last(pg);
        return NULL;
    }
    ASSERT(pg->type == PAGE_ANON || (pg->type == PAGE_OBJECT && !pg->object));
    kasan_poison(page_to_virt(pg), PAGE_SIZE, KASAN_PAGE_FREE);
    pg->type = PAGE_CACHED;
    pg->refs = 0;
    return pg;
}

/* The rest of a chain to the lazy list: linked first, so that the lock is held for a moment. */
static noinline void chain_to_lazy(u32 pfn)
{
    struct list *first = NULL, **end = &first;
    u64 n = 0;

    while (pfn) {
        struct page *pg = chain_next(&pfn);

        if (unlikely(!pg))
            continue;
        *end = (struct list *)pg;
        end = &pg->link.next;
        n++;
    }
    mm_count_n(pgfree, n);
    if (!n)
        return;
    spin_lock(&buddy.lock);
    *end = (struct list *)buddy.lazy;
    buddy.lazy = (struct page *)first;
    buddy.nlazy += n;
    WRITE_ONCE(buddy.nfree, buddy.nfree + n);
    buddy_unlock();
}

void page_free_chain(u32 pfn)
{
    struct page_cache *c = this_cpu_ptr(page_cache);

    while (pfn && c->count < CACHE_MAX) {
        struct page *pg = chain_next(&pfn);

        if (unlikely(!pg))
            continue;
        c->pages[c->count++] = pg;
        mm_count(pgfree);
    }
    if (unlikely(pfn))
        chain_to_lazy(pfn);
}

/* Whether every word of the frame is 0; looked at in test builds only. */
static bool is_zeroed(struct page *pg)
{
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
    const u64 *word = page_to_virt(pg);

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        if (word[i])
            return false;
#else
    (void)pg;
#endif
    return true;
}

void page_free_zeroed(struct page *pg)
{
    struct page_cache *c = this_cpu_ptr(page_cache);

    ASSERT(pg->type > PAGE_CACHED && pg->type < PAGE_TYPES && is_zeroed(pg));
    if (c->nzeroed == ZEROED_MAX) {
        page_free(pg, 0);
        return;
    }
    mm_count(pgfree);
    kasan_poison(page_to_virt(pg), PAGE_SIZE, KASAN_PAGE_FREE);
    pg->refs = 0;
    pg->type = PAGE_CACHED;
    c->zeroed[c->nzeroed++] = pg;
}

u64 page_count_free(void)
{
    u64 n = READ_ONCE(buddy.nfree);

    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        n += cached(&per_cpu(page_cache, cpu));
    return n;
}

u64 page_count_total(void)
{
    return levels.total;
}

u64 page_count_reserve(void)
{
    return levels.reserve;
}

u64 page_count_order(unsigned order)
{
    return buddy.blocks[order];
}
