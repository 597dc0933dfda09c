/* SPDX-License-Identifier: MIT
 *
 * Pipes of packets, O_DIRECT of pipe2: each write is a packet, each read takes one.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { PAGE = 4096, ROOM = 16 }; /* a packet needs a page, a pipe has 16 */

static char buf[3 * PAGE];

static void packet_pipe(int ends[2])
{
    OK(pipe2(ends, O_DIRECT | O_NONBLOCK));
    EQ(fcntl(ends[0], F_GETFL), O_RDONLY | O_NONBLOCK);
    EQ(fcntl(ends[1], F_GETFL), O_WRONLY | O_DIRECT | O_NONBLOCK);
}

static int inside(int fd)
{
    int n;
    OK(ioctl(fd, FIONREAD, &n));
    return n;
}

static void put_text(int fd, const char *text)
{
    EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* The next read of `size` bytes brings this text. */
#define GET(fd, size, text)                             \
    do {                                                \
        EQ(read(fd, buf, size), (ssize_t)strlen(text)); \
        EQ(memcmp(buf, text, strlen(text)), 0);         \
    } while (0)

TEST(packets_apart, "packets: a read takes one, what it has no room for is lost")
{
    int ends[2];
    packet_pipe(ends);
    put_text(ends[1], "first");
    put_text(ends[1], "second");
    put_text(ends[1], "3");
    EQ(write(ends[1], "", 0), 0);
    EQ(inside(ends[0]), 12);
    GET(ends[0], sizeof(buf), "first");
    GET(ends[0], 3, "sec");
    EQ(inside(ends[0]), 1);
    GET(ends[0], sizeof(buf), "3");
    ERR(read(ends[0], buf, 1), EAGAIN);
}

TEST(packets_long, "packets: what is longer than PIPE_BUF is several")
{
    int ends[2];
    packet_pipe(ends);
    EQ(write(ends[1], buf, 2 * PAGE + 100), 2 * PAGE + 100);
    put_text(ends[1], "next");
    EQ(read(ends[0], buf, sizeof(buf)), PAGE);
    EQ(read(ends[0], buf, sizeof(buf)), PAGE);
    EQ(read(ends[0], buf, sizeof(buf)), 100);
    GET(ends[0], sizeof(buf), "next");
}

TEST(packets_full, "packets: each takes a page of the pipe's room")
{
    int ends[2];
    packet_pipe(ends);
    struct pollfd p = {.fd = ends[1], .events = POLLOUT};
    for (int i = 0; i < ROOM; i++) {
        EQ(poll(&p, 1, 0), 1);
        put_text(ends[1], "x");
    }
    EQ(poll(&p, 1, 0), 0);
    ERR(write(ends[1], "x", 1), EAGAIN);
    EQ(inside(ends[0]), ROOM);
    GET(ends[0], 1, "x");
    EQ(poll(&p, 1, 0), 1);
    EQ(write(ends[1], buf, sizeof(buf)), PAGE);
    ERR(fcntl(ends[1], F_SETPIPE_SZ, ROOM / 2 * PAGE), EBUSY);
    EQ(fcntl(ends[1], F_SETPIPE_SZ, 2 * ROOM * PAGE), 2 * ROOM * PAGE);
    put_text(ends[1], "last");
    for (int i = 1; i < ROOM; i++)
        GET(ends[0], sizeof(buf), "x");
    EQ(read(ends[0], buf, sizeof(buf)), PAGE);
    GET(ends[0], sizeof(buf), "last");
}

/* A read that has begun with bytes ends with the packet behind them. */
TEST(packets_mixed, "packets: between bytes, by fcntl")
{
    int ends[2], flags;
    OK(pipe2(ends, O_NONBLOCK));
    flags = fcntl(ends[1], F_GETFL);
    put_text(ends[1], "bytes");
    EQ(write(ends[1], buf, PAGE - 2),
       PAGE - 2); /* no room for a packet's bytes beside them */
    OK(fcntl(ends[1], F_SETFL, flags | O_DIRECT));
    put_text(ends[1], "packet");
    put_text(ends[1], "another");
    OK(fcntl(ends[1], F_SETFL, flags));
    put_text(ends[1], "more ");
    put_text(ends[1], "bytes");
    EQ(inside(ends[0]), 5 + PAGE - 2 + 6 + 7 + 10);
    GET(ends[0], 5, "bytes");
    EQ(read(ends[0], buf, PAGE + 1), PAGE + 1);
    EQ(memcmp(buf + PAGE - 2, "pac", 3), 0);
    GET(ends[0], sizeof(buf), "another");
    GET(ends[0], 7, "more by");
    GET(ends[0], sizeof(buf), "tes");
    ERR(read(ends[0], buf, 1), EAGAIN);
}

TEST(packets_copied, "packets: stay packets when tee and splice carry them on")
{
    int a[2], b[2];
    packet_pipe(a);
    OK(pipe2(b, O_NONBLOCK));
    put_text(a[1], "first");
    put_text(a[1], "second");
    put_text(a[1], "third");
    EQ(tee(a[0], b[1], 100, 0), 16);
    GET(a[0], 2, "fi");
    EQ(splice(a[0], NULL, b[1], NULL, 100, 0), 11);
    ERR(read(a[0], buf, 1), EAGAIN);
    const char *const all[] = {"first", "second", "third", "second", "third"};
    for (int i = 0; i < 5; i++)
        GET(b[0], sizeof(buf), all[i]);
    ERR(read(b[0], buf, 1), EAGAIN);
}

/* What splicing brings is bytes, also behind a packet. */
TEST(packets_spliced, "packets: vmsplice, splice and sendfile make none")
{
    struct iovec two[2] = {{"mem", 3}, {"ory ", 4}};
    int ends[2], fd;
    loff_t at = 0;
    packet_pipe(ends);
    OK(fd = open("file", O_RDWR | O_CREAT, 0600));
    put_text(fd, "file ");
    put_text(ends[1], "packet");
    EQ(vmsplice(ends[1], two, 2, 0), 7);
    EQ(splice(fd, &at, ends[1], NULL, 5, 0), 5);
    EQ(sendfile(ends[1], fd, &(off_t){0}, 5), 5);
    EQ(vmsplice(ends[1], two, 1, SPLICE_F_NONBLOCK), 3);
    put_text(ends[1], "packet");
    EQ(inside(ends[0]), 6 + 7 + 5 + 5 + 3 + 6);
    GET(ends[0], sizeof(buf), "packet");
    GET(ends[0], 2, "me");
    GET(ends[0], 18, "mory file file mem");
    GET(ends[0], sizeof(buf), "packet");
    ERR(read(ends[0], buf, 1), EAGAIN);
}

TEST(packets_to_file, "packets: splice to a file takes all of each")
{
    int ends[2], fd;
    packet_pipe(ends);
    OK(fd = open("file", O_RDWR | O_CREAT, 0600));
    put_text(ends[1], "first");
    put_text(ends[1], "second");
    EQ(splice(ends[0], NULL, fd, NULL, 7, 0), 7);
    GET(ends[0], sizeof(buf), "cond");
    EQ(pread(fd, buf, 100, 0), 7);
    EQ(memcmp(buf, "firstse", 7), 0);
}

TEST(packets_bad, "packets: bad memory leaves the packet, or puts none in")
{
    int ends[2];
    packet_pipe(ends);
    char *bad =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(bad + PAGE, PAGE));
    put_text(ends[1], "packet");
    ERR(write(ends[1], bad + PAGE - 2, 4), EFAULT);
    ERR(read(ends[0], bad + PAGE, 4), EFAULT);
    EQ(inside(ends[0]), 6);
    GET(ends[0], sizeof(buf), "packet");
    ERR(read(ends[0], buf, 1), EAGAIN);
}

