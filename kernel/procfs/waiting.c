/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/syscall and /proc/PID/wchan, proc(5). The thread may go on while it is looked at:
 * what is told was true once, and of the kernel nothing but a function's name is shown.
 */
#include "kernel/procfs/waiting.h"
#include "arch/backtrace.h"
#include "arch/symbols.h"
#include "kernel/task/proc_access.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

struct view {
    bool runs, may_look;
    s64 call; /* -1: none */
    u64 args[6], sp, ip;
    const char *where;
};

/* Those that put a thread to sleep are not what it waits in. */
static bool only_sleeps(const char *name)
{
    static const char *const parts[] = {"switch_to", "give_up",      "leave",
                                        "sched_",    "thread_park",  "mutex_",
                                        "waitq_",    "arch_thread_", "?"};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (strncmp(name, parts[i], strlen(parts[i])) == 0)
            return true;
    return false;
}

static bool is_where(uintptr_t ip, void *arg)
{
    struct view *v = arg;
    u64 offset;
    const char *name = symbol_at(ip, &offset);

    if (!only_sleeps(name))
        v->where = name;
    return v->where;
}

static void look(const struct thread *t, struct view *v)
{
    const struct trapframe *tf = arch_thread_frame(&t->arch);

    v->runs = READ_ONCE(t->state) != THREAD_SLEEPING && t != current_thread();
    v->call = thread_syscall(t);
    v->sp = tf->rsp;
    v->ip = tf->rip;
    memcpy(v->args, (u64[]){tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9},
           sizeof(v->args));
    if (!v->runs && t != current_thread())
        arch_backtrace_of(&t->arch, is_where, v);
}

static int make_view(const struct task_id *id, struct view *v)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);

    *v = (struct view){.call = -1};
    if (!p)
        return -ESRCH;
    v->may_look = proc_may_look(p, t, FS_IDS);
    if (t && v->may_look)
        look(t, v);
    return 0;
}

int procfs_show_syscall(struct seq *s, const struct task_id *id, bool whole)
{
    struct view v;
    int err = make_view(id, &v);

    (void)whole;
    if (err || !v.may_look)
        return err ? err : -EPERM;
    if (v.runs) {
        seq_puts(s, "running\n");
        return 0;
    }
    seq_printf(s, "%ld", v.call);
    for (size_t i = 0; v.call >= 0 && i < ARRAY_SIZE(v.args); i++)
        seq_printf(s, " 0x%lx", v.args[i]);
    seq_printf(s, " 0x%lx 0x%lx\n", v.sp, v.ip);
    return 0;
}

int procfs_show_wchan(struct seq *s, const struct task_id *id, bool whole)
{
    struct view v;
    int err = make_view(id, &v);

    (void)whole;
    if (!err)
        seq_puts(s, v.where ? v.where : "0");
    return err;
}
