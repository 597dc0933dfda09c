/* SPDX-License-Identifier: MIT
 *
 * Attacks by races: processes of several threads do one family of calls in any order on things that
 * they share, and are killed in the middle of it, again and again.
 */
#include "tests/user/hostile.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>

#define NPROCS   4
#define NTHREADS 3
#define ROUNDS   60
#define NFDS     24u

static int fds[NFDS]; /* of the process; -1: none */
static char *mem;     /* of MEM bytes, shared by all */
static volatile pid_t *peers;
#define MEM (64 * P)

typedef void worker(uint64_t *seed);
static worker *work;

static unsigned any(uint64_t *seed, unsigned n)
{
    return (unsigned)(t_random(seed) >> 16) % n;
}

static int some(uint64_t *seed)
{
    return fds[any(seed, NFDS)];
}

/* It may be that another thread still uses what stood there. */
static void keep(uint64_t *seed, int fd)
{
    if (fd < 0)
        return;
    sh->n++;
    int old = __atomic_exchange_n(&fds[any(seed, NFDS)], fd, __ATOMIC_SEQ_CST);
    if (old > 2)
        close(old);
}

static void *works(void *arg)
{
    uint64_t seed = (uintptr_t)arg;

    for (;;)
        work(&seed);
    return NULL;
}

/* The running process ends with the thread that made it. */
static void end_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

static void nothing(int signo)
{
    (void)signo;
}

static void race_of_one(pid_t parent, unsigned long number)
{
    struct sigaction act = {.sa_handler = nothing};
    pthread_t t;

    end_with(parent);
    setpgid(0, 0); /* its own, so that signals of terminals reach only these */
    for (int s = 1; s < 32; s++)
        if (s != SIGSEGV && s != SIGBUS)
            sigaction(s, &act, NULL);
    for (unsigned long i = 1; i < NTHREADS; i++)
        if (pthread_create(&t, NULL, works, (void *)(number * NTHREADS + i)))
            break;
    works((void *)(number * NTHREADS));
}

/* Meanwhile the attacker is done with what he had before. */
static void race(worker *fn)
{
    uint64_t seed = 7;
    pid_t pid[NPROCS], me = getpid();

    work = fn;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < NPROCS; i++) {
            pid[i] = fork();
            if (pid[i] == 0)
                race_of_one(me, (unsigned long)(round * NPROCS + (int)i + 1));
            if (peers)
                peers[i] = pid[i];
        }
        t_nap(1000 + any(&seed, 40000));
        for (unsigned i = 0; i < NPROCS; i++)
            if (pid[i] > 0) {
                kill(-pid[i], SIGKILL);
                kill(pid[i], SIGKILL);
            }
        for (unsigned i = 0; i < NPROCS; i++)
            if (pid[i] > 0)
                waitpid(pid[i], NULL, 0);
    }
}

