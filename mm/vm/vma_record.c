/* SPDX-License-Identifier: MIT
 *
 * The records of VMAs, and which one a CPU found last.
 */
#include "mm/vm/vma_record.h"
#include "mm/phys/slab.h"
#include "mm/vm/monitor.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

SLAB_CACHE_LINES(vma_cache, "vma", struct vma);

struct vma *vma_alloc(void)
{
    struct vma *v = slab_alloc(&vma_cache);

    if (v) {
        v->object = NULL;
        v->file = NULL;
        v->monitor = NULL;
        v->policy = 0;
    }
    return v;
}

static noinline void put_all(struct vma *v)
{
    if (v->object)
        object_put(v->object);
    if (v->file)
        vm_file_put(v->file);
    if (v->monitor)
        monitor_put(v->monitor);
}

void vma_free(struct vma *v)
{
    if (vma_refers(v))
        put_all(v);
    slab_free(&vma_cache, v);
}

void vma_copy(struct vma *to, struct mm *mm, vaddr_t at, const struct vma *v,
              vaddr_t start, vaddr_t end)
{
    to->mm = mm;
    to->start = at;
    to->end = at + (end - start);
    to->pgoff = at >> PAGE_SHIFT;
    to->flags_policy = v->flags_policy & ~(u64)VM_MONITORED;
    to->rights = v->rights;
    to->object = v->object;
    to->file = v->file;
    if (v->object) {
        to->pgoff = vma_home(v, start);
        object_get(v->object);
    }
    if (v->file)
        vm_file_get(v->file);
}

DEFINE_PER_CPU(struct vma_hint, vma_hint) = {.seq = ~0ul};

struct vma *vma_read_search(const struct mm *mm, vaddr_t va)
{
    struct vma *v = vma_search(mm, va);
    u64 seq = READ_ONCE(mm->seq);

    if (!v || va < v->start)
        return NULL;
    /* Odd: somebody waits for this CPU, and will change it then. */
    this_cpu(vma_hint) = (struct vma_hint){seq & 1 ? ~0ul : seq, v, NULL, USER_END};
    return v;
}

noinline struct vma *vma_read_begin_slowly(struct mm *mm, vaddr_t va, u64 seq)
{
    struct vma *v;

    if ((seq & 1) && !mm_read_again(mm))
        return NULL;
    mm_read_note(mm);
    v = vma_read(mm, va);
    if (!v)
        mm_read_end(mm);
    return v;
}
