/* SPDX-License-Identifier: MIT
 *
 * Addresses of the loopback: 127.0.0.0/8, ::1, and the wildcards. IPv4 addresses are kept as
 * ::ffff:a.b.c.d. ip(7), ipv6(7).
 */
#pragma once

#include "fs/socket/socket_own.h"

/* What a program gave as an address of s's family. -EINVAL, -EAFNOSUPPORT. */
int inet_parse(const struct socket *s, const struct address *a, struct inet_name *out);
/* The same of an address that s wants for itself. -EADDRNOTAVAIL too. */
int inet_parse_own(const struct socket *s, const struct address *a,
                   struct inet_name *out);
/* The other way: what s's program sees of a name. */
void inet_address(const struct socket *s, const struct inet_name *name,
                  struct address *out);

/* The address of IPv4 with those four bytes. */
void inet_set_v4(struct inet_name *n, const void *four);
bool inet_is_v4(const struct inet_name *n);
/* A group of multicast of IPv4: the only ones to which something can be sent here. */
bool inet_is_group(const struct inet_name *n);
bool inet_is_any(const struct inet_name *n);

/* 0.0.0.0 and :: become the loopback. -ENETUNREACH: not on this machine. */
int inet_route(struct inet_name *to);
/* The same for what s sends: nothing goes out under an address of another machine (IP_FREEBIND). No
 * lock of s held. */
int inet_route_from(struct socket *s, struct inet_name *to);
/* IPV6_PKTINFO: through which interface datagrams to IPv6 go; of the address in it Linux makes no
 * use either. value NULL: it could not be read, -EFAULT. -EINVAL: too short, not the device that s is
 * bound to. */
int inet_set_sticky(struct socket *s, const void *value, u32 len);
/* Where packets to `to` come from when the sender has not said. */
void inet_source(struct inet_name *from, const struct inet_name *to);

/* The name of nobody, in s's family. */
void inet_no_name(const struct socket *s, struct inet_name *n);
/* s has no names. */
void inet_clear(struct socket *s);

/* ifconf.c: netdevice(7) of a socket of any family; addresses are AF_INET's alone. */
long device_ioctl(const struct socket *s, u32 cmd, uintptr_t arg);
