/* SPDX-License-Identifier: MIT
 *
 * /proc: what any file system's files have: numbers, ends, writes, links; and the files that are
 * looked at least.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>

static char text[16384];

static size_t slurp(const char *path, size_t piece)
{
    int fd = open(path, O_RDONLY);
    size_t at = 0;
    ssize_t n;

    if (fd < 0)
        FAIL("%s: %s", path, strerror(errno));
    while (at + piece < sizeof(text) && (n = read(fd, text + at, piece)) > 0)
        at += (size_t)n;
    text[at] = 0;
    OK(close(fd));
    return at;
}

TEST(root,
     "the root is inode 1; its directories end at 0; /proc/net leads to the process")
{
    struct stat st;
    char link[32] = "";
    int fd;

    OK(stat("/proc", &st));
    EQ(st.st_ino, 1);
    for (const char *const *d =
             (const char *const[]){"/proc", "/proc/self", "/proc/self/task",
                                   "/proc/self/fd", "/proc/self/net", NULL};
         *d; d++) {
        OK(fd = open(*d, O_RDONLY | O_DIRECTORY));
        EQ(lseek(fd, 0, SEEK_END), 0);
        EQ(lseek(fd, 3, SEEK_END), 3);
        close(fd);
    }
    EQ(readlink("/proc/net", link, sizeof(link) - 1), 8);
    CHECK(strcmp(link, "self/net") == 0);
    CHECK(slurp("/proc/self/net/dev", 4096) > 0 && strstr(text, "lo:"));
    CHECK(slurp("/proc/thread-self/net/tcp", 4096) > 0);
    CHECK(slurp("/proc/net/unix", 4096) > 0);
    ERR(open("/proc/net/nothing", O_RDONLY), ENOENT);
}

TEST(stat_lines, "/proc/stat has every line that Linux has, interrupts are counted")
{
    unsigned long before, after;
    static const char *const names[] = {
        "cpu ",         "\ncpu0 ",    "\nintr ",          "\nctxt ",         "\nbtime ",
        "\nprocesses ", "\nsoftirq ", "\nprocs_running ", "\nprocs_blocked "};

    slurp("/proc/stat", 8192);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strstr(text, names[i]))
            FAIL("no line%s", names[i]);
    before = strtoul(strstr(text, "\nintr ") + 6, NULL, 10);
    for (int i = 0; i < 3; i++)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    slurp("/proc/stat", 8192);
    after = strtoul(strstr(text, "\nintr ") + 6, NULL, 10);
    CHECK(after > before);
}

TEST(read_only, "files nobody writes open for writing by who may, and refuse the bytes")
{
    int fd;

    if (geteuid())
        SKIP("not root");
    OK(fd = open("/proc/uptime", O_WRONLY));
    ERR(write(fd, "1", 1), EIO);
    close(fd);
    OK(fd = open("/proc/self/status", O_WRONLY));
    ERR(write(fd, "1", 1), EINVAL);
    OK(ftruncate(fd, 0));
    close(fd);
    OK(truncate("/proc/uptime", 5));
    if (!fork()) {
        fd = setresuid(65534, 65534, 65534) == 0 && open("/proc/uptime", O_WRONLY) < 0 &&
             errno == EACCES && truncate("/proc/uptime", 5) < 0 && errno == EACCES;
        _exit(!fd);
    }
    int status;
    OK(wait(&status));
    EQ(status, 0);
}

TEST(fdinfo_flags,
     "fdinfo tells that a descriptor closes at exec, not how its file was made")
{
    int fd, flags = 0;
    char path[64];

    OK(fd = open("a", O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0600));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    for (int i = 0; i < 2; i++) {
        slurp(path, 4096);
        CHECK(sscanf(strstr(text, "flags:"), "flags:\t%o", &flags) == 1);
        EQ(flags, O_RDWR | O_APPEND | 0100000 | (i ? 0 : O_CLOEXEC));
        OK(fcntl(fd, F_SETFD, 0));
    }
}

TEST(personality, "/proc/PID/personality is what personality(2) set")
{
    slurp("/proc/self/personality", 4096);
    CHECK(strcmp(text, "00000000\n") == 0 || strcmp(text, "00040000\n") == 0);
    OK(syscall(SYS_personality, 0x0040000 | 0x0020000));
    slurp("/proc/self/personality", 4096);
    CHECK(strcmp(text, "00060000\n") == 0);
}

/* After exec: 0 when the filter is still argv[1]. */
static int helper(int argc, char **argv)
{
    slurp("/proc/self/coredump_filter", 4096);
    return argc < 2 || strcmp(text, argv[1]) != 0;
}

