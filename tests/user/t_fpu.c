/* SPDX-License-Identifier: MIT
 *
 * FPU and vector state: never mixed between processes, inherited by fork, reset by exec,
 * kept over signals (R-12, R-13 of the test plan).
 */
#include "tests/user/t.h"
#include <cpuid.h>
#include <sched.h>
#include <ucontext.h>

struct state {
    uint8_t xmm[16][16];
    int64_t st0;
    uint32_t mxcsr;
    uint16_t cw;
};

static void fill(struct state *s, unsigned who)
{
    for (int i = 0; i < 16; i++)
        memset(s->xmm[i], (int)(who * 16 + (unsigned)i + 1), 16);
    s->st0 = 1000000007LL * (who + 1);
    s->mxcsr = 0x1f80 | (who & 3) << 13; /* rounding */
    s->cw = (uint16_t)(0x037f | (who & 3) << 10);
}

/* Loads `in`, makes `rounds` system calls nr (or spins when nr < 0), stores into `out`. */
static void run_with(const struct state *in, struct state *out, long nr, long rounds)
{
    __asm__ volatile("fninit; fldcw %[icw]; fildll %[ist]; ldmxcsr %[imx]\n\t"
                     ".set i, 0\n\t"
                     ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
                     "movdqu i(%[in]), %%xmm\\r\n\t"
                     ".set i, i + 16\n\t"
                     ".endr\n"
                     "1: testq %[nr], %[nr]; js 2f\n\t"
                     "movq %[nr], %%rax; syscall\n"
                     "2: decq %[n]; jnz 1b\n\t"
                     ".set i, 0\n\t"
                     ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
                     "movdqu %%xmm\\r, i(%[out])\n\t"
                     ".set i, i + 16\n\t"
                     ".endr\n\t"
                     "stmxcsr %[omx]; fnstcw %[ocw]; fistpll %[ost]\n\t"
                     "fninit; pushq $0x1f80; ldmxcsr (%%rsp); addq $8, %%rsp"
                     : [n] "+r"(rounds), [omx] "=m"(out->mxcsr), [ocw] "=m"(out->cw),
                       [ost] "=m"(out->st0)
                     : [in] "r"(in), [out] "r"(out), [nr] "r"(nr), [icw] "m"(in->cw),
                       [ist] "m"(in->st0), [imx] "m"(in->mxcsr)
                     : "rax", "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2",
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void same(const struct state *a, const struct state *b)
{
    for (int i = 0; i < 16; i++)
        if (memcmp(a->xmm[i], b->xmm[i], 16))
            FAIL("xmm%d is %02x.., want %02x..", i, b->xmm[i][0], a->xmm[i][0]);
    EQ(b->st0, a->st0);
    EQ(b->mxcsr, a->mxcsr);
    EQ(b->cw, a->cw);
}

static void competitors(long nr, long rounds)
{
    pid_t pids[4];
    for (unsigned who = 0; who < 4; who++) {
        pids[who] = t_fork();
        if (!pids[who]) {
            struct state in, out;
            fill(&in, who);
            for (int k = 0; k < 4; k++) {
                memset(&out, 0, sizeof(out));
                run_with(&in, &out, nr, rounds);
                same(&in, &out);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++)
        t_join(pids[i]);
}

TEST(R12_yield, "four processes that yield a thousand times")
{
    competitors(SYS_sched_yield, 300);
}

TEST(R12_timer, "four processes preempted by the timer")
{
    competitors(-1, 4000000);
}

TEST(R12_fork, "fork inherits the state")
{
    struct state in, out;
    fill(&in, 5);
    int status_pipe[2];
    OK(pipe(status_pipe));
    run_with(&in, &out, SYS_fork, 1); /* both come back here */
    same(&in, &out);
    pid_t pid = getpid();
    EQ(write(status_pipe[1], &pid, sizeof(pid)), sizeof(pid));
    if (pid != getpgrp())
        _exit(0);
    int status;
    OK(wait(&status));
    EQ(status, 0);
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    uint32_t mxcsr;
    uint16_t cw, sw;
    __asm__ volatile("stmxcsr %0; fnstcw %1; fnstsw %2"
                     : "=m"(mxcsr), "=m"(cw), "=m"(sw));
    return mxcsr == 0x1f80 && cw == 0x37f && (sw & 0x3800) == 0 ? 0 : 1;
}

TEST(R12_exec, "exec resets the state")
{
    char *argv[] = {"t", "--helper", NULL};
    CHILD({
        uint32_t mxcsr = 0x7f80;
        uint16_t cw = 0x0f7f;
        __asm__ volatile("ldmxcsr %0; fldcw %1; fld1" ::"m"(mxcsr), "m"(cw));
        execve(t_exe, argv, NULL);
        FAIL("execve: %s", strerror(errno));
    });
}

static volatile uint32_t mxcsr_in_handler;

static void on_clobber(int sig)
{
    (void)sig;
    uint32_t m;
    __asm__ volatile("stmxcsr %0" : "=m"(m));
    mxcsr_in_handler = m;
    m = 0x5f80;
    __asm__ volatile("ldmxcsr %0; fninit; pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm7; "
                     "movdqa %%xmm0, %%xmm15" ::"m"(m)
                     : "xmm0", "xmm7", "xmm15");
}

/* kill(getpid(), SIGUSR1) between load and store: the handler runs in the middle. */
TEST(signal, "a handler may clobber everything")
{
    struct state in, out;
    fill(&in, 2);
    signal(SIGUSR1, on_clobber);
    pid_t pid = getpid();
    struct state *ip = &in, *op = &out;
    __asm__ volatile("ldmxcsr %[mx]; movdqu (%[i]), %%xmm0; movdqu 112(%[i]), %%xmm7; "
                     "movdqu 240(%[i]), %%xmm15; fninit; fildll %[st]\n\t"
                     "movl $62, %%eax; syscall\n\t"
                     "movdqu %%xmm0, (%[o]); movdqu %%xmm7, 112(%[o]); "
                     "movdqu %%xmm15, 240(%[o]); fistpll %[ost]; stmxcsr %[omx]\n\t"
                     "pushq $0x1f80; ldmxcsr (%%rsp); addq $8, %%rsp"
                     : [ost] "=m"(op->st0), [omx] "=m"(op->mxcsr)
                     : [i] "r"(ip), [o] "r"(op), [mx] "m"(ip->mxcsr), [st] "m"(ip->st0),
                       "D"((long)pid), "S"((long)SIGUSR1)
                     : "rax", "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
    EQ(out.st0, in.st0);
    EQ(out.mxcsr, in.mxcsr);
    EQ(memcmp(in.xmm[0], out.xmm[0], 16), 0);
    EQ(memcmp(in.xmm[7], out.xmm[7], 16), 0);
    EQ(memcmp(in.xmm[15], out.xmm[15], 16), 0);
    EQ(mxcsr_in_handler, 0x1f80);
}

static volatile int how;

static void on_spoil(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    unsigned char *fp = (unsigned char *)((ucontext_t *)context)->uc_mcontext.fpregs;
    signal(SIGSEGV, SIG_DFL);
    if (!fp)
        return;
    switch (how) {
    case 0:
        memset(fp + 24, 0xff, 4); /* MXCSR with reserved bits */
        break;
    case 1:
        memset(fp, 0xff, 512);
        break;
    case 2:
        memset(fp + 464, 0xff, 48); /* the software-reserved bytes */
        break;
    case 3:
        if (*(uint32_t *)(fp + 464) == 0x46505853) /* XSAVE header */
            memset(fp + 512, 0xff, 64);
        break;
    case 4:
        ((ucontext_t *)context)->uc_mcontext.fpregs = (void *)0xffffffff80000000;
        break;
    case 5:
        ((ucontext_t *)context)->uc_mcontext.fpregs = (void *)(fp + 1);
        break;
    }
}

TEST(R13, "spoiled FPU state in a signal frame")
{
    for (how = 0; how < 6; how++) {
        pid_t pid = t_fork();
        if (!pid) {
            struct sigaction sa = {.sa_sigaction = on_spoil, .sa_flags = SA_SIGINFO};
            OK(sigaction(SIGUSR1, &sa, NULL));
            kill(getpid(), SIGUSR1);
            _exit(0);
        }
        int status = t_status_of(pid);
        if (status && status != SIGSEGV)
            FAIL("case %d: status %#x", how, status);
    }
}

static bool have_avx(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 6) == 6;
}

TEST(avx, "upper halves of YMM registers")
{
    if (!have_avx())
        SKIP("no AVX");
    pid_t pids[3];
    for (int who = 0; who < 3; who++) {
        pids[who] = t_fork();
        if (!pids[who]) {
            uint8_t in[32], out[32];
            memset(in, 0x11 * (who + 1), sizeof(in));
            for (int k = 0; k < 50; k++) {
                long n = 20;
                __asm__ volatile("vmovdqu (%1), %%ymm5\n"
                                 "1: movl $24, %%eax; syscall\n\t"
                                 "decq %0; jnz 1b\n\t"
                                 "vmovdqu %%ymm5, (%2); vzeroupper"
                                 : "+r"(n)
                                 : "r"(in), "r"(out)
                                 : "rax", "rcx", "r11", "memory", "cc", "xmm5");
                EQ(memcmp(in, out, 32), 0);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < 3; i++)
        t_join(pids[i]);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
