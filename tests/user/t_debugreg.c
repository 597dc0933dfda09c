/* SPDX-License-Identifier: MIT
 *
 * The debug registers of a traced thread: which words are taken, which accesses stop it, what
 * threads, children, an exec and the end of tracing do to them.
 *
 * Virtual machines exist in which they can be set and do nothing; there, on Linux, the cases
 * that need a hit are skipped.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define STATUS  6
#define CONTROL 7

/* Bits of the control word for slot i. */
#define ON(i)      (1ul << 2 * (i))
#define EXEC(i)    0ul
#define WRITE(i)   (1ul << (16 + 4 * (i)))
#define ACCESS(i)  (3ul << (16 + 4 * (i)))
#define BYTES2(i)  (1ul << (18 + 4 * (i)))
#define BYTES8(i)  (2ul << (18 + 4 * (i)))
#define BYTES4(i)  (3ul << (18 + 4 * (i)))
#define ADDR(what) ((unsigned long)(uintptr_t)(what))

static volatile long watched[4] __attribute__((aligned(64)));
static volatile long *shared;

static long trace(int request, pid_t pid, unsigned long addr, unsigned long data)
{
    return syscall(SYS_ptrace, request, pid, addr, data);
}

static unsigned long word(pid_t pid, int nr)
{
    unsigned long value = 0;

    OK(trace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + 8 * nr,
             ADDR(&value)));
    return value;
}

static long set(pid_t pid, int nr, unsigned long value)
{
    return trace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + 8 * nr, value);
}

static int stop_of(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, __WALL), pid);
    if (!WIFSTOPPED(status))
        FAIL("status %#x is no stop", status);
    return status >> 8;
}

static pid_t traced(void (*fn)(void))
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
    return pid;
}

static void ends_with(pid_t pid, int code)
{
    int status;

    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(waitpid(pid, &status, __WALL), pid);
    EQ(status, code << 8);
}

/* It goes on to the stop that slots `bits` make. */
static void hit(pid_t pid, unsigned long bits)
{
    struct user_regs_struct r;
    siginfo_t info;

    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP);
    OK(trace(PTRACE_GETSIGINFO, pid, 0, ADDR(&info)));
    EQ(info.si_code, TRAP_HWBKPT);
    OK(trace(PTRACE_GETREGS, pid, 0, ADDR(&r)));
    EQ(ADDR(info.si_addr), r.rip);
    EQ(word(pid, STATUS) & 0xf, bits);
}

static void writes(void)
{
    watched[0] = 1;
}

/* The case ends here where nothing is ever hit. */
static void need_hits(void)
{
    pid_t pid = traced(writes);
    int status;

    OK(set(pid, 0, ADDR(watched)));
    OK(set(pid, CONTROL, ON(0) | WRITE(0)));
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && !t_tessera)
        SKIP("debug registers of this machine do nothing");
    EQ(status, SIGTRAP << 8 | 0x7f);
    ends_with(pid, 7);
}

TEST(words, "addresses, kinds and lengths that are taken, and what is read back")
{
    static const struct {
        int nr;
        unsigned long value;
        int err;
    } steps[] = {
        {4, 0, EIO},
        {5, 1, EIO},
        {STATUS, 0x1234, 0},
        {STATUS, 0, 0},
        {0, 0xffffffff81000000, EINVAL},
        {0, 0x800000000000, EINVAL},
        {0, 0x7ffffffff000, EINVAL},
        {0, 0x7fffffffefff, 0},
        {CONTROL, ON(0) | WRITE(0) | BYTES8(0), EINVAL},
        {CONTROL, ON(0) | WRITE(0) | BYTES4(0), EINVAL},
        {CONTROL, ON(0) | WRITE(0) | BYTES2(0), EINVAL},
        {CONTROL, ON(0) | WRITE(0), 0},
        {0, 0x100003, 0},
        {CONTROL, ON(0) | 2ul << 16, EINVAL}, /* ports */
        {CONTROL, ON(0) | EXEC(0), 0},
        {CONTROL, ON(0) | EXEC(0) | BYTES8(0), EINVAL},
        {CONTROL, ON(0) | EXEC(0) | BYTES2(0), EINVAL},
        {CONTROL, 0xffff0000, EINVAL},
        {CONTROL, 0xfc00, 0},
        {CONTROL, ON(3) | WRITE(3), 0}, /* at 0 */
        {3, 0x100003, 0},
        {CONTROL, ON(3) | WRITE(3) | BYTES2(3), EINVAL},
        {CONTROL, 0, 0},
        {CONTROL, 2ul << 28, EINVAL}, /* off, and yet looked at */
        {CONTROL, 2ul << 20, 0},      /* never used */
        {CONTROL, 1ul << 32, 0},
        {0, 0x100000, 0},
        {CONTROL, ON(0) | WRITE(0) | BYTES8(0), 0},
        {0, 0x100001, EINVAL},
        {0, 0xffff888000000000, EINVAL},
        {CONTROL, ON(0) | WRITE(0) | BYTES8(0) | ON(1) | 2ul << 20, EINVAL},
        {CONTROL, ON(0) | WRITE(0) | BYTES8(0) | ON(1) | WRITE(1), 0},
        {CONTROL, 0, 0},
    };
    pid_t pid = traced(writes);
    unsigned long now[8] = {[STATUS] = 0xffff0ff0};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int nr = steps[i].nr;
        long err = set(pid, nr, steps[i].value) ? errno : 0;

        if (err != steps[i].err)
            FAIL("step %zu gives %ld", i, err);
        if (!err)
            now[nr] = steps[i].value;
        for (int k = 0; k < 8; k++)
            if (word(pid, k) != now[k])
                FAIL("step %zu: word %d is %#lx", i, k, word(pid, k));
    }
    ends_with(pid, 7);
}

