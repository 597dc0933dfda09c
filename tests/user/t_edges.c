/* SPDX-License-Identifier: MIT
 *
 * Small rules of calls about processes that nothing else asks for: errors of capget and capset,
 * ambient capabilities, who can be signalled, priorities, waits that cannot be told, limits.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define CAP_KILL 5
#define CAP_NICE 23
#define VERSION1 0x19980330u
#define VERSION2 0x20071026u
#define VERSION3 0x20080522u
#define BAD      ((void *)0xffff800000000000ul)

struct head {
    uint32_t version;
    int32_t pid;
};
struct words {
    uint32_t effective, permitted, inheritable;
};

static long capget(struct head *h, void *to)
{
    return syscall(SYS_capget, h, to);
}

static long capset(struct head *h, const void *from)
{
    return syscall(SYS_capset, h, from);
}

static pid_t sleeper(void)
{
    pid_t pid = t_fork();

    if (!pid)
        for (;;)
            pause();
    return pid;
}

static pid_t ended(void) /* a number that nobody has now */
{
    pid_t pid = t_fork();

    if (!pid)
        _exit(0);
    t_join(pid);
    return pid;
}

static void to_nobody(void)
{
    if (getuid() == 0) {
        OK(setgid(65534));
        OK(setuid(65534));
    }
}

TEST(capget, "capget: others, nobody, versions, with and without a place for them")
{
    struct head h = {VERSION3, 0};
    struct words own[2], w[2];
    pid_t pid = sleeper(), none = ended();

    OK(capget(&h, own));
    h.pid = pid;
    OK(capget(&h, w));
    EQ(memcmp(w, own, sizeof(w)), 0);
    h.version = VERSION1;
    memset(w, 0x5a, sizeof(w));
    OK(capget(&h, w));
    EQ(w[0].permitted, own[0].permitted);
    EQ(w[1].permitted, 0x5a5a5a5a);
    h.version = VERSION2;
    OK(capget(&h, w));
    EQ(w[1].permitted, own[1].permitted);
    h.pid = none;
    ERR(capget(&h, w), ESRCH);
    OK(capget(&h, NULL)); /* only the version is looked at */
    h.pid = -1;
    ERR(capget(&h, w), EINVAL);
    OK(capget(&h, NULL));
    h = (struct head){1, -1};
    ERR(capget(&h, w), EINVAL);
    EQ(h.version, VERSION3);
    h = (struct head){1, -1};
    OK(capget(&h, NULL));
    EQ(h.version, VERSION3);
    h.pid = 0;
    ERR(capget(&h, BAD), EFAULT);
    ERR(capget(NULL, w), EFAULT);
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
}

TEST(capset, "capset: others, versions, bad places")
{
    struct head h = {VERSION3, 0};
    struct words w[2];

    OK(capget(&h, w));
    OK(capset(&h, w));
    h.pid = getpid();
    OK(capset(&h, w));
    h.pid = getppid();
    ERR(capset(&h, w), EPERM);
    ERR(capset(&h, NULL), EPERM);
    h.pid = -1;
    ERR(capset(&h, w), EPERM);
    h.pid = 0;
    ERR(capset(&h, NULL), EFAULT);
    ERR(capset(&h, BAD), EFAULT);
    ERR(capset(NULL, w), EFAULT);
    h.version = 0;
    ERR(capset(&h, NULL), EINVAL);
    EQ(h.version, VERSION3);
}

TEST(ambient,
     "PR_CAP_AMBIENT: raised, asked for, lowered, cleared; lost with what it stands on")
{
    struct head h = {VERSION3, 0};
    struct words w[2];

    if (getuid() != 0)
        SKIP("needs root");
#define AMBIENT(what, cap) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_##what, cap, 0, 0)
    OK(capget(&h, w));
    w[0].inheritable |= 1u << CAP_KILL | 1u << CAP_NICE;
    OK(capset(&h, w));
    EQ(AMBIENT(IS_SET, CAP_KILL), 0);
    EQ(AMBIENT(RAISE, CAP_KILL), 0);
    EQ(AMBIENT(RAISE, CAP_NICE), 0);
    EQ(AMBIENT(IS_SET, CAP_KILL), 1);
    EQ(AMBIENT(LOWER, CAP_KILL), 0);
    EQ(AMBIENT(IS_SET, CAP_KILL), 0);
    EQ(AMBIENT(IS_SET, CAP_NICE), 1);
    EQ(AMBIENT(LOWER, CAP_KILL), 0); /* again */
    ERR(AMBIENT(IS_SET, 64), EINVAL);
    ERR(AMBIENT(LOWER, 64), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 1, 0), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 1), EINVAL);
    EQ(AMBIENT(IS_SET, CAP_NICE), 1);
    EQ(AMBIENT(CLEAR_ALL, 0), 0);
    EQ(AMBIENT(IS_SET, CAP_NICE), 0);
    EQ(AMBIENT(RAISE, CAP_NICE), 0);
    w[0].inheritable &= ~(1u << CAP_NICE);
    OK(capset(&h, w));
    EQ(AMBIENT(IS_SET, CAP_NICE), 0);
    ERR(AMBIENT(RAISE, CAP_NICE), EPERM);
    EQ(AMBIENT(RAISE, CAP_KILL), 0);
    OK(prctl(PR_SET_SECUREBITS, 1 << 6)); /* SECBIT_NO_CAP_AMBIENT_RAISE */
    ERR(AMBIENT(RAISE, CAP_KILL), EPERM);
    EQ(AMBIENT(IS_SET, CAP_KILL), 1);
}

