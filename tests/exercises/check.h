/* SPDX-License-Identifier: MIT
 *
 * What the exercises' programs are written with: the first thing that is not so ends the program
 * with a line that names it.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P 4096ul

#define FAIL(...)                                   \
    do {                                            \
        printf("%s:%d: ", __FILE_NAME__, __LINE__); \
        printf(__VA_ARGS__);                        \
        puts("");                                   \
        exit(1);                                    \
    } while (0)

#define CHECK(cond)            \
    do {                       \
        if (!(cond))           \
            FAIL("%s", #cond); \
    } while (0)

#define EQ(got, want)                                            \
    do {                                                         \
        long long g_ = (long long)(got), w_ = (long long)(want); \
        if (g_ != w_)                                            \
            FAIL("%s is %lld, want %lld", #got, g_, w_);         \
    } while (0)

/* The call fails with this errno. */
#define ERR(call, want)                                                               \
    do {                                                                              \
        errno = 0;                                                                    \
        if ((long)(call) != -1 || errno != (want))                                    \
            FAIL("%s: errno %d (%s), want %s", #call, errno, strerror(errno), #want); \
    } while (0)

/* A memory file of n pages, page i beginning with the word 100 + i. */
static inline int make_file(size_t n)
{
    int fd = memfd_create("exercise", 0);

    CHECK(fd >= 0 && ftruncate(fd, (off_t)(n * P)) == 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t word = 100 + i;

        EQ(pwrite(fd, &word, sizeof(word), (off_t)(i * P)), sizeof(word));
    }
    return fd;
}

/* A shared mapping of its first n pages. */
static inline char *map_file(int fd, size_t n)
{
    char *at = mmap(NULL, n * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    CHECK(at != MAP_FAILED);
    return at;
}

/* The file page that shows at page i. */
static inline long shows(const char *at, size_t i)
{
    return (long)*(const volatile uint64_t *)(at + i * P) - 100;
}
