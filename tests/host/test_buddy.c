/* SPDX-License-Identifier: MIT
 *
 * The frame allocator: what it gives is whole, aligned, alone and comes back in full.
 */
#include "lib/lock.h"
#include "lib/string.h"
#include "mm/phys/blocks.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "tests/host/mmtest.h"
#include "tests/host/port.h"

#define BLOCKS 400u

static struct {
    struct page *pg;
    unsigned order;
} block[BLOCKS];
static u8 taken[HOST_MEMORY / PAGE_SIZE];

static void mark(struct page *pg, unsigned order, u8 value)
{
    pfn_t pfn = page_to_pfn(pg);

    CHECK(is_aligned(pfn, 1ul << order));
    for (pfn_t i = pfn; i < pfn + (1ul << order); i++) {
        CHECK_EQ(taken[i], !value);
        taken[i] = value;
    }
}

static u64 free_in_lists(void)
{
    u64 orders[BUDDY_ORDERS], n = 0;

    page_count_orders(orders);
    for (unsigned o = 0; o < BUDDY_ORDERS; o++)
        n += orders[o] << o;
    return n;
}

static void orders_are(const u64 *want)
{
    u64 orders[BUDDY_ORDERS];

    page_count_orders(orders);
    for (unsigned o = 0; o < BUDDY_ORDERS; o++)
        CHECK_EQ(orders[o], want[o]);
}

TEST(buddy_random)
{
    u64 orders[BUDDY_ORDERS], out = 0, free = page_count_free();

    page_drain();
    page_count_orders(orders);
    for (int step = 0; step < 30000; step++) {
        u32 i = (u32)rnd_below(BLOCKS);

        if (block[i].pg) {
            mark(block[i].pg, block[i].order, 0);
            page_free(block[i].pg, block[i].order);
            out -= 1ul << block[i].order;
            block[i].pg = NULL;
        } else {
            unsigned order = one_in(3) ? (unsigned)rnd_below(8) : 0;
            struct page *pg = page_alloc(order, one_in(4) ? PA_ZERO : 0);

            CHECK(pg || order);
            if (!pg)
                continue;
            CHECK(pg->type == PAGE_KERNEL && pg->refs == 1 && pg->order == order);
            mark(pg, order, 1);
            block[i].pg = pg;
            block[i].order = order;
            out += 1ul << order;
        }
        CHECK_EQ(page_count_free() + out, free);
    }
    for (u32 i = 0; i < BLOCKS; i++)
        if (block[i].pg)
            page_free(block[i].pg, block[i].order);
    page_drain();
    CHECK_EQ(free_in_lists(), free);
    orders_are(orders); /* everything merged again */
}

/* Whatever is freed in which order is merged at once: nobody finds much left to do. */
TEST(buddy_merges_at_once)
{
    enum { N = 16384 };
    static struct page *pg[N];
    u64 orders[BUDDY_ORDERS];

    page_drain();
    page_count_orders(orders);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            CHECK((pg[i] = page_alloc(0, 0)));
            mark(pg[i], 0, 1);
        }
        for (unsigned i = 0; i < N; i++) {
            /* Neighbours; far from their order; every second one, then the others. */
            unsigned at = round == 0   ? i
                          : round == 1 ? i * 4099 % N
                                       : i % (N / 2) * 2 + (i >= N / 2);

            mark(pg[at], 0, 0);
            page_free(pg[at], 0);
            if (i % 1024 == 0)
                CHECK_EQ(page_count_free(),
                         free_in_lists() + page_stack_count(&page_stack));
        }
        CHECK(page_stack_count(&page_stack) <= STACK_MAX);
        page_drain();
        orders_are(orders);
    }
}

/* Any set of neighbours: the blocks found in it are those that a search page by page finds, each
 * can be taken, and with what is left of the group it merges again. */
