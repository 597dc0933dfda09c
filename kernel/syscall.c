/* SPDX-License-Identifier: MIT
 *
 * Dispatch of system calls.
 */
#include "kernel/syscall.h"
#include "kernel/proc.h"
#include "kernel/strace.h"
#include "lib/log.h"
#include "lib/uapi/errno.h"

#define TABLE_SIZE 512u

static const syscall_fn table[TABLE_SIZE] = {
#define SYSCALL(number, name) [number] = sys_##name,
#include "kernel/syscall_table.h"
#undef SYSCALL
};

static const syscall_fn own_table[OWN_SYSCALL_COUNT] = {
#define OWN_SYSCALL(number, name) [(number)-OWN_SYSCALL_FIRST] = sys_##name,
#include "kernel/syscall_own.h"
#undef OWN_SYSCALL
};

/* The honest answer, and one line so that somebody can see what a program needs. */
static long not_implemented(struct proc *p, u32 number)
{
    bool *logged = &p->enosys_logged[number < TABLE_SIZE ? number : TABLE_SIZE - 1];

    if (!*logged) {
        *logged = true;
        printk("%s[%d]: system call %u is not implemented\n", p->comm, p->pid, number);
    }
    return -ENOSYS;
}

void syscall_entry(struct trapframe *tf)
{
    struct thread *t = current_thread();
    u32 number = (u32)tf->rax; /* as on Linux the upper half counts for nothing */
    const struct syscall_args *args = (const struct syscall_args *)tf;
    struct syscall_args before;
    syscall_fn fn = NULL;
    long result;

    tf->error = number;
    t->frame = tf;
    t->last_syscall = number;
    if (number < TABLE_SIZE)
        fn = table[number & (TABLE_SIZE - 1)]; /* the mask holds under speculation too */
    else if (number - OWN_SYSCALL_FIRST < OWN_SYSCALL_COUNT)
        fn = own_table[(number - OWN_SYSCALL_FIRST) & (OWN_SYSCALL_COUNT - 1)];
    if (unlikely(strace_on))
        before = *args; /* execve and sigreturn change the frame */
    result = fn ? fn(args) : not_implemented(t->proc, number);
    /* Not for rt_sigreturn, whose result is whatever the program had in rax. */
    if (unlikely(result <= -ERESTARTSYS && result >= -ERESTART_BLOCK) &&
        tf->vector == TRAP_SYSCALL)
        t->restart = (s32)-result;
    if (unlikely(strace_on))
        strace_log(number, &before, result);
    tf->rax = (u64)result;
    irq_disable();
    if (unlikely(thread_has_work(t)))
        return_to_user(tf);
}
