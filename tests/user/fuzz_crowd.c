/* SPDX-License-Identifier: MIT
 *
 * fuzz_crowd SEED [COUNT [CHILD]]: random calls by several processes with one to three threads
 * each, root's and nobody's, on the same open files, which are killed, stopped and made anew at any
 * moment, make processes, run programs, end threads, trace and signal each other. See fuzz.h; the
 * calls are those of fuzz_families.h and fuzz_crowd.h.
 */
#include "tests/user/fuzz_args.h"
#include "user/include/tessera.h"
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/time.h>

#define WORKERS 5
#define UFFD    44
#define END_NS  20000000000u /* of one child */
#define PROGRAM 60           /* calls of a program that a worker has become */
#define AGAIN   "--again"

#define CALL(nr, args) {nr, args},
static const struct fuzz_row rows[] = {
#include "tests/user/fuzz_crowd.h"
};
static const struct fuzz_row families[] = {
#include "tests/user/fuzz_families.h"
};
#undef CALL

/* Behind what fuzz_run.c knows of, in the same page. */
struct crowd {
    struct fuzz_shared known;
    volatile uint64_t left; /* calls */
    volatile pid_t pids[WORKERS];
};

#define PICK(...) \
    ((const uint64_t[]){__VA_ARGS__})[rnd(sizeof((uint64_t[]){__VA_ARGS__}) / 8)]

static struct crowd *crowd(void)
{
    return (struct crowd *)shared;
}

/* ---- arguments ---- */

static uint64_t a_page(void)
{
    return (uint64_t)(uintptr_t)(field + rnd(field_pages) * P);
}

/* UFFDIO_API; or the range of another, with what follows it. */
static uint64_t uffd_argument(void)
{
    uint64_t *at = (uint64_t *)(uintptr_t)a_place(), len = (1 + rnd(8)) * P;

    memset(at, 0, 48);
    if (one_in(4)) {
        at[0] = 0xaa;
        at[1] = one_in(2) ? 0 : 1UL << rnd(14);
    } else {
        at[0] = a_page();
        at[1] = one_in(2) ? len : a_page();
        at[2] = one_in(2) ? len : rnd(8);
        at[3] = one_in(2) ? rnd(4) : 0;
    }
    return (uint64_t)(uintptr_t)at;
}

/* struct sched_attr: mostly one that can be. */
static uint64_t attributes(void)
{
    uint32_t *at = (uint32_t *)(uintptr_t)a_place();

    memset(at, 0, 56);
    at[0] = one_in(8) ? (uint32_t)a_number() : 48;
    at[1] = (uint32_t)PICK(0, 1, 2, 3, 5, 6, 7);
    at[2] = one_in(2) ? 0 : (uint32_t)rnd(128);
    at[4] = (uint32_t)rnd(40) - 20;
    at[5] = (uint32_t)PICK(0, 1, 10, 99, 100);
    for (int i = 6; i < 12; i += 2)
        at[i] = one_in(2) ? 0 : (uint32_t)rnd(100000000);
    return (uint64_t)(uintptr_t)at;
}

/* A number, a descriptor, a struct loop_config, loop_info64 or other. */
static uint64_t loop_argument(void)
{
    uint64_t *at = (uint64_t *)(uintptr_t)a_place();

    if (one_in(2))
        return one_in(4) ? a_number() : one_in(2) ? 47 : rnd(FDS + 20);
    memset(at, 0, 304);
    if (one_in(2)) { /* LOOP_CONFIGURE */
        *at++ = 47 | (one_in(3) ? 1UL << (32 + rnd(14)) : 0);
        at[6] = one_in(2) ? 0 : rnd(32) << 32; /* flags */
    }
    at[3] = one_in(3) ? a_number() : rnd(8) * 512; /* offset, or a part of one */
    at[4] = one_in(3) ? a_number() : rnd(8) * 512;
    at[0] = rnd(16) * P;
    at[1] = rnd(16) * P;
    return (uint64_t)(uintptr_t)at;
}

