/* SPDX-License-Identifier: MIT
 *
 * What the cases are written with: tagged files, mappings, remaps, children, and readers of
 * /proc that need no memory of their own.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/resource.h>

unsigned char *A;

/* ---- files and mappings ---- */
int t_file(void)
{
    static int serial;
    int fd;
    if (t_kind == T_MEMFD) {
        fd = memfd_create("t", 0);
        if (fd < 0)
            FAIL("memfd_create: %s", strerror(errno));
        return fd;
    }
    char name[32];
    snprintf(name, sizeof(name), "f%d.%d", (int)getpid(), serial++);
    fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (fd < 0)
        FAIL("open %s: %s", name, strerror(errno));
    return fd;
}

int t_reopen(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int other = open(path, flags);
    if (other < 0)
        FAIL("open %s: %s", path, strerror(errno));
    return other;
}

void t_tag_pages(int fd, size_t from, size_t to)
{
    for (size_t k = from; k < to; k++) {
        uint64_t t = 1000 + k;
        if (pwrite(fd, &t, sizeof(t), (off_t)(k * P)) != sizeof(t))
            FAIL("pwrite page %zu: %s", k, strerror(errno));
    }
}

int F(size_t m)
{
    int fd = t_file();
    if (ftruncate(fd, (off_t)(m * P)))
        FAIL("ftruncate: %s", strerror(errno));
    t_tag_pages(fd, 0, m);
    return fd;
}

unsigned char *t_map(void *at, size_t npages, int prot, int flags, int fd, size_t pgoff)
{
    void *p = mmap(at, npages * P, prot, flags, fd, (off_t)(pgoff * P));
    if (p == MAP_FAILED)
        FAIL("mmap of %zu pages: %s", npages, strerror(errno));
    return p;
}

unsigned char *M(int fd, size_t n)
{
    A = t_map(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return A;
}

long t_tag_at(const void *p)
{
    return (long)(*(const volatile uint64_t *)p) - 1000;
}

long t_tag_in_file(int fd, size_t page)
{
    uint64_t t = 0;
    if (pread(fd, &t, sizeof(t), (off_t)(page * P)) != sizeof(t))
        FAIL("pread page %zu: %s", page, strerror(errno));
    return (long)t - 1000;
}

int t_raw_remap(const void *a, size_t size, unsigned long prot, size_t pgoff, int flags)
{
    return (int)syscall(SYS_remap_file_pages, a, size, prot, pgoff, (long)flags);
}

unsigned char *t_raw_mmap(unsigned long a, size_t len, int prot, int flags, int fd,
                          unsigned long offset)
{
    return (unsigned char *)syscall(SYS_mmap, a, len, (long)prot, (long)flags, (long)fd,
                                    offset);
}

void t_reverse(size_t n, int flags)
{
    for (size_t i = 0; i < n; i++)
        if (RF(i, 1, n - 1 - i, flags))
            FAIL("remap of page %zu: %s", i, strerror(errno));
}

void t_tags_are(const char *file, int line, const long *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tag(i) != want[i])
            t_fail(file, line, "tag(%zu) is %ld, want %ld", i, tag(i), want[i]);
}

void t_tags_linear(const char *file, int line, size_t n, bool reversed)
{
    for (size_t i = 0; i < n; i++) {
        long want = (long)(reversed ? n - 1 - i : i);
        if (tag(i) != want)
            t_fail(file, line, "tag(%zu) is %ld, want %ld", i, tag(i), want);
    }
}

/* ---- processes ---- */
pid_t t_fork(void)
{
    pid_t pid = fork();
    if (pid < 0)
        FAIL("fork: %s", strerror(errno));
    return pid;
}

int t_status_of(pid_t pid)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (got != pid)
        FAIL("waitpid: %s", strerror(errno));
    return status;
}

void t_join(pid_t pid)
{
    int status = t_status_of(pid);
    if (status)
        FAIL("child ended with status %#x", (unsigned)status);
}

void t_nap(unsigned us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L};
    nanosleep(&ts, NULL);
}

/* ---- /proc ---- */
bool t_open(struct t_reader *r, const char *path)
{
    r->at = r->len = 0;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    return r->fd >= 0;
}

char *t_line(struct t_reader *r)
{
    size_t n = 0;
    for (;;) {
        if (r->at == r->len) {
            ssize_t got = read(r->fd, r->buf, sizeof(r->buf));
            r->at = 0;
            r->len = got > 0 ? (size_t)got : 0;
            if (got <= 0)
                break;
        }
        char c = r->buf[r->at++];
        if (c == '\n') {
            r->line[n] = 0;
            return r->line;
        }
        if (n < sizeof(r->line) - 1)
            r->line[n++] = c;
    }
    if (n) {
        r->line[n] = 0;
        return r->line;
    }
    close(r->fd);
    return NULL;
}

