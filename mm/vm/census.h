/* SPDX-License-Identifier: MIT
 *
 * How often a page of an object is shown, at a price that does not grow with the number of
 * times it is asked: see mm/vm/census.c.
 */
#pragma once

#include "lib/lock.h"
#include "mm/vm/object.h"

/* Translations that show pg. O held, but given up for pauses when there are many: the caller
 * keeps the object. */
u64 census_count(struct page *pg);

/* The counts of 64 pages, in the object's census under their number / INDEX_SLOTS. */
struct census_block {
    u32 n[INDEX_SLOTS];
};

/* Who asks for many pages of one object. */
struct census {
    u32 block;                /* the pages of n: number / INDEX_SLOTS; CENSUS_NONE */
    u32 lost;                 /* times that a change has made worthless what was kept */
    u64 asked;                /* about how many pages will be asked for */
    const u32 *n;             /* kept with the object, or own */
    const struct index *kept; /* all that is kept and was good when O was taken */
    u32 own[INDEX_SLOTS];
};
#define CENSUS_NONE ~0u

extern const struct index census_none;

static inline void census_begin(struct census *c, u64 asked)
{
    c->lost = 0;
    c->asked = asked;
}

/* Translations that show pg, others of its object being asked for as well. O held, but given up for
 * pauses. */
u64 census_look(struct census *c, struct page *pg);

/* O has been taken: what is good now is good for all pages that are asked for until it is given up. */
static inline void census_take(struct census *c, const struct vm_object *o)
{
    REQUIRES(&o->lock);
    c->kept = READ_ONCE(o->counted) ? &o->census : &census_none;
    c->block = CENSUS_NONE;
}

/* As census_look(), after census_take(). order: of the object. */
static always_inline u64 census_ask(struct census *c, struct page *pg, unsigned order)
{
    u32 number = pg->index >> order;

    if (number / INDEX_SLOTS != c->block) {
        const struct census_block *block = index_get(c->kept, number / INDEX_SLOTS);

        if (unlikely(!block))
            return census_look(c, pg);
        c->n = block->n;
        c->block = number / INDEX_SLOTS;
    }
    return c->n[number % INDEX_SLOTS];
}

#define CENSUS_BYTES 256u /* of each 64 pages */
STATIC_ASSERT(sizeof(struct census_block) == CENSUS_BYTES);

/* Frees what was kept of all objects. */
void census_drop(void);

/* Frees what was kept. O held, or nobody else has the object. */
void census_forget(struct vm_object *o);