struct step {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};

/* struct sock_fprog: a filter of calls or of packets that mostly can be, and mostly lets pass. */
static uint64_t filter(void)
{
    static const uint16_t codes[] = {
        0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x80, 0x81, 0xb1, 0x00, 0x01, 0x60, 0x61,
        0x02, 0x03, 0x04, 0x0c, 0x14, 0x24, 0x34, 0x3c, 0x44, 0x54, 0x5c, 0x64, 0x74,
        0x84, 0xa4, 0x94, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x45, 0x07, 0x87, 0x16,
    };
    uint64_t *at = (uint64_t *)(uintptr_t)a_place(), n = 1 + rnd(one_in(9) ? 300 : 12);
    struct step *program = (void *)(arena + rnd(ARENA_PAGES - 1) * P);

    for (uint64_t i = 0; i < n; i++) {
        uint32_t k = one_in(3) ? (uint32_t)rnd(16) * 4 : (uint32_t)rnd(4);

        if (one_in(12)) /* what a packet says of itself */
            k = 0xfffff000u + (uint32_t)rnd(16) * 4;
        program[i] = (struct step){codes[rnd(sizeof(codes) / 2)], (uint8_t)rnd(n),
                                   (uint8_t)rnd(n), k};
        if (one_in(80))
            program[i].code = (uint16_t)t_random(&rng);
    }
    program[n - 1] = (struct step){
        0x06, 0, 0,
        (uint32_t)(one_in(4) ? PICK(0x00050000 + rnd(40), 0x7ff00000, 0x7fc00000,
                                    0x7ffc0000, 0x00030000, 0x80000000, 0, rnd(100))
                             : 0x7fff0000)};
    at[0] = one_in(40) ? rnd(5000) : n;
    at[1] = (uint64_t)(uintptr_t)program;
    return (uint64_t)(uintptr_t)at;
}

/* Rights of this thread by keys: whatever they deny, it goes on or dies. */
static void change_keys(void)
{
    unsigned a, b, c, d;

    if (one_in(8) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 1u << 4)
        __asm__ volatile("wrpkru"
                         :
                         : "a"((uint32_t)t_random(&rng) & ~3u), "c"(0), "d"(0)
                         : "memory");
}

static const char *const names[] = {
    "/proc/self/fd/20", "/proc/self/fd/4",      "/dev/pts/0",
    "/dev/pts/1",       "/proc/self/task",      "/proc/sysvipc/sem",
    "/proc/net/unix",   "/proc/net/tcp",        "/proc/self/syscall",
    "/proc/self/wchan", "/proc/self/fdinfo/15", "/proc/self/fdinfo/30",
    "/proc/self/smaps", "/proc/self/map_files", "/dev/tty",
    "/dev/ptmx",        "/proc/locks",          "/proc/self/timers",
    "/proc/self/mem",   "/proc/self/exe",
};

