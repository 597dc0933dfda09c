/* SPDX-License-Identifier: MIT
 *
 * ptrace: steps into handlers, over forks, and when the tracer has gone; children of those that
 * are seized; who is told of an end that nobody waits for.
 */
#include "tests/user/t_ptrace.h"
#include <pthread.h>
#include <sched.h>
#include <sys/reg.h>
#include <sys/user.h>

/* ---- steps ---- */

TEST(step_handler, "a step with a signal ends at the handler's first instruction")
{
    struct user_regs_struct r;
    siginfo_t info;
    pid_t pid;

    OK(pipe(out));
    pid = traced(catches, 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_SINGLESTEP, SIGUSR1);
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.rip, (unsigned long)tells);
    EQ(r.rdi, SIGUSR1);
    EQ(r.eflags & 0x100, 0);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, &info));
    EQ(info.si_code, SIGTRAP);
    go(pid, PTRACE_CONT, SIGKILL); /* which no such stop takes */
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static void forks(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);
    int status;

    if (!pid)
        _exit(3);
    if (waitpid(pid, &status, 0) != pid || status != 3 << 8)
        _exit(50);
}

TEST(step_fork, "a step over a fork is none of the child's")
{
    unsigned long rax;
    pid_t pid = traced(forks, 0);

    for (;;) { /* up to the call, whose instruction is 0f 05 */
        struct user_regs_struct r;
        unsigned long code;

        go(pid, PTRACE_SINGLESTEP, 0);
        EQ(stop_of(pid), SIGTRAP);
        OK(trace(PTRACE_GETREGS, pid, 0, &r));
        OK(trace(PTRACE_PEEKDATA, pid, r.rip, &code));
        if ((code & 0xffff) == 0x050f && r.rax == SYS_fork)
            break;
    }
    go(pid, PTRACE_SINGLESTEP, 0);
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_PEEKUSER, pid, 8 * RAX, &rax));
    CHECK((long)rax > 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGCHLD);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

/* A tracer that steps pid over a call that waits, and dies meanwhile. */
static void steps_and_dies(pid_t pid)
{
    int status;

    if (trace(PTRACE_SEIZE, pid, 0, 0) || trace(PTRACE_INTERRUPT, pid, 0, 0) ||
        waitpid(pid, &status, WALL) != pid || trace(PTRACE_SINGLESTEP, pid, 0, 0))
        _exit(1);
    t_until_asleep(pid);
    _exit(0);
}

static volatile int caught;

static void catch (int signo)
{
    caught = signo;
}

TEST(stale_step, "a step that is still to come when its tracer dies never comes")
{
    if (!t_tessera)
        SKIP("Linux leaves the flag there, and SIGTRAP kills");
    for (int with_signal = 0; with_signal < 2; with_signal++) {
        int p[2];
        pid_t pid, tracer;

        OK(pipe(p));
        pid = t_fork();
        if (!pid) {
            struct sigaction sa = {.sa_handler = catch, .sa_flags = SA_RESTART};
            char c;

            sigaction(SIGUSR1, &sa, NULL);
            if (read(p[0], &c, 1) != 1 || caught != (with_signal ? SIGUSR1 : 0))
                _exit(2);
            _exit(6);
        }
        t_until_asleep(pid);
        tracer = t_fork();
        if (!tracer)
            steps_and_dies(pid);
        t_join(tracer);
        if (with_signal)
            OK(kill(pid, SIGUSR1));
        EQ(write(p[1], "x", 1), 1);
        EQ(end_of(pid), 6 << 8);
        close(p[0]);
        close(p[1]);
    }
}

/* ---- children of traced ones, ends that nobody waits for ---- */

TEST(seized_fork, "the child of a seized one is seized, and stops first")
{
    unsigned long number;
    siginfo_t info;
    int p[2];
    pid_t pid, child;
    char c;

    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        if (read(p[0], &c, 1) == 1)
            forks();
        _exit(7);
    }
    OK(trace(PTRACE_SEIZE, pid, 0, (void *)PTRACE_O_TRACEFORK));
    EQ(write(p[1], "g", 1), 1);
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, &number));
    child = (pid_t)number;
    EQ(stop_of(child), SIGTRAP | EVENT_STOP << 8);
    OK(trace(PTRACE_GETSIGINFO, child, 0, &info));
    EQ(info.si_code, SIGTRAP | EVENT_STOP << 8);
    go(pid, PTRACE_CONT, 0);
    go(child, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(child)), 3);
    EQ(stop_of(pid), SIGCHLD);
    go(pid, PTRACE_CONT, SIGCHLD);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

