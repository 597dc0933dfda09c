/* SPDX-License-Identifier: MIT
 *
 * The options of sockets that are numbers: where each is kept, what it begins with, its bounds.
 * For fs/socket/option.c.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* Places in socket.values of what is looked at here. */
#define VALUE_PRIORITY 0
#define VALUE_MAXSEG   13
#define VALUE_LINGER2  19
#define VALUE_DEFER    20
#define VALUE_CLAMP    21
#define VALUE_CONTROL  37 /* which of `algorithms` */

/* Names that are no numbers. */
#define IP_OPTIONS     4
#define IP_MTU         14
#define IPV6_MTU       24
#define TCP_CONGESTION 13
#define NAME_LEN       16u /* of an algorithm, of an interface */

/* How the value of an option is kept. HOPS: -1 is the initial one; MANY: as HOPS, and streams
 * have none; EXACT: not every number that is not 0 stands for 1. */
enum kind { SWITCH, VALUE, HOPS, MANY, EXACT };

struct option {
    s16 level, name;
    u8 kind, index; /* the bit, or the place in socket.values */
    s32 initial, min, max;
};

#define INT_MAX_ 0x7fffffff

static const struct option options[] = {
    {SOL_SOCKET, SO_REUSEADDR, SWITCH, OPT_REUSEADDR, 0, 0, 0},
    {SOL_SOCKET, SO_REUSEPORT, SWITCH, OPT_REUSEPORT, 0, 0, 0},
    {SOL_SOCKET, SO_KEEPALIVE, SWITCH, OPT_KEEPALIVE, 0, 0, 0},
    {SOL_SOCKET, SO_BROADCAST, SWITCH, OPT_BROADCAST, 0, 0, 0},
    {SOL_SOCKET, SO_PASSCRED, SWITCH, OPT_PASSCRED, 0, 0, 0},
    {SOL_SOCKET, SO_DEBUG, SWITCH, OPT_DEBUG, 0, 0, 0},
    {SOL_SOCKET, SO_DONTROUTE, SWITCH, OPT_DONTROUTE, 0, 0, 0},
    {SOL_SOCKET, SO_OOBINLINE, SWITCH, OPT_OOBINLINE, 0, 0, 0},
    {IPPROTO_IP, 8 /* IP_PKTINFO */, SWITCH, OPT_WANTS, 0, 0, 0},
    {IPPROTO_IP, 12 /* IP_RECVTTL */, SWITCH, OPT_WANTS + 1, 0, 0, 0},
    {IPPROTO_IP, 13 /* IP_RECVTOS */, SWITCH, OPT_WANTS + 2, 0, 0, 0},
    {IPPROTO_IPV6, 49 /* IPV6_RECVPKTINFO */, SWITCH, OPT_WANTS + 3, 0, 0, 0},
    {IPPROTO_IPV6, 51 /* IPV6_RECVHOPLIMIT */, SWITCH, OPT_WANTS + 4, 0, 0, 0},
    {IPPROTO_IPV6, 66 /* IPV6_RECVTCLASS */, SWITCH, OPT_WANTS + 5, 0, 0, 0},
    {IPPROTO_IP, 20 /* IP_RECVORIGDSTADDR */, SWITCH, OPT_WANTS + 6, 0, 0, 0},
    {IPPROTO_IPV6, 74 /* IPV6_RECVORIGDSTADDR */, SWITCH, OPT_WANTS + 7, 0, 0, 0},
    {IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, SWITCH, OPT_V6ONLY, 0, 0, 0},
    {SOL_SOCKET, SO_PRIORITY, VALUE, VALUE_PRIORITY, 0, -INT_MAX_, INT_MAX_},
    {SOL_SOCKET, SO_LOCK_FILTER, SWITCH, OPT_LOCK_FILTER, 0, 0, 0},
    {SOL_SOCKET, SO_MARK, VALUE, VALUE_MARK, 0, -INT_MAX_ - 1, INT_MAX_},
    {SOL_SOCKET, SO_NO_CHECK, VALUE, 32, 0, 0, 1},
    {SOL_SOCKET, 34 /* SO_PASSSEC: nobody has a label */, VALUE, 39, 0, 0, 1},
    {SOL_SOCKET, SO_RCVLOWAT, VALUE, VALUE_RCVLOWAT, 1, 1, INT_MAX_},
    {SOL_SOCKET, SO_PEEK_OFF, VALUE, VALUE_PEEK, -1, -INT_MAX_ - 1, INT_MAX_},
    {IPPROTO_IP, 1 /* IP_TOS */, VALUE, VALUE_TOS, 0, 0, 255},
    {IPPROTO_IP, 6 /* IP_RECVOPTS: nobody sends any */, VALUE, 34, 0, 0, 1},
    {IPPROTO_IP, 7 /* IP_RETOPTS */, VALUE, 35, 0, 0, 1},
    {IPPROTO_IP, 2 /* IP_TTL */, HOPS, VALUE_TTL, HOPS_DEFAULT, 1, 255},
    {IPPROTO_IP, 10 /* IP_MTU_DISCOVER */, VALUE, VALUE_DISCOVER4, 1, 0, 5},
    {IPPROTO_IP, 11 /* IP_RECVERR */, VALUE, VALUE_ERRORS, 0, 0, 1},
    {IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, VALUE, 6, 0, 0, 1},
    {IPPROTO_IP, 15 /* IP_FREEBIND */, VALUE, VALUE_FREEBIND, 0, 0, 1},
    {IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, VALUE, VALUE_FREEBIND, 0, 0, 1},
    {IPPROTO_IPV6, 16 /* IPV6_UNICAST_HOPS */, HOPS, VALUE_HOPS, HOPS_DEFAULT, 0, 255},
    {IPPROTO_IPV6, 67 /* IPV6_TCLASS */, HOPS, VALUE_TCLASS, 0, 0, 255},
    {IPPROTO_IPV6, 25 /* IPV6_RECVERR */, VALUE, VALUE_ERRORS6, 0, 0, 1},
    {IPPROTO_IPV6, 23 /* IPV6_MTU_DISCOVER */, VALUE, VALUE_DISCOVER, 1, 0, 5},
    {IPPROTO_IPV6, 62 /* IPV6_DONTFRAG */, VALUE, VALUE_DONTFRAG, 0, 0, 1},
    {IPPROTO_IPV6, 53 /* IPV6_RECVHOPOPTS: nobody sends any */, VALUE, 41, 0, 0, 1},
    {IPPROTO_IPV6, 56 /* IPV6_RECVRTHDR */, VALUE, 42, 0, 0, 1},
    {IPPROTO_IPV6, 58 /* IPV6_RECVDSTOPTS */, VALUE, 43, 0, 0, 1},
    {IPPROTO_IPV6, 70 /* IPV6_AUTOFLOWLABEL */, VALUE, 44, 1, 0, 1},
    {IPPROTO_IP, 18 /* IP_PASSSEC */, VALUE, 45, 0, 0, 1},
    {IPPROTO_IP, 49 /* IP_MULTICAST_ALL */, EXACT, VALUE_MC_ALL, 1, 0, 1},
    {IPPROTO_IPV6, 29 /* IPV6_MULTICAST_ALL */, VALUE, 47, 1, 0, 1},
    {IPPROTO_IP, 32 /* IP_MULTICAST_IF, to be told */, VALUE, VALUE_MIF_ADDR, 0, 0, 0},
    {IPPROTO_IPV6, 17 /* IPV6_MULTICAST_IF */, VALUE, VALUE_MIF6, 0, 0, 0},
    {IPPROTO_IP, 33 /* IP_MULTICAST_TTL */, MANY, 26, 1, 0, 255},
    {IPPROTO_IP, 34 /* IP_MULTICAST_LOOP */, VALUE, 27, 1, 0, 1},
    {IPPROTO_IPV6, 18 /* IPV6_MULTICAST_HOPS */, MANY, 28, 1, 0, 255},
    {IPPROTO_IPV6, 19 /* IPV6_MULTICAST_LOOP */, EXACT, 29, 1, 0, 1},
    {IPPROTO_TCP, 1 /* TCP_NODELAY */, VALUE, 12, 0, 0, 1},
    {IPPROTO_TCP, 2 /* TCP_MAXSEG */, VALUE, VALUE_MAXSEG, 32768, 88, 32768},
    {IPPROTO_TCP, 3 /* TCP_CORK */, VALUE, 14, 0, 0, 1},
    {IPPROTO_TCP, 4 /* TCP_KEEPIDLE */, VALUE, 15, 7200, 1, 32767},
    {IPPROTO_TCP, 5 /* TCP_KEEPINTVL */, VALUE, 16, 75, 1, 32767},
    {IPPROTO_TCP, 6 /* TCP_KEEPCNT */, VALUE, 17, 9, 1, 127},
    {IPPROTO_TCP, 7 /* TCP_SYNCNT */, VALUE, 18, 6, 1, 255},
    {IPPROTO_TCP, 8 /* TCP_LINGER2 */, VALUE, VALUE_LINGER2, 60, -INT_MAX_, INT_MAX_},
    {IPPROTO_TCP, 9 /* TCP_DEFER_ACCEPT */, VALUE, VALUE_DEFER, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 10 /* TCP_WINDOW_CLAMP */, VALUE, VALUE_CLAMP, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 12 /* TCP_QUICKACK */, VALUE, 22, 1, 0, 1},
    {IPPROTO_TCP, 16 /* TCP_THIN_LINEAR_TIMEOUTS */, EXACT, 36, 0, 0, 1},
    {IPPROTO_TCP, 36 /* TCP_INQ */, EXACT, VALUE_INQ, 0, 0, 1},
    {IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */, VALUE, 23, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 23 /* TCP_FASTOPEN */, VALUE, 24, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 30 /* TCP_FASTOPEN_CONNECT: without a key it is an ordinary connect */,
     VALUE, 52, 0, 0, 1},
    {IPPROTO_TCP, 25 /* TCP_NOTSENT_LOWAT */, VALUE, 25, 0, 0, INT_MAX_},
};

STATIC_ASSERT(VALUES > VALUE_MIF6 && OPT_LOCK_FILTER < 32 && OPT_WANTS_END <= 32);
