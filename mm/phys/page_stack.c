/* SPDX-License-Identifier: MIT
 *
 * See mm/phys/page_stack.h. A freed page goes to its CPU's stack and from there to the lazy
 * list, unmerged: the common traffic of single pages never pays for splitting and merging.
 * page_drain() merges them, when a larger block is wanted and none is there. Page tables come
 * back empty, that is zeroed: a few of them are kept for those who want such pages, and an idle
 * CPU clears some more.
 */
#include "mm/phys/page_stack.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "mm/phys/blocks.h"
#include "mm/phys/stat.h"

#define STACK_BATCH       64u
#define ZEROED_IDLE       128u
#define STACK_BLOCK_ORDER 5u /* blocks of at most this order fill the stack */

DEFINE_PER_CPU(struct page_stack, page_stack);

/* Adds a block to the stack, which has room for it. False: there is none. */
static bool refill_block(struct page_stack *c)
{
    REQUIRES(&buddy.lock);
    unsigned order = 0;
    u32 n = c->count;
    struct page *pg;

    while (order < STACK_BLOCK_ORDER && list_empty(&buddy.free[order]))
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

struct page *page_stack_refill(struct page_stack *c)
{
    STATIC_ASSERT(STACK_BATCH + (1u << STACK_BLOCK_ORDER) <= STACK_MAX);
    struct page *lazy;
    u32 n = c->count;

    spin_lock(&buddy.lock);
    for (lazy = buddy.lazy; n < STACK_BATCH && lazy;
         lazy = (struct page *)lazy->link.next)
        c->pages[n++] = lazy;
    buddy.lazy = lazy;
    buddy.nlazy -= n - c->count;
    WRITE_ONCE(buddy.nfree, buddy.nfree - (n - c->count));
    c->count = n;
    while (c->count < STACK_BATCH && refill_block(c))
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

/* Pages linked already, so that the lock is held for a moment; `end`: the link of the last. */
static void lazy_add(struct list *first, struct list **end, u64 n)
{
    spin_lock(&buddy.lock);
    *end = (struct list *)buddy.lazy;
    buddy.lazy = (struct page *)first;
    buddy.nlazy += n;
    WRITE_ONCE(buddy.nfree, buddy.nfree + n);
    buddy_unlock();
}

void page_stack_spill(struct page_stack *c, u32 keep)
{
    struct list *first = NULL, **end = &first;
    u32 n = c->count;

    if (n <= keep)
        return;
    for (u32 i = n; i-- > keep;) {
        *end = (struct list *)c->pages[i];
        end = &c->pages[i]->link.next;
    }
    c->count = keep;
    lazy_add(first, end, n - keep);
}

void page_drain(void)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    page_stack_spill(c, 0);
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
    return READ_ONCE(drains_asked) != this_cpu(page_stack).drains;
}

void page_drain_if_asked(void)
{
    u32 mark = __atomic_load_n(&drains_asked, __ATOMIC_ACQUIRE);

    if (likely(mark == this_cpu(page_stack).drains))
        return;
    page_drain();
    __atomic_store_n(&this_cpu_ptr(page_stack)->drains, mark, __ATOMIC_RELEASE);
}

bool page_drain_answered(u32 cpu, u32 mark)
{
    return (s32)(__atomic_load_n(&per_cpu(page_stack, cpu).drains, __ATOMIC_ACQUIRE) -
                 mark) >= 0;
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

/* The rest of a chain to the lazy list. */
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
    if (n)
        lazy_add(first, end, n);
}

void page_free_chain(u32 pfn)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    while (pfn && c->count < STACK_MAX) {
        struct page *pg = chain_next(&pfn);

        if (unlikely(!pg))
            continue;
        c->pages[c->count++] = pg;
        mm_count(pgfree);
    }
    if (unlikely(pfn))
        chain_to_lazy(pfn);
}

#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
bool page_is_zeroed(struct page *pg)
{
    const u64 *word = page_to_virt(pg);

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        if (word[i])
            return false;
    return true;
}
#endif

bool page_zero_one(void)
{
    struct page_stack *c = this_cpu_ptr(page_stack);
    struct page *pg;

    if (c->nzeroed >= ZEROED_IDLE || page_levels.low ||
        (!c->count && READ_ONCE(buddy.nfree) < STACK_BATCH))
        return false;
    pg = c->count ? c->pages[--c->count] : page_stack_refill(c);
    if (!pg) /* others were faster */
        return false;
    kasan_unpoison(page_to_virt(pg), PAGE_SIZE);
    clear_page(page_to_virt(pg));
    kasan_poison(page_to_virt(pg), PAGE_SIZE, KASAN_PAGE_FREE);
    c->zeroed[c->nzeroed++] = pg;
    return true;
}

void page_free_zeroed(struct page *pg)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    ASSERT(pg->type > PAGE_CACHED && pg->type < PAGE_TYPES && page_is_zeroed(pg));
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
