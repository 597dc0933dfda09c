/* SPDX-License-Identifier: MIT
 *
 * The calls of user/include/tessera.h: vectors, exchange, rotation, query, clone. On a system
 * without them only the first case runs.
 */
#include "tests/user/t.h"
#include "user/include/tessera.h"

/* Entry: n pages at page index i of A show file pages from p on. */
#define E(i, n, p)                                    \
    {                                                 \
        (uint64_t)(uintptr_t)(A + (i)*P), (p), (n), 0 \
    }
#define V(flags, ...)                                                                  \
    remapv((const struct remap_vec[]){__VA_ARGS__},                                    \
           sizeof((const struct remap_vec[]){__VA_ARGS__}) / sizeof(struct remap_vec), \
           flags)

static void need(void)
{
    if (remapv(NULL, 0, 0) < 0)
        SKIP("no remapv");
}

/* A shared mapping of the first n pages of a file with m pages. */
static int open_map(size_t m, size_t n)
{
    need();
    int fd = F(m);
    M(fd, n);
    return fd;
}

static uint64_t *query(size_t n)
{
    static uint64_t words[64];
    OK(remap_query(A, n * P, words));
    return words;
}

TEST(RV01, "here, or ENOSYS")
{
    if (t_tessera) {
        EQ(remapv(NULL, 0, 0), 0);
    } else {
        uint64_t word;
        ERR(remapv(NULL, 0, 0), ENOSYS);
        ERR(remap_swap(&word, &word, P), ENOSYS);
        ERR(remap_rotate(&word, P, 1), ENOSYS);
        ERR(remap_query(&word, P, &word), ENOSYS);
        ERR(remap_clone(&word, P, PROT_READ), ENOSYS);
    }
    for (long nr = 1005; nr < 1010; nr++)
        if (nr != 1007) /* a call of debug kernels */
            ERR(syscall(nr), ENOSYS);
    ERR(syscall(999), ENOSYS);
}

/* ---- remapv ---- */

TESTF(RV02, "a vector")
{
    open_map(8, 8);
    EQ(V(0, E(0, 1, 7), E(2, 3, 4), E(7, 1, 0)), 3);
    TAGS(7, 1, 4, 5, 6, 5, 6, 0);
    put(0, 70);
    EQ(tag(0), 70);
}

TESTF(RV03, "order: later entries win; aliases")
{
    open_map(8, 8);
    EQ(V(0, E(0, 8, 0), E(0, 4, 4), E(1, 1, 2), E(1, 1, 3), E(5, 1, 3)), 5);
    TAGS(4, 3, 6, 7, 4, 3, 6, 7);
    put(1, 33);
    EQ(tag(5), 33);
    EQ(V(RM_ATOMIC, E(0, 1, 1), E(0, 1, 2), E(0, 1, 0)), 3);
    EQ(tag(0), 0);
}

TESTF(RV04, "home again leaves no trace")
{
    open_map(8, 8);
    for (unsigned fl = 0; fl < 4; fl++) {
        EQ(V(fl, E(0, 1, 7), E(3, 1, 5)), 2);
        EQ(V(fl, E(0, 1, 0), E(3, 1, 3)), 2);
        LINEAR(8);
        EQ(V(fl, E(0, 8, 3), E(0, 8, 0), E(2, 2, 6), E(2, 2, 2)), 4);
        LINEAR(8);
        EQ(t_lines(A, 8), 1);
        for (size_t i = 0; i < 8; i++)
            EQ(query(8)[i] & RMQ_AWAY, 0);
    }
}

TESTF(RV05, "atomic: a failing entry in the middle changes nothing")
{
    open_map(8, 8);
    OK(R(5, 1, 1));
    ERR(V(RM_ATOMIC, E(0, 1, 7), E(9, 1, 0), E(1, 1, 6)), EINVAL);
    ERR(V(RM_ATOMIC, E(0, 1, 7), E(1, 1, 6), E(2, 0, 5)), EINVAL);
    ERR(V(RM_ATOMIC | RM_CHECK, E(0, 1, 7), E(1, 2, 7), E(2, 1, 5)), ENXIO);
    TAGS(0, 1, 2, 3, 4, 1, 6, 7);
    EQ(query(8)[0] & RMQ_AWAY, 0);
    EQ(query(8)[5] & RMQ_AWAY, RMQ_AWAY);
}

