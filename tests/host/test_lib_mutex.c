/* SPDX-License-Identifier: MIT
 *
 * The sleeping lock and the wait queue, with real threads of the host, and waiters put into
 * the queue by hand where the order matters.
 */
#include "tests/host/harness.h"
#include <pthread.h>
#include <unistd.h>

#include "lib/mutex.h"
#include "lib/uapi/errno.h"
#include "lib/waitq.h"
#include "tests/host/port.h"

void host_interrupt(bool on);

static struct mutex m;
static struct waitq q;
static bool happened;
static u64 shared_count, inside_readers, inside_writers;

static void *second_reader(void *arg)
{
    (void)arg;
    mutex_lock_shared(&m);
    CHECK_EQ(m.state, 2 * MUTEX_READER);
    mutex_unlock(&m);
    return NULL;
}

TEST(mutex_free_and_shared)
{
    pthread_t t;

    mutex_init(&m);
    CHECK(!mutex_is_held(&m));
    mutex_lock(&m);
    CHECK_EQ(m.state, MUTEX_ALONE);
    mutex_unlock(&m);
    mutex_lock_shared(&m);
    CHECK(pthread_create(&t, NULL, second_reader, NULL) == 0);
    pthread_join(t, NULL);
    CHECK(mutex_is_held(&m));
    mutex_unlock(&m);
    CHECK(!mutex_is_held(&m));
}

/* Gives m up as the thread that it was granted to. */
static void unlock_as(enum mutex_mode mode)
{
    mutex_note_taken(&m, mode);
    mutex_unlock(&m);
}

/* A reader holds the lock, a writer waits, a second reader waits behind it: the writer comes
 * first, then the reader. */
TEST(mutex_writers_hold_back_readers)
{
    struct mutex_waiter writer = {.thread = thread_self(), .mode = MUTEX_EXCLUSIVE};
    struct mutex_waiter reader = {.thread = thread_self()};
    struct mutex_waiter reader2 = {.thread = thread_self()};

    mutex_init(&m);
    mutex_lock_shared(&m);
    list_add_tail(&m.queue, &writer.link);
    list_add_tail(&m.queue, &reader.link);
    list_add_tail(&m.queue, &reader2.link);
    m.state |= MUTEX_QUEUED;
    mutex_unlock(&m);
    CHECK(writer.granted && !reader.granted && !reader2.granted &&
          m.state == (MUTEX_ALONE | MUTEX_QUEUED));
    unlock_as(MUTEX_EXCLUSIVE);
    CHECK(reader.granted && reader2.granted);
    CHECK_EQ(m.state, 2 * MUTEX_READER);
    unlock_as(MUTEX_SHARED);
    unlock_as(MUTEX_SHARED);
    CHECK(!mutex_is_held(&m) && list_empty(&m.queue));
}

static void *fight(void *arg)
{
    u64 n = (uintptr_t)arg;

    for (int i = 0; i < 3000; i++) {
        if ((n + (u64)i) % 3) {
            mutex_lock_shared(&m);
            __atomic_add_fetch(&inside_readers, 1, __ATOMIC_SEQ_CST);
            CHECK_EQ(__atomic_load_n(&inside_writers, __ATOMIC_SEQ_CST), 0);
            __atomic_sub_fetch(&inside_readers, 1, __ATOMIC_SEQ_CST);
        } else {
            mutex_lock(&m);
            CHECK_EQ(__atomic_add_fetch(&inside_writers, 1, __ATOMIC_SEQ_CST), 1);
            CHECK_EQ(__atomic_load_n(&inside_readers, __ATOMIC_SEQ_CST), 0);
            shared_count++;
            __atomic_sub_fetch(&inside_writers, 1, __ATOMIC_SEQ_CST);
        }
        mutex_unlock(&m);
    }
    return NULL;
}

TEST(mutex_between_threads)
{
    pthread_t t[4];

    mutex_init(&m);
    for (uintptr_t i = 0; i < ARRAY_SIZE(t); i++)
        CHECK(pthread_create(&t[i], NULL, fight, (void *)i) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(t); i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(shared_count, 4 * 1000);
    CHECK(!mutex_is_held(&m) && list_empty(&m.queue));
}

/* Who is interrupted while it waits leaves the queue, and lets go on who waited behind it. */
TEST(mutex_interrupted)
{
    struct mutex_waiter reader = {.thread = thread_self()};

    mutex_init(&m);
    mutex_lock_shared(&m);
    list_add_tail(&m.queue, &reader.link);
    m.state |= MUTEX_QUEUED;
    host_interrupt(true);
    mutex_note_given_up(&m); /* as another thread */
    CHECK(!mutex_lock_interruptible(&m));
    host_interrupt(false);
    CHECK(reader.granted && m.state == 2 * MUTEX_READER && list_empty(&m.queue));
    mutex_note_taken(&m, MUTEX_SHARED);
    mutex_unlock(&m);
    mutex_note_taken(&m, MUTEX_SHARED);
    mutex_unlock(&m);
    CHECK(mutex_lock_interruptible(&m));
    mutex_unlock(&m);
}

TEST(mutex_unlock_of_a_free_one_panics)
{
    mutex_init(&m);
    test_no_balance();
    CHECK_PANIC(mutex_unlock(&m));
}

static void *make_it_happen(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) { /* twice for nothing */
        usleep(2000);
        __atomic_store_n(&happened, i == 2, __ATOMIC_SEQ_CST);
        waitq_wake_all(&q);
    }
    return NULL;
}

TEST(waitq_waits_for_the_condition)
{
    pthread_t t;

    waitq_init(&q);
    CHECK_EQ(waitq_wait(&q, true), 0);
    CHECK(pthread_create(&t, NULL, make_it_happen, NULL) == 0);
    CHECK_EQ(waitq_wait(&q, __atomic_load_n(&happened, __ATOMIC_SEQ_CST)), 0);
    pthread_join(t, NULL);
    CHECK(happened && list_empty(&q.waiters));
}

TEST(waitq_signal_and_deadline)
{
    waitq_init(&q);
    host_interrupt(true);
    CHECK_EQ(waitq_wait(&q, happened), -ERESTARTSYS);
    host_interrupt(false);
    CHECK_EQ(waitq_wait_until(&q, happened, 5), -ETIMEDOUT);
    CHECK(list_empty(&q.waiters));
}

TEST(spinlock_basics)
{
    spinlock_t l = SPINLOCK_INIT;

    CHECK(spin_trylock(&l) && !spin_trylock(&l) && spin_is_locked(&l));
    spin_unlock(&l);
    CHECK(!spin_is_locked(&l));
}