TEST(death_signal, "PR_SET_PDEATHSIG: numbers of signals and 0")
{
    int signo = 7;

    OK(prctl(PR_SET_PDEATHSIG, 64));
    OK(prctl(PR_GET_PDEATHSIG, &signo));
    EQ(signo, 64);
    ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    ERR(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
    ERR(prctl(PR_SET_PDEATHSIG, 1ul << 32), EINVAL);
    OK(prctl(PR_GET_PDEATHSIG, &signo));
    EQ(signo, 64);
    ERR(prctl(PR_GET_PDEATHSIG, BAD), EFAULT);
    OK(prctl(PR_SET_PDEATHSIG, 0));
}

TEST(numbers, "numbers of processes that there cannot be")
{
    siginfo_t info = {.si_code = SI_QUEUE};
    pid_t me = getpid();

    ERR(kill((int)0x80000000, 0), ESRCH);
    ERR(kill((int)0x80000001, 0), ESRCH);
    ERR(kill(0x7fffffff, SIGTERM), ESRCH);
    ERR(kill((int)0x80000000, 65), ESRCH);
    ERR(kill((int)0x80000001, 65), ESRCH);
    ERR(kill(me, 65), EINVAL);
    ERR(kill(me, -1), EINVAL);
    ERR(syscall(SYS_tgkill, 0, me, 0), EINVAL);
    ERR(syscall(SYS_tgkill, me, 0, 0), EINVAL);
    ERR(syscall(SYS_tgkill, me, -1, 0), EINVAL);
    ERR(syscall(SYS_tgkill, me, 1, 0), ESRCH);
    ERR(syscall(SYS_tgkill, me, me, 65), EINVAL);
    ERR(syscall(SYS_tkill, 0, 0), EINVAL);
    ERR(syscall(SYS_tkill, -5, 0), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, 0, me, SIGURG, &info), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, me, 0, SIGURG, &info), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, -1, -1, SIGURG, &info), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, me, me, 65, &info), EINVAL);
    ERR(syscall(SYS_rt_tgsigqueueinfo, me, 1, SIGURG, &info), ESRCH);
    ERR(syscall(SYS_rt_tgsigqueueinfo, 0, 0, SIGURG, NULL), EFAULT);
    OK(syscall(SYS_rt_tgsigqueueinfo, me, me, 0, &info));
    ERR(syscall(SYS_rt_sigqueueinfo, 0, SIGURG, &info), ESRCH);
    ERR(syscall(SYS_rt_sigqueueinfo, -5, SIGURG, &info), ESRCH);
    ERR(syscall(SYS_rt_sigqueueinfo, me, 65, &info), EINVAL);
    ERR(syscall(SYS_rt_sigqueueinfo, me, SIGURG, BAD), EFAULT);
    OK(syscall(SYS_rt_sigqueueinfo, me, 0, &info));
    info.si_code = SI_USER;
    ERR(syscall(SYS_rt_sigqueueinfo, getppid(), SIGURG, &info), EPERM);
    ERR(syscall(SYS_rt_sigqueueinfo, 0x7fffffff, SIGURG, &info), EPERM);
    OK(syscall(SYS_rt_sigqueueinfo, me, 0, &info));
    info.si_code = SI_TKILL;
    ERR(syscall(SYS_rt_tgsigqueueinfo, getppid(), getppid(), SIGURG, &info), EPERM);
}

