/* SPDX-License-Identifier: MIT
 *
 * One page of a file that thousands of mappings show: the walk over them pauses when the file
 * is cut, and mappings come, go and move meanwhile. None may be missed.
 */
#include "tests/user/t.h"

#define MANY  3000u /* mappings that make the walk long */
#define MOVED 32u   /* private copies that move about */
#define TURNS 12

static int gate[2];      /* a byte goes in from where it can be read */
static int *stop;        /* shared with the child */
static char *low, *high; /* where the copies move between */

static bool readable(const char *p)
{
    char c;
    ssize_t n = write(gate[1], p, 1);

    if (n == 1)
        EQ(read(gate[0], &c, 1), 1);
    else
        EQ(errno, EFAULT);
    return n == 1;
}

static char *place(char *base, size_t i)
{
    return base + 2 * i * P; /* never neighbours, so never one mapping */
}

static char *show(int fd, size_t n)
{
    char *at = mmap(NULL, 2 * n * P, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < n; i++) {
        OK(mmap(place(at, i), P, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
        EQ(*place(at, i), 'x');
    }
    return at;
}

/* Copies move from the low places to the high ones and back, in the order of the file's
 * mappings and against it. */
static void move_copies(void)
{
    char *from = low, *to = high;

    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
        for (size_t i = 0; i < MOVED; i++)
            OK(mremap(place(from, i), P, P, MREMAP_MAYMOVE | MREMAP_FIXED, place(to, i)));
        from = to;
        to = from == low ? high : low;
    }
}

static int moving_child(int fd, int ready)
{
    char *made = mmap(NULL, 4 * MOVED * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int left = 0;

    CHECK(made != MAP_FAILED);
    low = made;
    high = made + 2 * MOVED * P;
    for (size_t i = 0; i < MOVED; i++) {
        OK(mmap(place(low, i), P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
                0));
        *place(low, i) = 'c';
    }
    EQ(write(ready, "r", 1), 1);
    move_copies();
    for (size_t i = 0; i < 2 * MOVED; i++)
        left += readable(place(low, i));
    return left != 0;
}

static int cutting_round(int fd, const char *shown)
{
    int ready[2], status;
    char c;
    pid_t pid;

    *stop = 0;
    EQ(pwrite(fd, "x", 1, 0), 1);
    for (size_t i = 0; i < MANY; i++)
        EQ(*place((char *)shown, i), 'x');
    OK(pipe(ready));
    OK(pid = fork());
    if (pid == 0)
        _exit(moving_child(fd, ready[1]));
    EQ(read(ready[0], &c, 1), 1);
    OK(ftruncate(fd, 0));
    __atomic_store_n(stop, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < MANY; i++)
        CHECK(!readable(place((char *)shown, i)));
    OK(waitpid(pid, &status, 0));
    close(ready[0]);
    close(ready[1]);
    return status;
}

TEST(moving, "ftruncate misses none of the private copies that move meanwhile")
{
    int fd = memfd_create("homes", 0);
    const char *shown;

    OK(fd);
    OK(pipe(gate));
    stop = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stop != MAP_FAILED);
    EQ(pwrite(fd, "x", 1, 0), 1);
    shown = show(fd, MANY);
    for (int i = 0; i < TURNS; i++)
        EQ(cutting_round(fd, shown), 0);
}

TEST(leaving, "processes that map the page come and go while it is punched out")
{
    int fd = memfd_create("homes", 0), status;
    const char *shown;
    pid_t pid;

    OK(fd);
    OK(pipe(gate));
    EQ(pwrite(fd, "x", 1, 0), 1);
    shown = show(fd, MANY);
    stop = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(stop != MAP_FAILED);
    OK(pid = fork());
    if (pid == 0) {
        while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
            char *p = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);

            CHECK(p != MAP_FAILED);
            CHECK(*p == 'x' || *p == 0);
            OK(munmap(p, P));
        }
        _exit(0);
    }
    for (int i = 0; i < TURNS; i++) {
        OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, P));
        for (size_t k = 0; k < MANY; k += 7)
            EQ(*place((char *)shown, k), 0);
        EQ(pwrite(fd, "x", 1, 0), 1);
        for (size_t k = 0; k < MANY; k++)
            EQ(*place((char *)shown, k), 'x');
    }
    __atomic_store_n(stop, 1, __ATOMIC_RELEASE);
    OK(waitpid(pid, &status, 0));
    EQ(status, 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
