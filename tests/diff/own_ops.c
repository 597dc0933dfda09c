/* SPDX-License-Identifier: MIT
 *
 * The calls of Tessera's own, each beside what it should do in the naive model.
 */
#include "tests/diff/own.h"
#include "user/include/tessera.h"

/* A set of errors that a call may answer; empty: it succeeds. */
struct errors {
    int list[8];
    size_t n;
};

static void may(struct errors *e, int err)
{
    if (e->n < 8)
        e->list[e->n++] = err;
}

/* Whether the result is one of the errors, or `good` when there are none. */
static bool judge(const char *call, size_t at, long result, const struct errors *e,
                  long good)
{
    int err = result == -1 ? errno : 0;
    if (e->n == 0) {
        if (result != good)
            wrong(call, at, err ? (uint64_t)err : (uint64_t)result, (uint64_t)good);
        return result == good;
    }
    for (size_t i = 0; i < e->n; i++) {
        if (e->list[i] == err)
            return false;
    }
    wrong(call, at, err ? (uint64_t)err : (uint64_t)result, (uint64_t)e->list[0]);
    return false;
}

static struct range any_range(void)
{
    size_t n = pick(3) ? 1 + pick(12) : pick(2) ? TABLE : 1 + pick(1100);
    size_t at = pick(3) ? pick(OWN_PAGES) : pick(OWN_PAGES / TABLE) * TABLE;
    if (pick(12) == 0)
        at = 3580 + pick(300); /* sealed, read-only, private */
    if (at + n > OWN_PAGES)
        n = OWN_PAGES - at;
    return (struct range){at, n};
}

/* A range inside one area that can be rearranged, most of the time. */
static struct range some_window(void)
{
    struct range r = any_range();
    for (int i = 0; i < 2 && shown[r.at].kind != OPEN && pick(3); i++)
        r = any_range();
    if (pick(5) && shown[r.at].kind != NOTHING) {
        size_t n = 1;
        while (n < r.n && shown[r.at + n].area == shown[r.at].area)
            n++;
        r.n = n;
    }
    return r;
}

/* What stands against rearranging the range. A range that is no part of one area is judged
 * before a seal. */
static void judge_range(struct errors *e, struct range r)
{
    const struct shown *s = &shown[r.at];
    bool good = s->kind != NOTHING && s->kind != PRIVATE_ANON;
    for (size_t i = 1; i < r.n && good; i++)
        good = shown[r.at + i].area == s->area;
    if (!good)
        may(e, EINVAL);
    else if (s->kind == SEALED_AREA)
        may(e, EPERM);
}

static void show(size_t at, size_t n, size_t page)
{
    for (size_t i = 0; i < n; i++)
        shown[at + i].page = (uint32_t)(page + i);
}

static size_t any_page(void)
{
    return pick(20) ? pick(OWN_FILE_PAGES) : pick(1u << 30);
}

static void check_ends(struct range r)
{
    check_shown(r.at);
    check_shown(r.at + r.n - 1);
    for (int i = 0; i < 6; i++)
        check_shown(r.at + pick(r.n));
}

static void one_call(void)
{
    struct range r = some_window();
    struct errors e = {.n = 0};
    size_t page = any_page();
    if (pick(8) == 0)
        page = shown[r.at].home;
    judge_range(&e, r);
    if (judge("remap_file_pages", r.at,
              syscall(SYS_remap_file_pages, ARENA + r.at * P, r.n * P, 0, page,
                      pick(3) ? 0 : MAP_NONBLOCK),
              &e, 0))
        show(r.at, r.n, page);
    check_ends(r);
}

