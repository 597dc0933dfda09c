/* SPDX-License-Identifier: MIT
 *
 * A table of descriptors is a thread's: clone(2) without CLONE_FILES, unshare(2) and close_range(2)
 * in a process of several threads. All of it happens in a case's own process.
 */
#include "tests/user/t_thread.h"
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#define OWN_TABLE     (CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD)
#define CLOSE_RANGE   436
#define PIDFD_OPEN    434
#define PIDFD_GETFD   438
#define KCMP_FILE     0
#define KCMP_VM       1
#define KCMP_FILES    2
#define KCMP_SIGHAND  4
#define RANGE_UNSHARE 2u
#define FD            70 /* both tables have it when the second is made */

/* ---- a second thread with a table of its own ---- */

static void (*to_do)(void);

static void parts_and_acts(void)
{
    OK(unshare(CLONE_FILES));
    to_do();
}

static void begin(void (*act)(void))
{
    if (fcntl(FD, F_GETFD) < 0)
        EQ(dup2(open("/dev/null", O_RDWR | O_CLOEXEC), FD), FD);
    to_do = act;
    other_begin(parts_and_acts);
}

static void nothing(void)
{
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- cases ---- */

static int opened;

static void opens_and_closes(void)
{
    CHECK(is_open(FD));
    OK(close(FD));
    opened = open("/dev/zero", O_RDONLY);
    EQ(dup2(opened, FD + 10), FD + 10);
}

TEST(unshare, "unshare(CLONE_FILES): what a thread opens and closes then is its own")
{
    begin(opens_and_closes);
    CHECK(is_open(FD));
    CHECK(!is_open(FD + 10));
    CHECK(!is_open(opened));
    EQ(syscall(SYS_kcmp, getpid(), other.tid, KCMP_FILES, 0, 0) > 0, 1);
    EQ(syscall(SYS_kcmp, getpid(), other.tid, KCMP_FILE, FD, FD + 10) > 0, 1);
    ERR(syscall(SYS_kcmp, getpid(), other.tid, KCMP_FILE, FD, FD), EBADF);
    other_end();
    CHECK(is_open(FD));
}

static void takes_range(void)
{
    EQ(syscall(CLOSE_RANGE, FD, FD, RANGE_UNSHARE), 0); /* its own already */
    CHECK(!is_open(FD));
    EQ(syscall(CLOSE_RANGE, 3, ~0u, RANGE_UNSHARE), 0);
}

static void *takes_range_first(void *arg)
{
    EQ(syscall(CLOSE_RANGE, FD, FD, RANGE_UNSHARE), 0);
    CHECK(!is_open(FD));
    return arg;
}

TEST(range, "CLOSE_RANGE_UNSHARE in one of several threads")
{
    pthread_t t;

    begin(takes_range);
    CHECK(is_open(FD));
    other_end();
    EQ(pthread_create(&t, NULL, takes_range_first, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
    CHECK(is_open(FD));
}

static char stack[65536] __attribute__((aligned(16)));
static volatile int seen[4];

/* Without the C library's thread behind it: calls alone. */
static int bare(void *arg)
{
    int fd = *(int *)arg;

    seen[0] = (int)syscall(SYS_fcntl, fd, F_GETFD, 0);
    seen[1] = (int)syscall(SYS_close, fd);
    seen[2] = (int)syscall(SYS_dup, 1);
    seen[3] = 1;
    syscall(SYS_exit, 0);
    return 0;
}

TEST(clone, "clone of a thread without CLONE_FILES: it has a copy")
{
    int fd = open("/dev/null", O_RDWR), word = 1, fds[2];
    struct pollfd p;

    OK(pipe(fds));
    OK(clone(bare, stack + sizeof(stack),
             OWN_TABLE | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID, &fd, &word, NULL,
             &word));
    while (__atomic_load_n(&word, __ATOMIC_ACQUIRE))
        sched_yield();
    EQ(seen[3], 1);
    EQ(seen[0], 0);
    EQ(seen[1], 0);
    EQ(seen[2], fd);
    CHECK(is_open(fd));
    /* its end of the pipe goes with it */
    p = (struct pollfd){.fd = fds[0], .events = POLLIN};
    OK(close(fds[1]));
    EQ(poll(&p, 1, 10000), 1);
    EQ(p.revents, POLLHUP);
}

TEST(end, "what a thread alone has open is closed when it ends")
{
    struct pollfd p;
    char c;
    int fds[2];

    OK(pipe(fds));
    begin(nothing);
    OK(close(fds[1]));
    p = (struct pollfd){.fd = fds[0], .events = POLLIN};
    EQ(poll(&p, 1, 0), 0);
    other_end();
    EQ(poll(&p, 1, 10000), 1);
    EQ(p.revents, POLLHUP);
    EQ(read(fds[0], &c, 1), 0);
}

static bool listed(const char *path, int fd)
{
    DIR *d = opendir(path);
    struct dirent *e;
    bool found = false;

    CHECK(d != NULL);
    while ((e = readdir(d)))
        found |= atoi(e->d_name) == fd && e->d_name[0] != '.';
    closedir(d);
    return found;
}

static bool in_proc(pid_t tid, const char *dir, int fd)
{
    char path[64], text[32];
    bool there;

    if (tid)
        snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", getpid(), tid, dir);
    else
        snprintf(path, sizeof(path), "/proc/%d/%s", getpid(), dir);
    there = listed(path, fd);
    snprintf(text, sizeof(text), "/%d", fd);
    strcat(path, text);
    EQ(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW), there ? 0 : -1);
    return there;
}

TEST(proc,
     "/proc: a thread's descriptors in its directory, the first one's in the process's")
{
    char path[64], link[64] = "";

    begin(opens_and_closes);
    for (int i = 0; i < 2; i++) {
        const char *dir = i ? "fdinfo" : "fd";

        CHECK(in_proc(0, dir, FD));
        CHECK(!in_proc(0, dir, FD + 10));
        CHECK(in_proc(getpid(), dir, FD));
        CHECK(!in_proc(other.tid, dir, FD));
        CHECK(in_proc(other.tid, dir, FD + 10));
    }
    snprintf(path, sizeof(path), "/proc/self/task/%d/fd/%d", other.tid, FD + 10);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    EQ(strcmp(link, "/dev/zero"), 0);
    other_end();
}

static void locks_none(void)
{
    struct flock l = {.l_type = F_WRLCK};

    ERR(fcntl(FD, F_SETLK, &l), EAGAIN);
}

static void locks(void)
{
    struct flock l = {.l_type = F_WRLCK};

    OK(fcntl(FD, F_SETLK, &l));
    OK(close(FD + 1)); /* of another file */
}

TEST(locks, "record locks belong to a table")
{
    struct flock l = {.l_type = F_WRLCK};

    EQ(dup2(open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0600), FD), FD);
    EQ(dup2(open("g", O_CREAT | O_RDWR | O_CLOEXEC, 0600), FD + 1), FD + 1);
    OK(fcntl(FD, F_SETLK, &l));
    begin(locks_none);
    other_end();
    OK(fcntl(FD, F_SETLK, &l));
    l.l_type = F_UNLCK;
    OK(fcntl(FD, F_SETLK, &l));
    begin(locks);
    l.l_type = F_WRLCK;
    ERR(fcntl(FD, F_SETLK, &l), EAGAIN);
    OK(fcntl(FD, F_GETLK, &l));
    EQ(l.l_pid, getpid());
    l.l_type = F_WRLCK;
    other_end();
    OK(fcntl(FD, F_SETLK, &l));
}

static void *execs(void *arg)
{
    (void)arg;
    OK(unshare(CLONE_FILES));
    OK(close(FD));
    EQ(dup2(1, FD + 10), FD + 10);
    execl(t_exe, t_exe, "--helper", (char *)NULL);
    _exit(9);
}

static void *sleeps(void *arg)
{
    OK(unshare(CLONE_FILES));
    sem_post(arg);
    pause();
    return NULL;
}

TEST(exec, "the program that a thread starts has that thread's descriptors")
{
    CHILD({
        sem_t ready;
        pthread_t t;

        sem_init(&ready, 0, 0);
        EQ(dup2(1, FD), FD);
        EQ(pthread_create(&t, NULL, sleeps, &ready), 0);
        while (sem_wait(&ready))
            ;
        EQ(pthread_create(&t, NULL, execs, NULL), 0);
        for (;;)
            pause();
    });
}

static void forks(void)
{
    OK(close(FD));
    CHILD(CHECK(!is_open(FD)));
}

TEST(fork, "a child has the descriptors of the thread that makes it")
{
    begin(forks);
    CHILD(CHECK(is_open(FD)));
    other_end();
}

static void *outlives(void *arg)
{
    char path[64], link[64];
    int go = *(int *)arg, pidfd = (int)syscall(PIDFD_OPEN, getpid(), 0);
    pid_t tid = (pid_t)syscall(SYS_gettid);

    /* until the first one is a zombie */
    do {
        struct t_reader r;
        char *l, state = 0;

        snprintf(path, sizeof(path), "/proc/self/task/%d/status", getpid());
        CHECK(t_open(&r, path));
        while ((l = t_line(&r)))
            if (!strncmp(l, "State:", 6))
                state = l[7];
        if (state == 'Z')
            break;
    } while (!sched_yield());
    ERR(syscall(SYS_kcmp, getpid(), tid, KCMP_FILE, go, go), EBADF);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), go);
    EQ(readlink(path, link, sizeof(link)), -1);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", getpid(), tid, go);
    CHECK(readlink(path, link, sizeof(link)) > 0);
    if (pidfd >= 0)
        EQ(syscall(PIDFD_GETFD, pidfd, go, 0), -1); /* EBADF; ESRCH since Linux 6.9 */
    EQ(syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0) > 0, 1);
    EQ(syscall(SYS_kcmp, getpid(), tid, KCMP_SIGHAND, 0, 0), 0);
    _exit(7);
}

