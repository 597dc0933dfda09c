/* SPDX-License-Identifier: MIT
 *
 * Advice and size changes that mean the file pages an arrangement shows: MADV_REMOVE (spec
 * T143, T144), MADV_POPULATE_*, FREE, COLD; fallocate seen through a rearranged mapping; and
 * seals (T186, T187).
 */
#include "tests/user/t.h"
#include <sys/uio.h>

#define ADV_COLD           20
#define ADV_PAGEOUT        21
#define ADV_POPULATE_READ  22
#define ADV_POPULATE_WRITE 23

static long blocks(int fd)
{
    struct stat st;
    OK(fstat(fd, &st));
    return st.st_blocks;
}

TESTF(T143, "REMOVE of linear pages beside overrides")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(7, 1, 0));
    OK(madvise(A + 2 * P, 2 * P, MADV_REMOVE));
    EQ(blocks(fd), 6 * 8); /* now: reading a hole through a mapping fills it */
    TAGS(0, 1, -1000, -1000, 4, 5, 6, 0);
    EQ(t_tag_in_file(fd, 1), 1);
    put(2, 22); /* a hole is filled again by a store */
    EQ(t_tag_in_file(fd, 2), 22);
}

TESTF(T144, "REMOVE of an override punches the page it shows")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 5));
    OK(madvise(A, P, MADV_REMOVE));
    EQ(blocks(fd), 7 * 8);
    TAGS(-1000, 1, 2, 3, 4, -1000, 6, 7);
    EQ(t_tag_in_file(fd, 0), 0);
    EQ(t_tag_in_file(fd, 5), -1000);
    put(0, 55);
    EQ(tag(5), 55);
    EQ(t_tag_in_file(fd, 5), 55);
}

TESTF(T144_many, "REMOVE over a reversed mapping, aliases, and never touched pages")
{
    int fd = F(8);
    M(fd, 8);
    t_reverse(8, MAP_NONBLOCK);
    OK(madvise(A + P, 3 * P, MADV_REMOVE)); /* shows 6, 5, 4 */
    TAGS(7, -1000, -1000, -1000, 3, 2, 1, 0);
    for (size_t i = 0; i < 8; i++)
        EQ(t_tag_in_file(fd, i), i >= 4 && i <= 6 ? -1000 : (long)i);
    OK(R(0, 1, 2));
    OK(R(1, 1, 2));
    OK(madvise(A, 2 * P, MADV_REMOVE)); /* the same page twice */
    EQ(blocks(fd), 7 * 8);              /* the three holes were read meanwhile */
    TAGS(-1000, -1000, -1000, -1000, 3, -1000, 1, 0);
    OK(munmap(A + 7 * P, P)); /* 0 is shown nowhere any more, 6 and 7 were not before */
    ERR(madvise(A, 8 * P, MADV_REMOVE), ENOMEM);
    EQ(blocks(fd), 3 * 8);
}

TESTF(remove_errors, "REMOVE: private, locked, read-only descriptor")
{
    int fd = F(4);
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ERR(madvise(A, P, MADV_REMOVE), EACCES);
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(madvise(A, P, MADV_REMOVE), EINVAL);
    A = t_map(NULL, 4, PROT_READ, MAP_SHARED, t_reopen(fd, O_RDONLY), 0);
    ERR(madvise(A, P, MADV_REMOVE), EACCES);
    M(fd, 4);
    OK(mlock(A, P));
    ERR(madvise(A, P, MADV_REMOVE), EINVAL);
    OK(munlock(A, P));
    LINEAR(4);
}

TEST(remove_anon, "REMOVE of shared anonymous memory, through an alias")
{
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 4; i++)
        put(i, i);
    OK(R(0, 1, 3));
    OK(madvise(A, P, MADV_REMOVE));
    TAGS(-1000, 1, 2, -1000);
    OK(R(0, 1, 0));
    EQ(tag(0), 0);
}

