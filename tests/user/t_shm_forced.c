/* SPDX-License-Identifier: MIT
 *
 * kernel.shm_rmid_forced: segments of System V end with their last attach, or with the thread
 * that made them.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static void set_forced(int on)
{
    int fd = open("/proc/sys/kernel/shm_rmid_forced", O_RDWR);
    char text[2] = {(char)('0' + on)}, got[4] = "";
    OK(fd);
    EQ(write(fd, text, 1), 1);
    EQ(pread(fd, got, 3, 0), 2);
    EQ(got[0], text[0]);
    close(fd);
}

/* On Linux a name space of its own has a setting of its own. */
static void begin(void)
{
    if (!t_tessera && unshare(CLONE_NEWIPC))
        SKIP("no name space of System V objects: %s", strerror(errno));
}

static int segment(void)
{
    int id = shmget(IPC_PRIVATE, 3 * P, IPC_CREAT | 0600);
    OK(id);
    return id;
}

static bool lives(int id)
{
    struct shmid_ds ds;
    return shmctl(id, IPC_STAT, &ds) == 0;
}

static long attaches(int id)
{
    struct shmid_ds ds;
    OK(shmctl(id, IPC_STAT, &ds));
    return (long)ds.shm_nattch;
}

static int made_by_child(void)
{
    int ends[2], id = -1;
    OK(pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        id = segment();
        _exit(write(ends[1], &id, sizeof(id)) != sizeof(id));
    }
    EQ(read(ends[0], &id, sizeof(id)), sizeof(id));
    EQ(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    close(ends[1]);
    return id;
}

TEST(last_detach, "forced: the last detach ends a segment, also by munmap, fork and exit")
{
    begin();
    set_forced(1);
    int id = segment();
    CHECK(lives(id));
    char *p = shmat(id, NULL, 0);
    CHECK(p != (char *)-1);
    EQ(attaches(id), 1);
    p[P] = 7;
    pid_t pid = fork();
    if (pid == 0) { /* two attaches, both go with the process */
        if (shmat(id, NULL, 0) == (void *)-1 || attaches(id) != 3)
            _exit(1);
        _exit(0);
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(attaches(id), 1);
    EQ(p[P], 7);
    OK(munmap(p, 3 * P));
    CHECK(!lives(id));
    ERR(shmat(id, NULL, 0), EINVAL);
    id = segment();
    OK(shmctl(id, IPC_RMID, NULL)); /* never attached: at once */
    CHECK(!lives(id));
    id = segment();
    p = shmat(id, NULL, 0);
    OK(shmctl(id, IPC_RMID, NULL));
    EQ(attaches(id), 1);
    OK(shmctl(id, IPC_RMID, NULL));
    OK(shmdt(p));
    CHECK(!lives(id));
    set_forced(0);
}

static void *make(void *id)
{
    *(int *)id = segment();
    return NULL;
}

TEST(maker_ends, "forced: a segment never attached ends with the thread that made it")
{
    begin();
    set_forced(1);
    CHECK(!lives(made_by_child()));
    int id = -1;
    pthread_t t;
    EQ(pthread_create(&t, NULL, make, &id), 0);
    EQ(pthread_join(t, NULL), 0);
    for (int i = 0; i < 1000 && lives(id); i++)
        usleep(1000); /* joined before the thread is quite gone */
    CHECK(!lives(id));
    set_forced(0);
    id = made_by_child();
    CHECK(lives(id));
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST(switched,
     "switched on: orphans go, the others when they are left; switched off: all stay")
{
    begin();
    set_forced(0);
    int orphan = made_by_child(), own = segment(), held = made_by_child();
    void *p = shmat(held, NULL, 0);
    CHECK(p != (void *)-1);
    set_forced(1);
    CHECK(!lives(orphan) && lives(own) && lives(held));
    EQ(attaches(own), 0);
    EQ(attaches(held), 1);
    set_forced(0);
    EQ(attaches(held), 1);
    OK(shmdt(p));
    EQ(attaches(held), 0);
    p = shmat(held, NULL, 0);
    set_forced(1);
    set_forced(1);
    OK(shmdt(p));
    CHECK(!lives(held) && lives(own));
    set_forced(0);
    OK(shmctl(own, IPC_RMID, NULL));
    CHECK(!lives(own));
    int fd = open("/proc/sys/kernel/shm_rmid_forced", O_WRONLY);
    ERR(write(fd, "2", 1), EINVAL);
    ERR(write(fd, "-1", 2), EINVAL);
    close(fd);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
