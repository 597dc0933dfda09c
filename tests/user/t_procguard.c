/* SPDX-License-Identifier: MIT
 *
 * What /proc tells of other processes: to whom, and of which process when the number that
 * was asked for has gone to another one.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <grp.h>
#include <sys/prctl.h>

#define USER 1000

static void become(uid_t uid)
{
    OK(setgroups(0, NULL));
    OK(setgid(uid));
    OK(setuid(uid));
}

static const char *of(pid_t pid, const char *file)
{
    static char path[4][64];
    static int at;
    char *p = path[at++ % 4];

    snprintf(p, 64, "/proc/%d/%s", pid, file);
    return p;
}

/* A process that waits until the pipe is closed. */
struct sleeper {
    pid_t pid;
    int fd;
};

static struct sleeper start(uid_t uid, int dumpable, const char *exec)
{
    int ready[2], go[2];
    char c = 'x';

    OK(pipe(ready));
    OK(pipe(go));
    pid_t pid = t_fork();
    if (pid == 0) {
        close(go[1]);
        if (uid)
            become(uid);
        prctl(PR_SET_DUMPABLE, dumpable);
        if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) < 0)
            _exit(1);
        if (exec) {
            dup2(ready[1], 1);
            execl(exec, exec, "--helper", (char *)NULL);
        }
        _exit(0);
    }
    close(ready[1]);
    close(go[0]);
    EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return (struct sleeper){pid, go[1]};
}

static void stop(struct sleeper s)
{
    close(s.fd);
    t_join(s.pid);
}

static void refused(pid_t pid)
{
    static const char *const files[] = {"maps",       "smaps", "smaps_rollup",
                                        "environ",    "mem",   "pagemap",
                                        "clear_refs", "fd",    "fdinfo"};
    static const char *const links[] = {"cwd", "root", "exe", "fd/0"};
    char buf[64];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = of(pid, files[i]);
        int flags = strcmp(files[i], "clear_refs") ? O_RDONLY : O_WRONLY;

        errno = 0;
        if (open(path, flags) >= 0 || errno != EACCES)
            FAIL("open %s: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < 4; i++) {
        const char *path = of(pid, links[i]);

        errno = 0;
        if (readlink(path, buf, sizeof(buf)) >= 0 || errno != EACCES)
            FAIL("readlink %s: %s", path, strerror(errno));
        errno = 0;
        if (open(path, O_RDONLY) >= 0 || errno != EACCES)
            FAIL("open %s: %s", path, strerror(errno));
    }
    ERR(access(of(pid, "root/proc"), F_OK), EACCES);
    ERR(chdir(of(pid, "cwd")), EACCES);
}

static void open_to_all(pid_t pid)
{
    static const char *const files[] = {"stat",    "status", "statm",
                                        "cmdline", "comm",   "limits"};
    for (size_t i = 0; i < 6; i++) {
        char buf[512];
        int fd = open(of(pid, files[i]), O_RDONLY);

        if (fd < 0 || read(fd, buf, sizeof(buf)) <= 0)
            FAIL("%s: %s", files[i], strerror(errno));
        close(fd);
    }
}

TEST(others, "another user's process: memory, links and descriptors are refused")
{
    struct sleeper s = start(0, 1, NULL);

    CHILD(become(USER); refused(s.pid); open_to_all(s.pid));
    OK(access(of(s.pid, "root/proc"), F_OK));
    stop(s);
}

TEST(undumpable, "one's own process that may not be dumped is refused too")
{
    struct sleeper s = start(USER, 0, NULL), t = start(USER, 1, NULL);
    struct stat st;

    CHILD(become(USER); refused(s.pid); open_to_all(s.pid);
          OK(close(open(of(t.pid, "maps"), O_RDONLY)));
          OK(access(of(t.pid, "cwd"), F_OK)));
    OK(stat(of(s.pid, ""), &st));
    EQ(st.st_uid, USER);
    OK(stat(of(s.pid, "environ"), &st));
    EQ(st.st_uid, 0);
    OK(stat(of(t.pid, "environ"), &st));
    EQ(st.st_uid, USER);
    stop(t); /* it holds the first one's pipe open */
    stop(s);
}

TEST(addresses, "stat hides addresses from who may not look")
{
    struct sleeper s = start(0, 1, NULL);

    CHILD(
        become(USER); char buf[1024]; int fd = open(of(s.pid, "stat"), O_RDONLY);
        ssize_t n = read(fd, buf, sizeof(buf) - 1); CHECK(n > 0); buf[n] = 0;
        char *p = strrchr(buf, ')') + 2; unsigned long start_code = 9, stack = 9, brk = 9;
        for (int field = 3; p && *p;
             field++, p = strchr(p, ' ') ? strchr(p, ' ') + 1 : "") {
            if (field == 26)
                start_code = strtoul(p, NULL, 10);
            if (field == 28)
                stack = strtoul(p, NULL, 10);
            if (field == 47)
                brk = strtoul(p, NULL, 10);
        } EQ(start_code, 1);
        EQ(stack, 0); EQ(brk, 0));
    stop(s);
}

