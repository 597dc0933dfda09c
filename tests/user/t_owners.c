/* SPDX-License-Identifier: MIT
 *
 * What one process may do with another of the same user, when a single id of the six, a right
 * or a mark is not the same; keys that a whole crowd hears.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <termios.h>

#define USER     65534
#define OTHER    65533
#define CAP_KILL 5

struct ids {
    unsigned uid, euid, suid, gid, egid, sgid;
    int mark;
};

enum { PLAIN, UNDUMPABLE, CAPABLE };

static void become(const struct ids *i)
{
    OK(setgroups(0, NULL));
    if (i->mark == CAPABLE)
        OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    OK(setresgid(i->gid, i->egid, i->sgid));
    OK(setresuid(i->uid, i->euid, i->suid));
    if (i->mark == CAPABLE) {
        uint32_t head[2] = {0x20080522u, 0}, caps[6] = {0, 1u << CAP_KILL};

        OK(syscall(SYS_capset, head, caps));
    }
    OK(prctl(PR_SET_DUMPABLE, i->mark != UNDUMPABLE));
}

static pid_t other(const struct ids *i)
{
    int p[2];
    pid_t pid;
    char c;

    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        become(i);
        EQ(write(p[1], "r", 1), 1);
        for (;;)
            pause();
    }
    close(p[1]);
    EQ(read(p[0], &c, 1), 1);
    close(p[0]);
    return pid;
}

static int may_look(pid_t pid)
{
    static char from, to;
    struct iovec l = {&to, 1}, r = {&from, 1};

    if (process_vm_readv(pid, &l, 1, &r, 1, 0) == 1)
        return 0;
    return errno;
}

static int may_limit(pid_t pid)
{
    struct rlimit l;

    return prlimit(pid, RLIMIT_CORE, NULL, &l) ? errno : 0;
}

static int may_schedule(pid_t pid)
{
    int zero = 0;

    return syscall(SYS_sched_setscheduler, pid, SCHED_BATCH, &zero) ? errno : 0;
}

static int may_read(pid_t pid, const char *what)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

TEST(one_id, "each of the six ids, capabilities and the dumpable mark count")
{
    static const struct {
        struct ids ids;
        int look, limit, schedule, signal;
    } rows[] = {
        {{USER, USER, USER, USER, USER, USER, PLAIN}, 0, 0, 0, 0},
        {{OTHER, USER, USER, USER, USER, USER, PLAIN}, EPERM, EPERM, 0, 0},
        {{USER, OTHER, USER, USER, USER, USER, PLAIN}, EPERM, EPERM, 0, 0},
        {{USER, USER, OTHER, USER, USER, USER, PLAIN}, EPERM, EPERM, 0, 0},
        {{USER, USER, USER, OTHER, USER, USER, PLAIN}, EPERM, EPERM, 0, 0},
        {{USER, USER, USER, USER, OTHER, USER, PLAIN}, EPERM, EPERM, 0, 0},
        {{USER, USER, USER, USER, USER, OTHER, PLAIN}, EPERM, EPERM, 0, 0},
        {{OTHER, OTHER, USER, USER, USER, USER, PLAIN}, EPERM, EPERM, EPERM, 0},
        {{OTHER, USER, OTHER, USER, USER, USER, PLAIN}, EPERM, EPERM, 0, EPERM},
        {{OTHER, OTHER, OTHER, USER, USER, USER, PLAIN}, EPERM, EPERM, EPERM, EPERM},
        {{USER, USER, USER, USER, USER, USER, UNDUMPABLE}, EPERM, 0, 0, 0},
        {{USER, USER, USER, USER, USER, USER, CAPABLE}, EPERM, 0, EPERM, 0},
    };
    static const struct ids me = {USER, USER, USER, USER, USER, USER, PLAIN};

    if (getuid() != 0)
        SKIP("needs root");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pid_t pid = other(&rows[i].ids), judge = t_fork();

        if (!judge) {
            become(&me);
#define IS(got, want)                                                \
    do {                                                             \
        int t_g = (got);                                             \
        if (t_g != (want))                                           \
            FAIL("row %zu: %s is %d, not %d", i, #got, t_g, (want)); \
    } while (0)
            IS(may_look(pid), rows[i].look);
            IS(may_limit(pid), rows[i].limit);
            IS(may_schedule(pid), rows[i].schedule);
            IS(kill(pid, 0) ? errno : 0, rows[i].signal);
            IS(may_read(pid, "maps"), rows[i].look ? EACCES : 0);
            IS(may_read(pid, "environ"), rows[i].look ? EACCES : 0);
            IS(ptrace(PTRACE_SEIZE, pid, 0, 0) ? errno : 0, rows[i].look);
            _exit(0);
        }
        t_join(judge);
        OK(kill(pid, SIGKILL));
        EQ(t_status_of(pid), SIGKILL);
    }
}

TEST(advice,
     "process_madvise: of another process only what cannot harm, and with the right")
{
    static char page[P] __attribute__((aligned(4096)));
    struct iovec v = {page, P};

    if (getuid() != 0)
        SKIP("needs root");
    for (int root = 0; root < 2; root++) {
        static const struct ids me = {USER, USER, USER, USER, USER, USER, PLAIN};
        pid_t pid = other(&me), judge = t_fork();

        if (!judge) {
            if (!root)
                become(&me);
            int fd = (int)syscall(SYS_pidfd_open, pid, 0);
            OK(fd);
            ERR(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 1), EINVAL);
            ERR(syscall(SYS_process_madvise, fd, &v, 1, MADV_MERGEABLE, 0), EINVAL);
            ERR(syscall(SYS_process_madvise, fd, &v, 1, 4711, 0), EINVAL);
            if (root)
                EQ(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), P);
            else
                ERR(syscall(SYS_process_madvise, fd, &v, 1, MADV_COLD, 0), EPERM);
            ERR(syscall(SYS_process_madvise, -1, &v, 1, MADV_COLD, 0), EBADF);
            ERR(syscall(SYS_process_madvise, 0, &v, 1, MADV_COLD, 0), EBADF);
            ERR(syscall(SYS_process_madvise, -1, (void *)8, 1, MADV_COLD, 0), EFAULT);
            ERR(syscall(SYS_process_madvise, -1, &v, 1025, MADV_COLD, 0), EINVAL);
            _exit(0);
        }
        t_join(judge);
        OK(kill(pid, SIGKILL));
        t_status_of(pid);
    }
}

/* ---- keys ---- */

