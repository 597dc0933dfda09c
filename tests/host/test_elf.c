/* SPDX-License-Identifier: MIT
 *
 * ELF headers of programs: every field wrong, every truncation, random bytes.
 * Tables are allocated to the byte, so that the sanitizer sees a read beyond them.
 */
#include <stdlib.h>

#include "kernel/task/exec/elf.h"
#include "kernel/task/exec/loader.h"
#include "kernel/task/exec/script.h"
#include "lib/elf64.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "tests/host/harness.h"

static struct elf64_ehdr good_header(void)
{
    return (struct elf64_ehdr){.ident = "\177ELF\2\1\1",
                               .type = 2,
                               .machine = 62,
                               .version = 1,
                               .entry = 0x400100,
                               .phoff = 64,
                               .phentsize = 56,
                               .phnum = 4};
}

static void good_table(struct elf64_phdr *ph)
{
    ph[0] = (struct elf64_phdr){1, 5, 0, 0x400000, 0, 0x1800, 0x1800, 0x1000};
    ph[1] = (struct elf64_phdr){1, 6, 0x1800, 0x402800, 0, 0x100, 0x5000, 0x1000};
    ph[2] = (struct elf64_phdr){3, 4, 0x200, 0, 0, 28, 28, 1};
    ph[3] = (struct elf64_phdr){0x6474e551u, 6, 0, 0, 0, 0, 0, 16};
}

static int read_table(const struct elf64_phdr *ph, u32 n, struct elf_image *img)
{
    size_t size = n * sizeof(*ph);
    void *exact = malloc(size);
    int err;

    memcpy(exact, ph, size);
    memset(img, 0, sizeof(*img));
    img->phoff = 64;
    img->phnum = n;
    err = elf_find_interp(exact, img);
    if (!err)
        err = elf_read_segments(exact, img);
    free(exact);
    return err;
}

TEST(elf_good)
{
    struct elf64_ehdr eh = good_header();
    struct elf_image img;
    struct elf_segment seg;
    struct elf64_phdr ph[4];
    u32 index = 0;

    good_table(ph);
    CHECK_EQ(elf_read_header(&eh, 64, &img), 0);
    CHECK(!img.dyn && img.entry == 0x400100 && img.phoff == 64 && img.phnum == 4);
    CHECK_EQ(read_table(ph, 4, &img), 0);
    CHECK_EQ(img.nsegments, 2);
    CHECK_EQ(img.low, 0x400000);
    CHECK_EQ(img.end, 0x407800);
    CHECK_EQ(img.high, 0x408000);
    CHECK_EQ(img.phdr_vaddr, 0x400040);
    CHECK(img.interp_offset == 0x200 && img.interp_size == 28 && !img.exec_stack);
    CHECK(elf_next_segment(ph, 4, &index, &seg) && seg.vaddr == 0x400000 &&
          seg.prot == 5);
    CHECK(elf_next_segment(ph, 4, &index, &seg) && seg.memsz == 0x5000 && seg.prot == 3);
    CHECK(!elf_next_segment(ph, 4, &index, &seg));
}

TEST(elf_header_truncated)
{
    struct elf64_ehdr eh = good_header();
    struct elf_image img;

    for (size_t n = 0; n < 64; n++) {
        u8 *exact = malloc(n ? n : 1);

        memcpy(exact, &eh, n);
        CHECK_EQ(elf_read_header(exact, n, &img), -ENOEXEC);
        free(exact);
    }
}

TEST(elf_header_fields)
{
    struct elf_image img;
    struct elf64_ehdr eh;

#define BAD(field, value) \
    eh = good_header();   \
    eh.field = (value);   \
    CHECK_EQ(elf_read_header(&eh, 64, &img), -ENOEXEC)
    for (int i = 0; i < 4; i++) {
        BAD(ident[i], 0);
        BAD(ident[i], 0xff);
    }
    BAD(type, 0);
    BAD(type, 1);
    BAD(type, 4);
    BAD(machine, 3);
    BAD(machine, 183);
    BAD(phentsize, 0);
    BAD(phentsize, 1);
    BAD(phentsize, 55);
    BAD(phentsize, 57);
    BAD(phnum, 0);
    BAD(phnum, 65535);
    BAD(phnum, (u16)(ELF_PHDRS_MAX + 1));
#undef BAD
    eh = good_header();
    eh.type = 3;
    CHECK(elf_read_header(&eh, 64, &img) == 0 && img.dyn);
}

TEST(elf_segments)
{
    struct elf_image img;
    struct elf64_phdr ph[4];

#define CASE(err, ...) \
    good_table(ph);    \
    __VA_ARGS__;       \
    CHECK_EQ(read_table(ph, 4, &img), err)
    CASE(0, ph[0].align = 0);
    CASE(0, ph[0].align = 3);
    CHECK_EQ(img.align, PAGE_SIZE);
    CASE(0, ph[0].align = 1ul << 21);
    CHECK_EQ(img.align, 1ul << 21);
    CASE(-EINVAL, ph[1].offset += 1);           /* incongruent */
    CASE(0, ph[1].filesz = 0x4000);             /* past the end */
    CASE(-EINVAL, ph[1].offset = ~0ul - 0x7ff); /* wraps */
    CASE(-EINVAL, ph[1].filesz = ~0ul);
    CASE(-EINVAL, ph[1].memsz = ph[1].filesz - 1);
    CASE(-EINVAL, ph[1].memsz = 1ul << 47);
    CASE(-EINVAL, ph[1].memsz = ~0ul);
    CASE(-EINVAL, ph[1].vaddr = 0xffffffff80000800ul);
    CASE(-EINVAL, ph[1].vaddr = USER_END - 0x800);
    CASE(0, ph[1].vaddr = ph[0].vaddr + 0x800); /* overlap */
    CASE(0, ph[0].vaddr = 0x500000);            /* not ascending */
    CHECK(img.low == 0x402000 && img.end == 0x501800);
    CASE(-EINVAL, ph[0].vaddr = 0); /* page 0 of a fixed program */
    CASE(-EINVAL, ph[0].vaddr = 0xf000);
    CASE(0, ph[1].vaddr = 0x401800);                /* two share a page */
    CASE(-ENOEXEC, ph[0].type = 0; ph[1].type = 0); /* nothing to load */
    CASE(-ENOEXEC, ph[2].filesz = 0);
    CASE(-ENOEXEC, ph[2].filesz = 1);
    CASE(-ENOEXEC, ph[2].filesz = 4097);
    CASE(0, ph[0].memsz = ph[0].filesz = 0); /* empty: ignored */
    CASE(0, ph[3].flags = 7);
    CHECK(img.exec_stack);
#undef CASE
}

