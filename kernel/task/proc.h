/* SPDX-License-Identifier: MIT
 *
 * Processes and threads. A process (thread group) owns the address space, descriptors and
 * signal handlers; a thread owns registers, kernel stack, signal mask.
 *
 * Locks, all irq-safe, in this order: proc_lock (the tree of processes, groups, sessions,
 * states, exit statuses), timer lock, proc->sig.lock (signals), run queue.
 */
#pragma once

#include "arch/thread.h"
#include "fs/file.h"
#include "kernel/task/cred.h"
#include "kernel/task/timer.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/uapi/capability.h"
#include "lib/uapi/resource.h"
#include "lib/uapi/signal.h"
#include "lib/waitq.h"
#include "mm/op/mm.h"
#include "mm/phys/account.h"

#define PID_MAX  32768
#define COMM_LEN 16
#define NSIG     64
#define USER_HZ  100 /* unit of times shown to programs */

/* More internal results beside ERESTARTSYS (lib/waitq.h) that never reach a program:
 * NOINTR: the call starts again in any case, after a handler too (locks);
 * NOHAND: EINTR when a handler runs, else the call starts again (pause, poll, select);
 * BLOCK: the same, but it starts again as restart_syscall (nanosleep). */
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_BLOCK 516

struct inode;
struct tty;

enum thread_state { THREAD_RUNNABLE, THREAD_SLEEPING, THREAD_STOPPED, THREAD_ZOMBIE };

/* What is remembered of a pending signal besides its number. */
struct sig_record {
    s32 code;
    s32 pid;
    u32 uid;
    s32 status;
    u64 value;        /* si_value or si_addr */
    u32 utime, stime; /* SIGCHLD, in USER_HZ */
};

/* Queued real-time signals: any number of each. */
struct sig_queued {
    struct list link;
    int signo;
    struct account *account; /* it counts there, referenced */
    struct sig_record rec;
};

#define SIG_STANDARD_MAX 31

/* The records behind a `pending` mask; sig.lock. A standard signal is pending once and
 * keeps its first record. */
struct sig_records {
    struct sig_record standard[SIG_STANDARD_MAX + 1];
    struct list realtime; /* of struct sig_queued */
};

/* Which allocation of a thread fails: kernel/inject.c, debug kernels only. */
struct injection {
    u64 next; /* of the next call or fault that fits `fault`; 0: none */
    u64 left; /* after it, or while another thread runs */
    bool fault, active;
};

/* Bytes and calls of read(2), write(2) and their kin. */
struct io_counts {
    u64 rchar, wchar, syscr, syscw;
};

struct thread {
    struct arch_thread arch;
    struct proc *proc; /* NULL: kernel thread */
    s32 tid;
    u64 serial, start_ns; /* the first never used twice */
    u32 state;            /* enum thread_state, run-queue lock */
    bool unparked;        /* a wake-up came since the last park */
    bool ends_proc;       /* the last thread of a process that ends */
    bool has_children;    /* proc_lock; it may be the parent_thread of some */
    s32 free_tid;         /* number to give back with the thread, 0: the process's own */
    struct proc *vfork_child; /* proc_lock; waits for this one's exec or exit */
    struct rb_node run_node;  /* run queue (kernel/task/runq.h), with the next two */
    u64 vruntime;             /* what it has had of the CPU, weighed cycles */
    u64 ran_since;            /* by cpu_cycles(): not in vruntime yet */
    /* sched(7); run-queue lock. realtime: vruntime is its place among those, kernel/task/runq.h */
    u8 policy, priority; /* SCHED_*; 1 to 99 for FIFO and RR, else 0 */
    bool realtime, reset_on_fork;
    u16 rr_left;           /* ticks of SCHED_RR's turn */
    u16 ioprio;            /* ioprio_set(2), remembered */
    u64 rt_ticks;          /* ticks as real-time thread since it slept: RLIMIT_RTTIME */
    struct list proc_link; /* proc->threads */
    struct list tid_link;  /* by number, proc_lock */
    struct ktimer sleep_timer; /* park_until */
    char comm[COMM_LEN];
    void (*entry)(void *); /* where a new thread starts */
    void *entry_arg;

