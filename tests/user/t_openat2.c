/* SPDX-License-Identifier: MIT
 *
 * openat2(2): its structure, the flags open(2) passes over, and where a name may lead.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>

struct how {
    uint64_t flags, mode, resolve, more[3];
};

#define NO_XDEV       0x01
#define NO_MAGICLINKS 0x02
#define NO_SYMLINKS   0x04
#define BENEATH       0x08
#define IN_ROOT       0x10
#define CACHED        0x20
#define TMPFILE_BIT   (O_TMPFILE & ~O_DIRECTORY)

static long raw(int dir, const char *name, const void *how, size_t size)
{
    return syscall(437, dir, name, how, size);
}

static long at(int dir, const char *name, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return raw(dir, name, &how, 24);
}

/* The name leads to that inode. */
static void leads_to(int dir, const char *name, uint64_t resolve, const char *want)
{
    struct stat a, b;
    int fd = (int)at(dir, name, O_PATH, 0, resolve);
    if (fd < 0)
        FAIL("%s with %#lx: %s", name, (unsigned long)resolve, strerror(errno));
    OK(fstat(fd, &a));
    OK(fstatat(dir, want, &b, 0));
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
        FAIL("%s with %#lx is not %s", name, (unsigned long)resolve, want);
    close(fd);
}

static void refused(int dir, const char *name, uint64_t resolve, int want)
{
    errno = 0;
    long fd = at(dir, name, O_PATH, 0, resolve);
    if (fd >= 0 || errno != want)
        FAIL("%s with %#lx: %ld, errno %d, want %d", name, (unsigned long)resolve, fd,
             errno, want);
}

TEST(structure, "smaller than it was at first: EINVAL; larger: what is unknown is 0")
{
    struct how how = {.flags = O_RDONLY};
    ERR(raw(AT_FDCWD, ".", &how, 0), EINVAL);
    ERR(raw(AT_FDCWD, ".", &how, 23), EINVAL);
    ERR(raw(AT_FDCWD, ".", NULL, 24), EFAULT);
    ERR(raw(AT_FDCWD, ".", NULL, 23), EINVAL);
    for (size_t size = 24; size <= sizeof(how); size++)
        close((int)raw(AT_FDCWD, ".", &how, size));
    for (size_t i = 24; i < sizeof(how); i++) {
        ((char *)&how)[i] = 1;
        ERR(raw(AT_FDCWD, ".", &how, sizeof(how)), E2BIG);
        int fd = (int)raw(AT_FDCWD, ".", &how, i);
        OK(fd);
        close(fd);
        ((char *)&how)[i] = 0;
    }
    char *end =
        mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(end != MAP_FAILED);
    OK(munmap(end + P, P));
    ERR(raw(AT_FDCWD, ".", end + P - 24, 32), EFAULT);
    ERR(raw(AT_FDCWD, ".", end + P - 23, 24), EFAULT);
    int fd = (int)raw(AT_FDCWD, ".", end + P - 24, 24);
    OK(fd);
    ERR(raw(AT_FDCWD, NULL, &how, 24), EFAULT);
    ERR(at(AT_FDCWD, "", O_RDONLY, 0, 0), ENOENT);
    ERR(at(77, "x", O_RDONLY, 0, 0), EBADF);
}

