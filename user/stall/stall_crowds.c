/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: thousands of threads wait for one thing; a thread has thousands of
 * children; timers of used time.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stall.h"

enum { NTHREADS = 6000, NCHILDREN = 2000, NTIMERS = 4000 };

static int ends[2];
static pid_t child;

static void *sleeps(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *reads(void *arg)
{
    char c;

    while (read(ends[0], &c, 1) == 1)
        ;
    return arg;
}

static void *polls(void *arg)
{
    struct pollfd p = {ends[0], POLLIN, 0};

    poll(&p, 1, -1);
    return arg;
}

static void *waits(void *arg)
{
    waitpid(child, NULL, 0);
    return arg;
}

/* All of them sleep in fn when it returns. */
static void start(void *(*fn)(void *), int n)
{
    pthread_attr_t attr;
    pthread_t t;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    while (n-- && !pthread_create(&t, &attr, fn, NULL))
        ;
    usleep(100000);
}

/* In a process of its own, which ends with all its threads. */
static void apart(void (*fn)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        fn();
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void *waits_for_event(void *arg)
{
    struct epoll_event event;

    epoll_wait(ends[1], &event, 1, -1);
    return arg;
}

static void waiting_for_event(void)
{
    struct epoll_event event = {.events = EPOLLIN};

    ends[0] = eventfd(0, 0);
    ends[1] = epoll_create1(0);
    if (epoll_ctl(ends[1], EPOLL_CTL_ADD, ends[0], &event))
        die("epoll_ctl");
    start(waits_for_event, NTHREADS);
    eventfd_write(ends[0], 1);
    usleep(100000);
}

void crowd_epoll(void)
{
    apart(waiting_for_event);
}

static void reading(void)
{
    if (pipe(ends))
        die("pipe");
    start(reads, NTHREADS);
    if (write(ends[1], "x", 1) != 1)
        die("write");
    usleep(100000);
    close(ends[1]);
    usleep(100000);
}

void crowd_reads(void)
{
    apart(reading);
}

static void polling(void)
{
    ends[0] = eventfd(0, 0);
    start(polls, NTHREADS);
    eventfd_write(ends[0], 1);
    usleep(100000);
}

void crowd_polls(void)
{
    apart(polling);
}

static void waiting(void)
{
    child = fork();
    if (child == 0)
        sleeps(NULL);
    start(waits, NTHREADS);
    kill(child, SIGKILL);
    usleep(100000);
}

void crowd_waits(void)
{
    apart(waiting);
}

static int word, other_word;

static void *waits_for_word(void *arg)
{
    syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
    return arg;
}

static void waiting_for_word(void)
{
    start(waits_for_word, NTHREADS);
    if (syscall(SYS_futex, &word, 4 /* FUTEX_CMP_REQUEUE */, 0, NTHREADS, &other_word,
                0) < NTHREADS / 2)
        die("FUTEX_CMP_REQUEUE");
    syscall(SYS_futex, &other_word, 1 /* FUTEX_WAKE */, NTHREADS, NULL, NULL, 0);
    usleep(100000);
}

void crowd_futex(void)
{
    apart(waiting_for_word);
}

static int locks[NTHREADS];
static volatile int first_lock; /* each waits for a lock of its own */

static void *waits_to_own(void *arg)
{
    syscall(SYS_futex, &word, 11 /* FUTEX_WAIT_REQUEUE_PI */, 0, NULL, &other_word, 0);
    return arg;
}

static void *waits_for_one(void *arg)
{
    int mine = __sync_fetch_and_add(&first_lock, 1);

    syscall(SYS_futex, &locks[mine], 6 /* FUTEX_LOCK_PI */, 0, NULL, NULL, 0);
    return arg;
}

static void *owns_all(void *arg)
{
    int me = (int)syscall(SYS_gettid);

    for (int i = 0; i < NTHREADS; i++)
        locks[i] = me;
    start(waits_for_one, NTHREADS / 2);
    return arg; /* and all go to those who wait */
}

static void waiting_to_own(void)
{
    pthread_t t;

    other_word = (int)syscall(SYS_gettid);
    start(waits_to_own, NTHREADS / 2);
    if (syscall(SYS_futex, &word, 12 /* FUTEX_CMP_REQUEUE_PI */, 1, NTHREADS, &other_word,
                0) < NTHREADS / 4)
        die("FUTEX_CMP_REQUEUE_PI");
    if (pthread_create(&t, NULL, owns_all, NULL))
        die("thread");
    pthread_join(t, NULL);
    usleep(100000);
}

void crowd_owned(void)
{
    apart(waiting_to_own);
}

#define UFFDIO_API      _IOC(_IOC_READ | _IOC_WRITE, 0xaa, 0x3f, 24)
#define UFFDIO_REGISTER _IOC(_IOC_READ | _IOC_WRITE, 0xaa, 0, 32)
#define UFFDIO_WAKE     _IOC(_IOC_READ, 0xaa, 2, 16)
#define UFFDIO_ZEROPAGE _IOC(_IOC_READ | _IOC_WRITE, 0xaa, 4, 32)

static char *watched;

static void *touches(void *arg)
{
    *(volatile char *)watched;
    return arg;
}

static void monitoring(void)
{
    /* As in <linux/userfaultfd.h>, which musl does not have. */
    unsigned long api[3] = {0xaa}, range[4] = {0, P, 1 /* missing pages */};
    int monitor = (int)syscall(SYS_userfaultfd, 1 /* faults of programs only */);

    watched = map(P, RW, ANON, -1);
    range[0] = (uintptr_t)watched;
    if (monitor < 0 || ioctl(monitor, UFFDIO_API, api) ||
        ioctl(monitor, UFFDIO_REGISTER, range))
        die("userfaultfd");
    start(touches, NTHREADS);
    ioctl(monitor, UFFDIO_WAKE, range); /* they come back */
    range[2] = 0;
    usleep(100000);
    if (ioctl(monitor, UFFDIO_ZEROPAGE, range))
        die("UFFDIO_ZEROPAGE");
    usleep(100000);
}

void crowd_faults(void)
{
    apart(monitoring);
}

static void *has_children(void *arg)
{
    for (int i = 0; i < NCHILDREN; i++) {
        pid_t pid = fork();

        if (pid < 0)
            break;
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            sleeps(NULL);
        }
    }
    usleep(100000);
    return arg;
}

static void a_thread_ends(void)
{
    pthread_t t;

    if (pthread_create(&t, NULL, has_children, NULL))
        die("thread");
    pthread_join(t, NULL);
    while (wait(NULL) > 0)
        ;
}

void thread_with_children(void)
{
    apart(a_thread_ends);
}

static void using(void)
{
    static const char *const names[] = {"/proc/self/stat", "/proc/self/io"};
    struct rusage used;
    char text[1024];

    start(sleeps, NTHREADS);
    getrusage(RUSAGE_SELF, &used);
    for (int i = 0; i < 2; i++) {
        int fd = open(names[i], O_RDONLY);

        if (fd < 0 || read(fd, text, sizeof(text)) <= 0)
            die(names[i]);
        close(fd);
    }
    raise(SIGSTOP);
}

/* Its sums as it sees them itself, and as its parent is told. */
void usage_of_many(void)
{
    struct rusage used;
    pid_t pid = fork();

    if (pid == 0) {
        using();
        _exit(0);
    }
    if (wait4(pid, NULL, WUNTRACED, &used) != pid)
        die("wait4");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void timing(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    struct itimerspec at = {.it_value = {0, 1}, .it_interval = {0, 1000000}};
    clock_t end = clock() + CLOCKS_PER_SEC / 5;
    timer_t id;

    signal(SIGRTMIN, SIG_IGN);
    start(sleeps, 1000);
    for (int i = 0; i < NTIMERS; i++)
        if (timer_create(i % 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID, &ev,
                         &id) ||
            timer_settime(id, 0, &at, NULL))
            break;
    while (clock() < end)
        ;
}

void used_time(void)
{
    apart(timing);
}

/* All threads of a process are traced, and nothing happens in them. */
void many_tracees(void)
{
    int pipes[2];
    char path[64];
    struct dirent *e;
    pid_t pid;
    DIR *dir;
    char c;

    if (pipe(pipes) || (pid = fork()) < 0)
        die("fork");
    if (pid == 0) {
        start(sleeps, NTHREADS);
        (void)!write(pipes[1], "x", 1);
        sleeps(NULL);
    }
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    if (read(pipes[0], &c, 1) != 1 || !(dir = opendir(path)))
        die(path);
    while ((e = readdir(dir)) != NULL)
        if (*e->d_name != '.' && ptrace(PTRACE_SEIZE, atoi(e->d_name), 0, 0))
            die("seize");
    closedir(dir);
    for (int i = 0; i < 3; i++)
        if (waitpid(-1, NULL, WNOHANG | __WALL) != 0 ||
            waitpid(pid, NULL, WNOHANG | __WALL) != 0)
            die("wait");
    kill(pid, SIGKILL);
    while (waitpid(-1, NULL, __WALL) > 0)
        ;
    close(pipes[0]);
    close(pipes[1]);
}
