/* SPDX-License-Identifier: MIT
 *
 * Filters of system calls, seccomp(2): what they see, what they answer and which answer counts,
 * threads and children that have them, strict mode. Those that ask a tracer: t_seccomp_trace.c.
 */
#include "tests/user/t_seccomp.h"
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <ucontext.h>

/* ---- what is taken ---- */

TEST(seccomp_args,
     "operations, flags, lengths, addresses, in the order in which they are looked at")
{
    struct bpf_insn allow[] = {RET(SECCOMP_RET_ALLOW)};
    struct program p = {1, allow};
    unsigned action = SECCOMP_RET_LOG;

    ERR(seccomp(4, 0, NULL), EINVAL);
    ERR(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
    ERR(seccomp(SECCOMP_SET_MODE_STRICT, 0, &p), EINVAL);
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0x80, NULL), EINVAL);
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)16), EFAULT);
    OK(setgroups(0, NULL));
    OK(setresuid(1000, 1000, 1000));
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EACCES);
    p.len = 0;
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EINVAL);
    p.len = 4097;
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EINVAL);
    p.len = 1;
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    p.filter = NULL;
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EINVAL);
    p.filter = (void *)16;
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p), EFAULT);
    p.filter = allow;
    ERR(prctl(PR_SET_SECCOMP, 0, 0), EINVAL);
    ERR(prctl(PR_SET_SECCOMP, 3, &p), EINVAL);
    ERR(prctl(PR_SET_SECCOMP, 2, NULL), EFAULT);
    EQ(prctl(PR_GET_SECCOMP), 0);
    OK(prctl(PR_SET_SECCOMP, 2, &p));
    EQ(prctl(PR_GET_SECCOMP), 2);
    ERR(prctl(PR_SET_SECCOMP, 1, 0), EINVAL);
    OK(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action));
    ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &action), EINVAL);
    ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT);
    action = 0x12340000;
    ERR(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), EOPNOTSUPP);
}

TEST(seccomp_bad, "instructions about packets, places that no call has")
{
    ERR(FILTER(OP(BPF_LD | BPF_IMM, 1)), EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_ABS, 64), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_ABS, 2), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU), RET(SECCOMP_RET_ALLOW)),
        EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_ABS | BPF_H, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_IND, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_LDX | BPF_MSH | BPF_B, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_ALU | BPF_MOD, 3), RET(SECCOMP_RET_ALLOW)), EINVAL);
    ERR(FILTER(OP(BPF_LD | BPF_MEM, 0), RET(SECCOMP_RET_ALLOW)), EINVAL);
    EQ(prctl(PR_GET_SECCOMP), 0);
}

/* ---- what they see ---- */

