/* SPDX-License-Identifier: MIT
 *
 * mprotect: new rights for a range. VMAs are cut, changed and merged; entries in use get the
 * new rights at once. An arrangement is never touched: it does not depend on rights.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/op/zap.h"
#include "mm/phys/stat.h"
#include "mm/vm/commit.h"

/* Whether v, with these flags before or after, can have its right to write changed by the ways to
 * its tables (mm/vm/lend.h). */
static bool only_write(const struct vma *v, u32 flags)
{
    return vma_kind(v) == VMA_ANON && !vma_order(v) && (v->flags & flags & VM_READ) &&
           ((v->flags ^ flags) & VM_PROT) == VM_WRITE;
}

/* Whole tables of it. Entry by entry nothing has to be done where the right comes back: a fault
 * gives it. */
static bool change_way(struct vma *v, vaddr_t va, struct page *table, struct change *c)
{
    if (!(v->flags & VM_WRITE))
        return lend_narrow(v->mm, va, table, c);
    lend_widen(v->mm, va, table);
    return true;
}

/* Brings the entries of v into line with its rights; `ways`: only_write(). M exclusive. */
static void change_entries(struct vma *v, vaddr_t start, vaddr_t end, bool ways)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    unsigned order = vma_order(v);
    struct page *table;
    struct change c;

    change_begin(&c, v->mm);
    /* No rights: pages of objects go and come back by faults, private memory is parked. */
    if (!(v->flags & VM_PROT))
        zap_object_pages(v, start, end, &c);
    if ((v->flags & VM_PROT) || !shared)
        pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
        {
            unsigned i = slot_index(va, order);

            if (!(ways && next - va == LEAF_SPAN && change_way(v, va, table, &c))) {
                spin_lock(&table->lock);
                change_look(&c, table);
                if (table->present)
                    slot_protect(&c, v, table, i, i + slot_count(va, next, order));
                change_mark(&c, table);
                spin_unlock(&table->lock);
            }
            change_pause(&c);
        }
    change_end(&c);
}

/* Whether these rights make data (RLIMIT_DATA) of what was none. */
static bool becomes_data(const struct vma *v, u32 prot)
{
    return (prot & VM_WRITE) && !(v->flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN));
}

/* Whether nothing of anonymous v was ever touched. */
static bool untouched(const struct vma *v)
{
    unsigned order = vma_order(v);
    struct page *table;

    pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
    {
        unsigned n = slot_count(va, next, order);
        const pte_t *e = pt_entries(table) + slot_index(va, order);

        if (table->present && n == PT_ENTRIES)
            return false;
        for (; table->present && n; n--)
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
        return (flags | VM_ACCOUNT) & ~VM_NOCOPY;
    if ((flags & VM_ACCOUNT) && vma_kind(v) == VMA_ANON && untouched(v))
        return flags & ~VM_ACCOUNT;
    return flags;
}

/* What a look at a range has found. */
struct checked {
    struct vma *first;
    u32 flags;       /* it gets */
    vaddr_t stop;    /* how far there is no hole */
    unsigned growth; /* records needed */
    u32 seen;        /* flags of all areas together */
};

/* Whether all of [start, end), as far as it has no hole, may get `prot`. */
static int check_range(struct mm *mm, vaddr_t start, vaddr_t end, u32 prot,
                       struct checked *c)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_seek(mm, start);
    u64 data = mm->data_vm, committed = 0;
    vaddr_t stop = start;

    *c = (struct checked){.first = v, .stop = start};
    if (!v || start < v->start)
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
        c->growth += area_growth(v, start, end, flags);
        c->seen |= v->flags;
        stop = v->end;
    }
    c->stop = MIN(stop, end);
    if (data > MAX(mm->data_vm, mm->limits.data >> PAGE_SHIFT) ||
        !area_may_cut(mm, c->growth))
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
    bool ways = only_write(v, flags);

    v = area_set_flags(mm, v, start, end, flags, r);
    change_entries(v, start, end, ways);
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
    mm_lock(mm);
    err = grows ? extend_to_stack(mm, grows, &addr, end) : 0;
    if (!err)
        err = check_range(mm, addr, end, prot, &c);
    if (!err && (c.stop < end || c.seen & (VM_HUGE | VM_SEALED)))
        err = area_cuts_page(mm, addr, end) ? -EINVAL
              : area_sealed(mm, addr, end)  ? -EPERM
                                            : 0;
    if (!err && c.growth)
        err = area_reserve(&r, c.growth);
    if (!err) /* tables of several VMAs are not changed by their way */
        err = c.stop <= c.first->end && only_write(c.first, c.flags)
                  ? lend_own_ends(mm, addr, c.stop)
                  : lend_own_range(mm, addr, c.stop);
    for (vaddr_t va = addr; !err && va < c.stop;) {
        u32 flags;

        v = va == addr ? c.first : vma_find(mm, va);
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
    mm_unlock(mm);
    area_release(&r);
    return err ? err : c.stop < end ? -ENOMEM : 0;
}
