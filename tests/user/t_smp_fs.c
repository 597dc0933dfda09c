/* SPDX-License-Identifier: MIT
 *
 * Files, names and descriptors that several threads use at once: what comes out is checked by
 * a model.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#define NT 4

static atomic_bool stop;
static atomic_long won;
static int shared_fd;

static void start(pthread_t *t, int n, void *(*fn)(void *))
{
    for (long i = 0; i < n; i++)
        EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
}

static void join(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        EQ(pthread_join(t[i], NULL), 0);
}

static void run_all(void *(*fn)(void *))
{
    pthread_t t[NT];

    start(t, NT, fn);
    join(t, NT);
}

/* ---- descriptors ---- */

#define FIRST_FD 100
#define FDS      16

/* Opens, duplicates, reads and closes numbers that others do the same with. What a read gives
 * is the text of one of the files, whole. */
static void *uses_table(void *arg)
{
    uint64_t seed = 1000 + (uint64_t)(long)arg;
    char buf[16];

    for (int i = 0; i < 1500; i++) {
        int a = FIRST_FD + (int)(t_random(&seed) % FDS),
            b = FIRST_FD + (int)(t_random(&seed) % FDS);

        switch (t_random(&seed) % 5) {
        case 0: {
            int fd = open(t_random(&seed) % 2 ? "aaaa" : "bbbb", O_RDONLY | O_CLOEXEC);
            OK(fd);
            OK(dup2(fd, a));
            OK(close(fd));
            break;
        }
        case 1:
            if (dup2(a, b) < 0)
                CHECK(errno == EBADF || errno == EBUSY);
            break;
        case 2:
            if (close(a) < 0)
                EQ(errno, EBADF);
            break;
        default: {
            ssize_t n = pread(a, buf, 4, 0);
            if (n < 0)
                EQ(errno, EBADF);
            else if (n != 4 || (memcmp(buf, "aaaa", 4) && memcmp(buf, "bbbb", 4)))
                FAIL("read %zd bytes: %.4s", n, buf);
        }
        }
    }
    return NULL;
}

TEST(table, "open, dup2, close and read of one table by four threads")
{
    close(t_make("aaaa", "aaaa"));
    close(t_make("bbbb", "bbbb"));
    run_all(uses_table);
    for (int fd = FIRST_FD; fd < FIRST_FD + FDS; fd++)
        close(fd);
    int low = open("aaaa", O_RDONLY); /* no number is lost */
    int again = dup(low);
    EQ(again, low + 1);
}

static void *grows_table(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        int fd = fcntl(shared_fd, F_DUPFD, 50 + i * 20);
        OK(fd);
        OK(close(fd));
    }
    return NULL;
}

static void *moves_descriptor(void *arg)
{
    (void)arg;
    while (!stop) {
        OK(dup2(40, 41));
        OK(close(40));
        OK(dup2(41, 40));
        OK(close(41));
    }
    return NULL;
}

/* A descriptor that goes between two numbers is in each child at one of them, or both. */
TEST(fork_copies, "fork copies a table that other threads change")
{
    pthread_t t[2];

    shared_fd = t_make("f", "x");
    OK(dup2(shared_fd, 40));
    start(t, 1, moves_descriptor);
    EQ(pthread_create(&t[1], NULL, grows_table, NULL), 0);
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        OK(pid);
        if (pid == 0)
            _exit(fcntl(40, F_GETFD) >= 0 || fcntl(41, F_GETFD) >= 0 ? 0 : 1);
        int status;
        OK(waitpid(pid, &status, 0));
        EQ(status, 0);
    }
    stop = true;
    join(t, 2);
}

static void *opens_lowest(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        int fd = open("f", O_RDWR), pair[2];
        char c;
        OK(fd);
        EQ(pread(fd, &c, 1, 0), 1);
        OK(pipe(pair));
        EQ(write(pair[1], "y", 1), 1);
        EQ(read(pair[0], &c, 1), 1);
        EQ(c, 'y');
        OK(close(pair[0]));
        OK(close(pair[1]));
        OK(close(fd));
    }
    return NULL;
}

TEST(numbers, "a number given out is nobody else's")
{
    close(t_make("f", "x"));
    run_all(opens_lowest);
}

/* ---- positions and appending ---- */

#define RECORD  32
#define RECORDS 400

static void *appends(void *arg)
{
    char record[RECORD];
    int fd = open("log", O_WRONLY | O_APPEND);

    memset(record, 'a' + (int)(long)arg, RECORD);
    OK(fd);
    for (int i = 0; i < RECORDS; i++) {
        memcpy(record, &i, sizeof(i));
        EQ(write(fd, record, RECORD), RECORD);
    }
    close(fd);
    return NULL;
}

static void *writes_on(void *arg)
{
    char record[RECORD];

    memset(record, 'a' + (int)(long)arg, RECORD);
    for (int i = 0; i < RECORDS; i++) {
        memcpy(record, &i, sizeof(i));
        EQ(write(shared_fd, record, RECORD), RECORD);
    }
    return NULL;
}

/* All records of all threads are there, whole, each thread's in its order. */
static void check_records(int fd)
{
    int seen[NT] = {0};
    char r[RECORD];
    off_t size = lseek(fd, 0, SEEK_END);

    EQ(size, NT * RECORDS * RECORD);
    for (off_t at = 0; at < size; at += RECORD) {
        int number, who;
        EQ(pread(fd, r, RECORD, at), RECORD);
        memcpy(&number, r, sizeof(number));
        who = r[RECORD - 1] - 'a';
        CHECK(who >= 0 && who < NT);
        for (int i = sizeof(number); i < RECORD; i++)
            EQ(r[i], 'a' + who);
        EQ(number, seen[who]++);
    }
}

