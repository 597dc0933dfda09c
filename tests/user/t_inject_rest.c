/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls that hand pages of pipes on, of owners of descriptors, of futexes with
 * owners or in numbers, of groups, of what processes part with, of tracers fails once. Cases: I7xx.
 */
#include "lib/uapi/futex.h"
#include "tests/user/t_inject.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>

enum { PIECE = 40000 };

static int fd, from[2], to[2];
static char block[65536];

static int unread(int end)
{
    int n = -1;

    OK(ioctl(end, FIONREAD, &n));
    return n;
}

/* ---- pipes ---- */

static void pipes_there(void)
{
    OK(fd = open("file", O_CREAT | O_RDWR, 0600));
    EQ(write(fd, block, sizeof(block)), sizeof(block));
    OK(pipe2(from, O_NONBLOCK));
    OK(pipe2(to, O_NONBLOCK));
    EQ(write(from[1], block, PIECE), PIECE);
}

/* What came is what went: the two ends agree with the answer. */
static long moved(long n, int left, int came)
{
    int error = errno;

    EQ(unread(from[0]), left);
    EQ(unread(to[0]), came);
    errno = error;
    return n < 0 ? -1 : 0;
}

static long file_to_pipe(void)
{
    loff_t at = 100;
    long n = syscall(SYS_splice, fd, &at, to[1], NULL, PIECE, 2 /* SPLICE_F_NONBLOCK */);

    EQ(at, n < 0 ? 100 : 100 + n);
    return moved(n, PIECE, n < 0 ? 0 : (int)n);
}

static long pipe_to_file(void)
{
    loff_t at = 1 << 20;
    long n = syscall(SYS_splice, from[0], NULL, fd, &at, PIECE, 2);

    return moved(n, n < 0 ? PIECE : PIECE - (int)n, 0);
}

static long pipe_to_pipe(void)
{
    long n = syscall(SYS_splice, from[0], NULL, to[1], NULL, PIECE, 2);

    return moved(n, n < 0 ? PIECE : PIECE - (int)n, n < 0 ? 0 : (int)n);
}

static long copy_pipe(void)
{
    long n = syscall(SYS_tee, from[0], to[1], PIECE, 2);

    return moved(n, PIECE, n < 0 ? 0 : (int)n);
}

static long memory_to_pipe(void)
{
    static struct iovec v[600];
    long n;

    for (int i = 0; i < 600; i++)
        v[i] = (struct iovec){block + i, 50};
    n = syscall(SYS_vmsplice, to[1], v, 600, 2);
    return moved(n, PIECE, n < 0 ? 0 : (int)n);
}

TEST(I701, "splice, tee, vmsplice")
{
    SWEEP(.setup = pipes_there, .call = file_to_pipe, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = pipes_there, .call = pipe_to_file, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = pipes_there, .call = pipe_to_pipe, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = pipes_there, .call = copy_pipe, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = pipes_there, .call = memory_to_pipe, .errors = {ENOMEM, EAGAIN});
}

/* ---- packets: what says where they end, and a page for each ---- */

static void packet_pipes(void)
{
    OK(pipe2(from, O_NONBLOCK | O_DIRECT));
    OK(pipe2(to, O_NONBLOCK));
}

static void packets_inside(void)
{
    packet_pipes();
    for (int i = 0; i < 3; i++)
        EQ(write(from[1], block, 5000), 5000); /* two packets each */
}

static long first_packets(void)
{
    long n = write(from[1], block, 9000);
    int error = errno;

    EQ(unread(from[0]), n < 0 ? 0 : n);
    errno = error;
    return n < 0 ? -1 : 0;
}

/* Those that went are those that came, in their order. */
static long pass_packets(long (*pass)(void), bool kept)
{
    int n = (int)pass(), error = errno;

    EQ(unread(from[0]), kept || n < 0 ? 15000 : 15000 - n);
    EQ(unread(to[0]), n < 0 ? 0 : n);
    for (int i = 0; n > 0 && i * 5000 < n; i++) {
        EQ(read(to[0], block, sizeof(block)), 4096);
        if (i * 5000 + 4096 < n)
            EQ(read(to[0], block, sizeof(block)), 904);
    }
    errno = error;
    return n < 0 ? -1 : 0;
}

