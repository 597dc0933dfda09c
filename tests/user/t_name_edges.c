/* SPDX-License-Identifier: MIT
 *
 * Names at their edges: the last part is ".", a slash, the root; directories that are gone;
 * what opens, makes, cuts, dates and reads names, and in which order faults are told.
 */
#include "tests/user/t.h"
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#define BAD ((void *)16)

static void make(const char *name, mode_t mode)
{
    int fd = open(name, O_CREAT | O_RDWR | O_EXCL, mode);

    OK(fd);
    OK(close(fd));
}

TEST(dates, "times that are none, and what is not looked at")
{
    struct timespec omit[2] = {{5, UTIME_OMIT}, {5, UTIME_OMIT}};
    struct timespec over[2] = {{1, 1000000000}, {1, 0}}, under[2] = {{1, 0}, {1, -1}};
    struct timespec half[2] = {{0, UTIME_OMIT}, {1, 1000000000}};
    struct timeval tv[2] = {{1, 0}, {1, 1000000}};
    struct stat st;

    make("f", 0644);
    ERR(utimensat(AT_FDCWD, "f", over, 0), EINVAL);
    ERR(utimensat(AT_FDCWD, "f", under, 0), EINVAL);
    ERR(utimensat(AT_FDCWD, "f", half, 0), EINVAL);
    ERR(utimensat(AT_FDCWD, "none", over, 0), ENOENT); /* the name first */
    ERR(utimensat(AT_FDCWD, "none", over, 0x40), EINVAL);
    ERR(utimensat(1000, NULL, over, 0), EBADF);
    OK(utimensat(AT_FDCWD, "none", omit, 0));
    OK(utimensat(AT_FDCWD, BAD, omit, 0x7777));
    OK(utimensat(1000, NULL, omit, 0));
    ERR(syscall(SYS_utimensat, AT_FDCWD, "none", BAD, 0), EFAULT);
    ERR(utimensat(AT_FDCWD, NULL, NULL, 0), EFAULT);
    ERR(syscall(SYS_utimensat, 0, NULL, NULL, AT_SYMLINK_NOFOLLOW), EINVAL);
    ERR(syscall(SYS_utimes, "none", tv), EINVAL); /* here they come first */
    ERR(syscall(SYS_futimesat, AT_FDCWD, "f", tv), EINVAL);
    tv[1].tv_usec = -1;
    ERR(syscall(SYS_utimes, "f", tv), EINVAL);
    tv[1].tv_usec = 999999;
    tv[0].tv_sec = 77;
    OK(syscall(SYS_futimesat, AT_FDCWD, "f", tv));
    OK(stat("f", &st));
    EQ(st.st_atim.tv_sec, 77);
    EQ(st.st_mtim.tv_sec, 1);
    EQ(st.st_mtim.tv_nsec, 999999000);
    ERR(syscall(SYS_utime, "f", BAD), EFAULT);
    ERR(syscall(SYS_utime, "none", NULL), ENOENT);
}

TEST(cut, "truncate and ftruncate of what is no file")
{
    int p[2], fd;

    OK(mkdir("d", 0755));
    OK(mkfifo("p", 0644));
    ERR(truncate("d", 0), EISDIR);
    ERR(truncate("p", 0), EINVAL);
    ERR(truncate("/dev/null", 0), EINVAL);
    ERR(truncate("/dev/null", -1), EINVAL);
    ERR(truncate("none", -1), EINVAL);
    ERR(truncate("", 0), ENOENT);
    ERR(truncate(BAD, 0), EFAULT);
    OK(pipe(p));
    ERR(ftruncate(p[1], 0), EINVAL);
    ERR(ftruncate(p[0], 0), EINVAL);
    OK(fd = open("d", O_RDONLY));
    ERR(ftruncate(fd, 0), EINVAL);
    OK(fd = open("/dev/null", O_RDWR));
    ERR(ftruncate(fd, 0), EINVAL);
    OK(fd = open("d", O_PATH));
    ERR(ftruncate(fd, 0), EBADF);
    ERR(ftruncate(1000, -1), EINVAL);
}

