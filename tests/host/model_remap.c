/* SPDX-License-Identifier: MIT
 *
 * The model's operations on arrangements beyond remap_file_pages: vectors, exchange, rotation,
 * a second mapping of the same arrangement, reading it back.
 */
#include "lib/string.h"
#include "lib/uapi/remap.h"
#include "tests/host/model_ops.h"

static bool in_one_area(const struct mmm *m, u32 first, u32 n)
{
    return first + n <= M.win_pages && m->page[first].mapped &&
           page_kind(&m->page[first]) == VMA_SHARED && first + n <= M.stop[first];
}

static bool resident(const struct mpage *p)
{
    const struct mobj *o = &M.obj[p->obj];

    return p->shown < mobj_npages(o) && o->resident[p->shown];
}

/* Whether a rearranging call puts translations in place there. */
static bool installs(const struct mpage *p, bool lazy)
{
    return (!lazy || vm_populates(p->flags)) && (p->flags & VM_PROT);
}

/* ---- remapv ---- */

#define VECTOR 6

static int want_entry(const struct mmm *m, const struct remap_vec *e, u32 flags)
{
    u32 first = (u32)((e->addr - M.win_base) / PAGE_SIZE);

    if (!e->npages || !in_one_area(m, first, e->npages))
        return -EINVAL;
    if ((flags & RM_CHECK) &&
        e->pgoff + e->npages > mobj_npages(&M.obj[m->page[first].obj]))
        return -ENXIO;
    return 0;
}

static void make_vector(const struct mmm *m, struct remap_vec *v, u64 n)
{
    u32 page = pick_page(m);

    for (u64 i = 0; i < n; i++) {
        if (chance(4))
            page = pick_page(m);
        v[i] = (struct remap_vec){
            .addr = win_va(page), .npages = 1, .pgoff = rnd(M.obj_pages)};
        if (chance(3))
            v[i].npages = M.wide && chance(4) ? pick_length(page, 8) : (u32)rnd(8);
        if (chance(4))
            v[i].pgoff = m->page[page].home;
        page = (u32)((page + 1 + rnd(3)) % M.win_pages);
    }
}

/* Populating is best effort: a failure in it does not show in the result. */
static bool any_locked(const struct mmm *m, const struct remap_vec *v, u64 n)
{
    for (u64 i = 0; i < n; i++)
        if (vm_populates(m->page[(v[i].addr - M.win_base) / PAGE_SIZE].flags))
            return true;
    return false;
}

/* The first `done` entries, then the populating that follows. */
static void apply_vector(struct mmm *m, const struct remap_vec *v, u64 done, bool lazy)
{
    bool missing[VECTOR] = {false};

    for (u64 i = 0; i < done; i++) {
        u32 first = (u32)((v[i].addr - M.win_base) / PAGE_SIZE);

        for (u32 k = 0; k < v[i].npages; k++) {
            struct mpage *p = &m->page[first + k];

            p->shown = v[i].pgoff + k;
            missing[i] |= installs(p, lazy) && !resident(p);
        }
    }
    for (u64 i = 0; i < done; i++)
        if (missing[i]) {
            u32 first = (u32)((v[i].addr - M.win_base) / PAGE_SIZE);

            (void)model_populate(m, first, first + v[i].npages);
        }
}

void op_remapv(void)
{
    struct mmm *m = pick_mm();
    u32 flags = (u32)rnd(8);
    struct remap_vec v[VECTOR], scratch[VECTOR];
    u64 n = 1 + rnd(VECTOR), done = 0;
    int err = 0;
    ssize_t got;

    make_vector(m, v, n);
    model_runs(m);
    while (done < n && (err = want_entry(m, &v[done], flags)) == 0)
        done++;
    if (err && (flags & RM_ATOMIC))
        done = 0;
    op_note("remapv mm%d n %llu flags %x: %llu, %d", (int)(m - M.mms),
            (unsigned long long)n, flags, (unsigned long long)done, err);
    for (u64 i = 0; M.trace && i < n; i++)
        op_note("    page %llu n %u -> %llu",
                (unsigned long long)((v[i].addr - M.win_base) / PAGE_SIZE), v[i].npages,
                (unsigned long long)v[i].pgoff);
    if ((flags & RM_ATOMIC) && (flags & RM_NOPOPULATE) && !any_locked(m, v, n))
        inject();
    memcpy(scratch, v, sizeof(v));
    got = mm_remapv(m->mm, scratch, n, flags);
    if (injected((int)got))
        return;
    EXPECT((int)got, done ? (int)done : err);
    apply_vector(m, v, done, flags & RM_NOPOPULATE);
}

/* ---- exchange and rotation ---- */

static void populate_locked(struct mmm *m, u32 first, u32 n)
{
    if (vm_populates(m->page[first].flags))
        (void)model_populate(m, first, first + n);
}

