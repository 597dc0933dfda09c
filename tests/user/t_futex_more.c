/* SPDX-License-Identifier: MIT
 *
 * futex(2), what is seldom asked for: all comparisons, words that are not there yet, PI words
 * that say something wrong, requeueing to a PI word that is free, futex_waitv cut short,
 * waiters with real-time priorities.
 */
#include "tests/user/t_futex.h"
#include <pthread.h>
#include <sched.h>

#define NOWHERE ((void *)0x20000) /* below all programs */

static const struct timespec past;

static unsigned *fresh(int prot)
{
    void *p = mmap(NULL, P, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

static unsigned tid(void)
{
    return (unsigned)syscall(SYS_gettid);
}

/* ---- waiters ---- */

struct waiter {
    pthread_t thread;
    volatile pid_t tid;
    unsigned *word, *pi;
    unsigned op;
    int priority;
    long result;
    int error;
    unsigned owns; /* the word pi when it came back */
    volatile bool back;
};

static void *run_waiter(void *arg)
{
    struct waiter *w = arg;
    struct sched_param sp = {.sched_priority = w->priority};

    if (w->priority && syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp))
        abort();
    w->tid = (pid_t)tid();
    w->result = futex(w->word, w->op, *w->word, NULL, w->pi, ~0u);
    w->error = errno;
    w->owns = w->pi ? *w->pi : 0;
    w->back = true;
    if (w->pi && !w->result && (w->owns & FUTEX_TID_MASK) == (unsigned)w->tid)
        (void)futex(w->pi, FUTEX_UNLOCK_PI | (w->op & FUTEX_PRIVATE_FLAG), 0, NULL, NULL,
                    0);
    return NULL;
}

static void start(struct waiter *w)
{
    EQ(pthread_create(&w->thread, NULL, run_waiter, w), 0);
    while (!w->tid)
        sched_yield();
    t_until_asleep(w->tid);
}

static void join(struct waiter *w)
{
    EQ(pthread_join(w->thread, NULL), 0);
}

/* ---- FUTEX_WAKE_OP ---- */

TEST(compares, "each comparison of FUTEX_WAKE_OP, with signs")
{
    static const struct {
        int cmp, old, arg;
        bool yes;
    } rows[] = {
        {FUTEX_OP_CMP_EQ, 5, 5, true},     {FUTEX_OP_CMP_EQ, 5, 6, false},
        {FUTEX_OP_CMP_NE, 5, 5, false},    {FUTEX_OP_CMP_NE, 5, 6, true},
        {FUTEX_OP_CMP_LT, 5, 6, true},     {FUTEX_OP_CMP_LT, 5, 5, false},
        {FUTEX_OP_CMP_LT, -1, 0, true},    {FUTEX_OP_CMP_LE, 5, 5, true},
        {FUTEX_OP_CMP_LE, 6, 5, false},    {FUTEX_OP_CMP_LE, -7, -6, true},
        {FUTEX_OP_CMP_GT, 5, 5, false},    {FUTEX_OP_CMP_GT, 5, -1, true},
        {FUTEX_OP_CMP_GE, 5, 5, true},     {FUTEX_OP_CMP_GE, -2, -1, false},
        {FUTEX_OP_CMP_GE, 0, -2048, true}, {FUTEX_OP_CMP_EQ, -2048, -2048, true},
    };
    static unsigned a, b;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct waiter w = {.word = &b, .op = FUTEX_WAIT_PRIVATE};

        b = (unsigned)rows[i].old;
        start(&w);
        if (futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b,
                  FUTEX_OP(FUTEX_OP_ADD, 1, rows[i].cmp, rows[i].arg)) != rows[i].yes)
            FAIL("row %zu", i);
        EQ(b, (unsigned)rows[i].old + 1);
        if (!rows[i].yes)
            EQ(futex(&b, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
        join(&w);
    }
    b = 7; /* one that is none is found when the word has changed */
    ERR(futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b,
              FUTEX_OP(FUTEX_OP_ADD, 1, 6, 0)),
        ENOSYS);
    EQ(b, 8);
    EQ(futex(&a, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &b,
             FUTEX_OP(FUTEX_OP_OPARG_SHIFT | FUTEX_OP_SET, 33, FUTEX_OP_CMP_EQ, 0)),
       0);
    EQ(b, 2);
}

