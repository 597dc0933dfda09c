/* SPDX-License-Identifier: MIT
 *
 * Signals: delivery, masks, siginfo, restart, timers, children. The frame: t_sigframe.
 */
#include "tests/user/t.h"
#include <sys/time.h>

static volatile int count, last_sig, order_at;
static volatile int order_of[8];
static siginfo_t last_info;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (order_at < 8)
        order_of[order_at++] = sig;
    last_sig = sig;
    last_info = *info;
    count++;
}

static void catch_with(int sig, int flags)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};
    OK(sigaction(sig, &sa, NULL));
}

static void block(int how, int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    OK(sigprocmask(how, &set, NULL));
}

static bool pending(int sig)
{
    sigset_t set;
    OK(sigpending(&set));
    return sigismember(&set, sig);
}

TEST(kill_self, "kill is delivered before it returns; siginfo of kill")
{
    catch_with(SIGUSR1, 0);
    OK(kill(getpid(), SIGUSR1));
    EQ(count, 1);
    EQ(last_info.si_signo, SIGUSR1);
    EQ(last_info.si_code, SI_USER);
    EQ(last_info.si_pid, getpid());
    EQ(last_info.si_uid, getuid());
}

TEST(tgkill, "tgkill: code and errno")
{
    long tid = syscall(SYS_gettid);
    catch_with(SIGUSR1, 0);
    OK(syscall(SYS_tgkill, getpid(), tid, SIGUSR1));
    EQ(count, 1);
    EQ(last_info.si_code, SI_TKILL);
    EQ(last_info.si_pid, getpid());
    ERR(syscall(SYS_tgkill, getpid(), tid, 65), EINVAL);
    ERR(syscall(SYS_tgkill, -1, tid, SIGUSR1), EINVAL);
    ERR(syscall(SYS_tgkill, getpid(), 0, SIGUSR1), EINVAL);
    ERR(syscall(SYS_tgkill, getpid(), 99999999, SIGUSR1), ESRCH);
}

TEST(kill_errno, "kill: errno")
{
    ERR(kill(getpid(), 65), EINVAL);
    ERR(kill(getpid(), -1), EINVAL);
    ERR(kill(99999999, SIGTERM), ESRCH);
    ERR(kill(-99999999, SIGTERM), ESRCH);
    OK(kill(getpid(), 0));
    ERR(kill(99999999, 0), ESRCH);
}

TEST(sigaction_errno, "sigaction: errno, old action")
{
    struct sigaction sa = {.sa_handler = SIG_IGN}, old;
    ERR(syscall(SYS_rt_sigaction, SIGKILL, &sa, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGSTOP, &sa, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, 0, &sa, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
    ERR(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8), EFAULT);
    ERR(syscall(SYS_rt_sigprocmask, 9, &sa, NULL, 8), EINVAL);
    ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 16), EINVAL);
    OK(sigaction(SIGUSR1, &sa, &old));
    CHECK(old.sa_handler == SIG_DFL);
    OK(sigaction(SIGUSR1, NULL, &old));
    CHECK(old.sa_handler == SIG_IGN);
}

TEST(mask, "a blocked signal waits, once")
{
    catch_with(SIGUSR1, 0);
    block(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 3; i++)
        OK(kill(getpid(), SIGUSR1));
    EQ(count, 0);
    CHECK(pending(SIGUSR1));
    block(SIG_UNBLOCK, SIGUSR1);
    EQ(count, 1);
    CHECK(!pending(SIGUSR1));
}

TEST(mask_kill, "KILL and STOP cannot be blocked")
{
    sigset_t set, now;
    sigfillset(&set);
    OK(sigprocmask(SIG_SETMASK, &set, NULL));
    OK(sigprocmask(SIG_BLOCK, NULL, &now));
    CHECK(!sigismember(&now, SIGKILL));
    CHECK(!sigismember(&now, SIGSTOP));
    CHECK(sigismember(&now, SIGTERM));
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
}

