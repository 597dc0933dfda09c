/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2) on pages of 2 MiB: missing, minor, write-protect; windows that are rearranged; the
 * pool's promises.
 */
#define _GNU_SOURCE
#include "t_hugepool.h"
#include "t_userfaultfd.h"

#define HP (H / P) /* small pages of a huge one */
#define N  4

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define FEATURE_FORK (1ULL << 1)

static unsigned char block[H];

static unsigned char *huge(size_t n, int flags, int fd)
{
    void *p =
        mmap(NULL, n * H, PROT_READ | PROT_WRITE,
             flags | (fd < 0 ? MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB : 0), fd, 0);

    if (p == MAP_FAILED && errno == ENOMEM && !t_tessera)
        SKIP("no huge pages");
    OK(p);
    return p;
}

static int huge_memfd(size_t n)
{
    int fd = (int)syscall(SYS_memfd_create, "huge", MFD_HUGETLB);

    if (fd < 0)
        SKIP("no huge memfd: %s", strerror(errno));
    OK(ftruncate(fd, (off_t)(n * H)));
    return fd;
}

static int give_huge(void *to, unsigned char byte, uint64_t mode)
{
    memset(block, byte, H);
    return copy_mode(to, block, HP, mode);
}

static long reserved(void)
{
    return t_meminfo("HugePages_Rsvd");
}

static long left(void)
{
    return t_meminfo("HugePages_Free");
}

/* The two ends of the huge page at p. */
static void holds(const unsigned char *p, int byte)
{
    EQ(p[0], byte);
    EQ(p[H - 1], byte);
}

static uint64_t watch_ioctls(void *at, size_t n, uint64_t mode)
{
    struct uffdio_register r = {.range = {(uintptr_t)at, n * H}, .mode = mode};

    OK(ioctl(uffd, UFFDIO_REGISTER, &r));
    return r.ioctls;
}

TEST(uffd_huge_missing,
     "private memory: a copy of 2 MiB comes, draws on the promise, goes")
{
    struct toucher t;
    long was = left();
    unsigned char *half = anon(HP); /* its end is not there */

    uffd = uffd_new(0, 1 << 4);
    mem = huge(N, MAP_PRIVATE, -1);
    OK(munmap(half + H / 2, H / 2));
    if (t_tessera)
        EQ(reserved(), N);
    ERR(watch(mem, 1, REGISTER_MISSING), EINVAL);
    ERR(watch(mem + P, HP, REGISTER_MISSING), EINVAL);
    CHECK(!(watch_ioctls(mem, N, REGISTER_MISSING) & 1 << 4)); /* no UFFDIO_ZEROPAGE */
    touch(&t, mem + H + 5 * P + 3, -1);
    want(mem + H, 0);
    ERR(zeros(mem + H, HP), EINVAL);
    ERR(give(mem + H, 1), EINVAL);
    ERR(copy_mode(mem + H + P, block, HP, 0), EINVAL);
    ERR(copy_mode(mem + H, half, HP, 0), EFAULT); /* nothing is kept of it */
    OK(give_huge(mem + H, 7, 0));
    EQ(touched(&t), 7);
    holds(mem + H, 7);
    ERR(give_huge(mem + H, 8, 0), EEXIST);
    if (t_tessera) {
        EQ(reserved(), N - 1);
        EQ(left(), was - 1);
    }
    memset(block, 9, H);
    OK(copy_mode(mem + 2 * H, block, HP, 0));
    touch(&t, mem + 3 * H, 4);
    want(mem + 3 * H, FLAG_WRITE);
    close(uffd); /* zeros, then */
    EQ(touched(&t), 4);
    holds(mem + 2 * H, 9);
    OK(munmap(mem, N * H));
    if (t_tessera) {
        EQ(left(), was);
        EQ(reserved(), 0);
    }
}

TEST(uffd_huge_exact, "UFFD_FEATURE_EXACT_ADDRESS tells the byte, else the huge page")
{
    struct toucher t;

    uffd = uffd_new(0, UFFD_FEATURE_EXACT_ADDRESS);
    mem = huge(1, MAP_SHARED, -1);
    OK(watch(mem, HP, REGISTER_MISSING));
    touch(&t, mem + 3 * P + 1, -1);
    want(mem + 3 * P + 1, 0);
    OK(give_huge(mem, 2, 0));
    EQ(touched(&t), 2);
}

TEST(uffd_huge_shared,
     "a file: what is given is the file's; present pages are minor faults")
{
    int fd = huge_memfd(N);
    unsigned char *other = huge(N, MAP_SHARED, fd);
    struct toucher t;

    uffd = uffd_new(0, 1 << 4 | 1 << 9);
    mem = huge(N, MAP_SHARED, fd);
    OK(watch(mem, N * HP, REGISTER_MISSING | REGISTER_MINOR));
    touch(&t, mem + 5, 3);
    want(mem, FLAG_WRITE);
    OK(give_huge(mem, 6, 0));
    EQ(touched(&t), 3);
    EQ(other[5], 3);
    holds(other, 6);
    other[H] = 8;
    touch(&t, mem + H, -1);
    want(mem + H, FLAG_MINOR);
    ERR(give_huge(mem + H, 1, 0), EEXIST);
    ERR(shown(mem + H, 1, 0), EINVAL);
    ERR(shown(mem + 2 * H, HP, 0), EFAULT);
    OK(shown(mem + H, HP, 0));
    EQ(touched(&t), 8);
    ERR(shown(mem + H, HP, 0), EEXIST);
    close(fd);
}

