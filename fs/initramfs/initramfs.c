/* SPDX-License-Identifier: MIT
 *
 * The initial file system: one or more cpio archives of the "newc" kind (with or without
 * checksums), one behind the other with zero bytes between. Nothing in an archive is trusted.
 * An entry that cannot be made costs one line and itself; what cannot be read any more, one
 * line and the rest. Names are relative to the root whatever they begin with; missing parent
 * directories are made; a later entry of the same name replaces an earlier one, except that
 * a directory with contents is never replaced by something else. Otherwise as Linux does it.
 */
#include "fs/initramfs/initramfs.h"
#include "fs/context.h"
#include "fs/initramfs/unpack.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define COMPLAINTS_MAX 8u

static const char *error_text(int err)
{
    switch (err) {
    case -ENOMEM:
    case -ENOSPC:
        return "no memory left";
    case -ENOTDIR:
        return "a parent of the name is not a directory";
    case -ELOOP:
        return "the name leads through a loop of links";
    case -ENAMETOOLONG:
        return "a component of the name is too long";
    case -ENOTEMPTY:
        return "would replace a directory that is not empty";
    case -EFBIG:
        return "the file is too large";
    default:
        return "the entry cannot be made";
    }
}

/* One line for what is left out, but not thousands of them. */
static void complain(struct unpack *u, size_t where, const char *name, int err)
{
    const char *cause = u->cpio.cause ? u->cpio.cause : error_text(err);

    u->cpio.cause = NULL;
    if (u->complaints++ < COMPLAINTS_MAX)
        printk(LOG_WARNING "initramfs: offset %zu: %.200s%s%s\n", where, name,
               *name ? ": " : "", cause);
}

/* One archive up to its trailer, or the end. An entry that cannot be made costs only itself.
 * Not 0: the rest cannot be read, or there is no memory for it. */
static int unpack_archive(struct unpack *u)
{
    struct cpio_entry e = {.name = ""};
    size_t where;
    int err = 0;

    while (!err && u->cpio.at < u->cpio.len) {
        where = u->cpio.at;
        err = cpio_next(&u->cpio, &e);
        if (err) {
            complain(u, where, "", err);
            return err;
        }
        if (cpio_is_trailer(&e))
            break;
        err = unpack_entry(u, &e);
        if (err)
            complain(u, where, e.name, err);
        if (err != -ENOMEM && err != -ENOSPC)
            err = 0;
    }
    unpack_forget_links(u);
    return err;
}

int initramfs_unpack(struct fs_context *fs, const void *data, size_t len)
{
    struct unpack *u = kzalloc(sizeof(*u));
    u32 umask = fs_umask(fs);
    bool complete;
    int err = 0;

    if (!u)
        return -ENOMEM;
    u->fs = *fs; /* borrows the references */
    u->fs.dirs->umask = 0;
    u->fs.dirs->cwd = u->fs.dirs->root;
    u->times_end = &u->times;
    u->cpio = (struct cpio){.archive = data, .len = len};
    cpio_skip_zeros(&u->cpio);
    if (u->cpio.at == len)
        u->cpio.cause = "empty", complain(u, 0, "", -EINVAL);
    while (!err && u->cpio.at < len) {
        err = unpack_archive(u);
        cpio_skip_zeros(&u->cpio);
    }
    if (u->complaints > COMPLAINTS_MAX)
        printk(LOG_WARNING "initramfs: %lu more of this kind\n",
               u->complaints - COMPLAINTS_MAX);
    complete = !u->complaints;
    unpack_forget_links(u);
    unpack_set_times(u);
    u->fs.dirs->umask = umask;
    kfree(u);
    return complete ? 0 : -EINVAL;
}