TEST(packets_fifo, "packets: of a FIFO, by fcntl only")
{
    OK(mkfifo("fifo", 0600));
    int fd = open("fifo", O_RDWR | O_NONBLOCK);
    OK(fd);
    ERR(open("fifo", O_RDWR | O_DIRECT), EINVAL);
    OK(fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT));
    put_text(fd, "a");
    put_text(fd, "b");
    GET(fd, sizeof(buf), "a");
    GET(fd, sizeof(buf), "b");
}

/* Two writers, whose packets come whole, and a reader that is slower than they. */
TEST(packets_stream, "packets: writers that wait for room")
{
    enum { EACH = 200 };
    int ends[2];
    pid_t pid[2];
    OK(pipe2(ends, O_DIRECT));
    for (int w = 0; w < 2; w++) {
        pid[w] = t_fork();
        if (pid[w])
            continue;
        for (int i = 0; i < EACH; i++) {
            memset(buf, 'a' + w, 2000);
            EQ(write(ends[1], buf, (size_t)(1 + i * 10)), 1 + i * 10);
        }
        _exit(0);
    }
    OK(close(ends[1]));
    int seen[2] = {0};
    for (ssize_t n; (n = read(ends[0], buf, sizeof(buf))) > 0;) {
        int w = buf[0] - 'a';
        EQ(n, 1 + seen[w]++ * 10);
        EQ(buf[n - 1], 'a' + w);
    }
    EQ(seen[0], EACH);
    EQ(seen[1], EACH);
    t_join(pid[0]);
    t_join(pid[1]);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
