/* SPDX-License-Identifier: MIT
 *
 * What a pseudo-terminal prints, on its way to the master.
 */
#pragma once

#include "kernel/term/ldisc.h"

/* Whether a write would print at least a character; whether there is room for a typed one. */
bool ldisc_writable(const struct ldisc *d);

bool ldisc_room(const struct ldisc *d);

void ldisc_out_init(struct ldisc_out *o);

/* A byte of output, or echo, which is lost without room; d->lock held. */
void ldisc_put(struct ldisc *d, u8 byte);

/* News for packet mode; d->lock held. */
void ldisc_out_note(struct ldisc *d, u8 status);

/* What was printed goes unread. */
void ldisc_out_flush(struct ldisc *d);

/* Up to n printed bytes, or a packet, which begins only a read. */
size_t ldisc_out_take(struct ldisc *d, u8 *bytes, size_t n, bool first);

/* Bytes there are, and one for news; the news. */
u32 ldisc_out_ready(const struct ldisc *d);

u8 ldisc_out_status(const struct ldisc *d);

bool ldisc_out_packets(const struct ldisc *d);

void ldisc_out_set_packets(struct ldisc *d, bool on);
