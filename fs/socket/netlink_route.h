/* SPDX-License-Identifier: MIT
 *
 * What messages of NETLINK_ROUTE ask, and what is said to it.
 */
#pragma once

#include "fs/socket/netlink.h"

/* The head of a message. */
struct netlink_request {
    u32 len; /* of the whole message, header included */
    u16 type, flags;
    u32 seq, port;
};

/* The answers of one request go into the queue of s. */
void netlink_answer(struct socket *s, const struct netlink_request *q, const u8 *payload);
