/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK: what programs ask about the loopback, in the C library's words and in their own;
 * the errors for the rest. The interface's ioctls.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct nl_name {
    unsigned short family, pad;
    unsigned port, groups;
};

struct head {
    unsigned len;
    unsigned short type, flags;
    unsigned seq, port;
};

struct link_info {
    unsigned char family, pad;
    unsigned short type;
    int index;
    unsigned flags, change;
};

enum { NEWLINK = 16, GETLINK = 18, SETLINK, NEWADDR, GETADDR = 22 };
enum { REQUEST = 1, MULTI = 2, ACK = 4, DUMP = 0x300, CAPPED = 0x100 };

static int nl_socket(int flags)
{
    int s = socket(AF_NETLINK, SOCK_RAW | flags, 0);

    OK(s);
    return s;
}

static void ask(int s, int type, int flags, const void *payload, size_t n)
{
    char b[256];
    struct head h = {(unsigned)(sizeof(h) + n), (unsigned short)type,
                     (unsigned short)flags, 7, 0};

    memcpy(b, &h, sizeof(h));
    memcpy(b + sizeof(h), payload, n);
    EQ(send(s, b, sizeof(h) + n, 0), (long)(sizeof(h) + n));
}

static char packet[65536];
static ssize_t left;
static char *at;

/* The next message; those of one packet come one after the other. */
static struct head *next(int s)
{
    struct head *h;

    if (left < (ssize_t)sizeof(*h)) {
        OK(left = recv(s, packet, sizeof(packet), 0));
        at = packet;
    }
    h = (struct head *)at;
    CHECK(h->len >= sizeof(*h) && h->len <= left);
    EQ(h->seq, 7);
    left -= (h->len + 3) & ~3u;
    at += (h->len + 3) & ~3u;
    return h;
}

/* The answer is an error, or with 0 an acknowledgement. */
static void is_error(int s, int want)
{
    struct head *h = next(s);

    EQ(h->type, 2);
    EQ(*(int *)(h + 1), -want);
    EQ(h->flags, want ? 0 : CAPPED);
}

static const void *attr(const struct head *h, size_t skip, int type, int *len)
{
    const char *p = (const char *)(h + 1) + skip, *end = (const char *)h + h->len;

    while (p + 4 <= end) {
        unsigned short a[2];

        memcpy(a, p, sizeof(a));
        CHECK(a[0] >= 4 && p + a[0] <= end);
        *len = a[0] - 4;
        if (a[1] == type)
            return p + 4;
        p += (a[0] + 3) & ~3;
    }
    return NULL;
}

static bool is_lo(const struct head *h)
{
    struct link_info *info = (void *)(h + 1);
    int len;

    if (h->type != NEWLINK || info->index != 1)
        return false;
    EQ(info->type, 772);
    EQ(info->flags & 0x49, 0x49);
    CHECK(!strcmp(attr(h, sizeof(*info), 3, &len), "lo"));
    EQ(len, 3);
    EQ(*(const unsigned *)attr(h, sizeof(*info), 4, &len), 65536);
    CHECK(attr(h, sizeof(*info), 1, &len) && len == 6);
    return true;
}