/* One entry of a vector: the errors it has. */
static void judge_entry(struct errors *e, const struct remap_vec *v, unsigned flags)
{
    size_t at = (v->addr - (uintptr_t)ARENA) / P;
    if (v->flags || !v->npages || v->addr % P || v->pgoff + v->npages > INT32_MAX) {
        may(e, EINVAL);
        return;
    }
    judge_range(e, (struct range){at, v->npages});
    if (e->n == 0 && (flags & RM_CHECK) &&
        v->pgoff + v->npages > file_size[shown[at].file])
        may(e, ENXIO);
}

static void apply(const struct remap_vec *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        show((v[i].addr - (uintptr_t)ARENA) / P, v[i].npages, v[i].pgoff);
}

static struct remap_vec some_entry(void)
{
    struct range r = some_window();
    struct remap_vec v = {(uintptr_t)(ARENA + r.at * P), any_page(), (uint32_t)r.n, 0};
    if (pick(3) == 0)
        v.npages = 1;
    if (pick(10) == 0)
        v.pgoff = shown[r.at].home;
    switch (pick(60)) {
    case 0:
        v.flags = 1;
        break;
    case 1:
        v.addr += 8;
        break;
    case 2:
        v.npages = 0;
        break;
    case 3:
        v.pgoff = INT32_MAX;
        break;
    default:
        break;
    }
    return v;
}

static void vector_call(void)
{
    struct remap_vec v[8];
    size_t n = 1 + pick(8), good = 0;
    unsigned flags = (unsigned)pick(8);
    struct errors e = {.n = 0};
    for (size_t i = 0; i < n; i++)
        v[i] = some_entry();
    while (good < n) {
        judge_entry(&e, &v[good], flags);
        if (e.n)
            break;
        good++;
    }
    if (e.n && good && !(flags & RM_ATOMIC))
        e.n = 0; /* what was done is what it answers */
    if (judge("remapv", (v[0].addr - (uintptr_t)ARENA) / P, remapv(v, n, flags), &e,
              (long)good))
        apply(v, good);
    for (size_t i = 0; i < n; i++)
        check_shown((v[i].addr - (uintptr_t)ARENA) / P);
}

/* Vectors longer than the kernel takes at once, or not there. */
static void long_vector(void)
{
    static struct remap_vec v[RM_ATOMIC_MAX + 80];
    size_t n = RM_ATOMIC_MAX - 2 + pick(80);
    unsigned flags = (unsigned)pick(4);
    struct errors e = {.n = 0};
    for (size_t i = 0; i < n; i++)
        v[i] = (struct remap_vec){(uintptr_t)(ARENA + pick(1200) * P),
                                  pick(OWN_FILE_PAGES), 1, 0};
    if ((flags & RM_ATOMIC) && n > RM_ATOMIC_MAX)
        may(&e, E2BIG);
    bool nowhere = pick(8) == 0;
    if (nowhere)
        may(&e, EFAULT);
    if (judge("remapv of many", n, remapv(nowhere ? (void *)8 : v, n, flags), &e,
              (long)n))
        apply(v, n);
}

static void swap_call(void)
{
    static struct shown saved[OWN_PAGES];
    struct range a = some_window(), b = some_window();
    struct errors e = {.n = 0};
    for (int i = 0; i < 8 && shown[b.at].file != shown[a.at].file; i++)
        b = some_window();
    if (pick(8)) {
        a.n = a.n < b.n ? a.n : b.n;
        if (a.n > 1 && a.at < b.at + a.n && b.at < a.at + a.n)
            a.n = a.at > b.at ? a.at - b.at : b.at - a.at;
    }
    a.n = a.n ? a.n : 1;
    if (b.at + a.n > OWN_PAGES)
        return;
    b.n = a.n;
    if (a.at < b.at + b.n && b.at < a.at + a.n)
        may(&e, EINVAL);
    judge_range(&e, a);
    judge_range(&e, b);
    if (shown[a.at].file != shown[b.at].file)
        may(&e, EINVAL);
    if (judge("remap_swap", a.at, remap_swap(ARENA + a.at * P, ARENA + b.at * P, a.n * P),
              &e, 0)) {
        memcpy(saved, &shown[a.at], a.n * sizeof(saved[0]));
        for (size_t i = 0; i < a.n; i++)
            shown[a.at + i].page = shown[b.at + i].page;
        for (size_t i = 0; i < a.n; i++)
            shown[b.at + i].page = saved[i].page;
    }
    check_ends(a);
    check_ends(b);
}

