/* SPDX-License-Identifier: MIT
 *
 * What goes along with the bytes of a message (cmsg(3)): descriptors, and who the sender is.
 */
#include "fs/fdtable.h"
#include "fs/socket/option.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "kernel/net/socket.h"
#include "kernel/sys/fs.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define CONTROL_MAX 20480u /* net.core.optmem_max */
#define NOBODY      65534u
#define NO_ID       (~0u)
#define CMSG_LEN    16u /* of a struct cmsghdr */
#define CMSG_ALIGN  8u
#define TCP_INQ     36

#define IP_RECVERR   11
#define IPV6_RECVERR 25
#define ORIGIN_LOCAL 1
#define ORIGIN_ICMP  2
#define ORIGIN_ICMP6 3

#define NS 1000000000ull

struct cmsghdr {
    u64 len;
    s32 level, type;
};

/* ---- what a sender gives along ---- */

static bool is_mine(u32 id, u32 a, u32 b, u32 c)
{
    return id == a || id == b || id == c;
}

static bool is_there(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool there = pid > 0 && (proc_find(pid) || proc_find_by_thread(pid));

    spin_unlock_irq(&proc_lock, flags);
    return there;
}

static int check_cred(const struct socket_cred *w)
{
    const struct proc *p = current_proc();
    const struct cred *c = own_cred();

    if (w->uid == NO_ID || w->gid == NO_ID)
        return -EINVAL;
    if (w->pid != p->pid && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (!is_mine(w->uid, c->uid, c->euid, c->suid) && !capable(CAP_SETUID))
        return -EPERM;
    if (!is_mine(w->gid, c->gid, c->egid, c->sgid) && !capable(CAP_SETGID))
        return -EPERM;
    return w->pid == p->pid || is_there(w->pid) ? 0 : -ESRCH;
}

static int add_cred(struct message *m, const u8 *data, u64 len)
{
    if (len != sizeof(m->cred))
        return -EINVAL;
    memcpy(&m->cred, data, sizeof(m->cred));
    m->has_cred = true;
    return check_cred(&m->cred);
}

static int add_rights(struct message *m, const u8 *data, u64 len)
{
    u32 n = (u32)(len / sizeof(s32));

    if (rights_count(m->rights) + n > SCM_MAX_FD)
        return -EINVAL;
    if (n && !m->rights)
        m->rights = rights_create(SCM_MAX_FD);
    if (n && !m->rights)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++) {
        struct file *f;
        s32 fd;

        memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
        f = file_of(fd); /* one of O_PATH too */
        if (!f)
            return -EBADF;
        rights_add(m->rights, f);
    }
    return 0;
}

/* Of what sort a socket is. */
struct kind {
    u32 family, protocol;
};

