/* SPDX-License-Identifier: MIT
 *
 * mmap and munmap: check the arguments, choose the range, reserve what is needed, and only
 * then take away what MAP_FIXED covers and insert. No page table is touched here except to
 * remove; translations come by faults or MAP_POPULATE.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/area.h"
#include "mm/calls.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/object.h"

#define MAP_LOW_START 0x40000000ul /* MAP_32BIT: [1 GiB, 2 GiB) as on Linux */
#define MAP_LOW_END   0x80000000ul

/* What MAP_SHARED_VALIDATE knows; everything else is refused there and ignored elsewhere. */
#define MAP_KNOWN                                                                       \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | \
     MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |        \
     MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE | MAP_HUGE_MASK << MAP_HUGE_SHIFT)

/* MAP_HUGETLB for anonymous memory; files say it themselves. */
static bool is_huge(const struct mmap_args *a)
{
    return a->object ? a->object->order != 0 : a->flags & MAP_HUGETLB;
}

static int check_args(const struct mmap_args *a, u64 *len)
{
    u32 type = a->flags & MAP_TYPE;

    if (a->len == 0)
        return -EINVAL;
    *len = align_up(a->len, is_huge(a) ? HUGE_SIZE : PAGE_SIZE);
    if (*len == 0 || *len < a->len)
        return -ENOMEM;
    if (a->offset % PAGE_SIZE)
        return -EINVAL;
    if ((a->object || a->file) &&
        (a->offset > INT64_MAX || *len > (u64)INT64_MAX - a->offset))
        return *len > USER_END ? -ENOMEM : -EOVERFLOW;
    if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (a->flags & ~(u32)MAP_KNOWN))
        return -EOPNOTSUPP;
    if ((a->flags & MAP_GROWSDOWN) && (type != MAP_PRIVATE || a->object))
        return -EINVAL;
    if (is_huge(a) && (a->offset % HUGE_SIZE || (a->flags & MAP_GROWSDOWN)))
        return -EINVAL;
    return *len > USER_END ? -ENOMEM : 0;
}

/* Huge pages are not reserved, but what is not there now is refused: a fault could only end in
 * SIGBUS. */
static int check_huge(const struct mmap_args *a, u64 len)
{
    u64 need = len / HUGE_SIZE, have = a->object ? object_resident(a->object) : 0;

    if ((a->flags & MAP_NORESERVE) || need <= have / HUGE_PAGES)
        return 0;
    return need - have / HUGE_PAGES > huge_available() ? -ENOMEM : 0;
}

/* Whether nothing is mapped in [addr, addr+len) and no growable area's guard gap is hit. */
static bool range_free(const struct mm *mm, vaddr_t addr, u64 len, bool keep_guard)
{
    struct vma *v = vma_find(mm, addr);
    vaddr_t end = addr + len;

    if (!v)
        return true;
    if (keep_guard && (v->flags & VM_GROWSDOWN) && v->start < USER_END &&
        end > (v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0))
        return false;
    return end <= v->start;
}

static int find_gap(const struct mm *mm, const struct mmap_args *a, u64 len, vaddr_t low,
                    vaddr_t high, vaddr_t *out)
{
    u64 slack = is_huge(a) ? HUGE_SIZE - PAGE_SIZE : 0;
    int err = vma_find_gap(mm, len + slack, low, high, out);

    if (!err && slack)
        *out = align_down(*out + slack, HUGE_SIZE);
    return err;
}

static int choose_range(const struct mm *mm, const struct mmap_args *a, u64 len,
                        vaddr_t *out)
{
    vaddr_t addr = a->addr;

    if (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (addr > USER_END - len)
            return -ENOMEM;
        if (addr % (is_huge(a) ? HUGE_SIZE : PAGE_SIZE))
            return -EINVAL;
        if (huge_cut(mm, addr, addr + len))
            return -EINVAL;
        if (addr < MMAP_MIN_ADDR)
            return -EPERM;
        if ((a->flags & MAP_FIXED_NOREPLACE) && !range_free(mm, addr, len, false))
            return -EEXIST;
        if (area_sealed(mm, addr, addr + len))
            return -EPERM;
        *out = addr;
        return 0;
    }
    if (a->flags & MAP_32BIT)
        return find_gap(mm, a, len, MAP_LOW_START, MAP_LOW_END, out);
    if (addr) {
        addr = MAX(addr & PAGE_MASK, MMAP_MIN_ADDR);
        if (is_huge(a))
            addr = align_up(addr, HUGE_SIZE);
        if (addr <= USER_END - len && range_free(mm, addr, len, true)) {
            *out = addr;
            return 0;
        }
    }
    if (find_gap(mm, a, len, MMAP_MIN_ADDR, mm->mmap_base, out) == 0)
        return 0;
    return find_gap(mm, a, len, MMAP_MIN_ADDR, USER_END, out);
}

