/* SPDX-License-Identifier: MIT
 *
 * Each allocation of userfaultfd(2), of its ioctls and of calls that tell events fails once. Cases
 * I505, I520, I521.
 */
#include <sys/wait.h>

#include "tests/user/t_hugepool.h"
#include "tests/user/t_inject.h"
#include "tests/user/t_userfaultfd.h"

static int fd;
static char block[8192] __attribute__((aligned(4096)));
static char source[H] __attribute__((aligned(4096)));

static long make_uffd(void)
{
    return syscall(SYS_userfaultfd, 0);
}

static void uffd_there(void)
{
    uffd = uffd_new(0, 0);
    fd = memfd_create("m", 0);
    OK(ftruncate(fd, 2048 * P));
    mem = t_map(NULL, 2048, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(pwrite(fd, "x", 1, 1000 * P));
}

static void watched_there(void)
{
    uffd_there();
    OK(watch(mem, 2048, REGISTER_MISSING | REGISTER_WP | REGISTER_MINOR));
}

static void private_there(void)
{
    uffd = uffd_new(0, 0);
    mem = t_map(NULL, 2048, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(watch(mem, 2048, REGISTER_MISSING | REGISTER_WP));
}

static long watch_inside(void)
{
    return watch(mem + P, 5, REGISTER_MISSING);
}

static long unwatch_inside(void)
{
    return range_call(UFFDIO_UNREGISTER, mem + P, 5);
}

static long guard_all(void)
{
    return guard(mem, 2048, true);
}

static long give_one(void)
{
    struct uffdio_copy c = {
        .dst = (uintptr_t)mem, .src = (uintptr_t)block, .len = P, .mode = COPY_WP};

    return ioctl(uffd, UFFDIO_COPY, &c);
}

static long give_zeros(void)
{
    return zeros(mem, 1);
}

static long show_one(void)
{
    return shown(mem + 1000 * P, 1, COPY_WP);
}

static void no_uffd(void)
{
    close(uffd);
    close(fd);
    munmap(mem, 2048 * P);
}

TEST(I505, "userfaultfd")
{
    static const struct sweep calls[] = {
        {.setup = uffd_there, .call = watch_inside},
        {.setup = watched_there, .call = unwatch_inside},
        {.setup = watched_there, .call = guard_all},
        {.setup = private_there, .call = guard_all},
        {.setup = watched_there, .call = give_one},
        {.setup = private_there, .call = give_one},
        {.setup = watched_there, .call = give_zeros},
        {.setup = private_there, .call = give_zeros},
        {.setup = watched_there, .call = show_one},
    };

    uffd_unused();
    memset(block, 1, sizeof(block));
    SWEEP(.call = make_uffd, .errors = {ENOMEM, ENFILE});
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        SWEEP(.setup = calls[i].setup, .call = calls[i].call, .undo = no_uffd,
              .errors = {ENOMEM});
}

/* ---- pages of 2 MiB ---- */

static void huge_there(int flags)
{
    uffd = uffd_new(0, 0);
    fd = -1;
    mem = mmap(NULL, 2 * H, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_HUGETLB,
               -1, 0);
    OK(mem);
    OK(watch(mem, 2 * H / P, REGISTER_MISSING | REGISTER_WP));
}

static void huge_private(void)
{
    huge_there(MAP_PRIVATE);
}

static void huge_shared(void)
{
    huge_there(MAP_SHARED);
}

static long give_huge(void)
{
    struct uffdio_copy c = {
        .dst = (uintptr_t)mem, .src = (uintptr_t)source, .len = H, .mode = COPY_WP};

    return ioctl(uffd, UFFDIO_COPY, &c);
}

static long guard_huge(void)
{
    return guard(mem, 2 * H / P, true);
}

static void no_huge(void)
{
    close(uffd);
    munmap(mem, 2 * H);
}

TEST(I521, "userfaultfd on huge pages")
{
    static void (*const setups[])(void) = {huge_private, huge_shared};

    memset(source, 1, sizeof(source));
    for (size_t i = 0; i < 2; i++) {
        SWEEP(.setup = setups[i], .call = give_huge, .undo = no_huge, .errors = {ENOMEM});
        SWEEP(.setup = setups[i], .call = guard_huge, .undo = no_huge,
              .errors = {ENOMEM});
    }
}

/* ---- events ---- */

#define ALL_EVENTS 0x4e /* fork, remap, remove, unmap */

static pthread_t reader;
static volatile bool stop;

/* Reads what there is, until it is told to end. */
static void *read_all(void *arg)
{
    struct pollfd p = {.fd = uffd, .events = POLLIN};
    struct uffd_msg m;

    while (!stop) {
        if (poll(&p, 1, 1) <= 0 || read(uffd, &m, sizeof(m)) != sizeof(m))
            continue;
        if (m.event == 0x13)
            close((int)(uint32_t)m.flags);
    }
    return arg;
}

/* Two areas with one monitor; some of it is guarded. */
static void events_there(void)
{
    uffd = uffd_new(O_NONBLOCK, ALL_EVENTS | UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    mem = t_map(NULL, 2048, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(watch(mem, 2048, REGISTER_MISSING | REGISTER_WP));
    OK(zeros(mem, 2048));
    OK(guard(mem + 3 * P, 100, true));
    OK(guard(mem + 1024 * P, 1, true));
    OK(mprotect(mem + 1500 * P, P, PROT_READ));
    stop = false;
    EQ(pthread_create(&reader, NULL, read_all, NULL), 0);
}

static void no_events(void)
{
    stop = true;
    EQ(pthread_join(reader, NULL), 0);
    fd = -1;
    no_uffd();
}

static long unmap_told(void)
{
    return munmap(mem + 1400 * P, 200 * P);
}

static long move_told(void)
{
    return (long)mremap(mem, 1101 * P, 1101 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static long advise_told(void)
{
    return madvise(mem + 1400 * P, 200 * P, MADV_DONTNEED);
}

static long replace_told(void)
{
    return (long)mmap(mem + 1400 * P, 200 * P, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static long fork_told(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);

    if (pid == 0)
        syscall(SYS_exit_group, 0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return pid;
}

TEST(I520, "calls that tell a monitor what they do")
{
    static long (*const calls[])(void) = {unmap_told, move_told, advise_told,
                                          replace_told, fork_told};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        SWEEP(.setup = events_there, .call = calls[i], .undo = no_events,
              .errors = {ENOMEM, EAGAIN});
}

int main(int argc, char **argv)
{
    return hugepool_main(4, argc, argv);
}
