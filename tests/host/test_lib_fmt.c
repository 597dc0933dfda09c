/* SPDX-License-Identifier: MIT
 *
 * The formatter against libc's, over all flags, widths, precisions and lengths.
 */
#include "lib/fmt.h"
#include "tests/host/harness.h"
#include "tests/host/rnd.h"
#include <stdio.h>
#include <string.h>

static const char *const flags[] = {"",   "-",  "0",  "#",  " ",  "+",   "-#", "0#",
                                    "0+", "0 ", "-0", "+#", "-+", "0-#", "+ "};
static const char *const widths[] = {"", "1", "7", "20"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".12"};
static const struct {
    const char *text;
    int bits;
} lengths[] = {{"hh", 32}, {"h", 32}, {"", 32},  {"l", 64},
               {"ll", 64}, {"z", 64}, {"t", 64}, {"j", 64}};
static const u64 values[] = {0,          1,          9,          10,
                             127,        128,        255,        65535,
                             0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdefull,
                             1ull << 63, ~0ull};

static void compare(const char *spec, int got_len, const char *got, int want_len,
                    const char *want)
{
    if (got_len != want_len || strcmp(got, want) != 0)
        FAIL("%%%s: \"%s\" (%d), libc says \"%s\" (%d)", spec + 1, got, got_len, want,
             want_len);
}

/* The formats are made here, so the compiler cannot check them. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void one_number(const char *spec, int bits, u64 value)
{
    char got[80], want[80];
    int g, w;

    if (bits == 64) {
        g = fmt_snprintf(got, sizeof(got), spec, value);
        w = snprintf(want, sizeof(want), spec, value);
    } else {
        g = fmt_snprintf(got, sizeof(got), spec, (u32)value);
        w = snprintf(want, sizeof(want), spec, (u32)value);
    }
    compare(spec, g, got, w, want);
}

TEST(fmt_numbers)
{
    for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
        for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
            for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
                for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
                    for (const char *c = "diuxXo"; *c; c++) {
                        char spec[40];

                        snprintf(spec, sizeof(spec), "%%%s%s%s%s%c", flags[f], widths[w],
                                 precisions[p], lengths[l].text, *c);
                        for (size_t v = 0; v < ARRAY_SIZE(values); v++)
                            one_number(spec, lengths[l].bits, values[v]);
                    }
}

TEST(fmt_text)
{
    static const char *const specs[] = {"%s", "%8s", "%-8s|", "%.2s", "%6.1s", "%.0s"};
    char got[80], want[80];

    for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
        for (const char *s = "hello"; *s; s++) {
            int g = fmt_snprintf(got, sizeof(got), specs[i], s);
            int w = snprintf(want, sizeof(want), specs[i], s);

            compare(specs[i], g, got, w, want);
        }
    compare("%p", fmt_snprintf(got, sizeof(got), "%p", (void *)0x1234), got, 6, "0x1234");
    compare("%c", fmt_snprintf(got, sizeof(got), "%c%3c%-3c.%%", 'a', 'b', 'c'), got, 9,
            "a  bc  .%");
    compare("%*d", fmt_snprintf(got, sizeof(got), "%*d|%-*d|%.*s", 4, 7, 4, 7, 1, "xyz"),
            got, 11, "   7|7   |x");
    compare("%*d", fmt_snprintf(got, sizeof(got), "%*d|%.*d", -4, 7, -1, 7), got, 6,
            "7   |7");
}

TEST(fmt_cut)
{
    for (size_t size = 0; size < 12; size++) {
        char buf[16];

        memset(buf, '#', sizeof(buf));
        CHECK_EQ(fmt_snprintf(buf, size, "%d-%s", 1234, "abcd"), 9);
        for (size_t i = size; i < sizeof(buf); i++)
            CHECK_EQ(buf[i], '#');
        if (size) {
            CHECK_EQ(strlen(buf), size - 1 < 9 ? size - 1 : 9);
            CHECK(strncmp(buf, "1234-abcd", size - 1) == 0);
        }
    }
    CHECK_EQ(fmt_snprintf(NULL, 0, "%300d", 1), 300);
}
