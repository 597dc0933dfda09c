/* SPDX-License-Identifier: MIT
 *
 * A second thread that acts, then waits until it may end: for what threads have for themselves.
 */
#pragma once

#include "tests/user/t.h"
#include <pthread.h>
#include <semaphore.h>

static struct {
    pthread_t thread;
    void (*act)(void);
    sem_t acted, over;
    pid_t tid;
} other;

static void *other_main(void *arg)
{
    (void)arg;
    other.tid = (pid_t)syscall(SYS_gettid);
    other.act();
    sem_post(&other.acted);
    while (sem_wait(&other.over))
        ;
    return NULL;
}

/* Returns when it has acted. */
static void other_begin(void (*act)(void))
{
    other.act = act;
    sem_init(&other.acted, 0, 0);
    sem_init(&other.over, 0, 0);
    EQ(pthread_create(&other.thread, NULL, other_main, NULL), 0);
    while (sem_wait(&other.acted))
        ;
}

static void other_end(void)
{
    sem_post(&other.over);
    EQ(pthread_join(other.thread, NULL), 0);
}