/* From now on getppid fails with errno 77 when the word at `at` is `value`, else 78. */
static int shows(unsigned at, unsigned value)
{
    pid_t pid = t_fork();
    int status;

    if (!pid) {
        OK(FILTER(OP(BPF_LD | BPF_ABS, 0), JUMP(BPF_JEQ, SYS_getppid, 1, 0),
                  RET(SECCOMP_RET_ALLOW), OP(BPF_LD | BPF_ABS, at),
                  JUMP(BPF_JEQ, value, 0, 1), RET(SECCOMP_RET_ERRNO | 77),
                  RET(SECCOMP_RET_ERRNO | 78)));
        EQ(syscall(SYS_getppid, 0x1111111122222222, 2, 3, 4, 5, -6), -1);
        _exit(errno);
    }
    EQ(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

TEST(seccomp_data, "number, machine, address and arguments of the call; the length is 64")
{
    static const struct {
        unsigned at, value;
    } words[] = {{0, SYS_getppid}, {4, 0xc000003e}, {16, 0x22222222}, {20, 0x11111111},
                 {24, 2},          {28, 0},         {32, 3},          {40, 4},
                 {48, 5},          {56, -6u},       {60, -1u}};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        EQ(shows(words[i].at, words[i].value), 77);
        EQ(shows(words[i].at, words[i].value + 1), 78);
    }
    OK(FILTER(OP(BPF_LD | BPF_ABS, 0), JUMP(BPF_JEQ, SYS_getppid, 1, 0),
              RET(SECCOMP_RET_ALLOW), OP(BPF_LD | BPF_LEN, 0),
              OP(BPF_ALU | BPF_OR, SECCOMP_RET_ERRNO), OP(BPF_RET | BPF_A, 0)));
    ERR(syscall(SYS_getppid), 64);
}

TEST(seccomp_numbers, "numbers without a call are looked at; the program's -1 too")
{
    OK(FILTER(OP(BPF_LD | BPF_ABS, 0), JUMP(BPF_JEQ, 5000, 0, 1),
              RET(SECCOMP_RET_ERRNO | 9), JUMP(BPF_JEQ, -2, 0, 1),
              RET(SECCOMP_RET_ERRNO | 10), RET(SECCOMP_RET_ALLOW)));
    ERR(syscall(5000), 9);
    ERR(syscall(5001), ENOSYS);
    ERR(syscall(-2), 10);
    ERR(syscall(-1), ENOSYS);
    ERR(syscall(-3), ENOSYS);
}

/* ---- what they answer ---- */

TEST(seccomp_errno, "0 is a success without the call; at most 4095")
{
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO));
    EQ(syscall(SYS_getppid), 0);
    OK(refuse(SYS_getpgid, SECCOMP_RET_ERRNO | 4096));
    ERR(syscall(SYS_getpgid, 0), 4095);
    OK(refuse(SYS_getsid, SECCOMP_RET_LOG | 3));
    EQ(syscall(SYS_getsid, 0), getsid(0));
    OK(refuse(SYS_getuid, SECCOMP_RET_TRACE | 3));
    ERR(syscall(SYS_getuid), ENOSYS);
    OK(refuse(SYS_getgid, SECCOMP_RET_USER_NOTIF));
    ERR(syscall(SYS_getgid), ENOSYS);
}

TEST(seccomp_order,
     "the strictest answer counts, of equal ones the newest; data does not order")
{
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 5));
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 9));
    ERR(syscall(SYS_getppid), 9);
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 3));
    ERR(syscall(SYS_getppid), 3);
    OK(refuse(SYS_getppid, SECCOMP_RET_TRACE));
    OK(refuse(SYS_getppid, SECCOMP_RET_ALLOW));
    ERR(syscall(SYS_getppid), 3);
    EQ(prctl(PR_GET_SECCOMP), 2);
}

static siginfo_t info;
static volatile long rax, result;

static void on_sys(int signo, siginfo_t *i, void *context)
{
    ucontext_t *u = context;

    EQ(signo, SIGSYS);
    info = *i;
    rax = u->uc_mcontext.gregs[REG_RAX];
    u->uc_mcontext.gregs[REG_RAX] = 1234;
}

struct sys_info {
    void *call;
    int nr;
    unsigned arch;
};

TEST(
    seccomp_trap,
    "SIGSYS with the call, its address and the filter's data; a handler gives the result")
{
    struct sigaction act = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
    struct sys_info s;
    char *after;

    OK(sigaction(SIGSYS, &act, NULL));
    OK(refuse(SYS_getppid, SECCOMP_RET_TRAP | 55));
    __asm__ volatile("syscall\n\tlea 0(%%rip), %1"
                     : "=a"(result), "=&r"(after)
                     : "0"(SYS_getppid)
                     : "rcx", "r11", "memory");
    EQ(result, 1234);
    EQ(rax, SYS_getppid);
    EQ(info.si_code, 1);
    EQ(info.si_errno, 55);
    memcpy(&s, &info.si_addr, sizeof(s));
    CHECK((char *)s.call < after && (char *)s.call > after - 16);
    EQ(s.nr, SYS_getppid);
    EQ(s.arch, 0xc000003e);
}

