/* SPDX-License-Identifier: MIT
 *
 * Reading and writing the memory of any address space.
 */
#pragma once

#include "lib/types.h"

struct mm;
struct vm_object;

/* Reads or writes memory of any address space through its translations, faulting pages in.
 * Bytes done before the first inaccessible one; MM_WRITE needs VM_WRITE, reading VM_READ,
 * also where the processor reads what may only be written or executed. */
enum mm_way { MM_READ, MM_WRITE };
size_t mm_access(struct mm *mm, vaddr_t va, void *buf, size_t n, enum mm_way way);

/* Writes all n bytes: 0, -ENOMEM, or -EFAULT: a part may be written then. */
int must_check mm_store(struct mm *mm, vaddr_t va, const void *buf, size_t n);

/* As mm_access with a debugger's rights: reads memory without rights too, writes private
 * memory that may not be written now but has some right and may get this one (the page
 * becomes a private copy). Shared memory is written only where the mapping allows it. */
size_t mm_access_force(struct mm *mm, vaddr_t va, void *buf, size_t n, enum mm_way way);

/* What names the memory at va beyond this address space: a byte *at of *object, which is
 * referenced, or *object NULL: it is private, and *at is va. The page is brought in as by an
 * access, a write where the area allows one; `write`: only then. -ENOMEM; -EFAULT: no such
 * access, not by a key of the running thread either, or a private page that cannot be written and is
 * no page of a file. mm is the running thread's. */
int must_check mm_locate(struct mm *mm, vaddr_t va, bool write, struct vm_object **object,
                         u64 *at);
