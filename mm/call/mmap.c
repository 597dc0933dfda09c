/* SPDX-License-Identifier: MIT
 *
 * mmap: check the arguments, choose the range, reserve what is needed, and only
 * then take away what MAP_FIXED covers and insert. No page table is touched here except to
 * remove; translations come by faults or MAP_POPULATE.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/call/pkey.h"
#include "mm/op/area.h"
#include "mm/op/area_trim.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/vm/commit.h"
#include "mm/vm/huge.h"
#include "mm/vm/lend.h"
#include "mm/vm/object.h"

#define MAP_LOW_START 0x40000000ul /* MAP_32BIT: [1 GiB, 2 GiB) as on Linux */
#define MAP_LOW_END   0x80000000ul
#define MAP_HIGH      0x100000000ul /* MAP_ABOVE4G */

/* What MAP_SHARED_VALIDATE knows; everything else is refused there and ignored elsewhere. Programs
 * ask there what kernel they have: it is the list of Linux 6.1, without MAP_ABOVE4G of 6.6. */
#define MAP_KNOWN                                                                       \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | \
     MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |        \
     MAP_STACK | MAP_HUGETLB | (u64)MAP_HUGE_2MB | (u64)MAP_HUGE_1GB)

#define PLACED (MAP_FIXED | MAP_FIXED_NOREPLACE)

/* A call under way. */
struct mapping {
    struct mm *mm;
    const struct mmap_args *args;
    vaddr_t addr;
    u64 len, unit;              /* a multiple of the size of its pages */
    u32 flags;                  /* VM_* */
    struct area_pages replaced; /* by MAP_FIXED */
    struct area_reserve reserve;
    struct vma *vma;
};

/* The size of its pages: MAP_HUGETLB for anonymous memory; files say it themselves. */
static u64 page_size(const struct mmap_args *a)
{
    if (a->object)
        return PAGE_SIZE << a->object->order;
    return a->flags & MAP_HUGETLB ? HUGE_SIZE : PAGE_SIZE;
}

static bool is_huge(const struct mapping *m)
{
    return m->unit != PAGE_SIZE;
}

static int check_length(struct mapping *m)
{
    u64 len = m->args->len;

    if (len == 0)
        return -EINVAL;
    m->unit = page_size(m->args);
    m->len = align_up(len, m->unit);
    return m->len < len || m->len > USER_END ? -ENOMEM : 0;
}

/* What is asked for, the place being settled: the kind of mapping, and what the file says. */
static int check_kind(const struct mapping *m)
{
    const struct mmap_args *a = m->args;
    u32 type = a->flags & MAP_TYPE;
    u64 room = (u64)INT64_MAX - m->len;

    if (a->from_file) {
        if (a->offset >> PAGE_SHIFT > room >> PAGE_SHIFT)
            return -EOVERFLOW;
        if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
            return -EINVAL;
        if (type == MAP_SHARED_VALIDATE && (a->flags & ~MAP_KNOWN))
            return -EOPNOTSUPP;
        return a->file_error;
    }
    if (type == MAP_DROPPABLE && (a->flags & (MAP_LOCKED | MAP_HUGETLB | MAP_GROWSDOWN)))
        return -EINVAL;
    if ((a->flags & MAP_GROWSDOWN) && (type != MAP_PRIVATE || is_huge(m)))
        return -EINVAL;
    return type == MAP_SHARED || type == MAP_PRIVATE || type == MAP_DROPPABLE ? 0
                                                                              : -EINVAL;
}

/* Without a pool huge pages are not reserved, but what is not there now is refused: a fault
 * could only end in SIGBUS. */
static int check_huge(const struct mmap_args *a, u64 len)
{
    u64 need = len / HUGE_SIZE, have = a->object ? object_resident(a->object) : 0;

    if (huge_ops || (a->flags & MAP_NORESERVE) || need <= have / HUGE_PAGES)
        return 0;
    return need - have / HUGE_PAGES > page_count_huge() ? -ENOMEM : 0;
}

/* Whether nothing is mapped in [addr, addr+len) and no growable area's guard gap is hit. */
static bool range_free(const struct mm *mm, vaddr_t addr, u64 len)
{
    struct vma *v = vma_find(mm, addr);

    return !v || addr + len <= vma_low_end(v);
}

/* MAP_FIXED and MAP_FIXED_NOREPLACE. */
static int check_place(const struct mapping *m)
{
    vaddr_t addr = m->args->addr;

    if (addr > (vaddr_t)-4096) /* Linux takes such a place for an error already */
        return (int)addr;
    if (addr > USER_END - m->len)
        return -ENOMEM;
    if (addr % m->unit)
        return -EINVAL;
    if (mm_too_low(addr))
        return -EPERM;
    if (m->args->flags & MAP_FIXED_NOREPLACE) {
        struct vma *v = vma_find(m->mm, addr);

        return v && v->start < addr + m->len ? -EEXIST : 0;
    }
    return 0;
}

