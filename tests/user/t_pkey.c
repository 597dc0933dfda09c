/* SPDX-License-Identifier: MIT
 *
 * Protection keys: the calls, what a key denies to programs and to calls for them, where memory
 * keeps its key, and execute-only memory. Registers, signals and tracers: t_pkey_thread.c.
 */
#include "tests/user/t_pkey.h"
#include "lib/uapi/futex.h"
#include "tests/user/t_hugepool.h"
#include <sys/uio.h>

static const unsigned char returns_7[] = {0xb8, 7, 0, 0, 0, 0xc3};

/* ---- the calls ---- */

TEST(alloc, "pkey_alloc: 15 keys, its rights, its errors; pkey_free")
{
    unsigned seen = 0;

    need_keys();
    ERR(key_alloc(1, 0), EINVAL);
    ERR(key_alloc(1UL << 40, 0), EINVAL);
    ERR(key_alloc(0, 8), EINVAL);
    ERR(key_alloc(0, 1UL << 32), EINVAL);
    for (unsigned i = 0; i < 15; i++) {
        long key = key_alloc(0, i % 3);

        OK(key);
        CHECK(key > 0 && key < 16 && !(seen & 1u << key));
        EQ(rdpkru() >> 2 * key & 3, i % 3);
        seen |= 1u << key;
    }
    ERR(key_alloc(0, 0), ENOSPC);
    ERR(key_alloc(1, 0), EINVAL);
    OK(key_free(9));
    ERR(key_free(9), EINVAL);
    EQ(key_alloc(0, NO_WRITE), 9);
    EQ(rdpkru() >> 18 & 3, NO_WRITE);
    ERR(key_free(16), EINVAL);
    ERR(key_free(-1), EINVAL);
    ERR(key_free(INT32_MIN), EINVAL);
}

TEST(mprotect_errors, "pkey_mprotect: keys in use only, -1 is mprotect")
{
    int key = new_key(0);
    unsigned char *p = t_map(NULL, 4, RW, ANON, -1, 0);

    ERR(key_mprotect(p, P, RW, key + 1), EINVAL);
    ERR(key_mprotect(p, P, RW, 16), EINVAL);
    ERR(key_mprotect(p, P, RW, -2), EINVAL);
    OK(key_mprotect(p, 0, RW, 16)); /* nothing is looked at */
    ERR(key_mprotect(p + 1, P, RW, key), EINVAL);
    ERR(key_mprotect(p, P, 0x100, key), EINVAL);
    OK(munmap(p + 3 * P, P));
    ERR(key_mprotect(p + 3 * P, P, RW, key), ENOMEM);
    ERR(key_mprotect(p + 3 * P, P, RW, key + 1), EINVAL); /* before the hole */
    OK(key_mprotect(p, P, PROT_READ, -1));
    FAULT(t_write(p, 1), SIGSEGV, SEGV_ACCERR, p);
    OK(key_mprotect(p, P, RW, 0));
    ALLOWED(t_write(p, 1));
    int fd = F(1), reads = t_reopen(fd, O_RDONLY);
    unsigned char *q = t_map(NULL, 1, PROT_READ, MAP_SHARED, reads, 0);
    ERR(key_mprotect(q, P, RW, key), EACCES);
}

TEST(without, "where there are no keys none can be had, and -1 is mprotect all the same")
{
    unsigned char *p = t_map(NULL, 1, RW, ANON, -1, 0);
    long result;
    int count;

    if (have_keys())
        SKIP("there are");
    ERR(key_alloc(0, 0), EINVAL);
    ERR(key_free(0), EINVAL);
    ERR(key_free(1), EINVAL);
    ERR(key_mprotect(p, P, PROT_READ, 0), EINVAL);
    ERR(key_mprotect(p, P, PROT_READ, 1), EINVAL);
    memcpy(p, returns_7, sizeof(returns_7));
    OK(key_mprotect(p, P, PROT_READ, -1));
    FAULT(t_write(p, 1), SIGSEGV, SEGV_ACCERR, p);
    (void)t_smaps(p, 1, "ProtectionKey", &count);
    EQ(count, 0);
    OK(mprotect(p, P, PROT_EXEC));
    ALLOWED(t_read(p)); /* the CPU has no way to keep from it */
    ALLOWED(t_call(p, &result));
    EQ(result, 7);
}

TEST(numbers, "the machine says that it has keys")
{
    unsigned lo, hi;
    char text[8192];

    need_keys();
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    CHECK(lo & 1u << 9);
    int fd = open("/proc/cpuinfo", O_RDONLY);
    OK(fd);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    CHECK(n > 0);
    text[n] = 0;
    CHECK(strstr(text, " pku") && strstr(text, " ospke"));
}