TEST(node, "mknod: kinds, and none")
{
    struct stat st;

    umask(0);
    OK(mknod("plain", 0640, 0));
    OK(stat("plain", &st));
    EQ(st.st_mode, S_IFREG | 0640);
    ERR(mknod("d", S_IFDIR | 0755, 0), EPERM);
    ERR(mknod("l", S_IFLNK | 0755, 0), EINVAL);
    ERR(mknod("x", 0170000 | 0755, 0), EINVAL);
    OK(mknod("s", S_IFSOCK | 0604, 0));
    OK(stat("s", &st));
    EQ(st.st_mode, S_IFSOCK | 0604);
    ERR(open("s", O_RDWR), ENXIO);
    ERR(mknod("plain", 0640, 0), EEXIST);
    ERR(mknod("none/x", 0640, 0), ENOENT);
    ERR(mknod("none/", 0640, 0), ENOENT);
    ERR(mknod("", 0640, 0), ENOENT);
    ERR(mknod("/", 0640, 0), EEXIST);
    ERR(mknod(".", 0640, 0), EEXIST);
    if (geteuid())
        ERR(mknod("c", S_IFCHR | 0600, makedev(1, 3)), EPERM);
}

TEST(symlinks, "symlink and readlink: nothing, too long, no memory")
{
    static char longest[PATH_MAX + 1];
    char out[4];

    memset(longest, 'a', PATH_MAX);
    ERR(symlink("", "l"), ENOENT);
    ERR(symlink(longest, "l"), ENAMETOOLONG);
    ERR(symlink(BAD, "l"), EFAULT);
    ERR(symlink("x", ""), ENOENT);
    ERR(symlink("x", "l/"), ENOENT);
    ERR(symlink("x", "."), EEXIST);
    OK(symlink("target", "l"));
    ERR(symlink("x", "l"), EEXIST);
    EQ(readlink("l", out, 4), 4);
    ERR(readlink("l", BAD, 4), EFAULT);
    ERR(syscall(SYS_readlink, "l", out, 0), EINVAL);
    ERR(syscall(SYS_readlink, "l", out, -1), EINVAL);
    ERR(readlink(".", out, 4), EINVAL);
    ERR(readlink("l/", out, 4), ENOENT);
    longest[PATH_MAX - 1] = 0;
    ERR(open(longest, O_RDONLY), ENAMETOOLONG);
}

TEST(last_part, "the last part of what is moved or removed")
{
    make("f", 0644);
    OK(mkdir("d", 0755));
    ERR(rename(".", "e"), EBUSY);
    ERR(rename("d/.", "e"), EBUSY);
    ERR(rename("d/..", "e"), EBUSY);
    ERR(rename("f", "."), EBUSY);
    ERR(rename("f", "d/.."), EBUSY);
    ERR(rename("none", "."), EBUSY);
    ERR(rename("/", "/e"), EBUSY);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, ".", 1), EEXIST);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, ".", 2), EBUSY);
    ERR(syscall(SYS_renameat2, AT_FDCWD, ".", AT_FDCWD, "f", 1), EBUSY);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "none", 2), ENOENT);
    ERR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "d", 3), EINVAL);
    ERR(rename("", "e"), ENOENT);
    ERR(rename("f", ""), ENOENT);
    ERR(rename("f/", "e"), ENOTDIR);
    ERR(rename("f", "e/"), ENOTDIR);
    OK(rename("d/", "e/"));
    OK(rename("e", "d"));
    ERR(rename("d", "d/x"), EINVAL);
    ERR(rename("f", "d"), EISDIR);
    ERR(rename("d", "f"), ENOTDIR);
    ERR(rmdir("."), EINVAL);
    ERR(rmdir("d/."), EINVAL);
    ERR(rmdir("d/.."), ENOTEMPTY);
    ERR(rmdir("/"), EBUSY);
    ERR(rmdir("f"), ENOTDIR);
    ERR(rmdir("f/"), ENOTDIR);
    ERR(unlink("."), EISDIR);
    ERR(unlink("d/.."), EISDIR);
    ERR(unlink("/"), EISDIR);
    ERR(unlink("d"), EISDIR);
    ERR(unlink("d/"), EISDIR);
    ERR(unlink("f/"), ENOTDIR);
    ERR(unlink("none/"), ENOENT);
    ERR(link("d", "x"), EPERM);
    ERR(link("f", "."), EEXIST);
    ERR(link("f", "x/"), ENOENT);
    ERR(mkdir(".", 0755), EEXIST);
    ERR(mkdir("/", 0755), EEXIST);
    ERR(mkdir("f/", 0755), EEXIST);
    ERR(mkdir("f/x", 0755), ENOTDIR);
}

