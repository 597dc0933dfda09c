/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2)'s events: fork, mremap, MADV_DONTNEED and its like, munmap and what else unmaps.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/resource.h>

#include "t_userfaultfd.h"

#define FEATURE_FORK   (1ULL << 1)
#define FEATURE_REMAP  (1ULL << 2)
#define FEATURE_REMOVE (1ULL << 3)
#define FEATURE_UNMAP  (1ULL << 6)
#define EVENT_FORK     0x13
#define EVENT_REMAP    0x14
#define EVENT_REMOVE   0x15
#define EVENT_UNMAP    0x16

static void start(size_t npages, uint64_t features, uint64_t mode)
{
    uffd = uffd_new(O_CLOEXEC, features);
    mem = anon(npages);
    OK(watch(mem, npages, mode));
}

/* The next message, which must be this event; its first two words. */
static void want_event(int event, uint64_t a, uint64_t b)
{
    struct uffd_msg m;

    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, event);
    EQ(m.flags, a);
    EQ(m.address, b);
}

/* The descriptor of the child that a fork tells of. */
static int want_fork(void)
{
    struct uffd_msg m;

    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, EVENT_FORK);
    return (int)(uint32_t)m.flags;
}

/* A call in a thread of its own, which waits until its events are read. */
struct caller {
    pthread_t thread;
    long (*call)(void);
    volatile long result;
    volatile bool done;
};

static void *call_it(void *arg)
{
    struct caller *c = arg;

    c->result = c->call();
    if (c->result == -1)
        c->result = -errno;
    c->done = true;
    return NULL;
}

static void call(struct caller *c, long (*fn)(void))
{
    *c = (struct caller){.call = fn};
    EQ(pthread_create(&c->thread, NULL, call_it, c), 0);
}

static long called(struct caller *c)
{
    EQ(pthread_join(c->thread, NULL), 0);
    return c->result;
}

static void wait_event(void)
{
    struct pollfd p = {.fd = uffd, .events = POLLIN};
    int flags = fcntl(uffd, F_GETFL);

    OK(fcntl(uffd, F_SETFL, flags | O_NONBLOCK));
    EQ(poll(&p, 1, 10000), 1);
    EQ(p.revents, POLLIN);
    OK(fcntl(uffd, F_SETFL, flags));
}

/* ---- fork ---- */

/* What a child does: reads the first page, writes the second. */
static long do_fork(void)
{
    pid_t pid = t_fork();

    if (pid == 0) {
        unsigned char a = mem[0];

        mem[P] = 2;
        _exit(a * 16 + mem[P]);
    }
    return pid;
}

TEST(uffd_event_fork,
     "fork: the child's memory is registered with a descriptor of its own")
{
    int parent, child;
    struct caller c;

    start(4, FEATURE_FORK, REGISTER_MISSING);
    call(&c, do_fork);
    wait_event();
    CHECK(!c.done);
    parent = uffd;
    child = want_fork();
    CHECK(child >= 0 && child != parent);
    CHECK(fcntl(child, F_GETFD) & FD_CLOEXEC);
    called(&c);
    uffd = child;
    want(mem, 0);
    OK(give(mem, 5));
    want(mem + P, FLAG_WRITE);
    OK(zeros(mem + P, 1));
    EQ(WEXITSTATUS(t_status_of((pid_t)c.result)), 0x52);
    ERR(give(mem + 2 * P, 1), ESRCH); /* it is gone */
    close(child);
    uffd = parent;
    want_none(); /* nothing was asked of the parent's */
    OK(give(mem, 1));
    EQ(mem[0], 1);
}

TEST(uffd_event_fork_guards,
     "fork: what is protected is protected in the child, only there")
{
    int parent;
    struct caller c;

    start(200, FEATURE_FORK | UFFD_FEATURE_PAGEFAULT_FLAG_WP,
          REGISTER_MISSING | REGISTER_WP);
    for (int i = 0; i < 200; i++)
        OK(give(mem + i * P, 3));
    OK(guard(mem + P, 150, true));
    call(&c, do_fork);
    parent = uffd;
    uffd = want_fork();
    called(&c);
    want(mem + P, FLAG_WRITE | FLAG_WP);
    OK(guard(mem, 100, false));
    EQ(WEXITSTATUS(t_status_of((pid_t)c.result)), 0x32);
    close(uffd);
    uffd = parent;
    for (int i = 0; i < 3; i++) { /* the parent's are as before */
        static const int at[] = {1, 99, 150};
        struct toucher t;

        touch(&t, mem + at[i] * P, 9);
        want(mem + at[i] * P, FLAG_WRITE | FLAG_WP);
        OK(guard(mem + at[i] * P, 1, false));
        EQ(touched(&t), 9);
    }
    mem[151 * P] = 1;
}

