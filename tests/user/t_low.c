/* SPDX-License-Identifier: MIT
 *
 * The lowest addresses: only with CAP_SYS_RAWIO, and only when asked for.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>

#define RW_       (PROT_READ | PROT_WRITE)
#define FIXED     (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define SYS_RAWIO 17

static int has_rawio(void)
{
    uint32_t head[2] = {0x20080522, 0}, data[6] = {0};

    return syscall(SYS_capget, head, data) == 0 && (data[0] >> SYS_RAWIO & 1);
}

static void drop_rawio(void)
{
    uint32_t head[2] = {0x20080522, 0}, data[6];

    OK(syscall(SYS_capget, head, data));
    data[0] &= ~(1u << SYS_RAWIO);
    OK(syscall(SYS_capset, head, data));
}

TEST(R23_low, "mapping below mmap_min_addr asks for CAP_SYS_RAWIO")
{
    char *high = mmap(NULL, P, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(high != MAP_FAILED);
    high[5] = 7;
    if (has_rawio()) {
        volatile char *at = mmap((void *)P, 2 * P, RW_, FIXED, -1, 0);
        EQ((uintptr_t)at, P);
        at[P] = 1;
        EQ((uintptr_t)mmap(NULL, P, RW_, FIXED, -1, 0), 0);
        EQ((uintptr_t)mremap(high, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(4 * P)),
           4 * P);
        EQ(((volatile char *)(4 * P))[5], 7);
        OK(munmap((void *)(4 * P), P));
        OK(munmap(NULL, 3 * P));
        drop_rawio();
        high = mmap(NULL, P, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    EQ((uintptr_t)mmap(NULL, P, RW_, FIXED, -1, 0), -1L);
    EQ(errno, EPERM);
    EQ((uintptr_t)mremap(high, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, NULL), -1L);
    EQ(errno, EPERM);
    CHECK((uintptr_t)mmap((void *)P, P, RW_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) >= P);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
