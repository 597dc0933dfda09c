/* SPDX-License-Identifier: MIT
 *
 * The traced thread's side: where it stops, and what it does with its tracer's answer.
 */
#include "kernel/ptrace/stop.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/task/jobs.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

#define EVENT(event) (SIGTRAP | (event) << 8)

/* ---- one stop ---- */

struct stop {
    int code; /* signal | event << 8 */
    int why;  /* CLD_* for the tracer's SIGCHLD */
    enum stop_kind kind;
    const struct siginfo *info; /* NULL: none */
    u64 message;
    u64 count; /* the process's stop that it tells of, 0: none */
};

/* Under one hold with what it tells: who hears of a stop waits for what ends it. */
static bool is_still_true(struct thread *t, struct tracee *r, const struct stop *s)
{
    const struct proc *p = t->proc;
    SCOPED_LOCK(&t->proc->sig.lock);

    if (s->count && (!p->stopped || p->stop_count != s->count))
        return false;
    t->trap_due &= s->code >> 8 == PTRACE_EVENT_STOP ? 0 : ~TRAP_STOP;
    WRITE_ONCE(r->state, TRACE_STOPPED);
    return true;
}

static bool begin(struct thread *t, struct tracee *r, const struct stop *s)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    if (!r->tracer || signal_kill_pending(t) || !is_still_true(t, r, s))
        return false;
    if (r->forced)
        (void)arch_set_step(arch_thread_frame(&t->arch), false);
    r->step = r->forced = false;
    arch_stop_save(&t->arch, &r->regs);
    arch_debug_use(&t->arch, NULL);
    r->code = s->code;
    r->kind = (u8)s->kind;
    r->message = s->message;
    r->has_info = s->info != NULL;
    if (s->info)
        r->info = *s->info;
    r->told = false;
    r->signal = 0;
    tracee_tell(r, s->why, s->code & 0x7f);
    return true;
}

static bool stands(const struct thread *t, const struct tracee *r)
{
    u8 state = READ_ONCE(r->state);

    if (signal_kill_pending(t))
        return false;
    return state == TRACE_STOPPED ||
           (state == TRACE_LISTENING && !READ_ONCE(t->trap_due));
}

/* What happens before: 0. The signal to go on with; *listened: it listened to the last. */
static int finish(struct thread *t, struct tracee *r, bool *listened)
{
    struct proc *p = t->proc;
    SCOPED_LOCK_IRQ(&proc_lock);

    *listened = r->state == TRACE_LISTENING;
    spin_lock(&p->sig.lock);
    WRITE_ONCE(r->state, TRACE_RUNNING);
    spin_unlock(&p->sig.lock);
    arch_stop_load(&t->arch, &r->regs);
    arch_debug_use(&t->arch, &r->debug.cpu);
    if (r->tracer && r->step)
        r->forced = arch_set_step(arch_thread_frame(&t->arch), true);
    /* Its calls go the long way from now on, which looks at r->how. */
    if (r->tracer)
        __atomic_fetch_or(&t->work, THREAD_LONG, __ATOMIC_RELAXED);
    return signal_kill_pending(t) ? 0 : r->signal;
}

/* Stops; the signal it goes on with. Not traced any more, or killed: `otherwise`. */
static int stop_for_tracer(struct thread *t, const struct stop *s, int otherwise,
                           bool *listened)
{
    struct tracee *r = t->trace;

    *listened = false;
    if (!begin(t, r, s))
        return otherwise;
    while (stands(t, r))
        thread_park();
    return finish(t, r, listened);
}

/* A stop that the thread tells of itself: SIGTRAP, or a group's signal with an event. */
static int stop_with_info(struct thread *t, const struct stop *of, bool *listened)
{
    struct siginfo info = {.si_signo = of->code & 0x7f,
                           .si_code = of->code,
                           .si_pid = t->tid,
                           .si_uid = t->cred->uid};
    struct stop s = *of;

    s.info = &info;
    return stop_for_tracer(t, &s, 0, listened);
}

static void send_self(struct thread *t, int signo, int code)
{
    struct sig_record rec = {.code = code, .pid = t->proc->pid, .uid = t->cred->uid};

    if (signo)
        signal_send_record(t->proc, t, signo, &rec, NULL);
}

/* ---- calls ---- */

static void call_stop(struct thread *t, struct tracee *r, enum stop_kind kind)
{
    bool good = r->options & PTRACE_O_TRACESYSGOOD, listened;
    struct stop s = {.code = SIGTRAP | (good ? 0x80 : 0),
                     .why = CLD_TRAPPED,
                     .kind = kind,
                     .message = kind == STOP_ENTRY ? 1 : 2};

    send_self(t, stop_with_info(t, &s, &listened), SI_USER);
}

bool ptrace_enter(struct thread *t, struct trapframe *tf)
{
    struct tracee *r = t->trace;
    int how;

    if (!is_traced(t))
        return true;
    how = READ_ONCE(r->how);
    if (how != PTRACE_SYSCALL && how != PTRACE_SYSEMU && how != PTRACE_SYSEMU_SINGLESTEP)
        return true;
    tf->rax = (u64)-ENOSYS;
    call_stop(t, r, STOP_ENTRY);
    return how == PTRACE_SYSCALL && !signal_kill_pending(t);
}

