/* SPDX-License-Identifier: MIT
 *
 * The vDSO: its symbols, that its clocks agree with the calls, what may be done to its memory.
 */
#include "tests/user/t.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>

typedef int clock_fn(int, struct timespec *);
typedef int getcpu_fn(unsigned *, unsigned *, void *);

/* The image's dynamic table, and what is in it at `tag`. */
static const void *dynamic(const char *image, long tag)
{
    const Elf64_Ehdr *eh = (const void *)image;
    const Elf64_Phdr *ph = (const void *)(image + eh->e_phoff);

    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *d = (const void *)(image + ph[i].p_vaddr); d->d_tag; d++)
            if (d->d_tag == tag)
                return image + d->d_un.d_ptr;
    }
    FAIL("no dynamic entry %ld", tag);
}

static const char *vdso(void)
{
    const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);

    if (!image)
        SKIP("this system has none");
    CHECK(memcmp(image, ELFMAG, SELFMAG) == 0);
    return image;
}

static void *symbol_at(const char *image, const char *name)
{
    const Elf64_Sym *symbols = dynamic(image, DT_SYMTAB);
    const char *names = dynamic(image, DT_STRTAB);
    const uint32_t *hash = dynamic(image, DT_HASH);

    for (uint32_t i = 0; i < hash[1]; i++)
        if (symbols[i].st_shndx && strcmp(names + symbols[i].st_name, name) == 0)
            return (void *)(image + symbols[i].st_value);
    return NULL;
}

static void *symbol(const char *name)
{
    void *p = symbol_at(vdso(), name);

    if (!p)
        FAIL("no %s", name);
    return p;
}

static int64_t ns(const struct timespec *t)
{
    return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static int64_t asked(int clock)
{
    struct timespec t;

    EQ(syscall(SYS_clock_gettime, clock, &t), 0);
    return ns(&t);
}

/* Its answers lie between two of the call's; coarse clocks stand still between ticks. */
static void agrees(clock_fn *fn, int clock, int64_t slack)
{
    for (int i = 0; i < 1000; i++) {
        struct timespec t = {-1, -1};
        int64_t before = asked(clock), after;

        EQ(fn(clock, &t), 0);
        after = asked(clock);
        CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
        if (ns(&t) < before - slack || ns(&t) > after + slack)
            FAIL("clock %d: %lld not in %lld..%lld", clock, (long long)ns(&t),
                 (long long)before, (long long)after);
    }
}

TEST(clocks, "each clock agrees with clock_gettime(2)")
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                                 CLOCK_BOOTTIME, CLOCK_TAI};
    clock_fn *fn = (clock_fn *)symbol("__vdso_clock_gettime");
    struct timespec t;

    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
        agrees(fn, clocks[i], 0);
    agrees(fn, CLOCK_REALTIME_COARSE, 20000000);
    agrees(fn, CLOCK_MONOTONIC_COARSE, 20000000);
    agrees(fn, CLOCK_PROCESS_CPUTIME_ID, 20000000);
    EQ(fn(12345, &t), -EINVAL);
    EQ(fn(10, &t), -EINVAL);
}

TEST(day, "gettimeofday and time agree with the calls")
{
    int (*tod)(struct timeval *, int *) =
        (int (*)(struct timeval *, int *))symbol("__vdso_gettimeofday");
    long (*seconds)(long *) = (long (*)(long *))symbol("__vdso_time");
    int64_t before = asked(CLOCK_REALTIME) / 1000;
    struct timeval tv;
    int zone[2] = {7, 7};
    long stored, s;

    EQ(tod(&tv, zone), 0);
    s = seconds(&stored);
    EQ(stored, s);
    CHECK(seconds(NULL) >= s);
    CHECK(tv.tv_sec * 1000000ll + tv.tv_usec >= before);
    CHECK(tv.tv_sec * 1000000ll + tv.tv_usec <= asked(CLOCK_REALTIME) / 1000);
    CHECK(s >= tv.tv_sec - 1 && s <= asked(CLOCK_REALTIME) / 1000000000);
    EQ(zone[0] | zone[1], 0);
}

