/* SPDX-License-Identifier: MIT
 *
 * Registers of a thread that stopped for its tracer. The thread puts them aside itself when it
 * stops and takes them back when it goes on, so that nobody has to know whether it has left its
 * CPU yet: the frame is read and changed in place, the rest in a copy.
 */
#pragma once

#include "arch/thread.h"
#include "lib/uapi/ptrace.h"

#define ARCH_FPU_ROOM (1024 + 64)
#define ARCH_FPU_MAX  2816 /* bytes in any form */

struct arch_stopped {
    u64 fs_base, gs_base, selectors;
    bool bases_changed, fpu_changed;
    u32 keys;              /* arch/pkey.h: with the FPU's state */
    u8 fpu[ARCH_FPU_ROOM]; /* an area of arch_fpu_size() bytes, aligned inside */
};

/* The running thread stops, and goes on. */
void arch_stop_save(struct arch_thread *t, struct arch_stopped *s);
void arch_stop_load(struct arch_thread *t, struct arch_stopped *s);

void arch_regs_get(const struct trapframe *tf, const struct arch_stopped *s,
                   struct user_regs *out);
/* -EIO, with nothing changed, for values that user mode cannot have. */
int must_check arch_regs_set(struct trapframe *tf, struct arch_stopped *s,
                             const struct user_regs *regs);

/* Bytes of the FPU's state as one of the two instructions writes it; 0: the CPU has no such state. The
 * rights by keys are a part of what XSAVE writes. */
enum fpu_form { FPU_FXSAVE, FPU_XSAVE };
size_t arch_fpu_bytes(enum fpu_form form);
void arch_fpu_get(struct arch_stopped *s, void *out, enum fpu_form form);
/* -EINVAL: not a state that can be loaded; nothing is changed then. */
int must_check arch_fpu_set(struct arch_stopped *s, const void *in, enum fpu_form form);

/* The flag that ends the program after one instruction; whether it was another value. */
bool arch_set_step(struct trapframe *tf, bool on);
