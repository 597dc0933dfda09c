/* SPDX-License-Identifier: MIT
 *
 * mprotect: new rights for a range. VMAs are cut, changed and merged; entries in use get the
 * new rights at once. An arrangement is never touched: it does not depend on rights.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/area.h"
#include "mm/calls.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/pagetable.h"
#include "mm/stat.h"
#include "mm/zap.h"

/* Gives present entries of [e, end) these rights and what `keep` lets stand. Returns whether
 * some lost a right: more rights need no flush, a fault finds them. */
static bool change_many(pte_t *e, const pte_t *end, pte_t rights, pte_t keep)
{
    pte_t changed = 0;

    for (; e < end; e++) {
        pte_t old = pte_load(e), pte = rights | (old & keep);

        if (!pte_present(old)) /* none, or parked: a fault brings it back */
            continue;
        changed |= old ^ pte;
        pte_store(e, pte);
    }
    return changed & ((rights & PTE_NX) | (rights & PTE_WRITE ? 0 : PTE_WRITE));
}

/* Gives the entries [i, stop) of one table the rights of v. A present private page may be
 * shared with a forked child: only a fault makes it writable. */
static void change_leaf(const struct vma *v, struct page *leaf, unsigned i, unsigned stop,
                        struct tlb_batch *b)
{
    REQUIRES(&leaf->lock);
    u32 prot = v->flags & VM_PROT;
    bool shared = vma_kind(v) == VMA_SHARED;
    pte_t *e = pt_entries(leaf), rights = pte_make_user(0, prot);
    pte_t keep = PTE_ADDR | (shared ? 0 : PTE_WRITE);
    vaddr_t va = pt_address(leaf, i);

    if (!shared) /* writable only what is, and may stay so */
        keep &= prot & VM_WRITE ? ~0ull : ~PTE_WRITE, rights &= ~PTE_WRITE;
    if (prot && stop - i > TLB_ADDRS) {
        if (change_many(e + i, e + stop, rights, keep))
            tlb_change_all(b);
        return;
    }
    for (; i < stop; i++, va += PAGE_SIZE) {
        pte_t old = pte_load(&e[i]), pte;

        if (!pte_present(old))
            continue;
        /* No rights: private memory keeps its page out of reach (see arch/pte.h). */
        pte = likely(prot) ? rights | (old & keep) : pte_make_parked(pte_pfn(old));
        if (pte == old)
            continue;
        pte_store(&e[i], pte);
        if (!prot || (old & ~pte & PTE_WRITE) || (pte & ~old & PTE_NX))
            tlb_change(b, va);
    }
}

/* Brings the entries of v into line with its rights. */
static void change_entries(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    struct tlb_batch b;
    struct page *leaf;

    tlb_begin(&b, v->mm);
    if (vma_huge(v)) {
        huge_protect(v, start, end, &b);
        tlb_end(&b);
        return;
    }
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
        unsigned i = pt_index(va, 0);

        if (!leaf->present)
            continue;
        spin_lock(&leaf->lock);
        change_leaf(v, leaf, i, i + (unsigned)((next - va) >> PAGE_SHIFT), &b);
        spin_unlock(&leaf->lock);
        tlb_pause(&b);
    }
    tlb_end(&b);
}

/* Whether these rights make data (RLIMIT_DATA) of what was none. */
static bool becomes_data(const struct vma *v, u32 prot)
{
    return (prot & VM_WRITE) && !(v->flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN));
}

/* Whether nothing of anonymous v was ever touched. */
static bool untouched(const struct vma *v)
{
    struct page *leaf;

    pt_for_each_leaf (v->mm, v->start, v->end, va, next, leaf) {
        const pte_t *e = pt_entries(leaf) + pt_index(va, 0);

        if (leaf->present && next - va == LEAF_SPAN)
            return false;
        for (; leaf->present && va < next; va += PAGE_SIZE)
            if (pte_load(e++))
                return false;
    }
    return true;
}

/* The flags of v with the rights `prot`: private memory that gets writable is committed, and
 * stays so when the right goes, unless it was never used. Where the rights are the same
 * nothing changes: else an area that was changed and has grown into its neighbour might
 * change once more, and be cut once more. */
