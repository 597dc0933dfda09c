/* SPDX-License-Identifier: MIT
 *
 * The smaller files of a process: names, arguments, limits, and the table of all of them.
 */
#include "kernel/procfs/maps.h"
#include "kernel/procfs/mounts.h"
#include "kernel/procfs/pid_mem.h"
#include "kernel/procfs/procfs.h"
#include "kernel/procfs/stat.h"
#include "kernel/procfs/waiting.h"
#include "kernel/task/exec/core.h"
#include "kernel/task/oom.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/threads.h"
#include "kernel/task/usage.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/access.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

/* A range of the process's memory as it stands there now, PAGE_SIZE bytes at a time; of each no more
 * than one string, for `string`. */
static int show_memory(struct seq *s, struct mm *mm, vaddr_t start, vaddr_t end,
                       bool string)
{
    char *page = kmalloc(PAGE_SIZE);

    if (!page)
        return -ENOMEM;
    while (start < end) {
        size_t part = MIN(end - start, PAGE_SIZE);
        size_t n = mm_access(mm, start, page, part, MM_READ);

        seq_write(s, page, string ? MIN(strnlen(page, n) + 1, n) : n);
        start += n;
        if (n < part)
            break;
    }
    kfree(page);
    return 0;
}

/* A program may write a title over its arguments and on into its environment, which stands behind
 * them. It has when the last byte of the arguments is not 0: then the string there is shown. */
static int show_cmdline(struct seq *s, s32 pid)
{
    struct mm *mm = proc_get_mm(pid);
    vaddr_t start, end;
    char last = 0;
    int err;

    if (!mm)
        return 0;
    start = mm->program.arg_start;
    end = mm->program.arg_end;
    if (start < end)
        mm_access(mm, end - 1, &last, 1, MM_READ);
    if (last && mm->program.env_start == end)
        end = MAX(mm->program.env_end, end);
    if (last)
        end = MIN(end, start + PAGE_SIZE);
    err = show_memory(s, mm, start, end, last);
    mm_put(mm);
    return err;
}

static int show_environ(struct seq *s, s32 pid)
{
    struct mm *mm = proc_get_mm(pid);
    int err;

    if (!mm)
        return 0;
    err = show_memory(s, mm, mm->program.env_start, mm->program.env_end, false);
    mm_put(mm);
    return err;
}

static int show_auxv(struct seq *s, s32 pid)
{
    struct mm *mm = proc_get_mm(pid);
    size_t n = 0;

    if (!mm)
        return 0;
    while (n + 2 < MM_AUXV_WORDS && mm->program.auxv[n])
        n += 2;
    if (mm->program.auxv[0])
        seq_write(s, (const char *)mm->program.auxv, (n + 2) * sizeof(u64));
    mm_put(mm);
    return 0;
}

/* Nothing of it came from or went to a device. */
static int show_io(struct seq *s, const struct task_id *id, bool whole)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    struct proc *p = task_find(id, &t);
    struct io_counts n = {0, 0, 0, 0};
    int err = !p ? -ESRCH : proc_may_look(p, t, FS_IDS) ? 0 : -EACCES;

    if (!err && whole) {
        usage_io(p, &n, flags);
    } else {
        if (!err && t)
            n = t->io;
        spin_unlock_irq(&proc_lock, flags);
    }
    if (err)
        return err;
    seq_printf(s, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", n.rchar, n.wchar,
               n.syscr, n.syscw);
    seq_puts(s, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    return 0;
}

static int show_comm(struct seq *s, const struct task_id *id, bool whole)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    struct proc *p = task_find(id, &t);
    char comm[COMM_LEN] = "";

    (void)whole;
    if (p) {
        spin_lock(&p->sig.lock);
        str_copy(comm, t ? t->comm : p->comm, sizeof(comm));
        spin_unlock(&p->sig.lock);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%s\n", comm);
    return 0;
}

static int store_comm(const struct task_id *id, char *text, size_t n)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    struct proc *p = task_find(id, &t);

    (void)n;
    /* Only threads of the same process name a thread. */
    if (p && p != current_proc())
        return -EINVAL;
    if (p) /* a process is called as its first thread */
        proc_set_comm(p, t, text, id->tid ? COMM_OF_THREAD : COMM_OF_PROCESS);
    return p ? 0 : -ESRCH;
}

