/* SPDX-License-Identifier: MIT
 *
 * The load average: that it is one.
 */
#include "tests/user/t.h"
#include <sys/sysinfo.h>

static long one_minute(void)
{
    struct t_reader r;
    unsigned whole, part;

    CHECK(t_open(&r, "/proc/loadavg"));
    EQ(sscanf(t_line(&r), "%u.%2u", &whole, &part), 2);
    while (t_line(&r))
        ;
    return (long)whole * 100 + part;
}

/*
 * What is left of a load of `before` after `samples` of `ready` threads, five seconds
 * apart: the average of one minute forgets at exp(-5/60) a sample.
 */
static long forgotten(long before, int samples, int ready)
{
    for (int i = 0; i < samples; i++)
        before = (before * 920 + ready * 100l * 80) / 1000;
    return before;
}

static bool between(long load, long a, long b)
{
    return load >= (a < b ? a : b) - 10 && load <= (a < b ? b : a) + 10;
}

TEST(rises, "three busy processes draw the load slowly towards three, not at once")
{
    pid_t pid[3];
    long before = one_minute(); /* what ran before may have left it high */
    struct sysinfo info;

    if (!t_tessera)
        SKIP("the host has a load of its own");
    for (int i = 0; i < 3; i++) {
        pid[i] = t_fork();
        if (pid[i] == 0)
            for (;;)
                ;
    }
    CHECK(between(one_minute(), before, forgotten(before, 1, 4)));
    for (uint64_t end = t_ns() + 11000000000ull; t_ns() < end;)
        t_nap(200000);
    long after = one_minute();
    /* Two or three samples by now, of the three and of this thread between two naps. */
    CHECK(between(after, forgotten(before, 2, before < 300 ? 3 : 4),
                  forgotten(before, 3, before < 300 ? 4 : 3)));
    OK(sysinfo(&info));
    CHECK(labs((long)(info.loads[0] * 100 >> 16) - one_minute()) <= 60);
    for (int i = 0; i < 3; i++) {
        OK(kill(pid[i], SIGKILL));
        t_status_of(pid[i]);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
