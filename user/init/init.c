/* SPDX-License-Identifier: MIT
 *
 * The first process. With a program in /etc/tessera/run (put there by tools/run) it runs
 * that one with its streams on the host's ports, tells its end on the status port and
 * switches the machine off. Otherwise it keeps a shell on the console; `suite` on the
 * kernel's command line runs the userland suite before, `selftest` a part of it and then
 * switches off: QEMU's status is 33 only when all of it passed.
 */
#include "host.h"
#include "terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_FILE   "/etc/tessera/run"
#define STDIN_FILE "/etc/tessera/stdin"
#define WORK_DIR   "/tmp/run"
#define ARGS_MAX   (256 * 1024)

static char term[64] = "TERM=vt100"; /* the kernel knows what the console is */
static char lang[64] = "LANG=C";
static char pwd[4 + PATH_MAX] = "PWD=" WORK_DIR;
static char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    term,
    pwd,
    lang,
    NULL};

static void say(int fd, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0 && write(fd, text, (size_t)n) < 0)
        return;
}

static _Noreturn void end_machine(int command)
{
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    reboot(command);
    for (;;)
        pause();
}

/* Busybox' halt, poweroff and reboot ask with signals, Ctrl-Alt-Del with SIGINT. Everything
 * done here may be done in a handler. */
static void on_signal(int sig)
{
    end_machine(sig == SIGTERM || sig == SIGINT ? RB_AUTOBOOT : RB_POWER_OFF);
}

/* Waits for one child and reaps every orphan on the way. */
static int wait_for(pid_t child)
{
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, 0);

        if (pid == child)
            return status;
        if (pid < 0 && errno != EINTR)
            return 127 << 8;
    }
}

static void mount_all(void)
{
    mkdir("/dev", 0755);
    mkdir("/proc", 0555);
    mkdir("/sys", 0555);
    mkdir("/tmp", 0777);
    chmod("/tmp", 01777);
    mkdir(WORK_DIR, 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
    mount("devpts", "/dev/pts", "devpts", 0, NULL);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void move_fd(int from, int to)
{
    if (from == to)
        return;
    dup2(from, to);
    close(from);
}

/* Opens the first of the names that exists as descriptor `to`. */
static void open_as(int to, int flags, const char *const *names)
{
    for (; *names; names++) {
        int fd = open(*names, flags);

        if (fd >= 0) {
            move_fd(fd, to);
            return;
        }
    }
}

/* The words of RUN_FILE: path, then argv. NULL when there is none. */
static char **read_args(void)
{
    int fd = open(RUN_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = malloc(ARGS_MAX + 1);
    ssize_t n, len = 0;
    while (text && (n = read(fd, text + len, (size_t)(ARGS_MAX - len))) > 0)
        len += n;
    close(fd);
    size_t words = 0;
    for (ssize_t i = 0; text && i < len; i++)
        words += !text[i];
    char **args = calloc(words + 1, sizeof(*args));
    if (!text || !args || words < 2)
        return NULL;
    char *at = text;
    for (size_t i = 0; i < words; i++, at += strlen(at) + 1)
        args[i] = at;
    return args;
}

/* The machine is called what /etc/hosts of the files that the program sees knows. */
static void take_name(void)
{
    char name[65];
    int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);

    if (fd >= 0)
        close(fd);
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (*name)
        sethostname(name, strlen(name));
}

static _Noreturn void run_program(char **args)
{
    const char *status_port[] = {"/dev/host3", "/dev/console", NULL};
    const char *in[] = {STDIN_FILE, "/dev/host0", "/dev/null", NULL};
    const char *out[] = {"/dev/host1", "/dev/console", NULL};
    const char *err[] = {"/dev/host2", "/dev/console", NULL};

    struct terminal terminal;

    open_as(3, O_WRONLY | O_CLOEXEC, status_port);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    bool on_terminal = terminal_open(&terminal);
    if (on_terminal) {
        memcpy(term, terminal.term, sizeof(term));
        memcpy(lang, terminal.lang, sizeof(lang));
        terminal_start(&terminal);
    }
    say(3, "start\n");
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        open_as(0, O_RDONLY, in);
        open_as(1, O_WRONLY, out);
        open_as(2, O_WRONLY, err);
        if (on_terminal)
            terminal_enter(&terminal);
        const char *what = args[0];
        if (chdir(WORK_DIR) == 0 && host_enter(&what) == 0) {
            take_name();
            if (!getcwd(pwd + 4, sizeof(pwd) - 4))
                *pwd = '\0';
            execve(what = args[0], args + 1, environment);
        }
        say(2, "init: %s: %s\n", what, strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
    }
    if (pid < 0) {
        say(3, "error fork: %s\n", strerror(errno));
        end_machine(RB_POWER_OFF);
    }
    int status = wait_for(pid);
    if (on_terminal)
        terminal_finish(&terminal);
    if (WIFSIGNALED(status))
        say(3, "signal %d\n", WTERMSIG(status));
    else
        say(3, "exit %d\n", WEXITSTATUS(status));
    end_machine(RB_POWER_OFF);
}

/* Whether the word stands alone on the kernel's command line. */
static bool cmdline_has(const char *word)
{
    static char text[4096];
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *at = strtok(text, " \n"); at; at = strtok(NULL, " \n"))
        if (!strcmp(at, word))
            return true;
    return false;
}

/* A program on the console in a session of its own; its wait status. */
static int on_console(const char *path, char *const argv[], const char *dir)
{
    pid_t pid = fork();

    if (pid == 0) {
        const char *console[] = {"/dev/console", NULL};

        setsid();
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        open_as(0, O_RDWR, console);
        ioctl(0, TIOCSCTTY, 0);
        dup2(0, 1);
        dup2(0, 2);
        if (chdir(dir) != 0)
            say(2, "init: %s: %s\n", dir, strerror(errno));
        execve(path, argv, environment);
        say(2, "init: %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    return pid < 0 ? 127 << 8 : wait_for(pid);
}

int main(void)
{
    mount_all();
    if (getenv("TERM"))
        snprintf(term, sizeof(term), "TERM=%s", getenv("TERM"));
    const char *console[] = {"/dev/console", NULL};
    for (int fd = 0; fd < 3; fd++)
        open_as(fd, O_RDWR, console);
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    char **args = read_args();
    if (args)
        run_program(args);
    sethostname("tessera", 7);
    char *const quick[] = {"suite", "t_mmap", "t_remap_basic", "t_process", NULL};
    char *const suite[] = {"suite", NULL}, *const brief[] = {"suite", "-q", NULL};
    if (cmdline_has("selftest")) {
        int status = on_console("/bin/suite", quick, "/tmp");

        say(1, "selftest: %s\n", status == 0 ? "passed" : "failed");
        end_machine(status == 0 ? RB_POWER_OFF : RB_AUTOBOOT);
    }
    if (cmdline_has("suite"))
        on_console("/bin/suite", suite, "/tmp");
    if (cmdline_has("suite=brief"))
        on_console("/bin/suite", brief, "/tmp");
    say(1, "\nTessera: `poweroff` ends, `ls /bin` shows what is here.\n\n");
    for (;;) {
        char *const shell[] = {"-sh", NULL};

        on_console("/bin/sh", shell, "/root");
        usleep(200000);
    }
}