TESTF(RV06, "without it the entries before are done")
{
    open_map(8, 8);
    EQ(V(0, E(0, 1, 7), E(1, 1, 6), E(9, 1, 0), E(2, 1, 5)), 2);
    TAGS(7, 6, 2, 3, 4, 5, 6, 7);
    EQ(V(RM_CHECK, E(2, 1, 0), E(3, 1, 8)), 1);
    EQ(tag(2), 0);
    ERR(V(0, E(9, 1, 0), E(2, 1, 5)), EINVAL);
}

TESTF(RV07, "EINVAL of an entry")
{
    open_map(8, 8);
    struct remap_vec bad[] = {
        E(0, 0, 1), /* no pages */
        E(0, 9, 0), /* beyond the mapping */
        E(0, 1, 0x7fffffff),
        E(0, 2, 0x7ffffffe),
        E(0, 1, UINT64_MAX),
        E(0, UINT32_MAX, 0),
        {(uint64_t)(uintptr_t)A + 1, 1, 1, 0},
        {(uint64_t)(uintptr_t)A, 1, 1, 1},
        {(uint64_t)(uintptr_t)A, 1, 1, 1u << 31},
        {0, 1, 1, 0},
        {1ul << 47, 1, 1, 0},
        {(1ul << 47) - P, 1, 2, 0},
        {-P, 1, 2, 0},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ERR(remapv(&bad[i], 1, 0), EINVAL);
        ERR(remapv(&bad[i], 1, RM_ATOMIC), EINVAL);
    }
    LINEAR(8);
}

TEST(RV08, "EINVAL: flags, and memory that is not a shared mapping")
{
    open_map(8, 8);
    for (unsigned fl = 8; fl; fl <<= 1)
        ERR(V(fl, E(0, 1, 1)), EINVAL);
    ERR(remapv(NULL, 0, 8), EINVAL);
    int fd = F(8);
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ERR(V(0, E(0, 1, 1)), EINVAL);
    LINEAR(8);
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(V(0, E(0, 1, 1)), EINVAL);
    M(fd, 8);
    OK(mprotect(A + 4 * P, P, PROT_READ)); /* three VMAs */
    ERR(V(0, E(3, 2, 0)), EINVAL);
    OK(munmap(A + 4 * P, P));
    ERR(V(0, E(3, 2, 0)), EINVAL);
    ERR(V(0, E(4, 1, 0)), EINVAL);
}

TEST(RV09, "E2BIG: an atomic vector of more than 1024")
{
    open_map(8, 8);
    static struct remap_vec v[1025];
    for (size_t i = 0; i < 1025; i++)
        v[i] = (struct remap_vec)E(i % 8, 1, 7 - i % 8);
    ERR(remapv(v, 1025, RM_ATOMIC), E2BIG);
    LINEAR(8);
    EQ(remapv(v, 1024, RM_ATOMIC), 1024);
    REVERSED(8);
    EQ(remapv(v, 1025, 0), 1025);
    REVERSED(8);
    v[0].npages = 1u << 23; /* the pages count before the ranges are looked at */
    v[1].npages = (1u << 23) + 1;
    ERR(remapv(v, 2, RM_ATOMIC), E2BIG);
    v[1].npages = 1u << 23;
    ERR(remapv(v, 2, RM_ATOMIC), EINVAL);
    v[0].npages = (1u << 24) + 1;
    ERR(remapv(v, 1, RM_ATOMIC), EINVAL);
}

TEST(RV18, "many pages: in portions")
{
    const size_t n = 700000;
    need();
    int fd = t_file();
    OK(ftruncate(fd, (off_t)(n * P)));
    t_tag_pages(fd, n - 1, n);
    t_tag_pages(fd, 7, 8);
    M(fd, n);
    EQ(V(RM_NOPOPULATE, E(0, n, 0), E(0, n - 1, 1), E(5, 1, 7), E(0, n, 0),
         E(0, n - 7, 7)),
       5);
    EQ(tag(0), 7);
    EQ(tag(n - 8), n - 1);
    EQ(V(RM_NOPOPULATE, E(0, n, 0), E(0, n, 0), E(0, n + 1, 0), E(0, 1, 7)), 2);
    EQ(tag(7), 7);
    EQ(query(1)[0], 0);
}

