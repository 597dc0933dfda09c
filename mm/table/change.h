/* SPDX-License-Identifier: MIT
 *
 * A change under way: which translations of an address space are to be flushed, which pages
 * are to be freed then, by how much its resident counts move. Slots fill it in (mm/vm/slot.h);
 * the end of the call settles it: one flush tells every CPU that has the address space loaded,
 * and only then frames and tables are freed.
 *
 * It serves one address space at a time. Truncate walks several: it holds the object's lock,
 * which keeps each of them alive (a VMA is unlinked, under that lock, only after its
 * translations are gone), and switches between them.
 */
#pragma once

#include "lib/assert.h"
#include "lib/pause.h"
#include "mm/phys/page.h"
#include "mm/phys/stat.h"
#include "mm/table/mm_types.h"

/* More changes than this flush the whole address space: an INVLPG costs about 150 cycles, a load of
 * CR3 250 and the walks for what is used again (some 30 each, from cached tables). */
#define TLB_ADDRS 8u
#define TLB_PAGES 60u /* tables and shared pages freed by one flush */

/* Between a change under T and its flush another CPU may take T, find the entry empty or as it
 * wants it, and note nothing, though stale translations of it are still about: its own call would
 * be over too early. So a table has a stamp: the CPU that changed it last, and a count of that
 * CPU which is odd while it has something to flush. Who takes T looks: a stamp of another CPU
 * that is still the CPU's count means that the flush is to come, so this call flushes too. */
#define STAMP_COUNT_BITS 26u
#define STAMP_COUNT      ((1u << STAMP_COUNT_BITS) - 1)
STATIC_ASSERT(MAX_CPUS <= 1u << (32 - STAMP_COUNT_BITS));

DECLARE_PER_CPU(u32, unflushed); /* odd: this CPU has noted what it has not flushed */

/* Waits until what other CPUs have noted up to now is flushed. Not with what they wait for
 * held: no spinlock. */
void change_wait_for_others(void);

struct change {
    struct mm *mm;
    u32 naddrs; /* TLB_ADDRS + 1: all */
    u32 npages;
    struct page_chain chain; /* pages to free that nobody else has */
    u32 dying; /* nobody will load the address space again: shared pages need no flush */
    union {
        s32 resident[RESIDENT_KINDS + 1]; /* how the counts move */
        u64 words[2];
    };
    vaddr_t addrs[TLB_ADDRS + 1];  /* the last is never read */
    struct page *pages[TLB_PAGES]; /* others to free after the flush */
};

STATIC_ASSERT(RESIDENT_KINDS == 3);

/* Use only through a pointer to an uninitialised struct: the arrays need no clearing. */
static inline void change_begin(struct change *c, struct mm *mm)
{
    c->mm = mm;
    c->naddrs = 0;
    c->npages = 0;
    c->chain = (struct page_chain){0};
    c->dying = false;
    c->words[0] = c->words[1] = 0;
}

/* For a change of one slot whose counts move at once: nothing but its address can be noted,
 * and change_noted() says whether it was; flushing it is the caller's. */
static inline void change_begin_one(struct change *c)
{
    c->naddrs = 0;
}

static inline bool change_noted(const struct change *c)
{
    return c->naddrs != 0;
}

/* Settles what there is so far: counts, flush, pages. */
void change_flush(struct change *c);
/* The counts of it. */
void change_count(struct change *c);

static inline bool change_counts(const struct change *c)
{
    return c->words[0] | c->words[1];
}

/* A live translation at va was changed or removed. */
static inline void change_note(struct change *c, vaddr_t va)
{
    u32 n = c->naddrs;

    if (n > TLB_ADDRS) /* everything will be flushed anyway */
        return;
    c->addrs[n] = va;
    c->naddrs = n + 1;
}

/* Many were. */
static inline void change_note_all(struct change *c)
{
    c->naddrs = TLB_ADDRS + 1;
}

/* Before T of a table is given up in which this CPU has noted something; after change_pending() or
 * change_look(): this stamp hides the one before it. */
static inline void change_stamp(struct page *table)
{
    u32 count = this_cpu(unflushed) | 1;

    this_cpu(unflushed) = count;
    table->stamp = cpu_id() << STAMP_COUNT_BITS | count;
}

/* The same if the change has noted something. */
static inline void change_mark(const struct change *c, struct page *table)
{
    if (c->naddrs)
        change_stamp(table);
}

