/* SPDX-License-Identifier: MIT
 *
 * What fuzz_families and its arguments share.
 */
#pragma once

#include "tests/user/fuzz.h"

#define ARENA_PAGES 64
#define FDS         48

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
