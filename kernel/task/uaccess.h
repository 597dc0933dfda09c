/* SPDX-License-Identifier: MIT
 *
 * Copies between kernel and the running process: range check, then the machine's copy.
 * 0 or -EFAULT; a failed copy_to may have written a part, as on Linux. Each user word is
 * read once. May sleep (the copy can fault): no spinlock may be held.
 */
#pragma once

#include "arch/uaccess.h"
#include "lib/types.h"

/* Whether [addr, addr+n) lies in user space. Subtract form: cannot wrap. */
static inline bool user_range_ok(vaddr_t addr, size_t n)
{
    return n <= USER_END && addr <= USER_END - n;
}

int must_check copy_from_user(void *dst, vaddr_t src, size_t n);
int must_check copy_to_user(vaddr_t dst, const void *src, size_t n);
int must_check clear_user(vaddr_t dst, size_t n);

/* A structure that may grow, of `size` bytes for the caller and `known` for us: what he does not
 * have is 0. -E2BIG: more than a page, or something is set that we do not know. */
int must_check copy_struct_from_user(void *dst, size_t known, vaddr_t src, u64 size);

/* A NUL-terminated string of at most size-1 bytes: its length; -EFAULT; -ENAMETOOLONG. */
ssize_t must_check strncpy_from_user(char *dst, vaddr_t src, size_t size);

/* A path in fresh memory (kfree): 0; -EFAULT, -ENAMETOOLONG, -ENOENT when empty, -ENOMEM. */
int must_check path_from_user(vaddr_t src, char **out);