void ptrace_leave(struct thread *t, struct trapframe *tf)
{
    struct tracee *r = t->trace;

    (void)tf;
    if (!is_traced(t))
        return;
    if (READ_ONCE(r->how) == PTRACE_SYSCALL)
        call_stop(t, r, STOP_EXIT);
    else if (r->step && r->how != PTRACE_SYSEMU_SINGLESTEP)
        send_self(t, SIGTRAP, TRAP_BRKPT);
}

bool ptrace_stale_step(struct thread *t, struct trapframe *tf)
{
    struct tracee *r = t->trace;

    if (!r || r->tracer || !r->forced)
        return false;
    r->forced = r->step = false;
    (void)arch_set_step(tf, false);
    return true;
}

/* ---- signals ---- */

int ptrace_signal(struct thread *t, int signo, struct sig_record *rec)
{
    struct tracee *r = t->trace;
    struct proc *p = t->proc;
    struct siginfo info;
    struct stop s = {
        .code = signo, .why = CLD_TRAPPED, .kind = STOP_SIGNAL, .info = &info};
    irqflags_t flags;
    bool listened, blocked;
    int go;

    signal_fill_info(&info, signo, rec);
    go = stop_for_tracer(t, &s, signo, &listened);
    if (!go || signal_kill_pending(t))
        return 0;
    flags = spin_lock_irq(&proc_lock);
    if (go != r->info.si_signo)
        *rec = (struct sig_record){.code = SI_USER,
                                   .pid = r->tracer ? r->tracer->pid : 0,
                                   .uid = r->tracer ? r->tracer->cred.uid : 0};
    else
        signal_read_info(rec, &r->info);
    spin_unlock_irq(&proc_lock, flags);
    blocked = READ_ONCE(t->blocked) & sig_bit(go);
    if (blocked) /* by the tracer, meanwhile: it waits */
        signal_send_record(p, t, go, rec, NULL);
    return blocked ? 0 : go;
}

void ptrace_before_handler(struct thread *t, struct trapframe *tf)
{
    if (t->trace->forced)
        (void)arch_set_step(tf, false);
    t->trace->forced = false;
}

/* A step into a handler ends at its first instruction. */
void ptrace_after_handler(struct thread *t)
{
    struct stop s = {.code = SIGTRAP, .why = CLD_TRAPPED, .kind = STOP_EVENT};
    bool listened;

    if (is_traced(t) && t->trace->step)
        (void)stop_with_info(t, &s, &listened);
}

/* ---- stops of the process ---- */

bool ptrace_group_stop(struct thread *t)
{
    struct tracee *r = t->trace;
    struct proc *p = t->proc;
    struct stop s = {.why = CLD_STOPPED, .kind = STOP_GROUP};
    irqflags_t flags;
    bool listened;

    if (!is_traced(t))
        return false;
    job_stop_passed(p, t);
    flags = spin_lock_irq(&p->sig.lock);
    s.code = p->stop_signal;
    s.count = p->stop_count;
    spin_unlock_irq(&p->sig.lock, flags);
    if (r->seized) {
        s.code |= PTRACE_EVENT_STOP << 8;
        (void)stop_with_info(t, &s, &listened);
    } else {
        (void)stop_for_tracer(t, &s, 0, &listened);
    }
    flags = spin_lock_irq(&p->sig.lock);
    if (r->tracer && !listened && p->stopped)
        t->stop_passed = s.count;
    spin_unlock_irq(&p->sig.lock, flags);
    return true;
}

void ptrace_trap(struct thread *t)
{
    struct stop s = {
        .code = EVENT(PTRACE_EVENT_STOP), .why = CLD_STOPPED, .kind = STOP_EVENT};
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);
    bool traced = t->trap_due && is_traced(t), listened;

    t->trap_due = 0;
    spin_unlock_irq(&t->proc->sig.lock, flags);
    if (traced)
        (void)stop_with_info(t, &s, &listened);
}

/* ---- events ---- */

void ptrace_event(struct thread *t, int event, u64 message)
{
    struct stop s = {
        .code = EVENT(event), .why = CLD_TRAPPED, .kind = STOP_EVENT, .message = message};
    bool listened;

    if (event && ptrace_wants(t, event))
        (void)stop_with_info(t, &s, &listened);
}

void ptrace_exec(struct thread *t, s32 old_tid)
{
    debug_exec(t);
    if (!is_traced(t))
        return;
    if (t->trace->options >> PTRACE_EVENT_EXEC & 1)
        ptrace_event(t, PTRACE_EVENT_EXEC, (u64)old_tid);
    else if (!t->trace->seized)
        send_self(t, SIGTRAP, SI_USER);
}

bool ptrace_wants(const struct thread *t, int event)
{
    return is_traced(t) && READ_ONCE(t->trace->options) >> event & 1;
}

bool ptrace_limits_exec(const struct thread *t)
{
    return is_traced(t) && !t->trace->capable;
}

/* ---- who asks ---- */

s32 ptrace_tracer_of(const struct proc *p, const struct thread *t, bool *stopped)
{
    REQUIRES(&proc_lock);
    const struct tracee *r = t ? t->trace : p->trace;

    *stopped = r && r->tracer && r->state != TRACE_RUNNING;
    return r && r->tracer ? r->tracer->pid : 0;
}
