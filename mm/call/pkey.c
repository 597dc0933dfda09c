/* SPDX-License-Identifier: MIT
 *
 * pkey_alloc and pkey_free, and the key that makes memory execute-only: x86 has no such right, but
 * fetches need none by a key (Intel SDM vol. 3A, 4.6.2). What a page has of a key is in its VMA
 * (VM_KEY) and its translation (arch/pte.h).
 */
#include "mm/call/pkey.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/vm/vma.h"

/* A free key from `first` on is in use from now on. -ENOSPC. */
static int take_key(struct mm *mm, unsigned first)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    unsigned key = (unsigned)__builtin_ctz(~mm->keys >> first) + first;

    if (key >= KEYS)
        return -ENOSPC;
    mm->keys |= 1u << key;
    return (int)key;
}

u32 exec_rights(struct mm *mm)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    int key;

    if (!keys_on)
        return VM_EXEC;
    if (!mm->exec_only) {
        key = take_key(mm, 1); /* all other memory has 0, though a program may free it */
        if (key < 0)
            return VM_EXEC;
        mm->exec_only = VM_EXEC | (u32)key << VM_KEY_SHIFT;
    }
    key = (int)(mm->exec_only >> VM_KEY_SHIFT);
    if (key_allows((unsigned)key, false))
        key_set_rights((unsigned)key, KEY_NO_ACCESS);
    return mm->exec_only;
}

int mm_pkey_alloc(struct mm *mm, u64 flags, u64 rights)
{
    int key;

    if (flags || rights & ~(u64)KEY_RIGHTS || !keys_on)
        return -EINVAL;
    mm_lock(mm);
    key = take_key(mm, 0);
    mm_unlock(mm);
    if (key >= 0)
        key_set_rights((unsigned)key, (u32)rights);
    return key;
}

int mm_pkey_free(struct mm *mm, int key)
{
    int err = -EINVAL;

    mm_lock(mm);
    if (key_is_allocated(mm, key)) {
        mm->keys &= ~(1u << key);
        err = 0;
    }
    mm_unlock(mm);
    return err;
}
