/* SPDX-License-Identifier: MIT
 *
 * Sockets as open files: reading, writing, polling.
 */
#include "fs/socket/file.h"
#include "arch/uaccess.h"
#include "fs/socket/connect.h"
#include "fs/socket/dgram.h"
#include "fs/socket/end.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/packet.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/stream.h"
#include "fs/socket/udp.h"
#include "fs/socket/urgent.h"
#include "fs/wallclock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define FIONREAD       0x541bu
#define SIOCOUTQ       0x5411u
#define SIOCOUTQNSD    0x894bu
#define SIOCATMARK     0x8905u
#define SIOCGSTAMP     0x8906u /* SIOCGSTAMPNS is the next; as two numbers of 64 bits: */
#define SIOCGSTAMP_NEW 0x80108906u

/* MSG_FASTOPEN: to connect and to send is one call. No peer here hands out the key with which bytes
 * would go along with the first packet, so they follow it. */
static int fast_open(struct socket *s, const struct message *m, bool wait)
{
    const struct address *a = &m->address;

    if (!a->len)
        return READ_ONCE(s->state) == SOCKET_NEW ? -EINVAL : -EISCONN;
    if (a->len >= sizeof(u16) && a->bytes[0] == AF_UNSPEC && a->bytes[1] == 0)
        return -EOPNOTSUPP;
    return socket_connect(s, a, m->fs, wait);
}

ssize_t socket_send(struct file *f, struct message *m)
{
    struct socket *s = f->data;
    bool wait =
        !(file_flags(f) & O_NONBLOCK || m->flags & MSG_DONTWAIT || m->uio->nonblock);
    ssize_t n;

    if (m->flags & MSG_OOB && (!is_stream(s) || (is_unix(s) && !m->uio->left)))
        return -EOPNOTSUPP;
    if (is_netlink(s))
        return netlink_send(s, m);
    if (m->flags & MSG_FASTOPEN && is_stream(s) && !is_unix(s) &&
        (n = fast_open(s, m, wait)) != 0)
        return n;
    n = is_stream(s) ? stream_send(s, m, wait) : dgram_send(s, m, wait);
    if (m->flags & MSG_NOSIGNAL)
        m->uio->broken = false;
    return n;
}

ssize_t socket_receive(struct file *f, struct message *m)
{
    struct socket *s = f->data;
    bool wait =
        !(file_flags(f) & O_NONBLOCK || m->flags & MSG_DONTWAIT || m->uio->nonblock);

    if (m->flags & MSG_ERRQUEUE && !is_unix(s))
        return udp_receive_error(s, m);
    if (m->flags & MSG_OOB && is_stream(s))
        return urgent_receive(s, m);
    if (m->flags & MSG_OOB && (is_unix(s) || is_netlink(s))) /* UDP does not look at it */
        return -EOPNOTSUPP;
    return is_stream(s) ? stream_receive(s, m, wait) : dgram_receive(s, m, wait);
}

static ssize_t socket_read(struct file *f, struct uio *u, u64 *pos)
{
    struct message m = {.uio = u};
    ssize_t n;

    (void)pos;
    n = u->left ? socket_receive(f, &m) : 0; /* recv of nothing waits, read does not */
    rights_put(m.rights);
    return n;
}

static ssize_t socket_write(struct file *f, struct uio *u, u64 *pos)
{
    struct message m = {.uio = u};

    (void)pos;
    return socket_send(f, &m);
}

/* A stream of the network, from SO_RCVLOWAT bytes on or when its sender waits for room. */
static noinline bool is_high_enough(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    u64 n = urgent_unread(s);

    return n && (n >= low_water(s) || !s->peer || !has_room(s->peer));
}

static bool is_readable(struct socket *s)
{
    if (unlikely(low_water(s) > 1 || READ_ONCE(s->urgent.state) != URGENT_NONE) &&
        is_tcp(s))
        return is_high_enough(s);
    return READ_ONCE(s->npackets);
}

/* A datagram of the network never waits. */
static bool is_writable(struct socket *s)
{
    if (is_stream(s))
        return has_room(s);
    return !is_unix(s) || (has_room(s) && !dgram_is_full(s));
}

