/* SPDX-License-Identifier: MIT
 *
 * The CPUs' side of translation. A TLB is a direct-mapped table of 16 entries; nothing leaves it but
 * by a flush or because another page takes its place, so what has become wrong stays visible
 * until the call has flushed it.
 */
#include "arch/mmu.h"
#include "arch/tlb.h"
#include "mm/op/mm.h"
#include "mm/table/pagetable.h"
#include "tools/explorer/explorer.h"

struct ex_tlb ex_tlbs[EX_CPUS];

static struct ex_translation *slot_for(struct ex_tlb *t, vaddr_t va)
{
    return &t->slot[(va >> PAGE_SHIFT) % TLB_SLOTS];
}

static void drop(struct ex_tlb *t, struct ex_translation *s)
{
    if (!s->valid)
        return;
    if (s->wrong)
        ex_trace_add(EX_FLUSHED, (u32)(t - ex_tlbs), s->va);
    *s = (struct ex_translation){.valid = false};
    t->used--;
}

static void drop_all(struct ex_tlb *t)
{
    for (u32 i = 0; i < TLB_SLOTS; i++)
        drop(t, &t->slot[i]);
}

static void drop_range(struct ex_tlb *t, vaddr_t start, vaddr_t end)
{
    for (u32 i = 0; i < TLB_SLOTS; i++) {
        struct ex_translation *s = &t->slot[i];
        /* All parts of a huge page go together. */
        u64 size = pte_large(s->pte) ? LEAF_SPAN : PAGE_SIZE;
        vaddr_t first = s->va & ~(size - 1);

        if (first < end && start < first + size)
            drop(t, s);
    }
}

void arch_root_init(pte_t *root)
{
    memcpy(root + PT_ENTRIES / 2, (pte_t *)phys_to_virt(kernel_root) + PT_ENTRIES / 2,
           PT_ENTRIES / 2 * sizeof(pte_t));
}

void arch_mm_load(struct mm *mm, paddr_t root)
{
    (void)mm;
    (void)root;
    drop_all(&ex_tlbs[ex_cpu]);
}

void arch_flush_page(vaddr_t va)
{
    drop_range(&ex_tlbs[ex_cpu], va, va + 1);
}

void arch_flush_user_all(void)
{
    drop_all(&ex_tlbs[ex_cpu]);
}

/* Kernel addresses are used directly here, by no translation. */
void arch_flush_kernel(vaddr_t start, vaddr_t end)
{
    (void)start;
    (void)end;
}

void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end)
{
    for (u32 c = 0; c < EX_CPUS; c++) {
        if (!(cpus >> c & 1) || ex_cpus[c].mm != mm)
            continue;
        if (start == 0 && end == 0)
            drop_all(&ex_tlbs[c]);
        else
            drop_range(&ex_tlbs[c], start, end);
    }
}

void cpu_serve(void)
{
}

/* The entry that translates va with the rights of the whole way, 0: none. */
static pte_t walk(const struct mm *mm, vaddr_t va, pte_t **at)
{
    pte_t *table = phys_to_virt(mm->root_pa), e = 0, write = PTE_WRITE;

    for (unsigned level = PT_LEVELS; level-- > 0;) {
        *at = &table[pt_index(va, level)];
        e = **at;
        if (!pte_present(e))
            return 0;
        if (level == 1 && pte_large(e)) /* as the 4 KiB that it shows at va */
            return (e + (va & (LEAF_SPAN - PAGE_SIZE))) & (write | ~PTE_WRITE);
        if (level)
            write &= e;
        table = phys_to_virt(e & PTE_ADDR);
    }
    return e & (write | ~PTE_WRITE);
}

static bool permits(pte_t pte, u32 kind)
{
    if (kind == FAULT_WRITE)
        return pte_writable(pte);
    return kind == FAULT_EXEC ? pte_executable(pte) : true;
}

static bool translate(struct mm *mm, vaddr_t va, u32 kind, pte_t *out, bool *hit)
{
    struct ex_tlb *t = &ex_tlbs[ex_cpu];
    struct ex_translation *s = slot_for(t, va);
    pte_t *entry;

    va &= PAGE_MASK;
    *hit = s->valid && s->va == va;
    if (*hit) {
        *out = s->pte;
        return permits(s->pte, kind);
    }
    *out = walk(mm, va, &entry);
    if (!*out || !permits(*out, kind))
        return false;
    *entry |= PTE_ACCESSED; /* before it is remembered */
    drop(t, s);
    *s = (struct ex_translation){true, false, va, *out};
    t->used++;
    return true;
}

enum fault_result ex_access(struct mm *mm, vaddr_t va, u32 kind, u32 *word, bool *hit)
{
    mm_activate(mm);
    for (int round = 0; round < 6; round++) {
        enum fault_result result;
        pte_t pte;

        if (va < USER_END && translate(mm, va, kind, &pte, hit)) {
            u32 *p = (u32 *)((char *)phys_to_virt(pte & PTE_ADDR) + va % PAGE_SIZE);

            if (kind == FAULT_WRITE)
                *p = *word;
            else
                *word = *p;
            return FAULT_OK;
        }
        result = fault_handle(mm, va, kind);
        if (result != FAULT_OK)
            return result;
    }
    panic("the fault at %lx is resolved for ever", (unsigned long)va);
}

void ex_tlb_look(void)
{
    for (u32 c = 0; c < EX_CPUS; c++) {
        for (u32 i = 0; i < TLB_SLOTS && ex_tlbs[c].used; i++) {
            struct ex_translation *s = &ex_tlbs[c].slot[i];
            pte_t *entry, now;

            if (!s->valid || s->wrong || !ex_cpus[c].mm)
                continue;
            now = walk(ex_cpus[c].mm, s->va, &entry);
            s->wrong = !now || pte_pfn(now) != pte_pfn(s->pte) ||
                       ((s->pte & ~now) & PTE_WRITE) || ((~s->pte & now) & PTE_NX);
            if (s->wrong)
                ex_trace_add(EX_WRONG, c, s->va);
        }
    }
}

void ex_unload(struct mm *mm)
{
    u32 self = ex_cpu;

    for (ex_cpu = 0; ex_cpu < EX_CPUS; ex_cpu++)
        if (ex_cpus[ex_cpu].mm == mm)
            mm_activate(NULL);
    ex_cpu = self;
}
