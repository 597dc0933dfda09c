/* SPDX-License-Identifier: MIT
 *
 * Answers that programs which check a system look at: options of levels that are not there,
 * protocols that are none, addresses where a stream has none to tell, datagrams in parts,
 * connections given up, the first size of pipes, mounts in fdinfo and their flags in statfs. On
 * Linux what mounts does so in a namespace of its own.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define NOWHERE ((void *)-1)
#define ODD     500 /* no level of anything */

static int asked(int fd, int level, int name)
{
    int value;
    socklen_t len = sizeof(value);

    return getsockopt(fd, level, name, &value, &len);
}

static int told(int fd, int level, int name)
{
    return setsockopt(fd, level, name, &(int){1}, sizeof(int));
}

TEST(levels, "a level that IPv4 does not know: other errors for asking and for telling")
{
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

    ERR(asked(tcp, ODD, 1), EOPNOTSUPP);
    ERR(asked(udp, ODD, 1), EOPNOTSUPP);
    ERR(asked(tcp, IPPROTO_UDP, 1), EOPNOTSUPP);
    ERR(asked(udp, IPPROTO_TCP, 1), EOPNOTSUPP);
    ERR(asked(tcp, IPPROTO_IPV6, 1), EOPNOTSUPP);
    ERR(asked(tcp, IPPROTO_TCP, 999), ENOPROTOOPT);
    ERR(asked(udp, IPPROTO_UDP, 999), ENOPROTOOPT);
    ERR(asked(tcp, IPPROTO_IP, -1), ENOPROTOOPT);
    ERR(asked(tcp, SOL_SOCKET, 999), ENOPROTOOPT);
    ERR(told(tcp, ODD, 1), ENOPROTOOPT);
    ERR(told(tcp, IPPROTO_UDP, 1), ENOPROTOOPT);
}

TEST(levels_others, "the other families say one thing for both")
{
    int tcp6 = socket(AF_INET6, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);

    OK(tcp6);
    ERR(asked(tcp6, ODD, 1), ENOPROTOOPT);
    ERR(told(tcp6, ODD, 1), ENOPROTOOPT);
    ERR(asked(local, ODD, 1), EOPNOTSUPP);
    ERR(told(local, ODD, 1), EOPNOTSUPP);
}

TEST(raw, "a raw socket of protocol 0 is no kind, for nobody")
{
    ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    ERR(socketpair(AF_INET, SOCK_RAW, 0, (int[2]){0}), EPROTONOSUPPORT);
    CHILD({
        if (geteuid() == 0)
            OK(setresuid(1234, 1234, 1234));
        ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
        ERR(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
    });
}

/* A connection over the loopback; [1] was accepted. */
static void connection(int fd[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0);

    OK(bind(l, (void *)&a, sizeof(a)));
    OK(listen(l, 1));
    OK(getsockname(l, (void *)&a, &len));
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    OK(connect(fd[0], (void *)&a, sizeof(a)));
    fd[1] = accept(l, NULL, NULL);
    OK(fd[1]);
}

TEST(no_name, "a stream tells no address: where it would lie is not looked at")
{
    char text[8];
    struct iovec v = {text, sizeof(text)};
    struct msghdr h = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_name = NOWHERE, .msg_namelen = 16};
    socklen_t len = 16;
    int fd[2];

    connection(fd);
    EQ(write(fd[0], "abc", 3), 3);
    EQ(recvmsg(fd[1], &h, 0), 3);
    EQ(h.msg_namelen, 0);
    EQ(write(fd[0], "abc", 3), 3);
    EQ(recvfrom(fd[1], text, sizeof(text), 0, NOWHERE, &len), 3);
    EQ(len, 0);
}

/* Bound to the loopback: *a is its name. */
static int heard(struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    *a = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    OK(bind(fd, (void *)a, sizeof(*a)));
    OK(getsockname(fd, (void *)a, &len));
    return fd;
}

