/* SPDX-License-Identifier: MIT
 *
 * The structures of the memory manager as JSON, read from themselves by their own accessors. Places are
 * frame numbers and addresses of programs, so that the text is the same wherever this runs.
 */
#include "lib/fmt.h"
#include "mm/op/mm.h"
#include "mm/phys/blocks.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "mm/table/pagetable.h"
#include "mm/vm/away.h"
#include "mm/vm/backlink.h"
#include "mm/vm/backrun.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"
#include "tools/explorer/explorer.h"

char ex_text[1u << 20];
static size_t used;

static void printf_like(1, 2) out(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = fmt_vsnprintf(ex_text + used, sizeof(ex_text) - used, fmt, ap);
    va_end(ap);
    used = MIN(used + (size_t)n, sizeof(ex_text) - 1);
}

/* The end of a list: its last comma goes. */
static void out_end(const char *text)
{
    if (used && ex_text[used - 1] == ',')
        used--;
    out("%s", text);
}

/* ---- files ---- */

static int file_number(const struct vm_object *o)
{
    for (u32 i = 0; i < EX_FILES; i++)
        if (o && ex_files[i].object == o)
            return (int)i;
    return o ? (int)EX_FILES : -1; /* memory shared without a name */
}

/* A hint: [frame of the table, index, whether it is alive, whether it is one of a run]. */
static void out_key(const struct page *pg, u64 key, int run)
{
    out("[%llu,%llu,%d,%d],", (unsigned long long)page_to_pfn(phys_to_page(key << 3)),
        (unsigned long long)(key % PT_ENTRIES), backlink_live(pg, key), run);
}

static void out_hint(u64 key, void *arg)
{
    out_key(arg, key, 0);
}

static void out_runs(const struct vm_object *o, const struct page *pg, u32 number)
{
    const struct index_node *leaf = index_leaf(&o->pages, number);

    for (unsigned k = 0; k < ARRAY_SIZE(leaf->word) && leaf->word[k]; k++) {
        u64 key = backrun_at(leaf->word[k], number % INDEX_SLOTS);

        if (key)
            out_key(pg, key, 1);
    }
}

static void out_file(const struct ex_file *f)
{
    const struct page *pg;
    u32 number = 0;

    out("{\"name\":\"%s\",\"pages\":%llu,\"areas\":%u,\"has\":[", f->name,
        (unsigned long long)object_npages(f->object), f->object->nvmas);
    for (; (pg = index_next(&f->object->pages, &number)) != NULL; number++) {
        u64 at = 0;

        out("{\"n\":%u,\"f\":%llu,\"w\":%u,\"pins\":%u,\"log\":%d,\"hints\":[", number,
            (unsigned long long)page_to_pfn(pg), *(u32 *)page_to_virt(pg), pg->refs - 1,
            (pg->flags & PG_LOG) != 0);
        while (backlink_visit_part(pg, &at, out_hint, (void *)(uintptr_t)pg))
            continue;
        out_runs(f->object, pg, number);
        out_end("]},");
    }
    out_end("]},");
}

/* ---- address spaces ---- */

static void out_area(const struct vma *v)
{
    out("{\"s\":\"%lx\",\"e\":\"%lx\",\"home\":%llu,\"flags\":%u,\"file\":%d},",
        (unsigned long)v->start, (unsigned long)v->end, (unsigned long long)v->pgoff,
        v->flags, file_number(v->object));
}

static void out_numbers(const u32 *away)
{
    out("\"away\":[");
    for (unsigned i = 0; away && i < PT_ENTRIES; i++)
        if (away[i])
            out("[%u,%u],", i, away[i] - 1);
    out_end("]");
}

/* Entry i of a table: [i, what, frame, rights]; a page that a program sees, its first word too. */
static void out_entry(unsigned i, pte_t e, unsigned level)
{
    bool page = !level || (level == 1 && pte_large(e));
    u64 frame = pte_any_pfn(e);

    if (pte_numbers(e)) {
        out("[%u,\"n\",%u],", i, pte_numbers_count(e));
        return;
    }
    out("[%u,\"%s\",%llu,%d", i,
        pte_parked(e) ? "k"
        : page        ? "p"
                      : "t",
        (unsigned long long)frame,
        pte_writable(e) | (pte_executable(e) << 1) | (pte_used(e) ? 4 : 0));
    if (page)
        out(",%u", *(u32 *)page_to_virt(pfn_to_page(frame)));
    out("],");
}

/* A table and all below it, the lowest first. */
static void out_tables(const pte_t *entries, u64 frame, unsigned level, vaddr_t base)
{
    const struct page *pg = pfn_to_page(frame);
    unsigned last = level == PT_LEVELS - 1 ? PT_ENTRIES / 2 : PT_ENTRIES;

    for (unsigned i = 0; level && i < last; i++)
        if (pte_present(entries[i]) && !pte_large(entries[i]))
            out_tables(phys_to_virt(entries[i] & PTE_ADDR), pte_pfn(entries[i]),
                       level - 1, base + i * pt_span(level));
    out("{\"f\":%llu,\"level\":%u,\"base\":\"%lx\",\"shared\":%u,\"frozen\":%u,\"naway\":"
        "%u,",
        (unsigned long long)frame, level, (unsigned long)base, level ? 0 : pg->holders,
        level < 2 ? pg->frozen : 0, level < 2 ? pg->naway : 0);
    out_numbers(level < 2 ? pg->away : NULL);
    out(",\"has\":[");
    for (unsigned i = 0; i < last; i++)
        if (entries[i])
            out_entry(i, entries[i], level);
    out_end("]},");
}

