/* SPDX-License-Identifier: MIT
 *
 * fork: every VMA that may be inherited is copied. Private pages become shared read-only on
 * both sides until one writes; pages of objects are not copied (the child faults them in);
 * away arrays are, so the arrangement is inherited, present or not.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/area.h"
#include "mm/away.h"
#include "mm/commit.h"
#include "mm/huge.h"
#include "mm/object.h"
#include "mm/zap.h"

/* Shares the private pages of one parent table with the child's. The caller holds the object's
 * lock, if there is one: truncate must find a copy at neither place or at both. */
static void share_leaf(struct page *from, struct page *to, vaddr_t va, vaddr_t next,
                       struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&from->mm->lock);
    pte_t *src = pt_entries(from) + pt_index(va, 0),
          *end = src + ((next - va) >> PAGE_SHIFT);
    pte_t *dst = pt_entries(to) + pt_index(va, 0);
    bool narrowed = false;
    u32 shared = 0;

    spin_lock(&from->lock);
    spin_lock(&to->lock);
    for (; src < end; src++, dst++) {
        pte_t pte = pte_load(src);
        struct page *pg;

        if (!pte)
            continue;
        pg = pfn_to_page(pte_any_pfn(pte));
        if (pg->type != PAGE_ANON)
            continue; /* zero page or a page of the object: faults bring them */
        __atomic_fetch_add(&pg->refs, 1, __ATOMIC_RELAXED);
        if ((pte & (PTE_PRESENT | PTE_WRITE)) == (PTE_PRESENT | PTE_WRITE)) {
            pte = pte_write_protect(pte);
            pte_store(src, pte);
            narrowed = true;
        }
        pte_store(dst, pte);
        shared++;
    }
    if (narrowed)
        tlb_change_all(b);
    to->present += (u16)shared;
    __atomic_fetch_add(&to->mm->rss_anon, shared, __ATOMIC_RELAXED);
    spin_unlock(&to->lock);
    spin_unlock(&from->lock);
}

static int copy_private(struct vma *v, struct mm *child, struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    struct page *leaf;

    pt_for_each_leaf (v->mm, v->start, v->end, va, next, leaf) {
        struct page *to;

        if (!leaf->present)
            continue;
        to = pt_leaf_make(child, va);
        if (!to)
            return -ENOMEM;
        if (v->object)
            spin_lock(&v->object->lock);
        share_leaf(leaf, to, va, next, b);
        if (v->object)
            spin_unlock(&v->object->lock);
        if (next >= v->end)
            break; /* the caller pauses */
        tlb_pause(b);
        if (pause_killed())
            return -EINTR;
    }
    return 0;
}

static struct vma *copy_record(const struct vma *v, struct mm *child)
{
    struct vma *c = vma_alloc();

    if (!c)
        return NULL;
    c->mm = child;
    c->start = v->start;
    c->end = v->end;
    c->pgoff = v->pgoff;
    c->flags = v->flags & ~(VM_LOCKED | VM_LOCKONFAULT); /* locks are not inherited */
    c->object = v->object;
    c->file = v->file;
    if (c->object)
        object_get(c->object);
    if (c->file)
        vm_file_get(c->file);
    return c;
}

static int copy_vma(struct vma *v, struct mm *child, struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&child->lock);
    struct vma *c = copy_record(v, child);
    int err = 0;

    if (!c)
        return -ENOMEM;
    if ((c->flags & VM_ACCOUNT) && commit_check(v->mm, vma_npages(v)) != 0) {
        vma_free(c);
        return -ENOMEM;
    }
    vma_insert(child, c);
    area_account(child, c->flags, (s64)vma_npages(c));
    if (vma_kind(v) == VMA_SHARED)
        err = vma_huge(v) ? huge_away_copy(child, v)
                          : away_copy(child, v->mm, v->start, v->end, 0);
    else if (!(v->flags & VM_WIPEONFORK))
        err = vma_huge(v) ? huge_fork(v, child, b) : copy_private(v, child, b);
    if (!err) /* without its lock it may equal its neighbour */
        vma_merge(child, c);
    return err;
}

static void copy_fields(struct mm *c, const struct mm *p)
{
    c->mmap_base = p->mmap_base;
    c->brk_start = p->brk_start;
    c->brk = p->brk;
    c->limits = p->limits;
    c->membarrier = p->membarrier;
    c->program = p->program;
    if (c->program.exe)
        vm_file_get(c->program.exe);
}

int mm_fork(struct mm *parent, struct mm **child)
{
    struct mm *c = mm_create();
    struct tlb_batch batch;
    struct vma *v;
    int err = 0;

    if (!c)
        return -ENOMEM;
    mutex_lock(&parent->lock);
    mutex_lock(&c->lock);
    copy_fields(c, parent);
    tlb_begin(&batch, parent);
    vma_for_each (v, parent) {
        if (v->flags & VM_DONTFORK)
            continue;
        err = copy_vma(v, c, &batch);
        tlb_pause(&batch);
        if (!err && pause_killed())
            err = -EINTR;
        if (err)
            break;
    }
    /* The parent must not write through stale entries before the copy is complete. */
    tlb_end(&batch);
    mutex_unlock(&c->lock);
    mutex_unlock(&parent->lock);
    if (err) {
        mm_put(c);
        return err;
    }
    *child = c;
    return 0;
}
