/* SPDX-License-Identifier: MIT
 *
 * Commitments: what counts in Committed_AS and comes back exactly, and the three settings of
 * vm.overcommit_memory. Settings are changed inside Tessera only.
 */
#include "tests/user/t.h"
#include <sys/shm.h>

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS, N = 4096 };

static long committed(void)
{
    return t_meminfo("Committed_AS") / 4;
}

static void set(const char *name, long value)
{
    char path[64];
    FILE *f;
    snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
    f = fopen(path, "w");
    CHECK(f && fprintf(f, "%ld\n", value) > 0);
    EQ(fclose(f), 0);
}

static void only_here(void)
{
    if (!t_tessera)
        SKIP("looks at or changes the state of the whole machine");
}

/* The count grows by `more` pages with what is done and is back after what undoes it. */
#define BALANCE(more, act, undo)                  \
    do {                                          \
        long t_before = committed();              \
        act;                                      \
        EQ(committed() - t_before, (long)(more)); \
        undo;                                     \
        EQ(committed() - t_before, 0);            \
    } while (0)

TEST(COMMIT_kinds, "what is committed: private writable and shared memory, not more")
{
    unsigned char *p;
    int fd = F(1);
    only_here();
    OK(ftruncate(fd, N * P));
    BALANCE(N, p = t_map(NULL, N, RW, ANON, -1, 0), munmap(p, N * P));
    BALANCE(0, p = t_map(NULL, N, PROT_READ, ANON, -1, 0), munmap(p, N * P));
    BALANCE(0, p = t_map(NULL, N, RW, ANON | MAP_NORESERVE, -1, 0), munmap(p, N * P));
    BALANCE(N, p = t_map(NULL, N, RW, MAP_PRIVATE, fd, 0), munmap(p, N * P));
    BALANCE(0, p = t_map(NULL, N, RW, MAP_SHARED, fd, 0), munmap(p, N * P));
    BALANCE(N, p = t_map(NULL, N, 0, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
            munmap(p, N * P));
    BALANCE(2, EQ(pwrite(fd, "x", 1, 8 * P) + pwrite(fd, "x", 1, 9 * P), 2),
            ftruncate(fd, P));
    int id = -1;
    BALANCE(N, id = shmget(IPC_PRIVATE, N * P, 0600), shmctl(id, IPC_RMID, NULL));
}

TEST(COMMIT_calls, "mprotect, mremap, brk, MAP_FIXED, parts of a mapping")
{
    unsigned char *p = t_map(NULL, N, PROT_NONE, ANON, -1, 0), *q;
    only_here();
    BALANCE(16, mprotect(p + P, 16 * P, RW), mprotect(p + P, 16 * P, PROT_NONE));
    EQ(t_lines(p, N), 1);
    BALANCE(16, (mprotect(p, 16 * P, RW), p[0] = 1, mprotect(p, 16 * P, PROT_READ)),
            munmap(p, N * P));
    p = t_map(NULL, 16, RW, ANON, -1, 0);
    BALANCE(N - 16, p = mremap(p, 16 * P, N * P, MREMAP_MAYMOVE),
            p = mremap(p, N * P, 16 * P, 0));
    BALANCE(16, q = mremap(p, 16 * P, 16 * P, MREMAP_MAYMOVE | 4 /* DONTUNMAP */),
            munmap(q, 16 * P));
    BALANCE(-4, munmap(p + 4 * P, 4 * P),
            mmap(p + 4 * P, 4 * P, RW, ANON | MAP_FIXED, -1, 0));
    BALANCE(0, mmap(p, 16 * P, RW, ANON | MAP_FIXED, -1, 0), (void)0);
    long top = syscall(SYS_brk, 0);
    BALANCE(N, syscall(SYS_brk, top + (long)(N * P)), syscall(SYS_brk, top));
}

TEST(COMMIT_fork, "fork commits what the child may write; exit and exec give it back")
{
    int go[2], there[2];
    char c;
    only_here();
    OK(pipe(go));
    OK(pipe(there));
    t_map(NULL, N, RW, ANON, -1, 0);
    long before = committed();
    pid_t pid = t_fork();
    if (!pid) {
        EQ(write(there[1], "x", 1), 1);
        EQ(read(go[0], &c, 1), 1);
        execl("/bin/busybox", "sleep", "0", (char *)NULL);
        _exit(0);
    }
    EQ(read(there[0], &c, 1), 1);
    CHECK(committed() - before >= N);
    EQ(write(go[1], "x", 1), 1);
    EQ(t_status_of(pid), 0);
    EQ(committed() - before, 0);
}

TEST(COMMIT_guess, "by default a single piece larger than the machine is refused")
{
    size_t huge = 100ul << 30;
    ERR(t_raw_mmap(0, huge, RW, ANON, -1, 0), ENOMEM);
    ERR(t_raw_mmap(0, huge, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
    OK(mmap(NULL, huge, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    unsigned char *p = mmap(NULL, huge, PROT_READ, ANON, -1, 0);
    CHECK(p != MAP_FAILED);
    ERR(mprotect(p, huge, RW), ENOMEM);
    OK(mprotect(p, P, RW));
}

TEST(COMMIT_never, "vm.overcommit_memory 2: the sum stays below CommitLimit")
{
    size_t n = 0;
    unsigned char *p, *ro;
    long limit;
    only_here();
    limit = committed() + N + 1024;
    set("overcommit_kbytes", limit * 4);
    set("overcommit_memory", 2);
    EQ(t_meminfo("CommitLimit") / 4, limit);
    ro = t_map(NULL, N, PROT_READ, ANON, -1, 0);
    while (n < 64 && mmap(NULL, 256 * P, RW, ANON | MAP_NORESERVE, -1, 0) != MAP_FAILED)
        n++;
    EQ(errno, ENOMEM);
    CHECK(n > 4 && n <= (N + 1024) / 256);
    ERR(mprotect(ro, N * P, RW), ENOMEM);
    ERR(t_raw_mmap(0, 300 * P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
    p = t_map(NULL, 8, RW, ANON, -1, 0);
    ERR(mremap(p, 8 * P, 400 * P, MREMAP_MAYMOVE), ENOMEM);
    CHECK(t_meminfo("Committed_AS") <= t_meminfo("CommitLimit"));
    set("overcommit_memory", 1);
    OK(mmap(NULL, 1ul << 40, RW, ANON, -1, 0));
    set("overcommit_memory", 0);
    set("overcommit_ratio", 50);
    CHECK(t_meminfo("CommitLimit") <= t_meminfo("MemTotal") / 2);
}

TEST(commit_merge,
     "mprotect of a used area that grows into an unused one of the same rights")
{
    unsigned char *p = t_map(NULL, 10, RW, ANON, -1, 0);
    *p = 1;
    OK(mprotect(p + 5 * P, 5 * P, PROT_READ));
    OK(mprotect(p + 2 * P, 6 * P, PROT_READ));
    EQ(t_write(p + P, 1), 0);
    EQ(t_write(p + 2 * P, 1), SIGSEGV);
    EQ(t_write(p + 9 * P, 1), SIGSEGV);
    OK(mprotect(p, 10 * P, RW));
    EQ(t_write(p + 9 * P, 1), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
