/* SPDX-License-Identifier: MIT
 *
 * What a process used, put together.
 */
#include "kernel/task/usage.h"
#include "kernel/pause.h"
#include "kernel/task/exit.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"

#define NSEC 1000000000ull

static void set_times(struct rusage *ru, u64 utime, u64 stime)
{
    ru->ru_utime_sec = (s64)(utime / NSEC);
    ru->ru_utime_usec = (s64)(utime % NSEC / 1000);
    ru->ru_stime_sec = (s64)(stime / NSEC);
    ru->ru_stime_usec = (s64)(stime % NSEC / 1000);
}

u64 usage_peak_kb(const struct mm *mm)
{
    return MAX(mm->hiwater_rss, mm_rss(mm)) * (PAGE_SIZE / 1024);
}

void usage_of_thread(const struct thread *t, struct rusage *out)
{
    memset(out, 0, sizeof(*out));
    set_times(out, t->utime_ns, t->stime_ns);
    out->ru_minflt = (s64)t->minflt;
    out->ru_nvcsw = (s64)t->nvcsw;
    out->ru_nivcsw = (s64)t->nivcsw;
    out->ru_maxrss = (s64)MAX(READ_ONCE(t->proc->maxrss_kb), usage_peak_kb(t->proc->mm));
}

void usage_of_children(const struct proc *p, struct rusage *out)
{
    REQUIRES_EITHER(&proc_lock, &p->sig.lock);
    memset(out, 0, sizeof(*out));
    set_times(out, p->cutime_ns, p->cstime_ns);
    out->ru_maxrss = (s64)READ_ONCE(p->cmaxrss_kb);
    out->ru_minflt = (s64)p->cminflt;
    out->ru_majflt = (s64)p->cmajflt;
}

void io_counts_add(struct io_counts *to, const struct io_counts *n)
{
    to->rchar += n->rchar;
    to->wchar += n->wchar;
    to->syscr += n->syscr;
    to->syscw += n->syscw;
}

void usage_io(struct proc *p, struct io_counts *out, irqflags_t flags)
{
    REQUIRES(&proc_lock);
    struct thread_walk w;
    const struct thread *t;

    *out = p->io;
    if (!p->nlive) {
        spin_unlock_irq(&proc_lock, flags);
        return;
    }
    p->nlive++; /* the record stays */
    spin_lock(&p->sig.lock);
    spin_unlock(&proc_lock);
    thread_walk_begin(&w, p);
    w.missed = out;
    while ((t = thread_walk_next(&w, p)) != NULL) {
        io_counts_add(out, &t->io);
        if (breath_due()) {
            spin_unlock_irq(&p->sig.lock, flags);
            breathe();
            flags = spin_lock_irq(&p->sig.lock);
        }
    }
    thread_walk_end(&w);
    spin_unlock_irq(&p->sig.lock, flags);
    thread_gone(p, 0);
}

u64 usage_minflt(const struct proc *p)
{
    const struct thread *t = current_thread();

    return READ_ONCE(p->minflt) + (t->proc == p ? t->minflt - t->minflt_told : 0);
}

void usage_of_proc(const struct proc *p, bool with_children, struct rusage *out)
{
    REQUIRES_EITHER(&proc_lock, &p->sig.lock);
    u64 utime = READ_ONCE(p->utime_ns), stime = READ_ONCE(p->stime_ns);
    u64 maxrss = READ_ONCE(p->maxrss_kb);

    memset(out, 0, sizeof(*out));
    if (p->mm)
        maxrss = MAX(maxrss, usage_peak_kb(p->mm));
    out->ru_minflt = (s64)usage_minflt(p);
    out->ru_majflt = (s64)p->majflt;
    out->ru_nvcsw = (s64)READ_ONCE(p->nvcsw);
    out->ru_nivcsw = (s64)READ_ONCE(p->nivcsw);
    if (with_children) {
        utime += p->cutime_ns;
        stime += p->cstime_ns;
        maxrss = MAX(maxrss, READ_ONCE(p->cmaxrss_kb));
        out->ru_minflt += (s64)p->cminflt;
        out->ru_majflt += (s64)p->cmajflt;
    }
    out->ru_maxrss = (s64)maxrss;
    set_times(out, utime, stime);
}
