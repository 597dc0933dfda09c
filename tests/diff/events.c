/* SPDX-License-Identifier: MIT
 *
 * What was entered: successful operations counted by what they met, so that the test can fail
 * when its programs stop reaching a way through the memory system. The shadow decides; the
 * counts are printed after the last program.
 */
#include "tests/diff/diff.h"

static const struct {
    const char *name;
    bool shaped; /* by what was met, too */
} names[EVENTS] = {
    [MAP_OVER] = {"mmap-over", true},
    [UNMAP] = {"munmap", true},
    [PROTECT] = {"mprotect", true},
    [LOCK] = {"mlock", true},
    [DROP] = {"dontneed", true},
    [PUNCH] = {"punch", true},
    [PUNCH_BY_ADDRESS] = {"madv-remove", true},
    [CUT] = {"truncate", true},
    [FORK] = {"fork", true},
    [REMAP] = {"remap", true},
    [GO_HOME] = {"remap-home", true},
    [MOVE_ALIGNED] = {"move-aligned", true},
    [MOVE_SKEWED] = {"move-skewed", true},
    [OVER_ALIGNED] = {"move-aligned-over", true},
    [OVER_SKEWED] = {"move-skewed-over", true},
    [DUPLICATE] = {"duplicate", true},
    [KEEP] = {"dontunmap", true},
    [COVER] = {"arranged-over", false},
    [GROW] = {"grow", true},
    [SHRINK] = {"shrink", true},
    [BUS] = {"sigbus", false},
    [SEGV] = {"sigsegv", false},
    [SEAL_REFUSES] = {"sealed", false},
    [NO_RIGHT] = {"no-right", false},
    [FULL] = {"full", false},
};

void hit(enum event e, enum shape shape)
{
    common->events[e][shape]++;
}

/* Shape of the pages that are `wanted`: whole tables need all of theirs. */
static enum shape shape_of(size_t at, size_t n, bool (*wanted)(const struct page *))
{
    enum shape shape = PLAIN;
    size_t run = 0, away = 0;
    for (size_t i = at; i < at + n; i++) {
        const struct page *p = &pages[i];
        if (i % TABLE == 0)
            run = away = 0;
        if (p->kind != SHARED || !wanted(p))
            continue;
        run++;
        away += p->now != p->home;
        if (away && shape == PLAIN)
            shape = ARRANGED;
        if (away && run == TABLE)
            return WHOLE_TABLE;
    }
    return shape;
}

static bool any_page(const struct page *p)
{
    (void)p;
    return true;
}

enum shape shape_at(size_t at, size_t n)
{
    return shape_of(at, n, any_page);
}

static uint16_t shown_file;
static int64_t shown_from, shown_to;

static bool is_shown(const struct page *p)
{
    int64_t at = (int64_t)p->now * (int64_t)P;
    return p->file == shown_file && at >= shown_from && at < shown_to;
}

enum shape shape_of_file(int file, int64_t from, int64_t to)
{
    shown_file = (uint16_t)file;
    shown_from = from;
    shown_to = to;
    return shape_of(0, regime.pages, is_shown);
}

void events_print(void)
{
    for (int e = 0; e < EVENTS; e++) {
        const uint64_t *n = common->events[e];
        printf("entered %s %llu", names[e].name, (unsigned long long)n[PLAIN]);
        if (names[e].shaped)
            printf(" %llu %llu", (unsigned long long)n[ARRANGED],
                   (unsigned long long)n[WHOLE_TABLE]);
        printf("\n");
    }
}