TEST(uffd_event_fork_shared, "fork: a rearranged window is registered too")
{
    int fd = t_file(), parent;
    struct caller c;

    OK(ftruncate(fd, 4 * P));
    uffd = uffd_new(0, FEATURE_FORK);
    mem = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(remap_file_pages(mem, P, 0, 3, MAP_NONBLOCK));
    OK(watch(mem, 4, REGISTER_MISSING));
    call(&c, do_fork);
    parent = uffd;
    uffd = want_fork();
    called(&c);
    want(mem, 0);
    OK(give(mem, 6)); /* the page it shows: 3 */
    want(mem + P, FLAG_WRITE);
    OK(zeros(mem + P, 1));
    EQ(WEXITSTATUS(t_status_of((pid_t)c.result)), 0x62);
    close(uffd);
    uffd = parent;
    EQ(mem[3 * P], 6);
    EQ(mem[P], 2);
}

TEST(uffd_event_fork_limit, "fork: a reader without room for a descriptor; then with")
{
    struct rlimit old, rl;
    struct uffd_msg m;
    struct caller c;
    int parent;

    start(2, FEATURE_FORK, REGISTER_MISSING);
    call(&c, do_fork);
    wait_event();
    OK(getrlimit(RLIMIT_NOFILE, &old));
    rl = (struct rlimit){3, old.rlim_max};
    OK(setrlimit(RLIMIT_NOFILE, &rl));
    ERR(read(uffd, &m, sizeof(m)), EMFILE);
    CHECK(!c.done);
    OK(setrlimit(RLIMIT_NOFILE, &old));
    parent = uffd;
    uffd = want_fork();
    called(&c);
    want(mem, 0);
    close(uffd); /* the child goes on with zeros */
    EQ(WEXITSTATUS(t_status_of((pid_t)c.result)), 0x02);
    uffd = parent;
    want_none();
}

/* The same in a thread with a table of its own, where the descriptor is closed: else the child has a
 * copy of it, and nobody can close that. */
static long do_fork_apart(void)
{
    OK(unshare(CLONE_FILES));
    close(uffd);
    return do_fork();
}

TEST(uffd_event_fork_closed,
     "fork: the descriptor is closed while it waits; who forks is killed")
{
    struct caller c;
    int go[2];
    pid_t pid;
    char x;

    start(2, FEATURE_FORK, REGISTER_MISSING);
    call(&c, do_fork_apart);
    wait_event();
    close(uffd);
    EQ(WEXITSTATUS(t_status_of((pid_t)called(&c))), 0x02);
    OK(pipe(go));
    pid = t_fork();
    if (!pid) {
        start(2, FEATURE_FORK, REGISTER_MISSING);
        OK(write(go[1], "x", 1));
        do_fork();
        _exit(1);
    }
    EQ(read(go[0], &x, 1), 1);
    t_nap(2000);
    OK(kill(pid, SIGKILL));
    EQ(WTERMSIG(t_status_of(pid)), SIGKILL);
}

TEST(uffd_event_fork_twice,
     "fork: two descriptors, two areas each; the child forks as well")
{
    unsigned char *other;
    int first, second, heirs[2];
    struct caller c;

    start(8, FEATURE_FORK, REGISTER_MISSING);
    first = uffd;
    OK(range_call(UFFDIO_UNREGISTER, mem + 2 * P, 4));
    uffd = second = uffd_new(0, FEATURE_FORK);
    other = mem + 2 * P;
    OK(watch(other, 1, REGISTER_MISSING));
    OK(watch(other + 2 * P, 1, REGISTER_MISSING));
    call(&c, do_fork);
    uffd = first;
    heirs[0] = want_fork();
    uffd = second;
    heirs[1] = want_fork();
    called(&c);
    uffd = heirs[1];
    want_none();
    uffd = heirs[0];
    want(mem, 0);
    OK(give(mem, 1));
    want(mem + P, FLAG_WRITE);
    OK(give(mem + P, 1));
    EQ(WEXITSTATUS(t_status_of((pid_t)c.result)), 0x12);
    uffd = first;
    want_none();
    uffd = second;
    want_none();
}

/* ---- mremap ---- */

static unsigned char *target;

static long do_move(void)
{
    return (long)mremap(mem, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target);
}

