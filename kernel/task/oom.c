/* SPDX-License-Identifier: MIT
 *
 * Out of memory: which process ends, as docs/reference/oom.md promises. A process has its
 * resident pages and what the kernel keeps for it, where oom_score_adj adds or takes
 * thousandths of all memory. Ordinary users are compared by the sum of their processes and
 * of what stands on their account, processes of root one by one: who shares a heap out among
 * many small processes is still its owner. Of the user with the most the largest process
 * ends; never init, never one at -1000. Everybody who shares its memory ends with it.
 */
#include "kernel/task/oom.h"
#include "arch/time.h"
#include "fs/fdtable.h"
#include "kernel/pause.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"

#define PATIENCE_NS 2000000000ull
#define ADJ_NEVER   (-1000)
#define TRIES_MAX \
    16u /* in vain although pages are free: not their number is the trouble */
#define TRIES_FORGOTTEN 1000000000ull

static bool memory_there(void)
{
    return page_count_free() > page_count_reserve();
}

/* To the last: between giving its memory up and mm_any_dying() there is a moment, and what it
 * has beside that comes back later still. */
bool proc_is_ending(const struct proc *p)
{
    REQUIRES(&proc_lock);
    return !p->zombie && (p->exiting || (READ_ONCE(p->pending) & sig_bit(SIGKILL)));
}

/* What the kernel keeps for a process and frees with it, in bytes. Tables of descriptors that other
 * threads than the first have for themselves are seen in their user's sum alone. */
static u64 kernel_bytes(const struct proc *p)
{
    REQUIRES(&proc_lock);
    const struct fdtable *files = p->leader ? p->leader->files : NULL;

    return mm_kernel_bytes(p->mm) + (files ? fdtable_bytes(files) : 0) +
           p->nthreads * thread_bytes() + sizeof(*p);
}

u64 oom_points(const struct proc *p)
{
    REQUIRES(&proc_lock);
    s64 adj = (s64)p->oom_score_adj, points;

    if (!p->mm || p->mm == init_proc->mm || adj <= ADJ_NEVER)
        return 0;
    points = (s64)(mm_rss(p->mm) + kernel_bytes(p) / PAGE_SIZE);
    points += adj * (s64)page_count_total() / 1000;
    return points > 0 ? (u64)points : 1;
}

struct choice {
    struct task_id victim; /* pid 0: none */
    u64 of_all, points;    /* of its user, and its own */
    bool ending;           /* somebody's memory is on its way back */
};

/* One choice at a time: the sums of the users are in their accounts. Nothing is allocated and
 * nothing is waited for with it but that every CPU passes. */
static struct mutex choosing = {.queue = LIST_INIT(choosing.queue)};
static u64 last_choice_ns; /* when somebody was chosen last; `choosing` */

/* Sums up what every user has. */
static void sum_up(void)
{
    struct procs w = procs_begin_all();
    struct proc *p;

    while ((p = procs_next(&w)))
        p->account->points = account_pages(p->account);
    procs_end(&w);
    w = procs_begin_all();
    while ((p = procs_next(&w)))
        p->account->points += proc_is_ending(p) ? 0 : oom_points(p);
    procs_end(&w);
}

static void consider(const struct proc *p, struct choice *c)
{
    REQUIRES(&proc_lock);
    u64 points = proc_is_ending(p) ? 0 : oom_points(p);
    u64 of_all = p->account == &account_root ? points : p->account->points;

    c->ending |= proc_is_ending(p);
    if (points && (of_all > c->of_all || (of_all == c->of_all && points > c->points))) {
        c->victim = (struct task_id){.pid = p->pid, .serial = p->serial};
        c->of_all = of_all;
        c->points = points;
    }
}

static bool find_ending(struct proc *p, void *arg)
{
    *(bool *)arg |= proc_is_ending(p);
    return true;
}

/* What the log says, taken while the victim cannot go away. */
struct obituary {
    char comm[COMM_LEN];
    s32 pid;
    u64 anon, file, shmem, kernel;
    s64 adj;
};

static void describe(struct proc *p, struct obituary *o)
{
    REQUIRES(&proc_lock);
    spin_lock(&p->sig.lock);
    str_copy(o->comm, p->comm, sizeof(o->comm));
    spin_unlock(&p->sig.lock);
    o->pid = p->pid;
    o->anon = mm_resident(p->mm, RESIDENT_ANON);
    o->file = mm_resident(p->mm, RESIDENT_FILE);
    o->shmem = mm_resident(p->mm, RESIDENT_SHMEM);
    o->kernel = kernel_bytes(p) / PAGE_SIZE;
    o->adj = (s64)p->oom_score_adj;
}

