/* SPDX-License-Identifier: MIT
 *
 * Calls that act on another process by its number: who may, as the man pages say. And that
 * a program under tools/run cannot write the verdict on itself.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define USER  1000
#define OTHER 1001

static void become(uid_t uid)
{
    OK(setgroups(0, NULL));
    OK(setgid(uid));
    OK(setuid(uid));
}

static pid_t sleeper(uid_t uid)
{
    int ready[2];
    char c = 'x';

    OK(pipe(ready));
    pid_t pid = t_fork();
    if (pid == 0) {
        if (uid)
            become(uid);
        if (write(ready[1], &c, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
}

static void nothing_goes(pid_t pid)
{
    struct sched_param param = {0};
    struct rlimit limit;
    union sigval value = {0};
    char byte;
    struct iovec iov = {&byte, 1};
    void *list;
    size_t len;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    ERR(kill(pid, 0), EPERM);
    ERR(kill(pid, SIGTERM), EPERM);
    ERR(syscall(SYS_tgkill, pid, pid, SIGTERM), EPERM);
    ERR(syscall(SYS_tkill, pid, SIGTERM), EPERM);
    ERR(sigqueue(pid, SIGTERM, value), EPERM);
    ERR(setpriority(PRIO_PROCESS, (id_t)pid, 10), EPERM);
    ERR(syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param), EPERM);
    ERR(syscall(SYS_sched_setaffinity, pid, sizeof(set), &set), EPERM);
    ERR(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit), EPERM);
    ERR(syscall(SYS_process_vm_readv, pid, &iov, 1, &iov, 1, 0), EPERM);
    ERR(syscall(SYS_process_vm_writev, pid, &iov, 1, &iov, 1, 0), EPERM);
    ERR(syscall(SYS_get_robust_list, pid, &list, &len), EPERM);
    ERR(setpgid(pid, pid), ESRCH);
    OK(getpriority(PRIO_PROCESS, (id_t)pid));
    OK(getpgid(pid));
    OK(getsid(pid));
    OK(syscall(SYS_sched_getaffinity, pid, sizeof(set), &set));
    OK(syscall(SYS_sched_getscheduler, pid));
}

TEST(of_root, "an ordinary user does nothing to root's process")
{
    pid_t pid = sleeper(0);

    CHILD(become(USER); nothing_goes(pid));
    end(pid);
}

TEST(of_another, "nor to another user's")
{
    pid_t pid = sleeper(OTHER);

    CHILD(become(USER); nothing_goes(pid));
    end(pid);
}

TEST(of_own, "but to his own; priority goes up only by right")
{
    pid_t pid = sleeper(USER);
    struct sched_param param = {0};

    CHILD(become(USER); OK(kill(pid, 0)); OK(setpriority(PRIO_PROCESS, (id_t)pid, 10));
          ERR(setpriority(PRIO_PROCESS, (id_t)pid, 5), EACCES);
          OK(syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param)));
    OK(setpriority(PRIO_PROCESS, (id_t)pid, 0));
    end(pid);
}

/* Without capabilities user 0 is one among others of its number. */
TEST(of_more, "nor to one of the same user that has more capabilities")
{
    pid_t pid = sleeper(0);
    uint32_t header[2] = {0x20080522, 0}, none[6] = {0};
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    CHILD(OK(syscall(SYS_capset, header, none));
          ERR(setpriority(PRIO_PROCESS, (id_t)pid, 5), EPERM);
          ERR(sched_setaffinity(pid, sizeof(cpus), &cpus), EPERM);
          OK(setpriority(PRIO_PROCESS, 0, 5)));
    end(pid);
}

TEST(rlimit_nice, "RLIMIT_NICE lets a user go up")
{
    struct rlimit limit = {25, 25}; /* down to -5 */

    if (setrlimit(RLIMIT_NICE, &limit))
        SKIP("may not be raised here: %s", strerror(errno));
    CHILD(become(USER); OK(setpriority(PRIO_PROCESS, 0, -5));
          ERR(setpriority(PRIO_PROCESS, 0, -6), EACCES));
}

TEST(verdict, "the port of the verdict opens for init alone")
{
    if (!t_tessera || access("/dev/host3", F_OK))
        SKIP("no such port here");
    ERR(open("/dev/host3", O_WRONLY), EPERM);
    OK(mknod("port", S_IFCHR | 0666, 10 << 8 | 243));
    OK(chmod("port", 0666));
    ERR(open("port", O_WRONLY), EPERM);
    ERR(open("/proc/1/fd/3", O_WRONLY), EPERM);
    CHILD(become(USER); ERR(open("/dev/host3", O_WRONLY), EACCES);
          ERR(open("port", O_WRONLY), EPERM));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
