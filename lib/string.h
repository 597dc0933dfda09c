/* SPDX-License-Identifier: MIT
 *
 * The standard memory and string functions the kernel uses (host builds take libc's), and
 * a bounded copy that always terminates.
 */
#pragma once

#include "lib/types.h"

#ifdef TESSERA_HOST
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
#endif

/* Copies at most size-1 bytes and terminates. Returns strlen(src): >= size means cut. */
size_t str_copy(char *dst, const char *src, size_t size);

/* Cuts blanks, tabs and newlines off both ends of the *n bytes, in place: where it begins now. */
char *str_trim(char *text, size_t *n);

/* Parses an unsigned number (base 10, or 16 with 0x, or with K/M/G suffix). 0 or -EINVAL. */
int str_to_u64(const char *s, u64 *out);
/* Parses a number as Linux takes it from a file: a sign, digits, one newline. base 0: as the digits
 * begin, 0x: 16, 0: 8, else 10. 0, -EINVAL, -ERANGE: not of 64 bits. */
int str_to_s64(const char *s, int base, s64 *out);
