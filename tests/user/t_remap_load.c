/* SPDX-License-Identifier: MIT
 *
 * The programs people wrote with remap_file_pages, in our own words: spec 3.8, T200 to T204,
 * T205 to T212.
 */
#include "tests/user/t.h"

/* A 16-page window slides over a 1024-page file, two pages at a time, in two rounds. */
TESTF(T200, "window over a bigger file")
{
    enum { FILE_PAGES = 1024, WINDOW = 16, STEP = 2 };
    int fd = F(FILE_PAGES);
    M(fd, WINDOW);
    for (int round = 0; round < 2; round++) {
        for (size_t base = 0; base + WINDOW <= FILE_PAGES; base += WINDOW) {
            for (size_t i = 0; i < WINDOW; i += STEP)
                OK(R(i, STEP, round ? base + WINDOW - STEP - i : base + i));
            for (size_t i = 0; i < WINDOW; i++) {
                size_t pair = i / STEP * STEP;
                size_t want = round ? base + WINDOW - STEP - pair + i % STEP : base + i;
                EQ(tag(i), want);
            }
        }
    }
}

TESTF(T201, "four wrong calls")
{
    int fd = F(16);
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ERR(R(0, 2, 2), EINVAL);
    unsigned char *hole = t_map(NULL, 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(hole, 32 * P));
    A = t_map(hole, 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    ERR(R(16, 2, 2), EINVAL);
    ERR(R(0, 17, 0), EINVAL);
    ERR(t_raw_remap(A, 2 * P, (unsigned long)-1, 2, 0), EINVAL);
    LINEAR(8);
}

enum { STRESS = 512 };
static size_t order[STRESS];

/* One pass of the stressor: remap each page, locked meanwhile where that exists, verify. */
static void stress_pass(const char *what)
{
    for (size_t i = 0; i < STRESS; i++) {
        bool locked = mlock(A + i * P, P) == 0;
        if (R(i, 1, order[i]))
            FAIL("%s order, page %zu: %s", what, i, strerror(errno));
        if (locked)
            OK(munlock(A + i * P, P));
    }
    for (size_t i = 0; i < STRESS; i++)
        if (*(volatile uint16_t *)(A + i * P) != order[i])
            FAIL("%s order, page %zu is wrong", what, i);
}

TEST(T202, "the stress pattern: reverse, random, all to one, forward")
{
    A = t_map(NULL, STRESS, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    for (size_t i = 0; i < STRESS; i++)
        *(uint16_t *)(A + i * P) = (uint16_t)i;
    for (size_t i = 0; i < STRESS; i++)
        order[i] = STRESS - 1 - i;
    stress_pass("reverse");
    uint64_t seed = 202;
    for (size_t i = STRESS - 1; i > 0; i--) {
        size_t k = t_random(&seed) % (i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    stress_pass("random");
    memset(order, 0, sizeof(order));
    stress_pass("all to page 0");
    for (size_t i = 0; i < STRESS; i++)
        order[i] = i;
    stress_pass("forward");
    unsigned char *gone = t_map(NULL, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(munmap(gone, P));
    ERR(t_raw_remap(gone, P, 0, 0, 0), EINVAL);
    ERR(t_raw_remap(gone, P, 0, 0, ~0), EINVAL);
    ERR(t_raw_remap(gone, P, ~0UL, 0, 0), EINVAL);
}

TEST(T203, "the second remap of the 4.5 regression")
{
    A = t_map(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 3; i++)
        put(i, i);
    OK(R(0, 1, 1));
    OK(R(0, 2, 1));
    TAGS(1, 2, 2);
}

static uint64_t reverse_ns_per_page(size_t n)
{
    int fd = t_file();
    OK(ftruncate(fd, (off_t)(n * P)));
    M(fd, n);
    for (size_t i = 0; i < n; i++)
        put(i, i);
    uint64_t start = t_ns();
    for (size_t i = 0; i < n; i++)
        OK(R(i, 1, n - 1 - i));
    uint64_t ns = t_ns() - start;
    REVERSED(n);
    if (t_tessera)
        EQ(t_lines(A, n), 1);
    OK(munmap(A, n * P));
    OK(close(fd));
    return ns / n;
}

/* The scaled reverse test. Flat in N: a sixteen times bigger file may not cost several times
 * more per remap (the bound is wide: emulated clocks are noisy; a busy machine is asked again). */
TEST(T204, "reverse a file page by page")
{
    uint64_t small = 0, big = 0;
    for (int i = 0; i < 3 || (i < 15 && big > 4 * small + 2000); i++) {
        uint64_t s = reverse_ns_per_page(512), b = reverse_ns_per_page(8192);
        small = i && small < s ? small : s;
        big = i && big < b ? big : b;
    }
    if (big > 4 * small + 2000)
        FAIL("%llu ns per remap for 512 pages, %llu for 8192", (unsigned long long)small,
             (unsigned long long)big);
}

/* Faults around the start of an area after remaps there, and exit with all of it mapped. */
TESTF(T205, "remaps near the start, read faults, exit")
{
    int fd = F(64);
    for (int round = 0; round < 20; round++) {
        CHILD({
            unsigned char *all =
                t_map(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            A = all + (round % 3) * P;
            for (size_t i = 0; i < 16; i++)
                OK(RF(i % 4, 1, (i * 13 + (size_t)round) % 64,
                      round & 1 ? MAP_NONBLOCK : 0));
            for (size_t i = 0; i < 64; i++)
                (void)*(volatile unsigned char *)(all + i * P);
            EQ(tag(3), (15 * 13 + round) % 64);
            if (round & 2)
                OK(munmap(all, 2 * P));
        });
    }
}

TEST(T206, "swap the outer pages of a three-page file")
{
    int fd = open("demo", O_RDWR | O_CREAT | O_EXCL, 0600);
    static char page[P], buf[3 * P];
    OK(fd);
    for (int i = 0; i < 3; i++) {
        memset(page, 'a' + i, sizeof(page));
        EQ(write(fd, page, sizeof(page)), P);
    }
    M(fd, 3);
    OK(R(0, 1, 2));
    OK(R(2, 1, 0));
    EQ(A[0], 'c');
    EQ(A[P], 'b');
    EQ(A[2 * P], 'a');
    memset(A, '1', 10);
    memset(A + P, '2', 10);
    memset(A + 2 * P, '3', 10);
    OK(munmap(A, 3 * P));
    EQ(pread(fd, buf, sizeof(buf), 0), 3 * P);
    for (int i = 0; i < 3; i++) {
        for (size_t at = 0; at < P; at++)
            EQ(buf[(size_t)i * P + at], at < 10 ? '3' - i : 'a' + i);
    }
}

/* ---- T207: a pager in user space ---- */
enum { PAGES = 64, FRAMES = 12 };
static unsigned char *frames, *virt;
static int frame_of[PAGES], page_in[FRAMES], next_frame;
static unsigned char dirty[PAGES];
static bool fifo;
static uint64_t pager_seed;
static volatile long faults;
static unsigned char store[PAGES][P]; /* the "disk" */

static int pick_frame(void)
{
    for (int f = 0; f < FRAMES; f++)
        if (page_in[f] < 0)
            return f;
    if (fifo)
        return next_frame++ % FRAMES;
    return (int)(t_random(&pager_seed) % FRAMES);
}

static void evict(int f)
{
    int page = page_in[f];
    if (page < 0)
        return;
    if (dirty[page])
        memcpy(store[page], frames + (size_t)f * P, P);
    OK(mprotect(virt + (size_t)page * P, P, PROT_NONE));
    frame_of[page] = page_in[f] = -1;
    dirty[page] = 0;
}

static void on_page_fault(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    size_t page = (size_t)((unsigned char *)info->si_addr - virt) / P;
    if (page >= PAGES)
        FAIL("fault outside: %p", info->si_addr);
    faults++;
    unsigned char *at = virt + page * P;
    if (frame_of[page] >= 0) { /* mapped read-only: the first write */
        dirty[page] = 1;
        OK(mprotect(at, P, PROT_READ | PROT_WRITE));
        return;
    }
    int f = pick_frame();
    evict(f);
    memcpy(frames + (size_t)f * P, store[page], P);
    frame_of[page] = f;
    page_in[f] = (int)page;
    if (remap_file_pages(at, P, 0, (size_t)f, 0))
        FAIL("remap in the handler: %s", strerror(errno));
    OK(mprotect(at, P, PROT_READ));
}

static void run_pager(bool with_fifo)
{
    static unsigned char plain[PAGES][8];
    struct sigaction sa = {.sa_sigaction = on_page_fault, .sa_flags = SA_SIGINFO};
    fifo = with_fifo;
    faults = next_frame = 0;
    memset(store, 0, sizeof(store));
    memset(plain, 0, sizeof(plain));
    memset(frame_of, 0xff, sizeof(frame_of));
    memset(page_in, 0xff, sizeof(page_in));
    memset(dirty, 0, sizeof(dirty));
    int fd = t_file();
    OK(ftruncate(fd, PAGES * P));
    frames = t_map(NULL, FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    virt = t_map(NULL, PAGES, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    OK(sigaction(SIGSEGV, &sa, NULL));
    uint64_t seed = 207;
    pager_seed = 7;
    for (int k = 0; k < 4000; k++) {
        uint64_t x = t_random(&seed);
        size_t page = x % PAGES, cell = x / PAGES % 8;
        volatile unsigned char *at = virt + page * P + cell * 500;
        if (x >> 40 & 1)
            plain[page][cell] = *at = (unsigned char)(x >> 50);
        else if (*at != plain[page][cell])
            FAIL("page %zu cell %zu: %d, want %d", page, cell, *at, plain[page][cell]);
    }
    CHECK(faults > PAGES);
    OK(munmap(virt, PAGES * P));
    OK(munmap(frames, FRAMES * P));
    OK(close(fd));
}

TESTF(T207, "user-level pager")
{
    run_pager(false);
    run_pager(true);
}

/* Segments of one object: all but the first show the first, until a page is made private by
 * remapping it back to its own place and copying. */
TEST(T208, "segments over a common one; single pages go back")
{
    enum { SEGMENTS = 4, PAGES_EACH = 64, N = SEGMENTS * PAGES_EACH };
    A = t_map(NULL, N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < PAGES_EACH; i++)
        put(i, i);
    for (size_t s = 1; s < SEGMENTS; s++)
        OK(R(s * PAGES_EACH, PAGES_EACH, 0));
    int count;
    if (t_tessera)
        EQ(t_smaps(A, N, "Nonlinear", &count), (SEGMENTS - 1) * PAGES_EACH * 4);
    for (size_t i = 0; i < N; i++)
        EQ(tag(i), i % PAGES_EACH);
    static unsigned char copy[P];
    for (size_t s = 1; s < SEGMENTS; s++) {
        for (size_t i = s; i < PAGES_EACH; i += 3) {
            size_t at = s * PAGES_EACH + i;
            memcpy(copy, A + at * P, P);
            OK(R(at, 1, at));
            EQ(tag(at), -1000); /* its own page was never touched */
            memcpy(A + at * P, copy, P);
            put(at, 100 * s + i);
        }
    }
    for (size_t i = 0; i < N; i++) {
        size_t s = i / PAGES_EACH, k = i % PAGES_EACH;
        EQ(tag(i), s && k >= s && (k - s) % 3 == 0 ? 100 * s + k : k);
    }
    OK(R(PAGES_EACH, N - PAGES_EACH, PAGES_EACH)); /* everything home: nothing is away */
    if (t_tessera) {
        EQ(t_smaps(A, N, "Nonlinear", &count), 0);
        EQ(count, 0);
        EQ(t_lines(A, N), 1);
    }
}

/* ---- mirrors ---- */
static void use_ring(size_t n)
{
    char text[] = "written across the seam";
    char *seam = (char *)A + n * P - 8;
    memcpy(seam, text, sizeof(text));
    EQ(memcmp(A, text + 8, sizeof(text) - 8), 0);
    EQ(memcmp(A + 2 * n * P - 8, text, 8), 0);
    for (size_t i = 0; i < n; i++) {
        put(i, i);
        EQ(tag(n + i), i);
        put(n + i, 100 + i);
        EQ(tag(i), 100 + i);
    }
}

TEST(T209, "mirror ring buffer")
{
    A = t_map(NULL, 32, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(R(16, 16, 0));
    use_ring(16);
}

TEST(T210, "mirror, first half remapped")
{
    A = t_map(NULL, 32, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(R(0, 16, 16));
    use_ring(16);
}

TEST(T211, "emulator bank switching")
{
    enum { BLOCK = 4, BANKS = 64, SLOTS = 4 };
    int fd = F(BANKS * BLOCK);
    size_t bank[SLOTS] = {0, 1, 2, 3};
    M(fd, SLOTS * BLOCK);
    for (size_t i = 0; i < SLOTS * BLOCK; i++)
        EQ(tag(i), i);
    uint64_t seed = 211;
    long size = t_status("VmSize"), before = t_meminfo("FreePages");
    for (int k = 0; k < 100000; k++) {
        uint64_t x = t_random(&seed);
        size_t slot = x % SLOTS;
        bank[slot] = x / SLOTS % BANKS;
        OK(R(slot * BLOCK, BLOCK, bank[slot] * BLOCK));
        size_t i = x / 256 % BLOCK;
        EQ(tag(slot * BLOCK + i), bank[slot] * BLOCK + i);
    }
    EQ(t_status("VmSize"), size);
    if (t_tessera && before - t_meminfo("FreePages") > 2)
        FAIL("%ld pages used by 100,000 bank switches", before - t_meminfo("FreePages"));
}

TESTF(T212, "misuse: prot RW, private")
{
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, F(8), 0);
    ERR(t_raw_remap(A, P, PROT_READ | PROT_WRITE, 5, MAP_PRIVATE), EINVAL);
    LINEAR(4);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
