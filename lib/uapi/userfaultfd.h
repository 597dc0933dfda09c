/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2), ioctl_userfaultfd(2): numbers and records.
 */
#pragma once

#include "lib/types.h"

#define UFFD_USER_MODE_ONLY 1u

/* ioctl of /dev/userfaultfd: its argument is the flags of the call. */
#define USERFAULTFD_IOC_NEW 0xaa00u

#define UFFD_API 0xaaull

#define UFFD_FEATURE_PAGEFAULT_FLAG_WP  (1ull << 0)
#define UFFD_FEATURE_EVENT_FORK         (1ull << 1)
#define UFFD_FEATURE_EVENT_REMAP        (1ull << 2)
#define UFFD_FEATURE_EVENT_REMOVE       (1ull << 3)
#define UFFD_FEATURE_MISSING_HUGETLBFS  (1ull << 4)
#define UFFD_FEATURE_MISSING_SHMEM      (1ull << 5)
#define UFFD_FEATURE_EVENT_UNMAP        (1ull << 6)
#define UFFD_FEATURE_SIGBUS             (1ull << 7)
#define UFFD_FEATURE_THREAD_ID          (1ull << 8)
#define UFFD_FEATURE_MINOR_HUGETLBFS    (1ull << 9)
#define UFFD_FEATURE_MINOR_SHMEM        (1ull << 10)
#define UFFD_FEATURE_EXACT_ADDRESS      (1ull << 11)
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1ull << 12)

/* _IOWR(0xaa, number, a record of `size` bytes); _IOR where nothing is written. */
#define UFFDIO_IOWR(number, size) (0xc0000000u | (size) << 16 | 0xaa00u | (number))
#define UFFDIO_IOR(number, size)  (0x80000000u | (size) << 16 | 0xaa00u | (number))

#define UFFDIO_NR_REGISTER     0x00u
#define UFFDIO_NR_UNREGISTER   0x01u
#define UFFDIO_NR_WAKE         0x02u
#define UFFDIO_NR_COPY         0x03u
#define UFFDIO_NR_ZEROPAGE     0x04u
#define UFFDIO_NR_WRITEPROTECT 0x06u
#define UFFDIO_NR_CONTINUE     0x07u
#define UFFDIO_NR_API          0x3fu

#define UFFDIO_API          UFFDIO_IOWR(UFFDIO_NR_API, 24u)
#define UFFDIO_REGISTER     UFFDIO_IOWR(UFFDIO_NR_REGISTER, 32u)
#define UFFDIO_UNREGISTER   UFFDIO_IOR(UFFDIO_NR_UNREGISTER, 16u)
#define UFFDIO_WAKE         UFFDIO_IOR(UFFDIO_NR_WAKE, 16u)
#define UFFDIO_COPY         UFFDIO_IOWR(UFFDIO_NR_COPY, 40u)
#define UFFDIO_ZEROPAGE     UFFDIO_IOWR(UFFDIO_NR_ZEROPAGE, 32u)
#define UFFDIO_WRITEPROTECT UFFDIO_IOWR(UFFDIO_NR_WRITEPROTECT, 24u)
#define UFFDIO_CONTINUE     UFFDIO_IOWR(UFFDIO_NR_CONTINUE, 32u)

struct uffdio_api {
    u64 api, features, ioctls;
};

struct uffdio_range {
    u64 start, len;
};

struct uffdio_register {
    struct uffdio_range range;
    u64 mode, ioctls;
};
#define UFFDIO_REGISTER_MODE_MISSING 1ull
#define UFFDIO_REGISTER_MODE_WP      2ull
#define UFFDIO_REGISTER_MODE_MINOR   4ull

struct uffdio_copy {
    u64 dst, src, len, mode;
    s64 copy;
};
#define UFFDIO_COPY_MODE_DONTWAKE 1ull
#define UFFDIO_COPY_MODE_WP       2ull

/* UFFDIO_ZEROPAGE and UFFDIO_CONTINUE; `done` comes back. */
struct uffdio_fill {
    struct uffdio_range range;
    u64 mode;
    s64 done;
};
#define UFFDIO_ZEROPAGE_MODE_DONTWAKE 1ull
#define UFFDIO_CONTINUE_MODE_DONTWAKE 1ull
#define UFFDIO_CONTINUE_MODE_WP       2ull

struct uffdio_writeprotect {
    struct uffdio_range range;
    u64 mode;
};
#define UFFDIO_WRITEPROTECT_MODE_WP       1ull
#define UFFDIO_WRITEPROTECT_MODE_DONTWAKE 2ull

#define UFFD_EVENT_PAGEFAULT 0x12u
#define UFFD_EVENT_FORK      0x13u
#define UFFD_EVENT_REMAP     0x14u
#define UFFD_EVENT_REMOVE    0x15u
#define UFFD_EVENT_UNMAP     0x16u

#define UFFD_PAGEFAULT_FLAG_WRITE 1u
#define UFFD_PAGEFAULT_FLAG_WP    2u
#define UFFD_PAGEFAULT_FLAG_MINOR 4u

struct uffd_msg {
    u8 event, zero[7];
    union {
        struct {
            u64 flags, address;
            u32 ptid, zero2;
        };
        u64 arg
            [3]; /* REMAP: from, to, length; REMOVE, UNMAP: start, end; FORK: descriptor */
    };
};
