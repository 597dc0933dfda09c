/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2) on shared memory and files, pages that are there but not shown, pages that
 * are guarded against writing.
 */
#include "t_userfaultfd.h"

static unsigned char *twin; /* the same file, not watched */
static int fd;

/* A window of n pages on a fresh file, all missing, watched. */
static void window(size_t n, uint64_t mode)
{
    uffd = uffd_new(O_CLOEXEC, 0);
    fd = t_file();
    OK(ftruncate(fd, (off_t)(n * P)));
    mem = t_map(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    twin = t_map(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(watch(mem, n, mode));
}

TEST(uffd_shared, "missing pages of files: holes only; the file gets what is given")
{
    struct toucher t;

    window(4, REGISTER_MISSING);
    twin[P] = 7;
    EQ(mem[P], 7); /* in the file: not missing */
    touch(&t, mem, 5);
    want(mem, FLAG_WRITE);
    OK(give(mem, 4));
    EQ(touched(&t), 5);
    EQ(twin[0], 5);
    EQ(twin[1], 4);
    ERR(give(mem + P, 1), EEXIST);
    touch(&t, mem + 2 * P, -1);
    want(mem + 2 * P, 0);
    OK(zeros(mem + 2 * P, 1));
    EQ(touched(&t), 0);
    OK(madvise(mem, P, MADV_DONTNEED)); /* it stays in the file */
    EQ(mem[0], 5);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, P));
    touch(&t, mem, -1);
    want(mem, 0);
    twin[0] = 9; /* filled in another way */
    OK(range_call(UFFDIO_WAKE, mem, 4));
    EQ(touched(&t), 9);
    OK(ftruncate(fd, 3 * P));
    ERR(give(mem + 3 * P, 1), EFAULT);
    FAULT(t_read(mem + 3 * P), SIGBUS, BUS_ADRERR, mem + 3 * P);
}

