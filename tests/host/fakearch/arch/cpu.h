/* SPDX-License-Identifier: MIT
 *
 * The CPU of host builds: two of them exist (host_cpu says which one "runs"), so that flushes
 * between CPUs can be tested; per-CPU variables exist once and are shared.
 */
#pragma once

#include "lib/types.h"
#include <string.h>

#define MAX_CPUS 64

#define CPU_RESIDENT_KINDS 3

struct thread;
struct mm;

typedef u64 irqflags_t;

struct cpu {
    struct thread *current;
    u32 id;
    u32 need_resched;
    u32 ready;
    u32 irq_depth;
    struct mm *mm;
    s64 resident[CPU_RESIDENT_KINDS];
};

#define HOST_CPUS 2u

/* Who holds a spinlock is a host thread. */
extern _Thread_local s32 host_spinlocks;
u32 host_thread_number(void); /* from 1 on */
#define cpu_spinlocks() host_spinlocks
#define cpu_holder()    host_thread_number()

extern struct cpu host_cpus[HOST_CPUS];
extern u32 host_cpu; /* the running one */
void host_run_on(u32 cpu);
extern u32 cpu_count;

static inline uintptr_t cpu_offset(void)
{
    return 0;
}

static inline uintptr_t cpu_offset_of(u32 id)
{
    (void)id;
    return 0;
}

static inline struct cpu *cpu_self(void)
{
    return &host_cpus[host_cpu];
}

#define CPU_VAR(var) (var)
#define cpu_own      (*cpu_self())

static inline struct cpu *cpu_block(u32 id)
{
    return &host_cpus[id];
}

static inline u64 cpus_running(void)
{
    return ~0ull >> (MAX_CPUS - cpu_count);
}

static inline struct thread *current_thread(void)
{
    return cpu_self()->current;
}

static inline u32 cpu_id(void)
{
    return host_cpu;
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

/* A spinlock that stays taken is a deadlock: panics after a while. */
void cpu_relax(void);

static inline void cpu_wait(void)
{
    cpu_relax();
}

static inline u64 cpu_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

static inline void clear_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

static inline void copy_page(void *dst, const void *src)
{
    memcpy(dst, src, PAGE_SIZE);
}

bool cpu_random(void *buf, size_t n);
