/* SPDX-License-Identifier: MIT
 *
 * Processes and threads. A process (thread group) owns the address space and signal handlers; a
 * thread owns registers, kernel stack, signal mask, credentials, directories and descriptors
 * (which threads usually share).
 *
 * Locks, all irq-safe, in this order: proc_lock (the tree of processes, groups, sessions,
 * states, exit statuses), the lock of a number (kernel/task/threads.h), timer lock,
 * proc->sig.lock (signals), the lock of a table of actions, run queue.
 *
 * What guards each field of the two records is said beside it:
 *   [c]  nothing: it does not change once others can find the record
 *   [o]  the running thread's own (of a process: any of its threads, one word at a time);
 *        others read single words with READ_ONCE and can do with the value of a moment ago
 *   [1]  changed by exec or exit alone, when the process has one thread; others read it
 *        under proc_lock, under which it is changed
 *   [P]  proc_lock
 *   [S]  sig.lock of the process
 *   [PS] changed under both; either is enough to read
 *   [R]  the lock of the run queue of the thread's `cpu` (kernel/task/sched/runq.h)
 *   [A]  atomic
 * A record is there as long as one of its threads has not left its last stack (`nlive`), and
 * a zombie's until it is waited for. Who is found by a number is valid under the lock it was
 * found with, and no longer.
 */
#pragma once

#include "arch/thread.h"
#include "fs/file.h"
#include "kernel/task/cred.h"
#include "kernel/task/sched/deadline.h"
#include "kernel/task/sched/timer.h"
#include "kernel/task/sigactions.h"
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
#define USER_HZ  100 /* unit of times shown to programs */

/* More internal results beside ERESTARTSYS (lib/waitq.h) that never reach a program:
 * NOINTR: the call starts again in any case, after a handler too (locks);
 * NOHAND: EINTR when a handler runs, else the call starts again (pause, poll, select);
 * BLOCK: the same, but it starts again as restart_syscall (nanosleep). */
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_BLOCK 516

struct inode;
struct pidref; /* kernel/event/pidfd.h */
struct posix_timer;
struct posix_timers; /* kernel/event/posix_timer.h */
struct seccomp;      /* kernel/seccomp/chain.h */
struct sem_undos;    /* kernel/ipc/sem.h */
struct sigwait;      /* kernel/event/signalfd.h */
struct tracee;
struct tty;

/* Runnable: on one queue or on one CPU. Unplaced: on none of them and not to be woken, it is new
 * or on its way to another CPU; the one that placed it there takes it further. */
enum thread_state { THREAD_RUNNABLE, THREAD_UNPLACED, THREAD_SLEEPING, THREAD_ZOMBIE };

/* What is remembered of a pending signal besides its number. */
struct sig_record {
    s32 code, pid;
    u32 uid;
    s32 status;
    u64 value; /* si_value or si_addr */
    union {
        u32 utime; /* SIGCHLD, in USER_HZ */
        s32 error; /* si_errno of what a program queued: code < 0 */
    };
    union {
        u32 stime; /* SIGCHLD */
        u32 pkey;  /* SEGV_PKUERR, else 0 in faults */
    };
};

/* Queued real-time signals: any number of each; and those of timers, of any number. */
struct sig_queued {
    struct list link;
    int signo;
    struct posix_timer *timer; /* [sig.lock] whose only record this is; NULL: nobody's */
    struct account *account;   /* it counts there, referenced */
    struct sig_record rec;
};

#define SIG_STANDARD_MAX 31

/* The records behind a `pending` mask; sig.lock. A standard signal is pending once and
 * keeps its first record. */
