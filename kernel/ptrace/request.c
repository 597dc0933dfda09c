/* SPDX-License-Identifier: MIT
 *
 * ptrace(2): the tracer's side: who may become one, finding its thread, and what goes through
 * memory, which is reached through a reference of ours.
 */
#include "arch/ptrace.h"
#include "arch/time.h"
#include "fs/filter/bpf.h"
#include "fs/perm.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/inspect.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/seccomp/chain.h"
#include "kernel/syscall.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/waitq.h"
#include "mm/op/access.h"
#include "mm/phys/slab.h"

/* ---- becoming a tracer ---- */

static bool may_be_traced_by(const struct cred *parent)
{
    REQUIRES(&proc_lock);
    return !(own_cred()->permitted & ~parent->permitted) ||
           cred_capable(&parent->fs, CAP_SYS_PTRACE);
}

static long trace_me(void)
{
    struct thread *t = current_thread();
    struct tracee *r = tracee_create();
    struct proc *parent;
    irqflags_t flags;
    long err = 0;

    if (!r)
        return -ENOMEM;
    flags = spin_lock_irq(&proc_lock);
    parent = t->proc->parent;
    if (is_traced(t) || !parent ||
        !may_be_traced_by(cred_of(parent, t->proc->parent_thread)))
        err = -EPERM;
    else if (!parent->exiting && t->proc->parent_thread)
        tracee_link(t, t->proc->parent_thread, &r, TRACE_ATTACH);
    spin_unlock_irq(&proc_lock, flags);
    ptrace_free(r);
    return err;
}

static long check_attach(const struct proc *p, const struct thread *t)
{
    REQUIRES(&proc_lock);
    if (!p)
        return -ESRCH;
    if (p == current_proc() || !t || p->zombie || !proc_may_look(p, t, REAL_IDS) ||
        is_traced(t))
        return -EPERM;
    return p->in_exec ? -ERESTARTNOINTR : 0;
}

/* One that has stopped already stops for its tracer instead: true; a seized one even if the other
 * stop ends before. */
static bool stop_for_us(struct proc *p, struct thread *t, bool seize)
{
    SCOPED_LOCK(&p->sig.lock);
    if (!p->stopped)
        return false;
    if (seize)
        t->trap_due |= TRAP_STOP;
    thread_notify(t);
    return true;
}

/* Whether it has, or goes on, or is traced no more. */
static bool changed_over(s32 tid)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct tracee *r = tracee_find(tid);

    return !r || READ_ONCE(r->state) != TRACE_RUNNING ||
           !READ_ONCE(r->thread->proc->stopped);
}

#define CHANGE_NS 10000000ull

/* From the one stop into the other, unseen by the tracer, whose next request finds it standing.
 * Nobody is told when the first stop ends instead: looked at again and again. */
static void wait_for_change(s32 tid)
{
    while (waitq_wait_until(&current_proc()->child_wait, changed_over(tid),
                            clock_monotonic_ns() + CHANGE_NS) == -ETIMEDOUT)
        ;
}

static long attach(s32 tid, bool seize, u64 addr, u64 options)
{
    static const struct sig_record stop = {.code = SI_KERNEL};
    struct tracee *r;
    struct thread *t;
    struct proc *p;
    irqflags_t flags;
    bool stood = false;
    long err;

    if (seize && (addr || options & ~(u64)PTRACE_O_ALL))
        return -EIO;
    err = seize ? trace_options_check(options) : 0;
    if (err)
        return err;
    r = tracee_create();
    if (!r)
        return -ENOMEM;
    flags = spin_lock_irq(&proc_lock);
    p = tid > 0 ? proc_find_by_thread(tid) : NULL;
    t = p ? thread_find(p->pid, tid) : NULL;
    err = check_attach(p, t);
    if (!err) {
        tracee_link(t, current_thread(), &r, seize ? TRACE_SEIZE : TRACE_ATTACH);
        if (seize)
            t->trace->options = (u32)options;
        else
            signal_send_record(p, t, SIGSTOP, &stop, NULL);
        stood = stop_for_us(p, t, seize);
    }
    spin_unlock_irq(&proc_lock, flags);
    ptrace_free(r);
    if (stood)
        wait_for_change(tid);
    return err;
}

/* ---- finding the thread ---- */

struct tracee *tracee_find(s32 tid)
{
    REQUIRES(&proc_lock);
    struct thread *t = tid > 0 ? thread_find(0, tid) : NULL;

    return t && is_traced(t) && t->trace->by == current_thread() ? t->trace : NULL;
}

