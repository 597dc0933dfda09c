/* SPDX-License-Identifier: MIT
 *
 * The alternate signal stack in all its states: what sigaltstack and the frame say of it, a
 * stack that disarms itself, handlers inside handlers, frames that find no room; and masks
 * that last for one call.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <pthread.h>
#include <ucontext.h>

#define AUTODISARM ((int)(1u << 31))

static char one[32768], two[32768];

static volatile int frame_flags[4], depth;
static volatile long frame_size[4];
static volatile uintptr_t sp_at[4];
static stack_t said[4];

static bool inside(uintptr_t at, const char *stack)
{
    return at > (uintptr_t)stack && at <= (uintptr_t)stack + sizeof(one);
}

static void handler(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    int at = depth++;

    (void)signo, (void)info;
    frame_flags[at] = uc->uc_stack.ss_flags;
    frame_size[at] = (long)uc->uc_stack.ss_size;
    sp_at[at] = (uintptr_t)__builtin_frame_address(0);
    sigaltstack(NULL, &said[at]);
    if (at == 0)
        raise(SIGUSR2);
}

static void run(void)
{
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    depth = 0;
    OK(sigaction(SIGUSR1, &sa, NULL));
    OK(sigaction(SIGUSR2, &sa, NULL));
    OK(raise(SIGUSR1));
    EQ(depth, 2);
}

static int set(char *at, size_t size, int flags)
{
    stack_t s = {.ss_sp = at, .ss_size = size, .ss_flags = flags};

    return (int)syscall(SYS_sigaltstack, &s, NULL);
}

static stack_t now(void)
{
    stack_t s;

    OK(sigaltstack(NULL, &s));
    return s;
}

TEST(none, "without a stack")
{
    run();
    EQ(frame_flags[0], 0);
    EQ(frame_flags[1], 0);
    EQ(frame_size[0], 0);
    EQ(said[0].ss_flags, SS_DISABLE);
    EQ(now().ss_flags, SS_DISABLE);
    OK(set(one, sizeof(one), SS_DISABLE));
    EQ(now().ss_flags, SS_DISABLE);
    EQ((long)now().ss_sp, 0);
    EQ(now().ss_size, 0);
    run();
    EQ(frame_flags[0], SS_DISABLE);
}

static void *in_thread(void *arg)
{
    run();
    return arg;
}

TEST(inherited, "a child has its parent's, a thread none")
{
    pthread_t t;

    OK(set(one, sizeof(one), AUTODISARM));
    CHILD(EQ(now().ss_flags, AUTODISARM); EQ(now().ss_size, sizeof(one)); run();
          CHECK(inside(sp_at[0], one)));
    EQ(pthread_create(&t, NULL, in_thread, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
    EQ(frame_flags[0], SS_DISABLE);
    EQ(said[0].ss_flags, SS_DISABLE);
    EQ(now().ss_flags, AUTODISARM);
}

TEST(armed, "a handler in a handler stays on the stack; the frame says how it was set")
{
    for (int mode = 0; mode < 2; mode++) { /* SS_ONSTACK is taken for 0 */
        OK(set(one, sizeof(one), mode));
        EQ(now().ss_flags, 0);
        run();
        EQ(frame_flags[0], mode);
        EQ(frame_flags[1], mode);
        EQ(frame_size[0], sizeof(one));
        EQ(frame_size[1], sizeof(one));
        CHECK(inside(sp_at[0], one) && inside(sp_at[1], one) && sp_at[1] < sp_at[0]);
        EQ(said[0].ss_flags, SS_ONSTACK);
        EQ(said[1].ss_flags, SS_ONSTACK);
        EQ(now().ss_flags, 0);
        EQ((long)now().ss_sp, (long)one);
    }
}

static void changes(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)info, (void)context;
    sp_at[depth] = (uintptr_t)__builtin_frame_address(0);
    said[depth] = now();
    OK(set(two, sizeof(two), AUTODISARM));
    said[depth + 1] = now();
    depth += 2;
    if (depth < 4)
        raise(SIGUSR2);
}

