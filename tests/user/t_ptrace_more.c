/* SPDX-License-Identifier: MIT
 *
 * ptrace: what a stop tells of a call, records of signals that a tracer writes, register sets
 * in part, steps into handlers and over forks, and who is told when nobody waits.
 */
#include "tests/user/t.h"
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/uio.h>
#include <sys/user.h>

#define WALL       0x40000000
#define EVENT_STOP 128
#define CALL_INFO  0x420e
#define BAD        0xffff800000000000ul

static long trace(long request, pid_t pid, unsigned long addr, const void *data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

static int stop_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, WALL), pid);
    if (!WIFSTOPPED(status))
        FAIL("status %#x is no stop", status);
    return status >> 8;
}

static int end_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, WALL), pid);
    CHECK(WIFEXITED(status) || WIFSIGNALED(status));
    return status;
}

static pid_t traced(void (*fn)(void), unsigned long options)
{
    pid_t pid = t_fork();

    if (!pid) {
        if (trace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(90);
        raise(SIGSTOP);
        fn();
        _exit(7);
    }
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_SETOPTIONS, pid, 0, (void *)options));
    return pid;
}

static void go(pid_t pid, int how, int signo)
{
    OK(trace(how, pid, 0, (void *)(long)signo));
}

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

static int out[2];

static void tells(int signo, siginfo_t *info, void *frame)
{
    (void)signo;
    (void)frame;
    if (write(out[1], info, sizeof(*info)) != sizeof(*info))
        _exit(80);
}

static void catches(void)
{
    struct sigaction sa = {.sa_sigaction = tells, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
}

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

/* ---- steps ---- */

TEST(step_handler, "a step with a signal ends at the handler's first instruction")
{
    struct user_regs_struct r;
    siginfo_t info;
    pid_t pid;

    OK(pipe(out));
    pid = traced(catches, 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_SINGLESTEP, SIGUSR1);
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_GETREGS, pid, 0, &r));
    EQ(r.rip, (unsigned long)tells);
    EQ(r.rdi, SIGUSR1);
    EQ(r.eflags & 0x100, 0);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, &info));
    EQ(info.si_code, SIGTRAP);
    go(pid, PTRACE_CONT, SIGKILL); /* which no such stop takes */
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGUSR1);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static void forks(void)
{
    pid_t pid = (pid_t)syscall(SYS_fork);
    int status;

    if (!pid)
        _exit(3);
    if (waitpid(pid, &status, 0) != pid || status != 3 << 8)
        _exit(50);
}

TEST(step_fork, "a step over a fork is none of the child's")
{
    unsigned long rax;
    pid_t pid = traced(forks, 0);

    for (;;) { /* up to the call, whose instruction is 0f 05 */
        struct user_regs_struct r;
        unsigned long code;

        go(pid, PTRACE_SINGLESTEP, 0);
        EQ(stop_of(pid), SIGTRAP);
        OK(trace(PTRACE_GETREGS, pid, 0, &r));
        OK(trace(PTRACE_PEEKDATA, pid, r.rip, &code));
        if ((code & 0xffff) == 0x050f && r.rax == SYS_fork)
            break;
    }
    go(pid, PTRACE_SINGLESTEP, 0);
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_PEEKUSER, pid, 8 * RAX, &rax));
    CHECK((long)rax > 0);
    go(pid, PTRACE_CONT, 0);
    EQ(stop_of(pid), SIGCHLD);
    go(pid, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

/* A tracer that steps pid over a call that waits, and dies meanwhile. */
static void steps_and_dies(pid_t pid)
{
    int status;

    if (trace(PTRACE_SEIZE, pid, 0, 0) || trace(PTRACE_INTERRUPT, pid, 0, 0) ||
        waitpid(pid, &status, WALL) != pid || trace(PTRACE_SINGLESTEP, pid, 0, 0))
        _exit(1);
    t_until_asleep(pid);
    _exit(0);
}

static volatile int caught;

static void catch (int signo)
{
    caught = signo;
}

TEST(stale_step, "a step that is still to come when its tracer dies never comes")
{
    if (!t_tessera)
        SKIP("Linux leaves the flag there, and SIGTRAP kills");
    for (int with_signal = 0; with_signal < 2; with_signal++) {
        int p[2];
        pid_t pid, tracer;

        OK(pipe(p));
        pid = t_fork();
        if (!pid) {
            struct sigaction sa = {.sa_handler = catch, .sa_flags = SA_RESTART};
            char c;

            sigaction(SIGUSR1, &sa, NULL);
            if (read(p[0], &c, 1) != 1 || caught != (with_signal ? SIGUSR1 : 0))
                _exit(2);
            _exit(6);
        }
        t_until_asleep(pid);
        tracer = t_fork();
        if (!tracer)
            steps_and_dies(pid);
        t_join(tracer);
        if (with_signal)
            OK(kill(pid, SIGUSR1));
        EQ(write(p[1], "x", 1), 1);
        EQ(end_of(pid), 6 << 8);
        close(p[0]);
        close(p[1]);
    }
}

/* ---- children of traced ones, ends that nobody waits for ---- */

TEST(seized_fork, "the child of a seized one is seized, and stops first")
{
    unsigned long number;
    siginfo_t info;
    int p[2];
    pid_t pid, child;
    char c;

    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        if (read(p[0], &c, 1) == 1)
            forks();
        _exit(7);
    }
    OK(trace(PTRACE_SEIZE, pid, 0, (void *)PTRACE_O_TRACEFORK));
    EQ(write(p[1], "g", 1), 1);
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, &number));
    child = (pid_t)number;
    EQ(stop_of(child), SIGTRAP | EVENT_STOP << 8);
    OK(trace(PTRACE_GETSIGINFO, child, 0, &info));
    EQ(info.si_code, SIGTRAP | EVENT_STOP << 8);
    go(pid, PTRACE_CONT, 0);
    go(child, PTRACE_CONT, 0);
    EQ(WEXITSTATUS(end_of(child)), 3);
    EQ(stop_of(pid), SIGCHLD);
    go(pid, PTRACE_CONT, SIGCHLD);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

