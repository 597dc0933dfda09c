/* SPDX-License-Identifier: MIT
 *
 * More attacks: with epolls, sockets, terminals, timers, ptrace, semaphores and messages.
 */
#include "tests/user/hostile.h"
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

/* ---- descriptors ---- */

static void event_descriptor(void)
{
    struct itimerspec often = {{0, 1}, {0, 1}};
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        int timer = timerfd_create(CLOCK_MONOTONIC, 0);
        if (!took(timer >= 0 && timerfd_settime(timer, 0, &often, NULL) == 0) ||
            !took(eventfd(1, 0) >= 0) || !took(signalfd(-1, &all, 0) >= 0) ||
            !took(syscall(SYS_pidfd_open, getpid(), 0) >= 0))
            return;
    }
}

static void event_descriptors(void)
{
    in_many(event_descriptor);
}

/* Epolls that watch the same descriptors, each of which wakes them all. */
static void epoll_each_other(void)
{
    int event[40], n = 0;
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    while (n < 40 && took((event[n] = eventfd(0, 0)) >= 0))
        n++;
    for (int ep; took((ep = epoll_create1(0)) >= 0);)
        for (int i = 0; i < n; i++)
            if (!took(epoll_ctl(ep, EPOLL_CTL_ADD, event[i], &e) == 0))
                return;
    for (int k = 0; k < 1000; k++)
        if (write(event[k % 40], &(uint64_t){1}, 8) != 8)
            return;
}

static void epolls(void)
{
    in_many(epoll_each_other);
}

/* Chains and rings of epolls: as deep and as wide as they may be, again and again. */
static void epoll_rings(void)
{
    static int ep[200];
    struct epoll_event e = {.events = EPOLLIN};
    uint64_t seed = 5;
    for (int i = 0; i < 200; i++)
        if (!took((ep[i] = epoll_create1(0)) >= 0))
            return;
    for (int i = 0; i < 100000; i++) {
        int from = (int)(t_random(&seed) % 200), to = (int)(t_random(&seed) % 200);
        int how = t_random(&seed) % 4 ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
        if (epoll_ctl(ep[from], how, ep[to], &e) == 0)
            sh->n++;
        if (i % 5000 == 0) {
            close(ep[from]);
            ep[from] = epoll_create1(0);
        }
    }
}

/* ---- sockets ---- */

static bool send_descriptor(int to, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } c = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                    .cmsg_level = SOL_SOCKET,
                    .cmsg_type = SCM_RIGHTS}};
    struct iovec iov = {"x", 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
    return sendmsg(to, &m, MSG_DONTWAIT) == 1;
}

/* Descriptors in messages that nobody receives, whose senders have closed them. */
static void flying(void)
{
    for (int s[2]; took(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);)
        for (int fd;;) {
            fd = memfd_create("f", 0);
            bool good = fd >= 0 && write(fd, "x", 1) == 1 && send_descriptor(s[0], fd);
            if (fd >= 0)
                close(fd);
            if (!good)
                break;
            sh->n++;
        }
}

static void flying_in_many(void)
{
    in_many(flying);
}

/* Sockets that lie in each other's queues: rings that nobody can reach. */
static void socket_rings(void)
{
    for (int i = 0; i < 5000; i++) {
        int s[2], t[2];
        if (!took(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0))
            return;
        if (!took(socketpair(AF_UNIX, SOCK_STREAM, 0, t) == 0))
            return;
        send_descriptor(s[0], t[0]);
        send_descriptor(s[0], t[1]);
        send_descriptor(t[0], s[0]);
        send_descriptor(t[0], s[1]);
        close(s[0]);
        close(s[1]);
        close(t[0]);
        close(t[1]);
    }
}

static void full_sockets(void)
{
    static char text[65536];
    for (int s[2]; took(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);)
        for (int i = 0; i < 2; i++)
            while (send(s[i], text, sizeof(text), MSG_DONTWAIT) > 0)
                sh->n++;
}

static void full_sockets_in_many(void)
{
    in_many(full_sockets);
}

/* Connections that nobody accepts. */
static void backlog(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0);
    if (!took(l >= 0 && bind(l, (struct sockaddr *)&a, len) == 0 &&
              listen(l, 4096) == 0 && getsockname(l, (struct sockaddr *)&a, &len) == 0))
        return;
    for (int s; took((s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);)
        if (connect(s, (struct sockaddr *)&a, len) && errno == EAGAIN)
            break;
}

static void backlogs(void)
{
    in_many(backlog);
}

/* ---- terminals ---- */