TEST(library, "if_nameindex, if_nametoindex, getifaddrs")
{
    struct if_nameindex *all = if_nameindex();
    struct ifaddrs *list;
    char name[IF_NAMESIZE];
    int found = 0, four = 0, six = 0;

    CHECK(all);
    for (int i = 0; all[i].if_index; i++)
        found += all[i].if_index == 1 && !strcmp(all[i].if_name, "lo");
    EQ(found, 1);
    if_freenameindex(all);
    EQ(if_nametoindex("lo"), 1);
    EQ(if_nametoindex("t-none"), 0);
    EQ(errno, ENODEV);
    CHECK(if_indextoname(1, name) && !strcmp(name, "lo"));
    OK(getifaddrs(&list));
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        if (strcmp(i->ifa_name, "lo") != 0 || !i->ifa_addr)
            continue;
        CHECK(i->ifa_flags & IFF_LOOPBACK && i->ifa_flags & IFF_UP);
        if (i->ifa_addr->sa_family == AF_INET) {
            four++;
            EQ(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr, htonl(0x7f000001));
            EQ(((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr,
               htonl(0xff000000));
        }
        six += i->ifa_addr->sa_family == AF_INET6;
    }
    EQ(four, 1);
    if (t_tessera)
        EQ(six, 1);
    freeifaddrs(list);
}

TEST(dumps, "links and addresses: all messages, then the end")
{
    int s = nl_socket(0), lo = 0, four = 0, len;
    struct head *h;

    ask(s, GETLINK, REQUEST | DUMP, "\0\0\0", 4);
    while ((h = next(s))->type != 3) {
        EQ(h->type, NEWLINK);
        CHECK(h->flags & MULTI);
        EQ(h->port, getpid());
        lo += is_lo(h);
    }
    CHECK(h->flags & MULTI);
    EQ(lo, 1);
    ask(s, GETADDR, REQUEST | DUMP, "\2\0\0", 4);
    while ((h = next(s))->type != 3) {
        const unsigned char *a = (const unsigned char *)(h + 1);
        const unsigned *ip = attr(h, 8, 1, &len);

        EQ(h->type, NEWADDR);
        EQ(a[0], AF_INET);
        four += len == 4 && *ip == htonl(0x7f000001) && a[1] == 8 && a[4] == 1;
    }
    EQ(four, 1);
}

TEST(routes, "the ways to lo's addresses, of one family or of all; neighbours: none")
{
    static const char *const asked[] = {
        "\2\0\0\0\0\0\0\0\0\0\0", "\12\0\0\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0\0\0\0"};
    int s = nl_socket(0), len;
    struct head *h;

    for (int i = 0; i < 3; i++) {
        int net = 0, one = 0, six = 0;

        ask(s, 26 /* RTM_GETROUTE */, REQUEST | DUMP, asked[i], 12);
        while ((h = next(s))->type != 3) {
            const unsigned char *r = (const unsigned char *)(h + 1);
            const unsigned *to = attr(h, 12, 1, &len);

            EQ(h->type, 24);
            if (r[4] != 255) /* of the table of local ones */
                continue;
            net += r[0] == AF_INET && r[1] == 8 && len == 4 && *to == htonl(0x7f000000);
            one += r[0] == AF_INET && r[1] == 32 && r[7] == 2 && *to == htonl(0x7f000001);
            six += r[0] == AF_INET6 && r[1] == 128 && len == 16 && to[3] == htonl(1) &&
                   !to[0];
        }
        EQ(net, i != 1);
        EQ(one, i != 1);
        if (t_tessera || i == 0)
            EQ(six, i != 0);
    }
    ask(s, 30 /* RTM_GETNEIGH */, REQUEST | DUMP, asked[0], 12);
    do
        h = next(s);
    while (h->type != 3 && !t_tessera);
    EQ(h->type, 3);
    if (t_tessera) {
        ask(s, 34 /* RTM_GETRULE */, REQUEST | DUMP, asked[0], 12);
        is_error(s, EOPNOTSUPP);
    }
}

TEST(single, "one link by number or name; what is asked wrongly; acknowledgements")
{
    struct link_info i = {.index = 1};
    char named[32] = {0};
    int s = nl_socket(0);

    ask(s, GETLINK, REQUEST, &i, sizeof(i));
    CHECK(is_lo(next(s)));
    ask(s, GETLINK, REQUEST | ACK, &i, sizeof(i));
    CHECK(is_lo(next(s)));
    is_error(s, 0);
    memcpy(named + 16, "\7\0\3\0lo\0", 8);
    ask(s, GETLINK, REQUEST, named, 24);
    CHECK(is_lo(next(s)));
    memcpy(named + 20, "lx", 2);
    ask(s, GETLINK, REQUEST, named, 24);
    is_error(s, ENODEV);
    memcpy(named + 16, "\x40\0\3\0lo\0", 8); /* longer than there is */
    ask(s, GETLINK, REQUEST, named, 24);
    is_error(s, EINVAL);
    i.index = 9999;
    ask(s, GETLINK, REQUEST, &i, sizeof(i));
    is_error(s, ENODEV);
    i.index = -1;
    ask(s, GETLINK, REQUEST, &i, sizeof(i));
    is_error(s, EINVAL);
    ask(s, GETLINK, REQUEST, "\0\0\0", 4);
    is_error(s, EINVAL);
    ask(s, GETADDR, REQUEST, "\2\0\0\0\1\0\0", 8);
    is_error(s, EOPNOTSUPP);
    ask(s, 200, REQUEST, "\0\0\0", 4);
    is_error(s, EOPNOTSUPP);
    ask(s, 5000, REQUEST, "\0\0\0", 4);
    is_error(s, EOPNOTSUPP);
    ask(s, 1, REQUEST | ACK, "", 0); /* a type below the protocol's */
    is_error(s, 0);
    ask(s, GETLINK, ACK, "\0\0\0", 4); /* no request */
    is_error(s, 0);
    ask(s, GETLINK, REQUEST | DUMP, "", 0); /* not even a family: nothing */
    ask(s, GETLINK, 0, "\0\0\0", 4);
    ERR(recv(s, packet, sizeof(packet), MSG_DONTWAIT), EAGAIN);
}

TEST(kinds, "which sockets there are, and what they cannot do")
{
    int s = nl_socket(0), two[2];

    ERR(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT);
    ERR(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
    ERR(socketpair(AF_NETLINK, SOCK_RAW, 0, two), EOPNOTSUPP);
    ERR(listen(s, 1), EOPNOTSUPP);
    ERR(accept(s, NULL, NULL), EOPNOTSUPP);
    ERR(shutdown(s, SHUT_RD), EOPNOTSUPP);
    int type;
    socklen_t len = sizeof(type);
    OK(getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len));
    EQ(type, SOCK_RAW);
    EQ(close(socket(AF_NETLINK, SOCK_DGRAM, 0)), 0);
    int group = 1;
    OK(setsockopt(s, 270, 1, &group, sizeof(group)));
    OK(setsockopt(s, 270, 2, &group, sizeof(group)));
    ERR(setsockopt(s, 270, 9999, &group, sizeof(group)), ENOPROTOOPT);
}

static unsigned port_of(int s)
{
    struct nl_name n;
    socklen_t len = sizeof(n);

    OK(getsockname(s, (void *)&n, &len));
    EQ(len, sizeof(n));
    EQ(n.family, AF_NETLINK);
    return n.port;
}

TEST(names, "port numbers: given, chosen, taken")
{
    struct nl_name n = {.family = AF_NETLINK}, peer;
    int a = nl_socket(0), b = nl_socket(0), c = nl_socket(0);
    socklen_t len = sizeof(peer);

    EQ(port_of(a), 0);
    OK(bind(a, (void *)&n, sizeof(n)));
    EQ(port_of(a), getpid());
    OK(bind(b, (void *)&n, sizeof(n)));
    CHECK(port_of(b) != 0 && port_of(b) != port_of(a));
    n.port = port_of(a);
    ERR(bind(c, (void *)&n, sizeof(n)), EADDRINUSE);
    n.port = port_of(a) ^ 0x40000000;
    ERR(bind(a, (void *)&n, sizeof(n)), EINVAL); /* it has another */
    OK(bind(c, (void *)&n, sizeof(n)));
    EQ(port_of(c), n.port);
    ERR(bind(c, (void *)&n, 11), EINVAL);
    n.family = AF_INET;
    ERR(bind(nl_socket(0), (void *)&n, sizeof(n)), EINVAL);
    OK(getpeername(c, (void *)&peer, &len));
    EQ(peer.port, 0);
    close(a);
    n = (struct nl_name){.family = AF_NETLINK, .port = (unsigned)getpid()};
    OK(bind(nl_socket(0), (void *)&n, sizeof(n))); /* free again */
}

TEST(names_more,
     "numbers that are chosen are no process's; groups that are none; no message")
{
    struct nl_name a = {0}, b = {0};
    int s = nl_socket(0), t = nl_socket(0), u = nl_socket(0), group = 0;
    socklen_t len = sizeof(a);

    send(s, "x", 1, 0);
    ERR(send(t, "x", 0, 0), ENODATA);
    OK(getsockname(t, (void *)&a, &len));
    EQ(a.port, 0); /* nor has it got a number */
    send(t, "x", 1, 0);
    OK(getsockname(t, (void *)&a, &len));
    send(u, "x", 1, 0);
    OK(getsockname(u, (void *)&b, &len));
    CHECK((int)a.port < 0 && (int)b.port < 0 && a.port != b.port);
    ERR(setsockopt(s, 270, 1, &group, sizeof(group)), EINVAL);
    group = 1000;
    ERR(setsockopt(s, 270, 1, &group, sizeof(group)), EINVAL);
    ERR(setsockopt(s, 270, 2, &group, sizeof(group)), EINVAL);
    group = 1;
    OK(setsockopt(s, 270, 1, &group, sizeof(group)));
    OK(setsockopt(s, 270, 2, &group, sizeof(group)));
}

TEST(moving, "blocking, peeking, cutting, polling; who spoke")
{
    struct nl_name from = {0};
    socklen_t len = sizeof(from);
    int s = nl_socket(SOCK_NONBLOCK);
    struct pollfd p = {.fd = s, .events = POLLIN | POLLOUT};
    char b[20];
    ssize_t n;

    ERR(recv(s, b, sizeof(b), 0), EAGAIN);
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLOUT);
    ask(s, 200, REQUEST, "\0\0\0", 4);
    EQ(poll(&p, 1, -1), 1);
    CHECK(p.revents & POLLIN);
    n = recv(s, b, sizeof(b), MSG_PEEK | MSG_TRUNC);
    EQ(n, 40);
    EQ(recvfrom(s, b, sizeof(b), 0, (void *)&from, &len), 20);
    EQ(len, sizeof(from));
    EQ(from.family, AF_NETLINK);
    EQ(from.port, 0);
    ERR(recv(s, b, sizeof(b), 0), EAGAIN);
    ERR(send(s, "", 0, 0), ENODATA);
    EQ(send(s, "abc", 3, 0), 3); /* less than a header: nothing is asked */
    ERR(send(s, (void *)8, 20, 0), EFAULT);
    ERR(send(s, packet, 1 << 20, 0), EMSGSIZE);
    ERR(recv(s, b, sizeof(b), 0), EAGAIN);
}

