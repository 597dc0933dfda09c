/* SPDX-License-Identifier: MIT
 *
 * The runner: finds the cases of the suite, runs each in a child under a time limit, checks
 * the free-page balance on Tessera, writes TAP. It allocates nothing between two cases, so
 * that its own footprint cannot disturb the balance.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Of a case. Emulated CPUs that ask each other wait until the host has given each its turn: on a busy
 * host a hundred times as long as they work. */
#define LIMIT_SECONDS (240 * (t_tessera && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 4 : 1))
#define EXIT_SKIP     77
#define MAX_CASES     256

/* Weak: the load programs have no cases. */
extern const struct t_case *const __start_t_cases[] __attribute__((weak));
extern const struct t_case *const __stop_t_cases[] __attribute__((weak));

bool t_tessera;
enum t_kind t_kind;
char t_dir[256];
const char *t_exe = "/proc/self/exe";

static char *detail;                /* shared with the children: the first reason given */
static volatile unsigned *progress; /* shared as well: counts t_progress() */
static unsigned seen_progress;
static const struct t_case *cases[MAX_CASES];
static volatile pid_t running;
static volatile bool timed_out;

static void say(const char *fmt, ...)
{
    static char text[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (int at = 0; at < n;) {
        ssize_t w = write(1, text + at, (size_t)(n - at));
        if (w <= 0)
            return;
        at += (int)w;
    }
}

void t_fail(const char *file, int line, const char *fmt, ...)
{
    static char own[900]; /* of a helper */
    char *text = detail ? detail : own;
    if (!text[0]) {
        const char *base = strrchr(file, '/');
        int n = snprintf(text, 900, "%s:%d: ", base ? base + 1 : file, line);
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(text + n, 900 - (size_t)n, fmt, ap);
        va_end(ap);
        for (char *c = text; *c; c++)
            if (*c == '\n')
                *c = ' ';
    }
    if (!detail)
        dprintf(2, "%s\n", own);
    _exit(1);
}

void t_skip(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, 900, fmt, ap);
    va_end(ap);
    _exit(EXIT_SKIP);
}

void t_progress(void)
{
    if (progress)
        ++*progress;
}

static void on_alarm(int sig)
{
    (void)sig;
    if (*progress != seen_progress) {
        seen_progress = *progress;
        alarm((unsigned)LIMIT_SECONDS);
        return;
    }
    timed_out = true;
    if (running > 0) {
        kill(-running, SIGKILL);
        kill(running, SIGKILL);
    }
}

/* Exact free frames, or -1 where the kernel does not tell. */
static long free_pages(void)
{
    return t_meminfo("FreePages");
}

/* What was said and nobody has read yet stands in a page of the pipe: it would be counted
 * as used before a case and as free after it. So all of it is to be read first. */
static void wait_for_reader(void)
{
    struct stat st;
    int unread = 0;
    if (fstat(1, &st) || !S_ISFIFO(st.st_mode))
        return;
    for (uint64_t start = t_ns(); t_ns() - start < 2000000000; t_nap(100))
        if (ioctl(1, FIONREAD, &unread) || !unread)
            return;
}

/* Pages may come back a moment after wait(): the dead thread's stack, an orphan that init
 * reaps. They must all come back. */
static long settled_free_pages(long want)
{
    long now = free_pages();
    for (uint64_t start = t_ns(); now != want && t_ns() - start < 2000000000;) {
        t_nap(1000);
        now = free_pages();
    }
    return now;
}

/* Free frames when nothing is on its way back any more: an orphan of the case before may be. */
static long free_pages_at_rest(void)
{
    long last, now = free_pages();

    for (int tries = 0; t_tessera && tries < 100; tries++) {
        last = now;
        t_nap(1000);
        now = free_pages();
        if (now == last)
            break;
    }
    return now;
}