TEST(buddy_groups)
{
    u64 orders[BUDDY_ORDERS];

    page_drain();
    page_count_orders(orders);
    for (unsigned round = 0; round < 3000; round++) {
        u64 set = round % 3 == 0   ? rnd()
                  : round % 3 == 1 ? rnd() | rnd() | rnd()
                                   : rnd() & rnd();
        u64 all = (set | set << 1) & ~(1ull << rnd_below(64)), want[GROUP_ORDER] = {0};
        u64 have[BUDDY_ORDERS], before[BUDDY_ORDERS], group;
        struct page *pg = page_alloc(GROUP_ORDER, 0);

        CHECK(pg);
        group = page_to_pfn(pg) / GROUP;
        for (unsigned i = 0; i < GROUP; i++)
            pg[i].type = PAGE_CACHED;
        page_count_orders(before);
        for (unsigned i = 0;
             i < GROUP;) { /* greedy from below is right: blocks are aligned */
            unsigned o = GROUP_ORDER - 1;
            u64 run;

            if (!(all >> i & 1)) {
                i++;
                continue;
            }
            while (i % (1u << o) ||
                   (run = (1ull << (1u << o)) - 1, (all >> i & run) != run))
                o--;
            want[o]++;
            i += 1u << o;
        }
        spin_lock(&buddy.lock);
        group_free(group, all & set);
        group_free(group, all & ~set);
        spin_unlock(&buddy.lock);
        page_count_orders(have);
        for (unsigned o = 0; o < GROUP_ORDER; o++)
            CHECK_EQ(have[o], before[o] + want[o]);
        spin_lock(&buddy.lock);
        group_free(group, ~all);
        buddy.nfree += GROUP;
        buddy_unlock();
        orders_are(orders);
    }
}

TEST(buddy_fill_empty_refill)
{
    static struct page *all[HOST_MEMORY / PAGE_SIZE];
    u64 free = page_count_free();

    for (int round = 0; round < 2; round++) {
        u64 n = 0;

        while ((all[n] = page_alloc(0, 0)) != NULL) {
            mark(all[n], 0, 1);
            *(u64 *)page_to_virt(all[n]) = n;
            n++;
        }
        CHECK_EQ(n, free);
        CHECK_EQ(page_count_free(), 0);
        CHECK(!page_alloc(3, 0));
        for (u64 i = 0; i < n; i++) {
            CHECK_EQ(*(u64 *)page_to_virt(all[i]), i);
            mark(all[i], 0, 0);
            page_free(all[round ? n - 1 - i : i], 0);
        }
        CHECK_EQ(page_count_free(), free);
    }
}

TEST(buddy_zeroes)
{
    for (unsigned order = 0; order < 4; order++) {
        struct page *pg = page_alloc(order, 0);

        CHECK(pg);
        memset(page_to_virt(pg), 0xa5, P << order);
        page_free(pg, order);
        pg = page_alloc(order, PA_ZERO);
        CHECK(pg);
        for (size_t i = 0; i < (P << order) / 8; i++)
            CHECK_EQ(((u64 *)page_to_virt(pg))[i], 0);
        page_free(pg, order);
    }
}

/* What an idle CPU clears: free as before, zero for who asks, and had by all when all is wanted. */
TEST(buddy_zeroes_when_idle)
{
    static struct page *all[HOST_MEMORY / PAGE_SIZE];
    u64 free = page_count_free(), n = 0;

    page_drain();
    for (int round = 0; round < 2; round++) {
        for (n = 0; n < 200; n++) {
            all[n] = page_alloc(0, round ? PA_ZERO : 0);
            for (size_t i = 0; round && i < P / 8; i++)
                CHECK_EQ(((u64 *)page_to_virt(all[n]))[i], 0);
            memset(page_to_virt(all[n]), 0xa5, P);
        }
        while (n)
            page_free(all[--n], 0);
        while (page_zero_one())
            n++;
        CHECK(n > 50 && n < 1000);
        CHECK_EQ(page_count_free(), free);
    }
    for (n = 0; (all[n] = page_alloc(0, 0)) != NULL; n++)
        CHECK(n < free);
    CHECK_EQ(n, free);
    CHECK(!page_zero_one()); /* none left */
    page_free(all[--n], 0);
    CHECK(!page_zero_one()); /* low */
    while (n)
        page_free(all[--n], 0);
    CHECK_EQ(page_count_free(), free);
}

