/* SPDX-License-Identifier: MIT
 *
 * Every setting below /proc/sys. A setting is here when it is true: what is shown is what the
 * kernel does, and what may be written is obeyed. Names are sorted.
 */
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/groups.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/hugetlb/pool.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "fs/pipe/capacity.h"
#include "fs/socket/backlog.h"
#include "kernel/devices.h"
#include "kernel/event/epoll.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/segment.h"
#include "kernel/kmsg.h"
#include "kernel/main.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/procfs/procfs.h"
#include "kernel/procfs/sysctl.h"
#include "kernel/procfs/sysvipc.h"
#include "kernel/random.h"
#include "kernel/task/cred.h"
#include "kernel/task/exec/core_name.h"
#include "kernel/uffd/uffd.h"
#include "kernel/uts.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "mm/vm/census.h"
#include "mm/vm/commit.h"
#include "mm/vm/object.h"

/* ---- texts ---- */

static int get_hostname(struct seq *s)
{
    char name[UTS_SIZE];

    uts_get(UTS_NODE, name);
    seq_printf(s, "%s\n", name);
    return 0;
}

static int set_hostname(char *text, size_t n)
{
    uts_set(UTS_NODE, text, n);
    return 0;
}

static int get_domainname(struct seq *s)
{
    char name[UTS_SIZE];

    uts_get(UTS_DOMAIN, name);
    seq_printf(s, "%s\n", name);
    return 0;
}

static int set_domainname(char *text, size_t n)
{
    uts_set(UTS_DOMAIN, text, n);
    return 0;
}

static int get_core_pattern(struct seq *s)
{
    char pattern[CORE_PATTERN_SIZE];

    core_pattern_get(pattern);
    seq_printf(s, "%s\n", pattern);
    return 0;
}

static int set_core_pattern(char *text, size_t n)
{
    return core_pattern_set(text, n);
}

/* Marks that root's programs leave; they are only ever added. */
static u64 tainted;

static int get_tainted(struct seq *s)
{
    seq_printf(s, "%lu\n", __atomic_load_n(&tainted, __ATOMIC_RELAXED));
    return 0;
}

static int set_tainted(char *text, size_t n)
{
    u64 bits;

    (void)n;
    if (str_to_u64(text, &bits) != 0 || bits >> 32)
        return -EINVAL;
    __atomic_fetch_or(&tainted, bits, __ATOMIC_RELAXED);
    return 0;
}

static int get_printk(struct seq *s)
{
    const u32 *l = printk_levels;

    seq_printf(s, "%u\t%u\t%u\t%u\n", l[0], l[1], l[2], l[3]);
    return 0;
}

/* Up to four numbers; those that are not given stay. */
static int set_printk(char *text, size_t n)
{
    u32 levels[4];
    u64 level;

    memcpy(levels, printk_levels, sizeof(levels));
    for (size_t i = 0, at = 0; at < n; i++) {
        size_t from = at;

        while (at < n && text[at] != '\t' && text[at] != ' ')
            at++;
        text[at] = '\0';
        if (i >= 4 || str_to_u64(text + from, &level) != 0 || level > LOG_LEVEL_ALL)
            return -EINVAL;
        levels[i] = (u32)level;
        while (++at < n && (text[at] == '\t' || text[at] == ' '))
            ;
    }
    levels[1] &= 7;
    for (int i = 0; i < 4; i++)
        WRITE_ONCE(printk_levels[i], levels[i]);
    return 0;
}

/* ---- open files and pipes ---- */

static int get_file_nr(struct seq *s)
{
    seq_printf(s, "%lu\t0\t%lu\n", files_open(), READ_ONCE(files_max));
    return 0;
}

static int get_pipe_max_size(struct seq *s)
{
    seq_printf(s, "%u\n", READ_ONCE(pipe_max_size));
    return 0;
}

/* Rounded up to what a pipe can have, as F_SETPIPE_SZ does. */
static int set_pipe_max_size(char *text, size_t n)
{
    u64 wanted, size = PAGE_SIZE;

    (void)n;
    if (str_to_u64(text, &wanted) != 0 || wanted == 0 || wanted > 1ull << 31)
        return -EINVAL;
    while (size < wanted)
        size *= 2;
    WRITE_ONCE(pipe_max_size, (u32)size);
    return 0;
}

/* ---- random numbers ---- */

