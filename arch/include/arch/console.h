/* SPDX-License-Identifier: MIT
 *
 * Lowest-level console and the end of the machine. Usable from the first instruction of C,
 * with any lock held and in any context: these calls poll and never lock or sleep.
 */
#pragma once

#include "lib/types.h"

/* Serial port and debug port; bounded wait, silently dropped when there is no port. */
void console_put(u8 byte);

/* Ports that carry single streams out for tools/run, unmixed with the log: 1 standard
 * output, 2 standard error, 3 the program's end, 4 the trace of system calls. False when the
 * machine has no such port. */
bool console_port_present(unsigned port);
void console_port_put(unsigned port, u8 byte);

/* The second serial port brings standard input for tools/run: present, and its next byte or
 * -1 when none has come. */
bool console_stream_present(void);
int console_stream_get(void);

/* Starts delivery of received bytes to console_input(). */
void console_enable_input(void);

/* Ends the machine: under QEMU with isa-debug-exit its status becomes (code << 1) | 1; then
 * tries ACPI power-off, then halts. */
noreturn void machine_poweroff(u8 code);
noreturn void machine_reboot(void);
noreturn void machine_halt(void);

/* Calls visit(return address) for each frame, newest first, starting at frame pointer rbp
 * (0: the caller's own). Stops at the first frame outside kernel stacks; bounded. */
void arch_backtrace(uintptr_t rbp, void (*visit)(uintptr_t ip, void *arg), void *arg);

/* Prints the registers of `tf` (NULL: control registers only) through printk. */
struct trapframe;
void arch_print_registers(const struct trapframe *tf);

/* Name and offset of the symbol that holds `ip`; "?" when unknown. The table is linked into
 * the image (tools/mksyms). */
const char *symbol_at(uintptr_t ip, u64 *offset);
