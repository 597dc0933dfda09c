/* SPDX-License-Identifier: MIT
 *
 * Areas of the CPUs. The boot CPU uses the per-CPU section in place; the others a copy of
 * what it was before anything ran.
 */
#include "arch/x86_64/cpu/percpu.h"
#include "arch/thread.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"

extern char percpu_start[], percpu_end[], percpu_initial[]; /* linker.ld */

/* The order is that of cpu/percpu.inc. */
STATIC_ASSERT(offsetof(struct cpu, kernel_stack) == 8);
STATIC_ASSERT(offsetof(struct cpu, scratch) == 16);
STATIC_ASSERT(offsetof(struct cpu, current) == 24);
STATIC_ASSERT(offsetof(struct cpu, id) == 32);
STATIC_ASSERT(offsetof(struct cpu, need_resched) == 36);

/* The head of the per-CPU section; the linker script and start.asm rely on it. */
__attribute__((section(".percpu.head"))) struct cpu cpu_local;
u32 cpu_count = 1;
static uintptr_t offsets[MAX_CPUS];
static void *idle_stacks[MAX_CPUS]; /* the boot CPU's is in the image */

static size_t area_bytes(void)
{
    return (size_t)(percpu_end - percpu_start);
}

static unsigned area_order(void)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) < area_bytes())
        order++;
    return order;
}

void cpu_areas_init(void)
{
    memcpy(percpu_initial, percpu_start, area_bytes());
}

uintptr_t cpu_offset_of(u32 id)
{
    ASSERT(id < MAX_CPUS);
    return offsets[id];
}

struct cpu *cpu_area_create(u32 id)
{
    struct page *pg = page_alloc(area_order(), 0);
    void *stack = kspace_alloc(KSTACK_SIZE / PAGE_SIZE);
    struct cpu *cpu;

    if (!pg || !stack)
        goto out_free;
    cpu = phys_to_virt(page_to_phys(pg));
    memcpy(cpu, percpu_initial, area_bytes());
    offsets[id] = (uintptr_t)cpu - (uintptr_t)percpu_start;
    idle_stacks[id] = stack;
    cpu->offset = offsets[id];
    cpu->id = id;
    cpu->kernel_stack = (uintptr_t)stack + KSTACK_SIZE;
    if (ist_create(id))
        return cpu;
out_free:
    if (stack)
        kspace_free(stack, KSTACK_SIZE / PAGE_SIZE);
    if (pg)
        page_free(pg, area_order());
    return NULL;
}

void cpu_area_destroy(u32 id)
{
    ist_destroy(id);
    kspace_free(idle_stacks[id], KSTACK_SIZE / PAGE_SIZE);
    page_free(virt_to_page(cpu_block(id)), area_order());
}

u64 cpu_area_pages(void)
{
    return (1ull << area_order()) + (KSTACK_SIZE + IST_COUNT * IST_SIZE) / PAGE_SIZE;
}

void cpu_area_boot_stacks(void)
{
    if (!ist_create(0))
        panic("no memory for the stacks of exceptions");
}