    u64 blocked;       /* signal masks, bit signo-1; sig.lock */
    u64 saved_blocked; /* rt_sigsuspend: mask to put back, valid with restore_mask */
    bool restore_mask;
    u64 awaits;  /* sigtimedwait takes these */
    u64 pending; /* signals directed at this thread */
    struct sig_records records;
    u64 altstack_sp, altstack_size;
    u32 altstack_flags;
    u64 fault_trapno, fault_err, fault_addr; /* of the last fault, for signal frames */
    s32 restart;              /* ERESTART* of the call that is being left, 0: none */
    long (*restart_fn)(void); /* ERESTART_BLOCK: goes on with a wait that has an end, */
    u64 restart_deadline;     /* this one; NULL: none */
    u64 restart_args[3];
    u64 clear_child_tid;  /* set_tid_address */
    u64 set_child_tid;    /* CLONE_CHILD_SETTID: written when the child starts */
    u64 robust_list;      /* set_robust_list */
    struct list pi_owned; /* kernel/task/futex/futex_pi.c: of struct futex_pi */
    struct futex_pi *pi_wait;
    bool pi_gone;
    u64 last_syscall;        /* for panic reports */
    struct trapframe *frame; /* during a system call: the user registers */
    u64 utime_ns, stime_ns;
    struct io_counts io;
    u64 oom_last; /* kernel/task/oom.c: when it last found no memory, and how often in a row */
    u32 oom_tries;
    void *kstack; /* kspace range, KSTACK_SIZE */
#ifdef TESSERA_DEBUG
    struct injection inject;
    struct held_mutexes mutexes;
#endif
};

/* What processes made with CLONE_SIGHAND have in common. */
struct sigactions {
    u32 refs;        /* atomic: processes */
    spinlock_t lock; /* below sig.lock; a single word is read without it */
    struct kernel_sigaction of[NSIG + 1];
};

struct sighand {
    spinlock_t lock;            /* irq-safe */
    struct sigactions *actions; /* changed by exec under proc_lock and lock */
};

/* A timer of used processor time: ns; left 0: off; interval 0: once. sig.lock. */
struct cpu_itimer {
    u64 left, interval;
};

/* Whether the memory of a process may be looked at by its user, prctl(2) PR_SET_DUMPABLE. */
enum dumpable { DUMP_NOBODY, DUMP_USER, DUMP_ROOT };

struct proc {
    s32 pid;
    u64 serial;           /* never used twice */
    struct proc *parent;  /* proc_lock; NULL: init */
    struct list children; /* proc_lock; of struct proc.sibling */
    struct list sibling;
    struct list zombies; /* proc_lock; of struct proc.ended: children that are zombies */
    struct list ended;
    u64 quiet_since; /* job_changes when no child had a stop or a continuation to tell */
    struct thread *parent_thread;      /* proc_lock; the parent's thread that waits with
                                     __WNOTHREAD; NULL: init */
    u64 exec_count, parent_exec_count; /* of the parent when this one was born */
    u64 birth;                         /* proc_lock, as the nodes: kernel/task/walk.c */
    struct rb_node birth_node, group_node;
    u64 orphaned_by; /* proc_lock; first of a group: the process whose end it was asked for */
    struct list hash;    /* proc_lock; by pid */
    struct list threads; /* changed under proc_lock and sig.lock; either may read */
    u32 nthreads;
    struct thread *leader;      /* the same; NULL once it is a zombie */
    struct thread *exec_thread; /* it waits until the others are gone */
    s32 pgid, sid;              /* proc_lock */
    struct tty *tty;            /* controlling terminal */

    struct mm *mm;         /* referenced; NULL after exit; proc_lock for others */
    struct fdtable *files; /* NULL after exit */
    struct fs_context fs;
    struct path exe;         /* program file, dentry NULL: none */
    struct inode *exe_inode; /* its inode, referenced and denied for writing */
    struct sighand sig;
    u64 pending; /* signals to the process, sig.lock */
    struct sig_records records;
    struct rlimit64 rlim[RLIM_NLIMITS];
    struct cred cred;
    char comm[COMM_LEN];

