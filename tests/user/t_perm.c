/* SPDX-License-Identifier: MIT
 *
 * Rights to files: what a user without capabilities may do, both ways for each rule of
 * path_resolution(7), inode(7) and the calls. Each case prepares files as root and then acts
 * in a child as user 1000, group 1000, with group 2000 beside.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <sys/prctl.h>

#define USER   1000
#define OTHER  1001
#define GROUP2 2000

static void become(uid_t uid)
{
    gid_t more = GROUP2;
    OK(setgroups(1, &more));
    OK(setgid(uid));
    OK(setuid(uid));
}

#define AS_USER(...) CHILD(become(USER); __VA_ARGS__)

/* A file with owner, group and mode whatever the umask is. */
static void file_of(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    int fd = t_make(name, "abc");
    OK(fchown(fd, uid, gid));
    OK(fchmod(fd, mode));
    close(fd);
}

static void dir_of(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    OK(mkdir(name, 0700));
    OK(chown(name, uid, gid));
    OK(chmod(name, mode));
}

static void opens(const char *name, int flags)
{
    int fd = open(name, flags);
    if (fd < 0)
        FAIL("open %s %#x: %s", name, flags, strerror(errno));
    close(fd);
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    OK(lstat(name, &st));
    return st.st_mode & 07777;
}

TEST(classes, "one class of bits counts: owner, group, others")
{
    file_of("owner", USER, 0, 0477);
    file_of("denied", USER, USER, 0077);
    file_of("group", 0, USER, 0640);
    file_of("nogroup", 0, USER, 0606);
    file_of("beside", 0, GROUP2, 0060);
    file_of("others", 0, 0, 0604);
    file_of("none", 0, 0, 0660);
    AS_USER(opens("owner", O_RDONLY); ERR(open("owner", O_WRONLY), EACCES);
            ERR(open("denied", O_RDONLY), EACCES); opens("group", O_RDONLY);
            ERR(open("group", O_RDWR), EACCES); ERR(open("nogroup", O_RDONLY), EACCES);
            opens("beside", O_RDWR); opens("others", O_RDONLY);
            ERR(open("others", O_WRONLY), EACCES); ERR(open("none", O_RDONLY), EACCES);
            opens("none", O_PATH));
    opens("denied", O_RDWR);
}

TEST(truncating, "cutting a file needs the right to write")
{
    file_of("read", 0, 0, 0644);
    file_of("write", 0, 0, 0646);
    AS_USER(ERR(open("read", O_RDONLY | O_TRUNC), EACCES);
            ERR(truncate("read", 1), EACCES); OK(truncate("write", 1));
            opens("write", O_RDONLY | O_TRUNC);
            ERR(open("read", O_RDONLY | O_NOATIME), EPERM));
    file_of("mine", USER, 0, 0600);
    AS_USER(opens("mine", O_RDONLY | O_NOATIME));
}

TEST(search, "each directory of a path must be searchable")
{
    struct stat st;
    dir_of("a", 0, 0, 0755);
    dir_of("a/b", 0, 0, 0755);
    dir_of("a/b/c", 0, 0, 0755);
    file_of("a/b/c/f", 0, 0, 0644);
    OK(symlink("a/b/c/f", "link"));
    AS_USER(opens("a/b/c/f", O_RDONLY));
    OK(chmod("a/b", 0744));
    AS_USER(ERR(stat("a/b/c/f", &st), EACCES); ERR(stat("a/b/none", &st), EACCES);
            ERR(stat("a/b/.", &st), EACCES); ERR(stat("a/b/..", &st), EACCES);
            ERR(stat("link", &st), EACCES); OK(lstat("link", &st)); OK(stat("a/b", &st));
            opens("a/b", O_RDONLY | O_DIRECTORY); ERR(chdir("a/b"), EACCES);
            ERR(open("a/b/new", O_CREAT | O_RDWR, 0644), EACCES));
    OK(chmod("a/b", 0711));
    AS_USER(opens("a/b/c/f", O_RDONLY); ERR(open("a/b", O_RDONLY), EACCES);
            OK(chdir("a/b")));
}

TEST(start, "the directory a path starts from must be searchable")
{
    struct stat st;
    dir_of("d", 0, 0, 0755);
    file_of("d/f", 0, 0, 0644);
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    OK(chmod("d", 0700));
    AS_USER(ERR(openat(fd, "f", O_RDONLY), EACCES); ERR(fstatat(fd, "f", &st, 0), EACCES);
            ERR(fchdir(fd), EACCES); OK(fstat(fd, &st)));
    OK(chdir("d"));
    AS_USER(ERR(stat("f", &st), EACCES); ERR(stat("..", &st), EACCES);
            OK(stat("/", &st)));
}

