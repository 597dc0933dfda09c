/* SPDX-License-Identifier: MIT
 *
 * ptrace: what a stop tells of a call, records of signals that a tracer writes, register sets
 * in part, sequences that restart.
 */
#include "tests/user/t_ptrace.h"
#include <elf.h>
#include <sys/uio.h>
#include <sys/user.h>

#define CALL_INFO 0x420e
#define BAD       0xffff800000000000ul

/* ---- what a stop tells of a call ---- */

struct call_info {
    uint8_t op, pad[3];
    uint32_t arch;
    uint64_t ip, sp;
    union {
        uint64_t entry[7];
        struct {
            int64_t result;
            uint8_t failed;
        };
    };
};

static void calls(void)
{
    syscall(SYS_close, -1, 12, 13, 14, 15, 16);
    syscall(SYS_getppid);
}

TEST(call_info, "PTRACE_GET_SYSCALL_INFO at each kind of stop, whole and cut")
{
    struct user_regs_struct r;
    struct call_info c;
    pid_t pid = traced(calls, PTRACE_O_TRACESYSGOOD);

    memset(&c, 0x5a, sizeof(c));
    EQ(trace(CALL_INFO, pid, sizeof(c), &c), 24);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(c.op, 0);
    EQ(c.arch, 0xc000003e);
    EQ(c.ip, r.rip);
    EQ(c.sp, r.rsp);
    EQ(c.entry[0], 0x5a5a5a5a5a5a5a5aul);
    EQ(trace(CALL_INFO, pid, 0, NULL), 24);
    EQ(trace(CALL_INFO, pid, 0, (void *)-1ul), 24);
    ERR(trace(CALL_INFO, pid, 1, NULL), EFAULT);
    ERR(trace(CALL_INFO, pid, 8, (void *)BAD), EFAULT);
    do {
        go(pid, PTRACE_SYSCALL, 0);
        EQ(stop_of(pid), SIGTRAP | 0x80);
        OK(trace(PTRACE_GETREGS, pid, 0, &r));
    } while (r.orig_rax != SYS_close);
    memset(&c, 0x5a, sizeof(c));
    EQ(trace(CALL_INFO, pid, 40, &c), 80);
    EQ(c.op, 1);
    EQ(c.entry[0], SYS_close);
    EQ((int)c.entry[1], -1);
    EQ(c.entry[2], 0x5a5a5a5a5a5a5a5aul);
    EQ(trace(CALL_INFO, pid, sizeof(c), &c), 80);
    for (int i = 1; i < 6; i++)
        EQ(c.entry[i + 1], 11 + i);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), SIGTRAP | 0x80);
    memset(&c, 0x5a, sizeof(c));
    EQ(trace(CALL_INFO, pid, 4096, &c), 33);
    EQ(c.op, 2);
    EQ(c.result, -EBADF);
    EQ(c.failed, 1);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), SIGTRAP | 0x80);
    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), SIGTRAP | 0x80);
    EQ(trace(CALL_INFO, pid, sizeof(c), &c), 33);
    EQ(c.result, getpid());
    EQ(c.failed, 0);
    go(pid, PTRACE_KILL, 0);
    end_of(pid);
}

TEST(call_info_plain, "PTRACE_GET_SYSCALL_INFO knows a call's stop by TRACESYSGOOD")
{
    struct call_info c;
    pid_t pid = traced(calls, 0);

    go(pid, PTRACE_SYSCALL, 0);
    EQ(stop_of(pid), SIGTRAP);
    EQ(trace(CALL_INFO, pid, sizeof(c), &c), 24);
    EQ(c.op, 0);
    go(pid, PTRACE_KILL, 0);
    end_of(pid);
}

/* ---- records of signals ---- */

