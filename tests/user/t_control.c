/* SPDX-License-Identifier: MIT
 *
 * What goes along with messages: credentials and who may claim them, room that does not
 * suffice, memory that is not there; many messages by one call.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define BAD ((void *)16)

static int v[2];
static char buf[1000], room[200];

static void pair(int type)
{
    OK(socketpair(AF_UNIX, type, 0, v));
}

static void option(int fd, int name, int value)
{
    OK(setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)));
}

/* The C library looks into them itself. */
static long send_raw(int fd, const struct msghdr *m)
{
    return syscall(SYS_sendmsg, fd, m, MSG_DONTWAIT);
}

/* A byte with a control message of `len` bytes of data. */
static long send_control(int fd, int type, const void *data, size_t len)
{
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = room};
    struct cmsghdr *c = (void *)room;

    memset(room, 0, sizeof(room));
    m.msg_controllen = CMSG_SPACE(len);
    c->cmsg_len = CMSG_LEN(len);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = type;
    memcpy(CMSG_DATA(c), data, len);
    return send_raw(fd, &m);
}

static long send_cred(int fd, int pid, unsigned uid, unsigned gid)
{
    struct ucred u = {pid, uid, gid};

    return send_control(fd, SCM_CREDENTIALS, &u, sizeof(u));
}

/* With so much room for what goes along. */
static long receive(int fd, struct msghdr *m, void *control, size_t len)
{
    static struct iovec iov = {buf, sizeof(buf)};

    memset(room, 0x55, sizeof(room));
    *m = (struct msghdr){
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = len};
    return recvmsg(fd, m, MSG_DONTWAIT);
}

static void cred_is(int fd, int pid, unsigned uid, unsigned gid)
{
    struct msghdr m;
    struct ucred u;
    struct cmsghdr *c;

    EQ(receive(fd, &m, room, sizeof(room)), 1);
    c = CMSG_FIRSTHDR(&m);
    CHECK(c);
    EQ(c->cmsg_level, SOL_SOCKET);
    EQ(c->cmsg_type, SCM_CREDENTIALS);
    EQ(c->cmsg_len, CMSG_LEN(sizeof(u)));
    EQ(m.msg_controllen, CMSG_SPACE(sizeof(u)));
    memcpy(&u, CMSG_DATA(c), sizeof(u));
    EQ(u.pid, pid);
    EQ(u.uid, uid);
    EQ(u.gid, gid);
}

TEST(own_cred, "who one is may be said along, in three kinds of sockets")
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++) {
        pair(types[i]);
        option(v[1], SO_PASSCRED, 1);
        EQ(send_cred(v[0], getpid(), getuid(), getgid()), 1);
        cred_is(v[1], getpid(), getuid(), getgid());
        EQ(write(v[0], "x", 1), 1);
        cred_is(v[1], getpid(), getuid(), getgid());
    }
}

TEST(late_cred, "of a message sent before anybody asked nobody is the sender")
{
    pair(SOCK_DGRAM);
    EQ(write(v[0], "x", 1), 1);
    EQ(send_cred(v[0], getpid(), getuid(), getgid()), 1);
    option(v[1], SO_PASSCRED, 1);
    cred_is(v[1], 0, 65534, 65534);
    cred_is(v[1], getpid(), getuid(), getgid());
}

TEST(root_cred, "root may claim to be anybody, but not a process that is not there")
{
    pid_t child = t_fork();

    if (geteuid())
        SKIP("wants root");
    if (!child)
        _exit(0);
    pair(SOCK_STREAM);
    option(v[1], SO_PASSCRED, 1);
    EQ(send_cred(v[0], child, 12, 13), 1); /* a zombie is there */
    cred_is(v[1], child, 12, 13);
    t_join(child);
    ERR(send_cred(v[0], child, 12, 13), ESRCH);
    ERR(send_cred(v[0], 0, 12, 13), ESRCH);
    ERR(send_cred(v[0], -1, 12, 13), ESRCH);
    ERR(send_cred(v[0], getpid(), -1, 13), EINVAL);
    ERR(send_cred(v[0], getpid(), 12, -1), EINVAL);
    ERR(send_cred(v[0], child, -1, 13), EINVAL);
    ERR(recv(v[1], buf, 1, MSG_DONTWAIT), EAGAIN);
}

