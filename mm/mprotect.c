/* SPDX-License-Identifier: MIT
 *
 * mprotect: new rights for a range. VMAs are cut, changed and merged; entries in use get the
 * new rights at once. An arrangement is never touched: it does not depend on rights.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/area.h"
#include "mm/calls.h"
#include "mm/pagetable.h"
#include "mm/stat.h"
#include "mm/zap.h"

/* The entry that `pte` becomes under the rights of v. */
static pte_t changed_entry(const struct vma *v, pte_t pte)
{
    u32 prot = v->flags & VM_PROT;

    if (pte_parked(pte))
        return pte; /* a fault brings it back */
    if (!prot)      /* private memory keeps its page out of reach (see arch/pte.h) */
        return pte_make_parked(pte_pfn(pte));
    /* A private page may be shared with a forked child: only a fault makes it writable. */
    if (vma_kind(v) != VMA_SHARED && !pte_writable(pte))
        prot &= ~VM_WRITE;
    return pte_make_user(pte_pfn(pte), prot);
}

/* Brings the entries of v into line with its rights. M exclusive. */
static void change_entries(struct vma *v, vaddr_t start, vaddr_t end)
{
    struct tlb_batch b;
    struct page *leaf;

    tlb_begin(&b, v->mm);
    if (!(v->flags & VM_PROT)) {
        /* Pages of objects come back by a fault: drop them. Private copies are parked. */
        if (vma_kind(v) == VMA_SHARED) {
            zap_range(v, start, end, &b);
            tlb_end(&b);
            return;
        }
        zap_object_pages(v, start, end, &b);
    }
    pt_for_each_leaf (v->mm, start, end, va, next, leaf) {
        pte_t *entries = pt_entries(leaf);

        if (!leaf->present)
            continue;
        spin_lock(&leaf->lock);
        for (vaddr_t a = va; a < next; a += PAGE_SIZE) {
            pte_t *e = &entries[pt_index(a, 0)], old = pte_load(e), pte;

            if (!old || (pte = changed_entry(v, old)) == old)
                continue;
            pte_store(e, pte);
            tlb_change(&b, a);
        }
        spin_unlock(&leaf->lock);
    }
    tlb_end(&b);
}

/* How far [start, end) is mapped without a hole, and whether all of that may get `prot`. */
static int check_range(struct mm *mm, vaddr_t start, vaddr_t end, u32 prot, vaddr_t *stop)
{
    struct vma *v = vma_find(mm, start);

    *stop = start;
    if (!v || v->start > start)
        return -ENOMEM;
    for (; v && v->start <= *stop && *stop < end; v = vma_next(v)) {
        if (prot & ~(v->flags >> 4 & VM_PROT))
            return -EACCES;
        *stop = v->end;
    }
    *stop = MIN(*stop, end);
    return 0;
}

/* PROT_GROWSDOWN: the change reaches down to the start of the growable area. Nothing grows
 * upwards here. */
static int extend_to_stack(struct mm *mm, u32 grows, vaddr_t *addr, vaddr_t end)
{
    struct vma *v = vma_find(mm, *addr);

    if (grows != PROT_GROWSDOWN || !v || v->start >= end || !(v->flags & VM_GROWSDOWN))
        return v && v->start < end ? -EINVAL : -ENOMEM;
    *addr = MIN(*addr, v->start);
    return 0;
}

int mm_mprotect(struct mm *mm, vaddr_t addr, u64 len, u32 prot)
{
    struct area_reserve r = {.n = 0};
    u32 grows = prot & (u32)(PROT_GROWSDOWN | PROT_GROWSUP);
    vaddr_t end, stop;
    struct vma *v;
    int err;

    prot &= ~grows;
    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr % PAGE_SIZE ||
        (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -EINVAL;
    if (len == 0)
        return 0;
    if (addr > USER_END || len > USER_END - addr)
        return -ENOMEM;
    end = addr + align_up(len, PAGE_SIZE);
    mutex_lock(&mm->lock);
    err = grows ? extend_to_stack(mm, grows, &addr, end) : 0;
    if (!err)
        err = check_range(mm, addr, end, prot, &stop);
    if (!err && mm->nvmas + 2 > MM_MAX_VMAS)
        err = -ENOMEM;
    if (!err)
        err = area_reserve(&r, 2);
    for (vaddr_t va = addr; !err && va < stop;) {
        u32 flags;

        v = vma_find(mm, va);
        flags = (v->flags & ~VM_PROT) | prot;
        if (flags != v->flags) {
            vaddr_t from = va, to = MIN(v->end, stop);

            v = area_set_flags(mm, v, from, to, flags, &r);
            change_entries(v, from, to);
            va = to;
        } else {
            va = MIN(v->end, stop);
        }
    }
    mutex_unlock(&mm->lock);
    area_release(&r);
    return err ? err : stop < end ? -ENOMEM : 0;
}
