/* SPDX-License-Identifier: MIT
 *
 * Filters of sockets as options give and take them.
 */
#pragma once

#include "lib/types.h"

struct socket;

/* SO_ATTACH_FILTER with what the program gives, of len bytes. */
int filter_attach(struct socket *s, vaddr_t user, u32 len);
/* The same option asked for: the filter goes to `user`, which has room for *len instructions, 0: only
 * their number is told, which *len becomes. */
int filter_tell(struct socket *s, vaddr_t user, u32 *len);
