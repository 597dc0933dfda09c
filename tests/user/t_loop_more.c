/* SPDX-License-Identifier: MIT
 *
 * Loop devices: what any block device is asked, files that are cut, who may, what /proc and /sys tell,
 * and several who want the same one. Skipped where none can be had.
 */
#include "tests/user/t_loop.h"
#include <grp.h>
#include <sys/mount.h>

TEST(loop_block, "what block devices are asked; parts given back")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", 20 * P), n;
    unsigned long sectors, ahead;
    uint64_t range[2] = {P, 2 * P};
    struct stat st, now;
    char c = 'x';

    OK(ioctl(dev, LOOP_SET_FD, file));
    OK(ioctl(dev, BLKGETSIZE, &sectors));
    EQ(sectors, 20 * P / SECTOR);
    OK(ioctl(dev, BLKSSZGET, &n));
    EQ(n, 512);
    OK(ioctl(dev, LOOP_SET_BLOCK_SIZE, 2048));
    OK(ioctl(dev, BLKSSZGET, &n));
    EQ(n, 2048);
    OK(ioctl(dev, BLKPBSZGET, &n));
    CHECK(n >= 2048);
    n = 1024;
    ERR(ioctl(dev, BLKBSZSET, &n), EINVAL);
    n = 2048;
    OK(ioctl(dev, BLKBSZSET, &n));
    OK(ioctl(dev, BLKBSZGET, &n));
    EQ(n, 2048);
    OK(ioctl(dev, BLKRASET, 64));
    OK(ioctl(dev, BLKRAGET, &ahead));
    EQ(ahead, 64);
    OK(ioctl(dev, BLKFLSBUF));
    ERR(ioctl(dev, BLKRRPART), EINVAL);
    ERR(ioctl(dev, BLKGETSIZE64, 8), EFAULT);
    ERR(ioctl(dev, 0x4c55), EINVAL);

    for (off_t at = 0; at < 4; at++)
        EQ(pwrite(dev, "abc", 3, at * (off_t)P), 3);
    OK(fsync(dev));
    OK(fstat(file, &st));
    OK(ioctl(dev, BLKDISCARD, range));
    OK(fstat(file, &now));
    CHECK(now.st_blocks < st.st_blocks);
    EQ(now.st_size, st.st_size);
    EQ(pread(dev, &c, 1, P), 1);
    EQ(c, 0);
    EQ(pread(dev, &c, 1, 3 * P), 1);
    EQ(c, 'a');
    range[0] = 3 * P;
    range[1] = SECTOR * 4;
    OK(ioctl(dev, BLKZEROOUT, range));
    EQ(pread(dev, &c, 1, 3 * P), 1);
    EQ(c, 0);
    range[0]++;
    ERR(ioctl(dev, BLKZEROOUT, range), EINVAL);
    range[0] = 20 * P;
    ERR(ioctl(dev, BLKDISCARD, range), EINVAL);
    range[0] = -P;
    range[1] = 2 * P;
    ERR(ioctl(dev, BLKDISCARD, range), EINVAL);
    n = open(node, O_RDONLY);
    range[0] = 0;
    ERR(ioctl(n, BLKDISCARD, range), EBADF);
    close(n);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST_DIFF(loop_cut, "docs/reference/loop.md", "what a file has lost is an error to read")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", 8 * P);
    char buf[2 * P];

    OK(ioctl(dev, LOOP_SET_FD, file));
    OK(ftruncate(file, P));
    EQ(size_of(dev), 8 * P);
    EQ(pread(dev, buf, sizeof(buf), 0), P);
    ERR(pread(dev, buf, sizeof(buf), P), EIO);
    EQ(pwrite(dev, "back", 4, 4 * P), 4);
    EQ(pread(dev, buf, 4, 4 * P), 4);
    OK(ioctl(dev, LOOP_CLR_FD));
    close(dev);

    /* A file that may not be written after all. */
    file = memfd_create("sealed", MFD_ALLOW_SEALING);
    OK(ftruncate(file, P));
    dev = loop_open(O_RDWR);
    OK(ioctl(dev, LOOP_SET_FD, file));
    OK(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(write(dev, "x", 1), EIO);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST_DIFF(loop_rights, "docs/reference/loop.md", "who may not")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", SECTOR);
    int control = open("/dev/loop-control", O_RDWR), n;

    OK(ioctl(dev, LOOP_SET_FD, file));
    CHILD({
        struct loop_info64 info;

        OK(setgroups(0, NULL));
        OK(setresgid(65534, 65534, 65534));
        OK(setresuid(65534, 65534, 65534));
        ERR(open(node, O_RDONLY), EACCES);
        ERR(open("/dev/loop-control", O_RDONLY), EACCES);
        OK(ioctl(dev, LOOP_GET_STATUS64, &info));
        ERR(ioctl(dev, LOOP_SET_STATUS64, &info), EPERM);
        ERR(ioctl(dev, LOOP_CLR_FD), EPERM);
        ERR(ioctl(dev, LOOP_SET_FD, file), EPERM);
        ERR(ioctl(dev, BLKROSET, &n), EACCES);
        ERR(ioctl(dev, BLKRASET, 8), EACCES);
        ERR(ioctl(dev, BLKFLSBUF), EACCES);
        ERR(ioctl(dev, BLKRRPART), EACCES);
        ERR(ioctl(control, LOOP_CTL_ADD, 50), EPERM);
        EQ(write(dev, "x", 1), 1);
    });
    OK(ioctl(dev, LOOP_CLR_FD));
}

