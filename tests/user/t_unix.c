/* SPDX-License-Identifier: MIT
 *
 * AF_UNIX sockets: streams, names, states, options, what ends them.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static int v[2];
static char buf[300000];

static void pair(int type)
{
    signal(SIGPIPE, SIG_IGN);
    OK(socketpair(AF_UNIX, type, 0, v));
}

static socklen_t name_to(struct sockaddr_un *a, const char *text)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path, text);
    return (socklen_t)sizeof(*a);
}

static short events(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

    OK(poll(&p, 1, 0));
    return p.revents;
}

/* A listener at a path, and a client of it. */
static int listen_at(const char *path, int type, int backlog)
{
    struct sockaddr_un a;
    int s = socket(AF_UNIX, type, 0);
    socklen_t n = name_to(&a, path);

    OK(s);
    OK(bind(s, (void *)&a, n));
    OK(listen(s, backlog));
    return s;
}

TEST(pair, "a pair of streams: bytes both ways, peeking, ends")
{
    pair(SOCK_STREAM);
    EQ(write(v[0], "hello", 5), 5);
    EQ(write(v[0], " world", 6), 6);
    EQ(recv(v[1], buf, 100, MSG_PEEK), 11);
    EQ(recv(v[1], buf, 4, 0), 4);
    int n;
    OK(ioctl(v[1], FIONREAD, &n));
    EQ(n, 7);
    EQ(recv(v[1], buf, 100, 0), 7);
    CHECK(!memcmp(buf, "o world", 7));
    ERR(recv(v[1], buf, 1, MSG_DONTWAIT), EAGAIN);
    EQ(events(v[1]), POLLOUT);
    EQ(write(v[1], "x", 1), 1);
    EQ(events(v[0]), POLLIN | POLLOUT);
    OK(shutdown(v[1], SHUT_WR));
    EQ(events(v[0]), POLLIN | POLLOUT | POLLRDHUP);
    EQ(read(v[0], buf, 10), 1);
    EQ(read(v[0], buf, 10), 0);
    ERR(write(v[1], "x", 1), EPIPE);
    EQ(write(v[0], "y", 1), 1);
    OK(close(v[1]));
    ERR(read(v[0], buf, 10), ECONNRESET);
    EQ(read(v[0], buf, 10), 0);
    ERR(write(v[0], "y", 1), EPIPE);
    CHECK(events(v[0]) & POLLHUP);
}

static volatile int pipes;

static void on_pipe(int sig)
{
    (void)sig;
    pipes++;
}

TEST(sigpipe, "SIGPIPE for streams, not with MSG_NOSIGNAL and not for messages")
{
    pair(SOCK_STREAM);
    signal(SIGPIPE, on_pipe);
    OK(close(v[1]));
    ERR(send(v[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(pipes, 0);
    ERR(send(v[0], "x", 1, 0), EPIPE);
    EQ(pipes, 1);
    ERR(write(v[0], "x", 1), EPIPE);
    EQ(pipes, 2);
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v));
    OK(close(v[1]));
    ERR(send(v[0], "x", 1, 0), EPIPE);
    EQ(pipes, 2);
}

TEST(big, "more than fits: the writer waits, nothing is lost")
{
    pair(SOCK_STREAM);
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (char)(i * 7 + i / 4096);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 4; i++)
            if (write(v[0], buf, sizeof(buf)) != (ssize_t)sizeof(buf))
                _exit(1);
        _exit(0);
    }
    OK(close(v[0]));
    char *in = malloc(sizeof(buf));
    for (int i = 0; i < 4; i++) {
        memset(in, 0, sizeof(buf));
        EQ(recv(v[1], in, sizeof(buf), MSG_WAITALL), sizeof(buf));
        CHECK(!memcmp(in, buf, sizeof(buf)));
    }
    EQ(read(v[1], in, 10), 0);
    int status;
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

TEST(full, "a full one says EAGAIN and is writable again when it is read")
{
    pair(SOCK_STREAM);
    OK(fcntl(v[0], F_SETFL, O_NONBLOCK));
    long total = 0, n;
    while ((n = write(v[0], buf, 5000)) > 0)
        total += n;
    EQ(errno, EAGAIN);
    CHECK(total > 50000);
    EQ(events(v[0]), 0);
    while (total > 0) {
        n = read(v[1], buf, sizeof(buf));
        OK(n);
        total -= n;
    }
    EQ(total, 0);
    EQ(events(v[0]), POLLOUT);
}