static long with_tracee(s32 tid, struct request *q)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tracee *r = tracee_find(tid);
    long result = -ESRCH;

    if (r && q->nr == PTRACE_KILL) {
        signal_send_proc(r->thread->proc, SIGKILL);
        result = 0;
    } else if (r && q->nr == PTRACE_INTERRUPT) {
        result = r->seized ? 0 : -EIO;
        if (r->seized) {
            spin_lock(&r->thread->proc->sig.lock);
            r->thread->trap_due |= TRAP_STOP;
            spin_unlock(&r->thread->proc->sig.lock);
            thread_notify(r->thread);
        }
    } else if (r && r->state == TRACE_STOPPED && !signal_kill_pending(r->thread)) {
        result = tracee_apply(r, q);
    }
    spin_unlock_irq(&proc_lock, flags);
    return result;
}

/* ---- memory ---- */

static long memory_word(s32 tid, struct request *q, bool write)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tracee *r = tracee_find(tid);
    struct proc *p = r ? r->thread->proc : NULL;
    struct mm *mm = NULL;
    long err = r && r->state == TRACE_STOPPED ? 0 : -ESRCH;

    if (!err && p->mm && (p->dumpable == DUMP_USER || r->capable))
        mm_get(mm = p->mm);
    spin_unlock_irq(&proc_lock, flags);
    if (err || !mm)
        return err ? err : -EIO;
    q->m.word = q->data;
    if (mm_access_force(mm, q->addr, &q->m.word, sizeof(u64),
                        write ? MM_WRITE : MM_READ) < sizeof(u64))
        err = -EIO;
    mm_put(mm);
    q->size = write ? 0 : sizeof(u64);
    return err;
}

/* ---- register sets ---- */

/* addr: which; data: an iovec, whose length becomes what was moved. */
static long register_set(s32 tid, struct request *q, bool write)
{
    u64 iov[2];
    u64 user = q->data;
    bool regs = q->addr == NT_PRSTATUS, extended = q->addr == NT_X86_XSTATE;
    enum fpu_form form = extended ? FPU_XSAVE : FPU_FXSAVE;
    size_t size = regs ? sizeof(struct user_regs) : arch_fpu_bytes(form), n;
    long err = copy_from_user(iov, user, sizeof(iov));
    struct request get = {.nr = regs ? PTRACE_GETREGS : PTRACE_GETFPREGS};

    if (err)
        return err;
    if (!regs && !extended && q->addr != NT_PRFPREG)
        return -EINVAL;
    if (!size)
        return -ENODEV;
    n = MIN(iov[1], size);
    if (iov[1] % 8)
        return -EINVAL;
    if (write && !regs && n < size)
        return extended ? -EFAULT : -EINVAL;
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tracee *r = tracee_find(tid);
    err = r && r->state == TRACE_STOPPED ? 0 : -ESRCH;
    if (!err && extended)
        arch_fpu_get(&r->regs, get.m.fpu, form);
    else if (!err)
        err = tracee_apply(r, &get);
    spin_unlock_irq(&proc_lock, flags);
    if (err)
        return err;
    if (!write && copy_to_user(iov[0], &get.m, n) != 0)
        return -EFAULT;
    if (write && copy_from_user(&get.m, iov[0], n) != 0)
        return -EFAULT;
    if (write) {
        flags = spin_lock_irq(&proc_lock);
        r = tracee_find(tid);
        err = !r || r->state != TRACE_STOPPED ? -ESRCH
              : regs                          ? tracee_set_regs(r, &get.m.regs)
                                              : arch_fpu_set(&r->regs, get.m.fpu, form);
        spin_unlock_irq(&proc_lock, flags);
    }
    return err ? err : copy_to_user(user + 8, (u64[]){n}, sizeof(u64));
}

/* ---- filters of calls ---- */

static int nth_filter(s32 tid, u64 n, struct seccomp **out)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct tracee *r = tracee_find(tid);

    return r && r->state == TRACE_STOPPED ? seccomp_nth(r->thread, n, out) : -ESRCH;
}

/* GET_FILTER: number `addr`, to `data` unless that is 0; how many instructions it has. METADATA: of
 * the filter that the record at `data`, of `addr` bytes, names. */
