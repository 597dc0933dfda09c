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

/* Who asks for many pages of one object. */
struct census {
    u32 block;    /* the pages of n: number / INDEX_SLOTS; CENSUS_NONE */
    u32 lost;     /* times that a change has made worthless what was kept */
    const u32 *n; /* kept with the object, or own */
    u32 own[INDEX_SLOTS];
};
#define CENSUS_NONE ~0u

/* O is or was given up: what was found is forgotten. */
static inline void census_reset(struct census *c)
{
    c->block = CENSUS_NONE;
}

static inline void census_begin(struct census *c)
{
    c->lost = 0;
    census_reset(c);
}

u64 census_look(struct census *c, struct page *pg);

/* The same, pages near pg being asked for as well. */
static inline u64 census_ask(struct census *c, struct page *pg)
{
    REQUIRES(&pg->object->lock);
    u32 number = pg->index >> pg->object->order;

    return number / INDEX_SLOTS == c->block ? c->n[number % INDEX_SLOTS]
                                            : census_look(c, pg);
}

#define CENSUS_BYTES 256u /* of each 64 pages */

/* Frees what was kept of all objects. */
void census_drop(void);

/* Frees what was kept. O held, or nobody else has the object. */
void census_forget(struct vm_object *o);
