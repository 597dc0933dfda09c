/* SPDX-License-Identifier: MIT
 *
 * Monitors: what a fault asks about, pages given and shown, guards, areas, failed allocations.
 */
#include "mm/op/fork.h"
#include "mm/op/provide.h"
#include "mm/op/watch.h"
#include "tests/host/mmtest.h"

static struct monitor monitor;
static bool released;

static void release(struct monitor *m)
{
    CHECK(m == &monitor);
    released = true;
}

static struct mm *watched(vaddr_t start, u64 npages, struct vm_object *o, u32 asks)
{
    struct mm *mm = t_mm();

    released = false;
    monitor_init(&monitor, release);
    if (o)
        t_shared(mm, start, npages, o, 0);
    else
        t_anon(mm, start, npages, RW);
    CHECK_EQ(mm_watch(mm, &monitor, start, start + npages * P, asks, NULL), 0);
    return mm;
}

static void done(struct mm *mm)
{
    t_check(mm);
    t_end(mm);
    CHECK(!released);
    monitor_put(&monitor);
    CHECK(released);
}

/* A page that begins with the number. */
static struct page *page(u32 number)
{
    struct page *pg = page_alloc_user(0, PA_ZERO);

    CHECK(pg);
    memcpy(page_to_virt(pg), &number, sizeof(number));
    return pg;
}

static int give(struct mm *mm, vaddr_t va, u32 number, u32 how)
{
    struct page *pg = page(number);
    int err = mm_provide(mm, va, pg, how);

    if (err)
        page_free(pg, 0);
    return err;
}

TEST(provide_missing)
{
    struct mm *mm = watched(BASE, 4, NULL, VM_ASK_MISSING), *child;

    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_ASK_MISSING);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_ASK_MISSING);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 0);
    CHECK_EQ(give(mm, BASE, 5, 0), 0);
    CHECK_EQ(give(mm, BASE, 6, 0), -EEXIST);
    CHECK_EQ(host_read_u32(mm, BASE), 5);
    CHECK_EQ(mm_provide(mm, BASE + P, NULL, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE + P), 0);
    host_write_u32(mm, BASE + P, 7);
    CHECK_EQ(mm_madvise(mm, BASE + 2 * P, P, MADV_POPULATE_WRITE), -EFAULT);
    CHECK_EQ(mm_mlock(mm, BASE, 4 * P, 0), -ENOMEM);
    CHECK_EQ(mm_munlock(mm, BASE, 4 * P), 0);
    CHECK_EQ(mm_fork(mm, &child), 0);
    CHECK_EQ(host_read_u32(child, BASE + 2 * P), 0);
    CHECK_EQ(host_read_u32(child, BASE), 5);
    CHECK_EQ(t_try(mm, BASE + 2 * P, FAULT_READ), FAULT_ASK_MISSING);
    CHECK_EQ(give(child, BASE + 3 * P, 1, 0), -ENOENT);
    CHECK_EQ(mm_mprotect(mm, BASE + 3 * P, P, PROT_NONE), 0);
    CHECK_EQ(give(mm, BASE + 3 * P, 9, 0), 0);
    CHECK_EQ(t_try(mm, BASE + 3 * P, FAULT_READ), FAULT_ACCERR);
    CHECK_EQ(mm_mprotect(mm, BASE + 3 * P, P, RW), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 9);
    t_check(child);
    t_end(child);
    done(mm);
}

TEST(provide_shared_by_number)
{
    struct vm_object *o = object_create(8 * P);
    struct mm *mm = watched(BASE, 8, o, VM_ASK_MISSING);

    CHECK_EQ(mm_remap(mm, BASE, P, 0, 5, 0), 0);
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_ASK_MISSING);
    CHECK_EQ(give(mm, BASE, 55, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 5 * P), 55); /* the same page, not missing */
    CHECK_EQ(give(mm, BASE + 5 * P, 1, 0), -EEXIST);
    CHECK_EQ(object_truncate(o, 7 * P), 0);
    CHECK_EQ(give(mm, BASE + 7 * P, 1, 0), -EFAULT);
    CHECK_EQ(t_try(mm, BASE + 7 * P, FAULT_READ), FAULT_BUS);
    CHECK_EQ(mm_mlock(mm, BASE, 6 * P, 0), -ENOMEM);
    CHECK_EQ(object_resident(o), 1);
    done(mm);
    object_put(o);
}

TEST(provide_minor)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = watched(BASE, 8, o, VM_ASK_MINOR);

    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_ASK_MINOR);
    CHECK_EQ(mm_provide_shown(mm, BASE, 0), 0);
    CHECK_EQ(mm_provide_shown(mm, BASE, 0), -EEXIST);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    CHECK_EQ(t_try(mm, BASE + P, FAULT_READ), FAULT_ASK_MINOR); /* no neighbours */
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 3, 0), 0);
    CHECK_EQ(mm_remap(mm, BASE + P, 2 * P, 0, 4, 0), 0);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_ASK_MINOR);
    CHECK_EQ(t_try(mm, BASE + 2 * P, FAULT_WRITE), FAULT_ASK_MINOR);
    CHECK_EQ(mm_provide_shown(mm, BASE + 2 * P, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 6);
    CHECK_EQ(mm_mlock(mm, BASE, 8 * P, 0), -ENOMEM);
    CHECK_EQ(t_try(mm, BASE + 7 * P, FAULT_READ), FAULT_ASK_MINOR);
    object_punch(o, 0, 8 * P);
    CHECK_EQ(mm_provide_shown(mm, BASE + 3 * P, 0), -EFAULT);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 0); /* a hole is filled */
    done(mm);
    object_put(o);
}

