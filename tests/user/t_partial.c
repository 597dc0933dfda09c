/* SPDX-License-Identifier: MIT
 *
 * Calls that could do a part of what was asked: memory that ends, limits, seals, readers that
 * leave. What was done is told, and what was not done has left no trace.
 */
#include "tests/user/t.h"
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char *memory, *edge; /* four pages end at edge; behind it nothing is mapped */
static volatile sig_atomic_t caught;

static void note(int sig)
{
    caught = sig;
}

static void begin(void)
{
    memory =
        mmap(NULL, 8 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    memset(memory, 'a', 4 * P);
    edge = memory + 4 * P;
    OK(munmap(edge, 4 * P));
    struct sigaction sa = {.sa_handler = note};
    OK(sigaction(SIGPIPE, &sa, NULL));
    OK(sigaction(SIGXFSZ, &sa, NULL));
    caught = 0;
}

#define VECTOR(v) struct iovec v[] = {{memory, 10}, {edge, 10}, {memory, 10}}

TESTF(file_edges, "reads and writes of files up to the end of memory")
{
    begin();
    int fd = t_file();
    EQ(write(fd, edge - 100, 200), 100);
    EQ(lseek(fd, 0, SEEK_CUR), 100);
    EQ(pwrite(fd, edge - P - 100, 3 * P, 50), P + 100);
    ERR(pwrite(fd, edge, 10, 0), EFAULT);
    EQ(pwrite(fd, edge, 0, 0), 0);
    OK(ftruncate(fd, 5 * P));
    EQ(pread(fd, edge - P - 100, 3 * P, 77), P + 100);
    ERR(pread(fd, edge, 10, 0), EFAULT);
    EQ(pread(fd, edge, 10, 5 * P), 0);
    VECTOR(v);
    EQ(preadv(fd, v, 3, 0), 10);
    EQ(pwritev(fd, v, 3, 0), 10);
    EQ(writev(fd, v, 3), 10);
    EQ(lseek(fd, 0, SEEK_CUR), 110);
}

TEST(pipe_edges, "a piece of a pipe that meets bad memory does not move")
{
    int ends[2];
    begin();
    OK(pipe2(ends, O_NONBLOCK));
    ERR(write(ends[1], edge - 100, 200), EFAULT);
    EQ(write(ends[1], edge - P - 100, 2 * P), P);
    EQ(read(ends[0], memory, 4 * P), P);
    VECTOR(v);
    ERR(writev(ends[1], v, 3), EFAULT);
    ERR(read(ends[0], memory, 1), EAGAIN);
    EQ(write(ends[1], memory, 3 * P), 3 * P);
    ERR(read(ends[0], edge - 100, 200), EFAULT);
    EQ(read(ends[0], edge - P - 100, 3 * P), P);
    ERR(readv(ends[0], v, 3), EFAULT);
    EQ(read(ends[0], memory, 4 * P), 2 * P);
    for (int i = 0; i < 100; i++) { /* in all positions of the ring */
        EQ(write(ends[1], memory, 1000), 1000);
        ERR(write(ends[1], edge - 3000, 4000), EFAULT);
        EQ(read(ends[0], memory, 4 * P), 1000);
    }
}

TEST(pipe_broken, "the last reader leaves: the count and SIGPIPE")
{
    int ends[2];
    begin();
    OK(pipe(ends));
    char *big = calloc(1, 1 << 20);
    CHECK(big);
    pid_t pid = t_fork();
    if (!pid) {
        OK(close(ends[1]));
        EQ(read(ends[0], big, 4096), 4096);
        t_nap(50000);
        _exit(0);
    }
    OK(close(ends[0]));
    EQ(write(ends[1], big, 1 << 20), 65536 + 4096);
    EQ(caught, SIGPIPE);
    caught = 0;
    ERR(write(ends[1], big, 10), EPIPE);
    EQ(caught, SIGPIPE);
    t_join(pid);
    free(big);
}

static long dents(int fd, void *at, unsigned size)
{
    return syscall(SYS_getdents64, fd, at, size);
}

TEST(dents, "getdents64: whole entries up to the end of memory, the rest afterwards")
{
    char name[32];
    begin();
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "file-number-%03d", i);
        OK(mkdir(name, 0700));
    }
    int fd = open(".", O_RDONLY | O_DIRECTORY), entries = 0;
    OK(fd);
    ERR(dents(fd, memory, 10), EINVAL);
    ERR(dents(fd, edge, 200), EFAULT);
    for (long n; (n = dents(fd, edge - 100, 4096)) != 0;) {
        OK(n);
        for (char *at = edge - 100; at < edge - 100 + n; entries++)
            at += *(unsigned short *)(at + 16);
    }
    EQ(entries, 22);
    EQ(dents(fd, edge, 4096), 0);
}

