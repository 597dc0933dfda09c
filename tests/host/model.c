/* SPDX-License-Identifier: MIT
 *
 * The naive model's state, and its comparison with the kernel's.
 */
#include "tests/host/model.h"
#include "lib/string.h"
#include "mm/debug/check.h"
#include "mm/op/fault.h"
#include "mm/phys/buddy.h"
#include "mm/vm/backlink.h"
#include "mm/vm/slot.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

const u32 word_offset[WORDS] = {0, 1000, 2500, 4092};

struct model M;

void model_begin(u64 seed, bool wide, u32 skew)
{
    bool trace = M.trace;

    memset(&M, 0, sizeof(M));
    M.trace = trace;
    M.rng = seed;
    M.wide = wide;
    M.win_pages = wide ? WIN_WIDE + skew : WIN_NARROW;
    M.obj_pages = wide ? OBJ_MAX : OBJ_NARROW;
    M.win_base = WIN_MIDDLE - (wide ? WIN_WIDE / 2 + skew : WIN_NARROW / 2) * PAGE_SIZE;
    host_run_on(0);
    for (int i = 0; i < NAMED_OBJS; i++) {
        M.obj[i].size = rng_next(&M.rng) % (M.obj_pages * PAGE_SIZE);
        M.obj[i].size &= ~511ull;
        M.obj[i].o = object_create(M.obj[i].size);
        CHECK(M.obj[i].o);
    }
    arch_keys_store(0);
    M.mms[0].mm = mm_create();
    if (keys_on)
        M.mms[0].mm->keys = (1u << MODEL_KEYS) - 1;
    CHECK(M.mms[0].mm);
    M.mms[0].mm->mmap_base = win_end();
}

void model_end(void)
{
    for (int i = 0; i < MMS; i++) {
        if (!M.mms[i].mm)
            continue;
        host_unload(M.mms[i].mm);
        mm_put(M.mms[i].mm);
    }
    for (int i = 0; i < NAMED_OBJS; i++)
        object_put(M.obj[i].o);
    CHECK_EQ(object_count(), 0);
    CHECK_EQ(object_pages_total(), 0);
    CHECK_EQ(away_bytes(), 0);
    CHECK_EQ(backlink_bytes(), 0);
    CHECK_EQ(page_count_free(), host_free_at_boot());
}

void model_runs(const struct mmm *m)
{
    SCOPED_LOCK(&m->mm->lock);
    memset(M.stop, 0, sizeof(M.stop));
    for (struct vma *v = vma_first(m->mm); v; v = vma_next(v)) {
        u32 last = (u32)((v->end - M.win_base) / PAGE_SIZE);

        for (u32 i = (u32)((v->start - M.win_base) / PAGE_SIZE); i < last; i++)
            M.stop[i] = last;
    }
}

/* ---- what faults do ---- */

bool model_denies(const struct mpage *p, u32 kind)
{
    return p->mapped && kind != FAULT_EXEC &&
           !key_allows(p->flags >> VM_KEY_SHIFT, kind == FAULT_WRITE);
}

u32 model_exec_rights(void)
{
    return VM_EXEC | (keys_on ? MODEL_KEYS << VM_KEY_SHIFT : 0);
}

enum fault_result model_touch(struct mpage *p, u32 kind)
{
    struct mobj *o = p->obj < 0 ? NULL : &M.obj[p->obj];
    bool write = kind == FAULT_WRITE;

    if (!p->mapped)
        return FAULT_MAPERR;
    if (kind == FAULT_READ ? !(p->flags & VM_PROT) : !(p->flags & kind))
        return FAULT_ACCERR;
    p->touched = true;
    if (o && !p->priv) {
        if (p->shown >= mobj_npages(o))
            return FAULT_BUS;
        o->resident[p->shown] = true;
    }
    if (write && !p->priv && page_kind(p) != VMA_SHARED) {
        p->priv = true;
        if (o)
            memcpy(p->word, o->word[p->shown], sizeof(p->word));
        else
            memset(p->word, 0, sizeof(p->word));
    }
    return FAULT_OK;
}

