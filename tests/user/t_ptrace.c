/* SPDX-License-Identifier: MIT
 *
 * ptrace: stops and what they tell, registers, memory, signals, events, threads, rights, and
 * the deaths of both sides.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/uio.h>
#include <sys/user.h>

#define WALL       0x40000000
#define EVENT_STOP 128

static volatile long word = 41;

static long trace(int request, pid_t pid, unsigned long addr, unsigned long data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

/* Its next stop: signal | event << 8. */
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

/* A child that asked to be traced and stopped, at fn's beginning. */
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
    OK(trace(PTRACE_SETOPTIONS, pid, 0, options));
    return pid;
}

static void does_nothing(void)
{
}

static void sleeps(void)
{
    for (;;)
        pause();
}

TEST(calls, "each call stops on its way in and out, with its number and result")
{
    pid_t pid;
    struct user_regs_struct r;
    int in = SIGTRAP | 0x80;
    bool seen = false;

    void asks(void)
    {
        syscall(SYS_getpriority, 77, 5);
    }
    pid = traced(asks, PTRACE_O_TRACESYSGOOD);
    for (;;) {
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        if (stop_of(pid) != in)
            FAIL("not a call");
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        EQ((long)r.rax, -ENOSYS);
        if (r.orig_rax == SYS_exit_group || r.orig_rax == SYS_exit)
            break;
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        EQ(stop_of(pid), in);
        long nr = (long)r.orig_rax;
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        EQ(r.orig_rax, nr);
        if (nr == SYS_getpriority) {
            seen = true;
            EQ(r.rdi, 77);
            EQ(r.rsi, 5);
            EQ((long)r.rax, -EINVAL);
        }
    }
    CHECK(seen);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static long call_whole(unsigned long number)
{
    __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    return (long)number;
}

TEST(whole_number, "a tracer sees all of rax; what is called is its lower half")
{
    const unsigned long numbers[] = {SYS_getppid | 1UL << 32, 0xfffffffffffffffeUL};
    struct user_regs_struct r;
    size_t at = 0;
    pid_t pid;

    void asks(void)
    {
        for (int i = 0; i < 2; i++)
            call_whole(numbers[i]);
    }
    pid = traced(asks, PTRACE_O_TRACESYSGOOD);
    while (at < 2) {
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        stop_of(pid);
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        if (r.orig_rax == SYS_exit_group || r.orig_rax == SYS_exit)
            FAIL("call %zu was not seen", at);
        if (r.orig_rax != numbers[at])
            continue;
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        stop_of(pid);
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        EQ(r.orig_rax, numbers[at]);
        EQ((long)r.rax, at ? -ENOSYS : getpid());
        at++;
    }
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

TEST(changed_call, "a tracer exchanges a call, skips one, and gives results")
{
    struct user_regs_struct r;
    pid_t pid;

    void asks(void)
    {
        if (syscall(SYS_getppid) != getpid())
            _exit(1);
        if (syscall(SYS_getppid) != 1234)
            _exit(2);
        _exit(5);
    }
    pid = traced(asks, PTRACE_O_TRACESYSGOOD);
    for (int n = 0; n < 2;) {
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP | 0x80);
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        bool it = r.orig_rax == SYS_getppid;
        if (it) {
            r.orig_rax = n ? -1UL : SYS_getpid;
            OK(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&r));
        }
        OK(trace(PTRACE_SYSCALL, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP | 0x80);
        if (it && n++)
            OK(trace(PTRACE_POKEUSER, pid, 8 * RAX, 1234));
    }
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 5);
}