static u64 odd_value(u64 old)
{
    static const u64 values[] = {0,         1,    0x1000,   0x7fff,          1ul << 47,
                                 1ul << 63, ~0ul, ~0ul - 1, 0x7ffffffff000ul};

    switch (test_rand() % 3) {
    case 0:
        return values[test_rand() % ARRAY_SIZE(values)];
    case 1:
        return old + (test_rand() % 5 - 2) * 0x800;
    default:
        return test_rand() >> test_rand() % 64;
    }
}

/* Whatever is accepted keeps the promises of elf.h. */
static void check_promises(const struct elf64_phdr *ph, u32 n,
                           const struct elf_image *img)
{
    struct elf_segment seg;
    u32 index = 0, count = 0;
    u64 end = 0;

    while (elf_next_segment(ph, n, &index, &seg)) {
        CHECK(seg.filesz <= seg.memsz && seg.memsz <= USER_END);
        CHECK(seg.vaddr >= img->low && seg.vaddr <= USER_END - seg.memsz);
        CHECK(!seg.filesz || (seg.vaddr - seg.offset) % PAGE_SIZE == 0);
        end = MAX(end, seg.vaddr + seg.memsz);
        count++;
    }
    CHECK(count > 0 && count <= img->nsegments && end <= img->end);
    CHECK(img->low % PAGE_SIZE == 0 && img->high % PAGE_SIZE == 0 && img->high >= end);
    CHECK(img->interp_size <= 4096);
}

TEST(elf_random_tables)
{
    u64 accepted = 0;

    for (int round = 0; round < 200000; round++) {
        struct elf_image img;
        struct elf64_phdr ph[4];
        u64 *words = (u64 *)ph;

        good_table(ph);
        for (u64 k = test_rand() % 4; k-- > 0;) {
            u64 i = test_rand() % (sizeof(ph) / 8);

            words[i] = odd_value(words[i]);
        }
        if (read_table(ph, 4, &img) == 0) {
            check_promises(ph, 4, &img);
            accepted++;
        }
    }
    CHECK(accepted > 20000);
}

/* ---- the first line of a script ---- */

static int parse_line(const char *text, size_t n, char **interp, char **arg)
{
    static char *line; /* of exactly the size that may be read */

    free(line);
    line = calloc(1, SCRIPT_LINE_MAX);
    CHECK(line != NULL);
    memcpy(line, text, n);
    return script_parse(line, interp, arg);
}

TEST(script_lines)
{
    char full[SCRIPT_LINE_MAX], *interp, *arg;

    CHECK_EQ(parse_line("#!/bin/sh -e  x \n", 17, &interp, &arg), 0);
    CHECK(strcmp(interp, "/bin/sh") == 0 && strcmp(arg, "-e  x") == 0);
    CHECK_EQ(parse_line("#! a", 4, &interp, &arg), 0);
    CHECK(strcmp(interp, "a") == 0 && !arg);
    CHECK_EQ(parse_line("#!", 2, &interp, &arg), 0);
    CHECK_EQ(*interp, 0);
    CHECK_EQ(parse_line("#!\n", 3, &interp, &arg), -ENOEXEC);
    memset(full, ' ', sizeof(full));
    memcpy(full, "#!", 2);
    CHECK_EQ(parse_line(full, sizeof(full), &interp, &arg), -ENOEXEC);
    memset(full + 2, 'x', sizeof(full) - 2);
    CHECK_EQ(parse_line(full, sizeof(full), &interp, &arg), -ENOEXEC);
    full[sizeof(full) - 1] = ' ';
    CHECK_EQ(parse_line(full, sizeof(full), &interp, &arg), 0);
    CHECK_EQ(strlen(interp), sizeof(full) - 3);
    full[sizeof(full) - 1] = '\n';
    CHECK_EQ(parse_line(full, sizeof(full), &interp, &arg), 0);
}

/* Any bytes: within the line, ended, and no blank in the name. */
TEST(script_random)
{
    static const char some[] = " \t\n\n#!ax/\0\0b";
    char full[SCRIPT_LINE_MAX], *interp, *arg;

    for (int round = 0; round < 200000; round++) {
        size_t n = 2 + test_rand() % (SCRIPT_LINE_MAX - 1);

        for (size_t i = 0; i < n; i++)
            full[i] = test_rand() % 8 ? 'x' : some[test_rand() % sizeof(some)];
        memcpy(full, "#!", 2);
        if (parse_line(full, n, &interp, &arg) == 0)
            CHECK(!strpbrk(interp, " \t\n") && (!arg || strlen(arg) < n));
    }
}
