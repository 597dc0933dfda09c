/* SPDX-License-Identifier: MIT
 *
 * The integer types, address types and small macros that every layer uses.
 * `vaddr_t` is a virtual address, `paddr_t` a physical one, `pfn_t` a frame number
 * (paddr / PAGE_SIZE), `pgoff_t` an offset in a file in units of pages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/bounds.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef intptr_t ssize_t;

typedef uintptr_t vaddr_t;
typedef u64 paddr_t;
typedef u64 pfn_t;
typedef u64 pgoff_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
    ((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))
/* Each argument is evaluated once; the counter keeps nested uses apart. */
#define MIN(a, b)          PICK_(a, <, b, __COUNTER__)
#define MAX(a, b)          PICK_(a, >, b, __COUNTER__)
#define PICK_(a, op, b, n) PICK__(a, op, b, n)
#define PICK__(a, op, b, n)                             \
    ({                                                  \
        __typeof__(a) pick_a##n = (a);                  \
        __typeof__(b) pick_b##n = (b);                  \
        pick_a##n op pick_b##n ? pick_a##n : pick_b##n; \
    })

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define assume(x) \
    ((x) ? (void)0 : __builtin_unreachable()) /* the compiler cannot see it */
#define must_check        __attribute__((warn_unused_result))
#define noreturn          __attribute__((noreturn))
#define noinline          __attribute__((noinline))
#define no_race_check     __attribute__((no_sanitize("thread"))) /* reads what others write */
#define always_inline     inline __attribute__((always_inline))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* One compiler barrier, and loads/stores the compiler may neither tear nor repeat. */
#define barrier()            __asm__ volatile("" ::: "memory")
#define READ_ONCE(x)         (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

static inline u64 align_down(u64 x, u64 align)
{
    return x & ~(align - 1);
}

/* Rounds up; wraps to 0 above the last multiple, which callers must exclude first. */
static inline u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

static inline bool is_aligned(u64 x, u64 align)
{
    return (x & (align - 1)) == 0;
}
