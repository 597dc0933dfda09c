/* SPDX-License-Identifier: MIT
 *
 * The pool of huge pages: what is free, promised and surplus after each step, and that a
 * promise is kept.
 */
#include "tests/user/t_hugepool.h"
#include <grp.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/statfs.h>

#define N      8L
#define RW     (PROT_READ | PROT_WRITE)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB)
#define PRIV   (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)
#define SYS    "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* The counts in meminfo, all four, beyond N pages. */
static void counts(int line, long total, long free, long rsvd, long surp)
{
    long got[] = {t_meminfo("HugePages_Total"), t_meminfo("HugePages_Free"),
                  t_meminfo("HugePages_Rsvd"), t_meminfo("HugePages_Surp")};
    if (got[0] != total || got[1] != free || got[2] != rsvd || got[3] != surp)
        t_fail(__FILE__, line,
               "total %ld free %ld rsvd %ld surp %ld, not %ld %ld %ld %ld", got[0],
               got[1], got[2], got[3], total, free, rsvd, surp);
}
#define COUNTS(total, free, rsvd, surp) counts(__LINE__, total, free, rsvd, surp)
#define USED(used, rsvd)                COUNTS(N, N - (used), rsvd, 0)

static void start(void)
{
    if (!hugepool_ours())
        SKIP("the pool of this machine is not ours");
    hugepool_set(N);
    if (t_meminfo("HugePages_Total") < N)
        SKIP("no %ld huge pages", N);
    USED(0, 0);
}

static char *map(size_t n, int flags, int fd, size_t at)
{
    char *p = mmap(NULL, n * H, RW, flags, fd, (off_t)(at * H));
    OK(p);
    return p;
}

static int memfd(void)
{
    int fd = (int)syscall(SYS_memfd_create, "pool", MFD_HUGETLB);
    OK(fd);
    return fd;
}

static long number_in(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    OK(fd);
    OK(read(fd, text, sizeof(text) - 1));
    close(fd);
    return atol(text);
}

static int punch(int fd, size_t at, size_t n)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(at * H),
                     (off_t)(n * H));
}

TEST(HP01, "private: promised at mmap, taken at touch, given back at munmap")
{
    start();
    char *p = map(3, PRIV, -1, 0);
    USED(0, 3);
    p[0] = 1;
    USED(1, 2);
    CHECK(!p[H]); /* a read takes one as well */
    USED(2, 1);
    OK(munmap(p + H, H));
    USED(1, 1);
    OK(munmap(p + 2 * H, H));
    USED(1, 0);
    OK(munmap(p, H));
    USED(0, 0);
}

TEST(HP02, "shared: the promise belongs to the pages of the file")
{
    start();
    int fd = memfd();
    char *p = map(4, MAP_SHARED, fd, 0), *q;
    USED(0, 4);
    q = map(4, MAP_SHARED, fd, 2); /* two of them are promised already */
    USED(0, 6);
    p[2 * H] = 1;
    CHECK(q[0] == 1);
    USED(1, 5);
    OK(munmap(p, 4 * H));
    OK(munmap(q, 4 * H));
    USED(1, 5);
    OK(punch(fd, 2, 2)); /* one that is there, one that is promised and stays so */
    USED(0, 5);
    OK(ftruncate(fd, (off_t)H));
    USED(0, 1);
    close(fd);
    USED(0, 0);
    p = map(2, SHARED, -1, 0);
    p[0] = 1;
    USED(1, 1);
    OK(munmap(p, 2 * H));
    USED(0, 0);
}