/* The victim, if it still is what it was. */
static struct proc *find_victim(const struct choice *c)
{
    REQUIRES(&proc_lock);
    struct proc *p = c->victim.pid ? proc_find(c->victim.pid) : NULL;

    return p && p->serial == c->victim.serial && p->mm ? p : NULL;
}

/* Ends the victim and everybody who shares its memory. When it has given its memory up before
 * all are reached, the next choice looks at those by themselves. */
static bool kill_sharers(const struct choice *c, struct obituary *o)
{
    struct procs w = procs_begin_all();
    struct proc *victim = find_victim(c);
    const struct mm *mm = victim ? victim->mm : NULL;
    struct proc *p;

    if (victim)
        describe(victim, o);
    while (mm && (p = procs_next(&w)) && (victim = find_victim(c)) && victim->mm == mm)
        if (p->mm == mm && !p->exiting)
            signal_send_proc(p, SIGKILL);
    procs_end(&w);
    return mm;
}

/* Whether somebody is ending, now or already before, or has just ended. `another`: those who
 * do already have been waited for in vain; not those that another thread chose meanwhile. */
static bool kill_one(bool another, bool vain)
{
    const struct proc *me = current_proc();
    struct choice c = {.ending = false};
    struct procs w;
    struct obituary o;
    struct proc *p;
    bool found, killed, there;
    u64 now;

    mutex_lock(&choosing);
    now = clock_monotonic_ns();
    another = another && now - last_choice_ns >= PATIENCE_NS;
    c.ending = mm_any_dying();
    sum_up();
    w = procs_begin_all();
    while ((p = procs_next(&w)))
        consider(p, &c);
    procs_end(&w);
    c.ending |= mm_any_dying();
    if (!c.ending)
        memory_settle(); /* of the last that ended, on whatever CPU */
    there = memory_there() && !vain;
    found = !there && c.victim.pid && (!c.ending || another);
    killed = found && kill_sharers(&c, &o); /* or it ended by itself */
    if (killed)
        last_choice_ns = now;
    mutex_unlock(&choosing);
    if (killed)
        printk(
            LOG_ERROR
            "out of memory: %s[%d] killed: %lu pages resident (%lu private, %lu file, "
            "%lu shared), %lu of the kernel, oom_score_adj %ld; %lu of %lu pages free; "
            "wanted by %s[%d]\n",
            o.comm, o.pid, (unsigned long)(o.anon + o.file + o.shmem),
            (unsigned long)o.anon, (unsigned long)o.file, (unsigned long)o.shmem,
            (unsigned long)o.kernel, (long)o.adj, (unsigned long)page_count_free(),
            (unsigned long)page_count_total(), me->comm, me->pid);
    return there || found || (c.ending && !another);
}

/* Lets those who end run, until there is memory, nobody is left or patience is over: as long
 * as they give pages back, it is not. *ending: somebody still is. */
static bool wait_for_memory(bool *ending)
{
    u64 end = clock_monotonic_ns() + PATIENCE_NS, most = page_count_free();

    *ending = true;
    while (!memory_there() && *ending && !signal_kill_pending(current_thread()) &&
           clock_monotonic_ns() < end) {
        sched_yield_now();
        *ending = mm_any_dying();
        proc_for_each(find_ending, ending);
        *ending |= mm_any_dying();
        if (page_count_free() > most) {
            most = page_count_free();
            end = clock_monotonic_ns() + PATIENCE_NS;
        }
    }
    if (!*ending)
        memory_settle();
    return memory_there();
}

/* Whether the running thread comes here again and again although pages are free. */
static bool in_vain(struct thread *t)
{
    u64 now = clock_monotonic_ns();

    t->oom_tries = now - t->oom_last < TRIES_FORGOTTEN ? t->oom_tries + 1 : 0;
    t->oom_last = now;
    return t->oom_tries > TRIES_MAX;
}

bool oom_handle(bool user)
{
    struct thread *t = current_thread();
    bool another = false, vain;

    memory_settle();
    vain = in_vain(t);
    if (memory_there() && !vain) {
        sched_yield_now();
        return true;
    }
    t->oom_tries = 0;
    while (!signal_kill_pending(t) && kill_one(another, vain)) {
        if (!signal_kill_pending(t) && wait_for_memory(&another))
            return true;
        if (!user) /* the one that ends may wait for a lock we hold */
            break;
    }
    return false;
}
