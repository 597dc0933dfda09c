/* SPDX-License-Identifier: MIT
 *
 * Mapping pages before they are touched.
 */
#pragma once

#include "mm/op/fault.h"
#include "mm/vm/slot.h"

/* A fault of v, which has an object, mapped the page at home at va, slot s: maps those in
 * memory that follow it in the same block of FAULT_AROUND pages (where the entry before is in use:
 * of INDEX_SLOTS), up to the first that is away or not in that one's leaf `node` of the index, and
 * counts them in t. Allocates nothing. T and N held. */
#define FAULT_AROUND 16u
void fault_around(struct vma *v, struct slot s, vaddr_t va, const struct index_node *node,
                  struct tally *t);

/* A fault of v showed the page at va, away from home, in the slot s, the first of INDEX_SLOTS. Its neighbours may
 * be pages from anywhere, and who left translations to faults shall get none that he does not need: only
 * for who has come through AWAY_WALK such blocks, one after the other, it maps what follows in
 * this one, at home or away, each by its number, up to what is in use or not in memory. T held. */
#define AWAY_WALK 4u
void fault_around_away(struct vma *v, struct slot s, vaddr_t va);

/* Best effort: maps the pages of [start, end) that are not mapped; mm->lock held. Write
 * access for private writable memory, else read. Returns the first failure or FAULT_OK. */
enum fault_result fault_populate(struct mm *mm, vaddr_t start, vaddr_t end);

/* Best effort: of the part [start, end) of one VMA, maps the pages of its shared object that
 * are in memory. Fills no hole of the object. mm->lock held. */
void fault_map_resident(struct vma *v, vaddr_t start, vaddr_t end);
