/* SPDX-License-Identifier: MIT
 *
 * Limits of a tmpfs: pages, inodes, names; what statfs says of them; remounts that move them.
 * On Linux each case works in a mount namespace of its own.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static void private_mounts(void)
{
    if (t_tessera)
        return;
    if (geteuid() != 0)
        SKIP("needs root");
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        SKIP("no mount namespace: %s", strerror(errno));
}

static void tmpfs_with(const char *options)
{
    private_mounts();
    OK(mkdir("lim", 0755));
    OK(mount("label", "lim", "tmpfs", 0, options));
}

static void done(void)
{
    OK(umount("lim"));
    OK(rmdir("lim"));
}

static struct statfs figures(void)
{
    struct statfs st;
    OK(statfs("lim", &st));
    return st;
}

static int make(const char *name)
{
    return open(name, O_RDWR | O_CREAT, 0644);
}

TEST(pages, "size= is kept by write, fallocate and faults, and comes back")
{
    static char text[P];
    int fd;

    tmpfs_with("size=64k");
    EQ(figures().f_blocks, 16);
    EQ(figures().f_bfree, 16);
    OK(fd = make("lim/f"));
    for (int i = 0; i < 15; i++)
        EQ(write(fd, text, P), P);
    EQ(figures().f_bavail, 1);
    ERR(fallocate(fd, 0, 15 * P, 2 * P), ENOSPC);
    EQ(figures().f_bfree, 1);
    EQ(write(fd, text, P), P);
    ERR(write(fd, text, 1), ENOSPC);
    EQ(figures().f_bfree, 0);
    OK(ftruncate(fd, 20 * P));
    A = mmap(NULL, 20 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(A != MAP_FAILED);
    BUS_AT(17);
    OK(munmap(A, 20 * P));
    OK(ftruncate(fd, P));
    EQ(figures().f_bfree, 15);
    close(fd);
    OK(unlink("lim/f"));
    EQ(figures().f_bfree, 16);
    done();
}

TEST(inodes, "nr_inodes= counts files, directories, links, and further names")
{
    int fd;

    tmpfs_with("nr_inodes=6");
    EQ(figures().f_files, 6);
    EQ(figures().f_ffree, 5); /* the root is one */
    OK(fd = make("lim/f"));
    close(fd);
    OK(mkdir("lim/d", 0755));
    OK(symlink("f", "lim/s"));
    OK(link("lim/f", "lim/g"));
    EQ(figures().f_ffree, 1);
    OK(mkfifo("lim/p", 0600));
    ERR(make("lim/x"), ENOSPC);
    ERR(link("lim/f", "lim/h"), ENOSPC);
    ERR(mkdir("lim/x", 0755), ENOSPC);
    ERR(symlink("f", "lim/x"), ENOSPC);
    OK(unlink("lim/g"));
    EQ(figures().f_ffree, 1);
    OK(rename("lim/f", "lim/p"));
    EQ(figures().f_ffree, 2);
    OK(link("lim/p", "lim/q")); /* what umount finds goes with the rest */
    done();
}

TEST(moved, "a remount moves limits, never below what is in use")
{
    static char text[P];
    int fd;

    tmpfs_with("nr_blocks=8,nr_inodes=4,mode=700");
    OK(fd = make("lim/f"));
    for (int i = 0; i < 6; i++)
        EQ(write(fd, text, P), P);
    ERR(mount(NULL, "lim", NULL, MS_REMOUNT, "size=16k"), EINVAL);
    EQ(figures().f_blocks, 8);
    OK(mount(NULL, "lim", NULL, MS_REMOUNT, "size=24k"));
    ERR(write(fd, text, P), ENOSPC);
    OK(mount(NULL, "lim", NULL, MS_REMOUNT, "size=1m,nr_inodes=9"));
    EQ(figures().f_blocks, 256);
    EQ(figures().f_files, 9);
    EQ(write(fd, text, P), P);
    OK(mount(NULL, "lim", NULL, MS_REMOUNT, "size=0"));
    EQ(figures().f_blocks, 0); /* no limit */
    ERR(mount(NULL, "lim", NULL, MS_REMOUNT, "size=1m"), EINVAL);
    close(fd);
    done();
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
