/* SPDX-License-Identifier: MIT
 *
 * The pure parts of the UEFI loader: its configuration and load options, the checks of the
 * kernel's ELF file, the conversion of the firmware's memory map; all with hostile input, in
 * blocks of exactly their size so that the sanitizer sees every byte too far.
 */
#include "arch/x86_64/boot/handover.h"
#include "arch/x86_64/boot/uefi/config.h"
#include "arch/x86_64/boot/uefi/efimap.h"
#include "arch/x86_64/boot/uefi/kimage.h"
#include "lib/string.h"
#include "tests/host/harness.h"
#include <stdio.h>
#include <stdlib.h>

static struct config config;

static void parse(const void *text, size_t n)
{
    char *exact = malloc(n ? n : 1);

    CHECK(exact != NULL);
    memcpy(exact, text, n);
    config_parse(&config, exact, n);
    free(exact);
    CHECK(config.nentries >= 1 && config.nentries <= CONFIG_ENTRIES);
    CHECK(config.chosen < config.nentries);
}

static void parse_text(const char *text)
{
    parse(text, strlen(text));
}

static void check_fault(u32 index, u32 line, const char *part)
{
    CHECK(index < MIN(config.nfaults, (u32)CONFIG_FAULTS));
    CHECK_EQ(config.faults[index].line, line);
    CHECK(strstr(config.faults[index].reason, part) != NULL);
}

TEST(loader_config_entries)
{
    parse_text("\xef\xbb\xbf# comment = ignored\r\n\r\n timeout = 5\r\nmode=1024x768\n"
               "default=2\ncmdline = quiet\nentry = One\n\tkernel\t=\t/boot/other.elf \n"
               "entry=Two\ncmdline = a=b #c\ninitramfs =\nentry = Three\n"
               "chain = /EFI/X.EFI");
    CHECK_EQ(config.nfaults, 0);
    CHECK_EQ(config.nentries, 3);
    CHECK_EQ(config.timeout, 5);
    CHECK_EQ(config.chosen, 1);
    CHECK(config.width == 1024 && config.height == 768);
    CHECK_EQ(strcmp(config.entries[0].name, "One"), 0);
    CHECK_EQ(strcmp(config.entries[0].kernel, "/boot/other.elf"), 0);
    CHECK_EQ(strcmp(config.entries[0].cmdline, "quiet"), 0);
    CHECK_EQ(strcmp(config.entries[1].kernel, "/boot/kernel.elf"), 0);
    CHECK_EQ(strcmp(config.entries[1].cmdline, "a=b #c"), 0);
    CHECK_EQ(config.entries[1].initramfs[0], 0);
    CHECK_EQ(strcmp(config.entries[2].chain, "/EFI/X.EFI"), 0);
}

TEST(loader_config_without_entry)
{
    parse("", 0);
    CHECK_EQ(config.nentries, 1);
    CHECK_EQ(config.nfaults, 0);
    CHECK_EQ(strcmp(config.entries[0].initramfs, "/boot/initramfs.cpio"), 0);
    parse_text("cmdline = noacpi\ndefault = 1");
    CHECK_EQ(config.nfaults, 0);
    CHECK_EQ(strcmp(config.entries[0].cmdline, "noacpi"), 0);
}

TEST(loader_config_faults_cost_one_line)
{
    parse_text(
        "timeout = 99999999999999999999\nwhat\nkernle = /x\nkernel = x\nmode = 0x5\n"
        "entry =\ndefault = 7\nchain = /x\ncmdline = ok\n");
    CHECK_EQ(config.nfaults, 8);
    check_fault(0, 1, "number");
    check_fault(1, 2, "key = value");
    check_fault(2, 3, "unknown key");
    check_fault(3, 4, "path");
    check_fault(4, 5, "mode");
    check_fault(5, 6, "name");
    check_fault(6, 8, "first entry");
    check_fault(7, 7, "not there");
    CHECK_EQ(config.chosen, 0);
    CHECK_EQ(strcmp(config.entries[0].cmdline, "ok"), 0);
    CHECK_EQ(strcmp(config.entries[0].kernel, "/boot/kernel.elf"), 0);
    parse_text("default = 0\nentry = a\ncmdline = \x01\nmode = 640x\nmode = 640x480x\n"
               "timeout = -1\ntimeout =\n= x\n");
    CHECK_EQ(config.nfaults, 7);
    parse("\xff\xfe"
          "e\0",
          4);
    check_fault(0, 1, "UTF-16");
}

