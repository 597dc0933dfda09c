/* SPDX-License-Identifier: MIT
 *
 * Line discipline, see kernel/term/ldisc.h. Rules: POSIX chapter 11 (general terminal interface)
 * and what Linux adds in termios(3).
 */
#include "kernel/term/ldisc.h"
#include "kernel/term/ldisc_out.h"

#include "kernel/term/ldisc_edit.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/signal.h"

#define CTRL(c) ((c)-64)

static const struct kernel_termios initial = {
    .c_iflag = ICRNL | IXON | IUTF8,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = CTRL('C'),
             [VQUIT] = CTRL('\\'),
             [VERASE] = 0x7f,
             [VKILL] = CTRL('U'),
             [VEOF] = CTRL('D'),
             [VMIN] = 1,
             [VSTART] = CTRL('Q'),
             [VSTOP] = CTRL('S'),
             [VSUSP] = CTRL('Z'),
             [VREPRINT] = CTRL('R'),
             [VDISCARD] = CTRL('O'),
             [VWERASE] = CTRL('W'),
             [VLNEXT] = CTRL('V')},
};

void ldisc_init(struct ldisc *d)
{
    memset(d, 0, sizeof(*d));
    d->termios = initial;
    waitq_fini(&d->readers); /* its last user may have left a rest there */
    waitq_fini(&d->writers);
    waitq_init(&d->readers);
    waitq_init(&d->writers);
}

/* With PARMRK such a byte is doubled, so that it is none of the marks of breaks, of which there
 * are none here. */
static bool is_marked(const struct ldisc *d, u8 byte)
{
    return byte == 0xff && d->termios.c_iflag & PARMRK;
}

static void input_canonical(struct ldisc *d, u8 byte, bool literal)
{
    bool end;

    if (!literal && ldisc_edit(d, byte))
        return;
    end = !literal && (byte == '\n' || ldisc_is_cc(d, VEOL, byte) ||
                       (ldisc_local(d, IEXTEN) && ldisc_is_cc(d, VEOL2, byte)));
    if (is_marked(d, byte))
        (void)ldisc_store(d, byte, false);
    if (!ldisc_store(d, byte, end))
        return;
    if (!end)
        ldisc_end_erasing(d);
    ldisc_echo(d, byte);
    if (end)
        ldisc_finish_line(d);
}

static void input_raw(struct ldisc *d, u8 byte)
{
    if (is_marked(d, byte))
        (void)ldisc_store(d, byte, false);
    if (!ldisc_store(d, byte, false))
        return;
    ldisc_end_erasing(d);
    ldisc_echo(d, byte);
    WRITE_ONCE(d->ready, d->head);
    waitq_wake_all(&d->readers);
}

/* ---- what typed bytes mean before they are text ---- */

static int signal_of(struct ldisc *d, u8 byte)
{
    if (!ldisc_local(d, ISIG))
        return 0;
    if (ldisc_is_cc(d, VINTR, byte))
        return SIGINT;
    if (ldisc_is_cc(d, VQUIT, byte))
        return SIGQUIT;
    return ldisc_is_cc(d, VSUSP, byte) ? SIGTSTP : 0;
}

static void stop_output(struct ldisc *d)
{
    if (!d->stopped)
        ldisc_out_note(d, TIOCPKT_STOP);
    d->stopped = true;
}

static void release_output(struct ldisc *d)
{
    if (!d->stopped || d->held)
        return;
    d->stopped = false;
    ldisc_out_note(d, TIOCPKT_START);
    waitq_wake_all(&d->writers);
}

/* XON and XOFF; true: the byte was one. */
static bool flow_control(struct ldisc *d, u8 byte)
{
    if (!(d->termios.c_iflag & IXON))
        return false;
    if (ldisc_is_cc(d, VSTART, byte)) {
        release_output(d);
        return true;
    }
    if (ldisc_is_cc(d, VSTOP, byte)) {
        stop_output(d);
        return true;
    }
    if (d->termios.c_iflag & IXANY)
        release_output(d);
    return false;
}

/* ISTRIP and IUCLC: before it is looked at what the byte is. */
static u8 narrow(const struct ldisc *d, u8 byte)
{
    u32 flags = d->termios.c_iflag;

    if (flags & ISTRIP)
        byte &= 0x7f;
    if (flags & IUCLC && ldisc_local(d, IEXTEN) && byte >= 'A' && byte <= 'Z')
        byte += 'a' - 'A';
    return byte;
}

/* IGNCR, ICRNL, INLCR; false: the byte is dropped. */
static bool translate(const struct ldisc *d, u8 *byte)
{
    u32 flags = d->termios.c_iflag;

    if (*byte == '\r') {
        if (flags & IGNCR)
            return false;
        if (flags & ICRNL)
            *byte = '\n';
    } else if (*byte == '\n' && flags & INLCR) {
        *byte = '\r';
    }
    return true;
}

static void flush_locked(struct ldisc *d)
{
    WRITE_ONCE(d->tail, d->head);
    WRITE_ONCE(d->ready, d->head);
    d->literal = false;
    d->shown = 0;
    ldisc_out_note(d, TIOCPKT_FLUSHREAD);
    if (d->out)
        waitq_wake_all(&d->out->writers);
}

