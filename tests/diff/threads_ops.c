/* SPDX-License-Identifier: MIT
 *
 * One step of a thread: an operation on places it chooses, and looking.
 */
#include "tests/diff/threads.h"
#include "user/include/tessera.h"
#include <sys/prctl.h>
#include <sys/uio.h>

#define ANY_CLASS (SHARED_PAGES / CLASSES)

static const size_t offsets[] = {0, 8, 2048, 4088};

static size_t some_offset(void)
{
    return offsets[pick(4)];
}

/* A range of the pages that only the first file is shown in. */
static struct place some_shared(void)
{
    size_t n = pick(3) ? 1 + pick(8) : pick(2) ? TABLE : 1 + pick(700);
    size_t at = pick(2) ? pick(SHARED_PAGES) : pick(4) * TABLE;
    if (at + n > SHARED_PAGES)
        n = SHARED_PAGES - at;
    return (struct place){at, n};
}

/* A page of a file of the class of an address. */
static size_t some_page(size_t at)
{
    return at % CLASSES + pick(FILE_PAGES / CLASSES) * CLASSES;
}

/* A place of the same class where n pages fit, not over [at, at+n); at itself: none. */
static size_t elsewhere(size_t at, size_t n)
{
    for (int i = 0; i < 4; i++) {
        size_t to = at % CLASSES + pick(ANY_CLASS) * CLASSES;
        if (pick(2))
            to = at % TABLE + pick(SHARED_PAGES / TABLE) * TABLE;
        if (to + n <= SHARED_PAGES && (to >= at + n || at >= to + n))
            return to;
    }
    return at;
}

static void map_shared(void)
{
    struct place p = some_shared();
    int flags = MAP_SHARED | MAP_FIXED | (pick(4) ? 0 : MAP_POPULATE);
    void *got = mmap(ARENA + p.at * P, p.n * P, pick(5) ? RW : PROT_READ, flags,
                     first_file, (off_t)(some_page(p.at) * P));
    check_result("mmap", got == MAP_FAILED ? -1 : 0, (const int[]){ENOMEM, 0});
}

static void unmap(void)
{
    struct place p = some_shared();
    check_result("munmap", munmap(ARENA + p.at * P, p.n * P), (const int[]){ENOMEM, 0});
}

static void protect(void)
{
    static const int prots[] = {RW, RW, PROT_READ, PROT_NONE};
    struct place p = some_shared();
    check_result("mprotect", mprotect(ARENA + p.at * P, p.n * P, prots[pick(4)]),
                 (const int[]){ENOMEM, 0});
}

static void remap(void)
{
    struct place p = some_shared();
    bool one_by_one = pick(2);
    size_t step = one_by_one ? 1 : p.n;
    if (one_by_one && p.n > 64)
        p.n = 64;
    for (size_t i = 0; i < p.n; i += step)
        check_result("remap_file_pages",
                     syscall(SYS_remap_file_pages, ARENA + (p.at + i) * P, step * P, 0,
                             some_page(p.at + i), pick(3) ? 0 : MAP_NONBLOCK),
                     (const int[]){EINVAL, ENOMEM, EAGAIN, 0});
}

static void move(void)
{
    struct place p = some_shared();
    size_t to = elsewhere(p.at, p.n), from_n = pick(4) ? p.n : 0;
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (from_n && pick(4) == 0 ? 4 : 0);
    if (to == p.at)
        return;
    void *got = (void *)syscall(SYS_mremap, ARENA + p.at * P, from_n * P, p.n * P, flags,
                                ARENA + to * P);
    check_result("mremap", got == MAP_FAILED ? -1 : 0,
                 (const int[]){EFAULT, EINVAL, ENOMEM, EAGAIN, 0});
}

static void empty(void)
{
    size_t page = pick(FILE_PAGES), n = 1 + pick(pick(2) ? 8 : FILE_PAGES);
    uint64_t moment = emptying_begins();
    switch (pick(3)) {
    case 0:
        check_result("ftruncate", ftruncate(first_file, (off_t)(page * P)),
                     (const int[]){0});
        emptied(page, FILE_PAGES, moment);
        if (pick(4))
            check_result("ftruncate", ftruncate(first_file, (off_t)(FILE_PAGES * P)),
                         (const int[]){0});
        break;
    case 1:
        check_result("fallocate",
                     fallocate(first_file, 3, (off_t)(page * P), (off_t)(n * P)),
                     (const int[]){0});
        emptied(page, n, moment);
        break;
    default: { /* which pages, is not known */
        struct place p = some_shared();
        check_result("MADV_REMOVE", madvise(ARENA + p.at * P, p.n * P, MADV_REMOVE),
                     (const int[]){EINVAL, EACCES, ENOMEM, EAGAIN, EFAULT, 0});
    }
    }
}

static void write_word(void)
{
    size_t at = pick(SHARED_PAGES + MIXED_PAGES), offset = some_offset();
    uint64_t word = write_begins(at);
    touch_write(ARENA + at * P + offset, word);
    write_ends();
}

static void write_file(void)
{
    size_t page = pick(FILE_PAGES);
    uint64_t word = write_begins(page);
    ssize_t n =
        pwrite(first_file, &word, sizeof(word), (off_t)(page * P + some_offset()));
    write_ends();
    if (n != (ssize_t)sizeof(word))
        illegal("pwrite", page, (uint64_t)n);
}

static void look(void)
{
    for (int i = 0; i < 12; i++) {
        check_address(pick(SHARED_PAGES + MIXED_PAGES), some_offset());
        check_page(pick(FILE_PAGES), some_offset());
    }
}