static void trapped(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_TRAP));
    syscall(SYS_getppid);
}

static void trapped_blocked(void)
{
    sigset_t set;

    sigfillset(&set);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    trapped();
}

static void trapped_ignored(void)
{
    signal(SIGSYS, SIG_IGN);
    trapped();
}

static void killed_anyway(void)
{
    struct sigaction act = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};

    OK(sigaction(SIGSYS, &act, NULL));
    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    syscall(SYS_getppid);
}

static void killed_alone(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_THREAD));
    syscall(SYS_getppid);
}

static void killed_unknown(void)
{
    OK(refuse(SYS_getppid, 0x20000000));
    syscall(SYS_getppid);
}

static int ends(void (*fn)(void))
{
    pid_t pid = t_fork();
    int status;

    if (!pid) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        fn();
        _exit(0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    return status;
}

TEST(seccomp_kill, "SIGSYS that nothing keeps away: killed, or trapped without a handler")
{
    EQ(ends(trapped), SIGSYS);
    EQ(ends(trapped_blocked), SIGSYS);
    EQ(ends(trapped_ignored), SIGSYS);
    EQ(ends(killed_anyway), SIGSYS);
    EQ(ends(killed_alone), SIGSYS);
    EQ(ends(killed_unknown), SIGSYS);
}

static void core_of(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){1 << 20, 1 << 20});
    killed_anyway();
}

