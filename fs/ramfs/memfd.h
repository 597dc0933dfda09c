/* SPDX-License-Identifier: MIT
 *
 * Sealing of memfd files, for fcntl. Seals are only ever added.
 */
#pragma once

#include "fs/file.h"

#define MEMFD_NAME_MAX 249u

/* A file over `ino` (takes over the caller's reference on success) that shows `name` but has
 * no place in the tree. 0 or -ENOMEM. */
int must_check file_create_unlinked(const char *name, struct inode *ino,
                                    const struct file_ops *fops, struct file **out);

/* F_GET_SEALS: the seals; -EINVAL: no memfd. */
long memfd_get_seals(struct file *f);

/* F_ADD_SEALS. -EINVAL no memfd or unknown seals, -EPERM not writable or F_SEAL_SEAL is set,
 * -EBUSY F_SEAL_WRITE while shared writable mappings exist. */
long memfd_add_seals(struct file *f, u32 seals);

/* A shared mapping of f that may be written is about to be made: true, and until memfd_map_end()
 * it counts as made, so that no seal comes in between. False: a seal forbids it. */
bool memfd_map_begin(struct file *f);
void memfd_map_end(struct file *f);

/* memfd_create: an unlinked ramfs file named "memfd:NAME". flags MFD_CLOEXEC is the
 * caller's; MFD_ALLOW_SEALING starts without F_SEAL_SEAL. */
int memfd_create(const char *name, u32 flags, struct file **out);
