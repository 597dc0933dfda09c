/* SPDX-License-Identifier: MIT
 *
 * Memory used: reads, writes, advice, msync, locks, mincore, process_vm_readv.
 */
#include "tests/diff/diff.h"
#include <sys/uio.h>

void op_write(void)
{
    struct range r = pick(2) ? some_small_range() : some_range();
    size_t count = r.n <= 16 ? r.n : 4 + pick(28);
    int signals = 0;
    if (pick(24) == 0 && r.n <= 2 * TABLE)
        count = r.n; /* all of a window */
    say(" +%zu %zu", r.at, r.n);
    for (size_t k = 0; k < count; k++) {
        size_t i = r.at + (count == r.n ? k : pick(r.n));
        if (!writable(i) && ++signals > 2)
            continue;
        int sig = touch_write(ARENA + i * P + pick(3) * 2040, rnd());
        if (sig)
            say(" %zu:%d", i, sig);
    }
    say_contents(r.at, r.n, 4);
}

void op_read(void)
{
    struct range r = some_range();
    say(" +%zu %zu", r.at, r.n);
    say_contents(r.at, r.n, pick(12) ? 24 : 1024);
}

static const struct advice {
    int number;
    unsigned set, clear;
} advices[] = {
    {MADV_DONTNEED, 0, 0},
    {MADV_DONTNEED, 0, 0},
    {MADV_DONTNEED, 0, 0},
    {MADV_REMOVE, 0, 0},
    {MADV_REMOVE, 0, 0},
    {MADV_REMOVE, 0, 0},
    {MADV_WILLNEED, 0, 0},
    {20 /* COLD */, 0, 0},
    {22 /* POPULATE_READ */, 0, 0},
    {23, 0, 0},
    {24 /* DONTNEED_LOCKED */, 0, 0},
    {MADV_DONTFORK, DONTFORK, 0},
    {MADV_DOFORK, 0, DONTFORK},
    {18 /* WIPEONFORK */, WIPE, 0},
    {19, 0, WIPE},
    {99, 0, 0},
    {MADV_FREE, 0, 0},
};

/* Ruling: the emulation of Linux loses these on what is remapped; and which pages before one
 * that refuses have got the flag is not compared. */
static bool flag_unsure(const struct advice *a, struct range r)
{
    if (!a->set && !a->clear)
        return false;
    for (size_t i = r.at; i < r.at + r.n; i++) {
        if (pages[i].kind != ANON)
            return true;
    }
    return false;
}

static bool is_not_anon(const struct page *p)
{
    return p->kind != ANON;
}

void op_advise(void)
{
    const struct advice *a = &advices[pick(sizeof(advices) / sizeof(advices[0]))];
    struct range r = some_range();
    if (a->set || a->clear || a->number == MADV_FREE)
        r = some_small_range();
    if (a->number == 22 || a->number == 23)
        r.n = r.n > 256 ? 256 : r.n;
    say(" %d +%zu %zu", a->number, r.at, r.n);
    if (flag_unsure(a, r) || shadow_any(r.at, r.n, is_sealed) ||
        (a->number == MADV_FREE && shadow_any(r.at, r.n, is_not_anon) &&
         !shadow_all(r.at, r.n, is_not_anon)) ||
        /* What lies before locked memory, that refuses, is freed on both: later on Linux. */
        (a->number == MADV_FREE && r.n > 1 && shadow_any(r.at, r.n, is_locked))) {
        say(" ruling");
        return;
    }
    int got = madvise(ARENA + r.at * P, r.n * P, a->number);
    if (say_result(got) == 0 && (a->set || a->clear))
        shadow_attr(r.at, r.n, a->set, a->clear);
    if (got == 0 && (a->number == MADV_DONTNEED || a->number == MADV_REMOVE))
        hit(a->number == MADV_REMOVE ? PUNCH_BY_ADDRESS : DROP, shape_at(r.at, r.n));
    /* Ruling: what was freed is there or is zero until it is written; make it zero. */
    if (a->number == MADV_FREE && got == 0)
        madvise(ARENA + r.at * P, r.n * P, MADV_DONTNEED);
    if (a->number == MADV_REMOVE)
        say_contents(0, regime.pages, 6);
    say_contents(r.at, r.n, 8);
}

