/* SPDX-License-Identifier: MIT
 *
 * Random system calls: what fuzz_syscalls, fuzz_families and fuzz_crowd share. The parent makes children
 * of a few hundred calls each; one that makes no progress is killed, and must then be gone.
 */
#pragma once

#include "tests/user/t.h"

struct fuzz_shared {
    volatile uint64_t calls, last_nr;
    /* How often a call gave memory that nobody had written; the last one, where, its arguments. */
    volatile uint64_t stale, stale_nr, stale_at, stale_args[6];
    /* fuzz_seal() of them: a call of the child may have written here. */
    volatile uint64_t seal;
};

static inline uint64_t fuzz_seal(const struct fuzz_shared *s)
{
    const volatile uint64_t *word = &s->stale;
    uint64_t sum = 0x5ea1;

    for (; word < &s->seal; word++)
        sum = (sum ^ *word) * 0x100000001b3u;
    return sum;
}

struct fuzz {
    const char *name;
    uint64_t calls; /* of one child */
    void (*child)(uint64_t seed, uint64_t calls);
    long scattered; /* pages that half-filled slabs may keep */
};

extern struct fuzz_shared *shared;

/* main() of a program with the arguments SEED [COUNT [CHILD]]. */
int fuzz_main(int argc, char **argv, const struct fuzz *what);

static inline long raw(uint64_t nr, const uint64_t *a)
{
    long r;
    register uint64_t r10 __asm__("r10") = a[3];
    register uint64_t r8 __asm__("r8") = a[4];
    register uint64_t r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(r), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2])
                     : "rcx", "r11", "memory", "cc");
    return r;
}