TEST(HP03, "ENOMEM: more than there is, and nothing has changed")
{
    start();
    int fd = memfd();
    char *p = map(6, PRIV, -1, 0);
    ERR((intptr_t)mmap(NULL, 3 * H, RW, PRIV, -1, 0), ENOMEM);
    ERR((intptr_t)mmap(NULL, 3 * H, RW, SHARED, -1, 0), ENOMEM);
    ERR((intptr_t)mmap(NULL, 3 * H, RW, MAP_SHARED, fd, 0), ENOMEM);
    USED(0, 6);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, 0);
    map(2, MAP_SHARED, fd, 0);
    USED(0, 8);
    for (int i = 0; i < 6; i++)
        p[i * (long)H] = 1;
    USED(6, 2);
}

TEST(HP04, "MAP_NORESERVE: nothing promised, SIGBUS when all are promised or taken")
{
    start();
    char *p = map(3, PRIV | MAP_NORESERVE, -1, 0), *q = map(N - 1, PRIV, -1, 0);
    USED(0, N - 1);
    p[0] = 1;
    USED(1, N - 1);
    FAULT(t_write(p + H, 1), SIGBUS, BUS_ADRERR, p + H);
    for (long i = 0; i < N - 1; i++)
        q[i * (long)H] = 1; /* the promise is kept */
    USED(N, 0);
    OK(munmap(q, H));
    USED(N - 1, 0);
    EQ(t_write(p + H, 1), 0);
    USED(N, 0);
}

TEST(HP05, "private mapping of a file: its own pages, promised for itself")
{
    start();
    int fd = memfd();
    char *s = map(2, MAP_SHARED, fd, 0), *p;
    s[0] = 1;
    USED(1, 1);
    p = map(2, MAP_PRIVATE, fd, 0);
    USED(1, 3);
    CHECK(p[0] == 1); /* the file's */
    USED(1, 3);
    p[0] = 2;
    USED(2, 2);
    CHECK(s[0] == 1);
    p[H] = 3; /* a hole of the file stays one */
    USED(3, 1);
    OK(munmap(p, 2 * H));
    USED(1, 1);
    OK(munmap(s, 2 * H));
    close(fd);
    USED(0, 0);
}

TEST(HP06, "fork: the promise stays with the parent; a copy takes a page of its own")
{
    start();
    char *p = map(2, PRIV, -1, 0);
    p[0] = 1;
    USED(1, 1);
    CHILD({
        USED(1, 1);
        p[0] = 2;
        USED(2, 1);
        p[H] = 2; /* not promised to it */
        USED(3, 1);
    });
    USED(1, 1);
    p[H] = 1;
    USED(2, 0);
    OK(munmap(p, 2 * H));
    USED(0, 0);
}

TEST(
    HP07,
    "fallocate takes pages; a part that fails takes none; MADV_DONTNEED keeps the file's")
{
    start();
    int fd = memfd();
    OK(fallocate(fd, 0, 0, (off_t)(3 * H)));
    USED(3, 0);
    char *p = map(5, MAP_SHARED, fd, 0);
    USED(3, 2);
    OK(madvise(p, 5 * H, MADV_DONTNEED));
    USED(3, 2);
    OK(punch(fd, 0, 1));
    USED(2, 2);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)(3 * H), (off_t)H)); /* a promised one */
    USED(3, 1);
    OK(munmap(p, 5 * H));
    OK(ftruncate(fd, 0));
    USED(0, 0);
    if (t_tessera) { /* Linux leaves what it has allocated */
        ERR(fallocate(fd, 0, 0, (off_t)((N + 1) * (long)H)), ENOSPC);
        USED(0, 0);
    }
}

TEST(HP08, "mremap: the promise moves along and shrinks with the mapping")
{
    start();
    char *p = map(3, PRIV, -1, 0), *to = (char *)0x200000000;
    p[0] = 1;
    USED(1, 2);
    EQ((uintptr_t)mremap(p, 3 * H, 2 * H, 0), (uintptr_t)p);
    USED(1, 1);
    EQ((uintptr_t)mremap(p, 2 * H, 2 * H, MREMAP_MAYMOVE | MREMAP_FIXED, to),
       (uintptr_t)to);
    USED(1, 1);
    to[H] = 1;
    USED(2, 0);
    OK(munmap(to, 2 * H));
    USED(0, 0);
}

