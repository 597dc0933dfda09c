/* SPDX-License-Identifier: MIT
 *
 * mremap. Where a window is one mapping here and several on Linux because it is rearranged,
 * Linux does run by run what one call does here (ruling: a window stays one mapping).
 */
#include "tests/diff/diff.h"

#define SEVERAL 1 /* equal moves and shrinking over several mappings */

static unsigned char *page_at(size_t i)
{
    return ARENA + i * P;
}

static void *raw_mremap(size_t at, size_t n, size_t to_n, int flags, size_t to)
{
    return (void *)syscall(SYS_mremap, page_at(at), n * P, to_n * P, flags, page_at(to));
}

/* A place for n pages; it may lie over anything but [at, at+n). */
static bool some_target(size_t at, size_t from_n, size_t n, size_t *to)
{
    for (int k = 0; k < 4; k++) {
        *to = some_place(n);
        if (*to >= at + from_n || at >= *to + n)
            return true;
    }
    return false;
}

/* A range of one mapping on Tessera: from its start on as long as it goes. */
static struct range one_area(struct range r)
{
    while (r.n > 1 && !one_area_here(r.at, r.n))
        r.n /= 2;
    return r;
}

/* Mappings whose borders the two systems agree about. */
static bool comparable(size_t at, size_t n)
{
    return one_area_here(at, n) || (pages[at].kind == HOLE && n == 1);
}

static bool mixed(struct range r)
{
    return shadow_any(r.at, r.n, is_hole) || shadow_any(r.at, r.n, is_sealed);
}

void move_to(struct range r, size_t to, const char *how)
{
    say(" +%zu %zu to +%zu%s", r.at, r.n, to, how);
    if (shadow_any(to, r.n, is_sealed) && r.n > 1) {
        say(" sealed");
        return;
    }
    void *got = raw_mremap(r.at, r.n, r.n, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (say_address(got) == 0) {
        bool aligned = (to - r.at) % TABLE == 0;
        hit(aligned ? MOVE_ALIGNED : MOVE_SKEWED, shape_at(r.at, r.n));
        hit(aligned ? OVER_ALIGNED : OVER_SKEWED, shape_at(to, r.n));
        shadow_move(r.at, to, r.n, false);
    }
    say_contents(to, r.n, 10);
    say_contents(r.at, r.n, 3);
}

void op_move(void)
{
    struct range r = some_range();
    size_t to;
    bool overlap = !some_target(r.at, r.n, r.n, &to);
    /* Ruling: holes and seals inside a range of several mappings; each refuses at its own
     * moment. */
    if (!SEVERAL || (mixed(r) && !comparable(r.at, r.n)))
        r = one_area(r);
    move_to(r, to, overlap ? " overlapping" : "");
}

/* New pages behind a mapping: its linear numbering goes on. */
static void note_growth(size_t at, size_t n, size_t more)
{
    struct page last = pages[at + n - 1];
    for (size_t i = 0; i < more; i++) {
        last.home++;
        pages[at + n + i] = last;
        pages[at + n + i].now = last.home;
    }
}

/* Ruling: a sealed file lets no new mapping be made, and an old one grow. */
static bool sealed_file(int file)
{
    int seals = file < FILES ? fcntl(fds[file], F_GET_SEALS) : 0;
    return seals > 0 && (seals & (F_SEAL_WRITE | 0x10));
}

/* What growing would have mapped, for a window that is several mappings on Linux. */
static void *map_behind(size_t at, size_t n, size_t more)
{
    const struct page *last = &pages[at + n - 1];
    int flags = MAP_SHARED | MAP_FIXED_NOREPLACE, lock = last->attr & (LOCKED | ONFAULT);
    if (lock == LOCKED)
        flags |= MAP_LOCKED;
    void *got = mmap(page_at(at + n), more * P, last->prot, flags, fds[last->file],
                     (off_t)(last->home + 1) * (off_t)P);
    if (got == MAP_FAILED && errno == EEXIST)
        errno = ENOMEM;
    if (got != MAP_FAILED && lock & ONFAULT && syscall(325, got, more * P, 1) != 0) {
        munmap(got, more * P);
        got = MAP_FAILED;
        errno = EAGAIN; /* as growing says that there are too many */
    }
    return got == MAP_FAILED ? got : page_at(at);
}

void op_grow(void)
{
    struct range r = one_area(some_range());
    size_t more = 1 + pick(pick(2) ? 8 : 600);
    if (r.at + r.n + more > PAGES || is_sealed(&pages[r.at])) {
        say(" no room");
        return;
    }
    say(" +%zu %zu by %zu", r.at, r.n, more);
    const struct page *last = &pages[r.at + r.n - 1];
    void *got;
    if (one_area_here(r.at, r.n) && last->kind == SHARED && last->now != last->home &&
        (last->file >= FILES || (last->attr & READONLY))) {
        say(" ruling");
        return;
    }
    if (last->kind == SHARED && (last->now != last->home ||
                                 one_area_here(r.at, r.n) != one_area_linux(r.at, r.n))) {
        if (last->file >= FILES || (last->attr & READONLY) || sealed_file(last->file)) {
            say(" ruling");
            return;
        }
        got = on_tessera ? raw_mremap(r.at, r.n, r.n + more, 0, 0)
                         : map_behind(r.at, r.n, more);
    } else {
        got = raw_mremap(r.at, r.n, r.n + more, 0, 0);
    }
    if (say_address(got) == 0) {
        hit(GROW, shape_at(r.at, r.n));
        note_growth(r.at, r.n, more);
    }
    say_contents(r.at, r.n + more, 6);
}

void op_shrink(void)
{
    struct range r = some_range();
    if (!SEVERAL || mixed(r))
        r = one_area(r);
    size_t left = 1 + pick(r.n), to;
    bool fixed = pick(2) && some_target(r.at, r.n, left, &to);
    if (shadow_any(r.at, r.n, is_sealed) || (fixed && shadow_any(to, left, is_sealed))) {
        say(" sealed");
        return;
    }
    say(" +%zu %zu to %zu", r.at, r.n, left);
    if (fixed) {
        if (!one_area_here(r.at, r.n) || !one_area_linux(r.at, r.n)) {
            if (!on_tessera && one_area_here(r.at, r.n)) {
                munmap(page_at(r.at + left), (r.n - left) * P);
                say_address(
                    raw_mremap(r.at, left, left, MREMAP_MAYMOVE | MREMAP_FIXED, to));
            } else if (on_tessera && one_area_here(r.at, r.n)) {
                say_address(
                    raw_mremap(r.at, r.n, left, MREMAP_MAYMOVE | MREMAP_FIXED, to));
            } else {
                say(" ruling");
                return;
            }
        } else if (say_address(raw_mremap(r.at, r.n, left, MREMAP_MAYMOVE | MREMAP_FIXED,
                                          to)) != 0) {
            return;
        }
        hit(SHRINK, shape_at(r.at, r.n));
        shadow_clear(r.at + left, r.n - left);
        shadow_move(r.at, to, left, false);
        say_contents(to, left, 6);
    } else if (say_address(raw_mremap(r.at, r.n, left, MREMAP_MAYMOVE, 0)) == 0) {
        hit(SHRINK, shape_at(r.at, r.n));
        shadow_clear(r.at + left, r.n - left);
    }
    say_contents(r.at, r.n, 6);
}

/* A second window that shows what the first does: old size 0. */
void duplicate_at(struct range r, size_t to)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (!one_area_here(r.at, r.n) || shadow_any(to, r.n, is_sealed) ||
        shadow_any(r.at, r.n, is_sealed) ||
        /* Ruling: filling stops at the first page that fails, of one mapping here. */
        (shadow_any(r.at, r.n, is_locked) && !one_area_linux(r.at, r.n))) {
        say(" none");
        return;
    }
    say(" +%zu %zu to +%zu", r.at, r.n, to);
    size_t step = on_tessera ? r.n : 0;
    long result = 0;
    for (size_t i = 0; i < r.n && result == 0; i += step) {
        if (!on_tessera)
            step = linux_run(r.at + i, r.n - i);
        void *got = raw_mremap(r.at + i, 0, step, flags, to + i);
        if (got == MAP_FAILED || i == 0)
            result = say_address(got);
    }
    if (result == 0) {
        hit(DUPLICATE, shape_at(r.at, r.n));
        shadow_move(r.at, to, r.n, true);
    }
    say_contents(to, r.n, 8);
}

