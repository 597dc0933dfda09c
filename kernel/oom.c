/* SPDX-License-Identifier: MIT
 *
 * Out of memory: which process ends, as docs/reference/oom.md promises. The one with the
 * most pages (resident memory and page tables), where oom_score_adj adds or takes
 * thousandths of all memory; never init, never one at -1000. Everybody who shares its memory
 * ends with it.
 */
#include "kernel/oom.h"
#include "arch/time.h"
#include "kernel/process.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/buddy.h"

#define PATIENCE_NS 2000000000ull
#define ADJ_NEVER   (-1000)
#define TRIES_MAX \
    16u /* in vain although pages are free: not their number is the trouble */
#define TRIES_FORGOTTEN 1000000000ull

static bool memory_there(void)
{
    return page_count_free() > page_count_reserve();
}

static bool is_ending(const struct proc *p)
{
    return p->mm && (p->exiting || (p->pending & sig_bit(SIGKILL)));
}

u64 oom_points(const struct proc *p)
{
    s64 adj = (s64)p->oom_score_adj, points;

    if (!p->mm || p->mm == init_proc->mm || adj <= ADJ_NEVER)
        return 0;
    points = (s64)(mm_rss(p->mm) + READ_ONCE(p->mm->tables));
    points += adj * (s64)page_count_total() / 1000;
    return points > 0 ? (u64)points : 1;
}

struct choice {
    struct proc *victim;
    u64 points;
    bool ending; /* somebody's memory is on its way back */
};

static bool consider(struct proc *p, void *arg)
{
    struct choice *c = arg;
    u64 points = is_ending(p) ? 0 : oom_points(p);

    c->ending |= is_ending(p);
    if (points > c->points) {
        c->victim = p;
        c->points = points;
    }
    return true;
}

static bool find_ending(struct proc *p, void *arg)
{
    *(bool *)arg |= is_ending(p);
    return true;
}

static bool kill_sharer(struct proc *p, void *mm)
{
    if (p->mm == mm && !p->exiting)
        signal_send_proc(p, SIGKILL, NULL);
    return true;
}

/* What the log says, taken while the victim cannot go away. */
struct obituary {
    char comm[COMM_LEN];
    s32 pid;
    u64 anon, file, shmem, tables;
    s64 adj;
};

static void describe(const struct proc *p, struct obituary *o)
{
    str_copy(o->comm, p->comm, sizeof(o->comm));
    o->pid = p->pid;
    o->anon = p->mm->rss_anon;
    o->file = p->mm->rss_file;
    o->shmem = p->mm->rss_shmem;
    o->tables = p->mm->tables;
    o->adj = (s64)p->oom_score_adj;
}

/* Whether somebody is ending, now or already before. `another`: those who do already have
 * been waited for in vain. */
static bool kill_one(bool another)
{
    const struct proc *me = current_proc();
    struct choice c = {0};
    struct obituary o;
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct list *pos;

    list_for_each (pos, &all_procs)
        consider(list_entry(pos, struct proc, all), &c);
    if (c.ending && !another)
        c.victim = NULL;
    if (c.victim) {
        struct mm *mm = c.victim->mm;

        describe(c.victim, &o);
        list_for_each (pos, &all_procs)
            kill_sharer(list_entry(pos, struct proc, all), mm);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (c.victim)
        printk("out of memory: %s[%d] killed: %lu pages resident (%lu private, %lu file, "
               "%lu shared), %lu of tables, oom_score_adj %ld; %lu of %lu pages free; "
               "wanted by %s[%d]\n",
               o.comm, o.pid, (unsigned long)(o.anon + o.file + o.shmem),
               (unsigned long)o.anon, (unsigned long)o.file, (unsigned long)o.shmem,
               (unsigned long)o.tables, (long)o.adj, (unsigned long)page_count_free(),
               (unsigned long)page_count_total(), me->comm, me->pid);
    return c.victim || (c.ending && !another);
}

/* Lets those who end run, until there is memory or patience is over. */
static bool wait_for_memory(void)
{
    u64 end = clock_monotonic_ns() + PATIENCE_NS;
    bool ending = true;

    while (!memory_there() && ending && !signal_kill_pending(current_thread()) &&
           clock_monotonic_ns() < end) {
        sched_yield_now();
        ending = false;
        proc_for_each(find_ending, &ending);
    }
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

    if (memory_there() && !in_vain(t)) {
        sched_yield_now();
        return true;
    }
    t->oom_tries = 0;
    for (bool again = false; !signal_kill_pending(t) && kill_one(again); again = true) {
        if (!signal_kill_pending(t) && wait_for_memory())
            return true;
        if (!user) /* the one that ends may wait for a lock we hold */
            break;
    }
    return false;
}
