/* SPDX-License-Identifier: MIT
 *
 * Mounts and what they forbid: read-only, no programs, no devices, no set-user-ID; bind
 * mounts, remounts, moves, umount2. On Linux each case works in a mount namespace of its own,
 * so the host sees nothing of it.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* Nothing done from here on is seen outside the case. */
static void private_mounts(void)
{
    if (t_tessera)
        return;
    if (geteuid() != 0)
        SKIP("needs root");
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        SKIP("no mount namespace: %s", strerror(errno));
}

static void tmpfs_at(const char *at, unsigned long flags, const char *options)
{
    OK(mkdir(at, 0755));
    OK(mount("label", at, "tmpfs", flags, options));
}

/* The options in the line of /proc/mounts that ends with this name, or NULL. */
static const char *options_of(const char *name)
{
    static struct t_reader r;
    static char found[256];

    found[0] = 0;
    CHECK(t_open(&r, "/proc/mounts"));
    for (char *l; (l = t_line(&r));) {
        char at[512], options[256];

        if (sscanf(l, "%*s %511s %*s %255s", at, options) == 2 && strrchr(at, '/') &&
            !strcmp(strrchr(at, '/') + 1, name))
            strcpy(found, options);
    }
    return found[0] ? found : NULL;
}

TEST(read_only, "a read-only file system refuses every change with EROFS")
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct statfs st;
    int fd;

    private_mounts();
    tmpfs_at("ro_m", 0, NULL);
    OK(mkdir("ro_m/d", 0755));
    OK(close(open("ro_m/f", O_RDWR | O_CREAT, 0644)));
    OK(mknod("ro_m/null", S_IFCHR | 0666, makedev(1, 3)));
    OK(mount(NULL, "ro_m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    CHECK(options_of("ro_m") && !strncmp(options_of("ro_m"), "ro", 2));
    OK(statfs("ro_m", &st));
    CHECK(st.f_flags & ST_RDONLY);
    OK(fd = open("ro_m/f", O_RDONLY));
    ERR(open("ro_m/f", O_RDWR), EROFS);
    ERR(open("ro_m/f", O_RDONLY | O_TRUNC), EROFS);
    ERR(open("ro_m/new", O_RDWR | O_CREAT, 0644), EROFS);
    ERR(open("ro_m", O_RDWR | O_TMPFILE, 0644), EROFS);
    ERR(mkdir("ro_m/n", 0755), EROFS);
    ERR(mkdir("ro_m/d", 0755), EEXIST);
    ERR(mknod("ro_m/n", S_IFIFO | 0644, 0), EROFS);
    ERR(symlink("x", "ro_m/n"), EROFS);
    ERR(link("ro_m/f", "ro_m/n"), EROFS);
    ERR(unlink("ro_m/f"), EROFS);
    ERR(unlink("ro_m/none"), EROFS);
    ERR(rmdir("ro_m/d"), EROFS);
    ERR(rename("ro_m/f", "ro_m/g"), EROFS);
    ERR(chmod("ro_m/f", 0600), EROFS);
    ERR(fchmod(fd, 0600), EROFS);
    ERR(chown("ro_m/f", 1, 1), EROFS);
    ERR(truncate("ro_m/f", 1), EROFS);
    ERR(utimensat(AT_FDCWD, "ro_m/f", now, 0), EROFS);
    ERR(access("ro_m/f", W_OK), EROFS);
    OK(access("ro_m/null", W_OK));
    OK(close(open("ro_m/null", O_WRONLY)));
    close(fd);
    OK(umount("ro_m"));
}

TEST(busy, "no remount to read-only while a file is open for writing; umount2")
{
    int fd;

    private_mounts();
    tmpfs_at("busy_m", 0, NULL);
    OK(fd = open("busy_m/f", O_RDWR | O_CREAT, 0644));
    ERR(mount(NULL, "busy_m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
    ERR(mount(NULL, "busy_m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
    ERR(umount("busy_m"), EBUSY);
    close(fd);
    OK(mount(NULL, "busy_m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    OK(mount(NULL, "busy_m", NULL, MS_REMOUNT, NULL));
    OK(fd = open("busy_m/f", O_RDWR));
    ERR(umount2("busy_m", MNT_EXPIRE | MNT_FORCE), EINVAL);
    ERR(umount2("busy_m", 0x100), EINVAL);
    OK(umount2("busy_m", MNT_DETACH));
    EQ(write(fd, "x", 1), 1);
    ERR(access("busy_m/f", F_OK), ENOENT);
    close(fd);
    ERR(umount("busy_m"), EINVAL);
    OK(mount("x", "busy_m", "tmpfs", 0, NULL));
    ERR(umount2("busy_m", MNT_EXPIRE), EAGAIN);
    OK(umount2("busy_m", MNT_EXPIRE));
}

TEST(forbids, "noexec, nodev, nosymfollow, and nosuid by its flag")
{
    char buf[4096];
    int in, out, fd;
    ssize_t n;

    private_mounts();
    tmpfs_at("no_m", MS_NOEXEC | MS_NODEV | MS_NOSUID, "mode=711,uid=5,gid=6");
    struct stat st;
    OK(stat("no_m", &st));
    CHECK((st.st_mode & 07777) == 0711 && st.st_uid == 5 && st.st_gid == 6);
    OK(in = open(t_exe, O_RDONLY));
    OK(out = open("no_m/prog", O_WRONLY | O_CREAT, 0755));
    while ((n = read(in, buf, sizeof(buf))) > 0)
        EQ(write(out, buf, (size_t)n), n);
    close(out);
    ERR(execl("no_m/prog", "prog", (char *)NULL), EACCES);
    ERR(access("no_m/prog", X_OK), EACCES);
    OK(fd = open("no_m/prog", O_RDONLY));
    ERR((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED);
    ERR(mprotect(p, 4096, PROT_READ | PROT_EXEC), EACCES);
    OK(munmap(p, 4096));
    close(fd);
    OK(mknod("no_m/null", S_IFCHR | 0666, makedev(1, 3)));
    ERR(open("no_m/null", O_RDONLY), EACCES);
    CHECK(!strncmp(options_of("no_m"), "rw,nosuid,nodev,noexec", 22));
    OK(umount("no_m"));
}

TEST(binds, "a bind mount shows the same files under rights of its own")
{
    int fd;

    private_mounts();
    tmpfs_at("src_m", 0, NULL);
    OK(mkdir("src_m/d", 0755));
    OK(mkdir("dst_m", 0755));
    ERR(mount("none/such", "dst_m", NULL, MS_BIND, NULL), ENOENT);
    OK(mount("src_m/d", "dst_m", NULL, MS_BIND, NULL));
    OK(close(open("dst_m/f", O_RDWR | O_CREAT, 0644)));
    OK(access("src_m/d/f", F_OK));
    ERR(link("src_m/d/f", "dst_m/g"), EXDEV);
    OK(mount(NULL, "dst_m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    ERR(open("dst_m/f", O_RDWR), EROFS);
    OK(close(open("src_m/d/f", O_RDWR)));
    tmpfs_at("src_m/d/sub", 0, NULL);
    OK(close(open("src_m/d/sub/s", O_RDWR | O_CREAT, 0644)));
    ERR(access("dst_m/sub/s", F_OK), ENOENT); /* a mount is seen where it was made */
    OK(umount("dst_m"));
    OK(mount("src_m/d", "dst_m", NULL, MS_BIND | MS_REC, NULL));
    OK(access("dst_m/sub/s", F_OK));
    ERR(umount("dst_m"), EBUSY);
    OK(umount2("dst_m", MNT_DETACH));
    OK(access("src_m/d/sub/s", F_OK));
    OK(fd = open("file_m", O_RDWR | O_CREAT, 0644));
    close(fd);
    ERR(mount("src_m", "file_m", NULL, MS_BIND, NULL), ENOTDIR);
    OK(mount("src_m/d/f", "file_m", NULL, MS_BIND, NULL));
    ERR(unlink("file_m"), t_tessera ? EBUSY : EBUSY);
    OK(umount("file_m"));
    OK(umount("src_m/d/sub"));
    OK(umount("src_m"));
}

TEST(moves, "MS_MOVE; a mount cannot move below itself")
{
    private_mounts();
    tmpfs_at("from_m", 0, NULL);
    OK(mkdir("from_m/in", 0755));
    OK(mkdir("to_m", 0755));
    ERR(mount("from_m", "from_m/in", NULL, MS_MOVE, NULL), ELOOP);
    ERR(mount("from_m/in", "to_m", NULL, MS_MOVE, NULL), EINVAL);
    OK(mount("from_m", "to_m", NULL, MS_MOVE, NULL));
    OK(access("to_m/in", F_OK));
    ERR(access("from_m/in", F_OK), ENOENT);
    OK(umount("to_m"));
}

TEST(args, "order of checks: name, right, type, options")
{
    private_mounts();
    OK(mkdir("arg_m", 0755));
    ERR(mount("x", "missing_m", "nosuchfs", 0, NULL), ENOENT);
    ERR(mount("x", "arg_m", "nosuchfs", 0, NULL), ENODEV);
    ERR(mount("x", "arg_m", NULL, 0, NULL), EINVAL);
    ERR(mount("x", "arg_m", "tmpfs", 0, "nonsense=1"), EINVAL);
    ERR(mount("x", "arg_m", "tmpfs", 0, "mode=9"), EINVAL);
    ERR(mount("x", "arg_m", "tmpfs", 0, (void *)1), EFAULT);
    ERR(mount("x", "arg_m", NULL, MS_REMOUNT, NULL), EINVAL);
    ERR(umount("arg_m"), EINVAL);
    ERR(umount("missing_m"), ENOENT);
    OK(mount("x", "arg_m", "tmpfs", MS_MGC_VAL, ""));
    OK(umount("arg_m"));
}

TEST(umount_dot, "umount of \".\" and \"..\" takes what was mounted over them last")
{
    private_mounts();
    OK(mkdir("dot_m", 0755));
    OK(mkdir("dot_m/below", 0755));
    OK(chdir("dot_m/below"));
    OK(mount("x", ".", "tmpfs", 0, NULL));
    CHECK(options_of("below"));
    OK(umount("."));
    CHECK(!options_of("below"));
    OK(mount("x", "..", "tmpfs", 0, NULL));
    CHECK(options_of("dot_m"));
    OK(umount(".."));
    CHECK(!options_of("dot_m"));
    ERR(umount("."), EINVAL);
}

TEST(outside, "getcwd from outside the root says so")
{
    char cwd[256];

    OK(mkdir("jail", 0755));
    CHILD(OK(chroot("jail")); EQ(syscall(SYS_getcwd, cwd, sizeof(cwd)) > 13, 1);
          CHECK(!strncmp(cwd, "(unreachable)/", 14)));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