/* Whether another CPU has noted something in the table that it has not flushed yet. T held. */
static inline bool change_pending(const struct page *table)
{
    u32 stamp = table->stamp, cpu = stamp >> STAMP_COUNT_BITS;

    return unlikely(cpu != cpu_id()) && stamp & 1 && cpu < cpu_count &&
           READ_ONCE(per_cpu(unflushed, cpu)) == (stamp & STAMP_COUNT);
}

/* After T of a table was taken by a call that has its entries changed when it returns. */
static inline void change_look(struct change *c, const struct page *table)
{
    if (change_pending(table))
        change_note_all(c);
}

/* Both, of a change that has noted something in the table. */
static inline void change_look_and_mark(struct change *c, struct page *table)
{
    u32 count = this_cpu(unflushed) | 1, stamp = cpu_id() << STAMP_COUNT_BITS | count;

    if (unlikely((table->stamp ^ stamp) >> STAMP_COUNT_BITS))
        change_look(c, table);
    this_cpu(unflushed) = count;
    table->stamp = stamp;
}

/* This CPU has flushed what it noted. */
static inline void change_settled(void)
{
    u32 count = this_cpu(unflushed);

    __atomic_store_n(this_cpu_ptr(unflushed), (count + (count & 1)) & STAMP_COUNT,
                     __ATOMIC_RELEASE);
}

/* Frees pg after the flush: gives back a reference of an ANON or OBJECT page, frees a
 * PAGE_KERNEL one (a former table), or leaves a shared TABLE. */
void change_free_any(struct change *c, struct page *pg);

/* The same of an ANON or OBJECT page, whose frame is pfn. */
void change_free_other(struct change *c, struct page *pg, pfn_t pfn);

/* The same if it is of that type, a constant, and nobody else has it. */
static always_inline bool change_free_own(struct change *c, struct page *pg, pfn_t pfn,
                                          enum page_type type)
{
    return page_chain(pg, (u32)pfn, type, &c->chain);
}

static always_inline void change_free(struct change *c, struct page *pg, pfn_t pfn,
                                      enum page_type type)
{
    if (unlikely(!change_free_own(c, pg, pfn, type)))
        change_free_other(c, pg, pfn);
}

/* Pauses when it is time, as pause_anyway(). Flushes first: others must not find by a stale
 * translation what may be freed meanwhile. */
static inline void change_pause(struct change *c)
{
    pause_check();
    if (pause_due()) {
        change_flush(c);
        pause_now();
    }
}

/* Before a part of the change that pauses by itself. */
static inline void change_before_pauses(struct change *c)
{
    if (unlikely(change_noted(c)))
        change_flush(c);
}

/* What this CPU has noted is flushed: only then it passes, or waits for others. */
static inline bool change_is_settled(void)
{
    return !(this_cpu(unflushed) & 1);
}

static inline void change_switch(struct change *c, struct mm *mm)
{
    if (c->mm != mm) {
        if (c->naddrs || change_counts(c))
            change_flush(c);
        c->mm = mm;
    }
}

/* The common end of a small call: one address of mm, which is loaded, is all that is noted.
 * False: another CPU has it loaded as well, change_flush() tells it. */
static inline bool change_flush_address(const struct mm *mm, vaddr_t va)
{
    /* First the flush: it serialises, so that a CPU whose bit is not seen below loads the
     * address space after the entry was changed. */
    arch_flush_page(va);
    if (unlikely(READ_ONCE(mm->cpus) != 1ull << cpu_id()))
        return false;
    mm_count(tlb_flush_page);
    return true;
}

static inline bool change_frees(const struct change *c)
{
    return (c->chain.pages | c->chain.others) != 0;
}

static inline bool change_flush_one(const struct change *c)
{
    if (c->naddrs != 1 || c->npages || change_frees(c) || cpu_own.mm != c->mm ||
        !change_flush_address(c->mm, c->addrs[0]))
        return false;
    change_settled();
    return true;
}

static inline void change_end(struct change *c)
{
    if (change_counts(c))
        change_count(c);
    if (c->naddrs | c->npages | change_frees(c)) {
        if (!change_flush_one(c))
            change_flush(c);
    }
}

/* The end of a change of mm that change_begin_one() began. */
static inline void change_end_one(struct change *c, struct mm *mm)
{
    u32 naddrs = c->naddrs;

    change_begin(c, mm);
    c->naddrs = naddrs;
    change_end(c);
}
