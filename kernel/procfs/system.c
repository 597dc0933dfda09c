/* SPDX-License-Identifier: MIT
 *
 * Files of the whole system: time, CPUs, mounts; and the table of all of them but the
 * settings below /proc/sys (kernel/procfs/sysctl_table.c).
 */
#include "kernel/procfs/system.h"
#include "arch/cpuid.h"
#include "arch/hwreport.h"
#include "arch/time.h"
#include "fs/context.h"
#include "fs/lock/tell.h"
#include "fs/mount/path_text.h"
#include "fs/namei.h"
#include "fs/wallclock.h"
#include "kernel/cmdline.h"
#include "kernel/loop/loop.h"
#include "kernel/main.h"
#include "kernel/procfs/meminfo.h"
#include "kernel/procfs/mounts.h"
#include "kernel/procfs/procfs.h"
#include "kernel/procfs/sysrq.h"
#include "kernel/procfs/sysvipc.h"
#include "kernel/task/sched/loadavg.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/walk.h"
#include "lib/fmt.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define CPUINFO_MAX 4096

void seq_escape(struct seq *s, const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (strchr(escaped, *text))
            seq_printf(s, "\\%03o", (unsigned)(u8)*text);
        else
            seq_write(s, text, 1);
    }
}

void seq_path(struct seq *s, const struct path *p, const char *escaped)
{
    char *text = p->dentry ? kmalloc(PATH_MAX) : NULL;

    if (!p->dentry)
        return;
    if (!text) {
        s->error = -ENOMEM;
        return;
    }
    if (fs_path_text(current_fs(), p, text, PATH_MAX) > 0)
        seq_escape(s, text, escaped);
    kfree(text);
}

/* ---- time ---- */

/* Of all CPUs together. */
static struct cpu_times times_now(void)
{
    struct cpu_times sum = {0}, one;

    for (u32 i = 0; i < cpu_count; i++) {
        sched_cpu_times(i, &one);
        sum.user_ns += one.user_ns;
        sum.system_ns += one.system_ns;
        sum.idle_ns += one.idle_ns;
        sum.switches += one.switches;
        sum.launched += one.launched;
    }
    return sum;
}

