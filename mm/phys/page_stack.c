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

/* ---- the lazy list ----
 *
 * What a CPU takes from it are neighbours, as far as they are free: descriptors of 64 fill 40 cache
 * lines, so CPUs that took different groups do not write to one line, and what is then made of
 * them, a file's pages one after the other, is not mixed with what others make. Who adds pages adds
 * a chain; who takes some sorts a few more than he takes. One CPU alone takes them as they came. */

#define LAZY_GROUP 64u
#define LAZY_SORT  (2 * STACK_BATCH)

/* Sorts some of the pages as they came into groups. */
static inline void lazy_sort(void)
{
    REQUIRES(&buddy.lock);
    struct page *pg = buddy.lazy;

    for (u32 n = 0; pg && n < LAZY_SORT;) {
        pfn_t pfn = page_to_pfn(pg), group = pfn / LAZY_GROUP;
        u64 *free = &buddy.lazy_sets[group], set = 0;
        struct page *last;

        do {
            set |= 1ull << pfn % LAZY_GROUP;
            last = pg;
            pg = (struct page *)pg->link.next;
            pfn = page_to_pfn(pg);
            n++;
        } while (pg && pfn / LAZY_GROUP == group);
        if (!*free) {
            last->link.next = (struct list *)buddy.lazy_groups;
            buddy.lazy_groups = last;
        }
        *free |= set;
    }
    buddy.lazy = pg;
}

/* Takes a group: its first page, whether free or not, and the set of those that are. */
static always_inline struct page *lazy_pop(u64 *free)
{
    REQUIRES(&buddy.lock);
    struct page *head = buddy.lazy_groups;
    pfn_t pfn = page_to_pfn(head);
    u64 *set = &buddy.lazy_sets[pfn / LAZY_GROUP];

    buddy.lazy_groups = (struct page *)head->link.next;
    *free = *set;
    *set = 0;
    return pfn_to_page(align_down(pfn, LAZY_GROUP));
}

/* Puts lazy pages on the stack, above the n that are there. Returns how many are there now. */
static u32 lazy_take(struct page_stack *c, u32 n)
{
    REQUIRES(&buddy.lock);
    struct page *pg;

    if (cpu_count > 1)
        lazy_sort();
    while (n < STACK_BATCH && buddy.lazy_groups) {
        u64 free;
        struct page *group = lazy_pop(&free);

        for (; free; free &= free - 1)
            c->pages[n++] = group + (u32)__builtin_ctzll(free);
    }
    for (pg = buddy.lazy; n < STACK_BATCH && pg; pg = (struct page *)pg->link.next)
        c->pages[n++] = pg;
    buddy.lazy = pg;
    return n;
}

/* Pages chained already, so that the lock is held for a moment; `end`: the link of the last. */
static void lazy_add(struct list *first, struct list **end, u64 n)
{
    spin_lock(&buddy.lock);
    *end = (struct list *)buddy.lazy;
    buddy.lazy = (struct page *)first;
    buddy.nlazy += n;
    WRITE_ONCE(buddy.nfree, buddy.nfree + n);
    buddy_unlock();
}

struct page *page_stack_refill(struct page_stack *c)
{
    STATIC_ASSERT(STACK_BATCH + (1u << STACK_BLOCK_ORDER) <= STACK_MAX);
    STATIC_ASSERT(STACK_BATCH + LAZY_GROUP <= STACK_MAX);
    u32 n;

    spin_lock(&buddy.lock);
    n = lazy_take(c, c->count);
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

/* Merges all pages of the lazy list. */
static void lazy_merge(void)
{
    REQUIRES(&buddy.lock);
    while (buddy.lazy)
        lazy_sort();
    while (buddy.lazy_groups) {
        u64 free;
        struct page *group = lazy_pop(&free);

        for (; free; free &= free - 1) {
            struct page *pg = group + (u32)__builtin_ctzll(free);

            pg->type = PAGE_RESERVED;
            WRITE_ONCE(buddy.nfree, buddy.nfree - 1); /* block_free counts it again */
            block_free(page_to_pfn(pg), 0);
        }
    }
    buddy.nlazy = 0;
}

void page_drain(void)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    while (page_stack_count(c)) {
        while (c->nzeroed && c->count < STACK_MAX)
            c->pages[c->count++] = c->zeroed[--c->nzeroed];
        page_stack_spill(c, 0);
    }
    spin_lock(&buddy.lock);
    lazy_merge();
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
    if (likely(!pfn))
        return;
    page_stack_spill(c, STACK_MAX / 2); /* the next ones find room */
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