TEST(false_cred, "others may claim only what they are")
{
    pair(SOCK_STREAM);
    option(v[1], SO_PASSCRED, 1);
    CHILD({
        pid_t parent = getppid();

        if (!geteuid())
            OK(setresgid(1001, 1002, 1003));
        if (!geteuid())
            OK(setresuid(2001, 2002, 2003));
        ERR(send_cred(v[0], parent, getuid(), getgid()), EPERM);
        ERR(send_cred(v[0], getpid(), 0, getgid()), EPERM);
        ERR(send_cred(v[0], getpid(), getuid(), 0), EPERM);
        ERR(send_cred(v[0], getpid(), -1, getgid()), EINVAL);
        ERR(send_cred(v[0], 0, -1, getgid()), EINVAL);
        ERR(send_cred(v[0], 0, getuid(), getgid()), EPERM);
        EQ(send_cred(v[0], getpid(), geteuid(), getegid()), 1);
        cred_is(v[1], getpid(), geteuid(), getegid());
        if (getuid() == 2001) {
            EQ(send_cred(v[0], getpid(), 2003, 1003), 1);
            cred_is(v[1], getpid(), 2003, 1003);
        }
    });
}

TEST(shape, "control messages of wrong length, kind and level")
{
    struct ucred u = {getpid(), getuid(), getgid()};
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c = (void *)room;
    int fd = 1000;

    pair(SOCK_STREAM);
    ERR(send_control(v[0], SCM_CREDENTIALS, &u, sizeof(u) - 1), EINVAL);
    ERR(send_control(v[0], SCM_CREDENTIALS, room, sizeof(u) + 4), EINVAL);
    ERR(send_control(v[0], SCM_RIGHTS, &fd, sizeof(fd)), EBADF);
    fd = -1;
    ERR(send_control(v[0], SCM_RIGHTS, &fd, sizeof(fd)), EBADF);
    EQ(send_control(v[0], SCM_RIGHTS, &fd, 3), 1);
    EQ(send_control(v[0], SCM_RIGHTS, &fd, 0), 1);
    ERR(send_control(v[0], 77, &fd, sizeof(fd)), EINVAL);
    memset(room, 0, sizeof(room));
    m.msg_control = room;
    m.msg_controllen = 15; /* less than a head: nothing is there */
    EQ(send_raw(v[0], &m), 1);
    m.msg_controllen = 16; /* its length is 0 */
    ERR(send_raw(v[0], &m), EINVAL);
    c->cmsg_len = 17;
    ERR(send_raw(v[0], &m), EINVAL);
    c->cmsg_len = 16; /* of a level that is none of its business */
    EQ(send_raw(v[0], &m), 1);
    m.msg_control = BAD;
    ERR(send_raw(v[0], &m), EFAULT);
    m.msg_controllen = 1ul << 20;
    ERR(send_raw(v[0], &m), ENOBUFS);
    m.msg_control = NULL;
    ERR(send_raw(v[0], &m), ENOBUFS);
    m.msg_controllen = 64;
    ERR(send_raw(v[0], &m), EFAULT);
    m.msg_controllen = 0;
    EQ(send_raw(v[0], &m), 1);
}

static int bound_inet(int type, struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);
    int s = socket(AF_INET, type, 0);

    *a = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    OK(s);
    OK(bind(s, (void *)a, sizeof(*a)));
    OK(getsockname(s, (void *)a, &len));
    return s;
}

TEST(inet_control, "sockets of the network pass over descriptors and credentials")
{
    struct sockaddr_in a;
    struct ucred u = {1, 0, 0};
    int s = bound_inet(SOCK_DGRAM, &a), fd = 1000, t, c;
    char three[3] = {0};

    OK(connect(s, (void *)&a, sizeof(a)));
    EQ(send_control(s, SCM_RIGHTS, &fd, sizeof(fd)), 1);
    EQ(send_control(s, SCM_CREDENTIALS, &u, sizeof(u)), 1);
    EQ(send_control(s, SCM_CREDENTIALS, three, 3), 1);
    ERR(send_control(s, 77, &fd, sizeof(fd)), EINVAL);
    fd = s; /* nor is it taken along */
    EQ(send_control(s, SCM_RIGHTS, &fd, sizeof(fd)), 1);

    t = bound_inet(SOCK_STREAM, &a);
    OK(listen(t, 1));
    c = socket(AF_INET, SOCK_STREAM, 0);
    OK(connect(c, (void *)&a, sizeof(a)));
    fd = 1000;
    EQ(send_control(c, SCM_RIGHTS, &fd, sizeof(fd)), 1);
    EQ(send_control(c, SCM_CREDENTIALS, three, 3), 1);
    ERR(send_control(c, 77, &fd, sizeof(fd)), EINVAL);
}

