/* SPDX-License-Identifier: MIT
 *
 * The highest addresses, and an address space with nothing above what it works on: no stack, no
 * vDSO. The cases run on a stack of their own below it.
 */
#include "tests/user/t.h"

#define RW_         (PROT_READ | PROT_WRITE)
#define ANON        (MAP_PRIVATE | MAP_ANONYMOUS)
#define TOP         0x7ffffffff000ul
#define STACK       0x10000000ul
#define ABOVE       0x20000000ul
#define TOP_PAGE(n) ((char *)TOP - P + (n)*P)
#define AREA        ((uint32_t(*)[P / 4])0x7fffff000000ul) /* at the start of a leaf table */
#define PAGES       700u /* ends in the middle of another */
#define PLACE(i)    ((char *)AREA + (i)*P)

/* Runs fn, which does not return, where nothing is mapped above its stack. */
static _Noreturn void alone(void (*fn)(void))
{
    char *stack = mmap((void *)STACK, 64 * P, RW_, ANON | MAP_FIXED_NOREPLACE, -1, 0);

    EQ((uintptr_t)stack, STACK);
    __asm__ volatile("mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1"
                     :
                     : "r"(stack + 64 * P), "r"(fn)
                     : "memory");
    __builtin_unreachable();
}

static void nothing_above(void)
{
    OK(munmap((void *)ABOVE, TOP - ABOVE));
}

static void fill(void)
{
    EQ((uintptr_t)mmap(AREA, PAGES * P, RW_, ANON | MAP_FIXED, -1, 0), (uintptr_t)AREA);
    for (uint32_t i = 0; i < PAGES; i++)
        AREA[i][3] = i + 1;
}

static void child_comes_and_goes(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(0);
    OK(pid);
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static void expect(uint32_t from, uint32_t to, uint32_t zeros)
{
    for (uint32_t i = from; i < to; i++)
        EQ(AREA[i][3], i < zeros ? i + 1 : 0);
}

/* Leaf tables that a child had as well: each call that works on a part of them, whose end lies behind
 * everything. */
static void parts(void)
{
    nothing_above();
    fill();
    child_comes_and_goes();
    EQ((uintptr_t)mmap(PLACE(600), 150 * P, RW_, ANON | MAP_FIXED, -1, 0),
       (uintptr_t)PLACE(600));
    expect(0, 750, 600);
    OK(munmap(PLACE(600), 150 * P));
    fill();
    child_comes_and_goes();
    OK(munmap(PLACE(650), 80 * P));
    expect(0, 650, PAGES);
    child_comes_and_goes();
    OK(mprotect(AREA, 650 * P, PROT_READ));
    child_comes_and_goes();
    OK(madvise(PLACE(640), 10 * P, MADV_DONTNEED));
    expect(0, 650, 640);
    OK(mprotect(PLACE(600), 50 * P, RW_));
    EQ((uintptr_t)mremap(PLACE(640), 10 * P, 20 * P, 0), (uintptr_t)PLACE(640));
    child_comes_and_goes();
    EQ((uintptr_t)mremap(PLACE(600), 60 * P, 60 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                         PLACE(750)),
       (uintptr_t)PLACE(750));
    EQ(AREA[750][3], 601);
    expect(0, 600, 600);
    OK(munmap(AREA, 900 * P));
    _exit(0);
}

TEST(top_parts, "parts of tables that were a child's too, nothing above")
{
    alone(parts);
}

/* What reaches beyond the last page there is. */
static void last_page(void)
{
    char *last = TOP_PAGE(0);
    int fd = memfd_create("top", 0), ends[2];
    unsigned char vec[2];

    nothing_above();
    OK(pipe(ends));
    OK(ftruncate(fd, 4 * P));
    EQ((uintptr_t)mmap(last, P, RW_, MAP_SHARED | MAP_FIXED, fd, 0), (uintptr_t)last);
    OK(remap_file_pages(last, P, 0, 2, 0));
    *(volatile uint32_t *)last = 5;
    ERR(munmap(last, 2 * P), EINVAL);
    ERR(remap_file_pages(last, 2 * P, 0, 1, 0), EINVAL);
    ERR((intptr_t)mmap(TOP_PAGE(1), P, RW_, ANON | MAP_FIXED, -1, 0), ENOMEM);
    ERR((intptr_t)mmap(last, 2 * P, RW_, ANON | MAP_FIXED, -1, 0), ENOMEM);
    ERR((intptr_t)mremap(last, P, 2 * P, 0), ENOMEM);
    ERR(madvise(last, 2 * P, MADV_DONTNEED), ENOMEM);
    ERR(mincore(last, 2 * P, vec), ENOMEM);
    ERR(msync(last, 2 * P, MS_SYNC), ENOMEM);
    ERR(mlock(last, 2 * P), ENOMEM);
    ERR(mprotect(TOP_PAGE(1), P, RW_), ENOMEM);
    ERR(write(ends[1], TOP_PAGE(1), 1), EFAULT);
    EQ(pread(fd, vec, 1, 2 * P), 1);
    EQ(vec[0], 5);
    OK(munmap(last, P));
    _exit(0);
}

TEST(top_last_page, "the last page of the address space")
{
    alone(last_page);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
