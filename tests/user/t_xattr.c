/* SPDX-License-Identifier: MIT
 *
 * Extended attributes, xattr(7), and the one of sockets; names for O_TMPFILE files; copy_file_range and sync_file_range at
 * their edges.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

static char buf[70000];

/* On a memory file system that keeps attributes of users; older Linux has none there. */
static int file(void)
{
    int fd = t_make("file", "text");
    if (!t_tessera && fsetxattr(fd, "user.try", "", 0, 0) && errno == EOPNOTSUPP)
        SKIP("this Linux keeps none here");
    return fd;
}

TEST(values, "set, replace, get, remove; sizes and flags")
{
    int fd = file();
    OK(setxattr("file", "user.a", "value", 5, 0));
    EQ(getxattr("file", "user.a", NULL, 0), 5);
    EQ(fgetxattr(fd, "user.a", buf, 100), 5);
    CHECK(!memcmp(buf, "value", 5));
    ERR(getxattr("file", "user.a", buf, 4), ERANGE);
    ERR(getxattr("file", "user.b", buf, 4), ENODATA);
    ERR(setxattr("file", "user.a", "x", 1, XATTR_CREATE), EEXIST);
    ERR(setxattr("file", "user.b", "x", 1, XATTR_REPLACE), ENODATA);
    ERR(setxattr("file", "user.a", "x", 1, 4), EINVAL);
    OK(setxattr("file", "user.a", "other", 3, XATTR_REPLACE));
    EQ(getxattr("file", "user.a", buf, 100), 3);
    OK(fsetxattr(fd, "user.empty", NULL, 0, XATTR_CREATE));
    EQ(getxattr("file", "user.empty", buf, 100), 0);
    OK(setxattr("file", "user.big", buf, 65536, 0));
    EQ(getxattr("file", "user.big", buf, sizeof(buf)), 65536);
    ERR(setxattr("file", "user.big", buf, 65537, 0), E2BIG);
    OK(removexattr("file", "user.big"));
    ERR(removexattr("file", "user.big"), ENODATA);
    ERR(setxattr("file", "user.a", (void *)8, 5, 0), EFAULT);
    ERR(getxattr("file", "user.a", (void *)8, 5), EFAULT);
    ERR(setxattr("none", "user.a", "", 0, 0), ENOENT);
    EQ(syscall(SYS_fsetxattr, AT_FDCWD, "user.here", "x", 1, 0) ? errno : 0, 0);
    EQ(getxattr(".", "user.here", buf, 10), 1);
}

TEST(names, "names: spaces, lengths, the list")
{
    int fd = file();
    char name[300];
    ssize_t n = flistxattr(fd, buf, sizeof(buf));
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(buf + at) + 1)
        OK(fremovexattr(fd, strcpy(name, buf + at)));
    ERR(setxattr("file", "user.", "x", 1, 0), EINVAL);
    ERR(setxattr("file", "", "x", 1, 0), ERANGE);
    ERR(setxattr("file", "nothing", "x", 1, 0), EOPNOTSUPP);
    ERR(setxattr("file", "other.a", "x", 1, 0), EOPNOTSUPP);
    memset(name, 'n', sizeof(name));
    memcpy(name, "user.", 5);
    name[256] = 0;
    ERR(setxattr("file", name, "x", 1, 0), ERANGE);
    name[255] = 0;
    OK(setxattr("file", name, "x", 1, 0));
    OK(setxattr("file", "user.b", "x", 1, 0));
    EQ(listxattr("file", NULL, 0), 256 + 7);
    ERR(listxattr("file", buf, 200), ERANGE);
    EQ(listxattr("file", buf, sizeof(buf)), 256 + 7);
    CHECK(memmem(buf, 263, "user.b", 7) && memmem(buf, 263, name, 256));
    OK(rename("file", "moved"));
    EQ(getxattr("moved", "user.b", buf, 10), 1);
    OK(unlink("moved"));
    EQ(fgetxattr(fd, "user.b", buf, 10), 1);
}

