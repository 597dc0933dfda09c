/* SPDX-License-Identifier: MIT
 *
 * The cpio reader.
 */
#include "fs/initramfs/cpio.h"
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

/* What else may stand where an archive begins. */
static const char *foreign(const u8 *h, size_t left)
{
    static const struct {
        const char *magic;
        u32 len;
        const char *cause;
    } kinds[] = {
        {"\x1f\x8b", 2, "compressed with gzip; only plain cpio archives can be read"},
        {"BZh", 3, "compressed with bzip2; only plain cpio archives can be read"},
        {"\xfd"
         "7zXZ",
         5, "compressed with xz; only plain cpio archives can be read"},
        {"\x5d\0\0", 3, "compressed with lzma; only plain cpio archives can be read"},
        {"\x89LZO", 4, "compressed with lzo; only plain cpio archives can be read"},
        {"\x02\x21\x4c\x18", 4,
         "compressed with lz4; only plain cpio archives can be read"},
        {"\x28\xb5\x2f\xfd", 4,
         "compressed with zstd; only plain cpio archives can be read"},
        {"070707", 6, "a cpio archive of the old kind; make it with the format newc"},
        {"\xc7\x71", 2, "a binary cpio archive; make it with the format newc"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (left >= kinds[i].len && memcmp(h, kinds[i].magic, kinds[i].len) == 0)
            return kinds[i].cause;
    return NULL;
}

static int read_header(struct cpio *c, struct cpio_entry *e)
{
    const u8 *h = c->archive + c->at;
    size_t left = c->len - c->at;
    bool newc = left >= 6 && (memcmp(h, "070701", 6) == 0 || memcmp(h, "070702", 6) == 0);
    const char *cause = newc ? NULL : foreign(h, left);

    if (cause)
        return fail(c, cause);
    if (left < HEADER_SIZE)
        return fail(c, "ends inside a header");
    if (!newc)
        return fail(c, "no cpio header (newc) here");
    for (int i = 0; i < CPIO_FIELDS; i++)
        if (!parse_hex(h + 6 + 8 * i, &e->field[i]))
            return fail(c, "a header field is not a hexadecimal number");
    e->checked = h[5] == '2';
    return 0;
}

static void find_name(struct cpio_entry *e, const char *name)
{
    u32 size = e->field[CPIO_NAMESIZE];

    e->name = "";
    e->odd = NULL;
    if (size < 1)
        e->odd = "the entry has no name";
    else if (size > PATH_MAX)
        e->odd = "the name is too long";
    else if (name[size - 1])
        e->odd = "the name has no end";
    else
        e->name = name;
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
    const u8 *h = c->archive + c->at;
    int err = read_header(c, e);

    if (err)
        return err;
    if (e->field[CPIO_NAMESIZE] > c->len - c->at - HEADER_SIZE)
        return fail(c, "the name goes beyond the end");
    find_name(e, (const char *)h + HEADER_SIZE);
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

bool cpio_data_good(const struct cpio_entry *e)
{
    u32 sum = 0;

    for (u32 i = 0; e->checked && i < e->field[CPIO_FILESIZE]; i++)
        sum += e->data[i];
    return !e->checked || !e->field[CPIO_FILESIZE] || sum == e->field[CPIO_CHECK];
}

void cpio_skip_zeros(struct cpio *c)
{
    while (c->at < c->len && c->archive[c->at] == 0)
        c->at++;
    c->base = c->at;
}
