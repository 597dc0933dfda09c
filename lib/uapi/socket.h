/* SPDX-License-Identifier: MIT
 *
 * Sockets: values of Linux x86-64 (socket(2), unix(7), ip(7), tcp(7)).
 */
#pragma once

#include "lib/types.h"

#define AF_UNSPEC  0
#define AF_UNIX    1
#define AF_INET    2
#define AF_INET6   10
#define AF_NETLINK 16
#define AF_MAX     46

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPES     11

#define IPPROTO_IP      0
#define IPPROTO_TCP     6
#define IPPROTO_UDP     17
#define IPPROTO_IPV6    41
#define IPPROTO_UDPLITE 136
#define SOL_SOCKET      1
#define SOL_NETLINK     270

#define IPV6_PKTINFO 50
#define PKTINFO6_LEN 20u /* struct in6_pktinfo: an address, the number of an interface */
#define LO           1   /* the number of `lo` */

#define SO_DEBUG           1
#define SO_REUSEADDR       2
#define SO_TYPE            3
#define SO_ERROR           4
#define SO_DONTROUTE       5
#define SO_BROADCAST       6
#define SO_SNDBUF          7
#define SO_RCVBUF          8
#define SO_KEEPALIVE       9
#define SO_OOBINLINE       10
#define SO_NO_CHECK        11
#define SO_PRIORITY        12
#define SO_LINGER          13
#define SO_REUSEPORT       15
#define SO_PASSCRED        16
#define SO_PEERCRED        17
#define SO_RCVLOWAT        18
#define SO_SNDLOWAT        19
#define SO_RCVTIMEO        20
#define SO_SNDTIMEO        21
#define SO_BINDTODEVICE    25
#define SO_ATTACH_FILTER   26 /* asked for: the filter */
#define SO_DETACH_FILTER   27
#define SO_PEEK_OFF        42
#define SO_TIMESTAMP       29
#define SO_ACCEPTCONN      30
#define SO_SNDBUFFORCE     32
#define SO_RCVBUFFORCE     33
#define SO_TIMESTAMPNS     35
#define SO_MARK            36
#define SO_PROTOCOL        38
#define SO_DOMAIN          39
#define SO_LOCK_FILTER     44
#define SO_INCOMING_CPU    49
#define SO_MEMINFO         55
#define SO_COOKIE          57
#define SO_TIMESTAMP_NEW   63
#define SO_TIMESTAMPNS_NEW 64
#define SO_RCVTIMEO_NEW    66
#define SO_SNDTIMEO_NEW    67

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_FASTOPEN     0x20000000u
#define MSG_CMSG_CLOEXEC 0x40000000u
#define MSG_COMPAT       0x80000000u /* only the kernel's own callers on Linux may pass it */

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define SCM_MAX_FD      253u

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2
