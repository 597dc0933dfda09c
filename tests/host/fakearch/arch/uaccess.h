/* SPDX-License-Identifier: MIT
 *
 * User copies of host builds: there is no user memory; fs/uio.c is tested with kernel buffers.
 */
#pragma once

#include "lib/types.h"

size_t must_check arch_copy_from_user(void *dst, vaddr_t src, size_t n);
size_t must_check arch_copy_to_user(vaddr_t dst, const void *src, size_t n);
size_t must_check arch_clear_user(vaddr_t dst, size_t n);
ssize_t must_check arch_strncpy_from_user(char *dst, vaddr_t src, size_t max);
int must_check arch_load_user_u32(vaddr_t src, u32 *value);
int must_check arch_cmpxchg_user_u32(vaddr_t dst, u32 expected, u32 desired, u32 *old);
