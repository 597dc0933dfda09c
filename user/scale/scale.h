/* SPDX-License-Identifier: MIT
 *
 * Cases of the scale program: what each of k CPUs does at once, each on its own part.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdint.h>

#define P   4096ul
#define MIB (1ul << 20)

/* Pages of a block in which one worker stays, and of the small blocks that alternate. */
enum { BLOCK = 512, SMALL = 64 };

/* What a worker has. Those of threads share `team`. */
struct worker {
    unsigned number, count; /* which of how many */
    char *memory;           /* its own, or the window of all */
    int fd, pipe[2];
    uint32_t word;
};

/* What all of a case have in common, made before they begin. */
struct team {
    char *window;
    int fd;
};
extern struct team team;

struct kase {
    const char *name;
    int processes;        /* each worker is one; 0: they are threads of one */
    unsigned warm, count; /* operations before and while it is counted */
    void (*prepare)(
        unsigned workers); /* once: in the process of the threads, or in the parent */
    void (*begin)(struct worker *w);         /* each */
    int (*op)(struct worker *w, unsigned i); /* -1: not there, the case is left out */
};

extern const struct kase memory_cases[], remap_cases[],
    system_cases[]; /* a nameless one ends */

_Noreturn void die(const char *what);
char *map(size_t size, int flags, int fd);
char *map_aligned(size_t size, int flags, int fd); /* on 2 MiB; small pages */
int file(size_t pages, int filled);
