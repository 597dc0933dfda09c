/* SPDX-License-Identifier: MIT
 *
 * Waiting for children: which of them a call is about, and that no call waits for what cannot
 * come.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#define WNOTHREAD 0x20000000
#define WALL      0x40000000
#define WCLONE    0x80000000u

static pid_t zombie(void)
{
    siginfo_t info;
    pid_t pid = t_fork();

    if (!pid)
        _exit(3);
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    EQ(info.si_pid, pid);
    EQ(info.si_code, CLD_EXITED);
    EQ(info.si_status, 3);
    return pid;
}

TEST(only_zombie, "waiting for stops when there is only a zombie is ECHILD")
{
    siginfo_t info;
    pid_t pid = zombie();

    memset(&info, 0xff, sizeof(info));
    ERR(waitid(P_ALL, 0, &info, WSTOPPED), ECHILD);
    EQ(info.si_pid, 0);
    ERR(waitid(P_PID, (id_t)pid, &info, WCONTINUED), ECHILD);
    ERR(waitid(P_PGID, 0, &info, WSTOPPED | WNOHANG), ECHILD);
    EQ(waitpid(pid, NULL, 0), pid);
    ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

TEST(arguments, "waitid and wait4: arguments")
{
    siginfo_t info;

    ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    ERR(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
    ERR(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
    ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    ERR(waitid((idtype_t)3, 999, &info, WEXITED), EBADF);
    ERR(waitpid(-1, NULL, WEXITED), EINVAL);
    ERR(syscall(SYS_wait4, (int)0x80000000, NULL, 0, NULL), ESRCH);
    ERR(waitpid(1 << 22, NULL, 0), ECHILD);
}

TEST(stopped, "stop, continuation, end: each told once, WNOWAIT keeps them")
{
    siginfo_t info;
    int status;
    pid_t pid = t_fork();

    if (!pid) {
        for (;;)
            pause();
    }
    OK(kill(pid, SIGSTOP));
    for (int i = 0; i < 2; i++) {
        OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
        EQ(info.si_code, CLD_STOPPED);
        EQ(info.si_status, SIGSTOP);
    }
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    OK(kill(pid, SIGCONT));
    OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
    EQ(info.si_code, CLD_CONTINUED);
    EQ(info.si_status, SIGCONT);
    info.si_pid = 5;
    OK(waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOHANG));
    EQ(info.si_pid, 0);
    OK(kill(pid, SIGKILL));
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED));
    EQ(info.si_code, CLD_KILLED);
    EQ(info.si_status, SIGKILL);
}

/* A child that ends at once and tells its parent with `signo`. */
static pid_t child_of(int signo)
{
    pid_t pid = (pid_t)syscall(SYS_clone, (long)signo, 0, 0, 0, 0);

    if (!pid)
        _exit(0);
    OK(pid);
    return pid;
}

TEST(clone_children, "__WCLONE is for those that do not send SIGCHLD, __WALL for all")
{
    pid_t pid;

    signal(SIGUSR1, SIG_IGN);
    pid = child_of(SIGUSR1);
    ERR(waitpid(pid, NULL, 0), ECHILD);
    EQ(waitpid(pid, NULL, (int)WCLONE), pid);
    pid = child_of(0);
    EQ(waitpid(-1, NULL, WALL), pid);
    pid = child_of(SIGCHLD);
    ERR(waitpid(pid, NULL, (int)WCLONE), ECHILD);
    EQ(waitpid(pid, NULL, WALL), pid);
}

TEST(exec_signal, "exec makes the end be told with SIGCHLD")
{
    int fd[2];
    char c;
    pid_t pid;

    signal(SIGUSR1, SIG_DFL); /* it would end this case */
    OK(pipe2(fd, O_CLOEXEC));
    pid = (pid_t)syscall(SYS_clone, (long)SIGUSR1, 0, 0, 0, 0);
    OK(pid);
    if (!pid) {
        execl(t_exe, t_exe, "--helper", (char *)NULL);
        _exit(9);
    }
    close(fd[1]);
    EQ(read(fd[0], &c, 1), 0); /* the exec closed the other end */
    EQ(waitpid(pid, NULL, 0), pid);
}

TEST(ignored, "children of who ignores SIGCHLD are reaped: the wait ends with ECHILD")
{
    struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    pid_t pid;

    signal(SIGCHLD, SIG_IGN);
    pid = t_fork();
    if (!pid)
        _exit(0);
    ERR(waitpid(pid, NULL, 0), ECHILD);
    OK(sigaction(SIGCHLD, &sa, NULL));
    pid = t_fork();
    if (!pid)
        _exit(0);
    ERR(waitpid(-1, NULL, 0), ECHILD);
}

struct forked {
    pid_t pid;
    int ready[2], go[2];
};

static void *fork_in_thread(void *arg)
{
    struct forked *f = arg;
    char c;

    f->pid = t_fork();
    if (!f->pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!write(f->ready[1], "r", 1);
        for (;;)
            pause();
    }
    (void)!read(f->ready[0], &c, 1);
    (void)!write(f->ready[1], "t", 1);
    (void)!read(f->go[0], &c, 1);
    return NULL;
}

TEST(of_a_thread, "__WNOTHREAD: a thread's own children; they pass on when it ends")
{
    struct forked f = {.pid = 0};
    pthread_t t;
    int status;
    char c = 0;

    OK(pipe(f.ready));
    OK(pipe(f.go));
    EQ(pthread_create(&t, NULL, fork_in_thread, &f), 0);
    while (c != 't') {
        (void)!read(f.ready[0], &c, 1);
        if (c == 'r') {
            (void)!write(f.ready[1], "r", 1);
            sched_yield();
        }
    }
    ERR(waitpid(-1, NULL, WNOTHREAD | WNOHANG), ECHILD);
    EQ(waitpid(-1, NULL, WNOHANG), 0);
    EQ(write(f.go[1], "g", 1), 1);
    EQ(pthread_join(t, NULL), 0);
    EQ(waitpid(f.pid, &status, WNOTHREAD), f.pid); /* its thread's death killed it */
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
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
