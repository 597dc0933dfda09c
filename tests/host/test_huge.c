/* SPDX-License-Identifier: MIT
 *
 * Huge pages: translations, arrangement, fork, truncate, punch, rights, and what is refused.
 * Balance is the harness's business.
 */
#include "lib/string.h"
#include "mm/op/fork.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define H HUGE_SIZE

/* n huge pages, page i beginning with i + 1 and with i + 101 in the middle. */
static struct vm_object *file(u32 n)
{
    struct vm_object *o = object_create_huge(n * H);

    CHECK(o);
    for (u32 i = 0; i < n; i++) {
        struct page *pg;

        CHECK_EQ(object_get_page(o, i * HUGE_PAGES + 7, &pg), 0); /* any of its numbers */
        CHECK_EQ(pg->index, i * HUGE_PAGES);
        *(u32 *)page_to_virt(pg) = i + 1;
        *(u32 *)((char *)page_to_virt(pg) + H / 2) = i + 101;
        page_put(pg);
    }
    return o;
}

static int try_map(struct mm *mm, vaddr_t addr, u64 len, u32 flags, struct vm_object *o,
                   u64 at)
{
    struct mmap_args a = {.addr = addr,
                          .len = len,
                          .prot = RW,
                          .flags = flags | (addr ? MAP_FIXED : 0) |
                                   (o ? 0 : MAP_ANONYMOUS | MAP_HUGETLB),
                          .object = o,
                          .offset = at,
                          .max_prot = RWX};
    vaddr_t out;

    return mm_mmap(mm, &a, &out);
}

static u32 at(struct mm *mm, u32 i)
{
    u32 n = host_read_u32(mm, BASE + i * H);

    CHECK_EQ(host_read_u32(mm, BASE + i * H + H / 2), n + 100);
    return n - 1;
}

static int remap(struct mm *mm, u32 i, u32 n, u32 page)
{
    int err = mm_remap(mm, BASE + i * H, n * H, 0, page * HUGE_PAGES, 0);

    t_check(mm);
    return err;
}

TEST(huge_shared)
{
    struct vm_object *o = file(4);
    struct mm *mm = t_mm();

    CHECK_EQ(try_map(mm, BASE, 4 * H, MAP_SHARED, o, 0), 0);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(at(mm, i), i);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 4 * HUGE_PAGES);
    CHECK_EQ(mm->tables, 3); /* no leaf table */
    t_check(mm);
    t_end(mm);
    CHECK_EQ(object_resident(o), 4 * HUGE_PAGES);
    object_put(o);
}

TEST(huge_remaps)
{
    struct vm_object *o = file(4);
    struct mm *mm = t_mm();
    struct page *pg;

    CHECK_EQ(try_map(mm, BASE, 4 * H, MAP_SHARED, o, 0), 0);
    CHECK_EQ(at(mm, 0), 0);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(remap(mm, i, 1, 3 - i), 0);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(at(mm, i), 3 - i);
    CHECK_EQ(remap(mm, 1, 1, 3), 0); /* aliases: three of page 3 */
    CHECK_EQ(remap(mm, 2, 1, 3), 0);
    host_write_u32(mm, BASE + 2 * H + 4, 77);
    CHECK_EQ(host_read_u32(mm, BASE + 4), 77);
    pg = object_find_page(o, 3 * HUGE_PAGES);
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), 3);
    page_put(pg);
    CHECK_EQ(UNDER(&mm->lock, mm_offset(mm, vma_at(mm, BASE), BASE + H + 5 * P)),
             3 * HUGE_PAGES + 5);
    CHECK(away_bytes());
    CHECK_EQ(remap(mm, 0, 4, 0), 0);
    CHECK_EQ(away_bytes(), 0);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(at(mm, i), i);
    t_end(mm);
    object_put(o);
}

