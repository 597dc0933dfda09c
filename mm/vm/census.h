/* SPDX-License-Identifier: MIT
 *
 * How often a page of an object is shown, at a price that does not grow with the number of
 * times it is asked: see mm/vm/census.c.
 */
#pragma once

#include "mm/vm/object.h"

/* Translations that show pg. O held, but given up for pauses when there are many: the caller
 * keeps object and page. */
u64 census_count(struct page *pg);

#define CENSUS_BYTES 256u /* of each 64 pages */

/* Frees what was kept of all objects. */
void census_drop(void);

/* Frees what was kept. O held, or nobody else has the object. */
void census_forget(struct vm_object *o);
