/* SPDX-License-Identifier: MIT
 *
 * For suites about processes of hundreds of threads: threads that report in memory which the
 * parent sees too.
 */
#pragma once

#include "tests/user/t.h"
#include <pthread.h>
#include <sys/syscall.h>

enum { MANY = 300 };

static struct {
    volatile int ready, go, hits, tids[MANY], turns[MANY];
    volatile int bad;
} * shared;

static pthread_attr_t small;

static inline void begin(void)
{
    shared = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
}

static inline void make(void *(*fn)(void *), int n)
{
    pthread_t t;

    for (intptr_t i = 0; i < n; i++)
        if (pthread_create(&t, &small, fn, (void *)i))
            _exit(1);
}

static inline void here(intptr_t i)
{
    shared->tids[i] = (int)syscall(SYS_gettid);
    __atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
}

static inline void wait_ready(int n)
{
    while (shared->ready < n)
        usleep(1000);
}

static inline void await(int value)
{
    while (shared->go < value)
        usleep(1000);
}

static inline void hits(int n)
{
    while (shared->hits < n)
        usleep(1000);
}
