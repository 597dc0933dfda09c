/* SPDX-License-Identifier: MIT
 *
 * Visiting every translation of a page. Removal by file page is in mm/zap.c.
 */
#include "mm/rmap.h"
#include "lib/lock.h"
#include "mm/backlink.h"
#include "mm/huge.h"
#include "mm/object_tree.h"
#include "mm/pagetable.h"

struct visit_ctx {
    struct page *pg;
    rmap_fn visit;
    void *arg;
};

static bool entry_shows(const struct page *leaf, unsigned i, const struct page *pg)
{
    REQUIRES(&leaf->lock);
    pte_t pte = pte_load(pt_entries(leaf) + i);

    return pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg);
}

static void visit_hint(u64 key, void *arg)
{
    struct visit_ctx *ctx = arg;
    struct page *leaf = phys_to_page(key << 3);
    unsigned i = (unsigned)(key % PT_ENTRIES);

    if (!backlink_live(ctx->pg, key))
        return;
    spin_lock(&leaf->lock);
    /* A hint whose address went home again is visited as a home. */
    if (backlink_live(ctx->pg, key) && leaf->away && leaf->away[i])
        ctx->visit(leaf, i, ctx->arg);
    spin_unlock(&leaf->lock);
}

void rmap_visit(struct page *pg, rmap_fn visit, void *arg)
{
    REQUIRES(&pg->object->lock);
    struct visit_ctx ctx = {pg, visit, arg};
    struct vma *v;

    object_for_each_vma (v, pg->object, pg->index, (pgoff_t)pg->index + 1) {
        vaddr_t va = v->start + ((pg->index - v->pgoff) << PAGE_SHIFT);
        struct page *leaf = vma_huge(v) ? pt_middle(v->mm, va) : pt_leaf(v->mm, va);
        unsigned i = pt_index(va, vma_huge(v));

        if (!leaf)
            continue;
        spin_lock(&leaf->lock);
        if (entry_shows(leaf, i, pg) && !(leaf->away && leaf->away[i]))
            visit(leaf, i, arg);
        spin_unlock(&leaf->lock);
    }
    if (backlink_any(pg))
        backlink_visit(pg, visit_hint, &ctx);
}

bool rmap_next_home(const struct vm_object *o, pgoff_t *first)
{
    REQUIRES(&o->lock);
    pgoff_t best = OBJECT_MAX_PAGES;
    const struct vma *v;

    object_for_each_vma (v, o, *first, OBJECT_MAX_PAGES) {
        pgoff_t low = MAX(*first, v->pgoff);
        vaddr_t va = v->start + ((low - v->pgoff) << PAGE_SHIFT);

        if (v->pgoff >= best) /* they come in this order */
            break;
        if (v->flags & VM_SHARED)
            continue;
        if (!vma_huge(v))
            va = pt_next_leaf(v->mm, va, v->end);
        if (va < v->end)
            best = MIN(best, vma_home(v, va));
    }
    *first = best;
    return best < OBJECT_MAX_PAGES;
}

static void count_one(struct page *leaf, unsigned i, void *arg)
{
    (void)leaf;
    (void)i;
    ++*(u64 *)arg;
}

u64 rmap_count(struct page *pg)
{
    REQUIRES(&pg->object->lock);
    u64 n = 0;

    rmap_visit(pg, count_one, &n);
    return n;
}