void op_sync(void)
{
    static const int flags[] = {
        MS_SYNC, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_ASYNC, 0, MS_SYNC | MS_INVALIDATE,
        8};
    struct range r = some_range();
    int flag = flags[pick(7)];
    size_t skew = pick(20) ? 0 : 8;
    say(" +%zu %zu flags %d%s", r.at, r.n, flag, skew ? " skewed" : "");
    say_result(msync(ARENA + r.at * P + skew, r.n * P, flag));
}

/* Which pages get the lock before a hole stops the call; on Linux those all do. */
static size_t mapped_run(struct range r)
{
    size_t i = 0;
    while (i < r.n && pages[r.at + i].kind != HOLE)
        i++;
    return i;
}

void op_lock(void)
{
    struct range r = pick(3) ? some_small_range() : some_range();
    size_t most = pick(2) ? 300 : 3 * TABLE;
    if (r.n > most)
        r.n = most;
    int how = (int)pick(5), result;
    say(" +%zu %zu %s", r.at, r.n,
        how < 2    ? "lock"
        : how == 2 ? "lock on fault"
                   : "unlock");
    if (shadow_any(r.at, r.n, is_sealed) || mapped_run(r) != r.n) {
        say(" ruling");
        return;
    }
    if (how < 2)
        result = mlock(ARENA + r.at * P, r.n * P);
    else if (how == 2)
        result = (int)syscall(325, ARENA + r.at * P, r.n * P, 1);
    else
        result = munlock(ARENA + r.at * P, r.n * P);
    if (say_result(result) == 0 && how < 3)
        hit(LOCK, shape_at(r.at, r.n));
    shadow_attr(r.at, r.n, 0, LOCKED | ONFAULT);
    shadow_attr(r.at, r.n, how < 2 ? LOCKED : how == 2 ? LOCKED | ONFAULT : 0, 0);
    say_contents(r.at, r.n, 4);
}

/* Ruling: what is in memory of private pages that were only read is each system's own, and
 * what is allocated and unwritten is in memory here, on Linux it is not. */
void op_incore(void)
{
    static unsigned char in[PAGES];
    struct range r = some_range();
    say(" +%zu %zu", r.at, r.n);
    if (say_result(mincore(ARENA + r.at * P, r.n * P, in)) != 0)
        return;
    uint64_t sum = 0;
    for (size_t i = 0; i < r.n; i++) {
        const struct page *p = &pages[r.at + i];
        if (p->kind == SHARED && !(p->file < FILES && common->allocated[p->file]))
            sum = sum * 31 + (in[i] & 1) + 1;
    }
    say(" %016llx", (unsigned long long)sum);
}

void op_vmread(void)
{
    static unsigned char to[65 * P];
    struct range r = some_range();
    if (r.n > 64)
        r.n = 64;
    size_t skew = pick(3) ? 0 : pick(P);
    struct iovec far[2] = {{ARENA + r.at * P + skew, r.n * P - skew},
                           {ARENA + some_place(1) * P, P / 2}};
    struct iovec near = {to, sizeof(to)}; /* Linux brings in pages it does not copy */
    bool write = pick(4) == 0;
    say(" +%zu %zu %s", r.at, r.n, write ? "to" : "from");
    memset(to, 7, r.n * P);
    long n = write ? process_vm_writev(getpid(), &near, 1, far, 2, 0)
                   : process_vm_readv(getpid(), &near, 1, far, 2, 0);
    say_result(n);
    uint64_t sum = 0;
    for (long i = 0; !write && i + 8 <= n; i += 8 * 51)
        sum = (sum ^ *(uint64_t *)(void *)(to + i)) * 0x9e3779b97f4a7c15ull;
    say(" %08x", (unsigned)(sum >> 32));
    say_contents(r.at, r.n, 4);
}
