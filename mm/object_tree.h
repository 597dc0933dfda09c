/* SPDX-License-Identifier: MIT
 *
 * What the files of mm/ that walk an object share: iteration over the VMAs whose home range
 * meets a range of file pages, and the last step of a page's life. O held.
 */
#pragma once

#include "mm/object.h"
#include "mm/vma.h"

/* Made by the fallocate call under way: taken back when that fails. */
#define PG_FRESH 2u

struct vma *object_first_vma(const struct vm_object *o, pgoff_t first, pgoff_t last);
struct vma *object_next_vma(const struct vma *v, pgoff_t first, pgoff_t last);

/* Visits the VMAs of o whose home range meets [first, last). */
#define object_for_each_vma(v, o, first, last) \
    for (v = object_first_vma(o, first, last); v; v = object_next_vma(v, first, last))

/* The page has left the index and has no translation: drops its hints and its name. The
 * object's reference is now the caller's. */
void object_forget_page(struct page *pg);

/* fallocate: takes back the pages of [first, last) marked PG_FRESH, or clears the mark. */
void object_unallocate(struct vm_object *o, pgoff_t first, pgoff_t last);
void object_keep_fresh(struct vm_object *o, pgoff_t first, pgoff_t last);
