/* SPDX-License-Identifier: MIT
 *
 * Inside process management: the life cycle between fork and wait4. The public half is
 * kernel/task/proc.h.
 */
#pragma once

#include "kernel/task/proc.h"

/* An unpublished process without a number: lists, queues and timers are set up, it pays on
 * the running process's account, all else is zero. NULL: no memory. */
struct proc *proc_alloc(void);
/* Frees the record of a process that nobody can find. */
void proc_free(struct proc *p);

u64 proc_next_serial(void);
bool pid_is_pinned(s32 pid); /* proc_lock held */

/* Reserves a number for a child of `creator` (NULL: the first process). -EAGAIN: limits. */
int proc_reserve_pid(const struct proc *creator, s32 *pid);
void proc_unreserve_pid(s32 pid);
/* Makes p known under its reserved pid. proc_lock held. */
void proc_publish(struct proc *p, struct proc *parent);
/* Takes a dead process out of everything; then proc_free. proc_lock held. */
void proc_unpublish(struct proc *p);

/* Moves p, which is published, to another group and session. proc_lock held. */
void proc_set_group(struct proc *p, s32 pgid, s32 sid);
/* Whether a process, a zombie too, is in that group. proc_lock held. */
bool group_used(s32 pgid);

/* Numbers of threads: makes t known under t->tid, takes it out. proc_lock held. */
void thread_publish(struct thread *t);
void thread_unpublish(struct thread *t);

/* Gives p the address space's limits; after changes of rlimits or of uids. */
void proc_limits_changed(const struct proc *p, struct mm *mm);
void proc_default_limits(struct proc *p);

/* The program file: takes its own references. f NULL: none. */
void proc_set_exe(struct proc *p, struct file *f);
void proc_copy_exe(struct proc *to, const struct proc *from);

/* t has used that much more of a processor: limits, timers of such time. From the tick. */
void cpu_limit_tick(struct thread *t, u64 ns, bool in_user);
/* ITIMER_VIRTUAL or ITIMER_PROF of p becomes *new (NULL: it stays); *old: what it was. */
void cpu_itimer_set(struct proc *p, int which, const struct cpu_itimer *new,
                    struct cpu_itimer *old);

extern struct proc *init_proc;

/* ---- walks; proc_lock held ---- */

/* A published process takes its place, leaves it, goes to another group. */
void procs_add(struct proc *p);
void procs_remove(struct proc *p);
void procs_regroup(struct proc *p, s32 pgid);

/* All in the order of their birth, and a group's: for walks in one go. NULL: the end. */
struct proc *proc_first(void);
struct proc *proc_next(const struct proc *p);
struct proc *group_first(s32 pgid);
struct proc *group_next(const struct proc *p);
/* The last place in the order so far. */
u64 proc_births(void);

/* Gives proc_lock, taken with interrupts on, up for a moment when it is time: true: what is
 * known of other processes may be wrong. */
bool proc_pause(irqflags_t *flags);

/* Walks that let others run between two steps: begin takes proc_lock, end gives it back.
 * What procs_next answers is valid until it is called again. No other spinlock held. */
#define PROCS_ALL (-1)
struct procs {
    s32 pgid; /* PROCS_ALL: of any group */
    u64 birth;
    irqflags_t flags;
};
struct procs procs_begin(s32 pgid);
struct proc *procs_next(struct procs *w);
void procs_end(struct procs *w);

/* exec or exit of a vfork child: its parent may go on. */
void vfork_release(struct proc *p);

/* Counts stops and continuations of processes and changes of parents: as long as it stands
 * still, children of which none had such news have none. Atomic. */
extern u64 job_changes;
static inline void job_changed(void)
{
    __atomic_fetch_add(&job_changes, 1, __ATOMIC_RELEASE);
}

/* Puts a zombie among those its parent can wait for, in the order they were born in.
 * proc_lock held. */
void zombie_queue(struct proc *p);

/* Tells p's parent of a change and wakes it. proc_lock held. */
void notify_parent(struct proc *p, int code, int status);

/* Whether no process of the group has a parent in the session but outside the group, when
 * `without` (may be NULL) is not counted. proc_lock held. */
bool group_is_orphaned(s32 pgid, s32 sid, const struct proc *without);

/* Ends all other threads of the running process and waits until they are gone; the caller
 * gets the process's number. -EAGAIN: another thread does the same, or all end. */
int must_check proc_become_single(void);

/* Writes 0 to clear_child_tid and wakes its futex, when others can see it. */
void clear_child_tid(struct thread *t);

/* ---- signals ---- */
struct arch_signal;

static inline u64 sig_bit(int signo)
{
    return 1ull << (signo - 1);
}

#define SIG_DEFAULT_IGNORED \
    (sig_bit(SIGCHLD) | sig_bit(SIGCONT) | sig_bit(SIGURG) | sig_bit(SIGWINCH))
#define SIG_UNBLOCKABLE (sig_bit(SIGKILL) | sig_bit(SIGSTOP))
#define SIG_STOPS \
    (sig_bit(SIGSTOP) | sig_bit(SIGTSTP) | sig_bit(SIGTTIN) | sig_bit(SIGTTOU))

/* Wakes every thread. sig.lock held. */
void threads_wake(struct proc *p);
/* Signals the running thread would act on now. */
u64 signal_actionable(const struct thread *t);
static inline bool signal_kill_pending(const struct thread *t)
{
    return (t->pending | t->proc->pending) & sig_bit(SIGKILL);
}
/* Sends with a record. t NULL: to the process. 0 or -EAGAIN (real-time queue full). With or
 * without proc_lock. */
int signal_send_record(struct proc *p, struct thread *t, int signo,
                       const struct sig_record *rec);
/* Takes one pending signal of `set`: its number with *rec filled in, 0: none. sig.lock. */
int signal_take(struct thread *t, u64 set, struct sig_record *rec);
/* Turns a record into what programs see. */
void signal_fill_info(struct siginfo *info, int signo, const struct sig_record *rec);
void signal_read_info(struct sig_record *rec, const struct siginfo *info);
/* Whether sp lies on the alternate stack. */
bool signal_on_altstack(const struct thread *t, vaddr_t sp);
/* act NULL: reads only. */
void signal_set_action(struct proc *p, int signo, const struct kernel_sigaction *act,
                       struct kernel_sigaction *old);
void signal_flush(u64 *pending, struct sig_records *records);
/* Sets the mask of the running thread; unblockable signals are taken out. */
void signal_set_mask(u64 mask);
/* Tables of actions. copy: NULL no memory; from NULL: all default. */
struct sigactions *sigactions_copy(struct sigactions *from);
void sigactions_get(struct sigactions *a);
void sigactions_put(struct sigactions *a); /* NULL is none */
/* Caught signals get their default action, ignored ones stay. Not shared. */
void sigactions_reset(struct sigactions *a);
/* exec: caught signals get their default action, no alternate stack. */
void signal_exec(struct proc *p, struct thread *t);
/* Delivers what is pending before a return to user mode. Interrupts on. */
void signal_deliver(struct trapframe *tf);

/* Futexes: wakes up to n waiters of a word of the running program that may be shared with
 * others; the number woken, or -EFAULT, -EINVAL. */
int futex_wake_shared(vaddr_t addr, int n);
/* The running thread leaves its program, by its end or exec: what it holds of robust and PI
 * futexes is marked as an owner's that died. */
void futex_release(struct thread *t);
