/* SPDX-License-Identifier: MIT
 *
 * A few functions of C's library, for WebAssembly, which has memory.copy and memory.fill.
 */
#include "tools/explorer/libc/string.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    __builtin_memmove(dst, src, n);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    __builtin_memmove(dst, src, n);
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    __builtin_memset(dst, c, n);
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (size_t i = 0; i < n; i++)
        if (p[i] == (unsigned char)c)
            return (void *)(p + i);
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || !a[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, ~(size_t)0);
}

char *strchr(const char *s, int c)
{
    while (*s != (char)c && *s)
        s++;
    return *s == (char)c ? (char *)s : NULL;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;

    for (; (s = strchr(s, c)) != NULL; s++) {
        last = s;
        if (!c)
            break;
    }
    return (char *)last;
}

char *strstr(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; strlen(hay) >= n; hay++)
        if (strncmp(hay, needle, n) == 0)
            return (char *)hay;
    return NULL;
}

/* What clang calls to multiply with a look at overflow: the low 128 bits of a product. */
__int128 __multi3(__int128 a, __int128 b);
__int128 __multi3(__int128 a, __int128 b)
{
    typedef unsigned long long half;
    half al = (half)a, bl = (half)b, mask = 0xffffffff;
    half low = (al & mask) * (bl & mask);
    half mid = (al >> 32) * (bl & mask) + (low >> 32);
    half other = (al & mask) * (bl >> 32) + (mid & mask);
    half high = (al >> 32) * (bl >> 32) + (mid >> 32) + (other >> 32);

    high += al * (half)(b >> 64) + (half)(a >> 64) * bl;
    return (__int128)((unsigned __int128)high << 64 | (other << 32 | (low & mask)));
}
