/* SPDX-License-Identifier: MIT
 *
 * Signals to threads that run on other CPUs: queued ones counted exactly, masks and actions
 * that change meanwhile, stops and ends of programs whose threads all run.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define NT 4
#define N  300

static atomic_long handled, total, ready;
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

static void on_value(int sig, siginfo_t *info, void *uc)
{
    (void)sig, (void)uc;
    total += info->si_value.sival_int;
    handled++;
}

static void catch (int sig, void (*fn)(int, siginfo_t *, void *))
{
    struct sigaction act = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_RESTART};

    OK(sigaction(sig, &act, NULL));
}

/* To thread tid, 0: to the process; again when the queue is full. */
static void queue(pid_t tid, int value)
{
    siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};

    info.si_pid = getpid();
    info.si_value.sival_int = value;
    while (tid ? syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SIGRTMIN, &info)
               : syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info)) {
        EQ(errno, EAGAIN);
        sched_yield();
    }
}

/* ---- counted ---- */

static atomic_int tids[NT];

static void *spins(void *arg)
{
    volatile long n = 0;

    tids[(long)arg] = gettid();
    ready++;
    while (!stop)
        n++;
    return NULL;
}

TEST(to_threads, "queued signals to threads that run: each arrives once")
{
    pthread_t t[NT];
    long want = 0;

    catch (SIGRTMIN, on_value);
    start_all(t, spins);
    while (ready < NT)
        sched_yield();
    for (int i = 1; i <= N; i++) {
        queue(tids[i % NT], i);
        want += i;
    }
    while (handled < N)
        sched_yield();
    stop = true;
    join_all(t);
    EQ(handled, N);
    EQ(total, want);
}

static void *sends(void *arg)
{
    for (int i = 1; i <= N / NT; i++)
        queue((long)arg % 2 ? 0 : getpid(), i);
    return NULL;
}

TEST(to_process, "four threads queue to the process and to its first thread")
{
    pthread_t t[NT];

    catch (SIGRTMIN, on_value);
    start_all(t, sends);
    join_all(t);
    while (handled < N / NT * NT)
        sched_yield();
    EQ(handled, N / NT * NT);
    EQ(total, (long)NT * (N / NT) * (N / NT + 1) / 2);
}

static void *awaits(void *arg)
{
    sigset_t set;
    siginfo_t info;
    struct timespec soon = {.tv_nsec = 2000000};

    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    while (handled < N) {
        if (sigtimedwait(&set, &info, &soon) == SIGRTMIN) {
            total += info.si_value.sival_int;
            handled++;
        } else if (errno != EAGAIN && errno != EINTR) {
            FAIL("errno %d", errno);
        }
    }
    return NULL;
}

TEST(awaited, "several threads wait for the same signal: each goes to one")
{
    pthread_t t[NT];
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    start_all(t, awaits);
    for (int i = 1; i <= N; i++)
        queue(0, i);
    join_all(t);
    EQ(handled, N);
    EQ(total, (long)N * (N + 1) / 2);
}

/* ---- masks and actions ---- */

static void count(int sig)
{
    (void)sig;
    handled++;
}