/* Seizes `tid` of another process and ends when told, without a wait. */
static pid_t tracer_of(pid_t tid, int told, int ready)
{
    pid_t pid = t_fork();
    char c;

    if (!pid) {
        if (trace(PTRACE_SEIZE, tid, 0, 0) || write(ready, "r", 1) != 1)
            _exit(1);
        _exit(read(told, &c, 1) == 1 ? 0 : 2);
    }
    EQ(read(out[0], &c, 1), 1);
    return pid;
}

static int until[2];

static void *ends_when_told(void *arg)
{
    char c;

    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    (void)!read(until[0], &c, 1);
    return NULL;
}

TEST(unwaited_thread, "a traced thread that ended is forgotten with its tracer")
{
    volatile pid_t *tid =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int p[2];
    pid_t pid, tracer;

    OK(pipe(out));
    OK(pipe(p));
    OK(pipe(until));
    pid = t_fork();
    if (!pid) {
        pthread_t t;

        if (pthread_create(&t, NULL, ends_when_told, (void *)tid) ||
            pthread_join(t, NULL))
            _exit(1);
        (void)!write(out[1], "j", 1);
        (void)!read(until[0], (char[1]){0}, 1);
        _exit(6);
    }
    while (!*tid)
        sched_yield();
    tracer = tracer_of(*tid, p[0], out[1]);
    EQ(write(until[1], "e", 1), 1);
    EQ(read(out[0], (char[1]){0}, 1),
       1); /* the thread is gone, and its tracer has not waited */
    EQ(write(p[1], "d", 1), 1);
    t_join(tracer);
    ERR(syscall(SYS_tgkill, pid, *tid, 0), ESRCH);
    EQ(write(until[1], "e", 1), 1);
    EQ(end_of(pid), 6 << 8);
}

TEST(unwaited_process, "one that ended traced goes by itself if its parent ignores it")
{
    int p[2];
    pid_t pid, tracer;

    OK(pipe(out));
    OK(pipe(p));
    OK(pipe(until));
    pid = t_fork();
    if (!pid)
        _exit(read(until[0], (char[1]){0}, 1) == 1 ? 6 : 8);
    tracer = tracer_of(pid, p[0], out[1]);
    EQ(write(until[1], "e", 1), 1);
    for (char state = 0; state != 'Z';) {
        char path[64], text[512];
        int fd, n;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        OK(fd = open(path, O_RDONLY));
        n = (int)read(fd, text, sizeof(text) - 1);
        CHECK(n > 0);
        text[n] = 0;
        state = strrchr(text, ')')[2];
        close(fd);
    }
    EQ(waitpid(pid, NULL, WNOHANG), 0); /* its tracer's still */
    signal(SIGCHLD, SIG_IGN);
    EQ(write(p[1], "d", 1), 1);
    ERR(waitpid(tracer, NULL, 0), ECHILD);
    ERR(kill(pid, 0), ESRCH);
    ERR(waitpid(pid, NULL, 0), ECHILD);
}

enum waits { NO_WAIT, LOOK, TAKE };

/* Traces pid until it stands for a signal, and ends. */
static void traces_and_ends(pid_t pid, enum waits how)
{
    siginfo_t info = {.si_pid = 0};

    if (trace(PTRACE_SEIZE, pid, 0, 0) || kill(pid, SIGUSR1))
        _exit(1);
    if (how == NO_WAIT) { /* GETSIGINFO is for those that stand */
        while (trace(PTRACE_GETSIGINFO, pid, 0, &info))
            sched_yield();
    } else if (syscall(SYS_waitid, P_PID, pid, &info,
                       WSTOPPED | (how == LOOK ? WNOWAIT : 0), NULL)) {
        _exit(2);
    }
    _exit(0);
}

TEST(unwaited_signal,
     "a signal's stop that nobody waited for: the signal comes after all")
{
    for (enum waits how = NO_WAIT; how <= TAKE; how++) {
        int p[2];
        pid_t pid, tracer;

        OK(pipe(p));
        pid = t_fork();
        if (!pid)
            _exit(read(p[0], (char[1]){0}, 1) == 1 ? 6 : 8);
        tracer = t_fork();
        if (!tracer)
            traces_and_ends(pid, how);
        t_join(tracer);
        EQ(write(p[1], "x", 1), 1);
        EQ(end_of(pid), how == TAKE ? 6 << 8 : SIGUSR1);
        close(p[0]);
        close(p[1]);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
