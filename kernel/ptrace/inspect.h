/* SPDX-License-Identifier: MIT
 *
 * Requests of a tracer about a thread that stands still. It cannot go on while proc_lock is held,
 * so its registers are read and changed under it.
 */
#pragma once

#include "arch/ptrace.h"
#include "kernel/ptrace/tracee.h"
#include "lib/uapi/signal.h"

/* What a request moves, outside of locks. */
union moved {
    struct user_regs regs;
    struct siginfo info;
    struct ptrace_syscall_info call;
    struct ptrace_rseq rseq;
    u64 word, words[2];
    u8 fpu[ARCH_FPU_MAX];
};

/* The arguments of ptrace(2), with what it brings from or takes to the caller's memory. */
struct request {
    u64 nr, addr, data;
    union moved m;
    size_t size; /* of what goes back to the caller at `data`; 0: nothing */
};

/* What PTRACE_SETOPTIONS and PTRACE_SEIZE may ask for: 0, -EINVAL, -EPERM. */
int trace_options_check(u64 options);
/* Does q to r, which stands still; proc_lock held. The call's result: 0, for some requests a
 * length, or -EINVAL, -EIO. Everything that needs no other memory than the request's. */
long tracee_apply(struct tracee *r, struct request *q);
/* The registers of r become these; proc_lock held. 0 or -EIO. */
long tracee_set_regs(struct tracee *r, const struct user_regs *regs);
