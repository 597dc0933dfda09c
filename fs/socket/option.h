/* SPDX-License-Identifier: MIT
 *
 * Options of sockets: socket(7), ip(7), ipv6(7), tcp(7). What steers a network that is not
 * there is kept and told again, within the bounds Linux has for it.
 */
#pragma once

#include "fs/socket/socket.h"

/* value NULL: it could not be read, which is -EFAULT where the option is known and len enough. */
int socket_set_option(struct socket *s, s32 level, s32 name, const void *value, u32 len);

int socket_get_option(struct socket *s, s32 level, s32 name, void *value, u32 *len);
