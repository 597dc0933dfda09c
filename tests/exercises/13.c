/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/syscall_table.h cachestat
 */
#include "tests/exercises/check.h"

struct range {
    uint64_t off, len;
};

struct answer {
    uint64_t cache, dirty, writeback, evicted, recently;
};

static long in_memory(int fd, uint64_t off, uint64_t len)
{
    struct range r = {off, len};
    struct answer a;

    memset(&a, 0xff, sizeof(a));
    EQ(syscall(451, fd, &r, &a, 0), 0);
    EQ(a.writeback, 0);
    EQ(a.evicted, 0);
    EQ(a.recently, 0);
    CHECK(a.dirty <= a.cache);
    return (long)a.cache;
}

int main(void)
{
    int fd = make_file(100), hole = memfd_create("hole", 0), ends[2];
    struct range r = {0, 0};
    struct answer a;

    EQ(in_memory(fd, 0, 0), 100); /* 0: to the end */
    EQ(in_memory(fd, 10 * P, 0), 90);
    EQ(in_memory(fd, 10 * P, 5 * P), 5);
    EQ(in_memory(fd, 10 * P + 1, 5 * P), 6); /* parts of pages count */
    EQ(in_memory(fd, 10 * P + 1, 1), 1);
    EQ(in_memory(fd, 200 * P, P), 0);
    EQ(in_memory(fd, 99 * P, ~0ul), 1); /* wraps: to the end */
    EQ(in_memory(fd, ~0ul - 5, 3), 0);
    EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20 * (off_t)P,
                 10 * (off_t)P),
       0);
    EQ(in_memory(fd, 0, 0), 90);
    EQ(in_memory(fd, 15 * P, 10 * P), 5);
    EQ(ftruncate(hole, 1l << 40), 0);
    EQ(pwrite(hole, "x", 1, 1l << 39), 1);
    EQ(in_memory(hole, 0, 0), 1);
    EQ(in_memory(hole, 0, 1ul << 39), 0);
    EQ(in_memory(hole, 0, (1ul << 39) + 1), 1);
    CHECK(pipe(ends) == 0);
    EQ(in_memory(ends[0], 0, 0), 0); /* no file of pages */
    ERR(syscall(451, -1, &r, &a, 0), EBADF);
    ERR(syscall(451, fd, NULL, &a, 0), EFAULT);
    ERR(syscall(451, fd, &r, NULL, 0), EFAULT);
    ERR(syscall(451, fd, &r, &a, 1), EINVAL);
    return 0;
}
