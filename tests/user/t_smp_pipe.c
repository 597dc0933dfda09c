/* SPDX-License-Identifier: MIT
 *
 * Pipes with several readers and writers at once.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#define NT      4
#define RECORD  64
#define RECORDS 500

static int ends[2];
static atomic_long seen[NT], left_writers;

static void *writes(void *arg)
{
    char r[RECORD];

    memset(r, 'a' + (int)(long)arg, RECORD);
    for (int i = 0; i < RECORDS; i++)
        EQ(write(ends[1], r, RECORD), RECORD);
    if (--left_writers == 0)
        close(ends[1]);
    return NULL;
}

/* Reads until the end; every record is whole. */
static void *reads(void *arg)
{
    char r[RECORD];
    ssize_t n;

    (void)arg;
    while ((n = read(ends[0], r, RECORD)) > 0) {
        EQ(n, RECORD);
        for (int i = 1; i < RECORD; i++)
            EQ(r[i], r[0]);
        CHECK(r[0] >= 'a' && r[0] < 'a' + NT);
        seen[r[0] - 'a']++;
    }
    EQ(n, 0);
    return NULL;
}

TEST(records, "records of several writers stay whole, and none is lost at the end")
{
    pthread_t w[NT], r[2];

    OK(pipe(ends));
    OK(fcntl(ends[1], F_SETPIPE_SZ, 4096));
    left_writers = NT;
    for (long i = 0; i < 2; i++)
        EQ(pthread_create(&r[i], NULL, reads, NULL), 0);
    for (long i = 0; i < NT; i++)
        EQ(pthread_create(&w[i], NULL, writes, (void *)i), 0);
    for (int i = 0; i < NT; i++)
        EQ(pthread_join(w[i], NULL), 0);
    for (int i = 0; i < 2; i++)
        EQ(pthread_join(r[i], NULL), 0);
    for (int i = 0; i < NT; i++)
        EQ(seen[i], RECORDS);
}

static void *writes_and_goes(void *arg)
{
    int fd = (int)(long)arg;

    EQ(write(fd, "last", 4), 4);
    close(fd);
    return NULL;
}

TEST(last_words, "what the last writer wrote comes before the end")
{
    for (int i = 0; i < 400; i++) {
        pthread_t t;
        char buf[8];
        int e[2];

        OK(pipe(e));
        EQ(pthread_create(&t, NULL, writes_and_goes, (void *)(long)e[1]), 0);
        if (i % 2) {
            struct pollfd p = {.fd = e[0], .events = POLLIN};
            EQ(poll(&p, 1, -1), 1);
            CHECK(p.revents & POLLIN); /* never the end alone */
        }
        EQ(read(e[0], buf, sizeof(buf)), 4);
        EQ(read(e[0], buf, sizeof(buf)), 0);
        EQ(pthread_join(t, NULL), 0);
        close(e[0]);
    }
}

static atomic_bool stop;

static void *resizes(void *arg)
{
    (void)arg;
    for (int i = 0; !stop; i++)
        if (fcntl(ends[1], F_SETPIPE_SZ, 4096 << i % 4) < 0)
            EQ(errno, EBUSY);
    return NULL;
}

static void *asks(void *arg)
{
    (void)arg;
    while (!stop) {
        int n;
        OK(ioctl(ends[0], 0x541b /* FIONREAD */, &n));
        CHECK(n >= 0 && n <= 65536);
    }
    return NULL;
}

TEST(resize, "a pipe changes its size while bytes go through")
{
    pthread_t a, r;
    static unsigned char in[20000], out[1000];
    unsigned long at = 0, want = 400000;

    OK(pipe(ends));
    EQ(pthread_create(&r, NULL, resizes, NULL), 0);
    EQ(pthread_create(&a, NULL, asks, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned long k = 0; k < want; k += sizeof(in)) {
            for (size_t i = 0; i < sizeof(in); i++)
                in[i] = (unsigned char)((k + i) * 7 >> 3);
            EQ(write(ends[1], in, sizeof(in)), (long)sizeof(in));
        }
        _exit(0);
    }
    while (at < want) {
        ssize_t n = read(ends[0], out, sizeof(out));
        OK(n);
        for (ssize_t i = 0; i < n; i++, at++)
            EQ(out[i], (unsigned char)(at * 7 >> 3));
    }
    stop = true;
    pthread_join(r, NULL);
    pthread_join(a, NULL);
    EQ(waitpid(pid, NULL, 0), pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
