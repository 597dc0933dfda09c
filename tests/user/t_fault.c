/* SPDX-License-Identifier: MIT
 *
 * Faults: siginfo of every kind, the stack and its guard gap, user memory in
 * system calls, exceptions of the CPU. R-numbers are the requirements of the test plan.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned char *anon(size_t n)
{
    return t_map(NULL, n, RW, ANON, -1, 0);
}

static int nothing(void)
{
    return 7;
}

TEST(R28_codes, "SIGSEGV: code and address")
{
    unsigned char *p = anon(4), *text = (unsigned char *)(uintptr_t)&nothing;
    *p = 1;
    OK(mprotect(p + P, P, PROT_READ));
    OK(mprotect(p + 2 * P, P, PROT_NONE));
    OK(munmap(p + 3 * P, P));
    FAULT(t_read(p + 3 * P + 5), SIGSEGV, SEGV_MAPERR, p + 3 * P + 5);
    FAULT(t_write(p + 3 * P + 5, 1), SIGSEGV, SEGV_MAPERR, p + 3 * P + 5);
    FAULT(t_write(p + P + 9, 1), SIGSEGV, SEGV_ACCERR, p + P + 9);
    EQ(t_read(p + P), 0);
    FAULT(t_write(p + P + 9, 1), SIGSEGV, SEGV_ACCERR, p + P + 9);
    FAULT(t_read(p + 2 * P), SIGSEGV, SEGV_ACCERR, p + 2 * P);
    FAULT(t_write(p + 2 * P, 1), SIGSEGV, SEGV_ACCERR, p + 2 * P);
    FAULT(t_call(p, NULL), SIGSEGV, SEGV_ACCERR, p);
    FAULT(t_write(text, 1), SIGSEGV, SEGV_ACCERR, text);
    FAULT(t_read(NULL), SIGSEGV, SEGV_MAPERR, NULL);
    FAULT(t_write((void *)8, 1), SIGSEGV, SEGV_MAPERR, (void *)8);
    FAULT(t_call((void *)16, NULL), SIGSEGV, SEGV_MAPERR, (void *)16);
}

TEST(R53, "the upper half is closed")
{
    for (uintptr_t at = 0xffff800000000000; at; at += 0x0000020000000000) {
        FAULT(t_read((void *)at), SIGSEGV, SEGV_MAPERR, (void *)at);
        EQ(t_write((void *)at, 1), SIGSEGV);
        EQ(t_call((void *)at, NULL), SIGSEGV);
    }
    for (uintptr_t at = 0xffffffff80000000; at; at += 0x00200000) {
        EQ(t_read((void *)(at + 64)), SIGSEGV);
        EQ(t_write((void *)at, 1), SIGSEGV);
        EQ(t_call((void *)at, NULL), SIGSEGV);
    }
    for (uintptr_t at = 0; at < 0x10000; at += P)
        EQ(t_read((void *)at), SIGSEGV);
}

TEST(non_canonical, "a non-canonical address has no address")
{
    FAULT(t_read((void *)0x0000900000000000), SIGSEGV, 0x80 /* SI_KERNEL */, NULL);
    FAULT(t_write((void *)0x8000000000000000, 1), SIGSEGV, 0x80, NULL);
    EQ(t_call((void *)0x0000900000000000, NULL), SIGSEGV);
}

TEST(bus, "SIGBUS past EOF: code and address")
{
    M(F(2), 4);
    FAULT(t_read(A + 2 * P + 7), SIGBUS, BUS_ADRERR, A + 2 * P + 7);
    FAULT(t_write(A + 4 * P - 1, 1), SIGBUS, BUS_ADRERR, A + 4 * P - 1);
    A = t_map(NULL, 4, RW, MAP_PRIVATE, F(2), 0);
    FAULT(t_write(A + 3 * P, 1), SIGBUS, BUS_ADRERR, A + 3 * P);
}

/* ---- the stack ---- */
static unsigned char *stack_bottom(void)
{
    struct t_reader r;
    unsigned char *at = NULL;
    CHECK(t_open(&r, "/proc/self/maps"));
    for (char *l; (l = t_line(&r));)
        if (strstr(l, "[stack]"))
            at = (unsigned char *)strtoul(l, NULL, 16);
    CHECK(at);
    return at;
}

