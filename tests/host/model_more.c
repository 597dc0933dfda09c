/* SPDX-License-Identifier: MIT
 *
 * The model's operations: mremap, fork and exit, advice, locking, residence.
 */
#include "lib/string.h"
#include "mm/op/fork.h"
#include "tests/host/model_ops.h"

/* ---- mremap ---- */

struct move {
    struct mmm *m;
    u32 old, old_n, new_n, flags;
    u32 target; /* MREMAP_FIXED: asked for; else where it goes */
};

/* Each VMA of the range moves for itself. */
static bool moves_each(const struct move *v)
{
    return (v->flags & MREMAP_FIXED) && v->old_n == v->new_n;
}

/* The errno, 0, or 1: not a case for the model (it would leave the window). */
static int predict_mremap(struct move *v, bool *moves)
{
    const struct mpage *p = &v->m->page[v->old];
    u32 end = v->old + v->old_n;

    *moves = true;
    if (v->flags & MREMAP_FIXED) {
        u32 a = v->old, b = v->target;

        if (v->target + v->new_n > M.win_pages)
            return 1;
        if (a < b + v->new_n && b < a + v->old_n)
            return -EINVAL;
    }
    if (!p->mapped)
        return -EFAULT;
    if (v->old_n == 0 && page_kind(p) != VMA_SHARED)
        return -EINVAL;
    if (v->old_n >= v->new_n && !(v->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        *moves = false;
        return 0;
    }
    if (moves_each(v))
        return 0;
    if (v->old + MIN(v->old_n, v->new_n) > M.stop[v->old])
        return -EFAULT;
    if (!v->old_n && (v->flags & MREMAP_FIXED) && v->old - v->target < v->new_n)
        return -EFAULT;
    if (v->old_n && v->new_n > v->old_n && end == M.stop[v->old] &&
        !(v->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        if (v->old + v->new_n > M.win_pages)
            return 1;
        if (all_free(v->m, end, v->old + v->new_n)) {
            *moves = false;
            return 0;
        }
    }
    if (!(v->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    if (!(v->flags & MREMAP_FIXED) && !find_gap(v->m, v->new_n, &v->target))
        return 1;
    return 0;
}

/* Extends the linear order behind page `from` over [first, last). */
static void extend(struct mmm *m, struct mpage from, u32 first, u32 last)
{
    from.priv = from.touched = false;
    for (u32 i = first; i < last; i++) {
        from.home++;
        from.shown = from.home;
        m->page[i] = from;
        if (from.obj < 0)
            m->page[i].home = m->page[i].shown = win_va(i) / PAGE_SIZE;
    }
}

/* MREMAP_DONTUNMAP leaves a VMA that is not locked, whole. */
static void unlock_area(struct mmm *m, u32 page)
{
    u32 first = page;

    while (first > 0 && M.stop[first - 1] == M.stop[page])
        first--;
    for (u32 i = first; i < M.stop[page]; i++)
        m->page[i].flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
}

static void apply_move(struct move *v)
{
    static struct mpage source[WIN_MAX];
    bool keep = v->old_n == 0 || (v->flags & MREMAP_DONTUNMAP);
    u32 n = MIN(v->old_n ? v->old_n : M.stop[v->old] - v->old, v->new_n);
    struct mpage *page = v->m->page;

    if (v->flags & MREMAP_FIXED) {
        model_unmap(v->m, v->target, v->target + v->new_n);
        for (u32 i = 0; i < n; i++) /* the target may have lain in what is duplicated */
            if (!page[v->old + i].mapped)
                n = i;
    }
    memcpy(source, &page[v->old], n * sizeof(source[0]));
    if (!keep)
        model_unmap(v->m, v->old, v->old + v->old_n);
    for (u32 i = 0; i < n; i++) {
        page[v->target + i] = source[i];
        if (source[i].obj < 0)
            page[v->target + i].home = page[v->target + i].shown =
                win_va(v->target + i) / PAGE_SIZE;
        if (keep && page_kind(&source[i]) != VMA_SHARED) {
            page[v->old + i].priv = page[v->old + i].touched = false;
        }
    }
    if (v->flags & MREMAP_DONTUNMAP)
        unlock_area(v->m, v->old);
    extend(v->m, page[v->target + n - 1], v->target + n, v->target + v->new_n);
}

/* Where MREMAP_FIXED moves to: in a wide window mostly behind or before the source, by whole
 * tables or not. */
static u32 pick_target(const struct move *v)
{
    u32 apart = MAX(v->old_n, v->new_n) + (u32)rnd(4), target;

    if (!M.wide || chance(4))
        return (u32)rnd(M.win_pages);
    if (chance(2))
        apart = (u32)align_up(apart, PT_ENTRIES);
    target = v->old + apart;
    if (target + v->new_n > M.win_pages && apart <= v->old)
        target = v->old - apart;
    return target;
}

static void apply_each(struct move *v)
{
    struct mpage *page = v->m->page;

    for (u32 i = 0; i < v->old_n; i++) {
        struct mpage moved = page[v->old + i];

        if (!moved.mapped)
            continue;
        model_unmap(v->m, v->old + i, v->old + i + 1);
        model_unmap(v->m, v->target + i, v->target + i + 1);
        page[v->target + i] = moved;
        if (moved.obj < 0)
            page[v->target + i].home = page[v->target + i].shown =
                win_va(v->target + i) / PAGE_SIZE;
    }
}

void op_mremap(void)
{
    static const u32 flag_sets[] = {0,
                                    MREMAP_MAYMOVE,
                                    MREMAP_MAYMOVE,
                                    MREMAP_MAYMOVE | MREMAP_FIXED,
                                    MREMAP_MAYMOVE | MREMAP_FIXED,
                                    MREMAP_MAYMOVE | MREMAP_DONTUNMAP};
    struct move v = {.m = pick_mm(), .flags = flag_sets[rnd(ARRAY_SIZE(flag_sets))]};
    vaddr_t out = 0;
    bool moves, locked;
    int want, err;

    v.old = pick_page(v.m);
    model_runs(v.m);
    v.old_n = chance(6)                    ? 0
              : chance(2) && M.stop[v.old] ? M.stop[v.old] - v.old
                                           : pick_length(v.old, (u32)(1 + rnd(16)));
    v.new_n = v.flags & MREMAP_DONTUNMAP ? v.old_n
              : M.wide && chance(2)      ? v.old_n
                                         : pick_length(0, (u32)(1 + rnd(24)));
    if (v.new_n == 0)
        return;
    v.target = pick_target(&v);
    want = predict_mremap(&v, &moves);
    if (want == 1)
        return;
    op_note("mremap mm%d %u n %u -> n %u flags %x target %u: %d", (int)(v.m - M.mms),
            v.old, v.old_n, v.new_n, v.flags, v.target, want);
    locked = vm_populates(v.m->page[v.old].flags);
    if (!locked && !moves_each(&v))
        inject();
    err = mm_mremap(v.m->mm, win_va(v.old), v.old_n * PAGE_SIZE, v.new_n * PAGE_SIZE,
                    v.flags, v.flags & MREMAP_FIXED ? win_va(v.target) : 0, &out);
    if (want != -ENOMEM && injected(err))
        return;
    (void)injected(0);
    EXPECT(err, want);
    if (err)
        return;
    if (moves_each(&v)) {
        apply_each(&v);
        locked = false;
    } else if (moves) {
        CHECK_EQ(out, win_va(v.target));
        apply_move(&v);
    } else {
        CHECK_EQ(out, win_va(v.old));
        v.target = v.old;
        if (v.new_n > v.old_n)
            extend(v.m, v.m->page[v.old + v.old_n - 1], v.old + v.old_n, v.old + v.new_n);
        else
            model_unmap(v.m, v.old + v.new_n, v.old + v.old_n);
    }
    if (locked && v.new_n > v.old_n) /* what only moves fills no hole */
        (void)model_populate(v.m, v.target + v.old_n, v.target + v.new_n);
}

/* ---- fork, exit ---- */

static bool shows_something(const struct mm *mm, vaddr_t va)
{
    struct page *leaf = pt_leaf(mm, va);

    return leaf && pte_load(pt_entries(leaf) + pt_index(va, 0));
}

void op_fork(void)
{
    struct mmm *m = pick_mm(), *c = NULL;
    struct mm *child;
    int err;

    for (int i = 0; i < MMS; i++)
        if (!M.mms[i].mm)
            c = &M.mms[i];
    if (!c)
        return;
    op_note("fork mm%d -> mm%d", (int)(m - M.mms), (int)(c - M.mms));
    inject();
    err = mm_fork(m->mm, &child);
    if (injected(err))
        return;
    EXPECT(err, 0);
    *c = *m;
    c->mm = child;
    for (u32 i = 0; i < M.win_pages; i++) {
        struct mpage *p = &c->page[i];

        if (p->flags & VM_DONTFORK) {
            *p = (struct mpage){.obj = -1};
            continue;
        }
        if (p->flags & VM_LOCKED)
            c->loose = true;
        p->flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
        if (p->flags & VM_WIPEONFORK)
            p->priv = p->touched = false;
        if (p->touched && !p->priv) /* zeros: with a table that is lent, or not at all */
            p->touched = shows_something(child, M.win_base + i * PAGE_SIZE);
    }
}

void op_exit(void)
{
    int alive = 0;
    struct mmm *m = pick_mm();

    for (int i = 0; i < MMS; i++)
        alive += M.mms[i].mm != NULL;
    if (alive == 1)
        return;
    op_note("exit mm%d", (int)(m - M.mms));
    host_unload(m->mm);
    mm_put(m->mm);
    memset(m, 0, sizeof(*m));
}

/* ---- madvise ---- */

static int advise_page(struct mpage *p, int advice)
{
    enum fault_result result;

    switch (advice) {
    case MADV_DONTNEED:
        p->priv = p->touched = false;
        return 0;
    case MADV_DONTFORK:
        p->flags |= VM_DONTFORK;
        return 0;
    case MADV_DOFORK:
        p->flags &= ~VM_DONTFORK;
        return 0;
    case MADV_WIPEONFORK:
        p->flags |= VM_WIPEONFORK;
        return 0;
    case MADV_KEEPONFORK:
        p->flags &= ~VM_WIPEONFORK;
        return 0;
    case MADV_REMOVE:
        if (p->shown < M.obj_pages)
            model_drop_object_page(&M.obj[p->obj], p->shown);
        return 0;
    default:
        result = model_touch(p, advice == MADV_POPULATE_WRITE ? FAULT_WRITE : FAULT_READ);
        return result == FAULT_OK ? 0 : -EFAULT;
    }
}

/* What one VMA says to the advice before its pages are looked at. */
static int advise_allowed(const struct mpage *p, int advice)
{
    if ((advice == MADV_DONTNEED || advice == MADV_REMOVE) && (p->flags & VM_LOCKED))
        return -EINVAL;
    if (advice == MADV_WIPEONFORK && page_kind(p) != VMA_ANON)
        return -EINVAL;
    if (advice == MADV_REMOVE && p->obj < 0)
        return -EINVAL;
    if (advice == MADV_REMOVE &&
        (page_kind(p) != VMA_SHARED || !(p->flags & VM_MAYWRITE)))
        return -EACCES;
    if (advice == MADV_POPULATE_WRITE &&
        (!(p->flags & VM_WRITE) || model_denies(p, FAULT_WRITE)))
        return -EINVAL;
    if (advice == MADV_POPULATE_READ &&
        (!(p->flags & VM_READ) || model_denies(p, FAULT_READ)))
        return -EINVAL;
    return 0;
}

void op_madvise(void)
{
    static const int advices[] = {MADV_DONTNEED, MADV_DONTNEED,      MADV_DONTFORK,
                                  MADV_DOFORK,   MADV_WIPEONFORK,    MADV_KEEPONFORK,
                                  MADV_REMOVE,   MADV_POPULATE_READ, MADV_POPULATE_WRITE};
    int advice = advices[rnd(ARRAY_SIZE(advices))], want = 0, hole = 0, err;
    struct mmm *m = pick_mm();
    u32 first, last, i;

    pick_range(&first, &last);
    if (!m->page[first].mapped && !chance(4))
        return;
    op_note("madvise mm%d %u-%u advice %d", (int)(m - M.mms), first, last, advice);
    model_runs(m);
    err = mm_madvise(m->mm, win_va(first), (last - first) * PAGE_SIZE, advice);
    for (i = first; i < last && !want;) {
        u32 stop = MIN(M.stop[i], last);

        if (!m->page[i].mapped) {
            hole = -ENOMEM;
            if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
                break; /* these end at a hole */
            i++;
            continue;
        }
        want = advise_allowed(&m->page[i], advice);
        for (; i < stop && !want; i++)
            want = advise_page(&m->page[i], advice);
    }
    EXPECT(err, want ? want : hole);
}

/* ---- mlock, mincore ---- */

void op_mlock(void)
{
    struct mmm *m = pick_mm();
    u32 first, last, kind = (u32)rnd(4), stop;
    u32 bits = kind == 0 ? VM_LOCKED : kind == 1 ? VM_LOCKED | VM_LOCKONFAULT : 0;
    int want = 0, err;

    pick_range(&first, &last);
    op_note("mlock mm%d %u-%u bits %x", (int)(m - M.mms), first, last, bits);
    model_runs(m);
    err = bits ? mm_mlock(m->mm, win_va(first) + 5, (last - first) * PAGE_SIZE - 5,
                          kind == 1 ? MLOCK_ONFAULT : 0)
               : mm_munlock(m->mm, win_va(first), (last - first) * PAGE_SIZE);
    for (stop = first; stop < last && m->page[stop].mapped; stop++)
        m->page[stop].flags =
            (m->page[stop].flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | bits;
    if (stop < last)
        want = -ENOMEM;
    else if (kind == 0 && model_populate(m, first, last) != FAULT_OK)
        want = -ENOMEM;
    EXPECT(err, want);
}

void op_mincore(void)
{
    struct mmm *m = pick_mm();
    u8 vec[WIN_MAX];
    u32 first, last;
    int err;

    pick_range(&first, &last);
    op_note("mincore mm%d %u-%u", (int)(m - M.mms), first, last);
    err = mm_mincore(m->mm, win_va(first), last - first, vec);
    EXPECT(err, all_mapped(m, first, last) ? 0 : -ENOMEM);
    for (u32 i = first; !err && i < last; i++) {
        const struct mpage *p = &m->page[i];
        const struct mobj *o = p->obj < 0 ? NULL : &M.obj[p->obj];

        EXPECT(vec[i - first],
               p->priv ||
                   (o ? p->shown < mobj_npages(o) && o->resident[p->shown] : p->touched));
    }
}
