/* SPDX-License-Identifier: MIT
 *
 * TLBs of the host tests' CPUs, accesses through them, and the checks that nothing stale is
 * held.
 */
#include "arch/tlb.h"
#include "arch/mmu.h"
#include "lib/string.h"
#include "mm/op/fault.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "mm/table/pagetable.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

#define TLB_SLOTS   256u
#define TABLE_SLOTS 32u

struct translation {
    bool valid;
    vaddr_t va;
    pte_t pte;
    bool huge; /* a part of a huge page */
};

/* A leaf table the CPU knows the way to. */
struct table_way {
    bool valid;
    vaddr_t base; /* va / LEAF_SPAN */
    pfn_t table;
};

static struct tlb {
    struct translation slot[TLB_SLOTS];
    struct table_way way[TABLE_SLOTS];
    u32 used; /* slots in use, ways in use: 0 makes checks cheap */
} tlbs[HOST_CPUS];

static bool any_huge; /* some translation was */

/* How many slots of all CPUs name this frame. */
static u8 held[HOST_MEMORY / PAGE_SIZE];

static void entry_drop(struct tlb *t, struct translation *s)
{
    if (!s->valid)
        return;
    s->valid = false;
    held[pte_pfn(s->pte)]--;
    t->used--;
}

static void way_drop(struct tlb *t, struct table_way *w)
{
    if (!w->valid)
        return;
    w->valid = false;
    held[w->table]--;
    t->used--;
}

static void ways_drop(struct tlb *t)
{
    for (u32 i = 0; i < TABLE_SLOTS && t->used; i++)
        way_drop(t, &t->way[i]);
}

static struct translation *entry_of(struct tlb *t, vaddr_t va)
{
    return &t->slot[(va >> PAGE_SHIFT) % TLB_SLOTS];
}

static void flush_all(struct tlb *t)
{
    for (u32 i = 0; i < TLB_SLOTS && t->used; i++)
        entry_drop(t, &t->slot[i]);
    ways_drop(t);
}

static void flush_page(struct tlb *t, vaddr_t va)
{
    struct translation *s = entry_of(t, va);

    if (s->valid && s->va == (va & PAGE_MASK))
        entry_drop(t, s);
    for (u32 i = 0; i < TLB_SLOTS && any_huge; i++) /* all of a huge page */
        if (t->slot[i].huge && t->slot[i].va / LEAF_SPAN == va / LEAF_SPAN)
            entry_drop(t, &t->slot[i]);
    ways_drop(t); /* INVLPG drops all cached upper entries */
}

void arch_root_init(pte_t *root)
{
    memcpy(root + PT_ENTRIES / 2, (pte_t *)phys_to_virt(kernel_root) + PT_ENTRIES / 2,
           PT_ENTRIES / 2 * sizeof(pte_t));
}

void arch_mm_load(struct mm *mm, paddr_t root)
{
    ASSERT(root == (mm ? mm->root_pa : kernel_root));
    flush_all(&tlbs[host_cpu]);
}

void arch_flush_page(vaddr_t va)
{
    flush_page(&tlbs[host_cpu], va);
}

void arch_flush_user_all(void)
{
    flush_all(&tlbs[host_cpu]);
}

void arch_flush_kernel(vaddr_t start, vaddr_t end)
{
    ASSERT(start >= KSPACE_BASE && start < end);
}

void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end)
{
    ASSERT(!(cpus >> host_cpu & 1) && !(cpus >> HOST_CPUS));
    for (u32 c = 0; c < HOST_CPUS; c++) {
        if (!(cpus >> c & 1) || host_cpus[c].mm != mm)
            continue;
        if (start == 0 && end == 0)
            flush_all(&tlbs[c]);
        else
            for (vaddr_t va = start; va < end; va += PAGE_SIZE)
                flush_page(&tlbs[c], va);
    }
}

/* ---- walks ---- */

