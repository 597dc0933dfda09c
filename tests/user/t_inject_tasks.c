/* SPDX-License-Identifier: MIT
 *
 * Failed allocations, see t_inject.h: calls that make processes with a descriptor for them, part
 * what was shared, move waiters to a lock, tell a group, look into others.
 */
#include "lib/uapi/futex.h"
#include "tests/user/t_inject.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static pid_t children[8];
static int nchildren;

static void ends_with_us(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

static void no_children(void)
{
    while (nchildren > 0) {
        pid_t pid = children[--nchildren];

        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
    }
}

/* Another process that has these of ours. */
static void sharer(unsigned long what)
{
    pid_t pid = (pid_t)syscall(SYS_clone, what | SIGCHLD, 0, 0, 0, 0);

    if (!pid)
        ends_with_us();
    OK(pid);
    children[nchildren++] = pid;
    t_until_asleep(pid); /* and dies with this one from now on */
}

/* ---- new processes ---- */

static int pidfd;

static long fork_pidfd(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);

    if (!pid)
        syscall(SYS_exit_group, 0);
    if (pid < 0)
        return -1;
    children[nchildren++] = pid;
    return 0;
}

static long fork_sharing(void)
{
    pid_t pid = (pid_t)syscall(
        SYS_clone, CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0);

    if (!pid)
        syscall(SYS_exit_group, 0);
    if (pid < 0)
        return -1;
    children[nchildren++] = pid;
    return 0;
}

static void close_pidfd(void)
{
    no_children();
    close(pidfd);
}

TEST(I801, "clone with a descriptor, with what is shared")
{
    SWEEP(.call = fork_pidfd, .undo = close_pidfd, .errors = {ENOMEM, EAGAIN});
    SWEEP(.call = fork_sharing, .undo = no_children, .errors = {ENOMEM, EAGAIN});
}

/* ---- what was shared ---- */

static void all_shared(void)
{
    sharer(CLONE_FILES | CLONE_FS);
}

static long part_files(void)
{
    return unshare(CLONE_FILES);
}

static long part_directories(void)
{
    return unshare(CLONE_FS);
}

static long part_all(void)
{
    return unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM);
}

static long close_all(void)
{
    return syscall(436 /* close_range */, 70, 80, 2 /* CLOSE_RANGE_UNSHARE */);
}

static long exec_self(void)
{
    char *argv[] = {"t_inject_tasks", "--helper", NULL}, *envp[] = {NULL};

    return syscall(SYS_execve, t_exe, argv, envp);
}

static long exec_at(void)
{
    char *argv[] = {"t_inject_tasks", "--helper", NULL}, *envp[] = {NULL};

    return syscall(SYS_execveat, AT_FDCWD, t_exe, argv, envp, 0);
}

TEST(I802, "unshare, close_range and execve of what others have too")
{
    SWEEP(.setup = all_shared, .call = part_files, .undo = no_children,
          .errors = {ENOMEM});
    SWEEP(.setup = all_shared, .call = part_directories, .undo = no_children,
          .errors = {ENOMEM});
    SWEEP(.setup = all_shared, .call = part_all, .undo = no_children, .errors = {ENOMEM});
    SWEEP(.setup = all_shared, .call = close_all, .undo = no_children,
          .errors = {ENOMEM});
    SWEEP(.setup = all_shared, .call = exec_self, .undo = no_children,
          .errors = {ENOMEM, E2BIG}, .may_die = true);
    SWEEP(.call = exec_at, .errors = {ENOMEM, E2BIG}, .may_die = true);
}

/* ---- signals ---- */

static void group_there(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, 40);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(setpgid(0, 0));
    sharer(0);
    sharer(0);
}

static long tell_group(void)
{
    return kill(0, 40);
}

static int fd;
static struct pollfd pfd;

static void signalfd_there(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(raise(SIGUSR1));
    OK(fd = signalfd(-1, &set, SFD_NONBLOCK));
    pfd = (struct pollfd){.fd = fd, .events = POLLIN};
}

