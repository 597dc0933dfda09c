/* SPDX-License-Identifier: MIT
 *
 * Checked locks (lib/lock.h): each way of not holding a lock that a function needs is
 * reported, and scoped locks are given up on every way out.
 */
#include <pthread.h>

#include "lib/lock.h"
#include "mm/vm/backlink.h"
#include "tests/host/mmtest.h"

static spinlock_t spin;
static struct mutex mutex;

static void needs_spin(void)
{
    REQUIRES(&spin);
}

static void needs_mutex(void)
{
    REQUIRES(&mutex);
}

static void needs_mutex_alone(void)
{
    REQUIRES_EXCLUSIVE(&mutex);
}

static void needs_one_of_them(void)
{
    REQUIRES_EITHER(&spin, &mutex);
}

static void may_sleep(void)
{
    REQUIRES_NO_SPINLOCK();
}

/* Another thread takes one of them for good. */
static void *take_spin(void *arg)
{
    (void)arg;
    spin_lock(&spin);
    return NULL;
}

static void *take_mutex(void *arg)
{
    if (arg)
        mutex_lock(&mutex);
    else
        mutex_lock_shared(&mutex);
    return NULL;
}

static void in_thread(void *(*run)(void *), void *arg)
{
    pthread_t t;

    CHECK(pthread_create(&t, NULL, run, arg) == 0);
    pthread_join(t, NULL);
}

TEST(locks_that_are_held)
{
    mutex_init(&mutex);
    spin_lock(&spin);
    needs_spin();
    needs_one_of_them();
    spin_unlock(&spin);
    may_sleep();
    mutex_lock(&mutex);
    needs_mutex();
    needs_mutex_alone();
    needs_one_of_them();
    mutex_unlock(&mutex);
    mutex_lock_shared(&mutex);
    needs_mutex();
    mutex_unlock(&mutex);
}

TEST(locks_nobody_holds)
{
    mutex_init(&mutex);
    CHECK_PANIC(needs_spin());
    CHECK_PANIC(needs_mutex());
    CHECK_PANIC(needs_mutex_alone());
    CHECK_PANIC(needs_one_of_them());
    CHECK_PANIC(spin_unlock(&spin));
    CHECK_PANIC(mutex_unlock(&mutex));
}

TEST(locks_of_another_thread)
{
    mutex_init(&mutex);
    in_thread(take_spin, NULL);
    CHECK(spin_is_locked(&spin));
    CHECK_PANIC(needs_spin());
    CHECK_PANIC(spin_unlock(&spin));
    in_thread(take_mutex, &mutex);
    CHECK(mutex_is_held(&mutex));
    CHECK_PANIC(needs_mutex());
    CHECK_PANIC(needs_mutex_alone());
    CHECK_PANIC(needs_one_of_them());
    CHECK_PANIC(mutex_unlock(&mutex));
}

/* That others read as well is no right of ours. */
TEST(locks_another_thread_shares)
{
    mutex_init(&mutex);
    in_thread(take_mutex, NULL);
    CHECK_PANIC(needs_mutex());
    mutex_lock_shared(&mutex);
    needs_mutex();
    CHECK_PANIC(needs_mutex_alone());
}

TEST(locks_in_the_wrong_order)
{
    mutex_init(&mutex);
    test_no_balance();
    spin_lock(&spin);
    CHECK_PANIC(may_sleep());
    CHECK_PANIC(mutex_lock(&mutex));
    CHECK_PANIC(mutex_lock_shared(&mutex));
    CHECK_PANIC(spin_lock(&spin)); /* would wait for itself */
    spin_unlock(&spin);
    mutex_lock_shared(&mutex);
    CHECK_PANIC(mutex_lock(&mutex));
    CHECK_PANIC(mutex_lock_shared(&mutex)); /* behind a writer it would wait for itself */
}

static int leave(int way)
{
    SCOPED_LOCK(&mutex);
    SCOPED_LOCK(&spin);
    if (way == 0)
        return -1;
    needs_spin();
    needs_mutex_alone();
    for (int i = 0; i < 2; i++)
        if (way == 1)
            return i;
    return 2;
}

static void leave_shared(void)
{
    SCOPED_LOCK_SHARED(&mutex);
    needs_mutex();
    CHECK_EQ(mutex.state, MUTEX_READER);
}

TEST(locks_of_a_block)
{
    static const int result[] = {-1, 0, 2};

    mutex_init(&mutex);
    for (int way = 0; way < 3; way++) {
        CHECK_EQ(leave(way), result[way]);
        CHECK(!spin_is_locked(&spin) && !mutex_is_held(&mutex));
    }
    leave_shared();
    CHECK(!mutex_is_held(&mutex));
    {
        SCOPED_LOCK_IRQ(&spin);
        needs_spin();
    }
    CHECK(!spin_is_locked(&spin));
}

/* The memory system's own contracts, one of each lock. */
TEST(locks_of_the_memory_system)
{
    struct mm *mm = t_mm();
    struct vm_object *o = t_file(1);
    struct page *pg = object_find_page(o, 0);
    struct page *leaf;

    t_shared(mm, BASE, 1, o, 0);
    leaf = UNDER(&mm->lock, pt_leaf_make(mm, BASE));
    test_no_balance();
    CHECK_PANIC(vma_at(mm, BASE)); /* M */
    mutex_lock_shared(&mm->lock);
    CHECK(vma_at(mm, BASE));
    CHECK_PANIC(vma_remove(mm, vma_at(mm, BASE))); /* M, alone */
    spin_lock(&leaf->lock);
    CHECK_PANIC(CHECK_EQ(backlink_add(pg, pt_entries(leaf)), 0)); /* O */
    spin_unlock(&leaf->lock);
    spin_lock(&o->lock);
    CHECK_PANIC(CHECK_EQ(backlink_add(pg, pt_entries(leaf)), 0)); /* T */
    spin_unlock(&o->lock);
}