TESTF(populate, "POPULATE_READ and POPULATE_WRITE follow the arrangement")
{
    int fd = t_file();
    OK(ftruncate(fd, 16 * P));
    M(fd, 8);
    OK(RF(0, 4, 12, MAP_NONBLOCK));
    if (madvise(A, 8 * P, ADV_POPULATE_WRITE))
        FAIL("POPULATE_WRITE: %s", strerror(errno));
    EQ(blocks(fd), 8 * 8);
    long faults = t_minflt();
    for (size_t i = 0; i < 8; i++)
        put(i, i);
    EQ(t_minflt() - faults, 0);
    for (size_t i = 0; i < 8; i++)
        EQ(t_tag_in_file(fd, i < 4 ? i + 12 : i), i);
    t_reverse(8, MAP_NONBLOCK);
    OK(madvise(A, 8 * P, ADV_POPULATE_READ));
    faults = t_minflt();
    for (size_t i = 0; i < 8; i++)
        (void)*(volatile unsigned char *)(A + i * P);
    EQ(t_minflt() - faults, 0);
}

TESTF(populate_errors, "POPULATE: past EOF, no rights, holes")
{
    int fd = F(4);
    M(fd, 4);
    OK(R(1, 1, 10));
    ERR(madvise(A, 4 * P, ADV_POPULATE_READ), EFAULT);
    OK(R(1, 1, 1));
    OK(mprotect(A, 4 * P, PROT_READ));
    ERR(madvise(A, 4 * P, ADV_POPULATE_WRITE), EINVAL);
    OK(madvise(A, 4 * P, ADV_POPULATE_READ));
    OK(mprotect(A, 4 * P, PROT_NONE));
    ERR(madvise(A, 4 * P, ADV_POPULATE_READ), EINVAL);
    OK(mprotect(A, 4 * P,
                PROT_WRITE)); /* what may not be read, though the processor would */
    ERR(madvise(A, 4 * P, ADV_POPULATE_READ), EINVAL);
    OK(madvise(A, 4 * P, ADV_POPULATE_WRITE));
    OK(mprotect(A, 4 * P, PROT_EXEC));
    ERR(madvise(A, 4 * P, ADV_POPULATE_READ), EINVAL);
    OK(mprotect(A, 4 * P, PROT_READ));
    OK(munmap(A + 2 * P, P));
    ERR(madvise(A, 4 * P, ADV_POPULATE_READ), ENOMEM);
    LINEAR(2);
}

TESTF(cold, "COLD, PAGEOUT, DONTDUMP, DODUMP change nothing one can see")
{
    M(F(8), 8);
    t_reverse(8, 0);
    put(0, 70);
    OK(madvise(A, 8 * P, ADV_COLD));
    OK(madvise(A, 8 * P, ADV_PAGEOUT));
    OK(madvise(A + P, 2 * P, MADV_DONTDUMP));
    OK(madvise(A + P, 2 * P, MADV_DODUMP));
    TAGS(70, 6, 5, 4, 3, 2, 1, 0);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
}

TEST(free, "FREE of private anonymous memory: old or zero, then what is written")
{
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 4; i++)
        put(i, i);
    OK(madvise(A, 4 * P, MADV_FREE));
    for (size_t i = 0; i < 4; i++)
        CHECK(tag(i) == (long)i || tag(i) == -1000);
    put(2, 7);
    EQ(tag(2), 7);
}

TESTF(fallocate_seen, "fallocate through a rearranged mapping")
{
    int fd = F(8);
    M(fd, 8);
    t_reverse(8, 0);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * P, 2 * P));
    TAGS(7, 6, 5, 4, -1000, -1000, 1, 0);
    EQ(blocks(fd), 6 * 8 + 2 * 8); /* read faults filled the holes with zero pages */
    OK(R(0, 1, 12));
    BUS_AT(0);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 12 * P,
                 P)); /* the size stays: so does SIGBUS */
    BUS_AT(0);
    OK(fallocate(fd, 0, 12 * P, P));
    EQ(tag(0), -1000);
    put(0, 12);
    EQ(t_tag_in_file(fd, 12), 12);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 12 * P + 1, P));
    EQ(*(volatile uint64_t *)A, (uint64_t)(1012 & 0xff)); /* all but the first byte */
    ERR(fallocate(fd, 0x08, 0, P), EOPNOTSUPP);           /* COLLAPSE_RANGE */
    ERR(fallocate(fd, 0x20, 0, P), EOPNOTSUPP);           /* INSERT_RANGE */
}

