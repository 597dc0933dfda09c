/* SPDX-License-Identifier: MIT
 *
 * Inside sockets: what one is, what lies in its queue, and which file does what.
 *
 * Locks, outermost first: socket.calls, socket.naming, socket.reading, flight_lock (rights.c), names_lock,
 * groups_lock (group/group.c), socket.lock (spinlocks; never two of one kind). A socket that another points to has a
 * reference of it.
 */
#pragma once

#include "fs/socket/socket.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "lib/rbtree.h"
#include "lib/waitq.h"
#include "mm/phys/account.h"

#define CLOSED_READ  1u /* nothing comes any more */
#define CLOSED_WRITE 2u
#define CLOSED_BOTH  3u
#define CLOSED_END   4u /* TCP: the other side said that nothing comes any more */
#define CLOSED_RESET 8u /* TCP: the other side knows of no connection */

/* An address and port of the loopback; IPv4 addresses mapped into IPv6. */
struct inet_name {
    u8 ip[16];
    u16 port; /* as numbers are; 0: none */
};

struct bpf_filter;

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
    OPT_LINGER,
    OPT_WANTS, /* the first of those that WANT_* tell */
    OPT_WANTS_END = OPT_WANTS + 8,
    OPT_LOCK_FILTER = OPT_WANTS_END,
};

enum urgent_state { URGENT_NONE, URGENT_HERE, URGENT_READ };

/* The urgent byte of a stream, until all before it and itself are read in their turn. */
struct urgent {
    u32 state; /* URGENT_* */
    u8 byte;
    u64 at;   /* its place in the stream, as socket.taken counts */
    u32 lost; /* bytes at the head of the queue that count as read: urgent ones of before */
    struct packet *mark; /* AF_UNIX: its packet, in the queue also when it was read */
};

#define VALUES          54u
/* Places in socket.values; kept as the distance from the initial one. */
#define VALUE_RCVLOWAT  1
#define VALUE_TOS       2
#define VALUE_TTL       3
#define VALUE_ERRORS    5 /* IP_RECVERR */
#define VALUE_ERRORS6   10
#define VALUE_STAMP     30 /* SO_TIMESTAMP or its like; 0: times are not told */
#define VALUE_INQ       31 /* TCP_INQ */
#define VALUE_FREEBIND  7  /* it may be bound to an address of another machine */
#define VALUE_HOPS      8
#define VALUE_DISCOVER4 4  /* IP_MTU_DISCOVER */
#define VALUE_MARK      33 /* SO_MARK */
#define VALUE_TCLASS    9
#define VALUE_DISCOVER  11 /* IPV6_MTU_DISCOVER */
#define VALUE_DONTFRAG  40 /* IPV6_DONTFRAG */
#define VALUE_MIF       49 /* IP_MULTICAST_IF: lo was chosen; its address, as IPv4 has it */
#define VALUE_MIF_ADDR  50
#define VALUE_MIF6      51 /* IPV6_MULTICAST_IF */
#define VALUE_STICKY    53 /* the interface of IPV6_PKTINFO; 0: none */
#define VALUE_DEVICE    38 /* bound to lo */
#define VALUE_MC_ALL    46 /* IP_MULTICAST_ALL: 0: on */
#define VALUE_PEEK      48 /* SO_PEEK_OFF: bytes, and 1; 0: off */
#define HOPS_DEFAULT    64 /* what TTL and HOPS begin with */

struct socket {
    u32 refs;                   /* atomic */
    u16 family, type, protocol; /* [c] */
    u64 ino;                    /* [c] once it has a file */
    u32 uid;                    /* [c] who made it */
    struct file *file;          /* [c] from accept on; not referenced */
    struct socket *listener;    /* [c] it was made for, referenced; NULL: for none */
    struct account *account;    /* [c] referenced */
    struct rb_node all;         /* all.c's, with its number [c] */
    u64 number;
    struct waitq events;
    struct mutex calls;   /* bind, listen, connect */
    struct mutex naming;  /* bind, and sends that bind by themselves */
    struct mutex reading; /* who takes bytes out of the queue */

    spinlock_t lock;
    struct list queue;       /* [lock] packets; only readers take out */
    u32 npackets;            /* [lock] */
    u64 queued;              /* [lock] bytes to read */
    u64 held;                /* [lock] bytes they cost */
    u32 drops;               /* atomic: messages of UDP and netlink that did not get in */
    u64 taken;               /* [lock] bytes of the stream that have been read */
    struct urgent urgent;    /* [lock] TCP's; whether there is one: a single word */
    enum socket_state state; /* [lock] */
    u32 closed;              /* [lock] CLOSED_* */
    s32 error;               /* atomic: told once; positive */
    bool dead;               /* [lock] its file is gone */
    bool fresh;           /* [lock] a client whose connect has not been told of success */
    struct socket *peer;  /* [lock] */
    u32 sent;             /* atomic: bytes of packets of its that lie in queues */
    struct packet *begun; /* [lock] a datagram of which MSG_MORE keeps more back */
    struct socket *begun_to; /* [lock] whom it is for: referenced; NULL: nobody */
    struct list errors;      /* [lock] datagrams of its own that came back: IP_RECVERR */
    u64 errors_held;         /* [lock] bytes they cost */
    struct list joined;      /* [groups_lock] groups of multicast: group/group.c */

