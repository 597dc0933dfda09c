/* SPDX-License-Identifier: MIT
 *
 * Private memory written on somebody's behalf (/proc/PID/mem, process_vm_writev) while another
 * thread throws the copy away and reads again: the write must find a copy, never the page of the
 * file or the page of zeros that stands in its place meanwhile.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define ROUNDS 5000

static atomic_bool stop;
static unsigned char *memory;

/* Throws the copy away; then the page behind it is shown. */
static void *discards(void *unused)
{
    (void)unused;
    while (!stop) {
        OK(madvise(memory, P, MADV_DONTNEED));
        (void)*(volatile char *)memory;
    }
    return NULL;
}

static bool by_mem(int fd, const char *text, size_t n)
{
    return pwrite(fd, text, n, (off_t)(uintptr_t)memory) == (ssize_t)n;
}

static bool by_vm(int pid, const char *text, size_t n)
{
    struct iovec from = {(void *)(uintptr_t)text, n}, to = {memory, n};

    return process_vm_writev(pid, &from, 1, &to, 1, 0) == (ssize_t)n;
}

/* Writes again and again, while a thread discards, until the rounds are over. */
static void race(bool (*store)(int, const char *, size_t), int how)
{
    static const char text[] = "written by somebody";
    pthread_t t;

    stop = false;
    CHECK(!pthread_create(&t, NULL, discards, NULL));
    for (int i = 0, n = (int)t_turns(ROUNDS); i < n; i++)
        if (!store(how, text, sizeof(text)))
            FAIL("round %d: %s", i, strerror(errno));
    stop = true;
    CHECK(!pthread_join(t, NULL));
}

/* A file of zeros that is open for reading only. */
static int read_only(void)
{
    char path[64];
    int fd = t_file(), ro;

    OK(ftruncate(fd, P));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ro = open(path, O_RDONLY);
    OK(ro);
    close(fd);
    return ro;
}

static void expect_zeros(int fd)
{
    static char got[P], zeros[P];

    EQ(pread(fd, got, P, 0), P);
    CHECK(!memcmp(got, zeros, P));
}

TEST(mem, "mem: a file that may only be read, in memory that may only be read")
{
    int fd = read_only(), mem = open("/proc/self/mem", O_RDWR);

    OK(mem);
    memory = t_map(NULL, P, PROT_READ, MAP_PRIVATE, fd, 0);
    race(by_mem, mem);
    expect_zeros(fd);
}

TEST(vm, "process_vm_writev: a file that may only be read, in memory that may be written")
{
    int fd = read_only();

    memory = t_map(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    race(by_vm, getpid());
    expect_zeros(fd);
}

TEST(zeros, "memory without a file: the page of zeros stays one")
{
    int mem = open("/proc/self/mem", O_RDWR);
    const unsigned char *fresh;

    OK(mem);
    memory = t_map(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    race(by_vm, getpid());
    race(by_mem, mem);
    fresh = t_map(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < P; i++)
        EQ(fresh[i], 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
