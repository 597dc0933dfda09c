/* SPDX-License-Identifier: MIT
 *
 * The line discipline's picture of the line.
 */
#pragma once

#include "lib/types.h"

struct ldisc;

/* Prints n bytes with output processing; stops early when output is held: bytes done. */
size_t ldisc_output(struct ldisc *d, const u8 *bytes, size_t n);

/* Adds a byte; one place is kept for the end of a line. */
bool ldisc_store(struct ldisc *d, u8 byte, bool end);
void ldisc_set_end(struct ldisc *d, u32 number, bool end);
/* Shows a typed byte, when the settings say so. */
void ldisc_echo(struct ldisc *d, u8 byte);
/* Closes what ECHOPRT has begun to print. */
void ldisc_end_erasing(struct ldisc *d);
/* True: the byte was an editing command, and is done, or (d->again) begun. */
bool ldisc_edit(struct ldisc *d, u8 byte);
/* The edited line is complete. */
void ldisc_finish_line(struct ldisc *d);