TEST(memory, "peek and poke, also into text; errors")
{
    pid_t pid;
    long value;
    unsigned char *text = (unsigned char *)(uintptr_t)does_nothing;

    void exits(void)
    {
        _exit(word == 42 ? 3 : 4);
    }
    pid = traced(exits, 0);
    OK(trace(PTRACE_PEEKDATA, pid, (unsigned long)&word, (unsigned long)&value));
    EQ(value, 41);
    OK(trace(PTRACE_POKEDATA, pid, (unsigned long)&word, 42));
    EQ(word, 41);
    OK(trace(PTRACE_PEEKTEXT, pid, (unsigned long)text, (unsigned long)&value));
    OK(trace(PTRACE_POKETEXT, pid, (unsigned long)text, (unsigned long)value ^ 0xff));
    EQ(*text, value & 0xff); /* a copy of its own */
    ERR(trace(PTRACE_PEEKDATA, pid, 16, (unsigned long)&value), EIO);
    ERR(trace(PTRACE_POKEDATA, pid, 16, 1), EIO);
    ERR(trace(PTRACE_PEEKDATA, pid, (unsigned long)&word, 16), EFAULT);
    ERR(trace(PTRACE_PEEKUSER, pid, 3, (unsigned long)&value), EIO);
    ERR(trace(PTRACE_PEEKUSER, pid, 5000, (unsigned long)&value), EIO);
    ERR(trace(PTRACE_SETOPTIONS, pid, 0, 0x40000000), EINVAL);
    ERR(trace(PTRACE_CONT, pid, 0, 65), EIO);
    ERR(trace(12345, pid, 0, 0), EIO);
    OK(trace(PTRACE_DETACH, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 3);
}

TEST(step, "single steps: an instruction each, and over a call")
{
    struct user_regs_struct r;
    siginfo_t info;
    unsigned long last = 0;
    pid_t pid = traced(does_nothing, 0);

    for (int i = 0; i < 30; i++) {
        OK(trace(PTRACE_SINGLESTEP, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP);
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        CHECK(!(r.eflags & 0x100));
        CHECK(r.rip != last);
        last = r.rip;
    }
    OK(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info));
    EQ(info.si_signo, SIGTRAP);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

TEST(signals, "a signal is seen first: passed on, exchanged, or kept from it")
{
    siginfo_t info;
    pid_t pid;

    void raises(void)
    {
        signal(SIGUSR1, SIG_IGN);
        raise(SIGUSR1); /* ignored, and yet told */
        raise(SIGTERM);
        raise(SIGUSR2);
    }
    pid = traced(raises, 0);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGUSR1);
    OK(trace(PTRACE_CONT, pid, 0, SIGUSR1));
    EQ(stop_of(pid), SIGTERM);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info));
    EQ(info.si_pid, pid);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGUSR2);
    OK(trace(PTRACE_CONT, pid, 0, SIGKILL));
    EQ(WTERMSIG(end_of(pid)), SIGKILL);
}

TEST(fault, "a fault of the program is told with its address before it kills")
{
    siginfo_t info;
    pid_t pid;

    void faults(void)
    {
        volatile uintptr_t nowhere = 24;

        signal(SIGSEGV, SIG_DFL);
        *(volatile int *)nowhere = 1;
    }
    pid = traced(faults, 0);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGSEGV);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info));
    EQ((uintptr_t)info.si_addr, 24);
    OK(trace(PTRACE_CONT, pid, 0, SIGSEGV));
    EQ(WTERMSIG(end_of(pid)), SIGSEGV);
}

TEST(fork_event, "fork: the event, the child's stop, the number")
{
    unsigned long child;
    pid_t pid;

    void forks(void)
    {
        int status;
        pid_t c = fork();

        if (!c)
            _exit(9);
        waitpid(c, &status, 0);
        _exit(WEXITSTATUS(status));
    }
    pid = traced(forks, PTRACE_O_TRACEFORK);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&child));
    EQ(stop_of((pid_t)child), SIGSTOP);
    OK(trace(PTRACE_CONT, (pid_t)child, 0, 0));
    EQ(WEXITSTATUS(end_of((pid_t)child)), 9); /* its parent hears of it only now */
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGCHLD);
    OK(trace(PTRACE_CONT, pid, 0, SIGCHLD));
    EQ(WEXITSTATUS(end_of(pid)), 9);
}

TEST(exec_exit, "exec and exit events")
{
    unsigned long message;
    pid_t pid;

    void execs(void)
    {
        execl(t_exe, t_exe, "--helper", NULL);
    }
    pid = traced(execs, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXEC << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message));
    EQ(message, pid);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXIT << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message));
    EQ(message, 12 << 8);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 12);
    pid = traced(execs, 0);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_DETACH, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 12);
}

