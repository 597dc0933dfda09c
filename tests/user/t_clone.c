/* SPDX-License-Identifier: MIT
 *
 * clone, clone3, unshare: what processes may have in common, and what is refused.
 */
#include "tests/user/t.h"
#include <sched.h>

#define CLEAR_SIGHAND 0x100000000ul

struct args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup, beyond;
};

/* As fork with more flags; not CLONE_VM without a stack. */
static pid_t fork_with(unsigned long flags)
{
    return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

static void end_of(pid_t pid)
{
    int status;

    OK(pid);
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

#define CHILD_WITH(flags, ...)          \
    do {                                \
        pid_t t_pid = fork_with(flags); \
        if (!t_pid) {                   \
            __VA_ARGS__;                \
            _exit(0);                   \
        }                               \
        end_of(t_pid);                  \
    } while (0)

TEST(files, "CLONE_FILES: one table; exec and unshare make it two")
{
    int fd = t_file();

    CHILD_WITH(SIGCHLD | CLONE_FILES, {
        OK(dup2(fd, 50));
        OK(close(fd));
    });
    ERR(close(fd), EBADF);
    OK(fcntl(50, F_GETFD));
    CHILD_WITH(SIGCHLD | CLONE_FILES, {
        OK(unshare(CLONE_FILES));
        OK(close(50));
    });
    for (unsigned cloexec = 0; cloexec <= 4; cloexec += 4) {
        CHILD_WITH(SIGCHLD | CLONE_FILES, {
            OK(syscall(436 /* close_range */, 3, ~0u,
                       2 /* CLOSE_RANGE_UNSHARE */ | cloexec));
            EQ(fcntl(50, F_GETFD), cloexec ? FD_CLOEXEC : -1);
        });
        EQ(fcntl(50, F_GETFD), 0);
    }
    CHILD_WITH(SIGCHLD | CLONE_FILES, OK(syscall(436, 60, ~0u, 4)));
    OK(fcntl(50, F_SETFD, FD_CLOEXEC));
    CHILD_WITH(SIGCHLD | CLONE_FILES, {
        execl(t_exe, t_exe, "--helper", "closed", (char *)NULL);
        _exit(9);
    });
    OK(fcntl(50, F_GETFD));
    CHILD_WITH(SIGCHLD, OK(close(50)));
    OK(close(50));
}

TEST(directories, "CLONE_FS: one working directory and umask")
{
    char before[512], after[512];

    OK(mkdir("below", 0700));
    CHECK(getcwd(before, sizeof(before)));
    umask(022);
    CHILD_WITH(SIGCHLD | CLONE_FS, {
        umask(077);
        OK(chdir("below"));
    });
    EQ(umask(022), 077);
    CHECK(getcwd(after, sizeof(after)));
    CHECK(!strncmp(before, after, strlen(before)) && strstr(after, "/below"));
    CHILD_WITH(SIGCHLD | CLONE_FS, {
        OK(unshare(CLONE_FS));
        umask(077);
        OK(chdir("/"));
    });
    EQ(umask(022), 022);
    CHILD_WITH(SIGCHLD, OK(chdir("/")));
    OK(chdir(".."));
}

TEST(directories_exec, "CLONE_FS: still one, when one of them has become another program")
{
    char after[512];

    OK(mkdir("below", 0700));
    CHILD_WITH(SIGCHLD | CLONE_FS, {
        execl(t_exe, t_exe, "--helper", "goes", (char *)NULL);
        _exit(9);
    });
    CHECK(getcwd(after, sizeof(after)));
    CHECK(strstr(after, "/below"));
    OK(chdir(".."));
}

static void handler(int signo)
{
    (void)signo;
}

static int stack_child(void *arg)
{
    signal(SIGUSR1, handler);
    *(volatile int *)arg = 5;
    return 0;
}

TEST(handlers, "CLONE_SIGHAND with CLONE_VM, without CLONE_THREAD: one table of actions")
{
    static char stack[16384] __attribute__((aligned(16)));
    static volatile int word;
    struct sigaction sa;
    pid_t pid =
        clone(stack_child, stack + sizeof(stack),
              SIGCHLD | CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS, (void *)&word);

    end_of(pid);
    EQ(word, 5);
    OK(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == handler);
    CHILD_WITH(SIGCHLD, signal(SIGUSR1, SIG_IGN));
    OK(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == handler);
}

static int exec_child(void *arg)
{
    execl(t_exe, t_exe, "--helper", "default", (char *)NULL);
    return arg ? 9 : 8;
}

TEST(handlers_exec,
     "CLONE_SIGHAND: two tables, when one of them has become another program")
{
    static char stack[65536] __attribute__((aligned(16)));
    struct sigaction sa;
    pid_t pid;

    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    pid = clone(exec_child, stack + sizeof(stack), CLONE_VM | CLONE_SIGHAND | SIGCHLD,
                NULL);
    OK(pid);
    t_join(pid);
    OK(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == handler);
    OK(raise(SIGUSR1));
}

TEST(parent, "CLONE_PARENT makes a sister")
{
    int fd[2];
    pid_t pid;

    OK(pipe(fd));
    CHILD({
        pid = fork_with(CLONE_PARENT);
        if (!pid)
            _exit(getppid() == 1);
        OK(pid);
        EQ(write(fd[1], &pid, sizeof(pid)), sizeof(pid));
        ERR(waitpid(pid, NULL, __WALL), ECHILD);
    });
    EQ(read(fd[0], &pid, sizeof(pid)), sizeof(pid));
    end_of(pid);
}

TEST(clear, "CLONE_CLEAR_SIGHAND: caught signals get their default action")
{
    struct args a = {.flags = CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    struct sigaction sa;
    pid_t pid;

    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a) - 8);
    if (!pid) {
        sigaction(SIGUSR1, NULL, &sa);
        if (sa.sa_handler != SIG_DFL)
            _exit(1);
        sigaction(SIGUSR2, NULL, &sa);
        _exit(sa.sa_handler != SIG_IGN);
    }
    end_of(pid);
    OK(sigaction(SIGUSR1, NULL, &sa));
    CHECK(sa.sa_handler == handler);
}

static long clone3_with(struct args a, size_t size)
{
    long pid = syscall(SYS_clone3, &a, size);

    if (!pid)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, __WALL);
    return pid;
}

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

