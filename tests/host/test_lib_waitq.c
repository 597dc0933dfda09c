/* SPDX-License-Identifier: MIT
 *
 * Long wait queues: who wakes does a part, the rest is done later, a few at a time, while
 * entries leave, others wake, and queues go.
 */
#include "tests/host/harness.h"

#include "lib/waitq.h"

enum { N = 1000 };

static struct waitq q, other;
static struct waitq_entry entries[N];
static u32 woken[N], due;

static bool note(struct waitq_entry *e)
{
    woken[e - entries]++;
    return e->exclusive;
}

static void rest_is_due(void)
{
    due++;
}

static void fill(u32 exclusive_from)
{
    waitq_init(&q);
    memset(woken, 0, sizeof(woken));
    due = 0;
    for (u32 i = 0; i < N; i++) {
        entries[i] = (struct waitq_entry){.wake = note, .exclusive = i >= exclusive_from};
        waitq_watch(&q, &entries[i]);
    }
}

static u32 sum(void)
{
    u32 n = 0;

    for (u32 i = 0; i < N; i++)
        n += woken[i];
    return n;
}

static u32 wake_rest(void)
{
    u32 steps = 0;

    while (waitq_wake_rest())
        steps++;
    return steps;
}

TEST(waitq_long_is_woken_in_steps)
{
    u32 at_once;

    fill(N);
    waitq_rest_due = rest_is_due;
    waitq_wake_all(&q);
    at_once = sum();
    CHECK(at_once > 0 && at_once < N / 2 && due == 1);
    /* The next one, one that was woken, and the last leave. */
    waitq_remove(&q, &entries[at_once]);
    waitq_remove(&q, &entries[0]);
    waitq_remove(&q, &entries[N - 1]);
    CHECK(wake_rest() > 2);
    CHECK_EQ(sum(), N - 2);
    CHECK(!woken[at_once] && !woken[N - 1] && !q.next && !q.queued);
    /* Woken again before the rest was: everybody hears of the second, too. */
    waitq_wake_all(&q);
    waitq_wake_all(&q);
    wake_rest();
    for (u32 i = 1; i < N - 1; i++)
        CHECK(i == at_once || woken[i] == 3);
    waitq_rest_due = NULL;
}

TEST(waitq_exclusive_one_of_a_long_queue)
{
    fill(500);
    waitq_rest_due = rest_is_due;
    waitq_wake_all(&q);
    wake_rest();
    CHECK_EQ(sum(), 501);
    CHECK_EQ(woken[500], 1);
    waitq_rest_due = NULL;
}

TEST(waitq_goes_with_its_rest)
{
    fill(N);
    waitq_rest_due = rest_is_due;
    waitq_wake_all(&q);
    CHECK(q.queued);
    for (u32 i = 0; i < N; i++)
        waitq_remove(&q, &entries[i]);
    waitq_fini(&q);
    CHECK(!waitq_wake_rest());
    waitq_init(&other);
    waitq_fini(&other);
    /* Without a thread for the rest all are woken at once. */
    waitq_rest_due = NULL;
    fill(N);
    waitq_wake_all(&q);
    CHECK_EQ(sum(), N);
    CHECK(!waitq_wake_rest());
}

static struct waitq_entry inner[N];
static u32 woken_inside;

static bool note_inside(struct waitq_entry *e)
{
    (void)e;
    woken_inside++;
    return false;
}

static bool wake_other(struct waitq_entry *e)
{
    (void)e;
    waitq_wake_all(&other);
    return false;
}

/* Who is woken late wakes a long queue in turn, as a nested epoll does. */
TEST(waitq_rest_that_wakes_a_long_queue)
{
    fill(N);
    waitq_init(&other);
    woken_inside = 0;
    for (u32 i = 0; i < N; i++) {
        inner[i] = (struct waitq_entry){.wake = note_inside};
        waitq_watch(&other, &inner[i]);
    }
    entries[N - 1].wake = wake_other;
    waitq_rest_due = rest_is_due;
    waitq_wake_all(&q);
    CHECK_EQ(woken_inside, 0);
    wake_rest();
    CHECK_EQ(sum(), N - 1);
    CHECK_EQ(woken_inside, N);
    CHECK(!q.queued && !other.queued && !q.next && !other.next);
    waitq_rest_due = NULL;
}
