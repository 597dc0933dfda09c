/* SPDX-License-Identifier: MIT
 *
 * The pool of huge pages for cases that need one: made by the suite on Tessera. A Linux host's
 * is left alone, unless HUGEPOOL is set in the environment.
 */
#pragma once

#include "tests/user/t.h"

#define H (2UL << 20)

static inline int hugepool_write(const char *path, long n)
{
    char text[32];
    int fd = open(path, O_WRONLY), len = snprintf(text, sizeof(text), "%ld\n", n);
    ssize_t done = fd < 0 ? -1 : write(fd, text, (size_t)len);
    if (fd >= 0)
        close(fd);
    return done == len ? 0 : -1;
}

static inline bool hugepool_ours(void)
{
    return t_meminfo("FreePages") >= 0 || getenv("HUGEPOOL");
}

static inline void hugepool_set(long n)
{
    if (hugepool_ours())
        (void)hugepool_write("/proc/sys/vm/nr_hugepages", n);
}

/* The suite with n huge pages. */
static inline int hugepool_main(long n, int argc, char **argv)
{
    int result;
    hugepool_set(n);
    result = t_main(argc, argv, NULL);
    hugepool_set(0);
    return result;
}
