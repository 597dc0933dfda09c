/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages with threads and with futexes: spec 3.4, T099 to T102; 3.7, T180, T181;
 * the fault against truncate race of 3.8, T213.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <stdatomic.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static atomic_bool stop;
static atomic_long rounds; /* of the background threads: they do run */

static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    int err = pthread_create(&t, NULL, fn, arg);
    if (err)
        FAIL("pthread_create: %s", strerror(err));
    return t;
}

static void join(pthread_t t)
{
    int err = pthread_join(t, NULL);
    if (err)
        FAIL("pthread_join: %s", strerror(err));
}

/* Lets the others run until they did `n` more rounds. */
static void let_run(long n)
{
    long until = rounds + n;
    while (rounds < until)
        t_nap(100);
}

/* ---- T099 ---- */
static atomic_long
    changes; /* odd during the call; then page 1 + changes / 2 % 2 is there */

static void *reads_tag(void *arg)
{
    (void)arg;
    while (!stop) {
        long before = changes, t = tag(0);
        if (t != 1 && t != 2)
            FAIL("tag(0) is %ld", t);
        if (before == changes && before % 2 == 0)
            EQ(t, 1 + before / 2 % 2);
        rounds++;
    }
    return NULL;
}

TESTF(T099, "a thread sees the old page or the new, and after the call the new")
{
    M(F(8), 8);
    OK(R(0, 1, 1));
    pthread_t t = start(reads_tag, NULL);
    for (long k = 1, n = t_turns(20000); k <= n; k++) {
        changes++;
        OK(R(0, 1, 1 + k % 2));
        changes++;
        if (k % 1000 == 0)
            let_run(1);
    }
    let_run(2);
    stop = true;
    join(t);
    EQ(tag(0), 1);
}

/* A thread that copies what it sees to `seen` when asked: the new page, at once. */
static atomic_long asked, answered, answer;

static void *answers(void *arg)
{
    (void)arg;
    long done = 0;
    while (!stop) {
        long q = asked;
        (void)*(volatile unsigned char *)A; /* its translation is warm */
        if (q == done)
            continue;
        answer = tag(0);
        answered = done = q;
    }
    return NULL;
}

TESTF(T099_after, "after the call every thread sees the new page")
{
    M(F(8), 8);
    pthread_t t = start(answers, NULL);
    uint64_t seed = 99;
    for (long k = 1; k <= 40; k++) {
        size_t page = t_random(&seed) % 8;
        OK(R(0, 1, page));
        asked = k;
        while (answered != k)
            t_nap(10);
        EQ(answer, page);
    }
    stop = true;
    join(t);
}

/* ---- T100, T101 ---- */
enum { HALF = 128 };

static void *remaps_half(void *arg)
{
    size_t first = (size_t)arg;
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < HALF; i++) {
            OK(R(first + i, 1, (first + i * 7 + (size_t)round) % (2 * HALF)));
            EQ(tag(first + i), (first + i * 7 + (size_t)round) % (2 * HALF));
        }
    return NULL;
}

TESTF(T100, "two threads remap disjoint pages")
{
    M(F(2 * HALF), 2 * HALF);
    pthread_t a = start(remaps_half, (void *)0), b = start(remaps_half, (void *)HALF);
    join(a);
    join(b);
    for (size_t first = 0; first <= HALF; first += HALF)
        for (size_t i = 0; i < HALF; i++)
            EQ(tag(first + i), (first + i * 7 + 19) % (2 * HALF));
}

static void *remaps_one(void *arg)
{
    for (int k = 0; k < 5000; k++) {
        OK(R(3, 1, (size_t)arg));
        long t = tag(3);
        if (t != 5 && t != 6)
            FAIL("tag(3) is %ld", t);
    }
    return NULL;
}

TESTF(T101, "two threads remap the same page")
{
    M(F(8), 8);
    OK(R(3, 1, 5));
    pthread_t a = start(remaps_one, (void *)5), b = start(remaps_one, (void *)6);
    join(a);
    join(b);
    long t = tag(3);
    CHECK(t == 5 || t == 6);
    TAGS(0, 1, 2, t, 4, 5, 6, 7);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
}

/* ---- T102 ---- */
enum { STORM = 256, TOUCHERS = 4 };

static void *touches(void *arg)
{
    uint64_t seed = 1 + (uint64_t)arg;
    while (!stop) {
        uint64_t x = t_random(&seed);
        long t = tag(x % STORM);
        if (t < 0 || t >= STORM)
            FAIL("tag(%zu) is %ld", (size_t)(x % STORM), t);
        rounds++;
    }
    return NULL;
}

