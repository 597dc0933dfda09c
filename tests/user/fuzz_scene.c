/* SPDX-License-Identifier: MIT
 *
 * What the calls of fuzz_families and fuzz_crowd meet: descriptors of every kind at known numbers,
 * memory, names in the directory.
 */
#include "tests/user/fuzz_args.h"
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

/* Nothing may reach the parent or end this child at once. */
bool fuzz_tame(uint64_t nr, uint64_t *a)
{
    if (nr == SYS_wait4 || nr == SYS_waitid)
        a[nr == SYS_wait4 ? 2 : 3] |= WNOHANG | (nr == SYS_waitid ? WEXITED : 0);
    if (nr == SYS_prctl)
        return a[0] != PR_SET_SECCOMP && a[0] != PR_SET_PDEATHSIG;
    if ((nr == SYS_kill || nr == SYS_rt_sigqueueinfo) && a[0] == 0)
        a[0] = (uint64_t)self;
    if (nr == SYS_setitimer && (uint32_t)a[0] == ITIMER_REAL)
        a[0] = ITIMER_VIRTUAL;
    if (nr == SYS_clone) {
        memset(a, 0, 6 * sizeof(*a));
        a[0] = SIGCHLD;
    }
    if (nr == SYS_arch_prctl)
        return a[0] > 10;
    if (nr == SYS_ioctl && (uint32_t)a[1] == TIOCSTI)
        return false;
    return true;
}

static void look_at(uint32_t *at, size_t n, uint64_t nr, const uint64_t *a)
{
    for (uint32_t *end = at + n / 4; at < end; at++) {
        if (*at != 0xa5a5a5a5 && *at != 0x5a5a5a5a)
            continue;
        shared->stale++;
        shared->stale_nr = nr;
        shared->stale_at = (uint64_t)(uintptr_t)at;
        for (int i = 0; i < 6; i++)
            shared->stale_args[i] = a[i];
        shared->seal = fuzz_seal(shared);
        memset(at, 0, (size_t)(end - at) * 4);
    }
}

void fuzz_look(uint64_t nr, const uint64_t *a)
{
    static __thread unsigned turn;

    for (int i = 0; i < 6; i++) {
        uint64_t page = (a[i] - (uint64_t)(uintptr_t)arena) / P;

        if (page < ARENA_PAGES - 1)
            look_at((uint32_t *)(void *)(arena + page * P), 2 * P, nr, a);
    }
    if (++turn % 64 == 0)
        look_at((uint32_t *)(void *)arena, ARENA_PAGES * P, nr, a);
}

void fuzz_put_at(int fd, int to)
{
    if (fd >= 0 && fd != to) {
        dup2(fd, to);
        close(fd);
    }
    if (one_in(3))
        fcntl(to, F_SETFL, O_NONBLOCK);
}

static void pair_at(int ends[2], int to)
{
    fuzz_put_at(ends[0], to);
    fuzz_put_at(ends[1], to + 1);
}

static void make_sockets(void)
{
    struct sockaddr_in in = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t size = sizeof(in);
    int ends[2], server = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 3; i++)
        if (!socketpair(AF_UNIX, (int[]){SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}[i], 0,
                        ends))
            pair_at(ends, 3 + 2 * i);
    fuzz_put_at(server, 9);
    listen(9, 4);
    getsockname(9, (struct sockaddr *)&in, &size);
    fuzz_put_at(socket(AF_INET, SOCK_STREAM, 0), 10);
    connect(10, (struct sockaddr *)&in, size);
    fuzz_put_at(accept(9, NULL, NULL), 11);
    fuzz_put_at(socket(AF_INET, SOCK_DGRAM, 0), 12);
    fuzz_put_at(socket(AF_NETLINK, SOCK_RAW, 0), 13);
    fuzz_put_at(socket(AF_INET6, SOCK_DGRAM, 0), 14);
}

static void make_terminals(void)
{
    for (int i = 23; i < 27; i += 2) {
        int unlock = 0, number = 0;
        char name[32];
        fuzz_put_at(open("/dev/ptmx", O_RDWR | O_NOCTTY), i);
        ioctl(i, TIOCSPTLCK, &unlock);
        ioctl(i, TIOCGPTN, &number);
        snprintf(name, sizeof(name), "/dev/pts/%d", number);
        fuzz_put_at(open(name, O_RDWR | O_NOCTTY), i + 1);
    }
}

