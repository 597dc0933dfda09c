/* SPDX-License-Identifier: MIT
 *
 * mremap of locked memory: what is filled, and what stays locked.
 */
#include "tests/user/t.h"

static long long blocks(int fd)
{
    struct stat st;
    OK(fstat(fd, &st));
    return st.st_blocks;
}

/* Addresses for all of a case. */
static void room(void)
{
    A = t_map(NULL, 64, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(A, 64 * P));
}

/* A file of 16 pages of which the first is there, shown by A, locked; the holes stay. */
static int sparse(void)
{
    int fd = t_file();
    OK(ftruncate(fd, 0));
    OK(ftruncate(fd, 16 * P));
    room();
    EQ(mmap(A, 16 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == A, 1);
    OK(mlock(A, 16 * P));
    OK(fallocate(fd, 3, P, 15 * P));
    EQ(blocks(fd), 8);
    return fd;
}

TESTF(locked_move, "a locked window that moves fills no holes")
{
    int fd = sparse();
    unsigned char *to = A + 32 * P;
    EQ(mremap(A, 16 * P, 16 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, 1);
    EQ(blocks(fd), 8);
}

TESTF(locked_shrink, "a locked window that shrinks fills no holes, nor its neighbour's")
{
    int fd = sparse(), other = t_file();
    OK(ftruncate(other, 0));
    OK(ftruncate(other, 16 * P));
    unsigned char *next = A + 16 * P;
    EQ(mmap(next, 16 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, other, 0) ==
           next,
       1);
    EQ(mremap(A, 32 * P, 24 * P, 0) == A, 1);
    EQ(blocks(fd), 8);
    EQ(blocks(other), 0);
}

TESTF(locked_grow, "a locked window that grows fills what is new")
{
    int fd = sparse();
    OK(munmap(A + 4 * P, 12 * P));
    EQ(mremap(A, 4 * P, 8 * P, 0) == A, 1);
    EQ(blocks(fd), 5 * 8);
}

TESTF(locked_keep, "DONTUNMAP takes the lock from what stays")
{
    room();
    unsigned char *to = A + 32 * P;
    EQ(mmap(A, 8 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1,
            0) == A,
       1);
    OK(mlock(A, 8 * P));
    EQ(mremap(A, 8 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_FIXED | 4 /* DONTUNMAP */, to) ==
           to,
       1);
    OK(madvise(A, 8 * P, MADV_DONTNEED)); /* EINVAL for locked memory */
    ERR(madvise(to, 8 * P, MADV_DONTNEED), EINVAL);
    OK(munmap(A, 8 * P));
    OK(munmap(to, 8 * P));
}

TEST(locked_writable, "locked private memory that gets writable is filled")
{
    room();
    EQ(mmap(A, 8 * P, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == A, 1);
    OK(mlock(A, 8 * P));
    OK(mprotect(A, 8 * P, PROT_READ | PROT_WRITE));
    long before = t_minflt();
    for (size_t i = 0; i < 8; i++)
        put(i, i);
    EQ(t_minflt() - before, 0);
    OK(munmap(A, 8 * P));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
