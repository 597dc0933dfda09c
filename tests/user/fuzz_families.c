/* SPDX-License-Identifier: MIT
 *
 * fuzz_families SEED [COUNT [CHILD]]: random calls of the families that need structures to get
 * anywhere: sockets and their messages, epoll, timers, pidfds, ptrace, System V, terminals,
 * splice, attributes, huge pages, by several threads on the same descriptors and memory. See
 * fuzz.h; the calls are in fuzz_families.h. Every second child is nobody's.
 */
#include "tests/user/fuzz.h"
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#define ARENA_PAGES 64
#define ROOM        128 /* of a structure */
#define FDS         48
#define THREADS     3

static const struct {
    int nr;
    const char *args;
} table[] = {
#define CALL(nr, args) {nr, args},
#include "tests/user/fuzz_families.h"
#undef CALL
};

static __thread uint64_t rng;
static unsigned char *arena, *field; /* structures; what is mapped and unmapped */
static pid_t self, tracee;
static uint64_t calls_left;
static const char *const names[] = {
    "a",   "b", "d/x", ".", "/dev/ptmx", "/proc/self/mem",
    "d/y", "c", "d",   "",  "/dev/tty",  "/proc/self/maps"};

static uint64_t rnd(uint64_t below)
{
    return t_random(&rng) % below;
}

static bool one_in(uint64_t n)
{
    return rnd(n) == 0;
}

#define PICK(...) \
    ((const uint64_t[]){__VA_ARGS__})[rnd(sizeof((uint64_t[]){__VA_ARGS__}) / 8)]

static uint64_t a_number(void)
{
    switch (rnd(6)) {
    case 0:
        return 1UL << rnd(64);
    case 1:
        return (1UL << rnd(64)) - rnd(3);
    case 2:
        return t_random(&rng) >> rnd(64);
    default:
        return rnd(70);
    }
}

static uint64_t a_length(void)
{
    return one_in(30) ? a_number()
                      : PICK(0, 1, 4, 8, 16, 64, 200, P - 8, P, 2 * P, 16 * P);
}

static unsigned char *a_place(void)
{
    return arena + rnd(ARENA_PAGES) * P + rnd(P / ROOM) * ROOM;
}

static uint64_t a_memory(void)
{
    uint64_t at = (uint64_t)(uintptr_t)(a_place() + (one_in(8) ? field - arena : 0));
    return one_in(25)
               ? PICK(0, 1, 0xffff800000001000, 0x7ffffffffff8, at + ROOM - 3, ~0UL)
               : at;
}

/* ---- structures ---- */
static uint64_t words(unsigned n, uint64_t (*word)(void))
{
    uint64_t *at = (uint64_t *)(uintptr_t)a_place();
    for (unsigned i = 0; i < n; i++)
        at[i] = word();
    return (uint64_t)(uintptr_t)at;
}

static uint64_t a_time(void)
{
    return one_in(12) ? a_number() : one_in(2) ? 0 : rnd(2000000);
}

static uint64_t a_set(void)
{
    return t_random(&rng) & t_random(&rng) & ~(1UL << (SIGALRM - 1));
}

static uint64_t an_event(void)
{
    return rnd(8) << 28 | rnd(32) | rnd(FDS) << 32;
}

static uint64_t a_poll(void)
{
    return rnd(FDS) | (uint64_t)rnd(32) << 32;
}

static uint64_t a_semaphore_op(void)
{
    return rnd(4) | (uint64_t)(uint16_t)(rnd(5) - 2) << 16 |
           PICK(0, 010000, 04000, 014000) << 32;
}

static uint64_t iovecs(unsigned n)
{
    struct iovec *at = (struct iovec *)(uintptr_t)a_place();
    for (unsigned i = 0; i < n; i++)
        at[i] = (struct iovec){(void *)(uintptr_t)a_memory(), a_length()};
    return (uint64_t)(uintptr_t)at;
}

static void address(unsigned char *at)
{
    struct sockaddr_in in = {
        AF_INET, htons(4000 + rnd(8)), {htonl(INADDR_LOOPBACK)}, {0}};
    struct sockaddr_in6 in6 = {AF_INET6, htons(4000 + rnd(8)), 0, IN6ADDR_LOOPBACK_INIT,
                               0};
    struct sockaddr_un un = {AF_UNIX, "\0n"};
    uint32_t nl[3] = {AF_NETLINK, (uint32_t)rnd(3), (uint32_t)rnd(4)};
    un.sun_path[one_in(2)] = (char)('p' + rnd(4));
    switch (rnd(5)) {
    case 0:
        memcpy(at, &in, sizeof(in));
        break;
    case 1:
        memcpy(at, &in6, sizeof(in6));
        break;
    case 2:
        memcpy(at, nl, sizeof(nl));
        break;
    default:
        memcpy(at, &un, 5);
    }
}

