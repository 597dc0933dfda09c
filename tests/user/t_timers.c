/* SPDX-License-Identifier: MIT
 *
 * timer_create(2) and its kin, by raw calls: the C library has threads of its own in between.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "tests/user/t_timers.h"

#define MS 1000000L

static volatile sig_atomic_t count, last_value, last_id, by_tid;

static void on_timer(int signo, siginfo_t *info, void *ctx)
{
    (void)signo;
    (void)ctx;
    last_value = info->si_value.sival_int;
    last_id = info->si_code == SI_TIMER ? ((int *)info)[4] : -1;
    by_tid = (int)syscall(SYS_gettid);
    count++;
}

static void catch (int signo)
{
    struct sigaction act = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};

    OK(sigaction(signo, &act, NULL));
}

static void wait_for(int n)
{
    sigset_t none;

    sigemptyset(&none);
    while (count < n)
        sigsuspend(&none);
}

/* The signal comes only while we wait. */
static void hold(int signo)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, signo);
    OK(sigprocmask(SIG_BLOCK, &s, NULL));
}

TEST(timers_errors, "each error of the pages")
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    struct itimerspec s = {{0, 0}, {0, -1}};
    int id;

    ERR(syscall(SYS_timer_create, 77, NULL, &id), EINVAL);
    ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &id), EFAULT);
    ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)8), EFAULT);
    ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev = (struct sigevent){.sigev_notify = 9, .sigev_signo = SIGALRM};
    ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
    ev = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    ((int *)&ev)[4] = 1;
    ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id), EINVAL);
    id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 0);
    ERR(syscall(SYS_timer_settime, id, 0, &s, NULL), EINVAL);
    ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    ERR(syscall(SYS_timer_settime, id, 0, (void *)8, NULL), EFAULT);
    ERR(syscall(SYS_timer_gettime, id, (void *)8), EFAULT);
    OK(syscall(SYS_timer_delete, id));
    ERR(syscall(SYS_timer_delete, id), EINVAL);
    ERR(syscall(SYS_timer_gettime, id, &s), EINVAL);
    ERR(syscall(SYS_timer_getoverrun, -1), EINVAL);
    s.it_value.tv_nsec = 0;
    ERR(syscall(SYS_timer_settime, id, 0, &s, NULL), EINVAL);
}

TEST(timers_once, "a timer sends its signal once, with its value, not early")
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                 CLOCK_TAI};
    const int signals[] = {SIGALRM, SIGUSR1, SIGRTMIN + 5, SIGALRM};

    for (int i = 0; i < 4; i++) {
        int id = create(clocks[i], SIGEV_SIGNAL, signals[i], 40 + i);
        uint64_t start;

        count = 0;
        catch (signals[i]);
        hold(signals[i]);
        start = t_ns();
        OK(settime(id, 0, 10 * MS, 0));
        wait_for(1);
        CHECK(t_ns() - start >= 10 * MS);
        EQ(last_value, 40 + i);
        EQ(last_id, id);
        EQ(gettime(id).it_value.tv_nsec, 0);
        EQ(syscall(SYS_timer_getoverrun, id), 0);
    }
}

TEST(timers_overrun, "what runs out while the signal waits is counted")
{
    int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
    uint64_t start = t_ns();
    long n;

    catch (SIGUSR1);
    hold(SIGUSR1);
    OK(settime(id, 0, 5 * MS, 5 * MS));
    t_nap(40000);
    wait_for(1);
    n = syscall(SYS_timer_getoverrun, id);
    CHECK(n >= 6 && n < (long)((t_ns() - start) / (5 * MS)));
    wait_for(4);
    OK(settime(id, 0, 0, 0));
    EQ(gettime(id).it_value.tv_nsec, 0);
}

TEST(timers_absolute, "absolute times, past and to come; the old setting")
{
    int id = create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 0);
    struct itimerspec s = {0}, old;
    struct timespec now;

    catch (SIGUSR1);
    hold(SIGUSR1);
    OK(clock_gettime(CLOCK_REALTIME, &now));
    s.it_value.tv_sec = now.tv_sec + 1000;
    OK(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &s, NULL));
    s.it_value.tv_sec = now.tv_sec;
    OK(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &s, &old));
    CHECK(old.it_value.tv_sec >= 900 && old.it_value.tv_sec <= 1000);
    wait_for(1);
}

TEST(timers_none, "SIGEV_NONE: only looked at")
{
    int id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);

    OK(settime(id, 0, 5 * MS, 7 * MS));
    t_nap(6000);
    CHECK(gettime(id).it_value.tv_nsec > 0);
    CHECK(gettime(id).it_value.tv_nsec <= 7 * MS);
    EQ(gettime(id).it_interval.tv_nsec, 7 * MS);
    OK(settime(id, 0, 1, 0));
    while (gettime(id).it_value.tv_nsec)
        ;
}

TEST(timers_ignored, "an ignored signal does not stop the timer")
{
    int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);

    signal(SIGUSR1, SIG_IGN);
    OK(settime(id, 0, 2 * MS, 2 * MS));
    t_nap(10000);
    hold(SIGUSR1);
    catch (SIGUSR1);
    wait_for(2);
}

static volatile int thread_tid, stop;

