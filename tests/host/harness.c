/* SPDX-License-Identifier: MIT
 *
 * Runs the tests: one child process each, TAP on standard output, the closing line last.
 *
 *   tests [-v] [-l] [-p] [-s SEED] [FILTER...]     -p: all pauses are due; a filter is a part of "file:name"
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/pause.h"
#include "lib/string.h"
#include "mm/debug/check.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

extern const struct test *const __start_host_tests[];
extern const struct test *const __stop_host_tests[];

static bool verbose, no_balance, panic_expected;
static u64 seed = 20040401, rand_state;
static jmp_buf panic_jump;

/* ---- inside a test ---- */

u64 rng_next(u64 *state)
{
    u64 z = *state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

u64 test_rand(void)
{
    return rng_next(&rand_state);
}

u64 test_seed(void)
{
    return seed;
}

void test_no_balance(void)
{
    no_balance = true;
}

void test_note(const char *fmt, ...)
{
    va_list ap;

    if (!verbose)
        return;
    va_start(ap, fmt);
    fputs("# ", stdout);
    vprintf(fmt, ap);
    if (fmt[0] == 0 || fmt[strlen(fmt) - 1] != '\n')
        putchar('\n');
    va_end(ap);
}

noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("# %s:%d: ", file, line);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    _exit(1);
}

noreturn void panic(const char *fmt, ...)
{
    va_list ap;

    if (panic_expected)
        longjmp(panic_jump, 1);
    va_start(ap, fmt);
    fputs("# panic: ", stdout);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    if (verbose)
        abort(); /* a debugger stops here */
    _exit(2);
}

jmp_buf *test_panic_jump(void)
{
    panic_expected = true;
    return &panic_jump;
}

void test_panic_end(void)
{
    panic_expected = false;
}

static noreturn void run_child(const struct test *t)
{
    alarm(t->seconds * BUSY);
    rand_state = seed;
    slab_keep_most = 0;
    host_boot();
    t->run();
    if (!no_balance) {
        mm_check_all();
        host_tlb_check();
        if (page_count_free() != host_free_at_boot())
            FAIL("%s: %lld pages are lost", t->name,
                 (long long)(host_free_at_boot() - page_count_free()));
    }
    fflush(stdout);
    _exit(0);
}

/* ---- the runner ---- */

static bool run_test(const struct test *t, unsigned number)
{
    const char *slash = strrchr(t->file, '/');
    struct timespec begin, end;
    int status = 0;
    double ms;
    pid_t pid;

    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid = fork();
    if (pid == 0)
        run_child(t);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        status = -1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 +
         (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    if (status != 0 && WIFSIGNALED(status))
        printf("# signal %d%s\n", WTERMSIG(status),
               WTERMSIG(status) == 14 ? " (time)" : "");
    printf("%s %u - %s:%s # %.0f ms\n", status == 0 ? "ok" : "not ok", number,
           slash ? slash + 1 : t->file, t->name, ms);
    return status == 0;
}

static bool selected(const struct test *t, char **filters)
{
    char name[256];
    const char *slash = strrchr(t->file, '/');

    if (!*filters)
        return true;
    snprintf(name, sizeof(name), "%s:%s", slash ? slash + 1 : t->file, t->name);
    for (; *filters; filters++)
        if (strstr(name, *filters))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0, number = 0;
    bool list = false;
    int c;

    while ((c = getopt(argc, argv, "vlps:")) != -1) {
        if (c == 'v')
            verbose = true;
        else if (c == 'l')
            list = true;
        else if (c == 'p')
            pause_cycles = 0;
        else if (c == 's')
            seed = strtoull(optarg, NULL, 0);
        else
            return 2;
    }
    printf("# seed %llu\n", (unsigned long long)seed);
    for (const struct test *const *t = __start_host_tests; t < __stop_host_tests; t++) {
        if (!selected(*t, argv + optind))
            continue;
        if (list)
            printf("%s\n", (*t)->name);
        else if (run_test(*t, ++number))
            passed++;
        else
            failed++;
    }
    printf("1..%u\n%u passed, %u failed\n", number, passed, failed);
    return failed || (!passed && !list);
}
