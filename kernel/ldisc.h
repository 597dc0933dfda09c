/* SPDX-License-Identifier: MIT
 *
 * The line discipline: what a terminal does with typed bytes (editing, echo, signals) and
 * with printed ones. It knows no process; the tty (kernel/tty.c) sends the signals.
 *
 *   input:  tail ........ ready ........ head
 *           complete lines   line being edited        (canonical mode)
 *           everything up to head can be read         (raw mode)
 */
#pragma once

#include "lib/spinlock.h"
#include "lib/types.h"
#include "lib/uapi/termios.h"
#include "lib/waitq.h"

#define LDISC_INPUT 4096u /* a power of two */

struct ldisc {
    spinlock_t lock; /* irq-safe: typed bytes come by interrupt */
    struct kernel_termios termios;
    u8 input[LDISC_INPUT];
    u8 ends[LDISC_INPUT /
            8]; /* bit per byte: a line ends here; a NUL then is an end of file */
    u32 tail, ready, head;   /* running numbers, taken modulo LDISC_INPUT */
    u32 column, line_column; /* of the cursor now, and where the edited line began */
    bool literal;            /* the next byte was quoted with VLNEXT */
    bool stopped;            /* output held by VSTOP or TCOOFF */
    struct waitq readers, writers;
};

void ldisc_init(struct ldisc *d);

/* A typed byte. Returns the signal it asks for, 0: none. Any context. */
int ldisc_input(struct ldisc *d, u8 byte);

/* Prints n bytes with output processing; stops early when output is held: bytes done. */
size_t ldisc_output(struct ldisc *d, const u8 *bytes, size_t n);

/* Whether a read would get something now (d->lock not needed: a hint for waits). */
bool ldisc_readable(const struct ldisc *d);
/* Bytes a read would get at most (FIONREAD). */
u32 ldisc_available(struct ldisc *d);

/* Takes up to n bytes: one line at most in canonical mode. *end: an end of file was met. */
size_t ldisc_take(struct ldisc *d, u8 *bytes, size_t n, bool *end);

void ldisc_set_termios(struct ldisc *d, const struct kernel_termios *t, bool flush);
void ldisc_flush_input(struct ldisc *d);
void ldisc_hold(struct ldisc *d, bool held);