static u32 vm_flags(const struct mm *mm, const struct mmap_args *a)
{
    u32 flags =
        (a->prot & VM_PROT) | (a->max_prot & VM_PROT) << 4 | mm->def_flags | a->vm_flags;

    if (a->flags & MAP_SHARED) /* bit 0 of MAP_SHARED and MAP_SHARED_VALIDATE */
        flags |= VM_SHARED;
    if (a->flags & MAP_GROWSDOWN)
        flags |= VM_GROWSDOWN;
    if (a->flags & MAP_LOCKED)
        flags |= VM_LOCKED;
    if (a->flags & MAP_NORESERVE)
        flags |= VM_NORESERVE;
    if (is_huge(a)) /* never swapped, so never counted as locked */
        flags = (flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | VM_HUGE;
    return flags;
}

/* Everything that can fail once the range is known. On success v is ready to insert. */
static int prepare(struct mm *mm, const struct mmap_args *a, vaddr_t addr, u64 len,
                   u32 flags, struct area_reserve *r, struct vma **out)
{
    u64 npages = len >> PAGE_SHIFT;
    u64 replaced = a->flags & MAP_FIXED ? area_pages_in(mm, addr, addr + len) : 0;
    int err = area_check_limits(mm, flags, npages, replaced);
    struct vma *v;

    if ((a->flags & MAP_LOCKED) && !mm->limits.memlock_unlimited && !mm->limits.memlock)
        return -EPERM; /* may not lock at all */
    if (!err && (flags & VM_LOCKED))
        err = area_check_memlock(mm, npages);
    if (!err)
        err = area_reserve(r, 1 + (replaced ? area_cuts(mm, addr, addr + len) : 0));
    if (err)
        return err;
    v = area_take(r);
    v->mm = mm;
    v->start = addr;
    v->end = addr + len;
    v->flags = flags;
    v->pgoff = addr >> PAGE_SHIFT;
    if (a->object || (flags & VM_SHARED)) {
        v->object = a->object;
        v->pgoff = a->object ? a->offset >> PAGE_SHIFT : 0;
        if (a->object)
            object_get(a->object);
        else /* shared anonymous: an object without a name */
            v->object = flags & VM_HUGE ? object_create_huge(len) : object_create(len);
        if (!v->object) {
            vma_free(v);
            area_release(r);
            return -ENOMEM;
        }
    }
    if (a->file) {
        v->file = a->file;
        vm_file_get(a->file);
    }
    *out = v;
    return 0;
}

int mm_mmap(struct mm *mm, const struct mmap_args *a, vaddr_t *out)
{
    struct area_reserve r = {.n = 0};
    struct area_dead dead = {NULL};
    struct vma *v;
    vaddr_t addr = 0;
    u32 flags;
    u64 len;
    int err = check_args(a, &len);

    if (!err && is_huge(a))
        err = check_huge(a, len);
    if (err)
        return err;
    mutex_lock(&mm->lock);
    flags = vm_flags(mm, a);
    err = choose_range(mm, a, len, &addr);
    if (!err)
        err = prepare(mm, a, addr, len, flags, &r, &v);
    if (err) {
        mutex_unlock(&mm->lock);
        return err;
    }
    if (a->flags & MAP_FIXED)
        area_unmap(mm, addr, addr + len, &r, &dead);
    if (flags & VM_HUGE)
        huge_clear_way(mm, addr, addr + len);
    vma_insert(mm, v);
    area_account(mm, flags, (s64)(len >> PAGE_SHIFT));
    vma_merge(mm, v);
    if ((a->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
        vm_populates(flags) ||
        ((flags & VM_HUGE) && ((a->flags & MAP_LOCKED) || vm_populates(mm->def_flags))))
        (void)fault_populate(mm, addr, addr + len); /* best effort by definition */
    mutex_unlock(&mm->lock);
    area_release(&r);
    area_bury(&dead);
    *out = addr;
    return 0;
}

/* Whether [addr, end) can be unmapped, and how many VMAs that cuts. */
static int check_unmap(const struct mm *mm, vaddr_t addr, vaddr_t end, unsigned *cuts)
{
    const struct vma *v = vma_at(mm, addr);

    *cuts = 0;
    if (v && v->start == addr && v->end == end) /* exactly one: nothing to look for */
        return v->flags & VM_SEALED ? -EPERM : 0;
    *cuts = area_cuts(mm, addr, end);
    if (huge_cut(mm, addr, end))
        return -EINVAL;
    if (area_sealed(mm, addr, end))
        return -EPERM;
    /* A hole in one VMA makes one more of it. */
    if (*cuts == 2 && v && v->end > end && mm->nvmas + 1 > mm_max_map_count)
        return -ENOMEM;
    return 0;
}

int mm_munmap(struct mm *mm, vaddr_t addr, u64 len)
{
    struct area_reserve r = {.n = 0};
    struct area_dead dead = {NULL};
    unsigned cuts;
    vaddr_t end;
    int err;

    if (addr % PAGE_SIZE || addr > USER_END || len > USER_END - addr)
        return -EINVAL;
    len = align_up(len, PAGE_SIZE);
    if (len == 0 || len > USER_END - addr)
        return -EINVAL;
    end = addr + len;
    mutex_lock(&mm->lock);
    err = check_unmap(mm, addr, end, &cuts);
    if (!err && cuts)
        err = area_reserve(&r, cuts);
    if (!err)
        area_unmap(mm, addr, end, &r, &dead);
    mutex_unlock(&mm->lock);
    area_release(&r);
    area_bury(&dead);
    return err;
}