/* Others' is for who may change how they are scheduled. */
static int find_slack(const struct task_id *id, struct thread **t)
{
    REQUIRES(&proc_lock);
    struct proc *p = task_find(id, t);

    if (!p || !*t)
        return -ESRCH;
    return p == current_proc() || capable(CAP_SYS_NICE) ? 0 : -EPERM;
}

static int show_slack(struct seq *s, const struct task_id *id, bool whole)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    int err = find_slack(id, &t);
    u64 ns = err ? 0 : thread_slack(t);

    (void)whole;
    spin_unlock_irq(&proc_lock, flags);
    if (!err)
        seq_printf(s, "%lu\n", ns);
    return err;
}

static int store_slack(const struct task_id *id, char *text, size_t n)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    s64 ns;
    int err = str_to_s64(text, 10, &ns);

    (void)n;
    if (err || *text == '-')
        return err ? err : -EINVAL;
    err = find_slack(id, &t);
    if (!err)
        thread_set_slack(t, (u64)ns);
    return err;
}

static bool is_child_of(s32 pid, const struct task_id *id)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = NULL;
    const struct proc *parent = task_find(id, &t), *p = proc_find(pid);

    return p && parent && t && p->parent == parent && p->parent_thread == t;
}

/* Those that this thread waits for with __WNOTHREAD. */
static int show_children(struct seq *s, const struct task_id *id, bool whole)
{
    (void)whole;
    for (s32 pid = (s32)s->from; (pid = proc_next_pid(pid)) >= 0; pid++) {
        if (seq_full(s)) {
            s->next = (u64)pid;
            break;
        }
        if (is_child_of(pid, id))
            seq_printf(s, "%d ", pid);
        pause_anyway();
    }
    return 0;
}

static int show_oom_score_adj(struct seq *s, s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = proc_find(pid);
    s64 value = p ? (s64)p->oom_score_adj : 0;

    spin_unlock_irq(&proc_lock, flags);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%ld\n", value);
    return 0;
}