TEST(set_info, "PTRACE_SETSIGINFO: the handler sees what the tracer wrote")
{
    siginfo_t info, seen;
    pid_t pid;

    OK(pipe(out));
    pid = traced(catches, 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, &info));
    info.si_code = SI_QUEUE;
    info.si_pid = 4711;
    info.si_value.sival_ptr = (void *)0x123456789abcul;
    ERR(trace(PTRACE_SETSIGINFO, pid, 0, (void *)BAD), EFAULT);
    ERR(trace(PTRACE_SETSIGINFO, pid, 0, NULL), EFAULT);
    OK(trace(PTRACE_SETSIGINFO, pid, 0, &info));
    go(pid, PTRACE_CONT, SIGUSR1);
    EQ(stop_of(pid), SIGUSR1);
    EQ(read(out[0], &seen, sizeof(seen)), sizeof(seen));
    EQ(seen.si_code, SI_QUEUE);
    EQ(seen.si_pid, 4711);
    EQ((long)seen.si_value.sival_ptr, 0x123456789abcl);
    OK(trace(PTRACE_SETSIGINFO, pid, 0, &info));
    go(pid, PTRACE_CONT,
       SIGUSR2); /* another than the record's: the record is made anew */
    EQ(stop_of(pid), SIGUSR1);
    EQ(read(out[0], &seen, sizeof(seen)), sizeof(seen));
    EQ(seen.si_signo, SIGUSR2);
    EQ(seen.si_code, SI_USER);
    EQ(seen.si_pid, getpid());
    info.si_signo = SIGUSR2; /* and so is one that names another */
    OK(trace(PTRACE_SETSIGINFO, pid, 0, &info));
    go(pid, PTRACE_CONT, SIGUSR1);
    EQ(WEXITSTATUS(end_of(pid)), 7);
    EQ(read(out[0], &seen, sizeof(seen)), sizeof(seen));
    EQ(seen.si_signo, SIGUSR1);
    EQ(seen.si_code, SI_USER);
    EQ(seen.si_pid, getpid());
}

static void stops(void)
{
    kill(getpid(), SIGSTOP);
}

TEST(no_info, "a stop of the process has no record for who attached")
{
    siginfo_t info;
    pid_t pid = traced(stops, 0);

    memset(&info, 0, sizeof(info));
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, &info));
    go(pid, PTRACE_CONT, SIGSTOP);
    EQ(stop_of(pid), SIGSTOP);
    ERR(trace(PTRACE_GETSIGINFO, pid, 0, &info), EINVAL);
    ERR(trace(PTRACE_SETSIGINFO, pid, 0, &info), EINVAL);
    ERR(trace(PTRACE_LISTEN, pid, 0, NULL), EIO);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static void stays_stopped(void)
{
    raise(SIGSTOP);
    _exit(7);
}

TEST(attach_stopped, "one that has stopped can be asked as soon as it is attached to")
{
    for (int i = 0; i < 200; i++) {
        long dr = 0, regs[27], set = 8 + (long)i * 8;
        int status;
        pid_t pid = t_fork();

        if (!pid)
            stays_stopped();
        EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        OK(trace(i & 1 ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0));
        if (!(i & 1)) { /* who seizes waits */
            OK(trace(PTRACE_GETREGS, pid, 0, regs));
            OK(trace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg),
                     (void *)set));
            OK(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg), &dr));
            EQ(dr, set);
        } else {
            stop_of(pid);
        }
        OK(trace(PTRACE_DETACH, pid, 0, 0));
        OK(kill(pid, SIGCONT));
        EQ(WEXITSTATUS(end_of(pid)), 7);
    }
}