static long read_signal(void)
{
    char info[128];
    long n = read(fd, info, sizeof(info));

    return n < 0 ? -1 : 0;
}

static long poll_signal(void)
{
    return poll(&pfd, 1, 0) < 0 ? -1 : 0;
}

static long open_alarm(void)
{
    return timerfd_create(CLOCK_BOOTTIME_ALARM, 0) < 0 ? -1 : 0;
}

TEST(I803, "a queued signal for a group; the first read and poll of a signalfd")
{
    SWEEP(.setup = group_there, .call = tell_group, .undo = no_children,
          .errors = {EAGAIN, ENOMEM});
    SWEEP(.setup = signalfd_there, .call = read_signal, .errors = {ENOMEM});
    SWEEP(.setup = signalfd_there, .call = poll_signal, .errors = {ENOMEM});
    SWEEP(.call = open_alarm, .errors = {ENOMEM, ENFILE});
}

/* ---- futexes ---- */

static unsigned word, lock;

static void *waits(void *arg)
{
    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    (void)syscall(SYS_futex, &word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
    return NULL;
}

static pthread_t waiter;

static void waiter_there(void)
{
    static volatile pid_t tid;

    word = lock = 0;
    tid = 0;
    EQ(pthread_create(&waiter, NULL, waits, (void *)&tid), 0);
    while (!tid)
        sched_yield();
    t_until_asleep(tid);
    EQ(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
}

static long requeue_pi(void)
{
    return syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PI, 1, 0, &lock, 0) < 0 ? -1 : 0;
}

static void waiter_goes(void)
{
    (void)syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    pthread_join(waiter, NULL);
}

TEST(I804, "a waiter is moved to a lock that another has")
{
    SWEEP(.setup = waiter_there, .call = requeue_pi, .undo = waiter_goes,
          .errors = {ENOMEM});
}

/* ---- others ---- */

static char page[P] __attribute__((aligned(4096)));
static struct iovec v = {page, sizeof(page)};

static void other_there(void)
{
    sharer(0);
    OK(pidfd = (int)syscall(SYS_pidfd_open, children[0], 0));
}

static long advise(void)
{
    return syscall(440 /* process_madvise */, pidfd, &v, 1, MADV_WILLNEED, 0) < 0 ? -1
                                                                                  : 0;
}

static long steal(void)
{
    return syscall(438 /* pidfd_getfd */, pidfd, 1, 0) < 0 ? -1 : 0;
}

static long seize(void)
{
    return ptrace(PTRACE_SEIZE, children[0], 0, 0);
}

static long call_info(void)
{
    static char info[88];

    return syscall(SYS_ptrace, 0x420e, children[0], sizeof(info), info) < 0 ? -1 : 0;
}

static long set_registers(void)
{
    static char regs[27 * 8];
    struct iovec r = {regs, sizeof(regs)};
    long err = syscall(SYS_ptrace, PTRACE_GETREGSET, children[0], 1, &r);

    return err ? err : syscall(SYS_ptrace, PTRACE_SETREGSET, children[0], 1, &r);
}

static void stopped_there(void)
{
    int status;

    sharer(0);
    OK(seize());
    OK(ptrace(PTRACE_INTERRUPT, children[0], 0, 0));
    EQ(waitpid(children[0], &status, __WALL), children[0]);
}

TEST(I805, "advice for another, one of its files, tracing it")
{
    if (geteuid() == 0)
        SWEEP(.setup = other_there, .call = advise, .undo = close_pidfd,
              .errors = {ENOMEM});
    SWEEP(.setup = other_there, .call = steal, .undo = close_pidfd,
          .errors = {ENOMEM, EMFILE, ENFILE});
    SWEEP(.setup = other_there, .call = seize, .undo = close_pidfd, .errors = {ENOMEM});
    SWEEP(.setup = stopped_there, .call = call_info, .undo = no_children,
          .errors = {ENOMEM});
    SWEEP(.setup = stopped_there, .call = set_registers, .undo = no_children,
          .errors = {ENOMEM});
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return fail_next(0, false) > 0 ? NOT_REACHED : 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