TEST(small_room, "what does not fit in the room for control messages is cut")
{
    static const struct {
        size_t room, used, len;
    } cases[] = {{0, 0, 0},    {15, 0, 0},   {16, 16, 16}, {17, 17, 17},
                 {27, 27, 27}, {28, 28, 28}, {31, 31, 28}, {32, 32, 28}};

    pair(SOCK_DGRAM);
    option(v[1], SO_PASSCRED, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cmsghdr *c = (void *)room;
        struct msghdr m;

        EQ(write(v[0], "x", 1), 1);
        EQ(receive(v[1], &m, room, cases[i].room), 1);
        EQ(m.msg_controllen, cases[i].used);
        EQ(m.msg_flags, cases[i].room < 28 ? MSG_CTRUNC : 0);
        if (cases[i].used)
            EQ(c->cmsg_len, cases[i].len);
        EQ(room[cases[i].room], 0x55);
    }
}

TEST(bad_room, "the message is had where the room for its control messages is not there")
{
    struct msghdr m;
    int fd;

    pair(SOCK_DGRAM);
    option(v[1], SO_PASSCRED, 1);
    EQ(write(v[0], "x", 1), 1);
    EQ(receive(v[1], &m, BAD, 100), 1);
    EQ(m.msg_controllen, 0);
    option(v[1], SO_PASSCRED, 0);
    fd = dup(0);
    OK(close(fd));
    EQ(send_control(v[0], SCM_RIGHTS, v, sizeof(v)), 1);
    EQ(receive(v[1], &m, BAD, 100), 1);
    EQ(m.msg_flags, MSG_CTRUNC);
    EQ(m.msg_controllen, 0);
    EQ(dup(0), fd); /* none is left open */
}

TEST(rights_room, "descriptors for which there is no room are not opened")
{
    struct msghdr m;
    struct cmsghdr *c = (void *)room;
    int many[5] = {0, 0, 0, 0, 0}, fd, i = 0;

    pair(SOCK_DGRAM);
    fd = dup(0);
    OK(close(fd));
    EQ(send_control(v[0], SCM_RIGHTS, many, sizeof(many)), 1);
    EQ(receive(v[1], &m, room, CMSG_LEN(11)), 1);
    EQ(m.msg_flags, MSG_CTRUNC);
    EQ(c->cmsg_len, CMSG_LEN(8));
    EQ(m.msg_controllen, CMSG_LEN(8));
    EQ(*(int *)CMSG_DATA(c), fd);
    EQ(dup(0), fd + 2);
    for (; i < 3; i++) {
        EQ(send_control(v[0], SCM_RIGHTS, many, 4), 1);
        EQ(receive(v[1], &m, i == 2 ? NULL : room, i == 0 ? 16 : i == 1 ? 19 : 100), 1);
        EQ(m.msg_flags, MSG_CTRUNC);
        EQ(m.msg_controllen, 0);
    }
    EQ(dup(0), fd + 3);
}

/* ---- many messages ---- */

static struct mmsghdr many[1200];
static struct iovec parts[1200];

