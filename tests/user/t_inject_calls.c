/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls on events, sockets, terminals, semaphores and messages fails once.
 * Cases: I4xx.
 */
#include "tests/user/t_inject.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static int fd, other, id;

/* ---- events ---- */
static long make_epoll(void)
{
    return epoll_create1(0);
}

static void epoll_there(void)
{
    fd = epoll_create1(0);
    other = eventfd(0, 0);
}

static long watch(void)
{
    struct epoll_event e = {.events = EPOLLIN};
    return epoll_ctl(fd, EPOLL_CTL_ADD, other, &e);
}

static long make_eventfd(void)
{
    return eventfd(0, 0);
}

static long make_timerfd(void)
{
    return timerfd_create(CLOCK_MONOTONIC, 0);
}

static long make_signalfd(void)
{
    static const unsigned long none;
    return syscall(SYS_signalfd4, -1, &none, 8, 0);
}

static long make_pidfd(void)
{
    return syscall(SYS_pidfd_open, getpid(), 0);
}

static int timer;

static long make_timer(void)
{
    return syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer);
}

static long make_user_timer(void) /* of the process's time in user mode alone */
{
    return syscall(SYS_timer_create, -8 | 1, NULL, &timer);
}

static void no_timer(void)
{
    syscall(SYS_timer_delete, timer);
}

TEST(I401, "epoll, eventfd, timerfd, signalfd, pidfd, timers")
{
    SWEEP(.call = make_epoll, .errors = {ENOMEM, ENFILE});
    SWEEP(.setup = epoll_there, .call = watch, .errors = {ENOMEM});
    SWEEP(.call = make_eventfd, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = make_timerfd, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = make_signalfd, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = make_pidfd, .errors = {ENOMEM, ENFILE});
    SWEEP(.call = make_timer, .undo = no_timer, .errors = {EAGAIN, ENOMEM});
    SWEEP(.call = make_user_timer, .undo = no_timer, .errors = {EAGAIN, ENOMEM});
}

/* ---- sockets ---- */
static int pair[2];

static long make_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long make_pair(void)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static void pair_there(void)
{
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static long send_bytes(void)
{
    static char text[5000];
    return send(pair[0], text, sizeof(text), MSG_DONTWAIT) == sizeof(text) ? 0 : -1;
}

static void take_bytes(void)
{
    static char text[5000];
    EQ(recv(pair[1], text, sizeof(text), MSG_WAITALL), sizeof(text));
}

static long send_rights(void)
{
    static union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } c = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                    .cmsg_level = SOL_SOCKET,
                    .cmsg_type = SCM_RIGHTS}};
    static struct iovec iov = {"x", 1};
    static struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
    m.msg_controllen = sizeof(c);
    memcpy(CMSG_DATA(&c.head), &pair[1], sizeof(int));
    return syscall(SYS_sendmsg, pair[0], &m, MSG_DONTWAIT) == 1 ? 0 : -1;
}

static void take_rights(void)
{
    char x;
    EQ(recv(pair[1], &x, 1, 0), 1);
}

static struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0inject"};

static void socket_there(void)
{
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
}

static long bind_name(void)
{
    return bind(fd, (struct sockaddr *)&name, 10);
}

static void listener_there(void)
{
    socket_there();
    OK(bind_name());
    OK(listen(fd, 5));
    other = socket(AF_UNIX, SOCK_STREAM, 0);
}

static long connect_name(void)
{
    return connect(other, (struct sockaddr *)&name, 10);
}

static void connected(void)
{
    listener_there();
    OK(connect_name());
}

static long accept_one(void)
{
    return syscall(SYS_accept4, fd, NULL, NULL, 0);
}

TEST(I402, "sockets: made, bound, connected, accepted; bytes and descriptors sent")
{
    SWEEP(.call = make_socket, .errors = {ENOMEM, ENFILE, ENOBUFS});
    SWEEP(.call = make_pair, .errors = {ENOMEM, ENFILE, ENOBUFS});
    SWEEP(.setup = pair_there, .call = send_bytes, .undo = take_bytes,
          .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = pair_there, .call = send_rights, .undo = take_rights,
          .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = socket_there, .call = bind_name, .errors = {ENOMEM});
    SWEEP(.setup = listener_there, .call = connect_name, .errors = {ENOMEM, ENOBUFS});
    SWEEP(.setup = connected, .call = accept_one, .errors = {ENOMEM, ENFILE});
}

/* ---- terminals, tracing ---- */
static long open_terminal(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
}

static pid_t child;

static void child_there(void)
{
    child = t_fork();
    while (!child)
        pause();
}

static long seize(void)
{
    return syscall(SYS_ptrace, PTRACE_SEIZE, child, 0, 0);
}

static void no_child(void)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

TEST(I403, "a pseudo-terminal, a tracee")
{
    SWEEP(.call = open_terminal, .errors = {ENOMEM, ENFILE, ENOSPC});
    SWEEP(.setup = child_there, .call = seize, .undo = no_child,
          .errors = {ENOMEM, EPERM});
}

/* ---- System V ---- */
static long make_set(void)
{
    id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
    return id < 0 ? -1 : 0;
}

static void no_set(void)
{
    semctl(id, 0, IPC_RMID);
}

static void set_there(void)
{
    OK(make_set());
}

static long operate(void)
{
    static struct sembuf ops[40];
    for (int i = 0; i < 40; i++)
        ops[i] = (struct sembuf){0, i % 2 ? -1 : 1, SEM_UNDO};
    return semop(id, ops, 40);
}

static long all_values(void)
{
    static unsigned short values[3];
    return semctl(id, 0, SETALL, values);
}

static long make_queue(void)
{
    id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    return id < 0 ? -1 : 0;
}

static void no_queue(void)
{
    msgctl(id, IPC_RMID, NULL);
}

static void queue_there(void)
{
    OK(make_queue());
}

static struct {
    long type;
    char text[3000];
} m = {.type = 1};

static long send_message(void)
{
    return msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT);
}

static void message_there(void)
{
    queue_there();
    OK(send_message());
}

static long copy_message(void)
{
    return msgrcv(id, &m, sizeof(m.text), 0, 040000 | IPC_NOWAIT) < 0 ? -1 : 0;
}

TEST(I404, "semaphores and messages")
{
    SWEEP(.call = make_set, .undo = no_set, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = set_there, .call = operate, .undo = no_set, .errors = {ENOMEM});
    SWEEP(.setup = set_there, .call = all_values, .undo = no_set, .errors = {ENOMEM});
    SWEEP(.call = make_queue, .undo = no_queue, .errors = {ENOMEM, ENOSPC});
    SWEEP(.setup = queue_there, .call = send_message, .undo = no_queue,
          .errors = {ENOMEM});
    SWEEP(.setup = message_there, .call = copy_message, .undo = no_queue,
          .errors = {ENOMEM});
}

static _Noreturn int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    _exit(0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