/* Rights of the whole way: hardware takes the least of all levels. *at: the entry itself. */
static pte_t walk(const struct mm *mm, vaddr_t va, pfn_t *leaf, pte_t **at)
{
    pte_t *table = phys_to_virt(mm->root_pa);
    pte_t e = 0, write = PTE_WRITE;

    *leaf = 0;
    for (unsigned level = PT_LEVELS; level-- > 0;) {
        *at = &table[pt_index(va, level)];
        e = **at;
        if (!(e & PTE_PRESENT) || !(e & PTE_USER))
            return 0;
        if (pte_pfn(e) >= HOST_MEMORY / PAGE_SIZE)
            panic("entry %llx at %lx names no memory", (unsigned long long)e, va);
        if (level == 0)
            break;
        if (level == 1 && pte_large(e)) /* as the page of 4 KiB that it is at va */
            return (e & ~(pte_t)PTE_LARGE) + (va & (LEAF_SPAN - PAGE_SIZE));
        if (level == 1) /* only the way to a shared leaf table is not writable */
            write &= e;
        if ((!(e & PTE_WRITE) && level != 1) || (e & (PTE_NX | PTE_LARGE)))
            panic("upper entry %llx at %lx takes rights away", (unsigned long long)e, va);
        if (level == 1)
            *leaf = pte_pfn(e);
        table = phys_to_virt(e & PTE_ADDR);
    }
    return e & (write | ~PTE_WRITE);
}

static bool permits(pte_t pte, u32 kind)
{
    if (kind == FAULT_WRITE)
        return pte & PTE_WRITE;
    return kind == FAULT_EXEC ? !(pte & PTE_NX) : true;
}

/* Looks va up on the running CPU, walking when nothing is remembered. false: a fault. */
static bool translate(struct mm *mm, vaddr_t va, u32 kind, pte_t *out)
{
    struct tlb *t = &tlbs[host_cpu];
    struct translation *s = entry_of(t, va);
    struct table_way *w;
    pte_t *entry;
    pfn_t leaf;

    va &= PAGE_MASK;
    if (s->valid && s->va == va) {
        *out = s->pte;
        return permits(s->pte, kind);
    }
    *out = walk(mm, va, &leaf, &entry);
    if (leaf) {
        w = &t->way[va / LEAF_SPAN % TABLE_SLOTS];
        way_drop(t, w);
        *w = (struct table_way){true, va / LEAF_SPAN, leaf};
        held[leaf]++;
        t->used++;
    }
    if (!*out || !permits(*out, kind)) /* never remembered: not present, or not allowed */
        return false;
    *entry |= PTE_ACCESSED; /* before it is remembered */
    entry_drop(t, s);
    *s = (struct translation){true, va, *out, !leaf};
    any_huge |= !leaf;
    held[pte_pfn(*out)]++;
    t->used++;
    return true;
}

enum fault_result host_access(struct mm *mm, vaddr_t va, void *buf, size_t n, u32 kind)
{
    ASSERT(va % PAGE_SIZE + n <= PAGE_SIZE);
    mm_activate(mm);
    for (int round = 0; round < 6; round++) {
        enum fault_result result;
        pte_t pte;

        if (va < USER_END && translate(mm, va, kind, &pte)) {
            char *p = (char *)phys_to_virt(pte & PTE_ADDR) + va % PAGE_SIZE;

            if (kind != FAULT_EXEC && !key_allows(pte_key(pte), kind == FAULT_WRITE))
                return fault_denied(mm, va);
            if (kind == FAULT_WRITE)
                memcpy(p, buf, n);
            else
                memcpy(buf, p, n);
            return FAULT_OK;
        }
        result = fault_handle(mm, va, kind);
        if (result != FAULT_OK)
            return result;
    }
    panic("the fault at %lx is resolved for ever", va);
}