static size_t control(unsigned char *at)
{
    struct cmsghdr *c = (void *)at;
    unsigned n = 1 + (unsigned)rnd(4);
    c->cmsg_level = one_in(20) ? (int)rnd(3) : SOL_SOCKET;
    if (one_in(4)) {
        struct ucred who = {one_in(2) ? self : tracee, getuid(), getgid()};
        c->cmsg_type = SCM_CREDENTIALS;
        c->cmsg_len = CMSG_LEN(sizeof(who));
        memcpy(CMSG_DATA(c), &who, sizeof(who));
        return CMSG_SPACE(sizeof(who));
    }
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    for (unsigned i = 0; i < n; i++)
        ((int *)(void *)CMSG_DATA(c))[i] = (int)rnd(FDS);
    if (one_in(16))
        c->cmsg_len = a_number();
    return one_in(16) ? a_length() : CMSG_SPACE(n * sizeof(int));
}

static void message(struct msghdr *m)
{
    unsigned char *name = a_place(), *more = a_place();
    memset(m, 0, sizeof(*m));
    if (one_in(3)) {
        address(name);
        m->msg_name = name;
        m->msg_namelen = (socklen_t)PICK(16, 28, 5, 4, 110, 12);
    }
    m->msg_iovlen = one_in(20) ? (int)a_number() : (int)rnd(3);
    m->msg_iov = (void *)(uintptr_t)iovecs(3);
    if (one_in(2)) {
        m->msg_controllen = (socklen_t)control(more);
        m->msg_control = more;
    }
}

static uint64_t messages(unsigned n)
{
    unsigned char *at = a_place();
    for (unsigned i = 0; i < n; i++)
        message((struct msghdr *)(void *)(at + i * 64));
    return (uint64_t)(uintptr_t)at;
}

/* A request to netlink where a message is meant. */
static uint64_t bytes(void)
{
    unsigned char *at = a_place();
    uint32_t n[4] = {
        (uint32_t)PICK(16, 17, 32, 36, 20, 0, 15, 1000),
        (uint32_t)(PICK(18, 22, 26, 16, 19, 20, 3) | 1 << 16 | rnd(0x400) << 16),
        (uint32_t)rnd(9), 0};
    if (one_in(3))
        memcpy(at, n, sizeof(n));
    else if (one_in(3))
        for (int i = 0; i < ROOM; i++)
            at[i] = (unsigned char)t_random(&rng);
    return a_memory() ? (uint64_t)(uintptr_t)at : 0;
}

static uint64_t sigevent(void)
{
    struct sigevent v = {.sigev_notify = (int)rnd(5),
                         .sigev_signo = (int)PICK(0, 17, 28, 40, 65)};
    unsigned char *at = a_place();
    memcpy(at, &v, 24);
    return one_in(8) ? 0 : (uint64_t)(uintptr_t)at;
}

/* ---- one argument ---- */
static uint64_t descriptor(unsigned from, unsigned n)
{
    return one_in(10) ? rnd(FDS + 30) : one_in(80) ? a_number() : from + rnd(n);
}

static uint64_t ioctl_number(void)
{
    return one_in(12)  ? a_number()
           : one_in(5) ? 0x8900 + rnd(0x60)
           : one_in(4)
               ? PICK(TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, 0x5441, TIOCGPKT, 0x80045432)
               : 0x5400 + rnd(0x68);
}

static uint64_t ptrace_request(void)
{
    return one_in(3) ? 0x4200 + rnd(20)
                     : PICK(1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15, 16, 17, 24, 31);
}

