/* SPDX-License-Identifier: MIT
 *
 * The harness of the userland suite. A suite is a static program of cases; each case runs
 * in its own forked child under a time limit, so a crash or a hang is a failed case. Output
 * is TAP 13. On Tessera every case must give back exactly the pages it took.
 *
 * Notation of the cases (spec, section 3): F(m) a fresh RAM file of m pages whose page k
 * begins with the tag 1000+k; M(fd, n) a shared RW mapping of its first n pages, remembered
 * as A; R(i, c, p) remap c pages at page index i of A to file page p; tag(i) the tag seen
 * at page i, minus 1000.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define P 4096UL

enum t_kind { T_MEMFD, T_PATH };

struct t_case {
    const char *id, *name;
    const char *ruling; /* differs from Linux by this ruling of the spec, or NULL */
    void (*fn)(void);
    int line;
    bool both; /* run once on a memfd and once on a file with a name */
};

#define T_CASE_(id_, ruling_, both_, name_)                                   \
    static void t_fn_##id_(void);                                             \
    static const struct t_case t_case_##id_ = {#id_,       name_,    ruling_, \
                                               t_fn_##id_, __LINE__, both_};  \
    static const struct t_case *const t_ptr_##id_                             \
        __attribute__((section("t_cases"), used)) = &t_case_##id_;            \
    static void t_fn_##id_(void)

/* A case; with F: run for both kinds of file; with _DIFF: only Tessera must pass it. On
 * Linux a _DIFF case is run too, and reported as skipped with what came out. */
#define TEST(id, name)               T_CASE_(id, NULL, false, name)
#define TESTF(id, name)              T_CASE_(id, NULL, true, name)
#define TEST_DIFF(id, ruling, name)  T_CASE_(id, ruling, false, name)
#define TESTF_DIFF(id, ruling, name) T_CASE_(id, ruling, true, name)

/* How often a case repeats what flushes other CPUs' translations: n times, fewer where several
 * CPUs have to answer each time. */
long t_turns(long n);

