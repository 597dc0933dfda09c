/* SPDX-License-Identifier: MIT
 *
 * Visiting every translation of a page. Removal by file page is in mm/op/zap.c.
 */
#include "mm/vm/rmap.h"
#include "lib/lock.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/slot.h"

struct visit_ctx {
    struct page *pg;
    rmap_fn visit;
    void *arg;
};

static void visit_hint(u64 key, void *arg)
{
    struct visit_ctx *ctx = arg;
    struct page *leaf = phys_to_page(key << 3);
    unsigned i = (unsigned)(key % PT_ENTRIES);

    if (!backlink_live(ctx->pg, key))
        return;
    spin_lock(&leaf->lock);
    /* A hint whose address went home again is visited as a home. */
    if (backlink_live(ctx->pg, key) && slot_number(leaf, i))
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
        struct slot s = slot_at(v->mm, va, vma_order(v));
        pte_t pte;

        if (!s.table)
            continue;
        spin_lock(&s.table->lock);
        pte = pte_load(s.entry);
        if (pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg) &&
            !slot_number(s.table, s.i))
            visit(s.table, s.i, arg);
        spin_unlock(&s.table->lock);
    }
    if (backlink_hinted(pg)) {
        u64 at = 0;

        while (backlink_visit_copy(pg, &at, visit_hint, &ctx))
            continue;
    }
}

bool rmap_next_home(struct vm_object *o, pgoff_t *first, struct change *c)
{
    REQUIRES(&o->lock);
    pgoff_t best = OBJECT_MAX_PAGES;
    struct object_walk walk = {o, false};
    const struct vma *v;

    object_for_each_vma (v, o, *first, OBJECT_MAX_PAGES) {
        pgoff_t low = MAX(*first, v->pgoff);
        vaddr_t va = v->start + ((low - v->pgoff) << PAGE_SHIFT);

        if (v->pgoff >= best) /* they come in this order */
            break;
        if (!(v->flags & VM_SHARED) &&
            pt_next_table(v->mm, &va, v->end, slot_level(vma_order(v))))
            best = MIN(best, vma_home(v, va));
        if (pause_due()) {
            change_flush(c);
            object_walk_pause_now(&walk);
        }
    }
    object_walk_end(&walk);
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
