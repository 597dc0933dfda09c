/* SPDX-License-Identifier: MIT
 *
 * Addresses and ports of the loopback: 127.0.0.0/8, ::1, and the wildcards. IPv4 addresses
 * are kept as ::ffff:a.b.c.d. ip(7), ipv6(7).
 */
#pragma once

#include "fs/socket/socket_own.h"

/* inet.c */
int inet_parse(const struct socket *s, const struct address *a, struct inet_name *out);

void inet_address(const struct socket *s, const struct inet_name *name,
                  struct address *out);

int inet_bind(struct socket *s, const struct address *a, struct fs_context *fs);

int inet_autobind(struct socket *s);

int inet_may_listen(struct socket *s); /* gets a port if it has none; -EADDRINUSE */
void inet_join(struct socket *s);      /* an accepted one gets its place at the port */
void inet_unbind(struct socket *s);

/* Who listens there, or takes datagrams from `from`; referenced, or NULL. */
struct socket *inet_find(u32 type, const struct inet_name *to,
                         const struct inet_name *from);

void inet_clear(struct socket *s); /* no names */

/* ifconf.c: netdevice(7) of a socket of any family; addresses are AF_INET's alone. */
long device_ioctl(const struct socket *s, u32 cmd, uintptr_t arg);

/* Where it sends to, and then from where, if that is not said yet. */
void inet_set_remote(struct socket *s, const struct inet_name *to);

void inet_forget_remote(struct socket *s);

bool inet_is_any(const struct inet_name *n);

/* 0.0.0.0 and :: become the loopback. -ENETUNREACH: not on this machine. */
int inet_route(struct inet_name *to);

/* Where packets to `to` come from when the sender has not said. */
void inet_source(struct inet_name *from, const struct inet_name *to);
