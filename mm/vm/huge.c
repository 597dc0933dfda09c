/* SPDX-License-Identifier: MIT
 *
 * Pages of 2 MiB from a pool; see mm/vm/huge.h.
 */
#include "mm/vm/huge.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/vm/slot.h"

const struct huge_ops *huge_ops;

/* One promise is one block: who looks for a block holds the lock of what it is for. */
static spinlock_t locks[2][8];

spinlock_t *huge_lock_of(enum huge_kind kind, const void *of, u64 number)
{
    return &locks[kind][((uintptr_t)of / 64 + number) % ARRAY_SIZE(locks[kind])];
}

struct page *huge_alloc(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                        bool claims, u32 flags)
{
    struct page *pg;

    if (!huge_ops)
        return page_alloc_user(HUGE_ORDER, flags);
    pg = alloc_should_fail() ? NULL : huge_ops->take(o, pgoff, v, claims);
    if (pg && (flags & PA_ZERO))
        memset(page_to_virt(pg), 0, HUGE_SIZE);
    return pg;
}

struct page *huge_alloc_copy(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                             bool claims, const struct page *src)
{
    struct page *pg = huge_alloc(o, pgoff, v, claims, src ? 0 : PA_ZERO);

    for (u64 at = 0; pg && src && at < HUGE_SIZE; at += PAGE_SIZE)
        copy_page((char *)page_to_virt(pg) + at, (char *)page_to_virt(src) + at);
    return pg;
}

void huge_disown_all(struct vma *v)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    s64 held = (s64)(vma_npages(v) >> HUGE_ORDER);
    struct page *table;

    pt_for_each_table(v->mm, slot_level(HUGE_ORDER), v->start, v->end, va, next, table)
    {
        unsigned i = slot_index(va, HUGE_ORDER);

        for (unsigned stop = i + slot_count(va, next, HUGE_ORDER); i < stop; i++) {
            pte_t pte = pte_load(&pt_entries(table)[i]);

            held -= pte && pfn_to_page(pte_any_pfn(pte))->type == PAGE_ANON;
        }
    }
    huge_ops->release(v, held);
    v->flags &= ~VM_HUGE_OWNER;
}
