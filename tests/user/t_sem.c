/* SPDX-License-Identifier: MIT
 *
 * System V semaphores: semget(2), semop(2), semctl(2).
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
#define KEY ((key_t)0x74736d00 + getpid())

union arg {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int set(int n)
{
    int id = semget(IPC_PRIVATE, n, IPC_CREAT | 0600);
    OK(id);
    return id;
}

static void gone(int id)
{
    OK(semctl(id, 0, IPC_RMID));
}

static int value(int id, int num)
{
    return semctl(id, num, GETVAL);
}

static int op(int id, int num, int by, int flags)
{
    struct sembuf b = {(unsigned short)num, (short)by, (short)flags};
    return semop(id, &b, 1);
}

/* A child that does one operation and exits with its errno. */
static pid_t doer(int id, int num, int by, int flags)
{
    pid_t pid = t_fork();
    if (!pid)
        _exit(op(id, num, by, flags) ? errno : 0);
    return pid;
}

static void until_waiting(int id, int num, int cmd, int n)
{
    while (semctl(id, num, cmd) != n)
        sched_yield();
}

static int error_of(pid_t pid)
{
    int status = t_status_of(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct semid_ds stat_of(int id)
{
    struct semid_ds ds;
    OK(semctl(id, 0, IPC_STAT, (union arg){.buf = &ds}));
    return ds;
}

TEST(get, "semget: keys, sizes, rights, and their errors")
{
    ERR(semget(KEY, 2, 0), ENOENT);
    int id = semget(KEY, 2, IPC_CREAT | 0640);
    OK(id);
    EQ(semget(KEY, 2, 0), id);
    EQ(semget(KEY, 0, IPC_CREAT), id);
    ERR(semget(KEY, 3, 0), EINVAL);
    ERR(semget(KEY, 2, IPC_CREAT | IPC_EXCL), EEXIST);
    ERR(semget(IPC_PRIVATE, 0, IPC_CREAT), EINVAL);
    ERR(semget(IPC_PRIVATE, -1, IPC_CREAT), EINVAL);
    ERR(semget(IPC_PRIVATE, 1 << 20, IPC_CREAT), EINVAL);
    struct semid_ds ds = stat_of(id);
    EQ(ds.sem_nsems, 2);
    EQ(ds.sem_perm.mode, 0640);
    EQ(ds.sem_perm.__key, KEY);
    EQ(ds.sem_perm.cuid, geteuid());
    EQ(ds.sem_otime, 0);
    CHECK(ds.sem_ctime != 0 || t_tessera);
    gone(id);
    ERR(semctl(id, 0, GETVAL), EINVAL);
    ERR(op(id, 0, 1, 0), EINVAL);
    int again = semget(KEY, 1, IPC_CREAT | 0600);
    CHECK(again != id);
    gone(again);
}

TEST(values, "semctl: values, their bounds, who was last")
{
    unsigned short all[3] = {7, 8, 32767}, read[3];
    int id = set(3);
    OK(semctl(id, 1, SETVAL, (union arg){.val = 5}));
    EQ(value(id, 1), 5);
    EQ(semctl(id, 1, GETPID), getpid());
    EQ(semctl(id, 0, GETPID), 0);
    ERR(semctl(id, 1, SETVAL, (union arg){.val = -1}), ERANGE);
    ERR(semctl(id, 1, SETVAL, (union arg){.val = 32768}), ERANGE);
    ERR(semctl(id, 3, SETVAL, (union arg){.val = 1}), EINVAL);
    ERR(semctl(id, -1, GETVAL), EINVAL);
    OK(semctl(id, 0, SETALL, (union arg){.array = all}));
    OK(semctl(id, 0, GETALL, (union arg){.array = read}));
    CHECK(memcmp(all, read, sizeof(all)) == 0);
    all[2] = 32768;
    ERR(semctl(id, 0, SETALL, (union arg){.array = all}), ERANGE);
    ERR(semctl(id, 0, SETALL, (union arg){.array = NULL}), EFAULT);
    ERR(semctl(id, 0, GETALL, (union arg){.array = NULL}), EFAULT);
    EQ(value(id, 2), 32767);
    ERR(semctl(id, 0, 77), EINVAL);
    ERR(semctl(-1, 0, GETVAL), EINVAL);
    ERR(op(id, 2, 1, 0), ERANGE);
    CHILD(OK(op(id, 0, -7, 0)));
    EQ(value(id, 0), 0);
    CHECK(semctl(id, 0, GETPID) != getpid());
    gone(id);
}

TEST(errors, "semop: its errors, none of which changes anything")
{
    int id = set(2);
    struct sembuf two[2] = {{0, 1, 0}, {1, -1, IPC_NOWAIT}},
                  far[2] = {{0, 1, 0}, {2, 1, 0}};
    static struct sembuf many[600];
    struct timespec bad = {-1, 0}, odd = {0, 1000000000}, zero = {0, 0};
    ERR(semop(id, two, 2), EAGAIN);
    EQ(value(id, 0), 0);
    ERR(semop(id, far, 2), EFBIG);
    ERR(semop(id, two, 0), EINVAL);
    ERR(semop(id, many, 501), E2BIG);
    OK(semop(id, many, 500));
    ERR(semop(id, NULL, 1), EFAULT);
    ERR(semop(-1, two, 1), EINVAL);
    ERR(semtimedop(id, two, 2, &bad), EINVAL);
    ERR(semtimedop(id, two, 2, &odd), EINVAL);
    two[1].sem_flg = 0;
    ERR(semtimedop(id, two, 2, &zero), EAGAIN);
    ERR(semtimedop(id, two, 2, &(struct timespec){0, 5000000}), EAGAIN);
    EQ(value(id, 0), 0);
    EQ(semctl(id, 1, GETNCNT), 0);
    gone(id);
}

TEST(atomic,
     "several operations are done at once or not at all, first come, first served")
{
    int id = set(2);
    struct sembuf both[2] = {{0, -1, 0}, {1, -1, 0}};
    pid_t pid = t_fork();
    if (!pid)
        _exit(semop(id, both, 2) ? errno : 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(op(id, 0, 1, 0));
    EQ(value(id, 0), 1);
    EQ(semctl(id, 0, GETNCNT), 0);
    EQ(semctl(id, 1, GETNCNT), 1);
    OK(op(id, 1, 1, 0));
    EQ(value(id, 0), 0); /* it was given to the waiter at once */
    EQ(value(id, 1), 0);
    EQ(semctl(id, 1, GETPID), pid);
    EQ(error_of(pid), 0);
    pid_t first = doer(id, 0, -2, 0);
    until_waiting(id, 0, GETNCNT, 1);
    pid_t second = doer(id, 0, -2, 0);
    until_waiting(id, 0, GETNCNT, 2);
    OK(op(id, 0, 2, 0));
    EQ(error_of(first), 0);
    EQ(semctl(id, 0, GETNCNT), 1);
    OK(op(id, 0, 2, 0));
    EQ(error_of(second), 0);
    gone(id);
}

TEST(zero, "waiting for zero, and chains of waiters")
{
    int id = set(2);
    OK(op(id, 0, 2, 0));
    pid_t waits = doer(id, 0, 0, 0);
    until_waiting(id, 0, GETZCNT, 1);
    EQ(semctl(id, 0, GETNCNT), 0);
    struct sembuf chain[2] = {{1, -1, 0}, {0, -1, 0}};
    pid_t pid = t_fork();
    if (!pid)
        _exit(semop(id, chain, 2) ? errno : 0);
    until_waiting(id, 1, GETNCNT, 1);
    OK(op(id, 0, -1, 0));
    OK(op(id, 1, 1, 0)); /* lets the second go on, and that one the first */
    EQ(error_of(pid), 0);
    EQ(error_of(waits), 0);
    ERR(op(id, 0, 1, 0) ? -1 : op(id, 0, 0, IPC_NOWAIT), EAGAIN);
    gone(id);
}

static void nothing(int sig)
{
    (void)sig;
}

TEST(ends, "waits end with EIDRM, EINTR, SETVAL, SETALL and kill")
{
    int id = set(1);
    pid_t pid = doer(id, 0, -1, 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(semctl(id, 0, SETVAL, (union arg){.val = 1}));
    EQ(error_of(pid), 0);
    pid = doer(id, 0, -3, 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(semctl(id, 0, SETALL, (union arg){.array = (unsigned short[]){3}}));
    EQ(error_of(pid), 0);
    pid = doer(id, 0, -1, 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    EQ(semctl(id, 0, GETNCNT), 0);
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    pid = doer(id, 0, -1, 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(kill(pid, SIGUSR1));
    EQ(error_of(pid), EINTR);
    pid = doer(id, 0, -1, 0);
    until_waiting(id, 0, GETNCNT, 1);
    gone(id);
    EQ(error_of(pid), EIDRM);
}

TEST(undo, "SEM_UNDO: what an end gives back, and what forgets it")
{
    int id = set(2);
    OK(op(id, 0, 5, 0));
    CHILD({
        OK(op(id, 0, -2, SEM_UNDO));
        OK(op(id, 1, 3, SEM_UNDO));
        OK(op(id, 1, 1, 0));
        EQ(value(id, 0), 3);
        CHILD(EQ(value(id, 0), 3)); /* a child inherits nothing of it */
        EQ(value(id, 0), 3);
    });
    EQ(value(id, 0), 5);
    EQ(value(id, 1), 1);
    CHILD({
        OK(op(id, 0, -2, SEM_UNDO));
        OK(semctl(id, 0, SETVAL, (union arg){.val = 9}));
    });
    EQ(value(id, 0), 9);
    pid_t killed = t_fork();
    if (!killed) {
        OK(op(id, 0, -9, SEM_UNDO));
        for (;;)
            pause();
    }
    while (value(id, 0))
        sched_yield();
    pid_t waiter = doer(id, 0, -4, 0);
    until_waiting(id, 0, GETNCNT, 1);
    OK(kill(killed, SIGKILL));
    t_status_of(killed);
    EQ(error_of(waiter), 0);
    EQ(value(id, 0), 5);
    CHILD(OK(op(id, 1, 2, SEM_UNDO)); OK(op(id, 1, -3, 0))); /* not below zero */
    EQ(value(id, 1), 0);
    CHILD({
        OK(op(id, 0, -5, SEM_UNDO));
        gone(id);
    });
}

TEST(undo_bounds, "SEM_UNDO: sums out of range are ERANGE and change nothing")
{
    int id = set(1);
    CHILD({
        OK(op(id, 0, 32767, SEM_UNDO));
        OK(op(id, 0, -32767, 0));
        OK(op(id, 0, 1, SEM_UNDO));
        ERR(op(id, 0, 1, SEM_UNDO), ERANGE);
        EQ(value(id, 0), 1);
    });
    EQ(value(id, 0), 0);
    gone(id);
}

static int shared_id;

static void *subtract(void *arg)
{
    (void)arg;
    return op(shared_id, 0, -1, SEM_UNDO) ? "no" : NULL;
}

static int in_clone(void *arg)
{
    (void)arg;
    return op(shared_id, 0, -1, SEM_UNDO) ? 1 : 0;
}

TEST(undo_shared, "threads and clone(CLONE_SYSVSEM) share what is undone")
{
    static char stack[65536] __attribute__((aligned(16)));
    int id = shared_id = set(1);
    OK(op(id, 0, 3, 0));
    CHILD({
        pthread_t t;
        void *wrong;
        EQ(pthread_create(&t, NULL, subtract, NULL), 0);
        pthread_join(t, &wrong);
        CHECK(!wrong);
        EQ(value(id, 0), 2); /* the thread has ended, the process has not */
        pid_t pid = clone(in_clone, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, NULL);
        OK(pid);
        EQ(error_of(pid), 0);
        EQ(value(id, 0), 1);
        pid = clone(in_clone, stack + sizeof(stack), SIGCHLD, NULL);
        OK(pid);
        EQ(error_of(pid), 0);
        EQ(value(id, 0), 1);
        OK(unshare(CLONE_SYSVSEM));
        EQ(value(id, 0), 3);
    });
    EQ(value(id, 0), 3);
    gone(id);
}

static int helper(int argc, char **argv)
{
    int id = argc > 1 ? atoi(argv[1]) : -1;
    _exit(value(id, 0) == 1 ? 0 : 1);
}

TEST(undo_exec, "exec keeps what is undone at the end")
{
    int id = set(1);
    char text[16];
    snprintf(text, sizeof(text), "%d", id);
    pid_t pid = t_fork();
    if (!pid) {
        OK(op(id, 0, 1, SEM_UNDO));
        execl(t_exe, "t_sem", "--helper", text, (char *)NULL);
        _exit(9);
    }
    t_join(pid);
    EQ(value(id, 0), 0);
    gone(id);
}

TEST(rights, "another user needs the bits, and may not change what he does not own")
{
    if (geteuid())
        SKIP("needs root");
    int open = set(1), closed = set(1), readable = set(1);
    struct semid_ds ds = stat_of(open);
    ds.sem_perm.mode = 0666;
    OK(semctl(open, 0, IPC_SET, (union arg){.buf = &ds}));
    EQ(stat_of(open).sem_perm.mode, 0666);
    ds.sem_perm.mode = 0644;
    OK(semctl(readable, 0, IPC_SET, (union arg){.buf = &ds}));
    CHILD({
        OK(setgid(65534));
        OK(setuid(65534));
        OK(op(open, 0, 1, 0));
        OK(op(readable, 0, 0, 0));
        ERR(op(readable, 0, 1, 0), EACCES);
        ERR(semctl(readable, 0, SETVAL, (union arg){.val = 1}), EACCES);
        EQ(value(readable, 0), 0);
        ERR(value(closed, 0), EACCES);
        ERR(semctl(closed, 0, IPC_STAT, (union arg){.buf = &ds}), EACCES);
        ERR(semctl(open, 0, IPC_RMID), EPERM);
        ERR(semctl(open, 0, IPC_SET, (union arg){.buf = &ds}), EPERM);
    });
    ds.sem_perm.uid = ~0u;
    ERR(semctl(open, 0, IPC_SET, (union arg){.buf = &ds}), EINVAL);
    ds.sem_perm.uid = 65534;
    OK(semctl(open, 0, IPC_SET, (union arg){.buf = &ds}));
    CHILD({
        OK(setuid(65534));
        gone(open);
    });
    gone(closed);
    gone(readable);
}

TEST(info, "IPC_INFO, SEM_INFO, SEM_STAT, SEM_STAT_ANY, /proc/sysvipc/sem")
{
    struct seminfo limits, used;
    struct semid_ds ds;
    struct t_reader r;
    int id = set(3), top, seen = 0;
    OK(op(id, 2, 1, 0));
    OK(semctl(0, 0, IPC_INFO, (union arg){.info = &limits}));
    EQ(limits.semvmx, 32767);
    EQ(limits.semopm, 500);
    top = semctl(0, 0, SEM_INFO, (union arg){.info = &used});
    OK(top);
    CHECK(used.semusz >= 1 && used.semaem >= 3);
    for (int i = 0; i <= top; i++) {
        int got = semctl(i, 0, SEM_STAT, (union arg){.buf = &ds});
        if (got == id) {
            EQ(ds.sem_nsems, 3);
            EQ(semctl(i, 0, SEM_STAT_ANY, (union arg){.buf = &ds}), id);
            seen++;
        }
    }
    EQ(seen, 1);
    ERR(semctl(1 << 20, 0, SEM_STAT, (union arg){.buf = &ds}), EINVAL);
    CHECK(t_open(&r, "/proc/sysvipc/sem"));
    CHECK(strstr(t_line(&r), "semid perms      nsems   uid"));
    for (char *line; (line = t_line(&r));) {
        int key, i, mode, n;
        EQ(sscanf(line, "%d %d %o %d", &key, &i, &mode, &n), 4);
        if (i != id)
            continue;
        EQ(mode, 0600);
        EQ(n, 3);
        seen++;
    }
    EQ(seen, 2);
    gone(id);
}

TEST(storm, "waiters, killers and removal at once leave nothing behind")
{
    int id = set(4);
    uint64_t seed = 77;
    pid_t pid[12];
    for (int i = 0; i < 12; i++)
        if (!(pid[i] = t_fork()))
            for (uint64_t s = seed + (uint64_t)i;;) {
                struct sembuf b[2] = {
                    {t_random(&s) % 4, t_random(&s) % 2 ? 1 : -1, SEM_UNDO},
                    {t_random(&s) % 4, t_random(&s) % 2 ? 1 : -1, 0}};
                if (semop(id, b, 2))
                    _exit(errno);
            }
    for (int i = 0; i < 6; i++) {
        t_nap(2000);
        OK(kill(pid[i], SIGKILL));
        t_status_of(pid[i]);
    }
    for (int i = 0; i < 4; i++)
        OK(semctl(id, i, SETVAL, (union arg){.val = 100}));
    gone(id);
    for (int i = 6; i < 12; i++) {
        int err = error_of(pid[i]);
        CHECK(err == EIDRM || err == EINVAL || err == ERANGE);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
