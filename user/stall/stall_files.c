/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: many files, names, locks, mounts, segments.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "stall.h"

void many_polled(void)
{
    struct pollfd fds[1000];
    int zero = open("/dev/zero", O_RDONLY);

    for (int i = 0; i < 1000; i++)
        fds[i] = (struct pollfd){.fd = i ? dup(zero) : zero, .events = POLLIN};
    poll(fds, 1000, 0);
    syscall(SYS_close_range, zero, ~0u, 0);
}

/* A process ends with as many files as it may have. */
void many_open(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit r;

        getrlimit(RLIMIT_NOFILE, &r);
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
        while (open("/dev/null", O_RDONLY) >= 0)
            ;
        if (fork() == 0)
            _exit(0);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void name_of(char *name, int i)
{
    sprintf(name, "/tmp/stall/%d", i);
}

void big_directory(void)
{
    struct stat st;
    char name[64];
    DIR *d;

    if (mkdir("/tmp/stall", 0700) || mknod("/tmp/stall/0", S_IFREG | 0600, 0))
        die("/tmp/stall");
    for (int i = 1; i < 100000; i++) {
        name_of(name, i);
        if (link("/tmp/stall/0", name))
            die(name);
    }
    d = opendir("/tmp/stall");
    for (int i = 0; i < 3; i++) {
        while (readdir(d))
            ;
        seekdir(d, 90000);
    }
    closedir(d);
    stat("/tmp/stall/none", &st);
    for (int i = 0; i < 100000; i++) {
        name_of(name, i);
        unlink(name);
    }
    rmdir("/tmp/stall");
}

static void lock_range(int fd, int call, int type, off_t start, off_t len)
{
    struct flock l = {
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

    if (fcntl(fd, call, &l))
        die("lock");
}

/* Records of a process and of another open file on one file, in turn, over one another. */
void many_locks(void)
{
    enum { N = 100000, OFD_SETLK = 37 };
    char name[64];
    int fd = file(P), other;

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    other = open(name, O_RDWR);
    for (int i = 0; i < N; i++) {
        lock_range(fd, F_SETLK, i % 5 ? F_RDLCK : F_WRLCK, 2 * (off_t)i, 1);
        if (i % 5)
            lock_range(other, OFD_SETLK, F_RDLCK, 2 * (off_t)i, 2);
    }
    lock_range(fd, F_GETLK, F_WRLCK, 0, 0);
    lock_range(other, OFD_SETLK, F_UNLCK, 0, 0);
    lock_range(fd, F_GETLK, F_WRLCK, 0, 0);
    lock_range(fd, F_SETLK, F_RDLCK, 0, 0); /* all become one */
    for (int i = 0; i < N; i++)
        lock_range(fd, F_SETLK, F_UNLCK, 2 * (off_t)i, 1);
    close(dup(fd)); /* all go */
    close(other);
    close(fd);
}

/* Two thousand processes wait for one lock, then get it one after the other. */
static int wait_fd;

static void wait_for_lock(void)
{
    lock_range(wait_fd, F_SETLKW, F_WRLCK, 0, 1);
}

void many_lock_waiters(void)
{
    wait_fd = file(P);
    lock_range(wait_fd, F_SETLK, F_WRLCK, 0, 1);
    start_children(wait_for_lock);
    for (int i = 0; i < 100; i++)
        lock_range(wait_fd, F_SETLK, F_WRLCK, 10 + 2 * i, 1);
    close(wait_fd);
    end_children();
}

void many_mounts(void)
{
    char name[64], c[4096];
    int n, fd;

    mkdir("/tmp/stall", 0700);
    for (n = 0; n < 2000; n++)
        if (mount("none", "/tmp/stall", "tmpfs", 0, NULL))
            break;
    fd = open("/proc/self/mountinfo", O_RDONLY);
    while (read(fd, c, sizeof(c)) > 0)
        ;
    close(fd);
    name_of(name, 1);
    close(open(name, O_CREAT | O_RDWR, 0600));
    sync();
    while (n-- > 0)
        umount2("/tmp/stall", MNT_DETACH);
    rmdir("/tmp/stall");
}

/* Forty links, each of them a long way. */
void link_chain(void)
{
    char target[4096], name[64];
    size_t len;

    mkdir("/tmp/stall", 0700);
    for (int i = 0; i < 40; i++) {
        for (len = 0; len < 4000;)
            len += (size_t)sprintf(target + len, "../stall/");
        sprintf(target + len, "%d", i + 1);
        name_of(name, i);
        if (symlink(target, name))
            die("symlink");
    }
    close(open("/tmp/stall/0", O_RDONLY));
    for (int i = 0; i < 40; i++) {
        name_of(name, i);
        unlink(name);
    }
    rmdir("/tmp/stall");
}

/* Runs itself with `n` arguments and `m` words of environment, each of the given text. */
static void run_with(const char *text, size_t n, const char *more, size_t m, rlim_t stack)
{
    char **argv = calloc(n + 3, sizeof(*argv)), **envp = calloc(m + 1, sizeof(*envp));
    pid_t pid;

    if (!argv || !envp)
        die("calloc");
    argv[0] = (char *)"stall";
    argv[1] = (char *)"no such row";
    for (size_t i = 0; i < n; i++)
        argv[i + 2] = (char *)text;
    for (size_t i = 0; i < m; i++)
        envp[i] = (char *)more;
    pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_STACK, &(struct rlimit){stack, stack});
        execve("/proc/self/exe", argv, envp);
        die("exec");
    }
    waitpid(pid, NULL, 0);
    free(argv);
    free(envp);
}

