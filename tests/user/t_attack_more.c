/* SPDX-License-Identifier: MIT
 *
 * Terminals, mounts, the log: what reaches further than it may, and what is told that is nobody's.
 */
#include "tests/user/t.h"
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>

#define TIOCSIG_ 0x40045436

/* ---- the master of a terminal sends what keys can send ---- */

TEST(tiocsig, "TIOCSIG sends what keys send, and nothing else")
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    static const int others[] = {0,       SIGHUP, SIGKILL, SIGTERM, SIGSTOP,
                                 SIGCONT, 64,     65,      -1};

    CHECK(master >= 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        ERR(ioctl(master, TIOCSIG_, (long)others[i]), EINVAL);
    OK(ioctl(master, TIOCSIG_, (long)SIGINT));
    OK(ioctl(master, TIOCSIG_, (long)SIGQUIT));
    OK(ioctl(master, TIOCSIG_, (long)SIGTSTP));
}

static void lead_with(const char *slave, uid_t uid, int want)
{
    int fd;

    OK(setsid());
    OK(setuid(uid));
    OK(fd = open(slave, O_WRONLY));
    ERR(open("/dev/tty", O_RDWR), ENXIO);
    if (want)
        ERR(ioctl(fd, TIOCSCTTY, 0), want);
    else
        OK(ioctl(fd, TIOCSCTTY, 0));
    EQ(open("/dev/tty", O_RDWR) >= 0, !want);
}

TEST(write_only,
     "who may only write to a terminal does not get it as the controlling one")
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), no = 0, number;
    char slave[32];

    if (getuid() != 0)
        SKIP("must be root");
    OK(ioctl(master, TIOCSPTLCK, &no));
    OK(ioctl(master, TIOCGPTN, &number));
    snprintf(slave, sizeof(slave), "/dev/pts/%d", number);
    OK(chmod(slave, 0622));
    CHILD(lead_with(slave, 65534, EPERM));
    CHILD(lead_with(slave, 0, 0));
}

static int new_slave(int master)
{
    int no = 0, number, fd;
    char slave[32];

    OK(ioctl(master, TIOCSPTLCK, &no));
    OK(ioctl(master, TIOCGPTN, &number));
    snprintf(slave, sizeof(slave), "/dev/pts/%d", number);
    OK(fd = open(slave, O_RDWR | O_NOCTTY));
    return fd;
}

TEST(
    locks_gone,
    "what was locked of a terminal's settings is not locked for the next with its number")
{
    unsigned char all[64], now[64] = {0}, zero[36] = {0};
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), slave;

    if (getuid() != 0)
        SKIP("must be root");
    memset(all, 0xff, sizeof(all));
    slave = new_slave(master);
    OK(ioctl(slave, 0x5457 /* TIOCSLCKTRMIOS */, all));
    close(slave);
    close(master);
    OK(master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    slave = new_slave(master);
    OK(ioctl(slave, 0x5456 /* TIOCGLCKTRMIOS */, now));
    EQ(memcmp(now, zero, sizeof(zero)), 0);
}

/* ---- mounts that double ---- */

static int mounts_now(void)
{
    struct t_reader r;
    int n = 0;

    CHECK(t_open(&r, "/proc/self/mounts"));
    while (t_line(&r))
        n++;
    return n;
}

static void limit_mounts(int most)
{
    char text[16];
    int fd = open("/proc/sys/fs/mount-max", O_WRONLY), n = snprintf(text, 16, "%d", most);

    EQ(write(fd, text, (size_t)n), n);
    close(fd);
}

