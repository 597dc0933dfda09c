/* SPDX-License-Identifier: MIT
 *
 * Times of files as they are read: relative access times, which follow when they are not
 * newer than the last change.
 */
#include "tests/user/t.h"
#include <dirent.h>

#ifndef O_NOATIME
#define O_NOATIME 01000000
#endif

static const char *dir;

static const char *in(const char *name)
{
    static char path[4][96];
    static int at;
    char *p = path[at++ % 4];

    snprintf(p, 96, "%s/%s", dir, name);
    return p;
}

/* On the host /tmp may be any file system; this one is a tmpfs there and here. */
static void make_dir(void)
{
    static char name[64];

    snprintf(name, sizeof(name), "%s/t_times.%d",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
    dir = name;
    OK(mkdir(dir, 0700));
}

/* Linux takes file times from a clock of ticks. */
static void tick(void)
{
    nanosleep(&(struct timespec){0, 12000000}, NULL);
}

static int64_t ns(struct timespec t)
{
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t atime(int fd)
{
    struct stat st;

    OK(fstat(fd, &st));
    return ns(st.st_atim);
}

static int64_t mtime(int fd)
{
    struct stat st;

    OK(fstat(fd, &st));
    return ns(st.st_mtim);
}

/* Whether `call` moves the access time of fd, a little later. */
#define MOVES(fd, call)              \
    ({                               \
        int64_t before_ = atime(fd); \
        tick();                      \
        OK(call);                    \
        atime(fd) != before_;        \
    })

TEST(read, "reads and mappings move the access time once after each change")
{
    char b[8];

    make_dir();
    int fd = open(in("f"), O_RDWR | O_CREAT, 0600);
    OK(fd);
    EQ(MOVES(fd, read(fd, b, 1)), true);
    EQ(MOVES(fd, read(fd, b, 1)), false);
    tick();
    EQ(write(fd, "abc", 3), 3);
    EQ(MOVES(fd, pread(fd, b, 1, 0)), true);
    EQ(MOVES(fd, pread(fd, b, 1, 0)), false);
    tick();
    OK(fchmod(fd, 0640));
    EQ(MOVES(fd, pread(fd, b, 1, 0)), true);
    tick();
    EQ(write(fd, "abc", 3), 3);
    int64_t before = atime(fd);
    tick();
    char *p = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK(atime(fd) != before);
    tick();
    EQ(write(fd, "abc", 3), 3);
    int quiet = open(in("f"), O_RDONLY | O_NOATIME);
    OK(quiet);
    EQ(MOVES(fd, read(quiet, b, 1)), false);
    EQ(MOVES(fd, pread(fd, b, 1, 0)), true);
    struct timespec old[2] = {{1000000000, 0}, {900000000, 0}};
    OK(futimens(fd, old));
    EQ(MOVES(fd, pread(fd, b, 1, 0)), true);
    munmap(p, P);
    close(quiet);
    close(fd);
    OK(unlink(in("f")));
    OK(rmdir(dir));
}

TEST(nameless, "a file without a name has access times")
{
    char b;
    int fd = memfd_create("times", 0);

    OK(fd);
    EQ(MOVES(fd, read(fd, &b, 1)), true);
    EQ(MOVES(fd, read(fd, &b, 1)), true); /* its times are not relative */
}

/* Whether `act` moves the time of the contents of fd, and that of its state the same way. */
#define WRITES(fd, act)                                                             \
    ({                                                                              \
        struct stat s0_, s1_;                                                       \
        tick();                                                                     \
        OK(fstat(fd, &s0_));                                                        \
        tick();                                                                     \
        act;                                                                        \
        tick();                                                                     \
        OK(fstat(fd, &s1_));                                                        \
        EQ(ns(s0_.st_mtim) == ns(s1_.st_mtim), ns(s0_.st_ctim) == ns(s1_.st_ctim)); \
        ns(s0_.st_mtim) != ns(s1_.st_mtim);                                         \
    })

static void mapped_writes(int fd)
{
    static const char text[] = "text";
    struct timespec old[2] = {{1000000000, 0}, {900000000, 0}}, before;
    struct stat st;
    char b;

    OK(ftruncate(fd, 64 * P));
    volatile char *m = mmap(NULL, 64 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED);
    EQ(WRITES(fd, (void)m[0]), false);
    EQ(WRITES(fd, m[17 * P] = 1), true);
    EQ(WRITES(fd, m[17 * P] = 2), false); /* no fault */
    EQ(WRITES(fd, m[40 * P] = 1), true);
    int dev = open("/dev/zero", O_RDONLY);
    OK(dev);
    EQ(WRITES(fd, read(dev, (char *)m + 50 * P, 5)), true);
    EQ(WRITES(fd, OK(msync((char *)m, 64 * P, MS_SYNC))), false);
    EQ(WRITES(fd, OK(madvise((char *)m, P, MADV_REMOVE))), true);
    EQ(WRITES(fd, m[0] = 1), true);

    volatile char *own = mmap(NULL, 64 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(own != MAP_FAILED);
    EQ(WRITES(fd, own[3 * P] = 1), false);

    /* The moment is that of the write, not that of the look. */
    m[20 * P] = 1;
    OK(clock_gettime(CLOCK_REALTIME, &before));
    tick();
    OK(fstat(fd, &st));
    CHECK(ns(st.st_mtim) <= ns(before));
    EQ(pread(fd, &b, 1, 0), 1);
    m[21 * P] = 1;
    EQ(MOVES(fd, pread(fd, &b, 1, 0)), true); /* relative to this write too */
    /* A time that is set afterwards stays. */
    m[22 * P] = text[0];
    OK(futimens(fd, old));
    OK(fstat(fd, &st));
    EQ(st.st_mtim.tv_sec, 900000000);
    /* Written by a child, seen by the parent. */
    tick();
    pid_t child = fork();
    if (!child) {
        m[23 * P] = 1;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    OK(fstat(fd, &st));
    CHECK(st.st_mtim.tv_sec != 900000000);
    close(dev);
    munmap((char *)m, 64 * P);
    munmap((char *)own, 64 * P);
}

TEST(mapped, "a write through a shared mapping moves the times of the contents")
{
    int fd = memfd_create("written", 0);

    OK(fd);
    mapped_writes(fd);
    close(fd);
    make_dir();
    fd = open(in("f"), O_RDWR | O_CREAT, 0600);
    OK(fd);
    mapped_writes(fd);
    close(fd);
    OK(unlink(in("f")));
    OK(rmdir(dir));
}

TEST(names, "listing a directory and reading or following a link move theirs")
{
    struct stat st;
    char b[8];

    make_dir();
    int d = open(dir, O_RDONLY | O_DIRECTORY);
    OK(symlink(".", in("link")));
    int l = open(in("link"), O_PATH | O_NOFOLLOW);
    CHECK(d >= 0 && l >= 0);
    DIR *list = fdopendir(dup(d));
    CHECK(list != NULL);
    EQ(MOVES(d, readdir(list) ? 0 : -1), true);
    rewinddir(list);
    EQ(MOVES(d, readdir(list) ? 0 : -1), false);
    EQ(MOVES(l, readlink(in("link"), b, sizeof(b))), true);
    EQ(MOVES(l, readlink(in("link"), b, sizeof(b))), false);
    close(l);
    OK(unlink(in("link")));
    OK(symlink(".", in("link")));
    l = open(in("link"), O_PATH | O_NOFOLLOW);
    EQ(MOVES(l, stat(in("link"), &st)), true);
    OK(unlink(in("link")));
    closedir(list);
    OK(rmdir(dir));
}

TEST(size, "a change of the size moves the time of the contents, the same size too")
{
    make_dir();
    int fd = open(in("f"), O_RDWR | O_CREAT, 0600);
    OK(fd);
    int64_t before = mtime(fd);
    tick();
    OK(ftruncate(fd, 100));
    CHECK(mtime(fd) != before);
    before = mtime(fd);
    tick();
    OK(ftruncate(fd, 100));
    CHECK(mtime(fd) != before);
    OK(unlink(in("f")));
    OK(rmdir(dir));
}

TEST(set, "files are dated by the clock as somebody has set it")
{
    struct timespec now;
    struct stat st;
    int fd = memfd_create("times", 0);

    if (!t_tessera)
        SKIP("the host's clock is the host's");
    OK(fd);
    OK(clock_gettime(CLOCK_REALTIME, &now));
    now.tv_sec += 100000;
    OK(clock_settime(CLOCK_REALTIME, &now));
    EQ(write(fd, "text", 4), 4);
    OK(fstat(fd, &st));
    CHECK(ns(st.st_mtim) >= ns(now));
    volatile char *m = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(m != MAP_FAILED);
    OK(clock_gettime(CLOCK_REALTIME, &now));
    m[0] = 1;
    OK(fstat(fd, &st));
    CHECK(ns(st.st_mtim) >= ns(now));
    OK(clock_gettime(CLOCK_REALTIME, &now));
    CHECK(ns(st.st_mtim) <= ns(now));
    now.tv_sec -= 100000;
    OK(clock_settime(CLOCK_REALTIME, &now));
    OK(futimens(fd, NULL));
    OK(fstat(fd, &st));
    CHECK(ns(st.st_mtim) >= ns(now) && st.st_mtim.tv_sec < now.tv_sec + 50000);
    OK(munmap((void *)m, P));
    OK(close(fd));
}

TEST(before_1970, "times before 1970 are kept, to the nanosecond")
{
    const struct timespec set[2] = {{-14245441, 750000000}, {-1, 999999999}};
    const struct timespec later[2] = {{1, 0}, {-5000000000, 0}};
    struct stat st;
    int fd = t_make("old", "x");

    OK(futimens(fd, set));
    OK(fstat(fd, &st));
    EQ(st.st_atim.tv_sec, -14245441);
    EQ(st.st_atim.tv_nsec, 750000000);
    EQ(st.st_mtim.tv_sec, -1);
    EQ(st.st_mtim.tv_nsec, 999999999);
    CHECK(st.st_ctim.tv_sec > 0);
    OK(futimens(fd, later));
    OK(fstat(fd, &st));
    EQ(st.st_atim.tv_sec, 1);
    EQ(st.st_mtim.tv_sec, -5000000000);
    EQ(write(fd, "y", 1), 1); /* the ordinary times go on from there */
    OK(fstat(fd, &st));
    CHECK(st.st_mtim.tv_sec > 0);
}

/* The names in this directory changed `when`. */
static bool dated(const char *name, struct timespec when)
{
    struct stat st;

    OK(stat(name, &st));
    return ns(st.st_mtim) == ns(when) && ns(st.st_ctim) == ns(when);
}

TEST(one_moment, "one call leaves one moment in all the times that it sets")
{
    struct stat st;
    char from[96], to[96];

    make_dir();
    strcpy(from, in("f"));
    int fd = open(from, O_CREAT | O_RDWR, 0600);
    OK(fd);
    OK(close(fd));
    OK(stat(from, &st));
    CHECK(ns(st.st_atim) == ns(st.st_mtim) && ns(st.st_mtim) == ns(st.st_ctim));
    tick();
    OK(utimensat(AT_FDCWD, from, NULL, 0));
    OK(stat(from, &st));
    EQ(ns(st.st_atim), ns(st.st_ctim));
    EQ(ns(st.st_mtim), ns(st.st_ctim));
    tick();
    OK(utimensat(AT_FDCWD, from, (struct timespec[2]){{0, UTIME_NOW}, {7, 0}}, 0));
    OK(stat(from, &st));
    EQ(ns(st.st_atim), ns(st.st_ctim));
    EQ(st.st_mtim.tv_sec, 7);
    tick();
    OK(mkdir(in("d"), 0700));
    strcpy(to, in("d/f"));
    OK(rename(from, to));
    OK(lstat(to, &st)); /* Linuxes since 6.13 take the time anew for each file */
    CHECK(!t_tessera || (dated(dir, st.st_ctim) && dated(in("d"), st.st_ctim)));
    OK(link(to, from));
    OK(lstat(to, &st));
    CHECK(!t_tessera || dated(dir, st.st_ctim));
    OK(unlink(from));
    OK(lstat(to, &st));
    CHECK(!t_tessera || dated(dir, st.st_ctim));
    OK(mkdir(from, 0700));
    OK(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 2 /* RENAME_EXCHANGE */));
    OK(lstat(to, &st));
    CHECK(!t_tessera || (dated(dir, st.st_ctim) && dated(in("d"), st.st_ctim)));
    int64_t moment = ns(st.st_ctim);
    OK(lstat(from, &st));
    CHECK(!t_tessera || ns(st.st_ctim) == moment);
    OK(unlink(from));
    OK(rmdir(to));
    OK(rmdir(in("d")));
    OK(rmdir(dir));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
