/* SPDX-License-Identifier: MIT
 *
 * Seals of memfd, FIFOs, capacity of pipes, select, copies inside the kernel, fallocate.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static int make(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    OK(fd);
    EQ(write(fd, text, strlen(text)), (long)strlen(text));
    EQ(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

TEST(seals, "memfd: size seals")
{
    int fd = memfd_create("s", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    OK(fd);
    EQ(fcntl(fd, F_GET_SEALS), 0);
    OK(ftruncate(fd, 2 * P));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    ERR(ftruncate(fd, P), EPERM);
    OK(ftruncate(fd, 3 * P));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    ERR(ftruncate(fd, 4 * P), EPERM);
    ERR(pwrite(fd, "x", 1, 3 * P), EPERM);
    EQ(pwrite(fd, "x", 1, 3 * P - 1), 1);
    ERR(fallocate(fd, 0, 0, 4 * P), EPERM);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    int plain = memfd_create("p", 0);
    EQ(fcntl(plain, F_GET_SEALS), F_SEAL_SEAL);
    ERR(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    ERR(memfd_create("x", 0x8000), EINVAL);
    char name[300];
    memset(name, 'n', sizeof(name));
    name[250] = 0;
    ERR(memfd_create(name, 0), EINVAL);
    name[249] = 0;
    OK(memfd_create(name, 0));
    ERR(syscall(SYS_memfd_create, 8, 0), EFAULT);
}

TEST(seal_write, "memfd: write seals and mappings")
{
    int fd = memfd_create("s", MFD_ALLOW_SEALING);
    OK(ftruncate(fd, P));
    char *p = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    p[0] = 'a';
    ERR(pwrite(fd, "x", 1, 0), EPERM);
    ERR((long)mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    OK(munmap(p, P));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(pwrite(fd, "x", 1, 0), EPERM);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, P), EPERM);
    ERR((long)mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    p = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    EQ(p[0], 'a');
    ERR(mprotect(p, P, PROT_READ | PROT_WRITE), EACCES);
    char *q = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(q != MAP_FAILED);
    q[0] = 'b';
    EQ(p[0], 'a');
}

/* A mapping in the place of all others of its file, which go at once, is one that may write. */
TEST(seal_over, "memfd: write seals and a mapping over many")
{
    int fd = memfd_create("s", MFD_ALLOW_SEALING);
    OK(ftruncate(fd, 64 * P));
    char *p = mmap(NULL, 64 * P, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    OK(mprotect(p + 16 * P, 16 * P, PROT_READ | PROT_WRITE));
    OK(mprotect(p + 48 * P, 8 * P, PROT_NONE));
    CHECK(mmap(p, 64 * P, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == p);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    OK(munmap(p, 64 * P));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(fifo, "FIFOs")
{
    char c;
    struct stat st;
    OK(mkfifo("f", 0600));
    OK(stat("f", &st));
    CHECK(S_ISFIFO(st.st_mode));
    ERR(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
    int r = open("f", O_RDONLY | O_NONBLOCK);
    OK(r);
    EQ(read(r, &c, 1), 0); /* no writer yet */
    struct pollfd p = {.fd = r, .events = POLLIN};
    EQ(poll(&p, 1, 0), 0);
    int w = open("f", O_WRONLY | O_NONBLOCK);
    OK(w);
    ERR(read(r, &c, 1), EAGAIN);
    EQ(write(w, "x", 1), 1);
    EQ(read(r, &c, 1), 1);
    OK(close(w));
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLHUP);
    EQ(read(r, &c, 1), 0);
    OK(close(r));
    pid_t pid = t_fork();
    if (!pid) {
        int fd = open("f", O_WRONLY); /* waits for the reader */
        _exit(write(fd, "hello", 5) != 5);
    }
    t_nap(10000);
    r = open("f", O_RDONLY);
    OK(r);
    char buf[8];
    EQ(read(r, buf, 8), 5);
    EQ(read(r, buf, 8), 0);
    t_join(pid);
    int rw = open("f", O_RDWR);
    OK(rw);
    EQ(write(rw, "q", 1), 1);
    EQ(read(rw, &c, 1), 1);
    OK(unlink("f"));
    EQ(write(rw, "q", 1), 1);
    ERR(lseek(rw, 0, SEEK_CUR), ESPIPE);
}

TEST(pipe_again, "a pipe opened again through /proc")
{
    int e[2];
    char name[64], c;
    OK(pipe(e));
    EQ(write(e[1], "ab", 2), 2);
    OK(close(e[1]));
    snprintf(name, sizeof(name), "/proc/self/fd/%d", e[0]);
    int r = open(name, O_RDONLY); /* does not wait for a writer */
    OK(r);
    EQ(read(e[0], &c, 1), 1);
    EQ(read(r, &c, 1), 1);
    EQ(c, 'b');
    EQ(read(r, &c, 1), 0);
    struct pollfd p = {.fd = r, .events = POLLIN};
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLHUP);
    int w = open(name, O_WRONLY);
    OK(w);
    EQ(write(w, "c", 1), 1);
    EQ(read(r, &c, 1), 1);
}

TEST(pipe_size, "F_SETPIPE_SZ, FIONREAD")
{
    int e[2], n;
    static char buf[8192], back[8192];
    OK(pipe2(e, O_NONBLOCK));
    EQ(fcntl(e[0], F_GETPIPE_SZ), 65536);
    EQ(fcntl(e[1], F_SETPIPE_SZ, 5000), 8192);
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (char)(i * 31 >> 4);
    EQ(write(e[1], buf, 3000), 3000);
    EQ(read(e[0], back, 2000), 2000);
    EQ(write(e[1], buf + 3000, 5000), 5000);
    OK(ioctl(e[0], FIONREAD, &n));
    EQ(n, 6000);
    ERR(fcntl(e[0], F_SETPIPE_SZ, 4096), EBUSY);
    EQ(fcntl(e[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    EQ(read(e[0], back + 2000, 8000), 6000);
    EQ(memcmp(buf, back, 8000), 0);
    EQ(fcntl(e[0], F_SETPIPE_SZ, 1), 4096);
    ERR(fcntl(e[0], F_SETPIPE_SZ, 1u << 31 | 1), EINVAL);
    ERR(fcntl(make("x", ""), F_GETPIPE_SZ), EBADF);
    ERR(ioctl(e[0], FIONREAD, 8), EFAULT);
    ERR(ioctl(e[0], TIOCGWINSZ, &n), ENOTTY);
}

TEST(select, "select and pselect")
{
    int e[2];
    OK(pipe(e));
    fd_set r, w;
    struct timeval tv = {0, 20000};
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(e[0], &r);
    FD_SET(e[1], &w);
    EQ(select(e[1] + 1, &r, &w, NULL, NULL), 1);
    CHECK(!FD_ISSET(e[0], &r) && FD_ISSET(e[1], &w));
    FD_SET(e[0], &r);
    EQ(select(e[0] + 1, &r, NULL, NULL, &tv), 0);
    CHECK(!FD_ISSET(e[0], &r));
    EQ(write(e[1], "x", 1), 1);
    FD_SET(e[0], &r);
    EQ(select(e[1] + 1, &r, &w, NULL, NULL), 2);
    ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    /* Bits beyond the table of descriptors are not looked at: make it large enough, whatever
     * the caller's shell had open. */
    OK(dup2(e[0], 200));
    OK(close(200));
    FD_SET(100, &r);
    ERR(select(101, &r, NULL, NULL, NULL), EBADF);
    ERR(syscall(SYS_select, 10, 8, 0, 0, 0), EFAULT);
    tv = (struct timeval){0, 10000};
    EQ(select(0, NULL, NULL, NULL, &tv), 0);
}

static volatile int got;
static void on_usr1(int sig)
{
    got = sig;
}

TEST(ppoll, "ppoll: the mask holds while it waits")
{
    sigset_t block, open_set;
    struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};
    struct timespec ts = {5, 0};
    OK(sigaction(SIGUSR1, &sa, NULL));
    sigemptyset(&open_set);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, &block, NULL));
    OK(kill(getpid(), SIGUSR1));
    EQ(got, 0);
    ERR(ppoll(NULL, 0, &ts, &open_set), EINTR);
    EQ(got, SIGUSR1);
    sigset_t now;
    OK(sigprocmask(SIG_BLOCK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
    ts = (struct timespec){0, 1000000};
    EQ(ppoll(NULL, 0, &ts, &open_set), 0);
    OK(sigprocmask(SIG_BLOCK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
    ERR(syscall(SYS_ppoll, 0, 0, 0, &open_set, 4), EINVAL);
    ERR(syscall(SYS_poll, 8, 1, 0), EFAULT);
    ERR(syscall(SYS_poll, 0, -1, 0), EINVAL);
}

TEST(sendfile, "sendfile and copy_file_range")
{
    static char buf[100000], back[100000];
    int in = open("in", O_RDWR | O_CREAT, 0644),
        out = open("out", O_RDWR | O_CREAT, 0644);
    int e[2];
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (char)(i * 7 >> 5);
    EQ(write(in, buf, sizeof(buf)), (long)sizeof(buf));
    off_t at = 100;
    EQ(sendfile(out, in, &at, 1 << 20), (long)sizeof(buf) - 100);
    EQ(at, (long)sizeof(buf));
    EQ(lseek(in, 0, SEEK_CUR), (long)sizeof(buf));
    EQ(pread(out, back, sizeof(back), 0), (long)sizeof(buf) - 100);
    EQ(memcmp(back, buf + 100, sizeof(buf) - 100), 0);
    EQ(lseek(in, 10, SEEK_SET), 10);
    OK(pipe2(e, O_NONBLOCK));
    EQ(sendfile(e[1], in, NULL, 1000), 1000);
    EQ(lseek(in, 0, SEEK_CUR), 1010);
    EQ(read(e[0], back, 2000), 1000);
    EQ(memcmp(back, buf + 10, 1000), 0);
    ERR(sendfile(out, e[0], NULL, 10), EINVAL);
    ERR(sendfile(out, in, (off_t *)8, 10), EFAULT);
    ERR(sendfile(999, in, NULL, 10), EBADF);
    off_t from = 0, to = 5;
    OK(ftruncate(out, 0));
    EQ(copy_file_range(in, &from, out, &to, 2000, 0), 2000);
    EQ(from, 2000);
    EQ(to, 2005);
    EQ(pread(out, back, 3000, 5), 2000);
    EQ(memcmp(back, buf, 2000), 0);
    from = 0, to = 10;
    ERR(copy_file_range(in, &from, in, &to, 100, 0), EINVAL);
    ERR(copy_file_range(in, &from, out, &to, 100, 1), EINVAL);
    ERR(copy_file_range(in, NULL, e[1], NULL, 100, 0), EINVAL);
}

TESTF(fallocate, "fallocate")
{
    int fd = F(4), e[2];
    struct stat st;
    OK(fallocate(fd, 0, 0, 8 * P));
    OK(fstat(fd, &st));
    EQ(st.st_size, 8 * P);
    EQ(st.st_blocks, 8 * 8);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * P, P));
    OK(fstat(fd, &st));
    EQ(st.st_size, 8 * P);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P, 2 * P));
    uint64_t v;
    EQ(pread(fd, &v, 8, P), 8);
    EQ(v, 0);
    EQ(pread(fd, &v, 8, 3 * P), 8);
    EQ(v, 1003);
    ERR(fallocate(fd, 0, -1, 1), EINVAL);
    ERR(fallocate(fd, 0, 0, 0), EINVAL);
    ERR(fallocate(fd, 0x1000, 0, 1), EOPNOTSUPP);
    ERR(fallocate(fd, 0, INT64_MAX, 1), EFBIG);
    OK(pipe(e));
    ERR(fallocate(e[1], 0, 0, 1), ESPIPE);
    ERR(fallocate(open(".", O_RDONLY), 0, 0, 1), EBADF);
}

TEST(ioctl, "FIONBIO, FIOCLEX, O_PATH")
{
    int e[2], on = 1;
    char c;
    OK(pipe(e));
    OK(ioctl(e[0], FIONBIO, &on));
    ERR(read(e[0], &c, 1), EAGAIN);
    CHECK(fcntl(e[0], F_GETFL) & O_NONBLOCK);
    OK(ioctl(e[0], FIOCLEX));
    EQ(fcntl(e[0], F_GETFD), FD_CLOEXEC);
    OK(ioctl(e[0], FIONCLEX));
    EQ(fcntl(e[0], F_GETFD), 0);
    close(make("file", "abc"));
    int fd = open("file", O_PATH);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, 3);
    ERR(read(fd, &c, 1), EBADF);
    ERR(ioctl(fd, FIOCLEX), EBADF);
    ERR(fcntl(fd, F_SETFL, 0), EBADF);
    OK(fcntl(fd, F_GETFD));
}

TEST(fsize, "RLIMIT_FSIZE")
{
    struct sigaction sa = {.sa_handler = on_usr1};
    struct rlimit {
        unsigned long cur, max;
    } lim = {10, 10};
    int fd = make("file", "");
    OK(sigaction(SIGXFSZ, &sa, NULL));
    OK(syscall(SYS_setrlimit, 1, &lim));
    EQ(write(fd, "0123456789ab", 12), 10);
    EQ(got, 0);
    ERR(write(fd, "c", 1), EFBIG);
    EQ(got, SIGXFSZ);
    got = 0;
    ERR(ftruncate(fd, 11), EFBIG);
    EQ(got, SIGXFSZ);
    OK(ftruncate(fd, 3));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
