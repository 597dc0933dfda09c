/* SPDX-License-Identifier: MIT
 *
 * The sort of lib/sort.h: order, and no item lost, for sizes of items and arrays, in orders
 * that quick sorts fear as well.
 */
#include "lib/sort.h"
#include "tests/host/harness.h"

#define ITEMS 300

struct item {
    u32 key;
    u32 number; /* each once */
    u64 check;  /* moves along with the rest */
};

static bool item_before(const void *a, const void *b)
{
    return ((const struct item *)a)->key < ((const struct item *)b)->key;
}

static u32 key_of(unsigned kind, u32 i, u32 n)
{
    switch (kind) {
    case 0:
        return i;
    case 1:
        return n - i;
    case 2:
        return i < n / 2 ? i : n - i;
    case 3:
        return 7;
    default:
        return (u32)(test_rand() % (kind == 4 ? 5 : ~0u));
    }
}

static void check_sorted(unsigned kind, u32 n)
{
    struct item items[ITEMS];
    bool seen[ITEMS] = {false};

    for (u32 i = 0; i < n; i++) {
        u32 key = key_of(kind, i, n);

        items[i] = (struct item){key, i, (u64)key << 32 | i};
    }
    sort(items, n, sizeof(items[0]), item_before);
    for (u32 i = 0; i < n; i++) {
        CHECK(i == 0 || items[i - 1].key <= items[i].key);
        CHECK_EQ(items[i].check, (u64)items[i].key << 32 | items[i].number);
        CHECK(items[i].number < n && !seen[items[i].number]);
        seen[items[i].number] = true;
    }
}

TEST(sort_orders_and_keeps_all)
{
    for (unsigned kind = 0; kind < 6; kind++)
        for (u32 n = 0; n <= ITEMS; n += 1 + n / 8)
            check_sorted(kind, n);
}

static bool byte_before(const void *a, const void *b)
{
    return *(const u8 *)a < *(const u8 *)b;
}

TEST(sort_bytes_and_widest_items)
{
    u8 bytes[ITEMS];
    u8 wide[16][SORT_ITEM_MAX];

    for (u32 i = 0; i < ITEMS; i++)
        bytes[i] = (u8)test_rand();
    sort(bytes, ITEMS, 1, byte_before);
    for (u32 i = 1; i < ITEMS; i++)
        CHECK(bytes[i - 1] <= bytes[i]);
    for (u32 i = 0; i < 16; i++)
        for (u32 k = 0; k < SORT_ITEM_MAX; k++)
            wide[i][k] = (u8)(i * 7 % 16);
    sort(wide, 16, SORT_ITEM_MAX, byte_before);
    for (u32 i = 0; i < 16; i++)
        CHECK(wide[i][0] == i && wide[i][SORT_ITEM_MAX - 1] == i);
}
