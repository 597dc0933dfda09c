/* SPDX-License-Identifier: MIT
 *
 * Memory and string functions. Copies and fills go eight bytes at a time; the compiler may
 * call them, so they use no library themselves.
 */
#include "lib/string.h"
#include "lib/kasan.h"
#include "lib/uapi/errno.h"

#ifndef TESSERA_HOST
/* Eight bytes at any address, of any type. */
typedef u64 word_t __attribute__((aligned(1), may_alias));

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *d = dst;
    size_t words = n / 8;

    kasan_check(src, n, false);
    kasan_check(dst, n, true);
    n %= 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n)::"memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if (d <= s || d >= s + n)
        return memcpy(dst, src, n);
    while (n >= 8) {
        n -= 8;
        *(word_t *)(d + n) = *(const word_t *)(s + n);
    }
    while (n--)
        d[n] = s[n];
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    size_t words = n / 8;
    u64 pattern = (u8)c * 0x0101010101010101ull;

    kasan_check(dst, n, true);
    n %= 8;
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(pattern) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const u8 *p = s; n; n--, p++)
        if (*p == (u8)c)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b)
            return (u8)*a - (u8)*b;
        if (!*a)
            return 0;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (!*s)
            return (char *)found;
    }
}

char *strstr(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; *hay; hay++)
        if (strncmp(hay, needle, n) == 0)
            return (char *)hay;
    return n ? NULL : (char *)hay;
}
#endif

size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);

    if (size) {
        size_t part = MIN(n, size - 1);

        memcpy(dst, src, part);
        dst[part] = 0;
    }
    return n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

char *str_trim(char *text, size_t *n)
{
    while (*n && is_space(text[*n - 1]))
        text[--*n] = '\0';
    while (*n && is_space(*text))
        text++, --*n;
    return text;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

int str_to_u64(const char *s, u64 *out)
{
    int base = s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10;
    u64 value = 0;
    unsigned shift = 0;

    if (base == 16)
        s += 2;
    if (digit_of(*s) >= base)
        return -EINVAL;
    for (; digit_of(*s) < base; s++)
        if (__builtin_mul_overflow(value, (u64)base, &value) ||
            __builtin_add_overflow(value, (u64)digit_of(*s), &value))
            return -EINVAL;
    if (*s == 'K' || *s == 'k')
        shift = 10;
    else if (*s == 'M' || *s == 'm')
        shift = 20;
    else if (*s == 'G' || *s == 'g')
        shift = 30;
    if (shift)
        s++;
    if (*s || value > ~0ull >> shift)
        return -EINVAL;
    *out = value << shift;
    return 0;
}

int str_to_s64(const char *s, int base, s64 *out)
{
    bool minus = *s == '-';
    u64 value = 0;
    int err = 0;

    if (*s == '-' || *s == '+')
        s++;
    if (!base)
        base = *s != '0' ? 10 : (s[1] | 0x20) == 'x' && digit_of(s[2]) < 16 ? 16 : 8;
    if (base == 16 && s[0] == '0' && (s[1] | 0x20) == 'x')
        s += 2;
    if (digit_of(*s) >= base)
        return -EINVAL;
    for (; digit_of(*s) < base; s++)
        if (__builtin_mul_overflow(value, (u64)base, &value) ||
            __builtin_add_overflow(value, (u64)digit_of(*s), &value))
            err = -ERANGE;
    if (*s == '\n')
        s++;
    if (*s)
        return -EINVAL;
    if (err || value > (u64)INT64_MAX + minus)
        return -ERANGE;
    *out = (s64)(minus ? -value : value);
    return 0;
}
