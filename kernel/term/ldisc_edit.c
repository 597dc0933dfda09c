/* SPDX-License-Identifier: MIT
 *
 * The line discipline's picture of the line: output processing, echo, and the commands that
 * take back what was typed, with what they do on the screen.
 */
#include "kernel/term/ldisc_edit.h"
#include "kernel/term/ldisc.h"
#include "kernel/term/ldisc_out.h"

/* A byte of a character that began before it, on a terminal that knows of such. */
static bool continues(const struct ldisc *d, u8 byte)
{
    return d->termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

/* ---- output ---- */

static void put_raw(struct ldisc *d, u8 byte)
{
    ldisc_put(d, byte);
    if (byte == '\r' || byte == '\n')
        d->column = byte == '\r' ? 0 : d->column;
    else if (byte == '\b')
        d->column -= d->column > 0;
    else if (byte == '\t')
        d->column = (d->column | 7) + 1;
    else if (byte >= ' ' && byte != 0x7f && !continues(d, byte))
        d->column++;
}

static void put(struct ldisc *d, u8 byte)
{
    u32 flags = d->termios.c_oflag;

    if (!(flags & OPOST)) {
        put_raw(d, byte);
        return;
    }
    if (byte == '\r' && flags & ONOCR && d->column == 0)
        return;
    if (byte == '\t' && (flags & XTABS) == XTABS) {
        do
            put_raw(d, ' ');
        while (d->column % 8);
        return;
    }
    if (byte == '\n' && flags & ONLCR)
        put_raw(d, '\r');
    else if (byte == '\r' && flags & OCRNL)
        byte = '\n';
    if (byte == '\n' && flags & ONLRET)
        d->column = 0;
    if (flags & OLCUC && byte >= 'a' && byte <= 'z')
        byte -= 'a' - 'A';
    put_raw(d, byte);
}

size_t ldisc_output(struct ldisc *d, const u8 *bytes, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        irqflags_t flags = spin_lock_irq(&d->lock);
        bool held = !ldisc_writable(d);

        if (!held)
            put(d, bytes[i]);
        spin_unlock_irq(&d->lock, flags);
        if (held)
            break;
    }
    if (d->out && i)
        waitq_wake_all(&d->out->readers);
    return i;
}

/* ---- echo ---- */

static bool shown_as_caret(const struct ldisc *d, u8 byte)
{
    return ldisc_local(d, ECHOCTL) && (byte < ' ' || byte == 0x7f) && byte != '\t' &&
           byte != '\n';
}

void ldisc_echo(struct ldisc *d, u8 byte)
{
    if (!ldisc_local(d, ECHO) &&
        !(byte == '\n' && ldisc_local(d, ECHONL) && ldisc_local(d, ICANON)))
        return;
    if (shown_as_caret(d, byte)) {
        put_raw(d, '^');
        put_raw(d, byte ^ 0x40);
    } else {
        put(d, byte);
    }
}

/* ---- the line being edited ---- */

void ldisc_set_end(struct ldisc *d, u32 number, bool end)
{
    u32 i = number % LDISC_INPUT;

    d->ends[i / 8] = (u8)((d->ends[i / 8] & ~(1u << i % 8)) | (u32)end << i % 8);
}

/* Columns of a byte on the screen that is no tab. */
static u32 width_of(const struct ldisc *d, u8 byte)
{
    if (shown_as_caret(d, byte))
        return 2;
    return byte >= ' ' && !continues(d, byte);
}

/* Columns that the last byte takes. One behind a tab began at a multiple of eight, so no more than
 * what lies between is looked at: each byte once while a line is erased. */
static u32 width_of_last(struct ldisc *d)
{
    u32 i = d->head - 1, column = 0;

    if (*ldisc_at(d, i) != '\t')
        return width_of(d, *ldisc_at(d, i));
    for (; i != d->ready && *ldisc_at(d, i - 1) != '\t'; i--)
        column += width_of(d, *ldisc_at(d, i - 1));
    if (i == d->ready)
        column += d->line_column;
    return 8 - column % 8;
}

void ldisc_end_erasing(struct ldisc *d)
{
    if (d->erasing && ldisc_local(d, ECHO))
        put(d, '/');
    d->erasing = false;
}

/* ECHOPRT, for paper: what was taken back, n bytes behind the line, is printed once more. */
static void print_erased(struct ldisc *d, u32 n)
{
    if (!d->erasing)
        put(d, '\\');
    d->erasing = true;
    ldisc_echo(d, *ldisc_at(d, d->head));
    for (u32 i = 1; i < n; i++)
        put_raw(d, *ldisc_at(d, d->head + i));
    if (d->head == d->ready)
        ldisc_end_erasing(d);
}

