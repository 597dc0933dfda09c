/* SPDX-License-Identifier: MIT
 *
 * Signals of timers in the queues: dropped when they are ignored, peeked at, taken among
 * others; queued signals for a whole group; memory given back early that others share.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

static volatile int caught, code;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)context;
    caught++;
    code = info->si_code;
}

static void catch (int signo)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

    OK(sigaction(signo, &sa, NULL));
}

static void mask(int how, int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    OK(sigprocmask(how, &set, NULL));
}

static timer_t timer(int signo, long interval_ns)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signo};
    struct itimerspec s = {{0, interval_ns}, {0, 1000000}};
    timer_t t;

    OK(timer_create(CLOCK_MONOTONIC, &ev, &t));
    OK(timer_settime(t, 0, &s, NULL));
    return t;
}

static bool pends(int signo)
{
    sigset_t set;

    OK(sigpending(&set));
    return sigismember(&set, signo);
}

static void until_pending(int signo)
{
    while (!pends(signo))
        sched_yield();
}

/* A timer whose signal was thrown away goes on, and is heard when somebody listens again. */
static void ignored(int signo)
{
    timer_t t;

    mask(SIG_BLOCK, signo);
    catch (signo);
    t = timer(signo, 2000000);
    until_pending(signo);
    signal(signo, SIG_IGN);
    t_nap(6000);
    catch (signo);
    caught = 0;
    mask(SIG_UNBLOCK, signo);
    while (!caught)
        sched_yield();
    EQ(code, SI_TIMER);
    OK(timer_delete(t));
    caught = 0;
    t_nap(4000);
    EQ(caught, 0);
}

TEST(ignored,
     "a timer's signal that is ignored while it pends: dropped, later heard again")
{
    ignored(SIGUSR1);
    ignored(SIGRTMIN + 2);
    ignored(SIGURG); /* whose default is nothing */
}

TEST(dropped_once, "a timer that rang once, and was not heard, does not ring again")
{
    for (int i = 0; i < 2; i++) {
        int signo = i ? SIGRTMIN + 1 : SIGUSR2;
        struct itimerspec left;
        timer_t t;

        mask(SIG_BLOCK, signo);
        catch (signo);
        t = timer(signo, 0);
        until_pending(signo);
        signal(signo, SIG_IGN);
        catch (signo);
        caught = 0;
        mask(SIG_UNBLOCK, signo);
        t_nap(4000);
        EQ(caught, 0);
        OK(timer_gettime(t, &left));
        EQ(left.it_value.tv_nsec, 0);
        OK(timer_delete(t));
        ERR(timer_gettime(t, &left), EINVAL);
    }
}

TEST(deleted, "a signal of a timer that was deleted: gone, or not, but no harm")
{
    for (int i = 0; i < 2; i++) {
        int signo = i ? SIGRTMIN + 1 : SIGUSR2;
        timer_t t, u;

        mask(SIG_BLOCK, signo);
        catch (signo);
        t = timer(signo, 1000000);
        u = timer(signo, 1000000);
        until_pending(signo);
        t_nap(4000);
        OK(timer_delete(t));
        OK(timer_delete(u));
        mask(SIG_UNBLOCK, signo);
        caught = 0;
        t_nap(3000);
        EQ(caught, 0);
    }
}

struct peek_args {
    uint64_t off;
    uint32_t flags;
    int32_t nr;
};

TEST(peeked, "a tracer looks at a timer's signal among others")
{
    struct peek_args args = {0, 1 /* the process's */, 8};
    siginfo_t info[8];
    int status, n, timers = 0, p[2];
    pid_t pid;
    char c;

    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        mask(SIG_BLOCK, SIGUSR1);
        mask(SIG_BLOCK, SIGUSR2);
        mask(SIG_BLOCK, SIGRTMIN);
        OK(kill(getpid(), SIGUSR2));
        OK(kill(getpid(), SIGRTMIN));
        (void)timer(SIGUSR1, 0);
        until_pending(SIGUSR1);
        EQ(write(p[1], "r", 1), 1);
        for (;;)
            pause();
    }
    EQ(read(p[0], &c, 1), 1);
    OK(ptrace(PTRACE_SEIZE, pid, 0, 0));
    OK(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
    EQ(waitpid(pid, &status, __WALL), pid);
    n = (int)syscall(SYS_ptrace, 0x4209, pid, &args, info);
    EQ(n, 3);
    for (int i = 0; i < n; i++)
        if (info[i].si_signo == SIGUSR1) {
            EQ(info[i].si_code, SI_TIMER);
            timers++;
        }
    EQ(timers, 1);
    args.nr = 1;
    args.off = 2;
    EQ(syscall(SYS_ptrace, 0x4209, pid, &args, info), 1);
    args.off = 3;
    EQ(syscall(SYS_ptrace, 0x4209, pid, &args, info), 0);
    args.nr = -1;
    ERR(syscall(SYS_ptrace, 0x4209, pid, &args, info), EINVAL);
    args.nr = 1;
    args.flags = 2;
    ERR(syscall(SYS_ptrace, 0x4209, pid, &args, info), EINVAL);
    ERR(syscall(SYS_ptrace, 0x4209, pid, 8, info), EFAULT);
    args.flags = 1;
    args.off = 0;
    ERR(syscall(SYS_ptrace, 0x4209, pid, &args, 8), EFAULT);
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
}

