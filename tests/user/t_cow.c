/* SPDX-License-Identifier: MIT
 *
 * Copy on write after fork: every order of writers, generations, the kernel as writer
 * (R-56 of the test plan).
 */
#include "tests/user/t.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned char *anon(size_t n)
{
    return t_map(NULL, n, RW, ANON, -1, 0);
}

TEST(R56_order, "copy on write: the first writer")
{
    unsigned char *p = anon(2);
    for (int first = 0; first < 2; first++) {
        int to[2], from[2];
        char c = 0;
        p[0] = 1;
        p[P] = 2;
        OK(pipe(to));
        OK(pipe(from));
        pid_t pid = t_fork();
        if (!pid) {
            if (first == 1) {
                EQ(read(to[0], &c, 1), 1);
                EQ(p[0], 1);
            }
            p[0] = 10;
            EQ(write(from[1], "x", 1), 1);
            if (first == 0)
                EQ(read(to[0], &c, 1), 1);
            EQ(p[0], 10);
            EQ(p[P], 2);
            _exit(0);
        }
        if (first == 0)
            EQ(read(from[0], &c, 1), 1);
        EQ(p[0], 1);
        p[0] = 20;
        p[P] = 21;
        EQ(write(to[1], "x", 1), 1);
        t_join(pid);
        EQ(p[0], 20);
        EQ(p[P], 21);
        for (int k = 0; k < 2; k++)
            close(to[k]), close(from[k]);
    }
}

TEST(R56_deep, "copy on write: grandchildren, three ways")
{
    unsigned char *p = anon(64);
    memset(p, 1, 64 * P);
    CHILD({
        memset(p, 2, 32 * P);
        CHILD({
            EQ(p[0], 2);
            EQ(p[63 * P], 1);
            memset(p + 16 * P, 3, 32 * P);
            EQ(p[15 * P], 2);
            CHILD(EQ(p[16 * P], 3); EQ(p[48 * P], 1); p[16 * P] = 4);
            EQ(p[16 * P], 3);
        });
        EQ(p[16 * P], 2);
        EQ(p[40 * P], 1);
    });
    for (size_t i = 0; i < 64; i++)
        EQ(p[i * P], 1);
}

TEST(R56_last, "copy on write: the last owner takes the page back")
{
    enum { N = 64 };
    unsigned char *p = anon(N);
    memset(p, 1, N * P);
    CHILD(p[0] = 2);
    long before = t_meminfo("FreePages");
    memset(p, 3, N * P);
    if (t_tessera)
        EQ(before - t_meminfo("FreePages"), 0);
}

TEST(R56_syscall, "copy on write: the kernel writes too")
{
    int fd = F(1);
    unsigned char *p = anon(1);
    p[100] = 1;
    CHILD({
        EQ(pread(fd, p, 8, 0), 8);
        EQ(t_tag_at(p), 0);
        EQ(p[100], 1);
    });
    EQ(p[0], 0);
    A = t_map(NULL, 1, RW, MAP_PRIVATE, fd, 0);
    EQ(tag(0), 0);
    EQ(pread(fd, A + 8, 8, 0), 8);
    uint64_t in_file;
    EQ(pread(fd, &in_file, 8, 8), 8);
    EQ(in_file, 0);
}

TEST(R56_protect, "copy on write and mprotect")
{
    unsigned char *p = anon(2);
    p[0] = p[P] = 1;
    CHILD({
        OK(mprotect(p, P, PROT_READ));
        OK(mprotect(p, P, RW));
        p[0] = 2;
    });
    EQ(p[0], 1);
    OK(mprotect(p, 2 * P, PROT_READ));
    CHILD(FAULT(t_write(p, 2), SIGSEGV, SEGV_ACCERR, p); OK(mprotect(p, P, RW));
          p[0] = 3);
    EQ(p[0], 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
