/* SPDX-License-Identifier: MIT
 *
 * Seals of files of memory against threads that map them.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <stdatomic.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS  1033
#define F_SEAL_WRITE 8
#endif

static _Atomic int fd, turn, ended;

/* Maps the file, writes and unmaps it for as long as it may. */
static void *writes(void *arg)
{
    int mine = 0;

    (void)arg;
    for (;;) {
        while (turn == mine)
            sched_yield();
        mine = turn;
        if (mine < 0)
            return NULL;
        for (;;) {
            volatile unsigned char *p =
                mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

            if (p == MAP_FAILED)
                break;
            p[0]++;
            munmap((void *)p, P);
        }
        EQ(errno, EPERM);
        ended = mine;
    }
}

TEST(write, "no mapping is writable once F_SEAL_WRITE is set")
{
    int rounds = (int)t_turns(3000);
    unsigned char then, now;
    pthread_t t;

    EQ(pthread_create(&t, NULL, writes, NULL), 0);
    for (int k = 1; k <= rounds; k++) {
        fd = memfd_create("sealed", MFD_ALLOW_SEALING);
        OK(fd);
        OK(ftruncate(fd, P));
        turn = k;
        while (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) != 0) {
            EQ(errno, EBUSY);
            sched_yield();
        }
        EQ(pread(fd, &then, 1, 0), 1);
        while (ended != k)
            sched_yield();
        EQ(pread(fd, &now, 1, 0), 1);
        EQ(now, then);
        close(fd);
    }
    turn = -1;
    pthread_join(t, NULL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