TEST(flags, "flags and modes that open(2) does not look at are EINVAL")
{
    t_make("f", "x");
    ERR(at(AT_FDCWD, "f", 1ull << 63, 0, 0), EINVAL);
    ERR(at(AT_FDCWD, "f", 1ull << 32, 0, 0), EINVAL);
    ERR(at(AT_FDCWD, "f", 1u << 30, 0, 0), EINVAL);
    ERR(at(AT_FDCWD, "f", O_RDONLY, 0600, 0), EINVAL);
    ERR(at(AT_FDCWD, "n", O_CREAT, 010000, 0), EINVAL);
    ERR(at(AT_FDCWD, "n", O_CREAT, 1ull << 40, 0), EINVAL);
    ERR(at(AT_FDCWD, "f", O_RDONLY, 0, 0x40), EINVAL);
    ERR(at(AT_FDCWD, "f", O_RDONLY, 0, 1ull << 32), EINVAL);
    ERR(at(AT_FDCWD, "f", O_RDONLY, 0, BENEATH | IN_ROOT), EINVAL);
    ERR(at(AT_FDCWD, ".", TMPFILE_BIT | O_RDWR, 0, 0), EINVAL);
    ERR(at(AT_FDCWD, ".", O_TMPFILE, 0600, 0), EINVAL);
    ERR(at(AT_FDCWD, ".", O_TMPFILE | O_CREAT | O_RDWR, 0600, 0), EINVAL);
    static const int not_path[] = {O_RDWR,   O_CREAT, O_EXCL,   O_NOCTTY, O_TRUNC,
                                   O_APPEND, O_ASYNC, O_DIRECT, 0100000,  O_NOATIME};
    for (size_t i = 0; i < sizeof(not_path) / sizeof(*not_path); i++)
        ERR(at(AT_FDCWD, "f", (uint64_t)(O_PATH | not_path[i]), 0, 0), EINVAL);
    ERR(open("n", O_RDONLY), ENOENT);
    int fd = (int)at(AT_FDCWD, "n", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640, BENEATH);
    OK(fd);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_mode & 07777, 0640 & ~umask(0));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(fd, F_GETFL), O_RDWR | 0100000);
    fd = (int)at(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600, 0);
    EQ(fcntl(fd, F_GETFL), O_TMPFILE | O_RDWR | 0100000);
    fd = (int)at(AT_FDCWD, "f", O_PATH | O_NOFOLLOW, 0, 0);
    EQ(fcntl(fd, F_GETFL), O_PATH | O_NOFOLLOW);
}

/* d/, d/sub/, d/f; links: d/up -> .., d/abs -> /f, d/sub/back -> ../f, d/sub/root -> / */
static int tree(void)
{
    OK(mkdir("d", 0755));
    OK(mkdir("d/sub", 0755));
    t_make("d/f", "x");
    OK(symlink("..", "d/up"));
    OK(symlink("/f", "d/abs"));
    OK(symlink("../f", "d/sub/back"));
    OK(symlink("/", "d/sub/root"));
    OK(symlink("/made", "d/makes"));
    OK(symlink("/proc/self/cwd", "d/magic"));
    int dir = open("d", O_PATH | O_DIRECTORY);
    OK(dir);
    return dir;
}

TEST(beneath,
     "RESOLVE_BENEATH: not a step out of the directory, not even one that comes back")
{
    int d = tree();
    leads_to(d, "f", BENEATH, "f");
    leads_to(d, ".", BENEATH, ".");
    leads_to(d, "sub/..", BENEATH, ".");
    leads_to(d, "sub/../f", BENEATH, "f");
    leads_to(d, "sub/back", BENEATH, "f");
    static const char *const out[] = {"/",          "/f",   "..",       "../d/f",
                                      "up",         "abs",  "sub/root", "sub/../..",
                                      "sub/root/f", "magic"};
    for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++)
        refused(d, out[i], BENEATH, EXDEV);
    refused(77, "/f", BENEATH, EXDEV);
    refused(77, "f", BENEATH, EBADF);
    refused(d, "f/x", BENEATH, ENOTDIR);
    refused(open("d/f", O_RDONLY), "f", BENEATH, ENOTDIR);
    refused(d, "none", BENEATH, ENOENT);
    ERR(at(d, "../new", O_CREAT | O_WRONLY, 0600, BENEATH), EXDEV);
    ERR(at(d, "makes", O_CREAT | O_WRONLY, 0600, BENEATH), EXDEV);
    ERR(access("new", F_OK), ENOENT);
    OK(chdir("d/sub"));
    refused(AT_FDCWD, "../f", BENEATH, EXDEV);
    refused(AT_FDCWD, "back", BENEATH, EXDEV);
    int fd = (int)at(d, "abs", O_PATH | O_NOFOLLOW, 0, BENEATH);
    OK(fd);
}

TEST(in_root, "RESOLVE_IN_ROOT: the directory is the root, for .. and for links")
{
    int d = tree();
    leads_to(d, "/", IN_ROOT, ".");
    leads_to(d, "/f", IN_ROOT, "f");
    leads_to(d, "..", IN_ROOT, ".");
    leads_to(d, "../../../f", IN_ROOT, "f");
    leads_to(d, "abs", IN_ROOT, "f");
    leads_to(d, "up", IN_ROOT, ".");
    leads_to(d, "sub/root/sub/back", IN_ROOT, "f");
    refused(d, "magic", IN_ROOT, ENOENT);
    refused(77, "/f", IN_ROOT, EBADF);
    refused(open("d/f", O_RDONLY), "/", IN_ROOT, ENOTDIR);
    int fd = (int)at(d, "makes", O_CREAT | O_WRONLY, 0600, IN_ROOT);
    OK(fd);
    OK(access("d/made", F_OK));
    OK(chdir("d"));
    leads_to(AT_FDCWD, "/sub/../../f", IN_ROOT, "f");
    int proc = open("/proc/self", O_PATH | O_DIRECTORY);
    refused(proc, "exe", IN_ROOT, EXDEV);
    refused(proc, "exe", BENEATH, EXDEV);
}