TEST(uffd_event_remap, "mremap: the event, and the new place is registered")
{
    struct toucher t;
    struct caller c;
    struct uffd_msg m;

    start(4, FEATURE_REMAP, REGISTER_MISSING);
    target = anon(4);
    OK(give(mem + P, 7));
    call(&c, do_move);
    wait_event();
    ERR(give(mem, 1), EAGAIN); /* until it is read */
    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, EVENT_REMAP);
    EQ(m.flags, (uintptr_t)mem);
    EQ(m.address, (uintptr_t)target);
    EQ(*(uint64_t *)(void *)&m.ptid, 4 * P);
    EQ(called(&c), (long)target);
    EQ(target[P], 7);
    CHECK(t_vmflag(target, "um"));
    touch(&t, target, -1);
    want(target, 0);
    OK(give(target, 4));
    EQ(touched(&t), 4);
    ERR(give(mem, 1), ENOENT);
}

TEST(uffd_event_remap_guards, "mremap: protection moves along, over protected memory too")
{
    struct toucher t;
    struct caller c;

    start(8, FEATURE_REMAP | UFFD_FEATURE_PAGEFAULT_FLAG_WP,
          REGISTER_MISSING | REGISTER_WP);
    target = mem + 4 * P;
    for (int i = 0; i < 8; i++)
        OK(give(mem + i * P, (unsigned char)(i + 1)));
    OK(guard(mem + P, 2, true));
    OK(guard(target, 4, true));
    call(&c, do_move);
    want_event(EVENT_REMAP, (uintptr_t)mem, (uintptr_t)target);
    EQ(called(&c), (long)target);
    target[0] = 9; /* was not */
    target[3 * P] = 9;
    for (int i = 1; i < 3; i++) {
        touch(&t, target + i * P, 20);
        want(target + i * P, FLAG_WRITE | FLAG_WP);
        OK(guard(target + i * P, 1, false));
        EQ(touched(&t), 20);
    }
}

static size_t moved;
static long do_move_all(void)
{
    return (long)mremap(mem, moved * P, moved * P, MREMAP_MAYMOVE | MREMAP_FIXED, target);
}

/* Which of the pages are protected: more than one word of the kernel's bits, at other places of them
 * before and after. */
static bool guarded(size_t i)
{
    return i * 7 % 11 < 4;
}

TEST(uffd_event_remap_bits,
     "mremap: protection of many single pages moves, by odd distances")
{
    struct caller c;
    struct toucher t;

    moved = 700;
    start(moved, FEATURE_REMAP | UFFD_FEATURE_PAGEFAULT_FLAG_WP,
          REGISTER_MISSING | REGISTER_WP);
    target = anon(moved + 64);
    target += (33 + ((uintptr_t)mem - (uintptr_t)target) / P % 64) % 64 * P;
    OK(zeros(mem, moved));
    for (size_t i = 0; i < moved; i++)
        if (guarded(i))
            OK(guard(mem + i * P, 1, true));
    call(&c, do_move_all);
    want_event(EVENT_REMAP, (uintptr_t)mem, (uintptr_t)target);
    EQ(called(&c), (long)target);
    for (size_t i = 0; i < moved; i++) {
        if (!guarded(i)) {
            target[i * P] = 1; /* would wait for ever */
            continue;
        }
        touch(&t, target + i * P, 2);
        want(target + i * P, FLAG_WRITE | FLAG_WP);
        OK(guard(target + i * P, 1, false));
        EQ(touched(&t), 2);
    }
}

static long do_keep(void)
{
    return (long)mremap(mem, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, target);
}

TEST(uffd_event_dontunmap, "mremap(MREMAP_DONTUNMAP): both places are registered")
{
    struct toucher t;
    struct caller c;
    struct uffd_msg m;
    unsigned char *to;

    start(4, FEATURE_REMAP | FEATURE_UNMAP, REGISTER_MISSING);
    OK(give(mem, 7));
    target = NULL;
    call(&c, do_keep);
    EQ(read(uffd, &m, sizeof(m)), sizeof(m));
    EQ(m.event, EVENT_REMAP);
    to = (unsigned char *)(uintptr_t)m.address;
    EQ(called(&c), (long)to);
    want_none();
    EQ(*to, 7);
    touch(&t, mem, -1);
    want(mem, 0);
    OK(give(mem, 8));
    EQ(touched(&t), 8);
    touch(&t, to + P, -1);
    want(to + P, 0);
    OK(give(to + P, 9));
    EQ(touched(&t), 9);
}