TEST(in_parts, "MSG_MORE: one datagram of several sends, for whom the first of them says")
{
    static char big[60000], text[70000];
    struct sockaddr_in to[2];
    int fd[2] = {heard(&to[0]), heard(&to[1])}, s = socket(AF_INET, SOCK_DGRAM, 0);

    EQ(sendto(s, "abc", 3, MSG_MORE, (void *)&to[0], sizeof(to[0])), 3);
    ERR(recv(fd[0], text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    EQ(sendto(s, "de", 2, MSG_MORE, (void *)&to[1], sizeof(to[1])), 2);
    EQ(send(s, "f", 1, 0), 1);
    ERR(recv(fd[1], text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    EQ(recv(fd[0], text, sizeof(text), MSG_DONTWAIT), 6);
    CHECK(!memcmp(text, "abcdef", 6));
    OK(connect(s, (void *)&to[1], sizeof(to[1])));
    EQ(send(s, "gh", 2, MSG_MORE), 2);
    EQ(send(s, "", 0, 0), 0); /* that was all */
    EQ(recv(fd[1], text, sizeof(text), MSG_DONTWAIT), 2);
    memset(big, 7, sizeof(big));
    EQ(send(s, big, 5000, MSG_MORE), 5000); /* over the ends of pages */
    EQ(send(s, big, 5001, 0), 5001);
    EQ(recv(fd[1], text, sizeof(text), MSG_DONTWAIT), 10001);
    CHECK(!memcmp(text, big, 10001));
}

TEST(parts_lost, "a part that fails takes those before it along, and so does close")
{
    static char big[60000];
    struct sockaddr_in to;
    int fd = heard(&to), s = socket(AF_INET, SOCK_DGRAM, 0);

    OK(connect(s, (void *)&to, sizeof(to)));
    EQ(send(s, "abc", 3, MSG_MORE), 3);
    ERR(send(s, (void *)16, 3, 0), EFAULT);
    EQ(send(s, "d", 1, 0), 1);
    EQ(recv(fd, big, 10, MSG_DONTWAIT), 1);
    EQ(send(s, big, sizeof(big), MSG_MORE), sizeof(big));
    ERR(send(s, big, 10000, 0), EMSGSIZE);
    EQ(send(s, "e", 1, 0), 1);
    EQ(recv(fd, big, 10, MSG_DONTWAIT), 1);
    EQ(sendto(fd, "f", 1, MSG_MORE, (void *)&to, sizeof(to)), 1); /* to itself */
    EQ(send(s, "f", 1, MSG_MORE), 1);
    OK(close(s));
    ERR(recv(fd, big, 10, MSG_DONTWAIT), EAGAIN);
}

TEST(let_go, "who connects to nobody ends the connection hard, and may be bound anew")
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t len = sizeof(any);
    int fd[2], s = socket(AF_INET, SOCK_STREAM, 0);

    for (int i = 0; i < 2; i++) {
        connection(fd);
        OK(connect(fd[i], &nobody, sizeof(nobody)));
        ERR(read(fd[!i], &any, 1), ECONNRESET);
        OK(bind(fd[i], (void *)&any, sizeof(any)));
        OK(listen(fd[i], 1));
        ERR(bind(fd[i], (void *)&any, sizeof(any)), EINVAL);
        OK(connect(fd[i], &nobody, sizeof(nobody)));
        OK(bind(fd[i], (void *)&any, sizeof(any)));
    }
    OK(getsockname(fd[1], (void *)&any, &len));
    OK(close(fd[1]));
    OK(bind(s, (void *)&any, sizeof(any))); /* a port it chose, and keeps */
    OK(listen(s, 1));
    OK(connect(s, &nobody, sizeof(nobody)));
    any.sin_port = 0;
    ERR(bind(s, (void *)&any, sizeof(any)), EINVAL);
}

/* Linux has it so too; but its limit is everybody's, and not for a test to change. */
TEST(poor_pipe, "the pipes of a user hold no more than pipe-max-size from the beginning")
{
    int limit = open("/proc/sys/fs/pipe-max-size", O_WRONLY), p[2];

    if (!t_tessera)
        SKIP("would change a limit");
    OK(limit);
    EQ(write(limit, "4096", 4), 4);
    OK(pipe(p));
    EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
    CHILD({
        OK(setresuid(1234, 1234, 1234));
        OK(pipe(p));
        EQ(fcntl(p[0], F_GETPIPE_SZ), 4096);
        OK(fcntl(p[1], F_SETFL, O_NONBLOCK));
        EQ(write(p[1], calloc(1, 5000), 5000), 4096);
        ERR(fcntl(p[0], F_SETPIPE_SZ, 8192), EPERM);
    });
    EQ(pwrite(limit, "1048576", 7, 0), 7);
}

TEST(device_exists,
     "mknod of a device where something is: that is said before the right to")
{
    close(t_make("there", ""));
    CHILD({
        if (geteuid() == 0)
            OK(setresuid(1234, 1234, 1234));
        ERR(mknod("there", S_IFCHR | 0600, makedev(1, 3)), EEXIST);
        ERR(mknod("none/x", S_IFCHR | 0600, makedev(1, 3)), ENOENT);
    });
    OK(chmod(".", 0777));
    CHILD({
        if (geteuid() == 0)
            OK(setresuid(1234, 1234, 1234));
        ERR(mknod("new", S_IFCHR | 0600, makedev(1, 3)), EPERM);
        ERR(mknod("new", S_IFBLK | 0600, makedev(1, 3)), EPERM);
        OK(mknod("new", S_IFIFO | 0600, 0));
    });
}

static long mount_in_fdinfo(int fd)
{
    char name[64], line[256];
    long id = -1;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    f = fopen(name, "r");
    CHECK(f);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "mnt_id: %ld", &id) == 1)
            break;
    fclose(f);
    return id;
}

/* statx's number of the mount. */
static long mount_of(const char *path)
{
    unsigned char x[256];

    OK(syscall(SYS_statx, AT_FDCWD, path, 0, 0x1000, x));
    return (long)*(uint64_t *)(x + 0x90);
}

TEST(fdinfo_mount, "fdinfo names the mount that statx names")
{
    int fd = t_make("f", "");

    EQ(mount_in_fdinfo(fd), mount_of("f"));
    EQ(mount_in_fdinfo(open("/proc/self/stat", O_RDONLY)), mount_of("/proc"));
    CHECK(mount_of("f") != mount_of("/proc"));
}

TEST(sync_mount, "statfs and /proc/mounts tell a mount that writes at once")
{
    struct statfs st;
    char line[512];
    bool seen = false;
    FILE *f;

    if (!t_tessera) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
            mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
            SKIP("no mount namespace");
    }
    OK(mkdir("m", 0755));
    OK(mount("answers", "m", "tmpfs", MS_SYNCHRONOUS | MS_NOSUID, NULL));
    OK(statfs("m", &st));
    CHECK(st.f_flags & MS_SYNCHRONOUS);
    f = fopen("/proc/mounts", "r");
    CHECK(f);
    while (fgets(line, sizeof(line), f))
        seen |= !strncmp(line, "answers ", 8) && strstr(line, " rw,sync,nosuid,");
    fclose(f);
    CHECK(seen);
    OK(umount("m"));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