TEST(RV10, "EFAULT before any change")
{
    open_map(8, 8);
    struct remap_vec *page = (void *)t_map(NULL, 2, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap((char *)page + P, P));
    struct remap_vec *v = page + P / sizeof(*page) - 2; /* the third lies in the hole */
    for (int i = 0; i < 2; i++)
        v[i] = (struct remap_vec)E(i, 1, 7);
    ERR(remapv(v, 3, 0), EFAULT);
    ERR(remapv(v, 3, RM_ATOMIC), EFAULT);
    ERR(remapv(NULL, 1, 0), EFAULT);
    ERR(remapv((void *)(1ul << 63), 1, 0), EFAULT);
    ERR(remapv(v, SIZE_MAX, 0), EFAULT);
    ERR(remapv(v, 1ul << 47, 0), EFAULT);
    ERR(remapv(v, SIZE_MAX / 24 + 2, 0), EFAULT); /* n * 24 wraps */
    LINEAR(8);
    /* Longer than one piece of the kernel's copy. */
    size_t n = 3000, bytes = n * sizeof(*v);
    struct remap_vec *big =
        (void *)t_map(NULL, (bytes + P - 1) / P + 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < n; i++)
        big[i] = (struct remap_vec)E(i % 8, 1, 7 - i % 8);
    OK(munmap((char *)big + bytes / P * P, 2 * P));
    ERR(remapv(big, n, 0), EFAULT);
    LINEAR(8);
}

TEST(RV11, "a vector longer than the kernel's copy")
{
    const size_t n = 5000;
    need();
    int fd = F(n);
    M(fd, n);
    struct remap_vec *v = calloc(n, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = (struct remap_vec)E(i, 1, n - 1 - i);
    EQ(remapv(v, n, 0), n);
    REVERSED(n);
    v[4000].npages = 0;
    for (size_t i = 0; i < n; i++)
        v[i].pgoff = i;
    EQ(remapv(v, n, RM_NOPOPULATE), 4000);
    for (size_t i = 0; i < n; i++)
        EQ(tag(i), i < 4000 ? i : n - 1 - i);
    free(v);
}

TESTF(RV12, "populating, and not")
{
    open_map(8, 8);
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    EQ(V(RM_NOPOPULATE, E(0, 2, 4)), 1);
    for (size_t i = 0; i < 8; i++)
        EQ(query(8)[i] & RMQ_PRESENT, 0);
    EQ(V(0, E(0, 2, 5)), 1);
    EQ(query(8)[0], 5 | RMQ_AWAY | RMQ_PRESENT | RMQ_DIRTY); /* nobody used it yet */
    EQ(tag(0), 5);
    EQ(query(8)[0], 5 | RMQ_AWAY | RMQ_PRESENT | RMQ_DIRTY | RMQ_ACCESSED);
    EQ(query(8)[2] & RMQ_PRESENT, 0);
    int fd = t_file(); /* holes are filled */
    OK(ftruncate(fd, 8 * P));
    M(fd, 8);
    EQ(V(0, E(1, 1, 6)), 1);
    EQ(query(8)[1] & RMQ_PRESENT, RMQ_PRESENT);
    EQ(query(8)[2] & RMQ_PRESENT, 0);
    EQ(V(0, E(3, 5, 3)), 1); /* home where nothing is shown yet */
    EQ(query(8)[3] & RMQ_PRESENT, RMQ_PRESENT);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 5 * 8);
    if (mlock(A, P) == 0) { /* locked memory is always present */
        EQ(V(RM_NOPOPULATE, E(0, 1, 2)), 1);
        EQ(query(1)[0] & RMQ_PRESENT, RMQ_PRESENT);
        OK(munlock(A, P));
    }
}

TESTF(RV13, "past the end of the file")
{
    int fd = open_map(8, 8);
    EQ(V(0, E(0, 1, 8)), 1); /* allowed: it may grow */
    BUS_AT(0);
    ERR(V(RM_CHECK, E(1, 1, 8)), ENXIO);
    ERR(V(RM_CHECK, E(1, 2, 7)), ENXIO);
    EQ(V(RM_CHECK, E(1, 2, 6)), 1);
    OK(ftruncate(fd, 9 * P));
    EQ(*(volatile char *)A, 0);
    EQ(V(RM_CHECK, E(1, 1, 8)), 1);
    OK(ftruncate(fd, 4 * P));
    BUS_AT(1);
    BUS_AT(2);
    EQ(tag(3), 3);
}

TEST(RV14, "rights are the mapping's")
{
    need();
    int fd = F(8), ro = t_reopen(fd, O_RDONLY);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, ro, 0);
    EQ(V(0, E(0, 1, 7)), 1);
    EQ(tag(0), 7);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    EQ(query(1)[0] & RMQ_DIRTY, 0);
    ERR(mprotect(A, P, PROT_READ | PROT_WRITE), EACCES);
    A = t_map(NULL, 8, PROT_NONE, MAP_SHARED, fd, 0);
    EQ(V(0, E(0, 1, 7)), 1);
    FAULT(t_read(A), SIGSEGV, SEGV_ACCERR, A);
    EQ(query(1)[0], 7 | RMQ_AWAY);
    OK(mprotect(A, 8 * P, PROT_READ));
    EQ(tag(0), 7);
}

