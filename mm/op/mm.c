/* SPDX-License-Identifier: MIT
 *
 * Life of an address space: create, make current, take apart.
 */
#include "mm/op/mm.h"
#include "arch/pkey.h"
#include "arch/tlb.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "mm/op/area.h"
#include "mm/op/area_trim.h"
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

/* The address spaces that a CPU has made, which end on any: what processes write that make and end
 * them is a line of that CPU, which the number of an address space names. */
struct made {
    spinlock_t lock;
    u32 dying;        /* atomic: those that are being taken apart */
    u64 last;         /* [lock] of their numbers, divided by MAX_CPUS */
    struct list list; /* [lock] of struct mm.all; zeros at first */
} __attribute__((aligned(64)));

static DEFINE_PER_CPU(struct made, made);

static struct made *made_with(const struct mm *mm)
{
    return &per_cpu(made, (u32)(mm->id % MAX_CPUS));
}

static void note_made(struct mm *mm)
{
    u32 cpu = cpu_id();
    struct made *m = &per_cpu(made, cpu);

    spin_lock(&m->lock);
    mm->id = ++m->last * MAX_CPUS + cpu;
    if (!m->list.next)
        list_init(&m->list);
    list_add_tail(&m->list, &mm->all);
    spin_unlock(&m->lock);
}

struct mm *mm_create(void)
{
    struct mm *mm = slab_zalloc(&mm_cache);

    if (!mm)
        return NULL;
    mutex_init(&mm->lock);
    mm->refs = 1;
    mm->holds = 1;
    mm->keys = keys_on;
    mm->limits = (struct mm_limits){~0ull, ~0ull, ~0ull, ~0ull, ~0ull};
    mm->mmap_base = USER_END - (128ull << 20) - STACK_GUARD_GAP;
    if (!pt_init(mm)) {
        slab_free(&mm_cache, mm);
        return NULL;
    }
    note_made(mm);
    return mm;
}

bool mm_any_dying(void)
{
    u32 dying = 0;

    for (u32 cpu = 0; cpu < cpu_count && !dying; cpu++)
        dying = __atomic_load_n(&per_cpu(made, cpu).dying, __ATOMIC_RELAXED);
    return dying != 0;
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

    area_drop_spare(mm);
    change_begin(&batch, mm);
    batch.dying = true;
    vma_for_each (v, mm) {
        huge_disown(v);
        zap_range(v, v->start, v->end, &batch);
        slot_forget(v, v->start, v->end, &batch);
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
    struct made *m = made_with(mm);
    struct area_dead dead = {NULL};

    if (__atomic_sub_fetch(&mm->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(mm->cpus == 0 && cpu_own.mm != mm);
    spin_lock(&m->lock);
    list_del(&mm->all);
    spin_unlock(&m->lock);
    __atomic_fetch_add(&m->dying, 1, __ATOMIC_RELAXED);
    mm_lock(mm);
    unmap_all(mm, &dead);
    pt_fini(mm);
    mm_unlock(mm);
    area_bury(&dead);
    __atomic_fetch_sub(&m->dying, 1, __ATOMIC_RELAXED);
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
    vma_forget_read();
    if (old)
        __atomic_fetch_and(&old->cpus, ~bit, __ATOMIC_SEQ_CST);
}

struct mm *mm_after(const struct mm *mm)
{
    u32 cpu = mm ? (u32)(mm->id % MAX_CPUS) : 0;
    const struct list *next = mm ? mm->all.next : per_cpu(made, 0).list.next;

    while (!next || next == &per_cpu(made, cpu).list) {
        if (++cpu >= cpu_count)
            return NULL;
        next = per_cpu(made, cpu).list.next;
    }
    return list_entry(next, struct mm, all);
}

void mm_for_each(void (*visit)(struct mm *mm, void *arg), void *arg)
{
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        struct made *m = &per_cpu(made, cpu);
        const struct list *pos;

        spin_lock(&m->lock);
        for (pos = m->list.next; pos && pos != &m->list; pos = pos->next)
            visit(list_entry(pos, struct mm, all), arg);
        spin_unlock(&m->lock);
    }
}