/* ---- what a key denies ---- */

TEST(denies, "a key denies reading or writing, not fetching")
{
    int key = new_key(0);
    unsigned char *p = keyed(3, key);
    long result = 0;

    memcpy(p, returns_7, sizeof(returns_7));
    set_rights(key, NO_WRITE);
    ALLOWED(t_read(p));
    DENIED(t_write(p, 1), p, key);
    DENIED(t_write(p + P, 1), p + P, key); /* not there yet */
    ALLOWED(t_read(p + P));
    DENIED(t_write(p + P, 1), p + P, key); /* the page of zeros */
    set_rights(key, NO_ACCESS);
    DENIED(t_read(p), p, key);
    DENIED(t_read(p + 2 * P + 5), p + 2 * P + 5, key);
    OK(key_mprotect(p, P, PROT_READ | PROT_EXEC, key));
    ALLOWED(t_call(p, &result));
    EQ(result, 7);
    DENIED(t_write(p, 1), p, key); /* both are against it: the key is told */
    OK(key_mprotect(p, P, PROT_NONE, key));
    DENIED(t_read(p), p, key);
    set_rights(key, 0);
    KEPT(FAULT(t_read(p), SIGSEGV, SEGV_ACCERR, p));
    OK(mprotect(p, P, PROT_READ)); /* keeps the key */
    ALLOWED(t_read(p));
    EQ(p[0], returns_7[0]);
    set_rights(key, NO_ACCESS);
    DENIED(t_read(p), p, key);
}

TEST(key_zero, "key 0 can be denied as well, and freed")
{
    unsigned char *p, got;

    need_keys();
    p = t_map(NULL, 2, RW, ANON, -1, 0);
    wrpkru(INITIAL);
    /* Of the stack too: not one store until it is put back. */
    __asm__ volatile(
        "xor %%ecx, %%ecx; xor %%edx, %%edx; mov %2, %%eax; wrpkru; mov (%1), %%r8b;"
        "mov %3, %%eax; wrpkru; mov %%r8b, %0"
        : "=m"(got)
        : "r"(p + P), "i"(INITIAL | NO_WRITE), "i"(INITIAL)
        : "rax", "rcx", "rdx", "r8", "memory");
    EQ(got, 0);
    EQ(rdpkru(), INITIAL);
    pid_t pid = t_fork();
    if (!pid) {
        set_rights(0, NO_ACCESS);
        __asm__ volatile("movb $1, (%0)" ::"r"(p + P) : "memory");
        _exit(0);
    }
    int status =
        t_status_of(pid); /* the handler's stack has key 0, its PKRU allows that */
    CHECK(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
    OK(key_free(0));
    EQ(key_alloc(0, 0), 0);
}

TEST(calls_for_it, "calls read and write for a program what it may itself")
{
    int key = new_key(0), pipes[2], fd = F(2);
    unsigned char *p = keyed(3, key);
    struct iovec iov = {p, 4};

    OK(pipe(pipes));
    memset(p, 'x', P);
    EQ(write(pipes[1], p, 10), 10);
    set_rights(key, NO_WRITE);
    EQ(write(pipes[1], p, 10), 10);
    ERR(read(pipes[0], p, 10), EFAULT);
    ERR(pread(fd, p + P, 10, 0), EFAULT); /* not there yet */
    ERR(readv(fd, &iov, 1), EFAULT);
    ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p), EFAULT);
    set_rights(key, NO_ACCESS);
    ERR(write(pipes[1], p, 10), EFAULT);
    ERR(pwrite(fd, p + 2 * P, 10, 0), EFAULT);
    ERR(open((char *)p, O_RDONLY), EFAULT);
    set_rights(key, 0);
    char text[32];
    EQ(read(pipes[0], text, sizeof(text)), 20);
    EQ(p[0], 'x');
    /* Up to the border of what is allowed. */
    unsigned char *q = t_map(NULL, 2, RW, ANON, -1, 0);
    OK(key_mprotect(q + P, P, RW, key));
    set_rights(key, NO_WRITE);
    EQ(pread(fd, q + P - 8, 16, 0), 8);
}

