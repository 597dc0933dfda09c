/* SPDX-License-Identifier: MIT
 *
 * Line discipline, see kernel/ldisc.h. Rules: POSIX chapter 11 (general terminal interface)
 * and what Linux adds in termios(3).
 */
#include "kernel/ldisc.h"

#include "arch/console.h"
#include "lib/string.h"
#include "lib/uapi/signal.h"

#define CTRL(c)  ((c)-64)
#define DISABLED 0 /* a control character of this value is off */

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
             [VWERASE] = CTRL('W'),
             [VLNEXT] = CTRL('V')},
};

void ldisc_init(struct ldisc *d)
{
    memset(d, 0, sizeof(*d));
    d->termios = initial;
    waitq_init(&d->readers);
    waitq_init(&d->writers);
}

static bool local(const struct ldisc *d, u32 flag)
{
    return d->termios.c_lflag & flag;
}

static bool is_cc(const struct ldisc *d, unsigned which, u8 byte)
{
    return byte != DISABLED && d->termios.c_cc[which] == byte;
}

/* ---- output ---- */

static void put_raw(struct ldisc *d, u8 byte)
{
    console_put(byte);
    if (byte == '\r' || byte == '\n')
        d->column = byte == '\r' ? 0 : d->column;
    else if (byte == '\b')
        d->column -= d->column > 0;
    else if (byte == '\t')
        d->column = (d->column | 7) + 1;
    else if (byte >= ' ' && byte != 0x7f && (byte & 0xc0) != 0x80)
        d->column++;
}

static void put(struct ldisc *d, u8 byte)
{
    u32 flags = d->termios.c_oflag;

    if (flags & OPOST) {
        if (byte == '\n' && flags & ONLCR)
            put_raw(d, '\r');
        else if (byte == '\r' && flags & OCRNL)
            byte = '\n';
        else if (byte == '\r' && flags & ONOCR && d->column == 0)
            return;
        else if (byte == '\n' && flags & ONLRET)
            d->column = 0;
        if (flags & OLCUC && byte >= 'a' && byte <= 'z')
            byte -= 'a' - 'A';
    }
    put_raw(d, byte);
}

size_t ldisc_output(struct ldisc *d, const u8 *bytes, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        irqflags_t flags = spin_lock_irq(&d->lock);
        bool held = d->stopped;

        if (!held)
            put(d, bytes[i]);
        spin_unlock_irq(&d->lock, flags);
        if (held)
            break;
    }
    return i;
}

/* ---- echo ---- */

static bool shown_as_caret(const struct ldisc *d, u8 byte)
{
    return local(d, ECHOCTL) && (byte < ' ' || byte == 0x7f) && byte != '\t' &&
           byte != '\n';
}

static void echo(struct ldisc *d, u8 byte)
{
    if (!local(d, ECHO) && !(byte == '\n' && local(d, ECHONL) && local(d, ICANON)))
        return;
    if (shown_as_caret(d, byte)) {
        put_raw(d, '^');
        put_raw(d, byte ^ 0x40);
    } else {
        put(d, byte);
    }
}

/* ---- the line being edited ---- */

static u8 *at(struct ldisc *d, u32 number)
{
    return &d->input[number % LDISC_INPUT];
}

static void set_end(struct ldisc *d, u32 number, bool end)
{
    u32 i = number % LDISC_INPUT;

    d->ends[i / 8] = (u8)((d->ends[i / 8] & ~(1u << i % 8)) | (u32)end << i % 8);
}

static bool is_end(const struct ldisc *d, u32 number)
{
    u32 i = number % LDISC_INPUT;

    return d->ends[i / 8] >> i % 8 & 1;
}

/* Column of the cursor behind the edited line's bytes up to `end`. */
static u32 column_at(struct ldisc *d, u32 end)
{
    u32 column = d->line_column;

    for (u32 i = d->ready; i != end; i++) {
        u8 byte = *at(d, i);

        if (byte == '\t')
            column = (column | 7) + 1;
        else if (shown_as_caret(d, byte))
            column += 2;
        else if (byte >= ' ' && (byte & 0xc0) != 0x80)
            column++;
    }
    return column;
}

