/* SPDX-License-Identifier: MIT
 *
 * Which address space is loaded, and flushes of what the CPU remembers of translations.
 */
#include "arch/tlb.h"
#include "arch/mmu.h"
#include "arch/x86_64/cpu/cpu.h"
#include "lib/assert.h"

/* Above this many pages one full flush is cheaper than single ones. */
#define FLUSH_SINGLE_MAX 64

void arch_mm_load(struct mm *mm, paddr_t root)
{
    struct cpu *cpu = cpu_self();

    if (cpu->mm == mm && (read_cr3() & PTE_ADDR) == root)
        return;
    cpu->mm = mm;
    write_cr3(root);
}

void arch_flush_user_all(void)
{
    write_cr3(read_cr3()); /* kernel translations are global and stay */
}

static void flush_everything(void)
{
    u64 cr4 = read_cr4();

    if (cr4 & CR4_PGE) {
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
}

/* Asks every CPU of `cpus` to flush and waits. CPUs beyond the first are not started yet,
 * so a request for one is a mistake of the caller's bookkeeping. */
static void shoot(u64 cpus)
{
    if (cpus)
        panic("TLB shootdown of CPUs %#lx, but only %u run", (unsigned long)cpus,
              cpu_count);
}

void arch_flush_kernel(vaddr_t start, vaddr_t end)
{
    irqflags_t flags = irq_save();

    if ((end - start) >> PAGE_SHIFT > FLUSH_SINGLE_MAX) {
        flush_everything();
    } else {
        for (vaddr_t va = align_down(start, PAGE_SIZE); va < end; va += PAGE_SIZE)
            arch_flush_page(va);
    }
    irq_restore(flags);
    shoot(cpus_running() & ~(1ull << cpu_id()));
}

void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end)
{
    (void)mm;
    ASSERT(start <= end);
    shoot(cpus & ~(1ull << cpu_id()));
}