TEST(RV15, "two files in one vector")
{
    open_map(8, 8);
    unsigned char *a = A;
    struct remap_vec v[6];
    for (unsigned i = 0; i < 3; i++)
        v[2 * i] = (struct remap_vec)E(i, 1, 7 - i);
    M(F(8), 8);
    put(5, 500);
    for (unsigned i = 0; i < 3; i++)
        v[2 * i + 1] = (struct remap_vec)E(i, 1, 5);
    EQ(remapv(v, 6, RM_ATOMIC), 6);
    TAGS(500, 500, 500, 3, 4, 500, 6, 7);
    A = a;
    TAGS(7, 6, 5, 3, 4, 5, 6, 7);
}

TEST(RV16, "across page tables")
{
    need();
    const size_t n = 2048;
    int fd = F(n);
    M(fd, n);
    EQ(V(RM_ATOMIC, E(0, 1024, 1024), E(1024, 1024, 0)), 2);
    for (size_t i = 0; i < n; i++)
        EQ(tag(i), (i + 1024) % n);
    EQ(V(0, E(100, 1900, 100)), 1);
    for (size_t i = 0; i < n; i++)
        EQ(tag(i), i < 100 || i >= 2000 ? (i + 1024) % n : i);
    CHILD(EQ(tag(0), 1024); EQ(V(0, E(0, 1, 3)), 1); EQ(tag(0), 3));
    EQ(tag(0), 1024);
}

static long flushes(void)
{
    static const char *const names[] = {"tlb_flush_page ", "tlb_flush_range ",
                                        "tlb_flush_full "};
    struct t_reader r;
    long n = 0;
    CHECK(t_open(&r, "/proc/vmstat"));
    for (char *line; (line = t_line(&r)) != NULL;)
        for (int i = 0; i < 3; i++)
            if (!strncmp(line, names[i], strlen(names[i])))
                n += atol(line + strlen(names[i]));
    return n;
}

/* How many flushes more than `idle` the two calls need that move all pages around. */
static long flushes_of_moves(size_t n, long idle)
{
    long before = flushes();
    OK(remap_rotate(A, n * P, 1));
    for (size_t i = 0; i < n; i++)
        tag(i); /* what nobody used needs no flush */
    OK(remap_swap(A, A + n / 2 * P, n / 2 * P));
    return flushes() - before - idle;
}

/* A call that is at it for too long pauses, and flushes before. On a busy host that may be
 * any call, so each gets some tries. */
TEST(RV17, "one flush")
{
    enum { N = 512 };
    static struct remap_vec v[N];
    need();
    int fd = F(N);
    M(fd, N);
    for (size_t i = 0; i < N; i++)
        v[i] = (struct remap_vec)E(i, 1, N - 1 - i);
    LINEAR(N);
    flushes(); /* what reading it touches is there now */
    long before = flushes(), idle = flushes() - before;
    for (long try = 0, more = 0; more != 1; try++) {
        CHECK(try < 20);
        for (size_t i = 0; i < N; i++)
            v[i].pgoff = try % 2 ? i : N - 1 - i;
        before = flushes();
        EQ(remapv(v, N, 0), N);
        more = flushes() - before - idle;
        if (try % 2)
            LINEAR(N);
        else
            REVERSED(N);
    }
    before = flushes();
    EQ(remapv(v, N, RM_ATOMIC), N); /* as they are: none */
    EQ(flushes() - before, idle);
    for (int try = 0; flushes_of_moves(N, idle) != 2; try++)
        CHECK(try < 20);
}

/* ---- remap_swap ---- */

TESTF(RV20, "swap two windows")
{
    open_map(8, 8);
    OK(remap_swap(A, A + 5 * P, 3 * P));
    TAGS(5, 6, 7, 3, 4, 0, 1, 2);
    OK(remap_swap(A + 3 * P, A + 2 * P, P)); /* neighbours */
    TAGS(5, 6, 3, 7, 4, 0, 1, 2);
    put(0, 50);
    OK(remap_swap(A, A + 5 * P, P));
    TAGS(0, 6, 3, 7, 4, 50, 1, 2);
    OK(remap_swap(A + P, A + 6 * P, P));
    OK(remap_swap(A + 2 * P, A + 3 * P, P));
    OK(remap_swap(A + 2 * P, A + 7 * P, P));
    TAGS(0, 1, 2, 3, 4, 50, 6, 7);
    for (size_t i = 0; i < 8; i++)
        EQ(query(8)[i] & ~(RMQ_PRESENT | RMQ_DIRTY | RMQ_ACCESSED), i);
}

