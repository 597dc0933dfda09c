/* SPDX-License-Identifier: MIT
 *
 * The shadow: what each page of the arena shows, and where mappings begin and end.
 *
 * Ruling: on Linux a rearranged window is many mappings, one for each run of file pages; on
 * Tessera it is one. Mappings of private memory merge by rules of each kernel's own; there
 * only pieces that were never cut are known to be one.
 */
#include "tests/diff/diff.h"

struct page pages[PAGES + 1];
static uint32_t origins;

void shadow_reset(void)
{
    memset(pages, 0, sizeof(pages));
    origins = 1;
}

static void cut_at(size_t at)
{
    if (at == 0 || at >= PAGES || pages[at].kind == HOLE)
        return;
    uint32_t old = pages[at].origin;
    if (pages[at - 1].kind == HOLE || pages[at - 1].origin != old)
        return;
    uint32_t fresh = ++origins;
    for (; at < PAGES && pages[at].kind != HOLE && pages[at].origin == old; at++)
        pages[at].origin = fresh;
}

void shadow_cut(size_t at, size_t n)
{
    cut_at(at);
    cut_at(at + n);
}

void shadow_refused(size_t at, size_t n, long result)
{
    if (result != -EPERM)
        return;
    shadow_cut(at, n);
    for (size_t i = at; i < at + n; i++)
        pages[i].parted = pages[i].parted * 4 + 3;
}

void shadow_clear(size_t at, size_t n)
{
    shadow_cut(at, n);
    memset(&pages[at], 0, n * sizeof(pages[0]));
}

void shadow_attr(size_t at, size_t n, unsigned set, unsigned clear)
{
    shadow_cut(at, n);
    for (size_t i = at; i < at + n; i++)
        pages[i].attr = (uint8_t)((pages[i].attr | set) & ~clear);
}

/* Pages move with everything they are; keep: the old ones stay as well. */
void shadow_move(size_t from, size_t to, size_t n, bool keep)
{
    static struct page saved[PAGES];
    shadow_cut(from, n);
    shadow_cut(to, n);
    memcpy(saved, &pages[from], n * sizeof(saved[0]));
    if (!keep)
        shadow_clear(from, n);
    uint32_t last = 0, fresh = 0;
    for (size_t i = 0; i < n; i++) {
        if (saved[i].kind == HOLE)
            continue;
        if (!fresh || saved[i].origin != last)
            fresh = ++origins;
        last = saved[i].origin;
        saved[i].origin = fresh;
        pages[to + i] = saved[i];
    }
}

bool shadow_all(size_t at, size_t n, bool (*is)(const struct page *))
{
    for (size_t i = at; i < at + n; i++) {
        if (!is(&pages[i]))
            return false;
    }
    return true;
}

bool shadow_any(size_t at, size_t n, bool (*is)(const struct page *))
{
    for (size_t i = at; i < at + n; i++) {
        if (is(&pages[i]))
            return true;
    }
    return false;
}

bool is_hole(const struct page *p)
{
    return p->kind == HOLE;
}

bool is_sealed(const struct page *p)
{
    return p->attr & SEALED;
}

bool is_locked(const struct page *p)
{
    return p->attr & LOCKED;
}

/* One mapping: of equal properties, and in sequence by home or by what is shown. */
static bool joined(size_t at, size_t i, bool home)
{
    const struct page *a = &pages[at], *b = &pages[i];
    if (a->kind == HOLE || a->kind != b->kind || a->prot != b->prot ||
        a->attr != b->attr || a->parted != b->parted || a->file != b->file)
        return false;
    if (a->kind != SHARED)
        return a->origin == b->origin;
    int32_t step = home ? b->home - a->home : b->now - a->now;
    return step == (int32_t)(i - at);
}

static size_t run_of(size_t at, size_t n, bool home)
{
    size_t i = 1;
    while (i < n && joined(at, at + i, home))
        i++;
    return pages[at].kind == HOLE ? 0 : i;
}

bool one_area_linux(size_t at, size_t n)
{
    return run_of(at, n, false) == n;
}

bool one_area_here(size_t at, size_t n)
{
    return run_of(at, n, true) == n;
}

size_t linux_run(size_t at, size_t n)
{
    size_t run = run_of(at, n, false);
    return run ? run : 1;
}

static bool backed(size_t i)
{
    const struct page *p = &pages[i];
    if (p->kind == ANON)
        return true;
    return p->now >= 0 && (int64_t)p->now * (int64_t)P < common->size[p->file];
}

bool readable(size_t i)
{
    return pages[i].kind != HOLE && (pages[i].prot & RW) && backed(i);
}

bool writable(size_t i)
{
    return pages[i].kind != HOLE && (pages[i].prot & PROT_WRITE) && backed(i);
}
