/* SPDX-License-Identifier: MIT
 *
 * ACPI tables, right and hostile. Physical memory is an array; acpi_map hands out a copy of
 * exactly the bytes asked for, so that reading one more is seen by the address sanitizer,
 * and frees the one before, as the kernel's window does.
 */
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/acpi/aml.h"
#include "arch/x86_64/acpi/parse.h"
#include "lib/string.h"
#include "tests/host/harness.h"
#include <stdlib.h>

#define MEMORY 0x140000ul
#define RSDP   0x110000ul
#define ROOT   0x110101ul /* misaligned on purpose */
#define TABLES 0x111001ul
#define STRIDE 0x2000ul

static u8 memory[MEMORY];
static struct acpi_info info;
static u32 maps; /* calls of acpi_map: what a hostile table can cost */
static u64 bytes_mapped;

const void *acpi_map(paddr_t pa, size_t nbytes)
{
    static u8 *copy;

    free(copy);
    copy = NULL;
    maps++;
    if (nbytes == 0 || pa >= MEMORY || nbytes > MEMORY - pa)
        return NULL;
    bytes_mapped += nbytes;
    copy = malloc(nbytes);
    memcpy(copy, memory + pa, nbytes);
    return copy;
}

static void put(paddr_t pa, u64 value, u32 width)
{
    memcpy(memory + pa, &value, width);
}

static void fix_sum(paddr_t pa, u32 n, u32 at)
{
    u8 sum = 0;

    memory[pa + at] = 0;
    for (u32 i = 0; i < n; i++)
        sum = (u8)(sum + memory[pa + i]);
    memory[pa + at] = (u8)-sum;
}

static void seal(paddr_t pa)
{
    u32 n;

    memcpy(&n, memory + pa + 4, 4);
    fix_sum(pa, n, 9);
}

static void header(paddr_t pa, const char *signature, u32 length, u8 revision)
{
    memset(memory + pa, 0, length);
    memcpy(memory + pa, signature, 4);
    put(pa + 4, length, 4);
    memory[pa + 8] = revision;
    memcpy(memory + pa + 10, "TESSRA", 6);
    seal(pa);
}

static paddr_t table_at(u32 i)
{
    return TABLES + i * STRIDE;
}

/* RSDP and a root table with n entries, one for each table_at. */
static void make_root(bool xsdt, u32 n)
{
    u32 width = xsdt ? 8 : 4;

    memset(memory, 0, sizeof(memory));
    memcpy(memory + RSDP, "RSD PTR ", 8);
    memory[RSDP + 15] = xsdt ? 2 : 0;
    put(RSDP + 16, xsdt ? 0xdead0000 : ROOT, 4); /* must not be used then */
    fix_sum(RSDP, 20, 8);
    if (xsdt) {
        put(RSDP + 20, 36, 4);
        put(RSDP + 24, ROOT, 8);
        fix_sum(RSDP, 36, 32);
    }
    header(ROOT, xsdt ? "XSDT" : "RSDT", 36 + n * width, 1);
    for (u32 i = 0; i < n; i++)
        put(ROOT + 36 + i * width, table_at(i), width);
    seal(ROOT);
}

static void make_fadt(u32 i, u32 length, u8 revision)
{
    paddr_t pa = table_at(i);

    header(pa, "FACP", length, revision);
    put(pa + 40, table_at(i + 1), 4);
    put(pa + 48, 0xb2, 4);
    memory[pa + 52] = 2;
    put(pa + 64, 0x604, 4);
    put(pa + 76, 0x608, 4);
    memory[pa + 91] = 4;
    memory[pa + 108] = 0x32;
    put(pa + 112, 1u << 10 | 1u << 8, 4); /* reset register, 32-bit timer */
    if (length >= 129) {
        memory[pa + 116] = ACPI_IO;
        put(pa + 120, 0xcf9, 8);
        memory[pa + 128] = 6;
    }
    if (length >= 111)
        put(pa + 109, 2, 2);
    seal(pa);
}

/* A DSDT with `n` bytes of AML. */
static void make_aml(u32 i, const char *signature, const void *aml, u32 n)
{
    header(table_at(i), signature, 36 + n + 64, 2);
    memset(memory + table_at(i) + 36, 0xa3, n + 64);
    memcpy(memory + table_at(i) + 36 + 32, aml, n);
    seal(table_at(i));
}

static const u8 s5_plain[] = {0x08, '_',  'S', '5',  '_', 0x12, 0x08,
                              0x04, 0x0a, 5,   0x0a, 5,   0x00, 0x00};

