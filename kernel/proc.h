/* SPDX-License-Identifier: MIT
 *
 * Processes and threads. A process (thread group) owns the address space, descriptors and
 * signal handlers; a thread owns registers, kernel stack, signal mask. Today every process
 * has one thread; the split is there so that more threads change no structure.
 *
 * Locks: proc_lock (spinlock, irq-safe) protects the tree of processes, groups and
 * sessions, states and exit statuses; proc->sig.lock (irq-safe) signals; order: proc_lock,
 * sig.lock, run queue.
 */
#pragma once

#include "arch/thread.h"
#include "fs/file.h"
#include "lib/list.h"
#include "lib/uapi/resource.h"
#include "lib/uapi/signal.h"
#include "lib/waitq.h"
#include "mm/mm.h"

#define PID_MAX  32768
#define COMM_LEN 16
#define NSIG     64

struct tty;

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_STOPPED, THREAD_ZOMBIE };

struct thread {
    struct arch_thread arch;
    struct proc *proc;     /* NULL: kernel thread */
    s32 tid;
    u32 state;             /* enum thread_state, run-queue lock */
    bool unparked;         /* a wake-up came since the last park */
    struct list run_link;  /* run queue */
    struct list proc_link; /* proc->threads */
    u64 deadline_ns;       /* park_until */
    struct list timer_link;
    char comm[COMM_LEN];

    u64 blocked;           /* signal masks, bit signo-1; sig.lock */
    u64 saved_blocked;     /* rt_sigsuspend: mask to put back, valid with restore_mask */
    bool restore_mask;
    u64 pending;           /* signals directed at this thread */
    u64 altstack_sp, altstack_size;
    u32 altstack_flags;
    u64 clear_child_tid;   /* set_tid_address */
    u64 last_syscall;      /* for panic reports */
    struct trapframe *frame; /* during a system call: the user registers */
    u64 utime_ns, stime_ns;
    void *kstack;          /* kspace range, KSTACK_SIZE */
};

struct sighand {
    spinlock_t lock; /* irq-safe */
    struct kernel_sigaction action[NSIG + 1];
};

struct proc {
    s32 pid;
    struct proc *parent;       /* proc_lock */
    struct list children;      /* proc_lock; of struct proc.sibling */
    struct list sibling;
    struct list all;           /* proc_lock; list of all processes */
    struct list threads;
    struct thread *leader;
    s32 pgid, sid;             /* proc_lock */
    struct tty *tty;           /* controlling terminal */

    struct mm *mm;             /* referenced; NULL after exit */
    struct fdtable *files;     /* NULL after exit */
    struct fs_context fs;
    struct path exe;           /* program file, dentry NULL: none */
    struct sighand sig;
    u64 pending;               /* signals to the process, sig.lock */
    struct list sigqueue;      /* queued siginfo records, sig.lock */
    struct rlimit64 rlim[RLIM_NLIMITS];
    u32 uid, euid, suid, gid, egid, sgid;
    char comm[COMM_LEN];

    bool exiting, zombie, stopped, reported, did_exec;
    int exit_status;           /* as wait4 reports it */
    int exit_signal;           /* to the parent, SIGCHLD */
    struct waitq child_wait;   /* the parent sleeps here in wait4 */
    struct proc *vfork_parent_waits; /* non-NULL until exec or exit: release the parent */
    struct waitq vfork_wait;
    u64 start_ns;
    u64 minflt, majflt, nvcsw, nivcsw;
    u64 cutime_ns, cstime_ns, cminflt; /* of waited-for children */
    u64 itimer_deadline, itimer_interval; /* ITIMER_REAL, ns; 0: off */
    u32 alarm_generation;
    bool enosys_logged[512];   /* one log line per program and number */
    u64 oom_score_adj;
};

/* The running thread's process; never NULL in a system call. */
static inline struct proc *current_proc(void)
{
    return current_thread()->proc;
}

extern spinlock_t proc_lock;

/* Finds by pid; proc_lock held, valid until it is released. */
struct proc *proc_find(s32 pid);
/* Calls visit for each process with proc_lock held; visit returns false to stop. */
void proc_for_each(bool (*visit)(struct proc *p, void *arg), void *arg);
/* Next pid >= pid that exists, -1 at the end (procfs). */
s32 proc_next_pid(s32 pid);
u64 proc_rlimit(const struct proc *p, unsigned which); /* current soft limit */

/* References to a process that outlives proc_lock for reports: its mm, with a reference, or
 * NULL. mm_put afterwards. */
struct mm *proc_get_mm(s32 pid);

/* Sends a signal. info NULL: SI_KERNEL. Any context with interrupts as they are. */
void signal_send_proc(struct proc *p, int signo, const struct siginfo *info);
void signal_send_thread(struct thread *t, int signo, const struct siginfo *info);
/* Signals every process of a group: 0, or -ESRCH when there is none. */
int signal_send_group(s32 pgid, int signo, const struct siginfo *info);
/* A fault of the running thread: cannot be blocked or ignored (then it kills). */
void signal_fault(int signo, int code, vaddr_t addr, u64 trapno, u64 err);

/* Ends the running process with a wait4 status. */
noreturn void proc_exit(int status);

/* Starts pid 1: execs `path` with argv/envp (kernel strings). Panics with one clear line
 * when it cannot be started. */
void proc_start_init(const char *path, const char *const *argv, const char *const *envp,
                     const struct fs_context *fs);

/* Scheduler: makes the boot context the idle thread of this CPU and never returns. */
noreturn void sched_run(void);
void sched_init(void);
/* Gives up the CPU if another thread is ready. */
void sched_yield_now(void);
/* A kernel thread. */
int kthread_create(const char *name, void (*fn)(void *), void *arg);
