/* SPDX-License-Identifier: MIT
 *
 * Many processes and threads at once: signals to groups and to all threads, children of who
 * ends, and a fork whose caller is killed.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

struct shared {
    volatile int about, born, n;
};

static struct shared *make_shared(void)
{
    return mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Fills memory, so that fork takes a while, then forks. A page with other rights in each 2 MiB has
 * its tables copied entry by entry. */
static void slow_forker(struct shared *s)
{
    size_t size = 96ul << 20;
    char *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    setpgid(0, 0);
    if (m == MAP_FAILED)
        _exit(1);
    for (size_t at = P; at < size; at += 2ul << 20)
        if (mprotect(m + at, P, PROT_READ) != 0)
            _exit(1);
    s->about = 1;
    if (fork() == 0)
        s->born = 1;
    sleep_for_ever();
}

TEST(killed_fork, "who is killed inside fork has no child")
{
    int late = 0, rounds = 16;

    OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    for (int i = 0; i < rounds; i++) {
        struct shared *s = make_shared();
        pid_t pid = fork();
        int born;

        if (pid == 0)
            slow_forker(s);
        while (!s->about)
            sched_yield();
        for (int k = 0; k < i / 4; k++)
            sched_yield();
        kill(pid, SIGKILL);
        born = s->born;
        EQ(waitpid(pid, NULL, 0), pid);
        if (kill(-pid, SIGKILL) == 0) {
            late += !born;
            waitpid(-pid, NULL, 0);
        }
        munmap(s, P);
    }
    printf("# %d of %d children that did not run when their parent was killed\n", late,
           rounds);
    /* It may be there and not have run yet; when fork cannot be killed, all are. */
    CHECK(late <= rounds * 3 / 4);
    OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static void *idle(void *arg)
{
    sleep_for_ever();
    return arg;
}

static int make_threads(int n, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t t;
    int made = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    while (made < n && pthread_create(&t, &attr, fn, arg) == 0)
        made++;
    return made;
}

TEST(kill_threads, "a process of 700 threads is killed, and ends by one of them")
{
    for (int how = 0; how < 3; how++) {
        int ready[2], status;
        char c;
        pid_t pid;

        OK(pipe(ready));
        pid = fork();
        if (pid == 0) {
            c = make_threads(700, idle, NULL) == 700;
            write(ready[1], &c, 1);
            if (how == 1)
                _exit(7);
            if (how == 2)
                execl(t_exe, t_exe, "--helper", (char *)NULL);
            sleep_for_ever();
        }
        EQ(read(ready[0], &c, 1), 1);
        EQ(c, 1);
        if (how == 0)
            kill(pid, SIGKILL);
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, how == 0 ? SIGKILL : how == 1 ? 7 << 8 : 9 << 8);
        close(ready[0]);
        close(ready[1]);
    }
}

static void *take_one(void *arg)
{
    struct shared *s = arg;
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    __sync_fetch_and_add(&s->about, 1);
    if (sigwait(&set, &sig) == 0)
        __sync_fetch_and_add(&s->n, 1);
    return NULL;
}

TEST(sigwait_threads, "one of many threads that wait for a signal takes it, each time")
{
    enum { N = 40 };
    struct shared *s = make_shared();

    CHILD({
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        make_threads(300, idle, NULL); /* they do not wait for it */
        CHECK(make_threads(N, take_one, s) == N);
        while (s->about < N)
            sched_yield();
        for (int i = 1; i <= N; i++) {
            kill(getpid(), SIGUSR1);
            while (s->n < i)
                sched_yield();
        }
    });
    EQ(s->n, N);
    munmap(s, P);
}

static volatile int hups;

static void count_hup(int sig)
{
    (void)sig;
    hups++;
}

/* A leader of a session whose children lie stopped in two groups ends. */
static void leave_stopped(struct shared *s)
{
    setsid();
    for (int i = 0; i < 6; i++) {
        static pid_t group[2];
        pid_t pid = fork();

        if (pid == 0) {
            signal(SIGHUP, count_hup);
            setpgid(0, group[i % 2]);
            raise(SIGSTOP);
            while (!hups)
                sched_yield();
            __sync_fetch_and_add(&s->n, hups);
            _exit(0);
        }
        setpgid(pid, group[i % 2]);
        if (!group[i % 2])
            group[i % 2] = pid;
        waitpid(pid, NULL, WUNTRACED);
    }
    _exit(0);
}

TEST(orphaned, "each stopped group that is orphaned is told once")
{
    struct shared *s = make_shared();
    pid_t pid;

    OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid = fork();
    if (pid == 0)
        leave_stopped(s);
    while (wait(NULL) > 0)
        ;
    EQ(s->n, 6);
    OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
    munmap(s, P);
}

TEST(groups, "a signal to a group reaches its members, wherever they came from")
{
    enum { N = 50 };
    pid_t pids[N], group = 0;
    int in = 0, out = 0;

    for (int i = 0; i < N; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            sleep_for_ever();
        if (i % 3 == 0) {
            OK(setpgid(pids[i], group));
            group = group ? group : pids[i];
        }
    }
    OK(setpgid(pids[3], pids[3])); /* one leaves, one comes */
    OK(setpgid(pids[1], group));
    OK(kill(-group, SIGKILL));
    for (int i = 0; i < N; i++) {
        bool member = (i % 3 == 0 && i != 3) || i == 1;

        if (member)
            in += waitpid(pids[i], NULL, 0) == pids[i];
        else
            out += waitpid(pids[i], NULL, WNOHANG) == 0;
    }
    EQ(in, 17);
    EQ(out, N - 17);
    ERR(kill(-group, 0), ESRCH);
    for (int i = 0; i < N; i++)
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 9;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