TEST(random_edges, "getrandom: what fits")
{
    begin();
    EQ(syscall(SYS_getrandom, edge - 100, 200, 0), 100);
    EQ(syscall(SYS_getrandom, edge - 1000, 2000, 0), 1000);
    EQ(syscall(SYS_getrandom, edge - P - 100, 3 * P, 0), P + 100);
    ERR(syscall(SYS_getrandom, edge, 10, 0), EFAULT);
    EQ(syscall(SYS_getrandom, edge, 0, 0), 0);
}

TESTF(size_limit, "RLIMIT_FSIZE: up to it, then EFBIG and SIGXFSZ")
{
    begin();
    int fd = t_file(), from = t_file();
    EQ(pwrite(from, memory, 9000, 0), 9000);
    struct rlimit limit = {10000, RLIM_INFINITY};
    OK(setrlimit(RLIMIT_FSIZE, &limit));
    EQ(pwrite(fd, memory, 8000, 8000), 2000);
    EQ(caught, 0);
    ERR(pwrite(fd, memory, 10, 10000), EFBIG);
    EQ(caught, SIGXFSZ);
    caught = 0;
    EQ(pwrite(fd, memory, 0, 20000), 0);
    EQ(caught, 0);
    ERR(ftruncate(fd, 10001), EFBIG);
    EQ(caught, SIGXFSZ);
    caught = 0;
    EQ(lseek(fd, 9000, SEEK_SET), 9000);
    EQ(lseek(from, 0, SEEK_SET), 0);
    EQ(sendfile(fd, from, NULL, 5000), 1000);
    EQ(caught, SIGXFSZ);
    EQ(lseek(from, 0, SEEK_CUR), 1000);
}

TEST(seal_grow, "a write over the end of a file that may not grow: whole pages only")
{
    begin();
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    OK(fd);
    OK(ftruncate(fd, P + 904));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    EQ(pwrite(fd, memory, 3 * P, 0), P);
    EQ(pwrite(fd, memory, P + 904, 0), P + 904);
    ERR(pwrite(fd, memory, 100, P + 854), EPERM);
    EQ(pwrite(fd, memory, 10, P + 894), 10);
    ERR(pwrite(fd, memory, 1, P + 904), EPERM);
    EQ(pwrite(fd, memory, 0, 2 * P), 0);
    ERR(fallocate(fd, 0, 0, P + 905), EPERM);
    OK(fallocate(fd, 0, 0, P + 904));
    ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10 * P), EPERM);
    ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 * P, 10), EPERM);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 10 * P));
}

TEST(positions, "a position that cannot be given back: the bytes have moved")
{
    begin();
    int fd = t_file(), from = t_file();
    EQ(pwrite(from, memory, 100, 0), 100);
    off_t *fixed = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(sendfile(fd, from, fixed, 10), EFAULT);
    EQ(lseek(fd, 0, SEEK_CUR), 10);
    ERR(syscall(SYS_copy_file_range, from, fixed, fd, NULL, 5, 0), EFAULT);
    EQ(lseek(fd, 0, SEEK_CUR), 15);
    ERR(sendfile(fd, from, (off_t *)edge, 10), EFAULT);
    EQ(lseek(fd, 0, SEEK_CUR), 15);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
