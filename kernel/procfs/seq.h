/* SPDX-License-Identifier: MIT
 *
 * Text of a generated file. A short one is made whole when it is read from the start, so
 * that a reader never sees two states mixed. A long one comes in pieces of whole lines, each
 * made when the reader gets there: its writer begins at `from` and stops when seq_full says
 * so, with the place to go on in `next`. Grows by single pages, up to SEQ_MAX bytes.
 */
#pragma once

#include "fs/uio.h"
#include "lib/types.h"
#include "mm/phys/account.h"
#include <stdarg.h>

#define SEQ_MAX   (1ul << 20)
#define SEQ_PIECE 2800u /* with one more record, even of smaps, a page is enough */

struct seq {
    char **pages;
    size_t npages, room;     /* pages in use, places in the array */
    size_t len;              /* bytes */
    int error;               /* -ENOMEM: text is missing */
    u64 from, next;          /* pieces: the writer's own numbers; 0: the start, the end */
    struct account *account; /* [c] who pays for the pages; outlives the text */
};

void seq_init(struct seq *s, struct account *account);
/* Gives the pages back: empty again, and at the start. */
void seq_free(struct seq *s);

/* Whether a piece is large enough. */
static inline bool seq_full(const struct seq *s)
{
    return s->len >= SEQ_PIECE || s->error;
}

void seq_write(struct seq *s, const void *text, size_t n);
void seq_puts(struct seq *s, const char *text);
/* At most 511 bytes at a time. */
void seq_printf(struct seq *s, const char *fmt, ...) printf_like(2, 3);

/* Copies from byte `pos` on to the reader: bytes, 0 at the end, -EFAULT. */
ssize_t seq_read(const struct seq *s, struct uio *u, u64 pos);