struct sig_records {
    struct sig_record standard[SIG_STANDARD_MAX + 1];
    struct list queued; /* of struct sig_queued: kernel/task/sigqueue.c */
    struct list *last[1 + NSIG - SIG_STANDARD_MAX];
    u64 leaves; /* how often some left the queue */
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

/* Bits of thread->work. */
#define THREAD_LOOK     1u /* something may wait for the thread: thread_work() tells */
#define THREAD_LONG     2u /* [o] all its calls go the long way, see arch/trap.h */
#define THREAD_FILTERED 4u /* and are looked at first: kernel/seccomp; stays set */

struct thread {
    u32 work;                /* [A] THREAD_WORK_OFFSET: see thread_must_look() */
    struct arch_thread arch; /* [o] */
    struct proc *proc;       /* [c] NULL: kernel thread */
    s32 tid;                 /* [P] and the number's lock; exec gives it the process's */
    u64 serial, start_ns;    /* [c] the first never used twice */
    u32 state;               /* [R] enum thread_state */
    u32 cpu;                 /* [R] it runs there, is queued there or was last */
    u64 allowed;             /* [R] CPUs it may run on; some may not exist */
    bool unparked;           /* [R] a wake-up came while it did not sleep */
    bool has_children;       /* [P] it may be the parent_thread of some */
    s32 free_tid; /* [o] number to give back with the thread, 0: the process's own */
    struct thread *vfork_child;  /* [P] waits for this one's exec or exit */
    struct thread *vfork_waiter; /* [P] sleeps until this one's exec or exit */
    struct rb_node run_node;     /* [R] with the next two */
    u64 vruntime;                /* what it has had of the CPU, weighed cycles */
    u64 ran_since;               /* by cpu_cycles(): not in vruntime yet */
    /* sched(7); [R]. realtime: vruntime is its place among those, kernel/task/sched/runq.h */
    u8 policy, priority; /* SCHED_*; 1 to 99 for FIFO and RR, 100 for DEADLINE, else 0 */
    bool realtime, reset_on_fork;
    s8 nice;                  /* [P] the run queue reads it as one word */
    struct deadline dl;       /* SCHED_DEADLINE alone */
    u16 rr_left;              /* ticks of SCHED_RR's turn */
    u16 ioprio;               /* [P] ioprio_set(2), remembered */
    u32 mempolicy;            /* a word; [o] set_mempolicy(2), remembered */
    u32 personality;          /* [o] */
    u64 slack, slack_default; /* a word; [o] PR_SET_TIMERSLACK; 0: 50 us */
    u64 rt_ticks;          /* ticks as real-time thread since it slept: RLIMIT_RTTIME */
    struct list proc_link; /* [PS] proc->threads */
    struct rb_node serial_node; /* [PS] proc->by_serial */
    struct list tid_link;       /* [P] and the number's lock; either is enough to read */
    struct ktimer sleep_timer;  /* park_until */
    char comm[COMM_LEN];        /* [S] */
    void (*entry)(void *);      /* [c] where a new thread starts */
    void *entry_arg;

