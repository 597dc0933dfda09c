/* SPDX-License-Identifier: MIT
 *
 * Chance: one stream for each operation of each program, and the shapes of ranges. Ranges
 * like whole windows, the borders of leaf tables and the borders of windows.
 */
#include "tests/diff/diff.h"

static __thread uint64_t state;

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

void rnd_start(uint64_t seed, uint64_t program, uint64_t op)
{
    state = mix(mix(mix(seed) ^ program) ^ op);
}

uint64_t rnd(void)
{
    return state = mix(state);
}

size_t pick(size_t n)
{
    return (rnd() >> 11) % n;
}

static size_t clamp(size_t n, size_t most)
{
    return n < 1 ? 1 : n > most ? most : n;
}

/* The start of a window, or of a place where a leaf table begins. */
static size_t some_border(void)
{
    size_t unit = regime.window ? regime.window : TABLE;
    size_t at = pick(regime.pages / unit + 1) * unit + regime.skew;
    if (pick(6) == 0)
        at = pick(regime.pages / TABLE + 1) * TABLE;
    return at < regime.pages ? at : 0;
}

size_t some_place(size_t n)
{
    size_t room = regime.pages - n + 1, at;
    switch (pick(4)) {
    case 0:
        return pick(room);
    case 1:
        at = some_border() + pick(7);
        at = at > 3 ? at - 3 : 0;
        break;
    default:
        at = some_border();
        break;
    }
    return at < room ? at : pick(room);
}

struct range some_small_range(void)
{
    size_t n = clamp(1 + pick(pick(4) ? 4 : 24), regime.pages);
    return (struct range){some_place(n), n};
}

struct range some_range(void)
{
    size_t n;
    if (!regime.window) {
        n = 1 + pick(pick(3) ? 12 : regime.pages / 2);
        return (struct range){pick(regime.pages - n + 1), n};
    }
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
        n = regime.window;
        break;
    case 3:
        n = TABLE * (1 + pick(3));
        break;
    case 4:
        n = 1 + pick(2000);
        break;
    case 5:
        n = TABLE - 4 + pick(8);
        break;
    default:
        return some_small_range();
    }
    n = clamp(n, regime.pages);
    return (struct range){some_place(n), n};
}

int some_prot(void)
{
    static const int prots[] = {RW, RW, RW, RW, PROT_READ, PROT_READ, PROT_NONE};
    return prots[pick(7)];
}