static bool is_datagram(u32 protocol)
{
    return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

static int of_socket(const struct kind *k, struct message *m, s32 type, const u8 *data,
                     u64 len)
{
    bool inet = k->family == AF_INET || k->family == AF_INET6;

    if (type == SCM_CREDENTIALS) /* which sockets of the network pass over */
        return inet ? 0 : add_cred(m, data, len);
    if (type != SCM_RIGHTS || (!inet && k->family != AF_UNIX))
        return -EINVAL;
    return inet ? 0 : add_rights(m, data, len);
}

static int parse_control(struct message *m, const struct kind *k, const u8 *control,
                         u64 len)
{
    u64 at = 0;

    while (len - at >= CMSG_LEN) {
        const u8 *data = control + at + CMSG_LEN;
        struct cmsghdr h;
        int err = 0;

        memcpy(&h, control + at, sizeof(h));
        if (h.len < CMSG_LEN || h.len > len - at)
            return -EINVAL;
        if (h.level == SOL_SOCKET)
            err = of_socket(k, m, h.type, data, h.len - CMSG_LEN);
        else if (is_datagram(k->protocol) &&
                 (h.level != IPPROTO_IPV6 || k->family == AF_INET6))
            err = control_head(m, h.level, h.type, data, h.len - CMSG_LEN);
        if (err)
            return err;
        h.len = (h.len + CMSG_ALIGN - 1) & ~(u64)(CMSG_ALIGN - 1);
        if (h.len > len - at)
            break;
        at += h.len;
    }
    return 0;
}

int control_from_user(struct file *f, struct message *m, vaddr_t user, u64 len)
{
    u32 size = sizeof(u32);
    struct kind k = {0};
    u8 *control;
    int err;

    if (!len)
        return 0;
    if (len > CONTROL_MAX)
        return -ENOBUFS;
    control = kmalloc(len);
    if (!control)
        return -ENOBUFS;
    err = copy_from_user(control, user, len);
    if (!err)
        err = socket_get_option(file_socket(f), SOL_SOCKET, SO_PROTOCOL, &k.protocol,
                                &size);
    if (!err)
        err = socket_get_option(file_socket(f), SOL_SOCKET, SO_DOMAIN, &k.family, &size);
    if (!err)
        err = parse_control(m, &k, control, len);
    kfree(control);
    return err;
}

/* ---- what a receiver is told ---- */

void control_put(struct control *c, s32 level, s32 type, const void *data, u64 n)
{
    u64 left = c->room - c->used;
    struct cmsghdr h = {CMSG_LEN + n, level, type};

    if (!c->user || left < CMSG_LEN) {
        c->flags |= MSG_CTRUNC;
        return;
    }
    if (h.len > left) {
        c->flags |= MSG_CTRUNC;
        h.len = left;
    }
    if (copy_to_user(c->user + c->used, &h, sizeof(h)) != 0 ||
        copy_to_user(c->user + c->used + CMSG_LEN, data, h.len - CMSG_LEN) != 0)
        return; /* as on Linux: the message is had all the same */
    h.len = (h.len + CMSG_ALIGN - 1) & ~(u64)(CMSG_ALIGN - 1);
    c->used += MIN(h.len, left);
}

/* As many descriptors as there is room for; those that came are kept when one cannot. */
static void put_rights(struct control *c, const struct rights *r, bool cloexec)
{
    u64 left = c->user && c->room - c->used > CMSG_LEN ? c->room - c->used - CMSG_LEN : 0;
    u32 n = (u32)MIN((u64)rights_count(r), left / sizeof(s32)), i;
    vaddr_t at = c->user + c->used;
    struct cmsghdr h = {0, SOL_SOCKET, SCM_RIGHTS};

    for (i = 0; i < n; i++) {
        struct fdtable *t = current_thread()->files;
        int fd = fd_reserve(t, fd_limit());

        if (fd < 0)
            break;
        if (copy_to_user(at + CMSG_LEN + i * sizeof(fd), &fd, sizeof(fd)) != 0) {
            fd_unreserve(t, fd);
            break;
        }
        file_get(rights_file(r, i));
        fd_fill(t, fd, rights_file(r, i), cloexec);
    }
    if (i < rights_count(r))
        c->flags |= MSG_CTRUNC;
    if (!i)
        return;
    h.len = CMSG_LEN + i * sizeof(s32);
    if (copy_to_user(at, &h, sizeof(h)) != 0)
        return; /* the descriptors are there, untold, as on Linux */
    h.len = (h.len + CMSG_ALIGN - 1) & ~(u64)(CMSG_ALIGN - 1);
    c->used += MIN(h.len, c->room - c->used);
}

static bool wants_cred(struct file *f)
{
    u32 on = 0, len = sizeof(on), family = 0;

    if (socket_get_option(file_socket(f), SOL_SOCKET, SO_PASSCRED, &on, &len) != 0 ||
        socket_get_option(file_socket(f), SOL_SOCKET, SO_DOMAIN, &family, &len) != 0)
        return false;
    return on && family == AF_UNIX;
}

/* When it came, as struct timeval or timespec; how much of a stream is left. */
static void put_times(const struct message *m, struct control *c)
{
    bool ns = m->stamp == SO_TIMESTAMPNS || m->stamp == SO_TIMESTAMPNS_NEW;
    u64 time[2] = {m->when / NS, m->when % NS / (ns ? 1 : 1000)};

    if (m->stamp)
        control_put(c, SOL_SOCKET, m->stamp, time, sizeof(time));
    if (m->has_left)
        control_put(c, IPPROTO_TCP, TCP_INQ, &m->left, sizeof(m->left));
}

/* Why a datagram came back, and from whom: struct sock_extended_err of linux/errqueue.h, then an
 * address of the socket's family. */
static void put_error(const struct message *m, struct control *c)
{
    bool v6 = m->address.bytes[0] == AF_INET6;
    struct {
        u32 error;
        u8 origin, type, code, pad;
        u32 info, data;
        u8 offender[ADDRESS_MAX];
    } e = {m->failed, ORIGIN_LOCAL, 0, 0, 0, m->mtu, 0, {0}};

    if (!m->mtu) { /* the other machine says so: no such port */
        bool icmp6 = v6 && m->address.bytes[18] != 0xff; /* not ::ffff:a.b.c.d */

        e.origin = icmp6 ? ORIGIN_ICMP6 : ORIGIN_ICMP;
        e.type = icmp6 ? 1 : 3;
        e.code = icmp6 ? 4 : 3;
        memcpy(e.offender, m->address.bytes, m->address.len);
        e.offender[2] = e.offender[3] = 0; /* a machine has no port */
    }
    control_put(c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &e,
                offsetof(typeof(e), offender) + m->address.len);
}

void control_to_user(struct file *f, struct message *m, struct control *c)
{
    struct socket_cred nobody = {0, NOBODY, NOBODY};

    put_times(m, c);
    if (unlikely(m->failed))
        put_error(m, c);
    if (wants_cred(f))
        control_put(c, SOL_SOCKET, SCM_CREDENTIALS, m->has_cred ? &m->cred : &nobody,
                    sizeof(nobody));
    if (unlikely(m->wants))
        control_tell_head(m, c);
    if (m->rights)
        put_rights(c, m->rights, m->flags & MSG_CMSG_CLOEXEC);
}