TEST(kinds, "only files and directories have attributes of users")
{
    file();
    OK(symlink("file", "link"));
    OK(mkfifo("fifo", 0600));
    OK(mkdir("dir", 0700));
    OK(setxattr("link", "user.a", "x", 1, 0));
    EQ(getxattr("file", "user.a", buf, 1), 1);
    ERR(lsetxattr("link", "user.a", "x", 1, 0), EPERM);
    ERR(lgetxattr("link", "user.a", buf, 1), ENODATA);
    ERR(setxattr("fifo", "user.a", "x", 1, 0), EPERM);
    OK(setxattr("dir", "user.a", "x", 1, 0));
    int fd = open("file", O_PATH);
    ERR(fsetxattr(fd, "user.a", "x", 1, 0), EBADF);
}

TEST(rights, "bits of the file, sticky directories, capabilities")
{
    if (geteuid())
        SKIP("needs root");
    file();
    OK(chmod(".", 0755));
    OK(setxattr("file", "user.a", "x", 1, 0));
    OK(chmod("file", 0604));
    OK(mkdir("sticky", 0755));
    OK(chmod("sticky", 01777));
    OK(setxattr("file", "trusted.t", "x", 1, 0));
    CHILD({
        OK(setgid(65534));
        OK(setuid(65534));
        EQ(getxattr("file", "user.a", buf, 1), 1);
        ERR(setxattr("file", "user.a", "x", 1, 0), EACCES);
        ERR(removexattr("file", "user.a"), EACCES);
        ERR(setxattr("file", "trusted.b", "x", 1, 0), EPERM);
        ERR(getxattr("file", "trusted.t", buf, 1), ENODATA);
        ERR(setxattr("file", "security.b", "x", 1, 0), EPERM);
        ERR(setxattr("sticky", "user.a", "x", 1, 0), EPERM);
        ssize_t n = listxattr("file", buf, sizeof(buf));
        CHECK(n > 0 && !memmem(buf, (size_t)n, "trusted.", 8));
    });
    EQ(getxattr("file", "trusted.t", buf, 1), 1);
}

