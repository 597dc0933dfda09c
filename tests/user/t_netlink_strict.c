/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK: the options of SOL_NETLINK, and requests that are read strictly.
 */
#include "tests/user/t.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Of include/uapi/linux/{netlink,rtnetlink,if_addr,if_link,neighbour}.h. */
enum {
    NETLINK_ADD_MEMBERSHIP = 1,
    NETLINK_DROP_MEMBERSHIP,
    NETLINK_PKTINFO,
    NETLINK_BROADCAST_ERROR,
    NETLINK_NO_ENOBUFS,
    NETLINK_LISTEN_ALL_NSID = 8,
    NETLINK_LIST_MEMBERSHIPS,
    NETLINK_CAP_ACK,
    NETLINK_EXT_ACK,
    NETLINK_GET_STRICT_CHK
};
enum { ERROR = 2, DONE = 3, GETLINK = 18, GETADDR = 22, GETROUTE = 26, GETNEIGH = 30 };
enum {
    REQUEST = 1,
    MULTI = 2,
    ACK = 4,
    FILTERED = 0x20 | MULTI,
    CAPPED = 0x100,
    DUMP = 0x300
};

struct head {
    unsigned len;
    unsigned short type, flags;
    unsigned seq, port;
};

struct link {
    unsigned char family, pad;
    unsigned short type;
    int index;
    unsigned flags, change;
};

struct addr {
    unsigned char family, prefix, flags, scope;
    unsigned index;
};

struct route {
    unsigned char family, bits, source_bits, tos, table, protocol, scope, type;
    unsigned flags;
};

struct neighbour {
    unsigned char family, pad[3];
    int index;
    unsigned short state;
    unsigned char flags, type;
};

struct attr {
    unsigned short len, type;
};

static int get(int s, int name, socklen_t len)
{
    unsigned v[2] = {77, 77};
    socklen_t n = len;
    int r = getsockopt(s, SOL_NETLINK, name, v, &n);

    if (r == 0)
        EQ(n, 4);
    return r ? -errno : (int)v[0];
}

static int set(int s, int name, int v)
{
    return setsockopt(s, SOL_NETLINK, name, &v, sizeof(v)) ? -errno : 0;
}

static int netlink(void)
{
    int s = socket(AF_NETLINK, SOCK_RAW, 0);

    OK(s);
    return s;
}

TEST(switches, "what is set is told; what is not there, what is too short")
{
    static const int names[] = {NETLINK_PKTINFO,       NETLINK_BROADCAST_ERROR,
                                NETLINK_NO_ENOBUFS,    NETLINK_LISTEN_ALL_NSID,
                                NETLINK_CAP_ACK,       NETLINK_EXT_ACK,
                                NETLINK_GET_STRICT_CHK};
    int s = netlink();

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        EQ(get(s, names[i], 4), 0);
        EQ(set(s, names[i], 5), 0);
        EQ(get(s, names[i], 8), 1);
        EQ(get(s, names[i], 3), -EINVAL);
        EQ(setsockopt(s, SOL_NETLINK, names[i], "\1", 1), 0); /* less than a number: 0 */
        EQ(get(s, names[i], 4), 0);
    }
    ERR(setsockopt(s, SOL_NETLINK, NETLINK_PKTINFO, NULL, 4), EFAULT);
    EQ(setsockopt(s, SOL_NETLINK, NETLINK_PKTINFO, NULL, 0), 0);
    EQ(set(s, 7, 1), -ENOPROTOOPT);
    EQ(get(s, 7, 4), -ENOPROTOOPT);
    EQ(get(s, NETLINK_ADD_MEMBERSHIP, 4), -ENOPROTOOPT);
}