TEST(links,
     "RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS: ELOOP at a link that is followed")
{
    int d = tree(), proc = open("/proc/self", O_PATH | O_DIRECTORY);
    refused(d, "sub/back", NO_SYMLINKS, ELOOP);
    refused(d, "up/d/f", NO_SYMLINKS, ELOOP);
    leads_to(d, "sub/../f", NO_SYMLINKS, "f");
    int fd = (int)at(d, "abs", O_PATH | O_NOFOLLOW, 0, NO_SYMLINKS);
    OK(fd);
    leads_to(d, "sub/back", NO_MAGICLINKS, "f");
    refused(d, "magic", NO_MAGICLINKS, ELOOP);
    refused(proc, "exe", NO_MAGICLINKS, ELOOP);
    refused(proc, "exe", NO_SYMLINKS, ELOOP);
    refused(proc, "root/tmp", NO_MAGICLINKS, ELOOP);
    leads_to(AT_FDCWD, "/proc/self/status", NO_MAGICLINKS, "/proc/self/status");
    refused(AT_FDCWD, "/proc/self/status", NO_SYMLINKS, ELOOP);
    fd = (int)at(proc, "exe", O_PATH | O_NOFOLLOW, 0, NO_MAGICLINKS);
    OK(fd);
}

TEST(mounts, "RESOLVE_NO_XDEV: EXDEV where another mount begins, down, up and by links")
{
    int proc = open("/proc", O_PATH | O_DIRECTORY), d = tree();
    int root = open("/", O_PATH | O_DIRECTORY);
    refused(root, "proc", NO_XDEV, EXDEV);
    refused(root, "proc/self/status", NO_XDEV, EXDEV);
    refused(proc, "..", NO_XDEV, EXDEV);
    refused(proc, "self/root", NO_XDEV, EXDEV);
    refused(proc, "self/exe", NO_XDEV, EXDEV);
    leads_to(proc, "self/status", NO_XDEV, "self/status");
    leads_to(proc, "/", NO_XDEV, "/");
    leads_to(d, "sub/../up/d/f", NO_XDEV, "f");
    refused(d, "magic", NO_XDEV, EXDEV);
}

TEST(cached, "RESOLVE_CACHED: what is known opens, what creates or cuts is EAGAIN")
{
    tree();
    int fd = open("d/f", O_RDONLY);
    OK(fd);
    int turns = t_tessera ? 1 : 10000; /* there a rename anywhere can come between */
    do
        fd = (int)at(AT_FDCWD, "d/f", O_RDWR, 0, CACHED);
    while (fd < 0 && errno == EAGAIN && --turns);
    OK(fd);
    ERR(at(AT_FDCWD, "d/f", O_RDWR | O_TRUNC, 0, CACHED), EAGAIN);
    ERR(at(AT_FDCWD, "d/g", O_RDWR | O_CREAT, 0600, CACHED), EAGAIN);
    ERR(at(AT_FDCWD, "d", O_RDWR | O_TMPFILE, 0600, CACHED), EAGAIN);
    ERR(access("d/g", F_OK), ENOENT);
    EQ(lseek(fd, 0, SEEK_END), 1);
}

TEST(attack, "a directory that moves out and back meanwhile: no walk escapes")
{
    OK(mkdir("out", 0755));
    OK(mkdir("d", 0755));
    OK(mkdir("d/c", 0755));
    int d = open("d", O_PATH | O_DIRECTORY), good = 0;
    struct stat want, st;
    OK(fstat(d, &want));
    pid_t pid = t_fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            syscall(SYS_renameat2, AT_FDCWD, "d/c", AT_FDCWD, "out", 2);
    }
    for (int i = 0; i < 3000; i++) {
        int fd = (int)at(d, "c/../../c/../../c/../../c/..", O_PATH, 0,
                         i & 1 ? IN_ROOT : BENEATH);
        if (fd < 0) {
            CHECK(errno == EAGAIN || errno == EXDEV);
            continue;
        }
        OK(fstat(fd, &st));
        EQ(st.st_ino, want.st_ino);
        close(fd);
        good++;
    }
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    CHECK(good || !t_tessera);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
