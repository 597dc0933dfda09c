/* SPDX-License-Identifier: MIT
 *
 * wait4 and waitid. Taking a zombie's record is the last act of its process.
 */
#include "lib/uapi/wait.h"
#include "kernel/event/pidfd.h"
#include "kernel/pause.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/usage.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* Whether the call is about this child. A dead one has nothing to tell who does not ask for
 * the end. */
static bool matches(const struct proc *p, const struct wait_request *w)
{
    REQUIRES(&proc_lock);
    bool is_clone = p->exit_signal != SIGCHLD;

    if (w->options & WNOTHREAD && p->parent_thread != current_thread())
        return false;
    if (p->zombie && !(w->options & WEXITED))
        return false;

    if (w->type == P_PID && p->pid != w->id)
        return false;
    if (w->type == P_PGID && p->pgid != w->id)
        return false;
    return w->options & WALL || ptrace_by_parent(p) ||
           is_clone == !!(w->options & WCLONE);
}

static void take_zombie(struct proc *parent, struct proc *p, struct wait_result *r)
{
    REQUIRES(&proc_lock);
    io_counts_add(&parent->io, &p->io);
    spin_lock(&parent->sig.lock);
    parent->cutime_ns += p->utime_ns + p->cutime_ns;
    parent->cstime_ns += p->stime_ns + p->cstime_ns;
    parent->cminflt += p->minflt + p->cminflt;
    parent->cmajflt += p->majflt + p->cmajflt;
    spin_unlock(&parent->sig.lock);
    parent->cmaxrss_kb = MAX(parent->cmaxrss_kb, p->maxrss_kb);
    parent->cmaxrss_kb = MAX(parent->cmaxrss_kb, p->cmaxrss_kb);
    ptrace_forget(p);
    proc_unpublish(p);
    r->reaped = p;
}

/* Whether this child has something to tell. */
static bool try_child(struct proc *parent, struct proc *p, const struct wait_request *w,
                      struct wait_result *r)
{
    REQUIRES(&proc_lock);
    bool keep = w->options & WNOWAIT;
    bool told = false;

    r->uid = p->cred.uid;
    if (p->zombie && unlikely(ptrace_hides(p)))
        return false;
    if (p->zombie) {
        r->status = p->exit_status;
        r->code = !(r->status & 0x7f) ? CLD_EXITED
                  : r->status & 0x80  ? CLD_DUMPED
                                      : CLD_KILLED;
        usage_of_proc(p, true, &r->usage);
        if (!keep)
            take_zombie(parent, p, r);
        return true;
    }
    spin_lock(&p->sig.lock);
    if (w->options & WSTOPPED && !ptrace_by_parent(p) && p->stopped && p->stop_told &&
        !p->reported) {
        r->status = p->stop_signal << 8 | 0x7f;
        r->code = CLD_STOPPED;
        p->reported = !keep;
        told = true;
    } else if (w->options & WCONTINUED && p->continued) {
        r->status = 0xffff;
        r->code = CLD_CONTINUED;
        p->continued = keep;
        told = true;
    }
    spin_unlock(&p->sig.lock);
    if (told)
        usage_of_proc(p, true, &r->usage);
    return told;
}

u64 job_changes = 1;

void zombie_queue(struct proc *p)
{
    REQUIRES(&proc_lock);
    struct rb_root *root = &p->parent->zombies;
    struct rb_node **link = &root->node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = p->serial < rb_entry(parent, struct proc, ended)->serial ? &parent->left
                                                                        : &parent->right;
    }
    rb_insert(root, &p->ended, parent, link, NULL);
    p->queued = true;
}

void zombie_unqueue(struct proc *p)
{
    REQUIRES(&proc_lock);
    if (!p->queued)
        return;
    rb_erase(&p->parent->zombies, &p->ended, NULL);
    p->queued = false;
}

/* Between two children lets others run when it is time, with proc_lock given up: the place in the list
 * from which the walk goes on. That is p's, or the first when p has left meanwhile. */
