/* SPDX-License-Identifier: MIT
 *
 * x87, SSE and AVX registers. The running thread's live in the CPU; they are saved and
 * loaded at every switch. Kernel code uses none of them.
 */
#pragma once

#include "lib/types.h"

#define FPU_LEGACY_SIZE 512u
#define FPU_ALIGN       64u
#define FPU_AREA_MAX    1024u /* x87, SSE, AVX need 832 */

/* Chooses XSAVE or FXSAVE and enables it; the registers get their initial values. */
void fpu_init(void);
/* The same choice on another CPU. */
void fpu_init_cpu(void);

size_t fpu_size(void);

/* Components that are saved, as bits of XCR0; 0 with FXSAVE. */
u64 fpu_components(void);

/* area: 64-byte aligned, fpu_size() bytes, zeroed when it was allocated. */
void fpu_save(void *area);
void fpu_load(const void *area);

/* Initial values, in the CPU and in an area. */
void fpu_reset(void);
void fpu_fill_initial(void *area);

/* Makes an area that came from user memory loadable: false when it is not a valid one.
 * extended: the part behind the legacy 512 bytes was given too. */
bool fpu_sanitise(void *area, bool extended);