TEST(parents, "names are made and removed by who may write the directory")
{
    dir_of("d", 0, 0, 0755);
    dir_of("w", 0, 0, 0777);
    dir_of("nox", 0, 0, 0766);
    dir_of("d/sub", USER, USER, 0777);
    file_of("d/f", USER, USER, 0666);
    file_of("w/f", 0, 0, 0600);
    file_of("w/g", 0, 0, 0600);
    AS_USER(ERR(open("d/n", O_CREAT | O_RDWR, 0644), EACCES);
            ERR(mkdir("d/n", 0755), EACCES); opens("d/f", O_CREAT | O_RDWR);
            ERR(symlink("x", "d/n"), EACCES);
            ERR(mknod("d/n", S_IFIFO | 0600, 0), EACCES); ERR(link("d/f", "d/n"), EACCES);
            ERR(unlink("d/f"), EACCES); ERR(rmdir("d/sub"), EACCES);
            ERR(mkdir("d/sub", 0755), EEXIST); ERR(rename("d/f", "w/n"), EACCES);
            ERR(rename("w/f", "d/n"), EACCES); ERR(rename("w/f", "d/f"), EACCES);
            ERR(open("d", O_TMPFILE | O_RDWR, 0600), EACCES);
            ERR(mkdir("nox/n", 0755), EACCES));
    AS_USER(OK(mkdir("w/n", 0755)); OK(rmdir("w/n")); OK(symlink("x", "w/n"));
            OK(unlink("w/n")); OK(mknod("w/n", S_IFIFO | 0600, 0));
            OK(link("w/n", "w/m")); OK(rename("w/f", "w/g")); OK(unlink("w/g"));
            opens("w", O_TMPFILE | O_RDWR));
}

TEST(sticky, "in a sticky directory only owners remove names")
{
    dir_of("t", 0, 0, 01777);
    dir_of("mine", USER, USER, 01777);
    file_of("t/foreign", OTHER, OTHER, 0666);
    file_of("t/own", USER, USER, 0600);
    file_of("mine/foreign", OTHER, OTHER, 0600);
    AS_USER(ERR(unlink("t/foreign"), EPERM); ERR(rename("t/foreign", "t/x"), EPERM);
            ERR(rename("t/own", "t/foreign"), EPERM); OK(rename("t/own", "t/x"));
            OK(unlink("t/x")); OK(unlink("mine/foreign")));
    OK(unlink("t/foreign"));
}

TEST(moved, "a directory that changes its parent must be writable itself")
{
    dir_of("a", USER, USER, 0755);
    dir_of("b", USER, USER, 0755);
    dir_of("a/d", 0, 0, 0755);
    AS_USER(ERR(rename("a/d", "b/d"), EACCES); OK(rename("a/d", "a/e")));
    OK(chown("a/e", USER, USER));
    AS_USER(OK(rename("a/e", "b/d")));
}

TEST(access, "access asks for the real ids, AT_EACCESS for the effective ones")
{
    file_of("f", 0, 0, 0600);
    file_of("x", 0, 0, 0711);
    dir_of("d", 0, 0, 0700);
    file_of("d/f", 0, 0, 0666);
    OK(access("f", R_OK | W_OK));
    ERR(access("f", X_OK), EACCES);
    OK(access("x", X_OK));
    CHILD(OK(setresuid(USER, 0, 0)); ERR(access("f", R_OK), EACCES);
          OK(access("f", F_OK)); ERR(access("d/f", F_OK), EACCES); OK(access("x", X_OK));
          OK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
          opens("f", O_RDWR));
    CHILD(OK(setresuid(0, USER, 0)); OK(access("f", R_OK)); OK(access("d/f", R_OK));
          ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS), EACCES);
          ERR(open("f", O_RDONLY), EACCES); OK(setresuid(0, 0, 0)); opens("f", O_RDONLY));
}

TEST(modes, "chmod is the owner's; a foreign group's set-ID bit goes")
{
    file_of("foreign", 0, 0, 0666);
    file_of("mine", USER, 0, 0600);
    file_of("member", USER, GROUP2, 0600);
    AS_USER(ERR(chmod("foreign", 0600), EPERM); OK(chmod("mine", 02711));
            EQ(mode_of("mine"), 0711); OK(chmod("member", 06711));
            EQ(mode_of("member"), 06711));
    OK(chmod("mine", 02755));
    EQ(mode_of("mine"), 02755);
}