static uint64_t argument(char kind, uint64_t nr)
{
    switch (kind) {
    case '0':
        return 0;
    case '1':
        return 1;
    case 'e':
        return 8;
    case 'n':
        return one_in(15) ? a_number() : rnd(8);
    case 'N':
        return a_number();
    case 'b':
        return one_in(3) ? 0 : 1UL << rnd(33) | (one_in(2) ? 1UL << rnd(24) : 0);
    case 'm': /* MSG_DONTWAIT, mostly; MAP_SHARED or PRIVATE, ANONYMOUS, FIXED */
        return nr == SYS_mmap ? 0x10 + PICK(1, 2, 0x21, 0x22)
               : rnd(8)       ? 0x40 | rnd(2) << 1
                              : rnd(0x200);
    case 'H':
        return MAP_HUGETLB | PICK(0x21, 0x22, 1);
    case 'k':
        return 0600 | (one_in(2) ? 01000 : 0) | (one_in(8) ? 04000 : 0);
    case 'l':
        return a_length();
    case 'c':
        return one_in(8) ? a_number() : rnd(12);
    case 'd':
        return one_in(8) ? a_number() : rnd(50);
    case 'g':
        return PICK(0, 17, 28, 23, 18, 40, 64, 65, 20, 10);
    case 'f':
        return descriptor(3, FDS - 3);
    case 's':
        return descriptor(3, 12);
    case 'z':
        return descriptor(15, 4);
    case 'u':
        return descriptor(19, 4);
    case 't':
        return descriptor(23, 4);
    case 'h':
        return descriptor(27, 2);
    case 'q':
        return PICK(0, (uint64_t)self, (uint64_t)tracee, (uint64_t)tracee,
                    (uint64_t)gettid(), 90000000);
    case 'j':
        return one_in(10) ? a_number() : PICK(0, 1, 2, 32768, 32769);
    case 'a': /* of a tracee */
        return one_in(2) ? rnd(120) * 8 : a_number();
    case 'r':
        return ptrace_request();
    case 'D':
        return ioctl_number();
    case 'F':
        return one_in(2) ? rnd(17) : 1024 + rnd(18);
    case 'p':
        return (uint64_t)(uintptr_t)(field + rnd(ARENA_PAGES) * P);
    case 'o':
        return one_in(15) ? a_memory() : (uint64_t)(uintptr_t)names[rnd(12)];
    case 'x':
        return (uint64_t)(uintptr_t)(one_in(3)   ? "user.b"
                                     : one_in(9) ? "user."
                                                 : "user.a");
    case 'i':
        return iovecs(4);
    case 'I':
        return iovecs(2);
    case 'A': {
        unsigned char *at = a_place();
        address(at);
        return one_in(15) ? a_memory() : (uint64_t)(uintptr_t)at;
    }
    case 'M':
        return messages(1);
    case 'V':
        return messages(2);
    case 'E':
        return words(2, an_event);
    case 'T':
        return one_in(4) ? 0 : words(4, a_time);
    case 'P':
        return words(8, a_poll);
    case 'B':
        return words(4, a_semaphore_op);
    case 'S':
        return words(1, a_set);
    case 'v':
        return sigevent();
    case 'G':
        return words(16, a_number);
    default:
        return one_in(2) ? bytes() : a_memory();
    }
}

/* Nothing may reach the parent or end this child at once. */
static bool tame(uint64_t nr, uint64_t *a)
{
    if (nr == SYS_wait4 || nr == SYS_waitid)
        a[nr == SYS_wait4 ? 2 : 3] |= WNOHANG | (nr == SYS_waitid ? WEXITED : 0);
    if (nr == SYS_prctl)
        return a[0] != PR_SET_SECCOMP && a[0] != PR_SET_PDEATHSIG;
    if ((nr == SYS_kill || nr == SYS_rt_sigqueueinfo) && a[0] == 0)
        a[0] = (uint64_t)self;
    if (nr == SYS_setitimer && (uint32_t)a[0] == ITIMER_REAL)
        a[0] = ITIMER_VIRTUAL;
    if (nr == SYS_arch_prctl)
        return a[0] > 10;
    if (nr == SYS_ioctl && (uint32_t)a[1] == TIOCSTI)
        return false;
    return true;
}

static void *work(void *seed)
{
    rng = (uint64_t)(uintptr_t)seed;
    while (__atomic_fetch_sub(&calls_left, 1, __ATOMIC_RELAXED) - 1 < (1UL << 62)) {
        uint64_t a[6] = {0}, i = rnd(sizeof(table) / sizeof(*table));
        for (int k = 0; table[i].args[k]; k++)
            a[k] = argument(table[i].args[k], (uint64_t)table[i].nr);
        if (one_in(60))
            a[rnd(6)] = a_number();
        shared->last_nr = (uint64_t)table[i].nr;
        shared->calls++;
        if (tame((uint64_t)table[i].nr, a))
            raw((uint64_t)table[i].nr, a);
    }
    return NULL;
}

