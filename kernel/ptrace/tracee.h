/* SPDX-License-Identifier: MIT
 *
 * The record of a traced thread: its tracer's second parenthood. It is made when the thread is
 * traced for the first time and lives as long as the thread; of one that ends traced it stays,
 * with its number, until its tracer has waited for it. The record of a first thread that ended
 * is its process's (proc->trace).
 *
 *   RUNNING --stop--> STOPPED --CONT, SYSCALL, ...--> RUNNING
 *                        `------LISTEN--> LISTENING --news--> (stops again)
 *
 * All fields are proc_lock's; `tracer` and `state` change under sig.lock of the thread's process
 * too, so either is enough to read them. The thread itself reads single words without.
 */
#pragma once

#include "arch/ptrace.h"
#include "kernel/ptrace/debugreg.h"
#include "kernel/task/proc.h"
#include "lib/uapi/signal.h"

enum trace_state { TRACE_RUNNING, TRACE_STOPPED, TRACE_LISTENING };

enum stop_kind { STOP_SIGNAL, STOP_ENTRY, STOP_EXIT, STOP_EVENT, STOP_GROUP };

struct tracee {
    struct list link;      /* tracer->tracees, while traced */
    bool place;            /* false; see struct tracee_place */
    struct proc *tracer;   /* NULL: nobody traces it now */
    struct thread *by;     /* the thread of the tracer that does */
    struct thread *thread; /* NULL: it has ended */
    struct proc *proc;     /* of a first thread, also after its end; else NULL */
    s32 tid, pgid;         /* [c] but for exec; pgid of one that ended */
    u32 uid;               /* of one that ended */
    u32 options;           /* PTRACE_O_* */
    bool seized, capable;  /* PTRACE_SEIZE; the tracer had CAP_SYS_PTRACE */
    bool told, has_info;   /* the stop was waited for; info is valid */
    bool step, forced;     /* step: one instruction; its flag was set for it */
    u8 state, kind;        /* enum trace_state, enum stop_kind */
    int code;              /* of the stop, as wait4 shows it; status of one that ended */
    int how;               /* PTRACE_CONT, PTRACE_SYSCALL ... it goes on with */
    int signal;            /* that it goes on with */
    u64 message;           /* PTRACE_GETEVENTMSG */
    struct siginfo info;
    struct arch_stopped regs;
    struct debug_words debug; /* stay when its tracer has left it */
};

/* In the same list: where one that looks through it is. */
struct tracee_place {
    struct list link;
    bool place; /* true */
};
STATIC_ASSERT(offsetof(struct tracee_place, place) == offsetof(struct tracee, place));

/* What the running thread traces by that number, or NULL; proc_lock held. */
struct tracee *tracee_find(s32 tid);

/* PTRACE_PEEKSIGINFO: `args` and `to` are the caller's. How many were written. */
long tracee_peek_signals(s32 tid, u64 args, u64 to);

/* Whether t is traced; own thread, or one of the locks held. */
static inline bool is_traced(const struct thread *t)
{
    return t->trace && READ_ONCE(t->trace->tracer);
}