TEST(group, "a queued signal to a group: each member has its own record")
{
    enum { N = 5, SIGNO = 40, TIMES = 3 };
    pid_t first = 0, pids[N];
    int p[2];
    char c;

    OK(pipe(p));
    for (int i = 0; i < N; i++) {
        pids[i] = t_fork();
        if (!pids[i]) {
            sigset_t set;
            siginfo_t info;

            sigemptyset(&set);
            sigaddset(&set, SIGNO);
            OK(sigprocmask(SIG_BLOCK, &set, NULL));
            OK(setpgid(0, first));
            EQ(write(p[1], "r", 1), 1);
            for (int k = 0; k < TIMES; k++) {
                EQ(sigwaitinfo(&set, &info), SIGNO);
                EQ(info.si_code, SI_USER);
                EQ(info.si_pid, getppid());
            }
            _exit(0);
        }
        EQ(read(p[0], &c, 1), 1);
        first = first ? first : pids[i];
    }
    for (int k = 0; k < TIMES; k++)
        OK(kill(-first, SIGNO));
    for (int i = 0; i < N; i++)
        t_join(pids[i]);
    ERR(kill(-first, SIGNO), ESRCH);
}

static void take(int signo, int want_code, int want_pid)
{
    siginfo_t info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    memset(&info, 0x5a, sizeof(info));
    EQ(sigtimedwait(&set, &info, &(struct timespec){0, 0}), signo);
    EQ(info.si_signo, signo);
    EQ(info.si_code, want_code);
    EQ(info.si_pid, want_pid);
    ERR(sigtimedwait(&set, &info, &(struct timespec){0, 0}), EAGAIN);
}

TEST(no_record,
     "without room for a record: who may know is told, who may not sends all the same")
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 40};
    struct rlimit none = {0, 0};
    union sigval v = {.sival_int = 1};
    pid_t me = getpid(), child;
    timer_t t;

    mask(SIG_BLOCK, 40);
    mask(SIG_BLOCK, SIGUSR1);
    mask(SIG_BLOCK, SIGCHLD);
    OK(setrlimit(RLIMIT_SIGPENDING, &none));
    ERR(sigqueue(me, 40, v), EAGAIN);
    CHECK(!pends(40));
    ERR(syscall(SYS_tgkill, me, me, 40), EAGAIN);
    ERR(syscall(SYS_tkill, me, 40), EAGAIN);
    CHECK(!pends(40));
    OK(kill(me, 40));
    OK(kill(me, 40));
    take(40, SI_USER, 0);
    OK(kill(me, SIGUSR1)); /* always has one */
    take(SIGUSR1, SI_USER, me);
    OK(sigqueue(me, SIGUSR1, v)); /* has one here; on Linux only kill's has */
    take(SIGUSR1, t_tessera ? SI_QUEUE : SI_USER, t_tessera ? me : 0);
    ERR(timer_create(CLOCK_MONOTONIC, &ev, &t), EAGAIN);
    ev.sigev_notify = SIGEV_NONE;
    child = t_fork();
    if (!child)
        _exit(0);
    EQ(t_status_of(child), 0);
    take(SIGCHLD, CLD_EXITED, child);
}

TEST(senders, "who sent what a call came to, and the death of a parent")
{
    struct rlimit small = {100, RLIM_INFINITY};
    int p[2], up[2], fd = t_file();
    pid_t middle;
    char c;

    mask(SIG_BLOCK, SIGPIPE);
    mask(SIG_BLOCK, SIGXFSZ);
    mask(SIG_BLOCK, SIGALRM);
    OK(pipe(p));
    close(p[0]);
    ERR(write(p[1], "x", 1), EPIPE);
    take(SIGPIPE, SI_USER, getpid());
    OK(setrlimit(RLIMIT_FSIZE, &small));
    ERR(pwrite(fd, "x", 1, 100), EFBIG);
    take(SIGXFSZ, SI_USER, getpid());
    ERR(ftruncate(fd, 101), EFBIG);
    take(SIGXFSZ, SI_USER, getpid());
    OK(pipe(up));
    middle = t_fork();
    if (!middle) {
        pid_t parent = getpid();

        OK(pipe(p));
        if (t_fork() == 0) {
            mask(SIG_BLOCK, SIGUSR1);
            OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
            EQ(write(p[1], "r", 1), 1);
            until_pending(SIGUSR1);
            take(SIGUSR1, SI_USER, parent);
            (void)!write(up[1], "k", 1);
            _exit(0);
        }
        EQ(read(p[0], &c, 1), 1);
        _exit(0);
    }
    t_join(middle);
    close(up[1]);
    EQ(read(up[0], &c, 1), 1);
    alarm(1);
    until_pending(SIGALRM);
    take(SIGALRM, SI_KERNEL, 0);
}

/* ---- process_mrelease ---- */

static long mrelease(int fd, unsigned flags)
{
    return syscall(448, fd, flags);
}

static int sleeps(void *arg)
{
    while (!arg)
        pause();
    return 0;
}

TEST(mrelease, "process_mrelease: only of who dies, and not what another process has too")
{
    static char stack[16384] __attribute__((aligned(16)));
    volatile pid_t *shared =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd;
    pid_t pid = t_fork();

    if (!pid) {
        shared[0] = clone(sleeps, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
        for (;;)
            pause();
    }
    while (!shared[0])
        sched_yield();
    OK(fd = (int)syscall(SYS_pidfd_open, pid, 0));
    ERR(mrelease(fd, 1), EINVAL);
    ERR(mrelease(fd, 0), EINVAL); /* it lives */
    ERR(mrelease(-1, 0), EBADF);
    ERR(mrelease(0, 0), EBADF);
    OK(kill(pid, SIGSTOP));
    ERR(mrelease(fd, 0), EINVAL);
    OK(kill(shared[0], SIGKILL));
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
    ERR(mrelease(fd, 0), ESRCH);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
