/* SPDX-License-Identifier: MIT
 *
 * prctl: the name of a thread, what happens at the parent's death, privileges.
 */
#include "kernel/seccomp/chain.h"
#include "kernel/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/family.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/table/mm_lock.h"
#include "mm/vm/vma.h"

#define PR_SET_PDEATHSIG    1
#define PR_GET_PDEATHSIG    2
#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_GET_TIMING       13
#define PR_SET_TIMING       14
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_GET_SECCOMP      21
#define PR_SET_SECCOMP      22
#define PR_GET_TSC          25
#define PR_SET_TSC          26
#define PR_SET_TIMERSLACK   29
#define PR_GET_TIMERSLACK   30
#define PR_SET_MM           35
#define PR_SET_SUBREAPER    36
#define PR_GET_SUBREAPER    37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_GET_TID_ADDRESS  40

#define PR_TIMING_STATISTICAL 0 /* the only kind of accounting Linux has */
#define PR_TSC_ENABLE         1
#define PR_TSC_SIGSEGV        2

static long set_comm(vaddr_t src)
{
    struct thread *t = current_thread();
    char name[COMM_LEN] = {
        0}; /* a longer name is cut, and what is behind not looked at */
    ssize_t n = strncpy_from_user(name, src, COMM_LEN - 1);

    if (n == -EFAULT)
        return n;
    proc_set_comm(t->proc, t, name,
                  t->tid == t->proc->pid ? COMM_OF_PROCESS : COMM_OF_THREAD);
    return 0;
}

static long get_comm(vaddr_t dst)
{
    struct thread *t = current_thread();
    char name[COMM_LEN] = {0};
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    str_copy(name, t->comm, sizeof(name));
    spin_unlock_irq(&t->proc->sig.lock, flags);
    return copy_to_user(dst, name, sizeof(name));
}

static long set_no_new_privs(void)
{
    REQUIRES(&proc_lock);
    struct cred new = *own_cred();

    new.no_new_privs = true;
    cred_change(&new);
    return 0;
}

/* What others read under proc_lock. */
static long set_flag(const struct syscall_args *a)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct proc *p = current_proc();

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
        if (a->a1 > NSIG)
            return -EINVAL;
        p->pdeath_signal = (int)a->a1;
        return 0;
    case PR_SET_DUMPABLE:
        if (a->a1 > 1)
            return -EINVAL;
        p->dumpable = (u8)a->a1;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (a->a1 != 1 || a->a2 || a->a3 || a->a4)
            return -EINVAL;
        return set_no_new_privs();
    default: /* PR_SET_SUBREAPER */
        WRITE_ONCE(p->subreaper, a->a1 != 0);
        if (a->a1)
            WRITE_ONCE(any_subreaper, true);
        return 0;
    }
}

static long set_seccomp(u64 mode, vaddr_t filter)
{
    if (mode == SECCOMP_MODE_STRICT)
        return seccomp_set(SECCOMP_SET_MODE_STRICT, 0, 0);
    return mode == SECCOMP_MODE_FILTER ? seccomp_set(SECCOMP_SET_MODE_FILTER, 0, filter)
                                       : -EINVAL;
}

static long set_slack(u64 ns)
{
    thread_set_slack(current_thread(), ns);
    return 0;
}

/* ---- PR_SET_MM: where the parts of the program are said to be ---- */

#define SET_MM_START_STACK 5
#define SET_MM_ARG_START   8
#define SET_MM_AUXV        12
#define PLACE(field)       (1 + offsetof(struct mm_program, field))

/* By the number of the request; an odd one's partner among the pairs lies behind it. 0: cannot be
 * set, as the break, which is more than what is told. */
static const u16 places[] = {
    0,
    PLACE(start_code),
    PLACE(end_code),
    PLACE(start_data),
    PLACE(end_data),
    PLACE(start_stack),
    0,
    0,
    PLACE(arg_start),
    PLACE(arg_end),
    PLACE(env_start),
    PLACE(env_end),
};

