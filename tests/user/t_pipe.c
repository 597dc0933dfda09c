/* SPDX-License-Identifier: MIT
 *
 * Pipes and poll: order, capacity, blocking, end of file, SIGPIPE.
 */
#include "tests/user/t.h"
#include <poll.h>

TEST(pipe_eof, "pipe: EOF, EPIPE, SIGPIPE")
{
    int ends[2];
    char c;
    OK(pipe(ends));
    EQ(write(ends[1], "ab", 2), 2);
    OK(close(ends[1]));
    EQ(read(ends[0], &c, 1), 1);
    EQ(read(ends[0], &c, 1), 1);
    EQ(read(ends[0], &c, 1), 0);
    OK(close(ends[0]));
    OK(pipe(ends));
    OK(close(ends[0]));
    signal(SIGPIPE, SIG_IGN);
    ERR(write(ends[1], "x", 1), EPIPE);
    pid_t pid = t_fork();
    if (!pid) {
        signal(SIGPIPE, SIG_DFL);
        (void)!write(ends[1], "x", 1);
        _exit(0);
    }
    EQ(t_status_of(pid), SIGPIPE);
}

TEST(pipe_full, "pipe: capacity, O_NONBLOCK, atomic small writes")
{
    int ends[2];
    static char buf[4096];
    long total = 0, r;
    OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    ERR(read(ends[0], buf, 1), EAGAIN);
    while ((r = write(ends[1], buf, sizeof(buf))) > 0)
        total += r;
    EQ(errno, EAGAIN);
    EQ(total, 65536);
    EQ(read(ends[0], buf, 10), 10);
    ERR(write(ends[1], buf, sizeof(buf)), EAGAIN);
    struct pollfd p = {.fd = ends[0], .events = POLLIN | POLLOUT};
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLIN);
    ERR(pipe2(ends, 0x12345), EINVAL);
}

/* 1 MiB through a pipe, checked: the writer blocks, the reader blocks. */
TEST(pipe_stream, "pipe: a megabyte in order")
{
    enum { TOTAL = 1 << 20 };
    static unsigned char buf[5000];
    int ends[2];
    OK(pipe(ends));
    pid_t pid = t_fork();
    if (!pid) {
        close(ends[0]);
        for (unsigned at = 0; at < TOTAL;) {
            unsigned n = TOTAL - at < 3000 ? TOTAL - at : 3000;
            for (unsigned i = 0; i < n; i++)
                buf[i] = (unsigned char)((at + i) * 7 >> 3);
            EQ(write(ends[1], buf, n), n);
            at += n;
        }
        _exit(0);
    }
    close(ends[1]);
    unsigned at = 0;
    for (ssize_t n; (n = read(ends[0], buf, sizeof(buf))) > 0; at += (unsigned)n)
        for (unsigned i = 0; i < (unsigned)n; i++)
            if (buf[i] != (unsigned char)((at + i) * 7 >> 3))
                FAIL("byte %u is wrong", at + i);
    EQ(at, TOTAL);
    t_join(pid);
}

TEST(poll_pipe, "poll: timeout, hang-up")
{
    int ends[2];
    OK(pipe(ends));
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    EQ(poll(&p, 1, 5), 0);
    pid_t pid = t_fork();
    if (!pid) {
        t_nap(5000);
        _exit((int)(write(ends[1], "x", 1) - 1));
    }
    close(ends[1]);
    EQ(poll(&p, 1, 10000), 1);
    CHECK(p.revents & POLLIN);
    char c;
    EQ(read(ends[0], &c, 1), 1);
    t_join(pid);
    EQ(poll(&p, 1, 10000), 1);
    EQ(p.revents, POLLHUP);
    p.fd = 999;
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLNVAL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
