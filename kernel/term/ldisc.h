/* SPDX-License-Identifier: MIT
 *
 * The line discipline: what a terminal does with typed bytes (editing, echo, signals) and
 * with printed ones. It knows no process; the tty (kernel/term/tty.c) sends the signals.
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

#define LDISC_INPUT   4096u /* a power of two */
/* Bytes that an editing command takes back or shows in one hold of the lock. */
#define LDISC_AT_ONCE 100u

/* Where a pseudo-terminal prints: its master takes the bytes; the lock of the discipline. */
struct ldisc_out {
    u8 bytes[LDISC_INPUT];
    u32 head, tail; /* running numbers */
    u8 status;      /* TIOCPKT_*: news for packet mode */
    bool packets;
    struct waitq readers,
        writers; /* the master's; it writes when there is room for input */
};

struct ldisc {
    spinlock_t lock; /* irq-safe: typed bytes come by interrupt */
    struct kernel_termios termios;
    u8 input[LDISC_INPUT];
    u8 ends[LDISC_INPUT /
            8]; /* bit per byte: a line ends here; a NUL then is an end of file */
    u32 tail, ready, head;   /* running numbers, taken modulo LDISC_INPUT */
    u32 column, line_column; /* of the cursor now, and where the edited line began */
    bool literal;            /* the next byte was quoted with VLNEXT */
    bool again;              /* an editing command is done in part: its byte once more */
    u32 shown;               /* of such a VREPRINT: bytes */
    bool erasing;            /* ECHOPRT prints what is taken back */
    bool stopped;            /* output held by VSTOP or TCOOFF */
    bool held;               /* by TCOOFF: only TCOON lets it go on */
    struct waitq readers, writers;
    struct ldisc_out *out; /* [c] NULL: the console */
};

void ldisc_init(struct ldisc *d);

/* A typed byte. Returns the signal it asks for, 0: none. Any context. */
int ldisc_input(struct ldisc *d, u8 byte);
/* The same in pieces, for who can let others run in between: true: the byte once more, LDISC_PIECES
 * times at most (others may type meanwhile). */
bool ldisc_input_piece(struct ldisc *d, u8 byte, int *signo);
#define LDISC_PIECES (LDISC_INPUT / LDISC_AT_ONCE + 1)

/* Whether a read would get something now (d->lock not needed: a hint for waits). */
bool ldisc_readable(const struct ldisc *d);
/* Bytes a read would get at most (FIONREAD). */
u32 ldisc_available(struct ldisc *d);

/* Takes up to n bytes: one line at most in canonical mode. *end: an end of file was met. */
size_t ldisc_take(struct ldisc *d, u8 *bytes, size_t n, bool *end);

void ldisc_set_termios(struct ldisc *d, const struct kernel_termios *t, bool flush);
void ldisc_flush_input(struct ldisc *d);
void ldisc_hold(struct ldisc *d, bool held);
/* TCIOFF and TCION: VSTOP or VSTART for the other side. */
void ldisc_send_flow(struct ldisc *d, bool stop);

#define LDISC_DISABLED 0 /* a control character of this value is off */

static inline bool ldisc_local(const struct ldisc *d, u32 flag)
{
    return d->termios.c_lflag & flag;
}

static inline bool ldisc_is_cc(const struct ldisc *d, unsigned which, u8 byte)
{
    return byte != LDISC_DISABLED && d->termios.c_cc[which] == byte;
}

/* Byte number `number` of the input. */
static inline u8 *ldisc_at(struct ldisc *d, u32 number)
{
    return &d->input[number % LDISC_INPUT];
}

static inline bool ldisc_is_end(const struct ldisc *d, u32 number)
{
    u32 i = number % LDISC_INPUT;

    return d->ends[i / 8] >> i % 8 & 1;
}
