/* SPDX-License-Identifier: MIT
 *
 * Taking file pages away: shrink and hole punch. The order is what makes it safe against
 * faults, reads and remaps: lower the size (or mark the page), remove the home translations
 * range by range and the others page by page, flush, and only then free. The object's lock
 * is held throughout; a fault commits under the same lock after checking the size again.
 */
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/backlink.h"
#include "mm/object_tree.h"
#include "mm/rmap.h"

/* Zeroes bytes [from, to) of the resident page at pgoff: aliases see it at once. */
static void zero_part(struct vm_object *o, pgoff_t pgoff, u64 from, u64 to)
{
    struct page *pg = index_get(&o->pages, (u32)pgoff);

    if (pg)
        memset((char *)page_to_virt(pg) + from, 0, to - from);
}

/* Frees the pages [first, last) once nothing maps them. O held. */
static void remove_pages(struct vm_object *o, pgoff_t first, pgoff_t last, bool cows)
{
    void *pages[INDEX_SLOTS];
    struct tlb_batch batch;
    u32 number = (u32)first;
    unsigned n;

    tlb_begin(&batch, NULL);
    rmap_unmap_homes(o, first, last, cows, &batch);
    while ((n = index_take(&o->pages, &number, last, pages)) != 0) {
        for (unsigned i = 0; i < n; i++) {
            struct page *pg = pages[i];

            pg->flags |= PG_LEAVING;
            rmap_unmap_away(pg, &batch);
            object_forget_page(pg);
            tlb_free(&batch, pg); /* the object's reference, after the flush */
        }
    }
    tlb_end(&batch);
}

int object_resize(struct vm_object *o, u64 size)
{
    if (size > OBJECT_MAX_SIZE)
        return -EFBIG;
    spin_lock(&o->lock);
    if (size < o->size) {
        pgoff_t first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;

        o->size = size;
        remove_pages(o, first, OBJECT_MAX_PAGES, true);
        if (size % PAGE_SIZE)
            zero_part(o, size >> PAGE_SHIFT, size % PAGE_SIZE, PAGE_SIZE);
    } else {
        o->size = size;
    }
    spin_unlock(&o->lock);
    return 0;
}

void object_punch(struct vm_object *o, u64 start, u64 end)
{
    pgoff_t first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

    if (start >= end || start >= OBJECT_MAX_SIZE)
        return;
    last = MIN(last, OBJECT_MAX_PAGES);
    spin_lock(&o->lock);
    if (start >> PAGE_SHIFT == end >> PAGE_SHIFT) {
        zero_part(o, start >> PAGE_SHIFT, start % PAGE_SIZE, end % PAGE_SIZE);
    } else {
        if (start % PAGE_SIZE)
            zero_part(o, start >> PAGE_SHIFT, start % PAGE_SIZE, PAGE_SIZE);
        if (end % PAGE_SIZE && end >> PAGE_SHIFT < OBJECT_MAX_PAGES)
            zero_part(o, end >> PAGE_SHIFT, 0, end % PAGE_SIZE);
        if (first < last)
            remove_pages(o, first, last, false);
    }
    spin_unlock(&o->lock);
}

void object_unallocate(struct vm_object *o, pgoff_t first, pgoff_t last)
{
    u32 number = (u32)first;
    struct page *pg;

    /* One by one: between them may stand pages that were there before. */
    spin_lock(&o->lock);
    while ((pg = index_next(&o->pages, &number)) != NULL && number < last) {
        if (pg->flags & PG_FRESH)
            remove_pages(o, number, (pgoff_t)number + 1, false);
        number++;
    }
    spin_unlock(&o->lock);
}

void object_keep_fresh(struct vm_object *o, pgoff_t first, pgoff_t last)
{
    u32 number = (u32)first;
    struct page *pg;

    spin_lock(&o->lock);
    while ((pg = index_next(&o->pages, &number)) != NULL && number < last) {
        pg->flags &= (u16)~PG_FRESH;
        number++;
    }
    spin_unlock(&o->lock);
}
