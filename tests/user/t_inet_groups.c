/* SPDX-License-Identifier: MIT
 *
 * Multicast on a machine that has only the loopback: groups of IPv4, ip(7); those of IPv6 can be joined.
 * Other Linux machines have more ways than one, so there each case runs in a network of its own.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define GROUP "239.1.2.3"

static struct sockaddr_in named(const char *ip, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    EQ(inet_pton(AF_INET, ip, &a.sin_addr), 1);
    return a;
}

static void alone(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    int s;

    if (t_tessera)
        return;
    if (unshare(CLONE_NEWNET))
        SKIP("no network of its own");
    OK(s = socket(AF_INET, SOCK_DGRAM, 0));
    r.ifr_flags = IFF_UP;
    OK(ioctl(s, SIOCSIFFLAGS, &r));
    OK(close(s));
}

static int bound_to(const char *ip, int port)
{
    struct sockaddr_in a = named(ip, port);
    int s, on = 1;

    OK(s = socket(AF_INET, SOCK_DGRAM, 0));
    OK(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    OK(bind(s, (void *)&a, sizeof(a)));
    return s;
}

static int port_of(int s)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    OK(getsockname(s, (void *)&a, &len));
    return ntohs(a.sin_port);
}

static int member(int s, int option, const char *group, const char *address, int number)
{
    struct ip_mreqn r = {.imr_multiaddr = named(group, 0).sin_addr,
                         .imr_address = named(address, 0).sin_addr,
                         .imr_ifindex = number};

    return setsockopt(s, IPPROTO_IP, option, &r, sizeof(r));
}

static void choose(int s, const char *address)
{
    struct in_addr a = named(address, 0).sin_addr;

    OK(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &a, sizeof(a)));
}

static int say(int s, const char *ip, int port, char what)
{
    struct sockaddr_in a = named(ip, port);

    return (int)sendto(s, &what, 1, 0, (void *)&a, sizeof(a));
}

/* What came next, from `ip`; 0: nothing. */
static char hears(int s, const char *ip)
{
    struct sockaddr_in a, want = named(ip, 0);
    socklen_t len = sizeof(a);
    char c;

    if (recvfrom(s, &c, 1, MSG_DONTWAIT, (void *)&a, &len) != 1)
        return 0;
    EQ(a.sin_addr.s_addr, want.sin_addr.s_addr);
    return c;
}

TEST(joins, "joining and leaving: errors")
{
    struct ip_mreq r = {named(GROUP, 0).sin_addr, named("127.0.0.1", 0).sin_addr};
    int s, t, off = 0;

    alone();
    s = bound_to("0.0.0.0", 0);
    ERR(member(s, IP_ADD_MEMBERSHIP, GROUP, "0.0.0.0", 0), ENODEV);
    OK(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0));
    ERR(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0), EADDRINUSE);
    OK(member(s, IP_ADD_MEMBERSHIP, "239.1.2.4", "0.0.0.0", 1));
    ERR(member(s, IP_ADD_MEMBERSHIP, "10.1.2.3", "127.0.0.1", 0), EINVAL);
    ERR(member(s, IP_ADD_MEMBERSHIP, GROUP, "10.0.0.1", 0), ENODEV);
    ERR(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 9), ENODEV);
    ERR(setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, 4), EINVAL);
    ERR(member(s, IP_DROP_MEMBERSHIP, "239.1.2.9", "127.0.0.1", 0), EADDRNOTAVAIL);
    OK(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof(r)));
    ERR(setsockopt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, &r, sizeof(r)), EADDRNOTAVAIL);
    t = bound_to("0.0.0.0", 0);
    for (int i = 0; i < 20; i++) {
        char group[20];

        snprintf(group, sizeof(group), "239.7.0.%d", i);
        OK(member(t, IP_ADD_MEMBERSHIP, group, "127.0.0.1", 0));
    }
    ERR(member(t, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0), ENOBUFS);
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    ERR(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0), EPROTO);
    ERR(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &off, sizeof(off)), EINVAL);
}

