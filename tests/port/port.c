/* SPDX-License-Identifier: MIT
 *
 * The example kernel's port: what mm/port.h asks for, on one CPU with one thread and no
 * users. A kernel with more of them replaces the bodies by its own.
 */
#include "port.h"
#include <stdarg.h>

/* ---- the end ---- */

static void out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static u8 in8(u16 port)
{
    u8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print_args(const char *fmt, va_list ap)
{
    char line[256];

    tsm_fmt_vsnprintf(line, sizeof(line), fmt, ap);
    for (const char *p = line; *p; p++) {
        while (!(in8(0x3fd) & 0x20))
            cpu_relax();
        out8(0x3f8, (u8)*p);
    }
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print_args(fmt, ap);
    va_end(ap);
}

noreturn void end(u8 status)
{
    for (;;) {
        out8(0xf4, status); /* QEMU's isa-debug-exit */
        __asm__ volatile("cli; hlt");
    }
}

noreturn void tsm_panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print("panic: ");
    print_args(fmt, ap);
    end(1);
}

/* ---- threads: one, which never has to wait for another ---- */

void *tsm_thread_self(void)
{
    return &tsm_cpu_local;
}

void tsm_thread_park(void)
{
    tsm_panic("the only thread waits");
}

void tsm_thread_unpark(void *thread)
{
    (void)thread;
}

/* ---- pauses: nobody waits ---- */

u64 tsm_pause_cycles = ~0ull;
DEFINE_PER_CPU(u64, tsm_pause_since);

void tsm_pause_now(void)
{
}

bool tsm_pause_killed(void)
{
    return false;
}
bool tsm_pause_wanted(void) __attribute__((alias("tsm_pause_killed")));

/* ---- who pays ---- */

struct account *tsm_account_current(void)
{
    return &tsm_account_root;
}

enum rank tsm_rank_current(void)
{
    return RANK_KERNEL;
}

bool tsm_caller_may(unsigned cap)
{
    return cap != CAP_SYS_RAWIO;
}

/* ---- one CPU ---- */

DEFINE_PER_CPU(struct cpu, tsm_cpu_local);
u32 tsm_cpu_count = 1;

uintptr_t tsm_cpu_offset_of(u32 id)
{
    (void)id;
    return 0;
}
void tsm_cpu_serve(void) __attribute__((alias("tsm_pause_now")));

/* ---- the MMU ---- */

paddr_t tsm_kernel_root;
u64 tsm_pte_nx_mask = PTE_NX;
bool tsm_keys_on; /* there are none */

void tsm_arch_root_init(pte_t *root_table)
{
    for (unsigned i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
        root_table[i] = root[i];
}

void tsm_arch_mm_load(struct mm *mm, paddr_t table)
{
    (void)mm;
    __asm__ volatile("mov %0, %%cr3" ::"r"(table) : "memory");
}

void tsm_arch_flush_user_all(void)
{
    u64 cr3;

    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3)::"memory");
}

void tsm_arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t stop)
{
    (void)mm, (void)cpus, (void)start, (void)stop;
}

void tsm_arch_flush_kernel(vaddr_t start, vaddr_t stop)
{
    for (; start < stop; start += PAGE_SIZE)
        arch_flush_page(start);
}
