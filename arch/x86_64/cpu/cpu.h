/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: selectors, vectors, features, descriptor tables, traps, FPU.
 */
#pragma once

#include "arch/cpu.h"
#include "arch/trap.h"
#include "arch/x86_64/cpu/asm.h"

/* Selectors; the same numbers as Linux uses, since programs see them in signal frames.
 * SYSRET wants user data just below user code, and 32-bit user code below both: that
 * entry stays empty. Known to cpu/percpu.inc too. */
#define KERNEL_CS      0x10
#define KERNEL_SS      0x18
#define USER32_CS      0x23 /* no such segment */
#define USER_SS        0x2b
#define USER_CS        0x33
#define TSS_SEL        0x40
/* Its limit is the CPU's number: the vDSO asks for it (LSL). */
#define CPU_NUMBER_SEL 0x7b

#define RFLAGS_CF   (1ull << 0)
#define RFLAGS_TF   (1ull << 8)
#define RFLAGS_IF   (1ull << 9)
#define RFLAGS_DF   (1ull << 10)
#define RFLAGS_OF   (1ull << 11)
#define RFLAGS_IOPL (3ull << 12)
#define RFLAGS_NT   (1ull << 14)
#define RFLAGS_RF   (1ull << 16)
#define RFLAGS_AC   (1ull << 18)
#define RFLAGS_ID   (1ull << 21)
#define RFLAGS_USER 0x40dd5ull /* what a program may choose: CF PF AF ZF SF TF DF OF AC */

enum vector {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_NMI = 2,
    VEC_BP = 3,
    VEC_OF = 4,
    VEC_UD = 6,
    VEC_DF = 8,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_MC = 18,
    VEC_XM = 19,
    VEC_EXCEPTIONS = 32,
    VEC_PIC = 0x20, /* 16 lines */
    VEC_TIMER = 0x30,
    VEC_KICK = 0xf0,  /* from other CPUs: look at need_resched; */
    VEC_SERVE = 0xf1, /* at requests; */
    VEC_STOP = 0xf2,  /* stop, because of a panic */
    VEC_SPURIOUS = 0xff,
};

/* Interrupt stacks of the TSS, 1-based as the gates count them. */
enum ist { IST_FATAL = 1, IST_NMI = 2, IST_DB = 3, IST_COUNT = 3 };

#define IST_SIZE (2 * PAGE_SIZE)

/* What this kernel uses or reports, found once by features_init. */
struct cpu_features {
    bool nx, mce, pge, smep, smap, umip, pku, xsave, avx, rdrand, apic, x2apic, page1g,
        sep, pat;
    bool invariant_tsc, tsc_deadline, hypervisor;
    u32 phys_bits; /* of physical addresses */
    u32 max_leaf;
    u32 hwcap; /* CPUID.1:EDX */
};
extern struct cpu_features cpu_features;
