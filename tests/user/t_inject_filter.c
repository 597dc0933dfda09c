/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls that set filters of calls and of messages fails once: nothing is
 * filtered then. Cases: I8xx.
 */
#include "tests/user/t_inject.h"
#include "tests/user/t_seccomp.h"
#include <sys/socket.h>

static struct bpf_insn insns[300];
static struct program program = {300, insns};
static int pair[2];

static void filter_there(void)
{
    for (int i = 0; i < 300; i++)
        insns[i] = RET(SECCOMP_RET_ALLOW);
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
}

static long of_calls(void)
{
    long r = seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    int error = errno;

    EQ(prctl(PR_GET_SECCOMP), r == 0 ? 2 : 0);
    errno = error;
    return r;
}

static long of_messages(void)
{
    return setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static void filtered_there(void)
{
    filter_there();
    OK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &program));
}

static long fork_filtered(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);

    if (!pid)
        syscall(SYS_exit_group, 0);
    if (pid < 0)
        return -1;
    while (waitpid(pid, NULL, 0) < 0)
        ;
    return 0;
}

TEST(I801, "a filter of calls for all threads")
{
    SWEEP(.setup = filter_there, .call = of_calls, .errors = {ENOMEM});
}

TEST(I802, "a filter of messages, instead of another")
{
    SWEEP(.setup = filter_there, .call = of_messages, .errors = {ENOMEM});
}

TEST(I803, "a child of a process with filters")
{
    SWEEP(.setup = filtered_there, .call = fork_filtered, .errors = {ENOMEM, EAGAIN});
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
