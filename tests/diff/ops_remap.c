/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages, in single calls and in patterns that fill whole leaf tables.
 *
 * Rulings: Linux takes ranges of several mappings of one file with equal flags, Tessera those
 * of one mapping; a read-only description's mapping is taken by Tessera alone; Linux asks the
 * file's seals again, and forgets that a lock was to wait for faults. Such calls are left out. Page numbers are small or absurd.
 */
#include "tests/diff/diff.h"

static int raw_remap(size_t at, size_t n, unsigned long prot, unsigned long pgoff,
                     int flags)
{
    return (int)syscall(SYS_remap_file_pages, ARENA + at * P, n * P, prot, pgoff, flags);
}

static bool unsure(size_t at, size_t n)
{
    bool one_file = true;
    for (size_t i = at; i < at + n; i++) {
        const struct page *a = &pages[at], *p = &pages[i];
        if (p->attr & (READONLY | SEALED | ONFAULT))
            return true;
        if (p->kind != a->kind || p->file != a->file || p->prot != a->prot ||
            p->attr != a->attr)
            one_file = false;
    }
    if (pages[at].kind == SHARED && pages[at].file < FILES) {
        int seals = fcntl(fds[pages[at].file], F_GET_SEALS);
        if (seals > 0 && (seals & (F_SEAL_WRITE | 0x10)))
            return true;
    }
    return one_file && !one_area_here(at, n);
}

long remap_pages(size_t at, size_t n, size_t page, int flags)
{
    long result = raw_remap(at, n, 0, page, flags) ? -errno : 0;
    for (size_t i = 0; result == 0 && i < n; i++)
        pages[at + i].now = (int32_t)(page + i);
    return result;
}

static size_t some_page(void)
{
    return pick(8) ? pick(regime.file_pages) : pick(2 * regime.file_pages);
}

void op_remap(void)
{
    struct range r = pick(2) ? some_small_range() : some_range();
    while (r.n > 1 && !one_area_here(r.at, r.n) && pick(4))
        r.n /= 2;
    size_t page = some_page();
    int flags = pick(3) ? 0 : MAP_NONBLOCK;
    say(" +%zu %zu", r.at, r.n);
    if (unsure(r.at, r.n)) {
        say(" ruling");
        return;
    }
    if (pick(30) == 0) {
        unsigned long prot = pick(2) ? 0 : 1, pgoff = prot      ? 0
                                                      : pick(2) ? ~0ul
                                                                : ~0ul - 1;
        size_t n = pick(2) ? r.n : 0;
        say(" prot %lu page %lx", prot, pgoff);
        if (prot || n == 0 || n > 1 || pgoff == ~0ul)
            say_result(raw_remap(r.at, n, prot, pgoff, flags));
    } else {
        say(" page %zu flags %#x", page, flags);
        long result = remap_pages(r.at, r.n, page, flags);
        say(" = %ld", result);
        if (result == 0)
            hit(REMAP, shape_at(r.at, r.n));
    }
    say_contents(r.at, r.n, 6);
}

/* A pattern over a window: reversed, strided, all to one, pairs swapped. */
void op_scatter(void)
{
    struct range r = some_range();
    while (r.n > 1 && !one_area_here(r.at, r.n))
        r.n /= 2;
    size_t page = some_page(), stride = 1 + pick(9), every = pick(2) ? 1 : 8,
           pattern = pick(4);
    int flags = pick(3) ? 0 : MAP_NONBLOCK;
    if (r.n > 1200)
        stride += 4;
    say(" +%zu %zu page %zu stride %zu pattern %zu", r.at, r.n, page, stride, pattern);
    if (unsure(r.at, r.n) || pages[r.at].kind != SHARED) {
        say(" ruling");
        return;
    }
    long failed = 0, calls = 0;
    for (size_t i = 0; i < r.n; i += pattern == 2 ? stride : 1) {
        if (every == 8 && i % 8 == 0)
            continue;
        size_t to = pattern == 0   ? page + r.n - 1 - i
                    : pattern == 1 ? (size_t)pages[r.at].home + (i ^ 1)
                    : pattern == 2 ? page + i * 3 % regime.file_pages
                                   : page;
        failed += remap_pages(r.at + i, 1, to, flags) != 0;
        calls++;
    }
    say(" failed %ld of %ld", failed, calls);
    say_contents(r.at, r.n, 12);
}

/* All pages of a window back to where the mapping had them. */
void op_home(void)
{
    struct range r = some_range();
    while (r.n > 1 && !one_area_here(r.at, r.n))
        r.n /= 2;
    say(" +%zu %zu", r.at, r.n);
    if (unsure(r.at, r.n) || pages[r.at].kind != SHARED) {
        say(" ruling");
        return;
    }
    enum shape before = shape_at(r.at, r.n);
    long result =
        remap_pages(r.at, r.n, (size_t)pages[r.at].home, pick(2) ? 0 : MAP_NONBLOCK);
    say(" = %ld", result);
    if (result == 0)
        hit(GO_HOME, before);
    say_contents(r.at, r.n, 12);
}