TEST(priorities, "getpriority and setpriority: kinds, numbers, bounds")
{
    int before = getpriority(PRIO_PROCESS, 0);

    ERR(setpriority(3, 0, 5), EINVAL);
    ERR(setpriority(-1, 0, 5), EINVAL);
    ERR(getpriority(3, 0), EINVAL);
    ERR(getpriority(-1, 0), EINVAL);
    ERR(setpriority(PRIO_PROCESS, ended(), 5), ESRCH);
    ERR(setpriority(PRIO_PROCESS, -1, 5), ESRCH);
    ERR(setpriority(PRIO_PGRP, -1, 19), ESRCH);
    ERR(setpriority(PRIO_USER, 4242, 5), ESRCH);
    ERR(getpriority(PRIO_USER, 4242), ESRCH);
    ERR(getpriority(PRIO_PGRP, -1), ESRCH);
    EQ(getpriority(PRIO_PROCESS, 0), before); /* -1 is no name for all */
    ERR(syscall(SYS_ioprio_set, 2, -1, 2 << 13), ESRCH);
    ERR(syscall(SYS_ioprio_get, 2, -1), ESRCH);
    ERR(syscall(SYS_ioprio_get, 1, -1), ESRCH);
    ERR(syscall(SYS_ioprio_get, 4, 0), EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, -1, 7 << 13), EINVAL);
    ERR(fcntl(0, 15, ((int[]){2, -1})), ESRCH); /* F_SETOWN_EX, F_OWNER_PGRP */
    CHILD({
        to_nobody();
        OK(setpriority(PRIO_PROCESS, 0, 100));
        EQ(getpriority(PRIO_PROCESS, 0), 19);
        ERR(setpriority(PRIO_PROCESS, 0, -100), EACCES);
        ERR(setpriority(PRIO_PROCESS, 1, 19), EPERM);
        ERR(setpriority(7, 1, -100), EINVAL);
    });
}

/* What cannot be told is lost, but the child is waited for. */
TEST(wait_nowhere, "wait4 and waitid to bad places")
{
    struct rusage usage;
    siginfo_t info;
    int status;

    for (int how = 0; how < 4; how++) {
        pid_t pid = t_fork();

        if (!pid)
            _exit(3);
        switch (how) {
        case 0:
            ERR(syscall(SYS_wait4, pid, BAD, 0, NULL), EFAULT);
            break;
        case 1:
            ERR(syscall(SYS_wait4, pid, &status, 0, BAD), EFAULT);
            break;
        case 2:
            ERR(syscall(SYS_waitid, P_PID, pid, BAD, WEXITED, NULL), EFAULT);
            break;
        case 3:
            ERR(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, BAD), EFAULT);
            break;
        }
        ERR(waitpid(pid, &status, 0), ECHILD);
    }
    ERR(syscall(SYS_wait4, -1, BAD, 0, BAD), ECHILD);
    pid_t pid = sleeper();
    EQ(syscall(SYS_wait4, pid, BAD, WNOHANG, BAD), 0);
    ERR(syscall(SYS_waitid, P_PID, pid, BAD, WEXITED | WNOHANG, NULL), EFAULT);
    EQ(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED | WNOHANG, &usage), 0);
    ERR(syscall(SYS_wait4, pid, NULL, 0x20, NULL), EINVAL);
    ERR(syscall(SYS_wait4, 0x80000000, NULL, 0, NULL), ESRCH);
    OK(kill(pid, SIGKILL));
    EQ(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, &usage), 0);
    ERR(waitpid(pid, NULL, 0), ECHILD);
}

TEST(cpu_limit,
     "who reaches the hard limit of processor time is killed, whatever it catches")
{
    struct rlimit one = {1, 1};
    pid_t pid = t_fork();
    struct rusage usage;
    int status;

    if (!pid) {
        signal(SIGXCPU, SIG_IGN);
        OK(setrlimit(RLIMIT_CPU, &one));
        for (;;)
            ;
    }
    EQ(wait4(pid, &status, 0, &usage), pid);
    EQ(status, SIGKILL);
    CHECK(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec <= 2);
}

TEST(arch_prctl, "arch_prctl: what is not there")
{
    unsigned long word;

    ERR(syscall(SYS_arch_prctl, 0x4711, 0), EINVAL);
    ERR(syscall(SYS_arch_prctl, 0x5001, 1ul << 5), EINVAL);
    ERR(syscall(SYS_arch_prctl, 0x1003, BAD), EFAULT);
    ERR(syscall(SYS_arch_prctl, 0x1002, 1ul << 63), EPERM);
    OK(syscall(SYS_arch_prctl, 0x1003, &word));
    EQ(syscall(SYS_arch_prctl, 0x1011, 0), 1); /* ARCH_GET_CPUID */
}

TEST(io_of_zombie, "/proc/PID/io of one that has ended and was not waited for")
{
    char path[64];
    int null = open("/dev/null", O_WRONLY);
    pid_t pid = t_fork();
    siginfo_t info;

    if (getuid() != 0)
        SKIP("needs root");
    if (!pid) {
        (void)!write(null, path, 11);
        _exit(0);
    }
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    snprintf(path, sizeof(path), "/proc/%d/io", pid);
    EQ(t_proc_kb(path, "wchar"), 11);
    EQ(t_proc_kb(path, "syscw"), 1);
    t_join(pid);
}

