/* SPDX-License-Identifier: MIT
 *
 * What traps mean: page faults become memory or signals, other exceptions signals, and the
 * way back to user mode passes through here.
 */
#include "arch/trap.h"
#include "kernel/inject.h"
#include "kernel/pause.h"
#include "kernel/ptrace/debugreg.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/task/deliver.h"
#include "kernel/task/exit.h"
#include "kernel/task/oom.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/signal.h"
#include "kernel/uffd/wait.h"
#include "lib/grace.h"
#include "lib/log.h"
#include "lib/percpu.h"
#include "mm/op/fault_handle.h"

#define TRAP_PF 14

void return_to_user(struct trapframe *tf)
{
    struct thread *t = current_thread();

    irqoff_continue();
    while (thread_work(t)) {
        if (READ_ONCE(cpu_own.need_resched)) {
            if (unlikely(pass_pending())) {
                irq_enable();
                pass_work();
                irq_disable();
            }
            grace_pass();
            sched_preempt();
            continue;
        }
        irq_enable();
        if (unlikely(READ_ONCE(t->dl.spent)))
            deadline_pass(t);
        if (READ_ONCE(t->rseq_due))
            rseq_resume(t, tf);
        signal_deliver(tf);
        irq_disable();
    }
    irqoff_end();
}

/* An access of the program, or of the kernel on its behalf, finds no memory. */
static noinline bool out_of_memory(struct proc *p, bool user, vaddr_t addr)
{
    if (oom_handle(user))
        return true;
    if (signal_killed())
        return user; /* it ends on the way to user mode */
    if (!user)
        return false;
    printk(LOG_ERROR "out of memory: nobody left to kill, wanted by %s[%d] at %#lx\n",
           p->comm, p->pid, addr);
    if (p != init_proc)
        signal_send_self(SIGKILL); /* on the way out, frame whole */
    sched_yield_now();
    return true;
}

/* There is no page to show. */
static noinline bool fault_fails(const struct trapframe *tf, vaddr_t addr, u32 access,
                                 enum fault_result result)
{
    bool user = trap_from_user(tf);

    if (fault_asks(result)) {
        result = uffd_wait(current_proc()->mm, addr, access, user);
        if (result == FAULT_OK)
            return user || !signal_killed();
    }
    if (result == FAULT_OOM)
        return out_of_memory(current_proc(), user, addr);
    if (!user)
        return false;
    if (result == FAULT_BUS)
        signal_fault(SIGBUS, BUS_ADRERR, addr, TRAP_PF, tf->error);
    else if (fault_by_key(result))
        signal_key_fault(fault_key(result), addr, TRAP_PF, tf->error);
    else
        signal_fault(SIGSEGV, result == FAULT_ACCERR ? SEGV_ACCERR : SEGV_MAPERR, addr,
                     TRAP_PF, tf->error);
    return true;
}

bool page_fault(struct trapframe *tf, vaddr_t addr, u32 access)
{
    STATIC_ASSERT(ACCESS_READ == FAULT_READ && ACCESS_WRITE == FAULT_WRITE &&
                  ACCESS_EXEC == FAULT_EXEC);
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    enum fault_result result;
    bool injected;

    if (unlikely(!p || !p->mm))
        return false;
    injected = inject_begin(t, true);
    result = fault_handle(p->mm, addr, access);
    if (injected)
        inject_end(t);
    if (unlikely(result != FAULT_OK))
        return fault_fails(tf, addr, access, result);
    t->minflt++;
    return true;
}

void key_fault(struct trapframe *tf, vaddr_t addr)
{
    (void)fault_fails(tf, addr, 0, fault_denied(current_proc()->mm, addr));
}

static int fpe_code(bool simd)
{
    u32 raised = arch_fpu_exceptions(simd);

    /* In the order of Linux: invalid, zero divide, overflow, underflow or denormal, precision. */
    if (raised & 1)
        return FPE_FLTINV;
    if (raised & 4)
        return FPE_FLTDIV;
    if (raised & 8)
        return FPE_FLTOVF;
    if (raised & (2 | 16))
        return FPE_FLTUND;
    return FPE_FLTRES;
}

void user_exception(struct trapframe *tf, unsigned vector, u64 error, vaddr_t addr)
{
    switch (vector) {
    case 0: /* #DE */
        signal_fault(SIGFPE, FPE_INTDIV, addr, vector, error);
        break;
    case 1: /* #DB */
        if (unlikely(ptrace_stale_step(current_thread(), tf)))
            return;
        signal_fault(SIGTRAP, debug_trap_code(current_thread(), error), addr, vector, 0);
        break;
    case 3: /* #BP */
        signal_fault(SIGTRAP, SI_KERNEL, 0, vector, error);
        break;
    case 6: /* #UD */
        signal_fault(SIGILL, ILL_ILLOPN, addr, vector, error);
        break;
    case 11: /* #NP */
    case 12: /* #SS */
        signal_fault(SIGBUS, SI_KERNEL, 0, vector, error);
        break;
    case 16: /* #MF */
    case 19: /* #XM */
        signal_fault(SIGFPE, fpe_code(vector == 19), addr, vector, error);
        break;
    case 17: /* #AC */
        signal_fault(SIGBUS, BUS_ADRALN, 0, vector, error);
        break;
    default: /* #GP and the rest */
        signal_fault(SIGSEGV, SI_KERNEL, 0, vector, error);
    }
}
