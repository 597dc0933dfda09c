/* SPDX-License-Identifier: MIT
 *
 * Frames before the buddy allocator: a bump pointer per usable range, from its top downwards so
 * that big aligned blocks below stay whole. Of the ranges that can be reached the last one is
 * asked first: memory below 4 GiB is scarce in a large machine.
 */
#include "mm/phys/boot_alloc.h"
#include "arch/mmu.h"
#include "lib/assert.h"
#include "lib/string.h"

#define EARLY_LIMIT (4ull << 30) /* what the early tables map */

static struct {
    paddr_t start, end;
} ranges[BOOT_RANGES_MAX];
static u32 nranges;
static paddr_t reach, top;

static void range_add(paddr_t start, paddr_t end)
{
    if (start >= end || nranges == BOOT_RANGES_MAX)
        return;
    ranges[nranges].start = start;
    ranges[nranges].end = end;
    nranges++;
}

void boot_alloc_init(const struct bootinfo *bi)
{
    nranges = 0;
    reach = EARLY_LIMIT;
    top = 0;
    for (u32 i = 0; i < bi->nranges; i++) {
        const struct boot_range *r = &bi->ranges[i];
        paddr_t end = r->base + r->len;

        if (r->type == BOOT_MEM_USABLE || r->type == BOOT_MEM_LOADER)
            top = MAX(top, end);
        if (r->type != BOOT_MEM_USABLE)
            continue;
        /* Split at the limit, so that every range is wholly within reach or not at all. */
        range_add(r->base, MIN(end, EARLY_LIMIT));
        range_add(MAX(r->base, EARLY_LIMIT), end);
    }
}

void boot_alloc_reach_all(void)
{
    reach = ~0ull;
}

paddr_t boot_alloc_try(size_t npages, size_t align_pages)
{
    u64 size = (u64)npages << PAGE_SHIFT, align = (u64)align_pages << PAGE_SHIFT;

    for (u32 i = nranges; i-- > 0;) {
        paddr_t end = ranges[i].end;
        paddr_t start;

        if (end > reach || end - ranges[i].start < size)
            continue;
        start = align_down(end - size, align);
        if (start < ranges[i].start)
            continue;
        /* What alignment skips above the block is lost only while booting: give it to a
         * range of its own when there is room in the table. */
        range_add(start + size, end);
        ranges[i].end = start;
        memset(phys_to_virt(start), 0, size);
        return start;
    }
    return 0;
}

paddr_t boot_alloc_pages(size_t npages, size_t align_pages)
{
    paddr_t pa = boot_alloc_try(npages, align_pages);

    if (!pa)
        panic("not enough memory%s: %zu KiB in one piece needed at boot",
              reach == EARLY_LIMIT ? " below 4 GiB" : "", npages * (PAGE_SIZE / 1024));
    return pa;
}

paddr_t boot_alloc_top(void)
{
    return top;
}

void boot_alloc_rest(void (*visit)(paddr_t start, paddr_t end))
{
    for (u32 i = 0; i < nranges; i++)
        if (ranges[i].start < ranges[i].end)
            visit(ranges[i].start, ranges[i].end);
    nranges = 0;
}
