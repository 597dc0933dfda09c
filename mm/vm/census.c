/* SPDX-License-Identifier: MIT
 *
 * How often the pages of an object are shown, for /proc. Nobody counts it when translations come and go.
 * One page that few can show is counted when it is asked for. For who asks for many, all pages are counted by
 * one look at each slot of the object's mappings, if those are not many more; else 64 at once by their
 * hints, and so where many aliases or mappings would have to be visited again for each slot that shows a
 * page. The numbers are kept with the object while no translation of it comes or goes: who adds or drops
 * one clears `counted` after that. It was set before the count looked at that slot, under the table's
 * lock, so a change that the count missed is a change that clears it.
 */
#include "mm/vm/census.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/phys/slab.h"
#include "mm/vm/backrun.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot.h"

#define FEW_VMAS  8u
#define LOST_MANY 4u /* times: who changes the arrangement meanwhile goes on doing so */

static spinlock_t census_lock; /* below O; the list of objects that keep one */
static struct list keepers = LIST_INIT(keepers);
const struct index census_none;

SLAB_CACHE(block_cache, "census", struct census_block);

/* Frees the blocks of a census that o has no more, as many as it had pages: O is given up for
 * pauses. */
static void free_blocks(struct vm_object *o, struct index *census)
{
    void *blocks[INDEX_SLOTS];
    u32 number = 0;
    unsigned n;

    while ((n = index_take(census, &number, ~0u, blocks, NULL)) != 0) {
        for (unsigned i = 0; i < n; i++)
            slab_free(&block_cache, blocks[i]);
        if (o->refs == 0)
            pause_anyway();
        else
            (void)pause_unlocked(&o->lock);
    }
}

/* What o has counted is the caller's to free, and counts under way are worthless. */
static struct index take_away(struct vm_object *o)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    struct index census = o->census;

    WRITE_ONCE(o->counted, false);
    o->count_round++;
    if (!census.count)
        return census_none;
    o->census = census_none;
    if (!object_settle_records(o))
        panic("a census that is gone does not fit");
    spin_lock(&census_lock);
    list_del(&o->censuses);
    spin_unlock(&census_lock);
    return census;
}

void census_forget(struct vm_object *o)
{
    struct index old = take_away(o);

    free_blocks(o, &old);
}

struct count {
    struct vm_object *o;
    pgoff_t first; /* file page of n[0] */
    u32 *n;
    struct page *pg; /* whose hints are visited */
};

