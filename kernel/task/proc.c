/* SPDX-License-Identifier: MIT
 *
 * The table of processes: numbers, look-up, records. A number stays taken as long as a
 * process, a group or a session bears it.
 */
#include "kernel/task/proc.h"
#include "arch/time.h"
#include "fs/fdtable.h"
#include "fs/groups.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "kernel/event/pidfd.h"
#include "kernel/event/signalfd.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

#define HASH_SIZE 4096u

spinlock_t proc_lock;
u32 pid_limit = PID_MAX;
struct proc *init_proc;

static struct list hash[HASH_SIZE];
static u64 pid_map[PID_MAX / 64]; /* reserved numbers */
static s32 last_pid;
static u32 nprocs; /* reserved numbers in use */

/* How many processes are in the group and in the session of each number; proc_lock. */
static u16 in_group[PID_MAX], in_session[PID_MAX];

SLAB_CACHE(proc_cache, "proc", struct proc);

static u64 itimer_fire(struct ktimer *t)
{
    struct proc *p = container_of(t, struct proc, itimer);

    signal_send_proc(p, SIGALRM);
    return p->itimer_interval ? clock_monotonic_ns() + p->itimer_interval : 0;
}

struct proc *proc_alloc(void)
{
    struct proc *p = slab_zalloc(&proc_cache);

    if (!p)
        return NULL;
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->hash);
    list_init(&p->tracees);
    list_init(&p->threads);
    list_init(&p->walks);
    list_init(&p->visit_link);
    list_init(&p->asleep);
    list_init(&p->records.queued);
    waitq_init(&p->child_wait);
    ktimer_init(&p->itimer, itimer_fire);
    p->exit_signal = SIGCHLD;
    p->serial = proc_next_serial();
    p->cred.bounding = CAP_ALL;
    p->dumpable = DUMP_USER;
    p->account = account_current();
    account_hold(p->account);
    p->start_ns = clock_monotonic_ns();
    return p;
}

void proc_free(struct proc *p)
{
    struct list trash = LIST_INIT(trash);

    waitq_fini(&p->child_wait);
    sigactions_put(p->sig.actions);
    sigwait_put(p->sigwait);
    if (p->pidref)
        pidref_forget(p->pidref);
    signal_flush(&p->pending, &p->records, &trash);
    signal_free(p, &trash);
    if (p->end_record)
        signal_spare_free(p->end_record);
    ptrace_free(p->trace);
    account_put(p->account);
    groups_put(p->cred.fs.groups);
    slab_free(&proc_cache, p);
}

/* ---- accounts ---- */

/* Another thread changed the user. */
static noinline struct account *account_renew(struct thread *t)
{
    struct account *old = t->account;
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    t->account = t->proc->account;
    account_hold(t->account);
    spin_unlock_irq(&t->proc->sig.lock, flags);
    account_put(old);
    return t->account;
}

/* The thread has a reference of its own: a setuid of another one must not take the account
 * away while it is charged. */
struct account *account_current(void)
{
    struct thread *t = current_thread();

    if (!t || !t->account)
        return &account_root;
    if (unlikely(t->account != READ_ONCE(t->proc->account)))
        return account_renew(t);
    return t->account;
}

enum rank rank_current(void)
{
    const struct thread *t = current_thread();
    const struct proc *p = t ? t->proc : NULL;

    if (!p || READ_ONCE(p->exiting) || signal_kill_pending(t))
        return RANK_KERNEL;
    return proc_capable(p, CAP_SYS_RESOURCE) || proc_capable(p, CAP_SYS_ADMIN)
               ? RANK_ADMIN
               : RANK_USER;
}

/* ---- numbers ---- */

static bool pid_reserved(s32 pid)
{
    REQUIRES(&proc_lock);
    return pid_map[pid / 64] >> (pid % 64) & 1;
}

static bool pid_names_group(s32 pid)
{
    return in_group[pid] || in_session[pid];
}

bool group_used(s32 pgid)
{
    REQUIRES(&proc_lock);
    return pgid >= 0 && pgid < PID_MAX && in_group[pgid];
}

void proc_set_group(struct proc *p, s32 pgid, s32 sid)
{
    REQUIRES(&proc_lock);
    in_group[p->pgid]--;
    in_session[p->sid]--;
    procs_regroup(p, pgid);
    p->sid = sid;
    in_group[pgid]++;
    in_session[sid]++;
}

u32 proc_threads_max;

/* As many as memory can carry with room to spare. */
static u32 max_threads(void)
{
    u64 max = page_count_total() / 32;

    return (u32)MIN(max, (u64)PID_MAX - 512);
}

/* Root has no such limit, nor who may raise it. */
static bool over_nproc(const struct proc *p)
{
    REQUIRES(&proc_lock);
    return READ_ONCE(p->cred.uid) != 0 && !proc_capable(p, CAP_SYS_RESOURCE) &&
           !proc_capable(p, CAP_SYS_ADMIN) &&
           p->account->tasks >= proc_rlimit(p, RLIMIT_NPROC);
}