static uint64_t crowd_argument(char kind, uint64_t nr)
{
    switch (kind) {
    case 'U':
        return one_in(6) ? rnd(FDS) : UFFD;
    case 'Y': /* API, REGISTER, UNREGISTER, WAKE, COPY, ZEROPAGE, MOVE, WRITEPROTECT, CONTINUE */
        return PICK(0xc018aa3f, 0xc020aa00, 0x8010aa01, 0x8010aa02, 0xc028aa03,
                    0xc020aa04, 0xc028aa05, 0xc018aa06, 0xc020aa07);
    case 'Z':
        return uffd_argument();
    case 'O':
        return (uint64_t)(uintptr_t)names[rnd(sizeof(names) / sizeof(*names))];
    case 'R': /* SEIZE, INTERRUPT, LISTEN, ATTACH, DETACH, SYSCALL, CONT, SINGLESTEP, KILL */
        return PICK(0x4206, 0x4207, 0x4208, 16, 17, 24, 7, 9, 8);
    case '2':
    case '3':
        return (uint64_t)(kind - '0');
    case '!': /* MAYMOVE, FIXED, DONTUNMAP */
        return PICK(0, 1, 1, 3, 3, 5, 7);
    case 'H':
        return attributes();
    case '^':
        return LOOPS + rnd(3);
    case '|':
        return one_in(4)   ? 0x1200 + PICK(0x5d + rnd(16), 0x77, 0x7d, 0x7f)
               : one_in(6) ? 0x4c80 + rnd(4)
               : one_in(9) ? a_number()
                           : 0x4c00 + rnd(12);
    case '&':
        return loop_argument();
    case '~':
        return filter();
    case '@': /* SO_ATTACH_FILTER, DETACH_FILTER, LOCK_FILTER */
        return PICK(26, 26, 26, 27, 44);
    case '6': /* bytes of a filter; PR_SET_SECCOMP is 22 */
        return 16;
    case '7':
        return PR_SET_SECCOMP;
    case '9':
        return PR_SET_NO_NEW_PRIVS;
    case '4':
        return F_SETFL;
    case '8':
        return F_SETOWN;
    case 'q':
        if (one_in(2))
            return (uint64_t)crowd()->pids[rnd(WORKERS)];
    }
    return argument(kind, nr);
}

/* ---- calls ---- */

static void one_call(void);

static void run_again(void)
{
    char text[24], *argv[] = {(char *)"fuzz_crowd", (char *)AGAIN, text, NULL};

    snprintf(text, sizeof(text), "%llu", (unsigned long long)t_random(&rng));
    execve("/proc/self/exe", argv, (char *[]){NULL});
}

static void make_process(void)
{
    uint64_t share = CLONE_FILES | CLONE_FS | CLONE_PARENT | CLONE_SYSVSEM |
                     CLONE_UNTRACED | CLONE_PTRACE;

    if (syscall(SYS_clone, SIGCHLD | (t_random(&rng) & share), 0, 0, 0, 0))
        return;
    self = getpid();
    for (int i = 0; i < 12; i++)
        one_call();
    syscall(SYS_exit_group, 0);
}

/* Calls that need more than arguments. */
static bool special(int nr)
{
    switch (nr) {
    case SYS_vfork:
        if (syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0) {
            if (one_in(3))
                run_again();
            syscall(SYS_exit_group, 0);
        }
        return true;
    case SYS_clone:
        make_process();
        return true;
    case SYS_exit:
        if (one_in(10))
            syscall(SYS_exit, 0);
        return true;
    case SYS_pkey_alloc:
        change_keys();
        return false;
    case SYS_execve:
        if (one_in(20))
            run_again();
        return true;
    }
    return false;
}

/* Not those outside the crowd. */
static bool stays_inside(int nr, uint64_t *a)
{
    bool sends = nr == SYS_kill || nr == SYS_rt_sigqueueinfo || nr == SYS_tkill ||
                 nr == SYS_tgkill;

    if (sends && (int)a[0] <= 1)
        a[0] = (uint64_t)self;
    if (nr == SYS_close_range && (uint32_t)a[1] > 60)
        a[1] = a[0] + 3;
    return (nr != SYS_prlimit64 || (pid_t)a[0] != getppid()) &&
           (nr != SYS_setpriority || a[0] == 0);
}

static void one_call(void)
{
    uint64_t own = sizeof(rows) / sizeof(*rows), all = sizeof(families) / sizeof(*rows);
    const struct fuzz_row *r = one_in(2) ? &rows[rnd(own)] : &families[rnd(all)];
    uint64_t a[6] = {0};

    shared->last_nr = (uint64_t)r->nr;
    shared->calls++;
    if (special(r->nr))
        return;
    for (int k = 0; r->args[k]; k++)
        a[k] = crowd_argument(r->args[k], (uint64_t)r->nr);
    if (one_in(60))
        a[rnd(6)] = a_number();
    if (stays_inside(r->nr, a) && fuzz_tame((uint64_t)r->nr, a)) {
        raw((uint64_t)r->nr, a);
        fuzz_look((uint64_t)r->nr, a);
    }
}

