/* SPDX-License-Identifier: MIT
 *
 * See t_inject.h.
 */
#include "tests/user/t_inject.h"
#include <dirent.h>

static struct {
    const void *p;
    size_t n;
} regions[MAX_REGIONS];
static int nregions;
static char text[65536];

long fail_next(unsigned long n, bool fault)
{
    return syscall(SYS_fail_next, n, fault);
}

void t_region(const void *p, size_t n)
{
    if (nregions == MAX_REGIONS)
        FAIL("more than %d regions", MAX_REGIONS);
    regions[nregions].p = p;
    regions[nregions++].n = n;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *c = p;

    for (size_t i = 0; i < n; i++)
        h = (h ^ c[i]) * 0x100000001b3;
    return h;
}

static uint64_t mix_file(uint64_t h, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    while ((n = read(fd, text, sizeof(text))) > 0)
        h = mix(h, text, (size_t)n);
    close(fd);
    return h;
}

/* Names and sizes of what is in the directory. */
static uint64_t mix_names(uint64_t h)
{
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ssize_t n;

    while ((n = syscall(SYS_getdents64, fd, text, sizeof(text))) > 0)
        for (ssize_t at = 0; at < n;) {
            struct dirent *d = (struct dirent *)(text + at);
            struct stat st;

            at += d->d_reclen;
            h = mix(h, d->d_name, strlen(d->d_name));
            if (strcmp(d->d_name, "..") &&
                fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                h = mix(h, &st.st_mode, sizeof(st.st_mode));
                h = mix(h, &st.st_nlink, sizeof(st.st_nlink));
                h = mix(h, &st.st_size, S_ISREG(st.st_mode) ? sizeof(st.st_size) : 0);
            }
        }
    close(fd);
    return h;
}

static uint64_t mix_descriptors(uint64_t h)
{
    for (int fd = 0; fd < 80; fd++) {
        int flags = fcntl(fd, F_GETFD);
        struct stat st;
        off_t at;

        h = mix(h, &flags, sizeof(flags));
        if (flags < 0 || fstat(fd, &st))
            continue;
        at = lseek(fd, 0, SEEK_CUR);
        h = mix(h, &at, sizeof(at));
        h = mix(h, &st.st_ino, sizeof(st.st_ino));
        if (S_ISREG(st.st_mode))
            h = mix(h, &st.st_size, sizeof(st.st_size));
    }
    return h;
}

/* All that a program can see of itself. */
static uint64_t state(void)
{
    uint64_t h = 0xcbf29ce484222325;
    void *end = sbrk(0);
    sigset_t mask;

    for (int i = 0; i < nregions; i++)
        h = mix(h, regions[i].p, regions[i].n);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    h = mix(h, &mask, 8);
    h = mix(h, &end, sizeof(end));
    h = mix_descriptors(h);
    h = mix_names(h);
    return mix_file(h, "/proc/self/maps");
}

static bool documented(const struct sweep *s, int error)
{
    for (int i = 0; i < 4 && s->errors[i]; i++)
        if (s->errors[i] == error)
            return true;
    return false;
}

static _Noreturn void run_one(const char *file, int line, const struct sweep *s,
                              unsigned long n)
{
    uint64_t before;
    long r, left;
    int error;

    t_clean(".", NULL);
    if (s->setup)
        s->setup();
    state(); /* what looking needs is there from now on */
    before = state();
    fail_next(n, s->by_fault);
    errno = 0;
    r = s->call();
    error = errno;
    left = fail_next(0, false);
    if (r == -1 && left > 0)
        t_fail(file, line, "without a failed allocation: %s", strerror(error));
    if (r == -1) {
        if (!documented(s, error))
            t_fail(file, line, "allocation %lu: undocumented error %s", n,
                   strerror(error));
        if (state() != before)
            t_fail(file, line, "allocation %lu: failed with %s and changed something", n,
                   strerror(error));
        if (!s->once && s->call() == -1)
            t_fail(file, line, "allocation %lu: fails again with %s", n, strerror(errno));
    }
    if (s->undo)
        s->undo();
    _exit(left > 0 ? NOT_REACHED : 0);
}

/* Counts of pages that many show (mm/vm/census.c) are kept for who asks again, with files that other
 * programs run: when they go nobody can say. */
static void forget_counts(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    CHECK(fd >= 0);
    EQ(write(fd, "1", 1), 1);
    close(fd);
}

/* What is free when nothing is on its way back any more. */
static long at_rest(void)
{
    long last;

    forget_counts();
    last = t_meminfo("FreePages");

    for (int same = 0; same < 3;) {
        long now;

        t_nap(1000);
        now = t_meminfo("FreePages");
        same = now == last ? same + 1 : 0;
        last = now;
    }
    return last;
}

static long settled(long want)
{
    long now;

    forget_counts();
    now = t_meminfo("FreePages");

    for (uint64_t start = t_ns(); now != want && t_ns() - start < 2000000000;) {
        t_nap(1000);
        now = t_meminfo("FreePages");
    }
    return now;
}

static bool died_honestly(const struct sweep *s, int status)
{
    return s->may_die && WIFSIGNALED(status) &&
           (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV);
}

void sweep_run(const char *file, int line, const struct sweep *s)
{
    unsigned long n = 0;
    int status;

    if (!t_tessera || fail_next(0, false) < 0)
        SKIP("only in debug kernels of Tessera");
    for (long pages = -1;;) {
        pid_t pid = t_fork();

        t_progress();
        if (!pid)
            run_one(file, line, s, n + 1);
        status = t_status_of(pid);
        if (!WIFEXITED(status)
                ? !died_honestly(s, status)
                : WEXITSTATUS(status) && WEXITSTATUS(status) != NOT_REACHED)
            t_fail(file, line, "allocation %lu: wait status %#x", n + 1, status);
        t_clean(".", NULL);
        if (pages < 0)
            pages = at_rest(); /* the first round has warmed everything up */
        if (settled(pages) != pages)
            t_fail(file, line, "allocation %lu: %ld pages lost", n + 1,
                   pages - t_meminfo("FreePages"));
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_REACHED)
            break;
        if (++n > 3000)
            t_fail(file, line, "no end after %lu allocations", n);
    }
    printf("# injection points: %lu\n", n);
    fflush(stdout);
}