TESTF(T102, "four threads touch, one remaps: as in the model")
{
    static size_t model[STORM];
    pthread_t t[TOUCHERS];
    M(F(STORM), STORM);
    for (size_t i = 0; i < STORM; i++)
        model[i] = i;
    for (size_t i = 0; i < TOUCHERS; i++)
        t[i] = start(touches, (void *)i);
    uint64_t seed = 102;
    for (int k = 0, n = (int)t_turns(20000); k < n; k++) {
        uint64_t x = t_random(&seed);
        size_t at = x % STORM, page = x / STORM % STORM, n = 1 + x / STORM / STORM % 4;
        if (at + n > STORM || page + n > STORM)
            n = 1;
        OK(RF(at, n, page, x >> 60 & 1 ? MAP_NONBLOCK : 0));
        for (size_t i = 0; i < n; i++)
            model[at + i] = page + i;
    }
    let_run(100);
    stop = true;
    for (size_t i = 0; i < TOUCHERS; i++)
        join(t[i]);
    for (size_t i = 0; i < STORM; i++)
        EQ(tag(i), model[i]);
}

/* ---- the page changes under a thread that uses it ---- */
static __thread sigjmp_buf thread_back;
static __thread volatile bool expects;

static void on_thread_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (!expects)
        FAIL("signal %d at %p", sig, info->si_addr);
    siglongjmp(thread_back, sig);
}

static void catch_in_threads(void)
{
    struct sigaction sa = {.sa_sigaction = on_thread_fault, .sa_flags = SA_SIGINFO};
    OK(sigaction(SIGSEGV, &sa, NULL));
    OK(sigaction(SIGBUS, &sa, NULL));
}

/* The tag, or the negative signal the read raised. */
static long try_tag(size_t i)
{
    int sig = sigsetjmp(thread_back, 1);
    if (sig)
        return -sig;
    expects = true;
    uint64_t raw = *(volatile uint64_t *)(A + i * P);
    expects = false;
    return raw ? (long)raw - 1000 : 0;
}

static atomic_long bad;

static void *tries(void *arg)
{
    long allowed = (long)arg; /* the signal that may come */
    while (!stop) {
        long t = try_tag(2);
        if (t != 2 && t != 5 && t != 0 && t != -allowed && !bad)
            bad = t ? t : -1000;
        rounds++;
    }
    return NULL;
}

TESTF(R40_unmap, "a page is unmapped and mapped again under a reader")
{
    int fd = F(8);
    catch_in_threads();
    M(fd, 8);
    pthread_t t = start(tries, (void *)SIGSEGV);
    for (int k = 0; k < 2000; k++) {
        OK(R(2, 1, 5));
        OK(munmap(A + 2 * P, P));
        t_map(A + 2 * P, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 2);
        if (k % 200 == 0)
            let_run(1);
    }
    stop = true;
    join(t);
    EQ(bad, 0);
    LINEAR(8);
}

TESTF(R46, "the file is truncated and grows under a reader and a remapper")
{
    int fd = F(8);
    catch_in_threads();
    M(fd, 8);
    pthread_t t = start(tries, (void *)SIGBUS);
    for (int k = 0; k < 2000; k++) {
        OK(R(2, 1, k % 2 ? 5 : 2));
        OK(ftruncate(fd, (k % 3) * (off_t)P));
        OK(RF(2, 1, 5, k % 5 ? 0 : MAP_NONBLOCK));
        OK(ftruncate(fd, 8 * P));
        t_tag_pages(fd, 0, 8);
        if (k % 200 == 0)
            let_run(1);
    }
    stop = true;
    join(t);
    EQ(bad, 0);
}

/* Stores its own byte in a page that is taken away again and again. */
static void *stores(void *arg)
{
    (void)arg;
    while (!stop) {
        if (sigsetjmp(thread_back, 1) == 0) {
            expects = true;
            for (int k = 0; k < 50; k++)
                *(volatile unsigned char *)(A + 100) = 0xee;
            expects = false;
        }
        rounds++;
    }
    return NULL;
}

