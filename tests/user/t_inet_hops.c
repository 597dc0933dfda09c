/* SPDX-License-Identifier: MIT
 *
 * Options of hops and classes: bounds, what they begin with, and how -1 gives that back; flags;
 * how long a datagram in one piece may be.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int get(int s, int level, int name)
{
    int v = -77;
    socklen_t len = sizeof(v);

    OK(getsockopt(s, level, name, &v, &len));
    return v;
}

static int set(int s, int level, int name, int v)
{
    return setsockopt(s, level, name, &v, sizeof(v));
}

/* Begins with `first`, takes least to 255, and -1 for `first`. */
static void hops(int family, int level, int name, int least, int first)
{
    int s = socket(family, SOCK_DGRAM, 0);

    OK(s);
    EQ(get(s, level, name), first);
    OK(set(s, level, name, 255));
    EQ(get(s, level, name), 255);
    OK(set(s, level, name, -1));
    EQ(get(s, level, name), first);
    OK(set(s, level, name, least));
    EQ(get(s, level, name), least);
    ERR(set(s, level, name, 256), EINVAL);
    ERR(set(s, level, name, -2), EINVAL);
    if (least)
        ERR(set(s, level, name, least - 1), EINVAL);
    EQ(get(s, level, name), least);
    OK(close(s));
}

TEST(hops, "of datagrams to one and to many")
{
    hops(AF_INET, IPPROTO_IP, IP_TTL, 1, 64);
    hops(AF_INET, IPPROTO_IP, IP_MULTICAST_TTL, 0, 1);
    hops(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, 64);
    hops(AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0, 1);
    hops(AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0, 0);
}

TEST(loop, "whether one hears what one sends to many")
{
    int s, t;

    OK(s = socket(AF_INET, SOCK_DGRAM, 0));
    EQ(get(s, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
    OK(set(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    EQ(get(s, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    OK(set(s, IPPROTO_IP, IP_MULTICAST_LOOP, 5));
    EQ(get(s, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
    OK(t = socket(AF_INET6, SOCK_DGRAM, 0));
    EQ(get(t, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 1);
    OK(set(t, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0));
    EQ(get(t, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
    ERR(set(t, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 5), EINVAL);
}

TEST(streams, "streams do not go to many")
{
    int s, t;

    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    ERR(set(s, IPPROTO_IP, IP_MULTICAST_TTL, 3), EINVAL);
    OK(t = socket(AF_INET6, SOCK_STREAM, 0));
    ERR(set(t, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3), ENOPROTOOPT);
}

/* A bool that begins with `first`. */
static void flag(int family, int type, int level, int name, int first)
{
    int s = socket(family, type, 0);

    OK(s);
    EQ(get(s, level, name), first);
    OK(set(s, level, name, !first));
    EQ(get(s, level, name), !first);
    OK(set(s, level, name, first));
    EQ(get(s, level, name), first);
    OK(close(s));
}

TEST(class, "two bits of a stream's class are the protocol's")
{
    int t = socket(AF_INET6, SOCK_STREAM, 0), n = socket(AF_NETLINK, SOCK_RAW, 0);

    OK(set(t, IPPROTO_IPV6, IPV6_TCLASS, 0x17));
    EQ(get(t, IPPROTO_IPV6, IPV6_TCLASS), 0x14);
    ERR(set(t, IPPROTO_IPV6, IPV6_TCLASS, 259), EINVAL);
    ERR(set(t, IPPROTO_IPV6, IPV6_TCLASS, -2), EINVAL);
    ERR(setsockopt(n, 270 /* SOL_NETLINK */, 99, "", 1), ENOPROTOOPT);
}

TEST(flags, "options of heads, groups and labels that nobody sends")
{
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        flag(AF_INET6, type, IPPROTO_IPV6, IPV6_DONTFRAG, 0);
        flag(AF_INET6, type, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 0);
        flag(AF_INET6, type, IPPROTO_IPV6, IPV6_RECVRTHDR, 0);
        flag(AF_INET6, type, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 0);
        flag(AF_INET6, type, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1);
        flag(AF_INET6, type, IPPROTO_IPV6, 29 /* IPV6_MULTICAST_ALL */, 1);
        flag(AF_INET, type, IPPROTO_IP, IP_MULTICAST_ALL, 1);
        flag(AF_INET, type, IPPROTO_IP, IP_PASSSEC, 0);
    }
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    OK(s);
    ERR(set(s, IPPROTO_IP, IP_MULTICAST_ALL, 2), EINVAL);
}

static char bytes[65527];
static struct sockaddr_in6 there = {.sin6_family = AF_INET6};

static int sender(int name, int v)
{
    int s = socket(AF_INET6, SOCK_DGRAM, 0);

    OK(s);
    OK(set(s, SOL_SOCKET, SO_SNDBUF, 200000));
    if (name)
        OK(set(s, IPPROTO_IPV6, name, v));
    OK(connect(s, (struct sockaddr *)&there, sizeof(there)));
    return s;
}

/* lo carries 65,536 bytes, 48 of them heads. */
static void in_one_piece(int name, int v, int last)
{
    int s = sender(name, v);

    EQ(send(s, bytes, 65488, 0), 65488);
    if (last)
        EQ(send(s, bytes, 65527, 0), 65527);
    else
        ERR(send(s, bytes, 65489, 0), EMSGSIZE);
    EQ(send(s, bytes, 65488, MSG_MORE), 65488);
    if (last)
        EQ(send(s, bytes, 1, 0), 1);
    else
        ERR(send(s, bytes, 1, 0), EMSGSIZE);
    OK(close(s));
}

TEST(whole, "datagrams that may not be cut end at what the interface carries")
{
    socklen_t len = sizeof(there);
    int r = socket(AF_INET6, SOCK_DGRAM, 0);

    OK(r);
    there.sin6_addr = in6addr_loopback;
    OK(bind(r, (struct sockaddr *)&there, len));
    OK(getsockname(r, (struct sockaddr *)&there, &len));
    in_one_piece(0, 0, 1);
    in_one_piece(IPV6_DONTFRAG, 1, 0);
    for (int how = IPV6_PMTUDISC_DONT; how <= IPV6_PMTUDISC_OMIT; how++)
        in_one_piece(IPV6_MTU_DISCOVER, how,
                     how < IPV6_PMTUDISC_DO || how == IPV6_PMTUDISC_OMIT);
}

TEST(parts, "nor does a datagram of parts grow beyond what one of IPv4 holds")
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int r = socket(AF_INET, SOCK_DGRAM, 0), s;

    OK(r);
    OK(bind(r, (struct sockaddr *)&at, len));
    OK(getsockname(r, (struct sockaddr *)&at, &len));
    memset(&there, 0, sizeof(there));
    there.sin6_family = AF_INET6;
    there.sin6_port = at.sin_port;
    there.sin6_addr.s6_addr[10] = there.sin6_addr.s6_addr[11] = 0xff;
    memcpy(there.sin6_addr.s6_addr + 12, &at.sin_addr, 4);
    s = sender(IPV6_DONTFRAG, 1); /* which is of IPv6 */
    EQ(send(s, bytes, 65507, MSG_MORE), 65507);
    ERR(send(s, bytes, 1, 0), EMSGSIZE);
    EQ(send(s, bytes, 65506, MSG_MORE), 65506);
    EQ(send(s, bytes, 1, 0), 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