TEST(others, "who looks from outside is not asked for a key")
{
    int key = new_key(0);
    unsigned char *p = keyed(2, key), text[8];
    struct iovec mine = {text, 8}, its = {p, 8};

    memcpy(p, "abcdefg", 8);
    set_rights(key, NO_ACCESS);
    EQ(syscall(SYS_process_vm_readv, getpid(), &mine, 1, &its, 1, 0), 8);
    CHECK(!memcmp(text, "abcdefg", 8));
    memcpy(text, "ABCDEFG", 8);
    EQ(syscall(SYS_process_vm_writev, getpid(), &mine, 1, &its, 1, 0), 8);
    int fd = open("/proc/self/mem", O_RDWR);
    OK(fd);
    EQ(pread(fd, text, 4, (off_t)(uintptr_t)p + 1), 4);
    CHECK(!memcmp(text, "BCDE", 4));
    EQ(pwrite(fd, "zz", 2, (off_t)(uintptr_t)(p + P)), 2);
    set_rights(key, 0);
    CHECK(p[0] == 'A' && p[P] == 'z');
}

TEST(futexes, "a futex in memory that may not be touched")
{
    int key = new_key(0);
    unsigned char *p = keyed(1, key);
    unsigned char *s = t_map(NULL, 1, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    OK(key_mprotect(s, P, RW, key));
    p[0] = s[0] = 1;
    set_rights(key, NO_ACCESS);
    ERR(syscall(SYS_futex, p, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL), EFAULT);
    ERR(syscall(SYS_futex, s, FUTEX_WAIT, 0, NULL), EFAULT);
    ERR(syscall(SYS_futex, s, FUTEX_WAKE, 1, NULL), EFAULT);
    set_rights(key, NO_WRITE);
    ERR(syscall(SYS_futex, p, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL), EAGAIN);
    ERR(syscall(SYS_futex, s, FUTEX_WAIT, 0, NULL), EAGAIN);
}

TEST(brought_in, "pages are not brought in for who may not touch them")
{
    int key = new_key(NO_ACCESS);
    unsigned char *p = keyed(4, key), vec[4];

    ERR(madvise(p, 4 * P, 22 /* MADV_POPULATE_READ */), EINVAL);
    ERR(mlock(p, 4 * P), ENOMEM);
    DENIED(t_write(p, 1), p, key);
    OK(mincore(p, 4 * P, vec));
    EQ(vec[0] & 1, 0);
    set_rights(key, 0);
    OK(madvise(p, 4 * P, 23 /* MADV_POPULATE_WRITE */));
    OK(mincore(p, 4 * P, vec));
    EQ(vec[3] & 1, 1);
}

/* ---- where memory keeps its key ---- */

/* The key that smaps tells of the area at p. */
static long told(const void *p)
{
    int count;
    long key = t_smaps(p, 1, "ProtectionKey", &count);

    EQ(count, 1);
    return key;
}

TEST(areas, "areas with different keys are different areas; equal ones merge")
{
    int a = new_key(0), b = new_key(0);
    unsigned char *p = t_map(NULL, 8, RW, ANON, -1, 0);

    EQ(told(p), 0);
    EQ(t_lines(p, 8), 1);
    OK(key_mprotect(p + 2 * P, 2 * P, RW, a));
    EQ(t_lines(p, 8), 3);
    EQ(told(p + 2 * P), a);
    OK(key_mprotect(p + 4 * P, 2 * P, RW, b));
    EQ(t_lines(p, 8), 4);
    OK(mprotect(p, 8 * P, PROT_READ)); /* each keeps its own */
    EQ(t_lines(p, 8), 4);
    EQ(told(p + 4 * P), b);
    OK(mprotect(p, 8 * P, RW));
    OK(key_mprotect(p + 3 * P, 2 * P, RW, a));
    EQ(t_lines(p, 8), 4);
    EQ(told(p + 5 * P), b);
    memset(p, 1, 8 * P);
    set_rights(a, NO_ACCESS);
    for (size_t i = 0; i < 8; i++)
        if (i >= 2 && i <= 4)
            DENIED(t_read(p + i * P), p + i * P, a);
        else
            ALLOWED(t_read(p + i * P));
    OK(key_mprotect(p, 8 * P, RW, 0));
    EQ(t_lines(p, 8), 1);
    for (size_t i = 0; i < 8; i++)
        EQ(p[i * P], 1);
}

TEST(many,
     "the keys of many pages at once, present ones of tables of their own and of several")
{
    enum { N = 1300 };
    int key = new_key(0);
    unsigned char *p = keyed(N, key);

    memset(p, 5, N * P);
    set_rights(key, NO_WRITE);
    DENIED(t_write(p + (N - 1) * P, 1), p + (N - 1) * P, key);
    OK(key_mprotect(p, N * P, RW, 0));
    for (size_t i = 0; i < N; i++)
        p[i * P] = 6;
    OK(key_mprotect(p, N * P, PROT_READ, key));
    OK(mprotect(p, N * P, RW)); /* a right that comes back, by the way to a table */
    DENIED(t_write(p + 600 * P, 1), p + 600 * P, key);
    set_rights(key, 0);
    p[600 * P] = 7;
    OK(mprotect(p, N * P, PROT_READ));
    OK(key_mprotect(p, N * P, RW, 0));
    set_rights(key, NO_ACCESS);
    EQ(p[600 * P] + p[601 * P], 13);
    p[602 * P] = 8;
}

TEST(moved, "mremap keeps the key, mmap in its place does not")
{
    int key = new_key(0);
    unsigned char *p = keyed(4, key), *q;

    memset(p, 3, 4 * P);
    set_rights(key, NO_ACCESS);
    q = mremap(p, 4 * P, 64 * P, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    EQ(told(q), key);
    DENIED(t_read(q + 3 * P), q + 3 * P, key);
    DENIED(t_read(q + 50 * P), q + 50 * P, key);
    t_map(q + P, 1, RW, ANON | MAP_FIXED, -1, 0);
    EQ(told(q + P), 0);
    ALLOWED(t_write(q + P, 1));
    DENIED(t_read(q), q, key);
    OK(munmap(q, 64 * P));
    q = t_map(q, 64, RW, ANON | MAP_FIXED, -1, 0);
    ALLOWED(t_write(q, 1));
    unsigned char *s = t_map(NULL, 2, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(key_mprotect(s, 2 * P, RW, key));
    q = mremap(s, 0, 2 * P, MREMAP_MAYMOVE); /* a second view of it */
    CHECK(q != MAP_FAILED);
    EQ(told(q), key);
    DENIED(t_read(q), q, key);
}

TEST(freed, "a freed key stays where it is, and is the next one's")
{
    int key = new_key(NO_ACCESS);
    unsigned char *p = keyed(1, key);

    OK(key_free(key));
    DENIED(t_read(p), p, key);
    ERR(key_mprotect(p, P, PROT_READ, key), EINVAL);
    EQ(key_alloc(0, NO_WRITE), key);
    ALLOWED(t_read(p));
    DENIED(t_write(p, 1), p, key);
}

TESTF(rearranged, "a rearranged window has the key of its area")
{
    int key = new_key(0);

    M(F(8), 8);
    OK(R(0, 2, 4));
    OK(key_mprotect(A, 8 * P, RW, key));
    TAGS(4, 5, 2, 3, 4, 5, 6, 7);
    set_rights(key, NO_WRITE);
    OK(R(2, 1, 7));
    OK(RF(3, 1, 6, MAP_NONBLOCK));
    TAGS(4, 5, 7, 6, 4, 5, 6, 7);
    for (size_t i = 0; i < 8; i++)
        DENIED(t_write(A + i * P, 1), A + i * P, key);
    set_rights(key, NO_ACCESS);
    OK(R(5, 1, 0));
    OK(R(0, 1, 0)); /* home again */
    for (size_t i = 0; i < 8; i++)
        DENIED(t_read(A + i * P), A + i * P, key);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
    set_rights(key, 0);
    TAGS(0, 5, 7, 6, 4, 0, 6, 7);
    put(5, 44);
    EQ(tag(0), 44);
}

TESTF(neighbours, "neighbours that a fault brings have the key as well")
{
    enum { N = 64 };
    int fd = F(N), key = new_key(0);
    unsigned char *p = t_map(NULL, N, PROT_READ, MAP_PRIVATE, fd, 0);

    OK(key_mprotect(p, N * P, RW, key));
    ALLOWED(t_read(p));
    ALLOWED(t_read(p + P));
    set_rights(key, NO_ACCESS);
    for (size_t i = 0; i < N; i++)
        DENIED(t_read(p + i * P), p + i * P, key);
    set_rights(key, 0);
    p[9 * P] = 1; /* a copy */
    set_rights(key, NO_WRITE);
    DENIED(t_write(p + 9 * P, 2), p + 9 * P, key);
    M(fd, N);
    OK(key_mprotect(A, N * P, RW, key));
    t_reverse(N, MAP_NONBLOCK);
    for (size_t i = 0; i < N; i++)
        ALLOWED(t_read(A + i * P));
    for (size_t i = 0; i < N; i++)
        DENIED(t_write(A + i * P, 2), A + i * P, key);
}

TEST(huge, "huge pages have keys")
{
    int key = new_key(0);
    unsigned char *p = mmap(NULL, 2 * H, RW, ANON | MAP_HUGETLB, -1, 0);

    if (p == MAP_FAILED && !t_tessera)
        SKIP("no huge pages");
    OK(p);
    p[0] = p[H] = 1;
    OK(key_mprotect(p + H, H, RW, key));
    ERR(key_mprotect(p + H, P, RW, key), EINVAL);
    set_rights(key, NO_WRITE);
    DENIED(t_write(p + H + 12345, 2), p + H + 12345, key);
    ALLOWED(t_read(p + H));
    ALLOWED(t_write(p, 2));
    set_rights(key, NO_ACCESS);
    DENIED(t_read(p + 2 * H - 1), p + 2 * H - 1, key);
    CHILD(DENIED(t_read(p + H), p + H, key); set_rights(key, 0); EQ(p[H], 1); p[H] = 3);
    set_rights(key, 0);
    EQ(p[H], 1);
}

TEST(forked, "fork hands on keys, rights and memory; each goes on with its own")
{
    enum { N = 600 };
    int key = new_key(0), more;
    unsigned char *p = keyed(N, key);

    memset(p, 1, N * P);
    set_rights(key, NO_WRITE);
    pid_t pid = t_fork();
    if (!pid) {
        EQ(rdpkru() >> 2 * key & 3, NO_WRITE);
        EQ(told(p), key);
        DENIED(t_write(p, 2), p, key);
        ALLOWED(t_read(p));
        EQ(key_alloc(0, 0), key + 1);
        OK(key_mprotect(p, N * P, RW, key + 1));
        memset(p, 2, N * P);
        OK(key_free(key));
        _exit(0);
    }
    t_join(pid);
    EQ(told(p), key);
    EQ(p[0], 1);
    DENIED(t_write(p, 2), p, key);
    more = (int)key_alloc(0, 0);
    EQ(more, key + 1); /* what the child took is the child's */
    OK(key_free(key));
}

/* ---- execute-only memory ---- */

TEST(exec_only,
     "PROT_EXEC alone takes a key that denies reading; other rights give it back")
{
    unsigned char *p, text[8];
    long result = 0;
    int pipes[2];

    need_keys();
    OK(pipe(pipes));
    p = t_map(NULL, 3, RW, ANON, -1, 0);
    memcpy(p, returns_7, sizeof(returns_7));
    memcpy(p + 2 * P, returns_7, sizeof(returns_7));
    OK(mprotect(p, P, PROT_EXEC));
    int key = (int)told(p);
    CHECK(key > 0);
    DENIED(t_read(p), p, key);
    ERR(write(pipes[1], p, 4), EFAULT);
    ALLOWED(t_call(p, &result));
    EQ(result, 7);
    EQ(rdpkru() >> 2 * key & 3, NO_ACCESS);
    /* The key is nobody else's. */
    ERR(key_free(key), EINVAL);
    ERR(key_mprotect(p + P, P, RW, key), EINVAL);
    for (int i = 0; i < 14; i++)
        CHECK(key_alloc(0, 0) != key);
    ERR(key_alloc(0, 0), ENOSPC);
    set_rights(key, 0); /* by a thread that should not */
    ALLOWED(t_read(p));
    OK(mprotect(p + 2 * P, P, PROT_EXEC)); /* denies it again */
    DENIED(t_read(p), p, key);
    EQ(told(p + 2 * P), key);
    OK(mprotect(p, P, PROT_READ | PROT_EXEC));
    EQ(told(p), 0);
    ALLOWED(t_read(p));
    memcpy(text, p, 6);
    CHECK(!memcmp(text, returns_7, 6));
    unsigned char *q = t_map(NULL, 1, PROT_EXEC, ANON, -1, 0);
    EQ(told(q), key);
    DENIED(t_read(q), q, key);
    OK(key_mprotect(q, P, PROT_EXEC, 0)); /* who names a key gets it */
    EQ(told(q), 0);
    ALLOWED(t_read(q));
    CHILD(DENIED(t_read(p + 2 * P), p + 2 * P, key); ERR(key_free(key), EINVAL));
}

TEST(exec_only_none, "without a free key PROT_EXEC is what it was")
{
    unsigned char *p;

    need_keys();
    p = t_map(NULL, 1, RW, ANON, -1, 0);
    for (int i = 0; i < 15; i++)
        OK(key_alloc(0, 0));
    OK(key_mprotect(p, P, RW, 3));
    OK(mprotect(p, P, PROT_EXEC));
    EQ(told(p), 3);
    ALLOWED(t_read(p));
}

int main(int argc, char **argv)
{
    return hugepool_main(8, argc, argv);
}
