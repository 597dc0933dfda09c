/* SPDX-License-Identifier: MIT
 *
 * See state.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/lock.h"
#include "lib/string.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "mm/vm/backlink.h"
#include "mm/vm/slot.h"
#include "tests/host/harness.h"
#include "tests/host/state.h"

struct dump {
    struct state *s;
    u32 leave_out;
};

static void add(struct state *s, const char *fmt, ...) printf_like(2, 3);
static void add(struct state *s, const char *fmt, ...)
{
    va_list ap;

    ASSERT(s->n < STATE_LINES);
    va_start(ap, fmt);
    vsnprintf(s->line[s->n++].text, sizeof(s->line[0].text), fmt, ap);
    va_end(ap);
}

static u64 content(const struct page *pg)
{
    const u64 *p = page_to_virt(pg);
    u64 h = 0;

    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        h = (h ^ p[i]) * 0x9e3779b97f4a7c15ull;
    return h;
}

/* Numbers without a table. */
static void dump_numbers(struct dump *d, const struct mm *mm, vaddr_t va)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++, va += PAGE_SIZE)
        if (slot_number_alone(mm, va))
            add(d->s, "  %lx away %u", va, slot_number_alone(mm, va) - 1);
}

/* A table of level 0 or 1. */
static void dump_table(struct dump *d, const struct page *leaf)
{
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        pte_t pte = pte_load(pt_entries(leaf) + i);

        if (slot_number(leaf, i))
            add(d->s, "  %lx away %u", pt_address(leaf, i), slot_number(leaf, i) - 1);
        if (leaf->level && pte_numbers(pte)) {
            dump_numbers(d, leaf->mm, pt_address(leaf, i));
            continue;
        }
        if (leaf->level && pte_present(pte) && !pte_large(pte))
            continue;
        if (!pte || (d->leave_out & STATE_NO_PTES))
            continue;
        if ((d->leave_out & STATE_NO_WRITE) || leaf->holders)
            pte &= ~PTE_WRITE; /* nobody writes by a shared table */
        add(d->s, "  %lx pte %llx refs %u content %llx", pt_address(leaf, i),
            (unsigned long long)pte,
            pfn_to_page(pte_any_pfn(pte))->refs + MAX(leaf->holders, 1u) - 1,
            (unsigned long long)content(pfn_to_page(pte_any_pfn(pte))));
    }
}

static void dump_mm(struct dump *d, struct mm *mm)
{
    SCOPED_LOCK_SHARED(&mm->lock);
    const struct vma *v;
    struct page *leaf;

    add(d->s, "mm: vmas %u brk %lx def %x refs %u", mm->nvmas, mm->brk, mm->def_flags,
        mm->refs);
    add(d->s, " total %llu locked %llu data %llu stack %llu",
        (unsigned long long)mm->total_vm, (unsigned long long)mm->locked_vm,
        (unsigned long long)mm->data_vm, (unsigned long long)mm->stack_vm);
    if (!(d->leave_out & STATE_NO_PTES))
        add(d->s, " anon %llu file %llu shmem %llu",
            (unsigned long long)mm_resident(mm, RESIDENT_ANON),
            (unsigned long long)mm_resident(mm, RESIDENT_FILE),
            (unsigned long long)mm_resident(mm, RESIDENT_SHMEM));
    if (!(d->leave_out & STATE_NO_TABLES))
        add(d->s, " tables %llu", (unsigned long long)mm->tables);
    vma_for_each (v, mm)
        add(d->s, " vma %lx-%lx flags %x pgoff %llx object %p", v->start, v->end,
            v->flags, (unsigned long long)v->pgoff, (void *)v->object);
    for (unsigned level = 0; level <= 1; level++)
        pt_for_each_table(mm, level, 0, USER_END, va, next, leaf)
        {
            (void)next;
            dump_table(d, leaf);
        }
}

static void dump_object(struct dump *d, struct vm_object *o, unsigned k)
{
    struct page *pg;
    u32 number = 0;

    add(d->s, "object %u: size %llu refs %u vmas %u writable %u", k,
        (unsigned long long)o->size, o->refs, o->nvmas, o->shared_writable);
    for (; (pg = index_next(&o->pages, &number)) != NULL; number++) {
        if ((d->leave_out & STATE_NO_FILL) && content(pg) == 0)
            continue;
        add(d->s, " page %u frame %llx refs %u flags %x content %llx", number,
            (unsigned long long)page_to_pfn(pg), pg->refs, pg->flags & ~4u,
            (unsigned long long)content(pg));
    }
}

static void dump_cache(const struct slab_cache *c, void *arg)
{
    struct dump *d = arg;

    add(d->s, "slab %s: objects %llu slabs %llu", c->name, (unsigned long long)c->objects,
        (unsigned long long)c->slabs);
}

void state_take(struct state *s, struct vm_object *const *o, unsigned n, u32 leave_out)
{
    struct dump d = {s, leave_out};

    s->n = 0;
    for (struct mm *mm = mm_after(NULL); mm; mm = mm_after(mm))
        dump_mm(&d, mm);
    for (unsigned i = 0; i < n; i++)
        dump_object(&d, o[i], i);
    if (leave_out & (STATE_NO_TABLES | STATE_NO_FILL | STATE_NO_PTES))
        return;
    add(s, "free pages %llu", (unsigned long long)page_count_free());
    add(s, "away %llu backlink logs %llu", (unsigned long long)away_bytes(),
        (unsigned long long)backlink_bytes());
    slab_for_each(dump_cache, &d);
}

void state_compare(const struct state *before, const struct state *after,
                   const char *what, u64 nth)
{
    for (u32 i = 0; i < MAX(before->n, after->n); i++) {
        const char *a = i < before->n ? before->line[i].text : "(end)";
        const char *b = i < after->n ? after->line[i].text : "(end)";

        if (strcmp(a, b) != 0)
            FAIL("%s, allocation %llu fails: before \"%s\", after \"%s\"", what,
                 (unsigned long long)nth, a, b);
    }
}
