/* SPDX-License-Identifier: MIT
 *
 * Leaf tables that several address spaces have since a fork.
 *
 * A leaf table wholly in private anonymous memory is not copied by fork but lent: the entry of
 * level 1 that leads to it (its way) loses its write permission in parent and child, so that
 * nobody writes to what it shows, whatever its own entries permit; `holders` in its descriptor
 * counts the address spaces that have it. A shared table never changes, except that its entries
 * lose their write permission when a copy of them is made. Who wants to change it, be it
 * by a fault, makes it its own: gets a copy, or, when it is the last holder, takes it as it is.
 * A page of a table that several have counts one reference for it.
 *
 * No page of an object is in a shared table and no VMA of an object lies over one, so no reverse
 * map leads to it. Calls that take away a part of the range of one, or place an object there, make
 * it their own first, where they may still fail; who takes all of the range only leaves it.
 *
 * mprotect uses the same: where all that a table shows loses the right to write, its way does, and the
 * table counts one holder; its entries keep what they permit until the way permits it again or the table
 * becomes its owner's own by another change, which narrows them first.
 *
 * Locks: ways change under T of the leaf table and M in any mode, to lend under M exclusively.
 * A holder has left when its count is given back, which is after the flush of its ways: from then
 * on the others may change what its CPUs could still find by them.
 */
#pragma once

#include "mm/table/change.h"
#include "mm/table/mm_types.h"

/* Makes the leaf table over va, which exists, mm's own: the table; NULL: no memory. M held. */
struct page *lend_own(struct mm *mm, vaddr_t va);

/* The same for all leaf tables over [start, end), which may be missing; 0 or -ENOMEM: some may be
 * its own, which nobody can see. M exclusive; pauses. */
int must_check lend_own_range(struct mm *mm, vaddr_t start, vaddr_t end);

int must_check lend_own_both_ends(struct mm *mm, vaddr_t start, vaddr_t end);

/* The same for those that reach beyond the range only, and for their away numbers, which tables
 * share by themselves (mm/vm/away.h). */
static inline int must_check lend_own_ends(struct mm *mm, vaddr_t start, vaddr_t end)
{
    return likely(!mm->lent) ? 0 : lend_own_both_ends(mm, start, end);
}

/* Whether no table over [start, end) is shared. M held. */
bool lend_none(const struct mm *mm, vaddr_t start, vaddr_t end);

/* fork: the child gets `leaf`, the parent's table over va, as well. 1: done; 0: it must be copied;
 * -ENOMEM. M of both exclusive. */
int must_check lend_to_child(struct mm *parent, struct mm *child, vaddr_t va,
                             struct page *leaf, struct change *c);

/* The right to write goes from, or (widen) comes back to, all of private anonymous memory that
 * `leaf` over va shows, when its VMA has the new rights already. True: done; false: entry by
 * entry it must be done. M exclusive. */
bool must_check lend_narrow(struct mm *mm, vaddr_t va, struct page *leaf,
                            struct change *c);
void lend_widen(struct mm *mm, vaddr_t va, struct page *leaf);

/* mm, c's address space, loses all that `leaf` over va shows, and the table unless it is its
 * only holder: whether. M exclusive. */
bool lend_give_back(struct change *c, vaddr_t va, struct page *leaf);
