/* SPDX-License-Identifier: MIT
 *
 * What a pseudo-terminal prints, on its way to the master.
 */
#include "kernel/term/ldisc_out.h"
#include "arch/console.h"
#include "kernel/term/console.h"
#include "kernel/term/ldisc.h"
#include "lib/lock.h"

#define CHARACTER 8u /* bytes that one may become: a tab, or caret and letter */

void ldisc_out_init(struct ldisc_out *o)
{
    o->head = o->tail = 0;
    o->status = 0;
    o->packets = false;
    waitq_fini(&o->readers); /* as in ldisc_init() */
    waitq_fini(&o->writers);
    waitq_init(&o->readers);
    waitq_init(&o->writers);
}

static u32 used(const struct ldisc_out *o)
{
    return READ_ONCE(o->head) - READ_ONCE(o->tail);
}

bool ldisc_writable(const struct ldisc *d)
{
    return !READ_ONCE(d->stopped) && (!d->out || used(d->out) + CHARACTER <= LDISC_INPUT);
}

bool ldisc_room(const struct ldisc *d)
{
    u32 tail = READ_ONCE(d->tail);

    /* A line that is too long loses its end, but its newline must come in. */
    return READ_ONCE(d->head) - tail < LDISC_INPUT - 2 ||
           (ldisc_local(d, ICANON) && READ_ONCE(d->ready) == tail);
}

void ldisc_put(struct ldisc *d, u8 byte)
{
    struct ldisc_out *o = d->out;

    if (!o) {
        console_put(byte);
        return;
    }
    if (used(o) == LDISC_INPUT)
        return;
    o->bytes[o->head % LDISC_INPUT] = byte;
    WRITE_ONCE(o->head, o->head + 1);
}

void ldisc_out_note(struct ldisc *d, u8 status)
{
    struct ldisc_out *o = d->out;

    if (!o || !o->packets)
        return;
    o->status |= status;
    waitq_wake_all(&o->readers);
}

void ldisc_out_flush(struct ldisc *d)
{
    irqflags_t flags = spin_lock_irq(&d->lock);

    if (d->out) {
        WRITE_ONCE(d->out->tail, d->out->head);
        ldisc_out_note(d, TIOCPKT_FLUSHWRITE);
        waitq_wake_all(&d->writers);
    }
    spin_unlock_irq(&d->lock, flags);
}

size_t ldisc_out_take(struct ldisc *d, u8 *bytes, size_t n, bool first)
{
    SCOPED_LOCK_IRQ(&d->lock);
    struct ldisc_out *o = d->out;
    size_t got = 0;

    if (o->packets && (o->status || (used(o) && first))) {
        bytes[got++] = o->status;
        if (o->status) {
            o->status = 0;
            return got;
        }
    }
    for (; got < n && used(o); got++) {
        bytes[got] = o->bytes[o->tail % LDISC_INPUT];
        WRITE_ONCE(o->tail, o->tail + 1);
    }
    if (got)
        waitq_wake_all(&d->writers);
    return got;
}

u32 ldisc_out_ready(const struct ldisc *d)
{
    return used(d->out) + (READ_ONCE(d->out->status) != 0);
}

u8 ldisc_out_status(const struct ldisc *d)
{
    return READ_ONCE(d->out->status);
}

bool ldisc_out_packets(const struct ldisc *d)
{
    return READ_ONCE(d->out->packets);
}

void ldisc_out_set_packets(struct ldisc *d, bool on)
{
    SCOPED_LOCK_IRQ(&d->lock);

    if (on != d->out->packets) /* what happened since it was on is still to be told */
        d->out->status = 0;
    WRITE_ONCE(d->out->packets, on);
}
