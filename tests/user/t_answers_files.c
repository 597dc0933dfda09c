/* SPDX-License-Identifier: MIT
 *
 * More answers that programs which check a system look at: connections that fail or meet
 * themselves, datagrams to port 0 and of the greatest length, descriptors of O_PATH in messages,
 * sendfile from and to what cannot be spliced, sizes of blocks, attributes where there are none.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define FIGETBSZ 2
#define FICLONE  0x40049409
#ifndef FIOQSIZE
#define FIOQSIZE 0x5460
#endif
#define ALL (POLLIN | POLLOUT | POLLRDHUP)

static struct sockaddr_in6 here(int port)
{
    return (struct sockaddr_in6){.sin6_family = AF_INET6,
                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                 .sin6_port = htons((uint16_t)port)};
}

static int port_of(int fd)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    OK(getsockname(fd, (struct sockaddr *)&a, &len));
    return ntohs(a.sin6_port);
}

static int bound(int type)
{
    struct sockaddr_in6 a = here(0);
    int fd = socket(AF_INET6, type, 0);

    OK(fd);
    OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
    return fd;
}

static int to_port(int fd, int port)
{
    struct sockaddr_in6 a = here(port);

    return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static int events(int fd)
{
    struct pollfd p = {fd, ALL, 0};

    OK(poll(&p, 1, 1000));
    return p.revents;
}

static int error_of(int fd)
{
    int e = -1;
    socklen_t len = sizeof(e);

    OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len));
    return e;
}

TEST(refused,
     "a connection that failed behind the call: its end is read, then it may begin anew")
{
    int nobody = bound(SOCK_STREAM),
        fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char c;

    ERR(to_port(fd, port_of(nobody)), EINPROGRESS);
    EQ(events(fd), ALL | POLLERR | POLLHUP);
    EQ(error_of(fd), ECONNREFUSED);
    EQ(events(fd), ALL | POLLHUP);
    EQ(read(fd, &c, 1), 0);
    ERR(send(fd, "", 1, MSG_NOSIGNAL), EPIPE);
    ERR(to_port(fd, port_of(nobody)), ECONNABORTED);
    ERR(read(fd, &c, 1), ENOTCONN);
    OK(listen(nobody, 1));
    ERR(to_port(fd, port_of(nobody)), EINPROGRESS);
    OK(accept(nobody, NULL, NULL));
    OK(to_port(fd, port_of(nobody)));
}

TEST(refused_at_once, "a connection that failed in the call leaves nothing behind")
{
    int nobody = bound(SOCK_STREAM), fd = socket(AF_INET6, SOCK_STREAM, 0);
    char c;

    ERR(to_port(fd, port_of(nobody)), ECONNREFUSED);
    ERR(read(fd, &c, 1), ENOTCONN);
    ERR(to_port(fd, port_of(nobody)), ECONNREFUSED);
}

TEST(own_peer, "a stream that is called by its own name is its own peer")
{
    int fd = bound(SOCK_STREAM);
    char c[8];

    OK(to_port(fd, port_of(fd)));
    EQ(write(fd, "abc", 3), 3);
    EQ(read(fd, c, sizeof(c)), 3);
    EQ(events(fd), POLLOUT);
    ERR(to_port(fd, port_of(fd)), EISCONN);
    OK(shutdown(fd, SHUT_WR));
    EQ(read(fd, c, sizeof(c)), 0);
    EQ(events(fd), ALL | POLLHUP);
    OK(close(fd));
    fd = bound(SOCK_STREAM);
    OK(to_port(fd, port_of(fd)));
    EQ(write(fd, "left", 4), 4);
    OK(close(fd));
}

TEST(port_0, "who talks to port 0 has no peer, and learns that nobody is there")
{
    struct sockaddr_in6 a = here(0);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    socklen_t len = sizeof(a);

    ERR(sendto(fd, "", 1, 0, (struct sockaddr *)&a, sizeof(a)), EINVAL);
    OK(to_port(fd, 0));
    ERR(getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
    EQ(send(fd, "", 1, 0), 1);
    while (!error_of(fd))
        ;
}

TEST(longest,
     "a datagram of IPv6 may be longer than one of IPv4; to send one never waits")
{
    static char bytes[65536];
    int from = socket(AF_INET6, SOCK_DGRAM, 0), to = bound(SOCK_DGRAM);

    OK(to_port(from, port_of(to)));
    EQ(send(from, bytes, 65527, 0), 65527);
    ERR(send(from, bytes, 65528, 0), EMSGSIZE);
    for (int i = 0; i < 8; i++) {
        EQ(events(from), POLLOUT);
        EQ(send(from, bytes, 65527, 0), 65527);
    }
}

TEST(kinds,
     "a protocol that has a number is not supported, an address too short is invalid")
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    ERR(socket(AF_INET, SOCK_STREAM, 256), EPROTONOSUPPORT);
    ERR(socket(AF_INET, SOCK_STREAM, 263), EINVAL);
    ERR(bind(fd, (struct sockaddr *)&a, sizeof(a)), EINVAL);
}

TEST(path_sent, "a descriptor of O_PATH may be sent")
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } c = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
                 .cmsg_level = SOL_SOCKET,
                 .cmsg_type = SCM_RIGHTS}};
    struct iovec iov = {"x", 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    int pair[2], fd = open("/dev/null", O_PATH);
    char byte;

    OK(fd);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
    EQ(sendmsg(pair[0], &m, 0), 1);
    iov.iov_base = &byte;
    EQ(recvmsg(pair[1], &m, 0), 1);
    EQ(m.msg_controllen, sizeof(c));
    memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
    EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    ERR(read(fd, &byte, 1), EBADF);
}

TEST(lost_with_peer,
     "what waits for a datagram socket is lost when it finds another peer")
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int pair[2];
    char c;

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    EQ(send(pair[0], "x", 1, 0), 1);
    OK(connect(pair[1], &nobody, sizeof(nobody)));
    ERR(recv(pair[1], &c, 1, MSG_DONTWAIT), EAGAIN);
    EQ(error_of(pair[0]), ECONNRESET);
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    OK(connect(pair[1], &nobody, sizeof(nobody)));
    EQ(error_of(pair[0]), 0);
}

TEST(deaf_listener, "a listener of AF_UNIX that reads no more shows it")
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    OK(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
    OK(listen(fd, 1));
    OK(shutdown(fd, SHUT_RDWR));
    EQ(events(fd), POLLIN | POLLRDHUP | POLLHUP);
    ERR(accept(fd, NULL, NULL), EINVAL);
    OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    ERR(accept(fd, NULL, NULL), EAGAIN);
}

TEST(unsplicable, "sendfile moves from and to what splice does, and nothing else")
{
    int null = open("/dev/null", O_RDWR), count = eventfd(1, EFD_NONBLOCK);
    int file = memfd_create("m", 0);

    EQ(write(file, "12345678", 8), 8);
    ERR(sendfile(file, null, NULL, 1), EINVAL);
    ERR(sendfile(file, count, NULL, 8), EINVAL);
    ERR(sendfile(count, file, &(off_t){0}, 8), EINVAL);
    ERR(sendfile(open("/dev/full", O_WRONLY), file, &(off_t){0}, 8), EINVAL);
    EQ(sendfile(null, file, &(off_t){0}, 8), 8);
}

TEST(whiteout, "the character device 0:0 is anybody's to make")
{
    OK(mkdir("d", 0777));
    OK(chmod("d", 0777));
    if (geteuid() == 0)
        OK(setresuid(65534, 65534, 65534));
    OK(mknod("d/none", S_IFCHR | 0600, 0));
    ERR(mknod("d/null", S_IFCHR | 0600, makedev(1, 3)), EPERM);
    ERR(mknod("d/block", S_IFBLK | 0600, 0), EPERM);
    ERR(open("d/none", O_RDONLY), ENXIO);
}

TEST(new_owner,
     "a new owner takes the bits for identities from every file but directories")
{
    struct stat st;

    OK(mkfifo("fifo", 0600));
    OK(chmod("fifo", 06755));
    OK(chown("fifo", (uid_t)-1, getegid()));
    OK(stat("fifo", &st));
    EQ(st.st_mode, S_IFIFO | 0755);
}

TEST(sizes, "FIGETBSZ and FIOQSIZE tell; files share no blocks")
{
    int file = memfd_create("m", 0), pair[2], n = 0;
    int64_t bytes = -1;

    EQ(write(file, "x", 1), 1);
    OK(ioctl(file, FIGETBSZ, &n));
    EQ(n, P);
    OK(ioctl(file, FIOQSIZE, &bytes));
    EQ(bytes, P);
    ERR(ioctl(file, FICLONE, file), EOPNOTSUPP);
    OK(pipe(pair));
    OK(ioctl(pair[0], FIGETBSZ, &n));
    ERR(ioctl(pair[0], FIOQSIZE, &bytes), ENOTTY);
    OK(ioctl(open("/proc/self/stat", O_RDONLY), FIONREAD, &n));
    EQ(n, 0);
}

TEST(no_attributes, "files of /proc have no attributes")
{
    ERR(getxattr("/proc/self/stat", "user.x", NULL, 0), EOPNOTSUPP);
    ERR(getxattr("/proc/self", "user.x", NULL, 0), EOPNOTSUPP);
    if (geteuid() == 0)
        ERR(setxattr("/proc/sys/kernel/hostname", "user.x", "", 1, 0), EOPNOTSUPP);
}

TEST(first_umask, "the first process has the umask 022")
{
    char text[256] = "";
    int fd = open("/proc/1/status", O_RDONLY);

    if (!t_tessera)
        SKIP("the first process of this machine is another's");
    CHECK(read(fd, text, sizeof(text) - 1) > 0);
    CHECK(strstr(text, "Umask:\t0022\n"));
}

TEST(nothing, "vectors without a byte are not the file's business, a write of none is")
{
    struct iovec none[2] = {{"", 0}, {"", 0}};
    int full = open("/dev/full", O_WRONLY), dir = open("/", O_RDONLY), s[2];
    char byte;

    ERR(write(full, "", 0), ENOSPC);
    EQ(writev(full, none, 2), 0);
    EQ(writev(full, none, 0), 0);
    EQ(pwritev(full, none, 2, 0), 0);
    ERR(read(dir, &byte, 0), EISDIR);
    EQ(readv(dir, none, 2), 0);
    OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
    EQ(writev(s[0], none, 2), 0);
    ERR(recv(s[1], &byte, 1, 0), EAGAIN);
    EQ(write(s[0], "", 0), 0);
    EQ(readv(s[1], none, 1), 0);
    EQ(recv(s[1], &byte, 1, 0), 0); /* the datagram of no bytes */
    ERR(recv(s[1], &byte, 1, 0), EAGAIN);
}

