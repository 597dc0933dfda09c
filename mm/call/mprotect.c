/* SPDX-License-Identifier: MIT
 *
 * mprotect: new rights for a range. VMAs are cut, changed and merged; entries in use get the
 * new rights at once. An arrangement is never touched: it does not depend on rights. A protection
 * key is one of the rights: pkey_mprotect is the same call.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/call/pkey.h"
#include "mm/op/area.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/op/zap.h"
#include "mm/phys/stat.h"
#include "mm/vm/commit.h"

/* Whether `len` bytes of v, with these flags before or after, can have their rights changed by the
 * ways to the tables that lie wholly in them (mm/vm/lend.h), if there are such. */
static inline bool only_ways(const struct vma *v, u32 flags, u64 len)
{
    return len < LEAF_SPAN ||
           (vma_kind(v) == VMA_ANON && !vma_order(v) && (v->flags & flags & VM_READ) &&
            ((v->flags ^ flags) & VM_RIGHTS) == VM_WRITE);
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

/* The entries of `table` over [va, next) of v. */
static always_inline void change_some(struct vma *v, struct page *table, vaddr_t va,
                                      vaddr_t next, unsigned order, struct change *c)
{
    unsigned i = slot_index(va, order);

    spin_lock(&table->lock);
    change_look(c, table);
    if (table->present)
        slot_protect(c, v, table, i, i + slot_count(va, next, order));
    change_mark(c, table);
    spin_unlock(&table->lock);
}

/* Brings the entries of v into line with its rights; `ways`: only_ways(). M exclusive. */
static always_inline void change_entries(struct vma *v, vaddr_t start, vaddr_t end,
                                         bool ways, unsigned order)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    struct page *table;
    struct change c;

    if (!order && (v->flags & VM_PROT) && (start ^ (end - 1)) < LEAF_SPAN &&
        end - start < LEAF_SPAN) { /* a part of one: nothing but addresses can be noted */
        table = pt_leaf(v->mm, start);
        change_begin_one(&c);
        if (table)
            change_some(v, table, start, end, 0, &c);
        if (change_noted(&c))
            change_end_one(&c, v->mm);
        return;
    }
    change_begin(&c, v->mm);
    /* No rights: pages of objects go and come back by faults, private memory is parked. */
    if (!(v->flags & VM_PROT))
        zap_object_pages(v, start, end, &c);
    if ((v->flags & VM_PROT) || !shared)
        pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
        {
            if (!(ways && next - va == LEAF_SPAN && change_way(v, va, table, &c)))
                change_some(v, table, va, next, order, &c);
            change_pause(&c);
        }
    change_end(&c);
}

/* Whether these rights make data (RLIMIT_DATA) of what was none. */
static bool becomes_data(const struct vma *v, u32 flags)
{
    return (flags & VM_WRITE) && !(v->flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN));
}