TEST(loader_config_too_much)
{
    static char text[1 << 16];
    size_t n = 0;

    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "entry = %d\n", i);
    parse(text, n);
    CHECK_EQ(config.nentries, CONFIG_ENTRIES);
    CHECK_EQ(config.nfaults, 1000 - CONFIG_ENTRIES);
    memset(text, 'x', sizeof(text));
    memcpy(text, "cmdline=", 8);
    for (n = 8; n < 8 + CONFIG_CMDLINE_MAX + 2; n++) {
        parse(text, n);
        CHECK_EQ(config.nfaults, n - 8 >= CONFIG_CMDLINE_MAX);
    }
    memcpy(text, "kernel=/", 8);
    parse(text, sizeof(text));
    check_fault(0, 1, "too long");
}

TEST(loader_config_random)
{
    static const char *const words[] = {"entry",   "=", "\n",     "timeout", "default",
                                        "mode",    "#", "kernel", "/b",      "9x",
                                        "cmdline", " ", "\r",     "7"};
    char text[256];

    for (int round = 0; round < 20000; round++) {
        size_t n = 0;

        while (n < 200 && test_rand() % 40) {
            const char *w = words[test_rand() % ARRAY_SIZE(words)];

            if (test_rand() % 16 == 0)
                text[n++] = (char)test_rand();
            memcpy(text + n, w, strlen(w));
            n += strlen(w);
        }
        parse(text, n);
    }
}

static bool options(const char *text, size_t extra, bool shell, char *out, size_t size)
{
    size_t n = strlen(text) + extra;
    u16 *wide = calloc(n + 1, sizeof(u16));
    bool there;

    CHECK(wide != NULL);
    for (size_t i = 0; text[i]; i++)
        wide[i] = (u8)text[i];
    wide = realloc(wide, n ? n * 2 : 1);
    there = config_load_options(wide, n * 2, shell, out, size);
    free(wide);
    return there;
}

TEST(loader_load_options)
{
    char out[16];

    CHECK(options("noacpi fb=off", 1, false, out, sizeof(out)));
    CHECK_EQ(strcmp(out, "noacpi fb=off"), 0);
    CHECK(options("fs0:\\BootX64.EFI  suite ", 0, false, out, sizeof(out)));
    CHECK_EQ(strcmp(out, "suite"), 0);
    CHECK(options("\"a b.efi\" x", 1, true, out, sizeof(out)));
    CHECK_EQ(strcmp(out, "x"), 0);
    CHECK(options("BOOTX64 y", 1, true, out, sizeof(out)));
    CHECK_EQ(strcmp(out, "y"), 0);
    CHECK(options("0123456789abcdefghij", 1, false, out, sizeof(out)));
    CHECK_EQ(strcmp(out, "0123456789abcde"), 0);
    CHECK(!options("BOOTX64.EFI", 1, true, out, sizeof(out)));
    CHECK(!options("\"unclosed.efi", 0, true, out, sizeof(out)));
    CHECK(!options("", 1, false, out, sizeof(out)));
    CHECK(!options("", 0, true, out, sizeof(out)));
    CHECK(!options("\x8e\xac\x04\x81", 0, false, out, sizeof(out)));
    CHECK(!config_load_options((const u16 *)"a", 1, false, out, sizeof(out)));
}

/* A kernel file: header, three program headers, a note, code. */
struct test_elf {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        u32 type, flags;
        u64 offset, vaddr, paddr, filesz, memsz, align;
    } ph[3];
    struct {
        u32 namesz, descsz, type;
        char name[8];
        u8 entry[8]; /* aligned to 4 bytes only */
    } note;
    u8 code[36];
};

static void set_door(struct test_elf *e, u64 entry)
{
    memcpy(e->note.entry, &entry, sizeof(entry));
}

