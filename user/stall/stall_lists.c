/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: lists as long as a program makes them: sockets in each other's queues,
 * locks of open files, watches, timers, messages.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stall.h"

void on_its_own(void (*fn)(void))
{
    struct rlimit many = {300000, 300000}, signals = {300000, 300000};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (setrlimit(RLIMIT_NOFILE, &many) || setrlimit(RLIMIT_SIGPENDING, &signals))
            die("rlimit");
        fn();
        _exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || status)
        die("apart");
}

static void send_fd(int to, int fd)
{
    char c = 0;
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } u;
    struct iovec v = {&c, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};

    memset(&u, 0, sizeof(u));
    u.h.cmsg_len = CMSG_LEN(sizeof(int));
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&u.h), &fd, sizeof(fd));
    if (sendmsg(to, &m, 0) != 1)
        die("sendmsg");
}

/* Each in the queue of the one before; the last one's end, and of all others but the first. */
static void in_a_chain(void)
{
    enum { N = 3000 };
    int first[2], last[2], next[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, first))
        die("socketpair");
    memcpy(last, first, sizeof(last));
    for (int i = 0; i < N; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, next))
            die("socketpair");
        send_fd(last[1], next[0]);
        if (i)
            close(last[0]);
        close(last[1]);
        memcpy(last, next, sizeof(last));
    }
    close(last[0]);
    close(last[1]);
    close(first[0]);
}

/* The last one's queue has the first. */
static void in_a_ring(void)
{
    enum { N = 3000 };
    int first[2], last[2], next[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, first))
        die("socketpair");
    memcpy(last, first, sizeof(last));
    for (int i = 0; i < N; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, next))
            die("socketpair");
        send_fd(last[1], next[0]);
        if (i) {
            close(last[0]);
            close(last[1]);
        }
        memcpy(last, next, sizeof(last));
    }
    send_fd(last[1], first[0]);
    close(last[0]);
    close(last[1]);
    close(first[0]);
    close(first[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, first);
    close(first[0]);
    close(first[1]);
}

void socket_chain(void)
{
    on_its_own(in_a_chain);
}

void socket_ring(void)
{
    on_its_own(in_a_ring);
}

static void flocks(void)
{
    enum { N = 50000 };
    int fd = open("/tmp/stall", O_CREAT | O_RDWR, 0600), other = 0;

    for (int i = 0; i < N; i++) {
        other = open("/tmp/stall", O_RDWR);
        if (other < 0 || flock(other, LOCK_SH))
            die("flock");
    }
    flock(fd, LOCK_EX | LOCK_NB);
    flock(other, LOCK_UN);
    flock(fd, LOCK_SH);
    unlink("/tmp/stall");
}

void many_flocks(void)
{
    on_its_own(flocks);
}

static void told_locks(void)
{
    enum { N = 100000 };
    static char text[1 << 20];
    int fd = file(P), locks = open("/proc/locks", O_RDONLY);

    if (locks < 0)
        die("/proc/locks");
    for (int i = 0; i < N; i++) {
        struct flock l = {.l_type = F_WRLCK, .l_start = 2 * i, .l_len = 1};

        if (fcntl(fd, F_SETLK, &l))
            die("lock");
    }
    pread(locks, text, 100, 4000000);
    while (read(locks, text, sizeof(text)) > 0)
        ;
}

void locks_told(void)
{
    on_its_own(told_locks);
}

static void watching(void)
{
    enum { N = 40000 };
    int fd = eventfd(0, 0), one = epoll_create1(0), made = 0;
    struct epoll_event e = {.events = EPOLLIN}, got[1000];
    char name[64];
    static char text[1 << 20];

    for (; made < N; made++) { /* one file, many epolls */
        int ep = epoll_create1(0);

        if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
            break;
    }
    eventfd_write(fd, 1);
    for (int i = 0; i < N; i++) { /* one epoll, many files */
        int ev = eventfd(1, 0);

        if (ev < 0 || epoll_ctl(one, EPOLL_CTL_ADD, ev, &e))
            break;
    }
    epoll_wait(one, got, 1000, 0);
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", one);
    int info = open(name, O_RDONLY);
    pread(info, text, 100, 1000000);
    while (read(info, text, sizeof(text)) > 0)
        ;
    close(fd);
    close(one);
}

void many_watches(void)
{
    on_its_own(watching);
}

/* Layers of epolls, each of which watches all of the next. */
static void nesting(void)
{
    enum { LAYERS = 4, WIDE = 40 };
    static int ep[LAYERS][WIDE];
    struct epoll_event e = {.events = EPOLLIN};
    int fd = eventfd(0, 0);

    for (int l = 0; l < LAYERS; l++)
        for (int i = 0; i < WIDE; i++)
            ep[l][i] = epoll_create1(0);
    for (int l = 0; l + 1 < LAYERS; l++)
        for (int i = 0; i < WIDE; i++)
            for (int k = 0; k < WIDE; k++)
                epoll_ctl(ep[l][i], EPOLL_CTL_ADD, ep[l + 1][k], &e);
    epoll_ctl(ep[LAYERS - 1][0], EPOLL_CTL_ADD, fd, &e);
    epoll_ctl(ep[LAYERS - 1][0], EPOLL_CTL_ADD, ep[0][0], &e);
    eventfd_write(fd, 1);
    epoll_wait(ep[0][0], &e, 1, 0);
}

