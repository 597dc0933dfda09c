/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: calls about ranges with many areas, guards, pages of sparse files,
 * places of an arrangement.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stall.h"

/* Calls about all of 60,000 areas. */
static void over_areas(void)
{
    char *p = map(2 * GIB, PROT_NONE, ANON, -1);
    size_t all = 60000 * P;
    struct {
        uint64_t api, features, ioctls;
    } api = {0xaa, 0, 0};
    struct {
        uint64_t start, len, mode, ioctls;
    } range = {(uintptr_t)p, all, 3, 0};
    int fd = (int)syscall(SYS_userfaultfd, 1), id = shmget(IPC_PRIVATE, P, 0600);

    for (size_t i = 0; i < 30000; i++)
        mprotect(p + 2 * i * P, P, PROT_READ);
    madvise(p, all, MADV_DONTDUMP);
    madvise(p, all, MADV_DONTFORK);
    madvise(p, all, MADV_DOFORK);
    madvise(p, all, MADV_DONTNEED);
    madvise(p, all, 22);
    mlockall(MCL_CURRENT | 4);
    munlockall();
    void *at = shmat(id, NULL, 0);
    shmdt(at);
    shmctl(id, IPC_RMID, NULL);
    ioctl(fd, 0xc018aa3f, &api);
    ioctl(fd, 0xc020aa00, &range);
    ioctl(fd, 0x8010aa01, &range);
    ioctl(fd, 0xc020aa00, &range);
    close(fd);
    mremap(p, all, all + P, MREMAP_MAYMOVE);
    syscall(462, p, all, 0); /* mseal */
    mprotect(p, all, PROT_READ);
    mmap(p, all, RW, ANON | MAP_FIXED, -1, 0);
}

void calls_over_areas(void)
{
    on_its_own(over_areas);
}

static void guarded(void)
{
    size_t size = 1ul << 42;
    char *p = map(size, RW, ANON, -1);
    struct {
        uint64_t api, features, ioctls;
    } api = {0xaa, 0, 0};
    struct {
        uint64_t start, len, mode, ioctls;
    } range = {(uintptr_t)p, size, 3, 0};
    int fd = (int)syscall(SYS_userfaultfd, 1);

    ioctl(fd, 0xc018aa3f, &api);
    ioctl(fd, 0xc020aa00, &range);
    range.mode = 1;
    ioctl(fd, 0xc018aa06, &range);
    range.mode = 0;
    ioctl(fd, 0xc018aa06, &range);
    ioctl(fd, 0x8010aa02, &range);
    range.len = 64 * MIB;
    range.mode = 0;
    ioctl(fd, 0xc020aa04, &range);
    range.mode = 1;
    ioctl(fd, 0xc018aa06, &range);
    munmap(p, size);
}

void wide_guards(void)
{
    on_its_own(guarded);
}

static void sparse_files(void)
{
    int fd = file(7ul << 40), other = file(7ul << 40);
    loff_t a = 0, b = 0;

    for (off_t at = 0; at < 7l << 40; at += 1l << 30)
        pwrite(fd, "x", 1, at);
    lseek(fd, 1, SEEK_DATA);
    lseek(other, 0, SEEK_DATA);
    lseek(fd, 0, SEEK_HOLE);
    syscall(SYS_copy_file_range, fd, &a, other, &b, 1ul << 35, 0);
    fallocate(fd, 3, 1, (7l << 40) - 2);
    ftruncate(other, 0);
    fallocate(other, 0, 0, 256 * MIB);
    lseek(other, 0, SEEK_HOLE);
    fallocate(other, 16 /* ZERO_RANGE */, 0, 256 * MIB);
}

void far_pages(void)
{
    on_its_own(sparse_files);
}

static void arranged(void)
{
    int fd = file(4 * GIB);
    char *p = map(4 * GIB, RW, MAP_SHARED, fd);
    static uint64_t out[1 << 20];

    syscall(1002, p, 4 * GIB, 1); /* rotate */
    syscall(1002, p, 4 * GIB, 12345);
    syscall(1001, p, p + 2 * GIB, 2 * GIB);
    syscall(1003, p, 4 * GIB, out);
    char *q = (char *)syscall(1004, p, 4 * GIB, RW);
    mremap(p, 4 * GIB, 4 * GIB + P, MREMAP_MAYMOVE);
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    munmap(q, 4 * GIB);
}

void own_calls(void)
{
    on_its_own(arranged);
}

/* Each page is away at more places than its descriptor has room for, and comes to one more by each
 * of the calls. */
static void often_away(void)
{
    static struct {
        uint64_t addr, pgoff;
        uint32_t npages, flags;
    } entries[2000];
    const size_t all = 8000, size = all * P;
    int fd = file(9000 * P);

    fallocate(fd, 0, 0, 9000 * P);
    for (unsigned long n = 1; n < 90; n++) {
        char *p = map(size, RW, MAP_SHARED, fd);

        for (size_t i = 0; i < 2000; i++) {
            entries[i].addr = (uint64_t)(p + i * P);
            entries[i].pgoff = i + n;
            entries[i].npages = 1;
        }
        if (n % 4 == 0)
            syscall(1000, entries, 2000, 0);
        else if (n % 4 == 1)
            syscall(1000, entries, 1000, 1 /* RM_ATOMIC */);
        remap_file_pages(p + 2000 * P, size - 2000 * P, 0, 2000 + n,
                         n % 2 ? MAP_NONBLOCK : 0);
        if (n % 2)
            madvise(p, size, 22 /* MADV_POPULATE_READ */);
        if (n % 8 == 2)
            syscall(1001, p, p + size / 2, size / 2);
        if (n % 8 == 6)
            syscall(1002, p, size, 777);
    }
}

void logged_pages(void)
{
    on_its_own(often_away);
}