TEST(uffd_event_remap_place, "mremap: in place, without the feature, or failed: no event")
{
    start(4, FEATURE_REMAP, REGISTER_MISSING);
    EQ(mremap(mem, 4 * P, 2 * P, 0), mem);
    ERR(mremap(mem, 2 * P, 2 * P, MREMAP_FIXED | MREMAP_MAYMOVE, mem + P), EINVAL);
    want_none();
    close(uffd);
    start(4, 0, REGISTER_MISSING);
    target = anon(4);
    EQ(do_move(), (long)target);
    CHECK(!t_vmflag(target, "um"));
    EQ(target[0], 0);
}

/* ---- remove ---- */

static int advice;
static long do_advise(void)
{
    return madvise(mem, 4 * P, advice);
}

TEST(uffd_event_remove, "madvise: the event comes before anything is thrown away")
{
    struct caller c;

    start(4, FEATURE_REMOVE, REGISTER_MISSING);
    OK(give(mem + P, 7));
    advice = MADV_DONTNEED;
    call(&c, do_advise);
    wait_event();
    EQ(mem[P], 7);
    CHECK(!c.done);
    ERR(give(mem, 1), EAGAIN);
    want_event(EVENT_REMOVE, (uintptr_t)mem, (uintptr_t)(mem + 4 * P));
    EQ(called(&c), 0);
    OK(give(mem + P, 8)); /* it was gone */
    EQ(mem[P], 8);
    advice = MADV_FREE;
    call(&c, do_advise);
    want_event(EVENT_REMOVE, (uintptr_t)mem, (uintptr_t)(mem + 4 * P));
    EQ(called(&c), 0);
    OK(madvise(mem, 4 * P, MADV_RANDOM)); /* not told */
    ERR(madvise(mem + 1, P, MADV_DONTNEED), EINVAL);
    want_none();
}

TEST(uffd_event_remove_refused, "madvise that is refused, or does nothing: no event")
{
    int fd = t_file();

    OK(ftruncate(fd, 4 * P));
    start(4, FEATURE_REMOVE, REGISTER_MISSING);
    ERR(madvise(mem, 4 * P, MADV_REMOVE), EINVAL); /* no file */
    OK(madvise(mem, 0, MADV_DONTNEED));
    OK(mlock2(mem, 4 * P, MLOCK_ONFAULT));
    ERR(madvise(mem, 4 * P, MADV_DONTNEED), EINVAL);
    ERR(madvise((void *)-P, P, MADV_DONTNEED), EINVAL);
    ERR(madvise(mem, (size_t)-P, MADV_DONTNEED), EINVAL);
    want_none();
    if (!t_tessera) /* Linux tells of the next, and refuses it then */
        return;
    mem = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    OK(watch(mem, 4, REGISTER_MISSING));
    ERR(madvise(mem, 4 * P, MADV_FREE), EINVAL);
    want_none();
}

TEST(uffd_event_remove_shared,
     "madvise(MADV_REMOVE) of a file's pages; of two areas, each")
{
    int fd = t_file();
    struct caller c;

    OK(ftruncate(fd, 4 * P));

    uffd = uffd_new(0, FEATURE_REMOVE);
    mem = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(mem, 1, 4 * P);
    OK(watch(mem, 4, REGISTER_MISSING));
    OK(mprotect(mem + 2 * P, 2 * P, PROT_READ));
    advice = MADV_REMOVE;
    call(&c, do_advise);
    want_event(EVENT_REMOVE, (uintptr_t)mem, (uintptr_t)(mem + 2 * P));
    want_event(EVENT_REMOVE, (uintptr_t)(mem + 2 * P), (uintptr_t)(mem + 4 * P));
    EQ(called(&c), 0);
    OK(give(mem, 3));
    EQ(mem[0], 3);
}

/* ---- unmap ---- */

static size_t unmap_from, unmap_pages;
static long do_unmap(void)
{
    return munmap(mem + unmap_from * P, unmap_pages * P);
}

