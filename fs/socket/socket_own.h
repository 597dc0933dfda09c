/* SPDX-License-Identifier: MIT
 *
 * Inside sockets: what one is, what lies in its queue, and which file does what.
 *
 * Locks, outermost first: socket.calls, socket.naming, socket.reading, flight_lock (rights.c), names_lock,
 * socket.lock (spinlocks; never two of one kind). A socket that another points to has a
 * reference of it.
 */
#pragma once

#include "fs/socket/socket.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "lib/waitq.h"
#include "mm/phys/account.h"

enum socket_state { SOCKET_NEW, SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_LISTENING };

#define CLOSED_READ  1u /* nothing comes any more */
#define CLOSED_WRITE 2u
#define CLOSED_BOTH  3u

/* An address and port of the loopback; IPv4 addresses mapped into IPv6. */
struct inet_name {
    u8 ip[16];
    u16 port; /* as numbers are; 0: none */
};

/* The bytes of a bound AF_UNIX name. */
struct unix_name {
    u32 refs; /* atomic */
    u32 len;  /* of the whole address */
    u8 bytes[];
};

/* Switches; the first ones are those of socket(7) by the same names. */
enum {
    OPT_REUSEADDR,
    OPT_REUSEPORT,
    OPT_KEEPALIVE,
    OPT_BROADCAST,
    OPT_PASSCRED,
    OPT_V6ONLY,
    OPT_DEBUG,
    OPT_DONTROUTE,
    OPT_OOBINLINE,
};

#define VALUES 40u

struct socket {
    u32 refs;                   /* atomic */
    u16 family, type, protocol; /* [c] */
    u64 ino;                    /* [c] once it has a file */
    u32 uid;                    /* [c] who made it */
    struct file *file;          /* [c] from accept on; not referenced */
    struct socket *listener;    /* [c] it was made for, referenced; NULL: for none */
    struct account *account;    /* [c] referenced */
    struct list all;            /* [all_lock] */
    u64 number;                 /* [c] in the order of all */
    struct waitq events;
    struct mutex calls;   /* bind, listen, connect */
    struct mutex naming;  /* bind, and sends that bind by themselves */
    struct mutex reading; /* who takes bytes out of the queue */

    spinlock_t lock;
    struct list queue;       /* [lock] packets; only readers take out */
    u32 npackets;            /* [lock] */
    u64 queued;              /* [lock] bytes to read */
    u64 held;                /* [lock] bytes they cost */
    enum socket_state state; /* [lock] */
    u32 closed;              /* [lock] CLOSED_* */
    s32 error;               /* atomic: told once; positive */
    bool dead;               /* [lock] its file is gone */
    bool fresh;          /* [lock] a client whose connect has not been told of success */
    struct socket *peer; /* [lock] */
    u32 sent;            /* atomic: bytes of packets of its that lie in queues */

    struct list ready,
        late;            /* [lock] a listener's: to accept; clients that wait for room */
    u32 nready, backlog; /* [lock] */
    struct list link;    /* [listener.lock] in one of them */
    struct list friends; /* [lock] datagram sockets whose peer it is */
    struct list friend;  /* [peer.lock] */
    struct socket_cred cred, peer_cred; /* [calls] of listen, connect or pair */

    struct unix_name *name;         /* [lock] set once */
    struct path path;               /* [naming] what a bound path names */
    struct inet_name local, remote; /* [names_lock and lock] */
    struct list bound;              /* [names_lock] */
    bool accepted;                  /* [c] shares its port with a listener */

    u32 options;            /* atomic: bits OPT_* */
    u32 sndbuf, rcvbuf;     /* the next are single words, set and read without a lock */
    u64 sndtimeo, rcvtimeo; /* ns; 0: none */
    s32 linger;             /* seconds; -1: off */
    s32 values[VALUES];     /* what was set and has no effect here: options.c */

    u32 flying;  /* [flight_lock] times its file lies in messages */
    u32 outside; /* [flight_lock] the collector's */
    u8 mark;     /* [flight_lock] the collector's */
};

/* A message, or a part of a stream. */
struct packet {
    struct list link; /* [socket.lock] */
    u32 len, start;   /* bytes; the first not yet read */
    u32 cost;
    u32 npages;
    struct socket *sender; /* it is counted there; referenced */
    struct account *account;
    struct rights *rights; /* [flight_lock] */
    struct socket_cred cred;
    bool has_cred;
    struct unix_name *from; /* datagrams: referenced; NULL: no name */
    struct inet_name from_inet;
    union {
        u8 *pages[0];
        u8 bytes[0];
    };
};

#define SNDBUF_DEFAULT 212992u
#define STREAM_PART    32768u

static inline bool is_unix(const struct socket *s)
{
    return s->family == AF_UNIX;
}

static inline bool is_stream(const struct socket *s)
{
    return s->type == SOCK_STREAM;
}

static inline bool is_connected_kind(const struct socket *s)
{
    return s->type != SOCK_DGRAM;
}

static inline bool option_on(const struct socket *s, u32 option)
{
    return READ_ONCE(s->options) >> option & 1;
}

/* Whether a poll may call it writable: a quarter is in use at most. Writers that had to stop
 * go on from there too. */
