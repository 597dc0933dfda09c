/* SPDX-License-Identifier: MIT
 *
 * What a pending signal does to the running thread: a handler's frame, stop, or end; and
 * whether the interrupted system call starts again.
 */
#include "kernel/task/deliver.h"
#include "arch/sigframe.h"
#include "arch/time.h"
#include "kernel/event/posix_timer.h"
#include "kernel/inject.h"
#include "kernel/printk.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/task/exec/core.h"
#include "kernel/task/exit.h"
#include "kernel/task/family.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/wait.h"
#include "mm/phys/kspace.h"

#define NR_RESTART_SYSCALL 219
#define SYSCALL_INSN_SIZE  2
#define STATUS_CORE        0x80 /* of wait4: a core file was written */

/* One line for a program that dies of a fault, but no flood of them. */
static void log_crash(const struct thread *t, int signo, int code)
{
    static struct log_limit limit;
    const struct trapframe *tf = arch_thread_frame(&t->arch);

    if (!log_allowed(&limit, "programs that died of a fault"))
        return;
    printk("%s[%d]: signal %d code %d at %#lx ip %#lx sp %#lx\n", t->proc->comm,
           t->proc->pid, signo, code, (unsigned long)t->fault_addr,
           (unsigned long)tf->rip, (unsigned long)tf->rsp);
}

noreturn void signal_die(int signo, const struct sig_record *rec)
{
    bool injected = inject_begin(current_thread(), true), dumped = core_dump(signo, rec);

    if (injected)
        inject_end(current_thread());
    proc_exit(signo | (dumped ? STATUS_CORE : 0));
}

/* What neither mask nor action keeps away. */
static void force(struct thread *t, int signo, const struct sig_record *rec)
{
    struct proc *p = t->proc;
    u64 handler, bit = sig_bit(signo);
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    bool fatal;

    handler = READ_ONCE(p->sig.actions->of[signo].sa_handler);
    fatal = t->blocked & bit || handler == SIG_IGN || handler == SIG_DFL;
    /* Its tracer hears of it first; and a core file wants all registers, which are there when
     * the thread is about to go back to its program. */
    if (fatal) {
        if (t->blocked & bit || handler == SIG_IGN)
            WRITE_ONCE(p->sig.actions->of[signo].sa_handler, SIG_DFL);
        signal_set_mask_of(t, t->blocked & ~bit);
    }
    if (!(t->pending & bit)) {
        t->records.standard[signo] = *rec;
        WRITE_ONCE(t->pending, t->pending | bit);
    }
    thread_look(t);
    spin_unlock_irq(&p->sig.lock, flags);
    if (fatal && !is_traced(t))
        log_crash(t, signo, rec->code);
    if (fatal && p == init_proc) /* which is ended by nothing else */
        proc_exit(signo);
}

static void fault_by(int signo, const struct sig_record *rec, u64 trapno, u64 err)
{
    struct thread *t = current_thread();

    t->fault_trapno = trapno;
    t->fault_err = err;
    t->fault_addr = rec->value;
    force(t, signo, rec);
}

void signal_fault(int signo, int code, vaddr_t addr, u64 trapno, u64 err)
{
    const struct sig_record rec = {.code = code, .value = addr};

    fault_by(signo, &rec, trapno, err);
}

void signal_key_fault(u32 key, vaddr_t addr, u64 trapno, u64 err)
{
    const struct sig_record rec = {.code = SEGV_PKUERR, .value = addr, .pkey = key};

    fault_by(SIGSEGV, &rec, trapno, err);
}

struct sig_record signal_of_filter(vaddr_t ip, s32 nr, s32 data)
{
    return (struct sig_record){
        .code = SYS_SECCOMP, .value = ip, .pid = nr, .error = data};
}

void signal_filtered(vaddr_t ip, s32 nr, s32 data)
{
    const struct sig_record rec = signal_of_filter(ip, nr, data);

    force(current_thread(), SIGSYS, &rec);
}

/* Sleeps until SIGCONT or SIGKILL, or a tracer's word. */
static void while_stopped(struct proc *p, struct thread *t)
{
    while (stop_holds(p, t) && !signal_kill_pending(t))
        if (likely(!t->trace) || !ptrace_group_stop(t))
            job_sleep(p, t);
}