static bool line_touches(const char *line, uintptr_t start, uintptr_t end)
{
    char *rest;
    unsigned long lo = strtoul(line, &rest, 16);
    if (rest == line || *rest != '-')
        return false;
    char *more;
    unsigned long hi = strtoul(rest + 1, &more, 16);
    return *more == ' ' && lo < end && start < hi;
}

int t_lines(const void *a, size_t npages)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/self/maps"))
        FAIL("/proc/self/maps: %s", strerror(errno));
    int n = 0;
    for (char *l; (l = t_line(&r));)
        n += line_touches(l, (uintptr_t)a, (uintptr_t)a + npages * P);
    return n;
}

bool t_maps_line(const void *a, char *out, size_t size)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/self/maps"))
        FAIL("/proc/self/maps: %s", strerror(errno));
    bool found = false;
    for (char *l; (l = t_line(&r));) {
        if (!found && line_touches(l, (uintptr_t)a, (uintptr_t)a + 1)) {
            snprintf(out, size, "%s", l);
            found = true;
        }
    }
    return found;
}

/* The header lines of smaps look like lines of maps; fields look like "Name:   N kB". */
static bool is_header(const char *line)
{
    char *rest;
    (void)strtoul(line, &rest, 16);
    return rest != line && *rest == '-';
}

long t_smaps(const void *a, size_t npages, const char *key, int *count)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/self/smaps"))
        FAIL("/proc/self/smaps: %s", strerror(errno));
    long sum = 0;
    int n = 0;
    bool inside = false;
    size_t len = strlen(key);
    for (char *l; (l = t_line(&r));) {
        if (is_header(l)) {
            inside = line_touches(l, (uintptr_t)a, (uintptr_t)a + npages * P);
        } else if (inside && !strncmp(l, key, len) && l[len] == ':') {
            sum += strtol(l + len + 1, NULL, 10);
            n++;
        }
    }
    if (count)
        *count = n;
    return sum;
}

bool t_vmflag(const void *a, const char *flag)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/self/smaps"))
        FAIL("/proc/self/smaps: %s", strerror(errno));
    bool inside = false, found = false;
    for (char *l; (l = t_line(&r));) {
        if (is_header(l)) {
            inside = line_touches(l, (uintptr_t)a, (uintptr_t)a + 1);
        } else if (inside && !strncmp(l, "VmFlags:", 8)) {
            for (char *w = l + 8; *w; w++)
                if (w[0] == ' ' && w[1] == flag[0] && w[2] == flag[1] &&
                    (w[3] == ' ' || !w[3]))
                    found = true;
        }
    }
    return found;
}

long t_proc_kb(const char *path, const char *key)
{
    struct t_reader r;
    if (!t_open(&r, path))
        return -1;
    long value = -1;
    size_t len = strlen(key);
    for (char *l; (l = t_line(&r));)
        if (value < 0 && !strncmp(l, key, len) && l[len] == ':')
            value = strtol(l + len + 1, NULL, 10);
    return value;
}

long t_minflt(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u))
        FAIL("getrusage: %s", strerror(errno));
    return u.ru_minflt;
}

uint64_t t_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What makes the numbers of this run others than those of the run without T_SEED; 0: nothing. */
static uint64_t salt(void)
{
    static uint64_t all; /* 1 more than the seed, once it was looked for */
    uint64_t now = __atomic_load_n(&all, __ATOMIC_RELAXED);

    if (!now) {
        const char *seed = getenv("T_SEED");
        now = 1 + (seed ? strtoull(seed, NULL, 10) : 0);
        __atomic_store_n(&all, now, __ATOMIC_RELAXED);
    }
    return (now - 1) * 0x9e3779b97f4a7c15u;
}

uint64_t t_random(uint64_t *state)
{
    uint64_t more = salt(), h;

    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    h = (*state ^ more) * 0x2545f4914f6cdd1du;
    return more ? (h ^ h >> 32) * 0xd6e8feb86659fd93u : h;
}

int t_make(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    OK(fd);
    EQ(write(fd, text, strlen(text)), (long)strlen(text));
    return fd;
}

void t_contains(int fd, const char *want)
{
    char buf[256];
    ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);
    OK(n);
    buf[n] = 0;
    if (strcmp(buf, want))
        FAIL("'%s', want '%s'", buf, want);
}

long t_turns(long n)
{
    cpu_set_t cpus;

    if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
        return n;
    return CPU_COUNT(&cpus) > 1 && t_tessera ? n / 10 : n;
}
