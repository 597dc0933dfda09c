/* SPDX-License-Identifier: MIT
 *
 * A thread's number where a process's is taken, and the reverse; the order in which signal
 * calls look at their arguments.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/uio.h>

struct other {
    pid_t pid, tid; /* of a process, of its second thread */
};

static int report;

static void *second(void *arg)
{
    struct other o = {getpid(), (pid_t)syscall(SYS_gettid)};

    (void)arg;
    (void)!write(report, &o, sizeof(o));
    for (;;)
        pause();
    return NULL;
}

/* A child with two threads that wait for ever. */
static struct other two_threads(void)
{
    struct other o;
    pthread_t t;
    int fd[2];
    pid_t pid;

    OK(pipe(fd));
    pid = t_fork();
    if (!pid) {
        report = fd[1];
        pthread_create(&t, NULL, second, NULL);
        for (;;)
            pause();
    }
    EQ(read(fd[0], &o, sizeof(o)), sizeof(o));
    EQ(o.pid, pid);
    return o;
}

static void end(struct other o)
{
    OK(kill(o.pid, SIGKILL));
    CHECK(WIFSIGNALED(t_status_of(o.pid)));
}

TEST(process_calls, "calls about a process take the number of any of its threads")
{
    static long word;
    struct other o = two_threads();
    struct rlimit lim;
    struct iovec here = {&word, sizeof(word)}, there = here;
    struct {
        unsigned version;
        int pid;
    } head = {0x20080522, o.tid};
    unsigned caps[6];

    OK(kill(o.tid, 0));
    EQ(getpgid(o.tid), getpgid(0));
    EQ(getsid(o.tid), getsid(0));
    OK(syscall(SYS_prlimit64, o.tid, RLIMIT_NOFILE, NULL, &lim));
    errno = 0;
    EQ(getpriority(PRIO_PROCESS, (id_t)o.tid), 0);
    EQ(errno, 0);
    OK(setpriority(PRIO_PROCESS, (id_t)o.tid, 0));
    EQ(syscall(SYS_sched_getscheduler, o.tid), 0 /* SCHED_OTHER */);
    EQ(process_vm_readv(o.tid, &here, 1, &there, 1, 0), sizeof(word));
    OK(syscall(SYS_capget, &head, caps));
    OK(kill(o.tid, SIGTERM)); /* the whole process */
    int status = t_status_of(o.pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST(leader_calls, "setpgid, wait and tgkill mean what they name")
{
    struct other o = two_threads();

    ERR(setpgid(o.tid, 0), EINVAL);
    ERR(waitpid(o.tid, NULL, 0), ECHILD);
    ERR(syscall(SYS_tgkill, o.tid, o.tid, 0), ESRCH);
    OK(syscall(SYS_tgkill, o.pid, o.tid, 0));
    ERR(syscall(SYS_tgkill, getpid(), o.tid, 0), ESRCH);
    OK(syscall(SYS_tkill, o.tid, 0));
    end(o);
    ERR(kill(o.tid, 0), ESRCH);
    ERR(getpgid(o.tid), ESRCH);
}

TEST(order, "no such process comes before no such signal")
{
    ERR(kill(1 << 22, 999), ESRCH);
    ERR(kill(getpid(), 999), EINVAL);
    ERR(kill(-(1 << 22), 999), ESRCH);
    ERR(syscall(SYS_tkill, 1 << 22, 999), ESRCH);
    ERR(syscall(SYS_tkill, 0, 0), EINVAL);
    ERR(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL);
    ERR(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
    ERR(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, NULL), EFAULT);
    ERR(syscall(SYS_rt_tgsigqueueinfo, 0, 0, 0, NULL), EFAULT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
