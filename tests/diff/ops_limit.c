/* SPDX-License-Identifier: MIT
 *
 * At the limit of mappings (vm.max_map_count): areas that cannot merge are made until no more
 * can be, a few are taken away, and then calls that need none, one or two more are tried.
 * Tessera's limit is lowered meanwhile; that of Linux is everybody's and stays.
 */
#include "tests/diff/diff.h"

#define LIMIT_AT ((unsigned char *)0x180000000000ul)

enum { EACH = 4, LOWERED = 8000, TRIED = 6 };

static void lower(int limit)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%d", limit);
    int fd = open("/proc/sys/vm/max_map_count", O_WRONLY);
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        say(" not lowered");
    close(fd);
}

static unsigned char *area(size_t i)
{
    return LIMIT_AT + i * EACH * P;
}

/* The first file that cannot be sealed; always from its first page. */
static void *make_area(size_t i)
{
    return mmap(area(i), EACH * P, RW, MAP_SHARED | MAP_FIXED, fds[1], 0);
}

/* 0 or a negative errno. */
static long try_one(size_t i, size_t free_place)
{
    unsigned char *a = area(i);
    size_t kind = pick(9);
    say(" %zu:%zu", i, kind);
    switch (kind) {
    case 0:
        return say_result(mprotect(a + P, P, PROT_READ));
    case 1:
        return say_result(mprotect(a, EACH * P, PROT_READ));
    case 2:
        return say_result(munmap(a + P, P));
    case 3:
        return say_result(munmap(a, EACH * P));
    case 4:
        return say_result(make_area(i) == MAP_FAILED ? -1 : 0);
    case 5:
        return say_result(madvise(a + P, P, MADV_DONTFORK));
    case 6:
        return say_result(mlock(a + P, P));
    case 7:
        return say_result(madvise(a, EACH * P, MADV_DONTNEED));
    default:
        return say_result(make_area(free_place) == MAP_FAILED ? -1 : 0);
    }
}

void op_limit(void)
{
    size_t n = 0, left = pick(4);
    if (pick(40)) {
        say(" none");
        return;
    }
    if (on_tessera)
        lower(LOWERED);
    while (n < 70000 && make_area(n) != MAP_FAILED)
        n++;
    say(" full: E%d, %zu left", errno, left);
    if (n < 70000 && errno == ENOMEM)
        hit(FULL, PLAIN);
    munmap(area(n - left), left * EACH * P);
    /* Ruling: a call that fails in the middle leaves mappings cut on Linux. */
    for (size_t i = 0; i < TRIED && try_one(pick(64), n + 8 + i * 2) == 0; i++)
        continue;
    munmap(LIMIT_AT, (n + 64) * EACH * P);
    if (on_tessera)
        lower(65530);
}