TEST(blocked_meanwhile, "a signal that the tracer blocks at its stop waits")
{
    siginfo_t seen;
    uint64_t mask, old;
    pid_t pid;

    OK(pipe(out));
    pid = traced(catches, 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    OK(trace(0x420a, pid, 8, &old));
    mask = old | 1ul << (SIGUSR2 - 1);
    OK(trace(0x420b, pid, 8, &mask));
    go(pid, PTRACE_CONT, SIGUSR2);
    EQ(stop_of(pid), SIGUSR1); /* the next one; nothing was delivered */
    OK(trace(0x420b, pid, 8, &old));
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR2); /* it is seen again */
    go(pid, PTRACE_CONT, SIGUSR2);
    EQ(read(out[0], &seen, sizeof(seen)), sizeof(seen));
    EQ(seen.si_signo, SIGUSR2);
    EQ(seen.si_pid, getpid());
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

/* ---- register sets ---- */

static long set_of(int request, pid_t pid, unsigned long which, void *base, size_t len,
                   size_t *n)
{
    struct iovec iov = {base, len};
    long result = trace(request, pid, which, &iov);

    *n = iov.iov_len;
    return result;
}

TEST(register_sets, "PTRACE_SETREGSET: general registers in part, floating ones whole")
{
    struct user_regs_struct r, s;
    struct user_fpregs_struct f, g;
    static char big[16384];
    pid_t pid = traced(calls, 0);
    size_t n, all;

    OK(set_of(PTRACE_GETREGSET, pid, NT_PRSTATUS, &r, sizeof(r), &n));
    EQ(n, sizeof(r));
    s = r;
    s.r15 = 0x1515;
    s.r14 = 0x1414;
    OK(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, &s, 8, &n)); /* r15 alone */
    EQ(n, 8);
    OK(trace(PTRACE_GETREGS, pid, 0, &s));
    EQ(s.r15, 0x1515);
    EQ(s.r14, r.r14);
    OK(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, NULL, 0, &n));
    EQ(n, 0);
    OK(set_of(PTRACE_GETREGSET, pid, NT_PRSTATUS, NULL, 0, &n));
    OK(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, &r, sizeof(big), &n));
    EQ(n, sizeof(r));
    OK(trace(PTRACE_GETREGS, pid, 0, &s));
    EQ(s.r15, r.r15);
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, &r, 12, &n), EINVAL);
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, NULL, sizeof(r), &n), EFAULT);
    ERR(set_of(PTRACE_GETREGSET, pid, NT_PRSTATUS, NULL, sizeof(r), &n), EFAULT);
    s.ss = 0;
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRSTATUS, &s, sizeof(s), &n), EIO);
    OK(set_of(PTRACE_GETREGSET, pid, NT_PRFPREG, &f, sizeof(f), &n));
    EQ(n, sizeof(f));
    f.xmm_space[20] ^= 0x55;
    OK(set_of(PTRACE_SETREGSET, pid, NT_PRFPREG, &f, sizeof(f), &n));
    OK(trace(PTRACE_GETFPREGS, pid, 0, &g));
    EQ(f.xmm_space[20], g.xmm_space[20]);
    f.mxcsr = ~0u;
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRFPREG, &f, sizeof(f), &n), EINVAL);
    OK(trace(PTRACE_GETFPREGS, pid, 0, &f));
    EQ(f.mxcsr, g.mxcsr);
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRFPREG, &f, 64, &n), EINVAL);
    ERR(set_of(PTRACE_SETREGSET, pid, NT_PRFPREG, &f, 65, &n), EINVAL);
    ERR(set_of(PTRACE_GETREGSET, pid, NT_PRFPREG, &f, 65, &n), EINVAL);
    if (set_of(PTRACE_GETREGSET, pid, NT_X86_XSTATE, big, sizeof(big), &all) == 0) {
        CHECK(all >= 576 && all < sizeof(big));
        ((uint32_t *)big)[(160 + 20 * 4) / 4] ^= 0xff;
        OK(set_of(PTRACE_SETREGSET, pid, NT_X86_XSTATE, big, sizeof(big), &n));
        EQ(n, all);
        OK(trace(PTRACE_GETFPREGS, pid, 0, &g));
        EQ(g.xmm_space[20], ((uint32_t *)big)[(160 + 20 * 4) / 4]);
        ERR(set_of(PTRACE_SETREGSET, pid, NT_X86_XSTATE, big, 512, &n), EFAULT);
        ERR(set_of(PTRACE_SETREGSET, pid, NT_X86_XSTATE, big, all + 1, &n), EINVAL);
        OK(set_of(PTRACE_GETREGSET, pid, NT_X86_XSTATE, big, 64, &n));
        EQ(n, 64);
        ERR(set_of(PTRACE_GETREGSET, pid, NT_X86_XSTATE, big, 63, &n), EINVAL);
    } else {
        EQ(errno, ENODEV);
    }
    ERR(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, NULL), EFAULT);
    ERR(trace(PTRACE_GETREGSET, getpid(), NT_PRSTATUS, NULL), ESRCH);
    ERR(trace(PTRACE_SETREGSET, getpid(), 4711, &n), ESRCH);
    ERR(trace(PTRACE_SETREGS, getpid(), 0, NULL), ESRCH);
    ERR(trace(0x420a, getpid(), 3, NULL), ESRCH);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