TEST(interface, "IP_MULTICAST_IF is the way out; else there is none")
{
    struct in_addr bad = named("10.0.0.1", 0).sin_addr, got;
    struct sockaddr_in a;
    socklen_t len = sizeof(got);
    int s, t, port;

    alone();
    s = bound_to("0.0.0.0", 0);
    port = port_of(s);
    OK(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0));
    t = bound_to("0.0.0.0", 0);
    a = named(GROUP, port);
    ERR(say(t, GROUP, port, 'a'), ENETUNREACH);
    ERR(connect(t, (void *)&a, sizeof(a)), ENETUNREACH);
    ERR(setsockopt(t, IPPROTO_IP, IP_MULTICAST_IF, &bad, sizeof(bad)), EADDRNOTAVAIL);
    choose(t, "127.0.0.2");
    OK(getsockopt(t, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
    EQ(got.s_addr, named("127.0.0.2", 0).sin_addr.s_addr);
    EQ(say(t, GROUP, port, 'b'), 1);
    EQ(hears(s, "127.0.0.2"), 'b');
    choose(t, "0.0.0.0");
    ERR(say(t, GROUP, port, 'c'), ENETUNREACH);
    choose(t, "127.0.0.1");
    OK(connect(t, (void *)&a, sizeof(a)));
    EQ(send(t, "d", 1, 0), 1);
    EQ(hears(s, "127.0.0.1"), 'd');
    t = bound_to("127.0.0.3", 0);
    EQ(say(t, GROUP, port, 'e'), 1);
    EQ(hears(s, "127.0.0.3"), 'e');
    EQ(say(t, GROUP, 9, 'f'), 1); /* nobody is there, and nobody says so */
    EQ(say(t, GROUP, 9, 'f'), 1);
}

TEST(members,
     "who gets it: all at the port once the machine is a member, but those that refuse")
{
    int s, t, u, v, port, off = 0;

    alone();
    s = bound_to("0.0.0.0", 0);
    port = port_of(s);
    t = bound_to("0.0.0.0", 0);
    choose(t, "127.0.0.1");
    EQ(say(t, GROUP, port, 'a'), 1);
    EQ(hears(s, "127.0.0.1"), 0);
    u = bound_to(GROUP, port);
    EQ(say(t, GROUP, port, 'b'), 1);
    EQ(hears(u, "127.0.0.1"), 0);
    OK(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0));
    v = bound_to("127.0.0.1", port);
    EQ(say(t, GROUP, port, 'c'), 1);
    EQ(hears(s, "127.0.0.1"), 'c');
    EQ(hears(u, "127.0.0.1"), 'c');
    EQ(hears(v, "127.0.0.1"), 0);
    OK(setsockopt(u, IPPROTO_IP, 49 /* IP_MULTICAST_ALL */, &off, sizeof(off)));
    EQ(say(t, GROUP, port, 'd'), 1);
    EQ(hears(s, "127.0.0.1"), 'd');
    EQ(hears(u, "127.0.0.1"), 0);
    OK(setsockopt(t, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off)));
    EQ(say(t, GROUP, port, 'e'), 1); /* the interface itself leads back */
    EQ(hears(s, "127.0.0.1"), 'e');
    EQ(say(t, "224.0.0.1", port, 'f'), 1); /* of which every machine is */
    EQ(hears(s, "127.0.0.1"), 'f');
    OK(close(s));
    OK(setsockopt(u, IPPROTO_IP, 49, &(int){1}, sizeof(int)));
    EQ(say(t, GROUP, port, 'g'), 1);
    EQ(hears(u, "127.0.0.1"), 0);
    EQ(say(u, "127.0.0.1", port, 'h'), 1); /* a group is nobody's own address */
    EQ(hears(v, "127.0.0.1"), 'h');
    EQ(port_of(u), port);
}

TEST(requests, "MCAST_JOIN_GROUP, and a socket of IPv6 in a group of IPv4")
{
    struct group_req r = {.gr_interface = 1};
    struct sockaddr_in a = named("239.5.5.5", 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    socklen_t len = sizeof(six);
    int s, t;
    char c;

    alone();
    memcpy(&r.gr_group, &a, sizeof(a));
    s = bound_to("0.0.0.0", 0);
    t = bound_to("127.0.0.1", 0);
    OK(setsockopt(s, IPPROTO_IP, MCAST_JOIN_GROUP, &r, sizeof(r)));
    EQ(say(t, "239.5.5.5", port_of(s), 'a'), 1);
    EQ(hears(s, "127.0.0.1"), 'a');
    OK(setsockopt(s, IPPROTO_IP, MCAST_LEAVE_GROUP, &r, sizeof(r)));
    ERR(setsockopt(s, IPPROTO_IP, MCAST_LEAVE_GROUP, &r, sizeof(r)), EADDRNOTAVAIL);
    ERR(setsockopt(s, IPPROTO_IP, MCAST_JOIN_GROUP, &r, sizeof(r) - 1), EINVAL);
    OK(s = socket(AF_INET6, SOCK_DGRAM, 0));
    OK(bind(s, (void *)&six, sizeof(six)));
    OK(getsockname(s, (void *)&six, &len));
    OK(member(s, IP_ADD_MEMBERSHIP, GROUP, "127.0.0.1", 0));
    EQ(say(t, GROUP, ntohs(six.sin6_port), 'b'), 1);
    EQ(recv(s, &c, 1, MSG_DONTWAIT), 1);
    EQ(c, 'b');
}

TEST(six, "groups of IPv6 can be joined")
{
    struct ipv6_mreq r = {.ipv6mr_interface = 1};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    int s, number = 1;
    socklen_t len = sizeof(number);

    alone();
    EQ(inet_pton(AF_INET6, "ff02::1:5", &r.ipv6mr_multiaddr), 1);
    OK(s = socket(AF_INET6, SOCK_DGRAM, 0));
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &r, sizeof(r)));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &r, sizeof(r)), EADDRINUSE);
    to.sin6_addr = r.ipv6mr_multiaddr;
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, sizeof(number)));
    ERR(sendto(s, "x", 1, 0, (void *)&to, sizeof(to)), ENETUNREACH);
    number = 9;
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, sizeof(number)), ENODEV);
    OK(getsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, &len));
    EQ(number, 1);
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &r, sizeof(r)));
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &r, sizeof(r)), EADDRNOTAVAIL);
    r.ipv6mr_interface = 9;
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &r, sizeof(r)), ENODEV);
    r.ipv6mr_multiaddr = in6addr_loopback;
    ERR(setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &r, sizeof(r)), EINVAL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
