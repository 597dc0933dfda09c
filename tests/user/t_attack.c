/* SPDX-License-Identifier: MIT
 *
 * Calls that an attacker makes while another thread takes away what they stand on, and calls that
 * reach what they were not given.
 */
#include "tests/user/t_hugepool.h"
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define SHM_HUGETLB_   04000
#define PROCESS_ADVISE 440
#define PIDFD_OPEN     434

/* ---- what is watched goes while the list of watches is read ---- */

static volatile bool stop;

static void *come_and_go(void *epoll)
{
    struct epoll_event e = {.events = EPOLLIN};
    int fds[8];

    while (!stop) {
        for (int i = 0; i < 8; i++) {
            fds[i] = eventfd(0, 0);
            (void)epoll_ctl(*(int *)epoll, EPOLL_CTL_ADD, fds[i], &e);
        }
        for (int i = 0; i < 8; i++)
            close(fds[i]);
    }
    return NULL;
}

TEST(show_epoll, "fdinfo of an epoll while the files it watches are closed")
{
    int ep = epoll_create1(0);
    pthread_t other;
    char path[64], text[4096];

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
    EQ(pthread_create(&other, NULL, come_and_go, &ep), 0);
    for (long i = t_turns(2000); i; i--) {
        int fd = open(path, O_RDONLY);

        CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
        close(fd);
    }
    stop = true;
    EQ(pthread_join(other, NULL), 0);
}

/* ---- files that send no signals ---- */

static void sends_none(int fd)
{
    int on = 1, flags = fcntl(fd, F_GETFL);

    CHECK(fd >= 0);
    ERR(ioctl(fd, FIOASYNC, &on), ENOTTY);
    OK(fcntl(fd, F_SETFL, flags | O_ASYNC));
    EQ(fcntl(fd, F_GETFL), flags);
    on = 0;
    OK(ioctl(fd, FIOASYNC, &on));
    close(fd);
}

TEST(no_async,
     "O_ASYNC where no signal can come: epolls and their kin, files, directories")
{
    sigset_t set;

    sigemptyset(&set);
    sends_none(epoll_create1(0));
    sends_none(eventfd(0, 0));
    sends_none(timerfd_create(CLOCK_MONOTONIC, 0));
    sends_none(signalfd(-1, &set, 0));
    sends_none((int)syscall(PIDFD_OPEN, getpid(), 0));
    sends_none(open(".", O_RDONLY));
    sends_none(t_make("file", "x"));
}

/* ---- segments of huge pages in the sum of all ---- */

TEST(huge_sum, "what a segment of huge pages takes from the sum is what it gives back")
{
    struct shm_info before, after;
    int id;

    if (t_meminfo("HugePages_Free") < 1)
        SKIP("a huge page is needed");
    OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&before));
    id = shmget(IPC_PRIVATE, P, IPC_CREAT | SHM_HUGETLB_ | 0600);
    if (id < 0 && errno == ENOMEM)
        SKIP("a huge page is needed");
    OK(id);
    OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&after));
    EQ(after.shm_tot, before.shm_tot + 1);
    OK(shmctl(id, IPC_RMID, NULL));
    /* The sum had gone below 0: no segment fitted any more. */
    OK(id = shmget(IPC_PRIVATE, P, IPC_CREAT | 0600));
    OK(shmctl(id, IPC_RMID, NULL));
}

/* ---- a descriptor of a process that is gone ---- */

static void limit_numbers(const char *most)
{
    int fd = open("/proc/sys/kernel/pid_max", O_WRONLY);

    EQ(write(fd, most, strlen(most)), (long)strlen(most));
    close(fd);
}

/* A child that waits, with a number from `from` to `to`; 0: there was none. */
static pid_t child_numbered(pid_t from, pid_t to)
{
    for (int i = 0; i < 2000; i++) {
        pid_t pid = t_fork();

        while (!pid)
            pause();
        if (pid >= from && pid <= to)
            return pid;
        kill(pid, SIGKILL);
        t_status_of(pid);
    }
    return 0;
}

