/* SPDX-License-Identifier: MIT
 *
 * Capabilities: every privileged act asks for its own, and a user number gives none. Cases
 * act in children that first give up what they hold; nothing here succeeds that would
 * change the host.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/sysmacros.h>

struct head {
    uint32_t version;
    int32_t pid;
};
struct words {
    uint32_t effective, permitted, inheritable;
};

#define VERSION_3 0x20080522u
#define CAP_KILL  5
#define NOROOT    0x1
#define BIT(cap)  (1ull << (cap))

static void set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct head head = {VERSION_3, 0};
    struct words d[2];

    for (int i = 0; i < 2; i++)
        d[i] = (struct words){(uint32_t)(effective >> 32 * i),
                              (uint32_t)(permitted >> 32 * i),
                              (uint32_t)(inheritable >> 32 * i)};
    OK(syscall(SYS_capset, &head, d));
}

static int write_file(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    int n = fd < 0 ? -1 : (int)write(fd, value, strlen(value));
    int err = errno;

    if (fd >= 0)
        close(fd);
    errno = err;
    return n;
}

TEST(uid0_without, "user 0 without capabilities is nobody special")
{
    struct timespec t;
    char name[65] = "x";

    OK(mkdir("m", 0755));
    OK(clock_gettime(CLOCK_REALTIME, &t));
    CHILD(set_caps(0, 0, 0); EQ(getuid(), 0); EQ(geteuid(), 0);
          ERR(mount("none", "m", "tmpfs", 0, ""), EPERM); ERR(umount("m"), EPERM);
          ERR(mknod("c", S_IFCHR | 0600, makedev(1, 3)), EPERM);
          ERR(mknod("b", S_IFBLK | 0600, makedev(1, 3)), EPERM); ERR(chroot("m"), EPERM);
          ERR(reboot(RB_DISABLE_CAD), EPERM); ERR(sethostname(name, 1), EPERM);
          ERR(setdomainname(name, 1), EPERM);
          ERR(clock_settime(CLOCK_REALTIME, &t), EPERM);
          ERR(syscall(SYS_syslog, 8, NULL, 4), EPERM); ERR(setuid(1), EPERM);
          ERR(setgid(1), EPERM); ERR(setgroups(0, NULL), EPERM));
}

TEST(sysctl_needs, "/proc/sys and sysrq-trigger are written with CAP_SYS_ADMIN only")
{
    if (!t_tessera)
        SKIP("Linux lets user 0 write most settings");
    CHILD(set_caps(0, 0, 0);
          ERR(write_file("/proc/sys/vm/max_map_count", "65530"), EPERM);
          ERR(write_file("/proc/sys/kernel/hostname", "x"), EPERM);
          ERR(write_file("/proc/sysrq-trigger", "?"), EPERM));
    EQ(write_file("/proc/sys/vm/max_map_count", "65530"), 5);
}

TEST(sysctl_values, "settings: numbers in their bounds, texts as they are")
{
    char text[128];
    int fd;

    if (!t_tessera)
        SKIP("would change the host");
    ERR(write_file("/proc/sys/kernel/pid_max", "300"), EINVAL);
    ERR(write_file("/proc/sys/kernel/pid_max", "1k"), EINVAL);
    ERR(write_file("/proc/sys/kernel/pid_max", "-5"), EINVAL);
    ERR(write_file("/proc/sys/kernel/pid_max", " "), EINVAL);
    ERR(write_file("/proc/sys/kernel/ostype", "x"), EACCES);
    EQ(write_file("/proc/sys/kernel/hostname", "box\n"), 4);
    fd = open("/proc/sys/kernel/hostname", O_RDONLY);
    t_contains(fd, "box\n");
    close(fd);
    OK(sethostname("tessera", 7));
    OK(gethostname(text, sizeof(text)));
    CHECK(!strcmp(text, "tessera"));
}

TEST(random_files, "random/uuid is new each time, boot_id stays")
{
    char text[4][64] = {{0}};

    for (int i = 0; i < 4; i++) {
        int fd = open(i < 2 ? "/proc/sys/kernel/random/uuid"
                            : "/proc/sys/kernel/random/boot_id",
                      O_RDONLY);
        EQ(read(fd, text[i], 63), 37);
        CHECK(text[i][8] == '-' && text[i][14] == '4' && text[i][36] == '\n');
        close(fd);
    }
    CHECK(strcmp(text[0], text[1]) != 0);
    CHECK(strcmp(text[2], text[3]) == 0);
}

TEST(capset_rules, "capset: inheritable from the bounding set, the rest only downwards")
{
    uint32_t head[2] = {0x20080522u, 0};
    struct words d[2] = {{0, 0, BIT(CAP_KILL)}, {0, 0, 0}};

    CHILD(OK(prctl(PR_CAPBSET_DROP, CAP_KILL)); set_caps(BIT(8), BIT(8), 0);
          ERR(syscall(SYS_capset, head, d), EPERM));
    CHILD(set_caps(0, 0, 0); ERR(syscall(SYS_capset, head, d), EPERM));
    CHILD(set_caps(0, BIT(CAP_KILL), 0); OK(syscall(SYS_capset, head, d));
          OK(syscall(SYS_capget, head, d)); EQ(d[0].inheritable, BIT(CAP_KILL)));
    CHILD(set_caps(BIT(8), BIT(8), 0); OK(syscall(SYS_capset, head, d)));
    head[0] = 1;
    ERR(syscall(SYS_capset, head, d), EINVAL);
    EQ(head[0], 0x20080522u);
}

TEST(securebits, "secure bits: locks hold, CAP_SETPCAP is asked for")
{
    CHILD(OK(prctl(PR_SET_SECUREBITS, 0x30));
          ERR(prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0), EPERM);
          ERR(prctl(PR_SET_SECUREBITS, 0x20), EPERM);
          ERR(prctl(PR_SET_SECUREBITS, 0), EPERM); EQ(prctl(PR_GET_KEEPCAPS), 1));
    CHILD(set_caps(0, 0, 0); ERR(prctl(PR_SET_SECUREBITS, NOROOT), EPERM);
          ERR(prctl(PR_SET_SECUREBITS, 0), EPERM);
          ERR(prctl(PR_CAPBSET_DROP, CAP_KILL), EPERM));
    ERR(prctl(PR_CAPBSET_DROP, 64), EINVAL);
    ERR(prctl(PR_CAPBSET_READ, 64), EINVAL);
    ERR(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0), EINVAL);
    ERR(prctl(PR_SET_SECUREBITS, 0x10000), EPERM);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 1), EINVAL);
    ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
    ERR(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0), EINVAL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
