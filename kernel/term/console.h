/* SPDX-License-Identifier: MIT
 *
 * The console: whatever shows text of the machine, together. Usable from the first instruction of
 * C, with any other lock held and in any context: these calls poll and never sleep, and the
 * sinks' own locks are the last of all. Who writes has printk or the line discipline above it,
 * the sinks' drivers below it.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

/* One that shows text: a port, a screen. */
struct console_sink {
    void (*put)(u8 byte); /* bounded wait; the console's lock is held but for a panic */
    void (*flush)(void);  /* shows what was put; NULL: put does */
    struct console_sink *next; /* the console's */
};

/* From now on s gets every byte, for ever. */
void console_add(struct console_sink *s);

/* A byte of text to every sink; shown after console_flush() at the latest. */
void console_put(u8 byte);

/* Shows what was written. Text that scrolls faster than it can be drawn may be put off to a
 * later tick. To be called at the end of a line or of a write. */
void console_flush(void);

/* Between these two the bytes of this CPU are not mixed with those of others; interrupts are off.
 * For a line of the log. */
irqflags_t console_begin(void);
void console_end(irqflags_t flags);
