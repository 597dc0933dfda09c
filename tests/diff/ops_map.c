/* SPDX-License-Identifier: MIT
 *
 * Mappings made, taken away and changed; the list of them.
 */
#include "tests/diff/diff.h"

void shadow_fill(struct range r, struct page first)
{
    static uint32_t origins = 1u << 31;
    shadow_clear(r.at, r.n);
    first.origin = ++origins;
    for (size_t i = 0; i < r.n; i++) {
        pages[r.at + i] = first;
        first.home++;
        first.now++;
    }
}

static int some_file(struct page *first)
{
    first->file = (uint16_t)pick(FILES);
    first->home = first->now = (int32_t)pick(regime.file_pages);
    if (pick(3))
        first->home = first->now = (int32_t)pick(regime.file_pages / 4 + 1);
    if (first->file == 3 && pick(3) == 0) {
        first->attr |= READONLY;
        return read_only_fd;
    }
    return fds[first->file];
}

static int extra_flags(struct page *first)
{
    switch (pick(12)) {
    case 0:
        first->attr |= LOCKED;
        return MAP_LOCKED;
    case 1:
        if (first->kind == SHARED) /* Ruling: Linux loses it on what is remapped */
            return 0;
        first->attr |= NORES;
        return MAP_NORESERVE;
    case 2:
    case 3:
        return MAP_POPULATE;
    default:
        return 0;
    }
}

/* Seals change what a later mapping may do. */
static void note_seals(struct page *first)
{
    int seals = first->file < FILES ? fcntl(fds[first->file], F_GET_SEALS) : 0;
    if (first->kind == SHARED && seals > 0 && (seals & (F_SEAL_WRITE | 0x10)))
        first->attr |= READONLY;
}

void op_map(void)
{
    struct range r = some_range();
    struct page first = {.prot = (uint8_t)some_prot()};
    int fd = -1, flags = MAP_FIXED;
    switch (pick(8)) {
    case 0:
    case 1:
        first.kind = ANON;
        flags |= MAP_PRIVATE | MAP_ANONYMOUS;
        break;
    case 2:
        first.kind = PRIVATE;
        flags |= MAP_PRIVATE;
        fd = some_file(&first);
        break;
    case 3:
        if (common->objects < OBJECTS - FILES) {
            first.kind = SHARED;
            first.file = (uint16_t)(FILES + common->objects++);
            flags |= MAP_SHARED | MAP_ANONYMOUS;
            break;
        } /* fall through */
    default:
        first.kind = SHARED;
        flags |= pick(8) ? MAP_SHARED : MAP_SHARED_VALIDATE;
        fd = some_file(&first);
        break;
    }
    flags |= extra_flags(&first);
    if (pick(8) == 0)
        flags ^= MAP_FIXED | MAP_FIXED_NOREPLACE;
    if (pick(24) == 0)
        r.n = 0;
    say(" +%zu %zu file %d page %d prot %d flags %#x", r.at, r.n, first.file, first.home,
        first.prot, flags);
    off_t offset = (off_t)first.home * (off_t)P + (pick(40) ? 0 : 100);
    void *got = mmap(ARENA + r.at * P, r.n * P, first.prot, flags, fd, offset);
    long result = say_address(got);
    shadow_refused(r.at, r.n, result);
    if (result == 0) {
        if (fd < 0 && first.kind == SHARED)
            common->size[first.file] = (int64_t)(r.n * P);
        note_seals(&first);
        hit(MAP_OVER, shape_at(r.at, r.n));
        shadow_fill(r, first);
    }
    say_contents(r.at, r.n, 6);
}

void op_unmap(void)
{
    struct range r = some_range();
    if (pick(3))
        r = some_small_range();
    size_t skew = pick(30) ? 0 : 1 + pick(P - 1), length = pick(30) ? r.n * P : 0;
    say(" +%zu %zu%s", r.at, length / P, skew ? " skewed" : "");
    long result = say_result(munmap(ARENA + r.at * P + skew, length));
    shadow_refused(r.at, r.n, result);
    if (result == 0) {
        hit(UNMAP, shape_at(r.at, r.n));
        shadow_clear(r.at, r.n);
    }
    say_contents(r.at ? r.at - 1 : 0, r.n + 1, 4);
}

