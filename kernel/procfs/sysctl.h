/* SPDX-License-Identifier: MIT
 *
 * Settings below /proc/sys: one table (kernel/procfs/sysctl_table.c), one parser, one rule. A
 * setting is a variable with its bounds; a write asks for its capability at the moment of
 * writing, no matter who opened the file, and a text that is refused changes nothing. A variable
 * is read and written as one word: its readers need no lock.
 */
#pragma once

#include "kernel/procfs/seq.h"

enum sysctl_kind {
    SYSCTL_U32,    /* `value` is a u32 between min and max */
    SYSCTL_U64,    /* ... a u64 */
    SYSCTL_TEXT,   /* ... a text that nobody changes */
    SYSCTL_CALLED, /* no variable: get and set are called */
};

struct sysctl {
    enum sysctl_kind kind;
    void *value;
    u64 min, max;
    unsigned cap; /* what a write asks for; 0: CAP_SYS_ADMIN */
    /* A second condition for a write, or what follows from it: called with the new number
     * before it is stored. 0 or errno. NULL: none. */
    int (*check)(u64 number);
    int (*get)(struct seq *s);        /* SYSCTL_CALLED: the whole text; 0 or errno */
    int (*set)(char *text, size_t n); /* SYSCTL_CALLED: without the newline; NULL: none */
};

/* The text of a setting. */
int sysctl_show(const struct sysctl *c, struct seq *s);
/* A write of n bytes, ended by a NUL: 0, -EPERM, -EINVAL (no number, out of bounds). */
int sysctl_store(const struct sysctl *c, char *text, size_t n);
