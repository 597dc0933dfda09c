/* SPDX-License-Identifier: MIT
 *
 * The running CPU: interrupt flag, pause, the per-CPU block behind GS.
 * Host builds use tests/host/fakearch/arch/cpu.h instead.
 */
#pragma once

#include "lib/types.h"

#define MAX_CPUS 64 /* sets of CPUs are bits of a u64 */

#define CPU_RESIDENT_KINDS 3

struct thread;

typedef u64 irqflags_t;

/* Head of each CPU's per-CPU area; GS base points here while the kernel runs. Assembly
 * knows these offsets (arch/x86_64/cpu/percpu.inc), so the order is fixed. */
struct cpu {
    uintptr_t offset;       /*  0: this CPU's copy minus the section, see lib/percpu.h */
    uintptr_t kernel_stack; /*  8: top of the running thread's kernel stack */
    uintptr_t scratch;      /* 16: the user's stack pointer during SYSCALL entry */
    struct thread *current; /* 24: the running thread */
    u32 id;                 /* 32: 0 .. cpu_count-1 */
    u32 need_resched; /* 36: set by the timer or a wake-up, read on return to user */
    u32 irq_depth;    /* 40: > 0 inside an interrupt handler */
    struct mm *mm;    /* 48: address space loaded in CR3, NULL: the kernel's own */
    s32 spinlocks;    /* 56: held by this CPU, counted in debug kernels only */
    u64 requests;     /* 64: CPUs that wait until this one has done something for them */
    s64 resident
        [CPU_RESIDENT_KINDS]; /* of mm, not in its counts yet: mm/table/mm_types.h */
};

extern struct cpu cpu_local; /* in the per-CPU section; use cpu_self() */

#define CPU_FIELD(type, offset)                                            \
    ({                                                                     \
        type value_;                                                       \
        __asm__ volatile("mov %%gs:%c1, %0" : "=r"(value_) : "i"(offset)); \
        value_;                                                            \
    })

static inline uintptr_t cpu_offset(void)
{
    return CPU_FIELD(uintptr_t, 0);
}

static inline struct cpu *cpu_self(void)
{
    return (struct cpu *)((uintptr_t)&cpu_local + cpu_offset());
}

/* For locks in debug kernels: how many spinlocks this CPU holds, and its name as the holder
 * of one, never 0. */
#define cpu_spinlocks() (cpu_self()->spinlocks)
#define cpu_holder()    (cpu_id() + 1)

static inline struct thread *current_thread(void)
{
    return CPU_FIELD(struct thread *, 24);
}

static inline u32 cpu_id(void)
{
    return CPU_FIELD(u32, 32);
}

/* Number of CPUs running; offset of the per-CPU area of CPU `id`. */
extern u32 cpu_count;
uintptr_t cpu_offset_of(u32 id);

static inline struct cpu *cpu_block(u32 id)
{
    return (struct cpu *)((uintptr_t)&cpu_local + cpu_offset_of(id));
}

/* A bit for each CPU that runs. */
static inline u64 cpus_running(void)
{
    return ~0ull >> (MAX_CPUS - cpu_count);
}

static inline irqflags_t irq_save(void)
{
    irqflags_t flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static inline void irq_restore(irqflags_t flags)
{
    if (flags & 0x200)
        __asm__ volatile("sti" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline bool irq_enabled(void)
{
    irqflags_t flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags & 0x200;
}

/* One turn of a busy wait for a device. */
static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/* Does what other CPUs ask of the running one (TLB flushes), and lets them go on. */
void cpu_serve(void);

/* One turn of a busy wait for another CPU, which may itself wait for an answer of ours: with
 * interrupts off nothing else would give it. */
static inline void cpu_wait(void)
{
    cpu_relax();
    if (unlikely(CPU_FIELD(u64, 64)))
        cpu_serve();
}

/* Enables interrupts and sleeps until one arrives, without a window between the two. */
static inline void cpu_idle(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

static inline u64 cpu_cycles(void)
{
    u32 lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

/* Clears one page; its own call because it is the largest single cost of a fault. */
static inline void clear_page(void *page)
{
    size_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0) : "memory");
}

static inline void copy_page(void *dst, const void *src)
{
    size_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n)::"memory");
}