struct account *proc_set_account(struct proc *p, struct account *a)
{
    REQUIRES(&proc_lock);
    struct account *old = p->account;

    spin_lock(&p->sig.lock);
    WRITE_ONCE(p->account, a);
    spin_unlock(&p->sig.lock);
    old->tasks -= MAX(p->nthreads, 1u);
    a->tasks += MAX(p->nthreads, 1u);
    /* It is told by the next exec: setuid itself must not fail for it. */
    p->was_over_nproc = a->uid != 0 && a->tasks > proc_rlimit(p, RLIMIT_NPROC);
    return old;
}

bool proc_exec_over_nproc(struct proc *p)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    p->was_over_nproc = p->was_over_nproc && READ_ONCE(p->cred.uid) != 0 &&
                        p->account->tasks > proc_rlimit(p, RLIMIT_NPROC);
    return p->was_over_nproc;
}

int proc_reserve_pid(const struct proc *creator, s32 *pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 candidate = last_pid;
    int err = -EAGAIN;

    if (!creator) /* the first of all */
        proc_threads_max = max_threads();
    if (nprocs >= proc_threads_max || (creator && over_nproc(creator)))
        goto out;
    for (s32 tries = 0; tries < PID_MAX; tries++) {
        /* After the wrap the low numbers stay with the system's first processes. */
        if (++candidate >= (s32)READ_ONCE(pid_limit))
            candidate = 300;
        if (!~pid_map[candidate / 64])
            candidate |= 63; /* nothing free in this word */
        if (pid_reserved(candidate) || pid_names_group(candidate) ||
            pid_is_pinned(candidate))
            continue;
        pid_map[candidate / 64] |= 1ull << (candidate % 64);
        nprocs++;
        last_pid = *pid = candidate;
        err = 0;
        break;
    }
out:
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

void pid_release(s32 pid)
{
    REQUIRES(&proc_lock);
    pid_map[pid / 64] &= ~(1ull << (pid % 64));
    nprocs--;
}

void proc_unreserve_pid(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);

    pid_release(pid);
    spin_unlock_irq(&proc_lock, flags);
}

static struct list *bucket(s32 pid)
{
    struct list *head = &hash[(u32)pid % HASH_SIZE];

    if (!head->next)
        list_init(head);
    return head;
}

void proc_publish(struct proc *p, struct proc *parent)
{
    REQUIRES(&proc_lock);
    p->parent = parent;
    p->ppid = parent ? parent->pid : 0;
    in_group[p->pgid]++;
    in_session[p->sid]++;
    p->account->tasks += MAX(p->nthreads, 1u);
    if (parent)
        list_add_tail(&parent->children, &p->sibling);
    procs_add(p);
    list_add(bucket(p->pid), &p->hash);
}

void proc_unpublish(struct proc *p)
{
    REQUIRES(&proc_lock);
    in_group[p->pgid]--;
    in_session[p->sid]--;
    p->account->tasks--; /* its threads have gone */
    list_del(&p->sibling);
    zombie_unqueue(p);
    procs_remove(p);
    list_del(&p->hash);
    pid_release(p->pid);
}

/* ---- look-up ---- */

struct proc *proc_find(s32 pid)
{
    REQUIRES(&proc_lock);
    struct list *pos, *head = bucket(pid);

    list_for_each (pos, head) {
        struct proc *p = list_entry(pos, struct proc, hash);

        if (p->pid == pid)
            return p;
    }
    return NULL;
}

s32 proc_next_pid(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 found = -1;

    for (pid = MAX(pid, 1); pid < PID_MAX; pid++) {
        if (!(pid_map[pid / 64] >> (pid % 64))) {
            pid |= 63; /* nothing more in this word */
            continue;
        }
        if (pid_reserved(pid) && proc_find(pid)) {
            found = pid;
            break;
        }
    }
    spin_unlock_irq(&proc_lock, flags);
    return found;
}

s32 task_next_tid(s32 pid, s32 tid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 found = -1;

    for (tid = MAX(tid, 1); tid < PID_MAX; tid++) {
        if (!(pid_map[tid / 64] >> (tid % 64))) {
            tid |= 63;
            /* The lock goes now and then: others' numbers may be many. */
            spin_unlock_irq(&proc_lock, flags);
            flags = spin_lock_irq(&proc_lock);
            continue;
        }
        if (pid_reserved(tid) &&
            (tid == pid ? proc_find(pid) != NULL : thread_find(pid, tid) != NULL)) {
            found = tid;
            break;
        }
    }
    spin_unlock_irq(&proc_lock, flags);
    return found;
}

s32 proc_last_pid(void)
{
    return READ_ONCE(last_pid);
}

