/* SPDX-License-Identifier: MIT
 *
 * What the attacks of tests/user/hostile_attacks.c and their judge share.
 */
#pragma once

#include "tests/user/t.h"

struct shared {
    volatile long n;     /* how often an attack had success */
    volatile long error; /* what stopped it */
    volatile int done;
    const char *volatile wrong; /* what it should not have been able to do */
    volatile long beats[2];
};
extern struct shared *sh;

struct attack {
    const char *name, *what;
    void (*fn)(void);
};
extern const struct attack attacks[], more_attacks[], call_attacks[], later_attacks[],
    race_attacks[]; /* the last has no name */

/* Counts successes; false ends the loop and keeps the reason. */
bool took(bool good);
/* Repeats fn in more and more processes, each with a table of its own. */
void in_many(void (*fn)(void));
/* Anonymous memory that need not be there. NULL: none. */
char *map(size_t len, int prot, int flags);
/* Goes into the attacker's directory. */
void enter(void);

/* Removes the System V segments of the attacker. */
void forget_segments(void);
/* The same with semaphores and messages. */
void forget_ipc(void);
/* Makes of directories deep in each other, which rm cannot walk, single ones. */
void flatten(void);
