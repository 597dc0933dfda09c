/* SPDX-License-Identifier: MIT
 *
 * The records of VMAs.
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
    to->pgoff = v->object ? vma_home(v, start) : at >> PAGE_SHIFT;
    to->flags = v->flags & ~VM_MONITORED;
    to->rights = v->rights;
    to->object = v->object;
    to->file = v->file;
    if (to->object)
        object_get(to->object);
    if (to->file)
        vm_file_get(to->file);
}
