/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: CPUs that stop because another one reports a panic.
 */
#pragma once

#include "arch/trap.h"

/* Whether an interrupt or NMI that arrives means that the running CPU shall stop. */
bool cpu_is_to_stop(void);

/* Stops it where `tf` says. */
noreturn void cpu_stop_at(const struct trapframe *tf);
