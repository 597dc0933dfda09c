/* SPDX-License-Identifier: MIT
 *
 * splice, tee, vmsplice between files and pipes, and calls that want a socket.
 */
#include "tests/user/t.h"
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int in[2], out[2];
static char buf[70000];

static void begin(void)
{
    OK(pipe2(in, O_NONBLOCK));
    OK(pipe2(out, O_NONBLOCK));
    signal(SIGPIPE, SIG_IGN);
}

TESTF(files, "file to pipe to file, with positions and without")
{
    begin();
    int from = t_file(), to = t_file();
    loff_t at = 10;
    memset(buf, 'x', sizeof(buf));
    EQ(pwrite(from, buf, sizeof(buf), 0), sizeof(buf));
    EQ(splice(from, &at, in[1], NULL, 100, 0), 100);
    EQ(at, 110);
    EQ(splice(from, NULL, in[1], NULL, 100, 0), 100);
    EQ(lseek(from, 0, SEEK_CUR), 100);
    EQ(splice(in[0], NULL, to, NULL, 150, 0), 150);
    at = 1000;
    EQ(splice(in[0], NULL, to, &at, 1500, 0), 50);
    EQ(at, 1050);
    ERR(splice(in[0], NULL, to, NULL, 10, 0), EAGAIN);
    at = 0;
    EQ(splice(from, &at, in[1], NULL, 100000, 0), 65536); /* as much as fits */
    ERR(splice(from, &at, in[1], NULL, 100000, 0), EAGAIN);
    EQ(splice(in[0], NULL, open("/dev/null", O_WRONLY), NULL, 1 << 20, 0), 65536);
    at = sizeof(buf);
    EQ(splice(from, &at, in[1], NULL, 10, 0), 0);
    OK(close(in[1]));
    EQ(splice(in[0], NULL, to, NULL, 10, 0), 0);
}

TEST(pipes, "pipe to pipe: splice moves, tee copies")
{
    begin();
    EQ(write(in[1], "hello world", 11), 11);
    EQ(tee(in[0], out[1], 5, 0), 5);
    EQ(splice(in[0], NULL, out[1], NULL, 100, 0), 11);
    EQ(read(out[0], buf, 100), 16);
    CHECK(!memcmp(buf, "hellohello world", 16));
    ERR(tee(in[0], out[1], 5, 0), EAGAIN);
    ERR(tee(in[0], in[1], 5, 0), EINVAL);
    OK(close(out[0]));
    EQ(write(in[1], "a", 1), 1);
    ERR(tee(in[0], out[1], 5, 0), EPIPE);
    ERR(splice(in[0], NULL, out[1], NULL, 5, 0), EPIPE);
    EQ(read(in[0], buf, 100), 1);
}

TEST(memory, "vmsplice: memory to pipe and back")
{
    begin();
    struct iovec v[2] = {{buf, 10}, {buf + 20, 20}};
    EQ(vmsplice(in[1], v, 2, 0), 30);
    EQ(vmsplice(in[0], v, 2, 0), 30);
    ERR(vmsplice(in[0], v, 2, SPLICE_F_NONBLOCK), EAGAIN);
    ERR(vmsplice(t_file(), v, 2, 0), EBADF);
    ERR(vmsplice(in[1], v, 2, 99), EINVAL);
}

TEST(wrong, "what splice refuses")
{
    begin();
    int file = t_file(), other = t_file(),
        add = open("add", O_WRONLY | O_CREAT | O_APPEND, 0600);
    loff_t at = 0, before = -1;
    EQ(write(file, "text", 4), 4);
    EQ(write(in[1], "text", 4), 4);
    ERR(splice(file, NULL, other, NULL, 10, 0), EINVAL);
    ERR(splice(in[0], &at, other, NULL, 10, 0), ESPIPE);
    ERR(splice(file, NULL, in[1], &at, 10, 0), ESPIPE);
    ERR(splice(file, &before, in[1], NULL, 10, 0), EINVAL);
    ERR(splice(file, (loff_t *)8, in[1], NULL, 10, 0), EFAULT);
    ERR(splice(in[0], NULL, in[1], NULL, 10, 0), EINVAL);
    ERR(splice(in[0], NULL, add, NULL, 10, 0), EINVAL);
    ERR(splice(in[1], NULL, other, NULL, 10, 0), EBADF);
    ERR(splice(file, NULL, in[0], NULL, 10, 0), EBADF);
    ERR(splice(-1, NULL, in[1], NULL, 10, 0), EBADF);
    EQ(splice(-1, NULL, in[1], NULL, 0, 0), 0);
    ERR(splice(file, NULL, in[1], NULL, 10, 64), EINVAL);
    EQ(read(in[0], buf, 100), 4);
}

TEST(no_splice, "what reads and writes, but not for splice")
{
    begin();
    int null = open("/dev/null", O_RDWR), event = eventfd(1, EFD_NONBLOCK);
    ERR(splice(null, NULL, in[1], NULL, 10, SPLICE_F_NONBLOCK), EINVAL);
    ERR(splice(event, NULL, in[1], NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
    EQ(write(in[1], "8 bytes.", 8), 8);
    ERR(splice(in[0], NULL, event, NULL, 8, SPLICE_F_NONBLOCK), EINVAL);
    ERR(splice(in[0], NULL, open("/dev/full", O_WRONLY), NULL, 8, 0), EINVAL);
    EQ(splice(in[0], NULL, null, NULL, 8, 0), 8);
}

TEST(local, "SPLICE_F_NONBLOCK: a socket of AF_UNIX that has nothing is not waited for")
{
    int pair[2], pipe_[2];

    OK(pipe(pipe_));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ERR(splice(pair[0], NULL, pipe_[1], NULL, 8, SPLICE_F_NONBLOCK), EAGAIN);
    EQ(write(pair[1], "x", 1), 1);
    EQ(splice(pair[0], NULL, pipe_[1], NULL, 8, SPLICE_F_NONBLOCK), 1);
}

TEST(sockets, "a file is no socket")
{
    int fd = t_file(), err = 0;
    ERR(bind(fd, NULL, 0), ENOTSOCK);
    ERR(listen(fd, 1), ENOTSOCK);
    ERR(send(fd, "", 1, 0), ENOTSOCK);
    ERR(recv(fd, &err, 1, 0), ENOTSOCK);
    ERR(shutdown(fd, 0), ENOTSOCK);
    ERR(connect(-1, NULL, 0), EBADF);
}

TEST(sendfile_socket, "sendfile: from a socket into a pipe, and nowhere else")
{
    int s[2], p[2], fd = t_file();
    char got[9] = "";
    off_t at = 0;

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    OK(pipe(p));
    EQ(write(s[0], "abcdefgh", 8), 8);
    EQ(sendfile(p[1], s[1], NULL, 5), 5);
    EQ(read(p[0], got, 8), 5);
    CHECK(!strcmp(got, "abcde"));
    ERR(sendfile(fd, s[1], NULL, 3), EINVAL);
    ERR(sendfile(p[1], s[1], &at, 3), ESPIPE);
    EQ(read(s[1], got, 8), 3);
    OK(fcntl(s[1], F_SETFL, O_NONBLOCK));
    ERR(sendfile(p[1], s[1], NULL, 3), EAGAIN);
    OK(close(s[0]));
    EQ(sendfile(p[1], s[1], NULL, 3), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
