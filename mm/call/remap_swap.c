/* SPDX-License-Identifier: MIT
 *
 * The two calls that move an arrangement about within itself: exchanging two windows and
 * rotating one. The steps are those of mm/op/rearrange.h.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/op/rearrange.h"

/* What both calls ask of a window: whole pages, some, in the user half. */
static bool window_ok(vaddr_t start, u64 len)
{
    return len && start % PAGE_SIZE == 0 && len % PAGE_SIZE == 0 && len <= USER_END &&
           start <= USER_END - len;
}

/* The n slots from s at va, in one table, show these file pages. */
static always_inline void set_run(struct rearrange *r, struct slot s, vaddr_t va,
                                  const u32 *shown, u32 n, unsigned order)
{
    struct tally t = {0, 0};

    rearrange_next(r, n << order);
    spin_lock(&s.table->lock);
    for (u32 k = 0; k < n; k++, s.i++, s.entry++, va += slot_size(order))
        rearrange_page(r, s, va, shown[k], &t, order);
    slot_settle(&r->change, s.table, &t, RESIDENT_SHMEM, order);
    spin_unlock(&s.table->lock);
}

/* Ends a call on a window of r->v: what is locked is in memory again. */
static void window_done(struct rearrange *r, vaddr_t start, u64 len)
{
    rearrange_trim(r, start, start + len);
    if (r->missing && vm_populates(r->v->flags))
        (void)fault_populate(r->mm, start, start + len);
}

/* ---- exchange ---- */

struct window {
    struct vma *v;
    vaddr_t start;
};

static int swap_reserve(struct rearrange *r, struct window w[2], u64 len)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    for (int k = 0; k < 2; k++) {
        int err = rearrange_vma(r, w[k].start, w[k].start + len);

        if (err)
            return err;
        w[k].v = r->v;
        if (!slot_countable(r->v, w[k].start, w[k].start + len))
            return -EINVAL;
    }
    if (w[0].v->object != w[1].v->object)
        return -EINVAL;
    for (int k = 0; k < 2; k++) {
        int err;

        rearrange_use(r, w[k].v);
        err = rearrange_reserve(r, w[k].start, w[k].start + len);
        if (!err)
            continue;
        for (; k >= 0; k--) {
            rearrange_use(r, w[k].v);
            rearrange_undo(r, w[k].start, w[k].start + len);
        }
        return err;
    }
    return 0;
}

#define SWAP_RUN LOGGED_RUN /* pages that change sides at a time */

/* How many slots from va on, at most n, lie in its table. */
static u32 run_in_table(vaddr_t va, u64 n, unsigned order)
{
    return (u32)MIN(n, PT_ENTRIES - slot_index(va, order));
}

static always_inline void swap_windows(struct rearrange *r, const struct window w[2],
                                       u64 len, unsigned order)
{
    u32 shown[2][SWAP_RUN], n;

    for (u64 at = 0; at < len; at += n * slot_size(order)) {
        struct slot s[2];

        n = run_in_table(w[0].start + at, MIN(slot_count(at, len, order), SWAP_RUN),
                         order);
        n = run_in_table(w[1].start + at, n, order);
        for (int k = 0; k < 2; k++) {
            vaddr_t va = w[k].start + at;

            s[k] = rearrange_slot(r, va, order);
            for (u32 i = 0; i < n; i++, va += slot_size(order))
                shown[k][i] =
                    object_number(slot_offset(s[k].table, s[k].i + i, w[k].v, va));
        }
        for (int k = 0; k < 2; k++) {
            rearrange_use(r, w[k].v);
            set_run(r, s[k], w[k].start + at, shown[!k], n, order);
        }
    }
}

static void swap_commit(struct rearrange *r, const struct window w[2], u64 len)
{
    SLOT_CALL(r->v, swap_windows, r, w, len);
}

int mm_remap_swap(struct mm *mm, vaddr_t a, vaddr_t b, u64 len)
{
    struct window w[2] = {{NULL, a}, {NULL, b}};
    struct rearrange r;
    int err;

    if (!window_ok(a, len) || !window_ok(b, len) || (a < b + len && b < a + len))
        return -EINVAL;
    mm_lock(mm);
    rearrange_begin(&r, mm, false);
    err = swap_reserve(&r, w, len);
    if (!err)
        swap_commit(&r, w, len);
    rearrange_end(&r);
    for (int k = 0; !err && k < 2; k++) {
        rearrange_use(&r, w[k].v);
        window_done(&r, w[k].start, len);
    }
    mm_unlock(mm);
    return err;
}

/* ---- rotation ---- */

static u64 gcd(u64 a, u64 b)
{
    while (b) {
        u64 rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Of the n slots from start on, slot `first` gets what the one `by` below it shows, that one
 * what is shown `by` below it, and so on round to `first`. */
static always_inline void rotate_cycle(struct rearrange *r, vaddr_t start, u64 n, u64 by,
                                       u64 first, unsigned order)
{
    vaddr_t va = start + first * slot_size(order);
    struct slot s = rearrange_slot(r, va, order);
    u32 saved = object_number(slot_offset(s.table, s.i, r->v, va)), shown;
    u64 to = first;

    for (;;) {
        u64 from = to >= by ? to - by : to + n - by;
        vaddr_t source_va = start + from * slot_size(order);
        struct slot source;

        if (from == first) {
            set_run(r, s, va, &saved, 1, order);
            return;
        }
        source = rearrange_slot(r, source_va, order);
        shown = object_number(slot_offset(source.table, source.i, r->v, source_va));
        set_run(r, s, va, &shown, 1, order);
        to = from;
        va = source_va;
        s = source;
    }
}

static always_inline void rotate_all(struct rearrange *r, vaddr_t start, u64 n, u64 by,
                                     unsigned order)
{
    u64 cycles = gcd(n, by);

    for (u64 first = 0; first < cycles; first++)
        rotate_cycle(r, start, n, by, first, order);
}

static int rotate_locked(struct rearrange *r, vaddr_t start, u64 len, s64 by)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    int err = rearrange_vma(r, start, start + len);
    s64 n, rest, unit;

    if (err)
        return err;
    unit = 1 << vma_order(r->v);
    if (by % unit || !slot_countable(r->v, start, start + len))
        return -EINVAL;
    n = (s64)(len >> PAGE_SHIFT) / unit;
    rest = by / unit % n;
    if (rest == 0)
        return 0;
    err = rearrange_reserve(r, start, start + len);
    if (err) {
        rearrange_undo(r, start, start + len);
        return err;
    }
    SLOT_CALL(r->v, rotate_all, r, start, (u64)n, (u64)(rest < 0 ? rest + n : rest));
    return 0;
}

int mm_remap_rotate(struct mm *mm, vaddr_t addr, u64 len, s64 by)
{
    struct rearrange r;
    int err;

    if (!window_ok(addr, len))
        return -EINVAL;
    mm_lock(mm);
    rearrange_begin(&r, mm, false);
    err = rotate_locked(&r, addr, len, by);
    rearrange_end(&r);
    if (!err)
        window_done(&r, addr, len);
    mm_unlock(mm);
    return err;
}