TEST(disarms, "a stack that disarms itself: gone in the handler, back when it returns")
{
    struct sigaction sa = {.sa_sigaction = changes, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    OK(set(one, sizeof(one), AUTODISARM));
    EQ(now().ss_flags, AUTODISARM);
    run();
    EQ(frame_flags[0], AUTODISARM);
    EQ(frame_size[0], sizeof(one));
    EQ(said[0].ss_flags, SS_DISABLE);
    EQ(said[0].ss_size, 0);
    EQ((long)said[0].ss_sp, 0);
    EQ(frame_flags[1], SS_DISABLE);
    EQ(frame_size[1], 0);
    CHECK(inside(sp_at[0], one) && inside(sp_at[1], one));
    EQ(now().ss_flags, AUTODISARM);
    EQ((long)now().ss_sp, (long)one);
    EQ(now().ss_size, sizeof(one));
    OK(set(one, sizeof(one), AUTODISARM | SS_ONSTACK));
    EQ(now().ss_flags, AUTODISARM);
    ERR(set(one, sizeof(one), AUTODISARM | 4), EINVAL);
    ERR(set(one, sizeof(one), 3), EINVAL);
    /* Another one is chosen in the handler, and for its own time. */
    depth = 0;
    OK(sigaction(SIGUSR1, &sa, NULL));
    OK(sigaction(SIGUSR2, &sa, NULL));
    OK(raise(SIGUSR1));
    EQ(depth, 4);
    CHECK(inside(sp_at[0], one) && inside(sp_at[2], two));
    EQ(said[0].ss_flags, SS_DISABLE);
    EQ(said[1].ss_flags, AUTODISARM);
    EQ((long)said[1].ss_sp, (long)two);
    EQ(said[2].ss_flags, SS_DISABLE);
    EQ((long)now().ss_sp, (long)one);
}

TEST(values, "sizes and places that a stack may have")
{
    stack_t bad;

    ERR(set(one, 2047, 0), ENOMEM);
    EQ(now().ss_flags, SS_DISABLE);
    OK(set((char *)0xffff800000000000ul, sizeof(one), 0)); /* looked at when it is used */
    OK(set((char *)-1l, sizeof(one), 0));
    OK(set(NULL, 4, SS_DISABLE));
    ERR(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
    ERR(syscall(SYS_sigaltstack, NULL, 8), EFAULT);
    bad = (stack_t){.ss_sp = one, .ss_size = sizeof(one)};
    ERR(syscall(SYS_sigaltstack, &bad, 8), EFAULT);
    EQ(now().ss_flags, 0);  /* set all the same */
    OK(set(NULL, -1ul, 0)); /* all of memory: every stack is on it */
    EQ(now().ss_flags, SS_ONSTACK);
    ERR(set(NULL, 4, SS_DISABLE), EPERM);
}

static void to_exit(int signo)
{
    _exit(signo == SIGSEGV ? 21 : 22);
}

/* The way that a child goes which has this stack and gets a signal with this stack pointer. */
static int end_with(char *at, unsigned long size, int signo, bool segv)
{
    pid_t pid = t_fork();

    if (!pid) {
        struct sigaction sa = {.sa_handler = to_exit, .sa_flags = SA_ONSTACK};

        signal(SIGSEGV, SIG_DFL);
        OK(sigaction(signo, &sa, NULL));
        if (segv)
            OK(sigaction(SIGSEGV, &sa, NULL));
        OK(set(at, size, 0));
        if (signo == SIGSEGV)
            __asm__ volatile("xorl %%esp, %%esp; movl (%%rsp), %%eax" ::
                                 : "rax", "memory");
        if (!segv) {
            raise(signo);
            _exit(0);
        }
        sa.sa_flags = 0; /* on the stack it runs on, which is none; SIGSEGV has one */
        OK(sigaction(signo, &sa, NULL));
        __asm__ volatile("xorl %%esp, %%esp; syscall" ::"a"(SYS_kill), "D"(getpid()),
                         "S"(signo)
                         : "rcx", "r11", "memory");
    }
    return t_status_of(pid);
}

TEST(no_room, "a frame that finds no room is SIGSEGV, and that one's kills")
{
    EQ(end_with(one, sizeof(one), SIGUSR1, false), 22 << 8);
    EQ(end_with(one, sizeof(one), SIGSEGV, false), 21 << 8);
    EQ(end_with((char *)0x20000, 8192, SIGUSR1, false), SIGSEGV);
    EQ(end_with((char *)0x20000, 8192, SIGSEGV, false), SIGSEGV);
    EQ(end_with((char *)0xffff800000000000ul, 8192, SIGUSR1, false), SIGSEGV);
    EQ(end_with(one, sizeof(one), SIGUSR1, true), 21 << 8);
}

/* ---- masks for one call ---- */

static volatile int caught;

static void note(int signo)
{
    caught += signo == SIGUSR1 ? 1 : 100;
}

/* What it waits in is begun anew after a stop, with the mask it came with. */
static void waits_with_mask(int how)
{
    pid_t pid = t_fork();
    int status;

    if (!pid) {
        struct sigaction sa = {.sa_handler = note, .sa_flags = SA_RESTART};
        sigset_t blocked, none, after;
        int err;

        sigemptyset(&none);
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR1);
        OK(sigaction(SIGUSR1, &sa, NULL));
        OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
        if (how == 0)
            err = ppoll(NULL, 0, NULL, &none);
        else if (how == 1)
            err = pselect(0, NULL, NULL, NULL, NULL, &none);
        else
            err = sigsuspend(&none);
        EQ(err, -1);
        EQ(errno, EINTR);
        EQ(caught, 1);
        OK(sigprocmask(SIG_BLOCK, NULL, &after));
        CHECK(sigismember(&after, SIGUSR1));
        _exit(0);
    }
    t_until_asleep(pid);
    for (int i = 0; i < 2; i++) {
        OK(kill(pid, SIGSTOP));
        EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        OK(kill(pid, SIGCONT));
        EQ(waitpid(pid, &status, WCONTINUED), pid);
        CHECK(WIFCONTINUED(status));
        t_until_asleep(pid);
    }
    OK(kill(pid, SIGUSR1));
    t_join(pid);
}

TEST(masked_waits, "a mask for one wait lasts over a stop, and ends with it")
{
    for (int how = 0; how < 3; how++)
        waits_with_mask(how);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
