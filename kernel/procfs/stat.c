/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/stat, statm, status: one moment's copy of the process, then the text.
 */
#include "kernel/procfs/stat.h"
#include "arch/cpu.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/groups.h"
#include "kernel/procfs/procfs.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sigqueue.h"
#include "kernel/task/threads.h"
#include "kernel/task/usage.h"
#include "kernel/term/tty.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"

#define TICK_NS 10000000ul /* clock ticks of /proc are 1/100 s */
#define PAGE_KB (PAGE_SIZE / 1024)

struct view {
    s32 tracer;
    s32 tgid, pid, ppid, pgid, sid, foreground;
    u64 tty;
    char comm[COMM_LEN], state;
    u32 uid[4], gid[4];
    struct fs_groups *groups; /* referenced */
    u64 pending, thread_pending, blocked, ignored, caught;
    u64 minflt, majflt, cminflt, cmajflt;
    u64 utime, stime, cutime, cstime, start; /* ns */
    u64 nvcsw, nivcsw, umask;
    s32 nice, priority, exit_signal, policy, rt_priority;
    u64 allowed; /* CPUs */
    u32 threads, queued, cpu, descriptors;
    u64 queued_max;
    u64 caps[5]; /* inheritable, permitted, effective, bounding, ambient */
    bool no_new_privs;
    u32 seccomp, nfilters;
    bool traced_stop;
    bool may_look; /* addresses are shown */
    s32 exit_status;
};

/* t NULL: the first thread ended. */
static char state_of(const struct proc *p, const struct thread *t, const struct view *v)
{
    if (p->zombie || !t)
        return 'Z';
    if (v->traced_stop)
        return 't';
    if (stop_holds(p, t))
        return 'T';
    return READ_ONCE(t->state) <= THREAD_UNPLACED ? 'R' : 'S';
}

static void copy_signals(const struct proc *p, const struct thread *t, struct view *v)
{
    REQUIRES(&p->sig.lock);
    v->pending = p->pending;
    if (t) {
        v->thread_pending = signals_of(t);
        v->blocked = t->blocked & ~t->awaits; /* what is waited for is let in */
        v->policy = t->policy;
        v->allowed = READ_ONCE(t->allowed);
        v->rt_priority = t->policy == SCHED_DEADLINE ? 0 : t->priority;
        v->priority = t->realtime ? -1 - t->priority : v->priority;
        v->cpu = READ_ONCE(t->cpu);
    }
    for (int i = 1; i <= NSIG; i++) {
        u64 bit = 1ull << (i - 1), handler = READ_ONCE(p->sig.actions->of[i].sa_handler);

        if (handler == SIG_IGN)
            v->ignored |= bit;
        else if (handler != SIG_DFL)
            v->caught |= bit;
    }
}

/* What is a thread's own: the times are all threads' together with `whole`. */
static void copy_thread(const struct proc *p, const struct thread *t,
                        const struct task_id *id, bool whole, struct view *v)
{
    REQUIRES(&p->sig.lock);
    v->tgid = p->pid;
    v->pid = id->tid ? id->tid : p->pid;
    str_copy(v->comm, t ? t->comm : p->comm, sizeof(v->comm));
    v->state = state_of(p, t, v);
    v->start = id->tid ? t->start_ns : p->start_ns;
    v->exit_signal = id->tid ? -1 : p->exit_signal;
    if (whole) {
        v->utime = READ_ONCE(p->utime_ns);
        v->stime = READ_ONCE(p->stime_ns);
    } else if (t) {
        v->utime = READ_ONCE(t->utime_ns);
        v->stime = READ_ONCE(t->stime_ns);
    }
}

static void copy_cred(const struct cred *c, struct view *v)
{
    REQUIRES(&proc_lock);
    memcpy(v->uid, (u32[]){c->uid, c->euid, c->suid, c->fs.uid}, sizeof(v->uid));
    memcpy(v->gid, (u32[]){c->gid, c->egid, c->sgid, c->fs.gid}, sizeof(v->gid));
    memcpy(v->caps,
           (u64[]){c->inheritable, c->permitted, c->fs.caps, c->bounding, c->ambient},
           sizeof(v->caps));
    v->groups = c->fs.groups;
    groups_hold(v->groups);
    v->no_new_privs = c->no_new_privs;
    v->seccomp = c->seccomp;
    v->nfilters = c->nfilters;
}