/* Where the mapping goes: the place asked for when it is free, else where there is room. */
static int choose_range(struct mapping *m)
{
    const struct mmap_args *a = m->args;
    u64 unit = m->unit;
    vaddr_t hint = a->addr & PAGE_MASK, least = READ_ONCE(mm_min_addr);

    if (a->flags & PLACED) {
        m->addr = a->addr;
        return check_place(m);
    }
    if (hint) {
        vaddr_t top = a->flags & MAP_32BIT ? MAP_LOW_END : USER_END;

        m->addr = align_up(MAX(hint, align_up(least, PAGE_SIZE)), unit);
        if (m->len <= top && m->addr >= hint && m->addr <= top - m->len &&
            range_free(m->mm, m->addr, m->len))
            return 0;
    }
    if (a->flags & MAP_32BIT)
        return area_find_gap_low(m->mm, m->len, unit, MAP_LOW_START, MAP_LOW_END,
                                 &m->addr);
    return area_find_place(m->mm, m->len, unit, a->flags & MAP_ABOVE4G ? MAP_HIGH : 0,
                           &m->addr);
}

/* What few ask for. */
#define RARE (MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_DROPPABLE)
static u32 rare_flags(const struct mmap_args *a)
{
    bool droppable = (a->flags & MAP_TYPE) == MAP_DROPPABLE;
    u32 flags = 0;

    if (a->flags & MAP_GROWSDOWN)
        flags |= VM_GROWSDOWN;
    if (a->flags & MAP_LOCKED)
        flags |= VM_LOCKED;
    if (((a->flags & MAP_NORESERVE) && mm_overcommit != OVERCOMMIT_NEVER) || droppable)
        flags |= VM_NORESERVE;
    if (droppable)
        flags |= VM_DROPPABLE | VM_WIPEONFORK | VM_DONTDUMP;
    return flags;
}

static inline u32 usual_flags(struct mm *mm, const struct mmap_args *a)
{
    u32 rights = likely(a->prot != PROT_EXEC) ? a->prot & VM_PROT : exec_rights(mm);

    return rights | (a->max_prot & VM_PROT) << 4 | mm->def_flags | a->vm_flags;
}

