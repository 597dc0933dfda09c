/* SPDX-License-Identifier: MIT
 *
 * The scheduler. The run-queue lock is held across a switch: taken by the thread that
 * leaves, released by the one that arrives (switch_tail).
 */
#include "kernel/task/sched.h"
#include "arch/time.h"
#include "kernel/inject.h"
#include "kernel/pause.h"
#include "kernel/task/cpulimit.h"
#include "kernel/task/exit.h"
#include "kernel/task/proc.h"
#include "kernel/task/runq.h"
#include "lib/grace.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/kspace.h"
#include "mm/phys/slab.h"

#define SLICE_NS (1000000000ull / TICK_HZ)

static spinlock_t rq_lock; /* irq-safe */

static DEFINE_PER_CPU(struct thread, idle_thread);
static DEFINE_PER_CPU(struct thread *, dead_thread);

static void thread_reap(struct thread *t)
{
    struct proc *p = t->proc;
    s32 tid = t->free_tid;

    thread_free(t);
    if (p)
        thread_gone(p, tid);
}

/* First thing on every stack that was switched to. Interrupts stay off. */
static void switch_tail(void)
{
    struct thread *dead = this_cpu(dead_thread);

    this_cpu(dead_thread) = NULL;
    spin_unlock(&rq_lock);
    if (dead)
        thread_reap(dead);
}

static bool is_idle(const struct thread *t)
{
    return t == &this_cpu(idle_thread);
}

/* Runs `next`, NULL: the idle thread. rq_lock held, interrupts off; the running thread has
 * been charged, and put where it belongs. Returns without the lock, interrupts still off. */
static void switch_to(struct thread *next, u64 now)
{
    REQUIRES(&rq_lock);
    struct cpu *cpu = cpu_self();
    struct thread *prev = cpu->current;

    grace_pass();
    cpu->need_resched = 0;
    this_cpu(pause_since) = now;
    if (!next)
        next = &this_cpu(idle_thread);
    next->ran_since = now;
    if (next == prev) {
        spin_unlock(&rq_lock);
        return;
    }
    stall_end((uintptr_t)__builtin_return_address(0));
    cpu->current = next;
    inject_switch(prev, next);
    mm_activate(next->proc ? next->proc->mm : NULL);
    arch_thread_switch(&prev->arch, &next->arch);
    stall_begin();
    switch_tail();
}

/* When the running thread lets the first of the ready ones run. */
enum give_up {
    IF_LATER, /* when it has had more than that one */
    YIELD,    /* in any case, and it comes after that one from now on */
    PAUSE,    /* in any case, but it keeps its place */
};

static void give_up(enum give_up how)
{
    irqflags_t flags = spin_lock_irq(&rq_lock);
    struct thread *t = current_thread(), *next = runq_head();
    u64 now = cpu_cycles();

    cpu_self()->need_resched = 0;
    if (is_idle(t))
        goto stay;
    runq_charge(t, now);
    if (unlikely(next && (t->realtime | next->realtime))) {
        if (!runq_realtime_goes(t, next, how == YIELD))
            goto stay;
        if (t->realtime && how == YIELD)
            runq_rt_last(t);
        how = PAUSE;
    }
    if (!next || (how == IF_LATER && !runq_before(next, t))) {
        runq_stay(t);
        goto stay;
    }
    next = runq_take();
    if (how == YIELD && runq_before(t, next))
        t->vruntime = next->vruntime;
    runq_put(t);
    t->nivcsw++;
    switch_to(next, now);
    irq_restore(flags);
    return;
stay:
    spin_unlock_irq(&rq_lock, flags);
}

void sched_preempt(void)
{
    give_up(IF_LATER);
}

void sched_yield_now(void)
{
    give_up(YIELD);
}

void sched_pause(void)
{
    this_cpu(pause_since) = cpu_cycles();
    if (irq_enabled()) {
        grace_work();
        give_up(PAUSE);
    }
}

void sched_set_policy(struct thread *t, u8 policy, u8 priority)
{
    irqflags_t flags = spin_lock_irq(&rq_lock);
    bool runs = t == current_thread();

    if (runs)
        runq_charge(t, cpu_cycles());
    runq_set_policy(t, t->state == THREAD_RUNNABLE && !runs, policy, priority);
    cpu_self()->need_resched = 1;
    spin_unlock_irq(&rq_lock, flags);
}

void sched_user_changed(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&rq_lock);

    runq_set_user(p);
    spin_unlock_irq(&rq_lock, flags);
}

void *thread_self(void)
{
    return current_thread();
}

#ifdef LOCKS_CHECKED
struct held_mutexes *thread_mutexes(void)
{
    return &(current_thread() ?: &this_cpu(idle_thread))->mutexes;
}
#endif

void thread_park(void)
{
    irqflags_t flags = spin_lock_irq(&rq_lock);
    struct thread *t = current_thread();
    u64 now;

    ASSERT(!is_idle(t));
    if (t->unparked) {
        t->unparked = false;
        spin_unlock_irq(&rq_lock, flags);
        return;
    }
    t->state = THREAD_SLEEPING;
    t->nvcsw++;
    now = cpu_cycles();
    runq_charge(t, now);
    runq_sleep(t);
    switch_to(runq_take(), now);
    t->unparked = false;
    irq_restore(flags);
}

