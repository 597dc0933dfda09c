/* SPDX-License-Identifier: MIT
 *
 * Who is bound at which port, for TCP, UDP and UDP-Lite each.
 */
#include "fs/socket/ports.h"
#include "fs/perm.h"
#include "fs/socket/inet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PORTS         65536u
#define BUCKETS       1024u
#define RESERVED      1024u /* ports below are not for everybody */
#define EPHEMERAL     32768u
#define EPHEMERAL_END 61000u

/* All that is bound at ports, of one protocol. Accepted sockets stand behind the others. */
struct ports {
    struct list buckets[BUCKETS];
    u64 used[PORTS / 64]; /* a bit for each port somebody has */
    u32 next;
};

static spinlock_t names_lock;
static struct ports tcp, udp, lite; /* [names_lock] */

static struct ports *ports_of(u32 protocol)
{
    return protocol == IPPROTO_TCP ? &tcp : protocol == IPPROTO_UDP ? &udp : &lite;
}

static struct list *bucket_of(struct ports *p, u32 port)
{
    struct list *b = &p->buckets[port % BUCKETS];

    if (!b->next)
        list_init(b);
    return b;
}

static bool v6_only(const struct socket *s)
{
    return s->family == AF_INET6 && option_on(s, OPT_V6ONLY);
}

/* Whether something sent to `to` can mean a socket bound at `at`: 0 no, else the more exactly
 * the higher. */
static u32 match(const struct inet_name *at, bool only_v6, const struct inet_name *to)
{
    if (memcmp(at->ip, to->ip, 16) == 0)
        return 3;
    if (!inet_is_any(at))
        return 0;
    if (inet_is_v4(at))
        return inet_is_v4(to) ? 2 : 0;
    return inet_is_v4(to) && only_v6 ? 0 : 1;
}

static bool is_listening(const struct socket *s)
{
    return READ_ONCE(s->state) == SOCKET_LISTENING;
}

/* Whether two sockets cannot both have one port. */
static bool conflict(const struct socket *s, const struct inet_name *at,
                     const struct socket *other)
{
    bool tcp_only = is_stream(s);

    if (other == s || !(match(&other->local, v6_only(other), at) ||
                        match(at, v6_only(s), &other->local)))
        return false;
    if (option_on(s, OPT_REUSEPORT) && option_on(other, OPT_REUSEPORT) &&
        s->uid == other->uid)
        return false;
    return !(option_on(s, OPT_REUSEADDR) && option_on(other, OPT_REUSEADDR) &&
             !(tcp_only && (is_listening(s) || is_listening(other))));
}

static bool is_taken(struct socket *s, const struct inet_name *at)
{
    REQUIRES(&names_lock);
    struct list *b = bucket_of(ports_of(s->protocol), at->port), *pos;

    list_for_each (pos, b) {
        const struct socket *other = list_entry(pos, struct socket, bound);

        if (other->local.port == at->port && conflict(s, at, other))
            return true;
    }
    return false;
}

/* A port nobody has; 0: there is none. */
static u16 free_port(struct ports *p)
{
    REQUIRES(&names_lock);
    const u32 range = EPHEMERAL_END - EPHEMERAL;

    for (u32 i = 0; i < range; i++) {
        u32 port = EPHEMERAL + p->next++ % range;

        if (!(p->used[port / 64] >> (port % 64) & 1))
            return (u16)port;
    }
    return 0;
}

static void enter(struct socket *s, bool last)
{
    REQUIRES(&names_lock);
    struct ports *p = ports_of(s->protocol);
    struct list *b = bucket_of(p, s->local.port);

    p->used[s->local.port / 64] |= 1ull << (s->local.port % 64);
    if (last)
        list_add_tail(b, &s->bound);
    else
        list_add(b, &s->bound);
}

/* Takes s, and its port if nobody else is at it, out of the table. */
static void leave(struct socket *s)
{
    REQUIRES(&names_lock);
    u32 port = s->local.port;
    struct ports *p = ports_of(s->protocol);
    struct list *b = bucket_of(p, port), *pos;

    list_del(&s->bound);
    list_for_each (pos, b) {
        if (list_entry(pos, struct socket, bound)->local.port == port)
            return;
    }
    p->used[port / 64] &= ~(1ull << (port % 64));
}

void inet_set_remote(struct socket *s, const struct inet_name *to)
{
    SCOPED_LOCK(&names_lock);
    spin_lock(&s->lock);
    inet_source(&s->local, to);
    s->remote = *to;
    spin_unlock(&s->lock);
}

