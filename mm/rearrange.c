/* SPDX-License-Identifier: MIT
 *
 * The steps of mm/rearrange.h, and the two calls that move an arrangement about within itself:
 * exchanging two windows and rotating one.
 */
#include "mm/rearrange.h"
#include "lib/lock.h"
#include "mm/calls.h"
#include "mm/fault.h"
#include "mm/stat.h"

void rearrange_begin(struct rearrange *r, struct mm *mm, bool lazy)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    r->mm = mm;
    r->v = NULL;
    r->held = NULL;
    r->run = 0;
    r->pages = 0;
    r->lazy = lazy;
    r->install = false;
    r->missing = false;
    r->directory = NULL;
    r->covers = USER_END; /* nothing */
    r->rss = 0;
    tlb_begin(&r->batch, mm);
}

void rearrange_release(struct rearrange *r)
{
    tlb_end(&r->batch);
    if (r->held) {
        r->held->shown++;
        spin_unlock(&r->held->lock);
    }
    r->held = NULL;
    r->pages += r->run;
    r->run = 0;
}

int rearrange_find(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct vma *v = vma_at(r->mm, start);

    if (!v || vma_kind(v) != VMA_SHARED || (v->flags & (VM_NOREMAP | VM_HUGE)) ||
        end > v->end)
        return -EINVAL;
    if (v->flags & VM_SEALED)
        return -EPERM;
    rearrange_use(r, v);
    return 0;
}

struct leaf rearrange_walk(struct rearrange *r, vaddr_t va)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    const pte_t *table = r->mm->root;

    for (unsigned level = PT_LEVELS - 1; level > 1; level--) {
        pte_t e = pte_load(&table[pt_index(va, level)]);

        if (!pte_present(e))
            return (struct leaf){NULL, NULL};
        table = phys_to_virt(e & PTE_ADDR);
    }
    r->directory = table;
    r->covers = va & ~(pt_span(2) - 1);
    return rearrange_leaf(r, va);
}

bool rearrange_countable(const struct vma *v, vaddr_t start, vaddr_t end)
{
    pgoff_t first = vma_home(v, start);

    return first <= OBJECT_MAX_PAGES &&
           (end - start) >> PAGE_SHIFT <= OBJECT_MAX_PAGES - first;
}

int rearrange_reserve(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    for (vaddr_t va = start; va < end; va = (va | (LEAF_SPAN - 1)) + 1) {
        struct page *leaf = pt_leaf(r->mm, va);

        if (!leaf)
            leaf = pt_leaf_make(r->mm, va);
        if (!leaf || away_reserve(leaf) != 0)
            return -ENOMEM;
        rearrange_pause(r);
    }
    return 0;
}

void rearrange_trim(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct page *leaf;

    pt_for_each_leaf (r->mm, start, end, va, next, leaf) {
        away_trim(leaf);
        rearrange_pause(r);
    }
}

void rearrange_undo(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    const struct vma *prev = vma_prev(r->v), *next = vma_next(r->v);

    rearrange_trim(r, start, end);
    r->covers = USER_END;
    /* Tables only r->v lies over: nobody else comes to them, and who comes by its object
     * waits for the lock. */
    rearrange_release(r);
    pt_trim_locked(r->mm, start, end, prev ? prev->end : 0,
                   next ? next->start : USER_END + PAGE_SIZE, &r->v->object->lock);
}

void rearrange_end(struct rearrange *r)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    rearrange_release(r);
    if (r->rss)
        __atomic_fetch_add(&r->mm->rss_shmem, (u64)r->rss, __ATOMIC_RELAXED);
    if (r->pages) {
        mm_count_n(remap_pages, r->pages);
        mm_count(remap_calls);
    }
}

/* What both calls ask of a window: whole pages, some, in the user half. */
static bool window_ok(vaddr_t start, u64 len)
{
    return len && start % PAGE_SIZE == 0 && len % PAGE_SIZE == 0 && len <= USER_END &&
           start <= USER_END - len;
}

/* n pages of a window inside one leaf table. */
static inline void set_run(struct rearrange *r, struct leaf leaf, vaddr_t va,
                           const u32 *shown, u32 n)
{
    rearrange_hold(r, n);
    spin_lock(&leaf.page->lock);
    for (u32 k = 0; k < n; k++, va += PAGE_SIZE)
        rearrange_set(r, leaf, va, shown[k]);
    spin_unlock(&leaf.page->lock);
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
    for (int k = 0; k < 2; k++) {
        int err = rearrange_vma(r, w[k].start, w[k].start + len);

        if (err)
            return err;
        w[k].v = r->v;
        if (!rearrange_countable(r->v, w[k].start, w[k].start + len))
            return -EINVAL;
    }
    if (w[0].v->object != w[1].v->object)
        return -EINVAL;
    for (int k = 0; k < 2; k++) {
        rearrange_use(r, w[k].v);
        if (rearrange_reserve(r, w[k].start, w[k].start + len) == 0)
            continue;
        for (; k >= 0; k--) {
            rearrange_use(r, w[k].v);
            rearrange_undo(r, w[k].start, w[k].start + len);
        }
        return -ENOMEM;
    }
    return 0;
}