TEST(stack_grows, "the stack grows down page by page, and in one leap")
{
    unsigned char *bottom = stack_bottom();
    for (size_t i = 1; i <= 64; i++)
        EQ(t_write(bottom - i * P, 1), 0);
    EQ(t_write(bottom - 300 * P, 1), 0);
    EQ(t_read(bottom - 200 * P), 0);
    CHECK(stack_bottom() <= bottom - 300 * P);
}

TEST(stack_limit, "the stack does not grow below its limit")
{
    struct rlimit lim;
    OK(getrlimit(RLIMIT_STACK, &lim));
    if (lim.rlim_cur > 64UL << 20)
        SKIP("no limit");
    unsigned char *here = (unsigned char *)&lim;
    EQ(t_write(here - lim.rlim_cur / 2, 1), 0);
    EQ(t_write(here - lim.rlim_cur - P, 1), SIGSEGV);
    lim.rlim_cur = 1 << 20;
    CHILD({
        OK(setrlimit(RLIMIT_STACK, &lim));
        unsigned char *b = stack_bottom();
        EQ(t_write(b - 64 * P, 1), SIGSEGV);
    });
}

TEST(R28_gap, "the guard gap below the stack")
{
    unsigned char *bottom = stack_bottom();
    unsigned char *below = bottom - 300 * P;
    OK(t_map(below, 1, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == below ? 0 : -1);
    EQ(t_write(bottom - 40 * P, 1), 0);
    EQ(t_write(below + 258 * P, 1), 0);
    EQ(t_write(below + 200 * P, 1), SIGSEGV);
    EQ(t_write(below + 2 * P, 1), SIGSEGV);
    EQ(t_write(below, 1), 0);
}

static int deep(volatile int n)
{
    volatile char frame[2000];
    frame[0] = (char)n;
    return n ? deep(n - 1) + frame[0] : 0;
}

static sigjmp_buf out;

static void on_overflow(int sig, siginfo_t *info, void *context)
{
    (void)context, (void)info;
    siglongjmp(out, sig);
}

TEST(stack_overflow, "endless recursion is caught on the alternate stack")
{
    static char alt[32768];
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};
    struct sigaction sa = {.sa_sigaction = on_overflow,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK};
    OK(sigaltstack(&ss, NULL));
    OK(sigaction(SIGSEGV, &sa, NULL));
    int sig = sigsetjmp(out, 1);
    if (!sig)
        deep(1 << 30);
    EQ(sig, SIGSEGV);
    EQ(deep(100) != 12345, 1);
}

TEST(stack_overflow_kills, "endless recursion without an alternate stack kills")
{
    pid_t pid = t_fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        deep(1 << 30);
        _exit(0);
    }
    EQ(t_status_of(pid), SIGSEGV);
}

/* ---- user memory in system calls ---- */
TEST(R16, "bad pointers give EFAULT")
{
    int fd = F(2), ends[2];
    unsigned char *p = anon(4);
    OK(pipe(ends));
    OK(munmap(p + P, P));
    OK(mprotect(p + 2 * P, P, PROT_READ));
    OK(mprotect(p + 3 * P, P, PROT_NONE));
    const uintptr_t bad[] = {0,
                             8,
                             (uintptr_t)(p + P),
                             (uintptr_t)(p + 3 * P),
                             0x00007ffffffff000,
                             0x0000800000000000,
                             0x0000900000000000,
                             0xffff800000000000,
                             0xffffffff80000000,
                             ~0UL - 4,
                             ~0UL};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        void *b = (void *)bad[i];
        ERR(syscall(SYS_pread64, fd, b, 16, 0), EFAULT);
        ERR(syscall(SYS_pwrite64, fd, b, 16, 0), EFAULT);
        ERR(syscall(SYS_write, ends[1], b, 16), EFAULT);
        ERR(syscall(SYS_open, b, O_RDONLY), EFAULT);
        ERR(syscall(SYS_fstat, fd, b), EFAULT);
        ERR(syscall(SYS_uname, b), EFAULT);
        ERR(syscall(SYS_pipe, b), EFAULT);
        ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, b), EFAULT);
        ERR(syscall(SYS_execve, b, NULL, NULL), EFAULT);
    }
    ERR(syscall(SYS_pread64, fd, p + 2 * P, 16, 0), EFAULT);
    EQ(syscall(SYS_pwrite64, fd, p + 2 * P, 16, 64), 16);
    EQ(t_tag_in_file(fd, 0), 0);
}

