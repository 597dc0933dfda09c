/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages with fork, vfork, exec and exit: spec 3.4, T090 to T098 and T103.
 */
#include "tests/user/t.h"

TESTF(T090, "inherit present")
{
    M(F(8), 8);
    t_reverse(8, 0);
    REVERSED(8);
    CHILD(REVERSED(8));
    REVERSED(8);
}

TESTF(T091, "inherit not present")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    CHILD(REVERSED(8));
    REVERSED(8);
}

TESTF(T092, "diverge")
{
    M(F(8), 8);
    t_reverse(8, 0);
    CHILD({
        OK(R(0, 1, 2));
        EQ(tag(0), 2);
        put(0, 20);
        put(1, 60);
    });
    TAGS(7, 60, 5, 4, 3, 20, 1, 0);
    put(0, 70);
    CHILD(TAGS(70, 60, 5, 4, 3, 20, 1, 0));
}

static void tell(int fd)
{
    EQ(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
    char c;
    EQ(read(fd, &c, 1), 1);
}

TESTF(T093, "parent changes after fork")
{
    int go[2];
    M(F(8), 8);
    t_reverse(8, 0);
    OK(pipe(go));
    pid_t pid = t_fork();
    if (!pid) {
        hear(go[0]);
        REVERSED(8);
        _exit(0);
    }
    OK(R(0, 8, 0));
    LINEAR(8);
    tell(go[1]);
    t_join(pid);
    LINEAR(8);
}

TESTF(T094, "grandchild")
{
    M(F(8), 8);
    t_reverse(8, 0);
    CHILD(CHILD(REVERSED(8)); OK(R(0, 8, 0)); LINEAR(8));
    REVERSED(8);
}

TESTF(T095, "parent exits, the child goes on")
{
    int done[2];
    int fd = F(8);
    M(fd, 8);
    OK(close(fd));
    t_reverse(8, 0);
    OK(pipe(done));
    pid_t middle = t_fork();
    if (!middle) {
        pid_t self = getpid();
        if (!t_fork()) {
            while (getppid() == self)
                t_nap(1000);
            REVERSED(8);
            put(0, 70);
            t_reverse(8, 0);
            TAGS(70, 6, 5, 4, 3, 2, 1, 0);
            tell(done[1]);
            _exit(0);
        }
        _exit(0);
    }
    t_join(middle);
    OK(munmap(A, 8 * P));
    OK(close(done[1]));
    hear(done[0]);
}

TESTF_DIFF(T096, "R9", "DONTFORK")
{
    M(F(8), 8);
    OK(madvise(A, 8 * P, MADV_DONTFORK));
    OK(R(1, 1, 5));
    CHILD(for (size_t i = 0; i < 8; i++) HOLE_AT(i));
    TAGS(0, 5, 2, 3, 4, 5, 6, 7);
    OK(madvise(A, 8 * P, MADV_DOFORK));
    CHILD(TAGS(0, 5, 2, 3, 4, 5, 6, 7));
}

/* After exec: nothing of the old address space is left at the address in argv. */
static int helper(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    unsigned char *at = (unsigned char *)strtoul(argv[1], NULL, 16);
    unsigned char vec[1];
    if (strcmp(argv[2], "gone") || mincore(at, P, vec) == 0 || errno != ENOMEM)
        return 3;
    return t_lines(at, 64) == 0 ? 0 : 4;
}

TESTF(T097, "exec")
{
    M(F(64), 64);
    t_reverse(64, 0);
    char at[32];
    snprintf(at, sizeof(at), "%lx", (unsigned long)(uintptr_t)A);
    char *argv[] = {"t", "--helper", at, "gone", NULL}, *envp[] = {NULL};
    pid_t pid = t_fork();
    if (!pid) {
        execve(t_exe, argv, envp);
        FAIL("execve: %s", strerror(errno));
    }
    t_join(pid);
    REVERSED(64);
}

/* The harness compares the free pages: nothing of a thousand address spaces may stay. */
TEST(T098, "exit leak")
{
    const size_t n = 256;
    int fd = F(n);
    uint64_t seed = 98;
    for (int i = 0; i < 1000; i++) {
        CHILD({
            M(fd, n);
            for (int k = 0; k < 1000; k++) {
                uint64_t x = t_random(&seed);
                OK(RF(x % n, 1, x / n % n, MAP_NONBLOCK));
            }
            (void)tag(0);
            put(n - 1, i);
        });
        t_random(&seed);
    }
}

static volatile int sink;

TESTF(T103, "vfork child remaps")
{
    M(F(8), 8);
    LINEAR(8);
    pid_t pid = vfork();
    if (pid == 0) {
        sink = R(0, 1, 5);
        _exit(sink ? 1 : 0);
    }
    CHECK(pid > 0);
    t_join(pid);
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
}

TESTF(R36, "one page at many addresses, in two processes and by read")
{
    int fd = F(8);
    M(fd, 8);
    for (size_t i = 0; i < 4; i++)
        OK(R(i, 1, 7));
    int to[2], from[2];
    OK(pipe(to));
    OK(pipe(from));
    pid_t pid = t_fork();
    if (!pid) {
        for (int v = 100; v < 110; v++) {
            hear(to[0]);
            TAGS(v, v, v, v, 4, 5, 6, v);
            put(v % 4, v + 1000);
            tell(from[1]);
        }
        _exit(0);
    }
    for (int v = 100; v < 110; v++) {
        put(v % 4, v);
        tell(to[1]);
        hear(from[0]);
        EQ(tag(3), v + 1000);
        EQ(t_tag_in_file(fd, 7), v + 1000);
    }
    t_join(pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
