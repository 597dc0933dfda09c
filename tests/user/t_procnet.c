/* SPDX-License-Identifier: MIT
 *
 * /proc/net: the sockets of the machine.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The line of the socket behind fd in a file of /proc/net whose field `field` is the inode. */
static bool line_of(const char *path, int fd, int field, char *out)
{
    struct t_reader r;
    struct stat st;
    char inode[32];

    OK(fstat(fd, &st));
    snprintf(inode, sizeof(inode), "%lu", (unsigned long)st.st_ino);
    CHECK(t_open(&r, path));
    for (char *line; (line = t_line(&r));) {
        char copy[1024], *save, *word;
        int at = 0;

        strcpy(copy, line);
        for (word = strtok_r(copy, " ", &save); word && at < field; at++)
            word = strtok_r(NULL, " ", &save);
        if (word && !strcmp(word, inode)) {
            strcpy(out, line);
            close(r.fd);
            return true;
        }
    }
    return false;
}

TEST(unix, "/proc/net/unix: names, types, who listens")
{
    char line[1024];
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0t-procnet"};
    int l = socket(AF_UNIX, SOCK_STREAM, 0), s[2];
    OK(bind(l, (struct sockaddr *)&a, 2 + 10));
    OK(listen(l, 1));
    CHECK(line_of("/proc/net/unix", l, 6, line));
    CHECK(strstr(line, " @t-procnet"));
    CHECK(strstr(line, " 00010000 0001 01 "));
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    CHECK(line_of("/proc/net/unix", s[1], 6, line));
    CHECK(strstr(line, " 00000000 0005 03 "));
    close(l);
    CHECK(!line_of("/proc/net/unix", l = s[0], 6, line) || strstr(line, " 0005 03 "));
}

TEST(inet, "/proc/net/tcp and udp: addresses, states")
{
    char line[1024], want[64];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0),
        u = socket(AF_INET, SOCK_DGRAM, 0);
    OK(bind(l, (struct sockaddr *)&a, sizeof(a)));
    OK(listen(l, 5));
    OK(getsockname(l, (struct sockaddr *)&a, &len));
    CHECK(line_of("/proc/net/tcp", l, 9, line));
    snprintf(want, sizeof(want), " 0100007F:%04X 00000000:0000 0A ", ntohs(a.sin_port));
    CHECK(strstr(line, want));
    OK(connect(c, (struct sockaddr *)&a, len));
    CHECK(line_of("/proc/net/tcp", c, 9, line));
    snprintf(want, sizeof(want), " 0100007F:%04X 01 ", ntohs(a.sin_port));
    CHECK(strstr(line, want));
    a.sin_port = 0;
    OK(bind(u, (struct sockaddr *)&a, sizeof(a)));
    OK(getsockname(u, (struct sockaddr *)&a, &len));
    CHECK(line_of("/proc/net/udp", u, 9, line));
    snprintf(want, sizeof(want), " 0100007F:%04X 00000000:0000 07 ", ntohs(a.sin_port));
    CHECK(strstr(line, want));
}

/* The number at the end of a line that spaces may follow. */
static int last(char *line)
{
    size_t n = strlen(line);

    while (n && (line[n - 1] == ' ' || line[n - 1] == '\n'))
        line[--n] = 0;
    return atoi(strrchr(line, ' '));
}