TEST(users, "a user asks, and changes nothing; others are not reached")
{
    struct nl_name to = {.family = AF_NETLINK, .port = 12345};
    struct link_info i = {.index = 1};
    int s;

    if (getuid() != 0)
        SKIP("needs root");
    OK(setgroups(0, NULL));
    OK(setgid(1000));
    OK(setuid(1000));
    s = nl_socket(0);
    ask(s, GETLINK, REQUEST, &i, sizeof(i));
    CHECK(is_lo(next(s)));
    ask(s, SETLINK, REQUEST, &i, sizeof(i));
    is_error(s, EPERM);
    ERR(sendto(s, packet, 32, 0, (void *)&to, sizeof(to)), EPERM);
    ERR(connect(s, (void *)&to, sizeof(to)), EPERM);
    to.port = 0;
    OK(connect(s, (void *)&to, sizeof(to)));
    struct ifreq r = {.ifr_name = "lo"};
    ERR(ioctl(s, SIOCSIFFLAGS, &r), EPERM);
    ERR(ioctl(s, SIOCSIFMTU, &r), EPERM);
}

TEST(flood, "more answers than there is room for: ENOBUFS once, and it goes on")
{
    struct link_info i = {.index = 1};
    int s = nl_socket(SOCK_NONBLOCK), lost = 0;

    for (int k = 0; k < 1000; k++)
        ask(s, GETLINK, REQUEST, &i, sizeof(i));
    while (recv(s, packet, sizeof(packet), 0) > 0 || (errno == ENOBUFS && ++lost < 100))
        ;
    EQ(errno, EAGAIN);
    CHECK(lost >= 1 && lost < 100);
    ask(s, GETLINK, REQUEST, &i, sizeof(i));
    CHECK(is_lo(next(s)));
}