TEST(ipc_places, "System V: bad places, numbers that are none, what has been removed")
{
    int sem = semget(IPC_PRIVATE, 3, 0600), msg = msgget(IPC_PRIVATE, 0600),
        shm = shmget(IPC_PRIVATE, P, 0600);

    OK(sem);
    OK(msg);
    OK(shm);
    ERR(syscall(SYS_semctl, sem, 0, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_msgctl, msg, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_shmctl, shm, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_semctl, sem, 0, IPC_STAT, 8), EFAULT);
    ERR(syscall(SYS_msgctl, msg, IPC_STAT, 8), EFAULT);
    ERR(syscall(SYS_shmctl, shm, IPC_STAT, 8), EFAULT);
    ERR(syscall(SYS_semctl, sem, 0, SETALL, 8), EFAULT);
    ERR(syscall(SYS_semctl, sem, 0, GETALL, 8), EFAULT);
    ERR(syscall(SYS_semctl, sem, 3, SETVAL, 1), EINVAL);
    ERR(syscall(SYS_semctl, sem, -1, SETVAL, 1), EINVAL);
    ERR(syscall(SYS_semctl, sem, 3, SETVAL, 32768), ERANGE);
    ERR(syscall(SYS_semctl, sem, 0, SETVAL, -1), ERANGE);
    ERR(syscall(SYS_semctl, sem, 3, GETVAL, 0), EINVAL);
    ERR(syscall(SYS_semctl, sem, 0, 4711, 0), EINVAL);
    ERR(syscall(SYS_semctl, -1, 0, IPC_SET, 8), EINVAL);
    ERR(syscall(SYS_msgctl, msg, -1, 8), EINVAL);
    ERR(syscall(SYS_shmctl, shm, -1, 8), EINVAL);
    OK(syscall(SYS_semctl, sem, 2, SETVAL, 32767));
    EQ(syscall(SYS_semctl, sem, 2, GETVAL, 0), 32767);
    OK(syscall(SYS_semctl, sem, 99, IPC_RMID, 0));
    OK(syscall(SYS_msgctl, msg, IPC_RMID, 8));
    OK(syscall(SYS_shmctl, shm, IPC_RMID, 8));
    ERR(syscall(SYS_semctl, sem, 0, SETVAL, 1), EINVAL);
    ERR(syscall(SYS_semctl, sem, 0, SETVAL, -1), ERANGE);
    ERR(syscall(SYS_semctl, sem, 0, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_semctl, sem, 0, GETALL, 8), EINVAL);
    ERR(syscall(SYS_msgctl, msg, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_msgctl, msg, IPC_STAT, 8), EINVAL);
    ERR(syscall(SYS_msgsnd, msg, 8, 1, 0), EFAULT);
    ERR(syscall(SYS_msgrcv, msg, 8, 1, 0, 0), EINVAL);
    ERR(syscall(SYS_shmctl, shm, IPC_SET, 8), EFAULT);
    ERR(syscall(SYS_shmctl, shm, SHM_LOCK, 0), EINVAL);
}

TEST(first_wrong, "what is wrong first: descriptors before counts, sizes before places")
{
    char event[16];
    int ep = (int)syscall(SYS_epoll_create1, 0), none[2];

    OK(ep);
    OK(pipe(none));
    ERR(syscall(SYS_epoll_wait, -1, event, 0, 0), EBADF);
    ERR(syscall(SYS_epoll_wait, -1, BAD, 1, 0), EBADF);
    ERR(syscall(SYS_epoll_wait, none[0], event, 0, 0), EINVAL);
    ERR(syscall(SYS_epoll_wait, none[0], BAD, 1, 0), EFAULT);
    ERR(syscall(SYS_epoll_wait, none[0], event, 1, 0), EINVAL);
    ERR(syscall(SYS_epoll_pwait, -1, event, 0, 0, 8, 8), EFAULT);
    ERR(syscall(SYS_sched_setaffinity, 0, 0, BAD), EINVAL);
    ERR(syscall(SYS_sched_setaffinity, 0, 1, BAD), EFAULT);
    ERR(syscall(SYS_sched_setaffinity, -1, 8, BAD), EFAULT);
}

TEST(keys, "reboot(2): who may; ctrl-alt-del on and off")
{
    if (!t_tessera)
        SKIP("this machine is left alone");
    ERR(syscall(SYS_reboot, 1, 2, 3, 4), EINVAL);
    ERR(syscall(SYS_reboot, 0xfee1dead, 0x28121969, 0x4711, 0), EINVAL);
    OK(reboot(RB_ENABLE_CAD));
    OK(reboot(RB_DISABLE_CAD));
    CHILD(to_nobody(); ERR(reboot(RB_DISABLE_CAD), EPERM));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
