/* SPDX-License-Identifier: MIT
 *
 * Arrays of descriptors, see fs/fd_array.h.
 */
#include "fs/fd_array.h"
#include "lib/string.h"
#include "mm/phys/slab.h"

bool fd_array_alloc(struct fd_array *a, u32 size)
{
    a->size = size;
    a->full = 0;
    a->files = kzalloc(size * sizeof(struct file *));
    a->used = kzalloc(size / 64 * 2 * sizeof(u64));
    a->cloexec = a->used + size / 64;
    if (a->files && a->used)
        return true;
    kfree(a->files);
    kfree(a->used);
    return false;
}

void fd_array_free(struct fd_array *a)
{
    kfree(a->files);
    kfree(a->used);
}

void fd_array_move(struct fd_array *to, const struct fd_array *from)
{
    to->full = from->full;
    memcpy(to->files, from->files, from->size * sizeof(struct file *));
    memcpy(to->used, from->used, from->size / 8);
    memcpy(to->cloexec, from->cloexec, from->size / 8);
}

void fd_array_copy(struct fd_array *to, const struct fd_array *from, u32 word)
{
    for (u64 left = from->used[word]; left; left &= left - 1) {
        u32 bit = (u32)__builtin_ctzl(left), fd = word * 64 + bit;
        struct file *f = from->files[fd];

        if (!f)
            continue;
        file_get(f);
        to->files[fd] = f;
        to->used[word] |= 1ull << bit;
        to->cloexec[word] |= from->cloexec[word] & 1ull << bit;
    }
}

u32 fd_array_free_from(struct fd_array *a, u32 min)
{
    u32 first = min / 64, word = MAX(first, a->full);
    u64 taken = word == first ? (1ull << (min % 64)) - 1 : 0; /* below min */
    bool all = min <= a->full * 64; /* is looked at, from the first that is not full */

    for (; word < a->size / 64; word++, taken = 0) {
        u64 free = ~(a->used[word] | taken);

        if (free) {
            if (all)
                a->full = word;
            return word * 64 + (u32)__builtin_ctzl(free);
        }
    }
    return MAX(a->size, min);
}
