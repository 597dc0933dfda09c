/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2) and the ends of things: the monitor's, the toucher's, the address space's, the
 * mapping's; signals, fork, exec, calls that change mappings.
 */
#include <sched.h>

#include "t_userfaultfd.h"

static void start(size_t npages)
{
    uffd = uffd_new(O_CLOEXEC, 0);
    mem = anon(npages);
    OK(watch(mem, npages, REGISTER_MISSING));
}

TEST(uffd_close, "the monitor goes: who waits goes on, nothing is registered any more")
{
    struct toucher t[2];

    start(4);
    touch(&t[0], mem, -1);
    want(mem, 0); /* one was told, the other not */
    touch(&t[1], mem + P, 5);
    while (t[1].tid == 0)
        sched_yield();
    close(uffd);
    EQ(touched(&t[0]), 0);
    EQ(touched(&t[1]), 5);
    mem[2 * P] = 1;
    CHECK(!t_vmflag(mem, "um"));
    EQ(t_lines(mem, 4), 1);
}

TEST(uffd_killed, "a process is killed that waits, in a program or in a call")
{
    int fds[2], theirs[2]; /* who writes may keep others from the pipe */
    char c;

    OK(pipe(fds));
    OK(pipe(theirs));
    for (int in_call = 0; in_call < 2; in_call++) {
        pid_t pid = t_fork();

        if (!pid) {
            start(1);
            OK(write(fds[1], "x", 1));
            if (in_call)
                (void)!write(theirs[1], mem, 1);
            _exit(*mem);
        }
        EQ(read(fds[0], &c, 1), 1);
        t_nap(2000);
        OK(kill(pid, SIGKILL));
        EQ(WTERMSIG(t_status_of(pid)), SIGKILL);
    }
}

TEST(uffd_ending,
     "a thread that ends waits for no monitor: robust list, CLONE_CHILD_CLEARTID")
{
    for (int i = 0; i < 2; i++) {
        pid_t pid = t_fork();

        if (!pid) {
            start(1);
            if (i)
                syscall(SYS_set_tid_address, mem);
            else
                OK(syscall(SYS_set_robust_list, mem, 24));
            syscall(SYS_exit_group, 3);
        }
        EQ(WEXITSTATUS(t_status_of(pid)), 3);
    }
}

static volatile int signals;
static void count(int sig)
{
    (void)sig;
    signals++;
}

TEST(uffd_signal, "a signal comes through, and then the touch waits again")
{
    struct sigaction sa = {.sa_handler = count};
    struct toucher t;

    OK(sigaction(SIGUSR1, &sa, NULL));
    start(1);
    touch(&t, mem, -1);
    want(mem, 0);
    EQ(pthread_kill(t.thread, SIGUSR1), 0);
    want(mem, 0); /* after the handler */
    EQ(signals, 1);
    OK(give(mem, 2));
    EQ(touched(&t), 2);
}

TEST(uffd_fork, "a child's memory is not registered, its descriptor serves the parent")
{
    struct toucher t;

    start(4);
    OK(give(mem + P, 7));
    CHILD({
        EQ(mem[0], 0);
        EQ(mem[P], 7);
        CHECK(!t_vmflag(mem, "um"));
        OK(give(mem, 3)); /* the parent's */
        EQ(mem[0], 0);
    });
    EQ(mem[0], 3);
    touch(&t, mem + 2 * P, -1);
    want(mem + 2 * P, 0);
    OK(zeros(mem + 2 * P, 1));
    EQ(touched(&t), 0);
}

TEST(uffd_gone, "calls for an address space that has ended")
{
    int fds[2];
    unsigned char *from = anon(1);
    pid_t pid;

    int pidfd;

    mem = anon(1);
    OK(pipe(fds));
    pid = t_fork();
    if (!pid) {
        uffd = uffd_new(0, 0);
        OK(watch(mem, 1, REGISTER_MISSING));
        OK(write(fds[1], &uffd, sizeof(uffd)));
        pause();
    }
    EQ(read(fds[0], &uffd, sizeof(uffd)), sizeof(uffd));
    OK(pidfd = (int)syscall(SYS_pidfd_open, pid, 0));
    OK(uffd = (int)syscall(SYS_pidfd_getfd, pidfd, uffd, 0));
    OK(copy_mode(mem, from, 1, 0)); /* it is the child's memory */
    OK(kill(pid, SIGKILL));
    EQ(WTERMSIG(t_status_of(pid)), SIGKILL);
    ERR(copy_mode(mem, from, 1, 0), ESRCH);
    ERR(zeros(mem, 1), ESRCH);
    ERR(guard(mem, 1, true), ESRCH);
    ERR(watch(mem, 1, REGISTER_MISSING), ENOMEM);
    ERR(range_call(UFFDIO_UNREGISTER, mem, 1), ENOMEM);
    OK(range_call(UFFDIO_WAKE, mem, 1));
}