TEST(acpi_reads_what_tables_say)
{
    for (int xsdt = 0; xsdt < 2; xsdt++) {
        make_root(xsdt, 2);
        make_fadt(0, 276, 6);
        make_aml(1, "DSDT", s5_plain, sizeof(s5_plain));
        acpi_parse(RSDP, &info);
        CHECK(info.present && info.has_fadt && info.has_s5);
        CHECK_EQ(info.s5_a, 5);
        CHECK_EQ(info.pm1a.addr, 0x604);
        CHECK(info.pm1a.present && info.pm1a.space == ACPI_IO && !info.pm1b.present);
        CHECK(info.pm_timer.present && info.timer_32_bits);
        CHECK(info.reset.present && info.reset.addr == 0xcf9 && info.reset_value == 6);
        CHECK_EQ(info.century, 0x32);
        CHECK(info.has_boot_flags && info.boot_flags == 2);
        CHECK_EQ(strcmp(info.tables[0].signature, xsdt ? "XSDT" : "RSDT"), 0);
        CHECK_EQ(strcmp(info.tables[1].oem, "TESSRA"), 0);
    }
}

TEST(acpi_fadt_of_every_length)
{
    for (u32 length = 36; length <= 276; length++) {
        make_root(true, 1);
        header(table_at(0), "FACP", 276, 6);
        memset(memory + table_at(0) + 36, 0xff, 240); /* what lies behind a short one */
        put(table_at(0) + 4, length, 4);
        fix_sum(table_at(0), length, 9);
        acpi_parse(RSDP, &info);
        CHECK(info.has_fadt);
        CHECK_EQ(info.has_boot_flags, length >= 111);
        CHECK(!info.reset.present); /* space 0xff */
        CHECK(info.pm1a.present == false);
    }
    /* Revision 1 has no reset register whatever its length and flags say. */
    make_root(false, 1);
    make_fadt(0, 132, 1);
    acpi_parse(RSDP, &info);
    CHECK(info.has_fadt && !info.reset.present && !info.has_boot_flags);
    make_fadt(0, 116, 1);
    acpi_parse(RSDP, &info);
    CHECK(info.has_fadt && !info.reset.present && info.pm1a.present);
}

TEST(acpi_reduced_hardware)
{
    paddr_t pa = table_at(0);

    make_root(true, 1);
    make_fadt(0, 276, 5);
    put(pa + 112, 1u << 20, 4);
    memory[pa + 244] = ACPI_MEMORY;
    put(pa + 248, 0xfea00000, 8);
    seal(pa);
    acpi_parse(RSDP, &info);
    CHECK(info.reduced && info.sleep.present && info.sleep.addr == 0xfea00000);
    CHECK(!info.pm1a.present && !info.pm_timer.present);
}

TEST(acpi_counts_processors)
{
    paddr_t pa = table_at(0), at = pa + 44;

    make_root(true, 1);
    header(pa, "APIC", 44 + 4 * 8 + 2 * 16 + 2 * 12 + 1, 3);
    memory[pa + 40] = 1;
    for (u32 i = 0; i < 4; i++, at += 8) { /* the last: only online-capable */
        memory[at + 1] = 8;
        memory[at + 3] = (u8)(2 * i);
        put(at + 4, i == 3 ? 2 : 1, 4);
    }
    for (u32 i = 0; i < 2; i++, at += 16) { /* one is disabled */
        memory[at] = 9;
        memory[at + 1] = 16;
        put(at + 4, 300 + i, 4);
        put(at + 8, i, 4);
    }
    for (u32 i = 0; i < 2; i++, at += 12) {
        memory[at] = 1;
        memory[at + 1] = 12;
    }
    memory[at] = 0; /* half an entry at the end */
    seal(pa);
    acpi_parse(RSDP, &info);
    CHECK(info.has_madt && info.has_pics);
    CHECK_EQ(info.processors, 4);
    CHECK_EQ(info.nlocal_apics, 4);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(info.local_apics[i], i < 3 ? 2 * i : 301);
    CHECK_EQ(info.ioapics, 2);
    /* Entries of length 0 and 1 end the walk. */
    for (u8 bad = 0; bad < 2; bad++) {
        memory[pa + 44 + 8 + 1] = bad;
        seal(pa);
        acpi_parse(RSDP, &info);
        CHECK_EQ(info.processors, 1);
    }
}