static u32 protected_flags(const struct vma *v, u32 prot)
{
    u32 flags = (v->flags & ~VM_PROT) | prot;

    if (flags == v->flags)
        return flags;
    if (vm_commits(flags))
        return flags | VM_ACCOUNT;
    if ((flags & VM_ACCOUNT) && vma_kind(v) == VMA_ANON && untouched(v))
        return flags & ~VM_ACCOUNT;
    return flags;
}

/* How far a range is mapped without a hole, and the new flags of the first area. */
struct checked {
    vaddr_t stop;
    u32 flags;
};

/* Whether all of [start, end), as far as it has no hole, may get `prot`. */
static int check_range(struct mm *mm, vaddr_t start, vaddr_t end, u32 prot,
                       struct checked *c)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_at(mm, start);
    u64 data = mm->data_vm, committed = 0;
    vaddr_t stop = start;
    unsigned growth = 0;

    *c = (struct checked){.stop = start};
    if (!v)
        return -ENOMEM;
    for (; v && v->start <= stop; v = area_next(v, end)) {
        u64 pages = (MIN(v->end, end) - stop) >> PAGE_SHIFT;
        u32 flags;

        if (prot & ~(v->flags >> 4 & VM_PROT))
            return -EACCES;
        if (becomes_data(v, prot))
            data += pages;
        flags = protected_flags(v, prot);
        if (stop == start)
            c->flags = flags;
        if ((flags & ~v->flags & VM_ACCOUNT))
            committed += pages;
        growth += area_growth(v, start, end, flags);
        stop = v->end;
    }
    c->stop = MIN(stop, end);
    if (data > MAX(mm->data_vm, mm->limits.data >> PAGE_SHIFT) ||
        !area_may_cut(mm, growth))
        return -ENOMEM;
    return committed ? commit_check(mm, committed) : 0;
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

/* Gives [start, end) of v other flags. Locked private memory that gets writable is filled. */
static void set_rights(struct vma *v, vaddr_t start, vaddr_t end, u32 flags,
                       struct area_reserve *r)
{
    struct mm *mm = v->mm;
    u32 old = v->flags;

    v = area_set_flags(mm, v, start, end, flags, r);
    change_entries(v, start, end);
    if (vm_populates(old) && !(old & (VM_WRITE | VM_SHARED)) && (flags & VM_WRITE))
        (void)fault_populate(mm, start, end);
}

int mm_mprotect(struct mm *mm, vaddr_t addr, u64 len, u64 rights)
{
    struct area_reserve r = {.n = 0};
    u32 grows = rights & (u32)(PROT_GROWSDOWN | PROT_GROWSUP), prot;
    struct checked c;
    struct vma *v;
    vaddr_t end;
    int err;

    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || addr % PAGE_SIZE)
        return -EINVAL;
    if (len == 0)
        return 0;
    end = addr + align_up(len, PAGE_SIZE);
    if (end <= addr)
        return -ENOMEM;
    if (rights & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | grows))
        return -EINVAL;
    if (end > USER_END)
        return -ENOMEM;
    prot = rights & VM_PROT;
    mutex_lock(&mm->lock);
    err = grows ? extend_to_stack(mm, grows, &addr, end) : 0;
    if (!err)
        err = check_range(mm, addr, end, prot, &c);
    if (!err && huge_cut(mm, addr, end))
        err = -EINVAL;
    if (!err && area_sealed(mm, addr, end))
        err = -EPERM;
    if (!err)
        err = area_reserve(&r, 2);
    for (vaddr_t va = addr; !err && va < c.stop;) {
        u32 flags;

        v = vma_find(mm, va);
        if (va == addr)
            flags = c.flags;
        else /* what has merged with the piece before is as it should be */
            flags = v->start < va ? v->flags : protected_flags(v, prot);
        if (flags != v->flags) {
            vaddr_t to = MIN(v->end, c.stop);

            set_rights(v, va, to, flags, &r);
            va = to;
        } else {
            va = MIN(v->end, c.stop);
        }
        if (va < c.stop)
            pause_anyway();
    }
    mutex_unlock(&mm->lock);
    area_release(&r);
    return err ? err : c.stop < end ? -ENOMEM : 0;
}