/* An entry of a mapping of c->o, at home. */
static inline void count_entry(struct count *c, const struct page *table, unsigned i)
{
    REQUIRES(&table->lock);
    pte_t pte = pte_load(pt_entries(table) + i);
    const struct page *pg = pte_present(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;

    if (pg && pg->type == PAGE_OBJECT && pg->object == c->o && !slot_number(table, i))
        c->n[(pg->index - c->first) >> c->o->order]++;
}

/* O is given up for pauses. */
static void count_homes(struct count *c, pgoff_t last)
{
    REQUIRES(&c->o->lock);
    struct object_walk walk = {c->o, false};
    struct vma *v;

    object_for_each_vma (v, c->o, c->first, last) {
        pgoff_t low = MAX(c->first, v->pgoff), high = MIN(last, v->pgoff + vma_npages(v));
        vaddr_t start = v->start + ((low - v->pgoff) << PAGE_SHIFT);
        vaddr_t end = v->start + ((high - v->pgoff) << PAGE_SHIFT);
        unsigned order = vma_order(v);
        struct page *table;

        pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
        {
            unsigned i = slot_index(va, order), stop = i + slot_count(va, next, order);

            spin_lock(&table->lock);
            for (; i < stop && table->present; i++)
                count_entry(c, table, i);
            spin_unlock(&table->lock);
        }
        if (pause_due())
            object_walk_pause_now(&walk);
    }
    object_walk_end(&walk);
}

static void count_hint(u64 key, void *arg)
{
    struct count *c = arg;
    struct page *table = phys_to_page(key << 3);

    if (!backlink_live(c->pg, key))
        return;
    spin_lock(&table->lock);
    if (backlink_live(c->pg, key) && slot_number(table, (unsigned)(key % PT_ENTRIES)))
        c->n[(c->pg->index - c->first) >> c->o->order]++;
    spin_unlock(&table->lock);
}

#define COPIED 64u

/* The hints of pages of one leaf that have few: copied under N, looked at without. Whether some
 * have many. */
static bool count_inline_hints(struct count *c, struct index_node *leaf)
{
    REQUIRES(&c->o->lock);
    u64 keys[COPIED];
    struct page *pages[COPIED];
    bool logs = false;

    for (unsigned i = 0, n; i < INDEX_SLOTS;) {
        spin_lock(&leaf->lock);
        for (n = 0; i < INDEX_SLOTS && n <= COPIED - BACKLINKS_INLINE; i++) {
            struct page *pg = leaf->slot[i];

            if (!pg)
                continue;
            if (pg->flags & PG_LOG) {
                logs = true;
                continue;
            }
            for (unsigned s = 0; s < BACKLINKS_INLINE && backlink_inline(pg, s); s++) {
                pages[n] = pg;
                keys[n++] = backlink_inline(pg, s);
            }
        }
        spin_unlock(&leaf->lock);
        for (unsigned k = 0; k < n; k++) {
            c->pg = pages[k];
            count_hint(keys[k], c);
        }
    }
    return logs;
}

/* O is given up for pauses. */
static void count_hints(struct count *c)
{
    REQUIRES(&c->o->lock);
    struct index_node *leaf = index_leaf(&c->o->pages, object_number(c->first));
    bool plain = leaf && !c->o->order && !backrun_any(leaf);

    if (plain && !count_inline_hints(c, leaf))
        return;
    for (unsigned i = 0; i < INDEX_SLOTS; i++) {
        u32 number = object_number(c->first + ((pgoff_t)i << c->o->order));
        struct page *pg = plain ? leaf->slot[i] : index_get(&c->o->pages, number);
        u64 at = 0;

        if (!pg || (plain ? !(pg->flags & PG_LOG) : !backlink_hinted(pg)))
            continue;
        c->pg = pg;
        page_get(pg); /* its descriptor stays its own */
        while (backlink_visit_copy(pg, &at, count_hint, c)) {
            if (pause_unlocked(&c->o->lock))
                plain = false; /* the leaf may be another */
            if (pg->object != c->o)
                break;
        }
        page_put(pg);
    }
}

/* A count begins; its round, for still_counted(). */
static u32 count_begin(struct vm_object *o)
{
    REQUIRES(&o->lock);
    struct index old = READ_ONCE(o->counted) ? census_none : take_away(o);
    u32 round = o->count_round;

    WRITE_ONCE(o->counted, true);
    free_blocks(o, &old);
    return round;
}

/* Whether nothing has changed since; another count that began meanwhile may have set `counted` again. */
static bool still_counted(const struct vm_object *o, u32 round)
{
    REQUIRES(&o->lock);
    return READ_ONCE(o->counted) && o->count_round == round;
}

/* What stands in the census now is to be found by census_drop(), and paid for. */
static void kept(struct vm_object *o)
{
    REQUIRES(&o->lock);
    spin_lock(&census_lock);
    if (list_empty(&o->censuses))
        list_add(&keepers, &o->censuses);
    spin_unlock(&census_lock);
    if (!object_settle_records(o)) /* its payer has no room for it */
        census_forget(o);
}

static noinline struct census_block *block_make(struct index *census, u32 number)
{
    struct census_block *block = slab_alloc(&block_cache);

    if (block && index_set(census, number, block) != 0) {
        slab_free(&block_cache, block);
        return NULL;
    }
    return block ? memset(block, 0, sizeof(*block)) : NULL;
}

/* Counts the 64 pages of a block and keeps the numbers, if there is memory and nothing has
 * changed meanwhile. */
static void count_block(struct vm_object *o, u32 number, u32 out[INDEX_SLOTS])
{
    REQUIRES(&o->lock);
    pgoff_t first = (pgoff_t)number * INDEX_SLOTS << o->order;
    struct count c = {o, first, out, NULL};
    struct census_block *keep;
    u32 round = count_begin(o);

    memset(out, 0, sizeof(keep->n));
    count_homes(&c, first + ((pgoff_t)INDEX_SLOTS << o->order));
    count_hints(&c);
    if (still_counted(o, round) && !index_get(&o->census, number) &&
        (keep = block_make(&o->census, number)) != NULL) {
        memcpy(keep->n, out, sizeof(keep->n));
        kept(o);
    }
}

/* ---- all pages at once, by a look at each slot of the mappings ---- */

#define ALL_SLOTS 16u /* for each page that is asked for */
#define ALL_VMAS  256u

static bool all_pays(const struct vm_object *o, u64 asked)
{
    REQUIRES(&o->lock);
    u64 slots = 0, most = asked * ALL_SLOTS;
    const struct vma *v;

    if (asked < INDEX_SLOTS || o->nvmas > ALL_VMAS)
        return false;
    object_for_each_vma (v, o, 0, ~0ul) {
        slots += vma_npages(v) >> o->order;
        if (slots > most)
            return false;
    }
    return true;
}

/* What the entries [i, stop) of a table show of o. False: no memory. */
static always_inline bool count_slots(const struct vm_object *o, const struct page *table,
                                      unsigned i, unsigned stop, struct index *census,
                                      unsigned order)
{
    const pte_t *e = pt_entries(table) + i, *end = e + (stop - i);
    struct census_block *block = NULL;
    u32 at = CENSUS_NONE; /* whose block that is */

    for (; e < end; e++) {
        pte_t pte = pte_load(e);
        const struct page *pg = pfn_to_page(pte_pfn(pte));
        u32 number;

        if (!pte_present(pte) || unlikely(pg->type != PAGE_OBJECT) ||
            unlikely(pg->object != o))
            continue;
        number = pg->index >> order;
        if (number / INDEX_SLOTS != at) {
            at = number / INDEX_SLOTS;
            block = index_get(census, at);
            if (unlikely(!block) && !(block = block_make(census, at)))
                return false;
        }
        block->n[number % INDEX_SLOTS]++;
    }
    return true;
}

/* Counts all pages of o and keeps the numbers. False: no memory, or something has changed
 * meanwhile. O is given up for pauses. */
static bool count_all(struct vm_object *o)
{
    REQUIRES(&o->lock);
    struct object_walk walk = {o, false};
    struct index fresh = {NULL, 0, 0}, old;
    u32 round = count_begin(o);
    bool good = true;
    struct vma *v;

    object_for_each_vma (v, o, 0, ~0ul) {
        unsigned order = vma_order(v);
        struct page *table;

        pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
        {
            unsigned i = slot_index(va, order);

            if (!good)
                break;
            spin_lock(&table->lock);
            if (table->present)
                good = SLOT_CALL(v, count_slots, o, table, i,
                                 i + slot_count(va, next, order), &fresh);
            spin_unlock(&table->lock);
            if (pause_due())
                object_walk_pause_now(&walk); /* v stays as it is */
        }
    }
    object_walk_end(&walk);
    good = good && still_counted(o, round);
    if (good) {
        old = o->census;
        o->census = fresh;
        fresh = old;
        kept(o);
    }
    free_blocks(o, &fresh);
    return good && still_counted(o, round); /* not if there was no room, or by now */
}

/* One that keeps a census and is not ending, referenced; NULL: none. */
static struct vm_object *keeper(void)
{
    SCOPED_LOCK(&census_lock);
    struct list *pos;

    list_for_each (pos, &keepers)
        if (object_tryget(list_entry(pos, struct vm_object, censuses)))
            return list_entry(pos, struct vm_object, censuses);
    return NULL;
}

void census_drop(void)
{
    struct vm_object *o;

    while (!pause_point() && (o = keeper())) {
        spin_lock(&o->lock);
        census_forget(o);
        spin_unlock(&o->lock);
        object_put(o);
    }
}

u64 census_look(struct census *c, struct page *pg)
{
    REQUIRES(&pg->object->lock);
    struct vm_object *o = pg->object;
    u32 number = pg->index >> o->order, i = number % INDEX_SLOTS;
    const struct census_block *kept = NULL;

    c->n = c->own;
    c->block = CENSUS_NONE;
    if (READ_ONCE(o->counted))
        kept = index_get(&o->census, number / INDEX_SLOTS);
    else
        c->lost++;
    if (kept) {
        c->n = kept->n;
        c->block = number / INDEX_SLOTS;
        return c->n[i];
    }
    page_get(pg); /* counting may pause */
    if (all_pays(o, c->asked) && c->lost <= LOST_MANY && count_all(o) &&
        pg->object == o) {
        kept = index_get(&o->census, number / INDEX_SLOTS);
        page_put(pg);
        c->asked = 0; /* once is enough */
        census_take(c, o);
        return kept ? kept->n[i] : 0;
    }
    if (!(pg->flags & PG_LOG) && o->nvmas <= FEW_VMAS && c->lost > LOST_MANY) {
        c->own[i] = (u32)rmap_count(pg);
    } else {
        count_block(o, number / INDEX_SLOTS, c->own);
        c->block = number / INDEX_SLOTS;
    }
    page_put(pg);
    return c->own[i];
}

u64 census_count(struct page *pg)
{
    struct census c;

    census_begin(&c, 1);
    c.lost = LOST_MANY + 1; /* none of the others will be asked for */
    return census_look(&c, pg);
}
