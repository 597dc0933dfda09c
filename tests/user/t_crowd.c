/* SPDX-License-Identifier: MIT
 *
 * Hundreds of threads wait for one thing; hundreds of processes are children of one thread.
 */
#include "tests/user/crowd.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* ---- wait queues ---- */

static int ends[2], counter;

static void *reads_one(void *arg)
{
    char c;

    here((intptr_t)arg);
    while (read(ends[0], &c, 1) == 1)
        __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&shared->go, 1, __ATOMIC_SEQ_CST); /* the end */
    return NULL;
}

TEST(readers, "300 threads read one pipe: each byte is taken, all see the end")
{
    begin();
    CHILD({
        if (pipe(ends))
            _exit(1);
        make(reads_one, MANY);
        wait_ready(MANY);
        for (int n = 1; n <= 20; n++) {
            if (write(ends[1], "x", 1) != 1)
                _exit(2);
            hits(n);
        }
        for (int n = 0; n < 400; n++)
            if (write(ends[1], "x", 1) != 1)
                _exit(3);
        hits(420);
        close(ends[1]);
        await(MANY);
        _exit(0);
    });
}

static void *polls(void *arg)
{
    struct pollfd p = {counter, POLLIN, 0};

    here((intptr_t)arg);
    shared->bad += poll(&p, 1, -1) != 1;
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *waits_for_child(void *arg)
{
    pid_t pid = shared->tids[MANY - 1];

    if (waitpid(pid, NULL, 0) == pid)
        __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&shared->go, 1, __ATOMIC_SEQ_CST);
    return arg;
}

TEST(
    pollers,
    "300 threads poll one file, then wait for one child: all wake, the file goes at once")
{
    begin();
    CHILD({
        counter = eventfd(0, 0);
        make(polls, MANY);
        wait_ready(MANY);
        if (eventfd_write(counter, 1))
            _exit(1);
        hits(MANY);
        close(counter);
        pid_t pid = fork();
        if (!pid)
            for (;;)
                pause();
        shared->tids[MANY - 1] = pid;
        shared->hits = 0;
        make(waits_for_child, MANY);
        kill(pid, SIGKILL);
        await(MANY);
        _exit(shared->bad || shared->hits != 1);
    });
}

TEST(queue_goes,
     "a file that 200 threads wait for is closed by their death, again and again")
{
    begin();
    for (int n = 0; n < 8; n++) {
        pid_t pid = t_fork();

        if (!pid) {
            counter = eventfd(0, 0);
            if (pipe(ends))
                _exit(1);
            make(n % 2 ? polls : reads_one, 200);
            wait_ready(200 * (n + 1));
            if (n % 2)
                eventfd_write(counter, 1);
            else
                close(ends[1]);
            _exit(0);
        }
        t_join(pid);
    }
}

static void *takes_one_event(void *arg)
{
    struct epoll_event e;
    int n;

    here((intptr_t)arg);
    do /* half of them wake by themselves again and again */
        n = epoll_wait(counter, &e, 1, (intptr_t)arg % 2 ? -1 : 20);
    while (n == 0);
    shared->bad += n != 1;
    __atomic_fetch_add(&shared->turns[e.data.u32], 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

TEST(epollers, "300 threads wait in one epoll: each event wakes one of them")
{
    begin();
    CHILD({
        int fds[MANY];
        counter = epoll_create1(0);
        for (int i = 0; i < MANY; i++) {
            struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
            fds[i] = eventfd(0, 0);
            if (fds[i] < 0 || epoll_ctl(counter, EPOLL_CTL_ADD, fds[i], &e))
                _exit(1);
        }
        make(takes_one_event, MANY);
        wait_ready(MANY);
        for (int i = 0; i < MANY; i++)
            if (eventfd_write(fds[i], 1))
                _exit(2);
        hits(MANY);
        for (int i = 0; i < MANY; i++)
            if (shared->turns[i] != 1)
                _exit(3);
        _exit(shared->bad != 0);
    });
}

/* ---- sums over all threads ---- */

static void *writes_and_ends(void *arg)
{
    int fd = open("/dev/null", O_WRONLY);

    here((intptr_t)arg);
    await(1);
    for (int i = 0; i < 10; i++)
        if (write(fd, "byte", 4) != 4)
            shared->bad++;
    close(fd);
    __atomic_fetch_add(&shared->hits, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static long written(void)
{
    char text[512] = "";
    int fd = open("/proc/self/io", O_RDONLY);
    const char *at;

    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
        return -1;
    close(fd);
    at = strstr(text, "wchar: ");
    return at ? atol(at + 7) : -1;
}

static long switches(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return used.ru_nvcsw;
}

TEST(sums, "what 300 threads do is counted once, while they end and afterwards")
{
    begin();
    CHILD({
        long before, last, n, slept;
        make(writes_and_ends, MANY);
        wait_ready(MANY);
        last = before = written();
        slept = switches();
        if (before < 0 || slept < MANY / 2)
            _exit(1);
        shared->go = 1;
        while (shared->hits < MANY) {
            n = written();
            if (n < last || switches() < slept)
                _exit(2);
            last = n;
            slept = switches();
        }
        _exit(shared->bad ? 3 : written() != before + MANY * 10 * 4 ? 4 : 0);
    });
}

/* ---- children of a thread ---- */

static void *has_children(void *arg)
{
    for (int i = 0; i < MANY; i++) {
        pid_t pid = fork();

        if (pid)
            continue;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL))
            _exit(1);
        here(i);
        for (;;)
            pause();
    }
    wait_ready(MANY);
    return arg;
}

TEST(parent_thread, "300 children of a thread die with it, as they asked")
{
    begin();
    CHILD({
        pthread_t t;
        int status;
        if (pthread_create(&t, NULL, has_children, NULL))
            _exit(1);
        wait_ready(MANY);
        for (int i = 0; i < MANY; i++)
            if (wait(&status) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                _exit(2);
        _exit(0);
    });
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
