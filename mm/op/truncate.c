/* SPDX-License-Identifier: MIT
 *
 * Taking file pages away: shrink and hole punch. The order is what makes it safe against
 * faults, reads and remaps: lower the size, take a run of pages out of the index, remove the
 * home translations range by range and the others page by page, flush, and only then free. Where
 * much is cut off, all translations behind the new end go first, table by table: none is added
 * there, for who shows a page looks at the size under the table's lock.
 *
 * The object's lock is held for a run, but faults and remaps do not take it. They find a page
 * in a leaf of the index and show it under that leaf's lock (N), inside the table's (T): so
 * either before the page is taken out, and then the walk over the tables, each under T, finds
 * the translation; or they find a hole, which is filled under the object's lock, after the
 * size was looked at again. A frame is reused only after a grace period: who dropped a
 * translation meanwhile flushes later than the walk that found the slot empty
 * (tests/models/truncate.pml). The callers keep the object from growing meanwhile.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/zap.h"
#include "mm/vm/backrun.h"
#include "mm/vm/huge.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot.h"

/* Zeroes bytes [from, to) of the resident page with this number (counted in pages of the
 * object): aliases see it at once. */
static void zero_part(struct vm_object *o, pgoff_t number, u64 from, u64 to)
{
    REQUIRES(&o->lock);
    struct page *pg = index_get(&o->pages, object_number(number << o->order));

    if (pg)
        memset((char *)page_to_virt(pg) + from, 0, to - from);
}

/* Pages of this many numbers go at a time. */
#define TRUNCATE_RUN 512u

/* Which leaf of such a run the page stands in. */
static inline unsigned run_row(const struct page *pg)
{
    return pg->index / INDEX_SLOTS % (TRUNCATE_RUN / INDEX_SLOTS);
}

/* Frees the resident pages of [first, last), a run of numbers, once nothing maps them. */
static void remove_run(struct vm_object *o, u32 first, pgoff_t last, u32 copies,
                       struct change *b)
{
    REQUIRES(&o->lock);
    struct object_walk walk = {o, false};
    u32 number = first, leaving[TRUNCATE_RUN]; /* frames */
    u64 runs[TRUNCATE_RUN / INDEX_SLOTS][INDEX_WORDS], words[INDEX_WORDS];
    void *pages[INDEX_SLOTS];
    unsigned n, total = 0, rows = 0; /* rows: a bit for each leaf with runs */

    while ((n = index_take(&o->pages, &number, last, pages, words)) != 0) {
        if (words[0]) {
            unsigned row = run_row(pages[0]);

            memcpy(runs[row], words, sizeof(words));
            rows |= 1u << row;
        }
        for (unsigned i = 0; i < n; i++) {
            const struct page *pg = pages[i];

            if (unlikely(o->order) && huge_ops)
                huge_ops->gone(o, pg->index);
            leaving[total++] = (u32)page_to_pfn(pg);
        }
        object_uncount(o, n);
    }
    rmap_unmap_homes(&walk, first, last, copies, b);
    for (unsigned i = 0; i < total; i++) {
        struct page *pg = pfn_to_page(leaving[i]);
        bool run = rows && rows >> run_row(pg) & 1;

        if (run || backlink_any(pg))
            rmap_unmap_away(&walk, pg, run ? runs[run_row(pg)] : NULL, b);
        object_forget_page(pg);
        /* The object's reference, after the flush. */
        change_free(b, pg, leaving[i], PAGE_OBJECT);
    }
    object_changed(o);
    object_walk_end(&walk);
}

/* The same when nothing maps them any more. */
static void remove_unmapped(struct vm_object *o, u32 number, pgoff_t last,
                            struct change *b)
{
    REQUIRES(&o->lock);
    void *pages[INDEX_SLOTS];
    unsigned n;

    while ((n = index_take(&o->pages, &number, last, pages, NULL)) != 0) {
        for (unsigned i = 0; i < n; i++) {
            struct page *pg = pages[i];

            if (unlikely(o->order) && huge_ops)
                huge_ops->gone(o, pg->index);
            object_forget_page(pg);
            change_free(b, pg, page_to_pfn(pg), PAGE_OBJECT);
        }
        object_uncount(o, n);
    }
}