static long splice_packets(void)
{
    return syscall(SYS_splice, from[0], NULL, to[1], NULL, PIECE, 2);
}

static long tee_packets(void)
{
    return syscall(SYS_tee, from[0], to[1], PIECE, 2);
}

static long pass_all(void)
{
    return pass_packets(splice_packets, false);
}

static long copy_all(void)
{
    return pass_packets(tee_packets, true);
}

static long bytes_behind(void)
{
    struct iovec v = {block, 6000};
    long n = syscall(SYS_vmsplice, from[1], &v, 1, 2);
    int error = errno;

    EQ(unread(from[0]), n < 0 ? 15000 : 15000 + n);
    errno = error;
    return n < 0 ? -1 : 0;
}

static long more_room(void)
{
    long n = fcntl(from[1], F_SETPIPE_SZ, 32 * 4096);
    int error = errno;

    EQ(unread(from[0]), 15000);
    errno = error;
    return n < 0 ? -1 : 0;
}

TEST(I707, "pipes of packets")
{
    SWEEP(.setup = packet_pipes, .call = first_packets, .errors = {ENOMEM});
    SWEEP(.setup = packets_inside, .call = pass_all, .errors = {ENOMEM});
    SWEEP(.setup = packets_inside, .call = copy_all, .errors = {ENOMEM});
    SWEEP(.setup = packets_inside, .call = bytes_behind, .errors = {ENOMEM});
    SWEEP(.setup = packets_inside, .call = more_room, .errors = {ENOMEM});
}

/* ---- descriptors ---- */

static long own(void)
{
    return fcntl(from[0], F_SETOWN, getpid());
}

static long own_signal(void)
{
    return fcntl(from[0], 10 /* F_SETSIG */, SIGUSR1);
}

static long ask_for_signals(void)
{
    return fcntl(from[0], F_SETFL, O_ASYNC | O_NONBLOCK);
}

static long lock_open_file(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};

    return fcntl(fd, 37 /* F_OFD_SETLK */, &l);
}

TEST(I702, "owners of descriptors, locks of open files")
{
    SWEEP(.setup = pipes_there, .call = own, .errors = {ENOMEM});
    SWEEP(.setup = pipes_there, .call = own_signal, .errors = {ENOMEM});
    SWEEP(.setup = pipes_there, .call = ask_for_signals, .errors = {ENOMEM});
    SWEEP(.setup = pipes_there, .call = lock_open_file, .errors = {ENOMEM, ENOLCK});
}

/* ---- futexes ---- */

/* A page of their own, which nobody has touched: the call brings it in. */
static struct {
    uint32_t word, other, rest[1022];
} page __attribute__((aligned(4096)));

static struct {
    uint64_t value, address;
    uint32_t flags, none;
} words[100];

static void words_there(void)
{
    for (size_t i = 0; i < 100; i++) {
        words[i].value = 1; /* which it is not: nobody waits */
        words[i].address = (uintptr_t)&page.word;
        words[i].flags = 2;
    }
}

static long wait_for_any(void)
{
    long r = syscall(449 /* futex_waitv */, words, 100, 0, NULL, 0);

    return r == -1 && errno == EAGAIN ? 0 : -1;
}