    u64 blocked;       /* [S] changed by itself alone; bit signo-1 */
    u64 saved_blocked; /* [o] rt_sigsuspend: mask to put back, valid with restore_mask */
    bool restore_mask; /* [o] */
    struct list stop_link; /* [S] proc->asleep: it sleeps in job_sleep() */
    /* [S] numbers of stops of the process: the one that is not told before it stops too; the
     * last that it took; the one that is not for it, as its tracer let it go on. */
    u64 stop_due, stop_taken, stop_passed;
    u8 trap_due;          /* [S] TRAP_*: it stops for its tracer as soon as it can */
    struct tracee *trace; /* [PS] kernel/ptrace; NULL: nobody ever traced it */
    u64 awaits;           /* [S] sigtimedwait takes these */
    u64 pending;          /* [S] signals directed at this thread, signals_of() */
    u64 cancels[2];       /* [S] of the process's, those that `pending` has seen */
    struct sig_records records;     /* [S] */
    u64 altstack_sp, altstack_size; /* [o] */
    u32 altstack_flags;             /* [o] as it was set */
    u64 fault_trapno, fault_err,
        fault_addr; /* [o] of the last fault, for signal frames */
    s32 restart;    /* [o] ERESTART* of the call that is being left, 0: none */
    long (*restart_fn)(
        void);            /* [o] ERESTART_BLOCK: goes on with a wait that has an end, */
    u64 restart_deadline; /* this one; NULL: none */
    u64 restart_args[3];
    u64 clear_child_tid;       /* [o] set_tid_address */
    u64 set_child_tid;         /* [c] CLONE_CHILD_SETTID: written when the child starts */
    u64 robust_list;           /* [o] set_robust_list */
    struct list pi_owned;      /* pi_lock of kernel/task/futex/futex_pi.c: of futex_pi */
    struct futex_pi *pi_wait;  /* the same */
    bool pi_gone;              /* the same */
    bool ends;                 /* [o] it is in end_thread: its faults wait for nobody */
    u64 utime_ns, stime_ns;    /* [o] */
    u64 minflt, nvcsw, nivcsw; /* [o] */
    u64 minflt_told;           /* [o] so many of them are the process's, too */
    struct io_counts io;       /* [o] */
    struct account *account;   /* [o] and [P]; referenced: account_current() */
    bool was_over_nproc;       /* [o] when it took its real user id; exec tells */
    struct cred *cred, cred_room; /* [o] and [P]: kernel/task/cred.h */
    struct fs_context fs;         /* [o] and [P]; without dirs: it ends */
    struct fdtable *files;        /* [o] and [P]; owned (fdtable_own); NULL: it ends */
    u64 oom_last; /* [o] kernel/task/oom.c: when it last found no memory, how often in a row */
    u32 oom_tries;
    bool made_segment; /* [o] of System V shared memory */
    u64 rseq;          /* [o] kernel/task/rseq.h: the program's record, 0: none */
    u32 rseq_size, rseq_signature; /* [o] */
    bool rseq_due;           /* the CPU's number in it may be wrong, or a sequence left */
    struct seccomp *filters; /* [P] its newest, referenced; NULL: none, or strict mode */
    struct sem_undos *undos; /* [o] shared by CLONE_SYSVSEM; NULL: none */
    void *kstack;            /* [c] kspace range, KSTACK_SIZE */
#ifdef TESSERA_DEBUG
    struct injection inject;
#endif
#ifdef LOCKS_CHECKED
    struct held_mutexes mutexes;
#endif
};

struct sighand {
    spinlock_t lock;            /* irq-safe */
    struct sigactions *actions; /* [PS] */
};

/* A timer of used processor time: ns; left 0: off; interval 0: once. [S]. */
struct cpu_itimer {
    u64 left, interval;
};

/* Whether the memory of a process may be looked at by its user, prctl(2) PR_SET_DUMPABLE. */
enum dumpable { DUMP_NOBODY, DUMP_USER, DUMP_ROOT };

/* thread->trap_due: the tracer asked; the process stopped or went on meanwhile. */
#define TRAP_STOP   1u
#define TRAP_NOTIFY 2u

struct proc {
    s32 pid;                /* [c] */
    u64 serial;             /* [c] never used twice */
    struct proc *parent;    /* [P] NULL: init */
    s32 ppid;               /* [P] the parent's number, 0: init; one word */
    struct list children;   /* [P] of struct proc.sibling */
    struct list sibling;    /* [P] */
    struct rb_root zombies; /* [P] of struct proc.ended: children that are zombies */
    struct rb_node ended;   /* [P] by serial, while `queued` */
    bool queued;            /* [P] */
    u64 quiet_since; /* [P] job_changes when no child had a stop or a continuation to tell */
    struct thread *parent_thread;      /* [P] the parent's thread that waits with
                                     __WNOTHREAD; NULL: init */
    u64 exec_count, parent_exec_count; /* [P] of the parent when this one was born */
    u64 birth;                         /* [P] as the nodes: kernel/task/walk.c */
    struct rb_node birth_node, group_node;
    struct list tracees;  /* [P] of struct tracee: threads that it traces */
    struct tracee *trace; /* [P] its first thread's, when that has ended */
    bool in_exec;         /* [P] between the decision what exec gains and the gain */
    u64 orphaned_by;  /* [P] first of a group: the process whose end it was asked for */
    struct list hash; /* [P] by pid */
    struct list threads;        /* [PS] of those that have not left (leave_group) */
    struct rb_root by_serial;   /* [PS] the same */
    struct list walks;          /* [PS] of struct thread_walk */
    struct list visit_link;     /* with the next one: kernel/task/visit.c */
    u8 visits;                  /* enum visit: what is due */
    bool was_traced;            /* [S] one of its threads, at some time */
    u32 nthreads;               /* [PS] */
    u32 nlive;                  /* [P] threads that have not left their last stack */
    struct thread *leader;      /* [PS] NULL once it is a zombie */
    struct thread *exec_thread; /* [P] its exec waits until the others are gone */
    struct thread
        *last_thread; /* [P] it takes the process apart when the others are gone */
    s32 pgid, sid;    /* [P] */
    struct tty *tty;  /* [P] controlling terminal */