/* What the pages from `first` on are shown by is found page by page, by their hints, or by a look at
 * each slot of the mappings: a page costs about as much as this many slots. */
#define PAGE_IN_SLOTS 4u
#define UNMAP_MIN     INDEX_SLOTS /* pages: fewer are not worth the question */
#define UNMAP_COUNT   (1ul << 18) /* and more are not counted, */
#define UNMAP_NODES   6000u /* nor in more nodes: where pages lie thinly it does not pay */

static bool unmap_all_pays(const struct vm_object *o, pgoff_t first)
{
    REQUIRES(&o->lock);
    u64 pages, slots = 0;
    const struct vma *v;

    if (o->pages.count < UNMAP_MIN)
        return false;
    pages = index_count_from(&o->pages, object_number(first), UNMAP_COUNT, UNMAP_NODES);
    if (pages < UNMAP_MIN)
        return false;
    object_for_each_vma (v, o, 0, ~0ul) {
        slots += MAX(vma_npages(v) >> o->order, PT_ENTRIES);
        if (slots > pages * PAGE_IN_SLOTS)
            return false;
    }
    return true;
}

/* Removes the translations of the pages from `first` on, where the object ends, if that is cheaper
 * for all of them at once; whether it was. */
static bool unmap_all(struct vm_object *o, pgoff_t first, struct change *b)
{
    REQUIRES(&o->lock);
    struct object_walk walk = {o, false};

    if (!unmap_all_pays(o, first))
        return false;
    rmap_unmap_beyond(&walk, first, b);
    object_changed(o);
    object_walk_end(&walk);
    return true;
}

/* Those of the pages that left. */
static void free_logs(struct vm_object *o)
{
    while (unlikely(o->dead_logs) && backlink_free_part(o))
        (void)pause_unlocked(&o->lock);
}

/* Frees the pages [first, last) run by run. Between two runs O may be given up for a pause: a
 * run is either as it was or all gone. copies: DROP_COPIES at the object's end, 0 in it. */
static void remove_pages(struct vm_object *o, pgoff_t first, pgoff_t last, u32 copies)
{
    REQUIRES(&o->lock);
    struct change batch;
    u32 number = object_number(first);
    bool unmapped;

    change_begin(&batch, NULL);
    unmapped = copies && unmap_all(o, first, &batch);
    if (first < last && (first | (TRUNCATE_RUN - 1)) >= last - 1) {
        remove_run(o, number, last, copies, &batch); /* one run: nothing to look for */
        first = last;
    }
    while (first < last && index_next(&o->pages, &number) && number < last) {
        pgoff_t end = MIN((pgoff_t)(number | (TRUNCATE_RUN - 1)) + 1, last);

        if (unmapped)
            remove_unmapped(o, number, end, &batch);
        else
            remove_run(o, number, end, copies, &batch);
        if (end >= last)
            break;
        number = (u32)end;
        if (pause_due()) {
            change_flush(&batch);
            (void)pause_unlocked(&o->lock);
        }
    }
    change_end(&batch);
    free_logs(o);
}

/* Removes the copies that private mappings made of pages from `first` on, which the object
 * does not know: run by run as well. */
static void remove_copies(struct vm_object *o, pgoff_t first)
{
    REQUIRES(&o->lock);
    struct change batch;

    change_begin(&batch, NULL);
    while (o->nprivate && rmap_next_home(o, &first, &batch)) {
        pgoff_t end = (first | (TRUNCATE_RUN - 1)) + 1;
        struct object_walk walk = {o, false};

        rmap_unmap_homes(&walk, first, end, DROP_COPIES, &batch);
        object_walk_end(&walk);
        object_changed(o);
        first = end;
        if (pause_due()) {
            change_flush(&batch);
            (void)pause_unlocked(&o->lock);
        }
    }
    change_end(&batch);
}

/* As on Linux a hole takes the promise of what is in it, the end of a file that of all beyond. */
static void unpromise(struct vm_object *o, pgoff_t first, pgoff_t last, bool there)
{
    if (o->order && huge_ops)
        huge_ops->unreserve(o, first, last, there);
}

