/* SPDX-License-Identifier: MIT
 *
 * Many record locks: against a model byte by byte, many waiters, a hundred thousand locks on
 * one file.
 */
#include "tests/user/t.h"
#include <sched.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK  36
#define F_OFD_SETLK  37
#define F_OFD_SETLKW 38
#endif

enum { OWNERS = 5, BYTES = 48, STEPS = 30000 };

static int fds[OWNERS];
static char model[OWNERS][BYTES]; /* 0, 'r', 'w' */

static struct flock range(int type, off_t start, off_t len)
{
    return (struct flock){
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static bool in_the_way(int me, int type, int from, int to)
{
    for (int o = 0; o < OWNERS; o++)
        for (int i = from; o != me && i < to; i++)
            if (model[o][i] == 'w' || (model[o][i] == 'r' && type == F_WRLCK))
                return true;
    return false;
}

/* What F_OFD_GETLK told is a lock of somebody else as long as it can be. */
static void is_lock(int me, const struct flock *l, int from, int to)
{
    int start = (int)l->l_start, end = l->l_len ? start + (int)l->l_len : BYTES, o;
    char c = l->l_type == F_WRLCK ? 'w' : 'r';

    CHECK(start >= 0 && end <= BYTES && start < to && from < end);
    for (o = 0; o < OWNERS; o++) {
        int i = start;

        while (o != me && i < end && model[o][i] == c)
            i++;
        if (o != me && i == end && (!start || model[o][start - 1] != c) &&
            (end == BYTES || model[o][end] != c))
            break;
    }
    CHECK(o < OWNERS);
}

static void step(unsigned *seed)
{
    static const short types[] = {F_RDLCK, F_RDLCK, F_WRLCK, F_UNLCK};
    int me = rand_r(seed) % OWNERS, type = types[rand_r(seed) % 4];
    int from = rand_r(seed) % BYTES,
        to = from + 1 + rand_r(seed) % (rand_r(seed) % 8 + 1);
    struct flock l;
    bool stopped;

    to = to < BYTES ? to : BYTES;
    stopped = type != F_UNLCK && in_the_way(me, type, from, to);
    l = range(type, from, to == BYTES ? 0 : to - from);
    if (type != F_UNLCK) {
        OK(fcntl(fds[me], F_OFD_GETLK, &l));
        EQ(l.l_type != F_UNLCK, stopped);
        if (stopped)
            is_lock(me, &l, from, to);
    }
    l = range(type, from, to == BYTES ? 0 : to - from);
    if (stopped) {
        ERR(fcntl(fds[me], F_OFD_SETLK, &l), EAGAIN);
        return;
    }
    OK(fcntl(fds[me], F_OFD_SETLK, &l));
    memset(model[me] + from,
           type == F_UNLCK   ? 0
           : type == F_WRLCK ? 'w'
                             : 'r',
           (size_t)(to - from));
}

TEST(model, "locks of five owners against a model of each byte")
{
    unsigned seed = 20260;

    memset(model, 0, sizeof(model));
    for (int i = 0; i < OWNERS; i++) {
        fds[i] = i ? t_reopen(fds[0], O_RDWR) : t_file();
        CHECK(fds[i] >= 0);
    }
    printf("# seed %u\n", seed);
    for (int i = 0; i < STEPS; i++) {
        if (i % 5000 == 4999) { /* all of one owner go at once */
            int o = i / 5000 % (OWNERS - 1) + 1;

            close(fds[o]);
            memset(model[o], 0, BYTES);
            fds[o] = t_reopen(fds[0], O_RDWR);
        }
        step(&seed);
    }
    for (int i = 0; i < OWNERS; i++)
        close(fds[i]);
}

struct shared {
    volatile int waiting, have, counter, inside;
};

/* Starts n children that lock (all the same byte, or each its own), then run fn. */
static void start(int n, int fd, bool same, void (*fn)(struct shared *), struct shared *s)
{
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            struct flock l = range(F_WRLCK, same ? 0 : i, 1);

            __sync_fetch_and_add(&s->waiting, 1);
            if (fcntl(fd, F_SETLKW, &l))
                _exit(1);
            fn(s);
            _exit(0);
        }
    }
    while (s->waiting < n)
        sched_yield();
    for (int i = 0; i < 3 * n; i++)
        sched_yield(); /* most of them wait by now */
}

