/* SPDX-License-Identifier: MIT
 *
 * Who is bound at which port, for TCP, UDP and UDP-Lite each.
 */
#include "fs/socket/ports.h"
#include "fs/perm.h"
#include "fs/socket/inet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PORTS         65536u
#define SHARERS_MAX   4096u /* of one port; who looks for one goes through them */
#define AT_ONCE       64u
#define RESERVED      1024u /* ports below are not for everybody */
#define EPHEMERAL     32768u
#define EPHEMERAL_END 61000u

/* All that is bound at ports, of one protocol, by port and serial. Of accepted sockets there may
 * be as many at one port as there are files. */
struct ports {
    struct rb_root bound, accepted;
    u64 used[PORTS / 64]; /* a bit for each port somebody has */
    u32 next;
    u64 serial; /* of the last that came */
};

static spinlock_t names_lock;
static struct ports tcp, udp, lite; /* [names_lock] */

static struct ports *ports_of(u32 protocol)
{
    return protocol == IPPROTO_TCP ? &tcp : protocol == IPPROTO_UDP ? &udp : &lite;
}

static struct socket *of_node(struct rb_node *node)
{
    return rb_entry(node, struct socket, bound);
}

/* At that port, the first with a serial above `after`; NULL: none. */
static struct socket *first_at(const struct rb_root *root, u32 port, u64 after)
{
    REQUIRES(&names_lock);
    struct rb_node *node = root->node;
    struct socket *best = NULL;

    while (node) {
        struct socket *s = of_node(node);
        bool less = s->local.port != port ? s->local.port < port : s->serial <= after;

        best = less ? best : s;
        node = less ? node->right : node->left;
    }
    return best && best->local.port == port ? best : NULL;
}

static struct socket *next_at(struct socket *s)
{
    REQUIRES(&names_lock);
    struct rb_node *node = rb_next(&s->bound);

    return node && of_node(node)->local.port == s->local.port ? of_node(node) : NULL;
}

/* The last that was bound there: it gets what others could get as well. */
static struct socket *last_at(const struct rb_root *root, u32 port)
{
    REQUIRES(&names_lock);
    struct rb_node *node = root->node;
    struct socket *best = NULL;

    while (node) {
        struct socket *s = of_node(node);
        bool behind = s->local.port > port;

        best = behind ? best : s;
        node = behind ? node->left : node->right;
    }
    return best && best->local.port == port ? best : NULL;
}

static struct socket *before(struct socket *s)
{
    REQUIRES(&names_lock);
    struct rb_node *node = rb_prev(&s->bound);

    return node && of_node(node)->local.port == s->local.port ? of_node(node) : NULL;
}

/* The newest first. */
#define for_each_bound(p, at, s) for (s = last_at(&(p)->bound, at); s; s = before(s))

static bool v6_only(const struct socket *s)
{
    return s->family == AF_INET6 && option_on(s, OPT_V6ONLY);
}