/* Words of several pages by process_vm_readv, which stops where reading would fail. */
static void look_by_call(void)
{
    uint64_t words[8] = {0}, least[8];
    struct iovec to = {words, sizeof(words)}, from[8];
    size_t at = pick(SHARED_PAGES - 8);
    for (size_t i = 0; i < 8; i++) {
        from[i] = (struct iovec){ARENA + (at + i) * P + some_offset(), 8};
        least[i] = floor_of_class(at + i);
    }
    ssize_t n = process_vm_readv(getpid(), &to, 1, from, 8, 0);
    check_result("process_vm_readv", n, (const int[]){EFAULT, 0});
    for (size_t i = 0; n > 0 && i < (size_t)n / 8; i++)
        check_word("read by call, older than its page", at + i, words[i], least[i]);
}

static void advise(void)
{
    static const int advice[] = {MADV_DONTNEED, MADV_WILLNEED, 22, 23,
                                 MADV_DONTNEED, MADV_RANDOM};
    struct place p = some_shared();
    unsigned char in[TABLE];
    switch (pick(4)) {
    case 0:
        check_result("mlock", (pick(2) ? mlock : munlock)(ARENA + p.at * P, p.n * P),
                     (const int[]){ENOMEM, EAGAIN, 0});
        break;
    case 1:
        p.n = p.n > TABLE ? TABLE : p.n;
        check_result("mincore", mincore(ARENA + p.at * P, p.n * P, in),
                     (const int[]){ENOMEM, 0});
        break;
    default:
        check_result("madvise", madvise(ARENA + p.at * P, p.n * P, advice[pick(6)]),
                     (const int[]){ENOMEM, EINVAL, EFAULT, EAGAIN, EBADF, 0});
    }
}

/* The pages behind: private memory, and a second file whose words come from anywhere. */
static void mixed(void)
{
    size_t n = 1 + pick(pick(3) ? 16 : MIXED_PAGES), at = pick(MIXED_PAGES);
    n = at + n > MIXED_PAGES ? MIXED_PAGES - at : n;
    at += SHARED_PAGES;
    unsigned char *start = ARENA + at * P;
    off_t offset = (off_t)(some_page(at) * P);
    static const int how[] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED};
    switch (pick(6)) {
    case 0:
    case 1: {
        int flags = how[pick(3)];
        void *got = mmap(start, n * P, RW, flags | MAP_FIXED,
                         flags & MAP_ANONYMOUS ? -1 : second_file, offset);
        check_result("mmap", got == MAP_FAILED ? -1 : 0, (const int[]){ENOMEM, 0});
        break;
    }
    case 2:
        check_result("madvise",
                     madvise(start, n * P, pick(2) ? MADV_DONTNEED : MADV_FREE),
                     (const int[]){ENOMEM, EINVAL, 0});
        break;
    case 3: /* the memory may be a page of the very file, read or written into itself */
        check_result("pread", pread(second_file, start, n * P, offset),
                     (const int[]){EFAULT, 0});
        break;
    case 4:
        check_result("pwrite", pwrite(second_file, start, n * P, offset),
                     (const int[]){EFAULT, 0});
        break;
    default:
        check_result("remap_file_pages",
                     syscall(SYS_remap_file_pages, start, n * P, 0, some_page(at), 0),
                     (const int[]){EINVAL, ENOMEM, 0});
    }
}

/* The child looks at what it was given while the parent goes on. */
static void fork_one(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        uint64_t before = common->illegal;
        look();
        look();
        _exit(common->illegal != before);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    hit(FORK, PLAIN);
}

/* The calls that only Tessera has. */
static void own_call(void)
{
    static const int legal[] = {EINVAL, ENOMEM, 0};
    struct place p = some_shared();
    size_t to = elsewhere(p.at, p.n);
    struct remap_vec vec[8];
    if (!on_tessera)
        return;
    switch (pick(4)) {
    case 0:
        for (size_t i = 0; i < 8; i++) {
            size_t at = pick(SHARED_PAGES - 4);
            vec[i] = (struct remap_vec){(uintptr_t)(ARENA + at * P), some_page(at),
                                        1 + (uint32_t)pick(4), 0};
        }
        check_result("remapv", remapv(vec, 8, (unsigned)pick(4)), legal);
        break;
    case 1:
        if (to != p.at)
            check_result("remap_swap",
                         remap_swap(ARENA + p.at * P, ARENA + to * P, p.n * P), legal);
        break;
    case 2:
        if (p.n > CLASSES) {
            p.n -= p.n % CLASSES; /* round the end into the same class */
            check_result("remap_rotate",
                         remap_rotate(ARENA + p.at * P, p.n * P,
                                      (ssize_t)(pick(9) * CLASSES) - 4 * CLASSES),
                         legal);
        }
        break;
    default: {
        void *got = remap_clone(ARENA + p.at * P, p.n * P, RW);
        check_result("remap_clone", got == MAP_FAILED ? -1 : 0,
                     (const int[]){EINVAL, ENOMEM, EACCES, 0});
        if (got != MAP_FAILED)
            munmap(got, p.n * P);
    }
    }
}

void thread_step(void)
{
    static const struct {
        void (*fn)(void);
        unsigned weight;
    } steps[] = {
        {map_shared, 12}, {unmap, 3},        {protect, 4}, {remap, 16},
        {move, 12},       {empty, 8},        {look, 12},   {write_word, 16},
        {write_file, 6},  {look_by_call, 4}, {advise, 6},  {mixed, 10},
        {fork_one, 2},    {own_call, 8},
    };
    unsigned total = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        total += steps[i].weight;
    unsigned at = (unsigned)pick(total);
    size_t i = 0;
    while (at >= steps[i].weight)
        at -= steps[i++].weight;
    steps[i].fn();
}
