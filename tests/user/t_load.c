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

TEST(rises, "three busy processes raise the load slowly, not at once")
{
    pid_t pid[3];
    long before = one_minute();
    struct sysinfo info;

    if (!t_tessera)
        SKIP("the host has a load of its own");
    for (int i = 0; i < 3; i++) {
        pid[i] = t_fork();
        if (pid[i] == 0)
            for (;;)
                ;
    }
    CHECK(one_minute() < before + 100);
    for (uint64_t end = t_ns() + 11000000000ull; t_ns() < end;)
        t_nap(200000);
    long after = one_minute();
    CHECK(after >= before + 10 && after < 300);
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
