/* SPDX-License-Identifier: MIT
 *
 * name_to_handle_at and open_by_handle_at: a file of a memory file system by its number.
 */
#include "tests/user/t.h"

struct handle {
    unsigned bytes;
    int type;
    unsigned char body[128];
};

static long handle_of(int dir, const char *name, struct handle *h, int flags)
{
    int mount = -1;

    return syscall(SYS_name_to_handle_at, dir, name, h, &mount, flags);
}

static long open_handle(int on, const struct handle *h, int flags)
{
    return syscall(SYS_open_by_handle_at, on, h, flags);
}

/* The open file is the one of that name. */
static void is(long fd, const char *name)
{
    struct stat a, b;

    OK(fd);
    OK(fstat((int)fd, &a));
    OK(lstat(name, &b));
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    close((int)fd);
}

static void may(void)
{
    struct handle h = {.bytes = 128};

    if (geteuid() != 0)
        SKIP("needs root");
    if (handle_of(AT_FDCWD, ".", &h, 0) < 0 && errno == EOPNOTSUPP)
        SKIP("this file system has no handles");
}

TEST(found, "a file is opened by its handle, wherever it has gone to meanwhile")
{
    struct handle h = {.bytes = 128}, d = {.bytes = 128};
    int dir;

    may();
    OK(mkdir("a", 0700));
    OK(mkdir("a/b", 0700));
    OK(mkdir("a/c", 0700));
    close(t_make("a/b/f", "abc"));
    OK(handle_of(AT_FDCWD, "a/b/f", &h, 0));
    CHECK(h.bytes >= 8 && h.bytes < 128);
    is(open_handle(AT_FDCWD, &h, O_RDWR), "a/b/f");
    OK(rename("a/b/f", "a/c/g"));
    dir = open("a", O_RDONLY | O_DIRECTORY);
    is(open_handle(dir, &h, O_RDONLY), "a/c/g");
    OK(handle_of(dir, "", &d, AT_EMPTY_PATH));
    is(open_handle(AT_FDCWD, &d, O_RDONLY), "a");
    ERR(open_handle(AT_FDCWD, &d, O_WRONLY), EISDIR);
    OK(unlink("a/c/g"));
    ERR(open_handle(dir, &h, O_RDONLY), ESTALE);
}

TEST(links, "a link has a handle of its own; AT_SYMLINK_FOLLOW means the file")
{
    struct handle h = {.bytes = 128};

    may();
    close(t_make("f", "abc"));
    OK(symlink("f", "link"));
    OK(handle_of(AT_FDCWD, "link", &h, 0));
    ERR(open_handle(AT_FDCWD, &h, O_RDONLY), ELOOP);
    is(open_handle(AT_FDCWD, &h, O_PATH), "link");
    h.bytes = 128;
    OK(handle_of(AT_FDCWD, "link", &h, AT_SYMLINK_FOLLOW));
    is(open_handle(AT_FDCWD, &h, O_RDONLY), "f");
}

TEST(refused, "what the two calls refuse")
{
    struct handle h = {.bytes = 0}, longer = {.bytes = 129};
    int mount, fds[2];

    may();
    close(t_make("f", "abc"));
    ERR(handle_of(AT_FDCWD, "f", &h, 0), EOVERFLOW);
    CHECK(h.bytes >= 8 && h.bytes < 128); /* what it takes */
    ERR(handle_of(AT_FDCWD, "f", &longer, 0), EINVAL);
    ERR(handle_of(AT_FDCWD, "f", &h, AT_SYMLINK_NOFOLLOW), EINVAL);
    ERR(handle_of(AT_FDCWD, "none", &h, 0), ENOENT);
    ERR(handle_of(AT_FDCWD, "", &h, 0), ENOENT);
    ERR(handle_of(-1, "f", &h, 0), EBADF);
    ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", 8, &mount, 0), EFAULT);
    ERR(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, 8, 0), EFAULT);
    OK(handle_of(AT_FDCWD, "/dev/zero", &h, 0));
    is(open_handle(open("/dev", O_RDONLY), &h, O_RDONLY), "/dev/zero");
    h.bytes = 128;
    OK(pipe(fds));
    ERR(handle_of(fds[0], "", &h, AT_EMPTY_PATH), EOPNOTSUPP);
    OK(handle_of(AT_FDCWD, "f", &h, 0));
    ERR(open_handle(-1, &h, O_RDONLY), EBADF);
    ERR(open_handle(AT_FDCWD, &longer, O_RDONLY), EINVAL);
    ERR(syscall(SYS_open_by_handle_at, AT_FDCWD, 8, O_RDONLY), EFAULT);
    longer.bytes = 0;
    ERR(open_handle(AT_FDCWD, &longer, O_RDONLY), EINVAL);
    CHILD(OK(setresuid(1000, 1000, 1000)); OK(handle_of(AT_FDCWD, "f", &h, 0));
          ERR(open_handle(AT_FDCWD, &h, O_RDONLY), EPERM));
}

/* Of later Linux than others here. */
#define MNT_ID_UNIQUE 0x1
#define CONNECTABLE   0x2
#define FID           0x200

static uint64_t unique_of(const char *name)
{
    unsigned char x[256];

    OK(syscall(SYS_statx, AT_FDCWD, name, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, x));
    return *(uint32_t *)x & 0x4000 ? *(uint64_t *)(x + 0x90) : 0;
}

TEST(flags, "handles to be compared, and the number of a mount that is not given again")
{
    struct handle h = {.bytes = 128}, fid = {.bytes = 128};
    uint64_t mount = ~0ull, unique;

    may();
    close(t_make("f", "abc"));
    unique = unique_of("f");
    if (handle_of(AT_FDCWD, "f", &fid, FID) < 0 && errno == EINVAL && !t_tessera)
        SKIP("an older Linux");
    OK(handle_of(AT_FDCWD, "f", &h, 0));
    CHECK(h.bytes == fid.bytes && !memcmp(h.body, fid.body, h.bytes));
    ERR(handle_of(AT_FDCWD, "f", &h, FID | CONNECTABLE), EINVAL);
    ERR(handle_of(AT_FDCWD, "", &h, AT_EMPTY_PATH | CONNECTABLE), EINVAL);
    if (!unique)
        SKIP("an older Linux");
    h.bytes = 128;
    OK(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &mount, MNT_ID_UNIQUE));
    CHECK(mount == unique);
    CHECK(unique_of("/proc") != unique);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
