/* SPDX-License-Identifier: MIT
 *
 * Frames from the surrounding kernel: with all nine functions here, Tessera's buddy allocator
 * is not linked. Contracts: mm/phys/buddy.h, page_stack.h. Larger blocks are for huge pages and large slabs only.
 */
#include "port.h"

#define NFRAMES 32768u

static u32 stack_of[NFRAMES], nfree, ntotal;

void frames_add(paddr_t start, paddr_t end)
{
    for (; start < end && ntotal < NFRAMES; start += PAGE_SIZE)
        stack_of[ntotal++] = (u32)(start >> PAGE_SHIFT);
    nfree = ntotal;
}

struct page *tsm_page_alloc(unsigned order, u32 flags)
{
    struct page *pg;

    if (order || !nfree)
        return NULL;
    pg = pfn_to_page(stack_of[--nfree]);
    *pg = (struct page){.type = PAGE_KERNEL, .refs = 1};
    if (flags & PA_ZERO)
        clear_page(page_to_virt(pg));
    return pg;
}

void tsm_page_free(struct page *pg, unsigned order)
{
    (void)order;
    pg->type = PAGE_FREE;
    pg->refs = 0;
    stack_of[nfree++] = (u32)page_to_pfn(pg);
}

void tsm_page_free_chain(struct page_chain *c)
{
    u64 group, set;

    while ((set = page_chain_take(c, &group)) != 0)
        for (; set; set &= set - 1)
            tsm_page_free(pfn_to_page(group * PAGE_GROUP + (u32)__builtin_ctzll(set)), 0);
    for (; c->others; c->others = pfn_to_page(c->others)->index)
        tsm_page_free(pfn_to_page(c->others), 0);
}

void tsm_page_free_zeroed(struct page *pg)
{
    tsm_page_free(pg, 0);
}

void tsm_page_drain(void)
{
}

u64 tsm_page_count_free(void)
{
    return nfree;
}

u64 tsm_page_count_total(void)
{
    return ntotal;
}

u64 tsm_page_count_reserve(void)
{
    return 0;
}

u64 tsm_page_count_order(unsigned order)
{
    return order ? 0 : nfree;
}
