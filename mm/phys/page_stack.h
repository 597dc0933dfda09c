/* SPDX-License-Identifier: MIT
 *
 * Each CPU's stack of free single pages. Only the CPU itself touches its stack; the kernel is not
 * preempted and interrupt handlers allocate nothing, so without a lock.
 */
#pragma once

#include "lib/percpu.h"
#include "mm/phys/page.h"

#define STACK_MAX  128u
#define ZEROED_MAX 256u

struct page_stack {
    u32 count, nzeroed;
    u32 drains; /* page_drain_ask() calls that this CPU has seen */
    struct page *pages[STACK_MAX];
    struct page *zeroed[ZEROED_MAX]; /* their memory is all zero */
};
DECLARE_PER_CPU(struct page_stack, page_stack);

/* Fills an empty stack with groups (mm/phys/blocks.h). A page of it, or NULL: no memory. */
struct page *page_stack_refill(struct page_stack *c);

/* Gives pages of the stack back to their groups until `keep` are left. */
void page_stack_spill(struct page_stack *c, u32 keep);

/* Of any CPU; of another one, about so many. */
static inline no_race_check u32 page_stack_count(const struct page_stack *c)
{
    return c->count + c->nzeroed;
}

/* Frees the pages of a chain, which is empty then; nobody has a translation of them any more. */
void page_free_chain(struct page_chain *chain);

/* Frees a page whose memory is all zero, as an empty page table's is: the next who
 * wants PA_ZERO gets it as it is. */
void page_free_zeroed(struct page *pg);

/* Whether every word of the frame is 0; looked at in test builds only. */
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
bool page_is_zeroed(struct page *pg);
#else
static inline bool page_is_zeroed(struct page *pg)
{
    (void)pg;
    return true;
}
#endif

/* Clears a free page of this CPU, when it has nothing else to do, for the next who wants PA_ZERO.
 * False: there are enough, or memory is low. */
bool page_zero_one(void);

/* Gives back all that the running CPU keeps: a few hundred pages at most. */
void page_drain(void);
/* Has every CPU do so with its stack the next time it calls page_drain_if_asked(). */
u32 page_drain_ask(void);
bool page_drain_is_asked(void);
void page_drain_if_asked(void);
/* Whether that CPU has done so since page_drain_ask() returned `mark`. */
bool page_drain_answered(u32 cpu, u32 mark);
