/* SPDX-License-Identifier: MIT
 *
 * See mm/phys/page_stack.h. A freed page goes to its CPU's stack and from there to the groups
 * (mm/phys/blocks.h), where setting its bit merges it. Page tables come back empty, that is zeroed:
 * a few of them are kept for those who want such pages, and an idle CPU clears some more.
 */
#include "mm/phys/page_stack.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "mm/phys/blocks.h"
#include "mm/phys/stat.h"

#define STACK_BATCH 64u
#define ZEROED_IDLE 128u

DEFINE_PER_CPU(struct page_stack, page_stack);

static inline u32 count_pages(u64 pages)
{
    pages -= pages >> 1 & 0x5555555555555555;
    pages = (pages & 0x3333333333333333) + (pages >> 2 & 0x3333333333333333);
    pages = (pages + (pages >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (u32)(pages * 0x0101010101010101 >> 56);
}

/* What a CPU takes are neighbours, as far as they are free: descriptors of a group fill 40 cache
 * lines, so CPUs that took different groups do not write to one line, and what is then made of
 * them, a file's pages one after the other, is not mixed with what others make. */
struct page *page_stack_refill(struct page_stack *c)
{
    STATIC_ASSERT(STACK_BATCH + GROUP <= STACK_MAX);
    u32 n = c->count;
    u64 pages;
    pfn_t first;

    spin_lock(&buddy.lock);
    while (n < STACK_BATCH && (pages = group_take(&first)) != 0) {
        struct page *pg = pfn_to_page(first), **top = &c->pages[n += count_pages(pages)];

        for (; pages; pages &= pages - 1)
            *--top = pg + (u32)__builtin_ctzll(pages); /* the first goes first */
    }
    WRITE_ONCE(buddy.nfree, buddy.nfree - (n - c->count));
    c->count = n;
    buddy_unlock();
    if (n)
        return c->pages[--c->count];
    return c->nzeroed ? c->zeroed[--c->nzeroed] : NULL;
}

void page_stack_spill(struct page_stack *c, u32 keep)
{
    u32 n = c->count;

    if (n <= keep)
        return;
    spin_lock(&buddy.lock);
    for (u32 i = keep; i < n;) {
        pfn_t pfn = page_to_pfn(c->pages[i]), group = pfn / GROUP;
        u64 pages = 0;

        do {
            pages |= 1ull << pfn % GROUP;
        } while (++i < n && (pfn = page_to_pfn(c->pages[i])) / GROUP == group);
        group_free(group, pages);
    }
    WRITE_ONCE(buddy.nfree, buddy.nfree + (n - keep));
    c->count = keep;
    buddy_unlock();
}

void page_drain(void)
{
    struct page_stack *c = this_cpu_ptr(page_stack);

    while (page_stack_count(c)) {
        while (c->nzeroed && c->count < STACK_MAX)
            c->pages[c->count++] = c->zeroed[--c->nzeroed];
        page_stack_spill(c, 0);
    }
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

static inline void poison(u64 group, u64 pages)
{
#ifdef TESSERA_KASAN
    for (; pages; pages &= pages - 1)
        kasan_poison(
            page_to_virt(pfn_to_page(group * GROUP + (u32)__builtin_ctzll(pages))),
            PAGE_SIZE, KASAN_PAGE_FREE);
#else
    (void)group, (void)pages;
#endif
}

#define AT_ONCE 64u /* groups, with the lock held */
#define DIRECT  32u /* so many pages of one group need not go by the stack */

/* `pages` of a group and the rest of a chain to their groups. */
static noinline void chain_to_groups(struct page_chain *chain, u64 group, u64 pages)
{
    while (pages) {
        u64 n = 0;

        spin_lock(&buddy.lock);
        for (u32 i = 0; pages && i < AT_ONCE; i++) {
            poison(group, pages);
            group_free(group, pages);
            n += count_pages(pages);
            pages = page_chain_take(chain, &group);
        }
        WRITE_ONCE(buddy.nfree, buddy.nfree + n);
        buddy_unlock();
        mm_count_n(pgfree, n);
    }
}

/* Puts pages of a group on the stack; returns those that find no room. */
static always_inline u64 group_to_stack(u64 group, u64 pages)
{
    struct page_stack *c = this_cpu_ptr(page_stack);
    struct page *first = pfn_to_page(group * GROUP);
    u32 count = c->count, before = count;

    poison(group, pages);
    for (; pages && count < STACK_MAX; pages &= pages - 1)
        c->pages[count++] = first + (u32)__builtin_ctzll(pages);
    c->count = count;
    mm_count_n(pgfree, count - before);
    return pages;
}

static noinline void free_many(struct page_chain *chain)
{
    u64 group, pages;

    while (chain->others) {
        struct page *pg = pfn_to_page(chain->others);

        chain->others = pg->index;
        page_free_last(pg);
    }
    while ((pages = page_chain_take(chain, &group)) != 0) {
        if (count_pages(pages) < DIRECT)
            pages = group_to_stack(group, pages);
        if (pages) {
            page_stack_spill(this_cpu_ptr(page_stack),
                             STACK_MAX / 2); /* the next find room */
            chain_to_groups(chain, group, pages);
        }
    }
}

void page_free_chain(struct page_chain *chain)
{
    u64 pages = chain->pages;

    if (likely(!(chain->others | chain->before))) {
        pages = group_to_stack(chain->group, pages);
        if (likely(!pages)) {
            chain->pages = 0;
            return;
        }
        chain->pages = pages;
    }
    free_many(chain);
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
