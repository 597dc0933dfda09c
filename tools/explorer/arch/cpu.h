/* SPDX-License-Identifier: MIT
 *
 * The CPUs of the explorer: two, of which one runs at a time (ex_cpu says which). Each has its own
 * copy of the per-CPU variables, as real ones have; time is a number that only grows.
 */
#pragma once

#include "lib/types.h"
#include <string.h>

#define MAX_CPUS 64
#define EX_CPUS  2u

#define CPU_RESIDENT_KINDS 3

/* A section that the linkers give a beginning and an end of their own accord. */
#define PERCPU_SECTION "percpu"

struct mm;
struct thread;

typedef u64 irqflags_t;

struct cpu {
    struct thread *current;
    u32 id;
    u32 need_resched;
    u32 ready;
    struct mm *mm;
    s64 resident[CPU_RESIDENT_KINDS];
    s32 spinlocks;
};

extern struct cpu ex_cpus[EX_CPUS];
extern u32 ex_cpu; /* the running one */
extern uintptr_t ex_cpu_offset[EX_CPUS];
extern u32 cpu_count;

/* Who holds a spinlock is a CPU. */
#define cpu_spinlocks() (ex_cpus[ex_cpu].spinlocks)
#define cpu_holder()    (ex_cpu + 1)

static inline uintptr_t cpu_offset(void)
{
    return ex_cpu_offset[ex_cpu];
}

static inline uintptr_t cpu_offset_of(u32 id)
{
    return ex_cpu_offset[id];
}

static inline struct cpu *cpu_self(void)
{
    return &ex_cpus[ex_cpu];
}

/* What is the running CPU's: a variable of its own, its struct cpu. */
#define CPU_VAR(var) (*(__typeof__(&(var)))((uintptr_t) & (var) + cpu_offset()))
#define cpu_own      (*cpu_self())

static inline struct cpu *cpu_block(u32 id)
{
    return &ex_cpus[id];
}

static inline u64 cpus_running(void)
{
    return (1ull << EX_CPUS) - 1;
}

static inline struct thread *current_thread(void)
{
    return cpu_self()->current;
}

static inline u32 cpu_id(void)
{
    return ex_cpu;
}

static inline irqflags_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(irqflags_t flags)
{
    (void)flags;
}

static inline void irq_enable(void)
{
}

static inline void irq_disable(void)
{
}

static inline bool irq_enabled(void)
{
    return true;
}

/* A spinlock that somebody has: nobody else runs, so it is never given up. */
void cpu_wait(void);
static inline void cpu_relax(void)
{
    cpu_wait();
}

u64 cpu_cycles(void);

static inline void clear_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

static inline void copy_page(void *dst, const void *src)
{
    memcpy(dst, src, PAGE_SIZE);
}

bool cpu_random(void *buf, size_t n);