static long lock_pi(void)
{
    return syscall(SYS_futex, &page.word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static long wait_for_one(void)
{
    long r = syscall(SYS_futex, &page.word, FUTEX_WAIT, 1, NULL, NULL, 0);

    return r == -1 && errno == EAGAIN ? 0 : -1;
}

static long wake(void)
{
    return syscall(SYS_futex, &page.word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long requeue(void)
{
    return syscall(SYS_futex, &page.word, FUTEX_CMP_REQUEUE, 1, 1, &page.other, 0);
}

static long change_and_wake(void)
{
    return syscall(SYS_futex, &page.word, FUTEX_WAKE_OP, 1, 1, &page.other, 1 << 28);
}

TEST(I703, "futexes: of memory that is not there yet, many, and with an owner")
{
    SWEEP(.call = wait_for_one, .errors = {ENOMEM});
    SWEEP(.call = wake, .errors = {ENOMEM});
    SWEEP(.call = requeue, .errors = {ENOMEM});
    SWEEP(.call = change_and_wake, .errors = {ENOMEM});
    SWEEP(.setup = words_there, .call = wait_for_any, .errors = {ENOMEM});
    SWEEP(.call = lock_pi, .errors = {ENOMEM});
}

/* ---- processes ---- */

static gid_t groups[200];

static void groups_there(void)
{
    for (unsigned i = 0; i < 200; i++)
        groups[i] = 1000 + i;
}

static long set_groups(void)
{
    return syscall(SYS_setgroups, 200, groups);
}

static long get_groups(void)
{
    return getgroups(200, groups) < 0 ? -1 : 0;
}

static long part(void)
{
    return unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM);
}

static long new_session(void)
{
    return setsid() < 0 ? -1 : 0;
}

TEST(I704, "groups, unshare, setsid")
{
    if (geteuid() == 0)
        SWEEP(.setup = groups_there, .call = set_groups, .errors = {ENOMEM});
    SWEEP(.call = get_groups);
    SWEEP(.setup = pipes_there, .call = part, .errors = {ENOMEM});
    SWEEP(.call = new_session, .errors = {ENOMEM});
}

/* ---- tracers ---- */

static pid_t child;

static void stopped_child(void)
{
    int status;

    child = t_fork();
    if (!child) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGUSR1);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    EQ(waitpid(child, &status, 0), child);
}

static long queued_signals(void)
{
    static siginfo_t info[4];
    struct {
        uint64_t at;
        uint32_t flags;
        int32_t n;
    } ask = {0, 1 /* of the process */, 4};

    return syscall(SYS_ptrace, 0x4209 /* PTRACE_PEEKSIGINFO */, child, &ask, info) < 0
               ? -1
               : 0;
}

static long all_registers(void)
{
    static char state[8192];
    struct iovec v = {state, sizeof(state)};

    return syscall(SYS_ptrace, PTRACE_GETREGSET, child, 0x202 /* NT_X86_XSTATE */, &v);
}

static long read_word(void)
{
    long out;

    return syscall(SYS_ptrace, PTRACE_PEEKDATA, child, &words, &out);
}

static void no_child(void)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

TEST(I705, "what a tracer reads")
{
    SWEEP(.setup = stopped_child, .call = queued_signals, .undo = no_child,
          .errors = {ENOMEM});
    SWEEP(.setup = stopped_child, .call = all_registers, .undo = no_child,
          .errors = {ENOMEM});
    SWEEP(.setup = stopped_child, .call = read_word, .undo = no_child,
          .errors = {ENOMEM, EIO});
}

/* ---- terminals ---- */

static void terminal_there(void)
{
    int zero = 0;

    OK(fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/ptmx",
                         O_RDWR | O_NOCTTY | O_NONBLOCK, 0));
    OK(ioctl(fd, TIOCSPTLCK, &zero));
}

static long open_peer(void)
{
    return ioctl(fd, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY);
}

static void peer_there(void)
{
    terminal_there();
    OK(from[0] = (int)open_peer());
}

static long type_line(void)
{
    return write(fd, "a line of text\n", 15) < 0 ? -1 : 0;
}

static long print_lines(void)
{
    return write(from[0], block, 3000) < 0 ? -1 : 0;
}

TEST(I706, "pseudo-terminals")
{
    SWEEP(.setup = terminal_there, .call = open_peer, .errors = {ENOMEM, ENFILE, EIO});
    SWEEP(.setup = peer_there, .call = type_line, .errors = {ENOMEM, EAGAIN});
    SWEEP(.setup = peer_there, .call = print_lines, .errors = {ENOMEM, EAGAIN});
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
