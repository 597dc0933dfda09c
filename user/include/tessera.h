/* SPDX-License-Identifier: MIT
 *
 * Calls that only Tessera has, for C programs. Include it after defining _GNU_SOURCE or with
 * gnu17. Everywhere else each call fails with ENOSYS, so a program can fall back to
 * remap_file_pages or mmap. Manual pages: docs/reference/remapv.md and its neighbours.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYS_remapv       1000
#define SYS_remap_swap   1001
#define SYS_remap_rotate 1002
#define SYS_remap_query  1003
#define SYS_remap_clone  1004

struct remap_vec {
    uint64_t addr;   /* first address, page aligned */
    uint64_t pgoff;  /* file page shown there afterwards */
    uint32_t npages; /* not 0 */
    uint32_t flags;  /* 0 */
};

#define RM_ATOMIC       1u /* all entries or none; at most RM_ATOMIC_MAX */
#define RM_NOPOPULATE   2u /* translations come by faults */
#define RM_CHECK        4u /* ENXIO for pages past the end of the file */
#define RM_ATOMIC_MAX   1024
#define RM_ATOMIC_PAGES (1u << 24) /* pages of an atomic vector of several entries */

/* A word of remap_query. */
#define RMQ_PGOFF    0x000fffffffffffffull /* file page shown */
#define RMQ_AWAY     (1ull << 56)          /* not the one the mapping was made with */
#define RMQ_PRESENT  (1ull << 57)          /* a translation is in place */
#define RMQ_DIRTY    (1ull << 58)          /* it may have been written through */
#define RMQ_ACCESSED (1ull << 59)          /* it may have been read through */

/* Remaps in order; the number of entries done, -1 with errno when the first failed. */
static inline ssize_t remapv(const struct remap_vec *v, size_t n, unsigned flags)
{
    return syscall(SYS_remapv, v, n, flags);
}

/* Exchanges what [a, a+len) and [b, b+len) show. */
static inline int remap_swap(void *a, void *b, size_t len)
{
    return (int)syscall(SYS_remap_swap, a, b, len);
}

/* What page i shows moves to page i + by, round the end of the window. */
static inline int remap_rotate(void *addr, size_t len, ssize_t by)
{
    return (int)syscall(SYS_remap_rotate, addr, len, by);
}

/* One word a page. */
static inline int remap_query(const void *addr, size_t len, uint64_t out[])
{
    return (int)syscall(SYS_remap_query, addr, len, out);
}

/* A second mapping that shows the same; MAP_FAILED with errno. */
static inline void *remap_clone(const void *src, size_t len, int prot)
{
    return (void *)syscall(SYS_remap_clone, src, len, prot);
}