enum { CROWD = 150 };

static void hears(int ready)
{
    sigset_t set;
    int seen = 0, signo;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTSTP);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    EQ(write(ready, "r", 1), 1);
    while (seen != 7) { /* one may come twice */
        EQ(sigwait(&set, &signo), 0);
        seen |= signo == SIGINT ? 1 : signo == SIGQUIT ? 2 : 4;
    }
    _exit(0);
}

static void leader(int slave, int ready)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    OK(setsid());
    OK(ioctl(slave, TIOCSCTTY, 0));
    for (int i = 0; i < CROWD; i++)
        if (t_fork() == 0)
            hears(ready);
    for (int i = 0; i < CROWD; i++) {
        int status;

        OK(wait(&status));
        EQ(status, 0);
    }
    _exit(0);
}

TEST(crowd, "a key is heard by each process of a large group")
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave, n, p[2];
    char path[32], c;
    pid_t pid;

    OK(master);
    OK(ioctl(master, TIOCSPTLCK, &(int){0}));
    OK(ioctl(master, TIOCGPTN, &n));
    snprintf(path, sizeof(path), "/dev/pts/%d", n);
    OK(slave = open(path, O_RDWR | O_NOCTTY));
    OK(pipe(p));
    pid = t_fork();
    if (!pid)
        leader(slave, p[1]);
    for (int i = 0; i < CROWD; i++)
        EQ(read(p[0], &c, 1), 1);
    EQ(write(master, "\003\003\034\032\003", 5), 5);
    t_join(pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
