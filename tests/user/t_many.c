/* SPDX-License-Identifier: MIT
 *
 * Signals, stops and timers of a process with hundreds of threads: more than a sender of a signal
 * looks at itself.
 */
#include "tests/user/crowd.h"
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#define WALL 0x40000000

static sigset_t only(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    return set;
}

static void block(int signo)
{
    sigset_t set = only(signo);

    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static bool is_pending(int signo)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, signo);
}

/* ---- job control's signals cancel each other in every thread ---- */

static void *holds_stop(void *arg)
{
    int fd;
    sigset_t set = only(SIGTSTP);

    here((intptr_t)arg);
    await(1);
    shared->bad += !is_pending(SIGTSTP);
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    await(2);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    shared->bad += is_pending(SIGTSTP);
    shared->bad += fd < 0 || read(fd, (char[sizeof(struct signalfd_siginfo)]){0},
                                  sizeof(struct signalfd_siginfo)) != -1;
    close(fd);
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    await(3);
    shared->bad += !is_pending(SIGTSTP); /* sent anew */
    shared->bad += sigtimedwait(&set, NULL, &(struct timespec){0, 0}) != SIGTSTP;
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    for (;;)
        pause();
    return NULL;
}

static void stop_each(void)
{
    for (int i = 0; i < MANY; i++)
        syscall(SYS_tgkill, getpid(), shared->tids[i], SIGTSTP);
}

TEST(cancel, "SIGCONT takes the stop signal of each of 300 threads away, a new one stays")
{
    begin();
    CHILD({
        block(SIGTSTP);
        make(holds_stop, MANY);
        wait_ready(MANY);
        stop_each();
        shared->go = 1;
        hits(MANY);
        kill(getpid(), SIGCONT);
        shared->go = 2;
        hits(2 * MANY);
        stop_each();
        shared->go = 3;
        hits(3 * MANY);
        _exit(shared->bad != 0);
    });
}

/* ---- who takes a signal to the process ---- */

static void count_hit(int signo)
{
    (void)signo;
    shared->turns[0] = (int)syscall(SYS_gettid);
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
}

static void *blocks(void *arg)
{
    here((intptr_t)arg);
    for (;;)
        pause();
    return NULL;
}

static void *takes(void *arg)
{
    sigset_t set = only(SIGUSR1);

    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    here((intptr_t)arg);
    for (;;)
        pause();
    return NULL;
}