TEST(append, "four threads append: exact")
{
    int fd = t_make("log", "");
    run_all(appends);
    check_records(fd);
}

TEST(position, "four threads write through one descriptor: exact")
{
    shared_fd = t_make("log", "");
    run_all(writes_on);
    check_records(shared_fd);
}

static void *reads_on(void *arg)
{
    long sum = 0;
    int number;

    (void)arg;
    while (read(shared_fd, &number, sizeof(number)) == sizeof(number))
        sum += number;
    won += sum;
    return NULL;
}

TEST(reading, "four threads read through one descriptor: each number once")
{
    shared_fd = t_make("n", "");
    for (int i = 1; i <= 4000; i++)
        EQ(write(shared_fd, &i, sizeof(i)), sizeof(i));
    lseek(shared_fd, 0, SEEK_SET);
    run_all(reads_on);
    EQ(won, 4000 * 4001 / 2);
}

static void *toggles_flags(void *arg)
{
    long me = (long)arg;
    int on = 1, off = 0;

    for (int i = 0; i < 1000; i++) {
        if (me % 2) {
            OK(ioctl(shared_fd, 0x5421 /* FIONBIO */, i % 2 ? &off : &on));
        } else {
            int fl = fcntl(shared_fd, F_GETFL);
            CHECK((fl & O_ACCMODE) == O_RDWR);
            OK(fcntl(shared_fd, F_SETFL, i % 2 ? 0 : O_APPEND));
        }
    }
    return NULL;
}

TEST(flags, "flags of a file change at once in four threads")
{
    shared_fd = t_make("f", "");
    run_all(toggles_flags);
    OK(fcntl(shared_fd, F_SETFL, O_APPEND | O_NONBLOCK));
    EQ(fcntl(shared_fd, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE),
       O_APPEND | O_NONBLOCK | O_RDWR);
}

/* ---- sizes ---- */

static void *cuts(void *arg)
{
    uint64_t seed = 1000 + (uint64_t)(long)arg;

    for (int i = 0; i < 300; i++)
        OK(ftruncate(shared_fd, (off_t)(t_random(&seed) % 8) * 1000));
    stop = true;
    return NULL;
}

static void *fills(void *arg)
{
    static const char text[3000] = {[0 ... 2999] = 'x'};

    (void)arg;
    while (!stop)
        EQ(pwrite(shared_fd, text, sizeof(text), 2500), (long)sizeof(text));
    return NULL;
}

/* Each byte is a hole's or a writer's. */
static void *checks(void *arg)
{
    char buf[8192];

    (void)arg;
    while (!stop) {
        ssize_t n = pread(shared_fd, buf, sizeof(buf), 0);
        CHECK(n >= 0 && n <= 7000);
        for (ssize_t i = 0; i < n; i++)
            CHECK(buf[i] == 0 || (buf[i] == 'x' && i >= 2500 && i < 5500));
    }
    return NULL;
}

TESTF(truncate, "truncate against write and read")
{
    pthread_t t[NT];

    shared_fd = t_file();
    EQ(pthread_create(&t[0], NULL, cuts, (void *)7L), 0);
    EQ(pthread_create(&t[1], NULL, fills, NULL), 0);
    EQ(pthread_create(&t[2], NULL, checks, NULL), 0);
    EQ(pthread_create(&t[3], NULL, checks, NULL), 0);
    join(t, NT);
    OK(ftruncate(shared_fd, 0));
    EQ(lseek(shared_fd, 0, SEEK_END), 0);
}

/* ---- locks ---- */

static int counter_fd;

static void *locks_and_counts(void *arg)
{
    int fd = open("lock", O_RDWR), n;

    (void)arg;
    OK(fd);
    for (int i = 0; i < 200; i++) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        OK(fcntl(fd, F_OFD_SETLKW, &l));
        EQ(pread(counter_fd, &n, sizeof(n), 0), sizeof(n));
        n++;
        EQ(pwrite(counter_fd, &n, sizeof(n), 0), sizeof(n));
        l.l_type = F_UNLCK;
        OK(fcntl(fd, F_OFD_SETLK, &l));
        if (i % 4 == 0) {
            OK(flock(fd, LOCK_EX));
            OK(flock(fd, LOCK_UN));
        }
    }
    close(fd);
    return NULL;
}

TEST(record_locks, "a counter under a record lock of four open files")
{
    int n = 0;

    close(t_make("lock", "x"));
    counter_fd = t_make("count", "");
    EQ(pwrite(counter_fd, &n, sizeof(n), 0), sizeof(n));
    run_all(locks_and_counts);
    EQ(pread(counter_fd, &n, sizeof(n), 0), sizeof(n));
    EQ(n, NT * 200);
}

TEST(process_locks, "a counter under a record lock of four processes")
{
    int n = 0;

    close(t_make("lock", "x"));
    counter_fd = t_make("count", "");
    EQ(pwrite(counter_fd, &n, sizeof(n), 0), sizeof(n));
    for (int k = 0; k < NT; k++) {
        if (fork())
            continue;
        int fd = open("lock", O_RDWR);
        for (int i = 0; i < 100; i++) {
            struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
            OK(fcntl(fd, F_SETLKW, &l));
            EQ(pread(counter_fd, &n, sizeof(n), 0), sizeof(n));
            n++;
            EQ(pwrite(counter_fd, &n, sizeof(n), 0), sizeof(n));
            l.l_type = F_UNLCK;
            OK(fcntl(fd, F_SETLK, &l));
        }
        _exit(0);
    }
    for (int k = 0, status; k < NT; k++) {
        OK(wait(&status));
        EQ(status, 0);
    }
    EQ(pread(counter_fd, &n, sizeof(n), 0), sizeof(n));
    EQ(n, NT * 100);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
