/* SPDX-License-Identifier: MIT
 *
 * Restartable sequences and the commands of membarrier(2) that have to do with them: the record
 * holds the CPU, a sequence that is interrupted goes on at its abort handler, a record that is
 * none ends in SIGSEGV.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define SIGNATURE 0x53053053u
#define UNSET     0xffffffffu

struct record {
    volatile uint32_t cpu_id_start, cpu_id;
    volatile uint64_t sequence;
    volatile uint32_t flags, node_id;
    uint64_t rest;
} __attribute__((aligned(32)));

struct sequence {
    uint32_t version, flags;
    uint64_t start, length, abort;
} __attribute__((aligned(32)));

static struct record record;

static long reg(void *at, unsigned size, int flags, unsigned signature)
{
    return syscall(SYS_rseq, at, size, flags, signature);
}

static void begin(void)
{
    OK(reg(&record, sizeof(record), 0, SIGNATURE));
}

/* A sequence that does not end by itself; 1 when it was sent to its handler. `stop` is read in
 * each turn and ends it with 0. */
extern const char seq_start[], seq_end[], seq_abort[];
int spin_in_sequence(struct sequence *s, volatile int *stop, volatile int *inside,
                     struct record *r);
__asm__(
    ".text\n"
    ".globl spin_in_sequence, seq_start, seq_end, seq_abort\n"
    "spin_in_sequence:\n"
    "  movl $1, (%rdx)\n"
    "  movq %rdi, 8(%rcx)\n"
    "seq_start:\n"
    "  pause\n"
    "  cmpl $0, (%rsi)\n"
    "  je seq_start\n"
    "seq_end:\n"
    "  movq $0, 8(%rcx)\n"
    "  xorl %eax, %eax\n"
    "  ret\n"
    "  .byte 0x0f, 0xb9, 0x3d\n" /* an instruction that faults, and the signature in it */
    "  .long 0x53053053\n"
    "seq_abort:\n"
    "  movl $1, %eax\n"
    "  ret\n");

static struct sequence sequence(void)
{
    return (struct sequence){0, 0, (uint64_t)seq_start, (uint64_t)(seq_end - seq_start),
                             (uint64_t)seq_abort};
}

TEST(register, "registering: what is refused, and with which error")
{
    struct record other;

    ERR(reg(&record, 31, 0, SIGNATURE), EINVAL);
    ERR(reg((char *)&record + 8, 32, 0, SIGNATURE), EINVAL);
    ERR(reg(&record, 32, 2, SIGNATURE), EINVAL);
    ERR(reg(&record, 32, 1, SIGNATURE), EINVAL); /* there is none to take back */
    ERR(reg(NULL, 32, 0, SIGNATURE), EFAULT);
    ERR(reg((void *)(1ul << 47), 32, 0, SIGNATURE), EFAULT);
    begin();
    ERR(reg(&record, 32, 0, SIGNATURE), EBUSY);
    ERR(reg(&record, 32, 0, 1), EPERM);
    ERR(reg(&other, 32, 0, SIGNATURE), EINVAL);
    ERR(reg(&record, 64, 0, SIGNATURE), EINVAL);
    ERR(reg(&record, 32, 1, 1), EPERM);
    ERR(reg(&other, 32, 1, SIGNATURE), EINVAL);
    OK(reg(&record, 32, 1, SIGNATURE));
    EQ(record.cpu_id, UNSET);
    EQ(record.cpu_id_start, 0);
    begin();
}

TEST(cpu, "the record has the CPU, on each CPU and after each move")
{
    unsigned long all[16] = {0}, one[16];
    int n = (int)syscall(SYS_sched_getaffinity, 0, sizeof(all), all);

    CHECK(n > 0);
    record.cpu_id = record.cpu_id_start = UNSET;
    begin();
    CHECK(record.cpu_id != UNSET);
    for (int turn = 0; turn < 20; turn++)
        for (unsigned i = 0; i < (unsigned)n * 8; i++) {
            if (!(all[i / 64] >> i % 64 & 1))
                continue;
            memset(one, 0, sizeof(one));
            one[i / 64] = 1ul << i % 64;
            EQ(syscall(SYS_sched_setaffinity, 0, n, one), 0);
            EQ(record.cpu_id, i);
            EQ(record.cpu_id_start, i);
        }
    EQ(record.node_id, 0);
}

