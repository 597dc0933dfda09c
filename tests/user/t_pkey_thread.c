/* SPDX-License-Identifier: MIT
 *
 * The rights of threads by protection keys: what starts with which, switches, signal frames,
 * handlers' stacks that have a key, exec, tracers, monitors.
 */
#include "tests/user/t_pkey.h"
#include "tests/user/t_userfaultfd.h"
#include <elf.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

/* ---- where PKRU stands in saved state ---- */

static unsigned offset_of_pkru(void)
{
    unsigned size, offset, c, d;

    CHECK(__get_cpuid_count(13, 9, &size, &offset, &c, &d));
    EQ(size, 8);
    return offset;
}

static unsigned *pkru_of(void *state)
{
    return (unsigned *)((char *)state + offset_of_pkru());
}

static uint64_t *used_of(void *state)
{
    return (uint64_t *)((char *)state + 512);
}

static unsigned *frame_pkru(void *context)
{
    ucontext_t *uc = context;

    return pkru_of(uc->uc_mcontext.fpregs);
}

/* ---- threads ---- */

static unsigned char *shared_by_all;
static int two_keys[2];

static void *with_rights(void *arg)
{
    unsigned mine = (unsigned)(uintptr_t)arg;

    wrpkru(mine);
    for (int i = 0; i < 2000; i++) {
        volatile unsigned char *p = shared_by_all;
        if (rdpkru() != mine)
            return "another's rights";
        if (!(mine >> 2 * two_keys[0] & 3))
            p[64]++;
        if (!(mine >> 2 * two_keys[1] & 3))
            p[P + 64]++;
        if (i % 8 == 0)
            sched_yield();
        if (i % 64 == 0)
            t_nap(1);
    }
    return rdpkru() == mine ? NULL : "another's rights at the end";
}

TEST(threads, "each thread has its own rights, over switches and CPUs")
{
    pthread_t t[8];

    two_keys[0] = new_key(0), two_keys[1] = new_key(0);
    shared_by_all = t_map(NULL, 2, RW, ANON, -1, 0);
    OK(key_mprotect(shared_by_all, P, RW, two_keys[0]));
    OK(key_mprotect(shared_by_all + P, P, RW, two_keys[1]));
    for (uintptr_t i = 0; i < 8; i++)
        EQ(pthread_create(&t[i], NULL, with_rights,
                          (void *)((i & 3) << 2 * two_keys[0] |
                                   (i >> 2) << 2 * two_keys[1] | i << 28)),
           0);
    for (int i = 0; i < 8; i++) {
        void *what;
        EQ(pthread_join(t[i], &what), 0);
        if (what)
            FAIL("thread %d: %s", i, (char *)what);
    }
}

static void *tells(void *arg)
{
    *(unsigned *)arg = rdpkru();
    return NULL;
}

TEST(inherits, "a thread and a child begin with the rights of who makes them")
{
    unsigned seen = 0;
    pthread_t t;

    int key = new_key(NO_WRITE);
    unsigned mine = rdpkru();
    EQ(pthread_create(&t, NULL, tells, &seen), 0);
    EQ(pthread_join(t, NULL), 0);
    EQ(seen, mine);
    CHILD(EQ(rdpkru(), mine));
    set_rights(key, 0);
    mine = rdpkru();
    CHILD(EQ(rdpkru(), mine));
}

static unsigned char *changed;
static volatile unsigned turn_made, turn_seen, turn_keyed, turns_end;

static void *changes(void *arg)
{
    int key = *(int *)arg;

    for (long i = t_turns(300); i; i--) {
        while (turn_seen != turn_made) /* the other one has looked since */
            sched_yield();
        if (key_mprotect(changed, P, RW, i & 1 ? key : 0))
            return "pkey_mprotect";
        turn_keyed = i & 1;
        turn_made++;
    }
    while (turn_seen != turn_made)
        sched_yield();
    turns_end = 1;
    return NULL;
}

TEST(changed_elsewhere, "a new key counts on every CPU when the call returns")
{
    int key = new_key(0);
    pthread_t t;
    void *what;

    changed = t_map(NULL, 1, RW, ANON, -1, 0);
    changed[0] = 1;
    EQ(pthread_create(&t, NULL, changes, &key), 0);
    set_rights(key, NO_ACCESS);
    unsigned mine = rdpkru();
    while (!turns_end) {
        unsigned turn = turn_made, keyed_now = turn_keyed;
        int sig = t_read(changed);
        wrpkru(mine);
        if (turn_seen != turn) {
            EQ(sig, keyed_now ? SIGSEGV : 0);
            turn_seen = turn;
        }
        sched_yield();
    }
    EQ(pthread_join(t, &what), 0);
    CHECK(!what);
}

/* ---- signals ---- */

static volatile unsigned in_handler, in_frame, in_second;
static volatile unsigned new_in_frame;
static volatile bool change_frame, no_pkru_in_frame;