u32 host_read_u32(struct mm *mm, vaddr_t va)
{
    u32 value;
    enum fault_result result = host_read(mm, va, &value, sizeof(value));

    if (result != FAULT_OK)
        FAIL("reading %lx: fault %d", va, result);
    return value;
}

void host_write_u32(struct mm *mm, vaddr_t va, u32 value)
{
    enum fault_result result = host_write(mm, va, &value, sizeof(value));

    if (result != FAULT_OK)
        FAIL("writing %lx: fault %d", va, result);
}

unsigned host_tlb_holds(vaddr_t va)
{
    const struct translation *s = entry_of(&tlbs[host_cpu], va);

    return s->valid && s->va == (va & PAGE_MASK);
}

void host_unload(struct mm *mm)
{
    u32 self = host_cpu;

    for (host_run_on(0); host_cpu < HOST_CPUS; host_cpu++)
        if (host_cpus[host_cpu].mm == mm)
            mm_activate(NULL);
    host_run_on(self);
}

/* ---- checks ---- */

static void check_slot(const struct cpu *cpu, const struct translation *s)
{
    pfn_t leaf;
    pte_t *entry, now = walk(cpu->mm, s->va, &leaf, &entry);

    if (!now || pte_pfn(now) != pte_pfn(s->pte))
        FAIL("CPU %u still shows page %llx at %lx, the tables say %llx: flush missing",
             cpu->id, (unsigned long long)pte_pfn(s->pte), s->va,
             (unsigned long long)now);
    if (((s->pte & ~now) & PTE_WRITE) || ((~s->pte & now) & PTE_NX) ||
        ((s->pte ^ now) & PTE_KEY))
        FAIL("CPU %u has rights at %lx (%llx) that are gone (%llx): flush missing",
             cpu->id, s->va, (unsigned long long)s->pte, (unsigned long long)now);
}

void host_tlb_check(void)
{
    for (u32 c = 0; c < HOST_CPUS; c++) {
        struct tlb *t = &tlbs[c];
        u32 left = t->used;

        if (left && !host_cpus[c].mm)
            FAIL("CPU %u remembers translations of no address space", c);
        for (u32 i = 0; i < TABLE_SLOTS && left; i++) {
            pte_t *entry;
            pfn_t leaf;

            if (!t->way[i].valid)
                continue;
            left--;
            walk(host_cpus[c].mm, t->way[i].base * LEAF_SPAN, &leaf, &entry);
            if (leaf != t->way[i].table)
                FAIL("CPU %u walks to a table that is gone from %lx: flush missing", c,
                     t->way[i].base * LEAF_SPAN);
        }
        for (u32 i = 0; i < TLB_SLOTS && left; i++) {
            if (!t->slot[i].valid)
                continue;
            left--;
            check_slot(&host_cpus[c], &t->slot[i]);
        }
    }
}

void __real_page_free(struct page *pg, unsigned order);
void __wrap_page_free(struct page *pg, unsigned order);

static void check_not_held(pfn_t pfn, unsigned order)
{
    for (pfn_t i = 0; i < 1ul << order; i++)
        if (held[pfn + i])
            panic("page %llx is freed while a CPU still has a translation of it",
                  (unsigned long long)(pfn + i));
}

void __wrap_page_free(struct page *pg, unsigned order)
{
    check_not_held(page_to_pfn(pg), order);
    __real_page_free(pg, order);
}

void __real_page_free_chain(struct page_chain *chain);
void __wrap_page_free_chain(struct page_chain *chain);

void __wrap_page_free_chain(struct page_chain *chain)
{
    struct page_chain look = *chain;
    u64 group, pages;

    while ((pages = page_chain_take(&look, &group)) != 0)
        for (; pages; pages &= pages - 1)
            check_not_held(group * PAGE_GROUP + (u32)__builtin_ctzll(pages), 0);
    for (u32 next = chain->others; next; next = pfn_to_page(next)->index)
        check_not_held(next, pfn_to_page(next)->order);
    __real_page_free_chain(chain);
}