TEST(leader, "a first thread that ended has no descriptors any more, the others have")
{
    int status, fd = open("/dev/null", O_RDWR);
    pid_t pid = t_fork();
    pthread_t t;

    if (!pid) {
        EQ(pthread_create(&t, NULL, outlives, &fd), 0);
        syscall(SYS_exit, 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 7 << 8);
}

static int size_told(pid_t tid)
{
    struct t_reader r;
    char path[64], *l;
    int size = -1;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    CHECK(t_open(&r, path));
    while ((l = t_line(&r)))
        if (!strncmp(l, "FDSize:", 7))
            size = atoi(l + 7);
    return size;
}

static void opens_far(void)
{
    EQ(dup2(1, 600), 600);
}

TEST(size, "FDSize: of a status is what there is room for in the thread's table")
{
    int before;

    OK(syscall(CLOSE_RANGE, FD - 6, ~0u, 0));
    before = size_told(getpid());
    begin(opens_far);
    CHECK(size_told(other.tid) > 600);
    CHECK(size_told(getpid()) <= (before > 256 ? before : 256));
    other_end();
}

TEST(refused, "what threads have in common for good")
{
    begin(nothing);
    ERR(unshare(CLONE_THREAD), EINVAL);
    ERR(unshare(CLONE_VM), EINVAL);
    ERR(unshare(CLONE_SIGHAND), EINVAL);
    ERR(unshare(CLONE_FILES | CLONE_VM), EINVAL);
    other_end();
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return !(fcntl(FD, F_GETFD) == -1 && is_open(FD + 10));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
