/* SPDX-License-Identifier: MIT
 *
 * Limits that are enforced, and scheduling calls whose arguments come first.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

static volatile int told;

static void on_xcpu(int signo)
{
    (void)signo;
    told++;
}

static void limit(int which, rlim_t soft, rlim_t hard)
{
    struct rlimit l = {soft, hard};

    OK(setrlimit(which, &l));
}

TEST(cpu, "RLIMIT_CPU: SIGXCPU at the soft limit, SIGKILL at the hard one")
{
    pid_t pid = t_fork();
    int status;

    if (!pid) {
        signal(SIGXCPU, on_xcpu);
        limit(RLIMIT_CPU, 1, 2);
        for (;;) {
            if (told)
                limit(RLIMIT_CORE, 0, 0);
        }
    }
    status = t_status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pid = t_fork();
    if (!pid) {
        limit(RLIMIT_CPU, 1, RLIM_INFINITY);
        for (;;)
            ;
    }
    status = t_status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

TEST(nice, "RLIMIT_NICE: how far a process without rights may go back")
{
    struct rlimit l = {15, 15}; /* down to 5 */

    if (setrlimit(RLIMIT_NICE, &l) != 0)
        SKIP("the limit cannot be raised here");
    CHILD({
        OK(setpriority(PRIO_PROCESS, 0, 10));
        if (geteuid() == 0)
            OK(setuid(65534));
        OK(setpriority(PRIO_PROCESS, 0, 5));
        ERR(setpriority(PRIO_PROCESS, 0, 4), EACCES);
    });
}

TEST(sched_arguments, "scheduling calls: arguments in Linux's order")
{
    int priority = 0;

    ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
    ERR(syscall(SYS_sched_getparam, -1, &priority), EINVAL);
    ERR(syscall(SYS_sched_getparam, 1 << 22, &priority), ESRCH);
    ERR(syscall(SYS_sched_getparam, 0, 8), EFAULT);
    ERR(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
    OK(syscall(SYS_sched_setparam, 0, &priority));
    ERR(syscall(SYS_sched_setscheduler, 0, 0, NULL), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, -1, &priority), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 1 << 22, 0, &priority), ESRCH);
    OK(syscall(SYS_sched_setscheduler, 0, 0, &priority));
    priority = 1;
    ERR(syscall(SYS_sched_setscheduler, 0, 0, &priority), EINVAL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