TEST(not_there, "words that nobody has touched yet, cannot write, or has not got")
{
    static unsigned word;
    unsigned *ro = fresh(PROT_READ), *gone = NOWHERE;
    int flags[] = {0, FUTEX_PRIVATE_FLAG};

    for (int i = 0; i < 2; i++) {
        unsigned op = FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0),
                 *f = fresh(PROT_WRITE);

        EQ(futex(&word, FUTEX_WAKE_OP | flags[i], 1, (void *)1, f, op), 0);
        EQ(*f, 1);
        EQ(futex(fresh(PROT_WRITE), FUTEX_WAKE_OP | flags[i], 1, (void *)1, f, op), 0);
        ERR(futex(&word, FUTEX_WAKE_OP | flags[i], 1, (void *)1, ro, op), EFAULT);
        ERR(futex(&word, FUTEX_WAKE_OP | flags[i], 1, (void *)1, gone, op), EFAULT);
        ERR(futex(&word, FUTEX_WAKE_OP | flags[i], 1, (void *)1, (char *)f + 2, op),
            EINVAL);
        EQ(futex(fresh(PROT_READ | PROT_WRITE), FUTEX_CMP_REQUEUE | flags[i], 1,
                 (void *)1, f, 0),
           0);
        ERR(futex(gone, FUTEX_CMP_REQUEUE | flags[i], 1, (void *)1, f, 0), EFAULT);
        ERR(futex(gone, FUTEX_LOCK_PI | flags[i], 0, NULL, NULL, 0), EFAULT);
        ERR(futex(ro, FUTEX_LOCK_PI | flags[i], 0, NULL, NULL, 0), EFAULT);
        ERR(futex(ro, FUTEX_TRYLOCK_PI | flags[i], 0, NULL, NULL, 0), EFAULT);
        ERR(futex(gone, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), EFAULT);
        ERR(futex((void *)0xffff800000000001ul, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL,
                  0),
            EFAULT);
        ERR(futex(ro, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), EPERM);
        ERR(futex((char *)f + 1, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), EPERM);
        f[1] = tid() << 8;
        ERR(futex((char *)f + 5, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), EINVAL);
        ERR(futex((char *)f + 5, FUTEX_LOCK_PI | flags[i], 0, NULL, NULL, 0), EINVAL);
        f = fresh(PROT_READ | PROT_WRITE);
        EQ(futex(f, FUTEX_LOCK_PI | flags[i], 0, NULL, NULL, 0), 0);
        EQ(*f, tid());
        OK(mprotect(f, P, PROT_READ));
        ERR(futex(f, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), EFAULT);
        OK(mprotect(f, P, PROT_READ | PROT_WRITE));
        EQ(futex(f, FUTEX_UNLOCK_PI | flags[i], 0, NULL, NULL, 0), 0);
        EQ(*f, 0);
        f = fresh(PROT_READ | PROT_WRITE);
        ERR(futex(f, FUTEX_WAIT_BITSET | flags[i], 0, &past, NULL, 1), ETIMEDOUT);
        ERR(futex(f, FUTEX_CMP_REQUEUE_PI | flags[i], 1, (void *)1, gone, 0), EFAULT);
        ERR(futex(f, FUTEX_WAIT_REQUEUE_PI | flags[i], 0, &past, ro, 0),
            i ? ETIMEDOUT : EFAULT);
        EQ(futex(fresh(PROT_READ), FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1,
                 (void *)1, fresh(PROT_READ | PROT_WRITE), 0),
           0);
    }
}

/* ---- PI ---- */

