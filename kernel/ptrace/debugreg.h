/* SPDX-License-Identifier: MIT
 *
 * u_debugreg of a traced thread: what its tracer reads and writes there, and what becomes of
 * it. The CPU has it only while the thread runs and does not stand for its tracer.
 */
#pragma once

#include "arch/debugreg.h"

struct thread;
struct tracee;

/* proc_lock's, while the thread stands; else the thread's own. */
struct debug_words {
    struct arch_debug cpu;
    u64 control; /* as written last, or copied from the thread that made this one */
    u8 set;      /* slots that were given an address or were switched on */
};

/* Word `nr` of eight, as PTRACE_PEEKUSER and POKEUSER. -EINVAL: an address outside user space
 * or not at a multiple of its length, a kind that there is not; -EIO: nothing that can be
 * written. Nothing is changed then. */
u64 debug_word(const struct debug_words *d, unsigned nr);
int must_check debug_word_set(struct debug_words *d, unsigned nr, u64 value);

/* A child traced by the same tracer reads like `from`, with no slot set. */
void debug_inherit(struct debug_words *d, const struct debug_words *from);

/* An exec of t: all is forgotten. */
void debug_exec(struct thread *t);

/* Code of the SIGTRAP for a debug trap of t with that status. */
int debug_trap_code(struct thread *t, u64 status);
