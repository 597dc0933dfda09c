/* SPDX-License-Identifier: MIT
 *
 * Populating: mapping pages before they are touched, table by table where they are in memory
 * already, by faults where they are not. For MAP_POPULATE, mlock and remap_file_pages.
 */
#include "mm/op/populate.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/op/fault.h"
#include "mm/op/mm.h"
#include "mm/vm/object_tree.h"

/* The same for small pages, n from entry i on, none of which is away: leaf by leaf of the index. */
static bool populate_homes(struct vma *v, struct page *table, unsigned i, unsigned n,
                           pgoff_t pgoff, pte_t rights, struct tally *t)
{
    REQUIRES(&table->lock);
    pgoff_t end = object_npages(v->object);
    bool missing = false;

    for (unsigned run; n && pgoff < end; n -= run, i += run, pgoff += run) {
        struct index_node *node = index_leaf(&v->object->pages, object_number(pgoff));

        run = (unsigned)MIN(MIN((u64)n, INDEX_SLOTS - pgoff % INDEX_SLOTS), end - pgoff);
        if (!node) {
            missing = true;
            continue;
        }
        spin_lock(&node->lock);
        missing |= slot_show_homes(pt_entries(table) + i,
                                   node->slot + pgoff % INDEX_SLOTS, run, rights, t);
        spin_unlock(&node->lock);
    }
    return missing || n;
}

/* Shows the pages of a shared object in [va, next), under one table, in the entries that are empty.
 * Returns whether some entry still is; not `all`: ends at the first that is in use or stays empty. */
static always_inline bool populate_slots(struct vma *v, struct page *table, vaddr_t va,
                                         vaddr_t next, pte_t rights, bool all,
                                         struct tally *t, unsigned order)
{
    REQUIRES(&table->lock);
    struct object_cursor cursor = object_cursor(v->object);
    pte_t *e = pt_entries(table) + slot_index(va, order);
    bool missing = false;

    for (unsigned i = slot_index(va, order); va < next;
         i++, e++, va += slot_size(order)) {
        struct page *pg;

        if (pte_load(e)) {
            if (!all)
                break;
            continue;
        }
        pg = object_cursor_get(&cursor, slot_offset(table, i, v, va));
        if (!pg || !slot_show(NULL, e, va, 0, pg, rights, slot_number(table, i), t)) {
            missing = true;
            if (!all)
                break;
        }
    }
    object_cursor_release(&cursor);
    return missing;
}

/* Maps the resident pages of a shared object in [va, next), under one table. Returns whether
 * some entry is still empty. */
static always_inline bool populate_shared(struct vma *v, struct page *table, vaddr_t va,
                                          vaddr_t next, unsigned order)
{
    REQUIRES(&v->mm->lock);
    pte_t rights = v->rights;
    struct tally t = {0, 0};
    struct change c;
    bool missing;

    change_begin(&c, v->mm);
    spin_lock(&table->lock);
    if (order == 0 && slot_all_home(table))
        missing = populate_homes(v, table, slot_index(va, 0), slot_count(va, next, 0),
                                 vma_home(v, va), rights, &t);
    else
        missing = populate_slots(v, table, va, next, rights, true, &t, order);
    slot_settle(&c, table, &t, RESIDENT_SHMEM, order);
    spin_unlock(&table->lock);
    object_changed(v->object);
    change_end(&c);
    return missing;
}

void fault_around(struct vma *v, struct slot s, vaddr_t va, const struct index_node *node,
                  struct tally *tally)
{
    REQUIRES(&s.table->lock);
    REQUIRES(&node->lock);

    bool shared = vma_kind(v) == VMA_SHARED;
    pte_t rights = shared ? v->rights : v->rights & ~PTE_WRITE;
    pgoff_t pgoff = vma_home(v, va), end = object_npages(v->object);
    u64 room = MIN((v->end - va) >> PAGE_SHIFT, INDEX_SLOTS - pgoff % INDEX_SLOTS);
    /* Who comes from the page before walks, and gets what one leaf of the index holds. */
    unsigned block = s.i && pte_load(s.entry - 1) ? INDEX_SLOTS : FAULT_AROUND;
    unsigned n = (unsigned)MIN(MIN(room, block - s.i % block), end - pgoff);