TEST(pi_words, "a PI word that names nobody, oneself, or who is no owner for the kernel")
{
    static unsigned word, other;
    struct waiter plain = {.word = &word, .op = FUTEX_WAIT_PRIVATE};

    word = 0x3ffffffe; /* a number that no thread has */
    ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
    ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
    word = tid();
    ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    word = 0;
    ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    word = FUTEX_OWNER_DIED;
    EQ(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(word, tid() | FUTEX_OWNER_DIED);
    EQ(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(word, 0);
    start(&plain); /* somebody waits for it as for a plain word */
    ERR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &other, 0), EINVAL);
    word = tid();
    ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    join(&plain);
    EQ(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
}

TEST(pi_mixed, "plain calls on a word that others wait for as for a lock")
{
    static unsigned word, other;
    struct waiter w = {.op = FUTEX_LOCK_PI_PRIVATE, .word = &word, .pi = &word};

    EQ(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    start(&w);
    EQ(word, tid() | FUTEX_WAITERS);
    ERR(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)1, &other, 0),
        EINVAL);
    ERR(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other, FUTEX_OP(0, 0, 0, 1)),
        EINVAL);
    word =
        0; /* a program that gives it up by itself though the kernel knows of waiters */
    ERR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    word = (unsigned)w.tid | FUTEX_WAITERS; /* ... and one that gives it away */
    ERR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    word = tid() | FUTEX_WAITERS;
    EQ(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    join(&w);
    EQ(w.result, 0);
    EQ(w.owns & FUTEX_TID_MASK, (unsigned)w.tid);
    EQ(word, 0);
}

/* Of a condition whose lock is free the first gets it at once, the rest wait for that one. */
TEST(requeue_free, "FUTEX_CMP_REQUEUE_PI to a free word gives it to the first")
{
    for (int shared = 0; shared < 2; shared++) {
        static unsigned words[2];
        unsigned flag = shared ? 0 : FUTEX_PRIVATE_FLAG;
        struct waiter w[3];

        words[0] = words[1] = 0;
        for (int i = 0; i < 3; i++) {
            w[i] = (struct waiter){
                .op = FUTEX_WAIT_REQUEUE_PI | flag, .word = &words[0], .pi = &words[1]};
            start(&w[i]);
        }
        if (shared)
            words[1] = FUTEX_OWNER_DIED;
        EQ(futex(&words[0], FUTEX_CMP_REQUEUE_PI | flag, 1, (void *)9, &words[1], 0), 3);
        for (int i = 0; i < 3; i++) {
            join(&w[i]);
            EQ(w[i].result, 0);
            EQ(w[i].owns & FUTEX_TID_MASK, (unsigned)w[i].tid);
        }
        EQ(w[0].owns & FUTEX_WAITERS, FUTEX_WAITERS);
        EQ(w[0].owns & FUTEX_OWNER_DIED, shared ? FUTEX_OWNER_DIED : 0);
        EQ(words[1], 0);
        w[0] = (struct waiter){
            .op = FUTEX_WAIT_REQUEUE_PI | flag, .word = &words[0], .pi = &words[1]};
        start(&w[0]); /* one alone, and none to move: no waiters then */
        EQ(futex(&words[0], FUTEX_CMP_REQUEUE_PI | flag, 1, NULL, &words[1], 0), 1);
        join(&w[0]);
        EQ(w[0].owns, (unsigned)w[0].tid);
        EQ(words[1], 0);
    }
}

TEST(requeue_wrong, "FUTEX_CMP_REQUEUE_PI to a word that cannot be: nobody moves")
{
    static unsigned words[2];
    struct waiter w = {
        .op = FUTEX_WAIT_REQUEUE_PI_PRIVATE, .word = &words[0], .pi = &words[1]};

    start(&w);
    words[1] = 0x3ffffffe;
    ERR(futex(&words[0], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &words[1], 0),
        ESRCH);
    words[1] = (unsigned)w.tid;
    ERR(futex(&words[0], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &words[1], 0),
        EDEADLK);
    ERR(futex(&words[0], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)-1l, &words[1], 0),
        EINVAL);
    words[1] = 0;
    EQ(futex(&words[0], FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &words[1], 0), 1);
    join(&w);
    EQ(w.result, 0);
}

TEST(real_time, "who has a higher priority is woken first")
{
    static unsigned word;
    struct waiter w[3] = {{.priority = 0}, {.priority = 5}, {.priority = 9}};

    if (getuid() != 0)
        SKIP("needs root");
    for (int i = 0; i < 3; i++) {
        w[i].word = &word;
        w[i].op = FUTEX_WAIT_PRIVATE;
        start(&w[i]);
    }
    for (int i = 2; i >= 0; i--) {
        EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
        join(&w[i]);
        for (int k = 0; k < i; k++)
            CHECK(!w[k].back);
    }
}

