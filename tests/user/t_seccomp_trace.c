/* SPDX-License-Identifier: MIT
 *
 * Filters of calls and tracers: SECCOMP_RET_TRACE, who is asked first, what a tracer makes of the
 * call, filters read and suspended.
 */
#include "tests/user/t_ptrace.h"
#include "tests/user/t_seccomp.h"
#include <grp.h>
#include <sys/user.h>

#define EVENT_SECCOMP 7
#define GET_FILTER    0x420c
#define GET_METADATA  0x420d
#define GET_CALL      0x420e
#define TRACESYSGOOD  1
#define TRACEEXIT     0x40
#define TRACESECCOMP  0x80
#define SUSPEND       (1 << 21)

#define AT_FILTER (SIGTRAP | EVENT_SECCOMP << 8)
#define AT_CALL   (SIGTRAP | 0x80)

static long asked; /* what the tracee's getppid gave: its exit status */

static void asks(void)
{
    pid_t parent = getppid();

    OK(refuse(SYS_getppid, SECCOMP_RET_TRACE | 0x1234));
    asked = syscall(SYS_getppid, 11, 12, 13, 14, 15, 16);
    _exit(asked == parent ? 100 : asked == -1 ? errno : (int)asked);
}

static void set_call(pid_t pid, long nr, long result)
{
    struct user_regs_struct r;

    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    r.orig_rax = (unsigned long)nr;
    r.rax = (unsigned long)result;
    OK(trace(PTRACE_SETREGS, pid, 0, &r));
}

TEST(trace_event, "the tracer is asked, with the filter's data, before the call")
{
    struct {
        unsigned char op, pad[3];
        unsigned arch;
        unsigned long ip, sp, nr, args[6];
        unsigned data, pad2;
    } call;
    struct user_regs_struct r;
    unsigned long message;
    pid_t pid = traced(asks, TRACESECCOMP);

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), AT_FILTER);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, &message));
    EQ(message, 0x1234);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.orig_rax, SYS_getppid);
    EQ(r.rax, -ENOSYS);
    memset(&call, 0xff, sizeof(call));
    EQ(trace(GET_CALL, pid, sizeof(call), &call), 84);
    EQ(call.op, 3);
    EQ(call.arch, 0xc000003e);
    EQ(call.nr, SYS_getppid);
    EQ(call.args[5], 16);
    EQ(call.data, 0x1234);
    EQ(call.pad2, -1u);
    EQ(call.ip, r.rip);
    EQ(call.sp, r.rsp);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 100 << 8);
}

static int with_call(long nr, long result)
{
    pid_t pid = traced(asks, TRACESECCOMP);

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), AT_FILTER);
    set_call(pid, nr, result);
    go(pid, PTRACE_CONT, 0);
    return end_of(pid);
}

TEST(trace_changes, "it may make another call of it, or none with a result of its own")
{
    EQ(with_call(-1, 55), 55 << 8);
    EQ(with_call(-1, -EPERM), EPERM << 8);
    EQ(with_call(SYS_close, -ENOSYS), EBADF << 8);
}

static void asks_twice(void)
{
    OK(refuse(SYS_getpgid, SECCOMP_RET_ERRNO | 66));
    OK(refuse(SYS_getuid, SECCOMP_RET_TRACE));
    asks();
}

TEST(trace_again, "the call it makes is looked at again, but no tracer is asked twice")
{
    pid_t pid = traced(asks_twice, TRACESECCOMP);

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), AT_FILTER);
    set_call(pid, SYS_getpgid, -ENOSYS);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 66 << 8);
    pid = traced(asks_twice, TRACESECCOMP);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), AT_FILTER);
    set_call(pid, SYS_getuid, -ENOSYS);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 0);
}

TEST(trace_order, "the stop at the call's begin comes before the filter's, its end after")
{
    pid_t pid = traced(asks, TRACESECCOMP | TRACESYSGOOD);
    struct user_regs_struct r;

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), AT_FILTER);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), AT_CALL); /* getppid's end */
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.orig_rax, SYS_getppid);
    EQ(r.rax, getpid());
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), AT_CALL); /* begin of the next one, which becomes getppid */
    set_call(pid, SYS_getppid, -ENOSYS);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), AT_FILTER);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), AT_CALL);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.rax, getpid());
    go(pid, PTRACE_KILL, 0);
    EQ(end_of(pid), SIGKILL);
}

