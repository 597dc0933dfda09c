/* SPDX-License-Identifier: MIT
 *
 * Threads of one process, a neighbour that reaches into it and children do everything at once to the same
 * pages: maps, moves, rearranges, locks, forgets, cuts, watches, copies through pipes and files. Every
 * word tells who may have written it, so that each look is a check:
 *
 *   a file open for reading only, and a sealed one, never change, whatever stands before them;
 *   a child never sees what was written after it was made, nor we what it writes;
 *   nobody sees what a stranger has in his memory, and the stranger only what he put there.
 *
 * `t_smp_race --helper SEED MILLISECONDS [THREADS]` runs it longer.
 */
#include "lib/uapi/futex.h"
#include "tests/user/t_userfaultfd.h"
#include "user/include/tessera.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { PAGES = 1024, FILE_PAGES = 8, WORDS = P / 8 };
enum who {
    READ_ONLY = 0x4f,
    SEALED = 0x53,
    OURS = 0x52,
    CHILDS = 0x43,
    STRANGERS = 0x56
};

#define RW         (PROT_READ | PROT_WRITE)
#define MADV_GUARD 102
#define TAG(w, n)  ((uint64_t)(w) << 56 | (uint64_t)(n))
#define WHO(word)  ((word) >> 56)
#define WHAT(word) ((word)&0xffffffffffffff)
#define SHOWN      ((unsigned char *)0x100000000000) /* what may show shared memory */
#define OWN        ((unsigned char *)0x100000800000) /* private memory only */
#define PICK(...) \
    ((const uint64_t[]){__VA_ARGS__})[rnd(sizeof((uint64_t[]){__VA_ARGS__}) / 8)]

static struct common {
    volatile int stop;
    volatile uint64_t turns;
    char complaint[200];
} * common; /* with the others */

static int read_only, sealed, ours, own_mem, watcher, pipes[2][2];
static volatile uint64_t generation; /* a child's: when it was made */
static pid_t victim; /* whom process_vm_writev reaches: the process of the threads */
static bool is_child;
static __thread uint64_t rng;
static __thread sigjmp_buf back;
static __thread volatile bool touching;

static uint64_t rnd(uint64_t below)
{
    return t_random(&rng) % below;
}

static bool one_in(uint64_t n)
{
    return rnd(n) == 0;
}

static void complain(const char *what, const volatile void *at, uint64_t word)
{
    if (!__atomic_exchange_n(&common->stop, 2, __ATOMIC_RELAXED) || !common->complaint[0])
        snprintf(common->complaint, sizeof(common->complaint), "%s: %#llx at %p", what,
                 (unsigned long long)word, (const void *)(uintptr_t)at);
}

/* ---- words ---- */

static uint64_t a_word(void)
{
    return TAG(OURS, generation << 32 | rnd(1u << 31));
}

/* Whether the word may stand where we look; `own`: in private memory. */
static bool may_be(uint64_t word, bool own)
{
    switch (WHO(word)) {
    case 0:
        return word == 0;
    case READ_ONLY:
    case SEALED:
        return WHAT(word) < FILE_PAGES * WORDS;
    case OURS:
        return !is_child || !own || WHAT(word) >> 32 <= generation;
    case CHILDS:
        return is_child && own;
    }
    return false;
}

static void on_fault(int sig)
{
    if (!touching) {
        signal(sig, SIG_DFL);
        return;
    }
    touching = false;
    siglongjmp(back, 1);
}

/* The word at p, or it is written; false: p cannot be touched so. */
static bool touch_word(volatile uint64_t *p, uint64_t *word, bool write)
{
    if (sigsetjmp(back, 0))
        return false;
    touching = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (write)
        *p = *word;
    else
        *word = *p;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    touching = false;
    return true;
}

static void look_at(volatile uint64_t *p)
{
    uint64_t word;

    if (touch_word(p, &word, false) && !may_be(word, (uintptr_t)p >= (uintptr_t)OWN))
        complain(is_child ? "a child sees" : "a thread sees", p, word);
}