/* A line of a file begins so. */
static bool tells(const char *path, const char *begin)
{
    struct t_reader r;

    if (!t_open(&r, path))
        return false;
    for (char *line = t_line(&r); line; line = t_line(&r))
        if (strncmp(line, begin, strlen(begin)) == 0)
            return true;
    return false;
}

static void shows(const char *attr, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "/sys/block/loop%d/%s", number, attr);
    if (!tells(path, text))
        FAIL("%s is not %s", path, text);
}

TEST(loop_told, "/proc and /sys tell of it; there is no file system to mount")
{
    int dev = loop_open(O_RDWR);
    struct loop_config c = {.fd = (unsigned)file_of_size("file", 8 * P),
                            .info = {.lo_offset = SECTOR,
                                     .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN}};
    char want[300], path[64], cwd[200];

    CHECK(tells("/proc/devices", "  7 loop"));
    OK(ioctl(dev, LOOP_CONFIGURE, &c));
    snprintf(want, sizeof(want), "%4u  %7u %10u loop%u", 7, number, 31, number);
    CHECK(tells("/proc/partitions", want));
    shows("size", "63");
    shows("ro", "0");
    shows("loop/offset", "512");
    shows("loop/sizelimit", "0");
    shows("loop/autoclear", "1");
    shows("loop/partscan", "1");
    shows("queue/logical_block_size", "512");
    CHECK(getcwd(cwd, sizeof(cwd)));
    snprintf(want, sizeof(want), "%s/file", cwd);
    shows("loop/backing_file", want);
    snprintf(path, sizeof(path), "/sys/dev/block/7:%d/size", number);
    CHECK(tells(path, "63"));
    if (t_tessera) {
        OK(mkdir("at", 0700));
        ERR(mount(node, "at", "ext2", 0, NULL), ENODEV);
        ERR(mount(node, "at", "vfat", 0, NULL), ENODEV);
    }
    OK(ioctl(dev, LOOP_CLR_FD));
    snprintf(path, sizeof(path), "/sys/block/loop%d/loop", number);
    ERR(access(path, F_OK), ENOENT);
}

/* One of several that bind, write, read and let go the same device. */
static void quarrel(int who)
{
    char name[16];
    struct loop_info64 info = {0};
    int file;

    snprintf(name, sizeof(name), "file%d", who);
    file = file_of_size(name, 4 * P);
    for (long i = t_turns(300); i; i--) {
        int dev = open(node, O_RDWR);
        char c = 0;

        OK(dev);
        if (ioctl(dev, LOOP_SET_FD, file) != 0)
            CHECK(errno == EBUSY);
        if (pwrite(dev, "x", 1, (i & 3) * P) != 1)
            CHECK(errno == ENOSPC);
        CHECK(pread(dev, &c, 1, (i & 3) * P) >= 0);
        info.lo_flags = i & 1 ? LO_FLAGS_AUTOCLEAR : 0;
        if (ioctl(dev, LOOP_SET_STATUS64, &info) != 0)
            CHECK(errno == ENXIO);
        if (ioctl(dev, LOOP_CLR_FD) != 0)
            CHECK(errno == ENXIO);
        close(dev);
    }
}

TEST(loop_quarrel, "several bind and let go the same one at once")
{
    int dev = loop_open(O_RDWR);
    pid_t pids[4];

    close(dev);
    for (int i = 0; i < 4; i++) {
        pids[i] = t_fork();
        if (!pids[i]) {
            quarrel(i);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++)
        t_join(pids[i]);
    dev = open(node, O_RDWR);
    if (ioctl(dev, LOOP_CLR_FD) != 0)
        EQ(errno, ENXIO);
    close(dev);
    dev = open(node, O_RDWR);
    is_gone(dev);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
