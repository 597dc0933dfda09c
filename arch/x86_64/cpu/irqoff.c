/* SPDX-License-Identifier: MIT
 *
 * The longest time with interrupts off, in debug kernels.
 */
#include "arch/irqoff.h"
#include "lib/percpu.h"

#ifdef TESSERA_DEBUG

static DEFINE_PER_CPU(u64, since); /* 0: interrupts are on */
struct irqoff irqoff_longest;

void irqoff_begin(void)
{
    this_cpu(since) = cpu_cycles();
}

void irqoff_continue(void)
{
    if (!this_cpu(since))
        irqoff_begin();
}

void irqoff_end(void)
{
    u64 cycles = cpu_cycles() - this_cpu(since);

    if (this_cpu(since) && cycles > irqoff_longest.cycles)
        irqoff_longest = (struct irqoff){cycles, (uintptr_t)__builtin_return_address(0)};
    this_cpu(since) = 0;
}

#endif