static int sealed_file(size_t npages)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    OK(fd);
    OK(ftruncate(fd, (off_t)(npages * P)));
    t_tag_pages(fd, 0, npages);
    return fd;
}

TEST(T186, "F_SEAL_WRITE is EBUSY while mapped, remapped or not")
{
    int fd = sealed_file(8);
    M(fd, 8);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    t_reverse(8, 0);
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    OK(mprotect(A, 8 * P, PROT_READ)); /* it could be made writable again */
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    EQ(fcntl(fd, F_GET_SEALS), 0);
    REVERSED(8);
    OK(munmap(A, 4 * P));
    ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    OK(munmap(A + 4 * P, 4 * P));
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    ERR(mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    EQ(t_tag_in_file(fd, 3), 3);
}

TEST(T186_after, "a sealed file's read-only mapping can be remapped")
{
    int fd = sealed_file(8);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    t_reverse(8, 0);
    REVERSED(8);
    ERR(mprotect(A, P, PROT_READ | PROT_WRITE), EACCES);
}

TEST(T186_future, "F_SEAL_FUTURE_WRITE: old mappings write and remap, but punch nothing")
{
    enum { FUTURE_WRITE = 0x10 };
    int fd = sealed_file(8);
    M(fd, 8);
    OK(fcntl(fd, F_ADD_SEALS, FUTURE_WRITE));
    ERR(madvise(A + P, P, MADV_REMOVE), EPERM);
    LINEAR(8);
    put(0, 70);
    EQ(t_tag_in_file(fd, 0), 70);
    if (t_tessera) /* Linux maps the page anew, which the seal forbids */
        OK(R(0, 1, 5));
    else
        ERR(R(0, 1, 5), EPERM);
    EQ(tag(0), t_tessera ? 5 : 70);
}

TEST(T187, "F_SEAL_SHRINK keeps the pages below overrides")
{
    int fd = sealed_file(8);
    M(fd, 8);
    t_reverse(8, 0);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    ERR(ftruncate(fd, 4 * P), EPERM);
    REVERSED(8);
    OK(ftruncate(fd, 12 * P));
    OK(R(0, 1, 11));
    EQ(tag(0), -1000);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    ERR(ftruncate(fd, 16 * P), EPERM);
    OK(R(0, 1, 14));
    BUS_AT(0);
}

static long advise_process(int fd, void *p, size_t len, int advice, unsigned flags)
{
    struct iovec v[2] = {{p, len}, {p, len}};
    return syscall(SYS_process_madvise, fd, v, 2, advice, flags);
}

TEST(other, "process_madvise: of itself, of others, its errors")
{
    unsigned char *p =
        t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0), file = t_file();
    long n = advise_process(self, p, 2 * P, ADV_COLD, 0);
    if (n < 0 && errno == ENOSYS)
        SKIP("this Linux has none");
    EQ(n, 4 * P);
    EQ(advise_process(self, p, 4 * P, MADV_WILLNEED, 0), 8 * P);
    ERR(advise_process(self, p, P, ADV_COLD, 1), EINVAL);
    ERR(advise_process(self, p, P, 12345, 0), EINVAL);
    ERR(advise_process(file, p, P, ADV_COLD, 0), EBADF);
    ERR(advise_process(-1, p, P, ADV_COLD, 0), EBADF);
    OK(munmap(p + 2 * P, P));
    ERR(advise_process(self, p, 4 * P, ADV_COLD, 0), ENOMEM);
    ERR(syscall(SYS_process_madvise, self, NULL, 1, ADV_COLD, 0), EFAULT);
    ERR(syscall(SYS_process_madvise, self, NULL, 1025, ADV_COLD, 0), EINVAL);
    EQ(syscall(SYS_process_madvise, self, NULL, 0, ADV_COLD, 0), 0);
    pid_t pid = t_fork();
    while (!pid)
        pause();
    int other = (int)syscall(SYS_pidfd_open, pid, 0);
    ERR(advise_process(other, p, P, MADV_DONTNEED, 0), EINVAL);
    kill(pid, SIGKILL);
    t_status_of(pid);
    ERR(advise_process(other, p, P, ADV_COLD, 0), ESRCH);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