TEST(uffd_exec, "exec ends it, the descriptor without O_CLOEXEC goes on")
{
    CHILD({
        uffd = uffd_new(0, 0);
        mem = anon(1);
        OK(watch(mem, 1, REGISTER_MISSING));
        execl(t_exe, t_exe, "--helper", NULL);
        _exit(1);
    });
}

TEST(uffd_munmap, "unmapped while somebody waits: he finds what is there then")
{
    struct toucher t;

    start(3);
    touch(&t, mem + P, -1);
    want(mem + P, 0);
    t_map(mem + P, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    OK(range_call(UFFDIO_WAKE, mem, 3));
    EQ(touched(&t), 0);
    CHECK(t_vmflag(mem, "um"));
    CHECK(!t_vmflag(mem + P, "um"));
    ERR(give(mem + P, 1), ENOENT);
}

TEST(uffd_mremap, "mremap: grows in place registered, what moves is not")
{
    struct toucher t;
    unsigned char *to;

    start(4);
    OK(munmap(mem + 2 * P, 2 * P));
    EQ((uintptr_t)mremap(mem, 2 * P, 3 * P, 0), (uintptr_t)mem);
    touch(&t, mem + 2 * P, -1);
    want(mem + 2 * P, 0);
    OK(give(mem + 2 * P, 8));
    EQ(touched(&t), 8);
    OK(to = mremap(mem, 3 * P, 64 * P, MREMAP_MAYMOVE));
    EQ(to[2 * P], 8);
    EQ(to[0], 0);
    to[5 * P] = 1;
    CHECK(!t_vmflag(to, "um"));
}

TEST(uffd_areas, "areas split at the ends, and are one again; rights do not matter")
{
    struct toucher t;

    uffd = uffd_new(0, 0);
    mem = anon(8);
    OK(watch(mem + 2 * P, 2, REGISTER_MISSING));
    EQ(t_lines(mem, 8), 3);
    OK(watch(mem + 4 * P, 2, REGISTER_MISSING));
    EQ(t_lines(mem, 8), 3);
    OK(watch(mem + 4 * P, 1, REGISTER_MISSING | REGISTER_WP));
    EQ(t_lines(mem, 8), 5);
    OK(mprotect(mem + 2 * P, P, PROT_READ));
    touch(&t, mem + 2 * P, -1);
    want(mem + 2 * P, 0);
    OK(give(mem + 2 * P, 4));
    EQ(touched(&t), 4);
    FAULT(t_write(mem + 2 * P, 1), SIGSEGV, SEGV_ACCERR, mem + 2 * P);
    OK(mprotect(mem + 3 * P, P, PROT_NONE));
    OK(give(mem + 3 * P, 5));
    FAULT(t_read(mem + 3 * P), SIGSEGV, SEGV_ACCERR, mem + 3 * P);
    OK(mprotect(mem + 2 * P, 2 * P, PROT_READ | PROT_WRITE));
    EQ(mem[3 * P], 5);
    mem[2 * P] = 9;
    OK(range_call(UFFDIO_UNREGISTER, mem, 8));
    if (t_tessera) /* Linux keeps some apart whose pages differ */
        EQ(t_lines(mem, 8), 1);
}

TEST(uffd_two,
     "two monitors beside one another: nothing merges, each is asked for his own")
{
    struct toucher t;
    int first;

    start(4);
    OK(range_call(UFFDIO_UNREGISTER, mem + 2 * P, 2));
    first = uffd;
    uffd = uffd_new(0, 0);
    OK(watch(mem + 2 * P, 2, REGISTER_MISSING));
    EQ(t_lines(mem, 4), 2);
    touch(&t, mem + 2 * P, 1);
    want(mem + 2 * P, FLAG_WRITE);
    OK(give(mem + 2 * P, 3));
    EQ(touched(&t), 1);
    uffd = first;
    want_none();
}

static int helper(int argc, char **argv)
{
    uffd = 3;
    (void)argc;
    (void)argv;
    while (uffd < 16 && zeros((void *)0x100000, 1) < 0 && errno != ESRCH)
        uffd++;
    return errno == ESRCH ? 0 : 1;
}

int main(int argc, char **argv)
{
    uffd_unused();
    return t_main(argc, argv, helper);
}