static long filter_told(s32 tid, const struct request *q)
{
    bool whole = q->nr == PTRACE_SECCOMP_GET_FILTER;
    size_t size = MIN(q->addr, sizeof(struct seccomp_metadata));
    struct seccomp_metadata meta = {.filter_off = q->addr};
    struct seccomp *f;
    long result;

    if (!capable(CAP_SYS_ADMIN) || own_cred()->seccomp)
        return -EACCES;
    if (!whole && size < sizeof(meta.filter_off))
        return -EINVAL;
    if (!whole && copy_from_user(&meta.filter_off, q->data, sizeof(u64)) != 0)
        return -EFAULT;
    result = nth_filter(tid, meta.filter_off, &f);
    if (result)
        return result;
    meta.flags = f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
    result = whole ? (long)f->bpf->len : (long)size;
    if (whole)
        size = f->bpf->len * sizeof(f->bpf->of[0]);
    if ((!whole || q->data) &&
        copy_to_user(q->data, whole ? (void *)f->bpf->of : &meta, size) != 0)
        result = -EFAULT;
    seccomp_put(f);
    return result;
}

/* ---- the call ---- */

/* Bytes that the request takes from `data`. */
static size_t taken(u64 nr)
{
    switch (nr) {
    case PTRACE_SETREGS:
        return sizeof(struct user_regs);
    case PTRACE_SETFPREGS:
        return arch_fpu_bytes(FPU_FXSAVE);
    case PTRACE_SETSIGINFO:
        return sizeof(struct siginfo);
    case PTRACE_SETSIGMASK:
        return sizeof(u64);
    default:
        return 0;
    }
}

/* Looked at before anything that the request names. */
static bool stands_for_us(s32 tid, u64 nr)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct tracee *r = tracee_find(tid);

    return r &&
           (nr == PTRACE_KILL || nr == PTRACE_INTERRUPT || r->state == TRACE_STOPPED);
}

/* data: the option, addr: its argument. As the word of the area where that base stands. */
static long as_user_word(struct request *q)
{
    u64 option = q->data;
    bool set = option == ARCH_SET_FS || option == ARCH_SET_GS;
    bool fs = option == ARCH_SET_FS || option == ARCH_GET_FS;

    if (!set && option != ARCH_GET_FS && option != ARCH_GET_GS)
        return -EINVAL;
    if (set && q->addr >= USER_END)
        return -EPERM;
    q->nr = set ? PTRACE_POKEUSER : PTRACE_PEEKUSER;
    q->data = q->addr;
    q->addr =
        fs ? offsetof(struct user_regs, fs_base) : offsetof(struct user_regs, gs_base);
    return 0;
}

static long request(s32 tid, struct request *q)
{
    long result;

    if (!stands_for_us(tid, q->nr))
        return -ESRCH;
    if ((q->nr == PTRACE_GETSIGMASK || q->nr == PTRACE_SETSIGMASK) &&
        q->addr != sizeof(u64))
        return -EINVAL;
    if (q->nr == PTRACE_ARCH_PRCTL && (result = as_user_word(q)) != 0)
        return result;
    switch (q->nr) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
        result = memory_word(tid, q, false);
        break;
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
        return memory_word(tid, q, true);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
        return register_set(tid, q, q->nr == PTRACE_SETREGSET);
    case PTRACE_SECCOMP_GET_FILTER:
    case PTRACE_SECCOMP_GET_METADATA:
        return filter_told(tid, q);
    case PTRACE_PEEKSIGINFO:
        return tracee_peek_signals(tid, q->addr, q->data);
    default:
        if (taken(q->nr) && copy_from_user(&q->m, q->data, taken(q->nr)) != 0)
            return -EFAULT; /* with nothing to take, data is a number of any size */
        result = with_tracee(tid, q);
    }
    if (result < 0 || !q->size)
        return result;
    if (q->nr == PTRACE_GET_SYSCALL_INFO || q->nr == PTRACE_GET_RSEQ)
        q->size = MIN(q->size, q->addr);
    return q->size && copy_to_user(q->data, &q->m, q->size) != 0 ? -EFAULT : result;
}

/* (request, pid, addr, data) */
long sys_ptrace(const struct syscall_args *a)
{
    struct request *q;
    s32 tid = (s32)a->a1;
    long result;

    if (a->a0 == PTRACE_TRACEME)
        return trace_me();
    if (a->a0 == PTRACE_ATTACH || a->a0 == PTRACE_SEIZE)
        return attach(tid, a->a0 == PTRACE_SEIZE, a->a2, a->a3);
    q = kzalloc(sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->nr = a->a0;
    q->addr = a->a2;
    q->data = a->a3;
    result = request(tid, q);
    kfree(q);
    return result;
}
