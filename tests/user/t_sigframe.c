/* SPDX-License-Identifier: MIT
 *
 * The signal frame: the alternate stack, registers and mask seen and edited by the handler,
 * frames spoiled on purpose.
 */
#include "tests/user/t.h"
#include <ucontext.h>

static char alt[65536];
static volatile uintptr_t handler_sp;
static stack_t in_handler;

static void on_alt(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    handler_sp = (uintptr_t)__builtin_frame_address(0);
    sigaltstack(NULL, &in_handler);
    stack_t other = {.ss_sp = alt, .ss_size = sizeof(alt)};
    if (sigaltstack(&other, NULL) == 0 || errno != EPERM)
        handler_sp = 0;
}

TEST(altstack, "sigaltstack")
{
    stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, old;
    struct sigaction sa = {.sa_sigaction = on_alt, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    OK(sigaltstack(NULL, &old));
    EQ(old.ss_flags, SS_DISABLE);
    OK(sigaltstack(&ss, NULL));
    OK(sigaction(SIGUSR1, &sa, NULL));
    OK(kill(getpid(), SIGUSR1));
    CHECK(handler_sp >= (uintptr_t)alt && handler_sp < (uintptr_t)alt + sizeof(alt));
    EQ(in_handler.ss_flags, SS_ONSTACK);
    OK(sigaltstack(NULL, &old));
    EQ(old.ss_flags, 0);
    EQ((uintptr_t)old.ss_sp, (uintptr_t)alt);
    ss.ss_size = 100;
    ERR(syscall(SYS_sigaltstack, &ss, NULL), ENOMEM);
    ss.ss_size = sizeof(alt);
    ss.ss_flags = 12345;
    ERR(syscall(SYS_sigaltstack, &ss, NULL), EINVAL);
    ss.ss_flags = SS_DISABLE;
    OK(sigaltstack(&ss, NULL));
}

static void on_edit(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    ucontext_t *uc = context;
    uc->uc_mcontext.gregs[REG_RBX] = 0x1234567890;
    sigaddset(&uc->uc_sigmask, SIGUSR2);
}

TEST(frame, "the handler sees and edits registers and mask")
{
    struct sigaction sa = {.sa_sigaction = on_edit, .sa_flags = SA_SIGINFO};
    sigset_t now;
    OK(sigaction(SIGUSR1, &sa, NULL));
    uint64_t rbx = 1, r;
    __asm__ volatile("movq $1, %%rbx; syscall; movq %%rbx, %0"
                     : "=r"(rbx), "=a"(r)
                     : "1"(SYS_kill), "D"((long)getpid()), "S"((long)SIGUSR1)
                     : "rbx", "rcx", "r11", "memory");
    EQ(r, 0);
    EQ(rbx, 0x1234567890);
    OK(sigprocmask(SIG_BLOCK, NULL, &now));
    CHECK(sigismember(&now, SIGUSR2));
}

static volatile int edit_what;

static void on_poison(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    switch (edit_what) {
    case 0:
        g[REG_RIP] = (greg_t)0xffffffff80000000;
        break;
    case 1:
        g[REG_RIP] = 0x0000900000000000;
        break;
    case 2:
        g[REG_RSP] = 0x0000900000000000;
        break;
    case 3:
        g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffLL) | 8;
        break;
    case 4:
        g[REG_CSGSFS] &= 0x0000ffffffffffff; /* SS = 0 */
        break;
    case 5:
        g[REG_EFL] |= 0x3000 | 1 << 17 | 1 << 14; /* IOPL 3, VM, NT */
        break;
    case 6:
        g[REG_CSGSFS] = 0;
        break;
    }
}

/* Selectors are forced or the process dies; the kernel goes on, privileges do not rise. */
TEST(R04, "poisoned signal frames")
{
    for (edit_what = 0; edit_what < 7; edit_what++) {
        pid_t pid = t_fork();
        if (!pid) {
            struct sigaction sa = {.sa_sigaction = on_poison, .sa_flags = SA_SIGINFO};
            OK(sigaction(SIGUSR1, &sa, NULL));
            kill(getpid(), SIGUSR1);
            uint64_t flags;
            __asm__ volatile("pushfq; popq %0" : "=r"(flags));
            _exit(flags & 0x3000 ? 9 : 0);
        }
        int status = t_status_of(pid);
        if (status && status != SIGSEGV && status != SIGBUS)
            FAIL("poison %d: status %#x", edit_what, status);
        if (edit_what != 2 && edit_what != 5)
            EQ(WTERMSIG(status), SIGSEGV);
    }
}

static volatile int wrecks, faults, turn;

static void on_wreck(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    char *fp = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
    if (++turn == 3) {
        ((uint32_t *)fp)[6] = ~0u; /* bits of mxcsr that there are not */
        wrecks++;
        return;
    }
    if (*(unsigned *)(fp + 464) == 0x46505853) {
        ((uint64_t *)(fp + 512))[2] = 0xfffffff;
        wrecks++;
    }
}

static void on_fault(int sig)
{
    (void)sig;
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    faults += sigismember(&now, SIGUSR1) ? 100 : 1;
}

TEST(wrecked, "a bad FPU part: SIGSEGV where the program was interrupted")
{
    struct sigaction sa = {.sa_sigaction = on_wreck, .sa_flags = SA_SIGINFO};
    OK(sigaction(SIGUSR1, &sa, NULL));
    signal(SIGSEGV, on_fault);
    for (int i = 0; i < 3; i++)
        OK(raise(SIGUSR1));
    EQ(faults, wrecks);
}

TEST(R04_garbage, "rt_sigreturn with no frame at all")
{
    pid_t pid = t_fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        static unsigned char junk[4096];
        memset(junk, 0xff, sizeof(junk));
        __asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall" ::"r"(junk + 512)
                         : "memory");
        _exit(0);
    }
    CHECK(WIFSIGNALED(t_status_of(pid)));
    pid = t_fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        __asm__ volatile("movq $64, %%rsp; movl $15, %%eax; syscall" ::: "memory");
        _exit(0);
    }
    EQ(t_status_of(pid), SIGSEGV);
}

static void on_nothing(int sig)
{
    (void)sig;
}

TEST(no_stack, "a handler without a stack to run on kills")
{
    pid_t pid = t_fork();
    if (!pid) {
        signal(SIGUSR1, on_nothing);
        signal(SIGSEGV, SIG_DFL);
        pid_t self = getpid();
        __asm__ volatile("movq $4096, %%rsp; syscall"
                         :
                         : "a"(SYS_kill), "D"((long)self), "S"((long)SIGUSR1)
                         : "rcx", "r11", "memory");
        _exit(0);
    }
    EQ(t_status_of(pid), SIGSEGV);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
