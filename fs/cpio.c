/* SPDX-License-Identifier: MIT
 *
 * The cpio reader.
 */
#include "fs/cpio.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define HEADER_SIZE 110u

static int fail(struct cpio *c, const char *cause)
{
    c->cause = cause;
    return -EINVAL;
}

/* Eight hexadecimal digits. */
static bool parse_hex(const u8 *text, u32 *out)
{
    u32 value = 0;

    for (int i = 0; i < 8; i++) {
        u8 c = text[i], low = c | 0x20;

        if (c >= '0' && c <= '9')
            value = value << 4 | (u32)(c - '0');
        else if (low >= 'a' && low <= 'f')
            value = value << 4 | (u32)(low - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

/* Moves behind the part of n bytes at c->at and its padding to 4, which the very last part
 * may lack. The part lies in the archive. */
static void skip(struct cpio *c, u64 n)
{
    u64 end = c->base + align_up(c->at + n - c->base, 4);

    c->at = MIN(end, (u64)c->len);
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
    const u8 *h = c->archive + c->at;
    size_t left = c->len - c->at;

    if (left >= 2 && h[0] == 0x1f && h[1] == 0x8b)
        return fail(c, "compressed with gzip; only plain cpio archives can be read");
    if (left < HEADER_SIZE)
        return fail(c, "ends inside a header");
    if (memcmp(h, "070701", 6) != 0 && memcmp(h, "070702", 6) != 0)
        return fail(c, "no cpio header (newc) here");
    for (int i = 0; i < CPIO_FIELDS; i++)
        if (!parse_hex(h + 6 + 8 * i, &e->field[i]))
            return fail(c, "a header field is not a hexadecimal number");
    if (e->field[CPIO_NAMESIZE] < 1 || e->field[CPIO_NAMESIZE] > PATH_MAX)
        return fail(c, "length of the name is out of range");
    if (e->field[CPIO_NAMESIZE] > left - HEADER_SIZE)
        return fail(c, "the name goes beyond the end");
    e->name = (const char *)h + HEADER_SIZE;
    if (strnlen(e->name, e->field[CPIO_NAMESIZE]) != e->field[CPIO_NAMESIZE] - 1)
        return fail(c, "the name does not end with its only NUL");
    skip(c, HEADER_SIZE + (u64)e->field[CPIO_NAMESIZE]);
    e->data = c->archive + c->at;
    if (e->field[CPIO_FILESIZE] > c->len - c->at)
        return fail(c, "the data goes beyond the end");
    skip(c, e->field[CPIO_FILESIZE]);
    return 0;
}

bool cpio_is_trailer(const struct cpio_entry *e)
{
    return strcmp(e->name, "TRAILER!!!") == 0;
}

void cpio_skip_zeros(struct cpio *c)
{
    while (c->at < c->len && c->archive[c->at] == 0)
        c->at++;
    c->base = c->at;
}