/* How many pages from the first on the call gets at: to a hole, or to one without the right. */
static size_t protect_reach(struct range r, int prot)
{
    for (size_t i = 0; i < r.n; i++) {
        const struct page *p = &pages[r.at + i];
        if (p->kind == HOLE || is_sealed(p))
            return i;
        if (p->kind == SHARED && (p->attr & READONLY) && (prot & PROT_WRITE))
            return i;
    }
    return r.n;
}

void op_protect(void)
{
    struct range r = some_range();
    int prot = some_prot();
    size_t reach = protect_reach(r, prot);
    /* Ruling: what lies before memory that refuses is changed on Linux, and here it is not;
     * before a hole it is on both. */
    if (shadow_any(r.at, r.n, is_sealed) ||
        (reach > 0 && reach < r.n && !is_hole(&pages[r.at + reach]))) {
        r.n = 1;
        reach = protect_reach(r, prot);
    }
    say(" +%zu %zu prot %d", r.at, r.n, prot);
    if (say_result(mprotect(ARENA + r.at * P, r.n * P, prot)) == 0)
        hit(PROTECT, shape_at(r.at, r.n));
    shadow_cut(r.at, reach);
    for (size_t i = 0; i < reach; i++)
        pages[r.at + i].prot = (uint8_t)prot;
    say_contents(r.at, r.n, 5);
}

void op_seal_memory(void)
{
    struct range r = some_small_range();
    if (pick(4)) { /* a sealed page stays for the rest of the program */
        say(" none");
        return;
    }
    say(" +%zu %zu", r.at, r.n);
    if (say_result(syscall(462, ARENA + r.at * P, r.n * P, 0)) == 0)
        shadow_attr(r.at, r.n, SEALED, 0);
}

void op_brk(void)
{
    static uintptr_t start;
    uintptr_t now = (uintptr_t)syscall(SYS_brk, 0);
    if (!start)
        start = now;
    uintptr_t want = start + pick(64 * P), got = (uintptr_t)syscall(SYS_brk, want);
    say(" %s", got == want ? "moved" : "stays");
    if (got != want || want - start < 16)
        return;
    volatile uint64_t *last = (volatile uint64_t *)((want - 8) & ~7ul);
    say(" %s", *last == 0 ? "zero" : "used");
    *last = 0;
}

/* A line of maps, without stdio, whose buffers would lie in the heap that op_brk moves. */
static bool next_line(int fd, char *out, size_t size)
{
    static char text[4096];
    static size_t at, length;
    size_t n = 0;
    if (!out) {
        at = length = 0;
        return false;
    }
    for (;;) {
        if (at == length) {
            ssize_t got = read(fd, text, sizeof(text));
            if (got <= 0)
                return false;
            at = 0, length = (size_t)got;
        }
        char c = text[at++];
        if (c == '\n')
            break;
        if (n < size - 1)
            out[n++] = c;
    }
    out[n] = 0;
    return true;
}

/* Ranges of equal rights, summed up. */
struct list {
    unsigned long from, to, ranges;
    char rights[8];
    uint64_t sum;
};

static void close_range_of(struct list *l)
{
    if (!l->to)
        return;
    size_t from = (l->from - (unsigned long)ARENA) / P,
           to = (l->to - (unsigned long)ARENA) / P;
    l->sum =
        (l->sum ^ from ^ to << 16 ^ (uint64_t)l->rights[1] << 32) * 0x9e3779b97f4a7c15ull;
    l->ranges++;
    if (full_text && l->ranges < 100)
        say(" %zu-%zu%s", from, to, l->rights);
}

/* The lines of the arena, without file and offset; neighbours of equal rights are one.
 *
 * Ruling: Linux cuts rearranged windows into lines, and merges private memory by its own
 * rules. */
void op_list(void)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    struct list l = {0};
    char text[160], rights[8] = "";
    next_line(fd, NULL, 0);
    while (next_line(fd, text, sizeof(text))) {
        unsigned long a, b;
        if (sscanf(text, "%lx-%lx %4s", &a, &b, rights) != 3 ||
            a < (unsigned long)ARENA || b > (unsigned long)ARENA + PAGES * P)
            continue;
        if (a != l.to || strcmp(rights, l.rights) != 0) {
            close_range_of(&l);
            l.from = a;
            memcpy(l.rights, rights, 5);
        }
        l.to = b;
    }
    close_range_of(&l);
    close(fd);
    say(" %lu ranges %08x", l.ranges, (unsigned)(l.sum >> 32));
}
