/* SPDX-License-Identifier: MIT
 *
 * The calls of user/include/tessera.h and mremap on huge pages. On a system without them the
 * cases skip.
 */
#include "tests/user/t_hugepool.h"
#include "user/include/tessera.h"

#define PH (H / P)
#define N  5u
#define RW (PROT_READ | PROT_WRITE)
#define V(i, p)                                         \
    {                                                   \
        (uint64_t)(uintptr_t)(A + (i)*H), (p)*PH, PH, 0 \
    }

/* A shared mapping of N huge pages, page k with 1000+k at both its ends. */
static int open_map(void)
{
    int fd;
    if (remapv(NULL, 0, 0) < 0)
        SKIP("no remapv");
    fd = (int)syscall(SYS_memfd_create, "huge", MFD_HUGETLB);
    OK(fd);
    OK(ftruncate(fd, (off_t)(N * H)));
    A = mmap(NULL, N * H, RW, MAP_SHARED, fd, 0);
    if (A == MAP_FAILED && errno == ENOMEM)
        SKIP("no huge pages");
    OK(A);
    for (size_t i = 0; i < N; i++)
        *(long *)(A + i * H) = *(long *)(A + (i + 1) * H - 8) = 1000 + (long)i;
    return fd;
}

/* What the slots show, read through them and asked for. */
static void shows(const unsigned char *at, const unsigned *page, size_t n)
{
    static uint64_t words[N * PH];
    OK(remap_query(at, n * H, words));
    for (size_t i = 0; i < n; i++) {
        EQ(words[i * PH] & RMQ_PGOFF, page[i] * PH);
        EQ(words[i * PH + 77] & RMQ_PGOFF, page[i] * PH + 77);
        EQ(*(volatile long *)(at + i * H), 1000 + (long)page[i]);
        EQ(*(volatile long *)(at + (i + 1) * H - 8), 1000 + (long)page[i]);
    }
}
#define SHOWS(...) shows(A, (const unsigned[]){__VA_ARGS__}, N)

TEST(HC01, "remapv: a vector of huge pages, atomic or not")
{
    open_map();
    EQ(remapv((struct remap_vec[]){V(0, 4), V(1, 4), V(4, 0)}, 3, 0), 3);
    SHOWS(4, 4, 2, 3, 0);
    EQ(remapv((struct remap_vec[]){V(0, 0), V(1, 1), V(4, 4)}, 3, RM_ATOMIC), 3);
    SHOWS(0, 1, 2, 3, 4);
    struct remap_vec bad[] = {V(0, 1), V(1, 2), V(2, 3)};
    bad[1].npages = 5;
    ERR(remapv(bad, 3, RM_ATOMIC), EINVAL);
    SHOWS(0, 1, 2, 3, 4);
    EQ(remapv(bad, 3, 0), 1);
    bad[0].pgoff = 3;
    ERR(remapv(bad, 1, 0), EINVAL);
    bad[0].pgoff = 0;
    bad[0].addr += P;
    ERR(remapv(bad, 1, 0), EINVAL);
    SHOWS(1, 1, 2, 3, 4);
}

TEST(HC02, "remapv: huge and small pages in one vector")
{
    open_map();
    int fd = F(8);
    unsigned char *small = t_map(NULL, 8, RW, MAP_SHARED, fd, 0);
    struct remap_vec v[] = {V(0, 1), {(uint64_t)(uintptr_t)small, 5, 1, 0},
                            V(1, 0), {(uint64_t)(uintptr_t)small + P, 6, 2, 0},
                            V(0, 0), {(uint64_t)(uintptr_t)small, 0, 1, 0}};
    uint64_t words[8];
    EQ(remapv(v, 6, 0), 6);
    SHOWS(0, 0, 2, 3, 4);
    OK(remap_query(small, 8 * P, words));
    EQ(words[0] & RMQ_PGOFF, 0);
    EQ(words[2] & RMQ_PGOFF, 7);
}