/* This thread took the stop signal; p->stopped is set already. It tells of the end of the
 * stop, and before that of the stop if it ended before all had stopped. */
static void stop_here(struct proc *p, struct thread *t)
{
    irqflags_t flags;
    bool over, told;

    job_stop_others(p);
    while_stopped(p, t);
    flags = spin_lock_irq(&proc_lock);
    spin_lock(&p->sig.lock);
    over = !p->stopped;
    told = p->stop_told;
    p->stop_told |= over;
    spin_unlock(&p->sig.lock);
    if (over && !told)
        notify_parent(p, CLD_STOPPED, READ_ONCE(p->stop_signal));
    if (over)
        notify_parent(p, CLD_CONTINUED, SIGCONT);
    spin_unlock_irq(&proc_lock, flags);
}

static bool in_orphaned_group(const struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool stopped, orphaned = group_is_orphaned(p->pgid, p->sid, NULL, &stopped, &flags);

    spin_unlock_irq(&proc_lock, flags);
    return orphaned;
}

enum action { ACT_NONE, ACT_AGAIN, ACT_STOP, ACT_DIE, ACT_HANDLE, ACT_TRACE };

/* What a signal that was taken does. */
static enum action decide(struct proc *p, struct thread *t, bool orphaned, int signo,
                          struct kernel_sigaction *act)
{
    REQUIRES(&p->sig.lock);
    spin_lock(&p->sig.actions->lock);
    *act = p->sig.actions->of[signo];
    if (act->sa_handler != SIG_IGN && act->sa_flags & SA_RESETHAND)
        WRITE_ONCE(p->sig.actions->of[signo].sa_handler, SIG_DFL);
    spin_unlock(&p->sig.actions->lock);
    if (act->sa_handler == SIG_IGN)
        return ACT_AGAIN;
    if (act->sa_handler != SIG_DFL)
        return ACT_HANDLE;
    if (p == init_proc || sig_bit(signo) & SIG_DEFAULT_IGNORED)
        return ACT_AGAIN;
    if (!(sig_bit(signo) & SIG_STOPS))
        return ACT_DIE;
    if (signo != SIGSTOP && orphaned)
        return ACT_AGAIN;
    job_stops(p, t, signo);
    return ACT_STOP;
}

/* Takes one signal and decides, unless a tracer does. */
static enum action take_one(struct proc *p, struct thread *t, bool orphaned, int *signo,
                            struct sig_record *rec, struct kernel_sigaction *act,
                            struct list *trash)
{
    REQUIRES(&p->sig.lock);
    if (signal_kill_pending(t)) {
        *signo = SIGKILL;
        return ACT_DIE;
    }
    *signo = signal_take(t, ~t->blocked, rec, trash);
    if (!*signo)
        return ACT_NONE;
    return unlikely(is_traced(t)) ? ACT_TRACE : decide(p, t, orphaned, *signo, act);
}

/* The tracer has decided which signal it is. */
static noinline enum action traced_one(struct proc *p, struct thread *t, int *signo,
                                       struct sig_record *rec,
                                       struct kernel_sigaction *act)
{
    bool orphaned;
    irqflags_t flags;
    enum action action;

    *signo = ptrace_signal(t, *signo, rec);
    if (!*signo)
        return ACT_AGAIN;
    orphaned = sig_bit(*signo) & SIG_STOPS && in_orphaned_group(p);
    flags = spin_lock_irq(&p->sig.lock);
    action = decide(p, t, orphaned, *signo, act);
    spin_unlock_irq(&p->sig.lock, flags);
    return action;
}

/* The next signal that has a handler; default actions happen here. 0: no more. */
static int next_handled(struct proc *p, struct thread *t, struct sig_record *rec,
                        struct kernel_sigaction *act)
{
    struct list trash = LIST_INIT(trash);

