/* SPDX-License-Identifier: MIT
 *
 * Loop devices: binding a file, its bytes through the device, parts of it, its end, and
 * /dev/loop-control. Skipped where none can be had.
 */
#include "tests/user/t_loop.h"
#include <sys/mount.h>

TEST(loop_nodes, "the devices in /dev, and one of another name")
{
    int dev = loop_open(O_RDWR), same;
    struct stat st;

    OK(stat("/dev/loop-control", &st));
    CHECK(S_ISCHR(st.st_mode));
    EQ(st.st_rdev, makedev(10, 237));
    OK(fstat(dev, &st));
    CHECK(S_ISBLK(st.st_mode));
    EQ(st.st_rdev, makedev(7, number));
    OK(ioctl(dev, LOOP_SET_FD, file_of_size("file", 4 * SECTOR)));
    OK(mknod("other", S_IFBLK | 0600, makedev(7, number)));
    same = open("other", O_RDWR);
    if (!t_tessera && same < 0)
        SKIP("devices cannot be opened here");
    OK(same);
    EQ(size_of(same), 4 * SECTOR);
    OK(mknod("none", S_IFBLK | 0600, makedev(99, 1)));
    ERR(open("none", O_RDONLY), ENXIO);
    OK(mknod("char", S_IFCHR | 0600, makedev(7, 200)));
    ERR(open("char", O_RDONLY), ENXIO);
    close(same);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST(loop_unbound, "one without a file has no bytes")
{
    int dev = loop_open(O_RDWR);
    struct loop_info old;
    struct loop_info64 info = {0};
    char c;

    EQ(size_of(dev), 0);
    EQ(read(dev, &c, 1), 0);
    ERR(write(dev, &c, 1), ENOSPC);
    EQ(lseek(dev, 0, SEEK_END), 0);
    ERR(lseek(dev, 1, SEEK_SET), EINVAL);
    ERR(ioctl(dev, LOOP_GET_STATUS, &old), ENXIO);
    ERR(ioctl(dev, LOOP_GET_STATUS64, &info), ENXIO);
    ERR(ioctl(dev, LOOP_SET_STATUS64, &info), ENXIO);
    ERR(ioctl(dev, LOOP_CLR_FD), ENXIO);
    ERR(ioctl(dev, LOOP_SET_CAPACITY), ENXIO);
    ERR(ioctl(dev, LOOP_SET_BLOCK_SIZE, 512), ENXIO);
    ERR(ioctl(dev, LOOP_SET_DIRECT_IO, 1), ENXIO);
    ERR(ioctl(dev, LOOP_CHANGE_FD, file_of_size("file", SECTOR)), ENXIO);
    ERR(mmap(NULL, P, PROT_READ, MAP_SHARED, dev, 0) == MAP_FAILED ? -1 : 0, ENODEV);
}

TEST(loop_bytes, "the bytes are those of the file, up to the last whole sector")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", 19 * SECTOR + 100);
    static char text[2 * SECTOR], got[2 * SECTOR];

    OK(ioctl(dev, LOOP_SET_FD, file));
    ERR(ioctl(dev, LOOP_SET_FD, file), EBUSY);
    EQ(size_of(dev), 19 * SECTOR);
    EQ(lseek(dev, 0, SEEK_END), 19 * SECTOR);
    EQ(read(dev, got, 10), 0);
    ERR(write(dev, text, 10), ENOSPC);
    ERR(lseek(dev, 1, SEEK_CUR), EINVAL);
    ERR(lseek(dev, 0, SEEK_DATA), EINVAL);
    memset(text, 'x', sizeof(text));
    EQ(lseek(dev, -SECTOR, SEEK_END), 18 * SECTOR);
    EQ(write(dev, text, sizeof(text)), SECTOR);
    EQ(pwrite(dev, text, 3, 5), 3);
    OK(fsync(dev));
    EQ(pread(file, got, sizeof(got), 0), sizeof(got));
    CHECK(memcmp(got, "\0\0\0\0\0xxx\0", 9) == 0);
    EQ(pread(file, got, 200, 19 * SECTOR), 100);
    CHECK(!got[0]);
    EQ(pread(dev, got, sizeof(got), 18 * SECTOR), SECTOR);
    CHECK(memcmp(got, text, SECTOR) == 0);
    OK(fcntl(file, F_SETFL, O_APPEND)); /* which is for others */
    EQ(pwrite(dev, "yy", 2, 0), 2);
    EQ(pread(dev, got, 2, 0), 2);
    CHECK(memcmp(got, "yy", 2) == 0);
    ERR(pread(dev, (void *)8, 100, 0), EFAULT);
    OK(ioctl(dev, LOOP_CLR_FD));
    EQ(size_of(dev), 0);
}

