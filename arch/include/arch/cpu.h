/* SPDX-License-Identifier: MIT
 *
 * The running CPU: interrupt flag, pause, the per-CPU block behind GS.
 * Host builds use tests/host/fakearch/arch/cpu.h instead.
 */
#pragma once

#include "arch/irqoff.h"
#include "lib/types.h"

#define MAX_CPUS 64 /* sets of CPUs are bits of a u64 */

#define CPU_RESIDENT_KINDS 3

struct thread;

typedef u64 irqflags_t;

/* Head of each CPU's per-CPU area. Assembly knows these offsets
 * (arch/x86_64/cpu/percpu.inc), so the order is fixed. */
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
    u32 ready; /* 60: threads that could run here, with the one that does; of its queue */
    /* Of mm, not in its counts yet: mm/table/mm_types.h. */
    s64 resident[CPU_RESIDENT_KINDS] __attribute__((aligned(64)));
    u64 irqs; /* interrupts so far; read by others */
};

extern struct cpu cpu_local; /* in the per-CPU section; use cpu_own or cpu_self() */

/* While the kernel runs GS base is the offset of the CPU's copy of the per-CPU section, less
 * GS_BIAS: so one instruction reaches this CPU's copy of a variable, gs:(address + GS_BIAS).
 * Without the bias the boot CPU, whose offset is 0, could not be told from a program's GS. The
 * kernel is linked in the last 2 GiB but 1, so the sum is a displacement of 32 bits. */
#define GS_BIAS 0x40000000

#define CPU_FIELD(field)                                                \
    ({                                                                  \
        __typeof__(cpu_local.field) value_;                             \
        __asm__ volatile("mov %%gs:cpu_local + %c1, %0"                 \
                         : "=r"(value_)                                 \
                         : "i"(offsetof(struct cpu, field) + GS_BIAS)); \
        value_;                                                         \
    })

/* The running CPU's copy of a variable in the per-CPU section, to be read and written; its
 * address is not one that other code can use (lib/percpu.h). Not for a whole array: gcc 12
 * forgets the segment of (CPU_VAR(array))[i]; `make lint` looks for such code. The compiler's
 * detectors do not know segments. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPU_VAR(var) (*(__typeof__(var) *)((uintptr_t) & (var) + cpu_offset()))
#else
#define CPU_VAR(var) (*(__seg_gs __typeof__(var) *)((uintptr_t) & (var) + GS_BIAS))
#endif

/* Fields of the running CPU's block: cpu_own.mm. */
#define cpu_own CPU_VAR(cpu_local)

static inline uintptr_t cpu_offset(void)
{
    return CPU_FIELD(offset);
}

static inline struct cpu *cpu_self(void)
{
    return (struct cpu *)((uintptr_t)&cpu_local + cpu_offset());
}

/* For locks in debug kernels: how many spinlocks this CPU holds, and its name as the holder
 * of one, never 0. */
#define cpu_spinlocks() (cpu_own.spinlocks)
#define cpu_holder()    (cpu_id() + 1)

static inline struct thread *current_thread(void)
{
    return CPU_FIELD(current);
}

static inline u32 cpu_id(void)
{
    return CPU_FIELD(id);
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
    if (flags & 0x200)
        irqoff_begin();
    return flags;
}

static inline void irq_restore(irqflags_t flags)
{
    if (flags & 0x200) {
        irqoff_end();
        __asm__ volatile("sti" ::: "memory");
    }
}

static inline void irq_enable(void)
{
    irqoff_end();
    __asm__ volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
    irqoff_continue();
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
    if (cpu_count > 1)
        cpu_serve();
}

/* Enables interrupts and sleeps until one arrives, without a window between the two. */
static inline void cpu_idle(void)
{
    irqoff_end();
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