static void looks(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig, (void)info;
    in_handler = rdpkru();
    in_frame = *frame_pkru(context);
    CHECK(*used_of(uc->uc_mcontext.fpregs) & 1u << 9);
    if (change_frame)
        *frame_pkru(context) = new_in_frame;
    if (no_pkru_in_frame)
        *used_of(uc->uc_mcontext.fpregs) &= ~(1ull << 9);
    wrpkru(0); /* what a handler sets ends with it */
}

static void second(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    in_second = rdpkru();
    EQ(*frame_pkru(context), in_second ^ 0x100);
}

static void first(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    wrpkru(INITIAL ^ 0x100);
    raise(SIGUSR2);
    EQ(rdpkru(), INITIAL ^ 0x100);
    in_handler = 1;
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};
    OK(sigaction(sig, &sa, NULL));
}

TEST(signals, "a handler has the first rights; the frame holds those of before, and "
              "brings them back")
{
    need_keys();
    handle(SIGUSR1, looks, 0);
    wrpkru(0x55000004);
    raise(SIGUSR1);
    EQ(in_handler, INITIAL);
    EQ(in_frame, 0x55000004);
    EQ(rdpkru(), 0x55000004);
    change_frame = true;
    new_in_frame = 0x15555550;
    raise(SIGUSR1);
    EQ(rdpkru(), 0x15555550);
    no_pkru_in_frame = true; /* then it is what XRSTOR makes of it */
    raise(SIGUSR1);
    EQ(rdpkru(), 0);
    wrpkru(0); /* all rights: the frame says so, too */
    change_frame = no_pkru_in_frame = false;
    raise(SIGUSR1);
    EQ(in_frame, 0);
    EQ(rdpkru(), 0);
}

TEST(nested, "a handler in a handler")
{
    need_keys();
    handle(SIGUSR1, first, 0);
    handle(SIGUSR2, second, 0);
    wrpkru(0x50000000);
    raise(SIGUSR1);
    EQ(in_handler, 1);
    EQ(in_second, INITIAL);
    EQ(rdpkru(), 0x50000000);
}

/* A handler that gives itself rights before it touches its stack. */
void on_denied_stack(int, siginfo_t *, void *);
void on_denied_stack_c(int, siginfo_t *, void *);
__asm__(".globl on_denied_stack\n"
        "on_denied_stack:\n"
        "    mov %rdx, %r8\n"
        "    xor %eax, %eax\n"
        "    xor %ecx, %ecx\n"
        "    xor %edx, %edx\n"
        "    wrpkru\n"
        "    mov %r8, %rdx\n"
        "    jmp on_denied_stack_c\n");

static volatile uintptr_t handler_sp;

void on_denied_stack_c(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    handler_sp = (uintptr_t)__builtin_frame_address(0);
    in_frame = *frame_pkru(context);
}

TEST(protected_stack,
     "a handler's stack may have a key that the program has denied itself")
{
    int key = new_key(0);
    unsigned char *stack = keyed(8, key);
    stack_t ss = {.ss_sp = stack, .ss_size = 8 * P}, old;

    OK(sigaltstack(&ss, NULL));
    handle(SIGUSR1, on_denied_stack, SA_ONSTACK);
    set_rights(key, NO_ACCESS);
    unsigned mine = rdpkru();
    raise(SIGUSR1);
    EQ(rdpkru(), mine);
    EQ(in_frame, mine);
    CHECK(handler_sp > (uintptr_t)stack && handler_sp < (uintptr_t)stack + 8 * P);
    OK(sigaltstack(NULL, &old));
    CHECK(old.ss_sp == stack && old.ss_size == 8 * P && old.ss_flags == 0);
    set_rights(key, NO_WRITE);
    raise(SIGUSR1);
    EQ(rdpkru() >> 2 * key & 3, NO_WRITE);
    DENIED(t_write(stack, 1), stack, key);
}

/* ---- exec ---- */

static int helper(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "fresh"))
        return 9;
    if (rdpkru() != INITIAL)
        return 10;
    for (int i = 1; i < 16; i++)
        if (key_alloc(0, 0) != i)
            return 10 + i;
    return 0;
}

TEST(exec, "exec begins anew: first rights, all keys free")
{
    unsigned char *p;
    int key = new_key(0);

    OK(key_alloc(0, NO_WRITE));
    p = t_map(NULL, 1, RW, ANON, -1, 0);
    OK(mprotect(p, P, PROT_EXEC)); /* and the key for that */
    set_rights(key, 0);
    pid_t pid = t_fork();
    if (!pid) {
        execl(t_exe, t_exe, "--helper", "fresh", NULL);
        _exit(99);
    }
    int status = t_status_of(pid);
    CHECK(WIFEXITED(status));
    EQ(WEXITSTATUS(status), 0);
}

/* ---- tracers ---- */

static unsigned char state[8192] __attribute__((aligned(64)));