static void begin(void)
{
    for (unsigned i = 0; i < NFDS; i++)
        fds[i] = -1;
    peers = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* ---- terminals ---- */

static void terminal_call(uint64_t *seed)
{
    static const unsigned calls[] = {
        TCFLSH,    TCXONC,    TIOCSWINSZ, TIOCGWINSZ, TIOCSPGRP, TIOCGPGRP, TIOCGSID,
        TIOCNOTTY, TIOCSCTTY, FIONREAD,   TIOCOUTQ,   TIOCEXCL,  TIOCNXCL,  TIOCSTI,
        TIOCPKT,   TIOCGPKT,  TIOCSIG,    TCSBRK,     TIOCSPTLCK};
    unsigned call = calls[any(seed, sizeof(calls) / sizeof(*calls))];
    int value[4] = {(int)any(seed, 4), 80, getpid(), 0};

    if (call == TCFLSH || call == TCXONC)
        ioctl(some(seed), call, any(seed, 4));
    else if (call == TIOCSIG)
        ioctl(some(seed), call, any(seed, 2) ? SIGINT : SIGTSTP);
    else
        ioctl(some(seed), call, value);
}

static void terminal(uint64_t *seed)
{
    static const char keys[] = "ab\n\x03\x1c\x1a\x04\x7f\x15\x16\t\x11\x13\x17\x12";
    char text[600];
    struct termios t;
    int off = 0;

    switch (any(seed, 12)) {
    case 0:
        keep(seed, open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
        break;
    case 1: {
        int master = some(seed);
        ioctl(master, TIOCSPTLCK, &off);
        keep(seed, ioctl(master, TIOCGPTPEER, O_RDWR | O_NONBLOCK));
        break;
    }
    case 2:
        keep(seed, open("/dev/tty", O_RDWR | O_NONBLOCK));
        break;
    case 3: {
        pid_t me = getpid();
        if (fork() == 0) { /* a session that ends, or is hung up */
            end_with(me);
            setsid();
            ioctl(some(seed), TIOCSCTTY, 0);
            for (unsigned i = any(seed, 5); i; i--)
                terminal_call(seed);
            _exit(0);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        break;
    }
    case 4:
    case 5:
        for (unsigned i = 0; i < sizeof(text); i++)
            text[i] = keys[any(seed, sizeof(keys) - 1)];
        took(write(some(seed), text, 1 + any(seed, sizeof(text))) > 0);
        break;
    case 6:
        took(read(some(seed), text, sizeof(text)) > 0);
        break;
    case 7: {
        int fd = some(seed);
        if (tcgetattr(fd, &t) == 0) {
            t.c_lflag ^= any(seed, 2) ? ICANON : ECHO;
            t.c_oflag ^= OPOST;
            tcsetattr(fd, (int)any(seed, 3), &t);
        }
        break;
    }
    case 8: {
        struct pollfd p = {some(seed), POLLIN | POLLOUT | POLLPRI, 0};
        poll(&p, 1, 1);
        break;
    }
    default:
        terminal_call(seed);
    }
}

static void terminals(void)
{
    begin();
    /* What is kept of each number is there when this ends. */
    for (unsigned i = 0; i < NFDS; i++)
        fds[i] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    for (int more[64], n = 0; n < 64; n++) {
        more[n] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
        for (int i = 0; more[n] < 0 && i < n; i++)
            close(more[i]);
        if (more[n] < 0)
            break;
    }
    race(terminal);
}

/* ---- pages in pipes ---- */

static void pipe_call(uint64_t *seed)
{
    unsigned i = 2 * any(seed, 4), k = 2 * any(seed, 4), file = 8 + any(seed, 3);
    size_t n = any(seed, 2) ? 1 + any(seed, 70000) : P * (1 + any(seed, 16));
    unsigned flags = SPLICE_F_NONBLOCK | (any(seed, 2) ? SPLICE_F_MOVE : 0);
    loff_t at = (loff_t)(any(seed, 64) * P + (any(seed, 2) ? any(seed, P) : 0));
    struct iovec iov[2] = {{mem + at % (long)MEM, n % MEM}, {mem, P}};

    switch (any(seed, 10)) {
    case 0:
        took(splice(fds[file], &at, fds[i + 1], NULL, n, flags) > 0);
        break;
    case 1:
        took(splice(fds[i], NULL, fds[file], &at, n, flags) > 0);
        break;
    case 2:
        took(splice(fds[i], NULL, fds[k + 1], NULL, n, flags) > 0);
        break;
    case 3:
        took(tee(fds[i], fds[k + 1], n, flags) > 0);
        break;
    case 4:
        took(vmsplice(fds[i + 1], iov, 2, flags | (any(seed, 2) ? SPLICE_F_GIFT : 0)) >
             0);
        break;
    case 5:
        took(vmsplice(fds[i], iov, 2, flags) > 0);
        break;
    case 6:
        took(ftruncate(fds[file], at) == 0);
        break;
    case 7:
        fallocate(fds[file], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)n);
        break;
    case 8:
        fcntl(fds[i], F_SETPIPE_SZ, P << any(seed, 6));
        break;
    default:
        if (any(seed, 4))
            took(read(fds[i], mem + at % (long)MEM, n % 4000) > 0);
        else if (any(seed, 2))
            madvise(mem, MEM, MADV_REMOVE);
        else
            took(write(fds[i + 1], mem, n % 4000) > 0);
    }
}

static void pipes_and_pages(void)
{
    begin();
    for (unsigned i = 0; i < 8; i += 2)
        if (!took(pipe2(&fds[i], O_NONBLOCK) == 0))
            return;
    for (unsigned i = 8; i < 11; i++)
        if (!took((fds[i] = memfd_create("p", 0)) >= 0 && ftruncate(fds[i], 64 * P) == 0))
            return;
    munmap(mem, MEM);
    mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED, fds[8], 0);
    signal(SIGBUS, SIG_DFL);
    race(pipe_call);
}

/* ---- locks ---- */

static void lock_call(uint64_t *seed)
{
    static const int calls[] = {F_SETLK,      F_SETLKW, F_OFD_SETLK,
                                F_OFD_SETLKW, F_GETLK,  F_OFD_GETLK};
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
    struct flock l = {.l_type = types[any(seed, 3)],
                      .l_whence = SEEK_SET,
                      .l_start = any(seed, 12),
                      .l_len = any(seed, 4)};
    struct itimerspec soon = {.it_value = {0, 1 + any(seed, 300000)}};
    static _Thread_local timer_t timer;
    static _Thread_local bool has_timer;

    if (!has_timer)
        has_timer = timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0;
    timer_settime(timer, 0, &soon, NULL);
    switch (any(seed, 8)) {
    case 0:
        keep(seed, open("/tmp/hostile/locks", O_RDWR | O_CREAT, 0600));
        break;
    case 1:
        flock(some(seed),
              (any(seed, 2) ? LOCK_EX : LOCK_SH) | (any(seed, 2) ? LOCK_NB : 0));
        break;
    case 2:
        keep(seed, dup(some(seed)));
        break;
    case 3:
        if (any(seed, 8) == 0 && fork() == 0) {
            fcntl(some(seed), F_SETLK, &l);
            _exit(0);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        break;
    default:
        took(fcntl(some(seed), calls[any(seed, 6)], &l) == 0);
    }
}

static void lock_races(void)
{
    begin();
    race(lock_call);
}

/* ---- memory of others ---- */

static void look_call(uint64_t *seed)
{
    static char *const own = (char *)0x200000000000;
    static char buf[20000];
    pid_t pid = peers[any(seed, NPROCS)];
    struct iovec mine = {buf, 1 + any(seed, sizeof(buf))};
    struct iovec theirs = {own + any(seed, 20 * P), mine.iov_len};
    char path[40];

    switch (any(seed, 9)) {
    case 0:
        mmap(own + any(seed, 16) * P, (1 + any(seed, 4)) * P, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        break;
    case 1:
        munmap(own + any(seed, 16) * P, (1 + any(seed, 4)) * P);
        break;
    case 2:
        mremap(own, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, own + (1 + any(seed, 15)) * P);
        break;
    case 3:
        if (any(seed, 10) == 0) { /* all of it ends meanwhile */
            if (any(seed, 2))
                execl("/bin/busybox", "sleep", "100", (char *)NULL);
            _exit(0);
        }
        break;
    case 4:
        snprintf(path, sizeof(path), "/proc/%d/mem", pid);
        keep(seed, open(path, any(seed, 2) ? O_RDWR : O_RDONLY));
        break;
    case 5:
        took(pread(some(seed), buf, mine.iov_len, (off_t)(uintptr_t)theirs.iov_base) > 0);
        break;
    case 6:
        took(pwrite(some(seed), buf, mine.iov_len, (off_t)(uintptr_t)theirs.iov_base) >
             0);
        break;
    case 7:
        took(process_vm_writev(pid, &mine, 1, &theirs, 1, 0) > 0);
        break;
    default:
        took(process_vm_readv(pid, &mine, 1, &theirs, 1, 0) > 0);
    }
}

static void lookers(void)
{
    begin();
    race(look_call);
}

/* ---- huge pages ---- */

#define HUGE (2UL << 20)

static void huge_call(uint64_t *seed)
{
    static char *const at = (char *)0x300000000000;
    char *p = at + any(seed, 6) * HUGE;
    size_t n = HUGE << any(seed, 2);
    int fd = fds[any(seed, 2)];

    switch (any(seed, 12)) {
    case 0:
        took(mmap(p, n, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED |
                      (any(seed, 4) ? 0 : MAP_NORESERVE),
                  -1, 0) != MAP_FAILED);
        break;
    case 1:
        took(mmap(p, n, PROT_READ | PROT_WRITE,
                  (any(seed, 2) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, fd,
                  (off_t)(any(seed, 3) * HUGE)) != MAP_FAILED);
        break;
    case 2:
        munmap(p, n);
        break;
    case 3:
        took(ftruncate(fd, (off_t)(any(seed, 4) * HUGE)) == 0);
        break;
    case 4:
        fallocate(fd, any(seed, 2) ? 3 : 0, (off_t)(any(seed, 3) * HUGE), HUGE);
        break;
    case 5:
        mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + any(seed, 6) * HUGE);
        break;
    case 6:
        madvise(p, n, any(seed, 2) ? MADV_DONTNEED : MADV_DONTFORK);
        break;
    case 7:
        mprotect(p, n, (int)any(seed, 4));
        break;
    case 8:
        if (any(seed, 4) == 0 && fork() == 0) {
            for (unsigned i = 0; i < 3; i++)
                took(read(fds[2], at + any(seed, 6) * HUGE, 1) > 0);
            _exit(0);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        break;
    default: /* a touch that no signal answers */
        took(read(fds[2], p + any(seed, (unsigned)HUGE), 1) > 0);
    }
}

static void huge_races(void)
{
    begin();
    for (unsigned i = 0; i < 2; i++)
        if (!took((fds[i] = memfd_create("h", MFD_HUGETLB)) >= 0 &&
                  ftruncate(fds[i], 3 * (off_t)HUGE) == 0))
            return;
    fds[2] = open("/dev/zero", O_RDONLY);
    race(huge_call);
}

/* ---- System V ---- */

static void ipc_call(uint64_t *seed)
{
    struct {
        long type;
        char text[3000];
    } m = {.type = 1 + any(seed, 3)};
    struct sembuf ops[3];
    key_t key = (key_t)(0x7e55 + any(seed, 3));
    struct timespec soon = {0, any(seed, 300000)};
    int id;

    switch (any(seed, 11)) {
    case 0:
    case 1:
        id = msgget(key, IPC_CREAT | 0600);
        took(msgsnd(id, &m, any(seed, sizeof(m.text)), any(seed, 8) ? IPC_NOWAIT : 0) ==
             0);
        break;
    case 2:
        id = msgget(key, IPC_CREAT | 0600);
        took(msgrcv(id, &m, sizeof(m.text), (long)any(seed, 5) - 2,
                    (any(seed, 8) ? IPC_NOWAIT : 0) | MSG_NOERROR) >= 0);
        break;
    case 3:
        if (any(seed, 6) == 0)
            msgctl(msgget(key, 0), IPC_RMID, NULL);
        break;
    case 4:
    case 5:
    case 6:
        id = semget(key, 4, IPC_CREAT | 0600);
        for (int i = 0; i < 3; i++)
            ops[i] = (struct sembuf){
                (unsigned short)any(seed, 4), (short)((int)any(seed, 5) - 2),
                (short)((any(seed, 2) ? SEM_UNDO : 0) | (any(seed, 2) ? IPC_NOWAIT : 0))};
        took(semtimedop(id, ops, 1 + any(seed, 3), &soon) == 0);
        break;
    case 7:
        if (any(seed, 2))
            semctl(semget(key, 0, 0), (int)any(seed, 4), SETVAL, (int)any(seed, 3));
        else if (any(seed, 6) == 0)
            semctl(semget(key, 0, 0), 0, IPC_RMID);
        break;
    default:
        id = shmget(key, 8 * P, IPC_CREAT | 0600);
        char *p = shmat(id, any(seed, 2) ? NULL : (void *)0x400000000000,
                        any(seed, 2) ? SHM_REMAP : 0);
        if (took(p != (void *)-1))
            p[any(seed, 8) * P]++;
        if (any(seed, 3) == 0)
            shmctl(id, IPC_RMID, NULL);
        if (any(seed, 4))
            shmdt(p);
    }
}

static void ipc_races(void)
{
    begin();
    race(ipc_call);
}

/* ---- events ---- */

static void event_call(uint64_t *seed)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | (any(seed, 2) ? EPOLLET : 0) |
                                      (any(seed, 4) ? 0 : EPOLLONESHOT),
                            .data.u64 = 1},
                       got[8];
    struct itimerspec when = {{0, (long)any(seed, 2) * 1000}, {0, 1 + any(seed, 30000)}};
    uint64_t word[16] = {any(seed, 3)};
    sigset_t set;

    switch (any(seed, 14)) {
    case 0:
        keep(seed, epoll_create1(0));
        break;
    case 1:
        keep(seed,
             eventfd(any(seed, 3), EFD_NONBLOCK | (any(seed, 2) ? EFD_SEMAPHORE : 0)));
        break;
    case 2:
        keep(seed, timerfd_create(any(seed, 2) ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                                  TFD_NONBLOCK));
        break;
    case 3:
        sigfillset(&set);
        keep(seed, signalfd(any(seed, 2) ? -1 : some(seed), &set, SFD_NONBLOCK));
        break;
    case 4:
        keep(seed, (int)syscall(SYS_pidfd_open, peers[any(seed, NPROCS)], 0));
        break;
    case 5:
        keep(seed, dup(some(seed)));
        break;
    case 6:
    case 7:
    case 8:
        took(epoll_ctl(some(seed), 1 + (int)any(seed, 3), some(seed), &e) == 0);
        break;
    case 9:
        took(epoll_wait(some(seed), got, 8, (int)any(seed, 2)) > 0);
        break;
    case 10:
        timerfd_settime(some(seed), any(seed, 4) ? 0 : TFD_TIMER_ABSTIME | 2, &when,
                        NULL);
        break;
    case 11:
        took(read(some(seed), word, sizeof(word)) > 0);
        break;
    case 12:
        took(write(some(seed), word, 8) > 0);
        break;
    default:
        if (any(seed, 8) == 0)
            kill(peers[any(seed, NPROCS)], SIGUSR1);
        struct pollfd p[4];
        for (int i = 0; i < 4; i++)
            p[i] = (struct pollfd){some(seed), POLLIN, 0};
        poll(p, 4, (int)any(seed, 2));
    }
}

static void event_races(void)
{
    begin();
    race(event_call);
}

const struct attack race_attacks[] = {
    {"terminal-races", "terminals that are opened, typed at, hung up at once", terminals},
    {"splice-races", "pages in pipes, of files that shrink and of each other",
     pipes_and_pages},
    {"lock-races", "locks of all kinds, circles of waiters, owners that die", lock_races},
    {"look-races", "reads and writes of memory of who changes it, execs, ends", lookers},
    {"huge-races", "huge pages, promised and taken, at once", huge_races},
    {"ipc-races", "System V objects that are used and removed", ipc_races},
    {"event-races", "epolls, counters, timers that come and go", event_races},
    {NULL, NULL, NULL},
};