static struct test_elf good_elf(void)
{
    struct test_elf e = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                         .type = 2,
                         .machine = 62,
                         .phoff = offsetof(struct test_elf, ph),
                         .phentsize = 56,
                         .phnum = 3,
                         .note = {8, 8, HANDOVER_NOTE, "Tessera", {0}}};
    u64 code = offsetof(struct test_elf, code), note = offsetof(struct test_elf, note);

    memset(e.code, 0x90, sizeof(e.code));
    e.ph[0].type = e.ph[1].type = 1;
    e.ph[0].flags = 5;
    e.ph[0].offset = code;
    e.ph[0].paddr = 0x200000;
    e.ph[0].filesz = sizeof(e.code);
    e.ph[0].memsz = 0x1000;
    e.ph[1].paddr = 0x202000;
    e.ph[1].memsz = 0x1801;
    e.ph[2].type = 4;
    e.ph[2].offset = note;
    e.ph[2].filesz = sizeof(e.note);
    set_door(&e, 0x200010);
    return e;
}

static const char *check(const struct test_elf *e, size_t n, struct kimage *img)
{
    static void *exact;
    const char *wrong;

    free(exact);
    exact = malloc(n ? n : 1);
    CHECK(exact != NULL);
    memcpy(exact, e, n);
    wrong = kimage_check(exact, n, img);
    if (!wrong) { /* what is accepted can be placed */
        u8 *place = malloc(img->size);

        CHECK(place != NULL);
        CHECK(img->size <= KIMAGE_MAX && img->entry - img->low < img->size);
        kimage_place(img, place);
        free(place);
    }
    return wrong;
}

TEST(loader_kernel_good)
{
    struct test_elf e = good_elf();
    struct kimage img;
    u8 place[0x4000];

    CHECK(check(&e, sizeof(e), &img) == NULL);
    CHECK_EQ(img.low, 0x200000);
    CHECK_EQ(img.size, 0x4000);
    CHECK_EQ(img.entry, 0x200010);
    memset(place, 0xff, sizeof(place));
    kimage_place(&img, place);
    CHECK(place[0] == 0x90 && place[35] == 0x90 && place[36] == 0 && place[0x3fff] == 0);
}

