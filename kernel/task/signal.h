/* SPDX-License-Identifier: MIT
 *
 * Pending signals: sending, keeping, taking.
 */
#pragma once

#include "kernel/task/proc.h"
#include "kernel/task/sigqueue.h"

static inline bool signo_ok(int signo)
{
    return signo >= 1 && signo <= NSIG;
}

static inline u64 sig_bit(int signo)
{
    return 1ull << (signo - 1);
}

#define SIG_DEFAULT_IGNORED \
    (sig_bit(SIGCHLD) | sig_bit(SIGCONT) | sig_bit(SIGURG) | sig_bit(SIGWINCH))
#define SIG_UNBLOCKABLE (sig_bit(SIGKILL) | sig_bit(SIGSTOP))
#define SIG_STOPS \
    (sig_bit(SIGSTOP) | sig_bit(SIGTSTP) | sig_bit(SIGTTIN) | sig_bit(SIGTTOU))

static inline bool signal_kill_pending(const struct thread *t)
{
    return (READ_ONCE(t->pending) | READ_ONCE(t->proc->pending)) & sig_bit(SIGKILL);
}

/* The same of the running thread, whose call then ends early. It looks before it is back in its
 * program, which must not see that: who sends makes the signal pending first, and may not have
 * come to tell the thread yet. False for a thread of the kernel's own. */
static inline bool signal_killed(void)
{
    struct thread *t = current_thread();

    if (likely(!t->proc || !signal_kill_pending(t)))
        return false;
    thread_look(t);
    return true;
}

/* Sends a signal of the kernel's own (SI_KERNEL). Any context with interrupts as they are. */
void signal_send_proc(struct proc *p, int signo);

/* Those that look as if the running process had sent them (SI_USER): what a call of its own comes
 * to, SIGPIPE and its like, to the running thread; PR_SET_PDEATHSIG, to its child. */
void signal_send_self(int signo);
void signal_send_parent_ends(struct proc *child);

/* Signals every process of a group: 0, or -ESRCH when there is none. Those born (proc_births)
 * after `after`, 0: all, and not after `until`, 0: all. It pauses: no spinlock held, interrupts
 * on. */
int signal_send_group(s32 pgid, int signo, u64 after, u64 until);

/* A thread is told of signals to its process if it takes some of `set`: the others. sig.lock
 * held. */
u64 signal_offer(struct thread *t, u64 set);

/* Signals to the process in `set` may have been meant for a thread that will not take them:
 * one that would is told of each. sig.lock held. */
void signal_retarget(struct proc *p, u64 set);

/* Signals the running thread would act on now. */
u64 signal_actionable(const struct thread *t);

/* Sends with a record. t NULL: to the process. 0 or -EAGAIN (real-time queue full, *spare is
 * NULL). With or without proc_lock. `spare` may be NULL for who sends no queued signals. */
int signal_send_record(struct proc *p, struct thread *t, int signo,
                       const struct sig_record *rec, struct sig_queued **spare);
/* The record of a timer, which is in no list, becomes pending; unless an equal standard signal is,
 * or who is told ignores it. t NULL: to the process. sig.lock held. */
enum timer_sent { TIMER_SENT, TIMER_BUSY, TIMER_IGNORED };
enum timer_sent signal_send_timer(struct proc *p, struct thread *t, struct sig_queued *q);
/* procs_next() that first brings memory for one more. */
struct procs;
struct proc *signal_next(struct procs *w, int signo, struct sig_queued **spare);

/* Of the running process; act NULL: reads only. It pauses: no spinlock held. */
void signal_set_action(struct proc *p, int signo, const struct kernel_sigaction *act,
                       struct kernel_sigaction *old);

/* Sets the mask of the running thread; unblockable signals are taken out. The second with
 * sig.lock held, also for a thread that stands still for its tracer. */
void signal_set_mask(u64 mask);
void signal_set_mask_of(struct thread *t, u64 mask);

/* exec: caught signals get their default action, no alternate stack. */
void signal_exec(struct proc *p, struct thread *t);