static void *awaits(void *arg)
{
    sigset_t set = only(SIGUSR2);

    here((intptr_t)arg);
    while (sigwaitinfo(&set, NULL) == SIGUSR2)
        __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

TEST(last_one, "of 300 threads the last alone takes the signal, or waits for it")
{
    pthread_t t;

    begin();
    CHILD({
        signal(SIGUSR1, count_hit);
        block(SIGUSR1);
        block(SIGUSR2);
        make(blocks, MANY - 2);
        wait_ready(MANY - 2);
        if (pthread_create(&t, &small, takes, (void *)(MANY - 2L)) ||
            pthread_create(&t, &small, awaits, (void *)(MANY - 1L)))
            _exit(1);
        wait_ready(MANY);
        for (int n = 0; n < 20; n++) {
            kill(getpid(), n % 2 ? SIGUSR2 : SIGUSR1);
            hits(n + 1);
            if (shared->turns[0] != shared->tids[MANY - 2])
                _exit(2);
        }
        _exit(0);
    });
}

/* ---- stops ---- */

static void *turns(void *arg)
{
    for (;;) {
        shared->turns[(intptr_t)arg]++;
        if ((intptr_t)arg % 2)
            sched_yield();
        else
            usleep(2000);
    }
    return NULL;
}

static void *spawns(void *arg)
{
    pthread_t t;

    (void)arg;
    for (int i = 0; i < 40; i++)
        if (pthread_create(&t, &small, turns, (void *)(intptr_t)i))
            return NULL;
    return NULL;
}

static int sum(void)
{
    int n = 0;

    for (int i = 0; i < MANY; i++)
        n += shared->turns[i];
    return n;
}

TEST(stop_is_whole, "once the parent hears of the stop no thread runs, new ones neither")
{
    int status, old;
    pid_t pid;

    begin();
    pid = t_fork();
    if (!pid) {
        make(turns, 80);
        make(spawns, 4);
        for (;;)
            pause();
    }
    while (!sum())
        usleep(1000);
    for (int n = 0; n < 12; n++) {
        OK(kill(pid, SIGSTOP));
        if (n % 3 == 1) { /* stopped, gone on, stopped */
            OK(kill(pid, SIGCONT));
            OK(kill(pid, SIGSTOP));
        }
        do
            EQ(waitpid(pid, &status, WUNTRACED | WCONTINUED), pid);
        while (WIFCONTINUED(status));
        CHECK(WIFSTOPPED(status));
        if (n % 3 != 1) { /* else that may have been the first of the two */
            old = sum();
            usleep(3000);
            EQ(sum(), old);
        }
        OK(kill(pid, SIGCONT));
        old = sum();
        while (sum() == old)
            usleep(1000);
    }
    OK(kill(pid, SIGKILL));
    do
        EQ(waitpid(pid, &status, 0), pid);
    while (!WIFSIGNALED(status));
}

/* ---- traced ones hear that it goes on ---- */

TEST(listeners, "of 200 traced threads that listen each hears that the process goes on")
{
    enum { N = 200, LISTEN = 0x4208, SEIZE = 0x4206, STOP_EVENT = 128 };
    int status, stops = 0;
    pid_t pid, tid;

    begin();
    pid = t_fork();
    if (!pid) {
        make(blocks, N - 1);
        for (;;)
            pause();
    }
    wait_ready(N - 1);
    OK(syscall(SYS_ptrace, SEIZE, pid, 0, 0));
    for (int i = 0; i < N - 1; i++)
        OK(syscall(SYS_ptrace, SEIZE, shared->tids[i], 0, 0));
    OK(kill(pid, SIGSTOP));
    while (stops < N) {
        tid = waitpid(-1, &status, WALL);
        CHECK(tid > 0 && WIFSTOPPED(status));
        if (status >> 16 == STOP_EVENT) {
            stops++;
            OK(syscall(SYS_ptrace, LISTEN, tid, 0, 0));
        } else {
            OK(syscall(SYS_ptrace, PTRACE_CONT, tid, 0, WSTOPSIG(status)));
        }
    }
    OK(kill(pid, SIGCONT));
    for (stops = 0; stops < N;) {
        tid = waitpid(-1, &status, WALL);
        CHECK(tid > 0 && WIFSTOPPED(status));
        stops += status >> 16 == STOP_EVENT;
        OK(syscall(SYS_ptrace, PTRACE_CONT, tid, 0, 0));
    }
    OK(kill(pid, SIGKILL));
    while (waitpid(-1, &status, WALL) > 0)
        ;
}

/* ---- timers ---- */

static void burn_until(int n)
{
    while (shared->hits < n)
        ;
}

TEST(used_time, "300 timers of used time all ring, once or again and again")
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec once = {.it_value = {0, 1}},
                      again = {.it_value = {0, 1}, .it_interval = {0, 1000000}};
    timer_t id;

    begin();
    CHILD({
        signal(SIGRTMIN, count_hit);
        for (int i = 0; i < MANY; i++)
            if (timer_create(i % 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID,
                             &ev, &id) ||
                timer_settime(id, 0, &once, NULL))
                _exit(1);
        burn_until(MANY);
        if (timer_settime(id, 0, &again, NULL))
            _exit(2);
        burn_until(MANY + 5);
        if (timer_delete(id))
            _exit(3);
        _exit(0);
    });
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
