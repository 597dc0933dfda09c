/* SPDX-License-Identifier: MIT
 *
 * Flushes: how much is flushed where, and that the fake TLBs notice when it is not.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm/phys/stat.h"
#include "mm/table/change.h"
#include "tests/host/mmtest.h"

/* Whether `run` ends its process with a failure, as a test that found something does. */
static bool is_noticed(void (*run)(struct mm *), struct mm *mm)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(0);
        run(mm);
        host_tlb_check();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status != 0;
}

static pte_t *entry(struct mm *mm, vaddr_t va)
{
    return pt_entries(pt_leaf(mm, va)) + pt_index(va, 0);
}

static void nothing(struct mm *mm)
{
    (void)mm;
}

static void unmap_silently(struct mm *mm)
{
    pte_store(entry(mm, BASE), 0);
}

static void protect_silently(struct mm *mm)
{
    pte_store(entry(mm, BASE), pte_write_protect(*entry(mm, BASE)));
}

static void replace_silently(struct mm *mm)
{
    pte_store(entry(mm, BASE), *entry(mm, BASE + P));
}

static void free_before_the_flush(struct mm *mm)
{
    struct page *pg = pfn_to_page(pte_pfn(*entry(mm, BASE)));

    pte_store(entry(mm, BASE), 0);
    page_put(pg); /* the frame goes while the TLB has it */
    arch_flush_page(BASE);
}

static void on_the_other_cpu_only(struct mm *mm)
{
    pte_store(entry(mm, BASE), 0);
    arch_flush_page(BASE); /* CPU 0, but CPU 1 has it too */
}

TEST(tlb_forgotten_flushes_are_noticed)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 2, RW);
    host_write_u32(mm, BASE, 1);
    host_write_u32(mm, BASE + P, 2);
    CHECK(!is_noticed(nothing, mm));
    CHECK(is_noticed(unmap_silently, mm));
    CHECK(is_noticed(protect_silently, mm));
    CHECK(is_noticed(replace_silently, mm));
    CHECK(is_noticed(free_before_the_flush, mm));
    CHECK(!is_noticed(on_the_other_cpu_only, mm));
    host_run_on(1);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    host_run_on(0);
    CHECK(is_noticed(on_the_other_cpu_only, mm));
    t_end(mm);
}

#define FLUSHES(name) mm_stat_sum(MM_STAT_tlb_flush_##name)

TEST(tlb_small_changes_flush_pages)
{
    struct mm *mm = t_mm();
    u64 full;

    t_anon(mm, BASE, 100, RW);
    for (u32 i = 0; i < 100; i++)
        host_write_u32(mm, BASE + i * P, i);
    full = FLUSHES(full);
    CHECK_EQ(mm_mprotect(mm, BASE + 4 * P, 3 * P, PROT_READ), 0);
    CHECK_EQ(FLUSHES(full), full);
    CHECK(host_tlb_holds(BASE) && !host_tlb_holds(BASE + 4 * P));
    CHECK_EQ(mm_mprotect(mm, BASE, 100 * P, PROT_READ), 0); /* many: all at once */
    CHECK_EQ(FLUSHES(full), full + 1);
    CHECK(!host_tlb_holds(BASE));
    t_end(mm);
}

TEST(tlb_of_spaces_that_are_not_loaded)
{
    struct mm *mm = t_mm(), *other = t_mm();
    u64 all;

    t_anon(mm, BASE, 4, RW);
    host_write_u32(mm, BASE, 1);
    t_anon(other, BASE, 4, RW);
    host_write_u32(other, BASE, 2); /* loads the other one */
    all = FLUSHES(page) + FLUSHES(range) + FLUSHES(full) + FLUSHES(remote);
    CHECK_EQ(mm_madvise(mm, BASE, 4 * P, MADV_DONTNEED), 0);
    CHECK_EQ(FLUSHES(page) + FLUSHES(range) + FLUSHES(full) + FLUSHES(remote), all);
    CHECK(host_tlb_holds(BASE));
    CHECK_EQ(host_read_u32(mm, BASE), 0);
    t_end(mm);
    t_end(other);
}

TEST(tlb_batch_frees_after_the_flush)
{
    struct mm *mm = t_mm();

    /* More pages than a batch holds, on two CPUs; freeing too early panics. */
    t_anon(mm, BASE, 300, RW);
    for (u32 i = 0; i < 300; i++) {
        host_run_on(i % 2);
        host_write_u32(mm, BASE + i * P, i);
    }
    host_run_on(0);
    CHECK_EQ(mm_munmap(mm, BASE, 300 * P), 0);
    t_check(mm);
    t_end(mm);
}
