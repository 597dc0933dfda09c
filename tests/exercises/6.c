/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/procfs/pid.c "away"
 */
#include "tests/exercises/check.h"

static long away(pid_t pid)
{
    char name[64], text[32];
    ssize_t n;
    int fd;

    snprintf(name, sizeof(name), "/proc/%d/away", pid);
    fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    n = read(fd, text, sizeof(text) - 1);
    CHECK(n > 1 && text[n - 1] == '\n');
    text[n] = 0;
    close(fd);
    return atol(text);
}

int main(void)
{
    int fd = make_file(2048), gate[2], status;
    char *w, c;
    pid_t child;

    EQ(away(getpid()), 0);
    w = map_file(fd, 2048);
    EQ(away(getpid()), 0);
    EQ(remap_file_pages(w, P, 0, 3, 0), 0);
    EQ(away(getpid()), 1);
    EQ(remap_file_pages(w + 1000 * P, 700 * P, 0, 0, MAP_NONBLOCK), 0);
    EQ(away(getpid()), 701);
    /* A child has the same numbers, where it has touched nothing, too. */
    CHECK(pipe(gate) == 0);
    child = fork();
    if (child == 0) {
        EQ(read(gate[0], &c, 1), 1);
        exit(0);
    }
    EQ(away(child), 701);
    EQ(munmap(w + 1000 * P, 100 * P), 0);
    EQ(away(getpid()), 601);
    EQ(remap_file_pages(w, 2048 * P, 0, 0, 0), -1); /* not one area any more */
    EQ(remap_file_pages(w, 1000 * P, 0, 0, 0), 0);
    EQ(away(getpid()), 600);
    EQ(away(child), 701);
    EQ(write(gate[1], "x", 1), 1);
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    return 0;
}