enum fault_result model_populate(struct mmm *m, u32 first, u32 last)
{
    for (u32 i = first; i < last; i++) {
        struct mpage *p = &m->page[i];
        bool write = page_kind(p) != VMA_SHARED && (p->flags & VM_WRITE);
        enum fault_result result;

        if (!p->mapped)
            continue;
        if (model_denies(p, write ? FAULT_WRITE : FAULT_READ))
            return FAULT_ACCERR;
        result = model_touch(p, write ? FAULT_WRITE : FAULT_READ);
        if (result != FAULT_OK)
            return result;
    }
    return FAULT_OK;
}

/* A nameless object lives as long as a page shows it. */
static void release_objects(void)
{
    bool used[OBJS] = {false};

    for (int k = 0; k < MMS; k++)
        for (u32 i = 0; M.mms[k].mm && i < M.win_pages; i++)
            if (M.mms[k].page[i].mapped && M.mms[k].page[i].obj >= 0)
                used[M.mms[k].page[i].obj] = true;
    for (int i = NAMED_OBJS; i < OBJS; i++)
        if (!used[i])
            M.obj[i] = (struct mobj){.o = NULL};
}

void model_unmap(struct mmm *m, u32 first, u32 last)
{
    for (u32 i = first; i < last; i++)
        m->page[i] = (struct mpage){.obj = -1};
}

void model_drop_object_page(struct mobj *o, u64 pgoff)
{
    o->resident[pgoff] = false;
    memset(o->word[pgoff], 0, sizeof(o->word[pgoff]));
}

void model_resync(void)
{
    for (int k = 0; k < OBJS; k++) {
        struct mobj *o = &M.obj[k];

        for (u32 i = 0; o->o && i < M.obj_pages; i++)
            if (index_get(&o->o->pages, i))
                o->resident[i] = true;
    }
}

/* ---- comparison ---- */

static void check_words(const struct page *pg, const u32 *word, vaddr_t va,
                        const char *what)
{
    const char *p = page_to_virt(pg);

    for (u32 w = 0; w < WORDS; w++) {
        u32 have;

        memcpy(&have, p + word_offset[w], sizeof(have));
        if (have != word[w])
            FAIL("%s %lx word %u is %#x, model %#x", what, va, w, have, word[w]);
    }
}

static void check_page(const struct mmm *m, const struct mpage *p, vaddr_t va)
{
    SCOPED_LOCK_SHARED(&m->mm->lock);
    struct page *leaf = pt_leaf(m->mm, va);
    pte_t pte = leaf ? pte_load(pt_entries(leaf) + pt_index(va, 0)) : 0;
    const struct vma *v = vma_at(m->mm, va);
    const struct mobj *o = p->obj < 0 ? NULL : &M.obj[p->obj];
    const struct page *pg = pte ? pfn_to_page(pte_any_pfn(pte)) : NULL;

    if (!p->mapped) {
        if (v || pte)
            FAIL("%lx is mapped (%llx), not in the model", va, (unsigned long long)pte);
        return;
    }
    if (!v || (v->flags & ~VM_ACCOUNT) != p->flags || v->object != (o ? o->o : NULL))
        FAIL("%lx flags %x, model %x, or another object", va, v ? v->flags : 0, p->flags);
    if (o && (vma_home(v, va) != p->home ||
              slot_offset_now(leaf, pt_index(va, 0), v, va) != p->shown))
        FAIL("%lx home %llu shows %llu, model %llu %llu", va,
             (unsigned long long)vma_home(v, va),
             (unsigned long long)slot_offset_now(leaf, pt_index(va, 0), v, va),
             (unsigned long long)p->home, (unsigned long long)p->shown);
    if (p->priv) {
        if (!pg || pg->type != PAGE_ANON)
            FAIL("%lx has no private page", va);
        check_words(pg, p->word, va, "private");
    } else if (page_kind(p) == VMA_ANON) {
        if (!!pte != p->touched || (pte && pg != zero_page))
            FAIL("%lx entry %llx, model touched %d", va, (unsigned long long)pte,
                 p->touched);
    } else if (pg) {
        if (pg->type != PAGE_OBJECT || !o || p->shown >= M.obj_pages ||
            !o->resident[p->shown])
            FAIL("%lx shows a page that is not resident", va);
        check_words(pg, o->word[p->shown], va, "object page at");
    }
}