static int input_locked(struct ldisc *d, u8 byte)
{
    bool literal = d->literal;
    int signo;

    d->literal = false;
    byte = narrow(d, byte);
    if (!literal) {
        if (flow_control(d, byte))
            return 0;
        signo = signal_of(d, byte);
        if (signo) {
            if (!ldisc_local(d, NOFLSH))
                flush_locked(d);
            if (d->termios.c_iflag & IXON)
                release_output(d);
            ldisc_echo(d, byte);
            return signo;
        }
        if (!translate(d, &byte))
            return 0;
        if (ldisc_local(d, ICANON) && ldisc_local(d, IEXTEN) &&
            ldisc_is_cc(d, VLNEXT, byte)) {
            d->literal = true;
            ldisc_end_erasing(d);
            if (ldisc_local(d, ECHO) && ldisc_local(d, ECHOCTL)) {
                ldisc_put(d, '^');
                ldisc_put(d, '\b');
            }
            return 0;
        }
    }
    if (ldisc_local(d, ICANON))
        input_canonical(d, byte, literal);
    else
        input_raw(d, byte);
    return 0;
}

bool ldisc_input_piece(struct ldisc *d, u8 byte, int *signo)
{
    SCOPED_LOCK_IRQ(&d->lock);

    d->again = false;
    *signo = input_locked(d, byte);
    if (d->out && d->out->head != d->out->tail)
        waitq_wake_all(&d->out->readers);
    return d->again;
}

int ldisc_input(struct ldisc *d, u8 byte)
{
    int signo;
    u32 piece = 0;

    while (ldisc_input_piece(d, byte, &signo) && ++piece < LDISC_PIECES)
        ;
    return signo;
}

/* ---- reading ---- */

bool ldisc_readable(const struct ldisc *d)
{
    return READ_ONCE(d->ready) != READ_ONCE(d->tail);
}

u32 ldisc_available(struct ldisc *d)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    u32 n = d->ready - d->tail;

    for (u32 i = d->tail; ldisc_local(d, ICANON) && i != d->ready; i++)
        n -= ldisc_is_end(d, i) && *ldisc_at(d, i) == LDISC_DISABLED;
    spin_unlock_irq(&d->lock, flags);
    return n;
}

size_t ldisc_take(struct ldisc *d, u8 *bytes, size_t n, bool *end)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    bool canonical = ldisc_local(d, ICANON);
    size_t got = 0;

    *end = false;
    while (got < n && d->tail != d->ready && !*end) {
        u8 byte = *ldisc_at(d, d->tail);
        bool last = canonical && ldisc_is_end(d, d->tail);

        WRITE_ONCE(d->tail, d->tail + 1);
        *end = last;
        if (!last || byte != LDISC_DISABLED)
            bytes[got++] = byte;
    }
    /* The end of file right behind what was asked for belongs to this read. */
    if (canonical && got && !*end && d->tail != d->ready && ldisc_is_end(d, d->tail) &&
        *ldisc_at(d, d->tail) == LDISC_DISABLED)
        WRITE_ONCE(d->tail, d->tail + 1);
    if (d->out)
        waitq_wake_all(&d->out->writers);
    spin_unlock_irq(&d->lock, flags);
    return got;
}

/* ---- settings ---- */

void ldisc_set_termios(struct ldisc *d, const struct kernel_termios *t, bool flush)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    bool was_canonical = ldisc_local(d, ICANON), had_flow = d->termios.c_iflag & IXON;

    d->termios = *t;
    d->shown = 0;
    if (had_flow != !!(t->c_iflag & IXON))
        ldisc_out_note(d, had_flow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
    if (flush)
        flush_locked(d);
    /* An unfinished line becomes readable; raw bytes become a line of their own. */
    if (was_canonical != ldisc_local(d, ICANON) && d->head != d->tail) {
        WRITE_ONCE(d->ready, d->head);
        if (ldisc_local(d, ICANON))
            ldisc_set_end(d, d->head - 1, true);
        waitq_wake_all(&d->readers);
    }
    if (!(t->c_iflag & IXON))
        release_output(d);
    spin_unlock_irq(&d->lock, flags);
}

void ldisc_flush_input(struct ldisc *d)
{
    irqflags_t flags = spin_lock_irq(&d->lock);

    flush_locked(d);
    spin_unlock_irq(&d->lock, flags);
}

void ldisc_hold(struct ldisc *d, bool held)
{
    irqflags_t flags = spin_lock_irq(&d->lock);

    if (held != d->held) {
        d->held = held;
        if (held)
            stop_output(d);
        else
            release_output(d);
    }
    spin_unlock_irq(&d->lock, flags);
}

void ldisc_send_flow(struct ldisc *d, bool stop)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    u8 byte = d->termios.c_cc[stop ? VSTOP : VSTART];

    if (byte != LDISC_DISABLED && d->out) { /* the console has no other side */
        ldisc_put(d, byte);
        waitq_wake_all(&d->out->readers);
    }
    spin_unlock_irq(&d->lock, flags);
}
