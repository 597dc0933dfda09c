/* SPDX-License-Identifier: MIT
 *
 * The system calls that send signals: to a process, a thread, a group or everybody.
 */
#include "kernel/sys/kill.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

/* Permission of the running thread to signal p, which was found by t (NULL: its first one). */
static bool permitted(const struct proc *p, const struct thread *t, int signo)
{
    REQUIRES(&proc_lock);
    const struct cred *me = own_cred(), *c = cred_of(p, t);

    if (p == current_proc() || me->euid == c->uid || me->euid == c->suid ||
        me->uid == c->uid || me->uid == c->suid || capable(CAP_KILL))
        return true;
    return signo == SIGCONT && current_proc()->sid == p->sid;
}

/* signo 0 only checks. */
static int send_one(struct proc *p, const struct thread *t, int signo,
                    const struct sig_record *rec, struct sig_queued **spare)
{
    REQUIRES(&proc_lock);
    if (signo && !signo_ok(signo))
        return -EINVAL;
    if (!permitted(p, t, signo))
        return -EPERM;
    return signo ? signal_send_record(p, NULL, signo, rec, spare) : 0;
}

/* To everybody but init and the caller: whom one may not signal does not count. */
static int send_all(int signo, const struct sig_record *rec, struct sig_queued **spare)
{
    struct procs w = procs_begin_all();
    int result = -ESRCH;
    struct proc *p;

    while ((p = signal_next(&w, signo, spare))) {
        int err;

        if (p == init_proc || p == current_proc())
            continue;
        err = send_one(p, NULL, signo, rec, spare);
        if (err != -EPERM || result == -ESRCH)
            result = err == -EPERM ? 0 : err;
    }
    procs_end(&w);
    return result;
}

/* To a group: 0 when one could be signalled. */
static int send_group(s32 pgid, int signo, const struct sig_record *rec,
                      struct sig_queued **spare)
{
    struct procs w = procs_begin(pgid);
    int result = -ESRCH;
    struct proc *p;

    while ((p = signal_next(&w, signo, spare))) {
        int err = send_one(p, NULL, signo, rec, spare);

        if (result != 0)
            result = err;
    }
    procs_end(&w);
    return result;
}

static int send_with(s32 pid, int signo, const struct sig_record *rec,
                     struct sig_queued **spare)
{
    irqflags_t flags;
    struct proc *p = current_proc();
    int err;

    if (pid == p->pid) { /* which it may, and which nobody else has to know */
        if (signo && !signo_ok(signo))
            return -EINVAL;
        return signo ? signal_send_record(p, NULL, signo, rec, spare) : 0;
    }
    if (pid == -1)
        return send_all(signo, rec, spare);
    if (pid <= 0)
        return send_group(pid == 0 ? READ_ONCE(current_proc()->pgid) : -pid, signo, rec,
                          spare);
    flags = spin_lock_irq(&proc_lock);
    p = proc_find_by_thread(pid);
    err = p ? send_one(p, thread_find(0, pid), signo, rec, spare) : -ESRCH;
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static int send_to(s32 pid, int signo, const struct sig_record *rec)
{
    struct sig_queued *spare = signal_spare(signo);
    int err = send_with(pid, signo, rec, &spare);

    if (spare)
        signal_spare_free(spare);
    return err;
}

static struct sig_record own_record(int code)
{
    return (struct sig_record){
        .code = code, .pid = current_proc()->pid, .uid = own_cred()->uid};
}

long sys_kill(const struct syscall_args *a)
{
    s32 pid = (s32)a->a0;
    int signo = (int)a->a1;
    struct sig_record rec = own_record(SI_USER);

    if (pid == INT32_MIN)
        return -ESRCH;
    return send_to(pid, signo, &rec);
}

/* To a thread of the running process: without proc_lock. */
static int send_sister(struct thread *t, int signo, const struct sig_record *rec,
                       struct sig_queued **spare)
{
    if (signo && !signo_ok(signo))
        return -EINVAL;
    return signo ? signal_send_record(t->proc, t, signo, rec, spare) : 0;
}

/* To a first thread that has ended before its process, or with it: nobody gets it, which is no error
 * as long as the number is in use. */
static int send_ended(s32 tgid, s32 tid, int signo)
{
    REQUIRES(&proc_lock);
    const struct proc *p = proc_find(tid);

    if (!p || (tgid && tgid != tid))
        return -ESRCH;
    if (signo && !signo_ok(signo))
        return -EINVAL;
    return permitted(p, NULL, signo) ? 0 : -EPERM;
}

static int send_thread_with(s32 tgid, s32 tid, int signo, const struct sig_record *rec,
                            struct sig_queued **spare)
{
    struct thread *me = current_thread(), *t;
    irqflags_t flags;
    int err = 0;