static int copy_view(const struct task_id *id, bool whole, struct view *v)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    struct proc *p = task_find(id, &t);

    memset(v, 0, sizeof(*v));
    if (!p)
        return -ESRCH;
    v->ppid = p->parent ? p->parent->pid : 0;
    v->tracer = ptrace_tracer_of(p, t, &v->traced_stop);
    v->pgid = p->pgid;
    v->sid = p->sid;
    v->tty = tty_device(p->tty);
    v->foreground = p->tty ? tty_foreground(p->tty) : -1;
    copy_cred(cred_of(p, t), v);
    v->minflt = usage_minflt(p);
    v->majflt = p->majflt;
    v->cminflt = p->cminflt;
    v->cmajflt = p->cmajflt;
    v->cutime = p->cutime_ns;
    v->cstime = p->cstime_ns;
    v->nvcsw = READ_ONCE(p->nvcsw);
    v->nivcsw = READ_ONCE(p->nivcsw);
    v->umask = t && t->fs.dirs ? fs_umask(&t->fs) : 0;
    v->descriptors = t && t->files ? fd_size(t->files) : 0;
    v->nice = t ? t->nice : p->nice;
    v->priority = 20 + v->nice;
    v->threads = p->nthreads;
    v->queued = READ_ONCE(p->account->signals);
    v->queued_max = proc_rlimit(p, RLIMIT_SIGPENDING);
    v->may_look = proc_may_look(p, t, FS_IDS);
    v->exit_status = v->may_look && p->zombie ? p->exit_status : 0;
    spin_lock(&p->sig.lock);
    copy_thread(p, t, id, whole, v);
    copy_signals(p, t, v);
    spin_unlock(&p->sig.lock);
    return 0;
}

int procfs_show_stat(struct seq *s, const struct task_id *id, bool whole)
{
    /* Who may not look sees neither addresses nor how it ended, as on Linux. */
    static const struct mm none;
    static const struct mm_program hidden = {.start_code = 1, .end_code = 1};
    struct view v;
    struct mm *held = proc_get_mm(id->pid);
    const struct mm *mm = held ? held : &none;
    int err = copy_view(id, whole, &v);
    bool hide = held && !v.may_look;
    const struct mm_program *at = hide ? &hidden : &mm->program;

    if (!err) {
        groups_put(v.groups);
        seq_printf(s, "%d (%s) %c %d %d %d %lu %d 0 %lu %lu %lu %lu ", v.pid, v.comm,
                   v.state, v.ppid, v.pgid, v.sid, v.tty, v.foreground, v.minflt,
                   v.cminflt, v.majflt, v.cmajflt);
        seq_printf(s, "%lu %lu %lu %lu %d %d %u 0 %lu ", v.utime / TICK_NS,
                   v.stime / TICK_NS, v.cutime / TICK_NS, v.cstime / TICK_NS, v.priority,
                   v.nice, v.threads, v.start / TICK_NS);
        seq_printf(s, "%lu %lu %lu %lu %lu %lu 0 0 ", mm->total_vm * PAGE_SIZE,
                   mm_rss(mm), ~0ul, at->start_code, at->end_code, at->start_stack);
        seq_printf(s, "%lu %lu %lu %lu 0 0 0 %d %u %d %d 0 0 0 ",
                   v.thread_pending | v.pending, v.blocked, v.ignored, v.caught,
                   v.exit_signal, v.cpu, v.rt_priority, v.policy);
        seq_printf(s, "%lu %lu %lu %lu %lu %lu %lu %d\n", at->start_data, at->end_data,
                   hide ? 0 : mm->brk_start, at->arg_start, at->arg_end, at->env_start,
                   at->env_end, v.exit_status);
    }
    if (held)
        mm_put(held);
    return err;
}

int procfs_show_statm(struct seq *s, s32 pid)
{
    struct mm *mm = proc_get_mm(pid);

    if (!mm) {
        seq_puts(s, "0 0 0 0 0 0 0\n");
        return 0;
    }
    seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, mm_rss(mm),
               mm_resident(mm, RESIDENT_FILE) + mm_resident(mm, RESIDENT_SHMEM),
               (mm->program.end_code - mm->program.start_code + PAGE_SIZE - 1) /
                   PAGE_SIZE,
               mm->data_vm + mm->stack_vm);
    mm_put(mm);
    return 0;
}

