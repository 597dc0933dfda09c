/* SPDX-License-Identifier: MIT
 *
 * The kernel's own string functions, compiled here under other names, against loops that are
 * too simple to be wrong; and the two helpers the host uses as well.
 */
#undef TESSERA_HOST
#define memcpy     k_memcpy
#define memmove    k_memmove
#define memset     k_memset
#define memcmp     k_memcmp
#define memchr     k_memchr
#define strlen     k_strlen
#define strnlen    k_strnlen
#define strcmp     k_strcmp
#define strncmp    k_strncmp
#define strchr     k_strchr
#define strrchr    k_strrchr
#define strstr     k_strstr
#define str_copy   k_str_copy
#define str_to_u64 k_str_to_u64
#define str_to_s64 k_str_to_s64
#define str_trim   k_str_trim
#include "lib/string.c"

#include "tests/host/harness.h"
#include "tests/host/rnd.h"

#define N 80u

static u8 a[N], b[N], want[N];

static void fill(u8 *p)
{
    for (unsigned i = 0; i < N; i++)
        p[i] = (u8)rnd();
}

static void same(void)
{
    for (unsigned i = 0; i < N; i++)
        CHECK_EQ(a[i], want[i]);
}

TEST(string_memory)
{
    for (int round = 0; round < 20000; round++) {
        unsigned n = (unsigned)rnd_below(40), d = (unsigned)rnd_below(40),
                 s = (unsigned)rnd_below(40);
        int c = (int)rnd_below(1024) - 512;

        fill(a);
        fill(b);
        for (unsigned i = 0; i < N; i++)
            want[i] = i - d < n ? b[s + i - d] : a[i];
        CHECK(memcpy(a + d, b + s, n) == a + d);
        same();
        for (unsigned i = 0; i < N; i++)
            want[i] = i - d < n ? a[s + i - d] : a[i];
        CHECK(memmove(a + d, a + s, n) == a + d);
        same();
        for (unsigned i = 0; i < N; i++)
            want[i] = i - d < n ? (u8)c : a[i];
        CHECK(memset(a + d, c, n) == a + d);
        same();
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

TEST(string_compare)
{
    for (int round = 0; round < 20000; round++) {
        unsigned n = (unsigned)rnd_below(16), i = 0;
        void *found = NULL;
        int c = (int)rnd_below(4);

        for (unsigned k = 0; k < N; k++) {
            a[k] = (u8)rnd_below(3);
            b[k] = (u8)rnd_below(3);
        }
        while (i < n && a[i] == b[i])
            i++;
        CHECK_EQ(sign(memcmp(a, b, n)), i == n ? 0 : sign(a[i] - b[i]));
        for (unsigned k = n; k-- > 0;)
            if (a[k] == c)
                found = a + k;
        CHECK(memchr(a, c, n) == found);
    }
    a[0] = 0xff;
    b[0] = 1;
    CHECK(memcmp(a, b, 1) > 0);
}

TEST(string_text)
{
    char text[] = "abcabd\xff";
    char buf[4];

    CHECK_EQ(strlen(""), 0);
    CHECK_EQ(strlen(text), 7);
    CHECK_EQ(strnlen(text, 3), 3);
    CHECK_EQ(strnlen(text, 30), 7);
    CHECK(strcmp("", "") == 0 && strcmp("a", "ab") < 0 && strcmp("b", "ab") > 0);
    CHECK(strcmp("\xff", "a") > 0);
    CHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
    CHECK(strncmp("a", "a", 100) == 0 && strncmp("x", "y", 0) == 0);
    CHECK(strchr(text, 'b') == text + 1 && strchr(text, 'x') == NULL);
    CHECK(strchr(text, 0) == text + 7 && strchr(text, 0xff) == text + 6);
    CHECK(strrchr(text, 'b') == text + 4 && strrchr(text, 0) == text + 7);
    CHECK(strstr(text, "abd") == text + 3 && strstr(text, "") == text);
    CHECK(strstr(text, "abe") == NULL && strstr("", "a") == NULL);
    CHECK_EQ(str_copy(buf, "abcdef", sizeof(buf)), 6);
    CHECK(strcmp(buf, "abc") == 0);
    CHECK_EQ(str_copy(buf, "", sizeof(buf)), 0);
    CHECK(buf[0] == 0);
}

TEST(string_numbers)
{
    static const struct {
        const char *text;
        int err;
        u64 value;
    } cases[] = {
        {"0", 0, 0},
        {"12", 0, 12},
        {"0x1F", 0, 31},
        {"4K", 0, 4096},
        {"3M", 0, 3 << 20},
        {"2G", 0, 2ull << 30},
        {"18446744073709551615", 0, ~0ull},
        {"18446744073709551616", -EINVAL, 0},
        {"0xffffffffffffffff", 0, ~0ull},
        {"0x1ffffffffffffffff", -EINVAL, 0},
        {"17179869184G", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"x", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"0x", -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        u64 value = 0;
        int err = str_to_u64(cases[i].text, &value);

        if (err != cases[i].err || (!err && value != cases[i].value))
            FAIL("\"%s\": %d, %llu", cases[i].text, err, (unsigned long long)value);
    }
}

TEST(string_signed_numbers)
{
    static const struct {
        const char *text;
        int base, err;
        s64 value;
    } cases[] = {
        {"0", 0, 0, 0},
        {"-12\n", 0, 0, -12},
        {"+12", 10, 0, 12},
        {"0x1F", 0, 0, 31},
        {"017", 0, 0, 15},
        {"017", 10, 0, 17},
        {"08", 0, -EINVAL, 0},
        {"0x", 0, -EINVAL, 0},
        {"9223372036854775807", 0, 0, INT64_MAX},
        {"9223372036854775808", 0, -ERANGE, 0},
        {"-9223372036854775808", 0, 0, INT64_MIN},
        {"-9223372036854775809", 0, -ERANGE, 0},
        {"99999999999999999999", 0, -ERANGE, 0},
        {"99999999999999999999x", 0, -EINVAL, 0},
        {"", 0, -EINVAL, 0},
        {"-", 0, -EINVAL, 0},
        {"--1", 0, -EINVAL, 0},
        {"1\n\n", 0, -EINVAL, 0},
        {" 1", 0, -EINVAL, 0},
        {"1k", 0, -EINVAL, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        s64 value = 0;
        int err = str_to_s64(cases[i].text, cases[i].base, &value);

        if (err != cases[i].err || (!err && value != cases[i].value))
            FAIL("\"%s\": %d, %lld", cases[i].text, err, (long long)value);
    }
}