static void clean_dir(int dir, int depth, bool (*keep)(const char *name))
{
    static char buf[4][1024] __attribute__((aligned(8)));
    for (bool removed = true; removed;) {
        removed = false;
        lseek(dir, 0, SEEK_SET);
        long n = syscall(SYS_getdents64, dir, buf[depth], sizeof(buf[depth]));
        for (long at = 0; at < n;) {
            struct dirent *d = (struct dirent *)(buf[depth] + at);
            at += d->d_reclen;
            if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
                (keep && keep(d->d_name)))
                continue;
            if (unlinkat(dir, d->d_name, 0) == 0) {
                removed = true;
                continue;
            }
            int sub = openat(dir, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (sub >= 0 && depth < 3)
                clean_dir(sub, depth + 1, NULL);
            close(sub);
            if (unlinkat(dir, d->d_name, AT_REMOVEDIR) == 0)
                removed = true;
        }
    }
}

void t_clean(const char *path, bool (*keep)(const char *name))
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        clean_dir(dir, 0, keep);
        close(dir);
    }
}

void t_until_asleep(pid_t pid)
{
    char path[64], text[256] = "";

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    while (!strstr(text, ") S")) {
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (n < 0)
            FAIL("%s: %s", path, strerror(errno));
        text[n] = 0;
        close(fd);
        sched_yield();
    }
}

static _Noreturn void child_runs(const struct t_case *c)
{
    setpgid(0, 0);
    if (chdir(t_dir))
        FAIL("chdir %s: %s", t_dir, strerror(errno));
    t_arm_faults();
    if (c)
        c->fn();
    _exit(0);
}

/* What this process may need later is touched before anything is counted: stack, and every
 * page of zeros that buffers stand in. */
static void touch_memory(void)
{
    extern char __bss_start[], _end[];
    volatile char deep[128 * 1024];

    for (size_t i = 0; i < sizeof(deep); i += P)
        deep[i] = 1;
    for (uintptr_t p = (uintptr_t)__bss_start; p < (uintptr_t)_end;
         p = (p & ~(P - 1)) + P)
        *(volatile char *)p = *(volatile char *)p;
}

/* The wait status of one case. */
static int run_case(const struct t_case *c)
{
    detail[0] = 0;
    timed_out = false;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        snprintf(detail, 900, "fork: %s", strerror(errno));
        return 1 << 8;
    }
    if (pid == 0)
        child_runs(c);
    running = pid;
    seen_progress = *progress;
    alarm((unsigned)LIMIT_SECONDS);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    alarm(0);
    running = 0;
    kill(-pid, SIGKILL); /* whatever it left behind */
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    t_clean(t_dir, NULL);
    return status;
}

/* One TAP line; false: the case failed. */
static bool report(int number, const struct t_case *c, int status, long lost)
{
    const char *kind = !c->both ? "" : t_kind == T_MEMFD ? " [memfd]" : " [file]";
    bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (timed_out)
        snprintf(detail, 900, "no end after %d s", (int)LIMIT_SECONDS);
    else if (WIFSIGNALED(status) && !detail[0])
        snprintf(detail, 900, "killed by signal %d", WTERMSIG(status));
    if (c->ruling && !t_tessera) {
        say("ok %d - %s %s%s # SKIP differs by ruling %s (here: %s)\n", number, c->id,
            c->name, kind, c->ruling, ok ? "passes too" : detail);
        return true;
    }
    if ((ok || skipped) && lost) {
        ok = skipped = false;
        snprintf(detail, 900, "%ld pages %s", lost > 0 ? lost : -lost,
                 lost > 0 ? "lost" : "more than before");
    }
    if (skipped)
        say("ok %d - %s %s%s # SKIP %s\n", number, c->id, c->name, kind, detail);
    else if (ok)
        say("ok %d - %s %s%s\n", number, c->id, c->name, kind);
    else
        say("not ok %d - %s %s%s # %s\n", number, c->id, c->name, kind, detail);
    return ok || skipped;
}

static bool wanted(const struct t_case *c, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], c->id))
            return true;
    return false;
}

static int collect(int argc, char **argv, int *plan)
{
    int n = 0;
    *plan = 0;
    for (const struct t_case *const *p = __start_t_cases; p < __stop_t_cases; p++) {
        if (!wanted(*p, argc, argv) || n == MAX_CASES)
            continue;
        int at = n++;
        for (; at > 0 && cases[at - 1]->line > (*p)->line; at--)
            cases[at] = cases[at - 1];
        cases[at] = *p;
        *plan += (*p)->both ? 2 : 1;
    }
    return n;
}

