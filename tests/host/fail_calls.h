/* SPDX-License-Identifier: MIT
 *
 * The failure sweep's scene (address spaces and a file with a bit of everything) and the calls
 * made on it.
 */
#pragma once

#include "tests/host/mmtest.h"
#include "tests/host/state.h"

extern struct scene {
    struct mm *mm, *child, *made;
    struct vm_object *file, *made_object;
    void *made_range;
} S;

/* 0 or a negative errno. */
struct call {
    const char *name;
    int (*run)(void);
    u32 leave_out; /* STATE_* */
    u32 least;     /* allocations there must be, so that the sweep tests something */
};

extern const struct call calls[];
extern const unsigned ncalls;

/* Places in S.mm. */
#define A (BASE)                 /* 16 private pages, 0..7 written, shared with a child */
#define B (BASE + (1ul << 20))   /* 32 pages of the file, some away */
#define C (BASE + (3ul << 20))   /* 16 private pages of the file, 0..3 written */
#define D (BASE + (64ul << 20))  /* 1200 pages of the file, untouched */
#define E (BASE + (5ul << 20))   /* 8 private pages out of reach, 0..3 parked */
#define F (BASE + (200ul << 20)) /* growable */
#define G (BASE + (300ul << 20)) /* hole, no tables */
#define H \
    (BASE + (20ul << 20)) /* brk, 6 pages written, their table shared with the child */
#define T (BASE + (260ul << 20)) /* place of a new stack */

void scene_begin(void);
void scene_end(void);
