/* SPDX-License-Identifier: MIT
 *
 * Normalising firmware memory maps, against a table of small units, and hostile maps.
 */
#include "arch/x86_64/boot/memmap.h"
#include "lib/string.h"
#include "tests/host/harness.h"

#define UNIT  512ul
#define UNITS 8192ul /* 4 MiB */

static struct boot_map map;
static struct bootinfo bi;
static u8 unit[UNITS]; /* strongest type so far */

static int rank(u32 type)
{
    static const u8 order[] = {0,
                               BOOT_MEM_USABLE,
                               BOOT_MEM_ACPI,
                               BOOT_MEM_RESERVED,
                               BOOT_MEM_NVS,
                               BOOT_MEM_BAD,
                               BOOT_MEM_LOADER};

    for (int i = 0; i < 7; i++)
        if (order[i] == type)
            return i;
    return -1;
}

static void cover(u64 first, u64 last, u32 type)
{
    for (; first < last && first < UNITS; first++)
        if (rank(type) > rank(unit[first]))
            unit[first] = (u8)type;
}

/* The stretch of equal units at `i` as the map must list it: false when it vanishes. */
static bool expected(u64 *i, struct boot_range *r)
{
    u64 first = *i, end;
    u32 type = unit[first];

    while (*i < UNITS && unit[*i] == type)
        ++*i;
    r->type = type;
    r->base = first * UNIT;
    end = *i * UNIT;
    if (type == BOOT_MEM_USABLE) {
        r->base = align_up(r->base, PAGE_SIZE);
        end = align_down(end, PAGE_SIZE);
    }
    r->len = end - r->base;
    return type && r->base < end;
}

static void compare(void)
{
    u64 usable = 0, said = memmap_normalise(&map, ~0ull, &bi);
    u32 n = 0;

    for (u64 i = 0; i < UNITS;) {
        struct boot_range r;

        if (!expected(&i, &r))
            continue;
        CHECK(n < bi.nranges);
        CHECK_EQ(bi.ranges[n].base, r.base);
        CHECK_EQ(bi.ranges[n].len, r.len);
        CHECK_EQ(bi.ranges[n].type, r.type);
        usable += r.type == BOOT_MEM_USABLE ? r.len : 0;
        n++;
    }
    CHECK_EQ(bi.nranges, n);
    CHECK_EQ(said, usable);
}

TEST(memmap_random)
{
    for (int round = 0; round < 1500; round++) {
        u64 entries = test_rand() % 40;

        memset(unit, 0, sizeof(unit));
        memmap_init(&map);
        cover(0, (1ul << 20) / UNIT, BOOT_MEM_RESERVED);
        for (u64 k = 0; k < entries; k++) {
            u64 first = test_rand() % UNITS, n = test_rand() % 600;
            u32 type = 1 + (u32)(test_rand() % 6);

            n = MIN(n, UNITS - first);
            if (test_rand() % 2) {
                memmap_add(&map, first * UNIT, n * UNIT, type);
            } else { /* types of E820; unknown ones are reserved */
                static const u8 e820[] = {1, 2, 3, 4, 5, 7, 0xff};
                static const u8 ours[] = {
                    BOOT_MEM_USABLE, BOOT_MEM_RESERVED, BOOT_MEM_ACPI,    BOOT_MEM_NVS,
                    BOOT_MEM_BAD,    BOOT_MEM_RESERVED, BOOT_MEM_RESERVED};
                u64 t = test_rand() % ARRAY_SIZE(e820);

                memmap_add_e820(&map, first * UNIT, n * UNIT, e820[t]);
                type = ours[t];
            }
            cover(first, first + n, type);
        }
        CHECK(!map.full);
        compare();
    }
}

