/* SPDX-License-Identifier: MIT
 *
 * The CPU's debug registers, as one thread uses them: four addresses, and what they wait for.
 * A thread that uses none costs the switch of threads one test.
 */
#pragma once

#include "arch/thread.h"

#define DEBUG_SLOTS 4
#define DEBUG_STEP  (1ull << 14) /* of arch_debug.status: one instruction was made */

/* Intel SDM vol. 3B, 18.2. */
struct arch_debug {
    u64 addr[DEBUG_SLOTS]; /* of user space */
    u64 control; /* DR7: two enable bits a slot, four of kind and length from 16 on */
    u64 status;  /* slots whose condition held last, DEBUG_STEP */
};

/* The running thread uses d from now on, which stays as it is until it uses another: NULL, or
 * a control with no slot on: none. Interrupts off. */
void arch_debug_use(struct arch_thread *t, struct arch_debug *d);
