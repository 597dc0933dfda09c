/* SPDX-License-Identifier: MIT
 *
 * Boot order (kernel/main.c) and what it read from the command line (kernel/cmdline.c).
 */
#pragma once

#include "arch/bootinfo.h"
#include "lib/types.h"

noreturn void kmain(struct bootinfo *bi);

/* The value of `key=value` or "" for a bare `key` on the command line; NULL when absent. */
const char *cmdline_get(const char *key);
void cmdline_init(const char *text);
const char *cmdline_text(void);

#define EXIT_PASSED 0x10 /* for machine_poweroff() in order: QEMU status 33 */

extern const char kernel_release[]; /* utsname.release */
extern const char kernel_version[]; /* utsname.version: contains "Tessera" */

void procfs_init(void);  /* registers file system "proc" */
void devices_init(void); /* null zero full random urandom, host ports */