TEST(attach, "attach stops; detach lets go; both sides' errors")
{
    pid_t pid = t_fork();
    char path[64], text[4096];

    if (!pid)
        sleeps();
    OK(trace(PTRACE_ATTACH, pid, 0, 0));
    EQ(stop_of(pid), SIGSTOP);
    ERR(trace(PTRACE_ATTACH, pid, 0, 0), EPERM);
    ERR(trace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
    ERR(trace(PTRACE_ATTACH, 1 << 22, 0, 0), ESRCH);
    ERR(trace(PTRACE_CONT, getppid(), 0, 0), ESRCH);
    ERR(trace(PTRACE_INTERRUPT, pid, 0, 0), EIO);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    CHECK(n > 0);
    text[n] = '\0';
    snprintf(path, sizeof(path), "TracerPid:\t%d\n", getpid());
    CHECK(strstr(text, path) && strstr(text, "State:\tt"));
    OK(trace(PTRACE_DETACH, pid, 0, 0));
    ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
    OK(kill(pid, SIGKILL));
    EQ(WTERMSIG(end_of(pid)), SIGKILL);
}

TEST(seize, "seize, interrupt, listen: stops of the process without the signal's")
{
    siginfo_t info;
    pid_t pid = t_fork();

    if (!pid)
        sleeps();
    ERR(trace(PTRACE_SEIZE, pid, 1, 0), EIO);
    ERR(trace(PTRACE_SEIZE, pid, 0, 0x40000000), EIO);
    OK(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
    ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH); /* it runs */
    OK(trace(PTRACE_INTERRUPT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | EVENT_STOP << 8);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    OK(kill(pid, SIGSTOP));
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_CONT, pid, 0, SIGSTOP));
    OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WALL));
    EQ(info.si_code, CLD_TRAPPED);
    EQ(info.si_status, SIGSTOP | EVENT_STOP << 8);
    OK(trace(PTRACE_LISTEN, pid, 0, 0));
    ERR(trace(PTRACE_CONT, pid, 0, 0), ESRCH);
    OK(kill(pid, SIGCONT));
    EQ(stop_of(pid), SIGTRAP | EVENT_STOP << 8);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGCONT);
    OK(trace(PTRACE_DETACH, pid, 0, SIGTERM));
    EQ(WTERMSIG(end_of(pid)), SIGTERM);
}

/* As strace begins: the process stops itself, is seized, and sent on at once. What it tells first
 * is true then, and it never waits for what has been already. */
TEST(seize_stopped, "one that has stopped is seized and goes on")
{
    for (int i = 0; i < 1000; i++) {
        int status;
        pid_t pid = t_fork();

        if (!pid) {
            raise(SIGSTOP);
            _exit(7);
        }
        EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        OK(trace(PTRACE_SEIZE, pid, 0, 0));
        OK(kill(pid, SIGCONT));
        for (bool first = true;; first = false) {
            EQ(waitpid(pid, &status, __WALL), pid);
            if (!WIFSTOPPED(status))
                break;
            int signo = WSTOPSIG(status);
            bool event = status >> 16 == EVENT_STOP;
            CHECK(!first || event);
            if (event && signo == SIGSTOP)
                OK(trace(PTRACE_LISTEN, pid, 0, 0));
            else
                OK(trace(PTRACE_CONT, pid, 0, event ? 0 : signo));
        }
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
}

TEST(seize_running, "SIGCONT is told of one that its tracer did not let stop")
{
    siginfo_t info;
    pid_t pid = t_fork();

    if (!pid)
        sleeps();
    OK(trace(PTRACE_SEIZE, pid, 0, 0));
    OK(kill(pid, SIGSTOP));
    EQ(stop_of(pid), SIGSTOP);
    OK(trace(PTRACE_CONT, pid, 0, SIGSTOP));
    OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WALL));
    EQ(info.si_status, SIGSTOP | EVENT_STOP << 8);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    OK(kill(pid, SIGCONT));
    EQ(stop_of(pid), SIGTRAP | EVENT_STOP << 8);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGCONT);
    OK(kill(pid, SIGKILL));
    EQ(WTERMSIG(end_of(pid)), SIGKILL);
}

TEST(restart, "a call that a tracer's signal cuts short goes on")
{
    struct user_regs_struct r;
    int p[2];
    pid_t pid;
    char c = 'x';

    OK(pipe(p));
    pid = t_fork();
    if (!pid) {
        _exit(read(p[0], &c, 1) == 1 ? c : 1);
    }
    OK(trace(PTRACE_SEIZE, pid, 0, 0));
    do { /* until it is in the call */
        OK(trace(PTRACE_INTERRUPT, pid, 0, 0));
        EQ(stop_of(pid), SIGTRAP | EVENT_STOP << 8);
        OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
        OK(trace(PTRACE_CONT, pid, 0, 0));
        sched_yield();
    } while (r.orig_rax != SYS_read);
    EQ((long)r.rax, -512);
    EQ(write(p[1], "y", 1), 1);
    EQ(WEXITSTATUS(end_of(pid)), 'y');
}