TEST(nameless, "linkat names an O_TMPFILE file, once, unless O_EXCL")
{
    char path[64];
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR, 0640),
        other = open(".", O_TMPFILE | O_RDWR, 0640),
        excl = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
    OK(fd);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    EQ(write(fd, "x", 1), 1);
    OK(linkat(AT_FDCWD, path, AT_FDCWD, "first", AT_SYMLINK_FOLLOW));
    OK(linkat(AT_FDCWD, path, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
    ERR(linkat(AT_FDCWD, path, AT_FDCWD, "first", AT_SYMLINK_FOLLOW), EEXIST);
    OK(stat("first", &st));
    EQ(st.st_nlink, 2);
    EQ(st.st_size, 1);
    OK(unlink("first"));
    OK(unlink("second"));
    ERR(linkat(AT_FDCWD, path, AT_FDCWD, "third", AT_SYMLINK_FOLLOW), ENOENT);
    if (geteuid() == 0)
        OK(linkat(other, "", AT_FDCWD, "fourth", AT_EMPTY_PATH));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", excl);
    ERR(linkat(AT_FDCWD, path, AT_FDCWD, "fifth", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(ranges,
     "copy_file_range and sync_file_range: positions beyond the end and beyond all")
{
    int fd = t_make("from", "0123456789"), to = t_make("to", ""), ends[2];
    loff_t at = 0, out = 10;
    OK(pipe(ends));
    EQ(copy_file_range(fd, &at, fd, &out, 100, 0),
       10); /* what is there does not overlap */
    at = 0, out = 5;
    ERR(copy_file_range(fd, &at, fd, &out, 100, 0), EINVAL);
    at = 1000;
    EQ(copy_file_range(fd, &at, to, NULL, 100, 0), 0);
    at = -5;
    ERR(copy_file_range(fd, &at, to, NULL, 100, 0), EOVERFLOW);
    at = -5;
    ERR(copy_file_range(fd, &at, to, NULL, 2, 0), EINVAL);
    at = 0, out = INT64_MAX;
    ERR(copy_file_range(fd, &at, to, &out, 100, 0), EFBIG);
    OK(sync_file_range(fd, 0, 0, 7));
    ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
    ERR(sync_file_range(fd, -1, 0, 0), EINVAL);
    ERR(sync_file_range(fd, 0, -1, 0), EINVAL);
    ERR(sync_file_range(fd, INT64_MAX, 1, 0), EINVAL);
    ERR(sync_file_range(ends[0], 0, 0, 0), ESPIPE);
    ERR(sync_file_range(-1, 0, 0, 0), EBADF);
}

static const struct {
    int family, type, protocol;
    const char *name;
} protocols[] = {
    {AF_UNIX, SOCK_STREAM, 0, "UNIX-STREAM"},
    {AF_UNIX, SOCK_DGRAM, 0, "UNIX"},
    {AF_UNIX, SOCK_SEQPACKET, 0, "UNIX"},
    {AF_INET, SOCK_STREAM, 0, "TCP"},
    {AF_INET6, SOCK_STREAM, 0, "TCPv6"},
    {AF_INET, SOCK_DGRAM, 0, "UDP"},
    {AF_INET6, SOCK_DGRAM, 0, "UDPv6"},
    {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, "UDP-Lite"},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE, "UDPLITEv6"},
    {AF_NETLINK, SOCK_RAW, 0, "NETLINK"},
};

TEST(protocol, "a socket tells its protocol by an attribute, which stays")
{
    const char *name = "system.sockprotoname";
    char path[64];

    for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
        int fd = socket(protocols[i].family, protocols[i].type, protocols[i].protocol);
        ssize_t n = (ssize_t)strlen(protocols[i].name) + 1;
        if (fd < 0)
            continue; /* a Linux without it */
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        EQ(getxattr(path, name, buf, sizeof(buf)), n);
        EQ(strcmp(buf, protocols[i].name), 0);
        EQ(fgetxattr(fd, name, NULL, 0), n);
        ERR(fgetxattr(fd, name, buf, (size_t)n - 1), ERANGE);
        ERR(fgetxattr(fd, name, (void *)8, (size_t)n), EFAULT);
        EQ(flistxattr(fd, NULL, 0), (ssize_t)strlen(name) + 1);
        EQ(flistxattr(fd, buf, sizeof(buf)), (ssize_t)strlen(name) + 1);
        EQ(strcmp(buf, name), 0);
        ERR(flistxattr(fd, buf, 3), ERANGE);
        ERR(fsetxattr(fd, name, "x", 1, 0), EOPNOTSUPP);
        ERR(fremovexattr(fd, name), EOPNOTSUPP);
        ERR(fgetxattr(fd, "system.other", buf, 10), EOPNOTSUPP);
        ERR(fgetxattr(fd, "user.a", buf, 10), ENODATA);
        close(fd);
    }
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "bound"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
    OK(bind(fd, (struct sockaddr *)&at, sizeof(at)));
    ERR(getxattr("bound", name, buf, sizeof(buf)), EOPNOTSUPP);
    OK(pipe(pair));
    ERR(fgetxattr(pair[0], name, buf, sizeof(buf)), EOPNOTSUPP);
    EQ(flistxattr(pair[0], buf, sizeof(buf)), 0);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    EQ(fgetxattr(pair[1], name, buf, sizeof(buf)), 12);
    OK(listen(fd, 1));
    OK(connect(pair[0] = socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at,
               sizeof(at)));
    EQ(fgetxattr(accept(fd, NULL, NULL), name, buf, sizeof(buf)), 12);
}

TEST(owner, "ioctls of sockets: who gets their signals")
{
    int s[2], pid = getpid(), got = 0;
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    OK(ioctl(s[0], 0x8901, &pid)); /* FIOSETOWN */
    EQ(fcntl(s[0], F_GETOWN), pid);
    OK(ioctl(s[0], 0x8904, &got)); /* SIOCGPGRP */
    EQ(got, pid);
    ERR(ioctl(t_make("f", ""), 0x8904, &got), ENOTTY);
}

static _Noreturn int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    _exit(0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