static void *toggles_mask(void *arg)
{
    sigset_t set;

    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    while (!stop) {
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
    return NULL;
}

static void *sleeps_unblocked(void *arg)
{
    sigset_t set;

    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    while (!stop)
        pause();
    return NULL;
}

TEST(masks, "a signal to the process finds a thread that takes it, however many block it "
            "just now")
{
    struct sigaction act = {.sa_handler = count};
    pthread_t t[NT], sleeper;
    sigset_t set;

    OK(sigaction(SIGUSR1, &act, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    EQ(pthread_create(&sleeper, NULL, sleeps_unblocked, NULL), 0);
    start_all(t, toggles_mask);
    for (long i = 0; i < N; i++) {
        OK(kill(getpid(), SIGUSR1));
        while (handled == i)
            sched_yield();
        EQ(handled, i + 1);
    }
    stop = true;
    join_all(t);
    while (pthread_tryjoin_np(sleeper, NULL) != 0)
        OK(kill(getpid(), SIGUSR1));
}

static void *toggles_action(void *arg)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, act = {.sa_handler = count};

    (void)arg;
    for (int i = 0; !stop; i++)
        OK(sigaction(SIGUSR2, i % 2 ? &ignore : &act, NULL));
    return NULL;
}

TEST(actions, "an action that changes: the old one or the new, never the default")
{
    struct sigaction act = {.sa_handler = count};
    pthread_t t[NT];

    OK(sigaction(SIGUSR2, &act, NULL));
    start_all(t, toggles_action);
    for (int i = 0; i < N; i++) {
        OK(kill(getpid(), SIGUSR2));
        pthread_kill(t[i % NT], SIGUSR2);
    }
    stop = true;
    join_all(t);
    CHECK(handled <= 2 * N);
}

/* ---- stops and ends ---- */

struct counters {
    volatile long of[NT];
};

static struct counters *shared;

static void *counts(void *arg)
{
    for (;;)
        shared->of[(long)arg]++;
    return NULL;
}

static pid_t busy_program(void)
{
    pid_t pid = t_fork();

    if (!pid) {
        pthread_t t[NT];

        start_all(t, counts);
        for (;;)
            pause();
    }
    return pid;
}

static void wait_all_run(void)
{
    for (int i = 0; i < NT; i++) {
        long before = shared->of[i];
        while (shared->of[i] == before)
            sched_yield();
    }
}

static void none_runs(void)
{
    struct counters before = *shared;

    for (int i = 0; i < 20; i++)
        sched_yield();
    for (int i = 0; i < NT; i++)
        EQ(shared->of[i], before.of[i]);
}

TEST(stops, "when a stop is told no thread of the program runs, until it is continued")
{
    int status;
    pid_t pid;

    shared = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid = busy_program();
    for (int i = 0; i < 10; i++) {
        wait_all_run();
        OK(kill(pid, SIGSTOP));
        EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        none_runs();
        OK(kill(pid, SIGCONT));
        EQ(waitpid(pid, &status, WCONTINUED), pid);
        CHECK(WIFCONTINUED(status));
    }
    wait_all_run();
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    none_runs();
}

TEST(kills, "kill -9 of programs whose threads all run, at any moment of their start")
{
    uint64_t seed = 11;
    int status;

    shared = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 25; i++) {
        pid_t pid = busy_program();
        for (unsigned n = t_random(&seed) % 6; n; n--)
            sched_yield();
        OK(kill(pid, i % 3 ? SIGKILL : SIGTERM));
        EQ(waitpid(pid, &status, 0), pid);
        CHECK(WIFSIGNALED(status));
        none_runs();
    }
}

/* Counted by a child that calls for as long as it lives. */
static struct {
    volatile unsigned begun, cut;
} * calls;

static _Noreturn void call_on(int fd, const void *text, size_t n)
{
    for (;;) {
        calls->begun++;
        if (pwrite(fd, text, n, 0) != (ssize_t)n)
            calls->cut++;
    }
}

/* Before it is told of its end it may find out by itself, in the middle of a call. */
TEST(last_call, "a program that is killed does not see that its last call was cut short")
{
    const size_t n = 1 << 20;
    void *text =
        t_map(NULL, n / P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = t_file();

    calls = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(calls != MAP_FAILED);
    memset(text, 1, n);
    for (int round = 0; round < 300; round++) {
        unsigned begun = calls->begun;
        pid_t pid = t_fork();

        if (!pid)
            call_on(fd, text, n);
        while (calls->begun == begun)
            sched_yield();
        OK(kill(pid, SIGKILL));
        EQ(t_status_of(pid), SIGKILL);
        EQ(calls->cut, 0);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
