/* SPDX-License-Identifier: MIT
 *
 * Options of tmpfs and hugetlbfs and how /proc/mounts tells them, names with blanks there,
 * what may stand in a hugetlbfs, calls of mount that can never be. On Linux each case works in
 * a mount namespace of its own, so the host sees nothing of it.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#define BAD ((void *)16)

static void private_mounts(void)
{
    if (t_tessera)
        return;
    if (geteuid() != 0)
        SKIP("needs root");
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        SKIP("no mount namespace: %s", strerror(errno));
}

static void begin(void)
{
    private_mounts();
    umount2("m", MNT_DETACH); /* of a case that failed */
    if (mkdir("m", 0755))
        EQ(errno, EEXIST);
}

/* The last line of /proc/mounts whose place ends with the name; NULL: none. */
static char *line_of(const char *name)
{
    static struct t_reader r;
    static char found[512];

    found[0] = 0;
    CHECK(t_open(&r, "/proc/mounts"));
    for (char *l; (l = t_line(&r));) {
        char at[512];

        if (sscanf(l, "%*s %511s", at) == 1 && strlen(at) >= strlen(name) &&
            !strcmp(at + strlen(at) - strlen(name), name))
            strcpy(found, l);
    }
    return found[0] ? found : NULL;
}

static bool shows(const char *name, const char *option)
{
    const char *l = line_of(name);

    return l && strstr(l, option);
}

static void tmpfs(const char *options)
{
    OK(mount("label", "m", "tmpfs", 0, options));
}

static void gone(void)
{
    OK(umount("m"));
}

TEST(tmpfs_options, "options of tmpfs: what is shown, what is refused")
{
    static const char *const refused[] = {
        "size=5x", "size",        "size=x",  "size=4kk",        "mode=8",        "mode=",
        "mode",    "bogus",       "bogus=1", "nr_inodes=x",     "uid=x",         "gid",
        "size=-1", "nr_blocks=x", "uid=-1",  "nr_inodes=5,bad", "gid=4294967295"};
    struct statfs st;

    begin();
    tmpfs("size=5000,nr_inodes=7,mode=700,uid=5,gid=6");
    CHECK(shows("/m", ",size=8k") && shows("/m", ",nr_inodes=7") &&
          shows("/m", ",mode=700"));
    CHECK(shows("/m", ",uid=5") && shows("/m", ",gid=6"));
    OK(statfs("m", &st));
    EQ(st.f_blocks, 2);
    EQ(st.f_files, 7);
    gone();
    tmpfs(",,size=1m,,nr_inodes=1k,");
    CHECK(shows("/m", ",size=1024k") && shows("/m", ",nr_inodes=1024"));
    gone();
    tmpfs("size=0,nr_inodes=0");
    CHECK(shows("/m", ",size=0k") && shows("/m", ",nr_inodes=0"));
    OK(statfs("m", &st));
    EQ(st.f_blocks, 0);
    EQ(st.f_files, 0);
    gone();
    tmpfs("nr_blocks=3,size=8k"); /* the last one counts */
    CHECK(shows("/m", ",size=8k"));
    gone();
    tmpfs("size=0x2000");
    CHECK(shows("/m", ",size=8k"));
    gone();
    tmpfs("size=1t");
    CHECK(shows("/m", ",size=1073741824k"));
    gone();
    tmpfs("mode=1777");
    CHECK(!shows("/m", "mode="));
    gone();
    tmpfs("mode=7");
    CHECK(shows("/m", ",mode=007"));
    gone();
    tmpfs("size=200%");
    gone();
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        if (mount("label", "m", "tmpfs", 0, refused[i]) == 0 || errno != EINVAL)
            FAIL("%s: %s", refused[i], strerror(errno));
}

TEST(strict, "MS_STRICTATIME ends MS_NOATIME")
{
    begin();
    OK(mount("label", "m", "tmpfs", MS_NOATIME | MS_STRICTATIME, NULL));
    CHECK(shows("/m", "rw"));
    CHECK(!shows("/m", "atime"));
    OK(umount("m"));
}

