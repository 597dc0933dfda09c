/* SPDX-License-Identifier: MIT
 *
 * The machine runs out of memory, and who is chosen. Everything must come back,
 * which the runner checks after each case.
 */
#include "tests/user/t.h"
#include <sys/klog.h>

#define MIB (1UL << 20)

static void only_tessera(void)
{
    if (!t_tessera)
        SKIP("would exhaust the memory of this machine");
}

static unsigned char *area(size_t len)
{
    return t_map(NULL, len / P, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void touch(unsigned char *p, size_t len)
{
    for (size_t at = 0; at < len; at += P)
        p[at] = 1;
}

/* Touches private memory without end. */
static _Noreturn void hog(void)
{
    unsigned char *p = area(1UL << 40);
    for (;; p += P)
        *p = 1;
}

static size_t free_bytes(void)
{
    return (size_t)t_meminfo("MemAvailable") * 1024;
}

static void adjust(const char *value)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    OK(fd);
    OK(write(fd, value, strlen(value)));
    close(fd);
}

/* A child that holds `len` bytes and sleeps. */
static pid_t holder(size_t len, const char *adj)
{
    int ready[2];
    char c;
    OK(pipe(ready));
    pid_t pid = t_fork();
    if (!pid) {
        adjust(adj);
        touch(area(len), len);
        write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static bool alive(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

static void must_end_by_kill(pid_t pid)
{
    int status = t_status_of(pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        FAIL("status %#x", (unsigned)status);
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    must_end_by_kill(pid);
}

/* Whether the log has a line that begins with "out of memory: " and holds `text`. */
static bool logged(const char *text)
{
    static char log[1 << 16];
    int n = klogctl(3, log, sizeof(log) - 1);
    if (n < 0)
        FAIL("syslog: %s", strerror(errno));
    log[n] = 0;
    for (char *at = log; (at = strstr(at, "out of memory: ")); at++) {
        char *stop = strchr(at, '\n');
        char *found = strstr(at, text);
        if (found && (!stop || found < stop))
            return true;
    }
    return false;
}

TEST(R61, "one page in each 2 MiB: page tables are charged and come back")
{
    only_tessera();
    pid_t pid = t_fork();
    if (!pid) {
        volatile unsigned char *p = area(1UL << 46);
        for (;; p += 2 * MIB)
            (void)*p;
    }
    must_end_by_kill(pid);
}

TEST(R62, "a program that hogs ends; another lives, forks and writes on")
{
    only_tessera();
    char text[64];
    int failed_forks = 0;
    pid_t pid = t_fork();
    if (!pid)
        hog();
    unsigned char *p = area(64 * P);
    for (bool running = true; running; running = alive(pid)) {
        memset(p, 3, 64 * P);
        OK(madvise(p, 64 * P, MADV_DONTNEED));
        pid_t small = fork();
        if (!small)
            _exit(5);
        if (small > 0)
            EQ(t_status_of(small), 5 << 8);
        else
            failed_forks++;
        CHECK(failed_forks < 1000);
    }
    snprintf(text, sizeof(text), "[%d] killed: ", (int)pid);
    CHECK(logged(text));
    CHECK(logged(" pages resident ("));
}

TEST(largest, "the largest ends, not the one that wants a page")
{
    only_tessera();
    size_t all = free_bytes();
    pid_t big = holder(all / 2, "0"), small = holder(all / 4, "0");
    CHILD(touch(area(all / 2), all * 3 / 8));
    must_end_by_kill(big);
    CHECK(alive(small));
    end(small);
}

TEST(adjusted, "oom_score_adj: a protected one lives, an offered one ends first")
{
    only_tessera();
    size_t all = free_bytes();
    pid_t shield = holder(all / 2, "-1000"), offered = holder(all / 8, "1000");
    CHILD(touch(area(all / 2), all * 7 / 16));
    must_end_by_kill(offered);
    CHECK(alive(shield));
    end(shield);
}

TEST(copy, "memory runs out inside a system call")
{
    only_tessera();
    size_t all = free_bytes();
    int zero = open("/dev/zero", O_RDONLY);
    OK(zero);
    pid_t big = holder(all * 5 / 8, "0");
    unsigned char *p = area(all / 2);
    EQ(read(zero, p, all / 2), (ssize_t)(all / 2));
    EQ(p[all / 2 - 1], 0);
    must_end_by_kill(big);
    pid_t self = t_fork();
    if (!self) {
        adjust("1000");
        read(zero, area(2 * all), 2 * all);
        _exit(0);
    }
    must_end_by_kill(self);
}

TEST(score, "oom_score grows with memory")
{
    only_tessera();
    size_t all = free_bytes();
    struct t_reader r;
    CHECK(t_open(&r, "/proc/self/oom_score"));
    int before = atoi(t_line(&r));
    close(r.fd);
    touch(area(all / 2), all / 2);
    CHECK(t_open(&r, "/proc/self/oom_score"));
    int after = atoi(t_line(&r));
    close(r.fd);
    if (after < before + 400)
        FAIL("%d, then %d", before, after);
    adjust("-1000");
    CHECK(t_open(&r, "/proc/self/oom_score"));
    EQ(atoi(t_line(&r)), 0);
}

static int min_free;

static bool set_min_free(unsigned long kb)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%lu\n", kb);

    return write(min_free, text, (size_t)n) == n;
}

/* Bytes that a program of nobody's can touch before it is ended. */
static size_t touchable(void)
{
    size_t *count =
        (void *)t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = t_fork();

    if (!pid) {
        adjust("1000");
        OK(setgroups(0, NULL));
        OK(setresuid(1234, 1234, 1234));
        for (unsigned char *p = area(1UL << 40);; p += P, *count += P)
            *p = 1;
    }
    must_end_by_kill(pid);
    return *count;
}

TEST(min_free, "min_free_kbytes is kept from programs, and may be set")
{
    only_tessera();
    if (geteuid() != 0)
        SKIP("not root");
    OK(min_free = open("/proc/sys/vm/min_free_kbytes", O_RDWR));
    char text[32] = "";
    CHECK(read(min_free, text, sizeof(text) - 1) > 0);
    unsigned long before = strtoul(text, NULL, 10), more = before + (16 << 10);
    CHECK(before > 0);
    size_t all = touchable();
    CHECK(set_min_free(more));
    CHECK(pread(min_free, text, sizeof(text), 0) > 0);
    EQ(strtoul(text, NULL, 10), more);
    size_t rest = touchable();
    CHECK(set_min_free(before));
    CHECK(rest < all - 14 * MIB && rest > all - 18 * MIB);
    CHECK(!set_min_free(0) && errno == EINVAL);
    CHECK(!set_min_free(1UL << 40) && errno == EINVAL);
    CHECK(touchable() > all - 2 * MIB);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
