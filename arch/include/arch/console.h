/* SPDX-License-Identifier: MIT
 *
 * Lowest-level console and the end of the machine. Usable from the first instruction of C,
 * with any other lock held and in any context: these calls poll and never sleep; the
 * screen's own lock is the last of all.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

/* A byte of text to the serial port, the debug port and the screen, those of them that are
 * there; bounded wait. The screen shows it after console_flush() at the latest. */
void console_put(u8 byte);

/* Between these two the bytes of this CPU are not mixed with those of others; interrupts are off.
 * For a line of the log. */
irqflags_t console_begin(void);
void console_end(irqflags_t flags);

/* Prints the registers of `tf` (NULL: control registers only) through printk. */
struct trapframe;