u32 proc_count(void)
{
    return READ_ONCE(nprocs);
}

struct mm *proc_get_mm(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct proc *p = proc_find(pid);
    struct mm *mm = p ? p->mm : NULL;

    if (mm)
        mm_get(mm);
    spin_unlock_irq(&proc_lock, flags);
    return mm;
}

void proc_set_comm(struct proc *p, struct thread *t, const char *name, bool whole)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);

    if (t)
        str_copy(t->comm, name, sizeof(t->comm));
    if (whole)
        str_copy(p->comm, name, sizeof(p->comm));
    spin_unlock_irq(&p->sig.lock, flags);
}

void io_counts_add(struct io_counts *to, const struct io_counts *n)
{
    to->rchar += n->rchar;
    to->wchar += n->wchar;
    to->syscr += n->syscr;
    to->syscw += n->syscw;
}

void proc_io_counts(const struct proc *p, struct io_counts *out)
{
    REQUIRES(&proc_lock);
    struct list *pos;

    *out = p->io;
    list_for_each (pos, &p->threads)
        io_counts_add(out, &list_entry(pos, struct thread, proc_link)->io);
}

void proc_task_counts(const struct proc *p, struct task_counts *out)
{
    REQUIRES_EITHER(&proc_lock, &p->sig.lock);
    struct list *pos;

    *out = (struct task_counts){p->minflt, p->nvcsw, p->nivcsw};
    list_for_each (pos, &p->threads) {
        const struct thread *t = list_entry(pos, struct thread, proc_link);

        out->minflt += READ_ONCE(t->minflt);
        out->nvcsw += READ_ONCE(t->nvcsw);
        out->nivcsw += READ_ONCE(t->nivcsw);
    }
}

/* ---- limits ---- */

u64 proc_rlimit(const struct proc *p, unsigned which)
{
    return READ_ONCE(p->rlim[which].rlim_cur);
}

void proc_default_limits(struct proc *p)
{
    u64 procs = proc_threads_max / 2;

    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        p->rlim[i].rlim_cur = p->rlim[i].rlim_max = RLIM_INFINITY;
    p->rlim[RLIMIT_STACK].rlim_cur = 8ul << 20;
    p->rlim[RLIMIT_CORE].rlim_cur = 0;
    p->rlim[RLIMIT_NPROC] = (struct rlimit64){procs, procs};
    p->rlim[RLIMIT_SIGPENDING] = (struct rlimit64){procs, procs};
    p->rlim[RLIMIT_NOFILE] = (struct rlimit64){FD_MAX_DEFAULT, FD_MAX_HARD};
    p->rlim[RLIMIT_MEMLOCK] = (struct rlimit64){8ul << 20, 8ul << 20};
    p->rlim[RLIMIT_MSGQUEUE] = (struct rlimit64){819200, 819200};
    p->rlim[RLIMIT_NICE] = (struct rlimit64){0, 0};
    p->rlim[RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
}

void proc_limits_changed(const struct proc *p, struct mm *mm)
{
    REQUIRES_UNLESS(p->mm != mm, &proc_lock); /* exec's new one is nobody's yet */
    mm->limits.as = p->rlim[RLIMIT_AS].rlim_cur;
    mm->limits.data = p->rlim[RLIMIT_DATA].rlim_cur;
    mm->limits.stack = p->rlim[RLIMIT_STACK].rlim_cur;
    mm->limits.memlock = p->rlim[RLIMIT_MEMLOCK].rlim_cur;
    mm->limits.memlock_unlimited = proc_capable(p, CAP_IPC_LOCK);
    mm->limits.rawio = proc_capable(p, CAP_SYS_RAWIO);
    mm->limits.admin = proc_capable(p, CAP_SYS_ADMIN);
}

/* ---- the program file ---- */

void proc_set_exe(struct proc *p, struct file *f)
{
    struct path path = f ? f->path : (struct path){NULL, NULL}, old;
    struct inode *old_inode;
    irqflags_t flags;

    path_get(&path);
    if (f)
        inode_get(f->inode);
    flags = spin_lock_irq(&proc_lock);
    old = p->exe;
    old_inode = p->exe_inode;
    p->exe = path;
    p->exe_inode = f ? f->inode : NULL;
    spin_unlock_irq(&proc_lock, flags);
    if (old_inode) {
        inode_allow_write(old_inode);
        inode_put(old_inode);
    }
    path_put(&old); /* last: the inode may lie in a file system that goes */
}

void proc_copy_exe(struct proc *to, const struct proc *from)
{
    int err;

    if (!from->exe_inode)
        return;
    /* It is denied already, so one more cannot fail. */
    err = inode_deny_write(from->exe_inode);
    ASSERT(err == 0);
    inode_get(from->exe_inode);
    to->exe_inode = from->exe_inode;
    to->exe = from->exe;
    path_get(&to->exe);
}
