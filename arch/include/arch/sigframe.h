/* SPDX-License-Identifier: MIT
 *
 * Frames of signal handlers on the stack of the program.
 */
#pragma once

#include "lib/types.h"

struct arch_signal;
struct arch_thread;
struct trapframe;

u64 arch_min_sigstack(void);

/* Writes the frame to the user stack and points tf at the handler.
 * 0, or -EFAULT with tf unchanged when the stack cannot be written. */
int must_check arch_signal_push(struct arch_thread *t, struct trapframe *tf,
                                const struct arch_signal *s);

/* rt_sigreturn: restores registers and FPU state from the frame at tf->rsp. Selectors,
 * IOPL, VM, NT, RF are never taken from it. Stores the mask and the uc_stack triple.
 * 0, or -EFAULT for a frame that is not readable or not valid (then kill the thread). */
int must_check arch_signal_pop(struct arch_thread *t, struct trapframe *tf, u64 *mask,
                               u64 *ss_sp, u32 *ss_flags, u64 *ss_size);