static struct list *children_pause(struct proc *parent, struct proc *p, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    u64 serial = p->serial;
    s32 pid = p->pid;

    if (likely(!breath_due()))
        return &p->sibling;
    (void)proc_pause(flags);
    p = proc_find(pid);
    return p && p->serial == serial && p->parent == parent ? &p->sibling
                                                           : &parent->children;
}

/* The same for the dead ones, which are in the order of their numbers. */
static struct rb_node *zombie_after(struct proc *parent, struct proc *p,
                                    irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct rb_node *n, *after = NULL;
    u64 serial = p->serial;

    if (likely(!breath_due()))
        return rb_next(&p->ended);
    (void)proc_pause(flags);
    for (n = parent->zombies.node; n;) {
        bool left = rb_entry(n, struct proc, ended)->serial > serial;

        after = left ? n : after;
        n = left ? n->left : n->right;
    }
    return after;
}

/* Whether one of the children that the call is about stopped or went on: its number, or 0.
 * Remembers when none has such news, no matter who asks. */
static s32 try_job_control(struct proc *parent, const struct wait_request *w,
                           struct wait_result *r, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    u64 now = __atomic_load_n(&job_changes, __ATOMIC_ACQUIRE);
    bool quiet = true;
    struct list *pos;

    if (!(w->options & (WSTOPPED | WCONTINUED)) || parent->quiet_since == now)
        return 0;
    for (pos = parent->children.next; pos != &parent->children; pos = pos->next) {
        struct proc *p = list_entry(pos, struct proc, sibling);

        /* Without its sig.lock: who changes one of these counts job_changes afterwards. */
        if (p->zombie || !((READ_ONCE(p->stopped) && READ_ONCE(p->stop_told) &&
                            !READ_ONCE(p->reported)) ||
                           READ_ONCE(p->continued))) {
            pos = children_pause(parent, p, flags);
            continue;
        }
        quiet = false;
        if (matches(p, w) && try_child(parent, p, w, r))
            return p->pid;
        pos = children_pause(parent, p, flags);
    }
    if (quiet)
        parent->quiet_since = now;
    return 0;
}

/* The same for one child. */
static s32 try_one(struct proc *parent, const struct wait_request *w,
                   struct wait_result *r)
{
    REQUIRES(&proc_lock);
    struct proc *p = proc_find(w->id);

    if (!p || p->parent != parent || (w->serial && p->serial != w->serial) ||
        !matches(p, w))
        return -ECHILD;
    return try_child(parent, p, w, r) ? w->id : 0;
}

/* The pid of a child that has something to tell, 0: not yet, -ECHILD: there is none. Those
 * that have nothing to tell are not looked at one by one. */
static s32 try_any(struct proc *parent, const struct wait_request *w,
                   struct wait_result *r, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct list *pos;
    struct proc *p;
    s32 found;

    for (struct rb_node *n = rb_first(&parent->zombies); n;
         n = zombie_after(parent, p, flags)) {
        p = rb_entry(n, struct proc, ended);
        found = p->pid;
        if (matches(p, w) && try_child(parent, p, w, r))
            return found;
    }
    found = try_job_control(parent, w, r, flags);
    if (found)
        return found;
    for (pos = parent->children.next; pos != &parent->children; pos = pos->next) {
        p = list_entry(pos, struct proc, sibling);
        if (matches(p, w))
            return 0;
        pos = children_pause(parent, p, flags);
    }
    return -ECHILD;
}

static s32 try_wait(struct proc *parent, const struct wait_request *w,
                    struct wait_result *r)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 traced = -ECHILD, found;

    if (unlikely(!list_empty(&parent->tracees)))
        traced = ptrace_wait(parent, w, r, &flags);
    if (traced > 0)
        found = traced;
    else
        found = w->type == P_PID ? try_one(parent, w, r) : try_any(parent, w, r, &flags);
    if (found == -ECHILD)
        found = traced;
    spin_unlock_irq(&proc_lock, flags);
    return found;
}

