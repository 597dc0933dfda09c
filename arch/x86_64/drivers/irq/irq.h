/* SPDX-License-Identifier: MIT
 *
 * Interrupts of devices, and what makes the tick.
 */
#pragma once

#include "lib/types.h"

#define IRQ_PIT      0u
#define IRQ_KEYBOARD 1u
#define IRQ_SERIAL   4u

struct trapframe;

void irq_dispatch(struct trapframe *tf);

const char *timer_source(void);

/* Whether every CPU can have a timer; starts the running one's, on all but the boot CPU. */
bool irq_timer_per_cpu(void);
void irq_init_cpu(void);
