/* SPDX-License-Identifier: MIT
 *
 * What a switch of threads, fork, exec and a signal keep, pass on or clear besides the
 * general registers and the FPU: selectors, segment bases, flags.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define USER_DS      0x2b
#define ARCH_SET_GS  0x1001
#define ARCH_GET_GS  0x1004
#define FLAG_AC      (1ul << 18)
#define FLAG_ID      (1ul << 21)
#define FLAGS_TO_SEE (FLAG_AC | FLAG_ID)

struct selectors {
    uint16_t ds, es, fs, gs;
};

static struct selectors selectors(void)
{
    struct selectors s;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(s.ds), "=r"(s.es), "=r"(s.fs), "=r"(s.gs));
    return s;
}

/* FS stays: it is the libc's. */
static void load(uint16_t value)
{
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%gs" ::"r"(value));
}

static void want(uint16_t value)
{
    struct selectors s = selectors();

    EQ(s.ds, value);
    EQ(s.es, value);
    EQ(s.gs, value);
}

static void yield_some(void)
{
    for (int i = 0; i < 50; i++)
        sched_yield();
}

static unsigned long gs_base(void)
{
    unsigned long base = 1;

    OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
    return base;
}

TEST(selectors, "DS, ES, GS belong to the thread that loaded them")
{
    pid_t child;

    want(0);
    child = t_fork();
    if (!child) {
        load(USER_DS);
        for (int i = 0; i < 50; i++) {
            sched_yield();
            want(USER_DS);
        }
        _exit(0);
    }
    for (int i = 0; i < 50; i++) {
        sched_yield();
        want(0);
    }
    t_join(child);
}

TEST(selectors_fork, "fork passes selectors and bases on, exec clears them")
{
    unsigned long word = 42, seen = 0;

    load(USER_DS);
    CHILD({
        want(USER_DS);
        execl(t_exe, t_exe, "--helper", "selectors", (char *)NULL);
        _exit(9);
    });
    want(USER_DS);
    OK(syscall(SYS_arch_prctl, ARCH_SET_GS, &word));
    EQ(selectors().gs, 0); /* a base of its own goes with the null selector */
    CHILD({
        yield_some();
        __asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
        EQ(seen, 42);
        execl(t_exe, t_exe, "--helper", "selectors", (char *)NULL);
        _exit(9);
    });
    yield_some();
    __asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
    EQ(seen, 42);
}

TEST(gs_base, "a selector takes the base with it, a switch does not bring it back")
{
    static unsigned long word;

    OK(syscall(SYS_arch_prctl, ARCH_SET_GS, &word));
    EQ(gs_base(), (unsigned long)&word);
    load(USER_DS);
    EQ(gs_base(), 0);
    pid_t other = t_fork();
    if (!other) {
        yield_some();
        _exit(0);
    }
    yield_some();
    EQ(gs_base(), 0);
    EQ(selectors().gs, USER_DS);
    t_join(other);
}

static volatile int handled;

static void on_signal(int signo)
{
    (void)signo;
    handled = selectors().ds;
}

TEST(selectors_signal, "a handler runs with the program's selectors and leaves them")
{
    signal(SIGUSR1, on_signal);
    load(USER_DS);
    OK(raise(SIGUSR1));
    EQ(handled, USER_DS);
    want(USER_DS);
}

static unsigned long flags(void)
{
    unsigned long f;

    __asm__ volatile("pushfq; popq %0" : "=r"(f));
    return f;
}

static void set_flags(unsigned long f)
{
    __asm__ volatile("pushq %0; popfq" ::"r"(f) : "cc", "memory");
}

TEST(flags, "AC, ID: kept over calls and switches, another's do not show")
{
    unsigned long mine = flags() & FLAGS_TO_SEE;
    pid_t child = t_fork();

    if (!child) {
        set_flags(flags() | FLAG_AC | FLAG_ID);
        for (int i = 0; i < 50; i++) {
            syscall(SYS_sched_yield);
            CHECK((flags() & FLAGS_TO_SEE) == FLAGS_TO_SEE);
        }
        execl(t_exe, t_exe, "--helper", "flags", (char *)NULL);
        _exit(9);
    }
    for (int i = 0; i < 50; i++) {
        sched_yield();
        EQ(flags() & FLAGS_TO_SEE, mine);
    }
    t_join(child);
}

TEST(flags_signal, "a signal leaves ID as it was")
{
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, on_signal);
    set_flags(flags() | FLAG_ID);
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
    CHECK(flags() & FLAG_ID);
}

/* What was resident once counts in ru_maxrss and VmHWM after it has gone. */
TEST(peak, "the most that was ever resident is remembered")
{
    struct rusage before, after;
    size_t n = 64UL << 20;
    char line[256], *p;
    long peak = 0;

    OK(getrusage(RUSAGE_SELF, &before));
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(p);
    for (size_t i = 0; i < n; i += P)
        p[i] = 1;
    OK(munmap(p, n));
    OK(getrusage(RUSAGE_SELF, &after));
    CHECK(after.ru_maxrss >= (long)(n / 1024));
    FILE *f = fopen("/proc/self/status", "r");
    CHECK(f);
    while (fgets(line, sizeof(line), f))
        sscanf(line, "VmHWM: %ld", &peak);
    fclose(f);
    CHECK(peak >= (long)(n / 1024));
}

static int helper(int argc, char **argv)
{
    struct selectors s = selectors();

    if (argc > 1 && !strcmp(argv[1], "selectors"))
        return s.ds || s.es || s.fs || s.gs || gs_base();
    if (argc > 1 && !strcmp(argv[1], "flags"))
        return !!(flags() & FLAGS_TO_SEE);
    return 1;
}

/* A peak that nothing was given back from is known to who waits. */
TEST(peak_ended, "the peak of a child that ends at it")
{
    size_t n = 48UL << 20;
    struct rusage use;
    char *p;

    CHILD(p = mmap(NULL, n, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
          CHECK(p != MAP_FAILED));
    OK(getrusage(RUSAGE_CHILDREN, &use));
    CHECK(use.ru_maxrss >= (long)(n / 1024));
    CHECK(use.ru_maxrss < 2 * (long)(n / 1024));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