/* Whether nothing of anonymous v was ever touched. What was mostly shows it at its first page. */
static noinline bool untouched(const struct vma *v)
{
    unsigned order = vma_order(v);
    struct page *table = order ? NULL : pt_leaf(v->mm, v->start);

    if (table && pte_load(pt_entries(table) + slot_index(v->start, 0)))
        return false;
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

/* What is asked for: these of VM_RIGHTS become those. Without a key an area keeps its own. */
struct rights {
    u32 which, now;
};

/* The flags of v with these rights: private memory that gets writable is committed, and
 * stays so when the right goes, unless it was never used. Where the rights are the same
 * nothing changes: else an area that was changed and has grown into its neighbour might
 * change once more, and be cut once more. Without a key what could only be executed goes back to
 * key 0, as on Linux. */
static always_inline u32 protected_flags(const struct vma *v, struct rights to)
{
    u32 flags = (v->flags & ~to.which) | to.now;

    if (!(to.which & VM_KEY) && unlikely(v->mm->exec_only) &&
        (v->flags & VM_RIGHTS) == v->mm->exec_only)
        flags &= ~VM_KEY;
    if (flags == v->flags)
        return flags;
    if (vm_commits(flags))
        return (flags | VM_ACCOUNT) & ~VM_NOCOPY;
    if ((flags & VM_ACCOUNT) && vma_kind(v) == VMA_ANON && untouched(v))
        return flags & ~VM_ACCOUNT;
    return flags;
}

/* What a change needs. */
struct need {
    u64 data, committed; /* pages more */
    unsigned growth;     /* records */
};

/* Whether what of v lies in [start, end), some pages of it, may get these rights; the flags it gets,
 * and what that needs besides. */
static always_inline int check_part(const struct vma *v, vaddr_t start, vaddr_t end,
                                    u64 pages, struct rights to, u32 *flags,
                                    struct need *n)
{
    if (to.now & VM_PROT & ~(v->flags >> 4))
        return -EACCES;
    if (becomes_data(v, to.now))
        n->data += pages;
    *flags = protected_flags(v, to);
    if (*flags & ~v->flags & VM_ACCOUNT)
        n->committed += pages;
    n->growth += area_growth(v, start, end, *flags);
    return 0;
}

static always_inline int check_need(const struct mm *mm, const struct need *n)
{
    if (n->data && mm->data_vm + n->data > mm->limits.data >> PAGE_SHIFT)
        return -ENOMEM;
    if (!area_may_cut(mm, n->growth))
        return -ENOMEM;
    return n->committed ? commit_check(mm, n->committed) : 0;
}

/* What a look at a range has found. */
struct checked {
    struct vma *first;
    u32 flags;       /* it gets */
    vaddr_t stop;    /* how far there is no hole */
    unsigned growth; /* records needed */
    u32 seen;        /* flags of all areas together */
};

/* Whether all of [start, end), as far as it has no hole, may get these rights. */
static int check_range(struct mm *mm, vaddr_t start, vaddr_t end, struct rights to,
                       struct checked *c)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_seek(mm, start);
    struct need need = {0};
    vaddr_t stop = start;

    *c = (struct checked){.first = v, .stop = start};
    if (!v || start < v->start)
        return -ENOMEM;
    for (; v && v->start <= stop; v = area_next(v, end)) {
        u64 pages = (MIN(v->end, end) - stop) >> PAGE_SHIFT;
        u32 flags;
        int err = check_part(v, start, end, pages, to, &flags, &need);

        if (err)
            return err;
        if (stop == start)
            c->flags = flags;
        c->seen |= v->flags;
        stop = v->end;
    }
    c->stop = MIN(stop, end);
    c->growth = need.growth;
    return check_need(mm, &need);
}

#define GROWS (PROT_GROWSDOWN | PROT_GROWSUP)

/* PROT_GROWSDOWN: the change reaches down to the start of the growable area. Nothing grows
 * upwards here. */
static noinline int extend_to_stack(struct mm *mm, u64 grows, vaddr_t *addr, vaddr_t end)
{
    struct vma *v = vma_find(mm, *addr);

    if (grows != PROT_GROWSDOWN || !v || v->start >= end || !(v->flags & VM_GROWSDOWN))
        return v && v->start < end ? -EINVAL : -ENOMEM;
    *addr = MIN(*addr, v->start);
    return 0;
}

/* Gives [start, end) of v other flags; `ways`: only_ways(). Locked private memory that gets writable is filled. */
static always_inline void set_rights(struct vma *v, vaddr_t start, vaddr_t end, u32 flags,
                                     bool ways, struct area_reserve *r)
{
    struct mm *mm = v->mm;
    u32 old = v->flags;

    v = area_set_flags(mm, v, start, end, flags, r);
    SLOT_CALL(v, change_entries, v, start, end, ways);
    if (vm_populates(old) && !(old & (VM_WRITE | VM_SHARED)) && (flags & VM_WRITE))
        (void)fault_populate(mm, start, end);
}

/* [start, end), a range in one area or in several, with or without holes. */
static noinline int protect_range(struct mm *mm, vaddr_t start, vaddr_t end,
                                  struct rights to, struct area_reserve *r)
{
    struct checked c;
    struct vma *v;
    int err = check_range(mm, start, end, to, &c);

