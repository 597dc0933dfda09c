/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2): the descriptor, its errors, pages that are missing.
 */
#include <grp.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "t_userfaultfd.h"

static void start(size_t npages)
{
    uffd = uffd_new(O_CLOEXEC, 0);
    mem = anon(npages);
    OK(watch(mem, npages, REGISTER_MISSING));
}

TEST(uffd_flags, "flags, descriptor, what is shown of it")
{
    char link[64], path[64];
    ssize_t n;

    ERR(syscall(SYS_userfaultfd, 2), EINVAL);
    uffd = uffd_new(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY, 0);
    EQ(fcntl(uffd, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(uffd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_NONBLOCK);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", uffd);
    n = readlink(path, link, sizeof(link));
    EQ(n, 24);
    CHECK(!memcmp(link, "anon_inode:[userfaultfd]", 24));
    ERR(write(uffd, path, 32), EBADF);
    ERR(ioctl(uffd, 0x5401, path), EINVAL);
    want_none();
}

TEST(uffd_rights, "who may have one is asked, but for faults of user mode alone")
{
    int fd = (int)syscall(SYS_userfaultfd, 0);

    if (geteuid() != 0)
        SKIP("not root");
    OK(fd);
    CHILD({
        OK(setgroups(0, NULL));
        OK(setresuid(1234, 1234, 1234));
        OK(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));
        if (t_tessera)
            ERR(syscall(SYS_userfaultfd, 0), EPERM);
    });
}

TEST(uffd_device, "/dev/userfaultfd: who may open it needs no right")
{
    struct uffdio_api api = {.api = UFFD_API};
    int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

    if (dev < 0 && !t_tessera)
        SKIP("not there, or not ours");
    OK(dev);
    ERR(ioctl(dev, USERFAULTFD_IOC_NEW, 2), EINVAL);
    ERR(ioctl(dev, UFFDIO_API, &api), EINVAL);
    if (geteuid() == 0) {
        OK(setgroups(0, NULL));
        OK(setresuid(1234, 1234, 1234));
        ERR(open("/dev/userfaultfd", O_RDWR), EACCES);
    }
    uffd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    OK(uffd);
    EQ(fcntl(uffd, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(uffd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    OK(ioctl(uffd, UFFDIO_API, &api));
    mem = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(watch(mem, 1, REGISTER_MISSING));
    OK(give(mem, 7));
    EQ(mem[0], 7);
}

TEST(uffd_api, "UFFDIO_API: once, its number, features that there are")
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_range r = {0, P};
    struct uffd_msg m;
    int fd = (int)syscall(SYS_userfaultfd, O_NONBLOCK);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    OK(fd);
    ERR(ioctl(fd, UFFDIO_WAKE, &r), EINVAL);
    ERR(read(fd, &m, sizeof(m)), EINVAL);
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLERR);
    ERR(ioctl(fd, UFFDIO_API, (void *)8), EFAULT);
    api.api = 1;
    ERR(ioctl(fd, UFFDIO_API, &api), EINVAL);
    EQ(api.api, 0);
    api = (struct uffdio_api){.api = UFFD_API, .features = 1ULL << 62};
    ERR(ioctl(fd, UFFDIO_API, &api), EINVAL);
    EQ(api.features, 0);
    api = (struct uffdio_api){.api = UFFD_API, .features = UFFD_FEATURE_THREAD_ID};
    OK(ioctl(fd, UFFDIO_API, &api));
    EQ(api.api, UFFD_API);
    EQ(api.ioctls, (1ULL << 63 | 3));
    CHECK(api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    CHECK(api.features & UFFD_FEATURE_MISSING_SHMEM);
    CHECK(api.features & UFFD_FEATURE_MINOR_SHMEM);
    CHECK(api.features & UFFD_FEATURE_EXACT_ADDRESS);
    api = (struct uffdio_api){.api = UFFD_API};
    ERR(ioctl(fd, UFFDIO_API, &api), EINVAL);
    EQ(poll(&p, 1, 0), 0);
}

TEST(uffd_register, "UFFDIO_REGISTER: each error, what it answers")
{
    struct uffdio_register r = {.mode = REGISTER_MISSING};
    int other;

    uffd = uffd_new(0, 0);
    mem = anon(8);
    OK(munmap(mem + 6 * P, P));
    ERR(ioctl(uffd, UFFDIO_REGISTER, (void *)8), EFAULT);
    ERR(watch(mem, 1, 0), EINVAL);
    ERR(watch(mem, 1, 8), EINVAL);
    ERR(watch(mem, 1, REGISTER_MINOR), EINVAL); /* no object */
    ERR(watch(mem + 1, 1, REGISTER_MISSING), EINVAL);
    ERR(watch(mem, 0, REGISTER_MISSING), EINVAL);
    ERR(watch((void *)(1UL << 47), 1, REGISTER_MISSING), EINVAL);
    ERR(watch(mem, 1UL << 51, REGISTER_MISSING), EINVAL);
    ERR(watch(NULL, 1, REGISTER_MISSING), EINVAL);
    ERR(watch(mem + 6 * P, 1, REGISTER_MISSING), EINVAL); /* nothing there */
    r.range = (struct uffdio_range){(uintptr_t)mem, 8 * P};
    OK(ioctl(uffd, UFFDIO_REGISTER, &r)); /* holes do not matter */
    EQ(r.ioctls & 0x1f, 1 << 2 | 1 << 3 | 1 << 4);
    OK(watch(mem, 4, REGISTER_MISSING)); /* again */
    other = uffd;
    uffd = uffd_new(0, 0);
    ERR(watch(mem + 5 * P, 1, REGISTER_MISSING), EBUSY);
    close(other);
    OK(watch(mem + 5 * P, 1, REGISTER_MISSING));
    ERR(range_call(UFFDIO_UNREGISTER, mem + 1, 1), EINVAL);
    ERR(range_call(UFFDIO_UNREGISTER, mem + 6 * P, 1), EINVAL);
    OK(range_call(UFFDIO_UNREGISTER, mem, 8));
}

TEST(uffd_copy_errors, "COPY, ZEROPAGE, WAKE: each error")
{
    struct uffdio_copy c;
    unsigned char *from = anon(4);

    start(4);
    OK(range_call(UFFDIO_UNREGISTER, mem + 3 * P, 1));
    ERR(ioctl(uffd, UFFDIO_COPY, (void *)8), EFAULT);
    ERR(copy_mode(mem + 1, from, 1, 0), EINVAL);
    ERR(copy_mode(mem, from, 0, 0), EINVAL);
    ERR(copy_mode(mem, from, 1, 4), EINVAL);
    ERR(copy_mode(mem, (void *)-P, 1, 0), EINVAL);
    ERR(copy_mode(mem, (void *)P, 1, 0), EFAULT);
    ERR(copy_mode(mem, from, 1, COPY_WP), EINVAL); /* not registered so */
    ERR(copy_mode(mem + 3 * P, from, 1, 0), ENOENT);
    ERR(copy_mode(mem + 2 * P, from, 2, 0), ENOENT);
    OK(copy_mode(mem + P, from, 1, 0));
    ERR(copy_mode(mem + P, from, 2, 0), EEXIST);
    c = (struct uffdio_copy){.dst = (uintptr_t)mem, .src = (uintptr_t)from, .len = 2 * P};
    ERR(ioctl(uffd, UFFDIO_COPY, &c), EAGAIN); /* a part is done */
    EQ(c.copy, P);
    ERR(zeros(mem, 1), EEXIST);
    ERR(zeros(mem + 3 * P, 1), ENOENT);
    OK(zeros(mem + 2 * P, 1));
    EQ(mem[2 * P], 0);
    mem[2 * P] = 3; /* it is an ordinary page of zeros */
    EQ(mem[2 * P], 3);
    ERR(range_call(UFFDIO_WAKE, mem, 0), EINVAL);
    OK(range_call(UFFDIO_WAKE, mem, 4));
    ERR(shown(mem, 1, 0), EINVAL);
    ERR(guard(mem, 1, true), ENOENT);
}

TEST(uffd_missing, "a touch waits for its page; what is there does not wait")
{
    struct toucher t[2];

    uffd = uffd_new(0, 0);
    mem = anon(4);
    mem[P] = 7;
    OK(watch(mem, 4, REGISTER_MISSING));
    EQ(mem[P], 7);
    touch(&t[0], mem + 9, -1);
    want(mem, 0);
    touch(&t[1], mem + 3 * P + 1, 5);
    want(mem + 3 * P, FLAG_WRITE);
    OK(give(mem + 3 * P, 2));
    EQ(touched(&t[1]), 5);
    EQ(mem[3 * P], 2);
    OK(give(mem, 1));
    EQ(touched(&t[0]), 1);
    OK(madvise(mem, P, MADV_DONTNEED)); /* missing again */
    touch(&t[0], mem, -1);
    want(mem, 0);
    OK(zeros(mem, 1));
    EQ(touched(&t[0]), 0);
}

TEST(uffd_wake, "DONTWAKE lets wait, WAKE alone asks again, UNREGISTER ends it")
{
    struct toucher t;
    unsigned char *from = anon(1);

    start(2);
    from[0] = 8;
    touch(&t, mem, -1);
    want(mem, 0);
    OK(range_call(UFFDIO_WAKE, mem, 1));
    want(mem, 0);
    OK(copy_mode(mem, from, 1, COPY_DONTWAKE));
    want_none();
    EQ(t.got, 0);
    OK(range_call(UFFDIO_WAKE, mem, 1));
    EQ(touched(&t), 8);
    touch(&t, mem + P, -1);
    want(mem + P, 0);
    OK(range_call(UFFDIO_UNREGISTER, mem, 2));
    EQ(touched(&t), 0);
}

TEST(uffd_read, "read: sizes, several at once, poll and epoll")
{
    struct toucher t[3];
    struct uffd_msg m[3];
    struct epoll_event e = {.events = EPOLLIN};
    struct pollfd p;
    int ep = epoll_create1(0), n = 0;

    start(3);
    OK(fcntl(uffd, F_SETFL, O_NONBLOCK));
    p = (struct pollfd){.fd = uffd, .events = POLLIN};
    ERR(read(uffd, m, 31), EINVAL);
    ERR(read(uffd, m, 32), EAGAIN);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, uffd, &e));
    for (int i = 0; i < 3; i++) {
        touch(&t[i], mem + i * P, -1);
        EQ(epoll_wait(ep, &e, 1, -1), 1);
        EQ(poll(&p, 1, -1), 1);
        EQ(p.revents, POLLIN);
        if (i == 0)
            EQ(read(uffd, m, 40), 32);
    }
    while (n < 2) {
        ssize_t got;

        EQ(poll(&p, 1, -1), 1);
        got = read(uffd, m + n, 3 * sizeof(m[0]));
        OK(got);
        n += (int)(got / 32);
    }
    EQ(n, 2);
    EQ(poll(&p, 1, 0), 0);
    EQ(epoll_wait(ep, &e, 1, 0), 0);
    OK(zeros(mem, 3));
    for (int i = 0; i < 3; i++)
        EQ(touched(&t[i]), 0);
    OK(fcntl(uffd, F_SETFL, 0));
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLERR); /* who may wait need not ask */
}

