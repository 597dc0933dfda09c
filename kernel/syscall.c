/* SPDX-License-Identifier: MIT
 *
 * Dispatch of system calls.
 */
#include "kernel/syscall.h"
#include "kernel/inject.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/seccomp/enter.h"
#include "kernel/strace.h"
#include "kernel/task/proc.h"
#include "lib/stale.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

STATIC_ASSERT(offsetof(struct thread, work) == THREAD_WORK_OFFSET);

static const syscall_fn table[SYSCALL_SHORT] = {
#define SYSCALL(number, name) [number] = sys_##name,
#include "kernel/syscall_table.h"
#undef SYSCALL
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* what has no entry goes the long way */
const syscall_fn syscall_short[SYSCALL_SHORT] = {
    [0 ... SYSCALL_SHORT - 1] = syscall_long,
#define SYSCALL(number, name) [number] = STALE ? syscall_long : sys_##name,
#define SYSCALL_WHOLE(number, name)
#include "kernel/syscall_table.h"
#undef SYSCALL
};
#pragma GCC diagnostic pop

static const syscall_fn own_table[OWN_SYSCALL_COUNT] = {
#define OWN_SYSCALL(number, name) [(number)-OWN_SYSCALL_FIRST] = sys_##name,
#include "kernel/syscall_own.h"
#undef OWN_SYSCALL
};

#define SEEN_MAX 256u /* pairs of program and number that are remembered */

/* Whether this program (by its name) asks for this call for the first time. */
static bool first_time(const char *comm, u32 number)
{
    static spinlock_t lock;
    static u64 seen[SEEN_MAX * 2];
    static u32 used;
    u64 h = 0xcbf29ce484222325ull ^ number; /* FNV-1a */
    irqflags_t flags;
    size_t at;
    bool first;

    for (; *comm; comm++)
        h = (h ^ (u8)*comm) * 0x100000001b3ull;
    h = (h ^ h >> 32) | 1;
    flags = spin_lock_irq(&lock);
    if (used == SEEN_MAX) { /* told twice is better than never */
        memset(seen, 0, sizeof(seen));
        used = 0;
    }
    for (at = h % ARRAY_SIZE(seen); seen[at] && seen[at] != h;)
        at = (at + 1) % ARRAY_SIZE(seen);
    first = !seen[at];
    used += first;
    seen[at] = h;
    spin_unlock_irq(&lock, flags);
    return first;
}

/* The honest answer, and one line so that somebody can see what a program needs. */
static long not_implemented(struct proc *p, u32 number)
{
    static struct log_limit limit;

    if (first_time(p->comm, number) && log_allowed(&limit, "unknown system calls"))
        printk("%s[%d]: system call %u is not implemented\n", p->comm, p->pid, number);
    return -ENOSYS;
}

static noinline long call_traced(syscall_fn fn, const struct syscall_args *args,
                                 u32 number)
{
    struct syscall_args before = *args; /* execve and sigreturn change the frame */
    long result = fn(args);

    strace_log(number, &before, result);
    return result;
}

static noinline long call_unknown(const struct syscall_args *args, u32 number)
{
    long result = not_implemented(current_proc(), number);

    if (strace_on)
        strace_log(number, args, result);
    return result;
}

static syscall_fn find(u32 number)
{
    /* The masks hold under speculation too. */
    if (likely(number < SYSCALL_SHORT))
        return table[number & (SYSCALL_SHORT - 1)];
    if (number - OWN_SYSCALL_FIRST < OWN_SYSCALL_COUNT)
        return own_table[(number - OWN_SYSCALL_FIRST) & (OWN_SYSCALL_COUNT - 1)];
    return NULL;
}

void syscall_leave(struct trapframe *tf)
{
    struct thread *t = current_thread();
    long result;

    if (unlikely(t->trace))
        ptrace_leave(t, tf);
    result = (long)tf->rax;
    /* Not for rt_sigreturn, whose result is whatever the program had in rax. */
    if (result <= -ERESTARTSYS && result >= -ERESTART_BLOCK &&
        tf->vector == TRAP_SYSCALL) {
        t->restart = (s32)-result;
        thread_look(t);
    }
    irq_disable();
    if (thread_must_look(t))
        return_to_user(tf);
    irqoff_end(); /* the program goes on */
}

/* The stack that the call will use is what nobody has written. */
static noinline __attribute__((no_sanitize("kernel-address"))) void stale_stack(void)
{
    volatile u64 room[STALE ? 1024 : 1];

    for (size_t i = 0; i < ARRAY_SIZE(room); i++)
        room[i] = STALE_WORD(STALE_FRESH);
}

/* Its tracer first, then its filters, which see what that made of the call. False: the result is
 * in the frame. */
static noinline bool may_begin(struct thread *t, struct trapframe *tf)
{
    if (t->trace && !ptrace_enter(t, tf))
        return false;
    if (READ_ONCE(t->work) & THREAD_FILTERED && !seccomp_enter(t, tf))
        return false;
    return !t->trace || (s32)tf->error != -1;
}

void syscall_entry(struct trapframe *tf)
{
    struct thread *t = current_thread();
    u32 number = (u32)tf->rax; /* as on Linux the upper half counts for nothing */
    const struct syscall_args *args = (const struct syscall_args *)tf;
    syscall_fn fn = find(number);
    bool injected;
    long result;

    if (STALE && !stale_off)
        stale_stack();
    tf->error = tf->rax; /* whole: what a tracer sees, and what starts again */
    if (unlikely(t->trace || READ_ONCE(t->work) & THREAD_FILTERED)) {
        if (!may_begin(t, tf)) {
            syscall_leave(tf);
            return;
        }
        number = (u32)tf->error; /* its tracer may ask for another */
        tf->rax = number;
        fn = find(number);
    }
    stall_begin();
    injected = inject_begin(t, false);
    if (unlikely(!fn))
        result = call_unknown(args, number);
    else if (unlikely(strace_on))
        result = call_traced(fn, args, number);
    else
        result = fn(args);
    if (injected)
        inject_end(t);
    tf->rax = (u64)result;
    syscall_leave(tf);
    stall_end((uintptr_t)fn);
}