/* A random UUID of version 4, RFC 4122 section 4.4. */
static void put_uuid(struct seq *s, const u8 raw[16])
{
    u8 b[16];

    memcpy(b, raw, sizeof(b));
    b[6] = (u8)((b[6] & 0x0f) | 0x40);
    b[8] = (u8)((b[8] & 0x3f) | 0x80);
    for (int i = 0; i < 16; i++)
        seq_printf(s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    seq_puts(s, "\n");
}

static int get_uuid(struct seq *s)
{
    u8 raw[16];

    random_bytes(raw, sizeof(raw));
    put_uuid(s, raw);
    return 0;
}

static int get_boot_id(struct seq *s)
{
    static spinlock_t lock;
    static u8 id[16];
    static bool made;
    irqflags_t flags = spin_lock_irq(&lock);

    if (!made)
        random_bytes(id, sizeof(id));
    made = true;
    spin_unlock_irq(&lock, flags);
    put_uuid(s, id);
    return 0;
}

/* ---- memory ---- */

/* The ratio and the absolute limit replace each other. */
static int check_ratio(u64 number)
{
    (void)number;
    WRITE_ONCE(mm_overcommit_kbytes, 0);
    return 0;
}

static int check_kbytes(u64 number)
{
    (void)number;
    WRITE_ONCE(mm_overcommit_ratio, 0);
    return 0;
}

static int get_min_free(struct seq *s)
{
    seq_printf(s, "%lu\n", page_count_reserve() * (PAGE_SIZE / 1024));
    return 0;
}

static int set_min_free(char *text, size_t n)
{
    u64 kb;

    (void)n;
    if (str_to_u64(text, &kb) != 0)
        return -EINVAL;
    return page_set_reserve(kb / (PAGE_SIZE / 1024));
}

static int get_nothing(struct seq *s)
{
    (void)s;
    return 0;
}

/* No page of a file has another home than memory, so none can be dropped: what goes back is
 * what the processors keep at hand, and counts of who shows a page. */
static int set_drop_caches(char *text, size_t n)
{
    u64 what;

    (void)n;
    if (str_to_u64(text, &what) != 0 || what < 1 || what > 4)
        return -EINVAL;
    census_drop();
    memory_settle();
    page_drain();
    return 0;
}

/* ---- huge pages ---- */

static int get_hugepages(struct seq *s)
{
    struct hugepool p;

    memory_settle();
    p = hugepool_counts();
    seq_printf(s, "%lu\n", p.total - p.surplus);
    return 0;
}

static int set_hugepages(char *text, size_t n)
{
    u64 count;

    (void)n;
    if (str_to_u64(text, &count) != 0)
        return -EINVAL;
    hugepool_resize(count);
    return 0;
}

static int get_huge_overcommit(struct seq *s)
{
    seq_printf(s, "%lu\n", hugepool_counts().overcommit);
    return 0;
}

static int set_huge_overcommit(char *text, size_t n)
{
    u64 count;

    (void)n;
    if (str_to_u64(text, &count) != 0)
        return -EINVAL;
    hugepool_set_overcommit(count);
    return 0;
}

/* ---- the table ---- */

static u32 cap_last = CAP_LAST, no_layout = 0, groups_max = GROUPS_MAX, one = 1,
           entropy_bits = RANDOM_BITS, rr_timeslice = 100, rt_period = 1000000,
           rt_runtime = 950000, nobody = 65534, control_max = 20480, hops = 64,
           ports_reserved = 1024, unix_queue = 10;

#define CALLED(...) (&(const struct sysctl){.kind = SYSCTL_CALLED, __VA_ARGS__})
#define U32(variable, ...) \
    (&(const struct sysctl){.kind = SYSCTL_U32, .value = &(variable), __VA_ARGS__})
#define U64(variable, ...) \
    (&(const struct sysctl){.kind = SYSCTL_U64, .value = &(variable), __VA_ARGS__})
#define TEXT(text) (&(const struct sysctl){.kind = SYSCTL_TEXT, .value = (void *)(text)})
#define ROW(path, mode, setting)                                \
    {                                                           \
        .name = "sys/" path, .perm = (mode), .value = (setting) \
    }

const struct procfs_entry procfs_sys_entries[] = {
    ROW("fs/epoll/max_user_watches", 0644, U64(epoll_max_watches, .max = ~0ull >> 1)),
    ROW("fs/file-max", 0644, U64(files_max, .max = ~0ull >> 1)),
    ROW("fs/file-nr", 0444, CALLED(.get = get_file_nr)),
    ROW("fs/mount-max", 0644, U32(mounts_max, .min = 1, .max = INT32_MAX)),
    ROW("fs/nr_open", 0644, U32(fd_max, .min = 64, .max = FD_MAX_MOST)),
    ROW("fs/overflowgid", 0444, U32(nobody)),
    ROW("fs/overflowuid", 0444, U32(nobody)),
    ROW("fs/pipe-max-size", 0644,
        CALLED(.get = get_pipe_max_size, .set = set_pipe_max_size)),
    ROW("fs/pipe-user-pages-hard", 0644, U32(pipe_user_pages_hard, .max = ~0u)),
    ROW("fs/pipe-user-pages-soft", 0644, U32(pipe_user_pages_soft, .max = ~0u)),
    ROW("fs/protected_fifos", 0644, U32(protected_fifos, .max = 2)),
    ROW("fs/protected_hardlinks", 0644, U32(protected_hardlinks, .max = 1)),
    ROW("fs/protected_regular", 0644, U32(protected_regular, .max = 2)),
    ROW("fs/protected_symlinks", 0644, U32(protected_symlinks, .max = 1)),
    ROW("fs/suid_dumpable", 0644, U32(suid_dumpable, .max = DUMP_ROOT)),
    ROW("kernel/arch", 0444, TEXT("x86_64")),
    ROW("kernel/cap_last_cap", 0444, U32(cap_last)),
    ROW("kernel/core_pattern", 0644,
        CALLED(.get = get_core_pattern, .set = set_core_pattern)),
    ROW("kernel/core_uses_pid", 0644, U32(core_uses_pid, .max = 1)),
    ROW("kernel/dmesg_restrict", 0644, U32(kmsg_restricted, .max = 1)),
    ROW("kernel/domainname", 0644, CALLED(.get = get_domainname, .set = set_domainname)),
    ROW("kernel/hostname", 0644, CALLED(.get = get_hostname, .set = set_hostname)),
    ROW("kernel/msg_next_id", 0644,
        CALLED(.get = procfs_get_msg_next, .set = procfs_set_msg_next)),
    ROW("kernel/msgmax", 0644, U32(msg_max, .max = 0x7fffffff)),
    ROW("kernel/msgmnb", 0644, U32(msg_mnb, .max = 0x7fffffff)),
    ROW("kernel/msgmni", 0644, U32(msg_mni, .max = IPC_OBJECTS_MAX)),
    ROW("kernel/ngroups_max", 0444, U32(groups_max)),
    ROW("kernel/ns_last_pid", 0666, U32(last_pid, .max = PID_MAX - 1)),
    ROW("kernel/osrelease", 0444, TEXT(kernel_release)),
    ROW("kernel/ostype", 0444, TEXT("Linux")),
    ROW("kernel/overflowgid", 0444, U32(nobody)),
    ROW("kernel/overflowuid", 0444, U32(nobody)),
    ROW("kernel/panic_on_oops", 0444, U32(one)),
    ROW("kernel/pid_max", 0644, U32(pid_limit, .min = 301, .max = PID_MAX)),
    ROW("kernel/printk", 0644, CALLED(.get = get_printk, .set = set_printk)),
    ROW("kernel/random/boot_id", 0444, CALLED(.get = get_boot_id)),
    ROW("kernel/random/entropy_avail", 0444, U32(entropy_bits)),
    ROW("kernel/random/poolsize", 0444, U32(entropy_bits)),
    ROW("kernel/random/uuid", 0444, CALLED(.get = get_uuid)),
    ROW("kernel/randomize_va_space", 0644, U32(no_layout, .max = 0)),
    ROW("kernel/sched_rr_timeslice_ms", 0444, U32(rr_timeslice)),
    ROW("kernel/sched_rt_period_us", 0444, U32(rt_period)),
    ROW("kernel/sched_rt_runtime_us", 0444, U32(rt_runtime)),
    ROW("kernel/sem", 0644, CALLED(.get = procfs_get_sem, .set = procfs_set_sem)),
    ROW("kernel/sem_next_id", 0644,
        CALLED(.get = procfs_get_sem_next, .set = procfs_set_sem_next)),
    ROW("kernel/shm_next_id", 0644,
        CALLED(.get = procfs_get_shm_next, .set = procfs_set_shm_next)),
    ROW("kernel/shm_rmid_forced", 0644,
        CALLED(.get = procfs_get_shm_forced, .set = procfs_set_shm_forced)),
    ROW("kernel/shmall", 0644, U64(shm_all, .max = ~0ull)),
    ROW("kernel/shmmax", 0644, U64(shm_max, .max = ~0ull)),
    ROW("kernel/shmmni", 0644, U32(shm_mni, .max = IPC_OBJECTS_MAX)),
    ROW("kernel/tainted", 0644, CALLED(.get = get_tainted, .set = set_tainted)),
    ROW("kernel/threads-max", 0644, U32(proc_threads_max, .min = 20, .max = PID_MAX)),
    ROW("kernel/version", 0444, TEXT(kernel_version)),
    ROW("net/core/optmem_max", 0444, U32(control_max)),
    ROW("net/core/rmem_default", 0644,
        U32(socket_rcv_first, .min = 2304, .max = INT32_MAX)),
    ROW("net/core/rmem_max", 0644, U32(socket_rcv_max, .min = 2304, .max = INT32_MAX)),
    ROW("net/core/somaxconn", 0644, U32(socket_backlog_max, .max = INT32_MAX)),
    ROW("net/core/wmem_default", 0644,
        U32(socket_snd_first, .min = 4608, .max = INT32_MAX)),
    ROW("net/core/wmem_max", 0644, U32(socket_snd_max, .min = 4608, .max = INT32_MAX)),
    ROW("net/ipv4/ip_default_ttl", 0444, U32(hops)),
    ROW("net/ipv4/ip_forward", 0444, U32(no_layout)),
    ROW("net/ipv4/ip_local_port_range", 0444, TEXT("32768\t60999")),
    ROW("net/ipv4/ip_nonlocal_bind", 0444, U32(no_layout)),
    ROW("net/ipv4/ip_unprivileged_port_start", 0444, U32(ports_reserved)),
    ROW("net/ipv4/ping_group_range", 0444, TEXT("1\t0")),
    ROW("net/ipv4/tcp_allowed_congestion_control", 0444, TEXT("reno cubic")),
    ROW("net/ipv4/tcp_available_congestion_control", 0444, TEXT("reno cubic")),
    ROW("net/ipv4/tcp_congestion_control", 0444, TEXT("cubic")),
    ROW("net/ipv6/bindv6only", 0444, U32(no_layout)),
    ROW("net/ipv6/conf/all/disable_ipv6", 0444, U32(no_layout)),
    ROW("net/unix/max_dgram_qlen", 0444, U32(unix_queue)),
    ROW("vm/admin_reserve_kbytes", 0644, U64(mm_admin_reserve_kbytes, .max = ~0ull)),
    ROW("vm/drop_caches", 0200, CALLED(.get = get_nothing, .set = set_drop_caches)),
    ROW("vm/hugetlb_shm_group", 0644, U32(hugetlb_shm_group, .max = ~0u)),
    ROW("vm/max_map_count", 0644, U32(mm_max_map_count, .max = 0x7fffffff)),
    ROW("vm/min_free_kbytes", 0644, CALLED(.get = get_min_free, .set = set_min_free)),
    ROW("vm/mmap_min_addr", 0644,
        U64(mm_min_addr, .min = PAGE_SIZE, .max = USER_END / 2, .cap = CAP_SYS_RAWIO)),
    ROW("vm/nr_hugepages", 0644, CALLED(.get = get_hugepages, .set = set_hugepages)),
    ROW("vm/nr_overcommit_hugepages", 0644,
        CALLED(.get = get_huge_overcommit, .set = set_huge_overcommit)),
    ROW("vm/overcommit_kbytes", 0644,
        U64(mm_overcommit_kbytes, .max = ~0ull, .check = check_kbytes)),
    ROW("vm/overcommit_memory", 0644, U32(mm_overcommit, .max = OVERCOMMIT_NEVER)),
    ROW("vm/overcommit_ratio", 0644,
        U32(mm_overcommit_ratio, .max = 0x7fffffff, .check = check_ratio)),
    ROW("vm/panic_on_oom", 0644, U32(no_layout, .max = 0)),
    ROW("vm/unprivileged_userfaultfd", 0644, U32(uffd_unprivileged, .max = 1)),
    ROW("vm/user_reserve_kbytes", 0644, U64(mm_user_reserve_kbytes, .max = ~0ull)),
    {.name = NULL},
};
