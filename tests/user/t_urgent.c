/* SPDX-License-Identifier: MIT
 *
 * Urgent data of TCP: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI, SIGURG.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>

#define SIOCATMARK_ 0x8905

static char buf[200];

/* a sends, b receives. */
static void connected(int *a, int *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int s;

    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    OK(bind(s, (void *)&at, sizeof(at)));
    OK(listen(s, 5));
    OK(getsockname(s, (void *)&at, &len));
    OK(*a = socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(*a, (void *)&at, sizeof(at)));
    OK(*b = accept(s, NULL, NULL));
    OK(close(s));
}

static short events(int fd)
{
    struct pollfd p = {fd, 0x3fff, 0};

    OK(poll(&p, 1, 0));
    return (short)(p.revents & ~(POLLOUT | POLLWRNORM));
}

static int number(int fd, unsigned long cmd)
{
    int n = -1;

    OK(ioctl(fd, cmd, &n));
    return n;
}

#define IN  (POLLIN | POLLRDNORM)
#define PRI POLLPRI

/* What poll, FIONREAD and SIOCATMARK say. */
#define STATE(fd, ev, inq, mark)           \
    do {                                   \
        EQ(events(fd), ev);                \
        EQ(number(fd, FIONREAD), inq);     \
        EQ(number(fd, SIOCATMARK_), mark); \
    } while (0)

static void urgent(int fd, const char *text)
{
    EQ(send(fd, text, strlen(text), MSG_OOB), (long)strlen(text));
}

static void plain(int fd, const char *text)
{
    EQ(send(fd, text, strlen(text), 0), (long)strlen(text));
}

/* recv with flags, which must not wait, brings `text`. */
static void gets_(int fd, int flags, const char *text)
{
    ssize_t n = recv(fd, buf, sizeof(buf), flags | MSG_DONTWAIT);

    if (n != (ssize_t)strlen(text) || memcmp(buf, text, (size_t)n) != 0)
        FAIL("got %ld bytes, %.*s, not %s", (long)n, (int)(n > 0 ? n : 0), buf, text);
}

static void refuses(int fd, int flags, int error)
{
    ERR(recv(fd, buf, sizeof(buf), flags | MSG_DONTWAIT), error);
}

TEST(out_of_line, "the last byte is told of, read before its turn, left out in its turn")
{
    int a, b;

    connected(&a, &b);
    refuses(b, MSG_OOB, EINVAL);
    urgent(a, "abc");
    STATE(b, IN | PRI, 2, 0);
    gets_(b, MSG_PEEK, "ab");
    gets_(b, MSG_OOB | MSG_PEEK, "c");
    STATE(b, IN | PRI, 2, 0);
    gets_(b, MSG_OOB, "c");
    refuses(b, MSG_OOB, EINVAL);
    STATE(b, IN, 2, 0);
    gets_(b, MSG_WAITALL, "ab");
    STATE(b, 0, 0, 1);
    refuses(b, 0, EAGAIN);
    STATE(b, 0, 0, 0);

    urgent(a, "x");
    STATE(b, PRI, 0, 1);
    plain(a, "yz");
    STATE(b, IN | PRI, 0, 1);
    gets_(b, MSG_PEEK, "yz");
    STATE(b, IN | PRI, 0, 1);
    gets_(b, 0, "yz");
    STATE(b, 0, 0, 0);
    refuses(b, MSG_OOB, EINVAL);
    EQ(send(a, "", 0, MSG_OOB), 0);
    STATE(b, 0, 0, 0);
}

TEST(stops, "a read stops before the urgent byte, whatever it waits for")
{
    int a, b;

    connected(&a, &b);
    plain(a, "AB");
    urgent(a, "C");
    plain(a, "DE");
    EQ(recv(b, buf, 5, MSG_WAITALL), 2);
    STATE(b, IN | PRI, 0, 1);
    gets_(b, 0, "DE");
}

