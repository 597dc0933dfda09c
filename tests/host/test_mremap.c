/* SPDX-License-Identifier: MIT
 *
 * mremap: contents, rights and arrangement travel with the addresses, nothing stays behind in
 * tables or TLBs, and a failure at any allocation changes nothing.
 */
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define FAR (BASE + 64 * LEAF_SPAN + 17 * P) /* another place within its tables */

static vaddr_t move(struct mm *mm, vaddr_t from, u64 old, u64 now, u32 flags, vaddr_t to)
{
    vaddr_t out = 0;

    CHECK_EQ(mm_mremap(mm, from, old * P, now * P, flags, to, &out), 0);
    t_check(mm);
    return out;
}

TEST(mremap_moves_private_memory)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 40, RW);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (u32 i = 0; i < 30; i++)
            host_write_u32(mm, BASE + i * P, 100 + i);
    }
    /* A part, so that the table and its other entries stay. */
    CHECK_EQ(move(mm, BASE + 5 * P, 10, 10, MREMAP_MAYMOVE | MREMAP_FIXED, FAR), FAR);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (u32 i = 0; i < 30; i++) {
            bool moved = i >= 5 && i < 15;

            CHECK_EQ(host_read_u32(mm, moved ? FAR + (i - 5) * P : BASE + i * P),
                     100 + i);
            if (moved)
                CHECK_EQ(t_try(mm, BASE + i * P, FAULT_READ), FAULT_MAPERR);
        }
    }
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 30);
    t_end(mm);
}

TEST(mremap_dontunmap_leaves_an_empty_area)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 8, RW);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (u32 i = 0; i < 8; i++)
            host_write_u32(mm, BASE + i * P, 7 + i);
    }
    CHECK_EQ(move(mm, BASE, 8, 8, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, FAR),
             FAR);
    for (u32 i = 0; i < 8; i++) {
        CHECK_EQ(host_read_u32(mm, FAR + i * P), 7 + i);
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 0);
    }
    CHECK_EQ(mm->total_vm, 16);
    t_end(mm);
}

TEST(mremap_duplicates_an_arrangement)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();
    vaddr_t to;

    t_shared(mm, BASE, 8, o, 0);
    CHECK_EQ(mm_remap(mm, BASE + 2 * P, 3 * P, 0, 10, 0), 0);
    to = move(mm, BASE, 0, 8, MREMAP_MAYMOVE, 0);
    CHECK(to != BASE);
    for (u32 i = 0; i < 8; i++) {
        u32 shown = i >= 2 && i < 5 ? i + 8 : i;

        CHECK_EQ(host_read_u32(mm, BASE + i * P), shown + 1);
        CHECK_EQ(host_read_u32(mm, to + i * P), shown + 1);
    }
    host_write_u32(mm, to + 3 * P, 5);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 5);
    t_end(mm);
    object_put(o);
}

TEST(mremap_in_place)
{
    struct mm *mm = t_mm();
    vaddr_t out;

    t_anon(mm, BASE, 4, RW);
    host_write_u32(mm, BASE + 3 * P, 3);
    CHECK_EQ(move(mm, BASE, 4, 8, 0, 0), BASE);
    host_write_u32(mm, BASE + 7 * P, 7);
    t_anon(mm, BASE + 9 * P, 1, PROT_READ);
    CHECK_EQ(mm_mremap(mm, BASE, 8 * P, 10 * P, 0, 0, &out), -ENOMEM);
    CHECK_EQ(move(mm, BASE, 8, 9, 0, 0), BASE); /* up to the neighbour */
    CHECK_EQ(move(mm, BASE, 9, 2, 0, 0), BASE);
    CHECK_EQ(t_try(mm, BASE + 3 * P, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(move(mm, BASE, 2, 4, 0, 0), BASE);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 0); /* fresh memory */
    t_end(mm);
}

/* Memory of one word per page, moved about at random among others. */
TEST(mremap_random)
{
    enum { SLOTS = 12, PAGES = 20 };
    static u32 want[SLOTS][PAGES];
    struct vm_object *o = t_file(64);
    struct mm *mm = t_mm();
    u64 len[SLOTS] = {0};

    for (int step = 0; step < 5000; step++) {
        u32 a = (u32)rnd_below(SLOTS), b = (u32)rnd_below(SLOTS), i;
        vaddr_t from = BASE + a * 500 * P, to = BASE + b * 500 * P, out = 0;
        bool shared = a % 2;

        host_run_on((u32)rnd_below(HOST_CPUS));
        if (!len[a]) {
            len[a] = 1 + rnd_below(PAGES);
            if (shared)
                t_shared(mm, from, len[a], o, a);
            else
                t_anon(mm, from, len[a], RW);
            for (i = 0; i < len[a]; i++)
                want[a][i] = shared ? a + i + 1 : 0;
        } else if (a != b && a % 2 == b % 2) {
            u64 now = one_in(2) ? len[a] : 1 + rnd_below(len[a]);

            CHECK_EQ(mm_mremap(mm, from, len[a] * P, now * P,
                               MREMAP_MAYMOVE | MREMAP_FIXED, to, &out),
                     0);
            for (i = 0; i < now; i++)
                want[b][i] = want[a][i];
            len[a] = 0;
            len[b] = now;
        } else {
            i = (u32)rnd_below(len[a]);
            want[a][i] = shared ? (u32)rnd_below(60) + 1 : (u32)rnd();
            if (shared)
                CHECK_EQ(mm_remap(mm, from + i * P, P, 0, want[a][i] - 1, 0), 0);
            else
                host_write_u32(mm, from + i * P, want[a][i]);
        }
        t_check(mm);
        for (a = 0; a < SLOTS; a++)
            if (len[a]) {
                i = (u32)rnd_below(len[a]);
                CHECK_EQ(host_read_u32(mm, BASE + a * 500 * P + i * P), want[a][i]);
            }
    }
    t_end(mm);
    CHECK_EQ(away_bytes(), 0);
    object_put(o);
}

/* A whole table of shared memory is swept in one go: its translations are flushed as well. */
TEST(zap_of_whole_tables_flushes)
{
    struct vm_object *o = t_file(1024);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 1024, o, 0);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (u32 i = 400; i < 600; i++)
            CHECK_EQ(host_read_u32(mm, BASE + i * P), i + 1);
    }
    CHECK_EQ(mm_madvise(mm, BASE, 1024 * P, MADV_DONTNEED), 0);
    t_check(mm);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 0);
    t_end(mm);
    object_put(o);
}