TEST(core_filter, "coredump_filter: what it takes, fork and exec keep it")
{
    static const struct {
        const char *text;
        int err;
    } wrong[] = {{"-1", EINVAL},          {"four", EINVAL}, {" 1", EINVAL},
                 {"0x100000000", ERANGE}, {"08", EINVAL},   {"1 2", EINVAL}};
    int fd, status;
    pid_t pid;

    slurp("/proc/self/coredump_filter", 4096);
    CHECK(strcmp(text, "00000033\n") == 0);
    OK(fd = open("/proc/self/coredump_filter", O_WRONLY));
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ERR(write(fd, wrong[i].text, strlen(wrong[i].text)), wrong[i].err);
    EQ(write(fd, "0xfff\n", 6), 6);
    slurp("/proc/self/coredump_filter", 4096);
    CHECK(strcmp(text, "000001ff\n") == 0);
    EQ(write(fd, "0101", 4), 4);
    close(fd);
    pid = t_fork();
    if (!pid) {
        char *argv[] = {"t", "--helper", "00000041\n", NULL};

        execv(t_exe, argv);
        _exit(9);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    pid = t_fork();
    if (!pid) /* has no memory any more when it is asked */
        _exit(0);
    siginfo_t info;
    char path[64];
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    snprintf(path, sizeof(path), "/proc/%d/coredump_filter", pid);
    EQ(slurp(path, 4096), 0);
    EQ(waitpid(pid, &status, 0), pid);
    OK(fd = open("/proc/self/coredump_filter", O_WRONLY));
    EQ(write(fd, "0x33", 4), 4);
    close(fd);
}

static void text_is(const char *path, const char *want)
{
    char got[200] = "";
    int fd = open(path, O_RDONLY);

    OK(fd);
    EQ(read(fd, got, sizeof(got) - 1), strlen(want));
    CHECK(strcmp(got, want) == 0);
    OK(close(fd));
}

TEST(block_size, "st_blksize is 1024 in /proc and devpts, as it always was")
{
    static const char *const names[] = {
        "/proc", "/proc/self/comm", "/proc/sys/kernel/ostype", "/dev/pts",
        "/sys",  "/dev/null"};
    struct stat st;

    for (int i = 0; i < 6; i++) {
        OK(stat(names[i], &st));
        EQ(st.st_blksize, i < 4 ? 1024 : 4096);
    }
}

TEST(id_maps,
     "uid_map, gid_map, setgroups: every number means itself, and that is for good")
{
    int fd;

    text_is("/proc/self/uid_map", "         0          0 4294967295\n");
    text_is("/proc/self/gid_map", "         0          0 4294967295\n");
    text_is("/proc/self/setgroups", "allow\n");
    OK(fd = open("/proc/self/uid_map", O_WRONLY));
    ERR(write(fd, "0 0 1", 5), EPERM);
    OK(fd = open("/proc/self/setgroups", O_WRONLY));
    ERR(write(fd, "deny", 4), EPERM);
    OK(fd = open("/proc/self/setgroups", O_WRONLY));
    ERR(write(fd, "no", 2), EINVAL);
    OK(fd = open("/proc/self/setgroups", O_WRONLY));
    EQ(write(fd, "allow", 5), 5);
}

TEST(interface, "/sys tells of lo as of a device: where it is, of which class, its event")
{
    char link[64] = "", back[64] = "";

    if (access("/sys/class/net/lo", F_OK) != 0)
        SKIP("no /sys");
    EQ(readlink("/sys/class/net/lo", link, sizeof(link) - 1), 28);
    CHECK(strcmp(link, "../../devices/virtual/net/lo") == 0);
    EQ(readlink("/sys/class/net/lo/subsystem", back, sizeof(back) - 1), 21);
    CHECK(strcmp(back, "../../../../class/net") == 0);
    EQ(slurp("/sys/devices/virtual/net/lo/uevent", 4096), 23);
    CHECK(strcmp(text, "INTERFACE=lo\nIFINDEX=1\n") == 0);
    EQ(slurp("/sys/class/net/lo/subsystem/lo/ifindex", 4096), 2);
}

/* ---- PR_SET_MM ---- */

enum { END_CODE = 2, START_STACK = 5, ARG_START = 8, ARG_END, AUXV = 12 };

static int set_mm(int what, const void *at, size_t len)
{
    return prctl(PR_SET_MM, what, at, len, 0) ? -errno : 0;
}

/* A number of /proc/self/stat. */
static unsigned long long stat_number(int field)
{
    slurp("/proc/self/stat", 4096);
    char *at = strrchr(text, ')') + 1;

    for (int i = 3; i < field; i++)
        at = strchr(at + 1, ' ');
    return strtoull(at, NULL, 10);
}

TEST(set_mm, "PR_SET_MM: what is told of where the program's parts are")
{
    char *p = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long aux[] = {6 /* AT_PAGESZ */, P, 0, 0};

    CHECK(p != MAP_FAILED);
    memcpy(p, "hello\0world", 12);
    EQ(set_mm(ARG_START, p, 5), -EINVAL);
    if (set_mm(START_STACK, p, 0) == -EPERM)
        SKIP("without CAP_SYS_RESOURCE");
    EQ(stat_number(28), (uintptr_t)p);
    EQ(set_mm(99, p, 0), -EINVAL);
    EQ(set_mm(ARG_START, NULL, 0), -EINVAL);
    EQ(set_mm(ARG_START, (void *)-1, 0), -EINVAL);
    if (stat_number(49) < (uintptr_t)p) {
        EQ(set_mm(ARG_START, p, 0), -EINVAL); /* it may not begin behind its end */
        EQ(set_mm(ARG_END, p + 12, 0), 0);
        EQ(set_mm(ARG_START, p, 0), 0);
    } else {
        EQ(set_mm(ARG_END, p, 0), -EINVAL);
        EQ(set_mm(ARG_START, p, 0), 0);
        EQ(set_mm(ARG_END, p + 12, 0), 0);
    }
    EQ(slurp("/proc/self/cmdline", 4096), 12);
    CHECK(memcmp(text, "hello\0world", 12) == 0);
    EQ(set_mm(ARG_END, p + 11, 0), 0); /* a title, with no environment behind it */
    EQ(slurp("/proc/self/cmdline", 4096), 6);
    EQ(set_mm(END_CODE, (void *)(uintptr_t)stat_number(26), 0), -EINVAL);
    EQ(set_mm(AUXV, aux, sizeof(aux)), 0);
    EQ(slurp("/proc/self/auxv", 4096), sizeof(aux));
    CHECK(memcmp(text, aux, sizeof(aux)) == 0);
    EQ(set_mm(AUXV, aux, 8000), -EINVAL);
    EQ(set_mm(AUXV, NULL, sizeof(aux)), -EFAULT);
    OK(setuid(65534));
    EQ(set_mm(ARG_START, p, 0), -EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
