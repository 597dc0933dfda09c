/* SPDX-License-Identifier: MIT
 *
 * Lowest-level console and the end of the machine. Usable from the first instruction of C,
 * with any other lock held and in any context: these calls poll and never sleep; the
 * screen's own lock is the last of all.
 */
#pragma once

#include "lib/types.h"

/* A byte of text to the serial port, the debug port and the screen, those of them that are
 * there; bounded wait. The screen shows it after console_flush() at the latest. */
void console_put(u8 byte);

/* Draws what was written. Text that scrolls faster than it can be drawn may be put off to a
 * later tick. To be called at the end of a line or of a write. */
void console_flush(void);

/* Finds the screen, shows the log so far on it; after framebuffer_init and cmdline_init, takes
 * no memory. Then memory for its second grid, once there is any. */
void console_screen_init(void);
void console_screen_alternate(void);

/* Size of the screen in characters; false: there is none. */
bool console_size(u32 *cols, u32 *rows);

/* For the report of a panic: takes the screen away from whoever draws on it, and clears it.
 * From now on only console_put_seized() writes there, and no lock is taken. Size as
 * console_size(). */
bool console_seize(u32 *cols, u32 *rows);
void console_put_seized(u8 byte);

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

/* Under QEMU with isa-debug-exit: ends it with status (code << 1) | 1. Elsewhere returns. */
void machine_debug_exit(u8 code);

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

/* Names this very image: digits made from its contents (tools/mksyms.py). */
const char *build_id(void);
