/* SPDX-License-Identifier: MIT
 *
 * Names: unlink, links, symbolic links, rename, reading directories, the working directory.
 */
#include "tests/user/t.h"
#include <dirent.h>

TEST(unlink, "unlink while open")
{
    struct stat st;
    int fd = t_make("file", "abc");
    OK(unlink("file"));
    ERR(unlink("file"), ENOENT);
    ERR(stat("file", &st), ENOENT);
    OK(fstat(fd, &st));
    EQ(st.st_nlink, 0);
    EQ(write(fd, "def", 3), 3);
    t_contains(fd, "abcdef");
    OK(mkdir("dir", 0755));
    ERR(unlink("dir"), EISDIR);
    ERR(rmdir("none"), ENOENT);
    close(t_make("dir/inside", ""));
    ERR(rmdir("dir"), ENOTEMPTY);
    ERR(rmdir("dir/inside"), ENOTDIR);
    ERR(rmdir("dir/."), EINVAL);
    OK(unlink("dir/inside"));
    OK(rmdir("dir"));
}

TEST(link, "hard links")
{
    struct stat a, b;
    int fd = t_make("one", "abc");
    OK(link("one", "two"));
    OK(stat("one", &a));
    OK(stat("two", &b));
    EQ(a.st_ino, b.st_ino);
    EQ(a.st_nlink, 2);
    OK(unlink("one"));
    int other = open("two", O_RDONLY);
    EQ(pwrite(fd, "X", 1, 0), 1);
    t_contains(other, "Xbc");
    ERR(link("none", "three"), ENOENT);
    ERR(link("two", "two"), EEXIST);
    OK(mkdir("dir", 0755));
    ERR(link("dir", "dir2"), EPERM);
}

TEST(symlink, "symbolic links")
{
    char buf[64];
    struct stat st;
    close(t_make("file", "abc"));
    OK(mkdir("dir", 0755));
    OK(symlink("file", "soft"));
    OK(symlink("../file", "dir/up"));
    OK(symlink("dir", "sdir"));
    EQ(readlink("soft", buf, sizeof(buf)), 4);
    EQ(memcmp(buf, "file", 4), 0);
    EQ(readlink("soft", buf, 2), 2);
    ERR(readlink("file", buf, 10), EINVAL);
    ERR(syscall(SYS_readlink, "soft", buf, 0), EINVAL);
    OK(lstat("soft", &st));
    CHECK(S_ISLNK(st.st_mode));
    EQ(st.st_size, 4);
    OK(stat("soft", &st));
    CHECK(S_ISREG(st.st_mode));
    OK(open("sdir/up", O_RDONLY));
    ERR(open("soft", O_RDONLY | O_NOFOLLOW), ELOOP);
    ERR(symlink("x", "soft"), EEXIST);
    OK(symlink("nowhere", "dangling"));
    ERR(open("dangling", O_RDONLY), ENOENT);
    int fd = open("dangling", O_RDWR | O_CREAT, 0644);
    OK(fd);
    OK(stat("nowhere", &st));
    ERR(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    OK(unlink("soft"));
    OK(stat("file", &st));
}

TEST(rename, "rename")
{
    struct stat st;
    int a = t_make("a", "aaa");
    close(t_make("b", "bbb"));
    OK(rename("a", "b"));
    ERR(stat("a", &st), ENOENT);
    int b = open("b", O_RDONLY);
    t_contains(b, "aaa");
    t_contains(a, "aaa");
    OK(mkdir("d1", 0755));
    OK(mkdir("d2", 0755));
    OK(rename("b", "d1/b"));
    OK(rename("d1", "d2/d1"));
    OK(stat("d2/d1/b", &st));
    ERR(rename("d2", "d2/d1/x"), EINVAL);
    ERR(rename("none", "x"), ENOENT);
    ERR(rename("d2/d1/b", "d2"), ENOTEMPTY);
    close(t_make("file", ""));
    ERR(rename("d2", "file"), ENOTDIR);
    OK(mkdir("empty", 0755));
    ERR(rename("file", "empty"), EISDIR);
    OK(rename("d2/d1", "empty"));
    OK(mkdir("empty2", 0755));
    ERR(rename("empty2", "empty"), ENOTEMPTY);
    OK(rename("file", "file"));
    OK(link("file", "same"));
    OK(rename("file", "same"));
    OK(stat("file", &st));
    EQ(st.st_nlink, 2);
}

TEST(rename_open, "rename over an open, mapped file")
{
    int fd = t_make("old", "");
    OK(ftruncate(fd, 4 * P));
    t_tag_pages(fd, 0, 4);
    M(fd, 4);
    close(t_make("new", "n"));
    OK(rename("new", "old"));
    LINEAR(4);
    OK(close(fd));
    LINEAR(4);
}

/* Every name exactly once, whatever the buffer; names may vanish between two calls. */
TEST(getdents, "getdents64")
{
    static char buf[512] __attribute__((aligned(8)));
    bool seen[100] = {false};
    int found = 0, dots = 0;
    OK(mkdir("dir", 0755));
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "dir/file%d", i);
        close(t_make(name, ""));
    }
    int fd = open("dir", O_RDONLY | O_DIRECTORY);
    OK(fd);
    for (long n; (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0;) {
        for (long at = 0; at < n;) {
            struct dirent *d = (struct dirent *)(buf + at);
            EQ(d->d_reclen % 8, 0);
            at += d->d_reclen;
            if (d->d_name[0] == '.') {
                EQ(d->d_type, DT_DIR);
                dots++;
                continue;
            }
            EQ(d->d_type, DT_REG);
            int i = atoi(d->d_name + 4);
            CHECK(i >= 0 && i < 100 && !seen[i]);
            seen[i] = true;
            found++;
        }
    }
    EQ(found, 100);
    EQ(dots, 2);
    EQ(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0);
    EQ(lseek(fd, 0, SEEK_SET), 0);
    ERR(syscall(SYS_getdents64, fd, buf, 10), EINVAL);
    CHECK(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
    ERR(syscall(SYS_getdents64, t_make("plain", ""), buf, sizeof(buf)), ENOTDIR);
}

TEST(dirs, "chdir, getcwd, .., *at calls")
{
    char cwd[256], want[300];
    OK(mkdir("dir", 0755));
    OK(chdir("dir"));
    CHECK(getcwd(cwd, sizeof(cwd)));
    snprintf(want, sizeof(want), "%s/dir", t_dir);
    EQ(strcmp(cwd, want), 0);
    ERR(syscall(SYS_getcwd, cwd, 3), ERANGE);
    close(t_make("inside", "x"));
    OK(chdir(".."));
    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    struct stat st;
    OK(fstatat(dir, "inside", &st, 0));
    OK(fstatat(dir, "../dir/./inside", &st, 0));
    OK(fchdir(dir));
    OK(stat("inside", &st));
    OK(unlinkat(dir, "inside", 0));
    OK(chdir("../../../../../../../../../../.."));
    CHECK(getcwd(cwd, sizeof(cwd)));
    EQ(strcmp(cwd, "/"), 0);
    ERR(chdir("/none"), ENOENT);
    ERR(mkdir("/", 0755), EEXIST);
    ERR(rmdir("/"), EBUSY);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