TEST(huge_refuses)
{
    struct vm_object *o = file(4);
    struct mm *mm = t_mm();
    vaddr_t out;
    u64 before;

    CHECK_EQ(try_map(mm, BASE, 4 * H, MAP_SHARED, o, 0), 0);
    CHECK_EQ(remap(mm, 0, 1, 2), 0);
    before = mm->total_vm + mm->nvmas;
    CHECK_EQ(mm_remap(mm, BASE + P, H, 0, 0, 0), -EINVAL);
    CHECK_EQ(mm_remap(mm, BASE + 1, H, 0, 0, 0), -EINVAL);
    CHECK_EQ(mm_remap(mm, BASE, H + P, 0, 0, 0), -EINVAL);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 0, 0), -EINVAL);
    CHECK_EQ(mm_remap(mm, BASE, H, 0, 1, 0), -EINVAL);
    CHECK_EQ(mm_munmap(mm, BASE, P), -EINVAL);
    CHECK_EQ(mm_munmap(mm, BASE + H - P, 2 * P), -EINVAL);
    CHECK_EQ(mm_mprotect(mm, BASE, P, PROT_READ), -EINVAL);
    CHECK_EQ(mm_madvise(mm, BASE + P, P, MADV_DONTNEED), -EINVAL);
    CHECK_EQ(mm_madvise(mm, BASE, P, MADV_DONTNEED), 0); /* whole pages only: none */
    CHECK_EQ(mm_seal(mm, BASE + P, H), -EINVAL);
    CHECK_EQ(mm_mremap(mm, BASE, 4 * H, 4 * H, MREMAP_MAYMOVE | MREMAP_FIXED,
                       BASE + 8 * H + P, &out),
             -EINVAL);
    CHECK_EQ(
        mm_mremap(mm, BASE, 4 * H, 4 * H, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, &out),
        -EINVAL);
    CHECK_EQ(mm_mremap(mm, BASE, 4 * H, 5 * H, MREMAP_MAYMOVE, 0, &out), -EINVAL);
    CHECK_EQ(mm_mremap(mm, BASE, 4 * H, 3 * H + P, 0, 0, &out), 0); /* rounded */
    CHECK_EQ(mm_remap_clone(mm, BASE, H + P, RW, &out), -EINVAL);
    CHECK_EQ(mm_remap_clone(mm, BASE + P, H, RW, &out), -EINVAL);
    CHECK_EQ(mm_remap_swap(mm, BASE, BASE + H + P, H), -EINVAL);
    CHECK_EQ(mm_remap_swap(mm, BASE, BASE + H, P), -EINVAL);
    CHECK_EQ(mm_remap_rotate(mm, BASE, 4 * H, 1), -EINVAL);
    CHECK_EQ(mm_remap_rotate(mm, BASE, 4 * H + P, HUGE_PAGES), -EINVAL);
    CHECK_EQ(try_map(mm, BASE + P, H, MAP_PRIVATE, NULL, 0), -EINVAL);
    CHECK_EQ(try_map(mm, BASE + 8 * H, H, MAP_SHARED, o, P), -EINVAL);
    CHECK_EQ(object_truncate(o, H + P), -EINVAL);
    CHECK_EQ(mm->total_vm + mm->nvmas, before);
    CHECK_EQ(at(mm, 0), 2);
    CHECK_EQ(mm_mlock(mm, BASE + P, P, 0), 0); /* cuts nothing */
    CHECK_EQ(mm->nvmas, 1);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(huge_truncate)
{
    struct vm_object *o = file(4);
    struct mm *mm = t_mm();

    CHECK_EQ(try_map(mm, BASE, 4 * H, MAP_SHARED, o, 0), 0);
    CHECK_EQ(try_map(mm, BASE + 8 * H, 4 * H, MAP_PRIVATE, o, 0), 0);
    CHECK_EQ(remap(mm, 0, 1, 3), 0);
    CHECK_EQ(at(mm, 0), 3);
    host_write_u32(mm, BASE + 11 * H, 5);
    CHECK_EQ(host_read_u32(mm, BASE + 10 * H), 3);
    CHECK_EQ(object_truncate(o, 2 * H), 0);
    t_check(mm);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 0);
    CHECK_EQ(t_try(mm, BASE + 3 * H, FAULT_READ), FAULT_BUS);
    CHECK_EQ(host_access(mm, BASE, &(u8){0}, 1, FAULT_READ), FAULT_BUS);
    CHECK_EQ(at(mm, 1), 1);
    CHECK_EQ(object_truncate(o, 4 * H), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 0);
    host_write_u32(mm, BASE + H + P, 6);
    object_punch(o, H + P, H + P + 2); /* within one */
    CHECK_EQ(host_read_u32(mm, BASE + H + P), 0);
    object_punch(o, H / 2,
                 2 * H + 4); /* the second half, all of page 1, a bit of page 2 */
    t_check(mm);
    CHECK_EQ(host_read_u32(mm, BASE + 8 * H), 1);
    CHECK_EQ(host_read_u32(mm, BASE + 8 * H + H / 2), 0);
    CHECK_EQ(host_read_u32(mm, BASE + H), 0);
    t_end(mm);
    object_put(o);
}

