/* SPDX-License-Identifier: MIT
 *
 * Tables of signal actions, which processes may share.
 */
#pragma once

#include "lib/spinlock.h"
#include "lib/uapi/signal.h"

#define NSIG 64

/* What processes made with CLONE_SIGHAND have in common. */
struct sigactions {
    u32 refs;        /* atomic: processes */
    spinlock_t lock; /* below sig.lock; a single word is read without it */
    struct kernel_sigaction of[NSIG + 1];
};

/* copy: NULL no memory; from NULL: all default. */
struct sigactions *sigactions_copy(struct sigactions *from);
void sigactions_get(struct sigactions *a);
void sigactions_put(struct sigactions *a); /* NULL is none */

/* Caught signals get their default action, ignored ones stay. Not shared. */
void sigactions_reset(struct sigactions *a);