static long do_fixed(void)
{
    return (long)mmap(mem + unmap_from * P, unmap_pages * P, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

TEST(uffd_event_unmap,
     "munmap, a mapping in its place: one event for all of it, afterwards")
{
    struct caller c;

    start(8, FEATURE_UNMAP, REGISTER_MISSING);
    OK(mprotect(mem + 2 * P, P, PROT_READ)); /* three areas */
    unmap_from = 1;
    unmap_pages = 3;
    call(&c, do_unmap);
    wait_event();
    EQ(t_lines(mem + P, 3), 0);
    want_event(EVENT_UNMAP, (uintptr_t)(mem + P), (uintptr_t)(mem + 4 * P));
    EQ(called(&c), 0);
    want_none();
    unmap_from = 5;
    unmap_pages = 1;
    call(&c, do_fixed);
    want_event(EVENT_UNMAP, (uintptr_t)(mem + 5 * P), (uintptr_t)(mem + 6 * P));
    EQ(called(&c), (long)(mem + 5 * P));
    EQ(mem[5 * P], 0);
    ERR(munmap(mem + 1, P), EINVAL);
    OK(munmap(mem + P, P)); /* a hole */
    want_none();
}

static long do_move_there(void)
{
    return (long)mremap(mem, 4 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target);
}

TEST(uffd_event_unmap_remap, "mremap: what it replaces, what it cuts off, where it was")
{
    struct caller c;

    start(12, FEATURE_UNMAP | FEATURE_REMAP, REGISTER_MISSING);
    target = mem + 8 * P;
    call(&c, do_move_there);
    want_event(EVENT_UNMAP, (uintptr_t)target, (uintptr_t)(target + 2 * P));
    want_event(EVENT_REMAP, (uintptr_t)mem, (uintptr_t)target);
    want_event(EVENT_UNMAP, (uintptr_t)(mem + 2 * P), (uintptr_t)(mem + 4 * P));
    want_event(EVENT_UNMAP, (uintptr_t)mem, (uintptr_t)(mem + 2 * P));
    EQ(called(&c), (long)target);
    want_none();
}

static char *heap;
static long do_brk(void)
{
    return syscall(SYS_brk, heap);
}

TEST(uffd_event_brk, "brk: the heap gets shorter")
{
    struct caller c;
    char *old = (char *)syscall(SYS_brk, 0);

    heap = (char *)(((uintptr_t)old + P - 1) & ~(P - 1)) + 4 * P;
    if (do_brk() != (long)heap)
        SKIP("no heap here");
    uffd = uffd_new(0, FEATURE_UNMAP);
    OK(watch(heap - 2 * P, 2, REGISTER_MISSING));
    heap -= P;
    call(&c, do_brk);
    want_event(EVENT_UNMAP, (uintptr_t)heap, (uintptr_t)(heap + P));
    EQ(called(&c), (long)heap);
    CHECK(t_vmflag(heap - P, "um"));
}

/* ---- waiting ---- */

static volatile int signals;
static void count(int sig)
{
    (void)sig;
    signals++;
}

TEST(uffd_event_signal, "a signal does not end the wait; the end of the monitor does")
{
    struct sigaction sa = {.sa_handler = count};
    struct caller c;

    OK(sigaction(SIGUSR1, &sa, NULL));
    start(4, FEATURE_UNMAP, REGISTER_MISSING);
    unmap_from = 0;
    unmap_pages = 4;
    call(&c, do_unmap);
    wait_event();
    EQ(pthread_kill(c.thread, SIGUSR1), 0);
    t_nap(2000);
    CHECK(!c.done);
    close(uffd);
    EQ(called(&c), 0);
    EQ(signals, 1);
}

TEST(uffd_event_pointers, "an event that cannot be copied is told all the same, and gone")
{
    struct caller c;

    start(4, FEATURE_UNMAP, REGISTER_MISSING);
    unmap_from = 0;
    unmap_pages = 1;
    call(&c, do_unmap);
    wait_event();
    ERR(syscall(SYS_read, uffd, (void *)-P, sizeof(struct uffd_msg)), EFAULT);
    ERR(syscall(SYS_read, uffd, NULL, sizeof(struct uffd_msg)), EFAULT);
    EQ(called(&c), 0);
    want_none();
}

TEST(uffd_event_rights, "UFFD_FEATURE_EVENT_FORK is for the privileged")
{
    struct uffdio_api api = {.api = UFFD_API, .features = FEATURE_FORK};
    int fd;

    if (geteuid() != 0)
        SKIP("not root");
    CHILD({
        OK(setresuid(1000, 1000, 1000));
        fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);
        OK(fd);
        ERR(ioctl(fd, UFFDIO_API, &api), EPERM);
        api = (struct uffdio_api){.api = UFFD_API, .features = FEATURE_REMAP};
        OK(ioctl(fd, UFFDIO_API, &api));
    });
}

int main(int argc, char **argv)
{
    uffd_unused();
    return t_main(argc, argv, NULL);
}