static void *spin(void *arg)
{
    (void)arg;
    thread_tid = (int)syscall(SYS_gettid);
    while (!stop)
        ;
    return NULL;
}

TEST(timers_thread, "SIGEV_THREAD_ID: just this thread")
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    pthread_t th;
    int id;

    catch (SIGUSR1);
    EQ(pthread_create(&th, NULL, spin, NULL), 0);
    while (!thread_tid)
        sched_yield();
    ((int *)&ev)[4] = thread_tid;
    OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
    OK(settime(id, 0, MS, MS));
    while (count < 3)
        sched_yield();
    EQ(by_tid, thread_tid);
    stop = 1;
    EQ(pthread_join(th, NULL), 0);
    OK(syscall(SYS_timer_delete, id));
}

TEST(timers_cpu, "clocks of used time: no program, no time")
{
    static const int clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};

    catch (SIGUSR1);
    for (int i = 0; i < 2; i++) {
        int id = create(clocks[i], SIGEV_SIGNAL, SIGUSR1, i);
        struct timespec a, b;

        count = 0;
        OK(clock_gettime(clocks[i], &a));
        OK(settime(id, 0, 20 * MS, 0));
        while (!count)
            ;
        OK(clock_gettime(clocks[i], &b));
        CHECK((b.tv_sec - a.tv_sec) * 1000 * MS + b.tv_nsec - a.tv_nsec >= 20 * MS);
        OK(syscall(SYS_timer_delete, id));
    }
}

static int helper(int argc, char **argv)
{
    struct itimerspec s;

    (void)argc;
    return syscall(SYS_timer_gettime, atoi(argv[1]), &s) == -1 && errno == EINVAL ? 0 : 1;
}

static int sleep_by(clockid_t clock, int flags, long nsec)
{
    struct timespec t = {.tv_nsec = nsec};
    return (int)syscall(SYS_clock_nanosleep, clock, flags, &t, NULL);
}

static void *runs(void *stop)
{
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
        ;
    return NULL;
}

TEST(sleep_clocks,
     "by which clocks one can sleep; used time passes when somebody uses it")
{
    struct timespec before, after;
    pthread_t thread;
    clockid_t clock, own;
    int stop = 0;

    for (clock = 3; clock < 7; clock++)
        ERR(sleep_by(clock, 0, 2000000000), EOPNOTSUPP);
    ERR(sleep_by(10, 0, 1), EINVAL);
    ERR(sleep_by(12, 0, 1), EINVAL);
    ERR(sleep_by(CLOCK_PROCESS_CPUTIME_ID, 0, 2000000000), EINVAL);
    ERR(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, 8, NULL), EFAULT);
    OK(sleep_by(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, 0));
    EQ(pthread_getcpuclockid(pthread_self(), &own), 0);
    ERR(sleep_by(own, 0, 1), EINVAL);
    ERR(clock_settime(own, &(struct timespec){0}), EPERM);
    EQ(pthread_create(&thread, NULL, runs, &stop), 0);
    EQ(pthread_getcpuclockid(thread, &own), 0);
    clockid_t clocks[] = {CLOCK_PROCESS_CPUTIME_ID, own};
    for (int i = 0; i < 2; i++) {
        OK(clock_gettime(clocks[i], &before));
        OK(sleep_by(clocks[i], 0, 30 * MS));
        OK(clock_gettime(clocks[i], &after));
        CHECK((after.tv_sec - before.tv_sec) * 1000 * MS + after.tv_nsec -
                  before.tv_nsec >=
              30 * MS);
    }
    stop = 1;
    pthread_join(thread, NULL);
}

TEST(timers_inherit, "not inherited by fork; gone after exec")
{
    int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
    struct itimerspec s;
    char number[16];

    OK(settime(id, 0, 100000 * MS, 0));
    CHILD(ERR(syscall(SYS_timer_gettime, id, &s), EINVAL));
    OK(syscall(SYS_timer_gettime, id, &s));
    snprintf(number, sizeof(number), "%d", id);
    CHILD({
        int own = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);

        snprintf(number, sizeof(number), "%d", own);
        execl(t_exe, t_exe, "--helper", number, NULL);
    });
}

TEST(timers_limit, "RLIMIT_SIGPENDING: timers count, and are given back")
{
    struct rlimit lim = {20, 20};
    int id, n = 0;

    OK(setuid(23456));
    OK(setrlimit(RLIMIT_SIGPENDING, &lim));
    for (int turn = 0; turn < 2; turn++) {
        for (n = 0; n < 20; n++)
            (void)create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
        ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id), EAGAIN);
        for (id = turn * 20; id < 300 && n; id++)
            n -= syscall(SYS_timer_delete, id) == 0;
        EQ(n, 0);
    }
}

TEST(timers_deleted, "deleted while it is pending, and while it runs at full speed")
{
    catch (SIGUSR1);
    for (int i = 0; i < 50; i++) {
        int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, i % 2 ? SIGUSR1 : SIGRTMIN + 1, 0);

        if (i < 25)
            hold(i % 2 ? SIGUSR1 : SIGRTMIN + 1);
        catch (SIGRTMIN + 1);
        OK(settime(id, 0, 1, 1));
        OK(syscall(SYS_timer_delete, id));
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