static _Noreturn void be_traced(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned n = 0; getppid() == parent; n++) {
        *(volatile unsigned char *)a_place() = (unsigned char)n;
        if (n % 64 == 9 && fork() == 0)
            _exit(0);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        t_nap(200);
    }
    _exit(0);
}

static void make_rest(void)
{
    static const char *const open_names[] = {
        "/proc/self/mem",     ".", "/dev/zero",       "/proc/self/pagemap",
        "/proc/self/task",    "a", "/proc/self/maps", "/dev/urandom",
        "/proc/self/net/unix"};
    int ends[2];
    char name[64];
    for (int i = 15; i < 19; i++)
        fuzz_put_at(epoll_create1(0), i);
    for (int i = 19; i < 23; i += 2)
        if (!pipe(ends))
            pair_at(ends, i);
    make_terminals();
    fuzz_put_at((int)syscall(SYS_pidfd_open, self, 0), 27);
    fuzz_put_at((int)syscall(SYS_pidfd_open, tracee, 0), 28);
    fuzz_put_at((int)syscall(SYS_eventfd2, 0, 0), 29);
    fuzz_put_at(timerfd_create(CLOCK_MONOTONIC, 0), 30);
    fuzz_put_at((int)syscall(SYS_signalfd4, -1, &(uint64_t){1UL << 27}, 8, 0), 31);
    fuzz_put_at((int)syscall(SYS_memfd_create, "h", MFD_HUGETLB), 32);
    fuzz_put_at(open(".", O_RDWR | 020200000, 0600), 33); /* O_TMPFILE */
    fuzz_put_at(open("b", O_RDWR | O_CREAT, 0644), 34);
    for (unsigned i = 0; i < sizeof(open_names) / sizeof(*open_names); i++) {
        int fd = open(open_names[i], O_RDWR);
        fuzz_put_at(fd >= 0 ? fd : open(open_names[i], O_RDONLY), 35 + (int)i);
    }
    snprintf(name, sizeof(name), "/proc/%d/mem", (int)tracee);
    fuzz_put_at(open(name, O_RDWR), 45);
    snprintf(name, sizeof(name), "/proc/%d/stat", (int)tracee);
    fuzz_put_at(open(name, O_RDONLY), 46);
    fuzz_put_at(open("/dev/loop-control", O_RDWR), LOOPS);
    fuzz_put_at(open("/dev/loop0", O_RDWR), LOOPS + 1);
    fuzz_put_at(open("/dev/loop1", O_RDWR), LOOPS + 2);
    for (int i = 0; i < 40; i++) {
        struct epoll_event e = {EPOLLIN | EPOLLOUT, {.u32 = (unsigned)i}};
        epoll_ctl(15 + (int)rnd(4), EPOLL_CTL_ADD, 3 + (int)rnd(FDS - 3), &e);
    }
}

static void on_tick(int sig)
{
    (void)sig;
}

void fuzz_scene(bool nobody, bool many_pages)
{
    struct sigaction sa = {.sa_handler = on_tick};
    struct itimerval tick = {{0, 10000}, {0, 10000}};
    self = getpid();
    setpgid(0, 0);
    if (chdir(t_dir))
        _exit(1);
    (void)!mkdir("d", 0777);
    chmod(".", 0777);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){1 << 24, 1 << 24});
    if (nobody) {
        (void)!setuid(65534);
        prctl(PR_SET_DUMPABLE, 1);
    }
    for (int fd = 0; fd < 64; fd++)
        close(fd);
    for (int i = 0; i < 3; i++)
        open("/dev/null", O_RDWR);
    for (int sig = 1; sig <= 64; sig++)
        if (sig != SIGSEGV && sig != SIGCHLD)
            sigaction(sig, &sa, NULL);
    open("a", O_RDWR | O_CREAT, 0644);
    close(3);
    int file = (int)syscall(SYS_memfd_create, "fuzz", 0);
    if (many_pages)
        field_pages = 1200;
    (void)!ftruncate(file, (off_t)(field_pages * P));
    arena = mmap((void *)0x100000000000, ARENA_PAGES * P, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    field = mmap((void *)0x100000200000, field_pages * P, PROT_READ | PROT_WRITE,
                 MAP_SHARED, file, 0);
    if (!many_pages)
        mmap(field + field_pages / 2 * P, field_pages / 2 * P, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    fuzz_put_at(file, 47);
    tracee = fork();
    if (tracee == 0)
        be_traced(self);
    make_sockets();
    make_rest();
    setitimer(ITIMER_REAL, &tick, NULL);
}
