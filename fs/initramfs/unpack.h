/* SPDX-License-Identifier: MIT
 *
 * Inside the unpacking of the initramfs: making what one entry of an archive asks for.
 */
#pragma once

#include "fs/initramfs/cpio.h"
#include "fs/vfs.h"
#include "lib/rbtree.h"

/* The first name of a file with several. */
struct link {
    struct rb_node node;
    u32 ino, dev_major, dev_minor, kind;
    const char *name; /* in the archive */
};

struct dir_time {
    struct dir_time *next;
    struct inode *dir; /* referenced */
    u64 when;
};

struct unpack {
    struct fs_context fs; /* a copy without umask */
    struct cpio cpio;
    struct rb_root links;
    struct dir_time *times, **times_end;
    u64 complaints;
};

/* Makes the entry. An error tells that it was left out, or its data; u->cpio.cause may say
 * why. */
int unpack_entry(struct unpack *u, const struct cpio_entry *e);

/* At the end of an archive: numbers of files begin anew. */
void unpack_forget_links(struct unpack *u);
/* At the end of all: directories get the times their entries gave. */
void unpack_set_times(struct unpack *u);