static void touches(void)
{
    volatile char *bytes = (volatile char *)watched;

    watched[1] = 3;
    (void)watched[0]; /* a read: the second slot only */
    bytes[7] = 1;     /* the last of eight bytes */
    bytes[8 + 3] = 1; /* before the two of the third */
    *(volatile short *)(bytes + 8 + 4) = 1;
    watched[3] = 1;
}

TEST(hits, "writes, accesses and lengths: who stops, who does not")
{
    pid_t pid;

    need_hits();
    pid = traced(touches);
    OK(set(pid, 0, ADDR(watched)));
    OK(set(pid, 1, ADDR(watched)));
    OK(set(pid, 2, ADDR(watched) + 12));
    OK(set(pid, CONTROL,
           ON(0) | WRITE(0) | BYTES8(0) | ON(1) | ACCESS(1) | BYTES4(1) | ON(2) |
               WRITE(2) | BYTES2(2)));
    hit(pid, 4); /* a long over the third */
    hit(pid, 2); /* the read */
    hit(pid, 1); /* the last byte is not of the second's four */
    hit(pid, 4);
    ends_with(pid, 7);
}

__attribute__((noinline)) static void target(void)
{
    __asm__ volatile("");
}

static void calls_target(void)
{
    target();
    watched[0] = 1;
    target();
}

TEST(execution, "a breakpoint stops before its instruction, and once each time")
{
    struct user_regs_struct r;
    pid_t pid;

    need_hits();
    pid = traced(calls_target);
    OK(set(pid, 3, ADDR(target)));
    OK(set(pid, CONTROL, ON(3) | EXEC(3)));
    hit(pid, 8);
    OK(trace(PTRACE_GETREGS, pid, 0, ADDR(&r)));
    EQ(r.rip, ADDR(target));
    OK(trace(PTRACE_SINGLESTEP, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP);
    EQ(word(pid, STATUS) & 0x400f, 0x4000);
    hit(pid, 8);
    OK(set(pid, CONTROL, 0));
    ends_with(pid, 7);
}

static void int1(void)
{
    __asm__ volatile(".byte 0xf1");
}

TEST(int1, "INT1 is no hit and no step; emulators have no such instruction")
{
    pid_t pid = traced(int1);
    siginfo_t info;

    OK(trace(PTRACE_CONT, pid, 0, 0));
    if (stop_of(pid) == SIGTRAP) {
        OK(trace(PTRACE_GETSIGINFO, pid, 0, ADDR(&info)));
        EQ(info.si_code, TRAP_BRKPT);
    }
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
}

static void reads_into(void)
{
    int fd[2];
    long n = 5;

    if (pipe(fd) || write(fd[1], &n, sizeof(n)) != sizeof(n) ||
        read(fd[0], (void *)watched, sizeof(n)) != sizeof(n))
        _exit(1);
    /* SS out of watched memory holds the trap back to the call's first instruction. */
    watched[1] = 0;
    __asm__ volatile("mov %%ss, %w0; mov %w0, %1" : "=&r"(n), "=m"(watched[1]));
    for (int i = 0; i < 3; i++) {
        long nr = SYS_getppid;

        __asm__ volatile("mov %1, %%ss; syscall"
                         : "+a"(nr)
                         : "m"(watched[1])
                         : "rcx", "r11", "memory");
        if (nr != getppid())
            _exit(2);
    }
}

TEST(kernel, "what the kernel touches is noted; a trap held back to a call harms nobody")
{
    int status;
    pid_t pid;

    need_hits();
    pid = traced(reads_into);
    OK(set(pid, 0, ADDR(watched)));
    OK(set(pid, 1, ADDR(watched + 1)));
    OK(set(pid, CONTROL, ON(0) | WRITE(0) | BYTES8(0) | ON(1) | ACCESS(1)));
    for (;;) { /* whether the CPU holds the trap back is its own affair */
        OK(trace(PTRACE_CONT, pid, 0, 0));
        EQ(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status))
            break;
        EQ(status, SIGTRAP << 8 | 0x7f);
        CHECK(!(word(pid, STATUS) & 1));
    }
    EQ(status, 7 << 8);
}

