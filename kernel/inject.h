/* SPDX-License-Identifier: MIT
 *
 * Debug kernels: a program may ask that the n-th allocation of its next system call, or of
 * its next page faults, fails. The count belongs to the thread and stops while others run.
 */
#pragma once

#include "kernel/task/proc.h"

#ifdef TESSERA_DEBUG

/* `fault`: by a page fault, else by a system call. True: a request begins to count, and
 * inject_end ends it. */
bool inject_begin(struct thread *t, bool fault);
void inject_end(struct thread *t);
/* The running thread gives the CPU to `next`. */
void inject_switch(struct thread *prev, const struct thread *next);

#else

static inline bool inject_begin(struct thread *t, bool fault)
{
    (void)t;
    (void)fault;
    return false;
}

static inline void inject_end(struct thread *t)
{
    (void)t;
}

static inline void inject_switch(struct thread *prev, const struct thread *next)
{
    (void)prev;
    (void)next;
}

#endif