    if (!err && (c.stop < end || c.seen & (VM_HUGE | VM_SEALED)))
        err = area_cuts_page(mm, start, end) ? -EINVAL
              : area_sealed(mm, start, end)  ? -EPERM
                                             : 0;
    if (!err && c.growth)
        err = area_reserve(r, c.growth);
    if (!err) /* tables of several VMAs are not changed by their way */
        err = c.stop <= c.first->end && only_ways(c.first, c.flags, c.stop - start)
                  ? lend_own_ends(mm, start, c.stop)
                  : lend_own_range(mm, start, c.stop);
    for (vaddr_t va = start; !err && va < c.stop;) {
        u32 flags;

        v = va == start ? c.first : vma_find(mm, va);
        if (va == start)
            flags = c.flags;
        else /* what has merged with the piece before is as it should be */
            flags = v->start < va ? v->flags : protected_flags(v, to);
        if (flags != v->flags) {
            vaddr_t stop = MIN(v->end, c.stop);

            set_rights(v, va, stop, flags, only_ways(v, flags, stop - va), r);
            va = stop;
        } else {
            va = MIN(v->end, c.stop);
        }
        if (va < c.stop)
            pause_anyway();
    }
    return err ? err : c.stop < end ? -ENOMEM : 0;
}

/* The same of a range in one area of small pages, the commonest. */
static always_inline int protect_one(struct vma *v, vaddr_t start, vaddr_t end,
                                     struct rights to, struct area_reserve *r)
{
    struct need need = {0};
    bool ways;
    u32 flags;
    int err = check_part(v, start, end, (end - start) >> PAGE_SHIFT, to, &flags, &need);

    if (!err)
        err = check_need(v->mm, &need);
    if (err || flags == v->flags)
        return err;
    if (need.growth)
        err = area_reserve(r, need.growth);
    ways = only_ways(v, flags, end - start);
    if (!err)
        err = ways ? lend_own_ends(v->mm, start, end) : lend_own_range(v->mm, start, end);
    if (!err)
        set_rights(v, start, end, flags, ways, r);
    return err;
}

/* What `rights` with this key, -1: none, ask for. -EINVAL: no program has the key. M exclusive. */
static inline int rights_asked(struct mm *mm, u64 rights, int key, struct rights *to)
{
    u32 prot = rights & VM_PROT;

    *to = (struct rights){VM_PROT, prot};
    if (unlikely(key != -1)) {
        if (!key_is_allocated(mm, key))
            return -EINVAL;
        *to = (struct rights){VM_RIGHTS, prot | (u32)key << VM_KEY_SHIFT};
    } else if (unlikely(rights == PROT_EXEC)) {
        prot = exec_rights(mm);
        *to = (struct rights){VM_PROT | (prot & VM_KEY ? VM_KEY : 0), prot};
    }
    return 0;
}

int mm_pkey_mprotect(struct mm *mm, vaddr_t addr, u64 len, u64 rights, int key)
{
    u64 odd = rights & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM);
    struct area_reserve r;
    struct rights to;
    struct vma *v;
    vaddr_t end;
    int err;

    if ((odd & GROWS) == GROWS || addr % PAGE_SIZE)
        return -EINVAL;
    if (len == 0)
        return 0;
    end = addr + align_up(len, PAGE_SIZE);
    if (end <= addr)
        return -ENOMEM;
    if (odd & ~(u64)GROWS)
        return -EINVAL;
    if (end > USER_END)
        return -ENOMEM;
    r.n = 0;
    mm_lock(mm);
    err = rights_asked(mm, rights, key, &to);
    if (!err && unlikely(odd))
        err = extend_to_stack(mm, odd, &addr, end);
    v = err ? NULL : vma_seek(mm, addr);
    if (v && v->start <= addr && end <= v->end && !(v->flags & (VM_HUGE | VM_SEALED)))
        err = protect_one(v, addr, end, to, &r);
    else if (!err)
        err = protect_range(mm, addr, end, to, &r);
    mm_unlock(mm);
    area_release(&r);
    return err;
}