    if (unlikely(end < pgoff ||
                 end - pgoff < 2)) /* or truncate has lowered the size meanwhile */
        return;
    if (unlikely(!slot_all_home(s.table))) /* up to the first that is away */
        for (unsigned k = 1; k < n; k++)
            if (slot_number(s.table, s.i + k))
                n = k;
    (void)slot_show_homes(s.entry + 1, node->slot + pgoff % INDEX_SLOTS + 1, n - 1,
                          rights, tally);
}

/* Who walks through arranged windows on the running CPU, and how far he has come. */
struct walk {
    vaddr_t next;    /* the block he would touch next */
    unsigned blocks; /* before that */
};
static DEFINE_PER_CPU(struct walk, walk);

void fault_around_away(struct vma *v, struct slot s, vaddr_t va)
{
    REQUIRES(&s.table->lock);
    vaddr_t end = va + INDEX_SLOTS * PAGE_SIZE;
    struct walk *w = this_cpu_ptr(walk);
    struct tally t = {0, 0};

    w->blocks = va == w->next ? w->blocks + 1 : 0;
    w->next = end;
    if (w->blocks < AWAY_WALK || (v->flags & VM_BY_FAULT))
        return;
    (void)populate_slots(v, s.table, va + PAGE_SIZE, MIN(end, v->end), v->rights, false,
                         &t, 0);
    slot_settle_one(v->mm, false, s.table, &t, RESIDENT_SHMEM, 0);
}

/* One VMA's part of a populate. */
static enum fault_result populate_vma(struct mm *mm, struct vma *v, vaddr_t start,
                                      vaddr_t end)
{
    bool shared = vma_kind(v) == VMA_SHARED;
    u32 access = !shared && (v->flags & VM_WRITE) ? FAULT_WRITE : FAULT_READ;
    unsigned order = vma_order(v);
    u64 size = slot_size(order);

    if (!vma_allows(v, access) || fault_key_denies(v, access & FAULT_WRITE))
        return FAULT_ACCERR;
    for (vaddr_t va = start & ~(size - 1), next; va < end; va = next) {
        struct slot s = slot_make(mm, va, order);

        next = MIN((va | (pt_table_span(slot_level(order)) - 1)) + 1, end);
        if (unlikely(shared && object_has_logs(v->object)))
            next = MIN(next, va + LOGGED_RUN * size);
        if (!s.table)
            return FAULT_OOM;
        if (pause_point())
            return FAULT_OK; /* it will not be looked at any more */
        if (shared && !(v->flags & VM_BY_FAULT) &&
            !SLOT_CALL(v, populate_shared, v, s.table, va, next))
            continue;
        for (; va < next; va += size, s.entry++) {
            pte_t pte = pte_load(s.entry);
            enum fault_result result;

            if (pte_present(pte) && (pte_writable(pte) || !(access & FAULT_WRITE)))
                continue;
            result = fault_locked(mm, v, va, access);
            if (result != FAULT_OK)
                return result;
            if (pause_point())
                return FAULT_OK;
        }
    }
    return FAULT_OK;
}

void fault_map_resident(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);

    if (vma_kind(v) != VMA_SHARED || !vma_allows(v, FAULT_READ) ||
        (v->flags & VM_BY_FAULT))
        return;
    for (vaddr_t va = start, next; va < end; va = next) {
        struct slot s = slot_make(v->mm, va, order);

        next = MIN((va | (pt_table_span(slot_level(order)) - 1)) + 1, end);
        if (!s.table || pause_point())
            return;
        (void)SLOT_CALL(v, populate_shared, v, s.table, va, next);
    }
}

enum fault_result fault_populate(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        enum fault_result result =
            populate_vma(mm, v, MAX(v->start, start), MIN(v->end, end));

        if (result != FAULT_OK || pause_point())
            return result;
    }
    return FAULT_OK;
}