/* In words: thousands are compared in one hold of the lock. */
static bool same_ip(const struct inet_name *a, const struct inet_name *b)
{
    u64 x[2], y[2];

    __builtin_memcpy(x, a->ip, sizeof(x));
    __builtin_memcpy(y, b->ip, sizeof(y));
    return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

/* Whether something sent to `to` can mean a socket bound at `at`: 0 no, else the more exactly
 * the higher. */
static u32 match(const struct inet_name *at, bool only_v6, const struct inet_name *to)
{
    if (same_ip(at, to))
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

    if (other == s || (option_on(s, OPT_REUSEPORT) && option_on(other, OPT_REUSEPORT) &&
                       s->uid == other->uid))
        return false;
    if (option_on(s, OPT_REUSEADDR) && option_on(other, OPT_REUSEADDR) &&
        !(tcp_only && (is_listening(s) || is_listening(other))))
        return false;
    return match(&other->local, v6_only(other), at) ||
           match(at, v6_only(s), &other->local);
}

/* Also when it has as many as it can have. */
static bool is_taken(struct socket *s, const struct inet_name *at)
{
    struct socket *other;
    u32 n = 0;

    for_each_bound(ports_of(s->protocol), at->port, other)
    {
        if (conflict(s, at, other) || ++n == SHARERS_MAX)
            return true;
    }
    return false;
}

/* The same of accepted ones. names_lock is given up now and then: who comes meanwhile stands
 * behind the others. */
static bool is_in_use(struct socket *s, const struct inet_name *at)
{
    const struct ports *p = ports_of(s->protocol);
    struct socket *other = first_at(&p->accepted, at->port, 0);

    for (u32 n = 1; other; n++) {
        u64 serial = other->serial;

        if (conflict(s, at, other))
            return true;
        if (n % AT_ONCE) {
            other = next_at(other);
            continue;
        }
        spin_unlock(&names_lock);
        pause_anyway();
        spin_lock(&names_lock);
        other = first_at(&p->accepted, at->port, serial);
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

static struct rb_root *root_of(struct ports *p, const struct socket *s)
{
    return s->accepted ? &p->accepted : &p->bound;
}

/* The last of its port. */
static void enter(struct socket *s)
{
    REQUIRES(&names_lock);
    struct ports *p = ports_of(s->protocol);
    struct rb_root *root = root_of(p, s);
    struct rb_node **link = &root->node, *parent = NULL;
    u32 port = s->local.port;

    while (*link) {
        parent = *link;
        link = port < of_node(parent)->local.port ? &parent->left : &parent->right;
    }
    s->serial = ++p->serial;
    WRITE_ONCE(s->is_bound, true);
    rb_insert(root, &s->bound, parent, link, NULL);
    p->used[port / 64] |= 1ull << (port % 64);
}

/* Takes s, and its port if nobody else is at it, out of the table. */
static void leave(struct socket *s)
{
    REQUIRES(&names_lock);
    u32 port = s->local.port;
    struct ports *p = ports_of(s->protocol);

    if (!s->is_bound)
        return;
    rb_erase(root_of(p, s), &s->bound, NULL);
    WRITE_ONCE(s->is_bound, false);
    if (!first_at(&p->bound, port, 0) && !first_at(&p->accepted, port, 0))
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

    if (!s->chose_port) { /* a stream that may be bound anew shows its old port until then */
        leave(s);
        s->accepted = false;
    }
    spin_lock(&s->lock);
    inet_no_name(s, &none);
    s->remote = none;
    if (!s->chose_port && !is_stream(s))
        s->local.port = 0;
    if (!s->chose_ip)
        memcpy(s->local.ip, none.ip, sizeof(none.ip));
    spin_unlock(&s->lock);
}

/* by_name: bind asked for what is not zero of it. */
static int bind_at(struct socket *s, struct inet_name at, bool by_name)
{
    SCOPED_LOCK(&names_lock);
    bool chose_port = by_name && at.port, in_use = chose_port && is_in_use(s, &at);
    if (s->is_bound)
        return -EINVAL;
    if (in_use || (at.port && is_taken(s, &at)))
        return -EADDRINUSE;
    if (!at.port)
        at.port = free_port(ports_of(s->protocol));
    if (!at.port)
        return -EADDRINUSE;
    spin_lock(&s->lock);
    s->local = at;
    spin_unlock(&s->lock);
    s->chose_port = chose_port;
    s->chose_ip = by_name && !inet_is_any(&at);
    enter(s);
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

    if (READ_ONCE(s->is_bound))
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
    struct socket *other;

    if (err)
        return err;
    SCOPED_LOCK(&names_lock);
    for_each_bound(&tcp, s->local.port, other)
    {
        if (is_listening(other) && conflict(s, &s->local, other))
            return -EADDRINUSE;
    }
    return 0;
}

void inet_join(struct socket *s)
{
    s->accepted = true;
    SCOPED_LOCK(&names_lock);
    s->chose_ip = s->listener && s->listener->chose_ip;
    enter(s);
}

void inet_unbind(struct socket *s)
{
    SCOPED_LOCK(&names_lock);
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
    struct socket *best = NULL, *s;
    u32 high = 0, equals = 0;

    SCOPED_LOCK(&names_lock);
    for_each_bound(ports_of(protocol), to->port, s)
    {
        u32 score = fits(s, to, from);

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

struct socket *inet_next(u32 protocol, const struct inet_name *to,
                         const struct inet_name *from, u64 *serial, bool *meant)
{
    SCOPED_LOCK(&names_lock);
    struct socket *s = first_at(&ports_of(protocol)->bound, to->port, *serial);

    if (!s)
        return NULL;
    *serial = s->serial;
    *meant = fits(s, to, from);
    socket_get(s);
    return s;
}

int inet_find_listener(struct socket *s, const struct address *a, struct socket **out)
{
    bool named = READ_ONCE(s->is_bound);
    struct inet_name to;
    int err = inet_parse(s, a, &to);

    if (!err)
        err = inet_route_from(s, &to);
    if (!err)
        err = inet_autobind(s);
    if (err)
        return err;
    inet_set_remote(s, &to);
    *out = inet_find(IPPROTO_TCP, &to, &s->local);
    if (*out)
        return 0;
    if (!named || memcmp(&s->local, &to, sizeof(to)) != 0)
        return -ECONNREFUSED;
    socket_get(s);
    *out = s;
    return 0;
}
