/* SPDX-License-Identifier: MIT
 *
 * What may be in the way in a directory that everybody writes, such as /tmp: links of others are not
 * followed, files and pipes of others not taken for one's own (/proc/sys/fs/protected_*).
 */
#include "tests/user/t.h"
#include <sys/ioctl.h>

#define USER  1000
#define OTHER 1001

static int setting(const char *name)
{
    char path[64], c = '0';
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", name);
    fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, &c, 1) != 1)
        FAIL("%s: %s", path, strerror(errno));
    close(fd);
    return c - '0';
}

/* Only inside Tessera: this machine's setting stays as it is. */
static void set(const char *name, char value)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", name);
    fd = open(path, O_WRONLY);
    CHECK(fd >= 0 && write(fd, &value, 1) == 1);
    close(fd);
}

/* d: everybody's; in it a file, a pipe and links of OTHER, and a file of the owner of d. */
static void prepare(mode_t mode)
{
    if (geteuid() != 0)
        SKIP("needs root");
    OK(chmod(".", 0755));
    OK(mkdir("d", 0700));
    close(t_make("target", "abc"));
    OK(chmod("target", 0666));
    close(t_make("d/file", "abc"));
    close(t_make("d/root", "abc"));
    OK(mkfifo("d/pipe", 0666));
    OK(symlink("../target", "d/link"));
    OK(symlink("..", "d/up"));
    OK(symlink("../target", "d/roots"));
    OK(symlink("d/link", "to-link"));
    for (const char **name = (const char *[]){"d/file", "d/pipe", "d/link", "d/up", NULL};
         *name; name++)
        OK(lchown(*name, OTHER, OTHER));
    OK(chmod("d/file", 0666));
    OK(chmod("d/root", 0666));
    OK(chmod("d/pipe", 0666));
    OK(chown("d", 0, USER));
    OK(chmod("d", mode));
}

static void as(uid_t uid)
{
    OK(setresgid(uid, uid, uid));
    OK(setresuid(uid, uid, uid));
}

static void opens(const char *name, int flags)
{
    int fd = open(name, flags, 0600);

    if (fd < 0)
        FAIL("open %s %#x: %s", name, flags, strerror(errno));
    close(fd);
}

TEST(links,
     "a link of another in a sticky directory is not followed where it ends the name")
{
    struct stat st;

    prepare(01777);
    if (!setting("symlinks"))
        SKIP("protected_symlinks is 0");
    CHILD(as(USER); ERR(open("d/link", O_RDONLY), EACCES);
          ERR(stat("d/link", &st), EACCES); ERR(chdir("d/up"), EACCES);
          ERR(open("to-link", O_RDONLY), EACCES); ERR(open("d/up/", O_RDONLY), EACCES);
          opens("d/up/target", O_RDONLY); opens("d/roots", O_RDONLY);
          OK(lstat("d/link", &st)));
    CHILD(as(OTHER); opens("d/link", O_RDONLY));
    ERR(open("d/link", O_RDONLY), EACCES); /* no capability goes past it */
    OK(chmod("d", 0777));
    CHILD(as(USER); opens("d/link", O_RDONLY));
    OK(chmod("d", 01775)); /* who could trick has to be of the group */
    CHILD(as(USER); opens("d/link", O_RDONLY));
    if (!t_tessera)
        return;
    OK(chmod("d", 01777));
    set("symlinks", '0');
    CHILD(as(USER); opens("d/link", O_RDONLY));
    set("symlinks", '1');
}

TEST(files, "O_CREAT does not open a file or a pipe of another in a sticky directory")
{
    int made = O_RDWR | O_CREAT | O_NONBLOCK;

    prepare(01777);
    if (!setting("regular") || !setting("fifos"))
        SKIP("protected_regular or protected_fifos is 0");
    CHILD(as(USER); ERR(open("d/file", made, 0600), EACCES);
          ERR(open("d/pipe", made, 0600), EACCES); opens("d/file", O_RDWR | O_NONBLOCK);
          opens("d/pipe", O_RDWR | O_NONBLOCK); opens("d/root", made);
          opens("d/new", made); opens("d/new", made);
          ERR(open("d/file", made | O_EXCL, 0600), EEXIST));
    ERR(open("d/file", made, 0600), EACCES);
    OK(chmod("d", 0777));
    CHILD(as(USER); opens("d/file", made); opens("d/pipe", made));
}

TEST(levels, "at 2 a directory that its group writes is protected, too")
{
    int made = O_RDWR | O_CREAT | O_NONBLOCK;

    prepare(01775);
    if (!t_tessera)
        SKIP("this machine's settings stay");
    EQ(setting("regular"), 2);
    EQ(setting("fifos"), 1);
    CHILD(as(USER); ERR(open("d/file", made, 0600), EACCES); opens("d/pipe", made));
    set("fifos", '2');
    set("regular", '1');
    CHILD(as(USER); opens("d/file", made); ERR(open("d/pipe", made, 0600), EACCES));
    OK(chmod("d", 01777));
    set("fifos", '0');
    set("regular", '0');
    CHILD(as(USER); opens("d/file", made); opens("d/pipe", made));
    set("fifos", '1');
    set("regular", '2');
}

TEST(block_size, "FIGETBSZ of every file: the size of its file system's blocks")
{
    int fds[2], n = 0;

    OK(pipe(fds));
    OK(ioctl(fds[0], 2, &n));
    EQ(n, P);
    n = 0;
    OK(ioctl(t_make("f", "a"), 2, &n));
    EQ(n, P);
    ERR(ioctl(fds[0], 2, 8), EFAULT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
