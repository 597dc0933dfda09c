/* SPDX-License-Identifier: MIT
 *
 * What a tracer reads and changes of a thread that stands still: registers, signals, options, and
 * how it goes on.
 */
#include "kernel/ptrace/inspect.h"
#include "arch/ptrace.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/syscall.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* A filter of calls stopped it, before a call. */
static bool at_filter(const struct tracee *r)
{
    return r->kind == STOP_EVENT && r->code >> 8 == PTRACE_EVENT_SECCOMP;
}

/* The result of a call that it may start again is looked at anew. */
static void registers_changed(struct tracee *r)
{
    struct thread *t = r->thread;
    const struct trapframe *tf = arch_thread_frame(&t->arch);
    s64 result = -(s64)tf->rax;
    bool again =
        tf->vector == TRAP_SYSCALL && result >= ERESTARTSYS && result <= ERESTART_BLOCK;

    if (r->kind != STOP_ENTRY && r->kind != STOP_EXIT && !at_filter(r))
        t->restart = again ? (s32)result : 0;
}

long tracee_set_regs(struct tracee *r, const struct user_regs *regs)
{
    REQUIRES(&proc_lock);
    struct trapframe *tf = arch_thread_frame(&r->thread->arch);
    int err = arch_regs_set(tf, &r->regs, regs);

    if (!err)
        registers_changed(r);
    return err;
}

static long user_word(struct tracee *r, struct request *q, bool write)
{
    unsigned debug = (unsigned)(q->addr - USER_DEBUG_FIRST) / 8;
    struct user_regs regs;
    u64 *at;

    if (q->addr % 8 || q->addr >= USER_AREA_SIZE)
        return -EIO;
    if (q->addr >= USER_DEBUG_FIRST && q->addr < USER_DEBUG_END) {
        q->m.word = debug_word(&r->debug, debug);
        return write ? debug_word_set(&r->debug, debug, q->data) : 0;
    }
    if (q->addr >= sizeof(regs)) {
        q->m.word = 0;
        return write ? -EIO : 0;
    }
    arch_regs_get(arch_thread_frame(&r->thread->arch), &r->regs, &regs);
    at = (u64 *)((u8 *)&regs + q->addr);
    if (!write) {
        q->m.word = *at;
        return 0;
    }
    *at = q->data;
    return tracee_set_regs(r, &regs);
}

static long get_info(const struct tracee *r, struct request *q)
{
    if (!r->has_info)
        return -EINVAL;
    q->m.info = r->info;
    q->size = sizeof(q->m.info);
    return 0;
}

static long set_info(struct tracee *r, const struct request *q)
{
    if (!r->has_info)
        return -EINVAL;
    r->info = q->m.info;
    return 0;
}

static long get_mask(struct tracee *r, struct request *q)
{
    const struct thread *t = r->thread;

    q->m.word = t->restore_mask ? t->saved_blocked : t->blocked;
    q->size = sizeof(u64);
    return 0;
}

/* The thread itself changes nothing of it while it stands. */
static long set_mask(struct tracee *r, const struct request *q)
{
    struct thread *t = r->thread;

    spin_lock(&t->proc->sig.lock);
    signal_set_mask_of(t, q->m.word);
    spin_unlock(&t->proc->sig.lock);
    t->restore_mask = false;
    return 0;
}

static void call_info(const struct tracee *r, struct request *q)
{
    const struct trapframe *tf = arch_thread_frame(&r->thread->arch);
    struct ptrace_syscall_info *c = &q->m.call;
    size_t size = offsetof(struct ptrace_syscall_info, entry);
    bool known = r->has_info && r->info.si_code == (SIGTRAP | 0x80); /* by TRACESYSGOOD */

    memset(c, 0, sizeof(*c));
    c->arch = AUDIT_ARCH_X86_64;
    c->ip = tf->rip;
    c->sp = tf->rsp;
    if (at_filter(r) || (known && r->kind == STOP_ENTRY)) {
        c->op = at_filter(r) ? PTRACE_SYSCALL_SECCOMP : PTRACE_SYSCALL_ENTRY;
        c->entry.nr = (u64)(s32)tf->error;
        memcpy(c->entry.args, (u64[]){tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9},
               sizeof(c->entry.args));
        size += offsetof(struct ptrace_syscall_info, entry.ret_data) -
                offsetof(struct ptrace_syscall_info, entry);
        c->entry.ret_data = (u32)r->message;
        if (at_filter(r))
            size += sizeof(c->entry.ret_data);
        else
            c->entry.ret_data = 0;
    } else if (known && r->kind == STOP_EXIT) {
        c->op = PTRACE_SYSCALL_EXIT;
        c->exit.rval = (s64)tf->rax;
        c->exit.is_error = c->exit.rval < 0 && c->exit.rval >= -4095;
        size += offsetof(struct ptrace_syscall_info, exit.is_error) -
                offsetof(struct ptrace_syscall_info, exit) + 1;
    }
    q->size = size;
}