TEST(seccomp_core, "who is killed leaves a core file where its limit says so")
{
    pid_t pid = t_fork();
    int status;

    if (!pid) {
        OK(setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
        core_of();
        _exit(0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(WTERMSIG(status), SIGSYS);
    if (!t_tessera)
        SKIP("where it goes is the machine's affair");
    EQ(status, SIGSYS | 0x80);
}

/* ---- threads ---- */

static volatile int tid_of_thread;
static volatile bool survived;

static void *kill_me(void *arg)
{
    tid_of_thread = (int)syscall(SYS_gettid);
    syscall(SYS_getppid);
    survived = true;
    return arg;
}

/* Until the thread that runs fn has gone: the C library does not learn of it. */
static void dies(void *(*fn)(void *))
{
    pthread_t t;

    EQ(pthread_create(&t, NULL, fn, NULL), 0);
    while (!tid_of_thread || syscall(SYS_tgkill, getpid(), tid_of_thread, 0) == 0)
        sched_yield();
    EQ(errno, ESRCH);
}

static void thread_dies(void)
{
    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_THREAD));
    dies(kill_me);
    _exit(survived ? 1 : 33);
}

static void process_dies(void)
{
    pthread_t t;

    OK(refuse(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    EQ(pthread_create(&t, NULL, kill_me, NULL), 0);
    pthread_join(t, NULL);
    _exit(33);
}

TEST(seccomp_threads, "KILL_THREAD ends that one alone")
{
    EQ(ends(thread_dies), 33 << 8);
    EQ(ends(process_dies), SIGSYS);
}

static volatile int stage;
static volatile long of_thread;

static void *other(void *arg)
{
    tid_of_thread = (int)syscall(SYS_gettid);
    if (arg)
        OK(refuse(SYS_getsid, SECCOMP_RET_ERRNO | 7));
    stage = 1;
    while (stage != 2)
        sched_yield();
    of_thread = syscall(SYS_getppid) == -1 ? errno : 0;
    stage = 3;
    return (void *)(long)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

/* Sets a filter for getppid with these flags while another thread runs, which has one of its own
 * when `differs`; what the call says. */
static long with_other(unsigned flags, bool differs, void **nnp)
{
    struct bpf_insn of[] = {OP(BPF_LD | BPF_ABS, 0), JUMP(BPF_JEQ, SYS_getppid, 0, 1),
                            RET(SECCOMP_RET_ERRNO | 44), RET(SECCOMP_RET_ALLOW)};
    struct program p = {4, of};
    pthread_t t;
    long r;

    stage = 0;
    EQ(pthread_create(&t, NULL, other, (void *)(long)differs), 0);
    while (stage != 1)
        sched_yield();
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    r = seccomp(SECCOMP_SET_MODE_FILTER, flags, &p);
    stage = 2;
    EQ(pthread_join(t, nnp), 0);
    return r;
}

TEST(seccomp_tsync, "one call filters all threads, if none has what the caller has not")
{
    void *nnp;

    EQ(with_other(0, false, &nnp), 0);
    EQ(of_thread, 0);
    CHECK(!nnp);
    ERR(syscall(SYS_getppid), 44);
    EQ(with_other(SECCOMP_FILTER_FLAG_TSYNC, false, &nnp), 0);
    EQ(of_thread, 44);
    CHECK(nnp);
    EQ(with_other(SECCOMP_FILTER_FLAG_TSYNC, true, &nnp), tid_of_thread);
    EQ(with_other(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, true,
                  &nnp),
       -1);
    EQ(errno, ESRCH);
    EQ(with_other(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, false,
                  &nnp),
       0);
}

static volatile bool over;

static void *keeps_making(void *arg)
{
    pthread_t t;

    while (!over)
        if (pthread_create(&t, NULL, kill_me, NULL) == 0)
            pthread_join(t, NULL);
    return arg;
}

TEST(seccomp_tsync_race,
     "threads that make threads while one filters all; then all are filtered")
{
    pthread_t t[3];
    int n = 0;

    for (int i = 0; i < 3; i++)
        EQ(pthread_create(&t[i], NULL, keeps_making, NULL), 0);
    for (int i = 0; i < 100; i++) {
        struct bpf_insn of[] = {RET(SECCOMP_RET_ALLOW)};
        struct program p = {1, of};

        OK(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p));
        n++;
        sched_yield();
    }
    over = true;
    for (int i = 0; i < 3; i++)
        EQ(pthread_join(t[i], NULL), 0);
    EQ(filters_of("self"), n);
}

/* ---- children ---- */

TEST(seccomp_inherit,
     "children and the programs they run keep them; status tells how many")
{
    pid_t pid;
    int status;

    EQ(filters_of("self"), 0);
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 21));
    OK(refuse(SYS_getsid, SECCOMP_RET_ERRNO | 22));
    EQ(filters_of("self"), 2);
    pid = t_fork();
    if (!pid) {
        EQ(filters_of("self"), 2);
        OK(refuse(SYS_getpgid, SECCOMP_RET_ERRNO | 23));
        EQ(filters_of("self"), 3);
        execl(t_exe, t_exe, "--helper", "calls", NULL);
        _exit(127);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 21 << 8);
    EQ(filters_of("self"), 2);
    CHECK(getpgid(0) >= 0);
    pid = t_fork();
    if (!pid)
        _exit(0);
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    char name[16];
    snprintf(name, sizeof(name), "%d", pid);
    EQ(filters_of(name), 2); /* of a zombie too */
    EQ(waitpid(pid, &status, 0), pid);
}

TEST(seccomp_privs, "no_new_privs stays; root needs none")
{
    OK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    OK(refuse(SYS_getppid, SECCOMP_RET_ERRNO | 1));
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

/* ---- how many ---- */

TEST(seccomp_chain,
     "a chain has 32768 instructions at most, with 4 more for each filter below")
{
    static struct bpf_insn many[4096];
    struct program p = {4096, many};
    struct program one = {1, many};
    long n = 0;

    for (int i = 0; i < 4096; i++)
        many[i] = RET(SECCOMP_RET_ALLOW);
    while (seccomp(SECCOMP_SET_MODE_FILTER, 0, &p) == 0)
        n++;
    EQ(errno, ENOMEM);
    if (!t_tessera) /* which counts the instructions of its own that these become */
        SKIP("%ld of 4096 instructions", n);
    EQ(n, 7);
    p.len = 4096 - 7 * 4;
    OK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p));
    ERR(seccomp(SECCOMP_SET_MODE_FILTER, 0, &one), ENOMEM);
    EQ(filters_of("self"), 8);
    EQ(getpid(), syscall(SYS_getpid));
}

