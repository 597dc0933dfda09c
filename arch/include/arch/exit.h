/* SPDX-License-Identifier: MIT
 *
 * The end of the machine.
 */
#pragma once

#include "lib/types.h"

/* Under QEMU with isa-debug-exit: ends it with status (code << 1) | 1. Elsewhere returns. */
void machine_debug_exit(u8 code);

/* Ends the machine: under QEMU with isa-debug-exit its status becomes (code << 1) | 1; then
 * tries ACPI power-off, then halts. */
noreturn void machine_poweroff(u8 code);
noreturn void machine_reboot(void);
noreturn void machine_halt(void);