/* ---- futex_waitv ---- */

struct waitv {
    uint64_t value, addr;
    uint32_t flags, reserved;
};

static long waitv(const struct waitv *v, unsigned n, const struct timespec *until)
{
    return syscall(449, v, n, 0, until, CLOCK_MONOTONIC);
}

static volatile int caught;

static void on_signal(int signo)
{
    caught = signo;
}

struct vwait {
    struct waitv v[3];
    volatile pid_t tid;
    long result;
    int error;
};

static void *run_waitv(void *arg)
{
    struct vwait *w = arg;

    w->tid = (pid_t)tid();
    w->result = waitv(w->v, 3, NULL);
    w->error = errno;
    return NULL;
}

TEST(waitv, "futex_waitv: fresh words, a signal with and without SA_RESTART, a wake")
{
    for (int restart = 0; restart < 2; restart++) {
        struct sigaction sa = {.sa_handler = on_signal,
                               .sa_flags = restart ? SA_RESTART : 0};
        struct vwait w = {.tid = 0};
        unsigned *f[3];
        pthread_t t;

        OK(sigaction(SIGUSR1, &sa, NULL));
        for (int i = 0; i < 3; i++) {
            f[i] = fresh(PROT_READ | PROT_WRITE);
            w.v[i] = (struct waitv){0, (uint64_t)f[i], 0x82, 0};
        }
        caught = 0;
        EQ(pthread_create(&t, NULL, run_waitv, &w), 0);
        while (!w.tid)
            sched_yield();
        t_until_asleep(w.tid);
        OK(syscall(SYS_tgkill, getpid(), w.tid, SIGUSR1));
        while (!caught)
            sched_yield();
        if (restart) {
            t_until_asleep(w.tid);
            EQ(futex(f[1], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
        }
        EQ(pthread_join(t, NULL), 0);
        EQ(w.result, restart ? 1 : -1);
        if (!restart)
            EQ(w.error, EINTR);
        EQ(futex(f[0], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    }
}

TEST(waitv_errors, "futex_waitv: each error, and nothing is waited for after it")
{
    static unsigned a, b = 1;
    struct waitv v[2] = {{0, (uint64_t)&a, 0x82, 0}, {0, (uint64_t)&b, 0x82, 0}};
    unsigned *gone = NOWHERE, *none = fresh(PROT_NONE);

    ERR(waitv(v, 2, NULL), EAGAIN); /* b is 1 */
    EQ(futex(&a, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    v[1].value = 1;
    ERR(waitv(v, 2, &past), ETIMEDOUT);
    v[1].addr = (uint64_t)gone;
    ERR(waitv(v, 2, NULL), EFAULT);
    v[1].addr = (uint64_t)none;
    ERR(waitv(v, 2, NULL), EFAULT);
    v[1].addr = 0;
    ERR(waitv(v, 2, NULL), EFAULT);
    v[1].flags = 2;
    ERR(waitv(v, 2, NULL), EFAULT);
    v[1].addr = (uint64_t)&b + 2;
    ERR(waitv(v, 2, NULL), EINVAL);
    v[1].addr = (uint64_t)&b;
    v[1].flags = 0x81; /* no size that there is */
    ERR(waitv(v, 2, NULL), EINVAL);
    v[1].flags = 0x82;
    v[1].value = 1ul << 32 | 1;
    ERR(waitv(v, 2, NULL), EINVAL);
    v[1].value = 1;
    v[1].reserved = 1;
    ERR(waitv(v, 2, NULL), EINVAL);
    ERR(waitv(v, 0, NULL), EINVAL);
    ERR(waitv(v, 129, NULL), EINVAL);
    ERR(waitv(NULL, 2, NULL), EINVAL);
    ERR(waitv((void *)8, 2, NULL), EFAULT);
    v[1].reserved = 0;
    ERR(syscall(449, v, 2, 1, NULL, 0), EINVAL);
    ERR(syscall(449, v, 2, 0, &past, CLOCK_BOOTTIME), EINVAL);
    ERR(syscall(449, v, 2, 0, (void *)8, CLOCK_REALTIME), EFAULT);
    ERR(syscall(449, v, 2, 0, &past, CLOCK_REALTIME), ETIMEDOUT);
    EQ(futex(&a, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
