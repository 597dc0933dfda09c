/* SPDX-License-Identifier: MIT
 *
 * Random calls against a model in plain memory: spec T214. One file, one arena of addresses;
 * the model knows for every page of the arena what it shows and what may be done with it.
 * `t_model --helper OPERATIONS SEED` runs it longer.
 */
#include "tests/user/t.h"

enum { ARENA = 64, FILE_PAGES = 48, BEYOND = 56 };
enum kind { HOLE, SHARED, ANON };

struct slot {
    enum kind kind;
    int prot;
    size_t home, page; /* SHARED: linear and actual page of the file */
    uint64_t value;    /* ANON: what is in it */
};

static struct slot slots[ARENA];
static uint64_t content[BEYOND];
static size_t size; /* of the file, in pages begun */
static int fd;
static uint64_t seed;
static long op; /* the operation in progress, for messages */

static size_t pick(size_t n)
{
    return t_random(&seed) % n;
}

#define WANT(got, want, what)                                                       \
    do {                                                                            \
        long w_g = (long)(got), w_w = (long)(want);                                 \
        if (w_g != w_w)                                                             \
            FAIL("operation %ld, %s: %ld, want %ld (errno %d)", op, what, w_g, w_w, \
                 errno);                                                            \
    } while (0)

/* ---- one page ---- */
static int signal_of(const struct slot *s, bool write)
{
    if (s->kind == HOLE || s->prot == PROT_NONE || (write && !(s->prot & PROT_WRITE)))
        return SIGSEGV;
    return s->kind == SHARED && s->page >= size ? SIGBUS : 0;
}

static uint64_t *value_of(struct slot *s)
{
    return s->kind == SHARED ? &content[s->page] : &s->value;
}

static void check_page(size_t i)
{
    struct slot *s = &slots[i];
    int want = signal_of(s, false);
    if (want == 0)
        WANT(*(volatile uint64_t *)(A + i * P), *value_of(s), "value");
    else
        WANT(t_read(A + i * P), want, "signal of a read");
}

static void check_all(void)
{
    for (size_t i = 0; i < ARENA; i++)
        check_page(i);
}

static void store(size_t i)
{
    struct slot *s = &slots[i];
    int want = signal_of(s, true);
    if (want) {
        WANT(t_write(A + i * P, 1), want, "signal of a write");
    } else {
        uint64_t v = t_random(&seed);
        *(volatile uint64_t *)(A + i * P) = v;
        *value_of(s) = v;
    }
}

/* ---- ranges ---- */
/* All pages in one area, or on Linux, where remaps made areas, of one kind. */
static bool one_area(size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++) {
        const struct slot *a = &slots[at], *s = &slots[i];
        if (s->kind != SHARED || s->prot != a->prot)
            return false;
        if (t_tessera && s->home - a->home != i - at)
            return false;
    }
    return true;
}

static void do_remap(size_t at, size_t n)
{
    size_t page = pick(BEYOND - n + 1);
    bool ok = one_area(at, n);
    int got = RF(at, n, page, pick(3) ? 0 : MAP_NONBLOCK);
    WANT(got, ok ? 0 : -1, "remap");
    if (!ok)
        WANT(errno, EINVAL, "errno of remap");
    for (size_t i = 0; ok && i < n; i++)
        slots[at + i].page = page + i;
}

static int some_prot(void)
{
    static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
                                PROT_NONE};
    return prots[pick(4)];
}

static void do_protect(size_t at, size_t n)
{
    int prot = some_prot();
    size_t i = at;
    int got = mprotect(A + at * P, n * P, prot);
    while (i < at + n && slots[i].kind != HOLE)
        slots[i++].prot = prot;
    WANT(got, i == at + n ? 0 : -1, "mprotect");
    if (got)
        WANT(errno, ENOMEM, "errno of mprotect");
}

static void do_map(size_t at, size_t n, enum kind kind)
{
    size_t home = kind == SHARED ? pick(BEYOND - n + 1) : 0;
    int prot = some_prot();
    int flags = kind == SHARED ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    t_map(A + at * P, n, prot, flags | MAP_FIXED, kind == SHARED ? fd : -1, home);
    for (size_t i = 0; i < n; i++)
        slots[at + i] = (struct slot){kind, prot, home + i, home + i, 0};
}