static char thread_stack[16384] __attribute__((aligned(16)));

static int goes_on(void *arg)
{
    for (int i = 0; i < 50; i++)
        sched_yield();
    *(volatile int *)arg = 5;
    syscall(SYS_exit, 0);
    return 0;
}

static int becomes(void *arg)
{
    (void)arg;
    execl(t_exe, t_exe, "--helper", "fine", (char *)NULL);
    _exit(8);
}

static int sleeps(void *arg)
{
    (void)!write(*(int *)arg, "x", 1);
    return pause();
}

TEST(thread_vfork, "CLONE_VFORK of a thread: its maker waits for its end, for exec, for "
                   "no signal but SIGKILL")
{
    static volatile int went;
    int status, fds[2];
    char c;

    CHILD({
        for (int i = 0; i < 20; i++) {
            went = 0;
            OK(clone(goes_on, thread_stack + sizeof(thread_stack), THREAD | CLONE_VFORK,
                     (void *)&went));
            EQ(went, 5);
        }
    });
    pid_t pid = t_fork();
    if (!pid) {
        clone(becomes, thread_stack + sizeof(thread_stack), THREAD | CLONE_VFORK, NULL);
        _exit(9);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    OK(pipe(fds));
    pid = t_fork();
    if (!pid) {
        clone(sleeps, thread_stack + sizeof(thread_stack), THREAD | CLONE_VFORK, &fds[1]);
        _exit(9);
    }
    EQ(read(fds[0], &c, 1), 1);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGKILL);
}

TEST(refused, "combinations that mean nothing")
{
    const struct args good = {.exit_signal = SIGCHLD};
    struct args a;

    ERR(fork_with(CLONE_SIGHAND), EINVAL);
    ERR(fork_with(CLONE_THREAD), EINVAL);
    ERR(fork_with(CLONE_THREAD | CLONE_VM), EINVAL);
    ERR(fork_with(CLONE_FS | CLONE_NEWNS), EINVAL);
    CHECK(clone3_with(good, 88) > 0);
    CHECK(clone3_with(good, 64) > 0);
    CHECK(clone3_with(good, 72) > 0);
    CHECK(clone3_with(good, 96) > 0);
    ERR(clone3_with(good, 63), EINVAL);
    ERR(clone3_with(good, 4097), E2BIG);
    a = good, a.beyond = 1;
    ERR(clone3_with(a, 96), E2BIG);
    a = good, a.exit_signal = 65;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.flags = CLONE_PARENT;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.flags = CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.flags = SIGCHLD;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.stack_size = 4096;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.set_tid_size = 1;
    ERR(clone3_with(a, 88), EINVAL);
    a = good, a.flags = 1ull << 40;
    ERR(clone3_with(a, 88), EINVAL);
    ERR(syscall(SYS_clone3, NULL, 88), EFAULT);
    ERR(unshare(CLONE_PTRACE), EINVAL);
}

TEST(rights, "namespaces and numbers are for the system's administrator")
{
    CHILD({
        struct args a = {.exit_signal = SIGCHLD, .set_tid_size = 1};
        int tid = 12345;
        if (geteuid() == 0)
            OK(setuid(65534));
        a.set_tid = (uint64_t)(uintptr_t)&tid;
        ERR(clone3_with(a, 88), EPERM);
        ERR(fork_with(CLONE_NEWUTS | SIGCHLD), EPERM);
        ERR(unshare(CLONE_NEWNS), EPERM);
        ERR(unshare(0x80 /* CLONE_NEWTIME */), EPERM);
        ERR(syscall(SYS_prctl, 35 /* PR_SET_MM */, 0, 0, 0, 0), EPERM);
        ERR(syscall(SYS_prctl, 35, 0, 0, 0, 1), EINVAL);
    });
}

static int helper(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "closed"))
        return fcntl(50, F_GETFD) != -1;
    if (argc > 1 && !strcmp(argv[1], "fine"))
        return 0;
    if (argc > 1 && !strcmp(argv[1], "goes"))
        return chdir("below") != 0;
    if (argc > 1 && !strcmp(argv[1], "default")) {
        struct sigaction sa;

        return sigaction(SIGUSR1, NULL, &sa) || sa.sa_handler != SIG_DFL ||
               sigaction(SIGUSR2, NULL, &sa) || sa.sa_handler != SIG_IGN;
    }
    return 1;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
