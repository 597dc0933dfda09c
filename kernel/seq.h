/* SPDX-License-Identifier: MIT
 *
 * Text of a generated file: made whole when it is read from the start, so that a reader
 * never sees two states mixed. Grows by single pages, up to SEQ_MAX bytes.
 */
#pragma once

#include "fs/uio.h"
#include "lib/types.h"
#include <stdarg.h>

#define SEQ_MAX (64ul << 20)

struct seq {
    char **pages;
    size_t npages, room; /* pages in use, places in the array */
    size_t len;          /* bytes */
    int error;           /* -ENOMEM: text is missing */
};

void seq_init(struct seq *s);
void seq_free(struct seq *s);

void seq_write(struct seq *s, const void *text, size_t n);
void seq_puts(struct seq *s, const char *text);
/* At most 511 bytes at a time. */
void seq_printf(struct seq *s, const char *fmt, ...) printf_like(2, 3);

/* Copies from byte `pos` on to the reader: bytes, 0 at the end, -EFAULT. */
ssize_t seq_read(const struct seq *s, struct uio *u, u64 pos);
