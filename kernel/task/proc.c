/* SPDX-License-Identifier: MIT
 *
 * The table of processes: numbers, look-up, records. A number stays taken as long as a
 * process, a group or a session bears it.
 */
#include "kernel/task/proc.h"
#include "arch/time.h"
#include "fs/groups.h"
#include "kernel/event/pidfd.h"
#include "kernel/event/signalfd.h"
#include "kernel/ptrace/family.h"
#include "kernel/task/limits.h"
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
s32 last_pid;
static u32 nprocs; /* reserved numbers in use */

/* How many processes are in the group and in the session of each number; proc_lock. */
static struct {
    u16 group, session;
} names[PID_MAX];

SLAB_CACHE_LINES(proc_cache, "proc", struct proc);

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

/* ---- numbers ---- */

static bool pid_reserved(s32 pid)
{
    REQUIRES(&proc_lock);
    return pid_map[pid / 64] >> (pid % 64) & 1;
}

static bool pid_names_group(s32 pid)
{
    return names[pid].group || names[pid].session;
}

bool group_used(s32 pgid)
{
    REQUIRES(&proc_lock);
    return pgid >= 0 && pgid < PID_MAX && names[pgid].group;
}

void proc_set_group(struct proc *p, s32 pgid, s32 sid)
{
    REQUIRES(&proc_lock);
    names[p->pgid].group--;
    names[p->sid].session--;
    procs_regroup(p, pgid);
    p->sid = sid;
    names[pgid].group++;
    names[sid].session++;
}

u32 proc_threads_max;

/* As many as memory can carry with room to spare. */
static u32 max_threads(void)
{
    u64 max = page_count_total() / 32;

    return (u32)MIN(max, (u64)PID_MAX - 512);
}

int proc_reserve_pid(s32 wanted, s32 *pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 candidate = wanted ? wanted - 1 : READ_ONCE(last_pid),
        tries = wanted ? 1 : PID_MAX;
    int err = -EAGAIN;

    if (!init_proc) /* the first of all */
        proc_threads_max = max_threads();
    if (nprocs >= proc_threads_max || (init_proc && over_nproc()))
        goto out;
    err = wanted ? -EEXIST : -EAGAIN;
    for (; tries; tries--) {
        /* After the wrap the low numbers stay with the system's first processes. */
        if (++candidate >= (s32)READ_ONCE(pid_limit) && !wanted)
            candidate = 300;
        if (!~pid_map[candidate / 64])
            candidate |= 63; /* nothing free in this word */
        if (pid_reserved(candidate) || pid_names_group(candidate) ||
            pid_is_pinned(candidate))
            continue;
        pid_map[candidate / 64] |= 1ull << (candidate % 64);
        nprocs++;
        *pid = candidate;
        WRITE_ONCE(last_pid, wanted ? last_pid : candidate);
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
    names[p->pgid].group++;
    names[p->sid].session++;
    p->account->tasks++; /* its thread */
    if (parent)
        list_add_tail(&parent->children, &p->sibling);
    procs_add(p);
    list_add(bucket(p->pid), &p->hash);
}

void proc_unpublish(struct proc *p)
{
    REQUIRES(&proc_lock);
    names[p->pgid].group--;
    names[p->sid].session--;
    p->account->tasks--; /* its threads have gone: detach_thread() */
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

void proc_set_comm(struct proc *p, struct thread *t, const char *name,
                   enum comm_scope scope)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);

    if (t)
        str_copy(t->comm, name, sizeof(t->comm));
    if (scope == COMM_OF_PROCESS)
        str_copy(p->comm, name, sizeof(p->comm));
    spin_unlock_irq(&p->sig.lock, flags);
}
