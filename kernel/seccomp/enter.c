/* SPDX-License-Identifier: MIT
 *
 * A call that filters look at before it begins, and what becomes of it.
 */
#include "kernel/seccomp/enter.h"
#include "fs/filter/bpf.h"
#include "kernel/printk.h"
#include "kernel/ptrace/stop.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/seccomp/chain.h"
#include "kernel/task/deliver.h"
#include "kernel/task/exit.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/ptrace.h"

#define MAX_ERRNO 4095u

/* The calls of strict mode. */
#define NR_READ         0
#define NR_WRITE        1
#define NR_RT_SIGRETURN 15
#define NR_EXIT         60

struct call {
    struct bpf_input in;
    struct seccomp_data data;
};

static bool load(const struct bpf_input *in, u32 at, u32 size, u32 *value)
{
    const struct call *c = (const struct call *)in;

    *value = ((const u32 *)&c->data)[at / size]; /* words, as was checked */
    return true;
}

/* What the chain of t says of the call in its frame, and which filter, NULL: none objects. */
static u32 ask(const struct thread *t, const struct trapframe *tf,
               const struct seccomp **by)
{
    struct call c = {
        .in = {sizeof(c.data), load},
        .data = {(s32)tf->error,
                 AUDIT_ARCH_X86_64,
                 tf->rip,
                 {tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9}},
    };
    u32 least = SECCOMP_RET_ALLOW;

    *by = NULL;
    for (const struct seccomp *f = READ_ONCE(t->filters); f; f = f->below) {
        u32 answer = bpf_run(f->bpf, &c.in);

        if ((s32)(answer & SECCOMP_RET_ACTION) < (s32)(least & SECCOMP_RET_ACTION)) {
            least = answer;
            *by = f;
        }
        pause_anyway(); /* a chain may have 32,768 instructions */
    }
    return least;
}

static void log_call(const struct thread *t, const struct trapframe *tf, u32 answer)
{
    static struct log_limit limit;

    if (log_allowed(&limit, "answers of call filters"))
        printk("%s[%d]: seccomp: call %d at %#lx: %#x\n", t->proc->comm, t->proc->pid,
               (s32)tf->error, (unsigned long)tf->rip, answer);
}

/* Alone, a thread takes its process with it, as from a signal that dumps core: its registers are
 * those of the call. */
static noreturn void kill(struct thread *t, struct trapframe *tf, u32 answer)
{
    const struct sig_record rec =
        signal_of_filter(tf->rip, (s32)tf->error, (s32)(answer & SECCOMP_RET_DATA));

    log_call(t, tf, answer);
    if ((answer & SECCOMP_RET_ACTION) == SECCOMP_RET_KILL_THREAD &&
        READ_ONCE(t->proc->nthreads) > 1)
        thread_end(SIGSYS);
    tf->rax = tf->error;
    if (t->trace)
        ptrace_leave(t, tf);
    signal_die(SIGSYS, &rec);
}

/* Asks its tracer; whether the call, which that may have changed, shall go on. */
static bool trace(struct thread *t, const struct trapframe *tf, u32 data)
{
    if (!ptrace_wants(t, PTRACE_EVENT_SECCOMP))
        return false;
    ptrace_event(t, PTRACE_EVENT_SECCOMP, data);
    return !signal_kill_pending(t) && (s32)tf->error >= 0;
}

static void check_strict(struct thread *t, struct trapframe *tf)
{
    s32 nr = (s32)tf->error;

    if (nr == NR_READ || nr == NR_WRITE || nr == NR_RT_SIGRETURN || nr == NR_EXIT)
        return;
    log_call(t, tf, SECCOMP_RET_KILL_THREAD);
    thread_end(SIGKILL);
}

/* False: the call shall not begin. */
static bool obey(struct thread *t, struct trapframe *tf, u32 answer, bool *again)
{
    u32 data = answer & SECCOMP_RET_DATA;

    switch (answer & SECCOMP_RET_ACTION) {
    case SECCOMP_RET_ALLOW:
        return true;
    case SECCOMP_RET_LOG:
        log_call(t, tf, answer);
        return true;
    case SECCOMP_RET_ERRNO:
        tf->rax = -(u64)MIN(data, MAX_ERRNO);
        return false;
    case SECCOMP_RET_TRAP: /* its handler sees the registers of the call */
        tf->rax = tf->error;
        signal_filtered(tf->rip, (s32)tf->error, (s32)data);
        return false;
    case SECCOMP_RET_TRACE:
        if (*again) /* the tracer has said what it wants */
            return true;
        return *again = trace(t, tf, data);
    case SECCOMP_RET_USER_NOTIF: /* ENOSYS: nobody listens */
        return false;
    default:
        kill(t, tf, answer);
    }
}

bool seccomp_enter(struct thread *t, struct trapframe *tf)
{
    const struct seccomp *by;
    bool again = false, asked;
    u32 answer;

    if (is_traced(t) && READ_ONCE(t->trace->options) & PTRACE_O_SUSPEND_SECCOMP)
        return true;
    if (!READ_ONCE(t->filters)) {
        check_strict(t, tf);
        return true;
    }
    tf->rax = (u64)-ENOSYS;
    do {
        asked = again;
        answer = ask(t, tf, &by);
        if (!obey(t, tf, answer, &again)) {
            if (by && by->log)
                log_call(t, tf, answer);
            return false;
        }
    } while (again != asked); /* the call that the tracer made of it is looked at too */
    return true;
}
