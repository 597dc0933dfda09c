/* SPDX-License-Identifier: MIT
 *
 * Where mappings go that name no place, or only a wish: the search from the top, the one from a base where
 * that finds nothing, wishes of mmap and mremap; and memory without rights seen from outside.
 */
#include "tests/user/t.h"

#define RW_     (PROT_READ | PROT_WRITE)
#define NOTHING (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define LEAST   (1ul << 21)
#define MOST    (1ul << 46)

static char *reserve(size_t len)
{
    return mmap(NULL, len, PROT_NONE, NOTHING, -1, 0);
}

TEST(R25_full,
     "an address space is filled to the last hole, also above the first mapping")
{
    char *first = reserve(LEAST), *at, *sole;
    bool above = false;
    uint64_t total = 0;

    CHECK(first != MAP_FAILED);
    sole = mmap(NULL, P, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(sole != MAP_FAILED);
    *sole = 7;
    for (size_t len = MOST; len >= LEAST; len /= 2)
        while ((at = reserve(len)) != MAP_FAILED) {
            above |= at > first;
            total += len;
        }
    EQ(errno, ENOMEM);
    CHECK(above);
    CHECK(total > (1ul << 47) - (1ul << 32));
    ERR(mremap(sole, P, LEAST, MREMAP_MAYMOVE), ENOMEM);
    EQ(*sole, 7);
    /* A hole in the upper part is found by both calls: nothing is left below. */
    OK(munmap(first, LEAST));
    at = mmap(NULL, LEAST, RW_, NOTHING, -1, 0);
    CHECK(at > first - LEAST &&
          at < first + LEAST); /* what was left beside it is free too */
    OK(munmap(at, LEAST));
    first = at;
    at = mremap(sole, P, LEAST, MREMAP_MAYMOVE);
    CHECK(at == first || at == sole); /* where it is, if the hole follows it */
    EQ(*at, 7);
}

/* Not the library's, which passes the address on with MREMAP_FIXED only. */
static char *move(const void *old, size_t old_len, size_t len, int flags, const void *to)
{
    return (char *)syscall(SYS_mremap, old, old_len, len, flags, to);
}

TEST(R26_wish, "MREMAP_DONTUNMAP takes its address as a wish")
{
    char *old = mmap(NULL, 2 * P, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *hole = reserve(16 * P), *at;
    int how = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;

    CHECK(old != MAP_FAILED && hole != MAP_FAILED);
    old[P] = 5;
    OK(munmap(hole + 4 * P, 8 * P));
    at = move(old, 2 * P, 2 * P, how, hole + 6 * P);
    EQ((uintptr_t)at, (uintptr_t)(hole + 6 * P));
    EQ(at[P], 5);
    EQ(old[P], 0);
    /* Not free, or too near to what follows: elsewhere. */
    old[0] = 6;
    at = move(old, 2 * P, 2 * P, how, hole + 7 * P);
    CHECK(at != MAP_FAILED && at != hole + 7 * P);
    EQ(at[0], 6);
    at = move(old, 2 * P, 2 * P, how, hole + 11 * P);
    CHECK(at != MAP_FAILED && at != hole + 11 * P);
    ERR(move(old, 2 * P, 2 * P, how, hole + 4 * P + 1), EINVAL);
    ERR(move(old, 2 * P, 3 * P, how, hole), EINVAL);
    ERR(move(old, 2 * P, 2 * P, MREMAP_DONTUNMAP, hole), EINVAL);
}

/* What /proc/PID/mem says of one byte: -1 with errno. */
static int byte_of(pid_t pid, const void *at)
{
    char path[40];
    unsigned char byte;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        FAIL("%s: %s", path, strerror(errno));
    n = pread(fd, &byte, 1, (off_t)(uintptr_t)at);
    close(fd);
    return n == 1 ? byte : -1;
}

TEST(R24_hidden, "memory without rights is read through /proc/PID/mem, in a table that a "
                 "child shares too")
{
    size_t len = 2 * LEAST;
    char *all = mmap(NULL, 2 * len, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;
    int fd = F(2);
    char *of_file = mmap(NULL, 4 * P, PROT_NONE, MAP_PRIVATE, fd, 0);
    pid_t child;

    CHECK(all != MAP_FAILED && of_file != MAP_FAILED);
    at = (char *)(((uintptr_t)all + len) & -len);
    for (size_t i = 0; i < len; i += P)
        at[i] = (char)(i / P % 100 + 1);
    OK(munmap(at + 9 * P, P));
    CHECK(mmap(at + 9 * P, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) != MAP_FAILED);
    child = t_fork();
    if (!child) {
        OK(mprotect(at, len, PROT_NONE));
        OK(kill(getpid(), SIGSTOP));
        _exit(0);
    }
    OK(mprotect(at, LEAST, PROT_NONE));
    for (int who = 0; who < 2; who++) {
        pid_t pid = who ? child : getpid();

        if (who)
            EQ(waitpid(child, NULL, WUNTRACED), child);
        EQ(byte_of(pid, at + 7 * P), 8);
        EQ(byte_of(pid, at + 9 * P), 0); /* never touched */
        EQ(byte_of(pid, at + LEAST + 3 * P), (LEAST / P + 3) % 100 + 1);
        EQ(byte_of(pid, of_file + P), 1001 & 0xff);
        EQ(byte_of(pid, of_file + 3 * P), -1); /* beyond the end */
        EQ(errno, EIO);
    }
    OK(kill(child, SIGCONT));
    t_join(child);
    OK(mprotect(at, len, RW_));
    for (size_t i = 0; i < len; i += P)
        EQ(at[i], i == 9 * P ? 0 : i / P % 100 + 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