TESTF(RV21, "swap between two mappings of one file, each with its rights")
{
    int fd = open_map(8, 8);
    unsigned char *a = A;
    A = t_map(NULL, 4, PROT_READ, MAP_SHARED, fd, 4);
    OK(remap_swap(a, A, 4 * P));
    TAGS(0, 1, 2, 3);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    A = a;
    TAGS(4, 5, 6, 7, 4, 5, 6, 7);
    put(0, 40);
    EQ(tag(4), 40);
}

TEST(RV22, "swap: EINVAL changes nothing")
{
    int fd = open_map(8, 8);
    OK(R(1, 1, 6));
    ERR(remap_swap(A, A, P), EINVAL);
    ERR(remap_swap(A, A + P, 2 * P), EINVAL);
    ERR(remap_swap(A + P, A, 2 * P), EINVAL);
    ERR(remap_swap(A, A + 4 * P, 0), EINVAL);
    ERR(remap_swap(A, A + 4 * P, P + 1), EINVAL);
    ERR(remap_swap(A + 1, A + 4 * P, P), EINVAL);
    ERR(remap_swap(A, A + 4 * P + 1, P), EINVAL);
    ERR(remap_swap(A, A + 7 * P, 2 * P), EINVAL);
    ERR(remap_swap(A, (void *)(1ul << 47), P), EINVAL);
    ERR(remap_swap(A, NULL, P), EINVAL);
    ERR(remap_swap(A, A + 4 * P, 1ul << 63), EINVAL);
    TAGS(0, 6, 2, 3, 4, 5, 6, 7);
    ERR(remap_swap(A, t_map(NULL, 8, PROT_READ, MAP_SHARED, F(8), 0), P), EINVAL);
    ERR(remap_swap(A, t_map(NULL, 8, PROT_READ, MAP_PRIVATE, fd, 0), P), EINVAL);
    ERR(remap_swap(A, t_map(NULL, 8, PROT_READ, MAP_SHARED, fd, 0x7fffffff), P), EINVAL);
    ERR(remap_swap(t_map(NULL, 8, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), A, P),
        EINVAL);
    TAGS(0, 6, 2, 3, 4, 5, 6, 7);
}

TEST(RV23, "swap across page tables, untouched pages, past the end")
{
    need();
    const size_t n = 2000;
    int fd = F(n);
    M(fd, n + 48);
    OK(remap_swap(A + 3 * P, A + 1003 * P, 900 * P));
    for (size_t i = 0; i < n; i++)
        EQ(tag(i), i >= 3 && i < 903 ? i + 1000 : i >= 1003 && i < 1903 ? i - 1000 : i);
    OK(remap_swap(A, A + n * P, P));
    BUS_AT(0);
    EQ(tag(n), 0);
}

/* ---- remap_rotate ---- */

TESTF(RV30, "rotate")
{
    open_map(8, 8);
    OK(remap_rotate(A, 8 * P, 1));
    TAGS(7, 0, 1, 2, 3, 4, 5, 6);
    OK(remap_rotate(A, 8 * P, -3));
    TAGS(2, 3, 4, 5, 6, 7, 0, 1);
    OK(remap_rotate(A + P, 4 * P, 2));
    TAGS(2, 5, 6, 3, 4, 7, 0, 1);
    OK(remap_rotate(A + P, 4 * P, -2));
    OK(remap_rotate(A, 8 * P, 2));
    LINEAR(8);
    for (size_t i = 0; i < 8; i++)
        EQ(query(8)[i] & RMQ_AWAY, 0);
}

TEST(RV31, "rotate: every distance, huge ones too")
{
    open_map(12, 12);
    for (long by = -25; by <= 25; by++) {
        OK(remap_rotate(A, 12 * P, by));
        for (long i = 0; i < 12; i++)
            EQ(tag((i + by + 48) % 12), i);
        OK(remap_rotate(A, 12 * P, -by));
        LINEAR(12);
    }
    OK(remap_rotate(A, 12 * P, (ssize_t)1 << 62)); /* mod 12: 4 */
    EQ(tag(4), 0);
    OK(remap_rotate(A, 12 * P, -((ssize_t)1 << 62)));
    LINEAR(12);
    OK(remap_rotate(A, 12 * P, INT64_MIN)); /* mod 12: -8 */
    EQ(tag(4), 0);
    OK(remap_rotate(A, 12 * P, INT64_MAX)); /* mod 12: 7 */
    EQ(tag(11), 0);
    OK(remap_rotate(A, 12 * P, 1));
    OK(remap_rotate(A, P, 5));
    OK(remap_rotate(A, 12 * P, 0));
    LINEAR(12);
}