TEST(R17_short, "a buffer that ends in a hole: short count or EFAULT")
{
    int fd = F(1), ends[2];
    unsigned char *p = anon(2);
    OK(pipe(ends));
    OK(munmap(p + P, P));
    long r = pwrite(fd, p + P - 100, 200, 0);
    CHECK(r == 100 || (r == -1 && errno == EFAULT));
    r = pread(fd, p + P - 100, 200, 0);
    CHECK(r == 100 || (r == -1 && errno == EFAULT));
    r = write(ends[1], p + P - 100, 200);
    CHECK(r == 100 || (r == -1 && errno == EFAULT));
}

/* ---- exceptions of the CPU ---- */
static int raised, raised_code;

static void on_exception(int sig, siginfo_t *info, void *context)
{
    (void)context;
    raised = sig;
    raised_code = info->si_code;
    siglongjmp(out, 1);
}

#define RAISES(insn, sig)                                             \
    do {                                                              \
        raised = 0;                                                   \
        if (!sigsetjmp(out, 1))                                       \
            __asm__ volatile(insn ::: "rax", "rcx", "rdx", "memory"); \
        if (raised != (sig))                                          \
            FAIL("%s raised %d, want %d", insn, raised, (sig));       \
    } while (0)

static void catch_exceptions(void)
{
    struct sigaction sa = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO};
    const int sigs[] = {SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGBUS};
    for (size_t i = 0; i < 5; i++)
        OK(sigaction(sigs[i], &sa, NULL));
}

TEST(R09, "privileged and undefined instructions")
{
    catch_exceptions();
    RAISES("hlt", SIGSEGV);
    RAISES("cli", SIGSEGV);
    RAISES("sti", SIGSEGV);
    RAISES("inb $0x80, %%al", SIGSEGV);
    RAISES("outb %%al, $0x80", SIGSEGV);
    RAISES("movq %%cr0, %%rax", SIGSEGV);
    RAISES("movq %%rax, %%cr3", SIGSEGV);
    RAISES("xorl %%ecx, %%ecx; rdmsr", SIGSEGV);
    RAISES("invlpg (%%rsp)", SIGSEGV);
    RAISES("wbinvd", SIGSEGV);
    RAISES("swapgs", SIGSEGV);
    RAISES("clts", SIGSEGV);
    RAISES("int $0x0d", SIGSEGV);
    RAISES("int $0x0e", SIGSEGV);
    RAISES("int $0x20", SIGSEGV);
    RAISES("int $0xff", SIGSEGV);
    RAISES("ud2", SIGILL);
    RAISES("int3", SIGTRAP);
    RAISES("xorl %%ecx, %%ecx; xorl %%edx, %%edx; movl $5, %%eax; divl %%ecx", SIGFPE);
    EQ(raised_code, FPE_INTDIV);
    RAISES("movl $0x2b, %%eax; addl $0x40, %%eax; movl %%eax, %%ds", SIGSEGV);
    RAISES("movq $0x0000900000000000, %%rax; jmp *%%rax", SIGSEGV);
    RAISES("pushq $0; pushq $0; lretq", SIGSEGV);
    RAISES("pushq $0; pushq $0; pushq $0; pushq $0; pushq $0; iretq", SIGSEGV);
}

/* Below the red zone; the flags that come back have CF, which was off, or not. */
#define FAR(push, far)                                                            \
    ({                                                                            \
        unsigned long flags_, sp_;                                                \
        __asm__ volatile(                                                         \
            "mov %%rsp, %1; sub $256, %%rsp; mov %%rsp, %%rcx; clc; " push        \
            "lea 1f(%%rip), %%rax; push %%rax; " far "; ud2; 1: pushfq; pop %0; " \
            "mov %%rsp, %%rdx; mov %1, %%rsp; sub %%rcx, %%rdx; mov %%rdx, %1"    \
            : "=&r"(flags_), "=&r"(sp_)                                           \
            :                                                                     \
            : "rax", "rcx", "rdx", "memory", "cc");                               \
        far_sp = (long)sp_;                                                       \
        flags_;                                                                   \
    })

