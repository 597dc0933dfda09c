/* SPDX-License-Identifier: MIT
 *
 * The address sanitizer of kernels built with KASAN=1: one shadow byte for each eight bytes
 * of memory tells whether they may be touched. The compiler asks before each access
 * (lib/kasan.c answers); the allocators say here what is whose. In other builds, and on the
 * host, which has a sanitizer of its own, all of this is nothing.
 *
 * Where the shadow of an address lies: (address >> 3) + KASAN_OFFSET, the formula of the
 * compiler (-fasan-shadow-offset). The offset is chosen so that the image's shadow lies
 * inside the image's window, at KASAN_SHADOW: it is there from the first instruction on.
 */
#pragma once

#include "lib/types.h"

#define KASAN_GRANULE 8u

/* Shadow bytes: 0 all eight bytes may be touched, 1 to 7 only so many of them. */
#define KASAN_PAGE_FREE   0xffu
#define KASAN_OBJECT_FREE 0xfbu
#define KASAN_REDZONE     0xfcu /* between objects of a slab */
#define KASAN_GLOBAL      0xf9u /* behind a global variable */

#ifdef TESSERA_KASAN

#define KASAN_OFFSET  0xdfffffff91000000ul
#define KASAN_SHADOW  0xffffffff81000000ul /* of KERNEL_BASE; also in tools/mk/kernel.mk */
#define KASAN_IMAGE   (16ul << 20)         /* bytes of the image that have a shadow */
#define KASAN_RESERVE 16u                  /* bytes added to each object of a slab */

static inline u8 *kasan_shadow_of(const void *p)
{
    return (u8 *)(((uintptr_t)p >> 3) + KASAN_OFFSET);
}

/* The direct map's shadow up to physical `top` is mapped now; it is looked at from here on. */
void kasan_direct_ready(paddr_t top);
/* Calls the compiler's constructors, which tell where global variables end. After
 * kasan_direct_ready. */
void kasan_register_globals(void);

/* Marks n bytes at p, a multiple of 8, as not to be touched, for the reason `why`. */
void kasan_poison(const void *p, size_t n, u8 why);
/* Marks n bytes at p as good; the rest of the last eight is bad. */
void kasan_unpoison(const void *p, size_t n);
/* Panics with a report when [p, p + n) holds a byte that may not be touched: for code that
 * the compiler does not see, copies in assembly. */
void kasan_check(const void *p, size_t n, bool write);
/* The same for reading by a program, which may not see what nobody has written (lib/stale.h). */
void kasan_check_given(const void *p, size_t n);

#else

#define KASAN_RESERVE 0u

static inline void kasan_direct_ready(paddr_t top)
{
    (void)top;
}

static inline void kasan_register_globals(void)
{
}

static inline void kasan_poison(const void *p, size_t n, u8 why)
{
    (void)p;
    (void)n;
    (void)why;
}

static inline void kasan_unpoison(const void *p, size_t n)
{
    (void)p;
    (void)n;
}

static inline void kasan_check(const void *p, size_t n, bool write)
{
    (void)p;
    (void)n;
    (void)write;
}

static inline void kasan_check_given(const void *p, size_t n)
{
    (void)p;
    (void)n;
}

#endif
