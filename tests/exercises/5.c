/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/devices.c ruler
 */
#include "tests/exercises/check.h"

int main(void)
{
    int fd = open("/dev/ruler", O_RDONLY);
    char text[5000], want[32], *page;

    CHECK(fd >= 0);
    EQ(read(fd, text, 20), 20);
    CHECK(memcmp(text, "000000000000000\n0000", 20) == 0);
    EQ(lseek(fd, 0, SEEK_CUR), 20);
    EQ(lseek(fd, 4, SEEK_CUR), 24);
    EQ(read(fd, text, 8), 8);
    CHECK(memcmp(text, "0000010\n", 8) == 0);
    EQ(pread(fd, text, sizeof(text), 0x123456), sizeof(text));
    for (size_t i = 0; i < sizeof(text); i++) {
        unsigned long at = 0x123456 + i;

        snprintf(want, sizeof(want), "%015lx\n", at & ~15ul);
        if (text[i] != want[at % 16])
            FAIL("byte %#lx is %d, want %d", at, text[i], want[at % 16]);
    }
    EQ(pread(fd, text, 16, 1l << 59), 16);
    CHECK(memcmp(text, "800000000000000\n", 16) == 0);
    ERR(lseek(fd, -1, SEEK_SET), EINVAL);
    ERR(write(fd, text, 1), EBADF);
    /* A buffer that ends early: what fits is read; one that is not there: EFAULT. */
    page = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && munmap(page + P, P) == 0);
    EQ(lseek(fd, 32, SEEK_SET), 32);
    EQ(read(fd, page + P - 24, 100), 24);
    EQ(lseek(fd, 0, SEEK_CUR), 56);
    ERR(read(fd, page + P, 100), EFAULT);
    EQ(lseek(fd, 0, SEEK_CUR), 56);
    return 0;
}