TEST(tracer_dies, "the death of a tracer lets go, or kills with EXITKILL")
{
    for (int kill_it = 0; kill_it < 2; kill_it++) {
        int go[2], status;
        pid_t pid, tracer;

        OK(pipe(go));
        pid = t_fork();
        if (!pid) {
            char c;

            close(go[1]);
            _exit(read(go[0], &c, 1) == 1 ? 6 : 8);
        }
        tracer = t_fork();
        if (!tracer) {
            if (trace(PTRACE_SEIZE, pid, 0, kill_it ? 1 << 20 : 0) ||
                trace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, WALL) != pid)
                _exit(1);
            raise(SIGKILL);
        }
        EQ(WTERMSIG(end_of(tracer)), SIGKILL);
        if (!kill_it)
            EQ(write(go[1], "g", 1), 1);
        status = end_of(pid);
        EQ(status, kill_it ? SIGKILL : 6 << 8);
        close(go[0]);
        close(go[1]);
    }
}

TEST(registers,
     "register sets: general and floating, what user mode cannot have is refused")
{
    struct user_regs_struct r, s;
    struct user_fpregs_struct f, g;
    struct iovec iov = {&s, sizeof(s)};
    pid_t pid = traced(does_nothing, 0);
    uint64_t mask;

    OK(trace(PTRACE_GETREGS, pid, 0, (unsigned long)&r));
    OK(trace(PTRACE_GETREGSET, pid, 1, (unsigned long)&iov));
    EQ(iov.iov_len, sizeof(s));
    EQ(memcmp(&r, &s, sizeof(r)), 0);
    s.cs = 0x10;
    ERR(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&s), EIO);
    s = r;
    s.fs_base = 1UL << 63;
    ERR(trace(PTRACE_SETREGS, pid, 0, (unsigned long)&s), EIO);
    OK(trace(PTRACE_GETFPREGS, pid, 0, (unsigned long)&f));
    f.xmm_space[20] ^= 0x55;
    OK(trace(PTRACE_SETFPREGS, pid, 0, (unsigned long)&f));
    OK(trace(PTRACE_SINGLESTEP, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_GETFPREGS, pid, 0, (unsigned long)&g));
    EQ(f.xmm_space[20], g.xmm_space[20]);
    ERR(trace(PTRACE_GETREGSET, pid, 4711, (unsigned long)&iov), EINVAL);
    OK(trace(0x420a, pid, 8, (unsigned long)&mask)); /* GETSIGMASK */
    mask |= 1UL << (SIGUSR1 - 1);
    OK(trace(0x420b, pid, 8, (unsigned long)&mask));
    ERR(trace(0x420b, pid, 4, (unsigned long)&mask), EINVAL);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

TEST(nobody, "who is nobody traces nobody else's")
{
    pid_t pid, other;

    if (getuid() != 0)
        SKIP("needs root");
    other = t_fork();
    if (!other)
        sleeps();
    pid = t_fork();
    if (!pid) {
        if (setgid(65534) || setuid(65534))
            _exit(1);
        if (trace(PTRACE_ATTACH, other, 0, 0) != -1 || errno != EPERM)
            _exit(2);
        if (trace(PTRACE_SEIZE, 1, 0, 0) != -1 || errno != EPERM)
            _exit(3);
        _exit(0);
    }
    EQ(end_of(pid), 0);
    OK(kill(other, SIGKILL));
    end_of(other);
}

static void *waits(void *arg)
{
    char c;

    (void)!read(*(int *)arg, &c, 1);
    return NULL;
}

TEST(threads, "a thread is traced by its number and waited for by its tracer")
{
    unsigned long tid;
    static int p[2], q[2];
    pid_t pid;

    OK(pipe(p));
    OK(pipe(q));
    void threads(void)
    {
        pthread_t t;

        if (pthread_create(&t, NULL, waits, &p[0]) || pthread_join(t, NULL))
            _exit(1);
        waits(
            &q[0]); /* with the process's end the thread's status would be the process's */
    }
    pid = traced(threads, PTRACE_O_TRACECLONE);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_CLONE << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&tid));
    EQ(stop_of((pid_t)tid), SIGSTOP);
    OK(trace(PTRACE_CONT, (pid_t)tid, 0, 0));
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(write(p[1], "g", 1), 1);
    EQ(end_of((pid_t)tid), 0);
    EQ(write(q[1], "g", 1), 1);
    EQ(WEXITSTATUS(end_of(pid)), 7);
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 12;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