TEST(seccomp_small,
     "thousands of one instruction; a child that ends gives back its own only")
{
    struct bpf_insn of[] = {RET(SECCOMP_RET_ALLOW)};
    struct program one = {1, of};
    int n = 0, status;
    pid_t pid;

    for (int i = 0; i < 3000; i++)
        OK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &one));
    pid = t_fork();
    if (!pid) {
        while (seccomp(SECCOMP_SET_MODE_FILTER, 0, &one) == 0)
            n++;
        _exit(errno == ENOMEM && (n == 3554 || !t_tessera) ? 0 : 1);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    EQ(filters_of("self"), 3000);
}

TEST(seccomp_long, "the longest way through the longest chain is soon over")
{
    static struct bpf_insn many[4096];
    struct program p = {4096, many};

    many[0] = OP(BPF_LD | BPF_ABS, 16);
    for (int i = 1; i < 4095; i++)
        many[i] = i % 2 ? OP(BPF_ALU | BPF_DIV, 3) : OP(BPF_LD | BPF_ABS, 60);
    many[4095] = RET(SECCOMP_RET_ALLOW);
    for (int i = 0; i < 7; i++)
        OK(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p));
    for (int i = 0; i < 200; i++)
        OK(syscall(SYS_getppid, 1, 2, 3, 4, 5, 6));
}

/* ---- strict mode ---- */

static void strict_read(void)
{
    char c;
    int fd[2];

    OK(pipe(fd));
    OK(prctl(PR_SET_SECCOMP, 1));
    if (write(fd[1], "x", 1) == 1 && read(fd[0], &c, 1) == 1)
        syscall(SYS_exit, 11);
    syscall(SYS_exit, 12);
}

static void strict_other(void)
{
    OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    syscall(SYS_getppid);
}

static void strict_group(void)
{
    OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    syscall(SYS_exit_group, 0);
}

static void strict_clock(void)
{
    signal(SIGSEGV, SIG_DFL);
    OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    __builtin_ia32_rdtsc();
}

static void *strict_thread(void *arg)
{
    tid_of_thread = (int)syscall(SYS_gettid);
    OK(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL));
    syscall(SYS_getppid);
    return arg;
}

static void strict_alone(void)
{
    dies(strict_thread);
    EQ(prctl(PR_GET_SECCOMP), 0);
    _exit(13);
}

TEST(seccomp_strict,
     "read, write, exit; anything else kills the thread; no counter of cycles")
{
    EQ(ends(strict_read), 11 << 8);
    EQ(ends(strict_other), SIGKILL);
    EQ(ends(strict_group), SIGKILL);
    EQ(ends(strict_clock), SIGSEGV);
    EQ(ends(strict_alone), 13 << 8);
}

static void on_alarm(int signo)
{
    (void)signo;
}

TEST(seccomp_restart, "a sleep that goes on is looked at as restart_syscall")
{
    pid_t pid = t_fork(), stopper;
    int status;

    if (!pid) {
        signal(SIGALRM, on_alarm);
        OK(refuse(219, SECCOMP_RET_ERRNO | 77));
        EQ(syscall(SYS_nanosleep, &(struct timespec){30, 0}, NULL), -1);
        _exit(errno);
    }
    t_until_asleep(pid);
    stopper = pid;
    OK(kill(stopper, SIGSTOP));
    EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status));
    OK(kill(pid, SIGCONT));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 77 << 8);
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (syscall(SYS_getpgid, 0) != -1 || errno != 23)
        return 1;
    return syscall(SYS_getppid) == -1 ? errno : 2;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