static long set_auxv(struct mm *mm, vaddr_t from, u64 len)
{
    u64 words[MM_AUXV_WORDS] = {0};

    if (len > sizeof(words))
        return -EINVAL;
    if (copy_from_user(words, from, len) != 0)
        return -EFAULT;
    words[MM_AUXV_WORDS - 2] = words[MM_AUXV_WORDS - 1] = 0; /* the end */
    mm_lock(mm);
    memcpy(mm->program.auxv, words, len);
    mm_unlock(mm);
    return 0;
}

/* Whether each part begins before it ends, and the data is within its limit. */
static bool is_possible(const struct mm *mm, const struct mm_program *p)
{
    u64 heap = mm->brk - mm->brk_start;

    return p->start_code < p->end_code && p->start_data <= p->end_data &&
           p->arg_start <= p->arg_end && p->env_start <= p->env_end &&
           (mm->limits.heap == ~0ull ||
            heap + (p->end_data - p->start_data) <= mm->limits.heap);
}

static long set_place(struct mm *mm, u64 what, vaddr_t at)
{
    REQUIRES(&mm->lock);
    vaddr_t *place = (vaddr_t *)((u8 *)&mm->program + places[what] - 1), old = *place;

    if ((what == SET_MM_START_STACK || what >= SET_MM_ARG_START) && !vma_find(mm, at))
        return -EFAULT;
    WRITE_ONCE(*place, at);
    if (is_possible(mm, &mm->program))
        return 0;
    WRITE_ONCE(*place, old);
    return -EINVAL;
}

static long set_mm(u64 what, vaddr_t at, u64 len, u64 zero)
{
    struct mm *mm = current_proc()->mm;
    long result;

    what = (u32)what;
    if (zero || (len && what != SET_MM_AUXV))
        return -EINVAL;
    if (!capable(CAP_SYS_RESOURCE))
        return -EPERM;
    if (what == SET_MM_AUXV)
        return set_auxv(mm, at, len);
    if (at >= USER_END || at < READ_ONCE(mm_min_addr) || what >= ARRAY_SIZE(places) ||
        !places[what])
        return -EINVAL;
    mm_lock(mm);
    result = set_place(mm, what, at);
    mm_unlock(mm);
    return result;
}

long sys_prctl(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    s32 value;
    long result;

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
    case PR_SET_DUMPABLE:
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_SUBREAPER:
        return set_flag(a);
    case PR_GET_PDEATHSIG:
        value = READ_ONCE(p->pdeath_signal);
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_DUMPABLE:
        return READ_ONCE(p->dumpable);
    case PR_SET_NAME:
        return set_comm(a->a1);
    case PR_GET_NAME:
        return get_comm(a->a1);
    case PR_GET_TID_ADDRESS:
        return copy_to_user(a->a1, &current_thread()->clear_child_tid, sizeof(u64));
    case PR_GET_SUBREAPER:
        value = READ_ONCE(p->subreaper);
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_NO_NEW_PRIVS:
        return a->a1 || a->a2 || a->a3 || a->a4 ? -EINVAL : own_cred()->no_new_privs;
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
        return a->a1 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_GET_SECCOMP:
        return own_cred()->seccomp;
    case PR_SET_SECCOMP:
        return set_seccomp(a->a1, a->a2);
    case PR_GET_TSC:
        value = current_thread()->arch.no_tsc ? PR_TSC_SIGSEGV : PR_TSC_ENABLE;
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_SET_TSC:
        if (a->a1 != PR_TSC_ENABLE && a->a1 != PR_TSC_SIGSEGV)
            return -EINVAL;
        arch_set_tsc(&current_thread()->arch, a->a1 == PR_TSC_ENABLE);
        return 0;
    case PR_SET_MM:
        return set_mm(a->a1, a->a2, a->a3, a->a4);
    case PR_SET_TIMERSLACK:
        return set_slack(a->a1);
    case PR_GET_TIMERSLACK:
        return (long)thread_slack(current_thread());
    default:
        result = cred_prctl((const u64[5]){a->a0, a->a1, a->a2, a->a3, a->a4});
        return result == -ENOSYS ? -EINVAL : result;
    }
}