    bool exiting, zombie, did_exec;
    bool stopped;   /* by a stop signal; sig.lock */
    bool reported;  /* the stop was seen by wait4 */
    bool continued; /* a continuation that wait4 has not seen */
    int stop_signal;
    int exit_status;             /* as wait4 reports it */
    int exit_signal;             /* to the parent, SIGCHLD */
    struct waitq child_wait;     /* the parent sleeps here in wait4 */
    struct thread *vfork_waiter; /* proc_lock; sleeps until this one's exec or exit */
    u64 start_ns;
    u64 minflt, majflt, nvcsw, nivcsw;
    u64 cpu_ns;                                 /* of all threads, for RLIMIT_CPU */
    u64 utime_ns, stime_ns;                     /* of threads that ended */
    u64 cutime_ns, cstime_ns, cminflt, cmajflt; /* of waited-for children */
    struct io_counts io; /* of threads that ended and of waited-for children */
    u64 maxrss_kb, cmaxrss_kb;
    u64 itimer_interval; /* ITIMER_REAL, ns; 0: once */
    struct ktimer itimer;
    struct cpu_itimer cpu_itimers[2]; /* ITIMER_VIRTUAL, ITIMER_PROF */
    int pdeath_signal;
    s32 nice;
    u32 nready, share; /* run queue: threads that are ready; where its user counts */
    u8 dumpable;       /* enum dumpable */
    bool subreaper;    /* orphans below it become its children; proc_lock */
    u32 personality;
    u64 oom_score_adj;
    s32 oom_score_adj_min;   /* below it only with CAP_SYS_RESOURCE */
    bool was_over_nproc;     /* when it took its real user id; exec tells */
    struct account *account; /* referenced: of the real user id; proc_lock or sig.lock */
};

/* The running thread's process; never NULL in a system call. */
static inline struct proc *current_proc(void)
{
    return current_thread()->proc;
}

/* Every privileged act asks for its capability, lib/uapi/capability.h; none for a user. */
static inline bool proc_capable(const struct proc *p, unsigned cap)
{
    return p->cred.fs.caps >> cap & 1;
}

/* Everything that keeps a thread from going straight back to its program. */
static inline bool thread_has_work(const struct thread *t)
{
    const struct proc *p = t->proc;

    return (cpu_self()->need_resched | (u32)t->restart | t->restore_mask |
            READ_ONCE(p->stopped)) ||
           ((READ_ONCE(t->pending) | READ_ONCE(p->pending)) & ~t->blocked);
}

extern spinlock_t proc_lock;
extern u32 pid_limit; /* kernel.pid_max: new numbers stay below it */

/* The running process gets another real user id and pays on that account: 0 or -EAGAIN. */
int must_check proc_set_account(u32 uid);

/* Finds by pid; proc_lock held, valid until it is released. */
struct proc *proc_find(s32 pid);
/* Next pid >= pid that exists, -1 at the end (procfs). */
s32 proc_next_pid(s32 pid);
u64 proc_rlimit(const struct proc *p, unsigned which); /* current soft limit */
u32 proc_count(void);
s32 proc_last_pid(void);     /* the number given last */
extern u32 proc_threads_max; /* processes and threads there may be */
/* Whether the running process took a user id that had too many processes, and still has. */
bool proc_exec_over_nproc(struct proc *p);
/* What all threads and waited-for children read and wrote; proc_lock held. */
void proc_io_counts(const struct proc *p, struct io_counts *out);
void io_counts_add(struct io_counts *to, const struct io_counts *n);
/* CPU time used so far by all threads; proc_lock held. */
void proc_times(const struct proc *p, u64 *utime_ns, u64 *stime_ns);

/* What of a process may outlive proc_lock, for reports: its mm with a reference, or NULL.
 * mm_put afterwards. */
struct mm *proc_get_mm(s32 pid);

/* An unpublished process without a number: lists, queues and timers are set up, it pays on
 * the running process's account, all else is zero. NULL: no memory. */
struct proc *proc_alloc(void);
/* Frees the record of a process that nobody can find. */
void proc_free(struct proc *p);

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

/* Gives p the address space's limits; after changes of rlimits or of uids. */
void proc_limits_changed(const struct proc *p, struct mm *mm);
void proc_default_limits(struct proc *p);

/* The program file: takes its own references. f NULL: none. */
void proc_set_exe(struct proc *p, struct file *f);
void proc_copy_exe(struct proc *to, const struct proc *from);

extern struct proc *init_proc;

/* Counts stops and continuations of processes and changes of parents: as long as it stands
 * still, children of which none had such news have none. Atomic. */
extern u64 job_changes;
static inline void job_changed(void)
{
    __atomic_fetch_add(&job_changes, 1, __ATOMIC_RELEASE);
}