TEST(buddy_keeps_a_reserve_from_programs)
{
    struct list all;
    u64 n = 0;
    struct page *pg;

    CHECK(page_count_reserve() > 0);
    CHECK_EQ(page_set_reserve(0), -EINVAL);
    CHECK_EQ(page_set_reserve(page_count_total() / 4 + 1), -EINVAL);
    CHECK_EQ(page_set_reserve(page_count_reserve() + 10), 0);
    list_init(&all);
    host_rank = RANK_USER;
    while ((pg = page_alloc(0, PA_USER)) != NULL) {
        list_add(&all, page_to_virt(pg));
        n++;
    }
    CHECK(n > 1000);
    CHECK(page_count_free() >= page_count_reserve());
    CHECK(page_count_free() <= page_count_reserve() + 64);
    /* Calls of programs may have a little more, root more than that, the kernel all. */
    static const struct {
        enum rank rank;
        u32 flags;
        u64 quarters;
    } steps[] = {{RANK_USER, 0, 3},
                 {RANK_ADMIN, PA_USER, 2},
                 {RANK_ADMIN, 0, 1},
                 {RANK_KERNEL, 0, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        host_rank = steps[i].rank;
        while ((pg = page_alloc(0, steps[i].flags)) != NULL)
            list_add(&all, page_to_virt(pg));
        CHECK_EQ(page_count_free(), page_count_reserve() * steps[i].quarters / 4);
    }
    while (!list_empty(&all)) {
        struct list *first = list_first(&all);

        list_del(first);
        page_free(virt_to_page(first), 0);
    }
}

/* A group is 64 frames whose descriptors have their cache lines alone. */
static unsigned group_changes(struct page *const *pg, unsigned n)
{
    unsigned changes = 0;

    for (unsigned i = 1; i < n; i++)
        changes += page_to_pfn(pg[i]) / 64 != page_to_pfn(pg[i - 1]) / 64;
    return changes;
}

TEST(buddy_gives_neighbours_where_there_are_several_processors)
{
    enum { N = 1024 };
    static struct page *pg[N];

    page_drain();
    for (unsigned i = 0; i < N; i++)
        CHECK((pg[i] = page_alloc(0, 0)));
    for (unsigned i = 0; i < N; i++) /* far from their order */
        page_free(pg[i * 389 % N], 0);
    cpu_count = 2;
    for (unsigned i = 0; i < N; i++)
        pg[i] = page_alloc(0, 0);
    cpu_count = 1;
    /* What was still on the stack, of any group, comes first. */
    CHECK(group_changes(pg + STACK_MAX, N - STACK_MAX) < 160);
    CHECK_EQ(page_count_free(), free_in_lists() + page_stack_count(&page_stack));
    for (unsigned i = 0; i < N; i++)
        mark(pg[i], 0, 1);
    for (unsigned i = 0; i < N; i++) {
        mark(pg[i], 0, 0);
        page_free(pg[i], 0);
    }
    page_drain();
    CHECK_EQ(page_count_free(), free_in_lists());
}

/* Who frees a page by a chain, again and again, does not go to the groups each time. */
TEST(buddy_full_stack_makes_room)
{
    static struct page *pg[STACK_MAX + 1];
    struct page_chain chain = {0};

    for (unsigned i = 0; i < ARRAY_SIZE(pg); i++)
        CHECK((pg[i] = page_alloc(0, 0)));
    page_drain();
    for (unsigned i = 0; i < STACK_MAX; i++)
        page_free(pg[i], 0);
    CHECK_EQ(page_stack.count, STACK_MAX);
    pg[STACK_MAX]->type = PAGE_ANON;
    CHECK(page_chain(pg[STACK_MAX], (u32)page_to_pfn(pg[STACK_MAX]), PAGE_ANON, &chain));
    page_free_chain(&chain);
    CHECK(page_stack.count <= STACK_MAX / 2);
}

TEST(buddy_cannot_give_more_than_there_is)
{
    CHECK(!page_alloc(BUDDY_ORDERS - 1, 0));
}

TEST(buddy_counted_failure)
{
    struct page *a, *b;

    alloc_fail_at(2);
    a = page_alloc(0, 0);
    b = page_alloc(0, 0);
    CHECK(a && !b && alloc_fail_left() == 0);
    b = page_alloc(0, 0);
    CHECK(b);
    page_free(a, 0);
    page_free(b, 0);
}

TEST(buddy_takes_boot_memory_later)
{
    struct page *pg = page_alloc(4, 0); /* as if the archive stood there */
    u64 free = page_count_free(), total = page_count_total();
    paddr_t pa = page_to_phys(pg);

    test_no_balance();
    for (unsigned i = 0; i < 16; i++)
        pg[i].type = PAGE_RESERVED;
    buddy_add(pa + 100, pa + 16 * P - 1); /* the first and the last page are cut */
    CHECK_EQ(page_count_free(), free + 14);
    CHECK_EQ(page_count_total(), total + 14);
}

TEST(R63_double_free_panics)
{
    struct page *pg = page_alloc(0, 0);

    test_no_balance();
    page_free(pg, 0);
    CHECK_PANIC(page_free(pg, 0));
}

TEST(R63_double_free_of_a_block_panics)
{
    struct page *pg = page_alloc(2, 0);

    test_no_balance();
    page_free(pg, 2);
    CHECK_PANIC(page_free(pg, 2));
}
