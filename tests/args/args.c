/* SPDX-License-Identifier: MIT
 *
 * The argument oracle: every system call of kernel/syscall_table.h with edge values for each
 * argument and bad addresses for each pointer. One line for each trial: call, argument, value,
 * result. The lines of Linux are recorded in linux.txt; args.py compares.
 *
 * calls.h says what the arguments of each call are when they are right. A trial changes one
 * of them. Every trial is a child of its own with a time limit, in fresh files, as uid 65534
 * or as root, so that nothing it does lasts. What reaches beyond the child (signals to others, changes of
 * the machine) is not in the table.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define P 4096ul

static const struct call {
    const char *name;
    int number;
    const char *args;
} calls[] = {
#define CALL(number, name, args) {#name, number, args},
#include "tests/args/calls.h"
#undef CALL
};

struct value {
    const char *name;
    uint64_t value;
};

static char *good, *read_only, *none, *edge, *beyond;
static int file_fd, dir_fd, pipe_fd, pipe_in_fd, path_fd, read_fd, write_fd, epoll_fd,
    timer_fd, socket_fd, pid_fd;

static const struct value numbers[] = {
    {"0", 0},
    {"1", 1},
    {"7", 7},
    {"4095", 4095},
    {"4096", 4096},
    {"2^31-1", 0x7fffffff},
    {"2^31", 0x80000000},
    {"2^32-1", 0xffffffff},
    {"2^32", 1ull << 32},
    {"2^47", 1ull << 47},
    {"2^63-1", INT64_MAX},
    {"2^63", 1ull << 63},
    {"-4096", (uint64_t)-4096},
    {"-1", (uint64_t)-1},
};

/* ---- the values that are wrong ---- */
static struct value bad_address(int k)
{
    const struct value list[] = {
        {"NULL", 0},
        {"one", 1},
        {"unmapped", 0x10000000},
        {"read-only", (uintptr_t)read_only},
        {"PROT_NONE", (uintptr_t)none},
        {"kernel", 0xffffffff80100000},
        {"upper-half", 0xffff800000000000},
        {"non-canonical", 0x800000000000},
        {"top", 0x7ffffffff000},
        {"below-top", 0x7fffffffeffd},
        {"page-end", (uintptr_t)edge + P - 3},
        {"beyond-eof", (uintptr_t)beyond + P},
        {"physical", 0xfee00000},
        {"wraps", (uint64_t)-8},
        {"garbage", 0xdead00000000beef},
    };
    return k < (int)(sizeof(list) / sizeof(*list)) ? list[k] : (struct value){0};
}

static struct value bad_fd(int k)
{
    const struct value list[] = {
        {"-1", (uint64_t)-1},
        {"AT_FDCWD", (uint64_t)-100},
        {"-2^31", 0x80000000},
        {"999", 999},
        {"2^32+file", (1ull << 32) + (unsigned)file_fd},
        {"dir", (unsigned)dir_fd},
        {"pipe-read", (unsigned)pipe_fd},
        {"O_PATH", (unsigned)path_fd},
        {"O_RDONLY", (unsigned)read_fd},
        {"O_WRONLY", (unsigned)write_fd},
    };
    return k < (int)(sizeof(list) / sizeof(*list)) ? list[k] : (struct value){0};
}

static char bit_name[16];

static struct value trial_value(char kind, int k)
{
    if (kind && strchr("wrsvi", kind))
        return bad_address(k);
    if (kind == 'f')
        return bad_fd(k);
    if (kind == 'b') { /* flags: bit by bit */
        if (k >= 34)
            return (struct value){0};
        snprintf(bit_name, sizeof(bit_name), "bit%d", k);
        return (struct value){bit_name, 1ull << k};
    }
    if (kind == 'q') { /* a process: none, ourselves by 0, never another's */
        const struct value list[] = {{"0", 0}, {"-1", (uint64_t)-1}, {"2^30", 1u << 30}};
        return k < 3 ? list[k] : (struct value){0};
    }
    if (kind == 'n' && k < (int)(sizeof(numbers) / sizeof(*numbers)))
        return numbers[k];
    return (struct value){0};
}

/* ---- the values that are right ---- */
static uint64_t right_value(const char *word, int slot)
{
    char *at = good + P * (unsigned)(slot + 1);
    memset(at, 0, 512);
    switch (word[0]) {
    case 'w':
    case 'r':
        *(uint64_t *)at = strtoull(word + 1, NULL, 0);
        return (uintptr_t)at;
    case 's': /* a name: that of a file, or after "s=" its own */
        strcpy(at, word[1] == '=' ? word + 2 : "file");
        return (uintptr_t)at;
    case 'v': /* an empty vector of strings */
        return (uintptr_t)at;
    case 'i': { /* two iovecs */
        uint64_t vec[4] = {(uintptr_t)good, 8, (uintptr_t)good + 100, 8};
        memcpy(at, vec, sizeof(vec));
        return (uintptr_t)at;
    }
    case 'f':
        return word[1] == 'd'   ? (uint64_t)dir_fd
               : word[1] == 'p' ? (uint64_t)pipe_fd
               : word[1] == 'w' ? (uint64_t)pipe_in_fd
               : word[1] == 'c' ? (uint64_t)-100
               : word[1] == 'e' ? (uint64_t)epoll_fd
               : word[1] == 't' ? (uint64_t)timer_fd
               : word[1] == 'u' ? (uint64_t)socket_fd
               : word[1] == 'g' ? (uint64_t)pid_fd
                                : (uint64_t)file_fd;
    case 'm': /* an address that is right; not tried as a pointer */
        return (uintptr_t)good;
    case 'p':
        return (uint64_t)getpid();
    default: /* n5, b0, =3: a number */
        return strtoull(word + 1, NULL, 0);
    }
}

