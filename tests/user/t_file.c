/* SPDX-License-Identifier: MIT
 *
 * Files: open and its flags, positions, sparse files, limits, descriptors, mode bits, times,
 * devices. Names and directories: t_name. R-numbers are of the test plan.
 */
#include "tests/user/t.h"
#include <sys/uio.h>

TEST(open_errno, "open: errno")
{
    close(t_make("file", "x"));
    OK(mkdir("dir", 0755));
    OK(symlink("loop", "loop"));
    char longname[300];
    memset(longname, 'n', 299);
    longname[299] = 0;
    ERR(open("none", O_RDONLY), ENOENT);
    ERR(open("none/x", O_CREAT | O_RDWR, 0644), ENOENT);
    ERR(open("file", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    ERR(open("file/x", O_RDONLY), ENOTDIR);
    ERR(open("file/", O_RDONLY), ENOTDIR);
    ERR(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    ERR(open("dir", O_RDWR), EISDIR);
    ERR(open("dir", O_WRONLY), EISDIR);
    ERR(open("loop", O_RDONLY), ELOOP);
    ERR(open("", O_RDONLY), ENOENT);
    ERR(open(longname, O_RDONLY), ENAMETOOLONG);
    ERR(openat(999, "x", O_RDONLY), EBADF);
    ERR(openat(0, "x", O_RDONLY), ENOTDIR);
    longname[255] = 0;
    int fd = open(longname, O_RDWR | O_CREAT, 0644);
    OK(fd);
    OK(unlink(longname));
}

TEST(R21_path, "paths: 4095 bytes pass, 4096 do not; many parts; the end of memory")
{
    char *path = (char *)t_map(NULL, 3, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    close(t_make("file", "x"));
    for (size_t i = 0; i < 2 * P; i += 2)
        memcpy(path + i, "./", 2);
    strcpy(path + 4094 - 3, "file");
    path[4090] = '/';
    EQ(strlen(path), 4095);
    int fd = open(path, O_RDONLY);
    OK(fd);
    memset(path, '/', 4096);
    path[4096] = 0;
    ERR(open(path, O_RDONLY), ENAMETOOLONG);
    OK(munmap(path + 2 * P, P));
    memset(path + P, 'y', P);
    ERR(open(path + 2 * P - 100, O_RDONLY), EFAULT);
    memcpy(path + 2 * P - 5, "file", 5);
    OK(open(path + 2 * P - 5, O_RDONLY));
}

TEST(modes, "access modes are kept")
{
    char c;
    close(t_make("file", "abc"));
    int ro = open("file", O_RDONLY), wo = open("file", O_WRONLY);
    ERR(write(ro, "x", 1), EBADF);
    ERR(read(wo, &c, 1), EBADF);
    ERR(ftruncate(ro, 0), EINVAL);
    ERR(read(999, &c, 1), EBADF);
    ERR(close(999), EBADF);
    EQ(fcntl(ro, F_GETFL) & O_ACCMODE, O_RDONLY);
    EQ(fcntl(wo, F_GETFL) & O_ACCMODE, O_WRONLY);
    int dir = open(".", O_RDONLY);
    ERR(read(dir, &c, 1), EISDIR);
}

TEST(append, "O_APPEND")
{
    int a = t_make("file", "abc"), b = open("file", O_WRONLY | O_APPEND);
    EQ(write(b, "de", 2), 2);
    EQ(write(a, "f", 1), 1);
    EQ(lseek(b, 0, SEEK_SET), 0);
    EQ(write(b, "g", 1), 1);
    t_contains(a, "abcfeg");
    OK(fcntl(a, F_SETFL, O_APPEND));
    EQ(lseek(a, 0, SEEK_SET), 0);
    EQ(write(a, "h", 1), 1);
    t_contains(a, "abcfegh");
}

TEST(notify,
     "F_NOTIFY: nothing asked for ends what there is not, as for files of all kinds")
{
    int file = t_make("file", "abc"), dir = open(".", O_RDONLY);
    OK(fcntl(file, F_NOTIFY, 0));
    OK(fcntl(dir, F_NOTIFY, (unsigned)DN_MULTISHOT));
    if (t_tessera) /* nobody would be told */
        ERR(fcntl(dir, F_NOTIFY, DN_CREATE), EINVAL);
}

TEST(lease, "no lease: F_GETLEASE says so, and none is given back")
{
    int file = t_make("file", "abc"), pipes[2];
    OK(pipe(pipes));
    EQ(fcntl(file, F_GETLEASE), F_UNLCK);
    EQ(fcntl(pipes[0], F_GETLEASE), F_UNLCK);
    ERR(fcntl(file, F_SETLEASE, F_UNLCK), EAGAIN);
    ERR(fcntl(pipes[0], F_SETLEASE, F_UNLCK), EINVAL);
    ERR(fcntl(file, F_SETLEASE, 77), EINVAL);
    ERR(fcntl(open(".", O_PATH), F_GETLEASE), EBADF);
    if (t_tessera) /* nobody would be asked to give it up */
        ERR(fcntl(file, F_SETLEASE, F_RDLCK), EINVAL);
}

TEST(trunc, "O_TRUNC")
{
    struct stat st;
    int a = t_make("file", "abc");
    int b = open("file", O_WRONLY | O_TRUNC);
    OK(b);
    OK(fstat(a, &st));
    EQ(st.st_size, 0);
    EQ(write(a, "d", 1), 1); /* at its own position 3 */
    OK(fstat(a, &st));
    EQ(st.st_size, 4);
    char buf[8];
    EQ(pread(a, buf, 8, 0), 4);
    EQ(memcmp(buf, "\0\0\0d", 4), 0);
}

TESTF(lseek, "lseek")
{
    int fd = F(2), ends[2];
    EQ(lseek(fd, 10, SEEK_SET), 10);
    EQ(lseek(fd, -4, SEEK_CUR), 6);
    EQ(lseek(fd, -100, SEEK_END), 2 * (long)P - 100);
    EQ(lseek(fd, 1L << 40, SEEK_SET), 1L << 40);
    ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    ERR(lseek(fd, 0, 99), EINVAL);
    EQ(lseek(fd, 0, SEEK_CUR), 1L << 40);
    char c;
    EQ(read(fd, &c, 1), 0);
    OK(pipe(ends));
    ERR(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
    ERR(pread(ends[0], &c, 1, 0), ESPIPE);
    ERR(pread(fd, &c, 1, -1), EINVAL);
}

TESTF(sparse, "sparse files")
{
    struct stat st;
    int fd = t_file();
    EQ(pwrite(fd, "end", 3, 1L << 40), 3);
    OK(fstat(fd, &st));
    EQ(st.st_size, (1L << 40) + 3);
    EQ(st.st_blocks, 8);
    char buf[16];
    memset(buf, 1, sizeof(buf));
    EQ(pread(fd, buf, 16, 1L << 30), 16);
    for (int i = 0; i < 16; i++)
        EQ(buf[i], 0);
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 8);
    EQ(pread(fd, buf, 16, (1L << 40) - 13), 16);
    EQ(memcmp(buf + 13, "end", 3), 0);
    OK(ftruncate(fd, 100));
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 0);
}

TESTF(R50, "limits of sizes and offsets")
{
    int fd = F(1);
    struct stat st;
    ERR(ftruncate(fd, -1), EINVAL);
    ERR(pwrite(fd, "x", 1, (1UL << 63) - 1), EINVAL);
    ERR(pwrite(fd, "x", 1, -5), EINVAL);
    if (ftruncate(fd, 1L << 62)) { /* Linux can; a smaller limit must be said so */
        EQ(errno, EFBIG);
    } else {
        OK(fstat(fd, &st));
        EQ(st.st_size, 1L << 62);
        EQ(st.st_blocks, 8);
    }
    OK(ftruncate(fd, 1L << 42));
    OK(fstat(fd, &st));
    EQ(st.st_size, 1L << 42);
    EQ(st.st_blocks, 8);
    OK(ftruncate(fd, 0));
    EQ(pwrite(fd, "", 0, 50), 0);
    OK(fstat(fd, &st));
    EQ(st.st_size, 0);
}

TESTF(vectors, "readv and writev")
{
    int fd = t_file();
    char a[4], b[8];
    struct iovec w[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
    struct iovec r[2] = {{a, 4}, {b, 8}};
    EQ(writev(fd, w, 3), 6);
    EQ(lseek(fd, 0, SEEK_SET), 0);
    EQ(readv(fd, r, 2), 6);
    EQ(memcmp(a, "abcd", 4), 0);
    EQ(memcmp(b, "ef", 2), 0);
    ERR(writev(fd, w, -1), EINVAL);
    ERR(syscall(SYS_writev, fd, w, 1025), EINVAL);
    w[0].iov_len = w[2].iov_len = SIZE_MAX / 2 + 1;
    ERR(writev(fd, w, 3), EINVAL);
    ERR(syscall(SYS_writev, fd, 8, 1), EFAULT);
    EQ(writev(fd, w, 0), 0);
}

TEST(dup, "dup, dup2, dup3, fcntl")
{
    int fd = t_make("file", "abcdef");
    int d = dup(fd);
    OK(d);
    EQ(lseek(fd, 2, SEEK_SET), 2);
    EQ(lseek(d, 0, SEEK_CUR), 2);
    EQ(dup2(fd, 50), 50);
    EQ(dup2(fd, fd), fd);
    EQ(fcntl(50, F_GETFD), 0);
    EQ(dup3(fd, 51, O_CLOEXEC), 51);
    EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    ERR(dup3(fd, fd, 0), EINVAL);
    ERR(dup2(fd, 100000000), EBADF);
    ERR(dup2(999, 50), EBADF);
    EQ(fcntl(fd, F_DUPFD, 60), 60);
    EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 61);
    EQ(fcntl(61, F_GETFD), FD_CLOEXEC);
    OK(fcntl(61, F_SETFD, 0));
    EQ(fcntl(61, F_GETFD), 0);
    OK(close(fd));
    EQ(lseek(60, 0, SEEK_CUR), 2);
    int lowest = dup(60);
    EQ(lowest, fd);
}

TEST(mode_bits, "permissions bits, umask, stat")
{
    struct stat st;
    umask(027);
    int fd = open("file", O_RDWR | O_CREAT, 0666);
    OK(fstat(fd, &st));
    EQ(st.st_mode, S_IFREG | 0640);
    OK(fchmod(fd, 04711));
    OK(stat("file", &st));
    EQ(st.st_mode, S_IFREG | 04711);
    OK(mkdir("dir", 0777));
    OK(stat("dir", &st));
    EQ(st.st_mode, S_IFDIR | 0750);
    EQ(umask(022), 027);
    OK(chmod("dir", 0700));
    EQ(st.st_blksize, P);
    OK(access("file", R_OK | W_OK));
    ERR(access("none", F_OK), ENOENT);
    OK(chmod("file", 0600));
    ERR(access("file", X_OK), EACCES);
}

TEST(times, "mtime and size follow writes")
{
    struct stat a, b;
    int fd = t_make("file", "x");
    OK(fstat(fd, &a));
    t_nap(20000);
    EQ(write(fd, "y", 1), 1);
    OK(fstat(fd, &b));
    EQ(b.st_size, 2);
    CHECK(b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec > a.st_mtim.tv_nsec);
}

TEST(dev, "devices")
{
    char buf[64];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR), rnd = open("/dev/urandom", O_RDONLY);
    EQ(read(null, buf, sizeof(buf)), 0);
    EQ(write(null, buf, sizeof(buf)), sizeof(buf));
    memset(buf, 1, sizeof(buf));
    EQ(read(zero, buf, sizeof(buf)), sizeof(buf));
    EQ(buf[0] | buf[63], 0);
    ERR(write(full, "x", 1), ENOSPC);
    EQ(read(full, buf, 8), 8);
    EQ(read(rnd, buf, sizeof(buf)), sizeof(buf));
    struct stat st;
    OK(fstat(null, &st));
    CHECK(S_ISCHR(st.st_mode));
    EQ(st.st_rdev, 0x103);
}

TEST(R65, "30,000 dup and close")
{
    int fd = t_make("file", "x");
    for (int i = 0; i < 30000; i++) {
        int d = dup(fd);
        OK(d);
        OK(close(d));
    }
    t_contains(fd, "x");
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