/* kernel.pid_max; on Linux nothing: there the numbers of the host are left alone. */
static void limit_pids(const char *value)
{
    int fd;

    if (!t_tessera)
        return;
    OK(fd = open("/proc/sys/kernel/pid_max", O_WRONLY));
    EQ(write(fd, value, strlen(value)), (long)strlen(value));
    close(fd);
}

/* The next process whose number is at least `from` (any, on Linux). */
static struct sleeper start_from(pid_t from)
{
    struct sleeper s = start(0, 1, NULL);

    for (int i = 0; t_tessera && s.pid < from && i < 1000; i++) {
        stop(s);
        s = start(0, 1, NULL);
    }
    return s;
}

TEST(outlived, "a descriptor of /proc/PID knows its process, not its number")
{
    int stat_fd, adj_fd, dir_fd, env_fd, mem_fd, fds_fd, maps_fd;
    struct sleeper s;
    char buf[256];
    pid_t old;

    limit_pids("308"); /* numbers are used again from 300 on: soon */
    s = start_from(300);
    old = s.pid;
    OK(stat_fd = open(of(old, "stat"), O_RDONLY));
    OK(adj_fd = open(of(old, "oom_score_adj"), O_RDWR));
    OK(env_fd = open(of(old, "environ"), O_RDONLY));
    OK(maps_fd = open(of(old, "maps"), O_RDONLY));
    OK(mem_fd = open(of(old, "mem"), O_RDONLY));
    OK(fds_fd = open(of(old, "fd"), O_RDONLY | O_DIRECTORY));
    OK(dir_fd = open(of(old, ""), O_RDONLY | O_DIRECTORY));
    stop(s);
    s = start_from(300);
    for (int i = 0; t_tessera && s.pid != old && i < 1000; i++) {
        stop(s);
        s = start_from(300);
    }
    limit_pids("32768");
    if (t_tessera)
        EQ(s.pid, old);
    ERR(read(stat_fd, buf, sizeof(buf)), ESRCH);
    ERR(read(adj_fd, buf, sizeof(buf)), ESRCH);
    ERR(write(adj_fd, "5", 1), ESRCH);
    EQ(read(env_fd, buf, sizeof(buf)) > 0, 0);
    EQ(read(maps_fd, buf, sizeof(buf)) > 0, 0);
    EQ(pread(mem_fd, buf, 1, (off_t)(uintptr_t)buf) > 0, 0);
    ERR(syscall(SYS_getdents64, fds_fd, buf, sizeof(buf)), ENOENT);
    ERR(openat(dir_fd, "stat", O_RDONLY), ESRCH);
    ERR(openat(dir_fd, "fd/0", O_RDONLY), ESRCH);
    ERR(faccessat(dir_fd, "root", F_OK, 0), ESRCH);
    OK(adj_fd = open(of(s.pid, "oom_score_adj"), O_RDONLY));
    t_contains(adj_fd, "0\n");
    stop(s);
}

TEST(before_exec, "what was opened before an exec does not show the new program")
{
    struct sleeper s = start(0, 1, t_exe);
    int env_fd, maps_fd;
    char buf[256];

    OK(env_fd = open(of(s.pid, "environ"), O_RDONLY));
    OK(maps_fd = open(of(s.pid, "maps"), O_RDONLY));
    OK(fcntl(s.fd, F_SETFD, 0));
    EQ(write(s.fd, "g", 1), 1);
    for (int i = 0; i < 1000; i++) { /* until the helper has its own name */
        int fd = open(of(s.pid, "cmdline"), O_RDONLY);
        ssize_t n = read(fd, buf, sizeof(buf));

        close(fd);
        if (n > 8 && !strcmp(buf + n - 9, "--helper"))
            break;
        t_nap(1000);
    }
    EQ(read(env_fd, buf, sizeof(buf)), 0);
    EQ(read(maps_fd, buf, sizeof(buf)), 0);
    kill(s.pid, SIGKILL);
    t_status_of(s.pid);
}

TEST(oom_adj, "oom_score_adj goes up by its owner and down by CAP_SYS_RESOURCE")
{
    CHILD(become(USER); prctl(PR_SET_DUMPABLE, 1);
          int fd = open("/proc/self/oom_score_adj", O_RDWR); OK(fd);
          EQ(write(fd, "300", 3), 3); EQ(write(fd, "0", 1), 1);
          ERR(write(fd, "-1", 2), EACCES);
          ERR(open(of(getppid(), "oom_score_adj"), O_RDWR), EACCES));
}

TEST(comm, "only its own threads name a process")
{
    struct sleeper s = start(0, 1, NULL);
    int fd = open(of(s.pid, "comm"), O_RDWR);

    OK(fd);
    ERR(write(fd, "evil", 4), EINVAL);
    close(fd);
    stop(s);
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pause();
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