void inet_forget_remote(struct socket *s)
{
    struct inet_name none;

    SCOPED_LOCK(&names_lock);
    bool keeps_port = s->chose_port || is_stream(s);

    if (!keeps_port && s->local.port)
        leave(s);
    spin_lock(&s->lock);
    inet_no_name(s, &none);
    s->remote = none;
    if (!keeps_port)
        s->local.port = 0;
    if (!s->chose_ip)
        memcpy(s->local.ip, none.ip, sizeof(none.ip));
    spin_unlock(&s->lock);
}

/* by_name: bind asked for what is not zero of it. */
static int bind_at(struct socket *s, struct inet_name at, bool by_name)
{
    SCOPED_LOCK(&names_lock);
    if (s->local.port)
        return -EINVAL;
    bool chose_port = by_name && at.port;
    if (!at.port)
        at.port = free_port(ports_of(s->protocol));
    else if (is_taken(s, &at))
        return -EADDRINUSE;
    if (!at.port)
        return -EADDRINUSE;
    spin_lock(&s->lock);
    s->local = at;
    spin_unlock(&s->lock);
    s->chose_port = chose_port;
    s->chose_ip = by_name && !inet_is_any(&at);
    enter(s, false);
    return 0;
}

int inet_bind(struct socket *s, const struct address *a, struct fs_context *fs)
{
    struct inet_name at;
    int err = inet_parse_own(s, a, &at);

    if (!err && at.port && at.port < RESERVED &&
        !cred_capable(fs->cred, CAP_NET_BIND_SERVICE))
        err = -EACCES;
    return err ? err : bind_at(s, at, true);
}

int inet_autobind(struct socket *s)
{
    struct inet_name at;
    int err;

    if (READ_ONCE(s->local.port))
        return 0;
    inet_no_name(s, &at);
    err = bind_at(s, at, false);
    return err == -EINVAL       ? 0
           : err == -EADDRINUSE ? -EAGAIN
                                : err; /* was bound meanwhile */
}

int inet_may_listen(struct socket *s)
{
    int err = inet_autobind(s);

    if (err)
        return err;
    SCOPED_LOCK(&names_lock);
    for (struct list *b = bucket_of(&tcp, s->local.port), *pos = b->next; pos != b;
         pos = pos->next) {
        const struct socket *other = list_entry(pos, struct socket, bound);

        if (other->local.port == s->local.port && is_listening(other) &&
            conflict(s, &s->local, other))
            return -EADDRINUSE;
    }
    return 0;
}

void inet_join(struct socket *s)
{
    s->accepted = true;
    SCOPED_LOCK(&names_lock);
    s->chose_ip = s->listener && s->listener->chose_ip;
    enter(s, true);
}

void inet_unbind(struct socket *s)
{
    SCOPED_LOCK(&names_lock);
    if (s->local.port)
        leave(s);
}

/* ---- finding ---- */

/* How well s, which has the port, fits: 0: not at all. */
static u32 fits(const struct socket *s, const struct inet_name *to,
                const struct inet_name *from)
{
    u32 score = match(&s->local, v6_only(s), to);

    if (is_stream(s))
        return is_listening(s) ? score : 0;
    if (!score || READ_ONCE(s->state) != SOCKET_CONNECTED)
        return score;
    return memcmp(&s->remote, from, sizeof(*from)) == 0 ? score + 4 : 0;
}

/* Those that share a port by SO_REUSEPORT take turns by the senders' ports. */
struct socket *inet_find(u32 protocol, const struct inet_name *to,
                         const struct inet_name *from)
{
    struct list *b, *pos;
    struct socket *best = NULL;
    u32 high = 0, equals = 0;

    SCOPED_LOCK(&names_lock);
    b = bucket_of(ports_of(protocol), to->port);
    list_for_each (pos, b) {
        struct socket *s = list_entry(pos, struct socket, bound);
        u32 score;

        if (s->accepted)
            break;
        score = s->local.port == to->port ? fits(s, to, from) : 0;
        if (score > high)
            equals = 0;
        if (!score || score < high || (equals && !option_on(s, OPT_REUSEPORT)))
            continue;
        equals++;
        high = score;
        if (equals == 1 || (from->port * 2654435761u >> 8) % equals == 0)
            best = s;
    }
    if (best)
        socket_get(best);
    return best;
}
