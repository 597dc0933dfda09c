/* SPDX-License-Identifier: MIT
 *
 * Groups of multicast that sockets joined on the one interface, `lo`: ip(7), ipv6(7). Who is a member is
 * looked up when something is sent to a group.
 */
#include "fs/socket/group/group.h"
#include "fs/socket/inet.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define IP_MULTICAST_IF    32
#define IP_ADD_MEMBERSHIP  35
#define IP_DROP_MEMBERSHIP 36
#define MCAST_JOIN_GROUP   42
#define MCAST_LEAVE_GROUP  45
#define IPV6_MULTICAST_IF  17
#define IPV6_JOIN_GROUP    20
#define IPV6_LEAVE_GROUP   21

#define GROUPS_MOST 20 /* of one socket */
#define MREQ_LEN    8u
#define MREQN_LEN   12u
#define MREQ6_LEN   20u
#define GROUP_LEN   136u /* struct group_req: a number, an address from byte 8 on */

/* A group that somebody has joined. */
struct group {
    struct rb_node node; /* [groups_lock] by address */
    u8 ip[16];
    u32 members; /* [groups_lock] */
};

struct membership {
    struct list link; /* [groups_lock] socket.joined */
    struct group *group;
};

#define MEMBERSHIP_COST (sizeof(struct membership) + sizeof(struct group))

static spinlock_t groups_lock;
static struct rb_root groups; /* [groups_lock] */

/* Where it stands, or would. */
static struct group *find_group(const u8 ip[16], struct rb_node **parent,
                                struct rb_node ***link)
{
    REQUIRES(&groups_lock);
    *parent = NULL;
    *link = &groups.node;
    while (**link) {
        struct group *g = rb_entry(**link, struct group, node);
        int order = memcmp(ip, g->ip, sizeof(g->ip));

        if (!order)
            return g;
        *parent = **link;
        *link = order < 0 ? &(*parent)->left : &(*parent)->right;
    }
    return NULL;
}

/* *n: how many there are. */
static struct membership *find_membership(const struct socket *s, const u8 ip[16], u32 *n)
{
    REQUIRES(&groups_lock);
    struct list *pos;

    *n = 0;
    list_for_each (pos, &s->joined) {
        struct membership *m = list_entry(pos, struct membership, link);

        if (memcmp(m->group->ip, ip, sizeof(m->group->ip)) == 0)
            return m;
        ++*n;
    }
    return NULL;
}

/* spare: used up when the group is new. */
static int enter(struct socket *s, const u8 ip[16], struct membership *m,
                 struct group **spare)
{
    SCOPED_LOCK(&groups_lock);
    struct rb_node *parent, **link;
    u32 n;

    if (find_membership(s, ip, &n))
        return -EADDRINUSE;
    if (n >= GROUPS_MOST)
        return -ENOBUFS;
    m->group = find_group(ip, &parent, &link);
    if (!m->group) {
        m->group = *spare;
        *spare = NULL;
        memcpy(m->group->ip, ip, sizeof(m->group->ip));
        rb_insert(&groups, &m->group->node, parent, link, NULL);
    }
    m->group->members++;
    list_add_tail(&s->joined, &m->link);
    return 0;
}

static int join(struct socket *s, const u8 ip[16])
{
    struct membership *m = kzalloc(sizeof(*m));
    struct group *spare = kzalloc(sizeof(*spare));
    int err = m && spare ? enter(s, ip, m, &spare) : -ENOMEM;

    if (spare)
        kfree(spare);
    if (err && m)
        kfree(m);
    if (!err)
        __atomic_fetch_add(&s->account->bytes, MEMBERSHIP_COST, __ATOMIC_RELAXED);
    return err;
}

/* ip NULL: whatever group comes first. */
static int leave(struct socket *s, const u8 ip[16])
{
    struct group *last = NULL;
    struct membership *m;
    u32 n;

    spin_lock(&groups_lock);
    if (ip)
        m = find_membership(s, ip, &n);
    else
        m = list_empty(&s->joined) ? NULL
                                   : list_entry(s->joined.next, struct membership, link);
    if (m) {
        list_del(&m->link);
        if (!--m->group->members) {
            last = m->group;
            rb_erase(&groups, &last->node, NULL);
        }
    }
    spin_unlock(&groups_lock);
    if (!m)
        return -EADDRNOTAVAIL;
    if (last)
        kfree(last);
    kfree(m);
    __atomic_fetch_sub(&s->account->bytes, MEMBERSHIP_COST, __ATOMIC_RELAXED);
    return 0;
}

void groups_leave(struct socket *s)
{
    while (leave(s, NULL) == 0)
        ;
}