static void look_through(const uint64_t *words, size_t n, const char *where)
{
    for (size_t i = 0; i < n; i++)
        if (!may_be(words[i], false))
            complain(where, &words[i], words[i]);
}

/* The pages of a file that may not change. */
static void look_at_file(void)
{
    bool first = one_in(2);
    int fd = first ? read_only : sealed;
    enum who who = first ? READ_ONLY : SEALED;
    uint64_t words[4], at = rnd(FILE_PAGES * WORDS - 4);

    if (pread(fd, words, sizeof(words), (off_t)at * 8) != sizeof(words))
        complain("a file cannot be read", NULL, at);
    for (unsigned i = 0; i < 4; i++)
        if (words[i] != TAG(who, at + i))
            complain("a file has changed", NULL, words[i]);
}

/* ---- places: few pages mostly, so that all meet; whole tables now and then ---- */

static size_t some_pages(void)
{
    return one_in(16) ? PICK(512, 513) : PICK(1, 1, 1, 2, 3, 4, 8);
}

static unsigned char *zone(void)
{
    return one_in(2) ? SHOWN : OWN;
}

static unsigned char *in(unsigned char *z, size_t npages)
{
    size_t at = one_in(8) ? rnd(PAGES) : PICK(0, 1, 2, 3, 4, 5, 6, 7, 510, 511, 512, 513);

    return z + (at < PAGES - npages ? at : PAGES - npages) * P;
}

static volatile uint64_t *a_place(void)
{
    return (volatile uint64_t *)(void *)in(zone(), 1) + PICK(0, 1, 255, 511);
}

static int rights(void)
{
    return (int)PICK(RW, RW, RW, PROT_READ, PROT_WRITE, PROT_NONE);
}

/* ---- what is done ---- */

static void map_shown(void)
{
    size_t n = some_pages(), from = one_in(2) ? 0 : rnd(PAGES);
    int kind = (int)rnd(8), fd = kind == 0 ? read_only : kind == 1 ? sealed : ours;

    mmap(in(SHOWN, n), n * P, fd == ours ? rights() : PROT_READ,
         (kind == 2 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED |
             (one_in(4) ? MAP_POPULATE : 0),
         fd, (off_t)(fd == ours ? from * P : 0));
}

static void map_own(void)
{
    size_t n = some_pages();
    int kind = (int)rnd(4), fd = kind == 0 ? read_only : kind == 1 ? sealed : -1;

    mmap(in(OWN, n), n * P, rights(),
         MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0) |
             (one_in(4) ? MAP_POPULATE : 0),
         fd, 0);
}

static void move(void)
{
    unsigned char *z = zone();
    size_t n = some_pages(), m = one_in(2) ? n : some_pages();
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (one_in(3) ? 4 /* DONTUNMAP */ : 0);

    mremap(in(z, n), n * P, m * P, one_in(4) ? 0 : flags, in(z, m));
}

static void rearrange(void)
{
    size_t n = some_pages();
    struct remap_vec v[4];

    for (int i = 0; i < 4; i++)
        v[i] = (struct remap_vec){(uintptr_t)in(SHOWN, 1), rnd(16), 1, 0};
    switch (rnd(6)) {
    case 0:
        remapv(v, 4, (unsigned)rnd(8));
        break;
    case 1:
        remap_swap(in(SHOWN, n), in(SHOWN, n), n * P);
        break;
    case 2:
        remap_rotate(in(SHOWN, n), n * P, (ssize_t)rnd(5) - 2);
        break;
    default:
        remap_file_pages(in(SHOWN, n), n * P, 0, one_in(2) ? rnd(8) : rnd(PAGES), 0);
    }
}

static void advise(void)
{
    size_t n = some_pages();

    madvise(in(zone(), n), n * P,
            (int)PICK(MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE,
                      MADV_WILLNEED, 20, 21, 22, 23, MADV_GUARD, MADV_GUARD + 1,
                      18 /* WIPEONFORK */, 19 /* KEEPONFORK */));
}