/* Refused messages cost the socket that has the name nothing. */
TEST(other_kind, "messages to a name of a socket of another kind")
{
    struct sockaddr_un a;
    socklen_t len = name_to(&a, "stream");
    int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0), c;

    OK(bind(s, (void *)&a, len));
    OK(listen(s, 1));
    for (int i = 0; i < 3; i++) {
        ERR(sendto(d, "x", 1, 0, (void *)&a, len), EPROTOTYPE);
        ERR(connect(d, (void *)&a, len), EPROTOTYPE);
    }
    OK(c = socket(AF_UNIX, SOCK_STREAM, 0));
    OK(connect(c, (void *)&a, len));
    EQ(write(c, "still", 5), 5);
    OK(d = accept(s, NULL, NULL));
    EQ(read(d, buf, 10), 5);
}

TEST(path, "a name in the file system: bind, connect, accept, peers, rights")
{
    struct sockaddr_un a;
    struct stat st;
    socklen_t len = name_to(&a, "sock"), n;
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c, d;

    OK(s);
    ERR(listen(s, 1), EINVAL);
    ERR(connect(s, (void *)&a, len), ENOENT);
    OK(bind(s, (void *)&a, len));
    ERR(bind(s, (void *)&a, len), EADDRINUSE);
    OK(stat("sock", &st));
    CHECK(S_ISSOCK(st.st_mode));
    ERR(open("sock", O_RDWR), ENXIO);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(bind(c, (void *)&a, len), EADDRINUSE);
    ERR(connect(c, (void *)&a, len), ECONNREFUSED);
    ERR(accept(s, NULL, NULL), EINVAL);
    OK(listen(s, 5));
    EQ(events(s), 0);
    OK(connect(c, (void *)&a, len));
    ERR(connect(c, (void *)&a, len), EISCONN);
    EQ(events(s), POLLIN);
    EQ(write(c, "early", 5), 5);
    n = sizeof(a);
    d = accept4(s, (void *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
    OK(d);
    EQ(n, 2);
    EQ(fcntl(d, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(d, F_GETFL) & O_NONBLOCK);
    EQ(read(d, buf, 10), 5);
    n = sizeof(a);
    OK(getpeername(c, (void *)&a, &n));
    EQ(n, 2 + 5);
    CHECK(!strcmp(a.sun_path, "sock"));
    n = sizeof(a);
    OK(getsockname(d, (void *)&a, &n));
    CHECK(!strcmp(a.sun_path, "sock"));
    ERR(getpeername(s, (void *)&a, &n), ENOTCONN);
    OK(close(s));
    EQ(write(c, "x", 1), 1);
    len = name_to(&a, "sock");
    d = socket(AF_UNIX, SOCK_STREAM, 0);
    ERR(connect(d, (void *)&a, len), ECONNREFUSED);
    OK(unlink("sock"));
    close(open("plain", O_CREAT | O_RDWR, 0600));
    len = name_to(&a, "plain");
    ERR(connect(d, (void *)&a, len), ECONNREFUSED);
}

TEST(abstract, "abstract names, and names the kernel finds")
{
    struct sockaddr_un a = {.sun_family = AF_UNIX}, b;
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t n = (socklen_t)sprintf(a.sun_path + 1, "t_unix %d", getpid()) + 3, m;

    OK(bind(s, (void *)&a, n));
    ERR(bind(c, (void *)&a, n), EADDRINUSE);
    OK(listen(s, 0));
    OK(connect(c, (void *)&a, n));
    m = sizeof(b);
    OK(getpeername(c, (void *)&b, &m));
    EQ(m, n);
    CHECK(!memcmp(&a, &b, n));
    int d = socket(AF_UNIX, SOCK_DGRAM, 0);
    OK(bind(d, (void *)&a, 2));
    m = sizeof(b);
    OK(getsockname(d, (void *)&b, &m));
    EQ(m, 2 + 6);
    EQ(b.sun_path[0], 0);
    OK(bind(d, (void *)&a, 2));
    ERR(connect(d, (void *)&a, n), ECONNREFUSED);
    OK(close(s));
    ERR(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, n), ECONNREFUSED);
}

TEST(backlog, "as many as the backlog and one more wait; who closes refuses them")
{
    struct sockaddr_un a;
    int s = listen_at("s", SOCK_STREAM, 1), c[4];
    socklen_t len = name_to(&a, "s");

    for (int i = 0; i < 4; i++)
        OK(c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    OK(connect(c[0], (void *)&a, len));
    OK(connect(c[1], (void *)&a, len));
    ERR(connect(c[2], (void *)&a, len), EAGAIN);
    struct timeval tv = {0, 20000};
    OK(fcntl(c[3], F_SETFL, 0));
    OK(setsockopt(c[3], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    ERR(connect(c[3], (void *)&a, len), EAGAIN);
    OK(accept(s, NULL, NULL));
    OK(connect(c[2], (void *)&a, len));
    OK(close(s));
    ERR(read(c[1], buf, 1), ECONNRESET);
    ERR(connect(c[3], (void *)&a, len), ECONNREFUSED);
}

TEST(backlog_most, "a backlog is at most what /proc/sys/net/core/somaxconn says")
{
    const char *path = "/proc/sys/net/core/somaxconn";
    struct sockaddr_un a;
    socklen_t len = name_to(&a, "s");
    int fd, c;

    if (!t_tessera)
        SKIP("a setting of the whole machine");
    OK(fd = open(path, O_RDWR));
    EQ(read(fd, buf, 16), 5);
    CHECK(!memcmp(buf, "4096\n", 5));
    EQ(pwrite(fd, "0", 1, 0), 1);
    listen_at("s", SOCK_STREAM, 100);
    EQ(pwrite(fd, "4096", 4, 0), 4);
    ERR(pwrite(fd, "-1", 2, 0), EINVAL);
    OK(c = socket(AF_UNIX, SOCK_STREAM, 0));
    OK(connect(c, (void *)&a, len));
    OK(c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ERR(connect(c, (void *)&a, len), EAGAIN);
}

TEST(late, "a client that waits for room gets it from accept")
{
    struct sockaddr_un a;
    int s = listen_at("s", SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d;
    socklen_t len = name_to(&a, "s");

    OK(connect(c, (void *)&a, len));
    pid_t child = fork();
    if (child == 0) {
        int e = socket(AF_UNIX, SOCK_STREAM, 0);
        _exit(connect(e, (void *)&a, len) || write(e, "z", 1) != 1);
    }
    OK(d = accept(s, NULL, NULL));
    OK(d = accept(s, NULL, NULL));
    EQ(read(d, buf, 1), 1);
    int status;
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

static int shared_end;
static struct sockaddr_un shared_name;
static socklen_t shared_len;
static volatile pid_t connecting[2];

static void *connects(void *i)
{
    connecting[(uintptr_t)i] = gettid();
    return (void *)(intptr_t)(connect(shared_end, (void *)&shared_name, shared_len)
                                  ? errno
                                  : 0);
}

static void is_told(int sig)
{
    (void)sig;
}

TEST(two_wait, "of two threads that wait to connect one socket one is interrupted")
{
    int s = listen_at("s", SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sigaction sa = {.sa_handler = is_told};
    pthread_t thread[2];
    void *result;

    shared_len = name_to(&shared_name, "s");
    OK(connect(c, (void *)&shared_name, shared_len));
    shared_end = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(sigaction(SIGUSR1, &sa, NULL));
    for (uintptr_t i = 0; i < 2; i++) {
        EQ(pthread_create(&thread[i], NULL, connects, (void *)i), 0);
        while (!connecting[i])
            sched_yield();
        t_until_asleep(connecting[i]);
    }
    EQ(pthread_kill(thread[0], SIGUSR1), 0);
    EQ(pthread_join(thread[0], &result), 0);
    EQ((intptr_t)result, EINTR);
    OK(accept(s, NULL, NULL)); /* room for the other one's */
    EQ(pthread_join(thread[1], &result), 0);
    EQ((intptr_t)result, 0);
}

TEST(told_of_room, "who polls at a full queue of another, and only then, is told of room")
{
    enum { FRIENDS = 70 };
    struct sockaddr_un at;
    socklen_t len = name_to(&at, "d");
    int to = socket(AF_UNIX, SOCK_DGRAM, 0), e = epoll_create1(0), f[FRIENDS];
    struct epoll_event got[FRIENDS], want = {.events = EPOLLOUT | EPOLLET};
    char c;

    OK(bind(to, (void *)&at, len));
    for (int i = 0; i < FRIENDS; i++) {
        OK(f[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
        OK(connect(f[i], (void *)&at, len));
    }
    for (int round = 0; round < 3; round++) {
        while (send(f[0], "x", 1, 0) == 1)
            ;
        EQ(errno, EAGAIN);
        for (int i = 0; round == 0 && i < FRIENDS; i++)
            OK(epoll_ctl(e, EPOLL_CTL_ADD, f[i], &want));
        EQ(epoll_wait(e, got, FRIENDS, 0), 0);
        EQ(read(to, &c, 1), 1);
        EQ(epoll_wait(e, got, FRIENDS, 0), FRIENDS);
        EQ(epoll_wait(e, got, FRIENDS, 0), 0);
        for (int i = 0; i < FRIENDS; i++) { /* who looks at a full one waits again */
            while (i == 0 && send(f[0], "x", 1, 0) == 1)
                ;
            OK(epoll_ctl(e, EPOLL_CTL_MOD, f[i], &want));
        }
    }
    OK(close(to));
    EQ(epoll_wait(e, got, FRIENDS, 0), FRIENDS);
}

TEST(same_names, "names of one length and sum, and of other types, are others")
{
    static const char *const names[] = {"AaAa", "AaBB", "BBAa", "BBBB", "BBBBx", ""};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int s[6][2], c;

    for (int i = 0; i < 12; i++) {
        int type = i % 2 ? SOCK_STREAM : SOCK_DGRAM, n = (int)strlen(names[i / 2]);

        memcpy(at.sun_path + 1, names[i / 2], (size_t)n);
        OK(s[i / 2][i % 2] = socket(AF_UNIX, type, 0));
        OK(bind(s[i / 2][i % 2], (void *)&at, (socklen_t)(3 + n)));
        OK(c = socket(AF_UNIX, type, 0));
        ERR(bind(c, (void *)&at, (socklen_t)(3 + n)), EADDRINUSE);
        OK(close(c));
    }
    for (int i = 0; i < 6; i += 2)
        OK(close(s[i][0]));
    for (int i = 0; i < 6; i++) {
        int n = (int)strlen(names[i]), r;

        memcpy(at.sun_path + 1, names[i], (size_t)n);
        OK(c = socket(AF_UNIX, SOCK_DGRAM, 0));
        r = connect(c, (void *)&at, (socklen_t)(3 + n));
        EQ(r, i % 2 ? 0 : -1);
        OK(close(c));
    }
}

TEST(options, "what getsockopt tells")
{
    pair(SOCK_STREAM);
    int n;
    socklen_t len = sizeof(n);
    OK(getsockopt(v[0], SOL_SOCKET, SO_TYPE, &n, &len));
    EQ(n, SOCK_STREAM);
    OK(getsockopt(v[0], SOL_SOCKET, SO_DOMAIN, &n, &len));
    EQ(n, AF_UNIX);
    OK(getsockopt(v[0], SOL_SOCKET, SO_ACCEPTCONN, &n, &len));
    EQ(n, 0);
    n = 20000;
    OK(setsockopt(v[0], SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)));
    OK(getsockopt(v[0], SOL_SOCKET, SO_SNDBUF, &n, &len));
    EQ(n, 40000);
    struct ucred u;
    len = sizeof(u);
    OK(getsockopt(v[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
    EQ(u.pid, getpid());
    EQ(u.uid, getuid());
    ERR(setsockopt(v[0], SOL_SOCKET, 9999, &n, sizeof(n)), ENOPROTOOPT);
    ERR(setsockopt(v[0], SOL_SOCKET, SO_SNDBUF, &n, 2), EINVAL);
    struct timeval tv = {0, 20000};
    OK(setsockopt(v[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    ERR(read(v[0], buf, 1), EAGAIN);
    tv.tv_usec = 1000000;
    ERR(setsockopt(v[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
}

TEST(small_room, "a writer waits before all of a message lies in a small room")
{
    static char big[65536];
    int n = 1;
    pair(SOCK_STREAM | SOCK_NONBLOCK);
    OK(setsockopt(v[0], SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)));
    ssize_t first = write(v[0], big, sizeof(big)), again = write(v[0], big, sizeof(big));
    CHECK(first >= 2048 && first < 16384);
    EQ(again, -1);
    EQ(errno, EAGAIN);
    EQ(read(v[1], big, sizeof(big)), first);
    EQ(write(v[0], big, 2048), 2048);
}

TEST(kinds, "families, types, protocols that are not there")
{
    ERR(socket(AF_UNIX, 77, 0), EINVAL);
    ERR(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
    ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
    ERR(socket(45, SOCK_STREAM, 0), EAFNOSUPPORT);
    ERR(socket(1000, SOCK_STREAM, 0), EAFNOSUPPORT);
    ERR(socketpair(AF_INET, SOCK_STREAM, 0, v), EOPNOTSUPP);
    ERR(listen(STDIN_FILENO, 1), ENOTSOCK);
    ERR(listen(1000, 1), EBADF);
    pair(SOCK_STREAM);
    ERR(lseek(v[0], 0, SEEK_CUR), ESPIPE);
    ERR(accept(v[0], NULL, NULL), EINVAL);
    char link[64], path[64];
    struct stat st;
    OK(fstat(v[0], &st));
    CHECK(S_ISSOCK(st.st_mode));
    sprintf(path, "/proc/self/fd/%d", v[0]);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    OK(n);
    link[n] = 0;
    sprintf(path, "socket:[%lu]", (unsigned long)st.st_ino);
    CHECK(!strcmp(link, path));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