TEST(owners, "chown: root gives away, an owner chooses among his groups")
{
    file_of("foreign", 0, 0, 0666);
    file_of("mine", USER, USER, 06755);
    AS_USER(ERR(chown("foreign", USER, -1), EPERM);
            ERR(chown("foreign", -1, USER), EPERM); ERR(chown("mine", OTHER, -1), EPERM);
            ERR(chown("mine", -1, OTHER), EPERM); OK(chown("mine", USER, GROUP2));
            EQ(mode_of("mine"), 0755));
    OK(chown("mine", OTHER, OTHER));
}

TEST(set_id, "writing and cutting take the set-ID bits; not from root")
{
    file_of("f", 0, 0, 06777);
    int fd = open("f", O_RDWR);
    EQ(write(fd, "x", 1), 1);
    EQ(mode_of("f"), 06777);
    AS_USER(EQ(write(fd, "x", 1), 1));
    EQ(mode_of("f"), 0777);
    OK(chmod("f", 06777));
    AS_USER(OK(truncate("f", 1)));
    EQ(mode_of("f"), 0777);
}

/* What Linux's setting says counts there; here it is on from the start. */
TEST(linked, "a user gives second names to his own and to what he may read and write")
{
    int on = 0, fd = open("/proc/sys/fs/protected_hardlinks", O_RDONLY);
    char c;
    if (fd >= 0 && read(fd, &c, 1) == 1)
        on = c == '1';
    close(fd);
    if (!on)
        SKIP("protected_hardlinks is 0");
    dir_of("d", 0, 0, 0777);
    file_of("own", USER, USER, 04700);
    file_of("secret", 0, 0, 0600);
    file_of("readable", 0, 0, 0644);
    file_of("open", 0, 0, 0666);
    file_of("set-id", 0, 0, 06777);
    AS_USER(OK(link("own", "d/own")); OK(link("open", "d/open"));
            ERR(link("secret", "d/secret"), EPERM);
            ERR(link("readable", "d/readable"), EPERM);
            ERR(link("set-id", "d/set-id"), EPERM));
    OK(link("secret", "d/by-root"));
}

TEST(atime, "who does not own a file cannot ask to leave its time of access alone")
{
    file_of("f", 0, 0, 0644);
    file_of("own", USER, USER, 0644);
    AS_USER(ERR(open("f", O_RDONLY | O_NOATIME), EPERM); int fd = open("f", O_RDONLY);
            ERR(fcntl(fd, F_SETFL, O_NOATIME), EPERM); OK(fcntl(fd, F_SETFL, O_APPEND));
            fd = open("own", O_RDONLY); OK(fcntl(fd, F_SETFL, O_NOATIME)));
}

TEST(allocated, "fallocate takes the set-ID bits as a write does")
{
    file_of("f", USER, USER, 06755);
    AS_USER(int fd = open("f", O_RDWR); OK(fallocate(fd, 0, 0, 100)));
    EQ(mode_of("f"), 0755);
}

TEST(created, "new files are their maker's; a set-group-ID directory gives its group")
{
    struct stat st;
    dir_of("w", 0, 0, 0777);
    dir_of("g", 0, OTHER, 02777);
    AS_USER(umask(022); close(t_make("w/f", "")); close(t_make("g/f", ""));
            OK(mkdir("g/d", 0777)); OK(symlink("x", "w/l")));
    OK(stat("w/f", &st));
    EQ(st.st_uid, USER);
    EQ(st.st_gid, USER);
    OK(lstat("w/l", &st));
    EQ(st.st_uid, USER);
    OK(stat("g/f", &st));
    EQ(st.st_gid, OTHER);
    OK(stat("g/d", &st));
    EQ(st.st_gid, OTHER);
    EQ(st.st_mode & 07777, 02755);
}

TEST(times, "times: the owner any, a writer the present one")
{
    struct timespec old[2] = {{1, 0}, {1, 0}};
    struct timespec half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    file_of("read", 0, 0, 0644);
    file_of("write", 0, 0, 0646);
    file_of("mine", USER, 0, 0400);
    AS_USER(ERR(utimensat(AT_FDCWD, "read", NULL, 0), EACCES);
            ERR(utimensat(AT_FDCWD, "read", old, 0), EPERM);
            OK(utimensat(AT_FDCWD, "write", NULL, 0));
            ERR(utimensat(AT_FDCWD, "write", half, 0), EPERM);
            ERR(utimensat(AT_FDCWD, "write", old, 0), EPERM);
            OK(utimensat(AT_FDCWD, "mine", old, 0)));
}

