/* SPDX-License-Identifier: MIT
 *
 * What goes along with datagrams of the network: addresses, hops and classes, told and chosen.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static union {
    char bytes[200];
    struct cmsghdr align;
} room;

static char byte;

/* A socket bound to the wildcard of its family, at a port of the kernel's choice. */
static int bound(int family, unsigned short *port)
{
    struct sockaddr_in6 a = {.sin6_family = (sa_family_t)family};
    socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
    int s;

    OK(s = socket(family, SOCK_DGRAM, 0));
    OK(bind(s, (void *)&a, len));
    OK(getsockname(s, (void *)&a, &len));
    *port = a.sin6_port; /* at the same place in both */
    return s;
}

static void on(int s, int level, int option)
{
    int one = 1;

    OK(setsockopt(s, level, option, &one, sizeof(one)));
}

static struct msghdr message(void *address, socklen_t len, size_t control)
{
    static struct iovec v;

    v = (struct iovec){&byte, 1};
    return (struct msghdr){.msg_name = address,
                           .msg_namelen = len,
                           .msg_iov = &v,
                           .msg_iovlen = 1,
                           .msg_control = control ? room.bytes : NULL,
                           .msg_controllen = control};
}

/* Adds a record at `at` of the room; where the next one goes. */
static size_t add(size_t at, int level, int type, const void *data, size_t n)
{
    struct cmsghdr *c = (void *)(room.bytes + at);

    c->cmsg_len = CMSG_LEN(n);
    c->cmsg_level = level;
    c->cmsg_type = type;
    memcpy(CMSG_DATA(c), data, n);
    return at + CMSG_SPACE(n);
}

/* The record of that kind that m brought, of n bytes; NULL: none. */
static void *record(struct msghdr *m, int level, int type, size_t n)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == level && c->cmsg_type == type) {
            EQ(c->cmsg_len, CMSG_LEN(n));
            return CMSG_DATA(c);
        }
    return NULL;
}

static int value(struct msghdr *m, int level, int type)
{
    int *v = record(m, level, type, sizeof(int));

    return v ? *v : -1;
}