TEST(second,
     "a second urgent byte makes the first an ordinary one, or it is lost at its turn")
{
    int a, b;

    connected(&a, &b);
    urgent(a, "12");
    urgent(a, "34");
    STATE(b, IN | PRI, 3, 0);
    gets_(b, 0, "123");
    STATE(b, PRI, 0, 1);
    refuses(b, 0, EAGAIN);

    urgent(a, "q");
    urgent(a, "r");
    STATE(b, PRI, 0, 1);
    urgent(a, "s");
    STATE(b, PRI, 0, 1);
    gets_(b, MSG_OOB | MSG_PEEK, "s");
    plain(a, "tail");
    gets_(b, MSG_PEEK, "tail");
    gets_(b, 0, "tail");
    STATE(b, 0, 0, 0);
}

TEST(inline_, "SO_OOBINLINE leaves it in the stream")
{
    int a, b, on = 1;

    connected(&a, &b);
    OK(setsockopt(b, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
    urgent(a, "klm");
    plain(a, "nop");
    STATE(b, IN | PRI, 6, 0);
    refuses(b, MSG_OOB, EINVAL);
    gets_(b, 0, "kl");
    STATE(b, IN | PRI, 4, 1);
    gets_(b, 0, "mnop");
    STATE(b, 0, 0, 0);
    urgent(a, "5");
    STATE(b, IN | PRI, 1, 1);
    on = 0;
    OK(setsockopt(b, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
    STATE(b, PRI, 0, 1);
    gets_(b, MSG_OOB, "5");
}

TEST(ends, "urgent data before the end of a stream, and unread at the receiver's")
{
    int a, b;

    connected(&a, &b);
    urgent(a, "Z");
    OK(close(a));
    EQ(events(b) & ~(POLLHUP | POLLRDHUP), IN | PRI);
    EQ(recv(b, buf, 1, MSG_OOB), 1);
    EQ(recv(b, buf, 1, 0), 0);
    OK(close(b));

    connected(&a, &b);
    urgent(a, "Z");
    EQ(recv(b, buf, 1, MSG_OOB), 1);
    OK(close(b));
    ERR(recv(a, buf, 1, 0), ECONNRESET);
}

TEST(message, "recvmsg says MSG_OOB; without room, MSG_TRUNC")
{
    struct iovec v = {buf, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    int a, b;

    connected(&a, &b);
    urgent(a, "ab");
    EQ(recvmsg(b, &m, MSG_OOB | MSG_PEEK), 1);
    EQ(m.msg_flags, MSG_OOB);
    EQ(buf[0], 'b');
    v.iov_len = 0;
    EQ(recvmsg(b, &m, MSG_OOB | MSG_PEEK), 0);
    EQ(m.msg_flags, MSG_OOB | MSG_TRUNC);
    ERR(recv(b, (void *)8, 1, MSG_OOB), EFAULT);
}

TEST(tells, "select and epoll tell of it")
{
    struct epoll_event e = {.events = EPOLLPRI};
    int a, b, ep;
    fd_set set;

    connected(&a, &b);
    OK(ep = epoll_create1(0));
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, b, &e));
    plain(a, "-");
    EQ(epoll_wait(ep, &e, 1, 0), 0);
    urgent(a, "u");
    EQ(epoll_wait(ep, &e, 1, 10000), 1);
    EQ(e.events, EPOLLPRI);
    FD_ZERO(&set);
    FD_SET(b, &set);
    EQ(select(b + 1, NULL, NULL, &set, NULL), 1);
}

TEST(waits, "a reader that waits for bytes goes on waiting, one that peeks as well")
{
    int a, b;

    for (int peek = 0; peek < 2; peek++) {
        pid_t pid;

        connected(&a, &b);
        OK(pid = fork());
        if (!pid) {
            long n = recv(b, buf, sizeof(buf), peek ? MSG_PEEK : 0);

            _exit(n == 3 && !memcmp(buf, "xyz", 3) ? 0 : 1);
        }
        urgent(a, "u");
        plain(a, "xyz");
        EQ(t_status_of(pid), 0);
    }
}

static volatile sig_atomic_t signals;

static void on_urgent(int signo)
{
    signals += signo == SIGURG;
}

/* Signals are on their way for a moment. */
static int signals_after(int n)
{
    for (int i = 0; signals < n && i < 500; i++)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    return signals;
}

TEST(signal_, "SIGURG goes to the owner, O_ASYNC or not")
{
    int a, b;

    signal(SIGURG, on_urgent);
    connected(&a, &b);
    urgent(a, "1");
    OK(fcntl(b, F_SETOWN, getpid()));
    urgent(a, "2");
    EQ(signals_after(1), 1);
    plain(a, "-");
    urgent(a, "3");
    EQ(signals_after(2), 2);
}

TEST(unix_,
     "of AF_UNIX: before its turn, left out in its turn, not joined with what follows")
{
    int d[2];

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    urgent(d[0], "hello");
    EQ(events(d[1]), IN | PRI | 0x200);
    gets_(d[1], MSG_PEEK, "hell");
    gets_(d[1], MSG_PEEK | MSG_OOB, "o");
    gets_(d[1], MSG_OOB, "o");
    EQ(events(d[1]), IN | 0x200);
    refuses(d[1], MSG_OOB, EINVAL);
    plain(d[0], "world");
    gets_(d[1], MSG_PEEK, "hell"); /* what was read stays a mark */
    gets_(d[1], 0, "hell");
    EQ(number(d[1], SIOCATMARK_), 1);
    gets_(d[1], 0, "world");
    urgent(d[0], "hello");
    plain(d[0], "world");
    gets_(d[1], MSG_WAITALL, "hell");
    EQ(number(d[1], SIOCATMARK_), 1);
    gets_(d[1], MSG_PEEK, "world");
    EQ(number(d[1], SIOCATMARK_), 1);
    gets_(d[1], 0, "world");
    EQ(events(d[1]), 0x200);
    refuses(d[1], MSG_OOB, EINVAL);
}

TEST(unix_second,
     "of AF_UNIX: an older one is a byte as others, or gone when it was read")
{
    int d[2];

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    urgent(d[0], "hello");
    urgent(d[0], "world");
    gets_(d[1], 0, "helloworl");
    EQ(number(d[1], FIONREAD), 1);
    gets_(d[1], MSG_OOB, "d");
    EQ(number(d[1], FIONREAD), 0);
    EQ(events(d[1]), IN | 0x200);
    refuses(d[1], 0, EAGAIN);
    EQ(events(d[1]), 0x200);
    urgent(d[0], "hello");
    gets_(d[1], MSG_OOB, "o");
    urgent(d[0], "world");
    gets_(d[1], 0, "hellworl");
    refuses(d[1], 0, EAGAIN);
    refuses(d[1], MSG_OOB, EINVAL);
    ERR(send(d[0], "", 0, MSG_OOB), EOPNOTSUPP);
    OK(setsockopt(d[1], SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int)));
    urgent(d[0], "hello");
    plain(d[0], "world");
    refuses(d[1], MSG_OOB, EINVAL);
    gets_(d[1], 0, "hell");
    gets_(d[1], MSG_PEEK, "oworld");
    gets_(d[1], 0, "oworld");
    EQ(events(d[1]), 0x200);
}

TEST(unix_signal, "of AF_UNIX: SIGURG, and unread at the end")
{
    int d[2];

    signal(SIGURG, on_urgent);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    OK(fcntl(d[1], F_SETOWN, getpid()));
    urgent(d[0], "12");
    EQ(signals_after(1), 1);
    OK(close(d[0]));
    gets_(d[1], 0, "1");
    gets_(d[1], 0, "");
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    urgent(d[0], "12");
    OK(close(d[1]));
}

TEST(others, "of other sockets there is none")
{
    int u, d[2], n;

    OK(u = socket(AF_INET, SOCK_DGRAM, 0));
    ERR(send(u, "1", 1, MSG_OOB), EOPNOTSUPP);
    ERR(recv(u, buf, 1, MSG_OOB | MSG_DONTWAIT), EAGAIN); /* not looked at */
    ERR(ioctl(u, SIOCATMARK_, &n), ENOTTY);
    EQ(events(u), 0x200 /* POLLWRBAND */);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    ERR(recv(d[0], buf, 1, MSG_OOB), EINVAL);
    EQ(events(d[0]), 0x200);
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, d));
    ERR(send(d[0], "1", 1, MSG_OOB), EOPNOTSUPP);
    ERR(recv(d[0], buf, 1, MSG_OOB), EOPNOTSUPP);
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, d));
    ERR(recv(d[0], buf, 1, MSG_OOB), EOPNOTSUPP);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