static void out_process(u32 p)
{
    struct mm *mm = ex_procs[p];
    const struct rb_node *first = rb_first(&mm->vmas); /* vma_first() would want M */

    out("{\"name\":\"%c\",\"cpus\":%llu,\"areas\":[", 'A' + p,
        (unsigned long long)mm->cpus);
    for (const struct vma *v = first ? container_of(first, struct vma, node) : NULL; v;
         v = v->next)
        out_area(v);
    out_end("],\"tables\":[");
    out_tables(mm->root, mm->root_pa >> PAGE_SHIFT, PT_LEVELS - 1, 0);
    out_end("],\"resident\":[");
    for (unsigned k = 0; k < RESIDENT_KINDS; k++)
        out("%llu,", (unsigned long long)mm_resident(mm, k));
    out_end("],");
    out("\"total\":%llu,\"ntables\":%llu,\"arrays\":%llu,\"lent\":%u,\"seq\":%llu},",
        (unsigned long long)mm->total_vm, (unsigned long long)mm->tables,
        (unsigned long long)mm->aways, mm->lent, (unsigned long long)mm->seq);
}

static void out_cpu(u32 c)
{
    u32 p = 0;

    while (p < EX_PROCS && (!ex_procs[p] || ex_cpus[c].mm != ex_procs[p]))
        p++;
    out("{\"runs\":\"%s\",\"spin\":%d,\"tlb\":[", p < EX_PROCS ? (p ? "B" : "A") : "",
        ex_cpus[c].spinlocks);
    for (u32 i = 0; i < TLB_SLOTS; i++) {
        const struct ex_translation *s = &ex_tlbs[c].slot[i];

        if (s->valid)
            out("[%u,\"%lx\",%llu,%d,%d],", i, (unsigned long)s->va,
                (unsigned long long)pte_pfn(s->pte),
                pte_writable(s->pte) | (pte_executable(s->pte) << 1), s->wrong);
    }
    out_end("]},");
}

/* ---- frames, counters ---- */

static void out_cache(const struct slab_cache *c, void *arg)
{
    (void)arg;
    if (c->slabs)
        out("[\"%s\",%u,%llu,%llu],", c->name, c->size, (unsigned long long)c->objects,
            (unsigned long long)c->slabs);
}

static void out_memory(void)
{
    static const char letters[PAGE_TYPES + 1] = "rfckstao";
    u64 orders[BUDDY_ORDERS];

    out("\"frames\":\"");
    for (u32 i = 0; i < EX_FRAMES; i++) {
        const struct page *pg = ex_memmap + i;
        u32 n = pg->type == PAGE_FREE ? 1u << pg->order : 1;

        out("%c",
            buddy.groups[i / GROUP].free >> i % GROUP & 1 ? 'f' : letters[pg->type]);
        for (u32 k = 1; k < n && ++i < EX_FRAMES; k++) /* the rest of a free block */
            out("f");
    }
    out("\",\"free\":[");
    page_count_orders(orders);
    for (unsigned o = 0; o < 12; o++)
        out("%llu,", (unsigned long long)orders[o]);
    out_end("],");
    out("\"nfree\":%llu,\"slabs\":[", (unsigned long long)page_count_free());
    slab_for_each(out_cache, NULL);
    out_end("],");
    out("\"away_bytes\":%llu,\"log_bytes\":%llu,\"counters\":{",
        (unsigned long long)away_bytes(), (unsigned long long)backlink_bytes());
    for (unsigned i = 0; i < MM_STAT_COUNT; i++)
        out("\"%s\":%llu,", mm_stat_name(i), (unsigned long long)mm_stat_sum(i));
    out_end("}");
}

const char *ex_picture(void)
{
    used = 0;
    out("{\"procs\":[");
    for (u32 p = 0; p < EX_PROCS; p++)
        if (ex_procs[p])
            out_process(p);
    out_end("],\"files\":[");
    for (u32 i = 0; i < EX_FILES; i++)
        if (ex_files[i].object)
            out_file(&ex_files[i]);
    out_end("],\"cpus\":[");
    for (u32 c = 0; c < EX_CPUS; c++)
        out_cpu(c);
    out_end("],\"names\":{");
    for (u32 i = 0; i < EX_NAMES; i++)
        if (ex_names[i].name[0])
            out("\"%s\":\"%lx\",", ex_names[i].name, (unsigned long)ex_names[i].va);
    out_end("},");
    out_memory();
    out("}");
    return ex_text;
}
