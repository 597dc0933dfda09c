/* SPDX-License-Identifier: MIT
 *
 * Boot order (kernel/main.c) and what it read from the command line (kernel/cmdline.c).
 */
#pragma once

#include "arch/bootinfo.h"
#include "lib/types.h"

noreturn void kmain(struct bootinfo *bi);

/* Every CPU but the first begins here: its block, descriptor tables and local APIC are ready,
 * interrupts are off, the stack is its idle thread's. */
noreturn void cpu_main(void);

#define EXIT_PASSED 0x10 /* for machine_poweroff() in order: QEMU status 33 */

extern const char kernel_release[]; /* utsname.release */
extern const char kernel_version[]; /* utsname.version: contains "Tessera" */
