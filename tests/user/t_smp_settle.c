/* SPDX-License-Identifier: MIT
 *
 * Free memory as it is told: all that was given back before the question, on whatever CPU, is
 * in the answer, at once.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t.h"

enum { ROUNDS = 60, N = 64 };

/* A child's tables, pages and stack come back on the CPU where it ended. */
TEST(process, "the memory of a child that was waited for is free")
{
    unsigned char *p =
        mmap(NULL, N * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 1, N * P);
    (void)t_meminfo("FreePages");
    for (int round = 0; round < ROUNDS; round++) {
        CHILD(memset(p, 2, (size_t)(round % N) * P));
        long before = t_meminfo("FreePages");
        memset(p, 3, N * P); /* ours again: nothing is copied */
        if (t_tessera)
            EQ(t_meminfo("FreePages") - before, 0);
    }
}

static sem_t go, done;
static volatile bool over;

static void *work(void *arg)
{
    for (;;) {
        while (sem_wait(&go))
            ;
        if (over)
            return arg;
        unsigned char *p =
            mmap(NULL, N * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return NULL;
        memset(p, 1, N * P);
        munmap(p, N * P);
        sem_post(&done);
    }
}

static void let_it_work(void)
{
    EQ(sem_post(&go), 0);
    while (sem_wait(&done))
        EQ(errno, EINTR);
}

/* The table under what a thread unmapped is freed after a grace period. The thread lives on: one
 * that ends can be joined before the kernel has given its stack back. */
TEST(tables, "the memory that a thread unmapped is free when it says so")
{
    pthread_t t;
    void *all;

    EQ(sem_init(&go, 0, 0) | sem_init(&done, 0, 0), 0);
    EQ(pthread_create(&t, NULL, work, &go), 0);
    let_it_work();
    for (int round = 0; round < ROUNDS; round++) {
        let_it_work();
        long before = t_meminfo("FreePages");
        usleep(1000);
        if (t_tessera)
            EQ(t_meminfo("FreePages") - before, 0);
    }
    over = true;
    EQ(sem_post(&go), 0);
    EQ(pthread_join(t, &all), 0);
    CHECK(all);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
