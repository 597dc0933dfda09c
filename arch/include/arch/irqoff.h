/* SPDX-License-Identifier: MIT
 *
 * Debug kernels measure how long interrupts stay off, from where they go off (by the kernel's
 * word, or by an interrupt or exception) to where they come on again or the program runs.
 * Release kernels have nothing of this.
 */
#pragma once

#include "lib/types.h"

#ifdef TESSERA_DEBUG

/* The longest so far: cycles, the code address where it ended. In /proc/vmstat; writing there
 * forgets it. */
struct irqoff {
    u64 cycles;
    uintptr_t where;
};

extern struct irqoff irqoff_longest;

/* Interrupts are off from now on. */
void irqoff_begin(void);
/* They are off, and may have been before. */
void irqoff_continue(void);
/* Interrupts come on with the next instruction. */
void irqoff_end(void);

#else

static inline void irqoff_begin(void)
{
}

static inline void irqoff_continue(void)
{
}

static inline void irqoff_end(void)
{
}

#endif
