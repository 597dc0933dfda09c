/* SPDX-License-Identifier: MIT
 *
 * The one place that flushes user translations.
 */
#include "mm/tlb.h"
#include "arch/tlb.h"
#include "mm/buddy.h"
#include "mm/mm.h"
#include "mm/stat.h"

static void flush_local(const struct tlb_batch *b)
{
    if (b->naddrs > TLB_ADDRS) {
        mm_count(tlb_flush_full);
        arch_flush_user_all();
        return;
    }
    if (b->naddrs == 1)
        mm_count(tlb_flush_page);
    else
        mm_count(tlb_flush_range);
    for (u32 i = 0; i < b->naddrs; i++)
        arch_flush_page(b->addrs[i]);
}

/* [start, end) that holds all noted addresses; 0, 0 for everything. */
static void hull(const struct tlb_batch *b, vaddr_t *start, vaddr_t *end)
{
    *start = *end = 0;
    if (b->naddrs > TLB_ADDRS)
        return;
    *start = *end = b->addrs[0];
    for (u32 i = 1; i < b->naddrs; i++) {
        *start = MIN(*start, b->addrs[i]);
        *end = MAX(*end, b->addrs[i]);
    }
    *end += PAGE_SIZE;
}

void tlb_flush(struct tlb_batch *b)
{
    if (b->naddrs && b->mm) {
        u64 self = 1ull << cpu_id();
        u64 cpus = __atomic_load_n(&b->mm->cpus, __ATOMIC_SEQ_CST);

        if (cpu_self()->mm == b->mm)
            flush_local(b);
        if (unlikely(cpus & ~self)) {
            vaddr_t start, end;

            hull(b, &start, &end);
            mm_count(tlb_flush_remote);
            arch_shootdown(b->mm, cpus & ~self, start, end);
        }
    }
    b->naddrs = 0;
    for (u32 i = 0; i < b->npages; i++) {
        struct page *pg = b->pages[i];

        if (pg->type == PAGE_KERNEL) /* a former table: empty */
            page_free_zeroed(pg);
        else
            page_put(pg);
    }
    b->npages = 0;
}
