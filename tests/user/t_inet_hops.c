/* SPDX-License-Identifier: MIT
 *
 * Options of hops and classes: bounds, what they begin with, and how -1 gives that back; flags;
 * how long a datagram in one piece may be; the interface of IPV6_PKTINFO; SO_MEMINFO.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
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

/* A datagram through the interface that IPV6_PKTINFO says: 0 or an errno. */
static int through(unsigned interface, int of_v4)
{
    struct in6_pktinfo p = {.ipi6_addr = in6addr_loopback, .ipi6_ifindex = interface};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    int s = socket(AF_INET6, SOCK_DGRAM, 0), err = 0;

    OK(s);
    to.sin6_addr = in6addr_loopback;
    if (of_v4)
        EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 1);
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p)));
    if (sendto(s, "x", 1, 0, (void *)&to, sizeof(to)) != 1)
        err = errno;
    ERR(getsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, &(socklen_t){sizeof(p)}),
        ENOPROTOOPT);
    OK(close(s));
    return err;
}

TEST(sticky, "IPV6_PKTINFO as an option names the interface of what goes to IPv6")
{
    struct in6_pktinfo p = {.ipi6_ifindex = 0};
    int s;

    EQ(through(0, 0), 0);
    EQ(through(1, 0), 0);
    EQ(through(7777, 0), ENETUNREACH);
    EQ(through(-1u, 0), ENETUNREACH);
    EQ(through(7777, 1), 0);
    OK(s = socket(AF_INET6, SOCK_DGRAM, 0));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p) - 1), EINVAL);
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, (void *)8, sizeof(p)), EFAULT);
    OK(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p)), EINVAL);
    p.ipi6_ifindex = 1;
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p)));
    OK(s = socket(AF_INET, SOCK_DGRAM, 0));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof(p)), ENOPROTOOPT);
}

#define WORDS 9 /* of SO_MEMINFO */

static void memory(int s, unsigned *m)
{
    socklen_t len = 99;

    memset(m, 0xff, WORDS * sizeof(*m));
    OK(getsockopt(s, SOL_SOCKET, SO_MEMINFO, m, &len));
    EQ(len, WORDS * sizeof(*m));
}

TEST(memory, "SO_MEMINFO: what lies in queues, their bounds, what was lost")
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at), four = 4;
    int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), n = 0;
    unsigned m[WORDS];

    OK(bind(r, (void *)&at, sizeof(at)));
    OK(getsockname(r, (void *)&at, &len));
    OK(connect(s, (void *)&at, sizeof(at)));
    OK(set(r, SOL_SOCKET, SO_RCVBUF, 4000));
    memory(r, m);
    for (int i = 0; i < WORDS; i++)
        EQ(m[i], i == 1   ? (unsigned)get(r, SOL_SOCKET, SO_RCVBUF)
                 : i == 3 ? (unsigned)get(r, SOL_SOCKET, SO_SNDBUF)
                          : 0);
    for (int i = 0; i < 50; i++)
        EQ(send(s, bytes, 500, 0), 500);
    memory(r, m);
    CHECK(m[0] >= 500 && m[0] < 12000 && m[8] > 0 && m[8] < 50);
    while (recv(r, bytes, 500, MSG_DONTWAIT) == 500)
        n++;
    EQ(n + (int)m[8], 50);
    memory(r, m);
    EQ(n + (int)m[8], 50);
    memory(s, m);
    EQ(m[8], 0);
    OK(getsockopt(r, SOL_SOCKET, SO_MEMINFO, m, &four));
    EQ(four, 4);
    ERR(set(r, SOL_SOCKET, SO_MEMINFO, 1), ENOPROTOOPT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
