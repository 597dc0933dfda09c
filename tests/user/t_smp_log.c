/* SPDX-License-Identifier: MIT
 *
 * Readers of one description of /dev/kmsg: each line goes to one of them.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <stdatomic.h>

enum { READERS = 3, MOST = 4096 };

static int fd;
static long numbers[MOST]; /* of the lines read, in any order */
static _Atomic int all;

static void *reads(void *arg)
{
    char line[8192];

    for (;;) {
        ssize_t n = read(fd, line, sizeof(line) - 1);

        if (n < 0 && errno == EPIPE)
            continue;
        if (n < 0) {
            EQ(errno, EAGAIN);
            return arg;
        }
        line[n] = '\0';
        numbers[all++ % MOST] = atol(strchr(line, ',') + 1);
    }
}

static int compare(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;

    return x < y ? -1 : x > y;
}

TEST(once, "a line of /dev/kmsg goes to one of the readers of a description")
{
    pthread_t t[READERS];

    fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        SKIP("no log");
    for (int round = 0; round < 30; round++) {
        OK(lseek(fd, 0, SEEK_SET));
        all = 0;
        for (int i = 0; i < READERS; i++)
            EQ(pthread_create(&t[i], NULL, reads, NULL), 0);
        for (int i = 0; i < READERS; i++)
            pthread_join(t[i], NULL);
        if (all > MOST)
            SKIP("a long log");
        qsort(numbers, (size_t)all, sizeof(numbers[0]), compare);
        for (int i = 1; i < all; i++)
            CHECK(numbers[i - 1] < numbers[i]);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
