/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables of each CPU (GDT, TSS with the stacks of its exceptions) and the SYSCALL
 * registers.
 */
#include "arch/x86_64/cpu/gdt.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/features.h"
#include "arch/x86_64/cpu/idt.h"
#include "arch/x86_64/cpu/percpu.h"
#include "arch/x86_64/drivers/irq/pic.h"
#include "arch/x86_64/mmu/image.h"
#include "lib/assert.h"
#include "lib/percpu.h"
#include "mm/phys/kspace.h"

struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 iomap; /* beyond the limit: no port is open to user mode */
} __attribute__((packed));

struct pseudo_descriptor {
    u16 limit;
    u64 base;
} __attribute__((packed));

#define GDT_ENTRIES (CPU_NUMBER_SEL / 8 + 1)

static DEFINE_PER_CPU(u64, gdt)[GDT_ENTRIES] = {
    [KERNEL_CS / 8] = 0x00af9b000000ffff,
    [KERNEL_SS / 8] = 0x00cf93000000ffff,
    [USER_SS / 8] = 0x00cff3000000ffff,
    [USER_CS / 8] = 0x00affb000000ffff,
};
static DEFINE_PER_CPU(struct tss, tss);

/* All exceptions of the boot CPU use this one until it has better ones. */
static u8 early_stack[IST_SIZE] __attribute__((aligned(16)));

extern const char syscall_gate[], syscall32_gate[];

void tss_set_stack(uintptr_t top)
{
    this_cpu(tss).rsp[0] = top;
}

bool ist_create(u32 id)
{
    struct tss *t = &per_cpu(tss, id);
    void *stacks[IST_COUNT];

    for (u32 i = 0; i < IST_COUNT; i++) {
        stacks[i] = kspace_alloc(IST_SIZE / PAGE_SIZE);
        if (stacks[i])
            continue;
        while (i--)
            kspace_free(stacks[i], IST_SIZE / PAGE_SIZE);
        return false;
    }
    for (u32 i = 0; i < IST_COUNT; i++)
        t->ist[i] = (uintptr_t)stacks[i] + IST_SIZE;
    return true;
}

void ist_destroy(u32 id)
{
    for (u32 i = 0; i < IST_COUNT; i++)
        kspace_free((void *)(per_cpu(tss, id).ist[i] - IST_SIZE), IST_SIZE / PAGE_SIZE);
}

uintptr_t ist_stack_top(u32 id, uintptr_t sp)
{
    for (u32 i = 0; i < IST_COUNT; i++) {
        uintptr_t top = per_cpu(tss, id).ist[i];

        if (sp >= top - IST_SIZE && sp < top)
            return top;
    }
    return 0;
}

void gdt_init(void)
{
    struct tss *t = this_cpu_ptr(tss);
    u64 *table = *this_cpu_ptr(gdt);
    uintptr_t base = (uintptr_t)t;
    struct pseudo_descriptor gdtr = {sizeof(gdt) - 1, (uintptr_t)table};

    t->iomap = sizeof(*t);
    t->rsp[0] = cpu_own.kernel_stack;
    table[TSS_SEL / 8] = (sizeof(*t) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
                         (base >> 24 & 0xff) << 56;
    table[TSS_SEL / 8 + 1] = base >> 32;
    /* Read-only data of ring 3 that expands down: nobody gets at memory by it. */
    table[CPU_NUMBER_SEL / 8] = 0x0040f50000000000 | cpu_id();

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %2, %%ss\n\t"
                     "mov %3, %%ds\n\t" /* programs see these: null, as on Linux */
                     "mov %3, %%es\n\t"
                     "ltr %w4"
                     :
                     : "m"(gdtr), "i"(KERNEL_CS), "r"(KERNEL_SS), "r"(0), "r"(TSS_SEL)
                     : "rax", "memory");
}

void cpu_tables_init(void)
{
    cpu_areas_init();
    cpu_own.kernel_stack = (uintptr_t)boot_stack_top;
    for (u32 i = 0; i < IST_COUNT; i++)
        this_cpu(tss).ist[i] = (uintptr_t)early_stack + IST_SIZE;
    gdt_init();
    idt_init();
    idt_load();
    pic_init(); /* before anybody may enable interrupts */
    features_init();
}

void syscall_init(void)
{
    wrmsr(MSR_STAR, (u64)USER32_CS << 48 | (u64)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)syscall_gate);
    wrmsr(MSR_CSTAR, (uintptr_t)syscall32_gate);
    wrmsr(MSR_SFMASK, RFLAGS_CF | RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_OF |
                          RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
    if (cpu_features.sep)
        wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
}