/* A MADT of n processors; `wide`: the first so many as x2APICs. */
static void make_madt(u32 n, u32 wide, u32 (*id)(u32 i))
{
    paddr_t pa = table_at(0), at = pa + 44;

    make_root(true, 1);
    header(pa, "APIC", 44 + wide * 16 + (n - wide) * 8, 3);
    for (u32 i = 0; i < n; i++) {
        memory[at] = i < wide ? 9 : 0;
        memory[at + 1] = i < wide ? 16 : 8;
        put(at + (i < wide ? 4 : 3), id(i), i < wide ? 4 : 1);
        put(at + (i < wide ? 8 : 4), 1, 4);
        at += i < wide ? 16 : 8;
    }
    seal(pa);
    acpi_parse(RSDP, &info);
}

static u32 id_all(u32 i)
{
    return i % 2 ? 0xffffffff : 0xff;
}

static u32 id_same(u32 i)
{
    (void)i;
    return 7;
}

static u32 id_twice(u32 i)
{
    return i / 2;
}

static u32 id_backwards(u32 i)
{
    return 100000 - i;
}

TEST(acpi_processors_are_listed_once)
{
    make_madt(300, 0, id_same);
    CHECK_EQ(info.processors, 1);
    CHECK_EQ(info.nlocal_apics, 1);
    CHECK_EQ(info.local_apics[0], 7);
    make_madt(40, 20, id_twice); /* 0 to 9, and 10 to 19 */
    CHECK_EQ(info.processors, 20);
    CHECK_EQ(info.local_apics[19], 19);
    make_madt(8, 4, id_same); /* as x2APIC and as APIC */
    CHECK_EQ(info.processors, 1);
}

TEST(acpi_more_processors_than_there_is_room_for)
{
    make_madt(400, 400, id_backwards);
    CHECK_EQ(info.nlocal_apics, MAX_CPUS);
    CHECK_EQ(info.processors, 400);
    for (u32 i = 0; i < MAX_CPUS; i++)
        CHECK_EQ(info.local_apics[i], 100000 - i);
}

/* The numbers that mean all processors are no processor's. */
TEST(acpi_broadcast_is_no_processor)
{
    make_madt(2, 2, id_all); /* 255 is one in an x2APIC */
    CHECK_EQ(info.processors, 1);
    CHECK_EQ(info.local_apics[0], 0xff);
    make_madt(1, 0, id_all);
    CHECK_EQ(info.processors, 0);
}

TEST(acpi_other_tables)
{
    make_root(true, 2);
    header(table_at(0), "HPET", 56, 1);
    put(table_at(0) + 44, 0xfed00000, 8);
    seal(table_at(0));
    header(table_at(1), "MCFG", 60, 1);
    put(table_at(1) + 44, 0xb0000000, 8);
    seal(table_at(1));
    acpi_parse(RSDP, &info);
    CHECK(info.hpet.present && info.hpet.addr == 0xfed00000);
    CHECK_EQ(info.mcfg, 0xb0000000);
}

static bool s5(const void *aml, size_t n, u8 *a, u8 *b)
{
    u8 *exact = malloc(n ? n : 1);
    bool found;

    memcpy(exact, aml, n);
    found = acpi_find_s5(exact, n, a, b);
    free(exact);
    return found;
}

TEST(acpi_s5_forms)
{
    static const u8 root_name[] = {0x08, '\\', '_', 'S', '5',  '_',  0x12,
                                   0x06, 0x04, 7,   0,   0x01, 0x00, 0x00};
    static const u8 words[] = {0x08, '_',  'S', '5',  '_',  0x12, 0x40, 0x01,
                               0x02, 0x0b, 3,   0x00, 0x0c, 2,    0,    0,
                               0,    0,    0,   0,    0,    0};
    static const u8 packed[] = {0x08, '_', 'S', '5', '_', 0x12, 5, 1, 0x0b, 5, 6};
    u8 a, b;

    CHECK(s5(s5_plain, sizeof(s5_plain), &a, &b) && a == 5 && b == 5);
    for (size_t n = 0; n < sizeof(s5_plain); n++)
        CHECK(!s5(s5_plain, n, &a, &b));              /* cut anywhere before its end */
    CHECK(!s5(root_name, sizeof(root_name), &a, &b)); /* 7 is no number's code */
    {
        u8 fixed[sizeof(root_name)];

        memcpy(fixed, root_name, sizeof(fixed));
        fixed[9] = 0x01;
        CHECK(s5(fixed, sizeof(fixed), &a, &b) && a == 1 && b == 0);
    }
    CHECK(s5(words, sizeof(words), &a, &b) && a == 3 && b == 2);
    CHECK(s5(packed, sizeof(packed), &a, &b) && a == 5 && b == 6);
    /* A name that is only mentioned, and sleep types that no machine has. */
    CHECK(!s5(s5_plain + 1, sizeof(s5_plain) - 1, &a, &b));
    {
        u8 large[sizeof(s5_plain)];

        memcpy(large, s5_plain, sizeof(large));
        large[9] = 8;
        CHECK(!s5(large, sizeof(large), &a, &b));
    }
}