TEST(v4, "IP_PKTINFO, IP_RECVTTL, IP_RECVTOS and their counterparts")
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000005)};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000009)}, *told;
    int s = bound(AF_INET, &to.sin_port), ttl = 7, tos = 0x20;
    struct msghdr m = message(&to, sizeof(to), 0);
    size_t n;

    EQ(sendmsg(s, &m, 0), 1);
    m = message(NULL, 0, sizeof(room));
    EQ(recvmsg(s, &m, 0), 1);
    EQ(m.msg_controllen, 0);

    on(s, IPPROTO_IP, IP_PKTINFO);
    on(s, IPPROTO_IP, IP_RECVTTL);
    on(s, IPPROTO_IP, IP_RECVTOS);
    m = message(&to, sizeof(to), 0);
    EQ(sendmsg(s, &m, 0), 1);
    m = message(NULL, 0, sizeof(room));
    EQ(recvmsg(s, &m, 0), 1);
    CHECK(told = record(&m, IPPROTO_IP, IP_PKTINFO, sizeof(*told)));
    EQ(told->ipi_ifindex, 1);
    EQ(ntohl(told->ipi_addr.s_addr), 0x7f000005);
    EQ(ntohl(told->ipi_spec_dst.s_addr), 0x7f000005);
    EQ(value(&m, IPPROTO_IP, IP_TTL), 64);
    EQ(*(char *)record(&m, IPPROTO_IP, IP_TOS, 1), 0);

    n = add(0, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
    n = add(n, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    n = add(n, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    m = message(&to, sizeof(to), n);
    EQ(sendmsg(s, &m, 0), 1);
    m = message(&to, sizeof(to), sizeof(room));
    EQ(recvmsg(s, &m, 0), 1);
    EQ(ntohl(to.sin_addr.s_addr), 0x7f000009);
    EQ(value(&m, IPPROTO_IP, IP_TTL), 7);
    EQ(*(char *)record(&m, IPPROTO_IP, IP_TOS, 1), 0x20);
}

TEST(v6, "IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS and their counterparts")
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int s = bound(AF_INET6, &to.sin6_port), hops = 9, class = 0x1c;
    struct in6_pktinfo *told;
    struct msghdr m = message(&to, sizeof(to), 0);
    size_t n;

    on(s, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    on(s, IPPROTO_IPV6, IPV6_RECVTCLASS);
    EQ(sendmsg(s, &m, 0), 1);
    m = message(NULL, 0, sizeof(room));
    EQ(recvmsg(s, &m, 0), 1);
    CHECK(told = record(&m, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(*told)));
    EQ(told->ipi6_ifindex, 1);
    CHECK(!memcmp(&told->ipi6_addr, &in6addr_loopback, 16));
    EQ(value(&m, IPPROTO_IPV6, IPV6_HOPLIMIT), 64);
    EQ(value(&m, IPPROTO_IPV6, IPV6_TCLASS), 0);

    n = add(0, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    n = add(n, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
    m = message(&to, sizeof(to), n);
    EQ(sendmsg(s, &m, 0), 1);
    m = message(NULL, 0, sizeof(room));
    EQ(recvmsg(s, &m, 0), 1);
    EQ(value(&m, IPPROTO_IPV6, IPV6_HOPLIMIT), 9);
    EQ(value(&m, IPPROTO_IPV6, IPV6_TCLASS), 0x1c);

    m = message(&to, sizeof(to), 0);
    EQ(sendmsg(s, &m, 0), 1);
    m = message(NULL, 0, 0);
    EQ(recvmsg(s, &m, 0), 1);
    EQ(m.msg_flags, MSG_CTRUNC);
}

TEST(mapped, "an IPv4 datagram at a socket of IPv6")
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    int s = bound(AF_INET6, &to.sin_port), c = socket(AF_INET, SOCK_DGRAM, 0);
    struct msghdr m = message(NULL, 0, sizeof(room));
    struct in6_pktinfo *told;

    on(s, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    on(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    EQ(sendto(c, &byte, 1, 0, (void *)&to, sizeof(to)), 1);
    EQ(recvmsg(s, &m, 0), 1);
    CHECK(told = record(&m, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(*told)));
    CHECK(IN6_IS_ADDR_V4MAPPED(&told->ipi6_addr));
    EQ(value(&m, IPPROTO_IPV6, IPV6_HOPLIMIT), -1);
}

/* Sends one record along: errno, or 0. */
static int refused(int s, void *to, socklen_t len, int level, int type, const void *data,
                   size_t n)
{
    struct msghdr m = message(to, len, add(0, level, type, data, n));

    return sendmsg(s, &m, 0) == 1 ? 0 : errno;
}

TEST(errors, "what cannot be sent is refused")
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct in_pktinfo far = {.ipi_ifindex = 77};
    struct in6_pktinfo own = {.ipi6_addr.s6_addr = {0x20, 1, 0xd, 0xb8}};
    int s = bound(AF_INET, &to.sin_port), s6 = bound(AF_INET6, &to6.sin6_port);
    int zero = 0, more = 256;

#define V4(type, data) \
    refused(s, &to, sizeof(to), IPPROTO_IP, type, &(data), sizeof(data))
#define V6(type, data) \
    refused(s6, &to6, sizeof(to6), IPPROTO_IPV6, type, &(data), sizeof(data))
    EQ(V4(IP_TTL, zero), EINVAL);
    EQ(V4(IP_TTL, more), EINVAL);
    EQ(V4(IP_TOS, more), EINVAL);
    EQ(V4(99, zero), EINVAL);
    EQ(V4(IP_PKTINFO, far), ENODEV);
    EQ(V4(IP_PKTINFO, zero), EINVAL);
    EQ(V6(IPV6_HOPLIMIT, more), EINVAL);
    EQ(V6(IPV6_TCLASS, more), EINVAL);
    EQ(V6(99, zero), EINVAL);
    EQ(V6(IPV6_PKTINFO, own), EINVAL);
    EQ(V6(IPV6_PKTINFO, zero), EINVAL);
    EQ(refused(s, &to, sizeof(to), IPPROTO_IPV6, 99, &zero, sizeof(zero)), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
