/* SPDX-License-Identifier: MIT
 *
 * Rearranging memory, for programs in C (from C99 on) and C++, with any feature macros. Two
 * layers:
 *
 * remapv() and its neighbours are the calls that only Tessera has; everywhere else they fail
 * with ENOSYS. Manual pages: docs/reference/remapv.md and the files beside it.
 *
 * struct tessera_window and tessera_remapv() and its neighbours work on Linux too, with the same
 * results: there they use remap_file_pages(), or mmap(MAP_FIXED) where a kernel or a sandbox has
 * not even that, an area for each stretch. docs/using-remap.md shows four programs.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#else
/* <unistd.h> has it only with a macro that strict C does not set. */
extern long syscall(long number, ...);
#endif

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
static inline int remap_query(const void *addr, size_t len, uint64_t *out)
{
    return (int)syscall(SYS_remap_query, addr, len, out);
}

/* A second mapping that shows the same; MAP_FAILED with errno. */
static inline void *remap_clone(const void *src, size_t len, int prot)
{
    return (void *)syscall(SYS_remap_clone, src, len, prot);
}

/* ---- windows: the same on Tessera and on Linux ---- */

enum tessera_way {
    TESSERA_NATIVE, /* the calls above */
    TESSERA_REMAP,  /* remap_file_pages() */
    TESSERA_MAP     /* mmap(MAP_FIXED) */
};

/* A shared mapping of a file whose pages are rearranged by the calls below only. One thread at a
 * time may use them on one window. */
struct tessera_window {
    char *base;
    size_t pages, page_size;
    int fd, prot;
    enum tessera_way way;
    uint64_t *shows; /* file page of each page; NULL where the kernel knows */
};

/* Maps `pages` pages of fd from file page `first` on. fd must stay open as long as the window.
 * 0, or -1 with errno. */
static inline int tessera_window_open(struct tessera_window *w, int fd, uint64_t first,
                                      size_t pages, int prot)
{
    size_t i;

    memset(w, 0, sizeof(*w));
    w->page_size = (size_t)sysconf(_SC_PAGESIZE);
    w->pages = pages;
    w->fd = fd;
    w->prot = prot;
    w->way = remapv(NULL, 0, 0) == 0 ? TESSERA_NATIVE : TESSERA_REMAP;
    if (pages > (size_t)-1 / w->page_size) {
        errno = ENOMEM;
        return -1;
    }
    if (w->way != TESSERA_NATIVE) {
        w->shows = (uint64_t *)calloc(pages ? pages : 1, sizeof(*w->shows));
        if (!w->shows)
            return -1;
        for (i = 0; i < pages; i++)
            w->shows[i] = first + i;
    }
    w->base = (char *)mmap(NULL, pages * w->page_size, prot, MAP_SHARED, fd,
                           (off_t)(first * w->page_size));
    if (w->base != (char *)MAP_FAILED)
        return 0;
    free(w->shows);
    w->shows = NULL;
    return -1;
}

static inline void tessera_window_close(struct tessera_window *w)
{
    munmap(w->base, w->pages * w->page_size);
    free(w->shows);
    memset(w, 0, sizeof(*w));
}

/* Address of page i. */
static inline char *tessera_page(const struct tessera_window *w, size_t i)
{
    return w->base + i * w->page_size;
}

/* An entry of a vector: n pages from page i on show the file pages from pgoff on. */
static inline struct remap_vec tessera_entry(const struct tessera_window *w, size_t i,
                                             uint64_t pgoff, size_t n)
{
    struct remap_vec v;

    v.addr = (uint64_t)(uintptr_t)tessera_page(w, i);
    v.pgoff = pgoff;
    v.npages = (uint32_t)n;
    v.flags = 0;
    return v;
}

/* One stretch, elsewhere than on Tessera. */
static inline int tessera_show_(struct tessera_window *w, size_t i, uint64_t pgoff,
                                size_t n)
{
    char *at = tessera_page(w, i);
    size_t k;

    if (w->way == TESSERA_REMAP &&
        syscall(SYS_remap_file_pages, at, n * w->page_size, 0, (size_t)pgoff, 0) != 0) {
        if (errno != ENOSYS && errno != EPERM)
            return -1;
        w->way = TESSERA_MAP;
    }
    if (w->way == TESSERA_MAP &&
        mmap(at, n * w->page_size, w->prot, MAP_SHARED | MAP_FIXED, w->fd,
             (off_t)(pgoff * w->page_size)) == MAP_FAILED)
        return -1;
    for (k = 0; k < n; k++)
        w->shows[i + k] = pgoff + k;
    return 0;
}

/* What is wrong with an entry of a vector: 0, EINVAL or, with RM_CHECK, ENXIO. */
static inline int tessera_entry_error_(const struct tessera_window *w,
                                       const struct remap_vec *v, unsigned flags)
{
    size_t from = (size_t)(v->addr - (uintptr_t)w->base);
    struct stat st;
    uint64_t size;

    if (v->flags || !v->npages || from % w->page_size || from / w->page_size > w->pages ||
        v->npages > w->pages - from / w->page_size)
        return EINVAL;
    if (!(flags & RM_CHECK))
        return 0;
    if (fstat(w->fd, &st) != 0)
        return errno;
    size = ((uint64_t)st.st_size + w->page_size - 1) / w->page_size;
    return v->pgoff > size || v->npages > size - v->pgoff ? ENXIO : 0;
}

