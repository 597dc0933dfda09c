/* SPDX-License-Identifier: MIT
 *
 * Processes: fork, vfork, exec, wait in its forms, groups and sessions, scripts, small
 * calls.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

extern char **environ;

/* Targets of exec: what they check is in argv. */
static int helper(int argc, char **argv)
{
    if (argc < 2)
        return 90;
    if (!strcmp(argv[1], "exit"))
        return atoi(argv[2]);
    if (!strcmp(argv[1], "args"))
        return argc == 5 && !strcmp(argv[2], "") && !strcmp(argv[3], "a b") &&
                       !strcmp(argv[4], "end") && !strcmp(getenv("T_ENV"), "some value")
                   ? 0
                   : 91;
    if (!strcmp(argv[1], "fd"))
        return fcntl(atoi(argv[2]), F_GETFD) < 0 && fcntl(atoi(argv[3]), F_GETFD) == 0
                   ? 0
                   : 92;
    if (!strcmp(argv[1], "long"))
        return argc == 4 && strlen(argv[2]) == 100000 && strlen(argv[3]) == 3 ? 0 : 93;
    return 95;
}

#define EXEC(...)                                              \
    CHILD({                                                    \
        char *t_argv[] = {"t", "--helper", __VA_ARGS__, NULL}; \
        execve(t_exe, t_argv, environ);                        \
        FAIL("execve: %s", strerror(errno));                   \
    })

TEST(exit_status, "exit statuses")
{
    for (int code = 0; code < 300; code += 37) {
        pid_t pid = t_fork();
        if (!pid)
            _exit(code);
        int status = t_status_of(pid);
        CHECK(WIFEXITED(status));
        EQ(WEXITSTATUS(status), code & 255);
    }
}

TEST(wait_errno, "wait4: errno and options")
{
    int status;
    ERR(waitpid(-1, &status, 0), ECHILD);
    ERR(waitpid(99999999, &status, 0), ECHILD);
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    EQ(waitpid(pid, &status, WNOHANG), 0);
    ERR(waitpid(pid + 1000000, &status, WNOHANG), ECHILD);
    ERR(syscall(SYS_wait4, pid, &status, 0x40, NULL), EINVAL);
    OK(kill(pid, SIGKILL));
    struct rusage u;
    EQ(wait4(pid, &status, 0, &u), pid);
    EQ(status, SIGKILL);
    ERR(waitpid(pid, &status, 0), ECHILD);
}

TEST(waitid, "waitid")
{
    siginfo_t info;
    pid_t pid = t_fork();
    if (!pid)
        _exit(42);
    memset(&info, 0x55, sizeof(info));
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    EQ(info.si_pid, pid);
    EQ(info.si_signo, SIGCHLD);
    EQ(info.si_code, CLD_EXITED);
    EQ(info.si_status, 42);
    OK(waitid(P_ALL, 0, &info, WEXITED));
    EQ(info.si_pid, pid);
    ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    info.si_pid = 77;
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
    EQ(info.si_pid, 0);
    OK(kill(pid, SIGKILL));
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED));
    EQ(info.si_code, CLD_KILLED);
    EQ(info.si_status, SIGKILL);
}

TEST(wait_group, "wait for any child of a group")
{
    int status;
    pid_t a = t_fork();
    if (!a) {
        setpgid(0, 0);
        _exit(1);
    }
    setpgid(a, a);
    pid_t b = t_fork();
    if (!b)
        _exit(2);
    EQ(waitpid(0, &status, 0), b);
    EQ(WEXITSTATUS(status), 2);
    EQ(waitpid(-a, &status, 0), a);
    EQ(WEXITSTATUS(status), 1);
}

TEST(stop_cont, "stopped and continued children")
{
    int status;
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    OK(kill(pid, SIGSTOP));
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    EQ(WSTOPSIG(status), SIGSTOP);
    EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    OK(kill(pid, SIGCONT));
    EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK(WIFCONTINUED(status));
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGKILL);
}

TEST(fork_copies, "fork copies memory, shares file positions")
{
    static int value = 1;
    int fd = F(2);
    OK(lseek(fd, 100, SEEK_SET));
    CHILD({
        value = 2;
        EQ(lseek(fd, 50, SEEK_CUR), 150);
        OK(close(fd));
    });
    EQ(value, 1);
    EQ(lseek(fd, 0, SEEK_CUR), 150);
}