TEST(uffd_huge_window, "a rearranged window: what is given is the page that is shown")
{
    int fd = huge_memfd(N);
    struct toucher t;

    if (!t_tessera)
        SKIP("remap_file_pages of huge pages");
    uffd = uffd_new(0, 0);
    mem = huge(N, MAP_SHARED, fd);
    OK(remap_file_pages(mem, H, 0, 2 * HP, MAP_NONBLOCK));
    OK(watch(mem, N * HP, REGISTER_MISSING | REGISTER_WP));
    touch(&t, mem, -1);
    want(mem, 0);
    OK(give_huge(mem, 5, 0));
    EQ(touched(&t), 5);
    holds(mem + 2 * H, 5);
    OK(remap_file_pages(mem + H, H, 0, 2 * HP, 0));
    holds(mem + H, 5);
    OK(guard(mem + H, HP, true));
    mem[2 * H] = 6; /* by address */
    touch(&t, mem + H + 1, 7);
    want(mem + H, FLAG_WRITE | FLAG_WP);
    OK(guard(mem + H, HP, false));
    EQ(touched(&t), 7);
    EQ(mem[1], 7);
    close(fd);
}

static void protect(int flags)
{
    struct toucher t;

    uffd = uffd_new(0, UFFD_FEATURE_PAGEFAULT_FLAG_WP | 1 << 12);
    mem = huge(N, flags, -1);
    OK(watch(mem, N * HP, REGISTER_MISSING | REGISTER_WP));
    for (int i = 0; i < N - 1; i++)
        OK(give_huge(mem + (size_t)i * H, (unsigned char)(i + 1), i == 2 ? COPY_WP : 0));
    ERR(guard(mem, 1, true), EINVAL);
    mem[H] = 2;
    OK(guard(mem + H, HP, true));
    mem[5] = 9;
    for (int i = 1; i < 3; i++) {
        touch(&t, mem + (size_t)i * H + 3 * P, 20);
        want(mem + (size_t)i * H, FLAG_WRITE | FLAG_WP);
        holds(mem + (size_t)i * H, i + 1);
        OK(guard(mem + (size_t)i * H, HP, false));
        EQ(touched(&t), 20);
    }
    OK(guard(mem, HP, true));
    OK(mprotect(mem, H, PROT_READ));
    OK(mprotect(mem, H, PROT_READ | PROT_WRITE)); /* still */
    touch(&t, mem, 1);
    want(mem, FLAG_WRITE | FLAG_WP);
    OK(range_call(UFFDIO_UNREGISTER, mem, N * HP));
    EQ(touched(&t), 1);
    mem[3 * H] = 1;
}

TEST(uffd_huge_protect, "protection of private memory, by 2 MiB")
{
    protect(MAP_PRIVATE);
}

TEST(uffd_huge_protect_shared, "protection of shared memory, by 2 MiB")
{
    protect(MAP_SHARED);
}

/* In a thread: who forks waits until the event is read. */
static void *fork_it(void *arg)
{
    pid_t *pid = arg;

    *pid = t_fork();
    if (*pid == 0) {
        EQ(mem[5], 3);
        mem[5] = 4;
        EQ(mem[5] + mem[H], 9);
        _exit(0);
    }
    return NULL;
}

TEST(uffd_huge_fork, "fork: the child's huge memory has a descriptor of its own")
{
    struct uffd_msg m;
    pthread_t thread;
    int parent;
    pid_t pid;

    uffd = parent = uffd_new(O_CLOEXEC, FEATURE_FORK | UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    mem = huge(N, MAP_PRIVATE, -1);
    OK(watch(mem, N * HP, REGISTER_MISSING | REGISTER_WP));
    OK(give_huge(mem, 3, COPY_WP));
    EQ(pthread_create(&thread, NULL, fork_it, &pid), 0);
    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, 0x13);
    EQ(pthread_join(thread, NULL), 0);
    uffd = (int)(uint32_t)m.flags;
    want(mem, FLAG_WRITE | FLAG_WP);
    OK(guard(mem, HP, false));
    want(mem + H, 0);
    OK(give_huge(mem + H, 5, 0));
    t_join(pid);
    close(uffd);
    uffd = parent;
    want_none();
    EQ(mem[5], 3);
}

TEST(uffd_huge_none, "no page of the pool is left: ENOMEM, nothing has changed")
{
    unsigned char *all;
    long n = left();

    if (!hugepool_ours())
        SKIP("the host's pool");
    uffd = uffd_new(0, 0);
    mem = huge(1, MAP_PRIVATE | MAP_NORESERVE, -1);
    all = huge((size_t)n, MAP_PRIVATE, -1);
    OK(watch(mem, HP, REGISTER_MISSING | REGISTER_WP));
    EQ(give_huge(mem, 1, COPY_WP), -1);
    CHECK(errno == ENOMEM || (!t_tessera && errno == EEXIST)); /* Linux says both */
    OK(munmap(all, (size_t)n * H));
    OK(give_huge(mem, 1, 0));
    mem[0] = 2; /* not protected */
    EQ(left(), n - 1);
    OK(munmap(mem, H));
    EQ(left(), n);
}

int main(int argc, char **argv)
{
    uffd_unused();
    return hugepool_main(12, argc, argv);
}
