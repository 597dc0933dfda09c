/* SPDX-License-Identifier: MIT
 *
 * Calls that a tracer makes fail, as `strace -e inject` does: word by word with POKEUSER;
 * and numbers of any size where a request takes no memory.
 */
#include "tests/user/t.h"
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static long trace(long request, pid_t pid, unsigned long addr, unsigned long data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

static int stop_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSTOPPED(status));
    return status >> 8;
}

static pid_t traced(void)
{
    pid_t pid = t_fork();

    if (!pid) {
        if (trace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(90);
        raise(SIGSTOP);
        _exit(syscall(SYS_getppid) == -1 && errno == ENOSPC ? 5 : 6);
    }
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
    return pid;
}

TEST(inject, "POKEUSER: no call, then its error")
{
    pid_t pid = traced();
    int status;

    for (bool done = false; !done;) {
        long number = 0;

        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP | 0x80);
        OK(trace(PTRACE_PEEKUSER, pid, 8 * ORIG_RAX, (unsigned long)&number));
        done = number == SYS_getppid;
        if (done)
            OK(trace(PTRACE_POKEUSER, pid, 8 * ORIG_RAX, -1UL));
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP | 0x80);
        if (done)
            OK(trace(PTRACE_POKEUSER, pid, 8 * RAX, -(unsigned long)ENOSPC));
    }
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(WEXITSTATUS(status), 5);
}

TEST(numbers, "data that is no address: the request's own error, or none")
{
    pid_t pid = traced();
    int status;

    ERR(trace(PTRACE_CONT, pid, 0, -1UL), EIO);
    ERR(trace(PTRACE_SETOPTIONS, pid, 0, -1UL), EINVAL);
    ERR(trace(PTRACE_DETACH, pid, 0, -1UL), EIO);
    ERR(trace(PTRACE_POKEUSER, pid, 1, -1UL), EIO);
    OK(trace(PTRACE_KILL, pid, -1UL, -1UL));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(WTERMSIG(status), SIGKILL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