TEST(advise_gone,
     "process_madvise and waitid by the pidfd of a process whose number is another's")
{
    struct iovec iov = {(void *)((uintptr_t)&stop & -P), P};
    siginfo_t info;
    pid_t pid, next;
    int fd;

    if (!t_tessera)
        SKIP("numbers of the host are left alone");
    limit_numbers("320"); /* they are used again from 300 on: soon */
    pid = child_numbered(300, 320);
    OK(fd = (int)syscall(PIDFD_OPEN, pid, 0));
    OK(syscall(PROCESS_ADVISE, fd, &iov, 1, 20 /* MADV_COLD */, 0));
    kill(pid, SIGKILL);
    t_status_of(pid);
    ERR(syscall(PROCESS_ADVISE, fd, &iov, 1, 20, 0), ESRCH);
    next = child_numbered(pid, pid);
    limit_numbers("32768");
    EQ(next, pid);
    ERR(syscall(PROCESS_ADVISE, fd, &iov, 1, 20, 0), ESRCH);
    ERR(waitid(3 /* P_PIDFD */, (id_t)fd, &info, WEXITED | WNOHANG), ECHILD);
    kill(pid, SIGKILL);
    t_status_of(pid);
}

/* ---- who polls a signalfd and goes ---- */

TEST(signalfd_pollers, "processes that poll one signalfd and end leave nothing behind")
{
    sigset_t set;
    struct pollfd p = {.events = POLLIN};
    long before = 0;

    if (!t_tessera)
        SKIP("pages are counted exactly on Tessera only");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    OK(p.fd = signalfd(-1, &set, 0));
    for (int i = 0; i < 800; i++) {
        if (i == 100)
            before = t_meminfo("FreePages");
        CHILD(poll(&p, 1, 1));
    }
    CHECK(t_meminfo("FreePages") > before - 16);
}

/* ---- a connection that is waited for, and given up by another thread ---- */

static int waiting_socket;
static struct sockaddr_in server_name;

static void *wait_for_connection(void *result)
{
    *(int *)result = connect(waiting_socket, (void *)&server_name, sizeof(server_name));
    return NULL;
}

TEST(give_up, "connect to nobody ends another thread's waiting for a connection")
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int server = socket(AF_INET, SOCK_STREAM, 0), result = 0;
    socklen_t size = sizeof(server_name);
    pthread_t other;

    server_name = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    OK(bind(server, (void *)&server_name, size));
    OK(getsockname(server, (void *)&server_name, &size));
    OK(listen(server, 0));
    for (int i = 0; i < 3; i++) { /* until its queue is full */
        int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        (void)connect(s, (void *)&server_name, size);
    }
    OK(waiting_socket = socket(AF_INET, SOCK_STREAM, 0));
    EQ(pthread_create(&other, NULL, wait_for_connection, &result), 0);
    t_nap(100000);
    OK(connect(waiting_socket, &nobody, sizeof(nobody)));
    EQ(pthread_join(other, NULL), 0);
    EQ(result, -1);
}

/* ---- a fault beyond the end, while the truncate that made it so has paused ---- */

enum { CUT = 6000 };

static volatile bool cut_over;

/* Through calls: they say EFAULT where there is nothing any more. */
static void *writes_beyond(void *p)
{
    for (size_t i = 0; !cut_over; i = (i + 577) % CUT)
        (void)syscall(SYS_getrandom, (char *)p + i * P, 1, 0);
    return NULL;
}

TEST(beyond_end, "private pages are written while their file is cut")
{
    int fd = memfd_create("cut", 0);
    pthread_t other;

    OK(ftruncate(fd, CUT * P));
    unsigned char *p = t_map(NULL, CUT, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    unsigned char *s = t_map(NULL, CUT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (long i = t_turns(10); i; i--) {
        OK(ftruncate(fd, CUT * P));
        for (size_t k = 0; k < CUT; k++)
            s[k * P] = (unsigned char)(p[k * P] + 1); /* both show it */
        cut_over = false;
        EQ(pthread_create(&other, NULL, writes_beyond, p), 0);
        sched_yield();
        OK(ftruncate(fd, 0));
        cut_over = true;
        EQ(pthread_join(other, NULL), 0);
        t_progress();
    }
    for (size_t k = 0; k < CUT; k++)
        ERR(syscall(SYS_getrandom, p + k * P, 1, 0), EFAULT);
    close(fd);
}

int main(int argc, char **argv)
{
    return hugepool_main(1, argc, argv);
}
