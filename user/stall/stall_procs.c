/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: many processes and threads.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
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

void end_children(void)
{
    for (int i = 0; i < NPROCS; i++)
        kill(pids[i], SIGKILL);
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
