/* SPDX-License-Identifier: MIT
 *
 * Signals to the thread of a process that has ended, while somebody still has to wait for it: nobody
 * gets them, which is no error.
 */
#include "tests/user/t.h"

static long tgkill_(pid_t tgid, pid_t tid, int signo)
{
    return syscall(SYS_tgkill, tgid, tid, signo);
}

TEST(process, "tkill and tgkill of a process that has ended and was not waited for")
{
    pid_t pid = t_fork();
    siginfo_t info;

    if (!pid)
        _exit(0);
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    OK(tgkill_(pid, pid, 0));
    OK(tgkill_(pid, pid, SIGUSR1));
    OK(syscall(SYS_tkill, pid, 0));
    ERR(tgkill_(pid, pid, 65), EINVAL);
    ERR(tgkill_(getpid(), pid, 0), ESRCH);
    ERR(tgkill_(pid, getpid(), 0), ESRCH);
    t_join(pid);
    ERR(tgkill_(pid, pid, 0), ESRCH);
    ERR(syscall(SYS_tkill, pid, 0), ESRCH);
}

TEST(foreign, "the same asks for the right to signal it")
{
    pid_t pid = t_fork();
    siginfo_t info;

    if (!pid)
        _exit(0);
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    if (geteuid() == 0)
        CHILD(OK(setresuid(1000, 1000, 1000)); ERR(tgkill_(pid, pid, 0), EPERM));
    t_join(pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
