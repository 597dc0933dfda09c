/* SPDX-License-Identifier: MIT
 *
 * What gcc's -fsanitize=kernel-address calls (GCC manual, "Instrumentation Options"; the
 * functions and struct kasan_global follow libsanitizer's interface), and the marks of
 * lib/kasan.h. Compiled without the sanitizer itself. Only in kernels built with KASAN=1.
 */
#include "lib/kasan.h"

#ifdef TESSERA_KASAN
#include "arch/mmu.h"
#include "lib/assert.h"
#include "lib/stale.h"

/* Stacks of threads lie at the start of the kernel ranges, see mm/phys/kspace.c. */
#define STACKS_SIZE (1ul << 30)

struct kasan_global {
    const void *address;
    size_t size, size_with_redzone;
    const void *name, *module;
    unsigned long has_init;
    const void *location;
    unsigned long odr;
};

static u64 direct_bytes;

void kasan_direct_ready(paddr_t top)
{
    direct_bytes = top;
}

static bool has_shadow(uintptr_t a)
{
    return a - KERNEL_BASE < KASAN_IMAGE || a - DIRECT_BASE < direct_bytes ||
           a - KSPACE_BASE < STACKS_SIZE;
}

static void fill(const void *p, size_t n, u8 value)
{
    volatile u8 *s = kasan_shadow_of(p);

    for (size_t i = 0; i < n; i++)
        s[i] = value;
}

void kasan_poison(const void *p, size_t n, u8 why)
{
    if (has_shadow((uintptr_t)p))
        fill(p, (n + KASAN_GRANULE - 1) / KASAN_GRANULE, why);
}

void kasan_unpoison(const void *p, size_t n)
{
    if (!has_shadow((uintptr_t)p))
        return;
    fill(p, n / KASAN_GRANULE, 0);
    if (n % KASAN_GRANULE)
        kasan_shadow_of(p)[n / KASAN_GRANULE] = n % KASAN_GRANULE;
}

static const char *reason(u8 mark)
{
    switch (mark) {
    case KASAN_PAGE_FREE:
        return "a free page";
    case KASAN_OBJECT_FREE:
        return "a freed object";
    case KASAN_REDZONE:
        return "beyond an object";
    case KASAN_GLOBAL:
        return "beyond a global variable";
    case 0xf1:
    case 0xf2:
    case 0xf3:
    case 0xf8:
        return "beyond a variable on the stack";
    default:
        return "the end of an object";
    }
}

static noinline noreturn void report(uintptr_t a, size_t n, bool write,
                                     const void *caller)
{
    const u8 *s = kasan_shadow_of((const void *)a);
    u8 mark = *s;

    direct_bytes = 0; /* the report itself is not watched */
    if (mark && mark < KASAN_GRANULE)
        mark = s[1]; /* part of the eight bytes is good: the next ones tell whose it is */
    panic("kasan: %s of %zu bytes at %#lx, called from %p: %s", write ? "write" : "read",
          n, (unsigned long)a, caller, reason(mark));
}

static inline void check(uintptr_t a, size_t n, bool write, const void *caller)
{
    uintptr_t last = a + n - 1;

    if (!n || !has_shadow(a))
        return;
    for (uintptr_t g = a & ~7ul; g <= last; g += KASAN_GRANULE) {
        u8 mark = *kasan_shadow_of((const void *)g);

        if (mark && (mark > KASAN_GRANULE || (MIN(last, g + 7) & 7) >= mark))
            report(MAX(a, g), n, write, caller);
    }
}

void kasan_check(const void *p, size_t n, bool write)
{
    check((uintptr_t)p, n, write, __builtin_return_address(0));
}

/* Data of programs may have any bytes: only what has the size of a structure is looked at, for more
 * bytes in a row than chance makes. */
#define GIVEN_MOST 512u
#define GIVEN_RUN  4u

void kasan_check_given(const void *p, size_t n)
{
    const u8 *bytes = p;
    unsigned fresh = 0, freed = 0;

    check((uintptr_t)p, n, false, __builtin_return_address(0));
    for (size_t i = 0; n <= GIVEN_MOST && i < n; i++) {
        fresh = bytes[i] == STALE_FRESH ? fresh + 1 : 0;
        freed = bytes[i] == STALE_FREED ? freed + 1 : 0;
        if (fresh == GIVEN_RUN || freed == GIVEN_RUN)
            panic(
                "kasan: byte %zu of %zu that a program gets was never written, or freed,"
                " called from %p",
                i, n, __builtin_return_address(0));
    }
}

#define ACCESS(n)                                        \
    void __asan_load##n##_noabort(uintptr_t a);          \
    void __asan_load##n##_noabort(uintptr_t a)           \
    {                                                    \
        check(a, n, false, __builtin_return_address(0)); \
    }                                                    \
    void __asan_store##n##_noabort(uintptr_t a);         \
    void __asan_store##n##_noabort(uintptr_t a)          \
    {                                                    \
        check(a, n, true, __builtin_return_address(0));  \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uintptr_t a, size_t n);
void __asan_loadN_noabort(uintptr_t a, size_t n)
{
    check(a, n, false, __builtin_return_address(0));
}

void __asan_storeN_noabort(uintptr_t a, size_t n);
void __asan_storeN_noabort(uintptr_t a, size_t n)
{
    check(a, n, true, __builtin_return_address(0));
}

/* A function that does not return leaves the marks of all frames above it behind. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    if (here - KSPACE_BASE < STACKS_SIZE)
        kasan_unpoison((const void *)here,
                       align_up(here, 8 * PAGE_SIZE) - PAGE_SIZE - here);
}

void __asan_register_globals(const struct kasan_global *g, size_t n);
void __asan_register_globals(const struct kasan_global *g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = align_up(g[i].size, KASAN_GRANULE);

        kasan_unpoison(g[i].address, g[i].size);
        kasan_poison((const char *)g[i].address + size, g[i].size_with_redzone - size,
                     KASAN_GLOBAL);
    }
}

void __asan_unregister_globals(const struct kasan_global *g, size_t n);
void __asan_unregister_globals(const struct kasan_global *g, size_t n)
{
    (void)g;
    (void)n;
}

extern void (*const kasan_constructors_start[])(void),
    (*const kasan_constructors_end[])(void);

void kasan_register_globals(void)
{
    for (void (*const *f)(void) = kasan_constructors_start; f < kasan_constructors_end;
         f++)
        (*f)();
}
#endif
