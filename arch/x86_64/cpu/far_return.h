/* SPDX-License-Identifier: MIT
 *
 * IRET and RET FAR of programs, which QEMU cannot do by itself: it reads their stack as supervisor,
 * which SMAP forbids. No processor faults there. Intel SDM volume 2: IRET, RET.
 */
#pragma once

#include "arch/trap.h"

/* Does the instruction at tf->rip in its place, if it is one of these and leads to 64-bit code at
 * user addresses: else it changes nothing and returns false, and the program gets a general
 * protection fault, as it would from the processor. May sleep. */
bool far_return(struct trapframe *tf);
