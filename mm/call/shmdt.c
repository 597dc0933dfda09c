/* SPDX-License-Identifier: MIT
 *
 * shmdt: takes away what is left of an attached segment. Its VMAs, cut by other calls as
 * they may be, are known by their flag and by homes that count from the attach address.
 */
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/vm/lend.h"
#include "mm/vm/object.h"

/* Whether v is a piece of the segment attached at addr. */
static bool is_piece(const struct vma *v, vaddr_t addr)
{
    return (v->flags & VM_NOREMAP) && v->pgoff == (v->start - addr) >> PAGE_SHIFT;
}

/* The first piece of an attach at addr. */
static struct vma *first_piece(const struct mm *mm, vaddr_t addr)
{
    struct vma *v = vma_find(mm, addr);

    while (v && !(v->start >= addr && is_piece(v, addr))) {
        v = vma_next(v);
        pause_anyway();
    }
    return v;
}

/* Where its pages end at the latest. */
static vaddr_t last_end(const struct vma *v, vaddr_t addr)
{
    return addr + (object_npages(v->object) << PAGE_SHIFT);
}

int mm_shmdt(struct mm *mm, vaddr_t addr, struct vm_file **file)
{
    struct area_reserve none = {.n = 0};
    struct area_dead dead = {NULL};
    struct vma *v, *next;
    struct vm_object *object;
    vaddr_t end;
    int err = 0;

    if (addr % PAGE_SIZE)
        return -EINVAL;
    mm_lock(mm);
    v = first_piece(mm, addr);
    if (!v) {
        mm_unlock(mm);
        return -EINVAL;
    }
    object = v->object;
    end = last_end(v, addr);
    for (next = v; next && next->start < end; next = vma_next(next))
        if (next->object == object && is_piece(next, addr) && (next->flags & VM_SEALED))
            err = -EPERM;
    for (next = v; !err && next && next->start < end; next = vma_next(next))
        if (next->object == object && is_piece(next, addr))
            err = lend_own_ends(mm, next->start, next->end);
    if (!err)
        vm_file_get(*file = v->file);
    for (; !err && v && v->start < end; v = next) {
        pause_anyway();
        next = vma_next(v);
        if (v->object == object && is_piece(v, addr))
            area_unmap(mm, v->start, v->end, &none, &dead);
    }
    mm_unlock(mm);
    area_bury(&dead);
    return err;
}
