/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/syscall_own.h page_mapcount
 */
#include "tests/exercises/check.h"
#include <signal.h>

static long mapcount(const void *p)
{
    return syscall(1006, p);
}

int main(void)
{
    int fd = make_file(64), gate[2], status;
    char *w = map_file(fd, 64), *v, c;
    pid_t child;

    EQ(mapcount(w), 0); /* nothing is shown before it is touched */
    EQ(shows(w, 0), 0);
    EQ(mapcount(w), 1);
    for (size_t i = 1; i <= 40; i++)
        EQ(remap_file_pages(w + i * P, P, 0, 0, 0), 0);
    EQ(mapcount(w), 41);
    EQ(mapcount(w + 40 * P + 123), 41);
    EQ(remap_file_pages(w + 7 * P, P, 0, 7, 0), 0);
    EQ(mapcount(w), 40);
    EQ(mapcount(w + 7 * P), 1);
    v = map_file(fd, 1);
    EQ(shows(v, 0), 0);
    EQ(mapcount(w), 41);
    CHECK(pipe(gate) == 0);
    child = fork();
    if (child == 0) {
        EQ(shows(w, 20), 0);
        EQ(mapcount(v), 42);
        EQ(write(gate[1], "x", 1), 1);
        pause();
    }
    EQ(read(gate[0], &c, 1), 1);
    EQ(mapcount(w), 42);
    kill(child, SIGKILL);
    EQ(waitpid(child, &status, 0), child);
    EQ(mapcount(w), 41);
    EQ(munmap(v, P), 0);
    EQ(mapcount(w), 40);
    /* A hole of the file, private memory, nothing at all. */
    EQ(ftruncate(fd, 0), 0);
    EQ(ftruncate(fd, (off_t)(64 * P)), 0);
    EQ(mapcount(w), 0);
    v = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *v = 1;
    ERR(mapcount(v), EINVAL);
    EQ(munmap(v, 2 * P), 0);
    ERR(mapcount(v), ENOMEM);
    ERR(mapcount((void *)~0ul), ENOMEM);
    return 0;
}