TEST(fork_thousand, "1,000 forks")
{
    for (int i = 0; i < 1000; i++) {
        pid_t pid = t_fork();
        if (!pid)
            _exit(i & 127);
        EQ(t_status_of(pid), (i & 127) << 8);
    }
}

TEST(fork_many, "64 children at once, reaped in any order")
{
    pid_t pids[64];
    for (int i = 0; i < 64; i++) {
        pids[i] = t_fork();
        if (!pids[i])
            _exit(i);
    }
    for (int i = 63; i >= 32; i--)
        EQ(t_status_of(pids[i]), i << 8);
    int seen = 0;
    while (wait(NULL) > 0)
        seen++;
    EQ(errno, ECHILD);
    EQ(seen, 32);
}

TEST(orphan, "an orphan gets another parent")
{
    int ends[2];
    pid_t who = 0;
    OK(pipe(ends));
    pid_t middle = t_fork();
    if (!middle) {
        pid_t self = getpid();
        if (!t_fork()) {
            while (getppid() == self)
                t_nap(1000);
            who = getppid();
            EQ(write(ends[1], &who, sizeof(who)), sizeof(who));
            _exit(0);
        }
        _exit(0);
    }
    t_join(middle);
    EQ(read(ends[0], &who, sizeof(who)), sizeof(who));
    CHECK(who != middle && who > 0);
}

static volatile int shared_value;

TEST(vfork, "vfork: the parent waits, memory is shared")
{
    pid_t pid = vfork();
    if (pid == 0) {
        shared_value = 5;
        _exit(9);
    }
    CHECK(pid > 0);
    EQ(shared_value, 5);
    EQ(t_status_of(pid), 9 << 8);
    char *argv[] = {"t", "--helper", "exit", "11", NULL};
    pid = vfork();
    if (pid == 0) {
        execve(t_exe, argv, environ);
        _exit(1);
    }
    EQ(t_status_of(pid), 11 << 8);
}

TEST(exec_args, "exec: arguments and environment")
{
    setenv("T_ENV", "some value", 1);
    EXEC("args", "", "a b", "end");
}

TEST(exec_long, "exec: long arguments; too long is E2BIG")
{
    char *big = malloc(200000);
    CHECK(big);
    memset(big, 'x', 100000);
    big[100000] = 0;
    EXEC("long", big, "end");
    memset(big, 'x', 200000);
    big[199999] = 0;
    char *argv[] = {"t", "--helper", "long", big, NULL};
    CHILD(ERR(execve(t_exe, argv, environ), E2BIG));
    free(big);
}

TEST(exec_cloexec, "exec closes what is marked")
{
    int a = open("/dev/null", O_RDONLY | O_CLOEXEC), b = open("/dev/null", O_RDONLY);
    char na[16], nb[16];
    OK(a);
    OK(b);
    snprintf(na, sizeof(na), "%d", a);
    snprintf(nb, sizeof(nb), "%d", b);
    EXEC("fd", na, nb);
}

static int write_file(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    OK(fd);
    EQ(write(fd, text, strlen(text)), (long)strlen(text));
    OK(fchmod(fd, mode));
    return close(fd);
}

static int try_exec(const char *path)
{
    char *argv[] = {(char *)path, "one", NULL};
    execve(path, argv, environ);
    return errno;
}

TEST(exec_errno, "exec: errno")
{
    OK(write_file("plain", "no program at all\n", 0755));
    OK(write_file("locked", "#!/bin/sh\n", 0644));
    OK(write_file("empty", "", 0755));
    OK(mkdir("dir", 0755));
    CHILD({
        EQ(try_exec("nothing"), ENOENT);
        EQ(try_exec(""), ENOENT);
        EQ(try_exec("plain"), ENOEXEC);
        EQ(try_exec("locked"), EACCES);
        EQ(try_exec("empty"), ENOEXEC);
        EQ(try_exec("dir"), EACCES);
        EQ(try_exec("plain/x"), ENOTDIR);
        EQ(try_exec("/dev/null"), EACCES);
    });
}

static void copy_self(const char *name)
{
    static char buf[4096];
    int from = open("/proc/self/exe", O_RDONLY),
        to = open(name, O_WRONLY | O_CREAT, 0755);
    OK(from);
    OK(to);
    for (ssize_t n; (n = read(from, buf, sizeof(buf))) > 0;)
        EQ(write(to, buf, (size_t)n), n);
    OK(close(from));
    OK(close(to));
}