TEST(polled, "a change of mounts is told once to each open list of them")
{
    static const char *const lists[] = {"/proc/self/mounts", "/proc/self/mountinfo"};
    struct pollfd p[2];
    struct epoll_event e = {.events = EPOLLPRI};
    int ep = epoll_create1(0);

    begin();
    for (int i = 0; i < 2; i++) {
        p[i] = (struct pollfd){open(lists[i], O_RDONLY), POLLPRI, 0};
        OK(p[i].fd);
    }
    EQ(poll(p, 2, 0), 0);
    tmpfs("size=1m");
    for (int turn = 0; turn < 2; turn++) {
        EQ(poll(p, 2, 0), 2);
        EQ(p[0].revents, POLLERR | POLLPRI);
        EQ(p[1].revents, POLLERR | POLLPRI);
        EQ(poll(p, 2, 0), 0);
        if (!turn)
            OK(mount("label", "m", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    }
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0].fd, &e));
    EQ(epoll_wait(ep, &e, 1, 0), 0);
    OK(umount("m"));
    EQ(epoll_wait(ep, &e, 1, 0), 1);
    EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(blanks, "what /proc/mounts says of blanks in names")
{
    private_mounts();
    OK(mkdir("a b\tc\nd\\e#", 0755));
    OK(mount("so ur\\ce#", "a b\tc\nd\\e#", "tmpfs", 0, NULL));
    CHECK(line_of("a\\040b\\011c\\012d\\134e#"));
    CHECK(strstr(line_of("a\\040b\\011c\\012d\\134e#"), "so\\040ur\\134ce\\043 ") ==
          line_of("a\\040b\\011c\\012d\\134e#"));
    OK(umount("a b\tc\nd\\e#"));
    OK(mount("", "a b\tc\nd\\e#", "tmpfs", 0, NULL));
    OK(umount("a b\tc\nd\\e#"));
    OK(mount(NULL, "a b\tc\nd\\e#", "tmpfs", 0, NULL));
    CHECK(strncmp(line_of("e#"), "none ", 5) == 0);
    OK(umount("a b\tc\nd\\e#"));
}

