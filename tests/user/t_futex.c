/* SPDX-License-Identifier: MIT
 *
 * futex(2): words of every kind of memory, the order of checks, FUTEX_WAKE_OP, requeueing.
 */
#include "tests/user/t_futex.h"
#include <pthread.h>
#include <sched.h>

static const struct timespec now; /* a relative time-out, and a moment long ago */

static void *page(int prot, int flags)
{
    void *p = mmap(NULL, P, prot, flags | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

TEST(shared_bad, "a word that is not private must be there and writable, or a file's")
{
    unsigned *gone = page(PROT_READ, MAP_PRIVATE), *ro = page(PROT_READ, MAP_PRIVATE);
    unsigned *none = page(PROT_NONE, MAP_PRIVATE), *shared = page(PROT_READ, MAP_SHARED);
    unsigned *rw = page(PROT_READ | PROT_WRITE, MAP_PRIVATE);

    OK(munmap(gone, P));
    ERR(futex(gone, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    EQ(futex(gone, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    ERR(futex(gone, FUTEX_WAIT, 0, &now, NULL, 0), EFAULT);
    ERR(futex(gone, FUTEX_WAIT_PRIVATE, 0, &now, NULL, 0), EFAULT);
    ERR(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    ERR(futex(ro, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    ERR(futex(ro, FUTEX_WAIT, 0, &now, NULL, 0), EFAULT);
    ERR(futex(ro, FUTEX_WAIT_PRIVATE, 0, &now, NULL, 0), ETIMEDOUT);
    EQ(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    ERR(futex(shared, FUTEX_WAIT, 0, &now, NULL, 0), ETIMEDOUT);
    EQ(futex(rw, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    *rw = 0;
    OK(mprotect(rw, P, PROT_READ)); /* now an anonymous page that cannot be written */
    ERR(futex(rw, FUTEX_WAIT, 0, &now, NULL, 0), EFAULT);
    ERR(futex(rw, FUTEX_CMP_REQUEUE, 1, (void *)1, gone, 0), EFAULT);
}

TEST(shared_file, "private mappings of a file: its page while it is not written")
{
    int fd = F(2);
    unsigned *ro = mmap(NULL, P, PROT_READ, MAP_PRIVATE, fd, 0);
    unsigned *rw = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned *far = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    EQ(futex(ro, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    EQ(futex(rw, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    ERR(futex((char *)far + 3 * P, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    OK(mprotect(rw, P, PROT_READ));
    ERR(futex(rw, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT); /* the call above made a copy */
}

TEST(order, "arguments in Linux's order")
{
    static unsigned word;
    struct timespec bad = {.tv_nsec = 1000000000};
    char *odd = (char *)&word + 1;

    ERR(futex(odd, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
    ERR(futex(odd, FUTEX_WAIT, 0, (void *)8, NULL, 0), EFAULT);
    ERR(futex(odd, FUTEX_WAIT, 0, &now, NULL, 0), EINVAL);
    ERR(futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &now, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
    ERR(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, &now, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &now, NULL, 1),
        ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &now, NULL, 1), ETIMEDOUT);
    ERR(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
    ERR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 7), EAGAIN);
    ERR(futex(&word, FUTEX_CMP_REQUEUE, (unsigned)-1, (void *)1, &word, 0), EINVAL);
    ERR(futex((void *)0xffff800000000000ul, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
}

/* ---- waiters ---- */

static unsigned words[2];
static volatile int waiting, back;

static void *waiter(void *arg)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    futex(arg, FUTEX_WAIT_PRIVATE, *(unsigned *)arg, NULL, NULL, 0);
    __atomic_add_fetch(&back, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void start_waiters(int n, unsigned *word)
{
    pthread_t t;
    int before = waiting;

    for (int i = 0; i < n; i++)
        EQ(pthread_create(&t, NULL, waiter, word), 0);
    while (waiting != before + n)
        sched_yield();
    t_nap(30000);
}

static void until_back(int n)
{
    while (back != n)
        sched_yield();
}

TEST(wake_op, "FUTEX_WAKE_OP changes the second word and wakes by what it was")
{
    static unsigned w[2] = {0, 5};

    EQ(futex(&w[0], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &w[1],
             FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 9)),
       0);
    EQ(w[1], 8);
    EQ(futex(&w[0], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &w[1],
             FUTEX_OP(FUTEX_OP_SET, 0xfff, FUTEX_OP_CMP_EQ, 9)),
       0);
    EQ(w[1], 0xffffffff); /* operands are signed */
    EQ(futex(&w[0], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &w[1],
             FUTEX_OP(FUTEX_OP_OPARG_SHIFT | FUTEX_OP_ANDN, 31, FUTEX_OP_CMP_EQ, 9)),
       0);
    EQ(w[1], 0x7fffffff);
    ERR(futex(&w[0], FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &w[1],
              FUTEX_OP(5, 0, FUTEX_OP_CMP_EQ, 9)),
        ENOSYS);
    start_waiters(2, &words[0]);
    start_waiters(2, &words[1]);
    words[1] = 1;
    EQ(futex(&words[0], FUTEX_WAKE_OP_PRIVATE, 2, (void *)2, &words[1],
             FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_GT, 1)),
       2);
    EQ(words[1], 2);
    EQ(futex(&words[0], FUTEX_WAKE_OP_PRIVATE, 2, (void *)2, &words[1],
             FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_GT, 1)),
       2);
    until_back(4);
}

TEST(requeue, "requeued waiters are woken at the other word")
{
    start_waiters(3, &words[0]);
    ERR(futex(&words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &words[1], 7), EAGAIN);
    EQ(futex(&words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &words[1], 0), 2);
    EQ(futex(&words[1], FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
    EQ(futex(&words[0], FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0), 1); /* as Linux does */
    until_back(3);
}

TEST(kinds, "calls that say private and calls that do not are two futexes")
{
    start_waiters(1, &words[0]);
    EQ(futex(&words[0], FUTEX_WAKE, 9, NULL, NULL, 0), 0);
    EQ(futex(&words[0], FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
    until_back(1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