static u32 vm_flags(const struct mapping *m)
{
    const struct mmap_args *a = m->args;
    u32 flags = usual_flags(m->mm, a);

    if (a->flags & MAP_SHARED) /* bit 0 of MAP_SHARED and MAP_SHARED_VALIDATE */
        flags |= VM_SHARED;
    if (unlikely(a->flags & RARE))
        flags |= rare_flags(a);
    if (is_huge(m)) /* never swapped, so never counted as locked */
        flags = (flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | VM_HUGE;
    else if (vm_commits(flags))
        flags |= VM_ACCOUNT;
    return flags;
}

static int check_lock(const struct mapping *m)
{
    const struct mm *mm = m->mm;

    if ((m->args->flags & MAP_LOCKED) && !caller_may(CAP_IPC_LOCK) && !mm->limits.memlock)
        return -EPERM; /* may not lock at all */
    return m->flags & VM_LOCKED ? area_check_memlock(mm, m->len >> PAGE_SHIFT) : 0;
}

/* What MAP_FIXED covers can be taken away, as munmap would. */
static int check_replaced(struct mapping *m)
{
    vaddr_t end = m->addr + m->len;

    if (!(m->args->flags & MAP_FIXED))
        return 0;
    m->replaced = area_pages_in(m->mm, m->addr, end);
    return area_check_unmap(m->mm, m->addr, end, &m->replaced);
}

/* The object of the new VMA, referenced. An object without a name is committed as a whole. */
static struct vm_object *get_object(const struct mapping *m)
{
    struct vm_object *o = m->args->object;

    if (o) {
        object_get(o);
        return o;
    }
    if (m->flags & VM_HUGE)
        return object_create_huge(m->len);
    o = object_create(m->len);
    if (o && object_commit(o, m->len >> PAGE_SHIFT, m->flags & VM_NORESERVE, m->mm)) {
        object_put(o);
        o = NULL;
    }
    return o;
}

/* The record of the mapping, all fields set. */
static int make_vma(struct mapping *m)
{
    const struct mmap_args *a = m->args;
    struct vma *v = vma_alloc();

    if (!v)
        return -ENOMEM;
    if (m->replaced.all &&
        area_reserve(&m->reserve, area_cuts(m->mm, m->addr, m->addr + m->len)) != 0) {
        vma_free(v);
        return -ENOMEM;
    }
    v->mm = m->mm;
    v->start = m->addr;
    v->end = m->addr + m->len;
    vma_set_flags(v, m->flags);
    v->pgoff = m->addr >> PAGE_SHIFT;
    if (a->object || (m->flags & VM_SHARED)) {
        v->object = get_object(m);
        v->pgoff = a->object ? a->offset >> PAGE_SHIFT : 0;
        if (!v->object) {
            vma_free(v);
            return -ENOMEM;
        }
    }
    if (a->file) {
        v->file = a->file;
        vm_file_get(a->file);
    }
    m->vma = v;
    return 0;
}

/* Promises the pages of the new VMA. */
static int promise(struct mapping *m)
{
    int err = 0;

    if ((m->flags & VM_HUGE) && huge_ops && !(m->args->flags & MAP_NORESERVE))
        err = huge_ops->reserve(m->vma);
    if (err)
        vma_free(m->vma);
    else
        m->flags = m->vma->flags;
    return err;
}

/* Everything that can fail, in Linux's order. On success the VMA is ready to insert. */
static int prepare(struct mapping *m)
{
    int err;

    if (!area_may_add(m->mm))
        return -ENOMEM;
    err = choose_range(m);
    if (err)
        return err;
    m->flags = vm_flags(m);
    err = check_lock(m);
    if (!err)
        err = check_kind(m);
    if (!err && is_huge(m) && m->args->offset % m->unit)
        err = -EINVAL;
    if (!err)
        err = check_replaced(m);
    if (!err)
        err = area_check_limits(m->mm, m->flags, m->len >> PAGE_SHIFT, m->replaced.all,
                                m->replaced.committed);
    if (!err)
        err = make_vma(m);
    if (!err && (m->replaced.all || m->vma->object)) {
        err = lend_own_ends(m->mm, m->addr, m->addr + m->len);
        if (err)
            vma_free(m->vma);
    }
    return err ? err : promise(m);
}

/* Whether it is private anonymous memory of small pages, anywhere: the commonest. */
static bool is_plain(const struct mmap_args *a)
{
    return (a->flags & ~(u64)MAP_STACK) == (MAP_PRIVATE | MAP_ANONYMOUS) &&
           !(a->addr | (uintptr_t)a->object | (uintptr_t)a->file | a->from_file) &&
           a->len - 1 < USER_END;
}

static noinline int map_plain(struct mm *mm, const struct mmap_args *a, vaddr_t *out)
{
    u64 len = align_up(a->len, PAGE_SIZE);
    vaddr_t addr;
    u32 flags;
    int err;

    mm_lock(mm);
    flags = usual_flags(mm, a);
    if (vm_commits(flags))
        flags |= VM_ACCOUNT;
    err = area_find_place(mm, len, PAGE_SIZE, 0, &addr);
    if (!err)
        err = area_add(mm, addr, addr + len, flags);
    mm_unlock(mm);
    if (!err)
        *out = addr;
    return err;
}

static noinline int map_any(struct mm *mm, const struct mmap_args *a, vaddr_t *out)
{
    struct mapping m; /* the rest is room for records, which need not be cleared */
    struct area_dead dead = {NULL};
    int err;

    m.mm = mm;
    m.args = a;
    m.replaced = (struct area_pages){0};
    m.reserve.n = 0;
    err = check_length(&m);
    if (!err && is_huge(&m))
        err = check_huge(a, m.len);
    if (err)
        return err;
    mm_lock(mm);
    err = prepare(&m);
    if (err) {
        mm_unlock(mm);
        area_release(&m.reserve);
        return err;
    }
    if (m.replaced.all)
        area_unmap(mm, m.addr, m.addr + m.len, &m.reserve, &dead);
    if (m.flags & VM_HUGE)
        area_clear_way(mm, m.addr, m.addr + m.len);
    vma_add(mm, m.vma);
    area_account(mm, m.flags, (s64)(m.len >> PAGE_SHIFT));
    if ((a->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
        vm_populates(m.flags) ||
        ((m.flags & VM_HUGE) && ((a->flags & MAP_LOCKED) || vm_populates(mm->def_flags))))
        (void)fault_populate(mm, m.addr, m.addr + m.len); /* best effort by definition */
    mm_unlock(mm);
    area_release(&m.reserve);
    area_bury(&dead);
    *out = m.addr;
    return 0;
}

int mm_mmap(struct mm *mm, const struct mmap_args *a, vaddr_t *out)
{
    return is_plain(a) ? map_plain(mm, a, out) : map_any(mm, a, out);
}