TEST(refused, "mounts that can never be")
{
    int fd;

    begin();
    fd = open("f", O_CREAT | O_RDWR, 0644);
    OK(close(fd));
    ERR(mount("x", "f", "tmpfs", 0, NULL), ENOTDIR);
    ERR(mount("x", "none", "tmpfs", 0, NULL), ENOENT);
    ERR(mount("x", "", "tmpfs", 0, NULL), ENOENT);
    ERR(mount("x", "m", "no such", 0, NULL), ENODEV);
    ERR(mount("x", "m", "", 0, NULL), ENODEV);
    ERR(mount("x", "m", NULL, 0, NULL), EINVAL);
    ERR(mount("x", BAD, "tmpfs", 0, NULL), EFAULT);
    ERR(mount("x", "m", BAD, 0, NULL), EFAULT);
    ERR(mount(BAD, "m", "tmpfs", 0, NULL), EFAULT);
    ERR(mount("x", "m", "tmpfs", 0, BAD), EFAULT);
    ERR(mount(NULL, "m", NULL, MS_BIND, NULL), EINVAL);
    ERR(mount("", "m", NULL, MS_BIND, NULL), EINVAL);
    ERR(mount("none", "m", NULL, MS_BIND, NULL), ENOENT);
    ERR(mount("f", "m", NULL, MS_BIND, NULL), ENOTDIR);
    ERR(mount("m", "f", NULL, MS_BIND, NULL), ENOTDIR);
    ERR(mount(NULL, "m", NULL, MS_MOVE, NULL), EINVAL);
    ERR(mount("m", "m", NULL, MS_MOVE, NULL), EINVAL);
    ERR(mount(NULL, "m", NULL, MS_PRIVATE, NULL), EINVAL); /* no mount's root */
    ERR(mount(NULL, "m", NULL, MS_REMOUNT, NULL), EINVAL);
    ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL), EINVAL);
    ERR(umount("m"), EINVAL);
    tmpfs(NULL);
    OK(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
    OK(mount(NULL, "m", NULL, MS_PRIVATE | MS_REC | MS_SILENT, NULL));
    OK(mount(BAD, "m", NULL, MS_SLAVE, NULL) + 1 ? 0 : errno == EFAULT ? 0 : -1);
    ERR(mount(NULL, "m", NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
    ERR(mount(NULL, "m", NULL, MS_PRIVATE | MS_SLAVE, NULL), EINVAL);
    ERR(mount(NULL, "m", NULL, MS_PRIVATE | MS_RDONLY, NULL), EINVAL);
    ERR(mount(NULL, "m", NULL, MS_REMOUNT, "bogus"), EINVAL);
    OK(mkdir("m/d", 0755));
    OK(chdir("m/d"));
    OK(rmdir("../d"));
    ERR(mount("x", ".", "tmpfs", 0, NULL), ENOENT);
    ERR(mount(".", "../../m", NULL, MS_BIND, NULL), ENOENT);
    OK(chdir("../.."));
    gone();
    CHILD({
        OK(setresuid(65534, 65534, 65534));
        ERR(mount("x", "m", "tmpfs", 0, NULL), EPERM);
        ERR(umount("m"), EPERM);
    });
}

TEST(huge, "hugetlbfs: options, and all that can stand in one")
{
    struct stat st;
    struct statfs fs;
    int fd;

    begin();
    if (mount("h", "m", "hugetlbfs", 0,
              "mode=700,uid=3,nr_inodes=9,size=8m,pagesize=2m") &&
        errno == ENODEV)
        SKIP("no hugetlbfs");
    CHECK(shows("/m", ",pagesize=2M") && shows("/m", ",mode=700") &&
          shows("/m", ",uid=3"));
    CHECK(shows("/m", ",nr_inodes=9") && shows("/m", ",size=8388608"));
    OK(statfs("m", &fs));
    EQ(fs.f_bsize, 2 << 20);
    EQ(fs.f_blocks, 4);
    EQ(fs.f_files, 9);
    OK(mkdir("m/d", 02755));
    ERR(symlink("d/f", "m/l"), EINVAL);
    OK(mknod("m/fifo", S_IFIFO | 0600, 0));
    OK(mknod("m/null", S_IFCHR | 0600, makedev(1, 3)));
    OK(fd = open("m/d/f", O_CREAT | O_RDWR, 0644));
    OK(stat("m/d/f", &st));
    EQ(st.st_size, 0);
    EQ(st.st_blksize, 2 << 20);
    ERR(write(fd, "x", 1), EINVAL);
    EQ(read(fd, &st, 1), 0);
    ERR(ftruncate(fd, 4096), EINVAL);
    OK(ftruncate(fd, 4 << 20));
    EQ(lseek(fd, 0, SEEK_END), 4 << 20);
    OK(rename("m/d/f", "m/g"));
    OK(link("m/g", "m/d/again"));
    OK(close(open("m", O_TMPFILE | O_RDWR, 0600)));
    OK(close(fd));
    gone();
    ERR(mount("h", "m", "hugetlbfs", 0, "pagesize=4k"), EINVAL);
    ERR(mount("h", "m", "hugetlbfs", 0, "pagesize=x"), EINVAL);
    ERR(mount("h", "m", "hugetlbfs", 0, "bogus"), EINVAL);
    ERR(mount("h", "m", "hugetlbfs", 0, "size=2m,min_size=4m"), EINVAL);
    OK(mount("h", "m", "hugetlbfs", 0, NULL));
    CHECK(!shows("/m", "size=0") && !shows("/m", "nr_inodes") && !shows("/m", "mode"));
    gone();
}

TEST(huge_seals, "seals and holes of huge memory files")
{
    int fd = (int)syscall(SYS_memfd_create, "huge", MFD_HUGETLB | MFD_ALLOW_SEALING);

    OK(fd);
    OK(ftruncate(fd, 4 << 20));
    ERR(fallocate(fd, 8 /* COLLAPSE_RANGE */, 0, 2 << 20), EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 2 << 20), EOPNOTSUPP);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 << 20));
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    ERR(ftruncate(fd, 2 << 20), EPERM);
    ERR(ftruncate(fd, 1 << 20), EINVAL);
    OK(ftruncate(fd, 6 << 20));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    ERR(ftruncate(fd, 8 << 20), EPERM);
    ERR(fallocate(fd, 0, 6 << 20, 2 << 20), EPERM);
    ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 6 << 20, 2 << 20), EPERM);
    OK(ftruncate(fd, 6 << 20));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 << 20), EPERM);
    ERR(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    ERR(fcntl(t_reopen(fd, O_RDONLY), F_ADD_SEALS, F_SEAL_SEAL), EPERM);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
    ERR(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
