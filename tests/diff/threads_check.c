/* SPDX-License-Identifier: MIT
 *
 * What the threads may see. A moment is the value of a counter that each write advances. Who
 * writes says so before taking its moment; who empties a page notes the earliest moment that
 * an unfinished write may carry, and from then on the page holds nothing older.
 */
#include "tests/diff/threads.h"
#include "user/include/tessera.h"
#include <stdatomic.h>

#define MARK     0x7e55ull
#define NOBODY   UINT64_MAX
#define MOMENT   0xffffffffffull
#define MOST_BAD 10

/* Shared with the children, who look while the parent goes on. */
static struct moments {
    _Atomic uint64_t now, writing[THREADS], floors[FILE_PAGES];
    _Atomic unsigned bad;
} * m;

void checks_start(void)
{
    m = mmap(NULL, sizeof(*m), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        _exit(7);
    m->now = 1;
    for (int i = 0; i < THREADS; i++)
        m->writing[i] = NOBODY;
}

void illegal(const char *what, size_t at, uint64_t value)
{
    if (m->bad++ < MOST_BAD)
        dprintf(1, "# illegal: %s at %zu: %#llx\n", what, at, (unsigned long long)value);
    __atomic_fetch_add(&common->illegal, 1, __ATOMIC_RELAXED);
}

void check_result(const char *call, long result, const int *legal)
{
    int err = errno;
    if (result != -1)
        return;
    while (*legal && *legal != err)
        legal++;
    if (!*legal)
        illegal(call, (size_t)me, (uint64_t)err);
}

uint64_t write_begins(size_t at)
{
    m->writing[me] = m->now;
    return MARK << 48 | (uint64_t)(at % CLASSES) << 40 | (m->now++ & MOMENT);
}

void write_ends(void)
{
    m->writing[me] = NOBODY;
}

uint64_t emptying_begins(void)
{
    uint64_t moment = m->now;
    for (int i = 0; i < THREADS; i++) {
        uint64_t w = m->writing[i];
        if (w < moment)
            moment = w;
    }
    return moment;
}

void emptied(size_t page, size_t n, uint64_t moment)
{
    for (; n-- && page < FILE_PAGES; page++) {
        uint64_t old = m->floors[page];
        while (old < moment &&
               !atomic_compare_exchange_weak(&m->floors[page], &old, moment))
            continue;
    }
}

uint64_t floor_of_class(size_t at)
{
    uint64_t floor = NOBODY;
    for (size_t page = at % CLASSES; page < FILE_PAGES; page += CLASSES) {
        uint64_t f = m->floors[page];
        if (f < floor)
            floor = f;
    }
    return floor;
}

void check_word(const char *how, size_t at, uint64_t value, uint64_t floor)
{
    if (value == 0)
        return;
    if (value >> 48 != MARK)
        illegal("a word nobody wrote", at, value);
    else if ((value >> 40 & 0xff) != at % CLASSES)
        illegal("a word of another page", at, value);
    else if ((value & MOMENT) < floor || (value & MOMENT) >= m->now)
        illegal(how, at, value);
}

void check_address(size_t at, size_t offset)
{
    uint64_t value = 0, floor = at < SHARED_PAGES ? floor_of_class(at) : 0;
    int sig = touch_read(ARENA + at * P + offset, &value);
    if (sig)
        hit(sig == SIGBUS ? BUS : SEGV, PLAIN);
    else
        check_word("memory older than its page", at, value, floor);
}

void check_page(size_t page, size_t offset)
{
    uint64_t value = 0, floor = m->floors[page];
    ssize_t n = pread(first_file, &value, sizeof(value), (off_t)(page * P + offset));
    if (n == (ssize_t)sizeof(value))
        check_word("a file older than its page", page, value, floor);
    else if (n != 0)
        illegal("pread", page, (uint64_t)n);
}

/* The page of the first file that an address is said to show. */
static void compare_page(size_t at, size_t page)
{
    static const size_t offsets[] = {0, 8, 2048, 4088};
    if (page % CLASSES != at % CLASSES)
        illegal("said to show a page of another class", at, page);
    for (int i = 0; i < 4; i++) {
        uint64_t a = 0, b = 0;
        int sig = touch_read(ARENA + at * P + offsets[i], &a);
        ssize_t n = pread(first_file, &b, 8, (off_t)(page * P + offsets[i]));
        if (n != 8 ? n != 0 : sig == SIGBUS || (!sig && a != b)) /* 0: behind the end */
            illegal("memory and file differ", at, page);
    }
}

/* Tessera tells by remap_query, Linux by its mappings. */
static void ask_tessera(void)
{
    for (size_t at = 0; at < SHARED_PAGES; at++) {
        uint64_t word;
        if (remap_query(ARENA + at * P, P, &word) == 0)
            compare_page(at, word & RMQ_PGOFF);
        else if (errno != ENOMEM)
            illegal("remap_query", at, (uint64_t)errno);
    }
}

static void ask_linux(void)
{
    char text[512];
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(text, sizeof(text), f)) {
        unsigned long a, b, offset;
        if (sscanf(text, "%lx-%lx %*s %lx", &a, &b, &offset) != 3 ||
            a < (unsigned long)ARENA || b > (unsigned long)ARENA + SHARED_PAGES * P)
            continue;
        for (size_t i = 0; i < (b - a) / P; i++)
            compare_page((a - (unsigned long)ARENA) / P + i, offset / P + i);
    }
    if (f)
        fclose(f);
}

void check_at_rest(void)
{
    struct stat st;
    if (on_tessera)
        ask_tessera();
    else
        ask_linux();
    munmap(ARENA, (SHARED_PAGES + MIXED_PAGES) * P);
    for (size_t page = 0; page < FILE_PAGES; page++)
        check_page(page, 0);
    ftruncate(first_file, 0);
    if (fstat(first_file, &st) || st.st_blocks)
        illegal("blocks of an empty file", 0, (uint64_t)st.st_blocks);
}