TEST(uffd_private_file, "private mappings of files: what the file has not is missing")
{
    struct toucher t;

    window(3, REGISTER_MISSING);
    OK(range_call(UFFDIO_UNREGISTER, mem, 3));
    mem = t_map(mem, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    OK(watch(mem, 3, REGISTER_MISSING));
    twin[0] = 1;
    EQ(mem[0], 1);
    mem[0] = 2;
    EQ(twin[0], 1);
    for (int put = -1; put <= 5; put += 6) {
        unsigned char *at = mem + (put < 0 ? P : 2 * P);

        touch(&t, at, put);
        want(at, put < 0 ? 0 : FLAG_WRITE);
        OK(give(at, 8));
        EQ(touched(&t), put < 0 ? 8 : 5);
    }
    EQ(twin[P], 0); /* copies, the file has no such page */
}

TEST(uffd_rearranged, "rearranged windows: the address asks, the number says the page")
{
    struct toucher t;

    if (!t_tessera)
        SKIP("remaps are new mappings there");
    window(8, REGISTER_MISSING);
    OK(t_raw_remap(mem + P, P, 0, 6, 0));
    OK(t_raw_remap(mem + 6 * P, P, 0, 1, 0));
    touch(&t, mem + P, -1);
    want(mem + P, 0);
    OK(give(mem + P, 66));
    EQ(touched(&t), 66);
    EQ(twin[6 * P], 66);
    OK(t_raw_remap(mem + 2 * P, P, 0, 6, 0)); /* there already */
    EQ(mem[2 * P], 66);
    touch(&t, mem + 6 * P, 3);
    want(mem + 6 * P, FLAG_WRITE);
    OK(give(mem + 6 * P, 11));
    EQ(touched(&t), 3);
    EQ(twin[P], 3);
    OK(t_raw_remap(mem + 3 * P, P, 0, 7, 0)); /* a hole: it is not filled for us */
    touch(&t, mem + 3 * P, -1);
    want(mem + 3 * P, 0);
    OK(zeros(mem + 3 * P, 1));
    EQ(touched(&t), 0);
}

TEST(uffd_minor, "MINOR: pages of the file that are not shown here")
{
    struct toucher t;

    window(8, REGISTER_MINOR | REGISTER_MISSING);
    for (int i = 0; i < 4; i++)
        twin[i * P] = (unsigned char)(i + 1);
    touch(&t, mem + P, -1);
    want(mem + P, FLAG_MINOR);
    ERR(give(mem + P, 9), EEXIST);
    twin[P] = 22; /* the monitor changes it first */
    OK(shown(mem + P, 1, 0));
    EQ(touched(&t), 22);
    ERR(shown(mem + P, 1, 0), EEXIST);
    ERR(shown(mem + 5 * P, 1, 0), EFAULT);
    touch(&t, mem + 2 * P, 6); /* no neighbour came along */
    want(mem + 2 * P, FLAG_MINOR | FLAG_WRITE);
    OK(shown(mem + 2 * P, 2, COPY_DONTWAKE));
    OK(range_call(UFFDIO_WAKE, mem, 8));
    EQ(touched(&t), 6);
    EQ(mem[3 * P], 4);
    touch(&t, mem + 6 * P, -1);
    want(mem + 6 * P, 0);
    OK(give(mem + 6 * P, 5)); /* shown with it */
    EQ(touched(&t), 5);
    if (!t_tessera)
        return;
    OK(t_raw_remap(mem + 7 * P, P, 0, 0, 0)); /* shows nothing by itself */
    touch(&t, mem + 7 * P, -1);
    want(mem + 7 * P, FLAG_MINOR);
    OK(shown(mem + 7 * P, 1, 0));
    EQ(touched(&t), 1);
}

/* A write to a guarded page waits, a read does not. */
static void guarded(unsigned char *at, int was)
{
    struct toucher t;

    EQ(*at, was);
    touch(&t, at, 77);
    want(at, FLAG_WRITE | FLAG_WP);
    EQ(*at, was);
    OK(guard(at, 1, false));
    EQ(touched(&t), 77);
    *at = (unsigned char)was;
    OK(guard(at, 1, true));
}

TEST(uffd_guard, "WP of private memory: what is there, and until it goes")
{
    uffd = uffd_new(0, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    mem = anon(8);
    mem[0] = 1;
    mem[P] = 2;
    EQ(mem[2 * P], 0); /* the page of zeros */
    ERR(guard(mem, 8, true), ENOENT);
    OK(watch(mem, 8, REGISTER_WP));
    mem[0] = 3; /* not yet */
    OK(guard(mem, 8, true));
    guarded(mem, 3);
    guarded(mem + P, 2);
    guarded(mem + 2 * P, 0);
    mem[3 * P] = 4; /* it was missing: there was nothing to guard */
    OK(mprotect(mem, 8 * P, PROT_READ));
    OK(mprotect(mem, 8 * P, PROT_READ | PROT_WRITE));
    guarded(mem, 3);
    OK(mprotect(mem, 2 * P, PROT_NONE));
    OK(mprotect(mem, 2 * P, PROT_READ | PROT_WRITE));
    guarded(mem + P, 2);
    OK(madvise(mem, P, MADV_DONTNEED));
    mem[0] = 5; /* another page */
    OK(range_call(UFFDIO_UNREGISTER, mem, 8));
    mem[P] = 6;
    OK(watch(mem, 8, REGISTER_WP));
    mem[P] = 7; /* registered anew: nothing is guarded */
    EQ(mem[P], 7);
}

TEST(uffd_guard_errors, "WRITEPROTECT and COPY with WP: errors, both modes together")
{
    struct uffdio_writeprotect w = {.mode = 3};
    unsigned char *from = anon(1);
    struct toucher t;

    uffd = uffd_new(0, 0);
    mem = anon(4);
    OK(watch(mem, 4, REGISTER_WP | REGISTER_MISSING));
    w.range = (struct uffdio_range){(uintptr_t)mem, P};
    ERR(ioctl(uffd, UFFDIO_WRITEPROTECT, (void *)8), EFAULT);
    ERR(ioctl(uffd, UFFDIO_WRITEPROTECT, &w), EINVAL);
    w.mode = 4;
    ERR(ioctl(uffd, UFFDIO_WRITEPROTECT, &w), EINVAL);
    ERR(guard(mem + 1, 1, true), EINVAL);
    ERR(guard(mem, 0, true), EINVAL);
    OK(copy_mode(mem, from, 1, COPY_WP));
    guarded(mem, 0);
    touch(&t, mem + P, 3); /* missing first */
    want(mem + P, FLAG_WRITE);
    from[0] = 9;
    OK(copy_mode(mem + P, from, 1, COPY_WP));
    want(mem + P, FLAG_WRITE | FLAG_WP);
    OK(guard(mem + P, 1, false));
    EQ(touched(&t), 3);
}

TEST(uffd_guard_shared, "WP of shared memory: by address, also what is not there")
{
    window(8, REGISTER_WP);
    twin[0] = 1;
    twin[P] = 2;
    EQ(mem[0], 1);
    OK(guard(mem, 3, true));
    guarded(mem, 1);
    guarded(mem + P, 2);
    twin[0] = 5; /* through another window nobody is asked */
    guarded(mem, 5);
    mem[3 * P] = 4;
    EQ(twin[3 * P], 4);
    OK(madvise(mem, P, MADV_DONTNEED));
    guarded(mem, 5);
    OK(mprotect(mem, 8 * P, PROT_NONE));
    OK(mprotect(mem, 8 * P, PROT_READ | PROT_WRITE));
    guarded(mem + P, 2);
    if (!t_tessera)
        return;
    OK(t_raw_remap(mem + P, P, 0, 3, 0)); /* the address is guarded, not the page */
    guarded(mem + P, 4);
    OK(t_raw_remap(mem + 4 * P, P, 0, 1, 0));
    mem[4 * P] = 8;
    EQ(twin[P], 8);
}

TEST(uffd_guard_fork, "guards and shared tables: what a child does is no matter")
{
    enum { N = 1024 };

    uffd = uffd_new(0, 0);
    mem = anon(N);
    memset(mem, 1, N * P);
    OK(watch(mem, N, REGISTER_WP));
    CHILD(memset(mem, 2, N * P));
    OK(guard(mem, N, true)); /* the tables were lent */
    guarded(mem + 700 * P, 1);
    CHILD({
        memset(mem, 2, N * P); /* not watched here */
        EQ(mem[5], 2);
    });
    guarded(mem + 3 * P, 1);
    guarded(mem + 600 * P, 1);
    OK(guard(mem, N, false));
    memset(mem, 3, N * P);
}

/* Whether /proc/self/pagemap says that the page is protected. */
static bool told_guarded(const unsigned char *at)
{
    int fd = open("/proc/self/pagemap", O_RDONLY);
    uint64_t entry;

    OK(fd);
    EQ(pread(fd, &entry, 8, (off_t)((uintptr_t)at / P * 8)), 8);
    close(fd);
    return entry >> 57 & 1;
}

TEST(uffd_pagemap, "/proc/PID/pagemap tells what is protected")
{
    uffd = uffd_new(0, 0);
    mem = anon(4);
    OK(madvise(mem, 4 * P, MADV_NOHUGEPAGE)); /* there is none in it */
    memset(mem, 1, 2 * P);
    OK(watch(mem, 4, REGISTER_WP));
    CHECK(!told_guarded(mem));
    OK(guard(mem, 3, true));
    CHECK(told_guarded(mem));
    CHECK(told_guarded(mem + P));
    CHECK(!told_guarded(mem + 3 * P));
    OK(guard(mem, 1, false));
    CHECK(!told_guarded(mem));
    CHECK(told_guarded(mem + P));
    OK(madvise(mem + P, P, MADV_DONTNEED));
    CHECK(!told_guarded(mem + P));
}

int main(int argc, char **argv)
{
    uffd_unused();
    return t_main(argc, argv, NULL);
}