TEST(ioctls, "the interface by ioctl, of sockets of every family")
{
    int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

    for (int k = 0; k < 4; k++) {
        int s = socket(families[k], SOCK_DGRAM, 0);
        struct ifreq r = {.ifr_name = "lo"};

        OK(s);
        OK(ioctl(s, SIOCGIFINDEX, &r));
        EQ(r.ifr_ifindex, 1);
        OK(ioctl(s, SIOCGIFFLAGS, &r));
        EQ(r.ifr_flags & 0x49, 0x49);
        OK(ioctl(s, SIOCGIFMTU, &r));
        EQ(r.ifr_mtu, 65536);
        OK(ioctl(s, SIOCGIFTXQLEN, &r));
        EQ(r.ifr_qlen, 1000);
        OK(ioctl(s, SIOCGIFHWADDR, &r));
        EQ(r.ifr_hwaddr.sa_family, 772);
        OK(ioctl(s, SIOCGIFMETRIC, &r));
        OK(ioctl(s, SIOCGIFMAP, &r));
        if (families[k] == AF_INET) {
            OK(ioctl(s, SIOCGIFADDR, &r));
            EQ(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr, htonl(0x7f000001));
            OK(ioctl(s, SIOCGIFNETMASK, &r));
            OK(ioctl(s, SIOCGIFBRDADDR, &r));
            OK(ioctl(s, SIOCGIFDSTADDR, &r));
        } else {
            ERR(ioctl(s, SIOCGIFADDR, &r), ENOTTY);
        }
        ERR(ioctl(s, 0x8999, &r), ENOTTY);
        strcpy(r.ifr_name, "t-none");
        ERR(ioctl(s, SIOCGIFINDEX, &r), ENODEV);
        ERR(ioctl(s, SIOCGIFINDEX, (void *)8), EFAULT);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