/* ---- verdicts: all end the process, the first detail of a case is the one reported ---- */
_Noreturn void t_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void t_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...) t_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) t_skip(__VA_ARGS__)
#define CHECK(cond)            \
    do {                       \
        if (!(cond))           \
            FAIL("%s", #cond); \
    } while (0)
#define EQ(got, want)                                                   \
    do {                                                                \
        long long t_g = (long long)(got), t_w = (long long)(want);      \
        if (t_g != t_w)                                                 \
            FAIL("%s is %lld (%#llx), want %lld", #got, t_g, t_g, t_w); \
    } while (0)
/* The call succeeds. */
#define OK(call)                                    \
    do {                                            \
        if ((long)(call) == -1)                     \
            FAIL("%s: %s", #call, strerror(errno)); \
    } while (0)
/* The call fails with this errno. */
#define ERR(call, want)                                         \
    do {                                                        \
        errno = 0;                                              \
        long t_r = (long)(call);                                \
        if (t_r != -1)                                          \
            FAIL("%s gave %#lx, want %s", #call, t_r, #want);   \
        if (errno != (want))                                    \
            FAIL("%s: errno %d, want %s", #call, errno, #want); \
    } while (0)

extern bool t_tessera;     /* running on Tessera */
extern enum t_kind t_kind; /* which sort of file F makes in this run */
extern char t_dir[256];    /* a directory of this suite; each case starts in it, empty */
extern const char *t_exe;  /* a path for execve of this very program */

/* Entry of a suite. `helper` runs instead when argv[1] is "--helper" (exec targets). */
int t_main(int argc, char **argv, int (*helper)(int argc, char **argv));

/* ---- files and mappings ---- */
extern unsigned char *A; /* the mapping M made last */

/* Until the process, or thread, sleeps. */
void t_until_asleep(pid_t pid);

int t_file(void); /* fresh empty RAM file, O_RDWR, of t_kind */
/* Removes what is in the directory, but not what `keep` (may be NULL) wants to stay. */
void t_clean(const char *path, bool (*keep)(const char *name));
int t_reopen(int fd, int flags); /* another description of the same file */
void t_tag_pages(int fd, size_t from, size_t to);
int t_make(const char *name, const char *text); /* a new file, O_RDWR */
void t_contains(int fd, const char *want);      /* the file's text is that */
int F(size_t m);
unsigned char *t_map(void *at, size_t npages, int prot, int flags, int fd, size_t pgoff);
unsigned char *M(int fd, size_t n);
long t_tag_at(const void *p);
long t_tag_in_file(int fd, size_t page); /* by pread */
void t_reverse(size_t n, int flags);     /* R(i, 1, n-1-i) for every i */
int t_raw_remap(const void *a, size_t size, unsigned long prot, size_t pgoff, int flags);
unsigned char *t_raw_mmap(unsigned long a, size_t len, int prot, int flags, int fd,
                          unsigned long offset);

#define RF(i, c, p, fl) t_raw_remap(A + (i)*P, (c)*P, 0, (p), (fl))
#define R(i, c, p)      RF(i, c, p, 0)
#define tag(i)          t_tag_at(A + (i)*P)
#define put(i, v)       (*(volatile uint64_t *)(A + (i)*P) = 1000 + (uint64_t)(v))
void t_tags_are(const char *file, int line, const long *want, size_t n);
#define TAGS(...)                                               \
    t_tags_are(__FILE__, __LINE__, (const long[]){__VA_ARGS__}, \
               sizeof((const long[]){__VA_ARGS__}) / sizeof(long))
#define LINEAR(n)   t_tags_linear(__FILE__, __LINE__, n, false)
#define REVERSED(n) t_tags_linear(__FILE__, __LINE__, n, true)
void t_tags_linear(const char *file, int line, size_t n, bool reversed);

/* ---- faults: the access gives 0, or the signal it raised with t_info filled in ---- */
void t_arm_faults(void); /* catch them; every case starts with this done */
extern siginfo_t t_info;
int t_read(const volatile void *p);
int t_write(volatile void *p, unsigned char v);
int t_call(const void *code, long *result); /* calls long (*)(void) */
void t_want_fault(const char *file, int line, int sig, int want_sig, int code,
                  const void *addr);
#define FAULT(access, sig, code, addr) \
    t_want_fault(__FILE__, __LINE__, (access), (sig), (code), (addr))
#define BUS_AT(i)  FAULT(t_read(A + (i)*P), SIGBUS, BUS_ADRERR, A + (i)*P)
#define HOLE_AT(i) FAULT(t_read(A + (i)*P), SIGSEGV, SEGV_MAPERR, A + (i)*P)

/* ---- processes ---- */
pid_t t_fork(void);
void t_join(pid_t pid);     /* must have exited with 0 */
int t_status_of(pid_t pid); /* wait status */
#define CHILD(...)              \
    do {                        \
        pid_t t_pid = t_fork(); \
        if (!t_pid) {           \
            __VA_ARGS__;        \
            _exit(0);           \
        }                       \
        t_join(t_pid);          \
    } while (0)
void t_nap(unsigned us);

/* ---- /proc readers; none of them allocates ---- */
struct t_reader {
    int fd;
    size_t at, len;
    char buf[4096], line[1024];
};
bool t_open(struct t_reader *r, const char *path);
char *t_line(struct t_reader *r);          /* NULL at the end; the file is then closed */
int t_lines(const void *a, size_t npages); /* lines of maps that touch the range */
bool t_maps_line(const void *a, char *out, size_t size);
/* Sum in kB of a smaps field over the VMAs touching the range; *count: how many had it. */
long t_smaps(const void *a, size_t npages, const char *key, int *count);
bool t_vmflag(const void *a, const char *flag);
long t_proc_kb(const char *path, const char *key); /* number after "key:", -1 if absent */
#define t_status(key)  t_proc_kb("/proc/self/status", key)
#define t_meminfo(key) t_proc_kb("/proc/meminfo", key)
long t_minflt(void);
uint64_t t_ns(void);
void t_progress(void); /* the case has come further: its limit of time begins again */
/* xorshift64*, stirred by the environment's T_SEED, if it is there: other numbers of the same state. */
uint64_t t_random(uint64_t *state);