int object_truncate(struct vm_object *o, u64 size)
{
    if (size > OBJECT_MAX_SIZE)
        return -EFBIG;
    if (o->order && size % (PAGE_SIZE << o->order))
        return -EINVAL;
    spin_lock(&o->lock);
    if (size <= o->size) { /* equal: what was allocated beyond the end goes */
        pgoff_t first = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;

        WRITE_ONCE(o->size, size);
        /* Before the walks over tables: a private write fault looks at the size after it has
         * its table's lock. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (size % PAGE_SIZE)
            zero_part(o, size >> PAGE_SHIFT, size % PAGE_SIZE, PAGE_SIZE);
        remove_copies(o, first);
        remove_pages(o, first, OBJECT_MAX_PAGES, DROP_COPIES);
        unpromise(o, first, OBJECT_MAX_PAGES, false);
    } else {
        WRITE_ONCE(o->size, size);
    }
    spin_unlock(&o->lock);
    change_wait_for_others();
    return 0;
}

/* The commonest hole, one small page: what many need in between is left out. */
static inline void punch_page(struct vm_object *o, pgoff_t first)
{
    struct object_walk walk = {o, false};
    u64 runs[INDEX_WORDS];
    struct change c;
    struct page *pg;

    spin_lock(&o->lock);
    pg = index_take_one(&o->pages, object_number(first), runs);
    if (pg) {
        object_uncount(o, 1);
        change_begin(&c, NULL);
        rmap_unmap_page(&walk, pg, runs[0] ? runs : NULL, &c);
        object_forget_page(pg);
        change_free(&c, pg, page_to_pfn(pg), PAGE_OBJECT);
        object_changed(o);
        object_walk_end(&walk);
        change_end(&c);
        free_logs(o);
    } else { /* somebody else may be about to take away what showed it */
        remove_pages(o, first, first + 1, 0);
    }
    spin_unlock(&o->lock);
    change_wait_for_others();
}

static noinline void punch_range(struct vm_object *o, u64 start, u64 end)
{
    u64 size = PAGE_SIZE << o->order;
    unsigned shift = PAGE_SHIFT + o->order;
    pgoff_t first = (start + size - 1) >> shift, last = end >> shift;

    last = MIN(last, OBJECT_MAX_PAGES >> o->order);
    spin_lock(&o->lock);
    if (start >> shift == end >> shift) {
        zero_part(o, start >> shift, start % size, end % size);
    } else {
        if (start % size)
            zero_part(o, start >> shift, start % size, size);
        if (end % size && end >> shift < OBJECT_MAX_PAGES >> o->order)
            zero_part(o, end >> shift, 0, end % size);
        if (first < last) {
            unpromise(o, first << o->order, last << o->order, true);
            remove_pages(o, first << o->order, last << o->order, 0);
        }
    }
    spin_unlock(&o->lock);
    change_wait_for_others();
}

void object_punch(struct vm_object *o, u64 start, u64 end)
{
    if (start >= end || start >= OBJECT_MAX_SIZE)
        return;
    if (likely(!o->order) && start % PAGE_SIZE == 0 && end - start == PAGE_SIZE)
        punch_page(o, start >> PAGE_SHIFT);
    else
        punch_range(o, start, end);
}

void object_unallocate(struct vm_object *o, pgoff_t first, pgoff_t last)
{
    u32 number = object_number(first);
    struct page *pg;

    /* One by one: between them may stand pages that were there before. */
    spin_lock(&o->lock);
    while ((pg = index_next(&o->pages, &number)) != NULL && number < last) {
        if (pg->flags & PG_FRESH)
            remove_pages(o, number, (pgoff_t)number + (1ul << o->order), 0);
        number++;
        (void)pause_unlocked(&o->lock);
    }
    spin_unlock(&o->lock);
}

void object_keep_fresh(struct vm_object *o, pgoff_t first, pgoff_t last)
{
    u32 number = object_number(first);
    struct page *pg;

    spin_lock(&o->lock);
    while ((pg = index_next(&o->pages, &number)) != NULL && number < last) {
        spin_lock(object_node_lock(pg));
        pg->flags &= (u16)~PG_FRESH;
        spin_unlock(object_node_lock(pg));
        number++;
        (void)pause_unlocked(&o->lock);
    }
    spin_unlock(&o->lock);
}