TEST(acpi_s5_in_ssdt)
{
    make_root(true, 4);
    make_fadt(0, 276, 6);
    make_aml(1, "DSDT", "nothing", 7);
    make_aml(2, "SSDT", "nothing", 7);
    make_aml(3, "SSDT", s5_plain, sizeof(s5_plain));
    acpi_parse(RSDP, &info);
    CHECK(info.has_s5 && info.s5_b == 5);
    memory[table_at(3) + 50] ^= 1; /* checksum: then it is not looked at */
    acpi_parse(RSDP, &info);
    CHECK(!info.has_s5 && info.present);
}

TEST(acpi_refuses_bad_roots)
{
    make_root(true, 1);
    acpi_parse(0, &info);
    CHECK(!info.present);
    acpi_parse(~0ul, &info);
    CHECK(!info.present);
    acpi_parse(MEMORY - 10, &info);
    CHECK(!info.present);
    memory[RSDP + 9] ^= 1;
    acpi_parse(RSDP, &info);
    CHECK(!info.present);
    make_root(true, 1);
    memory[ROOT + 20] ^= 1;
    acpi_parse(RSDP, &info);
    CHECK(!info.present && info.ntables == 0);
    static const u32 lengths[] = {0, 35, ACPI_TABLE_BYTES_MAX + 1, 0xffffffff};
    for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
        make_root(true, 1);
        put(ROOT + 4, lengths[i], 4);
        acpi_parse(RSDP, &info);
        CHECK(!info.present);
    }
}

TEST(acpi_bounds_its_work)
{
    /* A root of 100000 entries that all name itself. */
    make_root(true, 0);
    put(ROOT + 4, 36 + 0x8000, 4);
    for (u32 i = 0; i < 0x8000 / 8; i++)
        put(ROOT + 36 + i * 8, ROOT, 8);
    seal(ROOT);
    maps = 0;
    bytes_mapped = 0;
    acpi_parse(RSDP, &info);
    CHECK(maps < 500);
    CHECK(bytes_mapped < 10ul << 20);
    CHECK(info.ntables <= ACPI_TABLES_MAX);
}

TEST(acpi_searches_low_memory)
{
    make_root(false, 0);
    CHECK_EQ(acpi_search_rsdp(), 0);
    memcpy(memory + 0xffff0 - 16, memory + RSDP, 20);
    CHECK_EQ(acpi_search_rsdp(), 0xfffe0);
    memcpy(memory + 0x9fc10, memory + RSDP, 20);
    CHECK_EQ(acpi_search_rsdp(), 0xfffe0);
    put(0x40e, 0x9fc0, 2);
    CHECK_EQ(acpi_search_rsdp(), 0x9fc10);
    put(0x40e, 0xffff, 2);
    CHECK_EQ(acpi_search_rsdp(), 0xfffe0);
}

/* Bytes and whole numbers of right tables changed at random, with checksums mended or not. */
TEST(acpi_fuzz)
{
    for (int round = 0; round < 20000; round++) {
        bool mend = test_rand() % 4;

        make_root(test_rand() % 2, 3);
        make_fadt(0, 116 + (u32)(test_rand() % 161), (u8)(test_rand() % 7));
        make_aml(1, "DSDT", s5_plain, sizeof(s5_plain));
        header(table_at(2), "APIC", 200, 3);
        for (u32 i = 44; i < 200; i++)
            memory[table_at(2) + i] = (u8)(test_rand() % 17);
        seal(table_at(2));
        for (u64 n = test_rand() % 12; n > 0; n--) {
            static const paddr_t places[] = {RSDP, ROOT, TABLES, TABLES + STRIDE,
                                             TABLES + 2 * STRIDE};
            u64 which = test_rand() % ARRAY_SIZE(places);
            paddr_t pa = places[which] + test_rand() % 160;
            u32 length;

            put(pa, test_rand(), 1u << test_rand() % 4);
            memcpy(&length, memory + places[which] + 4, 4);
            if (which == 0)
                fix_sum(RSDP, 20, 8);
            else if (mend && length >= 36 && length < MEMORY - places[which])
                fix_sum(places[which], length, 9);
        }
        maps = 0;
        acpi_parse(RSDP, &info);
        CHECK(maps < 500 && info.ntables <= ACPI_TABLES_MAX);
        CHECK(!info.has_s5 || (info.s5_a < 8 && info.s5_b < 8));
        for (u32 i = 0; i < info.ntables; i++)
            CHECK(strlen(info.tables[i].signature) == 4);
    }
}