static void lossy(int family, const char *path)
{
    struct sockaddr_in6 a = {.sin6_family = (sa_family_t)family};
    socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
    int r = socket(family, SOCK_DGRAM, 0), s = socket(family, SOCK_DGRAM, 0), got = 0;
    struct t_reader file;
    char line[1024], bytes[500] = "";

    OK(bind(r, (void *)&a, len));
    OK(getsockname(r, (void *)&a, &len));
    OK(connect(s, (void *)&a, len));
    OK(setsockopt(r, SOL_SOCKET, SO_RCVBUF, &(int){4000}, sizeof(int)));
    for (int i = 0; i < 40; i++)
        EQ(send(s, bytes, sizeof(bytes), 0), (long)sizeof(bytes));
    while (recv(r, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        got++;
    CHECK(got && got < 40 && line_of(path, r, 9, line));
    EQ(last(line), 40 - got);
    CHECK(line_of(path, s, 9, line));
    EQ(last(line), 0);
    CHECK(t_open(&file, path));
    CHECK(strstr(t_line(&file), " inode ref pointer drops"));
    close(file.fd);
}

TEST(drops, "/proc/net/udp: how many datagrams found no room")
{
    lossy(AF_INET, "/proc/net/udp");
    lossy(AF_INET6, "/proc/net/udp6");
}

TEST(lite, "/proc/net/udplite: sockets of UDP-Lite, which udp does not show")
{
    char line[1024], want[64];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof(a);
    int u = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE),
        u6 = socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE);
    if (u < 0 && errno == EPROTONOSUPPORT && !t_tessera)
        SKIP("this Linux has none");
    CHECK(!line_of("/proc/net/udplite", u, 9, line));
    OK(bind(u, (struct sockaddr *)&a, sizeof(a)));
    OK(bind(u6, (struct sockaddr *)&a6, sizeof(a6)));
    OK(getsockname(u, (struct sockaddr *)&a, &len));
    CHECK(line_of("/proc/net/udplite", u, 9, line));
    snprintf(want, sizeof(want), " 0100007F:%04X 00000000:0000 07 ", ntohs(a.sin_port));
    CHECK(strstr(line, want));
    CHECK(!line_of("/proc/net/udp", u, 9, line));
    CHECK(!line_of("/proc/net/udplite", u6, 9, line));
    CHECK(line_of("/proc/net/udplite6", u6, 9, line));
}

/* The number after `key` in the line of that name; -1: there is none. */
static long number_of(const char *path, const char *name, const char *key)
{
    struct t_reader r;
    long n = -1;

    CHECK(t_open(&r, path));
    for (char *line; (line = t_line(&r));) {
        char *at = strncmp(line, name, strlen(name)) ? NULL : strstr(line, key);

        if (at)
            n = atol(at + strlen(key));
    }
    return n;
}

TEST(sockstat, "/proc/net/sockstat: how many sockets there are")
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    long used = number_of("/proc/net/sockstat", "sockets:", "used "),
         tcp = number_of("/proc/net/sockstat", "TCP:", "inuse "),
         alloc = number_of("/proc/net/sockstat", "TCP:", "alloc "),
         udp = number_of("/proc/net/sockstat", "UDP:", "inuse ");
    int s, u;

    CHECK(number_of("/proc/net/sockstat6", "TCP6:", "inuse ") >= 0);
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    OK(u = socket(AF_INET, SOCK_DGRAM, 0));
    OK(bind(s, (void *)&a, sizeof(a)));
    OK(listen(s, 5));
    OK(bind(u, (void *)&a, sizeof(a)));
    if (!t_tessera)
        SKIP("others use sockets too");
    EQ(number_of("/proc/net/sockstat", "sockets:", "used "), used + 2);
    EQ(number_of("/proc/net/sockstat", "TCP:", "inuse "), tcp + 1);
    EQ(number_of("/proc/net/sockstat", "TCP:", "alloc "), alloc + 1);
    EQ(number_of("/proc/net/sockstat", "UDP:", "inuse "), udp + 1);
}

TEST(dev, "/proc/net/dev: the loopback")
{
    struct t_reader r;
    bool found = false;
    CHECK(t_open(&r, "/proc/net/dev"));
    for (char *line; (line = t_line(&r));)
        found |= strstr(line, "lo:") != NULL;
    CHECK(found);
}

static _Noreturn int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    _exit(0);
}

TEST(pieces,
     "many sockets, read a few bytes at a time while others come and go: each once")
{
    enum { N = 400 };
    static int s[N];
    static unsigned long ino[N];
    static char seen[N];
    struct t_reader r;
    struct stat st;
    int n = 0, other[2];

    for (int i = 0; i < N; i++) {
        OK(s[i] = socket(AF_UNIX, SOCK_DGRAM, 0));
        OK(fstat(s[i], &st));
        ino[i] = st.st_ino;
    }
    CHECK(t_open(&r, "/proc/net/unix"));
    for (char *line; (line = t_line(&r)); n++) {
        unsigned long at;

        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu", &at) != 1)
            continue;
        for (int i = 0; i < N; i++)
            if (ino[i] == at && seen[i]++)
                FAIL("socket %d twice", i);
        if (n % 16 == 0) {
            OK(socketpair(AF_UNIX, SOCK_STREAM, 0, other));
            close(other[0]);
            close(other[1]);
        }
    }
    for (int i = 0; i < N; i++)
        if (!seen[i])
            FAIL("socket %d is missing", i);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