static void rotate_call(void)
{
    static struct shown saved[OWN_PAGES];
    struct range r = some_window();
    struct errors e = {.n = 0};
    long by = (long)pick(4 * r.n + 1) - (long)(2 * r.n), n = (long)r.n;
    judge_range(&e, r);
    if (judge("remap_rotate", r.at, remap_rotate(ARENA + r.at * P, r.n * P, by), &e, 0)) {
        memcpy(saved, &shown[r.at], r.n * sizeof(saved[0]));
        for (long i = 0; i < n; i++)
            shown[(long)r.at + ((i + by) % n + n) % n].page = saved[i].page;
    }
    check_ends(r);
}

/* A range that may span several areas, or holes. */
static void query_call(void)
{
    static uint64_t words[OWN_PAGES];
    struct range r = any_range();
    struct errors e = {.n = 0};
    for (size_t i = r.at; i < r.at + r.n; i++) {
        if (shown[i].kind == NOTHING)
            may(&e, ENOMEM);
        else if (shown[i].kind == PRIVATE_ANON)
            may(&e, EINVAL);
    }
    if (!judge("remap_query", r.at, remap_query(ARENA + r.at * P, r.n * P, words), &e, 0))
        return;
    for (size_t i = 0; i < r.n; i++) {
        const struct shown *s = &shown[r.at + i];
        uint64_t want = s->page | (s->page != s->home ? RMQ_AWAY : 0);
        if ((words[i] & (RMQ_PGOFF | RMQ_AWAY)) != want)
            wrong("a word of remap_query", r.at + i, words[i], want);
    }
}

/* The clone shows the same; changing it changes nothing else. */
static void clone_call(void)
{
    struct range r = some_window();
    struct errors e = {.n = 0};
    uint64_t word = 0, value = 0;
    int prot = pick(3) ? RW : PROT_READ;
    judge_range(&e, r);
    if (e.n && e.list[0] == EPERM)
        e.n = 0; /* a seal does not stand against it */
    if (e.n == 0 && shown[r.at].kind == READ_ONLY && prot == RW)
        may(&e, EACCES);
    unsigned char *got = remap_clone(ARENA + r.at * P, r.n * P, prot);
    if (!judge("remap_clone", r.at, got == MAP_FAILED ? -1 : 0, &e, 0)) {
        if (got != MAP_FAILED)
            munmap(got, r.n * P);
        return;
    }
    for (int k = 0; k < 8; k++) {
        size_t i = pick(r.n);
        const struct shown *s = &shown[r.at + i];
        uint64_t want = s->page | (s->page != s->home ? RMQ_AWAY : 0);
        if (remap_query(got + i * P, P, &word) || (word & (RMQ_PGOFF | RMQ_AWAY)) != want)
            wrong("the page a clone shows", r.at + i, word, want);
        int sig = touch_read(got + i * P + 8, &value);
        if (s->page < file_size[s->file] && (sig || value != content[s->file][s->page]))
            wrong("memory of a clone", r.at + i, value, content[s->file][s->page]);
    }
    if (remap_rotate(got, r.n * P, 1))
        wrong("rotating a clone", r.at, (uint64_t)errno, 0);
    munmap(got, r.n * P);
    check_ends(r);
}

void own_operation(void)
{
    static void (*const calls[])(void) = {one_call,    vector_call, vector_call,
                                          long_vector, swap_call,   swap_call,
                                          rotate_call, query_call,  clone_call};
    calls[pick(sizeof(calls) / sizeof(calls[0]))]();
}