/* ---- what the calls meet ---- */
static void put_at(int fd, int to)
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
    put_at(ends[0], to);
    put_at(ends[1], to + 1);
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
    put_at(server, 9);
    listen(9, 4);
    getsockname(9, (struct sockaddr *)&in, &size);
    put_at(socket(AF_INET, SOCK_STREAM, 0), 10);
    connect(10, (struct sockaddr *)&in, size);
    put_at(accept(9, NULL, NULL), 11);
    put_at(socket(AF_INET, SOCK_DGRAM, 0), 12);
    put_at(socket(AF_NETLINK, SOCK_RAW, 0), 13);
    put_at(socket(AF_INET6, SOCK_DGRAM, 0), 14);
}

static void make_terminals(void)
{
    for (int i = 23; i < 27; i += 2) {
        int unlock = 0, number = 0;
        char name[32];
        put_at(open("/dev/ptmx", O_RDWR | O_NOCTTY), i);
        ioctl(i, TIOCSPTLCK, &unlock);
        ioctl(i, TIOCGPTN, &number);
        snprintf(name, sizeof(name), "/dev/pts/%d", number);
        put_at(open(name, O_RDWR | O_NOCTTY), i + 1);
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
        put_at(epoll_create1(0), i);
    for (int i = 19; i < 23; i += 2)
        if (!pipe(ends))
            pair_at(ends, i);
    make_terminals();
    put_at((int)syscall(SYS_pidfd_open, self, 0), 27);
    put_at((int)syscall(SYS_pidfd_open, tracee, 0), 28);
    put_at((int)syscall(SYS_eventfd2, 0, 0), 29);
    put_at(timerfd_create(CLOCK_MONOTONIC, 0), 30);
    put_at((int)syscall(SYS_signalfd4, -1, &(uint64_t){1UL << 27}, 8, 0), 31);
    put_at((int)syscall(SYS_memfd_create, "h", MFD_HUGETLB), 32);
    put_at(open(".", O_RDWR | 020200000, 0600), 33); /* O_TMPFILE */
    put_at(open("b", O_RDWR | O_CREAT, 0644), 34);
    for (unsigned i = 0; i < sizeof(open_names) / sizeof(*open_names); i++) {
        int fd = open(open_names[i], O_RDWR);
        put_at(fd >= 0 ? fd : open(open_names[i], O_RDONLY), 35 + (int)i);
    }
    snprintf(name, sizeof(name), "/proc/%d/mem", (int)tracee);
    put_at(open(name, O_RDWR), 45);
    snprintf(name, sizeof(name), "/proc/%d/stat", (int)tracee);
    put_at(open(name, O_RDONLY), 46);
    for (int i = 0; i < 40; i++) {
        struct epoll_event e = {EPOLLIN | EPOLLOUT, {.u32 = (unsigned)i}};
        epoll_ctl(15 + (int)rnd(4), EPOLL_CTL_ADD, 3 + (int)rnd(FDS - 3), &e);
    }
}

static void on_tick(int sig)
{
    (void)sig;
}

static void prepare(uint64_t seed)
{
    struct sigaction sa = {.sa_handler = on_tick};
    struct itimerval tick = {{0, 10000}, {0, 10000}};
    self = getpid();
    setpgid(0, 0);
    if (chdir(t_dir))
        _exit(1);
    (void)!mkdir("d", 0777);
    chmod(".", 0777);
    if (seed & 2) {
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
    (void)!ftruncate(file, ARENA_PAGES / 2 * P);
    arena = mmap((void *)0x100000000000, 2 * ARENA_PAGES * P, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    field = arena + ARENA_PAGES * P;
    mmap(field, ARENA_PAGES / 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
         0);
    mmap(field + ARENA_PAGES / 2 * P, ARENA_PAGES / 2 * P, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    put_at(file, 47);
    tracee = fork();
    if (tracee == 0)
        be_traced(self);
    make_sockets();
    make_rest();
    setitimer(ITIMER_REAL, &tick, NULL);
}

static _Noreturn void child(uint64_t seed, uint64_t calls)
{
    pthread_t others[THREADS - 1];
    rng = seed;
    prepare(seed);
    calls_left = calls;
    for (int i = 0; i < THREADS - 1; i++)
        pthread_create(&others[i], NULL, work,
                       (void *)(uintptr_t)(seed * 3 + 2 * (unsigned)i));
    work((void *)(uintptr_t)seed);
    syscall(SYS_exit_group, 0);
    for (;;)
        ;
}

int main(int argc, char **argv)
{
    static const struct fuzz what = {"fuzz_families", 400, child};
    return fuzz_main(argc, argv, &what);
}
