/* SPDX-License-Identifier: MIT
 *
 * Files of the whole system: time, CPUs, mounts, settings below /proc/sys; and the table of
 * all of them.
 */
#include "arch/hwinfo.h"
#include "arch/time.h"
#include "kernel/kernel.h"
#include "kernel/procfs.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"

#define TICK_NS     10000000ul
#define MOUNTS_MAX  32
#define CPUINFO_MAX 4096

void seq_path(struct seq *s, const struct path *p)
{
    char *text = p->dentry ? kmalloc(PATH_MAX) : NULL;
    ssize_t n;

    if (!p->dentry)
        return;
    if (!text) {
        s->error = -ENOMEM;
        return;
    }
    n = vfs_path_text(p, &current_proc()->fs.root, text, PATH_MAX);
    for (ssize_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            seq_puts(s, "\\012");
        else
            seq_write(s, text + i, 1);
    }
    kfree(text);
}

/* ---- time ---- */

struct load {
    u64 utime, stime;
    u32 running;
};

static bool add_load(struct proc *p, void *arg)
{
    struct load *l = arg;
    u64 utime, stime;

    proc_times(p, &utime, &stime);
    l->utime += utime + p->cutime_ns;
    l->stime += stime + p->cstime_ns;
    l->running += !p->zombie && p->leader && p->leader->state == THREAD_RUNNABLE;
    return true;
}

static struct load load_now(void)
{
    struct load l = {0};

    proc_for_each(add_load, &l);
    return l;
}

static u64 idle_ns(const struct load *l)
{
    u64 all = clock_monotonic_ns() * cpu_count, busy = l->utime + l->stime;

    return all > busy ? all - busy : 0;
}

