/* SPDX-License-Identifier: MIT
 *
 * An arranged window comes to lie over another that fills whole leaf tables: what chance alone
 * makes too seldom. Both are made fresh, one thickly arranged, the other thinly, so that what
 * one leaves behind shows through where the other is at home.
 */
#include "tests/diff/diff.h"

/* A shared mapping of one of the files, all of it at home. */
static bool fresh_window(struct range r)
{
    struct page first = {.kind = SHARED, .prot = RW, .file = (uint16_t)pick(3)};
    first.home = first.now = (int32_t)pick(regime.file_pages / 4 + 1);
    int seals = fcntl(fds[first.file], F_GET_SEALS);
    if (seals > 0 && (seals & (F_SEAL_WRITE | 0x10)))
        return false;
    void *got = mmap(ARENA + r.at * P, r.n * P, RW, MAP_SHARED | MAP_FIXED,
                     fds[first.file], (off_t)first.home * (off_t)P);
    if (say_address(got) != 0)
        return false;
    shadow_fill(r, first);
    return true;
}

/* Thick: all pages but every `gap`-th, backwards. Else a few, somewhere. */
static void arrange(struct range r, bool thick)
{
    size_t page = pick(regime.file_pages / 2), gap = 2 + pick(7), count = 1 + pick(8);
    for (size_t i = 0; thick && i < r.n; i++) {
        if (i % gap)
            remap_pages(r.at + i, 1, page + r.n - i, 0);
    }
    for (size_t i = 0; !thick && i < count; i++)
        remap_pages(r.at + pick(r.n), 1, page + pick(64), 0);
}

void op_cover(void)
{
    size_t tables = 1 + pick(2), n = tables * TABLE, room = regime.pages / TABLE;
    if (room < 2 * tables + 1) {
        say(" small");
        return;
    }
    struct range from = {pick(room - tables) * TABLE + pick(2) * pick(TABLE), n};
    size_t to = pick(room - tables + 1) * TABLE;
    if (pick(4) == 0 && to + n + 1 < regime.pages && tables > 1)
        to++; /* one table whole, others in part */
    bool apart = to >= from.at + n || from.at >= to + n;
    say(" +%zu %zu to +%zu", from.at, n, to);
    if (!apart || shadow_any(to, n, is_sealed) || shadow_any(from.at, n, is_sealed) ||
        !fresh_window((struct range){to, n}) || !fresh_window(from)) {
        say(" none");
        return;
    }
    arrange((struct range){to, n}, pick(4));
    arrange(from, pick(4) == 0);
    hit(COVER, PLAIN);
    switch (pick(4)) {
    case 0:
        keep_at(from, to);
        break;
    case 1:
        duplicate_at(from, to);
        break;
    default:
        move_to(from, to, "");
    }
    if (pick(3) == 0)
        say(" home %ld", remap_pages(to, n, (size_t)pages[to].home, MAP_NONBLOCK));
    say_contents(to, n, 24);
}
