/* SPDX-License-Identifier: MIT
 *
 * Copies that may touch user memory: the single instructions that can fault stand in the
 * exception table, STAC/CLAC enclose them. The callers check that the range lies below
 * USER_END; kernel/task/uaccess.h does both.
 */
#pragma once

#include "lib/kasan.h"
#include "lib/lock.h"
#include "lib/types.h"

/* Returns the number of bytes NOT copied: 0 on success. */
size_t must_check arch_copy_from_user(void *dst, vaddr_t src, size_t n);
size_t must_check arch_copy_to_user(vaddr_t dst, const void *src, size_t n);
size_t must_check arch_clear_user(vaddr_t dst, size_t n);

/* Length of the string copied without its NUL; max when there is no NUL in the first max
 * bytes; -EFAULT. */
ssize_t must_check arch_strncpy_from_user(char *dst, vaddr_t src, size_t max);

/* One user word: 0 or -EFAULT. */
int must_check arch_store_user_u16(vaddr_t dst, u16 value);

/* Atomic operations on a user word, for futexes: 0 or -EFAULT. */
int must_check arch_load_user_u32(vaddr_t src, u32 *value);
int must_check arch_cmpxchg_user_u32(vaddr_t dst, u32 expected, u32 desired, u32 *old);

/* Checked builds look at the locks before each of them; with KASAN, whose compiler does not see
 * them, at the kernel's memory too. */
#if defined(LOCKS_CHECKED) || defined(TESSERA_KASAN)
static inline void uaccess_check(void)
{
    REQUIRES_FAULTS_MAY_WAIT();
}

static inline size_t must_check checked_copy_from_user(void *dst, vaddr_t src, size_t n)
{
    void *to = dst;

    uaccess_check();
    __asm__("" : "+r"(to)); /* to the compiler it would be read before it is written */
    kasan_check(to, n, true);
    return arch_copy_from_user(dst, src, n);
}

static inline size_t must_check checked_copy_to_user(vaddr_t dst, const void *src,
                                                     size_t n)
{
    uaccess_check();
    kasan_check_given(src, n);
    return arch_copy_to_user(dst, src, n);
}

#define arch_copy_from_user(...)    checked_copy_from_user(__VA_ARGS__)
#define arch_copy_to_user(...)      checked_copy_to_user(__VA_ARGS__)
#define arch_clear_user(...)        (uaccess_check(), arch_clear_user(__VA_ARGS__))
#define arch_strncpy_from_user(...) (uaccess_check(), arch_strncpy_from_user(__VA_ARGS__))
#define arch_store_user_u16(...)    (uaccess_check(), arch_store_user_u16(__VA_ARGS__))
#define arch_load_user_u32(...)     (uaccess_check(), arch_load_user_u32(__VA_ARGS__))
#define arch_cmpxchg_user_u32(...)  (uaccess_check(), arch_cmpxchg_user_u32(__VA_ARGS__))
#endif
