/* SPDX-License-Identifier: MIT
 *
 * Which address space is loaded, and flushes of what CPUs remember of translations: the running
 * one's, and those it asks for. tests/models/shootdown.pml is this file.
 */
#include "arch/tlb.h"
#include "arch/mmu.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/smp.h"
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/x86_64/mmu/mmu.h"
#include "lib/assert.h"
#include "lib/percpu.h"

/* Some minutes: then a CPU will not answer at all, and the report shows where it is. */
#define TURNS_MAX (1ull << 31)

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

void tlb_flush_everything(void)
{
    u64 cr4 = read_cr4();

    if (cr4 & CR4_PGE) {
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
}

/* ---- what CPUs ask of each other ---- */

/* Of one CPU; the others only read it, and take their bit out of `waiting` when they have
 * done so. It asks once at a time. */
struct request {
    u64 waiting;   /* CPUs that have not answered */
    struct mm *mm; /* NULL: the kernel's translations */
    vaddr_t start, end;
} __attribute__((aligned(64)));

static DEFINE_PER_CPU(struct request, request);

static bool is_single_pages(vaddr_t start, vaddr_t end)
{
    return start < end && (end - start) >> PAGE_SHIFT <= FLUSH_SINGLE_MAX;
}

static void flush_pages(vaddr_t start, vaddr_t end)
{
    for (vaddr_t va = align_down(start, PAGE_SIZE); va < end; va += PAGE_SIZE)
        arch_flush_page(va);
}

static void flush_kernel_here(vaddr_t start, vaddr_t end)
{
    if (is_single_pages(start, end))
        flush_pages(start, end);
    else
        tlb_flush_everything();
}

/* A CPU that is just leaving or loading the address space flushes all that it has: what it
 * walks meanwhile may be freed after the answer. */
static void answer(const struct request *r)
{
    if (!r->mm)
        flush_kernel_here(r->start, r->end);
    else if (cpu_own.mm == r->mm && is_single_pages(r->start, r->end))
        flush_pages(r->start, r->end);
    else
        arch_flush_user_all();
}

void cpu_serve(void)
{
    irqflags_t flags = irq_save();
    struct cpu *cpu = cpu_self();
    u64 from = __atomic_exchange_n(&cpu->requests, 0, __ATOMIC_SEQ_CST);

    for (; from; from &= from - 1) {
        struct request *r = &per_cpu(request, (u32)__builtin_ctzll(from));

        answer(r);
        __atomic_fetch_and(&r->waiting, ~(1ull << cpu->id), __ATOMIC_RELEASE);
    }
    irq_restore(flags);
}

/* Asks the CPUs of `cpus` and waits. Whose `requests` were not empty is being interrupted
 * already. An interrupt handler must not come here: it would overwrite the request that its
 * CPU waits for. */
static void ask(u64 cpus, struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct request *r = this_cpu_ptr(request);
    u64 self = 1ull << cpu_id();

    ASSERT(cpu_own.irq_depth == 0 && !(cpus & ~cpus_running()));
    r->mm = mm;
    r->start = start;
    r->end = end;
    __atomic_store_n(&r->waiting, cpus, __ATOMIC_RELEASE);
    for (u64 left = cpus; left; left &= left - 1) {
        u32 id = (u32)__builtin_ctzll(left);

        if (__atomic_fetch_or(&cpu_block(id)->requests, self, __ATOMIC_SEQ_CST) == 0)
            apic_send(smp_apic_id(id), VEC_SERVE);
    }
    for (u64 turns = 0; __atomic_load_n(&r->waiting, __ATOMIC_ACQUIRE); turns++) {
        if (unlikely(turns == TURNS_MAX))
            panic("CPUs %#lx do not answer", (unsigned long)r->waiting);
        cpu_wait();
    }
}

void arch_flush_kernel(vaddr_t start, vaddr_t end)
{
    irqflags_t flags = irq_save();
    u64 others = cpus_running() & ~(1ull << cpu_id());

    flush_kernel_here(start, end);
    irq_restore(flags);
    if (others)
        ask(others, NULL, start, end);
}

void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end)
{
    ASSERT(mm && start <= end);
    cpus &= ~(1ull << cpu_id());
    if (cpus)
        ask(cpus, mm, start, end);
}
