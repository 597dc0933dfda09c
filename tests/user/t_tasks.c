/* SPDX-License-Identifier: MIT
 *
 * The threads of a process under /proc: each is listed below task with its own number, name,
 * state and time; /proc/TID is found though it is not listed.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>

#define THREADS 8

static int ready[2], go[2];

static pid_t my_tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* Sleeps in read() until the pipe is closed. */
static void *sleeper(void *arg)
{
    pid_t tid = my_tid();
    char name[16], c;

    snprintf(name, sizeof(name), "worker-%d", (int)(intptr_t)arg);
    prctl(PR_SET_NAME, name);
    (void)!write(ready[1], &tid, sizeof(tid));
    (void)!read(go[0], &c, 1);
    return NULL;
}

static void start(pthread_t *threads, pid_t *tids, int n)
{
    OK(pipe(ready));
    OK(pipe(go));
    for (int i = 0; i < n; i++) {
        EQ(pthread_create(&threads[i], NULL, sleeper, (void *)(intptr_t)i), 0);
        EQ(read(ready[0], &tids[i], sizeof(tids[i])), sizeof(tids[i]));
    }
}

static void finish(pthread_t *threads, int n)
{
    close(go[1]);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static const char *path_of(const char *format, ...)
{
    static char path[8][80];
    static int at;
    char *p = path[at++ % 8];
    va_list args;

    va_start(args, format);
    vsnprintf(p, 80, format, args);
    va_end(args);
    return p;
}

/* The text of a file, at most 4095 bytes. */
static char *text_of(const char *path)
{
    static char text[4][4096];
    static int at;
    char *t = text[at++ % 4];
    int fd = open(path, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read(fd, t, 4095);
    close(fd);
    if (n < 0)
        return NULL;
    t[n] = '\0';
    return t;
}

/* The number behind a key of a status file. */
static long status_of(const char *path, const char *key)
{
    const char *text = text_of(path), *at = text ? strstr(text, key) : NULL;

    return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* Field n of a stat file; 3 is the state, as a character. */
static long stat_of(const char *path, int n)
{
    char *text = text_of(path), *at = text ? strrchr(text, ')') : NULL;

    if (!at)
        return -1;
    at += 2;
    for (int i = 3; i < n; i++)
        at = strchr(at, ' ') + 1;
    return n == 3 ? *at : strtol(at, NULL, 10);
}

static int listed(const char *dir, pid_t want, int *count)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int found = 0;

    CHECK(d != NULL);
    *count = 0;
    while ((e = readdir(d))) {
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        (*count)++;
        found += atoi(e->d_name) == want;
    }
    closedir(d);
    return found;
}

TEST(all, "all threads are listed below task and lead to their own files")
{
    pthread_t threads[THREADS];
    pid_t tids[THREADS];
    struct stat st;
    int n;

    start(threads, tids, THREADS);
    for (int i = 0; i < THREADS; i++) {
        const char *status = path_of("/proc/self/task/%d/status", tids[i]);
        const char *stat = path_of("/proc/self/task/%d/stat", tids[i]);
        char name[32];

        EQ(listed("/proc/self/task", tids[i], &n), 1);
        EQ(n, THREADS + 1);
        EQ(status_of(status, "\nPid:\t"), tids[i]);
        EQ(status_of(status, "\nTgid:\t"), getpid());
        EQ(status_of(status, "\nPPid:\t"), getppid());
        EQ(status_of(status, "\nThreads:\t"), THREADS + 1);
        snprintf(name, sizeof(name), "worker-%d\n", i);
        CHECK(!strcmp(text_of(path_of("/proc/self/task/%d/comm", tids[i])), name));
        EQ(strtol(text_of(stat), NULL, 10), tids[i]);
        CHECK(strstr(text_of(stat), "(worker-") != NULL);
        while (stat_of(stat, 3) != 'S')
            sched_yield();
        EQ(stat_of(stat, 38), -1); /* the exit signal of a thread */
        EQ(stat_of(stat, 20), THREADS + 1);
        CHECK(strlen(text_of(path_of("/proc/self/task/%d/maps", tids[i]))) > 100);
        OK(stat_of(path_of("/proc/self/task/%d/stat", getpid()), 4));
    }
    EQ(listed("/proc/self/task", getpid(), &n), 1);
    EQ(stat_of("/proc/thread-self/stat", 3), 'R');
    OK(stat("/proc/self/task", &st));
    EQ(st.st_nlink, 2 + THREADS + 1);
    finish(threads, THREADS);
    EQ(listed("/proc/self/task", getpid(), &n), 1);
    EQ(n, 1);
}

TEST(by_number, "/proc/TID is found and not listed, and its task has all threads")
{
    pthread_t threads[2];
    pid_t tids[2];
    char exe[256], exe2[256];
    int n;

    start(threads, tids, 2);
    EQ(listed("/proc", tids[1], &n), 0);
    EQ(listed("/proc", getpid(), &n), 1);
    EQ(status_of(path_of("/proc/%d/status", tids[1]), "\nPid:\t"), tids[1]);
    EQ(status_of(path_of("/proc/%d/status", tids[1]), "\nTgid:\t"), getpid());
    EQ(listed(path_of("/proc/%d/task", tids[1]), tids[0], &n), 1);
    EQ(n, 3);
    EQ(access(path_of("/proc/%d/task/%d/task", tids[1], tids[0]), F_OK), -1);
    EQ(access(path_of("/proc/%d/task/1", tids[1]), F_OK), -1);
    ssize_t len = readlink(path_of("/proc/%d/exe", tids[1]), exe, sizeof(exe));
    EQ(readlink("/proc/self/exe", exe2, sizeof(exe2)), len);
    CHECK(len > 0 && !memcmp(exe, exe2, (size_t)len));
    OK(access(path_of("/proc/%d/task/%d/fd/%d", tids[1], tids[0], go[1]), F_OK));
    finish(threads, 2);
}

static void *name_self(void *arg)
{
    char *link = arg;
    ssize_t n = readlink("/proc/thread-self", link, 63);

    link[n > 0 ? n : 0] = '\0';
    return (void *)(intptr_t)my_tid();
}

TEST(thread_self, "/proc/thread-self is the thread that asks")
{
    char link[64];
    void *tid;
    pthread_t t;

    EQ(pthread_create(&t, NULL, name_self, link), 0);
    pthread_join(t, &tid);
    CHECK(!strcmp(link, path_of("%d/task/%d", getpid(), (int)(intptr_t)tid)));
    name_self(link);
    CHECK(!strcmp(link, path_of("%d/task/%d", getpid(), getpid())));
}

TEST(names, "a thread's name is its own; others of its process may give it")
{
    pthread_t t;
    pid_t tid, child;
    char own[17] = "";

    prctl(PR_SET_NAME, "first");
    start(&t, &tid, 1);
    CHECK(!strcmp(text_of("/proc/self/comm"), "first\n"));
    int fd = open(path_of("/proc/self/task/%d/comm", tid), O_RDWR);
    OK(fd);
    EQ(write(fd, "renamed", 7), 7);
    close(fd);
    CHECK(!strcmp(text_of(path_of("/proc/%d/comm", tid)), "renamed\n"));
    CHECK(!strcmp(text_of("/proc/self/comm"), "first\n"));
    prctl(PR_GET_NAME, own);
    CHECK(!strcmp(own, "first"));
    child = t_fork();
    if (!child) {
        fd = open(path_of("/proc/%d/task/%d/comm", getppid(), tid), O_WRONLY);
        _exit(fd >= 0 && write(fd, "x", 1) == -1 && errno == EINVAL ? 0 : 1);
    }
    t_join(child);
    finish(&t, 1);
}

static void *burn(void *arg)
{
    struct timespec now;

    (void)arg;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while (now.tv_sec == 0 && now.tv_nsec < 150000000);
    return sleeper((void *)0);
}

TEST(times, "the time of a thread is its own, that of the process all of it")
{
    pthread_t t;
    pid_t tid;

    OK(pipe(ready));
    OK(pipe(go));
    EQ(pthread_create(&t, NULL, burn, NULL), 0);
    EQ(read(ready[0], &tid, sizeof(tid)), sizeof(tid));
    const char *mine = path_of("/proc/thread-self/stat");
    const char *its = path_of("/proc/self/task/%d/stat", tid);
    CHECK(stat_of(its, 14) + stat_of(its, 15) >= 12);
    CHECK(stat_of(mine, 14) + stat_of(mine, 15) <= 8);
    CHECK(stat_of("/proc/self/stat", 14) + stat_of("/proc/self/stat", 15) >= 12);
    its = path_of("/proc/%d/stat", tid); /* of all threads, by any number */
    CHECK(stat_of(its, 14) + stat_of(its, 15) >= 12);
    finish(&t, 1);
}

TEST(ended, "what was opened for a thread that ended speaks of no other")
{
    pthread_t t, next;
    pid_t tid;
    char buf[64];

    start(&t, &tid, 1);
    int dir = open(path_of("/proc/self/task/%d", tid), O_RDONLY | O_DIRECTORY);
    int stat = open(path_of("/proc/self/task/%d/stat", tid), O_RDONLY);
    int comm = open(path_of("/proc/%d/comm", tid), O_RDWR);
    CHECK(dir >= 0 && stat >= 0 && comm >= 0);
    finish(&t, 1);
    while (!access(path_of("/proc/self/task/%d", tid), F_OK)) /* joined a little before */
        sched_yield();
    EQ(pthread_create(&next, NULL, name_self, buf), 0);
    pthread_join(next, NULL);
    ERR(read(stat, buf, sizeof(buf)), ESRCH);
    ERR(read(comm, buf, sizeof(buf)), ESRCH);
    ERR(write(comm, "x", 1), ESRCH);
    ERR(openat(dir, "stat", O_RDONLY), ENOENT);
    ERR(open(path_of("/proc/self/task/%d/stat", tid), O_RDONLY), ENOENT);
    ERR(open(path_of("/proc/%d/stat", tid), O_RDONLY), ENOENT);
}

static void *ask_of_first(void *arg)
{
    int count;
    char c = 'y';

    (void)arg;
    while (stat_of(path_of("/proc/%d/stat", getpid()), 3) != 'Z')
        sched_yield();
    if (listed("/proc/self/task", getpid(), &count) != 1 || count != 2)
        c = 'n';
    if (stat_of(path_of("/proc/self/task/%d/stat", getpid()), 3) != 'Z')
        c = 'n';
    if (stat_of("/proc/thread-self/stat", 3) != 'R')
        c = 'n';
    (void)!write(ready[1], &c, 1);
    exit(0);
}

TEST(first_ends, "a first thread that ends before the others stays as a zombie")
{
    char c = '?';

    OK(pipe(ready));
    pid_t child = t_fork();
    if (!child) {
        pthread_t t;

        pthread_create(&t, NULL, ask_of_first, NULL);
        pthread_exit(NULL);
    }
    EQ(read(ready[0], &c, 1), 1);
    EQ(c, 'y');
    t_join(child);
}

static void *waiter(void *arg)
{
    sigset_t set;
    pid_t tid = my_tid();

    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)!write(ready[1], &tid, sizeof(tid));
    sigwaitinfo(&set, NULL);
    return NULL;
}

TEST(waited, "a signal that a thread waits for with sigtimedwait is not told as blocked")
{
    pthread_t t;
    pid_t tid;
    char line[4096] = "", *at;
    int fd;

    OK(pipe(ready));
    EQ(pthread_create(&t, NULL, waiter, NULL), 0);
    EQ(read(ready[0], &tid, sizeof(tid)), sizeof(tid));
    t_until_asleep(tid);
    OK(fd = open(path_of("/proc/self/task/%d/status", tid), O_RDONLY));
    CHECK(read(fd, line, sizeof(line) - 1) > 0 && (at = strstr(line, "\nSigBlk:")));
    EQ(strtoul(at + 9, NULL, 16) & 1ul << (SIGUSR1 - 1), 0);
    OK(syscall(SYS_tkill, tid, SIGUSR1));
    pthread_join(t, NULL);
}

static void *forker(void *arg)
{
    pid_t child = t_fork();
    char want[32], got[64] = "";
    int fd;

    if (!child) {
        pause();
        _exit(0);
    }
    *(pid_t *)arg = child;
    snprintf(want, sizeof(want), "%d ", child);
    OK(fd = open("/proc/thread-self/children", O_RDONLY));
    CHECK(read(fd, got, sizeof(got) - 1) > 0);
    CHECK(strcmp(got, want) == 0);
    (void)!write(ready[1], "x", 1);
    (void)!read(go[0], got, 1);
    return NULL;
}

TEST(children,
     "task/TID/children: the children of that thread, dead ones too, and no others")
{
    pthread_t t;
    pid_t own, other;
    char want[64], got[64] = "", c;
    int fd;

    OK(pipe(ready));
    OK(pipe(go));
    EQ(pthread_create(&t, NULL, forker, &other), 0);
    EQ(read(ready[0], &c, 1), 1);
    own = t_fork();
    if (!own)
        _exit(0);
    OK(waitid(P_PID, (id_t)own, &(siginfo_t){0}, WEXITED | WNOWAIT));
    OK(fd = open("/proc/thread-self/children", O_RDONLY));
    CHECK(read(fd, got, sizeof(got) - 1) > 0);
    snprintf(want, sizeof(want), "%d ", own);
    CHECK(strcmp(got, want) == 0);
    ERR(access("/proc/self/children", F_OK), ENOENT);
    OK(kill(other, SIGKILL));
    EQ(waitpid(own, NULL, 0), own);
    EQ(waitpid(other, NULL, 0), other);
    EQ(pread(fd, got, sizeof(got), 0), 0);
    finish(&t, 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
