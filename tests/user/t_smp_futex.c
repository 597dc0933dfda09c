/* SPDX-License-Identifier: MIT
 *
 * Futexes that several CPUs use at once: counters by a model, wake-ups against sleep, time-out
 * and signal, requeueing, condition variables, PI and robust locks under contention.
 */
#include "tests/user/t_futex.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define NT     4
#define ROUNDS 400

static void start_all(pthread_t *t, int n, void *(*fn)(void *))
{
    for (long i = 0; i < n; i++)
        EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
}

static void join_all(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        EQ(pthread_join(t[i], NULL), 0);
}

/* ---- locks of three states: free, held, held and waited for ---- */

struct lock {
    atomic_uint word;
    long counter; /* what it protects */
};

static struct lock locks[3];

static void lock(struct lock *l)
{
    unsigned free = 0;

    if (atomic_compare_exchange_strong(&l->word, &free, 1))
        return;
    while (atomic_exchange(&l->word, 2) != 0) {
        long r = futex(&l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
        if (r != 0 && errno != EAGAIN && errno != EINTR)
            FAIL("wait: errno %d", errno);
    }
}

static void unlock(struct lock *l)
{
    if (atomic_exchange(&l->word, 0) == 2)
        OK(futex(&l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
}

static void *adds(void *arg)
{
    for (long i = 0; i < ROUNDS; i++) {
        struct lock *l = &locks[(i + (long)arg) % 3];
        lock(l);
        long seen = l->counter;
        if (i % 16 == 0)
            sched_yield(); /* who else comes has to wait */
        l->counter = seen + 1;
        unlock(l);
    }
    return NULL;
}

TEST(locks, "locks of futexes: no addition is lost")
{
    pthread_t t[NT];

    start_all(t, NT, adds);
    join_all(t, NT);
    EQ(locks[0].counter + locks[1].counter + locks[2].counter, NT * ROUNDS);
}

/* ---- tokens: waits that end by wake-up, time-out or signal ---- */

static atomic_uint tokens;
static atomic_long taken, to_take;
static atomic_bool stop;
static pthread_t takers[NT];

static void *takes(void *arg)
{
    struct timespec soon = {.tv_nsec = 50000};

    while (taken < to_take) {
        unsigned n = tokens;
        if (n && atomic_compare_exchange_strong(&tokens, &n, n - 1)) {
            taken++;
            continue;
        }
        if (n)
            continue;
        if (taken >= to_take)
            break;
        long r =
            futex(&tokens, FUTEX_WAIT_PRIVATE, 0, (long)arg % 2 ? &soon : NULL, NULL, 0);
        if (r != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
            FAIL("wait: errno %d", errno);
    }
    return NULL;
}

static void nothing(int sig)
{
    (void)sig;
}

TEST(tokens, "a wake-up is not lost to time-outs and signals")
{
    struct sigaction act = {.sa_handler = nothing};
    uint64_t seed = 7;

    OK(sigaction(SIGUSR1, &act, NULL));
    to_take = ROUNDS;
    start_all(takers, NT, takes);
    for (int i = 0; i < ROUNDS; i++) {
        tokens++;
        OK(futex(&tokens, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
        if (t_random(&seed) % 4 == 0)
            pthread_kill(takers[t_random(&seed) % NT], SIGUSR1);
        if (t_random(&seed) % 2)
            sched_yield();
    }
    /* The last ones may all sleep already: they are told once it is over. */
    while (taken < ROUNDS)
        sched_yield();
    for (int left = NT; left > 0;) {
        futex(&tokens, FUTEX_WAKE_PRIVATE, NT, NULL, NULL, 0);
        left = 0;
        for (int i = 0; i < NT; i++)
            left += takers[i] && pthread_tryjoin_np(takers[i], NULL) != 0
                        ? 1
                        : (takers[i] = 0, 0);
        sched_yield();
    }
    EQ(taken, ROUNDS);
    EQ(tokens, 0);
}

/* ---- requeueing ---- */

static atomic_uint from, to;
static atomic_long asleep, awake;

static void *waits_once(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        unsigned seen = from;
        asleep++;
        /* A change of the word in between ends the wait too, as a wake-up does. */
        if (futex(&from, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0) != 0 && errno != EAGAIN)
            FAIL("wait: errno %d", errno);
        awake++;
    }
    return NULL;
}

TEST(requeue, "who is requeued is woken where it went, once")
{
    pthread_t t[NT];

    start_all(t, NT, waits_once);
    while (awake < NT * 40) {
        unsigned seen = from;
        long moved = futex(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &to, seen);
        CHECK(moved >= 0 && moved <= 3);
        for (long w = 0; w < moved; w++) /* some had the first wake-up */
            futex(&to, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        if (asleep > awake)
            ERR(futex(&from, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)2, &to, seen + 1),
                EAGAIN);
        from++;
        sched_yield();
    }
    join_all(t, NT);
    EQ(asleep, NT * 40);
    EQ(futex(&from, FUTEX_WAKE_PRIVATE, NT, NULL, NULL, 0), 0);
    EQ(futex(&to, FUTEX_WAKE_PRIVATE, NT, NULL, NULL, 0), 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER,
                      not_empty = PTHREAD_COND_INITIALIZER;
static long ring[4], put_at, got_at, sum;

static void *uses_ring(void *arg)
{
    bool puts = (long)arg % 2;

    for (long i = 1; i <= ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        if (puts) {
            while (put_at - got_at == 4)
                pthread_cond_wait(&not_full, &mutex);
            ring[put_at++ % 4] = i;
            pthread_cond_broadcast(&not_empty);
        } else {
            while (put_at == got_at)
                pthread_cond_wait(&not_empty, &mutex);
            sum += ring[got_at++ % 4];
            pthread_cond_signal(&not_full);
        }
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

TEST(conditions, "condition variables: what is put is got")
{
    pthread_t t[NT];

    start_all(t, NT, uses_ring);
    join_all(t, NT);
    EQ(sum, (long)NT / 2 * ROUNDS * (ROUNDS + 1) / 2);
}

/* ---- PI ---- */

static atomic_uint pi_word[2];
static long pi_counter;
static pthread_barrier_t barrier;
static atomic_long deadlocks;

static void pi_lock(atomic_uint *w)
{
    unsigned free = 0;

    if (!atomic_compare_exchange_strong(w, &free, (unsigned)gettid()))
        OK(futex(w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}

static void pi_unlock(atomic_uint *w)
{
    unsigned mine = (unsigned)gettid();

    if (!atomic_compare_exchange_strong(w, &mine, 0))
        OK(futex(w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}

static void *pi_adds(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pi_lock(&pi_word[0]);
        EQ(pi_word[0] & FUTEX_TID_MASK, gettid());
        long seen = pi_counter;
        if (i % 8 == 0)
            sched_yield();
        pi_counter = seen + 1;
        pi_unlock(&pi_word[0]);
    }
    return NULL;
}

TEST(pi, "PI futexes: no addition is lost, the word names the owner")
{
    pthread_t t[NT];

    start_all(t, NT, pi_adds);
    join_all(t, NT);
    EQ(pi_counter, NT * ROUNDS);
    EQ(pi_word[0], 0);
}

static void *crosses(void *arg)
{
    long me = (long)arg;

    for (int i = 0; i < 60; i++) {
        pi_lock(&pi_word[me]);
        pthread_barrier_wait(&barrier);
        long r = futex(&pi_word[!me], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
        if (r != 0 && errno != EDEADLK)
            FAIL("lock: errno %d", errno);
        if (r != 0)
            deadlocks++;
        else
            pi_unlock(&pi_word[!me]);
        pi_unlock(&pi_word[me]);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

TEST(crossed, "two threads that would wait for each other: one is told")
{
    pthread_t t[2];

    pthread_barrier_init(&barrier, NULL, 2);
    start_all(t, 2, crosses);
    join_all(t, 2);
    CHECK(deadlocks >= 60);
    EQ(pi_word[0] | pi_word[1], 0);
}

/* ---- robust ---- */

static pthread_mutex_t robust;
static atomic_long deaths, inherited;

static void *dies_with_it(void *arg)
{
    (void)arg;
    int err = pthread_mutex_lock(&robust);
    if (err == EOWNERDEAD) {
        inherited++;
        EQ(pthread_mutex_consistent(&robust), 0);
    } else {
        EQ(err, 0);
    }
    deaths++;
    return NULL; /* and holds it */
}

TEST(robust, "a lock whose owners die one after the other")
{
    pthread_mutexattr_t attr;
    pthread_t t[NT];

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    for (int i = 0; i < 20; i++) {
        start_all(t, NT, dies_with_it);
        join_all(t, NT);
    }
    EQ(deaths, 20 * NT);
    EQ(inherited, 20 * NT - 1);
}

/* ---- names that change ---- */

static unsigned *window;
static int files[2];

static void *remaps(void *arg)
{
    (void)arg;
    for (int i = 0; !stop; i++) {
        CHECK(mmap(window, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                   files[i % 2], 0) == window);
        if (i % 3 == 0)
            OK(munmap(window, P));
        if (i % 5 == 0)
            CHECK(ftruncate(files[0], i % 2 ? 0 : P) == 0);
    }
    return NULL;
}

static void *calls(void *arg)
{
    struct timespec soon = {.tv_nsec = 20000};

    for (int i = 0; i < ROUNDS; i++) {
        long r = (long)arg % 2 ? futex(window, FUTEX_WAKE, 1, NULL, NULL, 0)
                               : futex(window, FUTEX_WAIT, 0, &soon, NULL, 0);
        if (r < 0 && errno != EFAULT && errno != ETIMEDOUT && errno != EAGAIN)
            FAIL("errno %d", errno);
        CHECK(r <= NT);
    }
    return NULL;
}

TEST(names, "words whose file and mapping go away meanwhile")
{
    pthread_t t[NT], mapper;

    files[0] = F(1);
    files[1] = F(1);
    window = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, files[0], 0);
    CHECK(window != MAP_FAILED);
    EQ(pthread_create(&mapper, NULL, remaps, NULL), 0);
    start_all(t, NT, calls);
    join_all(t, NT);
    stop = true;
    pthread_join(mapper, NULL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
