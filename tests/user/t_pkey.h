/* SPDX-License-Identifier: MIT
 *
 * Protection keys for the suites about them. A CPU without keys skips every case.
 */
#pragma once

#include "tests/user/t.h"
#include <cpuid.h>

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#define NO_ACCESS 1u
#define NO_WRITE  2u
#define INITIAL   0x55555554u /* Linux: of a program that starts, and of a handler */
#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif

static inline unsigned rdpkru(void)
{
    unsigned value, zero;

    __asm__ volatile("rdpkru" : "=a"(value), "=d"(zero) : "c"(0));
    return value;
}

static inline void wrpkru(unsigned value)
{
    __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static inline void set_rights(int key, unsigned rights)
{
    wrpkru((rdpkru() & ~(3u << 2 * key)) | rights << 2 * key);
}

static inline bool have_keys(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 1u << 4;
}

static inline void need_keys(void)
{
    if (!have_keys())
        SKIP("no protection keys (CPUID.7.ECX.OSPKE)");
}

static inline long key_alloc(unsigned long flags, unsigned long rights)
{
    return syscall(SYS_pkey_alloc, flags, rights);
}

static inline long key_free(long key)
{
    return syscall(SYS_pkey_free, key);
}

static inline long key_mprotect(const void *p, size_t n, int prot, long key)
{
    return syscall(SYS_pkey_mprotect, p, n, prot, key);
}

static inline int new_key(unsigned rights)
{
    long key;

    need_keys();
    key = key_alloc(0, rights);
    OK(key);
    return (int)key;
}

/* n pages of memory with this key. */
static inline unsigned char *keyed(size_t n, int key)
{
    unsigned char *p = t_map(NULL, n, RW, ANON, -1, 0);

    OK(key_mprotect(p, n * P, RW, key));
    return p;
}

/* The access is denied by this key. A handler's PKRU stays after the jump out of it: it is put back. */
#define DENIED(access, addr, key)                     \
    do {                                              \
        unsigned t_pkru = rdpkru();                   \
        int t_sig = (access);                         \
        wrpkru(t_pkru);                               \
        FAULT(t_sig, SIGSEGV, SEGV_PKUERR, addr);     \
        EQ(*(unsigned *)((char *)&t_info + 32), key); \
    } while (0)
/* It goes on; and another kind of fault. */
#define ALLOWED(access) EQ(access, 0)
#define KEPT(...)                    \
    do {                             \
        unsigned t_pkru2 = rdpkru(); \
        __VA_ARGS__;                 \
        wrpkru(t_pkru2);             \
    } while (0)
