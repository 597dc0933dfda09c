/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: lib/uapi/mman.h MADV_HOME
 */
#include "tests/exercises/check.h"
#include "user/include/tessera.h"

#define MADV_HOME 99

int main(void)
{
    int fd = make_file(1024), status;
    char *w = map_file(fd, 1024), *v;
    uint64_t words[1024];
    pid_t child;

    EQ(remap_rotate(w, 1024 * P, 5), 0);
    EQ(shows(w, 5), 0);
    EQ(mprotect(w + 100 * P, 100 * P, PROT_READ), 0); /* three areas now */
    EQ(madvise(w + 50 * P, 600 * P, MADV_HOME), 0);
    for (size_t i = 0; i < 1024; i++)
        EQ(shows(w, i), i >= 50 && i < 650 ? (long)i : (long)((i + 1019) % 1024));
    EQ(remap_query(w, sizeof(words) / 8 * P, words), 0);
    for (size_t i = 0; i < 1024; i++)
        EQ((words[i] & RMQ_AWAY) != 0, i < 50 || i >= 650);
    /* The child's arrangement is its own. */
    child = fork();
    if (child == 0) {
        EQ(madvise(w, 1024 * P, MADV_HOME), 0);
        for (size_t i = 0; i < 1024; i++)
            EQ(shows(w, i), i);
        exit(0);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    EQ(shows(w, 0), 1019);
    /* At home already: nothing to do. Not a shared mapping, sealed, nothing there: refused. */
    EQ(madvise(w + 60 * P, 10 * P, MADV_HOME), 0);
    v = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(madvise(v, P, MADV_HOME), EINVAL);
    EQ(munmap(v, 4 * P), 0);
    ERR(madvise(v, P, MADV_HOME), ENOMEM);
    ERR(madvise(w + 1, P, MADV_HOME), EINVAL);
    EQ(syscall(462, w, 10 * P, 0), 0); /* mseal */
    ERR(madvise(w, 5 * P, MADV_HOME), EPERM);
    EQ(shows(w, 0), 1019);
    return 0;
}