/* Takes back the last byte (the last character with IUTF8) and its picture. */
static void erase_one(struct ldisc *d)
{
    if (d->head == d->ready)
        return;
    d->head--;
    if (d->termios.c_iflag & IUTF8)
        while ((*at(d, d->head) & 0xc0) == 0x80 && d->head != d->ready)
            d->head--;
    if (!local(d, ECHO))
        return;
    if (!local(d, ECHOE)) {
        echo(d, d->termios.c_cc[VERASE]);
        return;
    }
    bool tab = *at(d, d->head) == '\t';
    for (u32 to = column_at(d, d->head); d->column > to;) {
        put_raw(d, '\b');
        if (!tab) {
            console_put(' ');
            console_put('\b');
        }
    }
}

static bool is_word(u8 byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0x80;
}

static void erase_word(struct ldisc *d)
{
    while (d->head != d->ready && !is_word(*at(d, d->head - 1)))
        erase_one(d);
    while (d->head != d->ready && is_word(*at(d, d->head - 1)))
        erase_one(d);
}

static void erase_line(struct ldisc *d, u8 byte)
{
    if (local(d, ECHOK) && local(d, ECHOKE) && local(d, ECHOE)) {
        while (d->head != d->ready)
            erase_one(d);
        return;
    }
    d->head = d->ready;
    echo(d, byte);
    if (local(d, ECHOK) && local(d, ECHO))
        put(d, '\n');
}

static void reprint(struct ldisc *d)
{
    echo(d, d->termios.c_cc[VREPRINT]);
    put(d, '\n');
    d->line_column = d->column = 0;
    for (u32 i = d->ready; i != d->head; i++)
        echo(d, *at(d, i));
}

/* Adds a byte; one place is kept for the end of a line. */
static bool store(struct ldisc *d, u8 byte, bool end)
{
    if (d->head - d->tail >= LDISC_INPUT - (end ? 0 : 1)) {
        if (d->termios.c_iflag & IMAXBEL)
            put_raw(d, '\a');
        return false;
    }
    if (d->head == d->ready)
        d->line_column = d->column;
    *at(d, d->head) = byte;
    set_end(d, d->head, end);
    d->head++;
    return true;
}

static void finish_line(struct ldisc *d)
{
    d->ready = d->head;
    waitq_wake_all(&d->readers);
}

/* True: the byte was an editing command. */
static bool edit(struct ldisc *d, u8 byte)
{
    bool extended = local(d, IEXTEN);

    if (is_cc(d, VERASE, byte)) {
        erase_one(d);
    } else if (is_cc(d, VKILL, byte)) {
        erase_line(d, byte);
    } else if (extended && is_cc(d, VWERASE, byte)) {
        erase_word(d);
    } else if (extended && is_cc(d, VREPRINT, byte)) {
        reprint(d);
    } else if (is_cc(d, VEOF, byte)) {
        if (store(d, DISABLED, true))
            finish_line(d);
    } else {
        return false;
    }
    return true;
}

static void input_canonical(struct ldisc *d, u8 byte, bool literal)
{
    bool end;

    if (!literal && edit(d, byte))
        return;
    end = !literal && (byte == '\n' || is_cc(d, VEOL, byte) ||
                       (local(d, IEXTEN) && is_cc(d, VEOL2, byte)));
    if (!store(d, byte, end))
        return;
    echo(d, byte);
    if (end)
        finish_line(d);
}

static void input_raw(struct ldisc *d, u8 byte)
{
    if (!store(d, byte, false))
        return;
    echo(d, byte);
    d->ready = d->head;
    waitq_wake_all(&d->readers);
}

/* ---- what typed bytes mean before they are text ---- */

