/* SPDX-License-Identifier: MIT
 *
 * What the suites about ptrace share: the call, stops and ends of a tracee, a child that is
 * traced from its beginning, one that catches signals and tells of their records.
 */
#pragma once

#include "tests/user/t.h"
#include <sys/ptrace.h>

#define WALL       0x40000000
#define EVENT_STOP 128

static inline long trace(long request, pid_t pid, unsigned long addr, const void *data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

static inline int stop_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, WALL), pid);
    if (!WIFSTOPPED(status))
        FAIL("status %#x is no stop", status);
    return status >> 8;
}

static inline int end_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, WALL), pid);
    CHECK(WIFEXITED(status) || WIFSIGNALED(status));
    return status;
}

static inline pid_t traced(void (*fn)(void), unsigned long options)
{
    pid_t pid = t_fork();

    if (!pid) {
        if (trace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(90);
        raise(SIGSTOP);
        fn();
        _exit(7);
    }
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_SETOPTIONS, pid, 0, (void *)options));
    return pid;
}

static inline void go(pid_t pid, int how, int signo)
{
    OK(trace(how, pid, 0, (void *)(long)signo));
}

static int out[2]; /* where tells() writes to */

static inline void tells(int signo, siginfo_t *info, void *frame)
{
    (void)signo;
    (void)frame;
    if (write(out[1], info, sizeof(*info)) != sizeof(*info))
        _exit(80);
}

static inline void catches(void)
{
    struct sigaction sa = {.sa_sigaction = tells, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
}