TEST(ignored, "an ignored signal is not pending; SIG_IGN drops what was pending")
{
    signal(SIGUSR1, SIG_IGN);
    OK(kill(getpid(), SIGUSR1));
    CHECK(!pending(SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
    block(SIG_BLOCK, SIGUSR1);
    OK(kill(getpid(), SIGUSR1));
    CHECK(pending(SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    CHECK(!pending(SIGUSR1));
    block(SIG_UNBLOCK, SIGUSR1);
}

TEST(defaults, "default actions")
{
    const int kills[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE, SIGVTALRM};
    for (size_t i = 0; i < sizeof(kills) / sizeof(*kills); i++) {
        pid_t pid = t_fork();
        if (!pid) {
            signal(kills[i], SIG_DFL);
            kill(getpid(), kills[i]);
            _exit(0);
        }
        int status = t_status_of(pid);
        CHECK(WIFSIGNALED(status));
        EQ(WTERMSIG(status), kills[i]);
    }
    const int harmless[] = {SIGCHLD, SIGURG, SIGWINCH, SIGCONT};
    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
        OK(kill(getpid(), harmless[i]));
}

/* Lower numbers are delivered first; the handler of the later runs before the earlier ends
 * unless masked, so the order seen is that of the handlers' starts. */
TEST(sa_mask, "sa_mask and NODEFER, two pending signals")
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigfillset(&sa.sa_mask);
    OK(sigaction(SIGUSR1, &sa, NULL));
    OK(sigaction(SIGUSR2, &sa, NULL));
    sigset_t both, old;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    OK(sigprocmask(SIG_BLOCK, &both, &old));
    OK(kill(getpid(), SIGUSR2));
    OK(kill(getpid(), SIGUSR1));
    OK(sigprocmask(SIG_SETMASK, &old, NULL));
    EQ(count, 2);
    EQ(order_of[0], SIGUSR1);
    EQ(order_of[1], SIGUSR2);
}

static volatile int depth, max_depth, rounds;

static void on_nested(int sig)
{
    depth++;
    if (depth > max_depth)
        max_depth = depth;
    if (rounds-- > 0)
        kill(getpid(), sig);
    depth--;
}

TEST(nested, "nested handlers with NODEFER; one after the other without")
{
    struct sigaction sa = {.sa_handler = on_nested, .sa_flags = SA_NODEFER};
    OK(sigaction(SIGUSR1, &sa, NULL));
    rounds = 10;
    OK(kill(getpid(), SIGUSR1));
    EQ(max_depth, 11);
    sa.sa_flags = 0;
    OK(sigaction(SIGUSR1, &sa, NULL));
    rounds = 10;
    max_depth = 0;
    OK(kill(getpid(), SIGUSR1));
    EQ(max_depth, 1);
    EQ(rounds, -1);
}

TEST(resethand, "RESETHAND")
{
    struct sigaction now;
    catch_with(SIGUSR1, SA_RESETHAND);
    OK(kill(getpid(), SIGUSR1));
    EQ(count, 1);
    OK(sigaction(SIGUSR1, NULL, &now));
    CHECK(now.sa_handler == SIG_DFL);
}

static void tick(long us, long interval_us)
{
    struct itimerval it = {.it_value.tv_usec = us, .it_interval.tv_usec = interval_us};
    OK(setitimer(ITIMER_REAL, &it, NULL));
}

TEST(eintr, "a caught signal interrupts read, pause, nanosleep, wait")
{
    int ends[2];
    char c;
    struct timespec long_time = {.tv_sec = 30}, left;
    OK(pipe(ends));
    catch_with(SIGALRM, 0);
    tick(20000, 20000);
    ERR(read(ends[0], &c, 1), EINTR);
    ERR(pause(), EINTR);
    ERR(nanosleep(&long_time, &left), EINTR);
    CHECK(left.tv_sec >= 1 && left.tv_sec < 30);
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    ERR(waitpid(pid, NULL, 0), EINTR);
    tick(0, 0);
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
    EQ(last_info.si_signo, SIGALRM);
    EQ(last_info.si_code, 0x80); /* SI_KERNEL */
}

static int restart_pipe[2];

static void on_write_later(int sig)
{
    (void)sig;
    if (++count == 3)
        (void)!write(restart_pipe[1], "z", 1);
}

TEST(restart, "SA_RESTART")
{
    char c = 0;
    struct sigaction sa = {.sa_handler = on_write_later, .sa_flags = SA_RESTART};
    OK(pipe(restart_pipe));
    OK(sigaction(SIGALRM, &sa, NULL));
    tick(10000, 10000);
    EQ(read(restart_pipe[0], &c, 1), 1);
    tick(0, 0);
    EQ(c, 'z');
    CHECK(count >= 3);
}

TEST(restart_ignored, "an ignored or stopping signal does not interrupt")
{
    int ends[2];
    char c = 0;
    OK(pipe(ends));
    pid_t pid = t_fork();
    if (!pid) {
        close(ends[1]);
        signal(SIGUSR1, SIG_IGN);
        EQ(read(ends[0], &c, 1), 1);
        EQ(c, 'q');
        _exit(0);
    }
    for (int i = 0; i < 5; i++) {
        t_nap(2000);
        OK(kill(pid, i & 1 ? SIGWINCH : SIGURG));
    }
    EQ(write(ends[1], "q", 1), 1);
    t_join(pid);
}

TEST(sigsuspend, "rt_sigsuspend swaps the mask")
{
    sigset_t set, now;
    catch_with(SIGUSR1, 0);
    block(SIG_BLOCK, SIGUSR1);
    OK(kill(getpid(), SIGUSR1));
    EQ(count, 0);
    sigemptyset(&set);
    ERR(sigsuspend(&set), EINTR);
    EQ(count, 1);
    OK(sigprocmask(SIG_BLOCK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR1));
    catch_with(SIGALRM, 0);
    tick(5000, 0);
    ERR(sigsuspend(&set), EINTR);
    EQ(last_sig, SIGALRM);
}

TEST(alarm, "alarm: remaining seconds, delivery, cancel")
{
    catch_with(SIGALRM, 0);
    EQ(alarm(100), 0);
    unsigned left = alarm(1);
    CHECK(left == 100 || left == 99);
    while (!count)
        pause();
    EQ(count, 1);
    EQ(alarm(50), 0);
    CHECK(alarm(0) >= 49);
    EQ(alarm(0), 0);
}

TEST(itimer, "setitimer: intervals, getitimer, errno")
{
    struct itimerval it;
    catch_with(SIGALRM, 0);
    tick(5000, 5000);
    while (count < 5)
        pause();
    OK(getitimer(ITIMER_REAL, &it));
    EQ(it.it_interval.tv_usec, 5000);
    tick(0, 0);
    OK(getitimer(ITIMER_REAL, &it));
    EQ(it.it_value.tv_usec, 0);
    tick(0, 20);
    OK(getitimer(ITIMER_REAL, &it));
    EQ(it.it_interval.tv_usec, 0); /* one that is off has none */
    it.it_value.tv_usec = 1000000;
    ERR(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL), EINVAL);
    ERR(syscall(SYS_setitimer, 77, &it, NULL), EINVAL);
    ERR(syscall(SYS_setitimer, ITIMER_REAL, 8, NULL), EFAULT);
}

TEST(itimer_busy, "a timer reaches a program that makes no call")
{
    catch_with(SIGALRM, 0);
    tick(10000, 0);
    while (!count)
        ;
    EQ(count, 1);
}

TEST(chld, "SIGCHLD siginfo")
{
    sigset_t none;
    sigemptyset(&none);
    catch_with(SIGCHLD, 0);
    block(SIG_BLOCK, SIGCHLD);
    pid_t pid = t_fork();
    if (!pid)
        _exit(7);
    ERR(sigsuspend(&none), EINTR);
    EQ(last_info.si_code, CLD_EXITED);
    EQ(last_info.si_pid, pid);
    EQ(last_info.si_status, 7);
    EQ(t_status_of(pid), 7 << 8);
    pid = t_fork();
    if (!pid) {
        raise(SIGTERM);
        _exit(0);
    }
    ERR(sigsuspend(&none), EINTR);
    EQ(last_info.si_code, CLD_KILLED);
    EQ(last_info.si_status, SIGTERM);
    EQ(t_status_of(pid), SIGTERM);
}

TEST(chld_ignored, "SIGCHLD ignored: children leave no zombie")
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = t_fork();
    if (!pid)
        _exit(0);
    ERR(waitpid(pid, NULL, 0), ECHILD);
}

TEST(inherit, "fork keeps handlers and mask, not pending; exec resets handlers")
{
    catch_with(SIGUSR1, 0);
    block(SIG_BLOCK, SIGUSR2);
    OK(kill(getpid(), SIGUSR2));
    signal(SIGHUP, SIG_IGN);
    CHILD({
        CHECK(!pending(SIGUSR2));
        OK(kill(getpid(), SIGUSR1));
        EQ(count, 1);
    });
    char *argv[] = {"t", "--helper", NULL};
    CHILD({
        execve(t_exe, argv, NULL);
        FAIL("execve: %s", strerror(errno));
    });
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct sigaction sa;
    sigset_t now;
    sigaction(SIGUSR1, NULL, &sa);
    if (sa.sa_handler != SIG_DFL)
        return 1;
    sigaction(SIGHUP, NULL, &sa);
    if (sa.sa_handler != SIG_IGN)
        return 2;
    sigprocmask(SIG_BLOCK, NULL, &now);
    return sigismember(&now, SIGUSR2) ? 0 : 3;
}

TEST(sigqueue, "sigqueue and sigtimedwait")
{
    sigset_t set;
    siginfo_t info;
    struct timespec brief = {.tv_nsec = 1000000};
    union sigval v = {.sival_int = 4711};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    block(SIG_BLOCK, SIGUSR1);
    if (sigqueue(getpid(), SIGUSR1, v) && errno == ENOSYS)
        SKIP("no rt_sigqueueinfo");
    int got = sigtimedwait(&set, &info, &brief);
    if (got < 0 && errno == ENOSYS)
        SKIP("no rt_sigtimedwait");
    EQ(got, SIGUSR1);
    EQ(info.si_code, SI_QUEUE);
    EQ(info.si_value.sival_int, 4711);
    ERR(sigtimedwait(&set, &info, &brief), EAGAIN);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
