/* SPDX-License-Identifier: MIT
 *
 * The table of interrupt gates.
 */
#pragma once

#include "lib/types.h"

/* What a vector's gate leads to, one after the other: arch/x86_64/cpu/trap.asm. */
#define GATE_SIZE 16
extern const char trap_gates[];

void idt_init(void);
void idt_load(void);
