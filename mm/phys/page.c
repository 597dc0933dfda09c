/* SPDX-License-Identifier: MIT
 *
 * Pages of programs and files: references, and blocks behind huge pages.
 */
#include "mm/phys/page.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"

struct page *zero_page;

void (*page_give_huge)(struct page *pg, void *payer);

static void release(struct page *pg, void *payer)
{
    if (unlikely(pg->order) && page_give_huge)
        page_give_huge(pg, payer);
    else
        page_free(pg, pg->order);
}

static void free_now(struct grace_item *item)
{
    release(container_of(item, struct page, grace), NULL);
}

/* Another CPU may have dropped a translation of it that it has not flushed yet. */
static noinline void free_later(struct page *pg)
{
    grace_defer(&pg->grace, free_now);
}

void page_free_last(struct page *pg)
{
    ASSERT(pg->type == PAGE_ANON || (pg->type == PAGE_OBJECT && !pg->object));
    if (pg->type == PAGE_OBJECT && cpu_count > 1)
        free_later(pg);
    else
        release(pg, pg->type == PAGE_ANON ? pg->payer : NULL);
}

bool page_chain_other(struct page *pg, u32 pfn, struct page_chain *c)
{
    ASSERT(pg->type == PAGE_ANON || (pg->type == PAGE_OBJECT && !pg->object));
    if (__atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) != 1)
        return false;
    if (!pg->order && (pg->type == PAGE_ANON || cpu_count == 1)) {
        page_chain_add(pg, pfn, c);
    } else {
        pg->index = c->others;
        c->others = pfn;
    }
    return true;
}

static void free_table_now(struct grace_item *item)
{
    page_free_zeroed(container_of(item, struct page, grace));
}

void page_free_table(struct page *pg)
{
    ASSERT(pg->type == PAGE_KERNEL);
    grace_defer(&pg->grace, free_table_now);
}

/* Huge pages that fit into what is free above the kernel's reserve. */
static u64 unreserved(void)
{
    u64 now = page_count_free(), keep = page_count_reserve();

    return now > keep ? (now - keep) / HUGE_PAGES : 0;
}

struct page *page_alloc_block(u32 flags)
{
    return unreserved() ? page_alloc(HUGE_ORDER, flags | PA_USER) : NULL;
}

u64 page_count_huge(void)
{
    u64 n = 0;

    page_drain();
    for (unsigned o = HUGE_ORDER; o < BUDDY_ORDERS; o++)
        n += page_count_order(o) << (o - HUGE_ORDER);
    return MIN(n, unreserved());
}