TEST(opens, "open: what is made, and where it cannot be")
{
    make("f", 0644);
    OK(mkdir("d", 0755));
    ERR(open("x/", O_CREAT | O_RDWR, 0644), EISDIR);
    ERR(open("f/", O_CREAT | O_RDWR, 0644), EISDIR);
    ERR(open("f/", O_RDWR), ENOTDIR);
    ERR(open(".", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("/", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("d", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("d", O_CREAT | O_EXCL | O_RDONLY, 0644), EEXIST);
    ERR(open(".", O_CREAT | O_EXCL | O_RDONLY, 0644), EEXIST);
    ERR(open("/", O_CREAT | O_EXCL | O_RDONLY, 0644), EEXIST);
    ERR(open("d/", O_CREAT | O_EXCL | O_RDONLY, 0644), EISDIR);
    ERR(open("d/..", O_CREAT | O_RDONLY, 0644), EISDIR);
    ERR(open("d", O_RDWR), EISDIR);
    ERR(open("d", O_RDONLY | O_TRUNC), EISDIR);
    ERR(open("d", O_TMPFILE | O_RDONLY, 0644), EINVAL);
    ERR(open("f", O_TMPFILE | O_RDWR, 0644), ENOTDIR);
    ERR(open("none", O_TMPFILE | O_RDWR, 0644), ENOENT);
    ERR(open("d", O_TMPFILE | O_CREAT | O_RDWR, 0644), EINVAL);
    if (!geteuid())
        ERR(open("/proc", O_TMPFILE | O_RDWR, 0644), EOPNOTSUPP);
    ERR(open("/proc/x", O_CREAT | O_RDWR, 0644), ENOENT);
    OK(symlink("away", "l"));
    ERR(open("l", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
    ERR(open("l", O_CREAT | O_NOFOLLOW | O_RDWR, 0644), ELOOP);
    OK(close(open("l", O_CREAT | O_RDWR, 0644)));
    OK(unlink("away")); /* so it was made there */
    OK(symlink("away/", "m"));
    ERR(open("m", O_CREAT | O_RDWR, 0644), EISDIR);
    ERR(open("", O_CREAT | O_RDWR, 0644), ENOENT);
    ERR(open(BAD, O_CREAT | O_RDWR, 0644), EFAULT);
    ERR(openat(1000, "x", O_CREAT | O_RDWR, 0644), EBADF);
    ERR(openat(open("f", O_RDONLY), "x", O_CREAT | O_RDWR, 0644), ENOTDIR);
}

TEST(gone, "in a directory that is gone nothing can be found or made")
{
    char buf[PATH_MAX];
    int fd;

    OK(mkdir("d", 0755));
    make("f", 0644);
    OK(fd = open("d", O_RDONLY));
    OK(chdir("d"));
    OK(rmdir("../d"));
    EQ(syscall(SYS_getdents64, fd, buf, sizeof(buf)), -1);
    EQ(errno, ENOENT);
    ERR(open("x", O_CREAT | O_RDWR, 0644), ENOENT);
    ERR(open("x", O_RDONLY), ENOENT);
    OK(close(open(".", O_TMPFILE | O_RDWR, 0644)));
    ERR(mkdir("x", 0755), ENOENT);
    ERR(mknod("x", 0640, 0), ENOENT);
    ERR(symlink("y", "x"), ENOENT);
    ERR(link("../f", "x"), ENOENT);
    ERR(rename("../f", "x"), ENOENT);
    ERR(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
    OK(close(open(".", O_RDONLY)));
    OK(fchmod(fd, 0700));
    EQ(lseek(fd, 0, SEEK_SET), 0);
    OK(chdir(".."));
    ERR(openat(fd, "x", O_CREAT | O_RDWR, 0644), ENOENT);
    ERR(syscall(SYS_getdents64, 1000, buf, 100), EBADF);
}

TEST(group_bit, "who is not of the group makes no set-group-ID program for it")
{
    struct stat st;

    if (geteuid())
        SKIP("wants root");
    umask(0);
    OK(mkdir("d", 0777));
    OK(chown("d", -1, 5));
    OK(chmod("d", 02777));
    CHILD({
        OK(setresgid(65534, 65534, 65534));
        OK(setresuid(65534, 65534, 65534));
        make("d/x", 02775);
        make("d/y", 02765);
        OK(mkdir("d/z", 0755));
    });
    OK(stat("d/x", &st));
    EQ(st.st_gid, 5);
    EQ(st.st_mode, S_IFREG | 0775);
    OK(stat("d/y", &st));
    EQ(st.st_mode, S_IFREG | 02765); /* no program for the group */
    OK(stat("d/z", &st));
    EQ(st.st_mode, S_IFDIR | 02755);
    make("d/root", 02775);
    OK(stat("d/root", &st));
    EQ(st.st_mode, S_IFREG | 02775);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
