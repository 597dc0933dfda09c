/* SPDX-License-Identifier: MIT
 *
 * The processors as programs see them: how many there are is the same wherever it is asked, a
 * thread runs where it is told to, its registers and the clock come with it, and a right that
 * was taken away is gone on every processor.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define CPUS_MAX 64
#define ROUNDS   200

static int cpus[CPUS_MAX], ncpus; /* this process may use */

static void find_cpus(void)
{
    cpu_set_t set;
    OK(sched_getaffinity(0, sizeof(set), &set));
    ncpus = 0;
    for (int c = 0; c < CPU_SETSIZE && ncpus < CPUS_MAX; c++)
        if (CPU_ISSET(c, &set))
            cpus[ncpus++] = c;
    CHECK(ncpus > 0);
}

static void go_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    OK(sched_setaffinity(0, sizeof(set), &set));
}

static unsigned here(void)
{
    unsigned cpu;
    OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
    return cpu;
}

/* How many lines of the file begin like this. */
static int lines_with(const char *path, const char *start)
{
    char line[4096];
    int n = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        FAIL("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), f))
        n += strncmp(line, start, strlen(start)) == 0;
    fclose(f);
    return n;
}

/* How many numbers a list as "0-3,5" has. */
static int listed(const char *path)
{
    char text[512];
    int n = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        FAIL("%s: %s", path, strerror(errno));
    CHECK(fgets(text, sizeof(text), f));
    fclose(f);
    for (char *p = text; *p >= '0' && *p <= '9';) {
        long from = strtol(p, &p, 10), to = from;
        if (*p == '-')
            to = strtol(p + 1, &p, 10);
        n += (int)(to - from + 1);
        if (*p == ',')
            p++;
    }
    return n;
}

TEST(count, "everybody who is asked names the same number of processors")
{
    int n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    find_cpus();
    CHECK(ncpus <= n);
    EQ(lines_with("/proc/cpuinfo", "processor\t"),
       listed("/sys/devices/system/cpu/online"));
    /* The sum and one for each. */
    EQ(lines_with("/proc/stat", "cpu"), 1 + listed("/sys/devices/system/cpu/online"));
    CHECK(listed("/sys/devices/system/cpu/present") >=
          listed("/sys/devices/system/cpu/online"));
    CHECK(listed("/sys/devices/system/cpu/possible") >=
          listed("/sys/devices/system/cpu/online"));
    if (t_tessera) {
        EQ(n, ncpus);
        EQ(n, listed("/sys/devices/system/cpu/online"));
    }
}

TEST(topology,
     "each processor that runs tells of the others in its package, itself among them")
{
    static const char *const files[] = {"core_siblings_list", "package_cpus_list",
                                        "thread_siblings_list", "core_cpus_list"};
    char path[100];

    find_cpus();
    for (int i = 0; i < ncpus; i++) {
        int n = 0;
        for (unsigned f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
            snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s",
                     cpus[i], files[f]);
            if (f == 0 && access(path, F_OK) != 0 && !t_tessera)
                SKIP("this machine does not tell");
            CHECK(n == 0 || f == 2 || listed(path) == n);
            n = listed(path);
            CHECK(n >= 1 && n <= listed("/sys/devices/system/cpu/present"));
        }
    }
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology", 63);
    if (t_tessera && listed("/sys/devices/system/cpu/online") < 64)
        ERR(access(path, F_OK), ENOENT);
}

TEST(affinity, "a thread is on the processor that it asked for, at once")
{
    find_cpus();
    for (int round = 0; round < ROUNDS; round++) {
        int cpu = cpus[round % ncpus];
        go_to(cpu);
        EQ(here(), cpu);
        EQ(sched_getcpu(), cpu);
    }
}

TEST(registers, "FPU registers and the FS base travel with a thread")
{
    static __thread long mine;
    find_cpus();
    mine = 4711;
    for (int round = 0; round < ROUNDS; round++) {
        double in[2] = {round + 0.5, -round}, out[2];
        int to = cpus[round % ncpus];
        cpu_set_t set;
        long result;
        CPU_ZERO(&set);
        CPU_SET(to, &set);
        __asm__ volatile("movupd %3, %%xmm9\n\t"
                         "syscall\n\t"
                         "movupd %%xmm9, %1"
                         : "=a"(result), "=m"(out)
                         : "0"(SYS_sched_setaffinity), "m"(in), "D"(0), "S"(sizeof(set)),
                           "d"(&set)
                         : "rcx", "r11", "xmm9", "memory");
        EQ(result, 0);
        CHECK(in[0] == out[0] && in[1] == out[1]);
        EQ(mine, 4711);
    }
}

/* ---- the clock ---- */

static _Atomic long long last; /* the latest time that anybody has seen */
static atomic_int wrong;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void *reads_clock(void *arg)
{
    go_to(*(int *)arg);
    for (int i = 0; i < 20 * ROUNDS; i++) {
        long long seen = last, t = now();
        if (t < seen)
            wrong++;
        while (t > seen && !atomic_compare_exchange_weak(&last, &seen, t))
            ;
    }
    return NULL;
}

TEST(clock, "no processor's clock is behind what another one has told")
{
    pthread_t threads[CPUS_MAX];
    find_cpus();
    for (int i = 0; i < ncpus; i++)
        EQ(pthread_create(&threads[i], NULL, reads_clock, &cpus[i]), 0);
    for (int i = 0; i < ncpus; i++)
        EQ(pthread_join(threads[i], NULL), 0);
    EQ(wrong, 0);
}

/* ---- rights that go ---- */

static volatile long *word;
static atomic_int phase; /* 1: it may be written, 2: no more, 3: the end */
static atomic_long caught;

static void on_fault(int sig)
{
    (void)sig;
    caught++;
    while (phase == 2)
        sched_yield();
}

static void *writes(void *arg)
{
    go_to(*(int *)arg);
    while (phase != 3)
        (*word)++;
    return NULL;
}

TEST(rights, "no processor writes after mprotect has taken the right away")
{
    pthread_t thread;
    find_cpus();
    word = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(word != MAP_FAILED);
    signal(SIGSEGV, on_fault);
    phase = 1;
    go_to(cpus[0]);
    EQ(pthread_create(&thread, NULL, writes, &cpus[ncpus - 1]), 0);
    for (int round = 0; round < 12; round++) {
        long before = *word, faults = caught, value;
        while (*word == before)
            sched_yield();
        phase = 2;
        OK(mprotect((void *)word, P, PROT_READ));
        value = *word;
        while (caught == faults) /* it has tried again, on whatever its TLB knew */
            sched_yield();
        EQ(*word, value);
        OK(mprotect((void *)word, P, PROT_READ | PROT_WRITE));
        phase = 1;
    }
    phase = 3;
    EQ(pthread_join(thread, NULL), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