void nested_epolls(void)
{
    on_its_own(nesting);
}

static void wide_table(void)
{
    if (dup2(0, 299999) < 0 || fork() == 0)
        _exit(0);
    wait(NULL);
    syscall(SYS_close_range, 3, 299998, 4 /* CLOEXEC */);
    syscall(SYS_close_range, 3, 299998, 2 /* UNSHARE */);
}

void last_descriptor(void)
{
    on_its_own(wide_table);
}

static void alarms(void)
{
    enum { N = 60000 };
    struct sigevent none = {.sigev_notify = SIGEV_NONE},
                    sig = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec soon = {{0, 0}, {0, 1000}}, later = {{0, 0}, {100, 0}};
    timer_t t;

    signal(SIGUSR1, SIG_IGN);
    for (int i = 0; i < N; i++) {
        if (timer_create(CLOCK_MONOTONIC, i % 2 ? &none : &sig, &t))
            break;
        timer_settime(t, 0, i % 3 ? &later : &soon, NULL);
    }
    execl("/proc/self/exe", "stall", "no such row", NULL);
}

void posix_timers(void)
{
    on_its_own(alarms);
}

static int set;

static void *waits_on_set(void *arg)
{
    struct sembuf op[500];

    for (int i = 0; i < 500; i++)
        op[i] = (struct sembuf){(unsigned short)(i % 499),
                                (short)(i == 499   ? -1
                                        : i == 498 ? -1
                                                   : 0),
                                0};
    op[499].sem_num = 7000;
    semop(set, op, 500);
    return arg;
}

static void semaphores(void)
{
    enum { N = 3000, SEMS = 8000 };
    static unsigned short values[32000];
    pthread_attr_t attr;
    pthread_t t;

    set = semget(IPC_PRIVATE, SEMS, 0600);
    if (set < 0)
        die("semget");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    for (int i = 0; i < N; i++)
        pthread_create(&t, &attr, waits_on_set, NULL);
    usleep(100000);
    semctl(set, 0, SETALL, values);
    values[0] = 1;
    semctl(set, 0, SETALL, values);
    semctl(set, 0, GETALL, values);
    for (int i = 0; i < SEMS; i += 2) {
        struct sembuf op = {(unsigned short)i, 1, SEM_UNDO};

        semop(set, &op, 1);
    }
    semctl(set, 0, IPC_RMID);
}

void semaphore_waiters(void)
{
    on_its_own(semaphores);
}

static void messages(void)
{
    struct {
        long type;
    } m = {1};
    int id = msgget(IPC_PRIVATE, 0600);

    while (msgsnd(id, &m, 0, IPC_NOWAIT) == 0)
        m.type++;
    msgrcv(id, &m, 0, 0x7fffffff, IPC_NOWAIT);
    msgrcv(id, &m, 0, -0x7fffffff, IPC_NOWAIT);
    msgctl(id, IPC_RMID, NULL);
}

void empty_messages(void)
{
    on_its_own(messages);
}

static void vectors(void)
{
    static struct iovec v[1024];
    static struct {
        struct msghdr m;
        unsigned len;
    } msgs[1024];
    int s[2], fd = file(P);

    for (int i = 0; i < 1024; i++)
        v[i] = (struct iovec){window, 0};
    preadv(fd, v, 1024, 0);
    syscall(SYS_process_vm_readv, getpid(), v, 1024, v, 1024, 0);
    for (int i = 0; i < 1024; i++)
        v[i].iov_len = 1;
    syscall(SYS_process_vm_readv, getpid(), v, 1024, v, 1024, 0);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    for (int i = 0; i < 1024; i++)
        msgs[i].m = (struct msghdr){.msg_iov = v, .msg_iovlen = 1024};
    syscall(SYS_sendmmsg, s[0], msgs, 1024, MSG_DONTWAIT);
    syscall(SYS_recvmmsg, s[1], msgs, 1024, MSG_DONTWAIT, NULL);
    pwritev(fd, v, 1024, 0);
}

void many_vectors(void)
{
    on_its_own(vectors);
}

static void *sleeps(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void priorities(void)
{
    pthread_attr_t attr;
    pthread_t t;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    for (int i = 0; i < 6000; i++)
        pthread_create(&t, &attr, sleeps, NULL);
    setpriority(PRIO_USER, 0, 0);
    getpriority(PRIO_USER, 0);
    setpriority(PRIO_PROCESS, 0, 1);
    setpriority(PRIO_PGRP, 0, 1);
    getpriority(PRIO_PGRP, 12345);
    syscall(SYS_ioprio_set, 3, 0, 2 << 13);
    syscall(SYS_ioprio_get, 3, 0);
    syscall(SYS_ioprio_set, 2, 0, 2 << 13);
    struct rlimit r = {1, 2};
    prlimit(0, RLIMIT_CPU, &r, NULL);
    prlimit(0, RLIMIT_NICE, &r, NULL);
}

void many_priorities(void)
{
    on_its_own(priorities);
}
