/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/syscall_own.h remap_reverse
 */
#include "tests/exercises/check.h"
#include "user/include/tessera.h"

static long reverse(const void *at, size_t len)
{
    return syscall(1005, at, len);
}

int main(void)
{
    int fd = make_file(1500);
    char *w = map_file(fd, 1500), *v;
    uint64_t words[3];
    unsigned seed = 1;
    long model[1500];

    for (long i = 0; i < 1500; i++)
        model[i] = i;
    for (int turn = 0; turn < 60; turn++) {
        size_t from = (size_t)rand_r(&seed) % 1500,
               n = 1 + (size_t)rand_r(&seed) % (1500 - from);

        EQ(reverse(w + from * P, n * P), 0);
        for (size_t i = 0; i < n / 2; i++) {
            long kept = model[from + i];

            model[from + i] = model[from + n - 1 - i];
            model[from + n - 1 - i] = kept;
        }
        for (size_t i = 0; i < 1500; i++)
            if (shows(w, i) != model[i])
                FAIL("turn %d: page %zu shows %ld, want %ld", turn, i, shows(w, i),
                     model[i]);
    }
    /* What has come home is at home. */
    EQ(munmap(w, 1500 * P), 0);
    w = map_file(fd, 3);
    EQ(reverse(w, 3 * P), 0);
    EQ(remap_query(w, 3 * P, words), 0);
    EQ(words[0] & RMQ_PGOFF, 2);
    EQ((words[1] & RMQ_AWAY) != 0, 0);
    EQ(reverse(w, 3 * P), 0);
    EQ(remap_query(w, 3 * P, words), 0);
    for (size_t i = 0; i < 3; i++)
        EQ((words[i] & RMQ_AWAY) != 0, 0);
    EQ(reverse(w, P), 0);
    ERR(reverse(w, 0), EINVAL);
    ERR(reverse(w + 1, P), EINVAL);
    ERR(reverse(w, 4 * P), EINVAL); /* beyond the mapping */
    ERR(reverse(w, ~0ul & ~(P - 1)), EINVAL);
    v = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(reverse(v, 4 * P), EINVAL);
    EQ(syscall(462, w, 3 * P, 0), 0); /* mseal */
    ERR(reverse(w, 3 * P), EPERM);
    return 0;
}