TEST(HP09, "the pool grows, shrinks around what is in use, and has surplus pages")
{
    start();
    char *p = map(3, PRIV, -1, 0);
    p[0] = 1;
    hugepool_set(1);
    COUNTS(3, 2, 2, 2);
    OK(munmap(p + H, 2 * H));
    COUNTS(1, 0, 0, 0);
    hugepool_set(0);
    COUNTS(1, 0, 0, 1);
    OK(munmap(p, H));
    COUNTS(0, 0, 0, 0);
    ERR((intptr_t)mmap(NULL, H, RW, PRIV, -1, 0), ENOMEM);
    hugepool_set(N);
    USED(0, 0);
}

TEST(HP10, "nr_overcommit_hugepages: surplus pages come with the promise and go with it")
{
    start();
    hugepool_set(1);
    OK(hugepool_write("/proc/sys/vm/nr_overcommit_hugepages", 2));
    EQ(number_in(SYS "nr_overcommit_hugepages"), 2);
    char *p = map(3, PRIV, -1, 0);
    COUNTS(3, 3, 3, 2);
    ERR((intptr_t)mmap(NULL, H, RW, PRIV, -1, 0), ENOMEM);
    COUNTS(3, 3, 3, 2);
    memset(p, 1, 3 * H);
    COUNTS(3, 0, 0, 2);
    OK(munmap(p, 3 * H));
    COUNTS(1, 1, 0, 0);
    p = map(2, PRIV | MAP_NORESERVE, -1, 0);
    p[0] = p[H] = 1;
    COUNTS(2, 0, 0, 1);
    OK(munmap(p, 2 * H));
    COUNTS(1, 1, 0, 0);
    OK(hugepool_write(SYS "nr_overcommit_hugepages", 0));
    OK(hugepool_write(SYS "nr_hugepages", N));
    EQ(number_in(SYS "nr_hugepages"), N);
    EQ(number_in("/proc/sys/vm/nr_hugepages"), N);
}

TEST(HP11, "SHM_HUGETLB: promised at shmget, sizes, alignment")
{
    start();
    int id = shmget(IPC_PRIVATE, 2 * H - 5, IPC_CREAT | SHM_HUGETLB | 0600);
    struct shmid_ds ds;
    OK(id);
    USED(0, 2);
    char *p = shmat(id, NULL, 0);
    OK(p);
    EQ((uintptr_t)p % H, 0);
    p[2 * H - 6] = 1;
    USED(1, 1);
    OK(shmctl(id, IPC_STAT, &ds));
    EQ(ds.shm_segsz, 2 * H - 5);
    ERR((intptr_t)shmat(id, p + 64 * H + P, 0), EINVAL);
    OK(shmdt(p));
    USED(1, 1);
    OK(shmctl(id, IPC_RMID, NULL));
    USED(0, 0);
    ERR(shmget(IPC_PRIVATE, (size_t)(N + 1) * H, IPC_CREAT | SHM_HUGETLB | 0600), ENOMEM);
    USED(0, 0);
    if (geteuid() == 0)
        CHILD({
            OK(setgroups(0, NULL));
            OK(setresgid(1234, 1234, 1234));
            OK(setresuid(1234, 1234, 1234));
            ERR(shmget(IPC_PRIVATE, H, IPC_CREAT | SHM_HUGETLB | 0600), EPERM);
        });
}

/* A mount of its own below the directory of the case. */
static void mounted(const char *options)
{
    OK(mkdir("m", 0700));
    OK(mount("none", "m", "hugetlbfs", 0, options));
}

static void unmounted(void)
{
    OK(umount("m"));
    OK(rmdir("m"));
}

