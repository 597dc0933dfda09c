/* SPDX-License-Identifier: MIT
 *
 * Locks whose owner dies: robust lists, right and wrong ones, and PI futexes.
 */
#include "tests/user/t_futex.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>

static unsigned tid(void)
{
    return (unsigned)syscall(SYS_gettid);
}

/* A lock as the list knows it: the word lies after the link. */
struct lock {
    struct robust_list link;
    unsigned word;
};

struct shared {
    struct robust_list_head head;
    struct lock lock[4];
    unsigned ready;
};

static struct shared *sh;

static void share(void)
{
    sh = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(sh != MAP_FAILED);
}

/* The running thread holds locks 0 to n-1; the last link leads to `end`. */
static void hold(int n, void *end)
{
    sh->head.list.next = &sh->lock[0].link;
    sh->head.futex_offset = offsetof(struct lock, word);
    sh->head.list_op_pending = NULL;
    for (int i = 0; i < n; i++) {
        sh->lock[i].word = tid();
        sh->lock[i].link.next = i + 1 < n ? &sh->lock[i + 1].link : end;
    }
    OK(syscall(SYS_set_robust_list, &sh->head, sizeof(sh->head)));
}

TEST(list, "the words of a dead owner are marked, others stay")
{
    share();
    CHILD({
        hold(3, &sh->head.list);
        sh->lock[0].word |= FUTEX_WAITERS;
        sh->lock[1].word = 77;
    });
    EQ(sh->lock[0].word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
    EQ(sh->lock[1].word, 77);
    EQ(sh->lock[2].word, FUTEX_OWNER_DIED);
}

TEST(killed, "SIGKILL and exec are deaths too")
{
    pid_t pid;

    share();
    pid = t_fork();
    if (!pid) {
        hold(2, &sh->head.list);
        __atomic_store_n(&sh->ready, 1, __ATOMIC_SEQ_CST);
        for (;;)
            pause();
    }
    while (!__atomic_load_n(&sh->ready, __ATOMIC_SEQ_CST))
        sched_yield();
    OK(kill(pid, SIGKILL));
    CHECK(WIFSIGNALED(t_status_of(pid)));
    EQ(sh->lock[1].word, FUTEX_OWNER_DIED);
    CHILD({
        hold(2, &sh->head.list);
        execl(t_exe, t_exe, "--helper", (char *)NULL);
        _exit(9);
    });
    EQ(sh->lock[1].word, FUTEX_OWNER_DIED);
}

TEST(wakes, "one who waits is woken")
{
    pid_t owner, other;

    share();
    sh->lock[0].word = 1;
    owner = t_fork();
    if (!owner) {
        hold(1, &sh->head.list);
        sh->lock[0].word |= FUTEX_WAITERS;
        __atomic_store_n(&sh->ready, 1, __ATOMIC_SEQ_CST);
        for (;;)
            pause();
    }
    while (!__atomic_load_n(&sh->ready, __ATOMIC_SEQ_CST))
        sched_yield();
    other = t_fork();
    if (!other)
        _exit(futex(&sh->lock[0].word, FUTEX_WAIT, FUTEX_WAITERS | (unsigned)owner, NULL,
                    NULL, 0) != 0 &&
              errno != EAGAIN);
    t_nap(20000);
    OK(kill(owner, SIGKILL));
    t_status_of(owner);
    t_join(other);
}

TEST(pending, "the lock that is being taken or given up counts")
{
    share();
    CHILD({
        hold(1, &sh->head.list);
        sh->head.list_op_pending = &sh->lock[1].link;
        sh->lock[1].word = tid();
    });
    EQ(sh->lock[0].word, FUTEX_OWNER_DIED);
    EQ(sh->lock[1].word, FUTEX_OWNER_DIED);
}

/* What ends first: the word of the main thread, or its lock. The process ends by this only when
 * that can be seen before all is over. */
static void *watcher(void *word)
{
    unsigned seen;

    __atomic_store_n(&sh->ready, 1, __ATOMIC_RELEASE);
    while ((seen = __atomic_load_n((unsigned *)word, __ATOMIC_ACQUIRE)) ==
           (unsigned)getpid())
        syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
    syscall(SYS_exit_group, 1);
    return NULL;
}

TEST(group, "no thread of a process that ends sees the end of another")
{
    share();
    for (int i = 0; i < 200; i++) {
        sh->ready = 0;
        CHILD({
            unsigned *word = &sh->lock[0].word;
            pthread_t thread;
            if (i % 2) {
                hold(1, &sh->head.list);
            } else {
                *word = tid();
                syscall(SYS_set_tid_address, word);
            }
            EQ(pthread_create(&thread, NULL, watcher, word), 0);
            while (!__atomic_load_n(&sh->ready, __ATOMIC_ACQUIRE))
                sched_yield();
            syscall(SYS_exit_group, 0);
        });
    }
}

TEST(wrong, "circles and bad pointers end the walk, nothing else")
{
    share();
    CHILD({ hold(3, &sh->lock[0].link); });
    EQ(sh->lock[2].word, FUTEX_OWNER_DIED);
    CHILD({ hold(2, (void *)0x10); });
    EQ(sh->lock[1].word, FUTEX_OWNER_DIED);
    CHILD({ hold(1, (void *)0xffffffff80100000ul); });
    CHILD({
        hold(2, &sh->head.list);
        sh->head.futex_offset = 1; /* not aligned */
    });
    CHILD({
        hold(2, &sh->head.list);
        sh->head.futex_offset = (long)0x8000000000000000;
    });
    CHILD({
        hold(1, &sh->head.list);
        sh->head.list_op_pending = (void *)~1ul;
    });
    CHILD({ OK(syscall(SYS_set_robust_list, 8, sizeof(sh->head))); });
    ERR(syscall(SYS_set_robust_list, &sh->head, 8), EINVAL);
}

TEST(get, "get_robust_list: own, another's, nobody's")
{
    void *head;
    size_t len;

    share();
    OK(syscall(SYS_set_robust_list, &sh->head, sizeof(sh->head)));
    sh->head.list.next = &sh->head.list;
    OK(syscall(SYS_get_robust_list, 0, &head, &len));
    CHECK(head == &sh->head);
    EQ(len, sizeof(sh->head));
    CHILD({
        OK(syscall(SYS_get_robust_list, 0, &head, &len));
        CHECK(head != &sh->head); /* not inherited */
    });
    ERR(syscall(SYS_get_robust_list, 1 << 22, &head, &len), ESRCH);
}

/* ---- PI ---- */

TEST(pi, "lock, unlock, ownership")
{
    static unsigned w;
    unsigned me = tid();

    EQ(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(w, me);
    ERR(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    ERR(futex(&w, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    EQ(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(w, 0);
    ERR(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    EQ(futex(&w, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(futex(&w, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    w = 1 << 22; /* nobody */
    ERR(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
    w = FUTEX_OWNER_DIED;
    EQ(futex(&w, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(w, FUTEX_OWNER_DIED | me);
    ERR(futex((char *)&w + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
    ERR(futex((void *)64, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
    ERR(futex((void *)64, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
}

static unsigned w1, w2;
static volatile int step;

static void *take_both(void *arg)
{
    long r = futex(&w2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);

    step = 1;
    if (r == 0)
        r = futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    *(long *)arg = r;
    step = 2;
    futex(&w1, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static const struct timespec past = {1, 0};

TEST(pi_wait, "waiting, handing over, time-outs, circles")
{
    pthread_t t;
    long r = -2;

    EQ(futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(pthread_create(&t, NULL, take_both, &r), 0);
    while (step != 1 || !(__atomic_load_n(&w1, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
        sched_yield();
    t_nap(10000);
    ERR(futex(&w2, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    ERR(futex(&w2, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
    ERR(futex(&w1, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    EQ(futex(&w1, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(pthread_join(t, NULL), 0);
    EQ(r, 0);
    EQ(w1 & FUTEX_TID_MASK, 0);
}

static void *take_and_die(void *arg)
{
    (void)arg;
    futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    step = 1;
    while (!(__atomic_load_n(&w1, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
        sched_yield();
    t_nap(10000);
    syscall(SYS_exit, 0);
    return NULL;
}

TEST(pi_dies, "who waits for an owner that dies gets the lock and the mark")
{
    pthread_t t;

    EQ(pthread_create(&t, NULL, take_and_die, NULL), 0);
    while (step != 1)
        sched_yield();
    ERR(futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0), ETIMEDOUT);
    EQ(futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(w1 & FUTEX_TID_MASK, tid());
    CHECK(w1 & FUTEX_OWNER_DIED);
    EQ(futex(&w1, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
}

static unsigned cond, mutex_word;
static volatile int sleeping, done;

static void *cond_wait(void *arg)
{
    (void)arg;
    __atomic_add_fetch(&sleeping, 1, __ATOMIC_SEQ_CST);
    if (futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &mutex_word, 0) != 0)
        return (void *)(long)errno;
    if ((mutex_word & FUTEX_TID_MASK) != tid())
        return (void *)1;
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return (void *)(long)(futex(&mutex_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) !=
                          0);
}

TEST(pi_requeue, "waiters of a condition get the PI futex one after the other")
{
    pthread_t t[3];
    void *result;

    for (int i = 0; i < 3; i++)
        EQ(pthread_create(&t[i], NULL, cond_wait, NULL), 0);
    while (sleeping != 3)
        sched_yield();
    t_nap(30000);
    ERR(futex(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), EINVAL);
    ERR(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, (void *)9, &mutex_word, 0), EINVAL);
    ERR(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &mutex_word, 5), EAGAIN);
    ERR(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &w1, 0), EINVAL);
    EQ(futex(&mutex_word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)9, &mutex_word, 0), 3);
    EQ(done, 0);
    EQ(futex(&mutex_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++) {
        EQ(pthread_join(t[i], &result), 0);
        EQ((long)result, 0);
    }
    EQ(done, 3);
    ERR(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, &past, &mutex_word, 0), ETIMEDOUT);
    ERR(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 5, &past, &mutex_word, 0), EAGAIN);
    ERR(futex(&cond, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, NULL, &cond, 0), EINVAL);
}

/* Some first, then all that are left, which is also what a condition variable asks for. */
TEST(pi_requeue_all, "as many waiters as there can be are moved")
{
    pthread_t t[20];
    void *result;

    for (int i = 0; i < 20; i++)
        EQ(pthread_create(&t[i], NULL, cond_wait, NULL), 0);
    while (sleeping != 20)
        sched_yield();
    t_nap(30000);
    EQ(futex(&mutex_word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    EQ(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)4, &mutex_word, 0), 5);
    EQ(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)INT_MAX, &mutex_word, 0),
       15);
    EQ(futex(&cond, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)INT_MAX, &mutex_word, 0), 0);
    EQ(futex(&mutex_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 20; i++) {
        EQ(pthread_join(t[i], &result), 0);
        EQ((long)result, 0);
    }
    EQ(done, 20);
}

static void *try_once(void *arg)
{
    long r = futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, arg, NULL, 0);

    return (void *)(long)(r < 0 ? errno : 0);
}

TEST(pi_exec, "a thread that has come through exec owns PI futexes that others wait for")
{
    CHILD({
        execl(t_exe, t_exe, "--helper", "owner", (char *)NULL);
        _exit(9);
    });
}

/* After exec; owner: 0 when another thread waits for the futex that this one owns. */
static int helper(int argc, char **argv)
{
    void *result = NULL;
    pthread_t t;

    if (argc < 2 || strcmp(argv[1], "owner"))
        return 0;
    if (futex(&w1, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0 ||
        pthread_create(&t, NULL, try_once, (void *)&past) || pthread_join(t, &result))
        return 2;
    return (long)result != ETIMEDOUT;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
