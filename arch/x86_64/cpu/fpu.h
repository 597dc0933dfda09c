/* SPDX-License-Identifier: MIT
 *
 * x87, SSE and AVX registers. The running thread's live in the CPU; they are saved and
 * loaded at every switch. Kernel code uses none of them.
 *
 * Programs and tracers see in the form of XSAVE one component more, PKRU (arch/pkey.h), which stands
 * far behind the others: 1.8 KB later on Intel's CPUs. An area of ours ends before it, and the
 * register is kept by itself; fpu_layout has the form that programs see.
 */
#pragma once

#include "lib/types.h"

#define FPU_LEGACY_SIZE 512u
#define FPU_ALIGN       64u
#define FPU_AREA_MAX    1024u /* x87, SSE, AVX need 832 */

#define XCR0_PKRU    0x200u
/* PKRU of a thread that starts, of a program that starts and of a signal handler, as on Linux: only
 * key 0 has rights. */
#define PKRU_INITIAL 0x55555554u

/* What a program sees: the area, PKRU (8 bytes) somewhere behind it if it is there. */
struct fpu_layout {
    u32 size;       /* bytes */
    u32 pkru_at;    /* 0: no keys */
    u64 components; /* bits of XCR0; 0: FXSAVE */
};
extern struct fpu_layout fpu_layout;

/* The bits of an area's header that say which components it has: those of an area with `extended`
 * state. */
static inline u64 *fpu_used(void *area)
{
    return (u64 *)((u8 *)area + FPU_LEGACY_SIZE);
}

/* Chooses XSAVE or FXSAVE and enables it; the registers get their initial values. */
void fpu_init(void);
/* The same choice on another CPU. */
void fpu_init_cpu(void);

size_t fpu_size(void);

/* area: 64-byte aligned, fpu_size() bytes, zeroed when it was allocated. */
void fpu_save(void *area);
void fpu_load(const void *area);

/* Initial values, in the CPU, PKRU too, and in an area. */
void fpu_reset(void);
void fpu_fill_initial(void *area);

/* Makes an area that came from user memory loadable: false when it is not a valid one.
 * extended: the part behind the legacy 512 bytes was given too. What it says of PKRU is let through. */
bool fpu_sanitise(void *area, bool extended);
