/* SPDX-License-Identifier: MIT
 *
 * What fuzz_families and fuzz_crowd, their arguments and their scene share.
 */
#pragma once

#include "tests/user/fuzz.h"

#define ARENA_PAGES 64
#define FDS         51
#define LOOPS       48 /* /dev/loop-control, loop0, loop1 */

extern __thread uint64_t rng;
extern unsigned char *arena, *field; /* structures; what is mapped and unmapped */
extern uint64_t field_pages;
extern pid_t self, tracee;

static inline uint64_t rnd(uint64_t below)
{
    return t_random(&rng) % below;
}

static inline bool one_in(uint64_t n)
{
    return rnd(n) == 0;
}

uint64_t a_number(void);      /* any */
unsigned char *a_place(void); /* in the arena */
/* What the letter stands for in fuzz_families.h, for call nr. */
uint64_t argument(char kind, uint64_t nr);

/* A call and the letters of its arguments. */
struct fuzz_row {
    int nr;
    const char *args;
};

/* In t_dir: fills the descriptors below FDS, makes the arena, the field and a tracee. many_pages: the
 * field is 1,200 of a file. */
void fuzz_scene(bool nobody, bool many_pages);
void fuzz_put_at(int fd, int to);
/* Changes arguments with which a call would reach the parent or end the child at once; false: it is
 * not to be made. */
bool fuzz_tame(uint64_t nr, uint64_t *a);
/* After a call that had these arguments: looks in the arena for what kernels that watch themselves
 * fill fresh and freed memory with (lib/stale.h). Notes the call, and the place is cleared. */
void fuzz_look(uint64_t nr, const uint64_t *a);
