/* SPDX-License-Identifier: MIT
 *
 * User copies: the range check, then the machine's copy.
 */
#include "kernel/task/uaccess.h"
#include "fs/vfs.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

/* More than this is copied in pieces with pauses between them. */
#define AT_ONCE 65536u

/* Walks [user, user+n) in pieces: the bytes that could not be copied at the end. */
#define in_pieces(n, done, part, copy)               \
    ({                                               \
        size_t done = 0, part, left_ = 0;            \
        for (; !left_ && done < (n); done += part) { \
            if (done)                                \
                pause_anyway();                      \
            part = MIN((n)-done, (size_t)AT_ONCE);   \
            left_ = (copy);                          \
        }                                            \
        left_;                                       \
    })

int copy_from_user(void *dst, vaddr_t src, size_t n)
{
    if (!user_range_ok(src, n))
        return -EFAULT;
    if (likely(n <= AT_ONCE))
        return arch_copy_from_user(dst, src, n) ? -EFAULT : 0;
    return in_pieces(n, at, part, arch_copy_from_user((char *)dst + at, src + at, part))
               ? -EFAULT
               : 0;
}

int copy_to_user(vaddr_t dst, const void *src, size_t n)
{
    if (!user_range_ok(dst, n))
        return -EFAULT;
    if (likely(n <= AT_ONCE))
        return arch_copy_to_user(dst, src, n) ? -EFAULT : 0;
    return in_pieces(n, at, part,
                     arch_copy_to_user(dst + at, (const char *)src + at, part))
               ? -EFAULT
               : 0;
}

int clear_user(vaddr_t dst, size_t n)
{
    if (!user_range_ok(dst, n) ||
        in_pieces(n, at, part, arch_clear_user(dst + at, part)) != 0)
        return -EFAULT;
    return 0;
}

int copy_struct_from_user(void *dst, size_t known, vaddr_t src, u64 size)
{
    u8 more;

    if (size > PAGE_SIZE)
        return -E2BIG;
    for (u64 i = known; i < size; i++) {
        if (copy_from_user(&more, src + i, 1) != 0)
            return -EFAULT;
        if (more)
            return -E2BIG;
    }
    memset(dst, 0, known);
    return copy_from_user(dst, src, MIN(size, known));
}

ssize_t strncpy_from_user(char *dst, vaddr_t src, size_t size)
{
    size_t room = src < USER_END ? USER_END - src : 0;
    size_t max = MIN(size, room);
    ssize_t len;

    if (size == 0)
        return -ENAMETOOLONG;
    if (max == 0)
        return -EFAULT;
    len = arch_strncpy_from_user(dst, src, max);
    if (len < 0)
        return -EFAULT;
    if ((size_t)len < max)
        return len;
    /* No NUL: too long, or the end of user memory came first. */
    return max == size ? -ENAMETOOLONG : -EFAULT;
}

int path_from_user(vaddr_t src, char **out)
{
    char *path = kmalloc(PATH_MAX);
    ssize_t len;

    if (!path)
        return -ENOMEM;
    len = strncpy_from_user(path, src, PATH_MAX);
    if (len == 0)
        len = -ENOENT;
    if (len < 0) {
        kfree(path);
        return (int)len;
    }
    *out = path;
    return 0;
}
