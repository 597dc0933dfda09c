/* SPDX-License-Identifier: MIT
 *
 * The terminal of a program that tools/run started from one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* What tools/run says about the caller's terminal. */
struct terminal {
    bool is[3];        /* which of the standard streams are it */
    int master, slave; /* the ends of the pseudo-terminal */
    char term[64];     /* TERM=... */
    char lang[64];     /* LANG=... */
    pid_t out;         /* the process that moves what the program prints */
};

/* Reads what tools/run left and opens a pseudo-terminal of that size. False when the caller
 * has no terminal, or none could be opened. */
bool terminal_open(struct terminal *t);

/* In the program's process, a session leader: makes the terminal the controlling one and
 * those standard streams that are it. */
void terminal_enter(const struct terminal *t);

/* Starts the processes that move bytes between master and host. */
void terminal_start(struct terminal *t);

/* After the program's end: waits until all it printed is on its way. */
void terminal_finish(struct terminal *t);
