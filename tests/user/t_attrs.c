/* SPDX-License-Identifier: MIT
 *
 * FS_IOC_GETFLAGS and FS_IOC_SETFLAGS: files that nobody changes, and files that only grow.
 */
#include "tests/user/t.h"
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define GET       0x80086601ul
#define SET       0x40086602ul
#define IMMUTABLE 0x10u
#define APPEND    0x20u
#define NODUMP    0x40u

static long set(const char *name, unsigned attrs)
{
    int fd = open(name, O_RDONLY);
    long result;

    OK(fd);
    result = ioctl(fd, SET, &attrs);
    close(fd);
    return result;
}

static unsigned get(const char *name)
{
    unsigned attrs = 99;
    int fd = open(name, O_RDONLY);

    OK(fd);
    OK(ioctl(fd, GET, &attrs));
    close(fd);
    return attrs & (IMMUTABLE | APPEND | NODUMP);
}

static void may(void)
{
    unsigned attrs;

    if (geteuid() != 0)
        SKIP("needs root");
    OK(mkdir("d", 0755));
    close(t_make("f", "abc"));
    close(t_make("d/f", "abc"));
    if (ioctl(open("f", O_RDONLY), GET, &attrs) < 0 && errno == ENOTTY)
        SKIP("this file system has none");
}

/* The child's word, once nothing is in the way of who cleans up. */
static void judge(pid_t pid)
{
    int status = t_status_of(pid);

    OK(set("f", 0));
    OK(set("d", 0));
    EQ(status, 0);
}

static void unchanged(const char *name)
{
    const struct timespec times[2] = {{1, 0}, {1, 0}};

    ERR(chmod(name, 0600), EPERM);
    ERR(chown(name, 1, 1), EPERM);
    ERR(utimensat(AT_FDCWD, name, times, 0), EPERM);
    ERR(setxattr(name, "user.a", "b", 1, 0), EPERM);
    ERR(link(name, "other"), EPERM);
    ERR(rename(name, "other"), EPERM);
}

TEST(immutable, "an immutable file keeps contents, names and attributes, from root too")
{
    pid_t pid;

    may();
    pid = t_fork();
    if (!pid) {
        int fd = open("f", O_RDWR);
        OK(set("f", IMMUTABLE));
        EQ(get("f"), IMMUTABLE);
        ERR(open("f", O_RDWR), EPERM);
        ERR(open("f", O_WRONLY | O_APPEND), EPERM);
        ERR(access("f", W_OK), EPERM);
        ERR(truncate("f", 1), EPERM);
        unchanged("f");
        ERR(unlink("f"), EPERM);
        ERR(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
        ERR(fallocate(fd, 0, 0, 10), EPERM);
        EQ(write(fd, "x", 1), 1); /* who has it open goes on */
        OK(set("d", IMMUTABLE));
        ERR(open("d/new", O_RDWR | O_CREAT, 0600), EPERM);
        ERR(unlink("d/f"), EPERM);
        ERR(rmdir("d"), EPERM);
        _exit(0);
    }
    judge(pid);
}

TEST(append, "an append-only file grows, and an append-only directory")
{
    pid_t pid;

    may();
    pid = t_fork();
    if (!pid) {
        int fd;
        OK(set("f", APPEND));
        ERR(open("f", O_RDWR), EPERM);
        ERR(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
        fd = open("f", O_RDWR | O_APPEND);
        OK(fd);
        EQ(write(fd, "def", 3), 3);
        ERR(fcntl(fd, F_SETFL, 0), EPERM);
        OK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
        ERR(ftruncate(fd, 1), EPERM);
        ERR(truncate("f", 10), EPERM);
        ERR(mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0), EACCES);
        CHECK(mmap(NULL, P, PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
        ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EPERM);
        unchanged("f");
        OK(utimensat(AT_FDCWD, "f", NULL, 0));
        t_contains(fd, "abcdef");
        OK(set("d", APPEND));
        close(t_make("d/new", "abc"));
        ERR(unlink("d/new"), EPERM);
        ERR(rename("d/f", "d/g"), EPERM);
        _exit(0);
    }
    judge(pid);
}

TEST(rights, "who may set them, and what may be set")
{
    struct stat before, after;
    unsigned attrs;
    int fd;

    may();
    OK(chmod(".", 0755));
    OK(stat("f", &before));
    OK(set("f", NODUMP));
    EQ(get("f"), NODUMP);
    OK(stat("f", &after));
    CHECK(before.st_ino == after.st_ino);
    OK(set("d", NODUMP));
    close(t_make("d/new", "abc"));
    EQ(get("d/new"), NODUMP); /* handed on */
    fd = open("f", O_RDONLY);
    ERR(ioctl(fd, SET, 8), EFAULT);
    ERR(ioctl(fd, GET, 8), EFAULT);
    CHILD(OK(setresuid(1000, 1000, 1000)); ERR(set("f", 0), EPERM));
    OK(chown("f", 1000, 1000));
    CHILD(OK(setresuid(1000, 1000, 1000)); OK(set("f", 0)); OK(set("f", NODUMP));
          ERR(set("f", IMMUTABLE), EPERM); ERR(set("f", APPEND | NODUMP), EPERM));
    EQ(get("f"), NODUMP);
    int fds[2];
    OK(pipe(fds));
    ERR(ioctl(fds[0], GET, &attrs), ENOTTY);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
