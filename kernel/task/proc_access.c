/* SPDX-License-Identifier: MIT
 *
 * Who may look into another process, and handles that name one: a handle remembers the
 * process itself by its serial number, for its process number goes to others later.
 */
#include "kernel/task/proc_access.h"
#include "kernel/task/proc.h"
#include "kernel/task/threads.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

static struct list pins = LIST_INIT(pins); /* of struct pid_pin.link; proc_lock */

bool pid_is_pinned(s32 pid)
{
    struct list *pos;

    list_for_each (pos, &pins) {
        const struct pid_pin *pin = list_entry(pos, struct pid_pin, link);

        if (pin->pid == pid || pin->tid == pid)
            return true;
    }
    return false;
}

bool pid_pin(struct pid_pin *pin, const struct task_id *id)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool same = task_find(id, NULL) != NULL;

    pin->pid = id->pid;
    pin->tid = id->tid;
    if (same)
        list_add(&pins, &pin->link);
    spin_unlock_irq(&proc_lock, flags);
    return same;
}

void pid_unpin(struct pid_pin *pin)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);

    list_del(&pin->link);
    spin_unlock_irq(&proc_lock, flags);
}

/* ptrace(2), "Ptrace access mode checking", in its order. */
bool proc_may_look(const struct proc *p, const struct thread *t, enum whose_ids ids)
{
    REQUIRES(&proc_lock);
    const struct cred *me = own_cred(), *c = cred_of(p, t);
    bool real = ids == REAL_IDS;
    u32 uid = real ? me->uid : me->fs.uid, gid = real ? me->gid : me->fs.gid;
    u64 caps = real ? me->permitted : me->fs.caps;

    if (p == current_proc() || capable(CAP_SYS_PTRACE))
        return true;
    if (uid != c->uid || uid != c->euid || uid != c->suid || gid != c->gid ||
        gid != c->egid || gid != c->sgid)
        return false;
    return !(p->mm && p->dumpable != DUMP_USER) && !(c->permitted & ~caps);
}

bool proc_may_schedule(const struct proc *p, const struct thread *t)
{
    REQUIRES(&proc_lock);
    const struct cred *me = own_cred(), *c = cred_of(p, t);

    if (capable(CAP_SYS_NICE))
        return true;
    /* Nor is one touched that may do more than the caller. */
    return (me->euid == c->euid || me->euid == c->uid) &&
           !(c->permitted & ~me->permitted);
}

bool proc_may_limit(const struct proc *p, const struct thread *t)
{
    REQUIRES(&proc_lock);
    const struct cred *me = own_cred(), *c = cred_of(p, t);

    if (t == current_thread() || capable(CAP_SYS_RESOURCE))
        return true;
    return me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
           me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;
}

int task_check_look(const struct task_id *id, enum whose_ids ids)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);

    return !p ? -ESRCH : proc_may_look(p, t, ids) ? 0 : -EACCES;
}

static int access_mm(const struct proc *p, const struct thread *t, enum whose_ids ids,
                     struct mm **out)
{
    REQUIRES(&proc_lock);
    if (!p || !p->mm)
        return -ESRCH;
    if (p->mm != current_proc()->mm && !proc_may_look(p, t, ids))
        return -EPERM;
    mm_get(*out = p->mm);
    return 0;
}

int proc_access_mm(s32 pid, enum whose_ids ids, struct mm **out)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    return access_mm(pid > 0 ? proc_find_by_thread(pid) : NULL, thread_find(0, pid), ids,
                     out);
}

int task_access_mm(const struct task_id *id, enum whose_ids ids, struct mm **out)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);

    return access_mm(p, t, ids, out);
}