TEST(memmap_wraps_and_empties)
{
    memmap_init(&map);
    memmap_add(&map, 0x200000, 0, BOOT_MEM_USABLE);
    memmap_add(&map, 0xffffffffffff0000ul, ~0ul, BOOT_MEM_USABLE);
    memmap_add(&map, 0x200000, 0x10000, BOOT_MEM_USABLE);
    CHECK_EQ(memmap_normalise(&map, 1ull << 40, &bi), 0x10000);
    memmap_add(&map, 0, ~0ul, BOOT_MEM_RESERVED);
    CHECK_EQ(memmap_normalise(&map, 1ull << 40, &bi), 0);
    /* A reservation that wraps reserves all that lies behind its base. */
    memmap_init(&map);
    memmap_add(&map, 0x200000, 0x100000, BOOT_MEM_USABLE);
    memmap_add(&map, 0x280000, ~0ul, BOOT_MEM_RESERVED);
    CHECK_EQ(memmap_normalise(&map, 1ull << 40, &bi), 0x80000);
    memmap_init(&map);
    memmap_add(&map, 0, ~0ul, BOOT_MEM_USABLE);
    CHECK_EQ(memmap_normalise(&map, 1ull << 36, &bi), (1ull << 36) - (1ull << 20));
    memmap_init(&map);
    CHECK_EQ(memmap_normalise(&map, 1ull << 36, &bi), 0);
}

TEST(memmap_limit_cuts)
{
    memmap_init(&map);
    memmap_add(&map, 0x100000, 0x400000, BOOT_MEM_USABLE);
    CHECK_EQ(memmap_normalise(&map, 0x300000, &bi), 0x200000);
    CHECK_EQ(memmap_normalise(&map, 0x100000, &bi), 0);
}

TEST(memmap_too_many_entries)
{
    memmap_init(&map);
    for (u64 i = 0; i < MEMMAP_RAW_MAX; i++)
        memmap_add(&map, (2 + i) << 20, 1 << 19, BOOT_MEM_USABLE);
    memmap_add(&map, 1, 1, BOOT_MEM_USABLE);
    CHECK(!map.full); /* only memory is lost */
    /* More ranges than fit: what is listed is true, the largest are kept. */
    memmap_normalise(&map, ~0ull, &bi);
    CHECK(bi.nranges <= BOOT_RANGES_MAX);
    for (u32 i = 0; i < bi.nranges; i++) {
        CHECK(bi.ranges[i].type != BOOT_MEM_USABLE || bi.ranges[i].len == 1 << 19);
        CHECK(!i || bi.ranges[i - 1].base + bi.ranges[i - 1].len <= bi.ranges[i].base);
    }
    for (u32 i = 0; i < 4; i++) /* kernel, initramfs, framebuffer and one to spare */
        memmap_add(&map, 1, 1, BOOT_MEM_LOADER);
    CHECK(!map.full);
    for (u32 i = 0; i < 100; i++)
        memmap_add(&map, 1, 1, BOOT_MEM_RESERVED);
    CHECK(map.full); /* a reservation is lost: the map must not be used */
}

TEST(memmap_tells_ram)
{
    memmap_init(&map);
    memmap_add(&map, 0x300000, 0x100000, BOOT_MEM_USABLE);
    memmap_add(&map, 0x200000, 0x100000, BOOT_MEM_USABLE);
    CHECK(memmap_is_ram(&map, 0x200000, 0x200000));
    CHECK(memmap_is_ram(&map, 0x2fffff, 2));
    CHECK(!memmap_is_ram(&map, 0x1fffff, 2));
    CHECK(!memmap_is_ram(&map, 0x3fffff, 2));
    CHECK(!memmap_is_ram(&map, 0x300000, ~0ul));
}

/* Where other CPUs start: whole, usable, nobody's, and never the BIOS's first page. */
TEST(memmap_finds_a_low_page)
{
    memmap_init(&map);
    CHECK_EQ(memmap_low_page(&map), 0);
    memmap_add(&map, 0, 0x1800, BOOT_MEM_USABLE);
    CHECK_EQ(memmap_low_page(&map), 0);
    memmap_add(&map, 0x1800, 0x9fc00 - 0x1800, BOOT_MEM_USABLE);
    CHECK_EQ(memmap_low_page(&map), 0x9e000);
    memmap_add(&map, 0x9efff, 1, BOOT_MEM_RESERVED);
    CHECK_EQ(memmap_low_page(&map), 0x9d000);
    memmap_add(&map, 0x4000, 0x9a000, BOOT_MEM_LOADER);
    CHECK_EQ(memmap_low_page(&map), 0x3000);
    memmap_add(&map, 0, ~0ul, BOOT_MEM_NVS);
    CHECK_EQ(memmap_low_page(&map), 0);
}
