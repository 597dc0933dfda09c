/* SPDX-License-Identifier: MIT
 *
 * All sockets, by number, so that a reader of /proc/net goes on where it stopped: a file of n
 * sockets costs n times the logarithm of n however small the pieces are.
 */
#include "fs/socket/all.h"
#include "fs/filter/packet.h"
#include "fs/socket/end.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/unix.h"
#include "lib/pause.h"
#include "lib/string.h"

static spinlock_t all_lock;
static struct rb_root all_sockets = RB_ROOT; /* by number; the newest last */
static u64 last_number;

static struct socket *of_node(struct rb_node *node)
{
    return rb_entry(node, struct socket, all);
}

void socket_enlist(struct socket *s)
{
    SCOPED_LOCK(&all_lock);
    struct rb_node **link = &all_sockets.node, *parent = NULL;

    for (; *link; link = &parent->right)
        parent = *link;
    s->number = ++last_number;
    rb_insert(&all_sockets, &s->all, parent, link, NULL);
}

void socket_delist(struct socket *s)
{
    SCOPED_LOCK(&all_lock);
    rb_erase(&all_sockets, &s->all, NULL);
}

/* Number n or the first after it; NULL: none. */
static struct socket *find(u64 n)
{
    REQUIRES(&all_lock);
    struct rb_node *node = all_sockets.node, *best = NULL;

    while (node) {
        bool before = of_node(node)->number < n;

        best = before ? best : node;
        node = before ? node->right : node->left;
    }
    return best ? of_node(best) : NULL;
}

static bool shows_port(const struct socket *s, u32 protocol, bool six)
{
    return s->protocol == protocol && READ_ONCE(s->is_bound) &&
           six == (s->family == AF_INET6);
}

static bool shows_in(enum socket_table table, const struct socket *s)
{
    bool six = s->family == AF_INET6;

    switch (table) {
    case TABLE_UNIX:
        return is_unix(s);
    case TABLE_TCP:
    case TABLE_TCP6:
        return s->protocol == IPPROTO_TCP && six == (table == TABLE_TCP6) &&
               READ_ONCE(s->state) != SOCKET_NEW && !is_over(s);
    case TABLE_UDP:
    case TABLE_UDP6:
        return shows_port(s, IPPROTO_UDP, table == TABLE_UDP6);
    case TABLE_UDPLITE:
    case TABLE_UDPLITE6:
        return shows_port(s, IPPROTO_UDPLITE, table == TABLE_UDPLITE6);
    }
    return false;
}

/* As /proc/net numbers them: TCP's states, and those of unix sockets. */
static u32 state_number(const struct socket *s, enum socket_state state)
{
    static const u8 inet[] = {7, 2, 1, 10}, local[] = {1, 2, 3, 1};

    if (is_tcp(s))
        return socket_tcp_state(s);
    return is_unix(s) ? local[state] : inet[state];
}

static void describe(const struct socket *s, struct socket_info *out)
{
    struct unix_name *name = READ_ONCE(s->name);
    enum socket_state state = READ_ONCE(s->state);

    *out = (struct socket_info){.ino = s->ino,
                                .family = s->family,
                                .type = s->type,
                                .refs = READ_ONCE(s->refs),
                                .state = state_number(s, state),
                                .listens = state == SOCKET_LISTENING,
                                .uid = s->uid,
                                .queued = READ_ONCE(s->queued),
                                .sent = READ_ONCE(s->sent),
                                .drops = READ_ONCE(s->drops),
                                .port = {s->local.port, s->remote.port}};
    memcpy(out->ip[0], s->local.ip, 16);
    memcpy(out->ip[1], s->remote.ip, 16);
    if (name)
        unix_address(name, &out->name);
}

void socket_memory(struct socket *s, u32 out[MEMORY_WORDS])
{
    memset(out, 0, MEMORY_WORDS * sizeof(*out));
    out[0] = (u32)READ_ONCE(s->held);
    out[1] = READ_ONCE(s->rcvbuf);
    out[2] = READ_ONCE(s->sent);
    out[3] = READ_ONCE(s->sndbuf);
    out[6] = packet_filter_cost(s);
    out[8] = READ_ONCE(s->drops);
}

bool socket_next(enum socket_table table, u64 *n, struct socket_info *out)
{
    for (bool shown = false; !shown; pause_anyway()) {
        SCOPED_LOCK(&all_lock);
        struct socket *s = find(*n);

        if (!s)
            return false;
        *n = s->number + 1;
        shown = shows_in(table, s);
        if (shown)
            describe(s, out);
    }
    return true;
}

void socket_count(struct socket_counts *out)
{
    *out = (struct socket_counts){0};
    for (u64 n = 0;; pause_anyway()) {
        SCOPED_LOCK(&all_lock);
        const struct socket *s = find(n);
        u64 held;

        if (!s)
            return;
        n = s->number + 1;
        out->all++;
        out->tcp += is_tcp(s);
        held = READ_ONCE(s->held);
        out->tcp_bytes += is_tcp(s) ? held : 0;
        out->udp_bytes += s->protocol == IPPROTO_UDP ? held : 0;
        for (enum socket_table t = TABLE_UNIX; t <= TABLE_UDPLITE6; t++)
            out->shown[t] += shows_in(t, s);
    }
}