TEST(exec_script, "interpreter scripts")
{
    char text[512];
    copy_self("prog");
    snprintf(text, sizeof(text), "#!%s/prog --helper-script\n", t_dir);
    OK(write_file("script", text, 0755));
    CHILD({
        char *argv[] = {"ignored", "one", NULL};
        execve("./script", argv, environ);
        FAIL("execve: %s", strerror(errno));
    });
    OK(write_file("lost", "#!/no/such/interpreter\n", 0755));
    OK(write_file("blank", "#!   \n", 0755));
    OK(write_file("self", "#!./self\n", 0755));
    CHILD({
        EQ(try_exec("./lost"), ENOENT);
        EQ(try_exec("./blank"), ENOEXEC);
        EQ(try_exec("./self"), ELOOP);
    });
    OK(write_file("second", "#!./script\n", 0755));
    CHILD(EQ(try_exec("./second"), 0));
}

TEST(R48, "a running program cannot be written, a written one not run")
{
    copy_self("prog");
    int ready[2];
    OK(pipe(ready));
    pid_t pid = t_fork();
    if (!pid) {
        char *argv[] = {"prog", "--helper-wait", NULL};
        dup2(ready[1], 1);
        execve("./prog", argv, environ);
        _exit(1);
    }
    char c;
    EQ(read(ready[0], &c, 1), 1);
    ERR(open("prog", O_RDWR), ETXTBSY);
    ERR(open("prog", O_RDONLY | O_TRUNC), ETXTBSY);
    ERR(open("prog", O_RDONLY | O_TRUNC | O_CREAT, 0755), ETXTBSY);
    ERR(truncate("prog", 0), ETXTBSY);
    OK(link("prog", "prog2"));
    ERR(open("prog2", O_WRONLY), ETXTBSY);
    OK(rename("prog2", "prog3"));
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    int fd = open("prog", O_RDWR);
    OK(fd);
    CHILD(EQ(try_exec("./prog"), ETXTBSY));
    void *shown = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(shown != MAP_FAILED);
    OK(close(fd)); /* the mapping keeps the description that may write */
    CHILD(EQ(try_exec("./prog"), ETXTBSY));
    OK(munmap(shown, P));
    fd = open("prog", O_RDONLY | O_TRUNC); /* counted, and given back */
    OK(fd);
    CHILD(EQ(try_exec("./prog"), ENOEXEC));
}

