/* SPDX-License-Identifier: MIT
 *
 * What calls see of memory, processes and credentials that other CPUs change meanwhile.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define NT 4

static atomic_long done;
static atomic_bool stop;

static void start_all(pthread_t *t, void *(*fn)(void *))
{
    for (long i = 0; i < NT; i++)
        EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
}

static void join_all(pthread_t *t)
{
    for (int i = 0; i < NT; i++)
        EQ(pthread_join(t[i], NULL), 0);
}

/* ---- copies between the kernel and memory that goes away ---- */

static char *page;

static void *unmaps(void *arg)
{
    (void)arg;
    while (!stop) {
        OK(munmap(page, P));
        CHECK(mmap(page, P, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
        OK(mprotect(page, P, PROT_READ));
    }
    return NULL;
}

static void *copies(void *arg)
{
    int fd = (int)(long)arg;
    struct iovec local = {page, 64}, remote = {page, 64};

    for (int i = 0; i < 400; i++) {
        ssize_t n = i % 2 ? pread(fd, page, 64, 0) : pwrite(fd, page, 64, 0);
        /* in part, when the page went between two words of it */
        if (n != 64 && !(n > 0 && n < 64) && !(n == -1 && errno == EFAULT))
            FAIL("transfer gave %zd, errno %d", n, errno);
        if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, page) != 0)
            EQ(errno, EFAULT);
        n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
        if (n < 0)
            EQ(errno, EFAULT);
    }
    return NULL;
}

TEST(copies, "calls whose memory another thread unmaps: EFAULT, or done, perhaps in part")
{
    pthread_t t[NT], unmapper;
    int fd = F(1);

    page = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(pthread_create(&unmapper, NULL, unmaps, NULL), 0);
    for (int i = 0; i < NT; i++)
        EQ(pthread_create(&t[i], NULL, copies, (void *)(long)fd), 0);
    join_all(t);
    stop = true;
    pthread_join(unmapper, NULL);
}

/* ---- looking at others ---- */

static atomic_int seen_pid;

static void *looks(void *arg)
{
    char name[64], text[512];

    (void)arg;
    while (!stop) {
        int pid = seen_pid, fd, number;
        ssize_t n;
        snprintf(name, sizeof(name), "/proc/%d/stat", pid);
        fd = open(name, O_RDONLY);
        if (fd < 0)
            continue;
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
        if (n <= 0)
            continue;
        text[n] = 0;
        CHECK(sscanf(text, "%d", &number) == 1);
        EQ(number, pid);
        done++;
        (void)kill(pid, 0);
        (void)getpgid(pid);
        (void)getsid(pid);
    }
    return NULL;
}

TEST(looks, "numbers and /proc of processes that end just now")
{
    pthread_t t[NT];

    seen_pid = getpid();
    start_all(t, looks);
    for (int i = 0; i < 60 || done < 100; i++) {
        pid_t pid = fork();
        if (!pid)
            _exit(0);
        seen_pid = pid;
        sched_yield();
        t_join(pid);
    }
    stop = true;
    join_all(t);
}

/* ---- credentials ---- */

static void *changes(void *arg)
{
    (void)arg;
    /* As three that are the same, of one of two users; the last step back is by a capability. */
    for (unsigned i = 0; !stop; i++) {
        unsigned id = 1000 + i % 2 * 1000;
        OK(syscall(SYS_setresgid, id, id, id));
        OK(syscall(SYS_setgroups, 3, ((unsigned[]){id, id + 1, id + 2})));
    }
    return NULL;
}

static void *reads(void *arg)
{
    unsigned r, e, s, g[16];

    (void)arg;
    for (int i = 0; i < 600; i++) {
        OK(syscall(SYS_getresgid, &r, &e, &s));
        CHECK(r == e && e == s);
        long n = syscall(SYS_getgroups, 16, g);
        if (n == 3 && g[0] >= 1000)
            CHECK(g[1] == g[0] + 1 && g[2] == g[0] + 2);
    }
    return NULL;
}

static void *reads_status(void *arg)
{
    struct t_reader reader;

    (void)arg;
    for (int i = 0; i < 60; i++) {
        unsigned r, e, s, f;
        char *line;
        CHECK(t_open(&reader, "/proc/self/status"));
        while ((line = t_line(&reader)))
            if (sscanf(line, "Gid: %u %u %u %u", &r, &e, &s, &f) == 4)
                CHECK(r == e && e == s && s == f);
    }
    return NULL;
}

TEST(credentials,
     "ids and groups that a thread changes: others see the old ones or the new")
{
    pthread_t changer, t[NT];

    if (getuid() != 0)
        SKIP("needs root");
    EQ(pthread_create(&changer, NULL, changes, NULL), 0);
    for (int i = 0; i < NT; i++)
        EQ(pthread_create(&t[i], NULL, i % 2 ? reads : reads_status, NULL), 0);
    join_all(t);
    stop = true;
    pthread_join(changer, NULL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