TEST(user_area, "the words of struct user that are no registers")
{
    unsigned long word = 1;
    pid_t pid = traced(calls, 0);

    OK(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, magic), &word));
    EQ(word, 0);
    ERR(trace(PTRACE_POKEUSER, pid, offsetof(struct user, magic), NULL), EIO);
    ERR(trace(PTRACE_PEEKUSER, pid, 928, &word), EIO);
    ERR(trace(PTRACE_PEEKUSER, pid, 4, &word), EIO);
    ERR(trace(PTRACE_PEEKUSER, pid, 0, NULL), EFAULT);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };

static long base_of(pid_t pid, int option, unsigned long at)
{
    return trace(30 /* PTRACE_ARCH_PRCTL */, pid, at, (void *)(long)option);
}

TEST(bases, "PTRACE_ARCH_PRCTL: the bases of fs and gs, told and set")
{
    struct user_regs_struct regs;
    unsigned long word = 0;
    pid_t pid = traced(calls, 0);

    OK(trace(PTRACE_GETREGS, pid, 0, &regs));
    OK(base_of(pid, ARCH_GET_FS, (unsigned long)&word));
    EQ(word, regs.fs_base);
    CHECK(word != 0);
    OK(base_of(pid, ARCH_SET_GS, 0x123450));
    OK(base_of(pid, ARCH_GET_GS, (unsigned long)&word));
    EQ(word, 0x123450);
    OK(trace(PTRACE_GETREGS, pid, 0, &regs));
    EQ(regs.gs_base, 0x123450);
    ERR(base_of(pid, ARCH_SET_FS, ~4095ul), EPERM);
    ERR(base_of(pid, ARCH_GET_FS, 0), EFAULT);
    ERR(base_of(pid, 7, (unsigned long)&word), EINVAL);
    ERR(base_of(getpid(), ARCH_GET_FS, (unsigned long)&word), ESRCH);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static struct {
    uint32_t words[8];
} restartable __attribute__((aligned(32)));

static void restarts(void)
{
    syscall(334, &restartable, sizeof(restartable), 0, 0x53053053); /* rseq */
    kill(getpid(), SIGUSR1);
}

TEST(rseq, "PTRACE_GET_RSEQ_CONFIGURATION: where the record lies, and its signature")
{
    struct {
        uint64_t pointer;
        uint32_t size, signature, flags, pad;
    } c;
    pid_t pid = traced(restarts, 0);

    EQ(trace(0x420f, pid, sizeof(c), &c), 24);
    EQ(c.pointer, 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    memset(&c, 0x5a, sizeof(c));
    EQ(trace(0x420f, pid, 8, &c), 24);
    EQ(c.pointer, (unsigned long)&restartable);
    EQ(c.size, 0x5a5a5a5a);
    EQ(trace(0x420f, pid, 100, &c), 24);
    EQ(c.size, sizeof(restartable));
    EQ(c.signature, 0x53053053);
    EQ(c.flags | c.pad, 0);
    EQ(trace(0x420f, pid, 0, NULL), 24);
    ERR(trace(0x420f, pid, 1, NULL), EFAULT);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