static void *work(void *seed)
{
    rng = (uint64_t)(uintptr_t)seed | 1;
    while (__atomic_fetch_sub(&crowd()->left, 1, __ATOMIC_RELAXED) - 1 < (1UL << 62))
        one_call();
    return NULL;
}

static _Noreturn void be_worker(uint64_t seed)
{
    pthread_t other;

    self = getpid();
    rng = seed | 1;
    if (one_in(2)) {
        (void)!setuid(65534);
        prctl(PR_SET_DUMPABLE, 1);
    }
    if (one_in(4))
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    tracee = crowd()->pids[rnd(WORKERS)];
    for (uint64_t i = rnd(3); i; i--)
        pthread_create(&other, NULL, work, (void *)(uintptr_t)(seed * 3 + 2 * i));
    work((void *)(uintptr_t)seed);
    for (;;)
        syscall(SYS_exit_group, 0);
}

/* ---- the crowd ---- */

static void disturb(int i)
{
    pid_t pid = crowd()->pids[i];

    if (pid && one_in(2))
        kill(pid, (int)PICK(SIGKILL, SIGKILL, SIGSTOP, SIGCONT));
    if (pid && kill(pid, 0) == 0 && !one_in(4))
        return;
    if (pid)
        kill(pid, SIGKILL);
    pid = fork();
    if (pid == 0)
        be_worker(t_random(&rng) * 77 + (uint64_t)getpid());
    if (pid > 0)
        crowd()->pids[i] = pid;
}

static _Noreturn void child(uint64_t seed, uint64_t calls)
{
    struct itimerval off = {{0, 0}, {0, 0}};
    uint64_t start = t_ns();

    rng = seed;
    for (int i = 0; calls == 0 && i < 40; i++) /* as in fuzz_families */
        open("/dev/ptmx", O_RDWR | O_NOCTTY);
    fuzz_scene(false, false);
    fuzz_put_at((int)syscall(SYS_userfaultfd, O_NONBLOCK), UFFD);
    setitimer(ITIMER_REAL, &off, NULL);
    kill(tracee, SIGKILL);
    crowd()->left = calls * 4;
    memset((void *)crowd()->pids, 0, sizeof(crowd()->pids));
    while (crowd()->left - 1 < (1UL << 62) && t_ns() - start < END_NS) {
        disturb((int)rnd(WORKERS));
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        if (one_in(3))
            t_nap((unsigned)rnd(3000));
    }
    for (;;)
        syscall(SYS_exit_group, 0);
}

/* What a worker has become: with its descriptors, and memory of its own. */
static _Noreturn void begin_again(uint64_t seed)
{
    int rw = PROT_READ | PROT_WRITE;

    shared = mmap((void *)0x200000000000, P, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    arena = mmap((void *)0x100000000000, ARENA_PAGES * P, rw, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    field = mmap((void *)0x100000200000, field_pages * P, rw, MAP_SHARED, 47, 0);
    if (shared == MAP_FAILED || arena == MAP_FAILED)
        _exit(0);
    crowd()->left = PROGRAM;
    for (int i = 0; i < WORKERS; i++)
        crowd()->pids[i] = getpid();
    be_worker(seed);
}

int main(int argc, char **argv)
{
    static const struct fuzz what = {"fuzz_crowd", 400, child, 64};

    if (argc == 3 && !strcmp(argv[1], AGAIN) && fcntl(UFFD, F_GETFD) >= 0)
        begin_again(strtoull(argv[2], NULL, 0));
    return fuzz_main(argc, argv, &what);
}