static void copy_program(const char *name, mode_t mode)
{
    static char buf[65536];
    int in = open(t_exe, O_RDONLY), out = open(name, O_CREAT | O_WRONLY, 0700);
    OK(in);
    OK(out);
    for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
        EQ(write(out, buf, (size_t)n), n);
    OK(fchmod(out, mode));
    close(in);
    close(out);
}

static int run(const char *name)
{
    char *argv[] = {(char *)name, "--helper", NULL};
    pid_t pid = t_fork();
    if (!pid) {
        execve(name, argv, (char *[]){NULL});
        _exit(errno == EACCES ? 100 : 101);
    }
    return WEXITSTATUS(t_status_of(pid));
}

TEST(running, "running needs x, not r; set-user-ID changes the effective id")
{
    copy_program("p", 0755);
    dir_of("d", 0, 0, 0755);
    EQ(run("p"), 7);
    EQ(run("d"), 100);
    AS_USER(EQ(run("p"), 8); EQ(run("d"), 100));
    OK(chmod("p", 0711));
    AS_USER(ERR(open("p", O_RDONLY), EACCES); EQ(run("p"), 18));
    OK(chmod("p", 0744));
    AS_USER(EQ(run("p"), 100));
    OK(chmod("p", 0644));
    EQ(run("p"), 100);
    OK(chmod("p", 04755));
    AS_USER(EQ(run("p"), 17));
}

TEST(opened, "what is open stays usable when the rights are gone")
{
    file_of("f", 0, 0, 0600);
    int fd = open("f", O_RDWR);
    AS_USER(EQ(write(fd, "xyz", 3), 3); t_contains(fd, "xyz");
            ERR(open("f", O_RDONLY), EACCES); ERR(fchmod(fd, 0666), EPERM));
}

TEST(capabilities, "root without capabilities has the rights of its bits only")
{
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } words[2] = {{1u << 2, 1u << 2, 0}, {0, 0, 0}}; /* CAP_DAC_READ_SEARCH */
    file_of("f", USER, USER, 0600);
    dir_of("d", USER, USER, 0700);
    CHILD(OK(syscall(SYS_capset, &head, words)); opens("f", O_RDONLY);
          ERR(open("f", O_WRONLY), EACCES); OK(chdir("d")); OK(chdir(".."));
          ERR(mkdir("d/n", 0700), EACCES); ERR(chmod("f", 0666), EPERM);
          ERR(chown("f", 0, 0), EPERM); words[0].effective = words[0].permitted = 0;
          OK(syscall(SYS_capset, &head, words)); ERR(open("f", O_RDONLY), EACCES);
          ERR(chdir("d"), EACCES));
}

TEST(fs_ids, "setfsuid and setfsgid count for files alone")
{
    file_of("f", 0, 0, 0600);
    file_of("mine", USER, 0, 0600);
    file_of("group", OTHER, GROUP2, 0060);
    CHILD(EQ(syscall(SYS_setfsuid, USER), 0); EQ(geteuid(), 0); opens("mine", O_RDWR);
          ERR(open("f", O_RDONLY), EACCES); ERR(open("group", O_RDONLY), EACCES);
          EQ(syscall(SYS_setfsgid, GROUP2), 0); opens("group", O_RDWR);
          EQ(syscall(SYS_setfsuid, -1), USER); EQ(syscall(SYS_setfsuid, 0), USER);
          opens("f", O_RDONLY));
    AS_USER(EQ(syscall(SYS_setfsuid, OTHER), USER); EQ(syscall(SYS_setfsuid, -1), USER));
}

TEST(proc, "a user opens what is its own by /proc/self/fd")
{
    file_of("f", 0, 0, 0600);
    int root = open("f", O_RDONLY), fds[2];
    char name[64];
    AS_USER(OK(pipe(fds)); snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
            opens(name, O_RDONLY | O_NONBLOCK); int mem = memfd_create("m", 0);
            snprintf(name, sizeof(name), "/proc/self/fd/%d", mem); opens(name, O_RDWR);
            snprintf(name, sizeof(name), "/proc/self/fd/%d", root);
            ERR(open(name, O_RDONLY), EACCES);
            ERR(open("/proc/sys/vm/overcommit_memory", O_WRONLY), EACCES));
}

/* euid 0: 7, else 8; and 10 when no dump may be taken. */
static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return (geteuid() == 0 ? 7 : 8) + (prctl(PR_GET_DUMPABLE) != 1 ? 10 : 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