TEST(R54, "a freed frame is never written by the thread that had it")
{
    enum { REUSE = 16 };
    catch_in_threads();
    A = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t t = start(stores, NULL);
    for (int k = 0; k < 400; k++) {
        switch (k % 3) {
        case 0:
            OK(munmap(A, P));
            break;
        case 1:
            OK(mprotect(A, P, PROT_READ));
            break;
        default:
            OK(madvise(A, P, MADV_DONTNEED));
        }
        unsigned char *other = t_map(NULL, REUSE, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(other, 0x11, REUSE * P);
        if (k % 20 == 0)
            let_run(1);
        for (size_t i = 0; i < REUSE; i++)
            EQ(other[i * P + 100], 0x11);
        OK(munmap(other, REUSE * P));
        t_map(A, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0);
        if (k % 20 == 0)
            let_run(1);
    }
    stop = true;
    join(t);
}

/* ---- the buffer of a call changes while it is used ---- */
static void *writes_pipe(void *arg)
{
    int fd = (int)(long)arg;
    while (!stop) {
        errno = 0;
        ssize_t n = write(fd, A, 2 * P);
        if (n < 0 && errno != EFAULT && errno != EPIPE)
            FAIL("write: %s", strerror(errno));
        rounds++;
    }
    return NULL;
}

static void *drains_pipe(void *arg)
{
    static unsigned char sink[4 * P];
    while (read((int)(long)arg, sink, sizeof(sink)) > 0)
        ;
    return NULL;
}

TESTF(R17, "the second page of a buffer comes and goes during write")
{
    int fd = F(8), p[2];
    M(fd, 8);
    OK(pipe(p));
    signal(SIGPIPE, SIG_IGN);
    pthread_t w = start(writes_pipe, (void *)(long)p[1]);
    pthread_t d = start(drains_pipe, (void *)(long)p[0]);
    for (int k = 0; k < 500; k++) {
        OK(munmap(A + P, P));
        t_map(A + P, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 1);
        OK(R(1, 1, 5));
        OK(mprotect(A + P, P, PROT_NONE));
        OK(mprotect(A + P, P, PROT_READ | PROT_WRITE));
        if (k % 50 == 0)
            let_run(1);
    }
    stop = true;
    join(w);
    OK(close(p[1]));
    join(d);
}

/* ---- a descriptor is closed, or replaced, under a thread that uses it ---- */
static atomic_int shared_fd;

static void *uses_fd(void *arg)
{
    (void)arg;
    char buf[512];
    while (!stop) {
        int fd = shared_fd;
        if (lseek(fd, 0, SEEK_SET) < 0 && errno != EBADF)
            FAIL("lseek: %s", strerror(errno));
        if (read(fd, buf, sizeof(buf)) < 0 && errno != EBADF)
            FAIL("read: %s", strerror(errno));
        void *m = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
        if (m == MAP_FAILED && errno != EBADF)
            FAIL("mmap: %s", strerror(errno));
        if (m != MAP_FAILED)
            munmap(m, P);
        rounds++;
    }
    return NULL;
}

TESTF(R64, "close and dup2 under a thread that reads and maps")
{
    int a = F(1), b = F(2), fd = dup(a);
    OK(fd);
    shared_fd = fd;
    pthread_t t = start(uses_fd, NULL);
    for (int k = 0; k < 3000; k++) {
        OK(close(fd));
        if (k % 300 == 0)
            let_run(1);
        OK(dup2(a, fd));
        OK(dup2(b, fd));
        if (k % 300 == 0)
            let_run(1);
    }
    stop = true;
    join(t);
}

static void *reads_blocked(void *arg)
{
    char c;
    rounds++;
    ssize_t n = read((int)(long)arg, &c, 1);
    EQ(n, 1);
    EQ(c, 'x');
    return NULL;
}

TEST(R64_blocked, "close under a blocked read: the read goes on with its pipe")
{
    int p[2];
    OK(pipe(p));
    int other = dup(p[0]);
    pthread_t t = start(reads_blocked, (void *)(long)p[0]);
    let_run(0);
    while (!rounds)
        t_nap(100);
    t_nap(20000);
    OK(close(p[0]));
    EQ(write(p[1], "x", 1), 1);
    join(t);
    OK(close(other));
}

/* ---- kill -9 finds threads in every sleep ---- */
static uint32_t word; /* a futex */
static void *sleeps_futex(void *arg)
{
    (void)arg;
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    return NULL;
}

static void *sleeps_pipe(void *arg)
{
    char c;
    (void)!read((int)(long)arg, &c, 1);
    return NULL;
}

static void *sleeps_wait(void *arg)
{
    (void)arg;
    wait(NULL);
    return NULL;
}

static void *sleeps_nap(void *arg)
{
    (void)arg;
    t_nap(100000000);
    return NULL;
}

static void *faults_and_remaps(void *arg)
{
    (void)arg;
    for (size_t k = 0;; k++) {
        OK(R(k % 8, 1, (k * 5) % 8));
        (void)*(volatile unsigned char *)(A + (k + 1) % 8 * P);
    }
    return NULL;
}

static void *forks(void *arg)
{
    (void)arg;
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    return NULL;
}

TESTF(R66, "kill -9 of a process with threads in every sleep state")
{
    int fd = F(8);
    for (int k = 0; k < 8; k++) {
        pid_t pid = t_fork();
        if (!pid) {
            int p[2];
            M(fd, 8);
            OK(pipe(p));
            start(sleeps_futex, NULL);
            start(sleeps_pipe, (void *)(long)p[0]);
            start(sleeps_nap, NULL);
            start(sleeps_wait, NULL);
            start(faults_and_remaps, NULL);
            start(forks, NULL);
            t_nap(100000000);
            _exit(0);
        }
        t_nap(10000 + 7000 * (unsigned)k);
        OK(kill(pid, SIGKILL));
        int status = t_status_of(pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

TESTF(R66_exec, "exec and exit_group end the other threads")
{
    int fd = F(8);
    CHILD({
        M(fd, 8);
        start(sleeps_futex, NULL);
        start(faults_and_remaps, NULL);
        t_nap(3000);
        execl(t_exe, t_exe, "--helper", (char *)NULL);
        _exit(1);
    });
    CHILD({
        M(fd, 8);
        start(sleeps_nap, NULL);
        start(faults_and_remaps, NULL);
        t_nap(3000);
    });
}

/* ---- futexes by arrangement ---- */
static long wake(size_t i)
{
    return syscall(SYS_futex, A + i * P, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_on(size_t i)
{
    struct timespec limit = {.tv_sec = 20};
    if (syscall(SYS_futex, A + i * P, FUTEX_WAIT, 0, &limit, NULL, 0) != 0)
        FAIL("futex wait on page %zu: %s", i, strerror(errno));
}

static void *waits_on(void *arg)
{
    rounds++;
    wait_on((size_t)arg);
    return NULL;
}

/* Wakes by page i until the one sleeper is awake. */
static void wake_one(size_t i)
{
    for (int k = 0; k < 5000; k++) {
        long n = wake(i);
        OK(n);
        if (n == 1)
            return;
        t_nap(1000);
    }
    FAIL("nobody sleeps on page %zu", i);
}

TESTF(T180, "futex across aliases")
{
    int fd = t_file();
    OK(ftruncate(fd, 8 * P));
    M(fd, 8);
    OK(R(0, 1, 5));
    pthread_t t = start(waits_on, (void *)0);
    while (!rounds)
        t_nap(100);
    t_nap(10000);
    EQ(wake(1), 0);
    EQ(wake(4), 0);
    wake_one(5);
    join(t);
    OK(R(5, 1, 2)); /* and the other way round, by two addresses that are both away */
    OK(R(7, 1, 2));
    t = start(waits_on, (void *)5);
    wake_one(7);
    join(t);
}

TESTF(T181, "futex across processes with different arrangements")
{
    int fd = t_file();
    OK(ftruncate(fd, 8 * P));
    M(fd, 8);
    pid_t pid = t_fork();
    if (!pid) {
        M(fd, 8);
        OK(R(0, 1, 5));
        wait_on(0);
        _exit(0);
    }
    wake_one(5);
    t_join(pid);
    pid = t_fork();
    if (!pid) {
        wait_on(3);
        _exit(0);
    }
    OK(RF(1, 1, 3, MAP_NONBLOCK)); /* not present: still this file page */
    wake_one(1);
    t_join(pid);
}

/* ---- T213 ---- */
static void store_and_spin(int fd, uint64_t seed)
{
    catch_in_threads();
    M(fd, 16);
    for (;;) {
        uint64_t x = t_random(&seed);
        OK(RF(x % 16, 1, x / 16 % 16, x >> 40 & 1 ? MAP_NONBLOCK : 0));
        if (sigsetjmp(thread_back, 1) == 0) {
            expects = true;
            *(volatile unsigned char *)(A + x / 256 % 16 * P) = 1;
            expects = false;
        }
        if (x % 64 == 0) {
            OK(munmap(A, 16 * P));
            M(fd, 16);
        }
    }
}

TESTF(T213, "seven processes map, remap and store, one truncates")
{
    enum { N = 7 };
    pid_t pid[N];
    int fd = t_file();
    struct stat st;
    for (int i = 0; i < N; i++) {
        pid[i] = t_fork();
        if (!pid[i])
            store_and_spin(fd, (uint64_t)i + 213);
    }
    for (int k = 0; k < 1000; k++) {
        OK(ftruncate(fd, k % 2 ? 16 * P : 0));
        EQ(pwrite(fd, "x", 1, (k % 16) * (off_t)P), 1);
        if (k % 16 == 0)
            t_nap(1000);
    }
    for (int i = 0; i < N; i++) {
        OK(kill(pid[i], SIGKILL));
        int status = t_status_of(pid[i]);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    OK(ftruncate(fd, 0));
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 0);
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
