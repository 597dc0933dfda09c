/* SPDX-License-Identifier: MIT
 *
 * fuzz_families SEED [COUNT [CHILD]]: random calls of the families that need structures to get
 * anywhere: sockets and their messages, epoll, timers, pidfds, ptrace, System V, terminals,
 * splice, attributes, huge pages, by several threads on the same descriptors and memory. See
 * fuzz.h; the calls are in fuzz_families.h. Every second child is nobody's.
 */
#include "tests/user/fuzz_args.h"
#include "user/include/tessera.h"
#include <pthread.h>

#define THREADS 3

#define CALL(nr, args) {nr, args},
static const struct fuzz_row families[] =
    {
#include "tests/user/fuzz_families.h"
},
                             memory[] = {
#include "tests/user/fuzz_memory.h"
};
#undef CALL

static const struct fuzz_row *table = families;
static uint64_t rows = sizeof(families) / sizeof(*families);

static uint64_t calls_left;

static void *work(void *seed)
{
    rng = (uint64_t)(uintptr_t)seed;
    while (__atomic_fetch_sub(&calls_left, 1, __ATOMIC_RELAXED) - 1 < (1UL << 62)) {
        uint64_t a[6] = {0}, i = rnd(rows);
        for (int k = 0; table[i].args[k]; k++)
            a[k] = argument(table[i].args[k], (uint64_t)table[i].nr);
        if (one_in(60))
            a[rnd(6)] = a_number();
        shared->last_nr = (uint64_t)table[i].nr;
        shared->calls++;
        if (fuzz_tame((uint64_t)table[i].nr, a))
            raw((uint64_t)table[i].nr, a);
        fuzz_look((uint64_t)table[i].nr, a);
        if (getpid() != self) /* a clone */
            raw(SYS_exit_group, (const uint64_t[6]){0});
    }
    return NULL;
}

static _Noreturn void child(uint64_t seed, uint64_t calls)
{
    pthread_t others[THREADS - 1];
    rng = seed;
    /* A terminal's record stays for the next who gets its number: they are made before pages are
     * counted. */
    for (int i = 0; calls == 0 && i < 40; i++)
        open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (seed & 4) {
        table = memory;
        rows = sizeof(memory) / sizeof(*memory);
    }
    fuzz_scene(seed & 2, seed & 4);
    calls_left = calls;
    for (int i = 0; i < THREADS - 1; i++)
        pthread_create(&others[i], NULL, work,
                       (void *)(uintptr_t)(seed * 3 + 2 * (unsigned)i));
    work((void *)(uintptr_t)seed);
    syscall(SYS_exit_group, 0);
    for (;;)
        ;
}

int main(int argc, char **argv)
{
    static const struct fuzz what = {"fuzz_families", 400, child, 0};
    return fuzz_main(argc, argv, &what);
}