TEST(RV32, "rotate: EINVAL changes nothing")
{
    int fd = open_map(8, 8);
    ERR(remap_rotate(A, 0, 1), EINVAL);
    ERR(remap_rotate(A, P + 1, 1), EINVAL);
    ERR(remap_rotate(A + 1, P, 1), EINVAL);
    ERR(remap_rotate(A, 9 * P, 1), EINVAL);
    ERR(remap_rotate(NULL, P, 1), EINVAL);
    ERR(remap_rotate((void *)(1ul << 47), P, 1), EINVAL);
    ERR(remap_rotate(A, -P, 1), EINVAL);
    LINEAR(8);
    A = t_map(NULL, 8, PROT_READ, MAP_PRIVATE, fd, 0);
    ERR(remap_rotate(A, 2 * P, 1), EINVAL);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, fd, 0x7fffffff);
    ERR(remap_rotate(A, 2 * P, 1), EINVAL);
}

TEST(RV33, "rotate across page tables")
{
    need();
    const size_t n = 1500;
    int fd = F(n);
    M(fd, n);
    OK(remap_rotate(A, n * P, 700));
    for (size_t i = 0; i < n; i++)
        EQ(tag((i + 700) % n), i);
    OK(remap_rotate(A, n * P, 800));
    LINEAR(n);
}

/* ---- remap_query ---- */

TESTF(RV40, "query")
{
    int fd = open_map(8, 8);
    const uint64_t shown = RMQ_PRESENT | RMQ_ACCESSED | RMQ_DIRTY;
    for (size_t i = 0; i < 8; i++)
        tag(i);
    OK(R(2, 2, 6));
    const uint64_t want[] = {0, 1, 6 | RMQ_AWAY, 7 | RMQ_AWAY, 4, 5, 6, 7};
    for (size_t i = 0; i < 8; i++)
        EQ(query(8)[i] | RMQ_ACCESSED, want[i] | shown);
    for (size_t i = 0; i < 8; i++) {
        tag(i);
        EQ(query(8)[i], want[i] | shown);
    }
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    for (size_t i = 0; i < 8; i++)
        EQ(query(8)[i], want[i]);
    A = t_map(NULL, 4, PROT_READ, MAP_PRIVATE, fd, 2); /* private: its file pages */
    EQ(query(4)[0], 2);
    EQ(tag(0), 2);
    EQ(query(4)[0], 2 | RMQ_PRESENT | RMQ_ACCESSED);
    A = t_map(NULL, 4, PROT_READ, MAP_SHARED, fd, 1ul << 50); /* beyond every file */
    EQ(query(4)[1], (1ul << 50) + 1);
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(R(0, 1, 3));
    EQ(query(4)[0], 3 | RMQ_AWAY | shown);
}

TEST(RV41, "query: several mappings, many pages")
{
    need();
    const size_t n = 3000;
    int fd = F(n);
    M(fd, n);
    OK(R(0, n - 1, 1));
    OK(mprotect(A + 100 * P, 1000 * P, PROT_READ));
    uint64_t *out = malloc(n * sizeof(*out));
    OK(remap_query(A, n * P, out));
    for (size_t i = 0; i < n; i++)
        EQ(out[i] & RMQ_PGOFF, i < n - 1 ? i + 1 : i);
    EQ(out[500] & (RMQ_DIRTY | RMQ_AWAY), RMQ_AWAY);
    free(out);
}