/* The most that fits: long strings, tiny ones, both ways, also with a larger stack. */
void big_exec(void)
{
    enum { LONGEST = 131072 };
    char *text = malloc(LONGEST);

    memset(text, 'x', LONGEST - 1);
    text[LONGEST - 1] = 0;
    run_with(text, 1, "y", 0, 8 * MIB);
    run_with(text, 12, "y", 50000, 8 * MIB);
    run_with("y", 170000, text, 1, 8 * MIB);
    run_with("", 600000, text, 5, 64 * MIB);
    run_with("y", 0, "", 690000, 64 * MIB);
    run_with(text, 47, "", 0, 64 * MIB);
    text[LONGEST / 2] = 0;
    run_with(text, 90, "", 0, 64 * MIB);
    free(text);
}

void many_segments(void)
{
    enum { N = 4000 };
    static void *at[N];
    static int ids[N];
    int n;

    for (n = 0; n < N; n++) {
        ids[n] = shmget(IPC_PRIVATE, P, 0600);
        if (ids[n] < 0)
            break;
        at[n] = shmat(ids[n], NULL, 0);
        if (at[n] == (void *)-1)
            die("shmat");
    }
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    for (int i = 0; i < n; i++) {
        shmctl(ids[i], IPC_RMID, NULL);
        shmdt(at[i]);
    }
}

/* One file has as many as a program can make. */
void many_attributes(void)
{
    int fd = open("/tmp/stall", O_CREAT | O_RDWR, 0600);
    char name[32];

    if (fd < 0)
        die("/tmp/stall");
    for (int i = 0; i < 40000; i++) {
        snprintf(name, sizeof(name), "user.attribute.%d", i);
        if (fsetxattr(fd, name, "x", 1, 0))
            die("fsetxattr");
    }
    flistxattr(fd, NULL, 0);
    if (fgetxattr(fd, name, name, sizeof(name)) != 1)
        die("fgetxattr");
    unlink("/tmp/stall");
    close(fd);
}

/* Each in the one before: names of the last, a move of the first below it. */
void deep_directories(void)
{
    enum { DEPTH = 150000 };
    char text[P];
    int top = open("/tmp", O_DIRECTORY), fd = top;

    for (int i = 0; i < DEPTH; i++) {
        int next;

        if (mkdirat(fd, "d", 0700) || (next = openat(fd, "d", O_DIRECTORY)) < 0)
            die("mkdirat");
        if (fd != top)
            close(fd);
        fd = next;
    }
    if (fchdir(fd) || syscall(SYS_getcwd, text, sizeof(text)) >= 0)
        die("getcwd");
    readlink("/proc/self/cwd", text, sizeof(text));
    if (renameat(top, "d", fd, "e") == 0 || renameat(fd, "..", top, "d") == 0)
        die("renameat");
    for (int i = 0; i < DEPTH; i++) {
        int up = openat(fd, "..", O_DIRECTORY);

        close(fd);
        if (up < 0 || unlinkat(fd = up, "d", AT_REMOVEDIR))
            die("unlinkat");
    }
    if (fchdir(fd))
        die("fchdir");
    close(fd);
    close(top);
}