TEST(groups, "groups above 32, and the list of all")
{
    int s = netlink();
    unsigned w[2] = {9, 9};
    socklen_t n = 8;

    OK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, w, &n));
    EQ(n, 0);
    EQ(set(s, NETLINK_ADD_MEMBERSHIP, 1), 0);
    EQ(set(s, NETLINK_ADD_MEMBERSHIP, 36), 0);
    EQ(set(s, NETLINK_ADD_MEMBERSHIP, 0), -EINVAL);
    EQ(set(s, NETLINK_DROP_MEMBERSHIP, 77), -EINVAL);
    n = 8;
    OK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, w, &n));
    CHECK(n == 8 && w[0] == 1 && w[1] == 8);
    w[1] = 9;
    n = 4; /* how long it is, is told all the same */
    OK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, w, &n));
    CHECK(n == 8 && w[0] == 1 && w[1] == 9);
    EQ(set(s, NETLINK_DROP_MEMBERSHIP, 36), 0);
    n = 8;
    OK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, w, &n));
    CHECK(n == 8 && w[0] == 1 && w[1] == 0);
}

/* What comes back: how many messages before the end or the error, their flags, and its number. */
struct got {
    int told, told_flags, type, flags, len, err;
};

static struct got ask(int s, int type, int flags, const void *payload, size_t n)
{
    struct got g = {.told_flags = -1};
    static char b[65536];
    struct head h = {.len = (unsigned)(sizeof(h) + n),
                     .type = (unsigned short)type,
                     .flags = (unsigned short)(REQUEST | flags)};

    memcpy(b, &h, sizeof(h));
    memcpy(b + sizeof(h), payload, n);
    EQ(send(s, b, sizeof(h) + n, 0), (long)(sizeof(h) + n));
    while (!g.type) {
        ssize_t got = recv(s, b, sizeof(b), 0);
        size_t left = (size_t)got;

        OK(got);
        for (char *at = b; left >= sizeof(h);) {
            struct head *m = (void *)at;
            size_t step = (m->len + 3) & ~3u;

            CHECK(m->len >= sizeof(h) && step <= left);
            at += step;
            left -= step;
            if (m->type == DONE || m->type == ERROR) {
                g.type = m->type;
                g.flags = m->flags;
                g.len = (int)m->len;
                g.err = *(int *)(m + 1);
            } else {
                g.told++;
                g.told_flags = m->flags;
            }
        }
    }
    return g;
}

#define DUMPS(s, kind, p, n, count, with, error)  \
    do {                                          \
        struct got g_ = ask(s, kind, DUMP, p, n); \
        EQ(g_.type, DONE);                        \
        EQ(g_.err, error);                        \
        EQ(g_.told, count);                       \
        EQ(g_.flags &FILTERED, with);             \
    } while (0)

static int strict(void)
{
    int s = netlink();
    struct ifreq r = {.ifr_name = "lo"};

    OK(ioctl(s, SIOCGIFFLAGS, &r));
    if (!(r.ifr_flags & IFF_UP) || if_nametoindex("lo") != 1)
        SKIP("lo is not up");
    EQ(set(s, NETLINK_GET_STRICT_CHK, 1), 0);
    return s;
}

TEST(addresses, "addresses: of one interface, and what is not passed over")
{
    struct addr a = {.family = AF_INET6};
    char more[16] = {0};
    int s = strict();

    a.index = 1;
    DUMPS(s, GETADDR, &a, sizeof(a), 1, FILTERED, 0);
    a.index = 99999;
    DUMPS(s, GETADDR, &a, sizeof(a), 0, FILTERED, -ENODEV);
    DUMPS(s, GETADDR, &a, 1, 0, MULTI, -EINVAL);
    a.index = 0;
    a.scope = 1;
    DUMPS(s, GETADDR, &a, sizeof(a), 0, MULTI, -EINVAL);
    DUMPS(s, GETADDR, more, 10, 0, MULTI, -EINVAL);
    EQ(set(s, NETLINK_GET_STRICT_CHK, 0), 0);
    CHECK(ask(s, GETADDR, DUMP, &a, sizeof(a)).err == 0);
}

TEST(links, "links: the words that are known")
{
    struct {
        struct link i;
        struct attr a;
        int v;
    } q = {.a = {8, 29}};
    int s = strict();
    struct got g;

    g = ask(s, GETLINK, DUMP, &q, sizeof(q));
    CHECK(g.type == DONE && g.err == 0 && g.told >= 1);
    q.a.type = 3;
    DUMPS(s, GETLINK, &q, sizeof(q), 0, MULTI, -EINVAL);
    DUMPS(s, GETLINK, &q, 1, 0, MULTI, -EINVAL);
    q.i.change = ~0u;
    DUMPS(s, GETLINK, &q, sizeof(q.i), 0, MULTI, -EINVAL);
    q.i.index = 1;
    g = ask(s, GETLINK, ACK, &q, sizeof(q.i));
    CHECK(g.type == ERROR && g.err == -EINVAL && g.told == 0);
    q.i.change = 0;
    DUMPS(s, GETLINK, &q, sizeof(q.i), 0, MULTI, -EINVAL);
    g = ask(s, GETLINK, ACK, &q, sizeof(q.i));
    CHECK(g.type == ERROR && g.err == 0 && g.told == 1);
}