static void change_file(void)
{
    if (one_in(3))
        (void)!ftruncate(ours, (off_t)(PICK(0, 1, 3, 8, 512, PAGES) * P));
    else if (one_in(2))
        fallocate(ours, 3, (off_t)(rnd(8) * P), (off_t)(some_pages() * P));
    else
        (void)!ftruncate(ours, PAGES * P);
    lseek(ours, 0, SEEK_SET);
}

/* From outside, or as if: what may not be written stays as it is, or is copied. */
static void reach_in(void)
{
    uint64_t word = a_word(), got[2] = {0};
    volatile uint64_t *at = a_place();
    struct iovec local = {&word, 8}, remote = {(void *)(uintptr_t)at, 8};

    if (one_in(3)) {
        (void)!pwrite(own_mem, &word, 8, (off_t)(uintptr_t)at);
    } else if (one_in(2)) {
        process_vm_writev(victim, &local, 1, &remote, 1, 0);
    } else {
        local.iov_base = got;
        if (process_vm_readv(victim, &local, 1, &remote, 1, 0) == 8)
            look_through(got, 1, "process_vm_readv gives");
        if (pread(own_mem, got, 8, (off_t)(uintptr_t)at) == 8)
            look_through(got, 1, "mem gives");
    }
}

static void pass_on(void)
{
    size_t n = some_pages() % 16;
    struct iovec v = {in(zone(), n), n * P};
    int which = (int)rnd(2);
    loff_t at = (loff_t)(rnd(FILE_PAGES) * P);

    switch (rnd(6)) {
    case 0:
        vmsplice(pipes[which][1], &v, 1,
                 SPLICE_F_NONBLOCK | (one_in(3) ? SPLICE_F_GIFT : 0));
        break;
    case 1:
        tee(pipes[which][0], pipes[!which][1], n * P, SPLICE_F_NONBLOCK);
        break;
    case 2:
        splice(pipes[which][0], NULL, ours, &at, n * P, SPLICE_F_NONBLOCK);
        break;
    case 3:
        splice(one_in(2)   ? read_only
               : one_in(2) ? sealed
                           : ours,
               &at, pipes[which][1], NULL, n * P, SPLICE_F_NONBLOCK);
        break;
    case 4:
        splice(pipes[which][0], NULL, pipes[!which][1], NULL, n * P, SPLICE_F_NONBLOCK);
        break;
    default:
        sendfile(ours, one_in(2) ? read_only : sealed, &at, P);
    }
}

/* What comes out of a pipe, a file. */
static void take_out(void)
{
    uint64_t words[WORDS];
    unsigned char *at = in(zone(), 4);
    ssize_t n;

    switch (rnd(5)) {
    case 0:
        n = read(pipes[rnd(2)][0], words, P);
        if (n > 0)
            look_through(words, (size_t)n / 8, "a pipe gives");
        break;
    case 1:
        n = pread(ours, words, P, (off_t)(rnd(16) * P));
        if (n > 0)
            look_through(words, (size_t)n / 8, "our file has");
        break;
    case 2:
        (void)!pread(one_in(2) ? ours : read_only, at, 4 * P, (off_t)(rnd(4) * P));
        break;
    case 3:
        (void)!pwrite(ours, at, 4 * P, (off_t)(rnd(16) * P));
        break;
    default:
        (void)!pwrite(one_in(2) ? read_only : sealed, at, P, 0); /* refused */
    }
}

static void sleep_on(void)
{
    struct timespec soon = {0, 100000};
    volatile uint64_t *at = a_place();
    uint64_t word;

    if (one_in(2) && touch_word(at, &word, false))
        syscall(SYS_futex, at, FUTEX_WAIT, (uint32_t)word, &soon, NULL, 0);
    else
        syscall(SYS_futex, at, FUTEX_CMP_REQUEUE, 1, 2, a_place(), 0);
}

