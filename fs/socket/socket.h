/* SPDX-License-Identifier: MIT
 *
 * Sockets of one machine: AF_UNIX, and AF_INET with AF_INET6 on the loopback. There is no
 * network below: what one socket sends stands in another's queue at once.
 */
#pragma once

#include "fs/file.h"
#include "lib/uapi/socket.h"

#define ADDRESS_MAX 128u /* bytes of a socket's address */

struct fs_context;
struct rights;
struct seq;
struct socket;

/* A struct sockaddr of any family, as programs give it. */
struct address {
    u32 len; /* 0: none */
    u8 bytes[ADDRESS_MAX];
};

/* struct ucred. */
struct socket_cred {
    s32 pid;
    u32 uid, gid;
};

/* What the head of a datagram of the network says, or shall say where a sender wants it. */
struct inet_head {
    u8 ip[16]; /* to receive: to whom it was sent; to send: from whom */
    u16 port;  /* to receive: of ip */
    u8 ttl, tos;
    bool has_ip, has_ttl, has_tos;
};

/* What receivers of datagrams ask for: IP_PKTINFO, IP_RECVTTL, ... */
#define WANT_PKTINFO   1u
#define WANT_TTL       2u
#define WANT_TOS       4u
#define WANT_PKTINFO6  8u
#define WANT_HOPLIMIT6 16u
#define WANT_TCLASS6   32u
#define WANT_DEST      64u
#define WANT_DEST6     128u
#define WANT_GROUP     256u /* netlink: the group, 0, and nothing else */

/* One message to send, or room for one to receive. */
struct message {
    struct uio *uio;
    u32 flags;              /* MSG_* */
    struct fs_context *fs;  /* send: where names are looked up */
    struct address address; /* send: to whom; receive: from whom */
    struct rights *rights;  /* send: given up when queued; receive: the caller's to put */
    struct socket_cred cred;  /* send: when has_cred, else the kernel asks */
    bool has_cred;            /* receive: cred is to be told */
    u64 max_flying;           /* send: descriptors the user may have in flight */
    u32 out_flags;            /* receive: MSG_TRUNC */
    struct inet_head head[2]; /* send: to IPv4, to IPv6; receive: the first */
    u32 wants;                /* receive: WANT_*, of what the first is to be told */
    s32 stamp;      /* receive: SO_TIMESTAMP or its like: `when` is to be told */
    u64 when;       /* receive: since 1970, in ns */
    bool asks_name; /* receive: somebody asks from whom; a stream tells it then only */
    bool has_left;  /* receive: `left` is to be told */
    s32 left;       /* receive: bytes of a stream that can be read yet */
    u32 failed; /* receive: why the message is one of errors, an errno; 0: it is none */
    u32 mtu;    /* receive: what would not have been too long; 0: that was not it */
};

/* -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -EINVAL, -EPERM, -ENFILE, -ENOMEM. */
int socket_create(u32 family, u32 type, u32 protocol, u32 flags, struct file **out);
/* Two connected ones; -EOPNOTSUPP but for AF_UNIX. */
int socket_pair(u32 family, u32 type, u32 protocol, u32 flags, struct file *out[2]);
/* The socket of a file; NULL: it is none. */
struct socket *file_socket(const struct file *f);

/* What Linux calls the protocol of a socket, by its nameless inode; NULL: it is of no socket. */
const char *socket_protocol_name(const struct inode *ino);

int socket_shutdown(struct socket *s, u32 how);

/* Options. get: at most *len bytes, which becomes what there is. -ENOPROTOOPT, -EOPNOTSUPP,
 * -EINVAL. */
#define OPTION_MAX 256u

enum socket_table {
    TABLE_UNIX,
    TABLE_TCP,
    TABLE_TCP6,
    TABLE_UDP,
    TABLE_UDP6,
    TABLE_UDPLITE,
    TABLE_UDPLITE6
};

/* One socket as a line shows it. */
struct socket_info {
    u64 ino;
    u32 family, type, refs, state, uid; /* state: of TCP, or of a unix socket */
    bool listens;
    u8 ip[2][16]; /* its own and the peer's, v4 as ::ffff:a.b.c.d */
    u16 port[2];
    u64 queued, sent;
    u32 drops;           /* of UDP: datagrams that did not get in */
    struct address name; /* unix: len 0: none */
};

/* Provided by kernel/net/socket.c (host: tests/host/port_fs.c): the running process's, with its
 * effective or real ids. */
enum socket_ids { IDS_REAL, IDS_EFFECTIVE };
void socket_cred_current(struct socket_cred *out, enum socket_ids which);

/* ---- for the files of fs/socket ---- */

enum socket_state { SOCKET_NEW, SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_LISTENING };

int socket_wait_result(int err, u64 timeo_ns);
struct socket *socket_alloc(u32 family, u32 type, u32 protocol);
int socket_file(struct socket *s, u32 flags, struct file **out);
void socket_get(struct socket *s);
void socket_put(struct socket *s);
struct socket *socket_peer_get(struct socket *s);          /* NULL: none */
s32 socket_take_error(struct socket *s);                   /* 0 or negative */
void socket_fail(struct socket *s, s32 error, u32 closed); /* sets both, wakes */
void socket_set_state(struct socket *s, enum socket_state state);
void socket_wake(struct socket *s);
/* The moment at which a wait of timeo_ns (0: without an end) is over. */
u64 socket_deadline(u64 timeo_ns);