TEST(fork, "fork inherits the registration, a thread and exec do not")
{
    int status;
    pid_t pid;

    begin();
    pid = fork();
    if (pid == 0) {
        ERR(reg(&record, 32, 0, SIGNATURE), EBUSY);
        execl(t_exe, t_exe, "--helper", (char *)NULL);
        _exit(9);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static volatile int stop, inside, handled;

static void on_signal(int signo)
{
    (void)signo;
    handled++;
}

static void *sender(void *arg)
{
    while (!inside)
        sched_yield();
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    return NULL;
}

TEST(signal, "a signal's handler returns to the abort handler")
{
    struct sequence s = sequence();
    pthread_t self = pthread_self(), other;

    begin();
    signal(SIGUSR1, on_signal);
    EQ(pthread_create(&other, NULL, sender, &self), 0);
    EQ(spin_in_sequence(&s, &stop, &inside, &record), 1);
    EQ(record.sequence, 0);
    pthread_join(other, NULL);
    EQ(handled, 1);
}

static volatile int quiet;

static void *busy(void *arg)
{
    (void)arg;
    while (!quiet)
        ;
    return NULL;
}

TEST(preempt, "a thread that another takes the CPU from is sent there too")
{
    struct sequence s = sequence();
    unsigned long one[16] = {0}, all[16] = {0};
    pthread_t other;
    int n = (int)syscall(SYS_sched_getaffinity, 0, sizeof(all), all), cpu;

    for (cpu = 0; !(all[cpu / 64] >> cpu % 64 & 1); cpu++)
        ;
    one[cpu / 64] = 1ul << cpu % 64;
    EQ(syscall(SYS_sched_setaffinity, 0, n, one), 0);
    begin();
    EQ(pthread_create(&other, NULL, busy, NULL), 0);
    EQ(spin_in_sequence(&s, &stop, &inside, &record), 1);
    quiet = 1;
    pthread_join(other, NULL);
}

static void *fencer(void *arg)
{
    while (!inside)
        sched_yield();
    while (!handled)
        *(long *)arg = syscall(SYS_membarrier, 128, 0, 0);
    return NULL;
}

TEST(
    barrier,
    "membarrier's RSEQ command makes others leave; SYNC_CORE and RSEQ need a word before")
{
    struct sequence s = sequence();
    pthread_t other;
    long result = -1, all = syscall(SYS_membarrier, 0, 0, 0);

    EQ(all & 480, 480);
    ERR(syscall(SYS_membarrier, 32, 0, 0), EPERM);
    ERR(syscall(SYS_membarrier, 128, 0, 0), EPERM);
    ERR(syscall(SYS_membarrier, 128, 2, 0), EINVAL);
    ERR(syscall(SYS_membarrier, 32, 1, 0), EINVAL);
    OK(syscall(SYS_membarrier, 64, 0, 0));
    OK(syscall(SYS_membarrier, 256, 0, 0));
    EQ(syscall(SYS_membarrier, 512, 0, 0), 16 + 64 + 256);
    ERR(syscall(SYS_membarrier, 8, 0, 0), EPERM);
    EQ(syscall(SYS_membarrier, 32, 0, 0), 0);
    EQ(syscall(SYS_membarrier, 128, 1, 0), 0);
    EQ(syscall(SYS_membarrier, 128, 1, 100000), 0);
    begin();
    EQ(pthread_create(&other, NULL, fencer, &result), 0);
    EQ(spin_in_sequence(&s, &stop, &inside, &record), 1);
    handled = 1;
    pthread_join(other, NULL);
    EQ(result, 0);
}

/* A signal with a handler makes the kernel look at the record. */
_Noreturn static void be_looked_at(void)
{
    signal(SIGSEGV, SIG_DFL);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    _exit(0);
}

/* What a child with this sequence in its record ends by. */
static int ends_by(const struct sequence *wrong)
{
    static struct sequence s;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        begin();
        s = *wrong;
        record.sequence = (uint64_t)&s;
        be_looked_at();
    }
    EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST(wrong, "a sequence that is none, a wrong signature, a record that is gone: SIGSEGV")
{
    struct sequence s = sequence();
    int status;
    pid_t pid;

    s.version = 1;
    EQ(ends_by(&s), SIGSEGV);
    s = sequence();
    s.abort = s.start + 1;
    EQ(ends_by(&s), SIGSEGV);
    s = sequence();
    s.abort = 1ul << 47;
    EQ(ends_by(&s), SIGSEGV);
    s = sequence();
    s.start = ~0ul - 1;
    EQ(ends_by(&s), SIGSEGV);
    s = sequence();
    s.length = ~0ul;
    EQ(ends_by(&s), SIGSEGV);
    s = sequence();
    s.abort++;
    EQ(ends_by(&s), SIGSEGV);
    pid = fork();
    if (pid == 0) {
        char *p =
            mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        OK(reg(p, 32, 0, SIGNATURE));
        munmap(p, P);
        be_looked_at();
    }
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return reg(&record, 32, 0, SIGNATURE) != 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
