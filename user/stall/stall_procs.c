/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: many processes and threads.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stall.h"

enum { NPROCS = 2000 };

static pid_t pids[NPROCS];

static void sleep_for_ever(void)
{
    for (;;)
        pause();
}

void start_children(void (*fn)(void))
{
    for (int i = 0; i < NPROCS; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            die("fork");
        if (pids[i] == 0) {
            fn();
            _exit(0);
        }
    }
}

void end_in_reverse(void)
{
    for (int i = NPROCS - 1; i >= 0; i--) {
        kill(pids[i], SIGKILL);
        waitid(P_PID, (id_t)pids[i], NULL, WEXITED | WNOWAIT);
    }
}

void end_children(void)
{
    for (int i = 0; i < NPROCS; i++)
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
}

/* The last one leaves a child behind, to the nearest ancestor that asked for it. */
static void nest(int depth)
{
    pid_t self = getpid(), pid = depth ? vfork() : fork();

    if (pid < 0)
        die("vfork");
    if (pid == 0 && depth) {
        nest(depth - 1);
        _exit(0);
    }
    while (pid == 0 && getppid() == self)
        usleep(1000);
    if (pid == 0)
        _exit(0);
    if (depth)
        waitpid(pid, NULL, 0);
}

void nested_children(void)
{
    int fd = open("/proc/sys/kernel/threads-max", O_WRONLY);

    if (write(fd, "32000", 5) != 5)
        die("threads-max");
    close(fd);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    nest(15 * NPROCS);
    while (wait(NULL) > 0)
        ;
}

void many_children(void)
{
    for (int n = 0; n < 400; n++)
        if (fork() == 0)
            _exit(0);
    while (wait(NULL) > 0)
        ;
}

void wait_nohang(void)
{
    start_children(sleep_for_ever);
    for (int i = 0; i < 100; i++)
        waitpid(-1, NULL, WNOHANG);
    end_children();
}

void kill_all(void)
{
    start_children(sleep_for_ever);
    kill(-1, 0);
    kill(-1, SIGCONT);
    end_children();
}

static void group_then_sleep(void)
{
    sleep_for_ever();
}

void kill_group(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGUSR1, SIG_IGN);
        start_children(group_then_sleep);
        kill(0, SIGUSR1);
        kill(0, SIGKILL);
    }
    waitpid(pid, NULL, 0);
}

/* What ps and top read of each process. */
static void read_stats(void)
{
    DIR *d = opendir("/proc");
    char name[300], text[4096];
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        for (int i = 0; i < 2; i++) {
            int fd;

            snprintf(name, sizeof(name), "/proc/%s/%s", e->d_name,
                     i ? "stat" : "cmdline");
            fd = open(name, O_RDONLY);
            /* Killed processes have memory until they are gone. */
            if (fd >= 0 && read(fd, text, sizeof(text)) < 0 && errno != ENOMEM)
                die(name);
            close(fd);
        }
    }
    closedir(d);
}

/* Ten thousand processes, made by each other. */
void fork_bomb(void)
{
    enum { BOMB = 10000 };
    static volatile int *made;
    pid_t first;

    made = (int *)map(P, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
    first = fork();
    if (first == 0) {
        setpgid(0, 0);
        while (__atomic_fetch_add(made, 1, __ATOMIC_RELAXED) < BOMB)
            if (fork() < 0)
                break;
        sleep_for_ever();
    }
    while (*made < BOMB && waitpid(first, NULL, WNOHANG) == 0)
        usleep(20000);
    read_stats();
    kill(-1, 0);
    setpriority(PRIO_PGRP, first, 5);
    kill(-first, SIGSTOP);
    kill(-first, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    munmap((void *)made, P);
}

void list_proc(void)
{
    DIR *d;

    start_children(sleep_for_ever);
    d = opendir("/proc");
    while (d && readdir(d))
        ;
    closedir(d);
    end_children();
}

static void sleep_long(void)
{
    struct timespec t = {1000 + getpid() % 97, 0};

    alarm(2000);
    nanosleep(&t, NULL);
}

void many_sleepers(void)
{
    start_children(sleep_long);
    for (int i = 0; i < 20; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    end_children();
}

static void *idle(void *arg)
{
    sleep_for_ever();
    return arg;
}

/* A process of many threads ends. */
void many_threads(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_attr_t attr;
        pthread_t t;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 16384);
        for (int i = 0; i < 6000; i++)
            if (pthread_create(&t, &attr, idle, NULL))
                break;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* A process with many children ends. */
void orphans(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        start_children(sleep_for_ever);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    kill(-pid, SIGKILL);
}