static long raw(long nr, const uint64_t *a)
{
    long result;
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4],
                          r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void set_up_child(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    int ends[2], sockets[2];
    if (chdir("d") || pipe(ends))
        _exit(99);
    pipe_fd = ends[0];
    pipe_in_fd = ends[1];
    dir_fd = open(".", O_RDONLY | O_DIRECTORY);
    path_fd = open("file", O_PATH);
    file_fd = open("file", O_RDWR);
    read_fd = open("file", O_RDONLY);
    write_fd = open("file", O_WRONLY);
    if (write(ends[1], "abc", 3) != 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
        _exit(99);
    socket_fd = sockets[0];
    epoll_fd = epoll_create1(0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pid_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    sigaction(SIGALRM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit few = {0, 0}, time = {2, 3}, files = {1024, 1024};
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_CORE, &few);
    setrlimit(RLIMIT_CPU, &time);
}

/* Does the trial; false: there is none of that number. */
static bool trial(const struct call *c, int slot, int k, int out)
{
    char text[128], *save = NULL;
    uint64_t a[6] = {0};
    char kind = 0;
    int n = 0;
    strcpy(text, c->args);
    for (char *w = strtok_r(text, " ", &save); w && n < 6;
         w = strtok_r(NULL, " ", &save)) {
        a[n] = right_value(w, n);
        if (n++ == slot)
            kind = w[0];
    }
    struct value v = slot < 0 ? (struct value){"right", 0} : trial_value(kind, k);
    if (!v.name)
        return false;
    if (slot >= 0)
        a[slot] = v.value;
    int len = snprintf(text, sizeof(text), "%s %d %s ", c->name, slot, v.name);
    if (write(out, text, (size_t)len) < 0)
        return false;
    struct itimerval limit = {{0, 100000}, {0, 100000}}, off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &limit, NULL);
    long result = raw(c->number, a);
    setitimer(ITIMER_REAL, &off, NULL);
    if (result < 0 && result > -4096)
        len = snprintf(text, sizeof(text), "E%ld", -result);
    else
        len = snprintf(text, sizeof(text), "%s", result ? "positive" : "0");
    return write(out, text, (size_t)len) > 0;
}

static bool run_trial(const struct call *c, int slot, int k)
{
    char line[256] = "";
    int ends[2], status = 0;
    size_t got = 0;
    ssize_t n;
    fflush(stdout);
    chmod("d", 0755);
    removexattr("d", "user.a"); /* what a trial of another call may have left */
    unlink("d/file");
    unlink("d/new");
    rmdir("d/new");
    int fd = open("d/file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || pipe(ends))
        exit(98);
    for (int i = 0; i < 8; i++)
        (void)!write(fd, "0123456789abcdef", 16);
    close(fd);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        set_up_child();
        _exit(trial(c, slot, k, ends[1]) ? 0 : 97);
    }
    close(ends[1]);
    while ((n = read(ends[0], line + got, sizeof(line) - 1 - got)) > 0)
        got += (size_t)n;
    close(ends[0]);
    waitpid(pid, &status, 0);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    if (!got)
        return false;
    if (status && WIFSIGNALED(status))
        printf("%ssignal %d\n", line, WTERMSIG(status));
    else
        printf("%s\n", line);
    return true;
}

static void make_memory(void)
{
    good = mmap((void *)0x200000000000, 16 * P, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    read_only = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    none = mmap(NULL, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(edge, 'x', P);
    munmap(edge + P, P);
    int fd = memfd_create("short", 0);
    if (ftruncate(fd, (off_t)P))
        exit(96);
    beyond = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
}

/* What would change the machine for everybody, were it done by root. */
static bool reaches_others(const char *name)
{
    static const char *const names[] = {
        "settimeofday", "clock_settime", "sethostname",  "setdomainname", "mount",
        "umount2",      "reboot",        "syslog",       "sync",          "unshare",
        "syncfs",       "adjtimex",      "clock_adjtime"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

/* args [CALL], as uid 65534; args root [CALL] */
int main(int argc, char **argv)
{
    bool root = argc > 1 && !strcmp(argv[1], "root");
    char dir[64];
    argc -= root;
    argv += root;
    snprintf(dir, sizeof(dir), "/dev/shm/args.%d", getpid());
    if (mkdir(dir, 0700)) {
        snprintf(dir, sizeof(dir), "/tmp/args.%d", getpid());
        mkdir(dir, 0700);
    }
    if (!root && getuid() == 0 &&
        (chown(dir, 65534, 65534) || setgroups(0, NULL) || setgid(65534) ||
         setuid(65534)))
        return 95;
    umask(022);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (chdir(dir) || mkdir("d", 0755))
        return 94;
    make_memory();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (argc > 1 && strcmp(argv[1], calls[i].name) != 0)
            continue;
        if (root && reaches_others(calls[i].name))
            continue;
        run_trial(&calls[i], -1, 0);
        for (int slot = 0; slot < 6; slot++) {
            for (int k = 0; run_trial(&calls[i], slot, k); k++)
                continue;
        }
    }
    fflush(stdout);
    (void)!system("exec 2>&-; cd /; rm -rf \"$OLDPWD\"");
    puts("done");
    return 0;
}