static u32 poll_closed(u32 closed)
{
    u32 hup = (closed & CLOSED_BOTH) == CLOSED_BOTH ? POLLHUP : 0;

    return closed & CLOSED_READ ? hup | POLLIN | POLLRDNORM | POLLRDHUP : hup;
}

/* Looks without a lock: who changes something wakes afterwards. */
static u32 socket_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->data;
    u32 closed, mask = 0;
    enum socket_state state;

    poll_add(pt, &s->events);
    state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
    closed = READ_ONCE(s->closed);
    if (state == SOCKET_LISTENING) {
        mask = READ_ONCE(s->nready) ? POLLIN | POLLRDNORM : 0;
        return is_unix(s) ? mask | poll_closed(closed) : mask;
    }
    if (READ_ONCE(s->error) || !list_empty(&s->errors))
        mask |= POLLERR;
    if (is_connected_kind(s) && state == SOCKET_NEW)
        mask |= POLLHUP;
    mask |= poll_closed(closed);
    if (is_readable(s))
        mask |= POLLIN | POLLRDNORM;
    if (is_stream(s) && state == SOCKET_CONNECTING)
        return mask;
    if (READ_ONCE(s->urgent.state) == URGENT_HERE)
        mask |= POLLPRI;
    if (is_writable(s))
        mask |= POLLOUT | POLLWRNORM | (is_tcp(s) ? 0u : POLLWRBAND);
    else if (!is_unix(s) && closed & CLOSED_WRITE)
        mask |= POLLOUT | POLLWRNORM;
    return mask;
}

static long tell_number(uintptr_t arg, u32 n)
{
    return arg > USER_END - sizeof(n) || arch_copy_to_user(arg, &n, sizeof(n)) ? -EFAULT
                                                                               : 0;
}

/* When the last datagram came, as struct timeval or timespec. */
static long tell_time(struct socket *s, uintptr_t arg, bool ns)
{
    u64 when, pair[2];
    int err = packet_last_time(s, &when);

    if (err)
        return err;
    pair[0] = when / WALL_SECOND_NS;
    pair[1] = when % WALL_SECOND_NS / (ns ? 1 : 1000);
    return arg > USER_END - sizeof(pair) || arch_copy_to_user(arg, pair, sizeof(pair))
               ? -EFAULT
               : 0;
}

static long socket_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct socket *s = f->data;
    struct packet *first;
    u32 n;

    if ((cmd & ~1u) == SIOCGSTAMP || (cmd & ~1u) == SIOCGSTAMP_NEW)
        return is_unix(s) || is_netlink(s) ? -ENOTTY : tell_time(s, arg, cmd & 1);
    if (is_netlink(s) ||
        (cmd != FIONREAD && cmd != SIOCOUTQ && !(cmd == SIOCOUTQNSD && is_tcp(s)) &&
         !(cmd == SIOCATMARK && is_stream(s))))
        return device_ioctl(s, cmd, arg);
    if (READ_ONCE(s->state) == SOCKET_LISTENING && cmd != SIOCATMARK)
        return -EINVAL;
    if (cmd == SIOCATMARK) {
        n = urgent_is_next(s);
    } else if (cmd == SIOCOUTQ || cmd == SIOCOUTQNSD) { /* what is sent has arrived */
        n = is_unix(s) ? READ_ONCE(s->sent) : 0;
    } else {
        spin_lock(&s->lock);
        n = urgent_inq(s);
        first =
            list_empty(&s->queue) ? NULL : list_entry(s->queue.next, struct packet, link);
        if (s->type == SOCK_DGRAM)
            n = first ? first->len : 0;
        spin_unlock(&s->lock);
    }
    return tell_number(arg, n);
}

static void socket_release(struct file *f)
{
    struct socket *s = f->data;
    bool local = is_unix(s);

    socket_end(s);
    socket_put(s);
    if (local)
        rights_collect(COLLECT_IF_DUE);
}

const struct file_ops socket_ops = {
    .release = socket_release,
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .nowait_read = true,
    .nowait_write = true,
};