static void prepare(int n)
{
    memset(many, 0, sizeof(many));
    for (int i = 0; i < n; i++) {
        parts[i] = (struct iovec){buf + i % 500, 1};
        many[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        many[i].msg_len = 77;
    }
}

static long recvmany(int fd, void *m, unsigned n, int flags, struct timespec *ts)
{
    return syscall(SYS_recvmmsg, fd, m, n, flags, ts);
}

TEST(many, "as many messages as there are")
{
    pair(SOCK_DGRAM);
    prepare(5);
    EQ(sendmmsg(v[0], many, 3, 0), 3);
    EQ(many[2].msg_len, 1);
    EQ(many[3].msg_len, 77);
    EQ(recvmany(v[1], many, 0, 0, NULL), 0);
    EQ(recvmany(v[1], many, 2, 0, NULL), 2);
    prepare(5);
    EQ(recvmany(v[1], many, 5, MSG_WAITFORONE, NULL), 1);
    EQ(many[0].msg_len, 1);
    EQ(many[1].msg_len, 77);
    ERR(recvmany(v[1], many, 5, MSG_DONTWAIT, NULL), EAGAIN);
    EQ(write(v[0], "a", 1), 1);
    EQ(recvmany(v[1], many, 1200, MSG_PEEK, NULL), 1200);
    EQ(sendmmsg(v[0], many, 0, 0), 0);
}

TEST(many_args, "arguments of recvmmsg")
{
    struct timespec ts = {0, 1000000000}, *none = BAD;
    int p[2];

    pair(SOCK_DGRAM);
    OK(pipe(p));
    prepare(2);
    ERR(recvmany(v[1], many, 1, 0, &ts), EINVAL);
    ts = (struct timespec){-1, 0};
    ERR(recvmany(v[1], many, 1, 0, &ts), EINVAL);
    ERR(recvmany(1000, many, 1, 0, &ts), EINVAL);
    ERR(recvmany(1000, many, 1, 0, none), EFAULT);
    ERR(recvmany(1000, many, 1, 0, NULL), EBADF);
    ERR(recvmany(p[0], many, 1, 0, NULL), ENOTSOCK);
    ERR(recvmany(p[0], many, 0, 0, NULL), ENOTSOCK);
    ERR(recvmany(v[1], many, 1, 0x80000000, NULL), EINVAL);
    ERR(recvmany(v[1], BAD, 1, MSG_DONTWAIT, NULL), EFAULT);
    EQ(recvmany(v[1], BAD, 0, MSG_DONTWAIT, NULL), 0);
    many[0].msg_hdr.msg_iovlen = 1025;
    ERR(recvmany(v[1], many, 1, MSG_DONTWAIT, NULL), EMSGSIZE);
}

TEST(many_time, "the time that recvmmsg has, and what is left of it")
{
    struct timespec ts = {0, 0};

    pair(SOCK_DGRAM);
    prepare(3);
    EQ(sendmmsg(v[0], many, 3, 0), 3);
    EQ(recvmany(v[1], many, 3, 0, &ts), 1); /* looked at between two */
    EQ(ts.tv_sec, 0);
    EQ(ts.tv_nsec, 0);
    ts.tv_sec = 100;
    EQ(recvmany(v[1], many, 3, MSG_WAITFORONE, &ts), 2);
    CHECK(ts.tv_sec == 99 && ts.tv_nsec < 1000000000);
    ts = (struct timespec){7, 7}; /* stays where nothing came */
    ERR(recvmany(v[1], many, 3, MSG_DONTWAIT, &ts), EAGAIN);
    EQ(ts.tv_sec, 7);
    EQ(write(v[0], "", 1), 1);
    ts = (struct timespec){(long)(~0ul >> 1), 5};
    EQ(recvmany(v[1], many, 1, 0, &ts), 1);
    CHECK(ts.tv_sec > 1ll << 30);
}

static int error_of(int fd)
{
    socklen_t len = 4;
    int e = -1;

    OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len));
    return e;
}

TEST(many_late, "a fault after the first message is told by the next call")
{
    pair(SOCK_DGRAM);
    prepare(3);
    many[1].msg_hdr.msg_iov = BAD;
    EQ(sendmmsg(v[0], many, 3, 0), 1);
    EQ(error_of(v[0]), 0);
    EQ(write(v[0], "x", 1), 1);
    EQ(recvmany(v[1], many, 3, 0, NULL), 1);
    EQ(error_of(v[1]), EFAULT);
    EQ(error_of(v[1]), 0);
    EQ(read(v[1], buf, 9), 1);
    EQ(sendmmsg(v[0], many, 1, 0), 1);
    EQ(sendmmsg(v[0], many, 1, 0), 1);
    EQ(recvmany(v[1], many, 3, 0, NULL), 1);
    ERR(recvmany(v[1], many, 0, 0, NULL), EFAULT);
    EQ(recvmany(v[1], many, 3, 0, NULL), 1);
    ERR(read(v[1], buf, 9), EFAULT);
    prepare(3);
    EQ(write(v[0], "", 1), 1);
    EQ(recvmany(v[1], many, 3, MSG_DONTWAIT, NULL), 1); /* no more is no fault */
    EQ(error_of(v[1]), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