static int show_uptime(struct seq *s, s32 pid)
{
    u64 up = clock_monotonic_ns() / TICK_NS, idle = times_now().idle_ns / TICK_NS;

    (void)pid;
    seq_printf(s, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
    return 0;
}

static int show_loadavg(struct seq *s, s32 pid)
{
    u64 averages[3];

    (void)pid;
    loadavg_get(averages);
    for (int i = 0; i < 3; i++) {
        u64 hundredths = averages[i] * 100 + (1ul << LOAD_SHIFT) / 2;

        seq_printf(s, "%lu.%02lu ", (hundredths >> LOAD_SHIFT) / 100,
                   (hundredths >> LOAD_SHIFT) % 100);
    }
    seq_printf(s, "%u/%u %d\n", sched_ready(), proc_count(), READ_ONCE(last_pid));
    return 0;
}

static void show_times(struct seq *s, const struct cpu_times *t)
{
    seq_printf(s, " %lu 0 %lu %lu 0 0 0 0 0 0\n", t->user_ns / TICK_NS,
               t->system_ns / TICK_NS, t->idle_ns / TICK_NS);
}

static int show_stat(struct seq *s, s32 pid)
{
    struct cpu_times sum = times_now(), times;
    u64 irqs = 0;

    (void)pid;
    seq_printf(s, "cpu ");
    show_times(s, &sum);
    for (u32 i = 0; i < cpu_count; i++) {
        sched_cpu_times(i, &times);
        seq_printf(s, "cpu%u", i);
        show_times(s, &times);
    }
    for (u32 i = 0; i < cpu_count; i++)
        irqs += READ_ONCE(cpu_block(i)->irqs);
    seq_printf(s, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\n",
               irqs, sum.switches, (unsigned long)(wall_ns_at(0) / WALL_SECOND_NS),
               sum.launched, sched_ready());
    seq_puts(s, "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

/* ---- machine and kernel ---- */

static int show_cpuinfo(struct seq *s, s32 pid)
{
    char *text = kmalloc(CPUINFO_MAX);

    (void)pid;
    if (!text)
        return -ENOMEM;
    for (u32 i = 0; i < cpu_count; i++)
        seq_write(s, text, (size_t)cpu_describe(i, text, CPUINFO_MAX));
    kfree(text);
    return 0;
}

/* Who drives the devices of each major number: the names Linux has for them. */
static int show_devices(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n"
                "  5 /dev/ptmx\n 10 misc\n 29 fb\n136 pts\n\nBlock devices:\n  7 loop\n");
    return 0;
}

/* Those of some size, which is told in KiB. */
static int show_partitions(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "major minor  #blocks  name\n\n");
    for (u32 n = 0; n < LOOP_MAX; n++) {
        struct loop l;

        loop_look(n, &l);
        loop_forget(&l);
        if (l.size)
            seq_printf(s, "%4u  %7u %10lu loop%u\n", LOOP_MAJOR, n, l.size / 1024, n);
    }
    return 0;
}

/* There is none. */
static int show_swaps(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

/* Programs keep a lock's number in an int. */
static void show_lock(struct seq *s, const struct lock_line *l)
{
    const char *kind = l->r.whole_file ? "FLOCK " : l->r.pid < 0 ? "OFDLCK" : "POSIX ";

    seq_printf(s, "%lu: %s%s ADVISORY  %s %d %02lx:%02lx:%lu %lu ", l->number & INT32_MAX,
               l->waits ? "-> " : "", kind, l->r.type == F_WRLCK ? "WRITE" : "READ",
               l->r.pid, l->dev >> 8, l->dev & 0xff, l->ino, l->r.start);
    if (l->r.end == LOCK_END)
        seq_puts(s, "EOF\n");
    else
        seq_printf(s, "%lu\n", l->r.end);
}

void procfs_show_own_locks(struct seq *s, const struct file *f, u64 owner)
{
    struct lock_line l;

    for (u64 n = s->from; locks_any(f->inode) && (n = locks_tell(n, &l)); n++) {
        if (seq_full(s)) {
            s->next = n;
            break;
        }
        if (!l.waits && l.r.file == f->lock_owner &&
            (l.r.owner == f->lock_owner || l.r.owner == owner)) {
            seq_puts(s, "lock:\t");
            show_lock(s, &l);
        }
        pause_anyway();
    }
}

static int show_locks(struct seq *s, s32 pid)
{
    struct lock_line l;

    (void)pid;
    for (u64 n = s->from; (n = locks_tell(n, &l)); n++) {
        if (seq_full(s)) {
            s->next = n;
            break;
        }
        if (l.number)
            show_lock(s, &l);
        pause_anyway();
    }
    return 0;
}

static int show_version(struct seq *s, s32 pid)
{
    (void)pid;
    seq_printf(s, "Tessera version %s %s\n", kernel_release, kernel_version);
    return 0;
}

static int show_cmdline(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, cmdline_text());
    seq_puts(s, "\n");
    return 0;
}

static int show_hwreport(struct seq *s, s32 pid)
{
    (void)pid;
    arch_hwreport(s);
    return 0;
}

const struct procfs_entry procfs_system_entries[] = {
    {.name = "buddyinfo", .perm = 0444, .show = procfs_show_buddyinfo},
    {.name = "cmdline", .perm = 0444, .show = show_cmdline},
    {.name = "config.gz", .perm = 0444, .show = procfs_show_config},
    {.name = "cpuinfo", .perm = 0444, .show = show_cpuinfo},
    {.name = "devices", .perm = 0444, .show = show_devices},
    {.name = "filesystems", .perm = 0444, .show = procfs_show_filesystems},
    {.name = "hwreport", .perm = 0400, .show = show_hwreport},
    {.name = "kpagecount", .perm = 0400, .fops = &procfs_kpagecount_fops},
    {.name = "loadavg", .perm = 0444, .show = show_loadavg},
    {.name = "locks", .perm = 0444, .show = show_locks},
    {.name = "meminfo", .perm = 0444, .show = procfs_show_meminfo},
    {.name = "partitions", .perm = 0444, .show = show_partitions},
    {.name = "slabinfo", .perm = 0400, .show = procfs_show_slabinfo},
    {.name = "stat", .perm = 0444, .show = show_stat},
    {.name = "swaps", .perm = 0444, .show = show_swaps},
    {.name = "sysrq-trigger", .perm = 0200, .store = procfs_store_sysrq},
    {.name = "sysvipc/msg", .perm = 0444, .show = procfs_show_msg},
    {.name = "sysvipc/sem", .perm = 0444, .show = procfs_show_sem},
    {.name = "sysvipc/shm", .perm = 0444, .show = procfs_show_shm},
    {.name = "uptime", .perm = 0444, .show = show_uptime},
    {.name = "version", .perm = 0444, .show = show_version},
#ifdef TESSERA_DEBUG
    {.name = "vmstat",
     .perm = 0644,
     .show = procfs_show_vmstat,
     .store = procfs_store_vmstat},
#else
    {.name = "vmstat", .perm = 0444, .show = procfs_show_vmstat},
#endif
    {.name = NULL},
};