TEST(uffd_features, "THREAD_ID, EXACT_ADDRESS")
{
    struct toucher t;
    struct uffd_msg m;

    uffd = uffd_new(0, UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS);
    mem = anon(1);
    OK(watch(mem, 1, REGISTER_MISSING));
    touch(&t, mem + 123, 4);
    m = want(mem + 123, FLAG_WRITE);
    EQ(m.ptid, t.tid);
    OK(give(mem, 3));
    EQ(touched(&t), 4);
}

TEST(uffd_sigbus, "SIGBUS instead of a message")
{
    uffd = uffd_new(0, UFFD_FEATURE_SIGBUS);
    mem = anon(2);
    OK(watch(mem, 2, REGISTER_MISSING));
    FAULT(t_read(mem + 5), SIGBUS, BUS_ADRERR, mem + 5);
    ERR(open((char *)mem, O_RDONLY), EFAULT);
    OK(give(mem, 3));
    EQ(t_read(mem), 0);
}

/* A thread in write(pipe, at, 8): what it answered. */
static int fds[2];
static void *write_it(void *at)
{
    ssize_t n = write(fds[1], at, 8);

    return (void *)(n < 0 ? -(long)errno : n);
}

TEST(uffd_kernel, "a touch by a call waits too; not for user mode only")
{
    pthread_t t;
    char got[8];
    void *result;

    OK(pipe(fds));
    start(1);
    EQ(pthread_create(&t, NULL, write_it, mem + 16), 0);
    want(mem, 0);
    OK(give(mem, 6));
    EQ(pthread_join(t, &result), 0);
    EQ((long)result, 8);
    EQ(read(fds[0], got, 8), 8);
    EQ(got[7], 6);
    close(uffd);
    uffd = uffd_new(UFFD_USER_MODE_ONLY, 0);
    mem = anon(1);
    OK(watch(mem, 1, REGISTER_MISSING));
    EQ((long)write_it(mem), -EFAULT);
}

static void *serve_page(void *arg)
{
    want(arg, 0);
    OK(give(arg, 9));
    return NULL;
}

TEST(uffd_remote, "another process's look by process_vm_readv waits; he may serve it")
{
    char got[8];
    struct iovec local = {got, 8}, remote;
    pthread_t t;

    start(2);
    remote = (struct iovec){mem, 8};
    CHILD({
        EQ(pthread_create(&t, NULL, serve_page, mem), 0);
        EQ(syscall(SYS_process_vm_readv, getppid(), &local, 1, &remote, 1, 0), 8);
        EQ(got[3], 9);
        EQ(pthread_join(t, NULL), 0);
        EQ(mem[0], 0); /* not watched here, and not the parent's */
    });
    EQ(mem[0], 9);
}

int main(int argc, char **argv)
{
    uffd_unused();
    return t_main(argc, argv, NULL);
}
