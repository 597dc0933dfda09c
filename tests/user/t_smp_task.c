/* SPDX-License-Identifier: MIT
 *
 * Processes and threads that several CPUs make and end at once.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>

#define NT 4

static atomic_long done, sum;
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

/* ---- made and ended ---- */

static void *tells_number(void *arg)
{
    done++;
    return arg;
}

static void *makes_threads(void *arg)
{
    for (long i = 0; i < 250; i++) {
        pthread_t t;
        void *got;
        EQ(pthread_create(&t, NULL, tells_number, (void *)(i + (long)arg)), 0);
        EQ(pthread_join(t, &got), 0);
        EQ((long)got, i + (long)arg);
    }
    return NULL;
}

TEST(threads, "a thousand threads made and joined by four")
{
    pthread_t t[NT];

    start_all(t, makes_threads);
    join_all(t);
    EQ(done, NT * 250);
    EQ(t_status("Threads"), 1);
}

static void *forks_and_waits(void *arg)
{
    for (int i = 0; i < 30; i++) {
        int want = (i * 7 + (int)(long)arg) % 100, status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid)
            _exit(want);
        EQ(waitpid(pid, &status, 0), pid);
        CHECK(WIFEXITED(status));
        EQ(WEXITSTATUS(status), want);
        ERR(waitpid(pid, &status, WNOHANG), ECHILD);
        ERR(kill(pid, 0), ESRCH);
    }
    return NULL;
}

TEST(forks, "four threads fork and wait, each for its own")
{
    pthread_t t[NT];

    start_all(t, forks_and_waits);
    join_all(t);
    ERR(wait(NULL), ECHILD);
}

static void *forks(void *arg)
{
    (void)arg;
    for (int i = 1; i <= 30; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (!pid)
            _exit(i);
    }
    return NULL;
}

static void *waits_for_any(void *arg)
{
    int status;

    (void)arg;
    while (done < NT / 2 * 30) {
        siginfo_t info = {0};
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) {
            sum += WEXITSTATUS(status);
            done++;
        } else if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                   info.si_pid) {
            CHECK(info.si_status >= 1 && info.si_status <= 30);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

TEST(any, "two fork, two wait for any: each child is told once")
{
    pthread_t t[NT];

    for (long i = 0; i < NT; i++)
        EQ(pthread_create(&t[i], NULL, i % 2 ? forks : waits_for_any, NULL), 0);
    join_all(t);
    EQ(sum, NT / 2 * 30 * 31 / 2);
    ERR(wait(NULL), ECHILD);
}

/* ---- exec and exit with threads that run ---- */

static int helper(int argc, char **argv)
{
    (void)argc;
    /* One thread, and its number is the process's. */
    return t_status("Threads") == 1 && gettid() == getpid() ? atoi(argv[1]) : 99;
}

static void *execs(void *arg)
{
    char number[32];

    snprintf(number, sizeof(number), "%ld", 40 + (long)arg);
    while (!stop)
        sched_yield();
    execl(t_exe, t_exe, "--helper", number, NULL);
    pause(); /* another one was first */
    return NULL;
}

static void *runs(void *arg)
{
    for (;;)
        sum++;
    return arg;
}

TEST(exec, "exec by one of four threads that run, or by all of them at once")
{
    for (int i = 0; i < 16; i++) {
        bool alone = i % 2;
        int status;
        pid_t pid = t_fork();
        if (!pid) {
            pthread_t t[NT];
            for (long k = 0; k < NT; k++)
                EQ(pthread_create(&t[k], NULL, !alone || k == NT - 1 ? execs : runs,
                                  (void *)k),
                   0);
            stop = true;
            for (;;)
                sum++;
        }
        EQ(waitpid(pid, &status, 0), pid);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) >= 40 && WEXITSTATUS(status) < 40 + NT);
        if (alone)
            EQ(WEXITSTATUS(status), 40 + NT - 1);
    }
}

static void *exits(void *arg)
{
    while (!stop)
        ;
    if ((long)arg == 0)
        pthread_exit(NULL);
    _exit(60 + (int)(long)arg);
}

TEST(exits, "several threads end the process at once: one of them says how")
{
    for (int i = 0; i < 25; i++) {
        int status;
        pid_t pid = t_fork();
        if (!pid) {
            pthread_t t[NT];
            start_all(t, exits);
            stop = true;
            if (i % 2)
                pthread_exit(NULL); /* the first one goes, the others end it */
            for (;;)
                sum++;
        }
        EQ(waitpid(pid, &status, 0), pid);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) > 60 && WEXITSTATUS(status) < 60 + NT);
        ERR(kill(pid, 0), ESRCH);
    }
}

static void *spawns(void *arg)
{
    for (int i = 0; i < 6; i++) {
        char number[16];
        char *argv[] = {(char *)t_exe, "--helper", number, NULL}, *envp[] = {NULL};
        int status, want = 10 + (int)(long)arg;
        pid_t pid;
        snprintf(number, sizeof(number), "%d", want);
        EQ(posix_spawn(&pid, t_exe, NULL, NULL, argv, envp), 0);
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, want << 8);
    }
    return NULL;
}

TEST(spawns, "four threads start programs by vfork")
{
    pthread_t t[NT];

    start_all(t, spawns);
    join_all(t);
}

/* ---- fork while others use the memory ---- */

static atomic_long *marks;

static void *faults(void *arg)
{
    while (!stop) {
        volatile char *p = mmap(NULL, 16 * P, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(p != MAP_FAILED);
        for (int i = 0; i < 16; i++)
            p[i * P] = (char)i;
        for (int i = 0; i < 16; i++)
            EQ(p[i * P], i);
        OK(munmap((void *)p, 16 * P));
        marks[(long)arg * (P / 8)]++;
    }
    return NULL;
}

TEST(fork_faults, "fork while three threads map, fault and unmap")
{
    pthread_t t[NT];

    marks =
        mmap(NULL, NT * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    start_all(t, faults);
    for (int i = 0; i < 25; i++) {
        long before = marks[0];
        pid_t pid = fork();
        if (!pid) { /* what it sees does not change any more */
            long seen = marks[0], other = marks[P / 8];
            sched_yield();
            _exit(seen >= before && marks[0] == seen && marks[P / 8] == other ? 0 : 1);
        }
        t_join(pid);
    }
    stop = true;
    join_all(t);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