/* Takes back the last byte (the last character with IUTF8) and its picture. */
static void erase_one(struct ldisc *d)
{
    bool tab, more;
    u32 width = 0, head = d->head;

    if (d->head == d->ready)
        return;
    tab = *ldisc_at(d, d->head - 1) == '\t';
    do {
        width += width_of_last(d);
        WRITE_ONCE(d->head, d->head - 1);
        more = continues(d, *ldisc_at(d, d->head)) && d->head != d->ready;
    } while (more);
    if (!ldisc_local(d, ECHO))
        return;
    if (ldisc_local(d, ECHOPRT)) {
        print_erased(d, head - d->head);
        return;
    }
    if (!ldisc_local(d, ECHOE)) {
        ldisc_echo(d, d->termios.c_cc[VERASE]);
        return;
    }
    for (; width && d->column; width--) {
        put_raw(d, '\b');
        if (!tab) {
            ldisc_put(d, ' ');
            ldisc_put(d, '\b');
        }
    }
}

static bool is_word(u8 byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (byte >= 0xc0 && byte != 0xd7 &&
            byte != 0xf7); /* letters of Latin-1, as on Linux */
}

/* Whether the line ends in what is part of a word, or is not: the first byte of a character says. */
static bool ends_in(struct ldisc *d, bool word)
{
    u32 i = d->head;

    if (i == d->ready)
        return false;
    while (--i != d->ready && continues(d, *ldisc_at(d, i)))
        ;
    return is_word(*ldisc_at(d, i)) == word;
}

/* Part of it when it is long: then `again`. */
static void erase_word(struct ldisc *d)
{
    u32 n = 0;

    for (; ends_in(d, false); n++) {
        if (n == LDISC_AT_ONCE) {
            d->again = true;
            return;
        }
        erase_one(d);
    }
    for (; ends_in(d, true); n++) {
        if (n >= LDISC_AT_ONCE) {
            d->again = true;
            return;
        }
        erase_one(d);
    }
}

/* The same. */
static void erase_line(struct ldisc *d, u8 byte)
{
    if (ldisc_local(d, ECHOK) && ldisc_local(d, ECHOKE) && ldisc_local(d, ECHOE)) {
        for (u32 n = 0; d->head != d->ready && n < LDISC_AT_ONCE; n++)
            erase_one(d);
        d->again = d->head != d->ready;
        return;
    }
    WRITE_ONCE(d->head, d->ready);
    ldisc_end_erasing(d);
    ldisc_echo(d, byte);
    if (ldisc_local(d, ECHOK) && ldisc_local(d, ECHO))
        put(d, '\n');
}

/* The same: `shown` bytes are there already. */
static void reprint(struct ldisc *d)
{
    u32 n = d->head - d->ready, stop = MIN(d->shown + LDISC_AT_ONCE, n);

    if (!d->shown) {
        ldisc_end_erasing(d);
        ldisc_echo(d, d->termios.c_cc[VREPRINT]);
        put(d, '\n');
        d->line_column = d->column = 0;
    }
    for (; d->shown < stop; d->shown++)
        ldisc_echo(d, *ldisc_at(d, d->ready + d->shown));
    d->again = d->shown < n;
    if (!d->again)
        d->shown = 0;
}

bool ldisc_store(struct ldisc *d, u8 byte, bool end)
{
    if (d->head - d->tail >= LDISC_INPUT - (end ? 0 : 1))
        return false; /* without a bell, whatever IMAXBEL says, as on Linux */
    if (d->head == d->ready)
        d->line_column = d->column;
    *ldisc_at(d, d->head) = byte;
    ldisc_set_end(d, d->head, end);
    WRITE_ONCE(d->head, d->head + 1);
    return true;
}

void ldisc_finish_line(struct ldisc *d)
{
    WRITE_ONCE(d->ready, d->head);
    waitq_wake_all(&d->readers);
}

bool ldisc_edit(struct ldisc *d, u8 byte)
{
    bool extended = ldisc_local(d, IEXTEN);

    if (ldisc_is_cc(d, VERASE, byte)) {
        erase_one(d);
    } else if (ldisc_is_cc(d, VKILL, byte)) {
        erase_line(d, byte);
    } else if (extended && ldisc_is_cc(d, VWERASE, byte)) {
        erase_word(d);
    } else if (extended && ldisc_is_cc(d, VREPRINT, byte)) {
        reprint(d);
    } else if (ldisc_is_cc(d, VEOF, byte)) {
        if (ldisc_store(d, LDISC_DISABLED, true))
            ldisc_finish_line(d);
    } else {
        return false;
    }
    return true;
}
