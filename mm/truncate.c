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

/* Zeroes bytes [from, to) of the resident page with this number (counted in pages of the
 * object): aliases see it at once. */
static void zero_part(struct vm_object *o, pgoff_t number, u64 from, u64 to)
{
    struct page *pg = index_get(&o->pages, (u32)(number << o->order));

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
    if (o->order && size % (PAGE_SIZE << o->order))
        return -EINVAL;
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
    u64 size = PAGE_SIZE << o->order;
    unsigned shift = PAGE_SHIFT + o->order;
    pgoff_t first = (start + size - 1) >> shift, last = end >> shift;

    if (start >= end || start >= OBJECT_MAX_SIZE)
        return;
    last = MIN(last, OBJECT_MAX_PAGES >> o->order);
    spin_lock(&o->lock);
    if (start >> shift == end >> shift) {
        zero_part(o, start >> shift, start % size, end % size);
    } else {
        if (start % size)
            zero_part(o, start >> shift, start % size, size);
        if (end % size && end >> shift < OBJECT_MAX_PAGES >> o->order)
            zero_part(o, end >> shift, 0, end % size);
        if (first < last)
            remove_pages(o, first << o->order, last << o->order, false);
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
            remove_pages(o, number, (pgoff_t)number + (1ul << o->order), false);
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
