/* SPDX-License-Identifier: MIT
 *
 * The system calls that rearrange mappings and that only we have: kernel copies of what the
 * program passes, then mm/call/calls.h does the work.
 */
#include "lib/uapi/remap.h"
#include "kernel/sys/mm.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/phys/slab.h"

#define VEC_SIZE sizeof(struct remap_vec)

/* Memory for a part of the vector: *room entries, fewer when memory is short, unless the
 * vector must be taken whole. */
static struct remap_vec *part_alloc(size_t *room, bool whole)
{
    struct remap_vec *part = kmalloc(*room * VEC_SIZE);

    while (!part && !whole && *room > 1) {
        *room /= 2;
        part = kmalloc(*room * VEC_SIZE);
    }
    return part;
}

/* Whether every page of a long vector can be read, before the first change. */
static int probe(vaddr_t vec, size_t n)
{
    vaddr_t last = vec + n * VEC_SIZE - 1;
    u8 byte;

    for (vaddr_t va = vec; va < last; va = (va & PAGE_MASK) + PAGE_SIZE)
        if (copy_from_user(&byte, va, 1) != 0)
            return -EFAULT;
    return copy_from_user(&byte, last, 1);
}

/* How many of the n > 0 entries to do at a time, at least one: no call holds the address
 * space for longer than so many pages take. */
#define PAGES_AT_A_TIME (1ull << 20)

static size_t portion(const struct remap_vec *part, size_t n)
{
    u64 pages = part[0].npages;
    size_t k;

    for (k = 1; k < n; k++) {
        pages += part[k].npages;
        if (pages > PAGES_AT_A_TIME)
            break;
    }
    return k;
}

/* Whether an atomic vector is too much for one call. */
static bool too_big(const struct remap_vec *part, size_t n)
{
    u64 pages = 0;

    for (size_t k = 0; k < n; k++)
        pages += part[k].npages;
    return n > 1 && pages > RM_ATOMIC_PAGES;
}

/* The entries of one part; how many, or the errno of the first. */
static long do_part(struct remap_vec *part, size_t n, u32 flags)
{
    size_t done = 0;

    if (flags & RM_ATOMIC)
        return too_big(part, n) ? -E2BIG : mm_remapv(current_mm(), part, n, flags);
    do {
        size_t now = portion(part + done, n - done);
        long result = mm_remapv(current_mm(), part + done, now, flags);

        if (result < 0)
            return done ? (long)done : result;
        done += (size_t)result;
        if ((size_t)result != now)
            break;
    } while (done < n && !pause_point());
    return (long)done;
}

/* remapv(vec, n, flags) */
long sys_remapv(const struct syscall_args *a)
{
    vaddr_t vec = a->a0;
    u32 flags = (u32)a->a2;
    size_t n = a->a1, room = MIN(n, (size_t)RM_ATOMIC_MAX), done = 0;
    struct remap_vec *part;
    long result = 0;

    if (flags & ~RM_FLAGS)
        return -EINVAL;
    if ((flags & RM_ATOMIC) && n > RM_ATOMIC_MAX)
        return -E2BIG;
    if (n > USER_END / VEC_SIZE || !user_range_ok(vec, n * VEC_SIZE))
        return -EFAULT;
    if (n == 0)
        return 0;
    part = part_alloc(&room, flags & RM_ATOMIC);
    if (!part)
        return -ENOMEM;
    if (n > room)
        result = probe(vec, n);
    while (result >= 0 && done < n) {
        size_t now = MIN(n - done, room);

        result = copy_from_user(part, vec + done * VEC_SIZE, now * VEC_SIZE);
        if (!result)
            result = checked(do_part(part, now, flags));
        if (result > 0)
            done += (size_t)result;
        if ((size_t)result != now || pause_point()) /* short: the next entry fails */
            break;
    }
    kfree(part);
    return done ? (long)done : result;
}

/* remap_swap(a, b, len) */
long sys_remap_swap(const struct syscall_args *a)
{
    return checked(mm_remap_swap(current_mm(), a->a0, a->a1, a->a2));
}

/* remap_rotate(addr, len, by) */
long sys_remap_rotate(const struct syscall_args *a)
{
    return checked(mm_remap_rotate(current_mm(), a->a0, a->a1, (s64)a->a2));
}

/* remap_query(addr, len, out) */
long sys_remap_query(const struct syscall_args *a)
{
    vaddr_t addr = a->a0, out = a->a2;
    u64 len = a->a1, npages = len >> PAGE_SHIFT;
    u64 words[64];

    if (addr % PAGE_SIZE || len % PAGE_SIZE || !len)
        return -EINVAL;
    if (!user_range_ok(addr, len))
        return -ENOMEM;
    if (!user_range_ok(out, npages * sizeof(u64)))
        return -EFAULT;
    for (u64 done = 0; done < npages;) {
        u64 now = MIN(npages - done, ARRAY_SIZE(words));
        int err = mm_remap_query(current_mm(), addr + done * PAGE_SIZE, now, words);

        if (!err)
            err = copy_to_user(out + done * sizeof(u64), words, now * sizeof(u64));
        if (err)
            return err;
        if (pause_point())
            return -EINTR;
        done += now;
    }
    return 0;
}

/* remap_clone(src, len, prot) */
long sys_remap_clone(const struct syscall_args *a)
{
    vaddr_t result;
    int err;

    if (a->a2 > UINT32_MAX)
        return -EINVAL;
    err = mm_remap_clone(current_mm(), a->a0, a->a1, (u32)a->a2, &result);
    return checked(err ? err : (long)result);
}
