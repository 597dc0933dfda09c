/* SPDX-License-Identifier: MIT
 *
 * The threads variant (threads.h): a program is a process of its own whose threads each do
 * STEPS operations; one line tells how many findings no order explains.
 */
#include "tests/diff/threads.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

int first_file, second_file;
__thread int me;
static uint64_t the_seed, the_program;
static pthread_barrier_t start;

static void *work(void *argument)
{
    me = (int)(intptr_t)argument;
    pthread_barrier_wait(&start);
    for (uint64_t step = 0; step < STEPS; step++) {
        rnd_start(the_seed, the_program, step * THREADS + (uint64_t)me);
        thread_step();
        if (pick(4) == 0)
            sched_yield();
    }
    return NULL;
}

static void run(void)
{
    pthread_t threads[THREADS];
    pthread_attr_t attr;
    first_file = memfd_create("first", 0);
    second_file = memfd_create("second", 0);
    if (first_file < 0 || second_file < 0 ||
        ftruncate(first_file, FILE_PAGES * (off_t)P) ||
        ftruncate(second_file, FILE_PAGES * (off_t)P))
        _exit(5);
    checks_start();
    touch_arm();
    pthread_barrier_init(&start, NULL, THREADS);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], &attr, work, (void *)(intptr_t)i))
            _exit(6);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_at_rest();
}

int threads_main(uint64_t seed, uint64_t from, uint64_t to)
{
    the_seed = seed;
    for (the_program = from; the_program < to; the_program++) {
        int status = -1;
        common->illegal = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(100);
            run();
            fflush(stdout);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        printf("%llu %d illegal %llu status %#x\n", (unsigned long long)the_program,
               THREADS * STEPS, (unsigned long long)common->illegal, (unsigned)status);
    }
    fflush(stdout);
    return 0;
}