static int signal_of(struct ldisc *d, u8 byte)
{
    if (!local(d, ISIG))
        return 0;
    if (is_cc(d, VINTR, byte))
        return SIGINT;
    if (is_cc(d, VQUIT, byte))
        return SIGQUIT;
    return is_cc(d, VSUSP, byte) ? SIGTSTP : 0;
}

static void release_output(struct ldisc *d)
{
    d->stopped = false;
    waitq_wake_all(&d->writers);
}

/* XON and XOFF; true: the byte was one. */
static bool flow_control(struct ldisc *d, u8 byte)
{
    if (!(d->termios.c_iflag & IXON))
        return false;
    if (is_cc(d, VSTART, byte)) {
        release_output(d);
        return true;
    }
    if (is_cc(d, VSTOP, byte)) {
        d->stopped = true;
        return true;
    }
    if (d->stopped && d->termios.c_iflag & IXANY)
        release_output(d);
    return false;
}

/* ISTRIP, IGNCR, ICRNL, INLCR; false: the byte is dropped. */
static bool translate(const struct ldisc *d, u8 *byte)
{
    u32 flags = d->termios.c_iflag;

    if (flags & ISTRIP)
        *byte &= 0x7f;
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
    d->tail = d->ready = d->head;
    d->literal = false;
}

static int input_locked(struct ldisc *d, u8 byte)
{
    bool literal = d->literal;
    int signo;

    d->literal = false;
    if (!literal) {
        if (flow_control(d, byte))
            return 0;
        signo = signal_of(d, byte);
        if (signo) {
            if (!local(d, NOFLSH))
                flush_locked(d);
            echo(d, byte);
            return signo;
        }
        if (!translate(d, &byte))
            return 0;
        if (local(d, ICANON) && local(d, IEXTEN) && is_cc(d, VLNEXT, byte)) {
            d->literal = true;
            if (local(d, ECHO) && local(d, ECHOCTL)) {
                console_put('^');
                console_put('\b');
            }
            return 0;
        }
    }
    if (local(d, ICANON))
        input_canonical(d, byte, literal);
    else
        input_raw(d, byte);
    return 0;
}

int ldisc_input(struct ldisc *d, u8 byte)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    int signo = input_locked(d, byte);

    spin_unlock_irq(&d->lock, flags);
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

    for (u32 i = d->tail; local(d, ICANON) && i != d->ready; i++)
        n -= is_end(d, i) && *at(d, i) == DISABLED;
    spin_unlock_irq(&d->lock, flags);
    return n;
}

size_t ldisc_take(struct ldisc *d, u8 *bytes, size_t n, bool *end)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    bool canonical = local(d, ICANON);
    size_t got = 0;

    *end = false;
    while (got < n && d->tail != d->ready && !*end) {
        u8 byte = *at(d, d->tail);
        bool last = canonical && is_end(d, d->tail);

        d->tail++;
        *end = last;
        if (!last || byte != DISABLED)
            bytes[got++] = byte;
    }
    /* The end of file right behind what was asked for belongs to this read. */
    if (canonical && got && !*end && d->tail != d->ready && is_end(d, d->tail) &&
        *at(d, d->tail) == DISABLED)
        d->tail++;
    spin_unlock_irq(&d->lock, flags);
    return got;
}

/* ---- settings ---- */

void ldisc_set_termios(struct ldisc *d, const struct kernel_termios *t, bool flush)
{
    irqflags_t flags = spin_lock_irq(&d->lock);
    bool was_canonical = local(d, ICANON);

    d->termios = *t;
    if (flush)
        flush_locked(d);
    /* An unfinished line becomes readable; raw bytes become a line of their own. */
    if (was_canonical != local(d, ICANON) && d->head != d->tail) {
        d->ready = d->head;
        if (local(d, ICANON))
            set_end(d, d->head - 1, true);
        waitq_wake_all(&d->readers);
    }
    if (!(t->c_iflag & IXON) && d->stopped)
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

    if (held)
        d->stopped = true;
    else
        release_output(d);
    spin_unlock_irq(&d->lock, flags);
}
