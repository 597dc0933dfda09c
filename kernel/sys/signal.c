/* SPDX-License-Identifier: MIT
 *
 * Signal system calls but those that send (kernel/sys/kill.c). The rt_ forms only: x86-64 has no
 * others.
 */
#include "kernel/task/signal.h"
#include "arch/sigframe.h"
#include "kernel/event/posix_timer.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/deliver.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

#define SIGSET_SIZE sizeof(u64)

long sys_rt_sigaction(const struct syscall_args *a)
{
    int signo = (int)a->a0;
    struct kernel_sigaction act, old;

    if (a->a3 != SIGSET_SIZE)
        return -EINVAL;
    if (a->a1 && copy_from_user(&act, a->a1, sizeof(act)) != 0)
        return -EFAULT;
    if (!signo_ok(signo) || (a->a1 && sig_bit(signo) & SIG_UNBLOCKABLE))
        return -EINVAL;
    signal_set_action(current_proc(), signo, a->a1 ? &act : NULL, &old);
    if (a->a2 && copy_to_user(a->a2, &old, sizeof(old)) != 0)
        return -EFAULT;
    return 0;
}

long sys_rt_sigprocmask(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 set, old = t->blocked;

    if (a->a3 != SIGSET_SIZE)
        return -EINVAL;
    if (a->a1) {
        if (copy_from_user(&set, a->a1, sizeof(set)) != 0)
            return -EFAULT;
        switch ((int)a->a0) {
        case SIG_BLOCK:
            signal_set_mask(old | set);
            break;
        case SIG_UNBLOCK:
            signal_set_mask(old & ~set);
            break;
        case SIG_SETMASK:
            signal_set_mask(set);
            break;
        default:
            return -EINVAL;
        }
    }
    if (a->a2 && copy_to_user(a->a2, &old, sizeof(old)) != 0)
        return -EFAULT;
    return 0;
}

long sys_rt_sigpending(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 set = (signals_of(t) | READ_ONCE(t->proc->pending)) & t->blocked;

    if (a->a1 > SIGSET_SIZE)
        return -EINVAL;
    return copy_to_user(a->a0, &set, a->a1);
}

/* ---- the alternate stack ---- */

static int set_altstack(struct thread *t, const struct kernel_sigaltstack *ss, vaddr_t sp)
{
    u32 mode = ss->ss_flags & ~SS_AUTODISARM;

    if (signal_on_altstack(t, sp))
        return -EPERM;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
        return -EINVAL;
    if (ss->ss_sp == t->altstack_sp && ss->ss_size == t->altstack_size &&
        ss->ss_flags == t->altstack_flags)
        return 0;
    if (mode != SS_DISABLE && ss->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    t->altstack_sp = mode == SS_DISABLE ? 0 : ss->ss_sp;
    t->altstack_size = mode == SS_DISABLE ? 0 : ss->ss_size;
    t->altstack_flags = ss->ss_flags;
    return 0;
}

long sys_sigaltstack(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    struct kernel_sigaltstack ss,
        old = {.ss_sp = t->altstack_sp, .ss_size = t->altstack_size};
    int err;

    old.ss_flags = t->altstack_flags & SS_AUTODISARM;
    if (!t->altstack_size)
        old.ss_flags |= SS_DISABLE;
    else if (signal_on_altstack(t, syscall_frame(a)->rsp))
        old.ss_flags |= SS_ONSTACK;
    if (a->a0) {
        if (copy_from_user(&ss, a->a0, sizeof(ss)) != 0)
            return -EFAULT;
        err = set_altstack(t, &ss, syscall_frame(a)->rsp);
        if (err)
            return err;
    }
    if (a->a1 && copy_to_user(a->a1, &old, sizeof(old)) != 0)
        return -EFAULT;
    return 0;
}

long sys_rt_sigreturn(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    struct kernel_sigaltstack ss = {0};
    u64 mask;

    int err = arch_signal_pop(&t->arch, syscall_frame(a), &mask, &ss.ss_sp, &ss.ss_flags,
                              &ss.ss_size);

    if (err != -EFAULT)
        signal_set_mask(mask);
    if (err)
        signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
    syscall_frame(a)->vector = 0; /* no call to restart */
    if (err && err != -EPERM)
        return 0;
    /* A frame that a program wrote itself may hold anything: then the stack stays. */
    (void)set_altstack(t, &ss, syscall_frame(a)->rsp);
    return (long)syscall_frame(a)->rax;
}

/* ---- waiting ---- */

long sys_pause(const struct syscall_args *a)
{
    (void)a;
    while (!thread_interrupted())
        thread_park();
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 mask;

    if (a->a1 != SIGSET_SIZE)
        return -EINVAL;
    if (copy_from_user(&mask, a->a0, sizeof(mask)) != 0)
        return -EFAULT;
    t->saved_blocked = t->blocked;
    signal_set_mask(mask);
    while (!thread_interrupted())
        thread_park();
    t->restore_mask = true;
    return -ERESTARTNOHAND;
}

/* Takes one of the set. Until the next call who sends one of `awaits` wakes the thread. */
static int take_from(struct thread *t, u64 set, u64 awaits, struct sig_record *rec)
{
    struct list trash = LIST_INIT(trash);
    irqflags_t flags;
    int signo;

    do {
        flags = spin_lock_irq(&t->proc->sig.lock);
        signo = signal_take(t, set, rec, &trash);
        t->awaits = signo ? 0 : awaits;
        spin_unlock_irq(&t->proc->sig.lock, flags);
        signal_free(t->proc, &trash);
    } while (posix_timers_rearm(t->proc) && !signo);
    return signo;
}

long sys_rt_sigtimedwait(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 set, deadline = NO_DEADLINE;
    struct sig_record rec;
    struct siginfo info;
    int signo, err;

    if (a->a3 != SIGSET_SIZE)
        return -EINVAL;
    if (copy_from_user(&set, a->a0, sizeof(set)) != 0)
        return -EFAULT;
    if (a->a2 && (err = deadline_from_user(a->a2, &deadline)) != 0)
        return err;
    set &= ~SIG_UNBLOCKABLE;
    for (err = 0; (signo = take_from(t, set, err ? 0 : set, &rec)) == 0 && !err;) {
        if (thread_interrupted())
            err = -EINTR;
        else if (thread_park_until(deadline) != 0)
            err = -EAGAIN;
    }
    if (!signo)
        return err;
    signal_fill_info(&info, signo, &rec);
    if (a->a1 && copy_to_user(a->a1, &info, sizeof(info)) != 0)
        return -EFAULT;
    return signo;
}
