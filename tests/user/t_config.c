/* SPDX-License-Identifier: MIT
 *
 * /proc/config.gz: a whole gzip file, and what it says is so.
 */
#include <sys/socket.h>

#include "tests/user/t.h"

static char text[65536];

/* The file's only block is a stored one here; Linux has a packed one, which is not read. */
static void unpack(void)
{
    static unsigned char raw[65536];
    int fd = open("/proc/config.gz", O_RDONLY);
    unsigned crc = ~0u, want;
    size_t len;
    ssize_t n;

    if (fd < 0 && !t_tessera)
        SKIP("not there");
    OK(fd);
    n = read(fd, raw, sizeof(raw));
    if (n < 3 || !t_tessera)
        SKIP("only Tessera's is read");
    CHECK(n > 23 && !memcmp(raw, "\x1f\x8b\x08", 4) && raw[10] == 1);
    len = raw[11] | (size_t)raw[12] << 8;
    EQ((raw[11] ^ raw[13]) & (raw[12] ^ raw[14]), 0xff);
    EQ(n, 15 + len + 8);
    memcpy(text, raw + 15, len);
    for (size_t i = 0; i < len; i++) {
        crc ^= raw[15 + i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    memcpy(&want, raw + 15 + len, 4);
    EQ(~crc, want);
    memcpy(&want, raw + 19 + len, 4);
    EQ(want, len);
}

static bool says(const char *line)
{
    const char *at = strstr(text, line);

    return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

TEST(config_packed, "a gzip file with each name once")
{
    unpack();
    for (char *at = text; (at = strstr(at, "CONFIG_")); at++) {
        char name[64] = "";
        size_t len = strcspn(at, "= ");

        CHECK(len < sizeof(name) - 1);
        memcpy(name, at, len);
        for (const char *again = at; (again = strstr(again + 1, name));)
            CHECK(again[len] != '=' && again[len] != ' ');
    }
}

/* Calls of the parts that can be called: there, or ENOSYS. */
static const struct {
    const char *name;
    long number;
} calls[] = {
    {"USERFAULTFD", SYS_userfaultfd},
    {"SYSVIPC", SYS_semget},
    {"EPOLL", SYS_epoll_create1},
    {"EVENTFD", SYS_eventfd2},
    {"SIGNALFD", SYS_signalfd4},
    {"TIMERFD", SYS_timerfd_create},
    {"POSIX_TIMERS", SYS_timer_create},
    {"MEMBARRIER", SYS_membarrier},
    {"RSEQ", 334},
    {"KCMP", SYS_kcmp},
    {"CROSS_MEMORY_ATTACH", SYS_process_vm_readv},
    {"ADVISE_SYSCALLS", SYS_madvise},
    {"FILE_LOCKING", SYS_flock},
    {"MODIFY_LDT_SYSCALL", SYS_modify_ldt},
    {"AIO", SYS_io_setup},
    {"IO_URING", 425},
    {"POSIX_MQUEUE", SYS_mq_unlink},
    {"INOTIFY_USER", SYS_inotify_init1},
    {"FANOTIFY", SYS_fanotify_init},
    {"FHANDLE", SYS_open_by_handle_at},
    {"KEYS", SYS_keyctl},
    {"SECCOMP", SYS_seccomp},
    {"BPF_SYSCALL", SYS_bpf},
    {"PERF_EVENTS", SYS_perf_event_open},
    {"BSD_PROCESS_ACCT", SYS_acct},
    {"SWAP", SYS_swapon},
    {"NUMA", SYS_get_mempolicy},
    {"MIGRATION", SYS_migrate_pages},
    {"SECRETMEM", 447},
    {"MODULES", SYS_init_module},
    {"KEXEC", SYS_kexec_load},
    {"QUOTA", SYS_quotactl},
    {"SECURITY_LANDLOCK", 444},
};

TEST(config_calls, "a part is said to be there when its call is")
{
    char line[96];

    unpack();
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        bool there =
            syscall(calls[i].number, -1, -1, -1, -1, -1, -1) != -1 || errno != ENOSYS;

        snprintf(line, sizeof(line), there ? "CONFIG_%s=y" : "# CONFIG_%s is not set",
                 calls[i].name);
        if (!says(line))
            FAIL("does not say %s", line);
    }
}

TEST(config_others, "families, advice, namespaces")
{
    unpack();
    CHECK(says("CONFIG_UNIX=y") == (socket(AF_UNIX, SOCK_STREAM, 0) >= 0));
    CHECK(says("CONFIG_INET=y") == (socket(AF_INET, SOCK_STREAM, 0) >= 0));
    CHECK(says("CONFIG_IPV6=y") == (socket(AF_INET6, SOCK_STREAM, 0) >= 0));
    CHECK(says("CONFIG_PACKET=y") == (socket(AF_PACKET, SOCK_RAW, 0) >= 0));
    CHECK(says("CONFIG_VSOCKETS=y") == (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0));
    CHECK(says("CONFIG_KSM=y") ==
          (madvise(t_map(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), P,
                   MADV_MERGEABLE) == 0));
    CHECK(says("CONFIG_TRANSPARENT_HUGEPAGE=y") ==
          (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0));
    CHECK(says("CONFIG_HUGETLBFS=y") == (access("/proc/sys/vm/nr_hugepages", F_OK) == 0));
    CHECK(says("CONFIG_NAMESPACES=y") == (access("/proc/self/ns", F_OK) == 0));
    CHECK(says("CONFIG_MODULES=y") == (access("/proc/modules", F_OK) == 0));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