    struct mm *mm;    /* [1] referenced; NULL after exit */
    struct file *exe; /* [1] program file, referenced; NULL: none */
    struct sighand sig;
    u64 pending;                        /* [S] signals to the process */
    u64 cancels[2];                     /* [S] kernel/task/sigqueue.h */
    struct sig_records records;         /* [S] */
    struct rlimit64 rlim[RLIM_NLIMITS]; /* [P] */
    struct cred cred;    /* [P] its first thread's, also when that has ended */
    char comm[COMM_LEN]; /* [S] */

    bool exiting, zombie, did_exec; /* [P] */
    bool stopped;                   /* [S] by a stop signal */
    bool reported;                  /* [S] the stop was seen by wait4 */
    bool stop_told;                 /* [S] all threads stopped, the parent may know */
    bool continued;                 /* [S] a continuation that wait4 has not seen */
    int stop_signal;                /* [S] */
    u64 stop_count;                 /* [S] stops so far, the last one's number */
    struct list asleep;             /* [S] threads that stopped */
    u32 stop_due;                   /* [S] threads that still have to stop */
    int exit_status;                /* [P] as wait4 reports it */
    int exit_signal;                /* [P] to the parent, SIGCHLD */
    struct sig_queued *end_record;  /* [P] for one that is queued, once it ends */
    struct waitq child_wait;        /* the parent sleeps here in wait4 */
    u64 start_ns;                   /* [c] */
    u64 minflt, nvcsw, nivcsw;      /* [A] of all threads */
    u64 majflt;                     /* [c] nothing is read from a device */
    u64 utime_ns, stime_ns;         /* [A] of all threads */
    u64 cutime_ns, cstime_ns, cminflt, cmajflt; /* [PS] of waited-for children */
    struct io_counts io;       /* [P] of threads that ended and of waited-for children */
    u64 maxrss_kb, cmaxrss_kb; /* [P] */
    u64 itimer_interval;       /* ITIMER_REAL, ns; 0: once */
    struct ktimer itimer;
    struct cpu_itimer cpu_itimers[2]; /* [S] ITIMER_VIRTUAL, ITIMER_PROF */
    struct posix_timers *timers;      /* [S] NULL: none was made */
    struct sigwait *sigwait; /* [S] NULL: nobody has asked for signals by a file */
    struct pidref *pidref;   /* [P] NULL: no file stands for it */
    int pdeath_signal;       /* [P] */
    s32 nice;                /* [P] its first thread's, also when that has ended */
    u32 ready,
        share; /* kernel/task/sched/runq.h: ready threads, atomic; where its user counts */
    u8 dumpable;             /* [P] enum dumpable */
    bool subreaper;          /* atomic: orphans below it become its children */
    u64 oom_score_adj;       /* [P] */
    s32 oom_score_adj_min;   /* [P] below it only with CAP_SYS_RESOURCE */
    struct account *account; /* [PS] referenced: its first thread's */
};

/* The running thread's process; never NULL in a system call. */
static inline struct proc *current_proc(void)
{
    return current_thread()->proc;
}

/* The running thread's, which it alone changes. */
static inline const struct cred *own_cred(void)
{
    return current_thread()->cred;
}

static inline struct fs_context *current_fs(void)
{
    return &current_thread()->fs;
}

/* Every privileged act asks for its capability, lib/uapi/capability.h; none for a user. */
static inline bool capable(unsigned cap)
{
    return own_cred()->fs.caps >> cap & 1;
}

/* Those of a thread, or when it has ended (t NULL) of its process. proc_lock held. */
static inline const struct cred *cred_of(const struct proc *p, const struct thread *t)
{
    return t ? t->cred : &p->cred;
}

/*
 * Whether a thread has to look for work before it goes back to its program; machine code
 * asks the same. `work` is set before anybody expects the thread to look: thread_notify()
 * does it for those who send, thread_look() for the thread itself. thread_work() clears it.
 */
static inline bool thread_must_look(const struct thread *t)
{
    return cpu_own.need_resched | READ_ONCE(t->work);
}

static inline void thread_look(struct thread *t)
{
    __atomic_fetch_or(&t->work, THREAD_LOOK, __ATOMIC_RELAXED);
}

/* Whether the process is stopped, and t with it. */
static inline bool stop_holds(const struct proc *p, const struct thread *t)
{
    return READ_ONCE(p->stopped) && READ_ONCE(t->stop_passed) != READ_ONCE(p->stop_count);
}

/* Everything that keeps the running thread, t, from going straight back to its program.
 * What is sent after `work` was cleared sets it again. */
static inline bool thread_work(struct thread *t)
{
    const struct proc *p = t->proc;

    __atomic_fetch_and(&t->work, ~THREAD_LOOK, __ATOMIC_SEQ_CST);
    return (READ_ONCE(cpu_own.need_resched) | (u32)t->restart | t->restore_mask |
            t->trap_due | READ_ONCE(t->rseq_due) | READ_ONCE(t->dl.spent) |
            stop_holds(p, t)) ||
           ((READ_ONCE(t->pending) | READ_ONCE(p->pending)) & ~t->blocked);
}

extern spinlock_t proc_lock;
extern u32 pid_limit; /* kernel.pid_max: new numbers stay below it */

/* Finds by pid; proc_lock held, valid until it is released. */
struct proc *proc_find(s32 pid);
/* Next pid >= pid that exists, -1 at the end (procfs). */
s32 proc_next_pid(s32 pid);
/* Next number >= tid of a thread of the process, -1 at the end. */
s32 task_next_tid(s32 pid, s32 tid);
u32 proc_count(void);
extern s32 last_pid; /* the number given last: the next one is looked for behind it */
extern u32 proc_threads_max; /* processes and threads there may be */
/* Names t (NULL: none), or also its process; a name is at most COMM_LEN-1 long. */
enum comm_scope { COMM_OF_THREAD, COMM_OF_PROCESS };
void proc_set_comm(struct proc *p, struct thread *t, const char *name,
                   enum comm_scope scope);
/* What of a process may outlive proc_lock, for reports: its mm with a reference, or NULL.
 * mm_put afterwards. */
struct mm *proc_get_mm(s32 pid);

/* An unpublished process without a number: lists, queues and timers are set up, it pays on
 * the running process's account, all else is zero. NULL: no memory. */
struct proc *proc_alloc(void);
/* Frees the record of a process that nobody can find. */
void proc_free(struct proc *p);

/* Reserves a number for a child of the caller, or for the first process. wanted: that one, which
 * must be valid, 0: any. -EAGAIN: limits; -EEXIST: it is taken. */
int proc_reserve_pid(s32 wanted, s32 *pid);
void proc_unreserve_pid(s32 pid);
void pid_release(s32 pid); /* the same with proc_lock held */
/* Makes p known under its reserved pid. proc_lock held. */
void proc_publish(struct proc *p, struct proc *parent);
/* Takes a dead process out of everything; then proc_free. proc_lock held. */
void proc_unpublish(struct proc *p);

/* Moves p, which is published, to another group and session. proc_lock held. */
void proc_set_group(struct proc *p, s32 pgid, s32 sid);
/* Whether a process, a zombie too, is in that group. proc_lock held. */
bool group_used(s32 pgid);

extern struct proc *init_proc;