static void refused(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 9));
    raise(SIGSTOP);
    syscall(SYS_getppid);
    _exit(errno);
}

TEST(trace_skipped,
     "a call that does not begin ends for its tracer too; -1 of a tracer is looked at")
{
    pid_t pid = traced(refused, TRACESYSGOOD);
    struct user_regs_struct r;

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSTOP);
    do {
        go(pid, PTRACE_SYSCALL, 0);
        EQ(stop_of(pid), AT_CALL);
        OK(trace(PTRACE_GETREGS, pid, 0, &r));
    } while (r.orig_rax != SYS_getppid);
    EQ(r.rax, -ENOSYS);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), AT_CALL);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.rax, -9);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 9 << 8);
}

static void killed(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    syscall(SYS_getppid);
    _exit(1);
}

TEST(trace_kill, "no signal is shown of a filter that kills; its end is")
{
    pid_t pid = traced(killed, TRACEEXIT);
    unsigned long message;

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGTRAP | 6 << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, &message));
    EQ(message & 0x7f, SIGSYS);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid) & 0x7f, SIGSYS);
}

static void trapped(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_TRAP | 3));
    syscall(SYS_getppid);
    _exit(1);
}

TEST(trace_trap, "one that traps is shown, with all of its record")
{
    pid_t pid = traced(trapped, 0);
    siginfo_t info;

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSYS);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, &info));
    EQ(info.si_code, 1);
    EQ(info.si_errno, 3);
    EQ(((int *)&info)[6], SYS_getppid);
    EQ(((unsigned *)&info)[7], 0xc000003e);
    OK(trace(PTRACE_SETSIGINFO, pid, 0, &info));
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 1 << 8);
}

static void two(void)
{
    struct bpf_insn of[] = {RET(SECCOMP_RET_ALLOW)};
    struct program p = {1, of};

    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 1));
    OK(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &p));
    raise(SIGSTOP);
}

TEST(trace_read, "filters of a tracee are told as they were given, the oldest first")
{
    pid_t pid = traced(two, 0);
    struct bpf_insn got[8];
    unsigned long meta[2] = {1, 9};

    ERR(trace(GET_FILTER, pid, 0, got), EINVAL);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSTOP);
    EQ(trace(GET_FILTER, pid, 0, NULL), 4);
    EQ(trace(GET_FILTER, pid, 0, got), 4);
    EQ(got[1].k, SYS_getppid);
    EQ(got[2].k, SECCOMP_RET_ERRNO | 1);
    EQ(trace(GET_FILTER, pid, 1, got), 1);
    ERR(trace(GET_FILTER, pid, 2, got), ENOENT);
    ERR(trace(GET_FILTER, pid, 0, (void *)16), EFAULT);
    EQ(trace(GET_METADATA, pid, sizeof(meta), meta), 16);
    EQ(meta[1], SECCOMP_FILTER_FLAG_LOG);
    ERR(trace(GET_METADATA, pid, 7, meta), EINVAL);
    meta[0] = 2;
    ERR(trace(GET_METADATA, pid, sizeof(meta), meta), ENOENT);
    OK(refuse(SYS_getsid, SECCOMP_RET_ALLOW));
    ERR(trace(GET_FILTER, pid, 0, got), EACCES);
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid), 7 << 8);
}

static void calls_again(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    raise(SIGSTOP);
    syscall(SYS_getppid);
    raise(SIGSTOP);
    syscall(SYS_getppid);
}

TEST(trace_suspend, "a privileged tracer suspends them")
{
    pid_t pid = traced(calls_again, 0);

    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_SETOPTIONS, pid, 0, (void *)SUSPEND));
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSTOP);
    OK(setgroups(0, NULL));
    OK(setresuid(1000, 1000, 0));
    ERR(trace(PTRACE_SETOPTIONS, pid, 0, (void *)SUSPEND), EPERM);
    OK(trace(PTRACE_SETOPTIONS, pid, 0, 0));
    go(pid, PTRACE_CONT, 0);
    EQ(end_of(pid) & 0x7f, SIGSYS);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