TEST(provide_guards)
{
    struct vm_object *o = t_file(520);
    struct mm *mm = watched(BASE, 520, o, VM_ASK_WRITE);

    for (u32 i = 0; i < 520; i++)
        host_write_u32(mm, BASE + i * P, i);
    CHECK_EQ(mm_guard(mm, &monitor, BASE + P, BASE + 519 * P, true), 0);
    CHECK_EQ(t_try(mm, BASE + P, FAULT_WRITE), FAULT_ASK_WRITE);
    CHECK_EQ(t_try(mm, BASE + 518 * P, FAULT_WRITE), FAULT_ASK_WRITE);
    host_write_u32(mm, BASE, 1);
    host_write_u32(mm, BASE + 519 * P, 1);
    CHECK_EQ(host_read_u32(mm, BASE + P), 1);
    CHECK_EQ(mm_mprotect(mm, BASE, 520 * P, PROT_READ), 0);
    CHECK_EQ(mm_mprotect(mm, BASE, 520 * P, RW), 0);
    CHECK_EQ(t_try(mm, BASE + 2 * P, FAULT_WRITE), FAULT_ASK_WRITE);
    CHECK_EQ(mm_remap(mm, BASE + 2 * P, P, 0, 0, 0), 0);
    CHECK_EQ(t_try(mm, BASE + 2 * P, FAULT_WRITE), FAULT_ASK_WRITE);
    CHECK_EQ(mm_remap_swap(mm, BASE, BASE + 9 * P, P), 0);
    CHECK_EQ(t_try(mm, BASE + 9 * P, FAULT_WRITE), FAULT_ASK_WRITE);
    host_write_u32(mm, BASE, 2);
    CHECK_EQ(mm_guard(mm, &monitor, BASE + 2 * P, BASE + 3 * P, false), 0);
    host_write_u32(mm, BASE + 2 * P, 3);
    CHECK_EQ(mm_munmap(mm, BASE + 500 * P, 20 * P), 0);
    CHECK_EQ(mm_guard(mm, &monitor, BASE + 499 * P, BASE + 520 * P, true), 0);
    CHECK_EQ(mm_guard(mm, &monitor, BASE + 500 * P, BASE + 520 * P, true), -ENOENT);
    done(mm);
    object_put(o);
}

TEST(provide_areas)
{
    struct mm *mm = watched(BASE, 8, NULL, VM_ASK_MISSING);
    u32 areas = t_vmas(mm);

    CHECK_EQ(mm_unwatch(mm, &monitor, BASE + 2 * P, BASE + 4 * P), 0);
    CHECK_EQ(t_vmas(mm), areas + 2);
    host_write_u32(mm, BASE + 2 * P, 1);
    CHECK_EQ(t_try(mm, BASE + 4 * P, FAULT_READ), FAULT_ASK_MISSING);
    CHECK_EQ(mm_watch(mm, &monitor, BASE, BASE + 8 * P, VM_ASK_MISSING, NULL), 0);
    CHECK_EQ(t_vmas(mm), areas);
    CHECK_EQ(mm_watch(mm, &monitor, BASE + P, BASE + 2 * P, VM_ASK_WRITE, NULL), 0);
    CHECK_EQ(mm_watch(mm, &monitor, BASE, BASE + P, VM_ASK_MINOR, NULL), -EINVAL);
    mm_unwatch_all(mm, &monitor);
    CHECK_EQ(t_vmas(mm), areas);
    CHECK_EQ(__atomic_load_n(&monitor.refs, __ATOMIC_RELAXED), 1);
    done(mm);
}

/* What a failed allocation leaves: -ENOMEM, and the same as before. */
TEST(provide_failures)
{
    struct vm_object *o = t_file(1200);
    struct mm *mm = watched(BASE, 1200, o, VM_ASK_WRITE);
    u64 before;
    int err = -ENOMEM;

    t_anon(mm, BASE + 4096 * P, 8, RW);
    CHECK_EQ(
        mm_watch(mm, &monitor, BASE + 4096 * P, BASE + 4104 * P, VM_ASK_MISSING, NULL),
        0);
    for (u32 i = 0; i < 1200; i += 100)
        host_write_u32(mm, BASE + i * P, i);
    for (u64 n = 1; err; n++) {
        before = t_picture(mm);
        alloc_fail_at(n);
        err = mm_watch(mm, &monitor, BASE + P, BASE + 2 * P, VM_ASK_MISSING, NULL);
        if (!err)
            err = mm_guard(mm, &monitor, BASE + 2 * P, BASE + 1200 * P, true);
        if (!err)
            err = mm_provide(mm, BASE + 4096 * P, NULL, 0);
        alloc_fail_at(0);
        CHECK(!err || err == -ENOMEM);
        CHECK_EQ(mm_watch(mm, &monitor, BASE + P, BASE + 2 * P, VM_ASK_WRITE, NULL), 0);
        if (err)
            CHECK_EQ(t_picture(mm), before);
    }
    CHECK_EQ(t_try(mm, BASE + 1100 * P, FAULT_WRITE), FAULT_ASK_WRITE);
    done(mm);
    object_put(o);
}
