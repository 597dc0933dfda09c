/* SPDX-License-Identifier: MIT
 *
 * Waits with an end that a stop interrupts: they go on with what is left of their time. And
 * futex_waitv.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sched.h>
#include <sys/select.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint32_t word;

static int by_futex(void)
{
    struct timespec t = {0, 600000000};

    return syscall(SYS_futex, &word, 0 /* WAIT */, 0, &t, NULL, 0) == -1 &&
           errno == ETIMEDOUT;
}

static int by_bitset(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += 600000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return syscall(SYS_futex, &word, 9 /* WAIT_BITSET */, 0, &t, NULL, 1) == -1 &&
           errno == ETIMEDOUT;
}

static int by_poll(void)
{
    return poll(NULL, 0, 600) == 0;
}

static int by_ppoll(void)
{
    struct timespec t = {0, 600000000};

    return syscall(SYS_ppoll, NULL, 0, &t, NULL, 0) == 0;
}

static int by_select(void)
{
    struct timeval t = {0, 600000};

    return select(0, NULL, NULL, NULL, &t) == 0;
}

static int by_sleep(void)
{
    struct timespec t = {0, 600000000};

    return nanosleep(&t, NULL) == 0;
}

enum { LATE = 100000 };

/* The child waits for 600 ms; it is stopped and continued twice meanwhile. How long it took in
 * ms: 900 or more when the time began anew or stood still. */
static int stopped_once(int (*wait_it)(void), const char *what)
{
    int64_t from = now_ms(), took;
    pid_t child = fork();
    int status;

    if (!child)
        _exit(wait_it() ? 0 : 1);
    for (int i = 0; i < 2; i++) {
        nanosleep(&(struct timespec){0, 150000000}, NULL);
        OK(kill(child, SIGSTOP));
        OK(waitpid(child, &status, WUNTRACED));
        if (!status) /* it was over before the stop: this tells nothing */
            return LATE;
        CHECK(WIFSTOPPED(status));
        OK(kill(child, SIGCONT));
    }
    OK(waitpid(child, &status, 0));
    took = now_ms() - from;
    if (status)
        FAIL("%s: another result", what);
    if (took < 600)
        FAIL("%s: %d ms instead of 600", what, (int)took);
    return (int)took;
}

/* A busy machine may be late; a wait that is wrong is late each time. */
static void stopped(int (*wait_it)(void), const char *what)
{
    int took = 0;

    for (int tries = 0; tries < 10; tries++) {
        took = stopped_once(wait_it, what);
        if (took <= 850)
            return;
    }
    FAIL("%s: %d ms instead of 600", what, took);
}

TEST(stop, "a wait that is stopped ends at its moment")
{
    stopped(by_futex, "futex");
    stopped(by_bitset, "futex bitset");
    stopped(by_poll, "poll");
    stopped(by_ppoll, "ppoll");
    stopped(by_select, "select");
    stopped(by_sleep, "nanosleep");
}

static void nothing(int signo)
{
    (void)signo;
}

TEST(handler, "a handler ends waits with an end")
{
    struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    struct timespec t = {5, 0};

    OK(sigaction(SIGALRM, &act, NULL));
    alarm(1);
    ERR(syscall(SYS_futex, &word, 0, 0, &t, NULL, 0), EINTR);
    alarm(1);
    ERR(poll(NULL, 0, 5000), EINTR);
}

/* ---- futex_waitv ---- */

struct waitv {
    uint64_t value, addr;
    uint32_t flags, reserved;
};

#define SIZE_U32 2
#define PRIVATE  128

static long waitv(struct waitv *v, unsigned n, struct timespec *t)
{
    return syscall(SYS_futex_waitv, v, n, 0, t, CLOCK_MONOTONIC);
}

TEST(waitv, "waiting on several words")
{
    uint32_t *w =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec past = {0, 0}, bad = {0, 1000000000};
    struct waitv v[3];
    int status;

    for (unsigned i = 0; i < 3; i++)
        v[i] = (struct waitv){0, (uintptr_t)&w[i], SIZE_U32, 0};
    if (waitv(v, 3, &past) == -1 && errno == ENOSYS)
        SKIP("this Linux has no futex_waitv");
    ERR(waitv(v, 3, &past), ETIMEDOUT);
    ERR(waitv(v, 0, &past), EINVAL);
    ERR(waitv(v, 129, &past), EINVAL);
    ERR(waitv(NULL, 1, &past), EINVAL);
    ERR(waitv((void *)8, 1, &past), EFAULT);
    ERR(waitv(v, 3, &bad), EINVAL);
    ERR(syscall(SYS_futex_waitv, v, 3, 1, &past, CLOCK_MONOTONIC), EINVAL);
    ERR(syscall(SYS_futex_waitv, v, 3, 0, &past, CLOCK_BOOTTIME), EINVAL);
    v[1].value = 7;
    ERR(waitv(v, 3, NULL), EAGAIN);
    v[1].value = 1ull << 32;
    ERR(waitv(v, 3, &past), EINVAL);
    v[1].value = 0;
    v[2].reserved = 1;
    ERR(waitv(v, 3, &past), EINVAL);
    v[2].reserved = 0;
    v[2].flags = 0; /* bytes */
    ERR(waitv(v, 3, &past), EINVAL);
    v[2].flags = SIZE_U32;
    v[2].addr += 2;
    ERR(waitv(v, 3, &past), EINVAL);
    v[2].addr = 16;
    ERR(waitv(v, 3, &past), EFAULT);
    v[2].addr = (uintptr_t)&w[2];

    pid_t child = fork();
    if (!child)
        _exit(waitv(v, 3, NULL) == 1 ? 0 : 1);
    while (syscall(SYS_futex, &w[1], 1 /* WAKE */, 1) == 0)
        sched_yield();
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    EQ(syscall(SYS_futex, &w[0], 1, 1), 0); /* it left the others */
    for (unsigned i = 0; i < 3; i++)
        v[i].flags |= PRIVATE;
    ERR(waitv(v, 3, &past), ETIMEDOUT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
