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

/* From one CPU to another, on a line that nobody else touches: it goes there with what is asked,
 * and comes back with the answer. A CPU finds what it is asked for by looking at one line of each. */
struct request {
    u64 asked;     /* 1: to be done; its end is the answer */
    struct mm *mm; /* NULL: the kernel's translations */
    vaddr_t start, end;
} __attribute__((aligned(64)));

struct requests {
    struct request to[MAX_CPUS];
};

static DEFINE_PER_CPU(struct requests, requests); /* of the one that asks */

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

static noinline void serve(struct request *r)
{
    irqflags_t flags = irq_save();

    if (__atomic_load_n(&r->asked, __ATOMIC_ACQUIRE)) { /* no interrupt was faster */
        answer(r);
        __atomic_store_n(&r->asked, 0, __ATOMIC_RELEASE);
    }
    irq_restore(flags);
}

void cpu_serve(void)
{
    u32 self = cpu_id();

    for (u32 from = 0; from < cpu_count; from++) {
        struct request *r = &per_cpu(requests, from).to[self];

        if (unlikely(__atomic_load_n(&r->asked, __ATOMIC_ACQUIRE)))
            serve(r);
    }
}

/* Waits for the answer of CPU `id`. */
static void wait_for(u32 id, const struct request *r)
{
    for (u64 turns = 0; __atomic_load_n(&r->asked, __ATOMIC_ACQUIRE); turns++) {
        if (unlikely(turns == TURNS_MAX))
            panic("CPU %u does not answer", id);
        cpu_wait();
    }
}

/* Asks the CPUs of `cpus` and waits. An interrupt handler must not come here: it would overwrite
 * the requests that its CPU waits for. */
static void ask(u64 cpus, struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct request *to = this_cpu_ptr(requests)->to;

    ASSERT(cpu_own.irq_depth == 0 && !(cpus & ~cpus_running()));
    for (u64 left = cpus; left; left &= left - 1) {
        u32 id = (u32)__builtin_ctzll(left);

        ASSERT(!to[id].asked);
        to[id].mm = mm;
        to[id].start = start;
        to[id].end = end;
        __atomic_store_n(&to[id].asked, 1, __ATOMIC_RELEASE);
        apic_send(smp_apic_id(id), VEC_SERVE);
    }
    for (; cpus; cpus &= cpus - 1) {
        u32 id = (u32)__builtin_ctzll(cpus);

        wait_for(id, &to[id]);
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