void op_duplicate(void)
{
    struct range r = one_area(some_range());
    size_t to;
    if (some_target(r.at, r.n, r.n, &to))
        duplicate_at(r, to);
    else
        say(" none");
}

/* The pages go, the mapping stays. */
void keep_at(struct range r, size_t to)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | 4;
    /* Ruling: Linux takes the lock from all of the mapping that stays. */
    if (!one_area_here(r.at, r.n) || shadow_any(r.at, r.n, is_locked) ||
        shadow_any(to, r.n, is_sealed) || shadow_any(r.at, r.n, is_sealed)) {
        say(" none");
        return;
    }
    say(" +%zu %zu to +%zu", r.at, r.n, to);
    size_t step = on_tessera ? r.n : 0;
    long result = 0;
    for (size_t i = 0; i < r.n && result == 0; i += step) {
        if (!on_tessera)
            step = linux_run(r.at + i, r.n - i);
        void *got = raw_mremap(r.at + i, step, step, flags, to + i);
        if (got == MAP_FAILED || i == 0)
            result = say_address(got);
    }
    if (result == 0) {
        hit(KEEP, shape_at(r.at, r.n));
        shadow_move(r.at, to, r.n, true);
        shadow_attr(r.at, r.n, 0, LOCKED);
    }
    say_contents(to, r.n, 6);
    say_contents(r.at, r.n, 6);
}

void op_dontunmap(void)
{
    struct range r = one_area(some_range());
    size_t to;
    if (some_target(r.at, r.n, r.n, &to))
        keep_at(r, to);
    else
        say(" none");
}