TEST(huge_private)
{
    struct vm_object *o = file(2);
    struct mm *mm = t_mm(), *child;

    CHECK_EQ(try_map(mm, BASE, 2 * H, MAP_PRIVATE, o, 0), 0);
    CHECK_EQ(try_map(mm, BASE + 4 * H, 2 * H, MAP_PRIVATE, NULL, 0), 0);
    CHECK_EQ(at(mm, 0), 0);
    host_write_u32(mm, BASE, 9);
    host_write_u32(mm, BASE + 4 * H, 8);
    t_check(mm);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 2 * HUGE_PAGES);
    CHECK_EQ(mm_fork(mm, &child), 0);
    t_check(mm);
    t_check(child);
    host_write_u32(child, BASE, 10);
    CHECK_EQ(host_read_u32(child, BASE + 4 * H), 8);
    CHECK_EQ(host_read_u32(mm, BASE), 9);
    host_write_u32(mm, BASE, 11);
    host_write_u32(mm, BASE + 4 * H, 12);
    CHECK_EQ(host_read_u32(child, BASE), 10);
    CHECK_EQ(host_read_u32(child, BASE + 4 * H), 8);
    CHECK_EQ(mm_mprotect(mm, BASE + 4 * H, H, PROT_NONE), 0);
    t_check(mm);
    CHECK_EQ(t_try(mm, BASE + 4 * H, FAULT_READ), FAULT_ACCERR);
    CHECK_EQ(mm_mprotect(mm, BASE + 4 * H, H, RW), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 4 * H), 12);
    host_write_u32(mm, BASE + 4 * H, 13);
    t_check(mm);
    t_end(child);
    t_end(mm);
    object_put(o);
}

TEST(huge_fork_arrangement)
{
    struct vm_object *o = file(3);
    struct mm *mm = t_mm(), *child;

    CHECK_EQ(try_map(mm, BASE, 3 * H, MAP_SHARED, o, 0), 0);
    CHECK_EQ(remap(mm, 0, 2, 1), 0);
    CHECK_EQ(mm_fork(mm, &child), 0);
    t_check(child);
    CHECK_EQ(at(child, 0), 1);
    CHECK_EQ(at(child, 1), 2);
    CHECK_EQ(at(child, 2), 2);
    CHECK_EQ(remap(child, 0, 3, 0), 0);
    CHECK_EQ(at(mm, 0), 1);
    CHECK_EQ(object_truncate(o, 0), 0);
    t_check(mm);
    t_check(child);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM) + mm_resident(child, RESIDENT_SHMEM), 0);
    t_end(child);
    t_end(mm);
    object_put(o);
}

/* Every allocation of a remap, a fork and a mapping fails once: nothing changes, nothing is
 * lost. */
TEST(huge_no_memory)
{
    struct vm_object *o = file(3);
    struct mm *mm = t_mm(), *child;
    bool failed = true;

    CHECK_EQ(try_map(mm, BASE, 3 * H, MAP_SHARED, o, 0), 0);
    for (u64 n = 1; failed; n++) {
        int err;

        alloc_fail_at(n);
        err = remap(mm, 0, 1, 2);
        failed = alloc_fail_left() == 0;
        alloc_fail_at(0);
        CHECK(err == 0 || (err == -ENOMEM && failed));
        CHECK_EQ(at(mm, 0), err ? 0 : 2);
        CHECK_EQ(remap(mm, 0, 1, 0), 0);
    }
    CHECK_EQ(remap(mm, 0, 1, 2), 0);
    failed = true;
    for (u64 n = 1; failed; n++) {
        int err;

        alloc_fail_at(n);
        err = mm_fork(mm, &child);
        failed = alloc_fail_left() == 0;
        alloc_fail_at(0);
        CHECK(err == 0 || (err == -ENOMEM && failed));
        t_check(mm);
        if (!err)
            t_end(child);
    }
    t_end(mm);
    object_put(o);
}

TEST(huge_beside_small)
{
    struct mm *mm = t_mm();

    for (u32 round = 0; round < 3; round++) {
        t_anon(mm, BASE, 3 * HUGE_PAGES, RW);
        host_write_u32(mm, BASE + H, 1);
        host_write_u32(mm, BASE + 2 * H, 2);
        CHECK_EQ(try_map(mm, BASE + H, H, MAP_PRIVATE, NULL, 0), 0);
        t_check(mm);
        host_write_u32(mm, BASE + H, 3);
        CHECK_EQ(host_read_u32(mm, BASE + 2 * H), 2);
        t_check(mm);
        t_anon(mm, BASE + H, HUGE_PAGES, RW);
        CHECK_EQ(host_read_u32(mm, BASE + H), 0);
        t_check(mm);
    }
    t_end(mm);
}

TEST(huge_none_left)
{
    struct mm *mm = t_mm();
    u64 have = page_count_huge(), n = 0;

    CHECK(have > 4);
    CHECK_EQ(try_map(mm, BASE, (have + 1) * H, MAP_PRIVATE, NULL, 0), -ENOMEM);
    CHECK_EQ(try_map(mm, BASE, (have + 1) * H, MAP_PRIVATE | MAP_NORESERVE, NULL, 0), 0);
    while (n <= have && host_write(mm, BASE + n * H, &(u8){1}, 1) == FAULT_OK)
        n++;
    CHECK(n >= have - 1 && n <= have);
    CHECK_EQ(host_write(mm, BASE + n * H, &(u8){1}, 1), FAULT_BUS);
    t_check(mm);
    t_end(mm);
}
