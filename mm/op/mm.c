/* SPDX-License-Identifier: MIT
 *
 * Life of an address space: create, make current, take apart.
 */
#include "mm/op/mm.h"
#include "arch/tlb.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "mm/op/area.h"
#include "mm/op/zap.h"
#include "mm/phys/slab.h"
#include "mm/table/pagetable.h"
#include "mm/table/pt_trim.h"
#include "mm/vm/commit.h"
#include "mm/vm/huge.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"
#include "mm/vm/vma.h"

SLAB_CACHE_LINES(mm_cache, "mm", struct mm);

u32 mm_max_map_count = MM_MAX_MAP_COUNT_DEFAULT;
u64 mm_min_addr = MMAP_MIN_ADDR;

/* On one line: who makes or ends one touches all of it. */
static struct {
    spinlock_t lock;
    u32 dying;        /* atomic: address spaces that are being taken apart */
    u64 next_id;      /* atomic */
    struct list list; /* [lock] of struct mm.all */
} __attribute__((aligned(64))) all = {.list = LIST_INIT(all.list)};

struct mm *mm_create(void)
{
    struct mm *mm = slab_zalloc(&mm_cache);

    if (!mm)
        return NULL;
    mutex_init(&mm->lock);
    mm->refs = 1;
    mm->holds = 1;
    mm->id = __atomic_add_fetch(&all.next_id, 1, __ATOMIC_RELAXED);
    mm->limits = (struct mm_limits){~0ull, ~0ull, ~0ull, ~0ull, true, true, false};
    mm->mmap_base = USER_END - (128ull << 20) - STACK_GUARD_GAP;
    if (!pt_init(mm)) {
        slab_free(&mm_cache, mm);
        return NULL;
    }
    spin_lock(&all.lock);
    list_add_tail(&all.list, &mm->all);
    spin_unlock(&all.lock);
    return mm;
}

bool mm_any_dying(void)
{
    return __atomic_load_n(&all.dying, __ATOMIC_RELAXED) != 0;
}

void mm_get(struct mm *mm)
{
    u32 old = __atomic_fetch_add(&mm->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

void mm_hold(struct mm *mm)
{
    __atomic_fetch_add(&mm->holds, 1, __ATOMIC_RELAXED);
}

void mm_unhold(struct mm *mm)
{
    if (__atomic_sub_fetch(&mm->holds, 1, __ATOMIC_ACQ_REL) == 0)
        slab_free(&mm_cache, mm);
}

bool mm_tryget(struct mm *mm)
{
    u32 old = __atomic_load_n(&mm->refs, __ATOMIC_RELAXED);

    while (old)
        if (__atomic_compare_exchange_n(&mm->refs, &old, old + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

#define UNMAP_AT_ONCE 16u /* small areas from pause to pause */

static void unmap_all(struct mm *mm, struct area_dead *dead)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct change batch;
    struct vma *v, *next;
    unsigned n = 0;

    change_begin(&batch, mm);
    batch.dying = true;
    vma_for_each (v, mm) {
        huge_disown(v);
        zap_range(v, v->start, v->end, &batch);
        slot_forget(v, v->start, v->end);
        if (++n % UNMAP_AT_ONCE == 0)
            change_pause(&batch);
    }
    change_end(&batch);
    object_unlink_run(vma_first(mm), NULL);
    for (v = vma_first(mm); v; v = next) {
        vaddr_t start = v->start, end = v->end;

        next = vma_next(v);
        if (v->flags & VM_ACCOUNT)
            commit_add(-(s64)vma_npages(v));
        area_doom(v, dead);
        pause_anyway();
        /* Not what the next lies under as well: its object still leads there. */
        if (next && ((start ^ (end - 1)) | (start ^ next->start)) < LEAF_SPAN)
            continue;
        change_begin(&batch, mm);
        pt_trim(mm, start, end, 0, next ? next->start : USER_END + PAGE_SIZE, &batch);
        change_end(&batch);
    }
    vma_remove_all(mm);
}

void mm_put(struct mm *mm)
{
    struct area_dead dead = {NULL};

    if (__atomic_sub_fetch(&mm->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(mm->cpus == 0 && cpu_own.mm != mm);
    spin_lock(&all.lock);
    list_del(&mm->all);
    spin_unlock(&all.lock);
    __atomic_fetch_add(&all.dying, 1, __ATOMIC_RELAXED);
    mm_lock(mm);
    unmap_all(mm, &dead);
    pt_fini(mm);
    mm_unlock(mm);
    area_bury(&dead);
    __atomic_fetch_sub(&all.dying, 1, __ATOMIC_RELAXED);
    ASSERT(mm_rss(mm) == 0 && mm->tables == 0);
    if (mm->program.exe)
        vm_file_put(mm->program.exe);
    mm_unhold(mm);
}

u64 mm_kernel_bytes(const struct mm *mm)
{
    return sizeof(*mm) + READ_ONCE(mm->tables) * PAGE_SIZE +
           READ_ONCE(mm->nvmas) * sizeof(struct vma) + READ_ONCE(mm->aways) * AWAY_BYTES;
}

void mm_activate(struct mm *mm)
{
    struct cpu *cpu = cpu_self();
    struct mm *old = cpu->mm;
    u64 bit = 1ull << cpu->id;

    if (old == mm)
        return;
    if (old)
        mm_settle_resident(old);
    /* Announce first, so that no flush is missed between the load and the mark. */
    if (mm)
        __atomic_fetch_or(&mm->cpus, bit, __ATOMIC_SEQ_CST);
    arch_mm_load(mm, mm ? mm->root_pa : kernel_root);
    cpu->mm = mm;
    if (old)
        __atomic_fetch_and(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
}

struct mm *mm_after(const struct mm *mm)
{
    const struct list *next = mm ? mm->all.next : all.list.next;

    return next == &all.list ? NULL : list_entry(next, struct mm, all);
}

void mm_for_each(void (*visit)(struct mm *mm, void *arg), void *arg)
{
    struct list *pos;

    spin_lock(&all.lock);
    list_for_each (pos, &all.list)
        visit(list_entry(pos, struct mm, all), arg);
    spin_unlock(&all.lock);
}