TEST(far_returns,
     "IRETQ and LRETQ in a program, as Wine makes them: address, flags, stack")
{
    long far_sp;
    unsigned long flags =
        FAR("mov %%ss, %%eax; push %%rax; push %%rcx; pushfq; orq $1, (%%rsp); "
            "mov %%cs, %%eax; push %%rax; ",
            "iretq");
    EQ(flags & 1, 1);
    CHECK(flags & 0x200);
    EQ(far_sp, 0);
    flags = FAR("mov %%ss, %%eax; push %%rax; lea -64(%%rcx), %%rax; push %%rax; "
                "push $0x3000; mov %%cs, %%eax; push %%rax; ",
                "iretq"); /* neither rights for ports nor a way to turn interrupts off */
    EQ(flags & 0x3201, 0x200);
    EQ(far_sp, -64);
    flags = FAR("mov %%cs, %%eax; push %%rax; ", "lretq");
    EQ(flags & 1, 0);
    EQ(far_sp, 0);
    FAR("sub $32, %%rsp; mov %%cs, %%eax; push %%rax; ", "lretq $32");
    EQ(far_sp, 0);
    catch_exceptions();
    RAISES(
        "mov %%ss, %%eax; push %%rax; push %%rsp; pushfq; mov %%cs, %%eax; push %%rax; "
        "movq $0x0000900000000000, %%rax; push %%rax; iretq",
        SIGSEGV);
    RAISES("mov %%cs, %%eax; push %%rax; push $0; lretq", SIGSEGV);
}

TEST(R02, "flags set by the user do not follow into the kernel")
{
    unsigned char buf[64] = "abcdefgh";
    int fd = F(1);
    long r;
    __asm__ volatile("std; syscall; cld"
                     : "=a"(r)
                     : "0"(SYS_pwrite64), "D"((long)fd), "S"(buf), "d"(64L)
                     : "rcx", "r11", "memory", "r10");
    CHECK(r == 64 || r == -EINVAL); /* r10, the offset, is whatever it is */
    __asm__ volatile(
        "leaq -128(%%rsp), %%rsp; pushfq; orq $0x44000, (%%rsp); popfq\n\t"
        "syscall; pushfq; andq $~0x44000, (%%rsp); popfq; leaq 128(%%rsp), %%rsp"
        : "=a"(r)
        : "0"(SYS_getpid)
        : "rcx", "r11", "memory", "cc");
    EQ(r, getpid());
}

TEST(R01, "system call numbers nobody has")
{
    const unsigned long nrs[] = {999,       0x7fffffff, 0x80000000, 0xffffffff,    ~0UL,
                                 1UL << 63, 512,        547,        0x40000000 + 1};
    for (size_t i = 0; i < sizeof(nrs) / sizeof(*nrs); i++) {
        long r;
        register long r10 __asm__("r10") = 0x1010, r8 __asm__("r8") = 8;
        __asm__ volatile("syscall"
                         : "=a"(r), "+r"(r10), "+r"(r8)
                         : "0"(nrs[i]), "D"(-1L), "S"(0L), "d"(0L)
                         : "rcx", "r11", "memory");
        if (nrs[i] == 1UL << 63 || nrs[i] == 512 || nrs[i] == 547 || nrs[i] == 0x40000001)
            CHECK(r == -ENOSYS || r == -EBADF || r == -EFAULT || r == -EINVAL);
        else
            EQ(r, -ENOSYS);
        EQ(r10, 0x1010);
        EQ(r8, 8);
    }
}

static void touch_nothing(void)
{
    __asm__ volatile("movb $1, 8" ::: "memory");
}

TEST(fault_blocked, "a blocked fault kills; so does a fault in its own handler")
{
    pid_t pid = t_fork();
    if (!pid) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        sigprocmask(SIG_BLOCK, &set, NULL);
        touch_nothing();
        _exit(0);
    }
    EQ(t_status_of(pid), SIGSEGV);
    pid = t_fork();
    if (!pid) {
        signal(SIGSEGV, SIG_IGN);
        touch_nothing();
        _exit(0);
    }
    EQ(t_status_of(pid), SIGSEGV);
}

static unsigned char *repair_page;

static void on_repair(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    mprotect(repair_page, P, RW);
}

TEST(fault_repair, "the handler repairs and the access goes on")
{
    struct sigaction sa = {.sa_sigaction = on_repair, .sa_flags = SA_SIGINFO};
    repair_page = t_map(NULL, 1, PROT_NONE, ANON, -1, 0);
    OK(sigaction(SIGSEGV, &sa, NULL));
    *(volatile unsigned char *)repair_page = 77;
    EQ(*repair_page, 77);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