static void *writes_much(void *unused)
{
    for (int i = 0; i < 20000; i++) {
        watched[0] = i;
        if (i % 64 == 0)
            sched_yield();
    }
    return unused;
}

static void with_threads(void)
{
    pthread_t t[2];

    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, writes_much, NULL))
            _exit(1);
    for (int i = 0; i < 200; i++)
        sched_yield();
    watched[0] = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    watched[0] = 2;
}

TEST(threads, "they belong to one thread, before and after which others run")
{
    pid_t pid;

    need_hits();
    pid = traced(with_threads);
    OK(set(pid, 2, ADDR(watched)));
    OK(set(pid, CONTROL, ON(2) | WRITE(2) | BYTES8(2)));
    hit(pid, 4);
    hit(pid, 4);
    ends_with(pid, 7);
}

static void has_child(void)
{
    pid_t pid = fork();

    if (!pid) {
        watched[0] = 3;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    execl(t_exe, t_exe, "--helper", (char *)NULL);
    _exit(1);
}

TEST(children, "a child has none though it reads the control word; an exec ends them")
{
    unsigned long child = 0;
    pid_t pid = traced(has_child);

    OK(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC));
    OK(set(pid, 0, ADDR(watched)));
    OK(set(pid, CONTROL, ON(0) | WRITE(0)));
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_FORK << 8);
    OK(trace(PTRACE_GETEVENTMSG, pid, 0, ADDR(&child)));
    EQ(stop_of((pid_t)child), SIGSTOP);
    EQ(word((pid_t)child, 0), 0);
    EQ(word((pid_t)child, CONTROL), ON(0) | WRITE(0));
    ends_with((pid_t)child, 0);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGCHLD);
    EQ(word(pid, 0), ADDR(watched));
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGTRAP | PTRACE_EVENT_EXEC << 8);
    EQ(word(pid, 0), 0);
    EQ(word(pid, CONTROL), 0);
    EQ(word(pid, STATUS), 0xffff0ff0);
    ends_with(pid, 9);
}

static void on_trap(int signo, siginfo_t *info, void *unused)
{
    (void)signo, (void)unused;
    shared[0] = info->si_code;
}

static void left_alone(void)
{
    struct sigaction act = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

    sigaction(SIGTRAP, &act, NULL);
    raise(SIGSTOP);
    watched[0] = 1;
    shared[1] = 1;
    for (;;)
        pause();
}

TEST(detach,
     "they stay when the tracer leaves: the program gets the signal, the next reads them")
{
    int status;
    pid_t pid;

    shared = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    pid = traced(left_alone);
    OK(trace(PTRACE_CONT, pid, 0, 0));
    EQ(stop_of(pid), SIGSTOP);
    OK(set(pid, 0, ADDR(watched)));
    OK(set(pid, CONTROL, ON(0) | WRITE(0)));
    OK(trace(PTRACE_DETACH, pid, 0, 0));
    while (!shared[1])
        t_nap(1000);
    OK(trace(PTRACE_ATTACH, pid, 0, 0));
    EQ(stop_of(pid), SIGSTOP);
    EQ(word(pid, 0), ADDR(watched));
    EQ(word(pid, CONTROL), ON(0) | WRITE(0));
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    if (shared[0] || t_tessera)
        EQ(shared[0], TRAP_HWBKPT);
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 9;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}

static void writes_on(void)
{
    for (long i = 0;; i++)
        watched[i % 4] = i;
}

/* Two reasons to stop at one instruction. QEMU makes two traps of them, of which the second takes the
 * place of the first: the program cannot go on, but it stops. */
TEST(steps, "a step that touches what is watched ends")
{
    pid_t pid = traced(writes_on);
    int signal = SIGTRAP;

    OK(set(pid, 0, ADDR(&watched[2])));
    OK(set(pid, CONTROL, ON(0) | WRITE(0) | BYTES8(0)));
    for (int i = 0; i < 200 && signal == SIGTRAP; i++) {
        OK(trace(PTRACE_SINGLESTEP, pid, 0, 0));
        signal = stop_of(pid);
    }
    if (signal != SIGTRAP)
        EQ(signal, SIGSEGV);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, NULL, __WALL), pid);
}