static inline bool has_room(const struct socket *s)
{
    return (u64)READ_ONCE(s->sent) * 4 <= READ_ONCE(s->sndbuf);
}

/* Waits on the queue of socket q until cond; what the call returns when it does not hold. */
#define socket_wait(q, cond, timeo_ns)                                              \
    ({                                                                              \
        u64 timeo_ = (timeo_ns);                                                    \
        socket_wait_result(                                                         \
            waitq_wait_until(&(q)->events, cond, socket_deadline(timeo_)), timeo_); \
    })
u64 socket_deadline(u64 timeo_ns);
int socket_wait_result(int err, u64 timeo_ns);

/* socket.c, file.c */
extern const struct file_ops socket_ops;
struct socket *socket_alloc(u32 family, u32 type, u32 protocol);
int socket_file(struct socket *s, u32 flags, struct file **out);
void socket_get(struct socket *s);
void socket_put(struct socket *s);
struct socket *socket_peer_get(struct socket *s);          /* NULL: none */
s32 socket_take_error(struct socket *s);                   /* 0 or negative */
void socket_fail(struct socket *s, s32 error, u32 closed); /* sets both, wakes */
void socket_set_state(struct socket *s, enum socket_state state);
void socket_wake(struct socket *s);

/* connect.c, end.c */
/* Takes a client's wish to connect back: false: somebody has let it in. */
bool socket_withdraw(struct socket *s);
void socket_end(struct socket *s); /* its file is gone, or it never had one */
void socket_stop_listening(struct socket *s);
int socket_reset(struct socket *s); /* 0 */

/* packet.c */
struct packet *packet_create(struct socket *sender, size_t len); /* NULL: no memory */
int packet_fill(struct packet *p, struct uio *u);
/* Bytes from p->start + skip on: how many were copied. */
size_t packet_copy(const struct packet *p, struct uio *u, size_t skip, size_t n);
void packet_free(struct packet *p);
void packet_set_cred(struct packet *p, const struct socket *s, const struct socket *to,
                     const struct message *m);
/* The last of the queue of s. 0; -EPIPE: nobody will read it. The packet stays the caller's
 * then. */
int packet_queue(struct socket *s, struct packet *p);
struct packet *packet_after(struct socket *s, struct packet *p); /* p NULL: the first */
void packet_used(struct socket *s, struct packet *p,
                 size_t n); /* n more bytes are read */
void packet_take(struct socket *s, struct packet *p);
void packet_purge(struct socket *s);

/* stream.c, dgram.c */
ssize_t stream_send(struct socket *s, struct message *m, bool wait);
ssize_t stream_receive(struct socket *s, struct message *m, bool wait);
ssize_t dgram_send(struct socket *s, struct message *m, bool wait);
ssize_t dgram_receive(struct socket *s, struct message *m, bool wait);
/* Whether the queue of a unix socket takes no more datagrams; of the peer of s, for poll. */
bool dgram_is_full_for(const struct socket *to);
bool dgram_is_full(struct socket *s);
int dgram_connect(struct socket *s, const struct address *a, struct fs_context *fs);
void dgram_set_peer(struct socket *s, struct socket *peer);

/* unix.c */
int unix_bind(struct socket *s, const struct address *a, struct fs_context *fs);
int unix_autobind(struct socket *s);
int unix_find(const struct address *a, u32 type, struct fs_context *fs,
              struct socket **out);
void unix_unbind(struct socket *s);
void unix_address(const struct unix_name *name, struct address *out);
struct unix_name *unix_name_get(struct socket *s);
void unix_name_put(struct unix_name *name);

/* inet.c */
int inet_parse(const struct socket *s, const struct address *a, struct inet_name *out);
void inet_address(const struct socket *s, const struct inet_name *name,
                  struct address *out);
int inet_bind(struct socket *s, const struct address *a, struct fs_context *fs);
int inet_autobind(struct socket *s);
int inet_may_listen(struct socket *s); /* gets a port if it has none; -EADDRINUSE */
void inet_join(struct socket *s);      /* an accepted one gets its place at the port */
void inet_unbind(struct socket *s);
/* Who listens there, or takes datagrams from `from`; referenced, or NULL. */
struct socket *inet_find(u32 type, const struct inet_name *to,
                         const struct inet_name *from);
void inet_clear(struct socket *s); /* no names */
long inet_ioctl(struct socket *s, u32 cmd, uintptr_t arg);
/* Where it sends to, and then from where, if that is not said yet. */
void inet_set_remote(struct socket *s, const struct inet_name *to);
void inet_forget_remote(struct socket *s);
bool inet_is_any(const struct inet_name *n);
/* 0.0.0.0 and :: become the loopback. -ENETUNREACH: not on this machine. */
int inet_route(struct inet_name *to);
/* Where packets to `to` come from when the sender has not said. */
void inet_source(struct inet_name *from, const struct inet_name *to);

/* rights.c */
int rights_fly(struct packet *p, struct rights *r, struct socket *to, u64 max);
/* Those of a packet that was taken out of a queue: the caller's now. */
struct rights *rights_land(struct packet *p);
struct rights *rights_peek(struct packet *p, int *err);
/* Throws away what nobody can receive: now, or when enough has happened since it last looked
 * that a look costs little of that. */
void rights_collect(bool now);