static void end(int n)
{
    int status;

    for (int i = 0; i < n; i++) {
        CHECK(wait(&status) > 0);
        EQ(status, 0);
    }
}

static struct shared *make_shared(void)
{
    return mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void count_up(struct shared *s)
{
    for (int i = 0; i < 3; i++) {
        if (__sync_fetch_and_add(&s->inside, 1))
            _exit(2);
        s->counter++;
        sched_yield();
        __sync_fetch_and_sub(&s->inside, 1);
    }
}

TEST(turns, "each of many waiters for one byte gets its turn, alone")
{
    enum { N = 60 };
    struct shared *s = make_shared();
    struct flock l = range(F_WRLCK, 0, 0);
    int fd = t_file();

    OK(fcntl(fd, F_SETLK, &l));
    start(N, fd, true, count_up, s);
    l.l_type = F_UNLCK;
    OK(fcntl(fd, F_SETLK, &l));
    end(N);
    EQ(s->counter, 3 * N);
    munmap(s, P);
    close(fd);
}

static void meet_all(struct shared *s)
{
    __sync_fetch_and_add(&s->have, 1);
    while (s->have < s->waiting)
        sched_yield();
}

TEST(all_at_once, "an unlock lets all go on that nothing else is in the way of")
{
    enum { N = 60 };
    struct shared *s = make_shared();
    struct flock l = range(F_WRLCK, 0, 0);
    int fd = t_file();

    OK(fcntl(fd, F_SETLK, &l));
    start(N, fd, false, meet_all, s);
    l.l_type = F_UNLCK;
    OK(fcntl(fd, F_SETLK, &l));
    end(N);
    munmap(s, P);
    close(fd);
}

TEST(gone_waiter,
     "a waiter that is killed when its turn has come does not stop the others")
{
    for (int round = 0; round < 30; round++) {
        struct shared *s = make_shared();
        struct flock l = range(F_WRLCK, 0, 0);
        int fd = t_file(), status;
        pid_t first, second;

        OK(fcntl(fd, F_SETLK, &l));
        for (int i = 0; i < 2; i++) {
            pid_t pid = fork();

            if (pid == 0) {
                l = range(F_WRLCK, 0, 1);
                __sync_fetch_and_add(&s->waiting, 1);
                _exit(fcntl(fd, F_SETLKW, &l) ? 1 : 0);
            }
            while (s->waiting < i + 1)
                sched_yield();
            for (int k = 0; k < 5; k++)
                sched_yield();
            *(i ? &second : &first) = pid;
        }
        l = range(F_UNLCK, 0, 0);
        OK(fcntl(fd, F_SETLK, &l));
        kill(first, SIGKILL);
        waitpid(first, &status, 0);
        waitpid(second, &status, 0);
        EQ(status, 0);
        munmap(s, P);
        close(fd);
    }
}

/* On a kernel with a list of locks this takes minutes. */
TEST(hundred_thousand, "a hundred thousand locks on one file, made one, cut again")
{
    enum { N = 100000 };
    struct flock l;
    int fd = t_file(), other = t_reopen(fd, O_RDWR);
    int n = t_tessera ? N : 2000;

    for (int i = 0; i < n; i++) {
        l = range(i % 3 ? F_RDLCK : F_WRLCK, 2 * (off_t)i, 1);
        OK(fcntl(fd, F_OFD_SETLK, &l));
    }
    for (int i = 0; i < n; i += 7) {
        l = range(F_RDLCK, 2 * (off_t)i + 1, 1);
        OK(fcntl(other, F_OFD_SETLK, &l));
        l.l_start--;
        if (i % 3) {
            OK(fcntl(other, F_OFD_SETLK, &l));
        } else {
            ERR(fcntl(other, F_OFD_SETLK, &l), EAGAIN);
        }
    }
    l = range(F_RDLCK, 0, 0); /* over all of them */
    OK(fcntl(fd, F_OFD_SETLK, &l));
    l = range(F_WRLCK, 0, 0);
    OK(fcntl(other, F_OFD_GETLK, &l));
    EQ(l.l_type, F_RDLCK);
    EQ(l.l_start, 0);
    EQ(l.l_len, 0);
    l = range(F_WRLCK, 2 * n + 10, 1);
    ERR(fcntl(other, F_OFD_SETLK, &l), EAGAIN);
    close(fd);
    OK(fcntl(other, F_OFD_SETLK, &l));
    close(other);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
