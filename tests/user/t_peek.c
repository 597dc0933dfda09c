/* SPDX-License-Identifier: MIT
 *
 * PTRACE_PEEKSIGINFO, and smaps_rollup of a process whose memory is empty.
 */
#include "tests/user/t.h"
#include <sys/ptrace.h>

#define PEEK   0x4209
#define SHARED 1

struct peek_args {
    uint64_t off;
    uint32_t flags;
    int32_t nr;
};

static long peek(pid_t pid, uint64_t off, uint32_t flags, int32_t nr, void *to)
{
    struct peek_args args = {off, flags, nr};
    return syscall(SYS_ptrace, PEEK, pid, &args, to);
}

static void send(pid_t pid, bool shared, int signo, int value)
{
    siginfo_t info = {.si_signo = signo, .si_code = -1};
    info.si_value.sival_int = value;
    OK(shared ? syscall(SYS_rt_sigqueueinfo, pid, signo, &info)
              : syscall(SYS_rt_tgsigqueueinfo, pid, pid, signo, &info));
}

/* A child that stands for us, with everything blocked. */
static pid_t standing(void)
{
    pid_t pid = t_fork();
    if (!pid) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
            _exit(90);
        kill(getpid(), SIGSTOP);
        pause();
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSTOPPED(status));
    return pid;
}

static void end(pid_t pid)
{
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
}

TEST(queues,
     "what is pending for a thread and for its process, from any place on; it stays")
{
    pid_t pid = standing();
    siginfo_t info[64];
    EQ(peek(pid, 0, 0, 10, info), 0);
    for (int i = 0; i < 40; i++) {
        send(pid, false, SIGRTMIN + 3, i);
        send(pid, true, SIGRTMIN + 4, 100 + i);
    }
    for (int turn = 0; turn < 2; turn++)
        for (int shared = 0; shared < 2; shared++)
            for (int off = 0; off < 42; off += 7) {
                int want = off < 40 ? 40 - off : 0;
                EQ(peek(pid, (uint64_t)off, shared ? SHARED : 0, 64, info), want);
                for (int i = 0; i < want; i++) {
                    EQ(info[i].si_signo, SIGRTMIN + 3 + shared);
                    EQ(info[i].si_code, -1);
                    EQ(info[i].si_value.sival_int, 100 * shared + off + i);
                }
                EQ(peek(pid, (uint64_t)off, shared ? SHARED : 0, 3, info),
                   want < 3 ? want : 3);
            }
    EQ(peek(pid, ~0ull, 0, 10, info), 0);
    EQ(peek(pid, 0, 0, 0, info), 0);
    send(pid, false, SIGUSR1, 7);
    EQ(peek(pid, 0, 0, 64, info), 41);
    int seen = 0;
    for (int i = 0; i < 41; i++)
        seen += info[i].si_signo == SIGUSR1 && info[i].si_value.sival_int == 7;
    EQ(seen, 1);
    end(pid);
}

TEST(many, "5,000 pending signals, from places far behind, by one call and by many")
{
    enum { N = 5000 };
    static siginfo_t info[N];
    struct rlimit room = {N + 10, N + 10};
    if (setrlimit(RLIMIT_SIGPENDING, &room))
        SKIP("so many may not be pending");
    pid_t pid = standing();
    for (int i = 0; i < N; i++)
        send(pid, true, SIGRTMIN + 2, i);
    EQ(peek(pid, 0, SHARED, N + 100, info), N);
    for (int i = 0; i < N; i++)
        EQ(info[i].si_value.sival_int, i);
    for (int off = 0; off <= N; off += 499) {
        int n = (int)peek(pid, (uint64_t)off, SHARED, 7, info);
        EQ(n, off + 7 <= N ? 7 : N - off);
        for (int i = 0; i < n; i++)
            EQ(info[i].si_value.sival_int, off + i);
    }
    send(pid, true, SIGUSR2, -5);
    EQ(peek(pid, N, SHARED, 7, info), 1);
    EQ(peek(pid, 0, SHARED, N + 100, info), N + 1);
    EQ(peek(pid, N + 5, SHARED, 7, info), 0);
    end(pid);
}

TEST(errors, "no such flags, counts, processes; a buffer that ends tells what fitted")
{
    pid_t pid = standing();
    siginfo_t info[4];
    for (int i = 0; i < 4; i++)
        send(pid, false, SIGRTMIN + 1, i);
    ERR(peek(pid, 0, 2, 1, info), EINVAL);
    ERR(peek(pid, 0, ~0u, 1, info), EINVAL);
    ERR(peek(pid, 0, 0, -1, info), EINVAL);
    ERR(syscall(SYS_ptrace, PEEK, pid, NULL, info), EFAULT);
    ERR(peek(getpid(), 0, 0, 1, info), ESRCH);
    char *two =
        mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(two != MAP_FAILED);
    OK(mprotect(two + P, P, PROT_READ));
    EQ(peek(pid, 0, 0, 4, two + P - 2 * sizeof(*info)), 2);
    ERR(peek(pid, 0, 0, 4, two + P), EFAULT);
    EQ(peek(pid, 4, 0, 4, two + P), 0);
    end(pid);
}

/* Unmaps everything it has; the next instruction is not there. */
static void vanish(void)
{
    register long size __asm__("rsi") = 0x7ffffffff000;
    __asm__ volatile("syscall"
                     :
                     : "a"(SYS_munmap), "D"(0L), "r"(size)
                     : "rcx", "r11", "memory");
}

TEST(rollup, "smaps_rollup of a process without any area: all its figures, all 0")
{
    pid_t pid = t_fork();
    if (!pid) {
        syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
        vanish();
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSEGV)
        FAIL("status %#x", status);
    char name[64], text[2048];
    snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", pid);
    int fd = open(name, O_RDONLY);
    OK(fd);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    OK(n);
    text[n] = 0;
    static const char first[] = "00000000-00000000 ---p 00000000 00:00 0";
    EQ(strncmp(text, first, sizeof(first) - 1), 0);
    const char *mark = strstr(text, "[rollup]\n");
    CHECK(mark);
    EQ(mark - text, 73);
    CHECK(strstr(text, "Rss:                   0 kB\n"));
    CHECK(strstr(text, "Locked:                0 kB\n"));
    EQ(read(fd, text, 1), 0);
    end(pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