bool group_reaches(const struct socket *s, const struct inet_name *group)
{
    static const u8 all_hosts[4] = {224, 0, 0,
                                    1}; /* which every machine is a member of */
    SCOPED_LOCK(&groups_lock);
    struct rb_node *parent, **link;
    u32 n;

    if (find_membership(s, group->ip, &n))
        return true;
    return !READ_ONCE(s->values[VALUE_MC_ALL]) &&
           (memcmp(group->ip + 12, all_hosts, sizeof(all_hosts)) == 0 ||
            find_group(group->ip, &parent, &link));
}

/* ---- their options ---- */

u32 group_option_size(s32 level, s32 name)
{
    bool v6 = level == IPPROTO_IPV6;

    if (level != IPPROTO_IP && !v6)
        return 0;
    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP)
        return GROUP_LEN;
    if (v6)
        return name == IPV6_MULTICAST_IF                             ? sizeof(s32)
               : name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP ? MREQ6_LEN
                                                                     : 0;
    return name == IP_MULTICAST_IF || name == IP_ADD_MEMBERSHIP ||
                   name == IP_DROP_MEMBERSHIP
               ? MREQN_LEN
               : 0;
}

/* Whether that is lo: by number, or where that is 0 by an address of its own (NULL: none). 0, -ENODEV. */
static int check_interface(s32 number, const u8 *address)
{
    return number == LO || (!number && address && address[0] == 127) ? 0 : -ENODEV;
}

static int choose_interface(struct socket *s, const u8 *value, u32 len)
{
    u8 request[MREQN_LEN] = {0};
    s32 number, address;

    if (is_stream(s))
        return -EINVAL;
    memcpy(len >= MREQ_LEN ? request : request + 4, value,
           len >= MREQN_LEN  ? MREQN_LEN
           : len >= MREQ_LEN ? MREQ_LEN
           : len >= 4        ? 4u
                             : 0u);
    memcpy(&address, request + 4, sizeof(address));
    memcpy(&number, request + 8, sizeof(number));
    if ((number || address) && check_interface(number, request + 4))
        return -EADDRNOTAVAIL;
    WRITE_ONCE(s->values[VALUE_MIF_ADDR], address);
    WRITE_ONCE(s->values[VALUE_MIF], number || address);
    return 0;
}

static int choose_interface6(struct socket *s, const u8 *value)
{
    s32 number;

    if (is_stream(s))
        return -ENOPROTOOPT;
    memcpy(&number, value, sizeof(number));
    if (number && number != LO)
        return -ENODEV;
    WRITE_ONCE(s->values[VALUE_MIF6], number);
    return 0;
}

/* Which group on what interface a value names, in the forms of those options. */
static int parse_group(s32 level, s32 name, const u8 *value, u32 len, u8 ip[16])
{
    bool v6 = level == IPPROTO_IPV6;
    const u8 *group = value, *own = v6 ? NULL : value + 4;
    struct inet_name n = {.port = 0};
    s32 number = 0;

    if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP) {
        if (value[8] != (v6 ? AF_INET6 : AF_INET) || value[9])
            return v6 ? -EADDRNOTAVAIL : -EINVAL;
        group = value + (v6 ? 16 : 12);
        own = NULL;
        memcpy(&number, value, sizeof(number));
    } else if (v6 || len >= MREQN_LEN) {
        memcpy(&number, value + (v6 ? 16 : 8), sizeof(number));
    }
    if (v6)
        memcpy(n.ip, group, sizeof(n.ip));
    else
        inet_set_v4(&n, group);
    memcpy(ip, n.ip, sizeof(n.ip));
    if (v6 ? n.ip[0] != 0xff : !inet_is_group(&n))
        return -EINVAL;
    return check_interface(number, own);
}

int group_set_option(struct socket *s, s32 level, s32 name, const void *value, u32 len)
{
    bool v6 = level == IPPROTO_IPV6, joins;
    u32 least = group_option_size(level, name);
    u8 ip[16];
    int err;

    if (!v6 && name == IP_MULTICAST_IF)
        return value ? choose_interface(s, value, len) : -EFAULT;
    if (is_stream(s) && !(v6 && name == IPV6_MULTICAST_IF))
        return -EPROTO;
    if (len < (least == MREQN_LEN ? MREQ_LEN : least))
        return -EINVAL;
    if (!value)
        return -EFAULT;
    if (v6 && name == IPV6_MULTICAST_IF)
        return choose_interface6(s, value);
    err = parse_group(level, name, value, len, ip);
    joins =
        name == MCAST_JOIN_GROUP || name == (v6 ? IPV6_JOIN_GROUP : IP_ADD_MEMBERSHIP);
    if (err)
        return err == -EINVAL && !joins ? -EADDRNOTAVAIL : err;
    return joins ? join(s, ip) : leave(s, ip);
}