static void terminal(void)
{
    static char text[4096];
    int zero = 0, m;
    memset(text, 'x', sizeof(text));
    while (took((m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0)) {
        char name[32];
        int n, s;
        if (ioctl(m, TIOCSPTLCK, &zero) || ioctl(m, TIOCGPTN, &n))
            return;
        snprintf(name, sizeof(name), "/dev/pts/%d", n);
        if (!took((s = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0))
            return;
        for (int i = 0; i < 2; i++)
            while (write(i ? s : m, text, sizeof(text)) > 0)
                sh->n++;
    }
}

static void terminals(void)
{
    in_many(terminal);
}

/* ---- timers, tracing ---- */

static void timer_bomb(void)
{
    struct itimerspec often = {{0, 1}, {0, 1}};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    sigset_t all;
    timer_t t;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (took(timer_create(CLOCK_MONOTONIC, &e, &t) == 0))
        timer_settime(t, 0, &often, NULL);
    sh->error = EAGAIN;
}

static void timer_bombs(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return;
        if (!pid) {
            timer_bomb();
            for (;;)
                pause();
        }
    }
}

/* Everybody is asked for; own children are stopped, stepped and left. */
static void trace_all(void)
{
    for (int round = 0; round < 20; round++)
        for (int pid = 1; pid < 400; pid++)
            if (pid != getpid() && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
                sh->wrong = "nobody traces others";
    for (int i = 0; i < 300; i++) {
        pid_t pid = fork();
        if (!took(pid >= 0))
            return;
        if (!pid) {
            ptrace(PTRACE_TRACEME, 0, NULL, NULL);
            raise(SIGSTOP);
            for (;;)
                if (fork() == 0)
                    _exit(0);
        }
        waitpid(pid, NULL, 0);
        ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT);
        if (i % 3)
            ptrace(i % 3 == 1 ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, NULL, NULL);
    }
}

/* ---- System V ---- */

static void semaphores(void)
{
    struct sembuf one = {0, 1, SEM_UNDO};
    for (int id; took((id = semget(IPC_PRIVATE, 200, IPC_CREAT | 0600)) >= 0);)
        if (!took(semop(id, &one, 1) == 0))
            break;
    while (took(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600) >= 0))
        ;
}

/* Many wait on one set, for operations that nearly succeed each time. */
static void semaphore_waiters(void)
{
    static struct sembuf ops[400];
    int id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    struct sembuf up = {0, 1, IPC_NOWAIT}, down = {0, -1, IPC_NOWAIT};
    for (int i = 0; i < 400; i++)
        ops[i] = (struct sembuf){0, i % 2 ? 1 : -1, 0};
    ops[399] = (struct sembuf){1, -1, 0};
    for (int i = 0; i < 200 && took(id >= 0); i++) {
        pid_t pid = fork();
        if (!took(pid >= 0))
            break;
        if (!pid) {
            semop(id, ops, 400);
            for (;;)
                pause();
        }
    }
    for (int i = 0; i < 20000; i++)
        if (!took(semop(id, i % 2 ? &down : &up, 1) == 0) && errno != EAGAIN)
            break;
}

static void messages(void)
{
    static struct {
        long type;
        char text[8000];
    } m = {.type = 1};
    for (int id, n = 0; took((id = msgget(IPC_PRIVATE, IPC_CREAT | 0600)) >= 0); n++)
        while (msgsnd(id, &m, n % 2 ? sizeof(m.text) : 0, IPC_NOWAIT) == 0)
            sh->n++;
}

void forget_ipc(void)
{
    struct seminfo sems;
    struct msginfo msgs;
    struct semid_ds sem;
    struct msqid_ds msg;
    int last = semctl(0, 0, SEM_INFO, &sems);
    for (int i = 0; i <= last; i++) {
        int id = semctl(i, 0, SEM_STAT, &sem);
        if (id >= 0 && sem.sem_perm.cuid == 65534)
            semctl(id, 0, IPC_RMID);
    }
    last = msgctl(0, MSG_INFO, (struct msqid_ds *)&msgs);
    for (int i = 0; i <= last; i++) {
        int id = msgctl(i, MSG_STAT, &msg);
        if (id >= 0 && msg.msg_perm.cuid == 65534)
            msgctl(id, IPC_RMID, NULL);
    }
}

const struct attack call_attacks[] = {
    {"event-fds", "timerfds, eventfds, signalfds, pidfds", event_descriptors},
    {"epolls", "epolls that watch the same descriptors", epolls},
    {"epoll-rings", "chains and rings of epolls", epoll_rings},
    {"flying", "descriptors in messages nobody receives", flying_in_many},
    {"socket-rings", "sockets in each other's queues", socket_rings},
    {"sockets", "full sockets", full_sockets_in_many},
    {"backlogs", "connections nobody accepts", backlogs},
    {"terminals", "full terminals", terminals},
    {"timer-bombs", "timers of a nanosecond", timer_bombs},
    {"trace-all", "tracing everybody", trace_all},
    {"semaphores", "sets of semaphores and what is undone", semaphores},
    {"semaphore-waiters", "waiters on one set", semaphore_waiters},
    {"messages", "full queues of messages", messages},
    {NULL, NULL, NULL},
};
