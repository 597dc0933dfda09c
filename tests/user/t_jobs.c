/* SPDX-License-Identifier: MIT
 *
 * Signals and stops of many: queues of thousands, processes of many threads, children that end
 * in any order.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sys/resource.h>

static void block(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
}

static int take(int first, int last, siginfo_t *info)
{
    sigset_t set;

    sigemptyset(&set);
    for (int s = first; s <= last; s++)
        sigaddset(&set, s);
    return sigtimedwait(&set, info, &(struct timespec){0, 0});
}

static void send(int signo, int value)
{
    OK(sigqueue(getpid(), signo, (union sigval){.sival_int = value}));
}

TEST(order, "queued signals of mixed numbers come by number, each in its order")
{
    enum { EACH = 40, FIRST = 40, NUMBERS = 5 };
    siginfo_t info;

    for (int s = 0; s < NUMBERS; s++)
        block(FIRST + s);
    for (int i = 0; i < EACH; i++)
        for (int s = NUMBERS - 1; s >= 0; s--)
            send(FIRST + s, i);
    for (int s = 0; s < NUMBERS; s++) {
        for (int i = 0; i < EACH; i++) {
            EQ(take(FIRST, FIRST + NUMBERS - 1, &info), FIRST + s);
            EQ(info.si_value.sival_int, i);
        }
    }
    ERR(take(FIRST, FIRST + NUMBERS - 1, &info), EAGAIN);
}

TEST(ignored, "ignoring drops all of one number and none of its neighbours")
{
    siginfo_t info;

    for (int s = 50; s <= 52; s++)
        block(s);
    for (int i = 0; i < 100; i++)
        for (int s = 52; s >= 50; s--)
            send(s, i);
    CHECK(signal(51, SIG_IGN) != SIG_ERR);
    CHECK(signal(51, SIG_DFL) == SIG_IGN);
    ERR(take(51, 51, &info), EAGAIN);
    send(51, 7);
    for (int i = 0; i < 100; i++) {
        EQ(take(50, 50, &info), 50);
        EQ(info.si_value.sival_int, i);
    }
    EQ(take(50, 52, &info), 51);
    EQ(info.si_value.sival_int, 7);
    for (int i = 0; i < 100; i++) {
        EQ(take(50, 52, &info), 52);
        EQ(info.si_value.sival_int, i);
    }
    ERR(take(50, 52, &info), EAGAIN);
}

TEST(timer_dropped,
     "a timer whose signal is ignored away, and one that ends before its signal")
{
    struct itimerspec once = {.it_value = {0, 1}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL};
    sigset_t set;
    timer_t id;

    block(SIGTSTP);
    block(45);
    for (int i = 0; i < 2; i++) {
        ev.sigev_signo = i ? 45 : SIGTSTP;
        OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
        OK(timer_settime(id, 0, &once, NULL));
        do
            OK(sigpending(&set));
        while (!sigismember(&set, ev.sigev_signo));
        send(45, 1);
        OK(timer_delete(id));
    }
    OK(kill(getpid(), SIGCONT)); /* takes the stop signal away */
    OK(sigpending(&set));
    CHECK(!sigismember(&set, SIGTSTP));
    OK(kill(getpid(), SIGTSTP));
    OK(sigpending(&set));
    CHECK(sigismember(&set, SIGTSTP));
    CHECK(signal(45, SIG_IGN) != SIG_ERR);
    OK(sigpending(&set));
    CHECK(!sigismember(&set, 45));
    /* Ignored while it lives: it fires again. */
    OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
    CHECK(signal(45, SIG_DFL) != SIG_ERR);
    OK(timer_settime(id, 0, &once, NULL));
    do
        OK(sigpending(&set));
    while (!sigismember(&set, 45));
    CHECK(signal(45, SIG_IGN) != SIG_ERR);
    CHECK(signal(45, SIG_DFL) != SIG_ERR);
    OK(timer_settime(id, 0, &once, NULL));
    do
        OK(sigpending(&set));
    while (!sigismember(&set, 45));
    OK(timer_delete(id));
}

enum { NTHREADS = 60 };

static volatile int *turns;

static void *turn(void *arg)
{
    for (;;) {
        turns[(intptr_t)arg]++;
        usleep(5000);
    }
    return NULL;
}

static void all_go_on(void)
{
    int old[NTHREADS];

    for (int i = 0; i < NTHREADS; i++)
        old[i] = turns[i];
    for (int i = 0; i < NTHREADS; i++)
        while (turns[i] == old[i])
            usleep(1000);
}

TEST(many_threads, "all threads of a process stop and go on, again and again")
{
    pthread_attr_t attr;
    siginfo_t info;
    pthread_t t;
    pid_t pid;

    turns = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turns != MAP_FAILED);
    pid = t_fork();
    if (!pid) {
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 16384);
        for (intptr_t i = 0; i < NTHREADS; i++)
            if (pthread_create(&t, &attr, turn, (void *)i))
                _exit(1);
        for (;;)
            pause();
    }
    all_go_on();
    for (int n = 0; n < 4; n++) {
        OK(kill(pid, SIGSTOP));
        OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
        EQ(info.si_code, CLD_STOPPED);
        OK(kill(pid, SIGCONT));
        if (n == 2) { /* at once again, while many are on their way out of the first */
            OK(kill(pid, SIGSTOP));
            OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
            EQ(info.si_code, CLD_STOPPED);
            OK(kill(pid, SIGCONT));
        }
        OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
        EQ(info.si_code, CLD_CONTINUED);
        all_go_on();
    }
    OK(kill(pid, SIGSTOP));
    OK(kill(pid, SIGKILL));
    do
        OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
    while (info.si_code != CLD_KILLED);
}

TEST(zombies,
     "children that end in reverse are waited for in the order they were born in")
{
    enum { N = 24 };
    siginfo_t info;
    pid_t pids[N];

    for (int i = 0; i < N; i++) {
        pids[i] = t_fork();
        if (!pids[i])
            for (;;)
                pause();
    }
    for (int i = N - 1; i >= 0; i--) {
        OK(kill(pids[i], SIGKILL));
        OK(waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT));
    }
    EQ(waitpid(pids[5], NULL, 0), pids[5]);
    for (int i = 0; i < N; i++)
        if (i != 5)
            EQ(waitpid(-1, NULL, 0), pids[i]);
    ERR(waitpid(-1, NULL, 0), ECHILD);
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
