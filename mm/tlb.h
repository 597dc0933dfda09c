/* SPDX-License-Identifier: MIT
 *
 * Gathering of TLB flushes: changes are noted, one flush per call tells every CPU that has
 * the address space loaded, and only then frames and tables are freed.
 *
 * A batch serves one address space at a time. Truncate walks several: it holds the object's
 * lock, which keeps each of them alive (a VMA is unlinked, under that lock, only after its
 * translations are gone), and switches the batch between them.
 */
#pragma once

#include "lib/pause.h"
#include "mm/mm.h"
#include "mm/page.h"
#include "mm/stat.h"

#define TLB_ADDRS 32u /* more changes than this flush the whole address space */
#define TLB_PAGES 60u

struct tlb_batch {
    struct mm *mm;
    u32 naddrs; /* TLB_ADDRS + 1: all */
    u32 npages;
    vaddr_t addrs[TLB_ADDRS];
    struct page *pages[TLB_PAGES]; /* to free after the flush */
};

/* Use only through a pointer to an uninitialised struct: the arrays need no clearing. */
static inline void tlb_begin(struct tlb_batch *b, struct mm *mm)
{
    b->mm = mm;
    b->naddrs = 0;
    b->npages = 0;
}

/* Flushes what is noted and frees the pages. The batch is empty afterwards. */
void tlb_flush(struct tlb_batch *b);

/* A live translation at va was changed or removed. */
static inline void tlb_change(struct tlb_batch *b, vaddr_t va)
{
    if (likely(b->naddrs < TLB_ADDRS))
        b->addrs[b->naddrs++] = va;
    else
        b->naddrs = TLB_ADDRS + 1;
}

/* Whether everything will be flushed anyway: no need to note more. */
static inline bool tlb_all(const struct tlb_batch *b)
{
    return b->naddrs > TLB_ADDRS;
}

/* Many were. */
static inline void tlb_change_all(struct tlb_batch *b)
{
    b->naddrs = TLB_ADDRS + 1;
}

/* Frees pg after the flush: gives back a reference of an ANON or OBJECT page, or frees a
 * PAGE_KERNEL one (a former table). */
static inline void tlb_free(struct tlb_batch *b, struct page *pg)
{
    if (unlikely(b->npages == TLB_PAGES))
        tlb_flush(b);
    b->pages[b->npages++] = pg;
}

/* Pauses when it is time, as pause_anyway(). Flushes first: others must not find by a stale
 * translation what may be freed meanwhile. */
static inline void tlb_pause(struct tlb_batch *b)
{
    pause_check();
    if (pause_due()) {
        tlb_flush(b);
        pause_now();
    }
}

static inline void tlb_switch(struct tlb_batch *b, struct mm *mm)
{
    if (b->mm != mm) {
        if (b->naddrs)
            tlb_flush(b);
        b->mm = mm;
    }
}

/* The common end of a small call: one address of the loaded address space, nothing to free,
 * no other CPU. False: tlb_flush decides. */
static inline bool tlb_flush_one(const struct tlb_batch *b)
{
    if (b->naddrs != 1 || b->npages || cpu_self()->mm != b->mm ||
        __atomic_load_n(&b->mm->cpus, __ATOMIC_SEQ_CST) != 1ull << cpu_id())
        return false;
    mm_count(tlb_flush_page);
    arch_flush_page(b->addrs[0]);
    return true;
}

static inline void tlb_end(struct tlb_batch *b)
{
    if (b->naddrs | b->npages) {
        if (!tlb_flush_one(b))
            tlb_flush(b);
    }
}