static int store_oom_score_adj(s32 pid, char *text, size_t n)
{
    bool admin = capable(CAP_SYS_RESOURCE);
    irqflags_t flags;
    struct proc *p;
    s64 value;
    int err = str_to_s64(str_trim(text, &n), 0, &value);

    if (!err && value != (s32)value)
        err = -ERANGE;
    if (err || value < -1000 || value > 1000)
        return err ? err : -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    p = proc_find(pid);
    if (!p)
        err = -ESRCH;
    else if (value < p->oom_score_adj_min && !admin)
        err = -EACCES;
    if (!err) {
        p->oom_score_adj = value;
        if (admin)
            p->oom_score_adj_min = (s32)p->oom_score_adj;
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static int show_core_filter(struct seq *s, s32 pid)
{
    struct mm *mm = proc_get_mm(pid);

    if (mm) {
        seq_printf(s, "%08x\n", READ_ONCE(mm->program.core_filter));
        mm_put(mm);
    }
    return 0;
}

static int store_core_filter(s32 pid, char *text, size_t n)
{
    struct mm *mm;
    s64 value;
    int err = str_to_s64(text, 0, &value);

    (void)n;
    if (err || *text == '-')
        return err ? err : -EINVAL;
    mm = value != (u32)value ? NULL : proc_get_mm(pid);
    if (!mm)
        return value != (u32)value ? -ERANGE : -ESRCH;
    WRITE_ONCE(mm->program.core_filter, (u32)value & CORE_ALL);
    mm_put(mm);
    return 0;
}

static int show_limits(struct seq *s, s32 pid)
{
    static const struct {
        const char *name, *unit;
    } names[] = {{"Max cpu time", "seconds"},     {"Max file size", "bytes"},
                 {"Max data size", "bytes"},      {"Max stack size", "bytes"},
                 {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
                 {"Max processes", "processes"},  {"Max open files", "files"},
                 {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
                 {"Max file locks", "locks"},     {"Max pending signals", "signals"},
                 {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
                 {"Max realtime priority", ""},   {"Max realtime timeout", "us"}};
    struct rlimit64 limits[RLIM_NLIMITS];
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = proc_find(pid);

    if (p)
        memcpy(limits, p->rlim, sizeof(limits));
    spin_unlock_irq(&proc_lock, flags);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
               "Units");
    for (size_t i = 0; i < ARRAY_SIZE(names) && i < RLIM_NLIMITS; i++) {
        u64 values[2] = {limits[i].rlim_cur, limits[i].rlim_max};

        seq_printf(s, "%-25s ", names[i].name);
        for (int k = 0; k < 2; k++) {
            if (values[k] == ~0ull)
                seq_printf(s, "%-20s ", "unlimited");
            else
                seq_printf(s, "%-20lu ", values[k]);
        }
        seq_printf(s, "%-10s\n", names[i].unit);
    }
    return 0;
}

/* Thousandths of all memory, as kernel/task/oom.c counts them. */
static int show_oom_score(struct seq *s, s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = proc_find(pid);
    u64 points = p ? oom_points(p) : 0;

    spin_unlock_irq(&proc_lock, flags);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%lu\n", points * 1000 / page_count_total());
    return 0;
}

const struct procfs_entry procfs_pid_entries[] = {
    {.name = "arrangement",
     .perm = 0444,
     .show = procfs_show_arrangement,
     .guard = GUARD_MEMORY},
    {.name = "auxv", .perm = 0400, .show = show_auxv, .guard = GUARD_MEMORY},
    {.name = "children", .perm = 0444, .show_task = show_children, .of_thread = true},
    {.name = "clear_refs", .perm = 0200, .store = procfs_store_clear_refs},
    {.name = "cmdline", .perm = 0444, .show = show_cmdline},
    {.name = "comm", .perm = 0644, .show_task = show_comm, .store_task = store_comm},
    {.name = "coredump_filter",
     .perm = 0644,
     .show = show_core_filter,
     .store = store_core_filter},
    {.name = "environ", .perm = 0400, .show = show_environ, .guard = GUARD_MEMORY},
    {.name = "gid_map",
     .perm = 0644,
     .show = procfs_show_id_map,
     .store = procfs_store_id_map},
    {.name = "io", .perm = 0400, .show_task = show_io},
    {.name = "limits", .perm = 0444, .show = show_limits},
    {.name = "maps", .perm = 0444, .show = procfs_show_maps, .guard = GUARD_MEMORY},
    {.name = "mem", .perm = 0600, .fops = &procfs_mem_fops},
    {.name = "mountinfo",
     .perm = 0444,
     .show = procfs_show_mountinfo,
     .fops = &procfs_mounts_fops},
    {.name = "mounts",
     .perm = 0444,
     .show = procfs_show_mounts,
     .fops = &procfs_mounts_fops},
    {.name = "numa_maps",
     .perm = 0444,
     .show = procfs_show_numa_maps,
     .guard = GUARD_MEMORY},
    {.name = "oom_score", .perm = 0444, .show = show_oom_score},
    {.name = "oom_score_adj",
     .perm = 0644,
     .show = show_oom_score_adj,
     .store = store_oom_score_adj},
    {.name = "pagemap", .perm = 0400, .fops = &procfs_pagemap_fops},
    {.name = "personality", .perm = 0400, .show_task = procfs_show_personality},
    {.name = "setgroups",
     .perm = 0644,
     .show = procfs_show_setgroups,
     .store = procfs_store_setgroups},
    {.name = "smaps", .perm = 0444, .show = procfs_show_smaps, .guard = GUARD_MEMORY},
    {.name = "smaps_rollup",
     .perm = 0444,
     .show = procfs_show_smaps_rollup,
     .guard = GUARD_MEMORY},
    {.name = "stat", .perm = 0444, .show_task = procfs_show_stat},
    {.name = "statm", .perm = 0444, .show = procfs_show_statm},
    {.name = "status", .perm = 0444, .show_task = procfs_show_status},
    {.name = "syscall", .perm = 0400, .show_task = procfs_show_syscall},
    {.name = "timerslack_ns",
     .perm = 0666,
     .show_task = show_slack,
     .store_task = store_slack},
    {.name = "uid_map",
     .perm = 0644,
     .show = procfs_show_id_map,
     .store = procfs_store_id_map},
    {.name = "wchan", .perm = 0444, .show_task = procfs_show_wchan},
    {.name = NULL},
};
