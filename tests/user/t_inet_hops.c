/* SPDX-License-Identifier: MIT
 *
 * Options of hops and classes: bounds, what they begin with, and how -1 gives that back.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
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

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