/* Seizes `tid` of another process and ends when told, without a wait. */
static pid_t tracer_of(pid_t tid, int told, int ready)
{
    pid_t pid = t_fork();
    char c;

    if (!pid) {
        if (trace(PTRACE_SEIZE, tid, 0, 0) || write(ready, "r", 1) != 1)
            _exit(1);
        _exit(read(told, &c, 1) == 1 ? 0 : 2);
    }
    EQ(read(out[0], &c, 1), 1);
    return pid;
}

static int until[2];

static void *ends_when_told(void *arg)
{
    char c;

    *(volatile pid_t *)arg = (pid_t)syscall(SYS_gettid);
    (void)!read(until[0], &c, 1);
    return NULL;
}

TEST(unwaited_thread, "a traced thread that ended is forgotten with its tracer")
{
    volatile pid_t *tid =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int p[2];
    pid_t pid, tracer;

    OK(pipe(out));
    OK(pipe(p));
    OK(pipe(until));
    pid = t_fork();
    if (!pid) {
        pthread_t t;

        if (pthread_create(&t, NULL, ends_when_told, (void *)tid) ||
            pthread_join(t, NULL))
            _exit(1);
        (void)!write(out[1], "j", 1);
        (void)!read(until[0], (char[1]){0}, 1);
        _exit(6);
    }
    while (!*tid)
        sched_yield();
    tracer = tracer_of(*tid, p[0], out[1]);
    EQ(write(until[1], "e", 1), 1);
    EQ(read(out[0], (char[1]){0}, 1),
       1); /* the thread is gone, and its tracer has not waited */
    EQ(write(p[1], "d", 1), 1);
    t_join(tracer);
    ERR(syscall(SYS_tgkill, pid, *tid, 0), ESRCH);
    EQ(write(until[1], "e", 1), 1);
    EQ(end_of(pid), 6 << 8);
}

TEST(unwaited_process, "one that ended traced goes by itself if its parent ignores it")
{
    int p[2];
    pid_t pid, tracer;

    OK(pipe(out));
    OK(pipe(p));
    OK(pipe(until));
    pid = t_fork();
    if (!pid)
        _exit(read(until[0], (char[1]){0}, 1) == 1 ? 6 : 8);
    tracer = tracer_of(pid, p[0], out[1]);
    EQ(write(until[1], "e", 1), 1);
    for (char state = 0; state != 'Z';) {
        char path[64], text[512];
        int fd, n;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        OK(fd = open(path, O_RDONLY));
        n = (int)read(fd, text, sizeof(text) - 1);
        CHECK(n > 0);
        text[n] = 0;
        state = strrchr(text, ')')[2];
        close(fd);
    }
    EQ(waitpid(pid, NULL, WNOHANG), 0); /* its tracer's still */
    signal(SIGCHLD, SIG_IGN);
    EQ(write(p[1], "d", 1), 1);
    ERR(waitpid(tracer, NULL, 0), ECHILD);
    ERR(kill(pid, 0), ESRCH);
    ERR(waitpid(pid, NULL, 0), ECHILD);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
