/* SPDX-License-Identifier: MIT
 *
 * /proc/config.gz: what this kernel has, in the words of Linux's configuration, for programs that
 * ask there first: those that look what containers or checkpoints need, suites of tests. What is
 * said here is true, or it is not said. Packed as gzip (RFC 1952) with one block that is stored as
 * it is (RFC 1951, 3.2.4), for it is short.
 */
#include "kernel/procfs/system.h"
#include "lib/string.h"

/* In lines for the machine, memory, processes and their calls, files, sockets. */
static const char values[] =
    "# Tessera, in the words of Linux\n"
    "CONFIG_PGTABLE_LEVELS=4\nCONFIG_HZ=100\nCONFIG_NR_CPUS=64\nCONFIG_NODES_SHIFT=6\n";
static const char present[] =
    "X86_64 X86 64BIT MMU SMP HIGH_RES_TIMERS ACPI PRINTK MULTIUSER IKCONFIG "
    "IKCONFIG_PROC "
    "NUMA MIGRATION SHMEM TMPFS TMPFS_XATTR HUGETLBFS HUGETLB_PAGE ADVISE_SYSCALLS "
    "CROSS_MEMORY_ATTACH "
    "PROC_PAGE_MONITOR ARCH_HAS_PKEYS X86_INTEL_MEMORY_PROTECTION_KEYS USERFAULTFD "
    "HAVE_ARCH_USERFAULTFD_WP HAVE_ARCH_USERFAULTFD_MINOR "
    "SYSVIPC SYSVIPC_SYSCTL EPOLL EVENTFD SIGNALFD TIMERFD FHANDLE POSIX_TIMERS FUTEX "
    "FUTEX_PI "
    "MEMBARRIER RSEQ KCMP BINFMT_ELF BINFMT_SCRIPT COREDUMP ELF_CORE FILE_LOCKING "
    "PROC_FS PROC_SYSCTL PROC_CHILDREN SYSFS DEVTMPFS TTY UNIX98_PTYS BLK_DEV_INITRD "
    "BLOCK BLK_DEV_LOOP NET_9P 9P_FS "
    "NET UNIX INET IPV6 SECCOMP SECCOMP_FILTER";
static const char missing[] =
    "IA32_EMULATION COMPAT X86_X32_ABI MODIFY_LDT_SYSCALL X86_5LEVEL MODULES KEXEC "
    "SUSPEND "
    "HIBERNATION KVM RTC_CLASS DEBUG_FS "
    "SWAP ZSWAP KSM TRANSPARENT_HUGEPAGE MEMORY_FAILURE MEM_SOFT_DIRTY COMPACTION "
    "SECRETMEM "
    "AIO IO_URING POSIX_MQUEUE INOTIFY_USER DNOTIFY FANOTIFY KEYS "
    "BPF_SYSCALL "
    "PERF_EVENTS AUDIT SECURITY SECURITY_LANDLOCK BSD_PROCESS_ACCT TASKSTATS "
    "NAMESPACES UTS_NS TIME_NS IPC_NS USER_NS PID_NS NET_NS CGROUPS MEMCG CPUSETS "
    "CGROUP_SCHED RT_GROUP_SCHED SCHED_AUTOGROUP SCHED_CORE "
    "BLK_DEV_RAM ZRAM QUOTA TMPFS_POSIX_ACL EXT2_FS EXT4_FS XFS_FS "
    "BTRFS_FS VFAT_FS OVERLAY_FS FUSE_FS NFS_FS "
    "PACKET NETFILTER VSOCKETS TUN VETH CAN IP_SCTP";

struct packing {
    struct seq *out; /* NULL: it is only measured */
    u32 crc, n;
};

/* The sum of RFC 1952, section 8, a bit at a time. */
static void put(struct packing *p, const char *text, size_t n)
{
    if (p->out)
        seq_write(p->out, text, n);
    p->n += (u32)n;
    for (size_t i = 0; i < n; i++) {
        p->crc ^= (u8)text[i];
        for (int bit = 0; bit < 8; bit++)
            p->crc = p->crc >> 1 ^ (p->crc & 1 ? 0xedb88320u : 0);
    }
}

static void put_each(struct packing *p, const char *words, const char *before,
                     const char *after)
{
    for (const char *end; *words; words = *end ? end + 1 : end) {
        for (end = words; *end && *end != ' '; end++)
            ;
        put(p, before, strlen(before));
        put(p, words, (size_t)(end - words));
        put(p, after, strlen(after));
    }
}

static struct packing put_config(struct seq *out)
{
    struct packing p = {.out = out, .crc = ~0u};

    put(&p, values, sizeof(values) - 1);
    put_each(&p, present, "CONFIG_", "=y\n");
    put_each(&p, missing, "# CONFIG_", " is not set\n");
    p.crc = ~p.crc;
    return p;
}

int procfs_show_config(struct seq *s, s32 pid)
{
    /* Deflate, no name, no time, Unix; then the block: the last one, stored. */
    static const u8 head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1};
    struct packing p = put_config(NULL);
    const u16 sizes[] = {(u16)p.n, (u16)~p.n};
    const u32 tail[] = {p.crc, p.n};

    STATIC_ASSERT(sizeof(present) + sizeof(missing) < 4096); /* 64 KiB as lines by far */
    (void)pid;
    seq_write(s, head, sizeof(head));
    seq_write(s, sizes, sizeof(sizes));
    put_config(s);
    seq_write(s, tail, sizeof(tail));
    return 0;
}
