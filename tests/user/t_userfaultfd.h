/* SPDX-License-Identifier: MIT
 *
 * What the suites of userfaultfd share: a descriptor, its ioctls, a thread that touches.
 */
#pragma once

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "tests/user/t.h"

/* As in <linux/userfaultfd.h>, which is not everywhere. */
#define UFFD_USER_MODE_ONLY 1
#define UFFD_API            0xAAULL

#define UFFD_FEATURE_PAGEFAULT_FLAG_WP (1ULL << 0)
#define UFFD_FEATURE_MISSING_SHMEM     (1ULL << 5)
#define UFFD_FEATURE_SIGBUS            (1ULL << 7)
#define UFFD_FEATURE_THREAD_ID         (1ULL << 8)
#define UFFD_FEATURE_MINOR_SHMEM       (1ULL << 10)
#define UFFD_FEATURE_EXACT_ADDRESS     (1ULL << 11)

struct uffdio_api {
    uint64_t api, features, ioctls;
};
struct uffdio_range {
    uint64_t start, len;
};
struct uffdio_register {
    struct uffdio_range range;
    uint64_t mode, ioctls;
};
struct uffdio_copy {
    uint64_t dst, src, len, mode;
    int64_t copy;
};
struct uffdio_zeropage {
    struct uffdio_range range;
    uint64_t mode;
    int64_t done;
};
struct uffdio_writeprotect {
    struct uffdio_range range;
    uint64_t mode;
};
struct uffd_msg {
    uint8_t event, zero[7];
    uint64_t flags, address;
    uint32_t ptid, zero2;
};

#define UFFDIO_API          _IOWR(0xAA, 0x3F, struct uffdio_api)
#define UFFDIO_REGISTER     _IOWR(0xAA, 0, struct uffdio_register)
#define UFFDIO_UNREGISTER   _IOR(0xAA, 1, struct uffdio_range)
#define UFFDIO_WAKE         _IOR(0xAA, 2, struct uffdio_range)
#define UFFDIO_COPY         _IOWR(0xAA, 3, struct uffdio_copy)
#define UFFDIO_ZEROPAGE     _IOWR(0xAA, 4, struct uffdio_zeropage)
#define UFFDIO_WRITEPROTECT _IOWR(0xAA, 6, struct uffdio_writeprotect)
#define UFFDIO_CONTINUE     _IOWR(0xAA, 7, struct uffdio_zeropage)

#define REGISTER_MISSING 1
#define REGISTER_WP      2
#define REGISTER_MINOR   4
#define COPY_DONTWAKE    1
#define COPY_WP          2
#define FLAG_WRITE       1
#define FLAG_WP          2
#define FLAG_MINOR       4
#define EVENT_PAGEFAULT  0x12

static int uffd;
static unsigned char *mem;

static int uffd_new(unsigned flags, uint64_t features)
{
    struct uffdio_api api = {.api = UFFD_API, .features = features};
    int fd = (int)syscall(SYS_userfaultfd, flags);

    if (fd < 0 && errno == EPERM)
        SKIP("not allowed here");
    OK(fd);
    OK(ioctl(fd, UFFDIO_API, &api));
    return fd;
}

/* The ioctl of /dev/userfaultfd. */
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)

static int watch(void *at, size_t npages, uint64_t mode)
{
    struct uffdio_register r = {.range = {(uintptr_t)at, npages * P}, .mode = mode};

    return ioctl(uffd, UFFDIO_REGISTER, &r);
}

static int range_call(unsigned long cmd, void *at, size_t npages)
{
    struct uffdio_range r = {(uintptr_t)at, npages * P};

    return ioctl(uffd, cmd, &r);
}

static int copy_mode(void *to, const void *from, size_t npages, uint64_t mode)
{
    struct uffdio_copy c = {
        .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = npages * P, .mode = mode};
    int result = ioctl(uffd, UFFDIO_COPY, &c);

    if (result == 0)
        EQ(c.copy, npages * P);
    else if (c.copy < 0)
        EQ(c.copy, -errno);
    return result;
}

/* A page full of this byte. */
static int give(void *to, unsigned char byte)
{
    static _Thread_local unsigned char page[P] __attribute__((aligned(4096)));

    memset(page, byte, P);
    return copy_mode(to, page, 1, 0);
}

static int zeros(void *at, size_t npages)
{
    struct uffdio_zeropage z = {.range = {(uintptr_t)at, npages * P}};

    return ioctl(uffd, UFFDIO_ZEROPAGE, &z);
}

static int shown(void *at, size_t npages, uint64_t mode)
{
    struct uffdio_zeropage c = {.range = {(uintptr_t)at, npages * P}, .mode = mode};

    return ioctl(uffd, UFFDIO_CONTINUE, &c);
}

static int guard(void *at, size_t npages, bool on)
{
    struct uffdio_writeprotect w = {.range = {(uintptr_t)at, npages * P},
                                    .mode = on ? 1 : 0};

    return ioctl(uffd, UFFDIO_WRITEPROTECT, &w);
}

/* The next message, which must be a fault at `at` with these flags. */
static struct uffd_msg want(const void *at, uint64_t flags)
{
    struct uffd_msg m;

    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, EVENT_PAGEFAULT);
    EQ(m.address, (uintptr_t)at);
    EQ(m.flags, flags);
    return m;
}

/* Nobody waits whose message was not read. */
static void want_none(void)
{
    struct uffd_msg m;
    int flags = fcntl(uffd, F_GETFL);

    OK(fcntl(uffd, F_SETFL, flags | O_NONBLOCK));
    ERR(read(uffd, &m, sizeof(m)), EAGAIN);
    OK(fcntl(uffd, F_SETFL, flags));
}

/* A thread that reads, or writes a byte, once. */
struct toucher {
    pthread_t thread;
    volatile unsigned char *at;
    int put; /* -1: reads */
    volatile int got, tid;
};

static void *touch_it(void *arg)
{
    struct toucher *t = arg;

    t->tid = (int)syscall(SYS_gettid);
    if (t->put >= 0)
        *t->at = (unsigned char)t->put;
    t->got = *t->at;
    return NULL;
}

static void touch(struct toucher *t, unsigned char *at, int put)
{
    *t = (struct toucher){.at = at, .put = put};
    EQ(pthread_create(&t->thread, NULL, touch_it, t), 0);
}

static int touched(struct toucher *t)
{
    EQ(pthread_join(t->thread, NULL), 0);
    return t->got;
}

static unsigned char *anon(size_t npages)
{
    return t_map(NULL, npages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0);
}

/* Each suite uses some of these. */
static inline void uffd_unused(void)
{
    (void)mem, (void)range_call, (void)zeros, (void)shown, (void)guard, (void)want,
        (void)want_none, (void)touch, (void)touched, (void)anon, (void)watch, (void)give,
        (void)uffd_new;
}