static int show_uptime(struct seq *s, s32 pid)
{
    struct load l = load_now();
    u64 up = clock_monotonic_ns() / TICK_NS, idle = idle_ns(&l) / TICK_NS;

    (void)pid;
    seq_printf(s, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
    return 0;
}

/* The load of this moment stands for all three averages. */
static int show_loadavg(struct seq *s, s32 pid)
{
    struct load l = load_now();

    (void)pid;
    seq_printf(s, "%u.00 %u.00 %u.00 %u/%u %d\n", l.running, l.running, l.running,
               l.running, proc_count(), current_proc()->pid);
    return 0;
}

static int show_stat(struct seq *s, s32 pid)
{
    struct load l = load_now();
    char line[128];

    (void)pid;
    fmt_snprintf(line, sizeof(line), "%lu 0 %lu %lu 0 0 0 0 0 0", l.utime / TICK_NS,
                 l.stime / TICK_NS, idle_ns(&l) / TICK_NS);
    seq_printf(s, "cpu  %s\n", line);
    for (u32 i = 0; i < cpu_count; i++)
        seq_printf(s, "cpu%u %s\n", i, cpu_count == 1 ? line : "0 0 0 0 0 0 0 0 0 0");
    seq_printf(s, "btime %lu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
               clock_boot_epoch(), proc_count(), l.running);
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

static int show_filesystems(struct seq *s, s32 pid)
{
    (void)pid;
    seq_puts(s, "nodev\tramfs\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\n");
    return 0;
}

/* ---- mounts ---- */

struct mount_list {
    struct {
        const char *type;
        struct path at;
    } mount[MOUNTS_MAX];
    size_t n;
};

static void copy_mount(const char *type, const struct path *at, void *arg)
{
    struct mount_list *list = arg;

    if (list->n == MOUNTS_MAX)
        return;
    path_get(at);
    list->mount[list->n].type = type;
    list->mount[list->n++].at = *at;
}

static int visit_mounts(struct seq *s,
                        void (*print)(struct seq *s, size_t i, const char *type,
                                      const struct path *at))
{
    struct mount_list *list = kzalloc(sizeof(*list));

    if (!list)
        return -ENOMEM;
    vfs_for_each_mount(copy_mount, list);
    for (size_t i = 0; i < list->n; i++) {
        print(s, i, list->mount[i].type, &list->mount[i].at);
        path_put(&list->mount[i].at);
    }
    kfree(list);
    return 0;
}

static void print_mount(struct seq *s, size_t i, const char *type, const struct path *at)
{
    (void)i;
    seq_printf(s, "%s ", type);
    seq_path(s, at);
    seq_printf(s, " %s rw,relatime 0 0\n", type);
}

static void print_mountinfo(struct seq *s, size_t i, const char *type,
                            const struct path *at)
{
    seq_printf(s, "%lu 1 0:%lu / ", i + 1, i + 1);
    seq_path(s, at);
    seq_printf(s, " rw,relatime - %s %s rw\n", type, type);
}

int proc_show_mounts(struct seq *s, s32 pid)
{
    (void)pid;
    return visit_mounts(s, print_mount);
}

int proc_show_mountinfo(struct seq *s, s32 pid)
{
    (void)pid;
    return visit_mounts(s, print_mountinfo);
}

/* ---- /proc/sys: constants of this kernel, in the form Linux shows them ---- */

#define SHOW_TEXT(name, ...)                       \
    static int show_##name(struct seq *s, s32 pid) \
    {                                              \
        (void)pid;                                 \
        seq_printf(s, __VA_ARGS__);                \
        return 0;                                  \
    }

SHOW_TEXT(ostype, "Linux\n")
SHOW_TEXT(osrelease, "%s\n", kernel_release)
SHOW_TEXT(kversion, "%s\n", kernel_version)
SHOW_TEXT(pid_max, "%u\n", PID_MAX)
SHOW_TEXT(max_map_count, "%u\n", mm_max_map_count)
SHOW_TEXT(overcommit, "%u\n", mm_overcommit)
SHOW_TEXT(min_addr, "%lu\n", MMAP_MIN_ADDR)
SHOW_TEXT(zero, "0\n")
SHOW_TEXT(file_max, "%u\n", FD_MAX_HARD)

/* A decimal number from 0 to max, as a write to /proc/sys gives it. Only root may. */
static int setting(char *text, size_t n, u32 max, u32 *out)
{
    u64 value;

    if (current_proc()->euid != 0)
        return -EPERM;
    if (n && text[n - 1] == '\n')
        text[n - 1] = '\0';
    if (str_to_u64(text, &value) != 0 || value > max)
        return -EINVAL;
    WRITE_ONCE(*out, (u32)value);
    return 0;
}

static int store_max_map_count(s32 pid, char *text, size_t n)
{
    (void)pid;
    return setting(text, n, 0x7fffffff, &mm_max_map_count);
}

/* Strict accounting (2) is not offered. */
static int store_overcommit(s32 pid, char *text, size_t n)
{
    (void)pid;
    return setting(text, n, OVERCOMMIT_ALWAYS, &mm_overcommit);
}

const struct proc_entry proc_system_entries[] = {
    {"buddyinfo", 0444, proc_show_buddyinfo, NULL, NULL},
    {"cmdline", 0444, show_cmdline, NULL, NULL},
    {"cpuinfo", 0444, show_cpuinfo, NULL, NULL},
    {"filesystems", 0444, show_filesystems, NULL, NULL},
    {"hwreport", 0400, show_hwreport, NULL, NULL},
    {"kpagecount", 0400, NULL, NULL, &proc_kpagecount_fops},
    {"loadavg", 0444, show_loadavg, NULL, NULL},
    {"meminfo", 0444, proc_show_meminfo, NULL, NULL},
    {"slabinfo", 0444, proc_show_slabinfo, NULL, NULL},
    {"stat", 0444, show_stat, NULL, NULL},
    {"sys/fs/file-max", 0444, show_file_max, NULL, NULL},
    {"sys/kernel/osrelease", 0444, show_osrelease, NULL, NULL},
    {"sys/kernel/ostype", 0444, show_ostype, NULL, NULL},
    {"sys/kernel/pid_max", 0444, show_pid_max, NULL, NULL},
    {"sys/kernel/randomize_va_space", 0444, show_zero, NULL, NULL},
    {"sys/kernel/version", 0444, show_kversion, NULL, NULL},
    {"sys/vm/max_map_count", 0644, show_max_map_count, store_max_map_count, NULL},
    {"sys/vm/mmap_min_addr", 0444, show_min_addr, NULL, NULL},
    {"sys/vm/overcommit_memory", 0644, show_overcommit, store_overcommit, NULL},
    {"sysrq-trigger", 0200, NULL, proc_store_sysrq, NULL},
    {"sysvipc/shm", 0444, proc_show_shm, NULL, NULL},
    {"uptime", 0444, show_uptime, NULL, NULL},
    {"version", 0444, show_version, NULL, NULL},
#ifdef TESSERA_DEBUG
    {"vmstat", 0644, proc_show_vmstat, proc_store_vmstat, NULL},
#else
    {"vmstat", 0444, proc_show_vmstat, NULL, NULL},
#endif
    {NULL, 0, NULL, NULL, NULL},
};
