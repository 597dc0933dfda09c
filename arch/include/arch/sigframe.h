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
 * 0; -EFAULT: not readable, nothing has changed; -EINVAL: the FPU's part is bad, the FPU has its
 * initial state; -EPERM: a selector that no program has. With the last two all else is restored
 * and stored. After each of them the program gets SIGSEGV, at the place that was interrupted
 * unless the frame could not be read. */
int must_check arch_signal_pop(struct arch_thread *t, struct trapframe *tf, u64 *mask,
                               u64 *ss_sp, u32 *ss_flags, u64 *ss_size);