static long xstate(pid_t pid, int request, size_t size, size_t *moved)
{
    struct iovec iov = {state, size};
    long result = syscall(SYS_ptrace, request, pid, NT_X86_XSTATE, &iov);

    if (moved)
        *moved = iov.iov_len;
    return result;
}

static void stopped_by(pid_t pid, int signo)
{
    int status;

    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSTOPPED(status));
    EQ(WSTOPSIG(status), signo);
}

TEST(traced, "a tracer reads and sets PKRU, and looks into memory that has a key")
{
    int key = new_key(0);
    unsigned char *p = keyed(1, key);
    size_t size;

    *(long *)p = 0x1234;
    pid_t pid = t_fork();
    if (!pid) {
        OK(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
        wrpkru(0x55555554);
        raise(SIGSTOP);
        if (rdpkru() != 0x15555554)
            _exit(1);
        raise(SIGSTOP);
        _exit(rdpkru() == 0 ? 0 : 2);
    }
    stopped_by(pid, SIGSTOP);
    OK(xstate(pid, PTRACE_GETREGSET, sizeof(state), &size));
    EQ(size, offset_of_pkru() + 8);
    EQ(*pkru_of(state), 0x55555554);
    CHECK(*used_of(state) & 1u << 9);
    CHECK(*(uint64_t *)(state + 464) & 1u << 9); /* XCR0, for debuggers */
    *pkru_of(state) = 0x15555554;
    OK(xstate(pid, PTRACE_SETREGSET, size, NULL));
    OK(xstate(pid, PTRACE_GETREGSET, size, NULL));
    EQ(*pkru_of(state), 0x15555554);
    errno = 0;
    EQ(ptrace(PTRACE_PEEKDATA, pid, p, NULL), 0x1234);
    OK(ptrace(PTRACE_POKEDATA, pid, p, 0x4321));
    /* Other registers leave it alone. */
    struct user_fpregs_struct fp;
    OK(ptrace(PTRACE_GETFPREGS, pid, NULL, &fp));
    OK(ptrace(PTRACE_SETFPREGS, pid, NULL, &fp));
    OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
    stopped_by(pid, SIGSTOP);
    OK(xstate(pid, PTRACE_GETREGSET, size, NULL));
    EQ(*pkru_of(state), 0x15555554);
    *used_of(state) &= ~(1ull << 9); /* its first state */
    OK(xstate(pid, PTRACE_SETREGSET, size, NULL));
    OK(xstate(pid, PTRACE_GETREGSET, size, NULL));
    EQ(*pkru_of(state), 0);
    OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
    t_join(pid);
}

/* ---- monitors ---- */

TEST(monitored,
     "a monitor is not asked for what a key denies, and fills memory that has one")
{
    int key = new_key(0),
        fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY | O_NONBLOCK);
    struct uffdio_api api = {.api = UFFD_API};
    unsigned char *p, *from;
    struct uffd_msg m;

    if (fd < 0 && !t_tessera)
        SKIP("no userfaultfd");
    OK(fd);
    OK(ioctl(fd, UFFDIO_API, &api));
    p = keyed(4, key);
    from = t_map(NULL, 1, RW, ANON, -1, 0);
    memset(from, 0x5a, P);
    struct uffdio_register reg = {.range = {(uintptr_t)p, 4 * P}, .mode = 3};
    OK(ioctl(fd, UFFDIO_REGISTER, &reg));
    set_rights(key, NO_ACCESS);
    DENIED(t_read(p), p, key);
    ERR(read(fd, &m, sizeof(m)), EAGAIN);
    struct uffdio_copy copy = {(uintptr_t)p, (uintptr_t)from, P, 0, 0};
    OK(ioctl(fd, UFFDIO_COPY, &copy));
    copy = (struct uffdio_copy){(uintptr_t)p + P, (uintptr_t)from, P, 2, 0}; /* guarded */
    OK(ioctl(fd, UFFDIO_COPY, &copy));
    DENIED(t_read(p), p, key);
    set_rights(key, NO_WRITE);
    EQ(p[5] + p[P], 2 * 0x5a);
    DENIED(t_write(p, 1), p, key);
    DENIED(t_write(p + P, 1), p + P, key); /* the key counts before the guard */
    ERR(read(fd, &m, sizeof(m)), EAGAIN);
    struct uffdio_writeprotect wp = {.range = {(uintptr_t)p, 2 * P}, .mode = 1};
    OK(ioctl(fd, UFFDIO_WRITEPROTECT, &wp));
    wp.mode = 0;
    OK(ioctl(fd, UFFDIO_WRITEPROTECT, &wp));
    DENIED(t_write(p, 1), p, key);
    set_rights(key, 0);
    ALLOWED(t_write(p, 1));
    ALLOWED(t_write(p + P, 1));
    set_rights(key, NO_ACCESS);
    DENIED(t_read(p + P), p + P, key);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