TEST(R48_shared,
     "nor as long as a child runs it whose parent has executed something else")
{
    copy_self("prog");
    copy_self("other");
    int ready[2];
    char c;
    OK(pipe(ready));
    OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t pid = t_fork();
    if (!pid) {
        char *argv[] = {"prog", "--helper-leave", NULL};
        setpgid(0, 0);
        dup2(ready[1], 1);
        execve("./prog", argv, environ);
        _exit(1);
    }
    EQ(read(ready[0], &c, 1), 1);
    EQ(read(ready[0], &c, 1), 1);
    ERR(open("other", O_WRONLY), ETXTBSY);
    ERR(open("prog", O_WRONLY), ETXTBSY);
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    OK(open("other", O_WRONLY));
    ERR(open("prog", O_WRONLY), ETXTBSY);
    OK(kill(-pid, SIGKILL));
    CHECK(waitpid(-pid, NULL, 0) > 0);
    OK(open("prog", O_WRONLY));
    OK(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

/* ---- groups and sessions ---- */
TEST(groups, "process groups and sessions")
{
    EQ(getpgrp(), getpid()); /* the harness made us a leader */
    ERR(setsid(), EPERM);
    pid_t parent_group = getpgrp();
    CHILD({
        EQ(getpgrp(), parent_group);
        OK(setpgid(0, 0));
        EQ(getpgrp(), getpid());
        OK(setpgid(0, parent_group));
        EQ(setsid(), getpid());
        EQ(getsid(0), getpid());
        EQ(getpgid(0), getpid());
        ERR(setpgid(0, 0), EPERM);
        ERR(setpgid(0, parent_group), EPERM);
    });
    ERR(setpgid(0, -1), EINVAL);
    ERR(setpgid(99999999, 0), ESRCH);
    ERR(getpgid(99999999), ESRCH);
    ERR(getsid(99999999), ESRCH);
}

TEST(group_kill, "kill of a whole group")
{
    pid_t pids[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = t_fork();
        if (!pids[i])
            for (;;)
                pause();
        OK(setpgid(pids[i], pids[0]));
    }
    OK(kill(-pids[0], SIGTERM));
    for (int i = 0; i < 3; i++)
        EQ(t_status_of(pids[i]), SIGTERM);
    ERR(kill(-pids[0], SIGTERM), ESRCH);
}

/* ---- small calls ---- */
TEST(ids, "identity, names, limits")
{
    struct utsname u;
    struct rlimit lim;
    OK(uname(&u));
    EQ(strcmp(u.sysname, "Linux"), 0);
    EQ(strcmp(u.machine, "x86_64"), 0);
    CHECK(u.release[0] >= '2' && u.release[0] <= '9');
    CHECK(getpid() > 0 && getppid() > 0);
    EQ(syscall(SYS_gettid), getpid());
    OK(getrlimit(RLIMIT_NOFILE, &lim));
    CHECK(lim.rlim_cur >= 256);
    struct rlimit low = {.rlim_cur = 20, .rlim_max = lim.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &low));
    int fd = -1;
    for (int i = 0; i < 30 && (fd = dup(0)) >= 0; i++)
        ;
    EQ(errno, EMFILE);
    low.rlim_cur = lim.rlim_max;
    low.rlim_max = lim.rlim_max - 1;
    ERR(setrlimit(RLIMIT_NOFILE, &low), EINVAL);
    ERR(syscall(SYS_prlimit64, 0, 99, NULL, &lim), EINVAL);
}

TEST(clocks, "clocks go forward, sleeping takes its time")
{
    struct timespec a, b;
    OK(clock_gettime(CLOCK_MONOTONIC, &a));
    for (int i = 0; i < 1000; i++) {
        OK(clock_gettime(CLOCK_MONOTONIC, &b));
        CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
        CHECK(b.tv_nsec >= 0 && b.tv_nsec < 1000000000);
        a = b;
    }
    uint64_t start = t_ns();
    t_nap(20000);
    CHECK(t_ns() - start >= 20000000);
    struct timespec bad = {.tv_nsec = 1000000000};
    ERR(nanosleep(&bad, NULL), EINVAL);
    ERR(syscall(SYS_clock_gettime, 77, &a), EINVAL);
    OK(clock_gettime(CLOCK_REALTIME, &a));
    EQ((uint64_t)time(NULL) - (uint64_t)a.tv_sec <= 1, 1);
}

TEST(sysinfo, "sysinfo, getrandom, getrusage")
{
    struct sysinfo si;
    struct rusage u;
    unsigned char x[32] = {0}, y[32] = {0};
    OK(sysinfo(&si));
    CHECK(si.totalram > si.freeram && si.freeram > 0 && si.mem_unit >= 1);
    EQ(syscall(SYS_getrandom, x, sizeof(x), 0), sizeof(x));
    EQ(syscall(SYS_getrandom, y, sizeof(y), 1), sizeof(y));
    CHECK(memcmp(x, y, sizeof(x)));
    OK(getrusage(RUSAGE_SELF, &u));
    OK(getrusage(RUSAGE_CHILDREN, &u));
    ERR(getrusage(5, &u), EINVAL);
}

TEST(sched, "busy processes share the CPU")
{
    volatile uint64_t *seen =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(seen != MAP_FAILED);
    pid_t pids[3];
    for (int i = 0; i < 3; i++) {
        pids[i] = t_fork();
        if (!pids[i])
            for (;;)
                seen[i]++;
    }
    while (!seen[0] || !seen[1] || !seen[2])
        ;
    for (int i = 0; i < 3; i++) {
        OK(kill(pids[i], SIGKILL));
        EQ(t_status_of(pids[i]), SIGKILL);
    }
}

int main(int argc, char **argv)
{
    if (argc >= 2 && !strcmp(argv[1], "--helper-script")) {
        bool nested = argc == 5 && !strcmp(argv[3], "./second");
        bool plain = argc == 4 && !strcmp(argv[2], "./script");
        return (nested || plain) && !strcmp(argv[argc - 1], "one") ? 0 : 94;
    }
    if (argc == 2 && !strcmp(argv[1], "--helper-leave") && fork()) {
        char *other[] = {"other", "--helper-wait", NULL};
        execve("./other", other, environ);
        return 1;
    }
    if (argc == 2 &&
        !strncmp(argv[1], "--helper-", 9)) { /* wait, or the child of leave */
        (void)!write(1, "r", 1);
        pause();
        return 0;
    }
    return t_main(argc, argv, helper);
}