TEST(HC03, "swap and rotate")
{
    open_map();
    OK(remap_swap(A, A + 3 * H, 2 * H));
    SHOWS(3, 4, 2, 0, 1);
    ERR(remap_swap(A, A + 3 * H, P), EINVAL);
    ERR(remap_swap(A + P, A + 3 * H, H), EINVAL);
    OK(remap_rotate(A, N * H, (ssize_t)PH));
    SHOWS(1, 3, 4, 2, 0);
    OK(remap_rotate(A + H, 3 * H, -2 * (ssize_t)PH));
    SHOWS(1, 2, 3, 4, 0);
    ERR(remap_rotate(A, N * H, 3), EINVAL);
    OK(remap_rotate(A, N * H, -(ssize_t)PH * 4));
    SHOWS(0, 1, 2, 3, 4);
}

TEST(HC04, "clone: the arrangement, at an address of huge pages; truncate reaches it")
{
    int fd = open_map();
    unsigned char *c;
    OK(remap_swap(A, A + 3 * H, 2 * H));
    ERR((intptr_t)remap_clone(A, H + P, RW), EINVAL);
    c = remap_clone(A + H, 3 * H, RW);
    OK(c);
    EQ((uintptr_t)c % H, 0);
    shows(c, (const unsigned[]){4, 2, 0}, 3);
    OK(remap_swap(c, c + H, H)); /* its own from now on */
    shows(c, (const unsigned[]){2, 4, 0}, 3);
    SHOWS(3, 4, 2, 0, 1);
    OK(ftruncate(fd, (off_t)(2 * H)));
    FAULT(t_read(c), SIGBUS, BUS_ADRERR, c);
    FAULT(t_read(A), SIGBUS, BUS_ADRERR, A);
    EQ(*(volatile long *)(c + 2 * H), 1000);
    EQ(*(volatile long *)(A + 4 * H), 1001);
}

TEST(HC05,
     "mremap moves an arrangement of huge pages; small pages do not replace huge ones")
{
    open_map();
    unsigned char *to = (unsigned char *)0x300000000, *q;
    OK(remap_rotate(A, N * H, 2 * (ssize_t)PH));
    EQ((uintptr_t)mremap(A, N * H, N * H, MREMAP_MAYMOVE | MREMAP_FIXED, to),
       (uintptr_t)to);
    FAULT(t_read(A), SIGSEGV, SEGV_MAPERR, A);
    shows(to, (const unsigned[]){3, 4, 0, 1, 2}, N);
    ERR(mremap(to, H, H, MREMAP_MAYMOVE | MREMAP_FIXED, to + 8 * H + P), EINVAL);
    EQ((uintptr_t)mremap(to, 2 * H, 2 * H, MREMAP_MAYMOVE | MREMAP_FIXED, to + 3 * H),
       (uintptr_t)(to + 3 * H));
    shows(to + 2 * H, (const unsigned[]){0, 3, 4}, 3);
    q = mmap(NULL, P, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, to + 2 * H), EINVAL);
    q = mmap(to + 16 * H, 3 * H, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(q, 7, 3 * H);
    EQ((uintptr_t)mremap(to + 2 * H, 3 * H, 3 * H, MREMAP_MAYMOVE | MREMAP_FIXED, q),
       (uintptr_t)q);
    shows(q, (const unsigned[]){0, 3, 4}, 3);
}

TEST(HC06, "EPERM: a sealed mapping keeps its arrangement")
{
    open_map();
    if (syscall(462, A, N * H, 0) != 0)
        SKIP("no mseal");
    ERR(remap_swap(A, A + H, H), EPERM);
    ERR(remap_rotate(A, 2 * H, (ssize_t)PH), EPERM);
    ERR(remapv((struct remap_vec[]){V(0, 1)}, 1, 0), EPERM);
    ERR(t_raw_remap(A, H, 0, PH, 0), EPERM);
    SHOWS(0, 1, 2, 3, 4);
}

int main(int argc, char **argv)
{
    return hugepool_main(24, argc, argv);
}
