/* SPDX-License-Identifier: MIT
 *
 * The vDSO's pages and its mapping: one for both, for each costs every fork. It is private, so
 * that a debugger's breakpoint makes a copy of the page it is in.
 */
#include "kernel/task/exec/vdso.h"
#include "arch/vdso.h"
#include "fs/wallclock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

static struct vm_object *object;
static struct vdso_data *data;
static u64 size; /* of the mapping; 0: there is no vDSO */

/* The page of the object with these bytes; pinned for ever. NULL: no memory. */
static void *fill_page(pgoff_t index, const void *bytes, size_t n)
{
    struct page *pg;

    if (object_get_page(object, index, &pg) != 0)
        return NULL;
    memcpy(page_to_virt(pg), bytes, n);
    return page_to_virt(pg);
}

void vdso_init(void)
{
    size_t n = (size_t)(vdso_image_end - vdso_image);
    u64 image = align_up(n, PAGE_SIZE);
    struct vdso_data first = {0};

    ASSERT(image + PAGE_SIZE <= VDSO_ROOM);
    object = object_create(image + PAGE_SIZE);
    if (!object)
        return;
    clock_for_programs(&first);
    first.wall = (s64)wall_ns_at(0);
    data = fill_page(image >> PAGE_SHIFT, &first, sizeof(first));
    for (size_t at = 0; at < n; at += PAGE_SIZE)
        if (!fill_page(at >> PAGE_SHIFT, vdso_image + at, MIN(n - at, PAGE_SIZE)))
            data = NULL;
    if (data)
        size = image + PAGE_SIZE;
    else
        printk(LOG_WARNING "no memory for the vDSO\n");
}

void vdso_clock_was_set(void)
{
    if (data)
        __atomic_store_n(&data->wall, (s64)wall_ns_at(0), __ATOMIC_RELAXED);
}

int vdso_map(struct mm *mm, vaddr_t end, vaddr_t *image)
{
    const u32 prot = PROT_READ | PROT_EXEC;
    const struct mmap_args args = {.addr = end - size,
                                   .len = size,
                                   .prot = prot,
                                   .flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE,
                                   .object = object,
                                   .max_prot = prot | PROT_WRITE,
                                   .vm_flags = VM_NOCOPY};

    *image = 0;
    return size ? mm_mmap(mm, &args, image) : 0;
}

bool vdso_is(const struct vma *v)
{
    return v->object && v->object == object;
}