    for (;;) {
        bool orphaned = signal_actionable(t) & SIG_STOPS && in_orphaned_group(p);
        irqflags_t flags;
        enum action action;
        int signo;

        while_stopped(p, t);
        if (unlikely(t->trap_due))
            ptrace_trap(t);
        flags = spin_lock_irq(&p->sig.lock);
        action = take_one(p, t, orphaned, &signo, rec, act, &trash);
        spin_unlock_irq(&p->sig.lock, flags);
        signal_free(p, &trash);
        posix_timers_rearm(p);
        if (unlikely(action == ACT_TRACE))
            action = traced_one(p, t, &signo, rec, act);
        switch (action) {
        case ACT_NONE:
            return 0;
        case ACT_HANDLE:
            return signo;
        case ACT_STOP:
            stop_here(p, t);
            break;
        case ACT_DIE:
            signal_die(signo, rec);
        case ACT_AGAIN:
        case ACT_TRACE:
            break;
        }
    }
}

bool signal_on_altstack(const struct thread *t, vaddr_t sp)
{
    return !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp &&
           sp - t->altstack_sp <= t->altstack_size;
}

static int push_frame(struct thread *t, struct trapframe *tf, int signo,
                      const struct sig_record *rec, const struct kernel_sigaction *act)
{
    struct siginfo info;
    struct arch_signal s = {
        .signo = signo,
        .handler = act->sa_handler,
        .restorer = act->sa_restorer,
        .sa_flags = act->sa_flags,
        .mask = t->restore_mask ? t->saved_blocked : t->blocked,
        .info = &info,
        .fault_addr = t->fault_addr,
        .trapno = t->fault_trapno,
        .err = t->fault_err,
        .ss_sp = t->altstack_sp,
        .ss_size = t->altstack_size,
        .ss_flags = t->altstack_flags,
    };

    if (!(act->sa_flags & SA_RESTORER))
        return -EFAULT;
    signal_fill_info(&info, signo, rec);
    if (act->sa_flags & SA_ONSTACK && t->altstack_size && !signal_on_altstack(t, tf->rsp))
        s.stack = t->altstack_sp + t->altstack_size;
    return arch_signal_push(&t->arch, tf, &s);
}

/* The interrupted call starts again when the thread gets back to user mode. */
static void start_again(struct trapframe *tf, u64 number)
{
    tf->rax = number;
    tf->rip -= SYSCALL_INSN_SIZE;
}

static void finish_call(struct thread *t, struct trapframe *tf,
                        const struct kernel_sigaction *act)
{
    int restart = t->restart;

    t->restart = 0;
    if (!restart)
        return;
    if (act && restart != ERESTARTNOINTR &&
        (restart != ERESTARTSYS || !(act->sa_flags & SA_RESTART)))
        tf->rax = (u64)-EINTR;
    else
        start_again(tf, restart == ERESTART_BLOCK ? NR_RESTART_SYSCALL : tf->error);
}

static void handle(struct proc *p, struct thread *t, struct trapframe *tf, int signo,
                   const struct sig_record *rec, const struct kernel_sigaction *act)
{
    u64 mask = act->sa_mask;
    irqflags_t flags;

    finish_call(t, tf, act);
    if (t->rseq && rseq_leave(t, tf) != 0) {
        t->rseq = 0;
        signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
    }
    if (unlikely(t->trace))
        ptrace_before_handler(t, tf);
    if (push_frame(t, tf, signo, rec, act) != 0) {
        if (signo == SIGSEGV) {
            log_crash(t, signo, rec->code);
            signal_die(SIGSEGV, rec);
        }
        signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
        return;
    }
    if (!(act->sa_flags & SA_NODEFER))
        mask |= sig_bit(signo);
    flags = spin_lock_irq(&p->sig.lock);
    signal_set_mask_of(t, t->blocked | mask);
    t->restore_mask = false;
    spin_unlock_irq(&p->sig.lock, flags);
    if (t->altstack_flags & SS_AUTODISARM) {
        t->altstack_sp = t->altstack_size = 0;
        t->altstack_flags = SS_DISABLE;
    }
    if (unlikely(t->trace))
        ptrace_after_handler(t);
}

void signal_deliver(struct trapframe *tf)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    struct kernel_sigaction act = {0};
    struct sig_record rec;
    int signo;

    while ((signo = next_handled(p, t, &rec, &act)) != 0)
        handle(p, t, tf, signo, &rec, &act);
    finish_call(t, tf, NULL);
    if (t->restore_mask) {
        t->restore_mask = false;
        signal_set_mask(t->saved_blocked);
    }
}