TEST(passing,
     "what is made when one looks takes no mode and no owner; a write of nothing")
{
    int comm = open("/proc/self/comm", O_RDWR), cpus, e = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLPRI};
    char text[16] = "";

    ERR(fchmod(comm, 0600), EPERM);
    OK(fchown(comm, -1, -1));
    if (t_tessera) {
        ERR(chmod("/sys", 0700), EPERM);
        ERR(chown("/proc", 5, 5), EPERM);
    }
    EQ(write(comm, "", 0), 0); /* that is a name too */
    EQ(pread(comm, text, sizeof(text), 0), 1);
    EQ(text[0], '\n');
    OK(cpus = open("/sys/devices/system/cpu/online", O_RDONLY));
    OK(fsync(cpus));
    OK(epoll_ctl(e, EPOLL_CTL_ADD, cpus, &ev));
    EQ(epoll_wait(e, &ev, 1, 0), 1);
    EQ(ev.events, EPOLLIN | EPOLLPRI | EPOLLERR);
    CHECK(read(cpus, text, sizeof(text)) >= 2);
    EQ(epoll_wait(e, &ev, 1, 0), 1);
    EQ(ev.events, EPOLLIN);
}

TEST(asked, "what is asked of files whatever they are: a copy of blocks, a place on a "
            "disk, a stop")
{
    int file = t_make("f", "abc"), s[2], net = socket(AF_NETLINK, SOCK_RAW, 0), n;
    int tcp = socket(AF_INET, SOCK_STREAM, 0), tty = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    unsigned long map[4] = {0};

    ERR(ioctl(file, 0x40049409 /* FICLONE */, -1), EBADF);
    OK(pipe(s));
    ERR(ioctl(s[0], 0xc020660b /* FS_IOC_FIEMAP */, map), EOPNOTSUPP);
    ERR(ioctl(net, FIONREAD, &n), ENOTTY);
    OK(ioctl(tcp, 0x894b /* SIOCOUTQNSD */, &n));
    EQ(n, 0);
    OK(ioctl(tty, TIOCGSOFTCAR, &n));
    EQ(n, 0);
    if (geteuid() == 0)
        CHILD(OK(setresuid(1000, 1000, 1000));
              ERR(ioctl(s[0], 0xc0045877 /* FIFREEZE */, &n), EPERM));
    else
        ERR(ioctl(s[0], 0xc0045877, &n), EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