TEST(routes, "routes: by table, kind, protocol and interface")
{
    struct {
        struct route r;
        struct attr a;
        int v;
    } q = {.r = {.family = AF_INET}, .a = {8, 4}, .v = 1};
    struct neighbour n = {.state = 1};
    int s = strict();

    q.r.table = 255;
    q.r.type = 2;
    DUMPS(s, GETROUTE, &q, sizeof(q), 2, FILTERED, 0);
    q.r.type = 0;
    q.r.protocol = 4;
    DUMPS(s, GETROUTE, &q, sizeof(q), 0, FILTERED, 0);
    q.r.protocol = 0;
    q.v = 99999;
    DUMPS(s, GETROUTE, &q, sizeof(q), 0, MULTI, -ENODEV);
    q.a.type = 1;
    DUMPS(s, GETROUTE, &q, sizeof(q), 0, MULTI, -EINVAL);
    q.r.bits = 8;
    DUMPS(s, GETROUTE, &q, sizeof(q.r), 0, MULTI, -EINVAL);
    DUMPS(s, GETROUTE, &q, 1, 0, MULTI, -EINVAL);
    DUMPS(s, GETNEIGH, &n, sizeof(n), 0, MULTI, -EINVAL);
    n.state = 0;
    CHECK(ask(s, GETNEIGH, DUMP, &n, sizeof(n)).err == 0);
}

TEST(capped, "errors come with the request, or with its header alone")
{
    struct link i = {.index = 99999};
    int s = netlink();
    struct got g = ask(s, GETLINK, 0, &i, sizeof(i));

    CHECK(g.err == -ENODEV && g.len == 16 + 4 + 16 + 16 && !(g.flags & CAPPED));
    EQ(set(s, NETLINK_CAP_ACK, 1), 0);
    g = ask(s, GETLINK, 0, &i, sizeof(i));
    CHECK(g.err == -ENODEV && g.len == 16 + 4 + 16 && g.flags & CAPPED);
}

TEST(group, "which group a message was for")
{
    struct link i = {.index = 1};
    struct head h = {sizeof(h) + sizeof(i), GETLINK, REQUEST, 7, 0};
    struct iovec out[] = {{&h, sizeof(h)}, {&i, sizeof(i)}};
    char control[64], b[8192];
    struct iovec in = {b, sizeof(b)};
    struct msghdr m = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = control};
    struct cmsghdr *c = (void *)control;
    int s = netlink();

    for (int on = 0; on < 2; on++) {
        EQ(set(s, NETLINK_PKTINFO, on), 0);
        EQ(writev(s, out, 2), sizeof(h) + sizeof(i));
        m.msg_controllen = sizeof(control);
        OK(recvmsg(s, &m, 0));
        EQ(m.msg_controllen, on ? CMSG_SPACE(4) : 0);
    }
    CHECK(c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_PKTINFO);
    EQ(*(unsigned *)(void *)CMSG_DATA(c), 0);
}

TEST(calm, "NETLINK_NO_ENOBUFS: what is lost is not told")
{
    char b[32] = {0};
    struct head *h = (void *)b;
    int s = netlink(), small = 1;

    OK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
    h->len = sizeof(b);
    h->type = GETLINK;
    h->flags = REQUEST | ACK;
    EQ(set(s, NETLINK_NO_ENOBUFS, 1), 0);
    for (int i = 0; i < 200; i++)
        EQ(send(s, b, sizeof(b), 0), sizeof(b));
    for (int i = 0; i < 200 && recv(s, b, sizeof(b), MSG_DONTWAIT) > 0; i++)
        ;
    EQ(errno, EAGAIN);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