#define REFUSED(change, part)                              \
    do {                                                   \
        struct test_elf e = good_elf();                    \
        const char *wrong;                                 \
        change;                                            \
        wrong = check(&e, sizeof(e), &(struct kimage){0}); \
        CHECK(wrong != NULL);                              \
        if (!strstr(wrong, part))                          \
            FAIL("%s: says '%s'", #change, wrong);         \
    } while (0)

TEST(loader_kernel_refused)
{
    REFUSED(e.ident[0] = 0, "no ELF");
    REFUSED(e.ident[4] = 1, "another machine");
    REFUSED(e.machine = 3, "another machine");
    REFUSED(e.type = 3, "no executable");
    REFUSED(e.phentsize = 32, "program headers");
    REFUSED(e.phnum = 0, "program headers");
    REFUSED(e.phnum = 0xffff, "cut off");
    REFUSED(e.phoff = ~0ull - 7, "cut off");
    REFUSED(e.phoff = 65, "cut off");
    REFUSED(e.ph[0].filesz = ~0ull, "cut off");
    REFUSED(e.ph[0].offset = ~0ull, "cut off");
    REFUSED(e.ph[2].filesz = 1000, "cut off");
    REFUSED(e.ph[0].memsz = 8, "larger in the file");
    REFUSED(e.ph[0].memsz = ~0ull, "above 4 GiB");
    REFUSED(e.ph[1].paddr = 0xfffff000, "above 4 GiB");
    REFUSED(e.ph[1].paddr = ~0ull, "above 4 GiB");
    REFUSED(e.ph[1].paddr = 0x200fff, "overlap");
    REFUSED(e.ph[1].paddr = 0x1ff000, "overlap");
    REFUSED(e.ph[1].memsz = KIMAGE_MAX, "256 MiB");
    REFUSED(e.ph[0].paddr = 0x201000; e.ph[1].paddr = 0x203000, "2 MiB");
    REFUSED(e.ph[0].type = e.ph[1].type = 0, "nothing to load");
    REFUSED(e.ph[0].memsz = e.ph[0].filesz = e.ph[1].memsz = 0, "nothing to load");
    REFUSED(e.ph[2].type = 0, "no 64-bit entry");
    REFUSED(e.note.name[0] = 't', "no 64-bit entry");
    REFUSED(e.note.type = 2, "no 64-bit entry");
    REFUSED(e.note.namesz = 0xffffffff, "no 64-bit entry");
    REFUSED(e.note.descsz = 0xfffffffc, "no 64-bit entry");
    REFUSED(e.ph[2].filesz = 27, "no 64-bit entry");
    REFUSED(set_door(&e, 0x200024), "outside its code");
    REFUSED(set_door(&e, 0x202000), "outside its code");
    REFUSED(set_door(&e, ~0ull), "outside its code");
}

TEST(loader_kernel_truncated_and_random)
{
    struct test_elf e = good_elf();
    struct kimage img;

    for (size_t n = 0; n < sizeof(e); n++)
        CHECK(check(&e, n, &img) != NULL);
    for (int round = 0; round < 20000; round++) {
        e = good_elf();
        for (u64 k = 1 + test_rand() % 4; k > 0; k--)
            ((u8 *)&e)[test_rand() % sizeof(e)] = (u8)test_rand();
        if (e.ph[0].memsz + e.ph[1].memsz < 1 << 20) /* placing large ones takes long */
            check(&e, sizeof(e), &img);
    }
}

static struct efimap_descriptor descriptor(u32 type, u64 start, u64 pages)
{
    return (struct efimap_descriptor){type, 0, start, 0, pages, 0xf};
}

TEST(loader_map_types)
{
    static const u8 want[] = {
        HANDOVER_RESERVED, HANDOVER_USABLE,   HANDOVER_USABLE,   HANDOVER_USABLE,
        HANDOVER_USABLE,   HANDOVER_RESERVED, HANDOVER_RESERVED, HANDOVER_USABLE,
        HANDOVER_BAD,      HANDOVER_ACPI,     HANDOVER_NVS,      HANDOVER_RESERVED,
        HANDOVER_RESERVED, HANDOVER_RESERVED, HANDOVER_RESERVED, HANDOVER_RESERVED};
    struct handover_range out[2];

    for (u32 type = 0; type < 300; type++) {
        struct efimap_descriptor d = descriptor(type, 0x100000, 16);

        CHECK_EQ(efimap_convert(&d, sizeof(d), sizeof(d), out, 2), 1);
        CHECK_EQ(out[0].type, type < 16 ? want[type] : HANDOVER_RESERVED);
        CHECK_EQ(out[0].base, 0x100000);
        CHECK_EQ(out[0].len, 0x10000);
    }
    for (int bit = 0; bit < 64; bit++) { /* no write-back; one purpose; runtime */
        struct efimap_descriptor d = descriptor(7, 0, 1);

        d.attribute = bit == 3 ? 0 : 8 | 1ull << bit;
        efimap_convert(&d, sizeof(d), sizeof(d), out, 2);
        CHECK_EQ(out[0].type, bit == 3 || bit == 18 || bit == 63 ? HANDOVER_RESERVED
                                                                 : HANDOVER_USABLE);
    }
}

TEST(loader_map_shapes)
{
    struct efimap_descriptor in[] = {
        descriptor(7, 0x1000, 1),     descriptor(3, 0x2000, 2),
        descriptor(10, 0x4000, 1),    descriptor(7, 0, 0),
        descriptor(7, 0x8000, ~0ull), descriptor(0, 0x9000, ~0ull),
        descriptor(7, ~0xfffull, 1),  descriptor(7, 0x5000, 1)};
    struct handover_range out[8];
    u8 *wide = malloc(5 * 48);

    CHECK_EQ(efimap_convert(in, sizeof(in), sizeof(in[0]), out, 8), 4);
    CHECK(out[0].base == 0x1000 && out[0].len == 0x3000); /* neighbours became one */
    CHECK(out[1].type == HANDOVER_NVS);
    CHECK(out[2].type == HANDOVER_RESERVED && out[2].base == 0x9000);
    CHECK_EQ(out[2].base + out[2].len, ~0ull); /* a wrapping one ends at the top */
    CHECK(out[3].base == 0x5000 && out[3].type == HANDOVER_USABLE);
    CHECK_EQ(efimap_convert(in, sizeof(in), sizeof(in[0]), out, 1), 1);
    CHECK_EQ(efimap_convert(in, sizeof(in), 39, out, 8), 0);
    CHECK_EQ(efimap_convert(in, 0, 40, out, 8), 0);
    CHECK(wide != NULL); /* larger descriptors, and half a one at the end */
    for (u32 i = 0; i < 4; i++)
        memcpy(wide + 48 * i, &in[i % 2 ? 2 : 0], sizeof(in[0]));
    CHECK_EQ(efimap_convert(wide, 4 * 48 + 47, 48, out, 8), 4);
    free(wide);
}