TEST(HP12, "mount: size limits what its files may have, and statfs tells")
{
    struct statfs st;
    start();
    mounted("size=4M,nr_inodes=3,mode=0711,uid=7");
    OK(statfs("m", &st));
    EQ(st.f_bsize, H);
    EQ(st.f_blocks, 2);
    int fd = open("m/a", O_RDWR | O_CREAT, 0600),
        other = open("m/b", O_RDWR | O_CREAT, 0600);
    OK(fd);
    OK(other);
    ERR(open("m/c", O_RDWR | O_CREAT, 0600), ENOSPC);
    char *p = map(1, MAP_SHARED, fd, 0);
    USED(0, 1);
    OK(statfs("m", &st));
    EQ(st.f_bfree, 1);
    ERR((intptr_t)mmap(NULL, 3 * H, RW, MAP_SHARED, fd, 0), ENOMEM);
    ERR((intptr_t)mmap(NULL, 2 * H, RW, MAP_PRIVATE, other, 0), ENOMEM);
    USED(0, 1);
    p[0] = 1;
    char *q = map(1, MAP_PRIVATE, fd, 0);
    q[0] = 2; /* a copy counts too */
    OK(statfs("m", &st));
    EQ(st.f_bfree, 0);
    USED(2, 0);
    OK(munmap(q, H));
    OK(munmap(p, H));
    OK(statfs("m", &st));
    EQ(st.f_bfree, 1);
    close(fd);
    close(other);
    OK(unlink("m/a"));
    OK(unlink("m/b"));
    USED(0, 0);
    unmounted();
}

TEST(HP13, "mount: min_size is promised to it as a whole")
{
    start();
    mounted("min_size=6M");
    USED(0, 3);
    int fd = open("m/a", O_RDWR | O_CREAT, 0600);
    OK(fd);
    char *p = map(2, MAP_SHARED, fd, 0);
    USED(0, 3);
    p[0] = 1;
    USED(1, 2);
    OK(munmap(p, 2 * H));
    p = map(5, MAP_SHARED, fd, 0);
    USED(1, 4);
    OK(ftruncate(fd, 0));
    USED(0, 3);
    OK(munmap(p, 5 * H));
    close(fd);
    OK(unlink("m/a"));
    ERR((intptr_t)mmap(NULL, (N - 2) * H, RW, PRIV, -1, 0), ENOMEM);
    unmounted();
    USED(0, 0);
    ERR(mount("none", ".", "hugetlbfs", 0, "min_size=4M,size=2M"), EINVAL);
    ERR(mount("none", ".", "hugetlbfs", 0, "min_size=1G"), ENOMEM);
    USED(0, 0);
}

TEST(HP14, "sizes that are not there")
{
    start();
    ERR((intptr_t)mmap(NULL, H, RW, PRIV | 30 << 26, -1, 0), EINVAL);
    ERR(syscall(SYS_memfd_create, "x", MFD_HUGETLB | 30u << 26), ENODEV);
    ERR(shmget(IPC_PRIVATE, H, IPC_CREAT | SHM_HUGETLB | 30 << 26 | 0600), EINVAL);
    USED(0, 0);
}

TEST(HP90, "a file of hugetlbfs is as long as its mapping before its pages come")
{
    char *p;
    int fd;

    start();
    for (int flag = MAP_LOCKED;; flag = MAP_POPULATE) {
        fd = memfd();
        p = map(2, MAP_SHARED | flag, fd, 0);
        USED(2, 0);
        EQ(lseek(fd, 0, SEEK_END), 2 * H);
        EQ(lseek(fd, 5, SEEK_DATA), 5);
        EQ(lseek(fd, 5, SEEK_HOLE), 2 * H);
        ERR(lseek(fd, 2 * H, SEEK_DATA), ENXIO);
        OK(munmap(p, 2 * H));
        OK(close(fd));
        USED(0, 0);
        if (flag == MAP_POPULATE)
            break;
    }
}

int main(int argc, char **argv)
{
    return hugepool_main(N, argc, argv);
}