static long do_wait(const struct wait_request *w, struct wait_result *r)
{
    struct proc *parent = current_proc();
    s32 found = 0;
    int err;

    memset(r, 0, sizeof(*r));
    if (w->options & WNOHANG)
        found = try_wait(parent, w, r);
    else if ((err =
                  waitq_wait(&parent->child_wait, (found = try_wait(parent, w, r)) != 0)))
        return err;
    if (r->reaped)
        proc_free(r->reaped);
    ptrace_free(r->dead);
    return found;
}

long sys_wait4(const struct syscall_args *a)
{
    struct proc *parent = current_proc();
    s32 pid = (s32)a->a0;
    struct wait_request w = {.options = (u32)a->a2 | WEXITED};
    struct wait_result r;
    long found;

    if ((u32)a->a2 & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    w.type = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
    w.id = pid > 0 ? pid : pid == 0 ? READ_ONCE(parent->pgid) : -pid;
    found = do_wait(&w, &r);
    if (found <= 0)
        return found;
    if (a->a1 && copy_to_user(a->a1, &r.status, sizeof(r.status)) != 0)
        return -EFAULT;
    if (a->a3 && copy_to_user(a->a3, &r.usage, sizeof(r.usage)) != 0)
        return -EFAULT;
    return found;
}

/* *now: the descriptor says not to wait, when the options do not. */
static int pidfd_request(struct wait_request *w, bool *now)
{
    struct task_id id;
    bool nonblock;
    int err = w->id < 0 ? -EINVAL : pidfd_identify(w->id, &id, &nonblock);

    if (err)
        return err;
    *now = nonblock && !(w->options & WNOHANG);
    w->type = P_PID;
    w->id = id.pid;
    w->serial = id.serial;
    w->options |= nonblock ? WNOHANG : 0;
    return 0;
}

static int waitid_request(const struct syscall_args *a, struct wait_request *w, bool *now)
{
    u32 options = (u32)a->a3;
    s32 id = (s32)a->a1;

    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD |
                    WCLONE | WALL))
        return -EINVAL;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    *w = (struct wait_request){.type = (int)a->a0, .id = id, .options = options};
    switch (w->type) {
    case P_ALL:
        return 0;
    case P_PID:
        return id > 0 ? 0 : -EINVAL;
    case P_PGID:
        if (id < 0)
            return -EINVAL;
        if (id == 0)
            w->id = READ_ONCE(current_proc()->pgid);
        return 0;
    case P_PIDFD:
        return pidfd_request(w, now);
    default:
        return -EINVAL;
    }
}

long sys_waitid(const struct syscall_args *a)
{
    struct wait_request w;
    struct wait_result r;
    struct siginfo info;
    struct sig_record rec;
    bool now = false;
    int err = waitid_request(a, &w, &now);
    long found;

    if (err)
        return err;
    found = do_wait(&w, &r);
    if (!found && now)
        found = -EAGAIN;
    memset(&info, 0, sizeof(info));
    if (found > 0) {
        rec = (struct sig_record){.code = r.code, .pid = (s32)found, .uid = r.uid};
        rec.status = r.code == CLD_EXITED      ? r.status >> 8 & 0xff
                     : r.code == CLD_STOPPED   ? r.status >> 8
                     : r.code == CLD_TRAPPED   ? r.status >> 8
                     : r.code == CLD_CONTINUED ? SIGCONT
                                               : r.status & 0x7f;
        signal_fill_info(&info, SIGCHLD, &rec);
    }
    if (a->a4 && found > 0 && copy_to_user(a->a4, &r.usage, sizeof(r.usage)) != 0)
        return -EFAULT;
    /* Up to the status and also after an error, as on Linux. */
    if (a->a2 && copy_to_user(a->a2, &info,
                              offsetof(struct siginfo, si_status) + sizeof(s32)) != 0)
        return -EFAULT;
    return found < 0 ? found : 0;
}