TEST(set, "a clock that is set is set there too")
{
    clock_fn *fn = (clock_fn *)symbol("__vdso_clock_gettime");
    struct timespec now, t;

    if (!t_tessera)
        SKIP("the host's clock is the host's");
    EQ(fn(CLOCK_REALTIME, &now), 0);
    now.tv_sec += 1000;
    OK(clock_settime(CLOCK_REALTIME, &now));
    EQ(fn(CLOCK_REALTIME, &t), 0);
    CHECK(ns(&t) >= ns(&now));
    t.tv_sec -= 1000;
    OK(clock_settime(CLOCK_REALTIME, &t));
    EQ(fn(CLOCK_REALTIME, &t), 0);
    CHECK(ns(&t) < ns(&now));
}

TEST(cpu, "getcpu tells the CPU where the thread must be")
{
    getcpu_fn *fn = (getcpu_fn *)symbol("__vdso_getcpu");
    unsigned long all[16], one[16];
    unsigned cpu, node;
    int n = (int)syscall(SYS_sched_getaffinity, 0, sizeof(all), all);

    CHECK(n > 0);
    for (unsigned i = 0; i < (unsigned)n * 8; i++) {
        if (!(all[i / 64] >> i % 64 & 1))
            continue;
        memset(one, 0, sizeof(one));
        one[i / 64] = 1ul << i % 64;
        EQ(syscall(SYS_sched_setaffinity, 0, n, one), 0);
        EQ(fn(&cpu, &node, NULL), 0);
        EQ(cpu, i);
        EQ(node, 0);
    }
    EQ(fn(NULL, NULL, NULL), 0);
}

/* The bounds of the mapping with that name in maps. */
static bool mapped(const char *name, unsigned long *start, unsigned long *end)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    bool found = false;

    CHECK(f != NULL);
    while (!found && fgets(line, sizeof(line), f))
        found = strstr(line, name) && sscanf(line, "%lx-%lx r-xp", start, end) == 2;
    fclose(f);
    return found;
}

TEST(maps, "maps shows it where the program was told")
{
    unsigned long start, end;

    CHECK(mapped("[vdso]", &start, &end));
    EQ(start, (unsigned long)vdso());
}

TEST(fork, "a child has it, and an image that was changed stays so")
{
    clock_fn *fn = (clock_fn *)symbol("__vdso_clock_gettime");
    const unsigned char *code = symbol("__vdso_time");
    unsigned char first = *code, *write = (unsigned char *)(unsigned long)code;
    unsigned long start, end;
    struct timespec t;
    int status;
    pid_t pid;

    pid = fork();
    if (pid == 0)
        _exit(fn(CLOCK_MONOTONIC, &t) || ns(&t) > asked(CLOCK_MONOTONIC));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    CHECK(mapped("[vdso]", &start, &end));
    OK(mprotect((void *)start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC));
    *write = 0xcc;
    pid = fork();
    if (pid == 0)
        _exit(*code != 0xcc);
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    *write = first;
}

TEST(shared, "what one program writes there no other sees")
{
    const char *image = vdso();
    unsigned long start, end;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        CHECK(mapped("[vdso]", &start, &end));
        OK(mprotect((void *)start, end - start, PROT_READ | PROT_WRITE));
        *(char *)start = 1;
        execl(t_exe, t_exe, "--helper", (char *)NULL);
        _exit(9);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(image[0], ELFMAG0);
}

TEST(unmap, "it can be unmapped, and moved as a whole")
{
    unsigned long start, end;
    const char *image = vdso();
    unsigned long offset = (unsigned long)symbol("__vdso_time") - (unsigned long)image;
    char *to;
    long (*seconds)(long *);

    if (!t_tessera)
        SKIP("Linux's data lie in a mapping of their own");
    CHECK(mapped("[vdso]", &start, &end));
    to = mmap(NULL, end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(to != MAP_FAILED);
    CHECK(mremap((void *)start, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED,
                 to) == to);
    seconds = (long (*)(long *))(to + offset);
    CHECK(seconds(NULL) >= asked(CLOCK_REALTIME) / 1000000000 - 1);
    CHECK(mapped("[vdso]", &start, &end));
    EQ(start, (unsigned long)to);
    OK(munmap(to, end - start));
    CHECK(!mapped("[vdso]", &start, &end));
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return memcmp((const void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG) != 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
