/* SPDX-License-Identifier: MIT
 *
 * Threads by number.
 */
#pragma once

#include "kernel/task/proc.h"

/* A process, or one of its threads, no matter who bears its numbers later. tid 0: the process, and
 * its first thread where it is about a thread. */
struct task_id {
    s32 pid, tid;
    u64 serial, tid_serial;
};

/* The same by the number of any of its threads, as Linux takes a pid nearly everywhere;
 * 0 is the running process. */
struct proc *proc_find_by_thread(s32 tid);

/* A thread by number, of process tgid (0: of any); proc_lock held. */
struct thread *thread_find(s32 tgid, s32 tid);

/* The same without proc_lock: until thread_unlock of the same number it does not leave its
 * process, and has its number. NULL: there is none, and nothing is locked. What others may do
 * meanwhile: take its process's sig.lock. */
struct thread *thread_lock(s32 tgid, s32 tid, irqflags_t *flags);
void thread_unlock(s32 tid, irqflags_t flags);

/* Who bears that number, which may be a thread's, now: in process tgid (0: in any). */
bool must_check task_identify(s32 tgid, s32 number, struct task_id *out);

/* The process; NULL when it or the thread has gone. *t (unless t is NULL): the thread, NULL
 * for a first thread that ended before the others. proc_lock held. */
struct proc *task_find(const struct task_id *id, struct thread **t);

/* Numbers of threads: makes t known under t->tid, takes it out. proc_lock held. */
void thread_publish(struct thread *t);
void thread_unpublish(struct thread *t);

/* Number of the call that the thread is in, -1 when it came by an exception. */
static inline s64 thread_syscall(const struct thread *t)
{
    const struct trapframe *tf = arch_thread_frame(&t->arch);

    return tf->vector == TRAP_SYSCALL ? (s32)tf->error : -1;
}