TEST(RV42, "query: errors")
{
    int fd = open_map(8, 8);
    uint64_t out[8];
    ERR(remap_query(A + 1, P, out), EINVAL);
    ERR(remap_query(A, P + 1, out), EINVAL);
    ERR(remap_query(A, 0, out), EINVAL);
    ERR(remap_query(A, P, NULL), EFAULT);
    ERR(remap_query(A, P, (void *)(1ul << 63)), EFAULT);
    ERR(remap_query(A, P, (void *)t_map(NULL, 1, PROT_READ, MAP_SHARED, fd, 0)), EFAULT);
    OK(munmap(A + 4 * P, P));
    ERR(remap_query(A, 8 * P, out), ENOMEM);
    ERR(remap_query(NULL, P, out), ENOMEM);
    ERR(remap_query((void *)(1ul << 47), P, out), ENOMEM);
    ERR(remap_query(A, -P, out), ENOMEM);
    OK(remap_query(A, 4 * P, out));
    A = t_map(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(remap_query(A, P, out), EINVAL);
}

/* ---- remap_clone ---- */

TESTF(RV50, "clone")
{
    open_map(8, 8);
    unsigned char *a = A;
    t_reverse(8, 0);
    unsigned char *b = remap_clone(A, 8 * P, PROT_READ | PROT_WRITE);
    CHECK(b != MAP_FAILED);
    CHECK(b >= a + 8 * P || b + 8 * P <= a);
    A = b;
    REVERSED(8);
    put(0, 70);
    OK(R(1, 1, 1)); /* each has its own arrangement */
    EQ(tag(1), 1);
    A = a;
    EQ(tag(0), 70);
    EQ(tag(1), 6);
    OK(munmap(A, 8 * P));
    A = b;
    TAGS(70, 1, 5, 4, 3, 2, 1, 0);
    unsigned char *c =
        remap_clone(A + 2 * P, 3 * P, PROT_READ); /* a part, fewer rights */
    CHECK(c != MAP_FAILED);
    A = c;
    TAGS(5, 4, 3);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    OK(mprotect(A, 3 * P, PROT_READ | PROT_WRITE));
    OK(R(0, 3, 2)); /* its homes are those of the source */
    for (size_t i = 0; i < 3; i++)
        EQ(query(3)[i] & RMQ_AWAY, 0);
}

TEST(RV51, "clone: rights end at the descriptor's")
{
    need();
    int fd = F(8), ro = t_reopen(fd, O_RDONLY);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, ro, 0);
    ERR(remap_clone(A, 8 * P, PROT_READ | PROT_WRITE), EACCES);
    ERR(remap_clone(A, 8 * P, PROT_WRITE), EACCES);
    A = remap_clone(A, 8 * P, PROT_NONE);
    CHECK(A != MAP_FAILED);
    FAULT(t_read(A), SIGSEGV, SEGV_ACCERR, A);
    ERR(mprotect(A, 8 * P, PROT_READ | PROT_WRITE), EACCES);
    ERR(remap_clone(A, 8 * P, PROT_WRITE), EACCES);
    OK(mprotect(A, 8 * P, PROT_READ));
    LINEAR(8);
}