static void do_unmap(size_t at, size_t n)
{
    OK(munmap(A + at * P, n * P));
    for (size_t i = 0; i < n; i++)
        slots[at + i] = (struct slot){0};
}

/* Moves pages of one area to another place in the arena; neither place touches the other. */
static void do_move(size_t at, size_t n)
{
    size_t to = pick(ARENA - n + 1);
    if (!t_tessera)
        n = 1;
    if (!one_area(at, n) || (to < at + n && at < to + n))
        return;
    void *got =
        mremap(A + at * P, n * P, n * P, MREMAP_MAYMOVE | MREMAP_FIXED, A + to * P);
    if (got != A + to * P)
        FAIL("operation %ld, mremap: %s", op, strerror(errno));
    for (size_t i = 0; i < n; i++) {
        slots[to + i] = slots[at + i];
        slots[at + i] = (struct slot){0};
    }
}

/* DONTNEED: shared pages stay, private ones are zero; a hole gives ENOMEM after all. */
static void do_drop(size_t at, size_t n)
{
    bool hole = false;
    int got = madvise(A + at * P, n * P, MADV_DONTNEED);
    for (size_t i = at; i < at + n; i++) {
        hole |= slots[i].kind == HOLE;
        slots[i].value = 0;
    }
    WANT(got, hole ? -1 : 0, "madvise");
}

/* ---- the file ---- */
static void do_truncate(void)
{
    size_t n = pick(FILE_PAGES + 1);
    OK(ftruncate(fd, (off_t)(n * P)));
    for (size_t i = n; i < BEYOND; i++)
        content[i] = 0;
    size = n;
}

static void do_punch(size_t n)
{
    size_t page = pick(BEYOND - n + 1);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(page * P),
                 (off_t)(n * P)));
    for (size_t i = 0; i < n; i++)
        content[page + i] = 0;
}

static void do_file(void)
{
    size_t page = pick(FILE_PAGES);
    uint64_t v = t_random(&seed);
    if (pick(2)) {
        EQ(pwrite(fd, &v, sizeof(v), (off_t)(page * P)), sizeof(v));
        content[page] = v;
        size = page >= size ? page + 1 : size;
    } else if (page < size) {
        EQ(pread(fd, &v, sizeof(v), (off_t)(page * P)), sizeof(v));
        WANT(v, content[page], "pread");
    }
}

/* A child inherits the arrangement; what it changes of it is its own. */
static void do_fork(void)
{
    CHILD({
        check_all();
        for (size_t i = 0; i < 4; i++)
            do_remap(pick(ARENA), 1);
        do_unmap(pick(ARENA - 8), 8);
        check_all();
    });
}

static void step(void)
{
    size_t n = 1 + (pick(4) ? pick(4) : pick(24)), at = pick(ARENA - n + 1);
    size_t what = pick(1000);
    if (what < 300)
        do_remap(at, n);
    else if (what < 560)
        store(at);
    else if (what < 800)
        check_page(at);
    else if (what < 850)
        do_protect(at, n);
    else if (what < 900)
        do_map(at, n, SHARED);
    else if (what < 908)
        do_map(at, n, ANON);
    else if (what < 916)
        do_unmap(at, n);
    else if (what < 930)
        do_move(at, n);
    else if (what < 945)
        do_drop(at, n);
    else if (what < 955)
        do_truncate();
    else if (what < 965)
        do_punch(n);
    else if (what < 998)
        do_file();
    else
        do_fork();
}

static void run_model(long operations, uint64_t with)
{
    seed = with;
    fd = t_file();
    A = t_map(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(content, 0, sizeof(content));
    size = 0;
    do_truncate();
    do_map(0, ARENA / 2, SHARED);
    do_map(ARENA / 2, ARENA / 2, SHARED);
    for (op = 0; op < operations; op++) {
        step();
        if (op % 256 == 0)
            check_all();
    }
    check_all();
    OK(munmap(A, ARENA * P));
    OK(close(fd));
}

TESTF(T214, "random calls agree with the model")
{
    for (uint64_t k = 1; k <= 8; k++)
        run_model(62500, k * 0x9e3779b97f4a7c15);
}

static int helper(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    t_tessera = access("/proc/self/arrangement", F_OK) == 0;
    t_arm_faults();
    run_model(atol(argv[1]), strtoull(argv[2], NULL, 0));
    printf("%s operations\n", argv[1]);
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
