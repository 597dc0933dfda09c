/* SPDX-License-Identifier: MIT
 *
 * timer_create(2) on clocks of used time of others: threads, processes.
 */
#include <pthread.h>

#include "tests/user/t_timers.h"

#define MS 1000000L

static volatile int thread_tid, stop;

static void hold(int signo)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, signo);
    OK(sigprocmask(SIG_BLOCK, &s, NULL));
}

static void *spin(void *arg)
{
    (void)arg;
    thread_tid = (int)syscall(SYS_gettid);
    while (!stop)
        ;
    return NULL;
}

static clockid_t clock_of_thread(pid_t tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static int taken_within(int signo, time_t seconds)
{
    struct timespec most = {seconds, 0};
    siginfo_t info;
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, signo);
    return sigtimedwait(&s, &info, &most);
}

static void *sleeps(void *pipe_end)
{
    struct timespec used;
    char c;

    do
        OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used));
    while (used.tv_sec == 0 && used.tv_nsec < 20 * MS);
    thread_tid = (int)syscall(SYS_gettid);
    return (void *)(intptr_t)read(*(int *)pipe_end, &c, 1);
}

static int start(pthread_t *th, void *(*fn)(void *), void *arg)
{
    thread_tid = 0;
    EQ(pthread_create(th, NULL, fn, arg), 0);
    while (!thread_tid)
        sched_yield();
    return create(clock_of_thread((pid_t)thread_tid), SIGEV_SIGNAL, SIGUSR1, 0);
}

TEST(timers_other,
     "the used time of another thread, while it runs, sleeps, and when it has ended")
{
    struct itimerspec left;
    pthread_t th;
    int id, ends[2];

    hold(SIGUSR1);
    stop = 0;
    id = start(&th, spin, NULL);
    OK(settime(id, 0, 20 * MS, 0));
    EQ(taken_within(SIGUSR1, 60), SIGUSR1);
    OK(settime(id, 0, 900 * 1000 * MS, 0));
    CHECK(gettime(id).it_value.tv_sec > 800);
    stop = 1;
    EQ(pthread_join(th, NULL), 0);
    OK(syscall(SYS_timer_delete, id));

    OK(pipe(ends));
    id = start(&th, sleeps, ends);
    OK(settime(id, TIMER_ABSTIME, MS, 0)); /* it has run longer than that */
    EQ(taken_within(SIGUSR1, 60), SIGUSR1);
    EQ(write(ends[1], "x", 1), 1);
    EQ(pthread_join(th, NULL), 0);
    while (syscall(SYS_tgkill, getpid(), thread_tid, 0) == 0)
        sched_yield();
    ERR(settime(id, 0, MS, 0), ESRCH);
    left = gettime(id);
    EQ(left.it_value.tv_nsec, 0);
    ERR(syscall(SYS_timer_create, clock_of_thread((pid_t)thread_tid), NULL, &id), EINVAL);
}

static pid_t start_spinner(void)
{
    pid_t pid = t_fork();

    if (!pid)
        for (;;)
            ;
    return pid;
}

TEST(timers_process,
     "the used time of another process, once, again and again, and when it has ended")
{
    pid_t pid = start_spinner();
    struct timespec used;
    struct itimerspec left;
    clockid_t clock;
    int id, user, status;

    hold(SIGUSR1);
    hold(SIGUSR2);
    OK(clock_getcpuclockid(pid, &clock));
    id = create(clock, SIGEV_SIGNAL, SIGUSR1, 0);
    OK(settime(id, 0, 50 * MS, 0));
    CHECK(gettime(id).it_value.tv_nsec > 0);
    EQ(taken_within(SIGUSR1, 60), SIGUSR1);
    OK(clock_gettime(clock, &used));
    CHECK(used.tv_sec || used.tv_nsec >= 50 * MS);
    OK(settime(id, TIMER_ABSTIME, MS, 0)); /* it has run longer than that */
    EQ(taken_within(SIGUSR1, 60), SIGUSR1);
    OK(settime(id, 0, 20 * MS, 20 * MS));
    for (int i = 0; i < 3; i++)
        EQ(taken_within(SIGUSR1, 60), SIGUSR1);
    user = create((clock & ~7) | 1, SIGEV_SIGNAL, SIGUSR2, 0); /* in user mode alone */
    OK(settime(user, 0, 20 * MS, 0));
    EQ(taken_within(SIGUSR2, 60), SIGUSR2);
    OK(settime(user, 0, 900 * 1000 * MS, 0));
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    ERR(settime(id, 0, MS, 0), ESRCH);
    left = gettime(user);
    EQ(left.it_value.tv_sec, 0);
    EQ(left.it_value.tv_nsec, 0);
    ERR(syscall(SYS_timer_create, clock, NULL, &id), EINVAL);
    ERR(syscall(SYS_timer_create, -5, NULL, &id), EOPNOTSUPP); /* a descriptor's */
}

TEST(timers_process_own,
     "the process's own time in user mode alone, deleted while it runs")
{
    int id = create(-8 | 1, SIGEV_SIGNAL, SIGUSR1, 0);
    sigset_t s;

    hold(SIGUSR1);
    OK(settime(id, 0, 20 * MS, 0));
    do {
        for (volatile int i = 0; i < 1000000; i++)
            ;
        OK(sigpending(&s));
    } while (!sigismember(&s, SIGUSR1));
    OK(settime(id, 0, MS, MS));
    OK(syscall(SYS_timer_delete, id));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