TEST(RV52, "clone: errors")
{
    int fd = open_map(8, 8);
    ERR(remap_clone(A + 1, P, PROT_READ), EINVAL);
    ERR(remap_clone(A, P + 1, PROT_READ), EINVAL);
    ERR(remap_clone(A, 0, PROT_READ), EINVAL);
    ERR(remap_clone(A, 9 * P, PROT_READ), EINVAL);
    ERR(remap_clone(A, -P, PROT_READ), EINVAL);
    ERR(remap_clone(NULL, P, PROT_READ), EINVAL);
    ERR(remap_clone((void *)(1ul << 47), P, PROT_READ), EINVAL);
    for (int bit = 8; bit; bit <<= 1)
        ERR(remap_clone(A, P, PROT_READ | bit), EINVAL);
    ERR(syscall(SYS_remap_clone, A, P, 1ul << 32), EINVAL);
    unsigned char *p = t_map(NULL, 8, PROT_READ, MAP_PRIVATE, fd, 0);
    ERR(remap_clone(p, P, PROT_READ), EINVAL);
    p = t_map(NULL, 8, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(remap_clone(p, P, PROT_READ), EINVAL);
    OK(munmap(A + 4 * P, P));
    ERR(remap_clone(A, 8 * P, PROT_READ), EINVAL);
}

TEST(RV53, "clone: limits")
{
    open_map(8, 8);
    struct {
        unsigned long cur, max;
    } none = {0, 0};
    CHILD(OK(syscall(SYS_setrlimit, 9 /* RLIMIT_AS */, &none));
          ERR(remap_clone(A, 8 * P, PROT_READ), ENOMEM));
    LINEAR(8);
}

TEST(RV54, "clone: across page tables; truncate reaches it")
{
    need();
    const size_t n = 1500;
    int fd = F(n);
    M(fd, n);
    t_reverse(n, MAP_NONBLOCK);
    A = remap_clone(A, n * P, PROT_READ | PROT_WRITE);
    CHECK(A != MAP_FAILED);
    REVERSED(n);
    OK(ftruncate(fd, (off_t)(n - 10) * P));
    BUS_AT(9);
    EQ(tag(10), n - 11);
    CHILD(EQ(tag(11), n - 12); BUS_AT(0));
}

/* ---- together ---- */

TEST(RV59, "EPERM: sealed mappings keep their arrangement")
{
    int fd = open_map(8, 8);
    OK(R(0, 1, 7));
    unsigned char *open = t_map(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    if (syscall(462 /* mseal */, A, 8 * P, 0) != 0)
        SKIP("no mseal");
    ERR(V(0, E(0, 1, 1)), EPERM);
    ERR(V(RM_ATOMIC, E(0, 1, 1)), EPERM);
    ERR(remap_swap(A, A + P, P), EPERM);
    ERR(remap_swap(open, A, P), EPERM);
    ERR(remap_rotate(A, 8 * P, 1), EPERM);
    ERR(V(0, E(0, 1 << 20, 1)), EINVAL); /* beyond the mapping, before the seal */
    ERR(remap_rotate(A, P << 20, 1), EINVAL);
    ERR(remap_swap(A, A + (P << 20), P << 20), EINVAL);
    TAGS(7, 1, 2, 3, 4, 5, 6, 7);
    EQ(query(1)[0] & RMQ_PGOFF, 7);
    A = remap_clone(A, 8 * P, PROT_READ); /* the seal stays behind */
    CHECK(A != MAP_FAILED);
    EQ(V(0, E(0, 1, 0)), 1);
    LINEAR(8);
    OK(munmap(A, 8 * P));
}

TEST(RV58, "EAGAIN: a clone that would be locked")
{
    open_map(8, 8);
    if (geteuid() != 0)
        SKIP("needs root to give up root");
    struct {
        unsigned long cur, max;
    } two = {2 * P, 2 * P};
    CHILD(OK(syscall(SYS_setrlimit, 8 /* RLIMIT_MEMLOCK */, &two));
          OK(syscall(SYS_setuid, 65534)); OK(mlockall(MCL_FUTURE));
          ERR(remap_clone(A, 8 * P, PROT_READ), EAGAIN);
          CHECK(remap_clone(A, P, PROT_READ) != MAP_FAILED));
}

TEST(RV60, "random calls against a picture")
{
    enum { N = 600 };
    static long want[N];
    static struct remap_vec v[64];
    static long old[N];
    uint64_t seed = 7;
    need();
    int fd = F(N);
    M(fd, N);
    for (size_t i = 0; i < N; i++)
        want[i] = (long)i;
    for (int round = 0; round < 300; round++) {
        size_t a = t_random(&seed) % N, len = 1 + t_random(&seed) % (N / 2);
        size_t b = t_random(&seed) % N;
        if (a + len > N)
            len = N - a;
        memcpy(old, want, sizeof(old));
        switch (t_random(&seed) % 4) {
        case 0: {
            if (b < a ? b + len > a : a + len > b || b + len > N)
                continue;
            OK(remap_swap(A + a * P, A + b * P, len * P));
            memcpy(&want[a], &old[b], len * sizeof(long));
            memcpy(&want[b], &old[a], len * sizeof(long));
            break;
        }
        case 1: {
            long by = (long)(t_random(&seed) % 2000) - 1000;
            OK(remap_rotate(A + a * P, len * P, by));
            for (size_t i = 0; i < len; i++)
                want[a + (size_t)((((long)i + by) % (long)len + (long)len) % (long)len)] =
                    old[a + i];
            break;
        }
        default: {
            size_t n = 1 + t_random(&seed) % 64;
            for (size_t k = 0; k < n; k++) {
                size_t at = t_random(&seed) % N, c = 1 + t_random(&seed) % 8;
                size_t page = t_random(&seed) % 3 ? t_random(&seed) % (N - 8) : at;
                if (at + c > N)
                    c = N - at;
                v[k] = (struct remap_vec)E(at, (uint32_t)c, page);
                for (size_t i = 0; i < c; i++)
                    want[at + i] = (long)(page + i);
            }
            EQ(remapv(v, n, t_random(&seed) % 8 & (RM_ATOMIC | RM_NOPOPULATE)), n);
        }
        }
        if (round % 10 == 0)
            for (size_t i = 0; i < N; i++)
                EQ(tag(i), want[i]);
    }
    for (size_t i = 0; i < N; i++)
        EQ(tag(i), want[i]);
    OK(remap_query(A, N * P, (uint64_t *)old));
    for (size_t i = 0; i < N; i++)
        EQ(((uint64_t)old[i] & RMQ_AWAY) != 0, want[i] != (long)i);
    EQ(t_lines(A, N), 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