/* Watched memory answers with SIGBUS; the monitor's calls come from anywhere. */
static void watch_some(void)
{
    static const uint64_t page[WORDS] __attribute__((aligned(4096)));
    size_t n = some_pages();
    unsigned char *at = in(zone(), n);
    struct uffdio_range range = {(uintptr_t)at, n * P};
    struct uffdio_writeprotect w = {range, rnd(2)};
    struct uffdio_register r = {range, 1 + rnd(3), 0};
    struct uffdio_copy c = {(uintptr_t)at, (uintptr_t)page, P, rnd(4), 0};
    struct uffdio_zeropage z = {range, rnd(2), 0};

    switch (rnd(8)) {
    case 0:
        ioctl(watcher, UFFDIO_REGISTER, &r);
        break;
    case 1:
        c.src = (uintptr_t)in(zone(), 1);
        /* fall through */
    case 2:
        ioctl(watcher, UFFDIO_COPY, &c);
        break;
    case 3:
        ioctl(watcher, UFFDIO_ZEROPAGE, &z);
        break;
    case 4:
        ioctl(watcher, UFFDIO_WRITEPROTECT, &w);
        break;
    case 5:
        ioctl(watcher, UFFDIO_CONTINUE, &z);
        break;
    default:
        ioctl(watcher, UFFDIO_UNREGISTER, &range);
    }
}

static void protect(void)
{
    size_t n = some_pages();
    unsigned char *at = in(zone(), n);

    switch (rnd(8)) {
    case 0:
        mlock(at, n * P);
        break;
    case 1:
        munlock(at, n * P);
        break;
    case 2:
        msync(at, n * P, MS_SYNC);
        break;
    case 3:
        munmap(at, n * P);
        break;
    case 4:
        syscall(SYS_pkey_mprotect, at, n * P, rights(), -1);
        break;
    default:
        mprotect(at, n * P, rights());
    }
}

/* ---- children ---- */

/* Private memory is as it was, and as the child makes it. */
static void be_child(void)
{
    static uint64_t seen[64];

    is_child = true;
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < 64; i++) {
            volatile uint64_t *p =
                (volatile uint64_t *)(void *)(OWN + (i < 16 ? i : 496 + i) * P) + i % 3;
            uint64_t word = 0;

            if (!touch_word(p, &word, false))
                continue;
            if (!may_be(word, true) || (turn && word != seen[i] && word))
                complain("a child sees", p, word);
            if (one_in(4)) {
                word = TAG(CHILDS, i);
                (void)touch_word(p, &word, true);
                (void)touch_word(p, &word, false);
            }
            seen[i] = word;
        }
        sched_yield();
    }
    _exit(0);
}

static void make_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        be_child();
    if (pid > 0) {
        __atomic_fetch_add(&generation, 1, __ATOMIC_RELAXED);
        waitpid(pid, NULL, 0);
    }
}

