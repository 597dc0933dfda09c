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
bool proc_may_look(const struct proc *p, enum whose_ids ids)
{
    REQUIRES(&proc_lock);
    const struct proc *me = current_proc();
    bool real = ids == REAL_IDS, master = proc_capable(me, CAP_SYS_PTRACE);
    u32 uid = real ? me->cred.uid : me->cred.fs.uid,
        gid = real ? me->cred.gid : me->cred.fs.gid;
    u64 caps = real ? me->cred.permitted : me->cred.fs.caps;

    if (p == me || master)
        return true;
    if (uid != p->cred.uid || uid != p->cred.euid || uid != p->cred.suid ||
        gid != p->cred.gid || gid != p->cred.egid || gid != p->cred.sgid)
        return false;
    return !(p->mm && p->dumpable != DUMP_USER) && !(p->cred.permitted & ~caps);
}

bool proc_may_schedule(const struct proc *p)
{
    REQUIRES(&proc_lock);
    const struct proc *me = current_proc();

    if (p == me || proc_capable(me, CAP_SYS_NICE))
        return true;
    /* Nor is one touched that may do more than the caller. */
    return (me->cred.euid == p->cred.euid || me->cred.euid == p->cred.uid) &&
           !(p->cred.permitted & ~me->cred.permitted);
}

bool proc_may_limit(const struct proc *p)
{
    const struct proc *me = current_proc();

    if (p == me || proc_capable(me, CAP_SYS_RESOURCE))
        return true;
    return me->cred.uid == p->cred.uid && me->cred.uid == p->cred.euid &&
           me->cred.uid == p->cred.suid && me->cred.gid == p->cred.gid &&
           me->cred.gid == p->cred.egid && me->cred.gid == p->cred.sgid;
}

int proc_check_look(s32 pid, enum whose_ids ids)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = proc_find(pid);
    int err = !p ? -ESRCH : proc_may_look(p, ids) ? 0 : -EACCES;

    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static int access_mm(const struct proc *p, enum whose_ids ids, struct mm **out)
{
    REQUIRES(&proc_lock);
    if (!p || !p->mm)
        return -ESRCH;
    if (p->mm != current_proc()->mm && !proc_may_look(p, ids))
        return -EPERM;
    mm_get(*out = p->mm);
    return 0;
}

int proc_access_mm(s32 pid, enum whose_ids ids, struct mm **out)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    int err = access_mm(pid > 0 ? proc_find_by_thread(pid) : NULL, ids, out);

    spin_unlock_irq(&proc_lock, flags);
    return err;
}

int task_access_mm(const struct task_id *id, enum whose_ids ids, struct mm **out)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    int err = access_mm(task_find(id, NULL), ids, out);

    spin_unlock_irq(&proc_lock, flags);
    return err;
}