    struct list ready,
        late;            /* [lock] a listener's: to accept; clients that wait for room */
    u32 nready, backlog; /* [lock] */
    struct list link;    /* [listener.lock] in one of them */
    struct list friends; /* [lock] datagram sockets whose peer it is: friend.h */
    struct list friend;  /* [friend_of.lock] */
    struct socket *friend_of;           /* [its lock] in whose list; not referenced */
    bool awaits_room;                   /* [friend_of.lock] */
    struct socket_cred cred, peer_cred; /* [calls] of listen, connect or pair */

    struct unix_name *name;         /* [lock] set once */
    struct path path;               /* [naming] what a bound path names */
    struct inet_name local, remote; /* [names_lock and lock] */
    struct rb_node bound;           /* [names_lock]; netlink: [ports_lock] */
    bool is_bound;                  /* [the same] it is in that tree */
    u64 serial;                     /* [names_lock] ports.c's */
    u32 port, groups;               /* netlink: [ports_lock]; a single word */
    bool accepted;                  /* [names_lock] shares its port with a listener */
    bool chose_ip, chose_port; /* [names_lock] bind said them: disconnecting keeps them */

    struct bpf_filter *filter; /* [lock] referenced: fs/filter; NULL: none */

    u32 options;            /* atomic: bits OPT_* */
    u64 heard;              /* when the last datagram came; 0: none; 1: nobody asked */
    u32 sndbuf, rcvbuf;     /* the next are single words, set and read without a lock */
    u64 sndtimeo, rcvtimeo; /* ns; 0: none */
    s32 linger;             /* seconds, while OPT_LINGER; below 0: very many */
    s32 values[VALUES];     /* what was set and has no effect here: options.c */

    struct list rights;  /* [flight_lock] with sockets, in its queue */
    struct list revived; /* [flight_lock] the collector's */
    u32 flying;          /* [flight_lock] times its file lies in messages */
    u32 outside;         /* [flight_lock] the collector's */
    u8 mark;             /* [flight_lock] the collector's */
};

/* A message, or a part of a stream. */
struct packet {
    struct list link; /* [socket.lock] */
    u32 len, start;   /* bytes; the first not yet read */
    u32 cost;
    u32 npages;
    u64 when; /* it was queued: wall_ns(); 0: nobody had asked for times yet */
    struct socket *sender; /* it is counted there; referenced */
    struct account *account;
    struct rights *rights; /* [flight_lock] */
    struct socket_cred cred;
    bool has_cred;
    bool urgent;            /* its last byte is */
    bool too_long;          /* why it is in the queue of errors; else nobody was there */
    bool peeked;            /* a datagram without bytes: SO_PEEK_OFF has shown it */
    struct unix_name *from; /* datagrams: referenced; NULL: no name */
    struct inet_name from_inet;
    struct inet_head head; /* datagrams of the network */
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

static inline bool is_tcp(const struct socket *s)
{
    return s->protocol == IPPROTO_TCP;
}

/* A connection of TCP both of whose directions are at their end: Linux's state CLOSE. */
static inline bool is_over(const struct socket *s)
{
    u32 closed = READ_ONCE(s->closed), ends = CLOSED_END | CLOSED_WRITE;

    return closed & CLOSED_RESET || (closed & ends) == ends;
}

static inline bool is_netlink(const struct socket *s)
{
    return s->family == AF_NETLINK;
}

static inline bool is_connected_kind(const struct socket *s)
{
    return s->type == SOCK_STREAM || s->type == SOCK_SEQPACKET;
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

/* SO_RCVLOWAT: bytes that a read of a stream waits for. */
static inline u32 low_water(const struct socket *s)
{
    return (u32)READ_ONCE(s->values[VALUE_RCVLOWAT]) + 1;
}

/* Waits on the queue of socket q until cond; what the call returns when it does not hold. */
#define socket_wait(q, cond, timeo_ns)                                              \
    ({                                                                              \
        u64 timeo_ = (timeo_ns);                                                    \
        socket_wait_result(                                                         \
            waitq_wait_until(&(q)->events, cond, socket_deadline(timeo_)), timeo_); \
    })

static inline bool asks_left(const struct socket *s)
{
    return is_tcp(s) && READ_ONCE(s->values[VALUE_INQ]);
}

/* socket.c, file.c */
extern const struct file_ops socket_ops;

/* Before each datagram: the error that waits, or -EPIPE when nothing may be sent any more. */
static inline int socket_check_send(struct socket *s)
{
    int err = socket_take_error(s);

    return !err && READ_ONCE(s->closed) & CLOSED_WRITE ? -EPIPE : err;
}