/* Takes memory, which must be empty, and keeps something there, which must stay. */
static void keep_some(size_t npages)
{
    volatile uint64_t *m = mmap(NULL, npages * P, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t n = npages * WORDS, by = one_in(16) ? 1 : 1 + rnd(254);

    for (size_t i = 0; i < n; i += by)
        if (m[i])
            complain("new memory has", &m[i], m[i]);
    for (size_t i = 0; i < n; i++)
        m[i] = TAG(STRANGERS, i);
    sched_yield();
    for (size_t i = 0; i < n; i++)
        if (m[i] != TAG(STRANGERS, i))
            complain("a stranger's memory has", &m[i], m[i]);
    munmap((void *)(uintptr_t)m, npages * P);
}

static void one_step(void)
{
    static void (*const steps[])(void) = {map_shown, map_own,  move,       rearrange,
                                          rearrange, advise,   advise,     protect,
                                          reach_in,  reach_in, pass_on,    pass_on,
                                          take_out,  sleep_on, watch_some, change_file};
    uint64_t word = a_word();

    if (one_in(2)) {
        volatile uint64_t *p = a_place();

        if (one_in(2))
            (void)touch_word(p, &word, true);
        look_at(p);
    } else if (one_in(40)) {
        make_child();
    } else {
        steps[rnd(sizeof(steps) / sizeof(*steps))]();
        if (one_in(2))
            keep_some(1 + rnd(3)); /* of what has just been free */
    }
    if (one_in(8))
        look_at_file();
    common->turns++;
}

/* ---- who does it ---- */

static void *work(void *seed)
{
    rng = (uint64_t)(uintptr_t)seed;
    while (!common->stop)
        one_step();
    return NULL;
}

/* Reaches into the process, cuts its file. */
static void be_neighbour(uint64_t seed)
{
    rng = seed;
    while (!common->stop) {
        reach_in();
        if (one_in(4))
            change_file();
        look_at_file();
    }
    _exit(0);
}

static void be_stranger(uint64_t seed)
{
    rng = seed;
    while (!common->stop)
        keep_some(24);
    _exit(0);
}

static int full_file(enum who who)
{
    int fd = (int)syscall(SYS_memfd_create, "full", 2 /* MFD_ALLOW_SEALING */);
    uint64_t words[WORDS];

    OK(fd);
    for (size_t i = 0; i < FILE_PAGES; i++) {
        for (size_t k = 0; k < WORDS; k++)
            words[k] = TAG(who, i * WORDS + k);
        EQ(write(fd, words, P), P);
    }
    return fd;
}

static void prepare(void)
{
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS};
    int full = full_file(READ_ONLY);
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

    OK(read_only = t_reopen(full, O_RDONLY));
    OK(close(full));
    sealed = full_file(SEALED);
    OK(fcntl(sealed, 1033 /* F_ADD_SEALS */, 15));
    ours = t_file();
    OK(ftruncate(ours, PAGES * P));
    for (int i = 0; i < 2; i++)
        OK(pipe2(pipes[i], O_NONBLOCK));
    common = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(common != MAP_FAILED);
    watcher = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY | O_NONBLOCK);
    ioctl(watcher, UFFDIO_API, &api);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    victim = getpid();
    prctl(0x59616d61 /* PR_SET_PTRACER */, -1);
}

static void race(uint64_t seed, unsigned ms, unsigned nthreads)
{
    void (*const others[])(uint64_t) = {be_neighbour, be_stranger};
    pthread_t threads[16];
    pid_t pids[2];
    uint64_t end;

    prepare();
    for (unsigned i = 0; i < 2; i++) {
        pids[i] = t_fork();
        if (!pids[i]) {
            char name[32];

            snprintf(name, sizeof(name), "/proc/%d/mem", victim);
            own_mem = open(name, O_RDWR);
            others[i](seed + 100 + i);
        }
    }
    OK(own_mem = open("/proc/self/mem", O_RDWR));
    for (unsigned i = 0; i < nthreads; i++)
        CHECK(!pthread_create(&threads[i], NULL, work,
                              (void *)(uintptr_t)(seed * 16 + i + 1)));
    for (end = t_ns() + ms * 1000000ull; t_ns() < end && !common->stop;) {
        t_progress();
        t_nap(2000);
    }
    __atomic_compare_exchange_n(&common->stop, &(int){0}, 1, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    for (unsigned i = 0; i < nthreads; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 2; i++)
        t_join(pids[i]);
    if (common->complaint[0])
        FAIL("seed %llu: %s", (unsigned long long)seed, common->complaint);
}

TEST(race_two, "two threads, a neighbour, children, a stranger")
{
    race(1, 1500, 2);
}

TEST(race_three, "three threads, a neighbour, children, a stranger")
{
    race(2, 1500, 3);
}

static int helper(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    race(strtoull(argv[1], NULL, 0), (unsigned)atoi(argv[2]),
         argc > 3 ? (unsigned)atoi(argv[3]) % 17 : 3);
    printf("%llu steps\n", (unsigned long long)common->turns);
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