/* remapv(), whose entries lie in the window. Elsewhere than on Tessera RM_ATOMIC promises less:
 * all entries are looked at before the first is done, but where the kernel has no memory or no
 * areas left (vm.max_map_count) in the midst, those before are done; RM_NOPOPULATE says
 * nothing. */
static inline ssize_t tessera_remapv(struct tessera_window *w, const struct remap_vec *v,
                                     size_t n, unsigned flags)
{
    size_t i, from;

    if (w->way == TESSERA_NATIVE)
        return remapv(v, n, flags);
    for (i = 0; i < n; i++) {
        int error = tessera_entry_error_(w, &v[i], flags);

        if (error) {
            errno = error;
            if (i == 0 || flags & RM_ATOMIC)
                return -1;
            n = i;
        }
    }
    for (i = 0; i < n; i++) {
        from = (size_t)(v[i].addr - (uintptr_t)w->base) / w->page_size;
        if (tessera_show_(w, from, v[i].pgoff, v[i].npages) != 0)
            return i ? (ssize_t)i : -1;
    }
    return (ssize_t)n;
}

/* n pages from page i on show the file pages from pgoff on. 0, or -1 with errno. */
static inline int tessera_remap(struct tessera_window *w, size_t i, uint64_t pgoff,
                                size_t n)
{
    struct remap_vec v = tessera_entry(w, i, pgoff, n);

    return tessera_remapv(w, &v, 1, 0) == 1 ? 0 : -1;
}

/* Shows the file pages list[0..n) from page i on, a stretch at a time. */
static inline int tessera_show_list_(struct tessera_window *w, size_t i,
                                     const uint64_t *list, size_t n)
{
    size_t k, run;

    for (k = 0; k < n; k += run) {
        for (run = 1; k + run < n && list[k + run] == list[k] + run;)
            run++;
        if (tessera_show_(w, i + k, list[k], run) != 0)
            return -1;
    }
    return 0;
}

/* n pages from page i on show what page (i + from) % n of them did, where from = -by. */
static inline int tessera_rotate(struct tessera_window *w, size_t i, size_t n,
                                 ptrdiff_t by)
{
    size_t k, shift;
    uint64_t *list;
    int result;

    if (w->way == TESSERA_NATIVE)
        return remap_rotate(tessera_page(w, i), n * w->page_size, (ssize_t)by);
    if (!n || i > w->pages || n > w->pages - i) {
        errno = EINVAL;
        return -1;
    }
    list = (uint64_t *)malloc(n * sizeof(*list));
    if (!list)
        return -1;
    by %= (ptrdiff_t)n;
    shift = (size_t)(by < 0 ? by + (ptrdiff_t)n : by);
    for (k = 0; k < n; k++)
        list[(k + shift) % n] = w->shows[i + k];
    result = tessera_show_list_(w, i, list, n);
    free(list);
    return result;
}

/* Exchanges what the n pages from page i and those from page j show; they may not overlap. */
static inline int tessera_swap(struct tessera_window *w, size_t i, size_t j, size_t n)
{
    uint64_t *list;
    int result;

    if (w->way == TESSERA_NATIVE)
        return remap_swap(tessera_page(w, i), tessera_page(w, j), n * w->page_size);
    if (!n || i > w->pages || n > w->pages - i || j > w->pages || n > w->pages - j ||
        (i < j ? j - i : i - j) < n) {
        errno = EINVAL;
        return -1;
    }
    list = (uint64_t *)malloc(2 * n * sizeof(*list));
    if (!list)
        return -1;
    memcpy(list, w->shows + j, n * sizeof(*list));
    memcpy(list + n, w->shows + i, n * sizeof(*list));
    result = tessera_show_list_(w, i, list, n);
    if (result == 0)
        result = tessera_show_list_(w, j, list + n, n);
    free(list);
    return result;
}

/* The file pages that n pages from page i on show. */
static inline int tessera_query(const struct tessera_window *w, size_t i, size_t n,
                                uint64_t *out)
{
    size_t k;

    if (i > w->pages || n > w->pages - i) {
        errno = EINVAL;
        return -1;
    }
    if (w->way == TESSERA_NATIVE &&
        remap_query(tessera_page(w, i), n * w->page_size, out) != 0)
        return -1;
    for (k = 0; k < n; k++)
        out[k] = w->way == TESSERA_NATIVE ? out[k] & RMQ_PGOFF : w->shows[i + k];
    return 0;
}

/* The name of what the window uses. */
static inline const char *tessera_way_name(const struct tessera_window *w)
{
    return w->way == TESSERA_NATIVE  ? "remapv"
           : w->way == TESSERA_REMAP ? "remap_file_pages"
                                     : "mmap";
}

#ifdef __cplusplus
}
#endif
