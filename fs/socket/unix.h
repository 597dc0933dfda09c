/* SPDX-License-Identifier: MIT
 *
 * Names of AF_UNIX sockets: paths, which are names of inodes, and abstract names. unix(7).
 */
#pragma once

#include "fs/socket/socket_own.h"

/* unix.c */
int unix_bind(struct socket *s, const struct address *a, struct fs_context *fs);

int unix_autobind(struct socket *s);

/* *out, referenced, is set with 0 only. */
int unix_find(const struct address *a, u32 type, struct fs_context *fs,
              struct socket **out);

void unix_unbind(struct socket *s);

void unix_address(const struct unix_name *name, struct address *out);

struct unix_name *unix_name_get(struct socket *s);

void unix_name_put(struct unix_name *name);