/* What the nodes of the two trees say about their subtrees. */
static void check_gaps(const struct rb_node *n)
{
    const struct vma *v = rb_entry(n, struct vma, node), *prev = vma_prev(v);
    u64 gap = v->start - (prev ? prev->end : 0);

    for (int k = 0; k < 2; k++) {
        const struct rb_node *child = k ? n->right : n->left;

        if (!child)
            continue;
        check_gaps(child);
        gap = MAX(gap, rb_entry(child, struct vma, node)->max_gap);
    }
    CHECK_EQ(v->max_gap, gap);
}

static void check_homes(const struct rb_node *n)
{
    const struct vma *v = rb_entry(n, struct vma, home_node);
    pgoff_t max = v->pgoff + vma_npages(v);

    for (int k = 0; k < 2; k++) {
        const struct rb_node *child = k ? n->right : n->left;

        if (!child)
            continue;
        check_homes(child);
        max = MAX(max, rb_entry(child, struct vma, home_node)->home_max);
    }
    CHECK_EQ(v->home_max, max);
}

static void check_mm(const struct mmm *m)
{
    const struct vma *v, *prev = NULL;
    u64 priv = 0;

    mm_lock(m->mm);
    for (v = vma_first(m->mm); v; prev = v, v = vma_next(v)) {
        if (v->start < M.win_base || v->end > win_end())
            FAIL("VMA %lx-%lx outside the window", v->start, v->end);
        if (prev && !m->loose && vma_can_merge(prev, v))
            FAIL("VMAs not merged at %lx", v->start);
    }
    mm_unlock(m->mm);
    for (u32 i = 0; i < M.win_pages; i++) {
        check_page(m, &m->page[i], win_va(i));
        priv += m->page[i].priv;
    }
    CHECK_EQ(mm_resident(m->mm, RESIDENT_ANON), priv);
    if (m->mm->vmas.node)
        check_gaps(m->mm->vmas.node);
    UNDER(&m->mm->lock, mm_check(m->mm));
}

struct mappings {
    u32 all, writable, private;
};

static void count_mapping(const struct vma *v, struct mappings *c)
{
    c->all++;
    c->writable += v->flags & VM_SHARED && v->flags & VM_MAYWRITE;
    c->private += !(v->flags & VM_SHARED);
}

/* v and what hangs below it, all of the homes of `root`. */
static void count_same(const struct vma *v, const struct vma *root, struct mappings *c)
{
    const uintptr_t *lead = &v->kin.first;

    count_mapping(v, c);
    CHECK_EQ(v->pgoff, root->pgoff);
    CHECK_EQ(vma_npages(v), vma_npages(root));
    CHECK_EQ(!v->home_max, v != root);
    while (*lead && !(*lead & 1)) {
        const struct vma *below = (const struct vma *)*lead;

        CHECK(below->kin.lead == lead);
        count_same(below, root, c);
        lead = &below->kin.next;
        if (*lead & 1)
            CHECK(v->kin.last == below && *lead == ((uintptr_t)v | 1));
    }
}

static void count_mappings(const struct rb_node *n, struct mappings *c)
{
    const struct vma *v = n ? rb_entry(n, struct vma, home_node) : NULL;

    if (!v)
        return;
    count_same(v, v, c);
    count_mappings(n->left, c);
    count_mappings(n->right, c);
}

static void check_object(const struct mobj *o)
{
    struct mappings c = {0};
    u64 count = 0;

    count_mappings(o->o->vmas.node, &c);
    CHECK_EQ(o->o->nvmas, c.all);
    CHECK_EQ(o->o->shared_writable, c.writable);
    CHECK_EQ(o->o->nprivate, c.private);

    CHECK_EQ(o->o->size, o->size);
    if (o->o->vmas.node)
        check_homes(o->o->vmas.node);
    for (u32 i = 0; i < M.obj_pages; i++) {
        const struct page *pg = index_get(&o->o->pages, i);

        if (!!pg != o->resident[i])
            FAIL("object page %u resident %d, model %d", i, pg != NULL, o->resident[i]);
        if (!pg)
            continue;
        count++;
        CHECK_EQ(pg->refs, 1);
        check_words(pg, o->word[i], i, "object page");
    }
    CHECK_EQ(o->o->pages.count, count);
}

void model_check(void)
{
    release_objects();
    for (int i = 0; i < MMS; i++)
        if (M.mms[i].mm)
            check_mm(&M.mms[i]);
    for (int i = 0; i < OBJS; i++)
        if (M.obj[i].o)
            check_object(&M.obj[i]);
    host_tlb_check();
}