#define SWAP_RUN 64u /* pages that change sides at a time */

/* How many pages from va on, at most n, lie in its leaf table. */
static u32 run_in_leaf(vaddr_t va, u64 n)
{
    return (u32)MIN(n, PT_ENTRIES - pt_index(va, 0));
}

static void swap_commit(struct rearrange *r, const struct window w[2], u64 len)
{
    u32 shown[2][SWAP_RUN], n;

    for (u64 at = 0; at < len; at += n * PAGE_SIZE) {
        struct leaf leaf[2];

        n = run_in_leaf(w[0].start + at, MIN((len - at) >> PAGE_SHIFT, SWAP_RUN));
        n = run_in_leaf(w[1].start + at, n);
        for (int k = 0; k < 2; k++) {
            vaddr_t va = w[k].start + at;

            leaf[k] = rearrange_leaf(r, va);
            for (u32 i = 0; i < n; i++, va += PAGE_SIZE)
                shown[k][i] = object_number(away_offset(leaf[k].page, w[k].v, va));
        }
        for (int k = 0; k < 2; k++) {
            rearrange_use(r, w[k].v);
            set_run(r, leaf[k], w[k].start + at, shown[!k], n);
        }
    }
}

int mm_remap_swap(struct mm *mm, vaddr_t a, vaddr_t b, u64 len)
{
    struct window w[2] = {{NULL, a}, {NULL, b}};
    struct rearrange r;
    int err;

    if (!window_ok(a, len) || !window_ok(b, len) || (a < b + len && b < a + len))
        return -EINVAL;
    mutex_lock(&mm->lock);
    rearrange_begin(&r, mm, false);
    err = swap_reserve(&r, w, len);
    if (!err)
        swap_commit(&r, w, len);
    rearrange_end(&r);
    for (int k = 0; !err && k < 2; k++) {
        rearrange_use(&r, w[k].v);
        window_done(&r, w[k].start, len);
    }
    mutex_unlock(&mm->lock);
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

/* Page `first` gets what the page `by` below it shows, that one what is shown `by` below it,
 * and so on round to `first`. */
static void rotate_cycle(struct rearrange *r, vaddr_t start, u64 n, u64 by, u64 first)
{
    vaddr_t va = start + first * PAGE_SIZE;
    struct leaf leaf = rearrange_leaf(r, va);
    u32 saved = object_number(away_offset(leaf.page, r->v, va)), shown;
    u64 to = first;

    for (;;) {
        u64 from = to >= by ? to - by : to + n - by;
        vaddr_t source_va = start + from * PAGE_SIZE;
        struct leaf source;

        if (from == first) {
            set_run(r, leaf, va, &saved, 1);
            return;
        }
        source = rearrange_leaf(r, source_va);
        shown = object_number(away_offset(source.page, r->v, source_va));
        set_run(r, leaf, va, &shown, 1);
        to = from;
        va = source_va;
        leaf = source;
    }
}

static int rotate_locked(struct rearrange *r, vaddr_t start, u64 len, s64 by)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    u64 n = len >> PAGE_SHIFT, up, cycles;
    s64 rest = by % (s64)n;
    int err = rearrange_vma(r, start, start + len);

    if (err)
        return err;
    if (!rearrange_countable(r->v, start, start + len))
        return -EINVAL;
    if (rest == 0)
        return 0;
    up = (u64)(rest < 0 ? rest + (s64)n : rest);
    err = rearrange_reserve(r, start, start + len);
    if (err) {
        rearrange_undo(r, start, start + len);
        return err;
    }
    cycles = gcd(n, up);
    for (u64 first = 0; first < cycles; first++)
        rotate_cycle(r, start, n, up, first);
    return 0;
}

int mm_remap_rotate(struct mm *mm, vaddr_t addr, u64 len, s64 by)
{
    struct rearrange r;
    int err;

    if (!window_ok(addr, len))
        return -EINVAL;
    mutex_lock(&mm->lock);
    rearrange_begin(&r, mm, false);
    err = rotate_locked(&r, addr, len, by);
    rearrange_end(&r);
    if (!err)
        window_done(&r, addr, len);
    mutex_unlock(&mm->lock);
    return err;
}
