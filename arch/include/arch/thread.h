/* SPDX-License-Identifier: MIT
 *
 * The machine's part of a thread: kernel stack pointer, selectors, FS/GS base, FPU state, rights
 * by protection keys.
 */
#pragma once

#include "arch/trap.h"
#include "lib/types.h"

#if defined(TESSERA_KASAN) || defined(TESSERA_UBSAN)
#define KSTACK_SIZE \
    (6 * PAGE_SIZE) /* frames are larger: all that a slot of mm/phys/kspace.c has */
#else
#define KSTACK_SIZE (4 * PAGE_SIZE)
#endif

struct arch_debug;

struct arch_thread {
    uintptr_t sp;        /* saved kernel stack pointer while not running */
    uintptr_t stack_top; /* end of the kernel stack */
    u64 fs_base, gs_base;
    u64 selectors; /* DS, ES, FS, GS of user mode, 16 bits each */
    void *
        fpu; /* 64-byte aligned save area of arch_fpu_size() bytes; owned by this struct */
    u32 keys;    /* arch/pkey.h: the register while it is not running */
    bool no_tsc; /* its user mode may not read the time stamp counter */
    struct arch_debug
        *debug; /* NULL, but for a thread that is watched: arch/debugreg.h */
};

/* Prepares a thread that will start at entry(arg) on the stack that ends at stack_top, with
 * a fresh FPU state and rights by key 0 only. entry must not return. 0 or -ENOMEM. */
int must_check arch_thread_init(struct arch_thread *t, uintptr_t stack_top,
                                void (*entry)(void *), void *arg);
void arch_thread_fini(struct arch_thread *t);

/* Copies selectors, FS/GS base, FPU state, rights by keys and the one to the time stamp counter of
 * `from`, which is the running thread, to `to`. */
void arch_thread_copy(struct arch_thread *to, struct arch_thread *from);

/* Gives a thread that never ran another FS base, with the null selector. */
static inline void arch_thread_give_fs_base(struct arch_thread *t, u64 base)
{
    t->fs_base = base;
    t->selectors &= ~(0xffffull << 32);
}

/* For who looks at the registers: the running thread's bases and selectors come into t; and it
 * gets others. Selectors are null or ones it had. */
void arch_thread_bases_get(struct arch_thread *t);
void arch_thread_bases_set(struct arch_thread *t, u64 selectors, u64 fs_base,
                           u64 gs_base);

/* execve: fresh FPU state, rights by key 0 only, null selectors, FS/GS base 0, for the running thread. */
void arch_thread_reset(struct arch_thread *t);

/* Where the registers of user mode stand while the thread is in the kernel. */
static inline struct trapframe *arch_thread_frame(const struct arch_thread *t)
{
    return (struct trapframe *)(t->stack_top - sizeof(struct trapframe));
}

/* Switches stacks, FPU state, rights by keys, selectors, FS/GS base, TSS.rsp0 and the per-CPU block's kernel_stack.
 * Interrupts are off. Returns when `prev` is switched to again. */
void arch_thread_switch(struct arch_thread *prev, struct arch_thread *next);

/* arch_prctl values: -EPERM for an address outside user space. For the running thread. */
int arch_set_fs_base(struct arch_thread *t, u64 base);
int arch_set_gs_base(struct arch_thread *t, u64 base);
u64 arch_get_fs_base(const struct arch_thread *t);
u64 arch_get_gs_base(const struct arch_thread *t);

/* Whether the running thread's user mode may read the time stamp counter: a general protection
 * fault if not, in the vDSO too. Exec changes nothing. */
void arch_set_tsc(struct arch_thread *t, bool allowed);

size_t arch_fpu_size(void);

/* Unmasked exceptions that the running thread's FPU reports, bits of MXCSR (simd) or of the
 * x87 status word: 0 invalid, 1 denormal, 2 zero divide, 3 overflow, 4 underflow, 5 precision. */
static inline u32 arch_fpu_exceptions(bool simd)
{
    u32 mxcsr;
    u16 control, status;

    if (simd) {
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        return mxcsr & ~(mxcsr >> 7) & 0x3f;
    }
    __asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(control), "=m"(status));
    return (u32)(status & ~control) & 0x3f;
}

/* AT_HWCAP: CPUID.1:EDX; AT_MINSIGSTKSZ: what a signal frame needs at most. */
u64 arch_hwcap(void);

/* ---- signal frames: arch/x86_64/cpu/sigframe.c ---- */

/* What the frame shall hold. info: 128 bytes, Linux siginfo. */
struct arch_signal {
    int signo;
    u64 handler, restorer; /* user addresses */
    u64 sa_flags;
    u64 mask;           /* blocked mask to restore on sigreturn */
    const void *info;   /* 128 bytes */
    vaddr_t fault_addr; /* cr2, trapno, err for the ucontext */
    u64 trapno, err;
    vaddr_t stack;      /* top of the alternate stack to use, 0: stay on this one */
    u64 ss_sp, ss_size; /* uc_stack */
    u32 ss_flags;
};