TEST(mount_max,
     "there are no more mounts than fs.mount-max, and a tree is bound whole or not")
{
    int before = mounts_now();

    if (!t_tessera)
        SKIP("settings of the host are left alone");
    OK(mkdir("a", 0755));
    OK(mkdir("b", 0755));
    OK(mount("none", "a", "tmpfs", 0, NULL));
    OK(mkdir("a/in", 0755));
    OK(mount("none", "a/in", "tmpfs", 0, NULL));
    limit_mounts(before + 3);
    ERR(mount("a", "b", NULL, MS_BIND | MS_REC, NULL), ENOSPC);
    EQ(mounts_now(), before + 2);
    OK(mount("a", "b", NULL, MS_BIND, NULL));
    ERR(mount("none", "b", "tmpfs", 0, NULL), ENOSPC);
    OK(umount("b"));
    limit_mounts(before + 4);
    OK(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
    limit_mounts(100000);
    OK(umount2("b", MNT_DETACH));
    OK(umount2("a", MNT_DETACH));
    EQ(mounts_now(), before);
}

/* ---- the log is not locked while the program's memory is touched ---- */

static long number_of_line(int fd)
{
    char text[8192];
    ssize_t n = read(fd, text, sizeof(text) - 1);

    if (n <= 0)
        return -1;
    text[n] = 0;
    return strtol(strchr(text, ',') + 1, NULL, 10);
}

TEST(kmsg_fault, "a line of the log that could not be told is taken all the same")
{
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    long first, second;

    if (fd < 0)
        SKIP("/dev/kmsg: %s", strerror(errno));
    first = number_of_line(fd);
    second = number_of_line(fd);
    if (first < 0 || second <= first)
        SKIP("no lines");
    OK(lseek(fd, 0, SEEK_SET));
    ERR(read(fd, (void *)16, 8192), EFAULT);
    EQ(number_of_line(fd), second);
    close(fd);
}

TEST(syslog_next, "syslog gives each line once, also to memory that is not there")
{
    enum { READ = 2, UNREAD = 9 };
    char text[8192], *mine;
    int fd = open("/dev/kmsg", O_WRONLY);
    long n;

    if (fd < 0 || (n = syscall(SYS_syslog, UNREAD, NULL, 0)) < 0)
        SKIP("%s", strerror(errno));
    for (const char *c = "012"; *c; c++)
        OK(dprintf(fd, "syslog_next %c\n", *c));
    do {
        OK(n = syscall(SYS_syslog, READ, text, sizeof(text) - 1));
        text[n] = 0;
        mine = strstr(text, "syslog_next 0");
    } while (!mine);
    CHECK(strstr(mine, "syslog_next 1") && strstr(mine, "syslog_next 2"));
    for (const char *c = "345"; *c; c++)
        OK(dprintf(fd, "syslog_next %c\n", *c));
    EQ(syscall(SYS_syslog, READ, text, 4), 0);
    ERR(syscall(SYS_syslog, READ, (void *)16, 4096), EFAULT);
    OK(n = syscall(SYS_syslog, READ, text, sizeof(text) - 1));
    text[n] = 0;
    CHECK(!strstr(text, "syslog_next 3") && strstr(text, "syslog_next 4"));
    OK(close(fd));
}

/* ---- bytes between the fields ---- */

static unsigned char room[512];

static void used_stack(void)
{
    char path[4096];

    (void)!getcwd(path, sizeof(path));
    (void)!readlink("/proc/self/exe", path, sizeof(path));
}

static void zero_between(const char *what, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (room[i])
            FAIL("%s: byte %zu is %#x", what, i, room[i]);
}

TEST(pads, "bytes between the fields of what calls answer are zero")
{
    struct termio { /* as the kernel's */
        unsigned short flags[4];
        unsigned char line, cc[8];
    };
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);

    for (int i = 0; i < 20; i++) {
        memset(room, 0xaa, sizeof(room));
        used_stack();
        CHECK(syscall(SYS_msgctl, 0, i % 2 ? 3 /* IPC_INFO */ : 12 /* MSG_INFO */,
                      room) >= 0);
        zero_between("msginfo", 30, 32);
        memset(room, 0xaa, sizeof(room));
        used_stack();
        CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)room) >= 0);
        zero_between("shm_info", 4, 8);
        memset(room, 0xaa, sizeof(room));
        used_stack();
        OK(ioctl(master, 0x5405 /* TCGETA */, room));
        zero_between("termio", 17, sizeof(struct termio));
    }
}

/* ---- positions ---- */

TEST(seek_beyond, "no directory or text is sought beyond the largest position")
{
    static const char *const names[] = {".", "/proc/self/task", "/proc/self/maps", "/sys",
                                        "/dev/pts"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        int fd = open(names[i], O_RDONLY);

        CHECK(fd >= 0);
        OK(lseek(fd, 100, SEEK_SET));
        EQ(lseek(fd, INT64_MAX, SEEK_CUR), -1);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