void op_swap(void)
{
    struct mmm *m = pick_mm();
    u32 a = pick_page(m), n = pick_length(a, (u32)(1 + rnd(chance(3) ? 20 : 4)));
    u32 b = chance(3) ? pick_page(m) : a + n + (u32)rnd(3);
    int err, want = 0;

    model_runs(m);
    if (a + n > M.win_pages || b + n > M.win_pages)
        return;
    if ((a < b + n && b < a + n) || !in_one_area(m, a, n) || !in_one_area(m, b, n) ||
        m->page[a].obj != m->page[b].obj)
        want = -EINVAL;
    op_note("swap mm%d %u %u n %u: %d", (int)(m - M.mms), a, b, n, want);
    if (want || !(vm_populates(m->page[a].flags) || vm_populates(m->page[b].flags)))
        inject();
    err = mm_remap_swap(m->mm, win_va(a), win_va(b), n * PAGE_SIZE);
    if (injected(err))
        return;
    EXPECT(err, want);
    if (err)
        return;
    for (u32 i = 0; i < n; i++) {
        u64 shown = m->page[a + i].shown;

        m->page[a + i].shown = m->page[b + i].shown;
        m->page[b + i].shown = shown;
    }
    populate_locked(m, a, n);
    populate_locked(m, b, n);
}

void op_rotate(void)
{
    struct mmm *m = pick_mm();
    u32 first = pick_page(m), n = pick_length(first, (u32)(1 + rnd(chance(3) ? 30 : 6)));
    s64 by = M.wide && chance(4) ? PT_ENTRIES : (s64)rnd(80) - 40;
    u64 shown[WIN_MAX];
    int err, want;

    model_runs(m);
    want = in_one_area(m, first, n) ? 0 : -EINVAL;
    op_note("rotate mm%d %u n %u by %lld: %d", (int)(m - M.mms), first, n, (long long)by,
            want);
    if (want || !vm_populates(m->page[first].flags))
        inject();
    err = mm_remap_rotate(m->mm, win_va(first), n * PAGE_SIZE, by);
    if (injected(err))
        return;
    EXPECT(err, want);
    if (err)
        return;
    for (u32 i = 0; i < n; i++)
        shown[(u64)((s64)i + by + (s64)PT_ENTRIES * (s64)n) % n] =
            m->page[first + i].shown;
    for (u32 i = 0; i < n; i++)
        m->page[first + i].shown = shown[i];
    if (by % (s64)n)
        populate_locked(m, first, n);
}

/* ---- a second mapping ---- */

void op_clone(void)
{
    struct mmm *m = pick_mm();
    u32 first = pick_page(m), n = pick_length(first, (u32)(1 + rnd(12))), to;
    u32 prot = (u32)rnd(8);
    const struct mpage *p = &m->page[first];
    vaddr_t out = 0;
    int err, want = 0;

    model_runs(m);
    if (!in_one_area(m, first, n))
        want = -EINVAL;
    else if (prot & ~(p->flags >> 4))
        want = -EACCES;
    else if (!find_gap(m, n, &to))
        return;
    op_note("clone mm%d %u n %u prot %u: %d", (int)(m - M.mms), first, n, prot, want);
    inject();
    err = mm_remap_clone(m->mm, win_va(first), n * PAGE_SIZE, prot, &out);
    if (injected(err))
        return;
    EXPECT(err, want);
    if (err)
        return;
    CHECK_EQ(out, win_va(to));
    for (u32 i = 0; i < n; i++) {
        struct mpage *q = &m->page[to + i];

        *q = m->page[first + i];
        q->flags = VM_SHARED | (p->flags & (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)) |
                   prot | (p->flags & VM_NORESERVE);
    }
}

/* ---- reading back ---- */

void op_query(void)
{
    struct mmm *m = pick_mm();
    u64 word[WIN_MAX];
    u32 first, last;
    int err, want = 0;

    pick_range(&first, &last);
    op_note("query mm%d %u-%u", (int)(m - M.mms), first, last);
    for (u32 i = first; i < last && !want; i++)
        want = !m->page[i].mapped ? -ENOMEM : m->page[i].obj < 0 ? -EINVAL : 0;
    err = mm_remap_query(m->mm, win_va(first), last - first, word);
    EXPECT(err, want);
    for (u32 i = first; !err && i < last; i++) {
        const struct mpage *p = &m->page[i];
        const struct page *leaf = pt_leaf(m->mm, win_va(i));
        pte_t pte = leaf ? pte_load(pt_entries(leaf) + pt_index(win_va(i), 0)) : 0;

        CHECK_EQ(word[i - first] & RMQ_PGOFF, p->shown);
        CHECK_EQ(!!(word[i - first] & RMQ_AWAY), p->shown != p->home);
        CHECK_EQ(!!(word[i - first] & RMQ_PRESENT), pte_present(pte));
    }
}