TEST(loop_direct, "O_DIRECT takes whole blocks only")
{
    int dev = loop_open(O_RDWR | O_DIRECT);
    static char page[4096] __attribute__((aligned(4096)));

    OK(ioctl(dev, LOOP_SET_FD, file_of_size("file", 4 * P)));
    EQ(pwrite(dev, page, SECTOR, SECTOR), SECTOR);
    EQ(pread(dev, page, P, 3 * P), P);
    ERR(pread(dev, page, 100, 0), EINVAL);
    ERR(pwrite(dev, page, SECTOR, 100), EINVAL);
    EQ(pread(dev, page, P, 4 * P), 0);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST(loop_parts, "an offset, a limit, a file that grows")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", 20 * SECTOR);
    struct loop_info64 info = {.lo_offset = 4 * SECTOR}, got;
    struct loop_info old;
    struct stat st;
    char c;

    OK(ioctl(dev, LOOP_SET_FD, file));
    strcpy(info.lo_file_name, "some name");
    OK(ioctl(dev, LOOP_SET_STATUS64, &info));
    EQ(size_of(dev), 16 * SECTOR);
    EQ(pwrite(dev, "z", 1, 0), 1);
    EQ(pread(file, &c, 1, 4 * SECTOR), 1);
    EQ(c, 'z');
    info.lo_sizelimit = 5 * SECTOR;
    OK(ioctl(dev, LOOP_SET_STATUS64, &info));
    EQ(size_of(dev), 5 * SECTOR);
    OK(fstat(file, &st));
    OK(ioctl(dev, LOOP_GET_STATUS64, &got));
    EQ(got.lo_number, number);
    EQ(got.lo_inode, st.st_ino);
    EQ(got.lo_offset, 4 * SECTOR);
    EQ(got.lo_sizelimit, 5 * SECTOR);
    CHECK(strcmp(got.lo_file_name, "some name") == 0);
    OK(ioctl(dev, LOOP_GET_STATUS, &old));
    EQ(old.lo_offset, 4 * SECTOR);
    CHECK(strcmp(old.lo_name, "some name") == 0);
    OK(ioctl(dev, LOOP_SET_STATUS, &old)); /* it knows no limit */
    EQ(size_of(dev), 16 * SECTOR);
    OK(ftruncate(file, 24 * SECTOR));
    EQ(size_of(dev), 16 * SECTOR);
    OK(ioctl(dev, LOOP_SET_CAPACITY));
    EQ(size_of(dev), 20 * SECTOR);
    info = (struct loop_info64){.lo_offset = 100 * SECTOR};
    OK(ioctl(dev, LOOP_SET_STATUS64, &info));
    EQ(size_of(dev), 0);
    info.lo_offset = 1ull << 40;
    OK(ioctl(dev, LOOP_SET_STATUS64, &info));
    ERR(ioctl(dev, LOOP_GET_STATUS, &old), EOVERFLOW);
    info.lo_offset = 1ull << 63;
    ERR(ioctl(dev, LOOP_SET_STATUS64, &info), EOVERFLOW);
    info = (struct loop_info64){.lo_encrypt_type = 1};
    ERR(ioctl(dev, LOOP_SET_STATUS64, &info), EINVAL);
    info = (struct loop_info64){.lo_encrypt_key_size = 33};
    ERR(ioctl(dev, LOOP_SET_STATUS64, &info), EINVAL);
    ERR(ioctl(dev, LOOP_SET_STATUS64, 8), EFAULT);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST(loop_refused, "what is no file, no descriptor, no size of a block")
{
    int dev = loop_open(O_RDWR), p[2], file = file_of_size("file", 8 * SECTOR);
    struct loop_config c = {.fd = (unsigned)file};

    OK(pipe(p));
    ERR(ioctl(dev, LOOP_SET_FD, -1), EBADF);
    ERR(ioctl(dev, LOOP_SET_FD, 999), EBADF);
    ERR(ioctl(dev, LOOP_SET_FD, open("file", O_PATH)), EBADF);
    ERR(ioctl(dev, LOOP_SET_FD, p[0]), EINVAL);
    ERR(ioctl(dev, LOOP_SET_FD, open(".", O_RDONLY)), EINVAL);
    ERR(ioctl(dev, LOOP_SET_FD, open("/dev/null", O_RDWR)), EINVAL);
    ERR(ioctl(dev, LOOP_CONFIGURE, 8), EFAULT);
    for (int i = 0; i < 3; i++) {
        c.block_size = (const unsigned[]){256, 8192, 4095}[i];
        ERR(ioctl(dev, LOOP_CONFIGURE, &c), EINVAL);
    }
    c.block_size = 0;
    c.info.lo_flags = 2;
    ERR(ioctl(dev, LOOP_CONFIGURE, &c), EINVAL);
    c.info = (struct loop_info64){.lo_sizelimit = 1ull << 63};
    ERR(ioctl(dev, LOOP_CONFIGURE, &c), EOVERFLOW);
    is_gone(dev);
    c.info = (struct loop_info64){.lo_offset = SECTOR};
    c.block_size = 1024;
    OK(ioctl(dev, LOOP_CONFIGURE, &c));
    EQ(size_of(dev), 7 * SECTOR);
    ERR(ioctl(dev, LOOP_SET_BLOCK_SIZE, 256), EINVAL);
    ERR(ioctl(dev, LOOP_SET_BLOCK_SIZE, 2 * P), EINVAL);
    ERR(ioctl(dev, LOOP_SET_BLOCK_SIZE, P - 1), EINVAL);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST_DIFF(loop_chain, "docs/reference/loop.md", "a loop device is no file for another")
{
    int dev = loop_open(O_RDWR), other;

    OK(ioctl(dev, LOOP_SET_FD, file_of_size("file", SECTOR)));
    other = loop_open(O_RDWR);
    ERR(ioctl(other, LOOP_SET_FD, dev), EINVAL);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST(loop_read_only, "read only; another file of the same size")
{
    int dev = loop_open(O_RDWR), ro, on = 1;
    int file = file_of_size("file", 4 * SECTOR), next = file_of_size("next", 4 * SECTOR);
    struct loop_config c = {.fd = (unsigned)file,
                            .info = {.lo_flags = LO_FLAGS_READ_ONLY}};
    char c1 = 0;

    OK(ioctl(dev, LOOP_SET_FD, file));
    ERR(ioctl(dev, LOOP_CHANGE_FD, next), EINVAL);
    OK(ioctl(dev, BLKROSET, &on));
    ERR(write(dev, "a", 1), EPERM);
    on = 0;
    OK(ioctl(dev, BLKROSET, &on));
    EQ(write(dev, "a", 1), 1);
    OK(ioctl(dev, LOOP_CLR_FD));

    OK(ioctl(dev, LOOP_CONFIGURE, &c));
    EQ(flags_of(dev), LO_FLAGS_READ_ONLY);
    OK(ioctl(dev, BLKROGET, &on));
    EQ(on, 1);
    ERR(pwrite(dev, "a", 1, 0), EPERM);
    EQ(pwrite(next, "n", 1, 0), 1);
    OK(ioctl(dev, LOOP_CHANGE_FD, next));
    EQ(pread(dev, &c1, 1, 0), 1);
    EQ(c1, t_tessera ? 'n' : c1);
    ERR(ioctl(dev, LOOP_CHANGE_FD, file_of_size("long", 5 * SECTOR)), EINVAL);
    ERR(ioctl(dev, LOOP_CHANGE_FD, -1), EBADF);
    OK(ioctl(dev, LOOP_CLR_FD));

    ro = open("file", O_RDONLY);
    OK(ioctl(dev, LOOP_SET_FD, ro));
    EQ(flags_of(dev), LO_FLAGS_READ_ONLY);
    OK(ioctl(dev, LOOP_CLR_FD));
}

TEST(loop_ends, "it is let go by the last who has it open, however he ends")
{
    int dev = loop_open(O_RDWR), file = file_of_size("file", 4 * SECTOR), other, p[2];
    struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY |
                                           LO_FLAGS_DIRECT_IO};
    struct stat st;
    char c;
    pid_t pid;

    OK(ioctl(dev, LOOP_SET_FD, file));
    close(file);
    OK(unlink("file"));
    EQ(pwrite(dev, "a", 1, 0), 1);
    other = open(node, O_RDONLY);
    OK(ioctl(dev, LOOP_CLR_FD));
    EQ(flags_of(dev), LO_FLAGS_AUTOCLEAR);
    close(other);
    EQ(flags_of(dev), LO_FLAGS_AUTOCLEAR);
    close(dev);
    dev = open(node, O_RDWR);
    is_gone(dev);

    OK(ioctl(dev, LOOP_SET_FD, file_of_size("again", SECTOR)));
    OK(ioctl(dev, LOOP_SET_STATUS64, &info));
    EQ(flags_of(dev), LO_FLAGS_AUTOCLEAR);
    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        OK(write(p[1], "", 1));
        pause();
        _exit(0);
    }
    EQ(read(p[0], &c, 1), 1);
    close(dev);
    dev = open(node, O_RDONLY);
    EQ(flags_of(dev), LO_FLAGS_AUTOCLEAR);
    close(dev);
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    dev = open(node, O_RDONLY);
    is_gone(dev);
    OK(stat(node, &st));
}

TEST(loop_control, "devices are made and removed, and their names in /dev")
{
    int control = control_open(), dev, n;
    char name[32];

    n = ioctl(control, LOOP_CTL_ADD, 37);
    if (n < 0)
        SKIP("loop37: %s", strerror(errno));
    EQ(n, 37);
    ERR(ioctl(control, LOOP_CTL_ADD, 37), EEXIST);
    ERR(ioctl(control, 0x4c99), ENOSYS);
    ERR(ioctl(control, LOOP_CTL_REMOVE, -1), EINVAL);
    ERR(ioctl(control, LOOP_CTL_REMOVE, 38), ENODEV);
    if (t_tessera) {
        dev = open("/dev/loop37", O_RDWR);
        OK(dev);
        ERR(ioctl(control, LOOP_CTL_REMOVE, 37), EBUSY);
        OK(ioctl(dev, LOOP_SET_FD, file_of_size("file", SECTOR)));
        close(dev);
        ERR(ioctl(control, LOOP_CTL_REMOVE, 37), EBUSY);
        dev = open("/dev/loop37", O_RDWR);
        OK(ioctl(dev, LOOP_CLR_FD));
        close(dev);
        OK(mkdir("dev", 0700));
        OK(mount("dev", "dev", "devtmpfs", 0, NULL));
        OK(access("dev/loop37", F_OK));
    }
    OK(ioctl(control, LOOP_CTL_REMOVE, 37));
    if (t_tessera) {
        ERR(access("/dev/loop37", F_OK), ENOENT);
        ERR(access("dev/loop37", F_OK), ENOENT);
        OK(umount("dev"));
        OK(mknod("none", S_IFBLK | 0600, makedev(7, 37)));
        ERR(open("none", O_RDONLY), ENXIO);
        ERR(ioctl(control, LOOP_CTL_ADD, 64), ENOSPC);
    }
    n = ioctl(control, LOOP_CTL_ADD, -1);
    OK(n);
    snprintf(name, sizeof(name), "/sys/block/loop%d/size", n);
    CHECK(!t_tessera || access(name, R_OK) == 0);
    OK(ioctl(control, LOOP_CTL_REMOVE, n));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
