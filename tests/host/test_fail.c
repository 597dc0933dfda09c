/* SPDX-License-Identifier: MIT
 *
 * The failure sweep: for every memory call the first, second, third ... allocation fails,
 * until the call gets through without meeting the failure. A call that fails for it says so
 * and has changed nothing; one that succeeds all the same leaves a consistent state.
 */
#include "mm/debug/check.h"
#include "mm/phys/buddy.h"
#include "tests/host/fail_calls.h"

/* again: the failed call is made once more, with memory. */
static void sweep(const struct call *c, bool again)
{
    static struct state before, after;
    u64 n;

    for (n = 1;; n++) {
        u64 left;
        int err;

        scene_begin();
        state_take(&before, &S.file, 1, c->leave_out);
        alloc_fail_at(n);
        err = c->run();
        left = alloc_fail_left();
        alloc_fail_at(0);
        if (err && (err != -ENOMEM || left))
            FAIL("%s, allocation %llu fails: returned %d (%llu left)", c->name,
                 (unsigned long long)n, err, (unsigned long long)left);
        if (err) {
            state_take(&after, &S.file, 1, c->leave_out);
            if (!(c->leave_out & STATE_GROWN))
                state_compare(&before, &after, c->name, n);
            if (again && c->run() != 0)
                FAIL("%s fails again after allocation %llu failed once", c->name,
                     (unsigned long long)n);
        }
        mm_check_all();
        host_tlb_check();
        scene_end();
        if (page_count_free() != host_free_at_boot())
            FAIL("%s, allocation %llu fails: %lld pages are lost", c->name,
                 (unsigned long long)n,
                 (long long)(host_free_at_boot() - page_count_free()));
        if (left)
            break;
    }
    test_note("%s: %llu allocations", c->name, (unsigned long long)n - 1);
    if (n - 1 < c->least)
        FAIL("%s allocates only %llu times", c->name, (unsigned long long)n - 1);
}

TEST_LIMIT(R39_R58_T068_every_failed_allocation_changes_nothing, 300)
{
    scene_begin(); /* caches are registered, upper kernel tables exist */
    scene_end();
    for (size_t i = 0; i < ncalls; i++)
        for (int again = 0; again < 2; again++)
            sweep(&calls[i], again);
}

/* mlock is partial as on Linux: -EAGAIN when pages cannot be had, the areas stay locked. */
TEST(mlock_without_memory_says_eagain)
{
    int err = 0;

    for (u64 n = 1; err != -EAGAIN; n++) {
        CHECK(n < 100);
        scene_begin();
        alloc_fail_at(n);
        err = mm_mlock(S.mm, A, 16 * P, 0);
        alloc_fail_at(0);
        CHECK(err == -ENOMEM || err == -EAGAIN);
        CHECK_EQ(S.mm->locked_vm, err == -EAGAIN ? 16 : 0);
        mm_check_all();
        scene_end();
    }
}
