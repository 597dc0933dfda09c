/* SPDX-License-Identifier: MIT
 *
 * Reading cpio archives of the "newc" kind. Nothing in an archive is trusted.
 */
#pragma once

#include "lib/types.h"

enum cpio_field {
    CPIO_INO,
    CPIO_MODE,
    CPIO_UID,
    CPIO_GID,
    CPIO_NLINK,
    CPIO_MTIME,
    CPIO_FILESIZE,
    CPIO_DEV_MAJOR,
    CPIO_DEV_MINOR,
    CPIO_RDEV_MAJOR,
    CPIO_RDEV_MINOR,
    CPIO_NAMESIZE,
    CPIO_CHECK,
    CPIO_FIELDS
};

struct cpio_entry {
    u32 field[CPIO_FIELDS];
    const char *name; /* terminated; both lie in the archive */
    const u8 *data;   /* FILESIZE bytes */
    const char *odd;  /* not NULL: why this entry has no name (name is "") */
    bool checked;     /* the sum of the data's bytes should be CHECK */
};

struct cpio {
    const u8 *archive;
    size_t len;
    size_t at;         /* next byte */
    size_t base;       /* where the present archive began: padding counts from there */
    const char *cause; /* why reading failed */
};

/* The entry at c->at, which moves behind it. -EINVAL with c->cause: what follows cannot be
 * read. A name may have any number of NULs behind it, as the kernel's own tool pads it. */
int cpio_next(struct cpio *c, struct cpio_entry *e);
bool cpio_is_trailer(const struct cpio_entry *e);
/* Whether the data has the sum that stands in the header, where one does. */
bool cpio_data_good(const struct cpio_entry *e);
/* Behind the zero bytes at c->at begins another archive, or the end. */
void cpio_skip_zeros(struct cpio *c);
