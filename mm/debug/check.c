/* SPDX-License-Identifier: MIT
 *
 * Checks everything that must hold about an address space and the frames, from the outside:
 * it trusts no counter that it can recompute.
 */
#include "mm/debug/check.h"
#include "lib/lock.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/vm/backlink.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot.h"

#define CHECK(cond, ...)                     \
    do {                                     \
        if (unlikely(!(cond)))               \
            panic("mm_check: " __VA_ARGS__); \
    } while (0)

struct totals {
    u64 anon, file, shmem, tables, lent, pages, data, stack, locked, nvmas;
};

/* VMAs are ordered, disjoint, whole pages, inside the user half, and merged. */
static void check_vmas(struct mm *mm, struct totals *t)
{
    struct vma *v, *prev = NULL;

    vma_for_each (v, mm) {
        u64 n = vma_npages(v);

        CHECK(v->mm == mm, "VMA of another address space");
        CHECK(v->prev == prev && (prev ? prev->next == v : v == vma_first(mm)),
              "neighbours of the VMA at %lx", v->start);
        CHECK(v->rights == vma_translation(v->flags), "rights of VMA %lx", v->start);
        CHECK(v->start < v->end && v->end <= USER_END, "VMA bounds %lx-%lx", v->start,
              v->end);
        CHECK(!((v->start | v->end) % PAGE_SIZE), "VMA %lx not whole pages", v->start);
        CHECK(!prev || prev->end <= v->start, "VMAs overlap at %lx", v->start);
        CHECK(!((v->start | v->end | v->pgoff << PAGE_SHIFT) % vma_page_size(v)) &&
                  !(vma_order(v) && (v->flags & VM_LOCKED)),
              "VMA of large pages at %lx", v->start);
        CHECK(!v->object || v->object->order == vma_order(v),
              "object of other pages at %lx", v->start);
        CHECK(v->object || v->pgoff == v->start >> PAGE_SHIFT, "anonymous home at %lx",
              v->start);
        CHECK(v->object || !(v->flags & VM_SHARED), "shared VMA without object %lx",
              v->start);
        t->pages += n;
        t->nvmas++;
        if (v->flags & VM_GROWSDOWN)
            t->stack += n;
        else if ((v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
            t->data += n;
        if (v->flags & VM_LOCKED)
            t->locked += n;
        prev = v;
    }
}

static bool hint_found;
static u64 hint_wanted;

static void look_for_hint(u64 key, void *arg)
{
    (void)arg;
    hint_found |= key == hint_wanted;
}

static void check_hint(const struct page *pg, const struct page *table, unsigned i,
                       vaddr_t va)
{
    SCOPED_LOCK(&pg->object->lock);
    u64 at = 0;

    hint_found = false;
    hint_wanted = backlink_key(pt_entries(table) + i);
    while (backlink_visit_copy(pg, &at, look_for_hint, NULL))
        continue;
    CHECK(hint_found, "no backlink for the away translation at %lx", va);
}

/* Invariants 3, 4, 5: what an object's translation at va must be. */
static void check_object_entry(struct vma *v, struct page *table, unsigned i, vaddr_t va,
                               pte_t pte)
{
    struct page *pg = pfn_to_page(pte_pfn(pte));

    CHECK(pg->type == PAGE_OBJECT, "page of type %d shown at %lx", pg->type, va);
    CHECK(pg->object == v->object, "page of another object at %lx", va);
    CHECK(pg->index == slot_offset_now(table, i, v, va),
          "%lx shows file page %u, not %llu", va, pg->index,
          (unsigned long long)slot_offset_now(table, i, v, va));
    if (READ_ONCE(v->object->walks)) /* a truncate has paused between the two */
        return;
    CHECK(pg->index < object_npages(v->object), "page beyond the end at %lx", va);
    CHECK(index_get(&v->object->pages, pg->index) == pg, "page not in its object at %lx",
          va);
    if (slot_number(table, i))
        check_hint(pg, table, i, va);
}

/* Whether it shows the page of zeros. */
static bool check_entry(struct mm *mm, struct page *table, unsigned i, struct totals *t)
{
    vaddr_t va = pt_address(table, i);
    pte_t pte = pte_load(pt_entries(table) + i);
    struct vma *v = vma_find(mm, va);
    struct page *pg = pfn_to_page(pte_any_pfn(pte));
    u64 size;
    u32 prot;

    CHECK(v && v->start <= va && slot_level(vma_order(v)) == table->level,
          "translation without VMA at %lx", va);
    CHECK(!table->holders || vma_kind(v) == VMA_ANON, "table shared under %lx", va);
    CHECK(pg->order == vma_order(v) && page_to_pfn(pg) % (1ul << pg->order) == 0,
          "page of another size at %lx", va);
    size = 1ul << pg->order;
    prot = v->flags & VM_PROT;
    if (pte_parked(pte)) {
        CHECK(vma_kind(v) != VMA_SHARED && pg->type == PAGE_ANON, "parked entry at %lx",
              va);
        t->anon += size;
        return pg == zero_page;
    }
    CHECK(pte_present(pte) && pte_user(pte) && pte_large(pte) == (pg->order != 0),
          "strange entry %llx at %lx", (unsigned long long)pte, va);
    CHECK(prot, "translation without rights at %lx", va);
    CHECK(!pte_writable(pte) || (prot & VM_WRITE) || table->holders,
          "writable beyond the VMA at %lx", va);
    CHECK(pte_key(pte) == vma_key(v), "key %u at %lx", pte_key(pte), va);
    CHECK(!pte_nx_mask || pte_executable(pte) == !!(prot & VM_EXEC), "exec right at %lx",
          va);
    switch (vma_kind(v)) {
    case VMA_SHARED:
        check_object_entry(v, table, i, va, pte);
        t->shmem += size;
        break;
    case VMA_PRIVATE:
        if (pg->type == PAGE_OBJECT) {
            check_object_entry(v, table, i, va, pte);
            CHECK(!pte_writable(pte), "private mapping writes the file at %lx", va);
            t->file += size;
            break;
        }
        /* fallthrough */
    case VMA_ANON:
        if (pg == zero_page) {
            CHECK(!pte_writable(pte), "writable zero page at %lx", va);
            break;
        }
        CHECK(pg->type == PAGE_ANON && pg->refs > 0, "private page at %lx", va);
        CHECK(!pte_writable(pte) || pg->refs == 1, "shared page writable at %lx", va);
        t->anon += size;
        break;
    }
    return pg == zero_page;
}

/* The away number of va, in a table of this level. */
static void check_number(struct mm *mm, vaddr_t va, u32 number, unsigned level)
{
    struct vma *v = vma_find(mm, va);
    pgoff_t pgoff;

    CHECK(v && v->start <= va && vma_kind(v) == VMA_SHARED &&
              slot_level(vma_order(v)) == level,
          "away outside shared memory at %lx", va);
    pgoff = slot_number_page(number, v, va);
    CHECK(pgoff != vma_home(v, va) && pgoff % (1u << vma_order(v)) == 0,
          "away number %u at %lx", number, va);
}

/* The away numbers of one table. */
static void check_numbers(struct mm *mm, struct page *table)
{
    u32 naway = 0;

    for (unsigned i = 0; !slot_all_home(table) && i < PT_ENTRIES; i++) {
        u32 number = slot_number(table, i);

        if (!number)
            continue;
        naway++;
        check_number(mm, pt_address(table, i), number, table->level);
    }
    CHECK(naway == table->naway && (naway || slot_all_home(table)), "away count at %lx",
          pt_address(table, 0));
}

/* Those of an array without a table. */
static void check_array(struct mm *mm, vaddr_t va, u32 count)
{
    u32 naway = 0;

    for (unsigned i = 0; i < PT_ENTRIES; i++, va += PAGE_SIZE) {
        u32 number = slot_number_alone(mm, va);

        if (!number)
            continue;
        naway++;
        check_number(mm, va, number, 0);
    }
    CHECK(naway == count, "away count before %lx", va);
}

static void check_tables(struct mm *mm, struct page *table, unsigned level,
                         struct totals *t);

/* The entry of an upper level that leads to a table of `level`. */
static void check_way(struct mm *mm, pte_t e, unsigned level, struct totals *t)
{
    struct page *table = pfn_to_page(pte_pfn(e));

    CHECK(pte_writable(e) == !table->holders, "way to a table with %u holders",
          table->holders);
    check_tables(mm, table, level, t);
}

static void check_tables(struct mm *mm, struct page *table, unsigned level,
                         struct totals *t)
{
    unsigned entries = level == PT_LEVELS - 1 ? PT_ENTRIES / 2 : PT_ENTRIES;
    u32 present = 0, zeros = 0;

    CHECK(table->type == PAGE_TABLE && table->level == level &&
              table->mm == (table->holders ? NULL : mm),
          "table descriptor");
    CHECK(!table->holders || level == 0, "shared table of level %u", level);
    CHECK(table->pins == 0 && table->present <= PT_ENTRIES && table->naway <= PT_ENTRIES,
          "table of level %u pinned, or counts wrong", level);
    CHECK(level <= 1 || (slot_all_home(table) && !table->naway),
          "away numbers at level %u", level);
    CHECK(!spin_is_locked(&table->lock), "table of level %u locked", level);
    t->tables++;
    t->lent += table->holders || table->frozen;
    CHECK(!table->frozen || !slot_all_home(table), "frozen without numbers");
    if (level <= 1)
        check_numbers(mm, table);
    for (unsigned i = 0; i < entries; i++) {
        pte_t e = pte_load(pt_entries(table) + i);

        if (!e)
            continue;
        present++;
        if (level == 1 && pte_numbers(e)) {
            t->lent++;
            check_array(mm, pt_address(table, i), pte_numbers_count(e));
        } else if (level == 0 || (level == 1 && (!pte_present(e) || pte_large(e))))
            zeros += check_entry(mm, table, i, t);
        else
            check_way(mm, e, level - 1, t);
    }
    CHECK(zeros == table->zeros, "table at %lx counts %u pages of zeros, has %u",
          pt_address(table, 0), table->zeros, zeros);
    CHECK(present == table->present, "table of level %u at %lx counts %u entries, has %u",
          level, pt_address(table, 0), table->present, present);
}

void mm_check(struct mm *mm)
{
    REQUIRES(&mm->lock);
    struct totals t = {0};

    check_vmas(mm, &t);
    check_tables(mm, phys_to_page(mm->root_pa), PT_LEVELS - 1, &t);
    CHECK(t.nvmas == mm->nvmas, "nvmas %u, counted %llu", mm->nvmas,
          (unsigned long long)t.nvmas);
    CHECK(t.pages == mm->total_vm && t.data == mm->data_vm && t.stack == mm->stack_vm &&
              t.locked == mm->locked_vm,
          "page totals");
    CHECK(t.anon == mm_resident(mm, RESIDENT_ANON) &&
              t.file == mm_resident(mm, RESIDENT_FILE) &&
              t.shmem == mm_resident(mm, RESIDENT_SHMEM),
          "resident: anon %llu/%llu file %llu/%llu shmem %llu/%llu",
          (unsigned long long)mm_resident(mm, RESIDENT_ANON), (unsigned long long)t.anon,
          (unsigned long long)mm_resident(mm, RESIDENT_FILE), (unsigned long long)t.file,
          (unsigned long long)mm_resident(mm, RESIDENT_SHMEM),
          (unsigned long long)t.shmem);
    CHECK(t.lent == mm->lent, "lent %u, counted %llu", mm->lent,
          (unsigned long long)t.lent);
    CHECK(t.tables == mm->tables, "tables %llu, counted %llu",
          (unsigned long long)mm->tables, (unsigned long long)t.tables);
}

void mm_check_all(void)
{
    u64 blocks = 0;

    for (struct mm *mm = mm_after(NULL); mm; mm = mm_after(mm)) {
        SCOPED_LOCK_SHARED(&mm->lock);
        mm_check(mm);
    }
    for (unsigned o = 6; o < BUDDY_ORDERS; o++)
        blocks += page_count_order(o) << o;
    CHECK(blocks <= page_count_free() && page_count_free() <= page_count_total(),
          "free pages");
}
