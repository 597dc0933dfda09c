/* SPDX-License-Identifier: MIT
 *
 * Pauses of long loops: when they are due, what they do to a spinlock, what a kill says, and
 * that a pause with a spinlock held is found.
 */
#include "lib/pause.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

static spinlock_t lock;
static unsigned hook_calls;

static void others_run(void)
{
    hook_calls++;
    CHECK(!spin_is_locked(&lock));
}

TEST(pause_only_when_due)
{
    pause_cycles = ~0ull;
    host_pause_hook = others_run;
    CHECK(!pause_due());
    CHECK(!pause_point());
    spin_lock(&lock);
    CHECK(!pause_unlocked(&lock));
    spin_unlock(&lock);
    CHECK_EQ(hook_calls, 0);
    pause_cycles = 0;
    CHECK(pause_due());
    pause_point();
    pause_anyway();
    CHECK_EQ(hook_calls, 2);
    spin_lock(&lock);
    CHECK(pause_unlocked(&lock));
    CHECK(spin_is_locked(&lock));
    spin_unlock(&lock);
    CHECK_EQ(hook_calls, 3);
    CHECK_EQ(host_pauses, 3);
}

TEST(pause_sees_the_kill)
{
    CHECK(!pause_point());
    host_killed = true;
    CHECK(pause_killed() && pause_point());
}

TEST(pause_under_a_spinlock_panics)
{
    pause_cycles = ~0ull;
    spin_lock(&lock);
    CHECK_PANIC(pause_point());
    CHECK_PANIC(pause_anyway());
    spin_unlock(&lock);
    CHECK(!pause_point());
}