    if (tid == me->tid && (!tgid || tgid == me->proc->pid))
        return send_sister(me, signo, rec, spare);
    t = thread_lock(tgid, tid, &flags);
    if (t && t->proc == me->proc)
        err = send_sister(t, signo, rec, spare);
    if (t)
        thread_unlock(tid, flags);
    if (t && t->proc == me->proc)
        return err;
    flags = spin_lock_irq(&proc_lock);
    t = thread_find(tgid, tid);
    if (!t) {
        err = send_ended(tgid, tid, signo);
    } else {
        err = signo && !signo_ok(signo)      ? -EINVAL
              : permitted(t->proc, t, signo) ? 0
                                             : -EPERM;
        if (!err && signo)
            err = signal_send_record(t->proc, t, signo, rec, spare);
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static int send_thread(s32 tgid, s32 tid, int signo, const struct sig_record *rec)
{
    struct sig_queued *spare = signal_spare(signo);
    int err = send_thread_with(tgid, tid, signo, rec, &spare);

    if (spare)
        signal_spare_free(spare);
    return err;
}

long sys_tkill(const struct syscall_args *a)
{
    struct sig_record rec = own_record(SI_TKILL);

    if ((s32)a->a0 <= 0)
        return -EINVAL;
    return send_thread(0, (s32)a->a0, (int)a->a1, &rec);
}

long sys_tgkill(const struct syscall_args *a)
{
    struct sig_record rec = own_record(SI_TKILL);

    if ((s32)a->a0 <= 0 || (s32)a->a1 <= 0)
        return -EINVAL;
    return send_thread((s32)a->a0, (s32)a->a1, (int)a->a2, &rec);
}

/* A program may not pose as the kernel, except to itself. */
static int record_from_user(vaddr_t src, s32 pid, int signo, struct sig_record *rec)
{
    struct siginfo info;

    if (copy_from_user(&info, src, sizeof(info)) != 0)
        return -EFAULT;
    info.si_signo = signo; /* whatever the program wrote there */
    signal_read_info(rec, &info);
    if ((rec->code >= 0 || rec->code == SI_TKILL) && pid != current_thread()->tid)
        return -EPERM;
    return 0;
}

long sys_rt_sigqueueinfo(const struct syscall_args *a)
{
    s32 pid = (s32)a->a0;
    int signo = (int)a->a1;
    struct sig_record rec;
    int err = record_from_user(a->a2, pid, signo, &rec);

    if (err)
        return err;
    return pid > 0 ? send_to(pid, signo, &rec) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(const struct syscall_args *a)
{
    s32 tgid = (s32)a->a0, tid = (s32)a->a1;
    struct sig_record rec;
    int err = record_from_user(a->a3, tid, (int)a->a2, &rec);

    if (err == -EFAULT)
        return err;
    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    return err ? err : send_thread(tgid, tid, (int)a->a2, &rec);
}

/* As sigqueue, or as kill without particulars. */
static int record_for(const struct task_id *id, int signo, vaddr_t info,
                      struct sig_record *rec)
{
    struct siginfo user;

    *rec = own_record(SI_USER);
    if (!info)
        return 0;
    if (copy_from_user(&user, info, sizeof(user)) != 0)
        return -EFAULT;
    if (user.si_signo != signo)
        return -EINVAL;
    signal_read_info(rec, &user);
    return (rec->code >= 0 || rec->code == SI_TKILL) &&
                   id->serial != current_proc()->serial
               ? -EPERM
               : 0;
}

long signal_to_process(const struct task_id *id, int signo, vaddr_t info)
{
    struct sig_queued *spare;
    struct sig_record rec;
    irqflags_t flags;
    struct thread *t;
    struct proc *p;
    int err = record_for(id, signo, info, &rec);

    if (err)
        return err;
    spare = signal_spare(signo);
    flags = spin_lock_irq(&proc_lock);
    p = task_find(id, &t);
    err = p ? send_one(p, t, signo, &rec, &spare) : -ESRCH;
    spin_unlock_irq(&proc_lock, flags);
    if (spare)
        signal_spare_free(spare);
    return err;
}