/* A place on a memory file system where the cases may make files. */
static bool make_dir(void)
{
    const char *places[] = {getenv("TMPDIR"), "/dev/shm", "/tmp", "."};
    char cwd[128];
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const char *at = places[i];
        if (at && !strcmp(at, "."))
            at = getcwd(cwd, sizeof(cwd));
        if (!at)
            continue;
        snprintf(t_dir, sizeof(t_dir), "%s/t.%d", at, (int)getpid());
        if (mkdir(t_dir, 0755))
            continue;
        return true;
    }
    return false;
}

static void set_up(void)
{
    struct t_reader r;
    if (t_open(&r, "/proc/version")) {
        for (char *l; (l = t_line(&r));)
            if (strstr(l, "Tessera"))
                t_tessera = true;
    }
    detail = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (detail == MAP_FAILED || !make_dir()) {
        say("Bail out! no shared page or no directory for files: %s\n", strerror(errno));
        _exit(2);
    }
    memset(detail, 0, P);
    progress = (volatile unsigned *)(detail + 1024);
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    signal(SIGPIPE, SIG_DFL);
}

int t_main(int argc, char **argv, int (*helper)(int, char **))
{
    if (argc > 1 && !strcmp(argv[1], "--helper"))
        return helper ? helper(argc - 1, argv + 1) : 2;
    set_up();
    int plan;
    int n = collect(argc, argv, &plan);
    say("TAP version 13\n1..%d\n", plan);
    touch_memory();
    run_case(NULL); /* warm up: our pages are copied, the readers' buffers are touched */
    settled_free_pages(free_pages());
    int number = 0, failed = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < (cases[i]->both ? 2 : 1); k++) {
            t_kind = k ? T_PATH : T_MEMFD;
            wait_for_reader();
            long before, after;
            int status, tries = 0;
            do { /* a driver may take or give pages meanwhile; a leak shows each time */
                before = free_pages_at_rest();
                status = run_case(cases[i]);
                after = t_tessera ? settled_free_pages(before) : before;
            } while (after != before && ++tries < 5);
            failed += !report(++number, cases[i], status, before - after);
        }
    }
    if (t_tessera && free_pages() < 0)
        failed++, say("# no FreePages line in /proc/meminfo: balance not measured\n");
    rmdir(t_dir);
    if (failed)
        say("# %d of %d failed\n", failed, plan);
    return failed ? 1 : 0;
}

/* ---- the fault catcher ---- */
siginfo_t t_info;
static sigjmp_buf back;
static volatile bool armed;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (!armed)
        t_fail("fault", sig, "unexpected signal %d, code %d, address %p", sig,
               info->si_code, info->si_addr);
    armed = false;
    t_info = *info;
    siglongjmp(back, 1);
}

void t_arm_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
}

int t_read(const volatile void *p)
{
    if (sigsetjmp(back, 1))
        return t_info.si_signo;
    armed = true;
    (void)*(const volatile unsigned char *)p;
    armed = false;
    return 0;
}

int t_write(volatile void *p, unsigned char v)
{
    if (sigsetjmp(back, 1))
        return t_info.si_signo;
    armed = true;
    *(volatile unsigned char *)p = v;
    armed = false;
    return 0;
}

int t_call(const void *code, long *result)
{
    if (sigsetjmp(back, 1))
        return t_info.si_signo;
    armed = true;
    long r = ((long (*)(void))(uintptr_t)code)();
    armed = false;
    if (result)
        *result = r;
    return 0;
}

void t_want_fault(const char *file, int line, int sig, int want_sig, int code,
                  const void *addr)
{
    if (sig != want_sig)
        t_fail(file, line, "signal %d, want %d", sig, want_sig);
    if (t_info.si_code != code)
        t_fail(file, line, "si_code %d, want %d", t_info.si_code, code);
    if (t_info.si_addr != addr)
        t_fail(file, line, "si_addr %p, want %p", t_info.si_addr, addr);
}