static const char *state_name(char state)
{
    switch (state) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'T':
        return "T (stopped)";
    case 't':
        return "t (tracing stop)";
    default:
        return "Z (zombie)";
    }
}

static void status_memory(struct seq *s, const struct mm *mm)
{
    u64 text = (mm->program.end_code - mm->program.start_code) / 1024, rss = mm_rss(mm);

    seq_printf(s, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8u kB\n",
               MAX(mm->hiwater_vm, mm->total_vm) * PAGE_KB, mm->total_vm * PAGE_KB,
               mm->locked_vm * PAGE_KB, 0u);
    seq_printf(s, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
               MAX(mm->hiwater_rss, rss) * PAGE_KB, rss * PAGE_KB);
    seq_printf(s, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n",
               mm_resident(mm, RESIDENT_ANON) * PAGE_KB,
               mm_resident(mm, RESIDENT_FILE) * PAGE_KB,
               mm_resident(mm, RESIDENT_SHMEM) * PAGE_KB);
    seq_printf(s, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8u kB\n",
               mm->data_vm * PAGE_KB, mm->stack_vm * PAGE_KB, text, 0u);
    seq_printf(s, "VmPTE:\t%8lu kB\nVmSwap:\t%8u kB\n", mm->tables * PAGE_KB, 0u);
}

static void status_identity(struct seq *s, const struct view *v)
{
    seq_printf(s, "Name:\t%s\nUmask:\t%04lo\nState:\t%s\n", v->comm, v->umask,
               state_name(v->state));
    seq_printf(s, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", v->tgid,
               v->pid, v->ppid, v->tracer);
    seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", v->uid[0], v->uid[1], v->uid[2], v->uid[3]);
    seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", v->gid[0], v->gid[1], v->gid[2], v->gid[3]);
    seq_printf(s, "FDSize:\t%u\nGroups:\t", v->descriptors);
    for (u32 i = 0; i < groups_count(v->groups) && !s->error; i++) {
        seq_printf(s, "%u ", v->groups->gid[i]);
        pause_anyway();
    }
    seq_printf(s, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", v->tgid, v->pid,
               v->pgid, v->sid);
}

/* Runs of ones as "first-last", with a comma between them. */
static void status_cpus(struct seq *s, u64 set)
{
    const char *between = "";

    seq_printf(s, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", set);
    for (u32 first = 0, end; first < 64; first = end + 1) {
        for (end = first; end < 64 && set >> end & 1; end++)
            ;
        if (end == first)
            continue;
        seq_printf(s, "%s%u", between, first);
        if (end - first > 1)
            seq_printf(s, "-%u", end - 1);
        between = ",";
    }
    seq_puts(s, "\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\n");
}

int procfs_show_status(struct seq *s, const struct task_id *id, bool whole)
{
    struct view v;
    int err = copy_view(id, whole, &v);
    struct mm *mm = err ? NULL : proc_get_mm(id->pid);

    if (err)
        return err;
    status_identity(s, &v);
    groups_put(v.groups);
    if (mm) {
        status_memory(s, mm);
        mm_put(mm);
    }
    seq_printf(s, "Threads:\t%u\nSigQ:\t%u/%lu\n", v.threads, v.queued, v.queued_max);
    seq_printf(s, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", v.thread_pending,
               v.pending, v.blocked);
    seq_printf(s, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", v.ignored, v.caught);
    seq_printf(s, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
               v.caps[0], v.caps[1], v.caps[2], v.caps[3]);
    seq_printf(s, "CapAmb:\t%016lx\n", v.caps[4]);
    seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\n", v.no_new_privs,
               v.seccomp, v.nfilters);
    status_cpus(s, v.allowed & cpus_running());
    seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               v.nvcsw, v.nivcsw);
    return 0;
}

int procfs_show_personality(struct seq *s, const struct task_id *id, bool whole)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);
    int err = !p || !t ? -ESRCH : proc_may_look(p, t, FS_IDS) ? 0 : -EACCES;
    u32 value = err ? 0 : READ_ONCE(t->personality);

    (void)whole;

    spin_unlock_irq(&proc_lock, flags);
    if (!err)
        seq_printf(s, "%08x\n", value);
    return err;
}
