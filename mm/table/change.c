/* SPDX-License-Identifier: MIT
 *
 * Settling a change: the one place that flushes user translations.
 */
#include "mm/table/change.h"
#include "arch/tlb.h"
#include "lib/lock.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "mm/phys/stat.h"
#include "mm/table/pagetable.h"
#include "mm/table/resident.h"

DEFINE_PER_CPU(u32, unflushed);

void change_wait_for_others(void)
{
    REQUIRES_NO_SPINLOCK();
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        const u32 *count;
        u32 now;

        if (cpu == cpu_id())
            continue;
        count = &per_cpu(unflushed, cpu);
        now = __atomic_load_n(count, __ATOMIC_ACQUIRE);
        while (now & 1 && __atomic_load_n(count, __ATOMIC_ACQUIRE) == now)
            cpu_wait();
    }
}

static void flush_local(const struct change *c)
{
    if (c->naddrs > TLB_ADDRS) {
        mm_count(tlb_flush_full);
        arch_flush_user_all();
        return;
    }
    if (c->naddrs == 1)
        mm_count(tlb_flush_page);
    else
        mm_count(tlb_flush_range);
    for (u32 i = 0; i < c->naddrs; i++)
        arch_flush_page(c->addrs[i]);
}

/* [start, end) that holds all noted addresses; 0, 0 for everything. */
static void hull(const struct change *c, vaddr_t *start, vaddr_t *end)
{
    *start = *end = 0;
    if (c->naddrs > TLB_ADDRS)
        return;
    *start = *end = c->addrs[0];
    for (u32 i = 1; i < c->naddrs; i++) {
        *start = MIN(*start, c->addrs[i]);
        *end = MAX(*end, c->addrs[i]);
    }
    *end += PAGE_SIZE;
}

void change_count(struct change *c)
{
    s64 anon = c->resident[RESIDENT_ANON], file = c->resident[RESIDENT_FILE];
    s64 shmem = c->resident[RESIDENT_SHMEM];
    struct mm *mm = c->mm;

    if (anon + file + shmem < 0) { /* the most there ever was is seen when it gets less */
        u64 now = mm_rss_near(mm);

        if (now > mm->hiwater_rss)
            mm->hiwater_rss = now;
    }
    if (anon)
        mm_add_resident(mm, RESIDENT_ANON, anon);
    if (file)
        mm_add_resident(mm, RESIDENT_FILE, file);
    if (shmem)
        mm_add_resident(mm, RESIDENT_SHMEM, shmem);
    c->words[0] = c->words[1] = 0;
}

void change_free_any(struct change *c, struct page *pg)
{
    if (c->npages == TLB_PAGES)
        change_flush(c);
    c->pages[c->npages++] = pg;
}

void change_free_other(struct change *c, struct page *pg, pfn_t pfn)
{
    if (page_chain_other(pg, (u32)pfn, &c->chain))
        return;
    if (!c->dying)
        change_free_any(c, pg);
    else if (__atomic_sub_fetch(&pg->refs, 1, __ATOMIC_ACQ_REL) == 0)
        page_free_last(pg);
}

void change_flush(struct change *c)
{
    if (change_counts(c))
        change_count(c);
    if (c->naddrs && c->mm) {
        u64 self = 1ull << cpu_id(), cpus;

        /* Who is not seen in `cpus` after this loads the address space after the change. */
        if (cpu_own.mm == c->mm)
            flush_local(c); /* serialises */
        else
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
        cpus = READ_ONCE(c->mm->cpus);
        if (unlikely(cpus & ~self)) {
            vaddr_t start, end;

            hull(c, &start, &end);
            mm_count(tlb_flush_remote);
            arch_shootdown(c->mm, cpus & ~self, start, end);
        }
    }
    if (c->naddrs)
        change_settled();
    c->naddrs = 0;
    for (u32 i = 0; i < c->npages; i++) {
        struct page *pg = c->pages[i];

        if (pg->type == PAGE_KERNEL) /* a former table */
            page_free_table(pg);
        else if (pg->type == PAGE_TABLE) /* one that others have as well */
            pt_leave(pg);
        else
            page_put(pg);
    }
    c->npages = 0;
    if (change_frees(c))
        page_free_chain(&c->chain);
}