void thread_unpark(void *thread)
{
    struct thread *t = thread;
    irqflags_t flags = spin_lock_irq(&rq_lock);

    t->unparked = true;
    if (t->state == THREAD_SLEEPING) {
        t->state = THREAD_RUNNABLE;
        runq_wake(t);
        cpu_self()->need_resched = 1;
    }
    spin_unlock_irq(&rq_lock, flags);
}

void thread_notify(struct thread *t)
{
    thread_unpark(t);
}

static u64 sleep_over(struct ktimer *timer)
{
    thread_unpark(container_of(timer, struct thread, sleep_timer));
    return 0;
}

int thread_park_until(u64 deadline_ns)
{
    struct thread *t = current_thread();

    if (deadline_ns == NO_DEADLINE) {
        thread_park();
        return 0;
    }
    if (clock_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    ktimer_set(&t->sleep_timer, deadline_ns);
    thread_park();
    ktimer_cancel(&t->sleep_timer);
    return clock_monotonic_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

void timer_tick(struct trapframe *tf)
{
    struct thread *t = current_thread();

    if (cpu_id() == 0)
        clock_ticks++;
    if (trap_from_user(tf))
        t->utime_ns += SLICE_NS;
    else
        t->stime_ns += SLICE_NS;
    spin_lock(&rq_lock);
    runq_rt_tick(t);
    spin_unlock(&rq_lock);
    if (t->proc)
        cpu_limit_tick(t, SLICE_NS, trap_from_user(tf));
    ktimer_run(clock_monotonic_ns());
    cpu_self()->need_resched = 1;
}

/* ---- threads ---- */

SLAB_CACHE(thread_cache, "thread", struct thread);

static void thread_begin(void *arg)
{
    struct thread *t = arg;

    stall_begin();
    switch_tail();
    irq_enable();
    t->entry(t->entry_arg);
    thread_exit();
}

struct thread *thread_create(struct proc *proc, const char *name, void (*fn)(void *),
                             void *arg)
{
    struct thread *t = slab_zalloc(&thread_cache);

    if (!t)
        return NULL;
    t->kstack = kspace_alloc(KSTACK_SIZE / PAGE_SIZE);
    if (!t->kstack)
        goto out_free;
    if (arch_thread_init(&t->arch, (uintptr_t)t->kstack + KSTACK_SIZE, thread_begin, t) !=
        0)
        goto out_stack;
    t->proc = proc;
    t->state = THREAD_NEW;
    t->entry = fn;
    t->entry_arg = arg;
    list_init(&t->proc_link);
    list_init(&t->tid_link);
    list_init(&t->pi_owned);
    list_init(&t->records.realtime);
    ktimer_init(&t->sleep_timer, sleep_over);
    str_copy(t->comm, name, sizeof(t->comm));
    return t;

out_stack:
    kspace_free(t->kstack, KSTACK_SIZE / PAGE_SIZE);
out_free:
    slab_free(&thread_cache, t);
    return NULL;
}

size_t thread_bytes(void)
{
    return sizeof(struct thread) + KSTACK_SIZE + arch_fpu_size();
}

void thread_free(struct thread *t)
{
    arch_thread_fini(&t->arch);
    kspace_free(t->kstack, KSTACK_SIZE / PAGE_SIZE);
    slab_free(&thread_cache, t);
}

void thread_launch(struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&rq_lock);
    struct thread *creator = current_thread();

    if (!is_idle(creator)) {
        runq_charge(creator, cpu_cycles());
        if (!creator->realtime && !t->realtime)
            t->vruntime = creator->vruntime; /* no head start for being new */
        else if (!t->realtime)
            t->vruntime = runq.least;
    }
    t->state = THREAD_RUNNABLE;
    runq_wake(t);
    spin_unlock_irq(&rq_lock, flags);
}

noreturn void thread_exit(void)
{
    struct thread *t = current_thread();

    ktimer_cancel(&t->sleep_timer);
    irq_disable();
    spin_lock(&rq_lock);
    t->state = THREAD_ZOMBIE;
    ASSERT(!this_cpu(dead_thread));
    this_cpu(dead_thread) = t;
    runq_sleep(t);
    switch_to(runq_take(), cpu_cycles());
    panic("a dead thread runs");
}

int kthread_create(const char *name, void (*fn)(void *), void *arg)
{
    struct thread *t = thread_create(NULL, name, fn, arg);

    if (!t)
        return -ENOMEM;
    thread_launch(t);
    return 0;
}

void sched_init(void)
{
    static u8 unused_stack[1024] __attribute__((aligned(16)));
    struct thread *t = &this_cpu(idle_thread);

    /* For its FPU area; the stack is the one we are on. */
    if (arch_thread_init(&t->arch, (uintptr_t)unused_stack + sizeof(unused_stack),
                         thread_begin, t) != 0)
        panic("no memory for the idle thread");
    t->arch.stack_top = cpu_self()->kernel_stack;
    t->state = THREAD_RUNNABLE;
    list_init(&t->proc_link);
    str_copy(t->comm, "idle", sizeof(t->comm));
    cpu_self()->current = t;
}

noreturn void sched_run(void)
{
    ASSERT(is_idle(current_thread()));
    for (;;) {
        irq_disable();
        spin_lock(&rq_lock);
        if (!runq_head()) {
            spin_unlock(&rq_lock);
            grace_work();
            grace_idle();
            cpu_idle();
            grace_idle();
        } else {
            switch_to(runq_take(), cpu_cycles());
            irq_enable();
        }
    }
}
