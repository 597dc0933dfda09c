/* SPDX-License-Identifier: MIT
 *
 * Who pays for the kernel's records about the pages of files: the index of a sparse file, and
 * the counts that /proc keeps of pages shown often.
 */
#include "tests/user/t.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/wait.h>

static long used_in(const char *path)
{
    struct statfs s;
    OK(statfs(path, &s));
    return (long)(s.f_blocks - s.f_bfree);
}

static void mounted(const char *options)
{
    if (!t_tessera)
        SKIP("mounts");
    OK(mkdir("m", 0755));
    OK(mount("none", "m", "tmpfs", 0, options));
}

static void unmounted(void)
{
    OK(umount("m"));
    OK(rmdir("m"));
}

/* One page each `stride` pages; how many could be had. */
static long fill(int fd, long npages, long stride)
{
    long i = 0;
    while (i < npages && pwrite(fd, "x", 1, i * stride * (long)P) == 1)
        i++;
    return i;
}

TEST(index, "the index of a sparse file counts in a file system of default size")
{
    mounted("");
    int fd = open("m/f", O_RDWR | O_CREAT, 0600);
    OK(fd);
    long before = used_in("m");
    EQ(fill(fd, 1000, 1), 1000);
    long dense = used_in("m") - before;
    CHECK(dense >= 1000 && dense < 1010);
    OK(ftruncate(fd, 0));
    EQ(used_in("m"), before);
    EQ(fill(fd, 1000, 64), 1000);
    long sparse = used_in("m") - before;
    CHECK(sparse > 1100 && sparse < 1300);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 64 * 1000 * (long)P));
    EQ(used_in("m"), before);
    EQ(fill(fd, 1, 1), 1);
    close(fd);
    OK(unlink("m/f"));
    EQ(used_in("m"), before);
    unmounted();
}

TEST(given, "a size that was given is a size of data, to the page")
{
    mounted("size=4m");
    int fd = open("m/f", O_RDWR | O_CREAT, 0600);
    OK(fd);
    EQ(fill(fd, 2000, 64), 1024);
    EQ(errno, ENOSPC);
    EQ(used_in("m"), 1024);
    OK(ftruncate(fd, 0));
    EQ(fill(fd, 2000, 1), 1024);
    OK(mount("none", "m", "tmpfs", MS_REMOUNT, "size=5m"));
    EQ(fill(fd, 2000, 1), 1280);
    close(fd);
    unmounted();
}

static long free_kb(void)
{
    struct t_reader r;
    long kb = -1;
    CHECK(t_open(&r, "/proc/meminfo"));
    for (char *l; (l = t_line(&r));)
        sscanf(l, "MemFree: %ld", &kb);
    return kb;
}

static void drop(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    OK(fd);
    EQ(write(fd, "3", 1), 1);
    close(fd);
}

TEST(census, "drop_caches gives back what smaps has counted")
{
    if (!t_tessera)
        SKIP("what Linux drops is more");
    int fd = F(0);
    OK(ftruncate(fd, 4096 * 64 * (long)P));
    EQ(fill(fd, 4096, 64), 4096);
    for (int i = 0; i < 12; i++) { /* more mappings than are counted one by one */
        char *p = mmap(NULL, 4096 * 64 * P, PROT_READ, MAP_SHARED, fd, 0);
        CHECK(p != MAP_FAILED);
        for (long page = 0; page < 4096; page++)
            EQ(((volatile char *)p)[page * 64 * P], 'x');
    }
    long pss = 0;
    drop();
    long before = free_kb();
    struct t_reader r;
    CHECK(t_open(&r, "/proc/self/smaps_rollup"));
    for (char *l; (l = t_line(&r));)
        sscanf(l, "Pss: %ld", &pss);
    CHECK(pss > 0);
    long counted = free_kb();
    drop();
    long after = free_kb();
    CHECK(before - counted > 1024);
    CHECK(after > before - 64);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
