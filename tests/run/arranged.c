/* SPDX-License-Identifier: MIT
 *
 * An arrangement that is known, for the tests of the debugger's commands: prints what is where and stays.
 * A child turns eight pages of a window of its own for ever, in a process group of its own.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

static char *window(const char *name, size_t pages)
{
    int fd = memfd_create(name, 0);
    char *p;

    if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE)) != 0)
        exit(1);
    p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        exit(1);
    for (size_t i = 0; i < pages; i++)
        p[i * PAGE] = 1;
    return p;
}

static void show(char *at, size_t pages, size_t pgoff)
{
    if (remap_file_pages(at, pages * PAGE, 0, pgoff, 0) != 0)
        exit(1);
}

int main(void)
{
    char *p = window("arranged", 64), *own, *heap, *heap_page;
    int child, ready[2];
    char c = 0;

    if (pipe(ready) != 0)
        return 1;
    child = fork();
    if (child == 0) {
        own = window("turned", 8);
        if (write(ready[1], &c, 1) != 1)
            return 1;
        for (unsigned i = 0;; i++) {
            show(own, 4, i % 2 * 4);
            show(own + 4 * PAGE, 4, (i + 1) % 2 * 4);
            if (setpgid(0, 0) != 0) /* takes the lock of processes */
                return 1;
            usleep(2000);
        }
    }
    if (read(ready[0], &c, 1) != 1)
        return 1;
    show(p, 1, 3);            /* slot 0 shows file page 3: a backlink */
    show(p + 5 * PAGE, 1, 9); /* slot 5 shows 9, and then its home again: it is stale */
    show(p + 5 * PAGE, 1, 5);
    show(p + 16 * PAGE, 8, 40); /* a run */
    for (size_t i = 0; i < 6; i++)
        show(p + (32 + i) * PAGE, 1, 50); /* more than fit inline: a log */
    heap = malloc(100 * PAGE);
    heap[50 * PAGE] = 1;
    heap_page = (char *)((uintptr_t)(heap + 50 * PAGE) & -(uintptr_t)PAGE);
    /* Its key, where there are any, is shown as well. */
    (void)syscall(SYS_pkey_mprotect, heap_page, PAGE, PROT_READ | PROT_WRITE,
                  syscall(SYS_pkey_alloc, 0, 0));
    printf("ready %d %d %lx %lx\n", getpid(), child, (unsigned long)p,
           (unsigned long)(heap + 50 * PAGE));
    fflush(stdout);
    for (;;)
        pause();
}