static void get_rseq(const struct tracee *r, struct request *q)
{
    const struct thread *t = r->thread;

    q->m.rseq = (struct ptrace_rseq){t->rseq, t->rseq_size, t->rseq_signature, 0, 0};
    q->size = sizeof(q->m.rseq);
}

static long go_on(struct tracee *r, const struct request *q)
{
    if (q->data > NSIG)
        return -EIO;
    if (q->nr == PTRACE_DETACH)
        tracee_unlink(r, (int)q->data);
    else
        tracee_go(r, (int)q->nr, (int)q->data);
    return 0;
}

static long listen(struct tracee *r)
{
    struct proc *p = r->thread->proc;

    if (!r->seized || r->code >> 8 != PTRACE_EVENT_STOP)
        return -EIO;
    spin_lock(&p->sig.lock);
    WRITE_ONCE(r->state, TRACE_LISTENING);
    spin_unlock(&p->sig.lock);
    thread_unpark(r->thread); /* news may be there already */
    return 0;
}

int trace_options_check(u64 options)
{
    const struct thread *t = current_thread();

    if (options & ~(u64)PTRACE_O_ALL)
        return -EINVAL;
    if (!(options & PTRACE_O_SUSPEND_SECCOMP))
        return 0;
    return capable(CAP_SYS_ADMIN) && !t->cred->seccomp &&
                   !(is_traced(t) && t->trace->options & PTRACE_O_SUSPEND_SECCOMP)
               ? 0
               : -EPERM;
}

static long set_options(struct tracee *r, const struct request *q)
{
    int err = trace_options_check(q->data);

    if (err)
        return err;
    r->options = (u32)q->data;
    return 0;
}

long tracee_apply(struct tracee *r, struct request *q)
{
    REQUIRES(&proc_lock);
    struct trapframe *tf = arch_thread_frame(&r->thread->arch);

    switch (q->nr) {
    case PTRACE_PEEKUSER:
        q->size = sizeof(u64);
        return user_word(r, q, false);
    case PTRACE_POKEUSER:
        return user_word(r, q, true);
    case PTRACE_GETREGS:
        arch_regs_get(tf, &r->regs, &q->m.regs);
        q->size = sizeof(q->m.regs);
        return 0;
    case PTRACE_SETREGS:
        return tracee_set_regs(r, &q->m.regs);
    case PTRACE_GETFPREGS:
        arch_fpu_get(&r->regs, q->m.fpu, FPU_FXSAVE);
        q->size = arch_fpu_bytes(FPU_FXSAVE);
        return 0;
    case PTRACE_SETFPREGS:
        return arch_fpu_set(&r->regs, q->m.fpu, FPU_FXSAVE);
    case PTRACE_GETSIGINFO:
        return get_info(r, q);
    case PTRACE_SETSIGINFO:
        return set_info(r, q);
    case PTRACE_GETSIGMASK:
        return get_mask(r, q);
    case PTRACE_SETSIGMASK:
        return set_mask(r, q);
    case PTRACE_SETOPTIONS:
        return set_options(r, q);
    case PTRACE_GETEVENTMSG:
        q->m.word = r->message;
        q->size = sizeof(u64);
        return 0;
    case PTRACE_GET_SYSCALL_INFO:
        call_info(r, q);
        return (long)q->size;
    case PTRACE_GET_RSEQ:
        get_rseq(r, q);
        return (long)q->size;
    case PTRACE_LISTEN:
        return listen(r);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
    case PTRACE_DETACH:
        return go_on(r, q);
    default:
        return -EIO;
    }
}
