/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: stops and signals of many.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stall.h"

enum { NTHREADS = 6000, NSIGNALS = 300000 };

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/* A process of many threads stops, goes on, and is killed while it is stopped. */
void stop_threads(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_attr_t attr;
        pthread_t t;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 16384);
        for (int i = 0; i < NTHREADS; i++)
            if (pthread_create(&t, &attr, idle, NULL))
                break;
        kill(getpid(), SIGSTOP);
        idle(NULL);
    }
    for (int i = 0; i < 3; i++) {
        waitpid(pid, NULL, WUNTRACED);
        kill(pid, SIGCONT);
        waitpid(pid, NULL, WCONTINUED);
        usleep(1000);
        kill(pid, SIGSTOP);
    }
    waitpid(pid, NULL, WUNTRACED);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void stay(void)
{
    idle(NULL);
}

/* The keys of a terminal speak to a group of many processes. */
void terminal_keys(void)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0;
    char name[32] = "/dev/pts/";
    unsigned n;
    pid_t pid;

    if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) || ioctl(master, TIOCGPTN, &n))
        die("ptmx");
    for (int i = 9, div = 100; div; div /= 10)
        if (n >= (unsigned)div || div == 1)
            name[i++] = (char)('0' + n / (unsigned)div % 10);
    pid = fork();
    if (pid == 0) {
        setsid();
        if (open(name, O_RDWR) < 0)
            _exit(1);
        start_children(stay);
        raise(SIGSTOP);
        idle(NULL);
    }
    waitpid(pid, NULL, WUNTRACED);
    if (write(master, "\032", 1) != 1)
        die("^Z");
    kill(pid, SIGCONT);
    if (write(master, "\003", 1) != 1)
        die("^C");
    waitpid(pid, NULL, 0);
    close(master);
}

/* All of our signals, as a tracer of a child with the same would. */
static void look_at_pending(void)
{
    static siginfo_t info[100];
    struct {
        unsigned long off;
        unsigned flags;
        int nr;
    } last = {NSIGNALS - 10, 1 /* of the process */, 100};
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_SEIZE, parent, 0, 0) ||
            ptrace(PTRACE_INTERRUPT, parent, 0, 0) ||
            waitpid(parent, NULL, __WALL) != parent)
            _exit(1);
        ptrace(PTRACE_PEEKSIGINFO, parent, &last, info);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* Queued signals of mixed numbers: taken, dropped by ignoring them, left behind by exit. */
void queued_signals(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t set;

        setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (int i = 0; i < NSIGNALS; i++)
            if (sigqueue(getpid(), 63 - i % 4, (union sigval){.sival_int = i}))
                break;
        look_at_pending();
        sigemptyset(&set);
        sigaddset(&set, 61);
        for (int i = 0; i < 1000; i++)
            sigwaitinfo(&set, NULL);
        signal(62, SIG_IGN);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* Thousands of dead children, in the opposite order, find another parent. */
void dead_children(void)
{
    pid_t pid;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid = fork();
    if (pid == 0) {
        start_children(stay);
        end_in_reverse();
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* Waits that none of them is meant by. */
void not_meant(void)
{
    enum { DEAD = 2000 };
    pid_t last = 0;

    for (int i = 0; i < DEAD; i++) {
        last = fork();
        if (last < 0)
            die("fork");
        if (last == 0)
            _exit(0);
    }
    waitid(P_PID, (id_t)last, NULL, WEXITED | WNOWAIT);
    if (waitpid(-1, NULL, WNOHANG | __WCLONE) != -1 ||
        waitpid(-999999, NULL, WNOHANG | WUNTRACED | WCONTINUED) != -1)
        die("wait for nobody");
    while (wait(NULL) > 0)
        ;
}

static int master, slave;

/* Takes what has come out. */
static void drain(void)
{
    static char out[8192];

    while (read(master, out, sizeof(out)) > 0)
        ;
}

static void type(const char *text, size_t n)
{
    if (write(master, text, n) < 0)
        die("write to a terminal");
    drain();
}

/* A long line is erased, shown again, erased behind a far column; a flood of such keys. */
void typed_lines(void)
{
    static char line[4000];
    int off = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &off))
        die("/dev/ptmx");
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (slave < 0)
        die("TIOCGPTPEER");
    for (int i = 0; i < 3; i++) {
        memset(line, i == 0 ? '\t' : i == 1 ? 'a' : ' ', sizeof(line));
        type(line, sizeof(line));
        type("\x12", 1);
        type(i ? "\x17" : "\x15", 1);
    }
    type("a", 1);
    for (int i = 0; i < 100; i++) {
        if (write(slave, line, sizeof(line)) < 0)
            die("write to a terminal");
        drain();
    }
    type("\x7f", 1);
    type(line, sizeof(line));
    memset(window, '\x12', 2 * MIB);
    type(window, 256);
    memset(window, '\x15', 2 * MIB);
    type(window, MIB);
    close(slave);
    close(master);
}
