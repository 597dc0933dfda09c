/* SPDX-License-Identifier: MIT
 *
 * Credentials are a thread's: credentials(7), capabilities(7). The calls of a C library change
 * all threads, so those that change one are made without it. All of it happens in a case's own
 * process; an ordinary user can give nothing up and skips.
 */
#include "tests/user/t_thread.h"
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define USER          54321u
#define GROUP         54322u
#define CAP_CHOWN     0
#define CAP_KILL      5
#define BIT(cap)      (1ull << (cap))
#define KEEP_CAPS     0x10
#define AMBIENT       47 /* PR_CAP_AMBIENT */
#define AMBIENT_SET   1
#define AMBIENT_RAISE 2

static void begin(void (*act)(void))
{
    if (geteuid())
        SKIP("needs user 0");
    other_begin(act);
}

/* ---- the calls as the kernel has them ---- */

static void become_user(void)
{
    gid_t groups[2] = {GROUP, GROUP + 1};

    OK(syscall(SYS_setgroups, 2, groups));
    OK(syscall(SYS_setresgid, GROUP, GROUP, GROUP));
    OK(syscall(SYS_setresuid, USER, USER, USER));
}

struct caps {
    uint64_t effective, permitted, inheritable;
};

static struct caps caps_of(pid_t tid)
{
    uint32_t head[2] = {0x20080522u, (uint32_t)tid}, d[6];

    OK(syscall(SYS_capget, head, d));
    return (struct caps){d[0] | (uint64_t)d[3] << 32, d[1] | (uint64_t)d[4] << 32,
                         d[2] | (uint64_t)d[5] << 32};
}

static long set_caps(struct caps c)
{
    uint32_t head[2] = {0x20080522u, 0};
    uint32_t d[6] = {(uint32_t)c.effective,         (uint32_t)c.permitted,
                     (uint32_t)c.inheritable,       (uint32_t)(c.effective >> 32),
                     (uint32_t)(c.permitted >> 32), (uint32_t)(c.inheritable >> 32)};

    return syscall(SYS_capset, head, d);
}

/* The line of a thread's status after "key:\t". */
static const char *line_of(pid_t pid, pid_t tid, const char *key)
{
    static _Thread_local struct t_reader r;
    static _Thread_local char line[sizeof(r.line)];
    char path[64];
    size_t n = strlen(key);

    if (tid)
        snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
    else
        snprintf(path, sizeof(path), "/proc/%d/status", pid);
    line[0] = 0;
    CHECK(t_open(&r, path));
    for (char *l; (l = t_line(&r));)
        if (!strncmp(l, key, n) && l[n] == ':')
            strcpy(line, l + n + 2);
    return line;
}

static void line_is(pid_t pid, pid_t tid, const char *key, const char *want)
{
    const char *got = line_of(pid, tid, key);

    if (strncmp(got, want, strlen(want)) != 0)
        FAIL("%s of %d in %d is \"%s\", want \"%s\"", key, tid, pid, got, want);
}

/* ---- cases ---- */

static void child_and_thread_have_them(void)
{
    become_user();
    CHILD(EQ(getuid(), USER); EQ(getgid(), GROUP); EQ(getgroups(0, NULL), 2);
          EQ(caps_of(0).permitted, 0));
}

TEST(ids, "a thread changes its numbers and groups: they are its own, its child has them")
{
    uid_t r, e, s;

    OK(setgroups(0, NULL));
    begin(child_and_thread_have_them);
    OK(getresuid(&r, &e, &s));
    EQ(r | e | s, 0);
    OK(getresgid(&r, &e, &s));
    EQ(r | e | s, 0);
    EQ(getgroups(0, NULL), 0);
    EQ(caps_of(other.tid).permitted, 0);
    EQ(caps_of(0).permitted, caps_of(getpid()).permitted);
    CHECK(caps_of(0).permitted != 0);
    CHILD(EQ(getuid(), 0); EQ(getgid(), 0));
    line_is(getpid(), other.tid, "Uid", "54321\t54321\t54321\t54321");
    line_is(getpid(), other.tid, "Gid", "54322\t54322\t54322\t54322");
    line_is(getpid(), other.tid, "Groups", "54322 54323 ");
    line_is(getpid(), getpid(), "Uid", "0\t0\t0\t0");
    line_is(getpid(), 0, "Uid", "0\t0\t0\t0");
    other_end();
    EQ(getuid(), 0);
}

static void *is_user(void *arg)
{
    EQ(getuid(), USER);
    EQ(caps_of(0).effective, 0);
    return arg;
}

static void makes_a_thread(void)
{
    pthread_t t;

    become_user();
    EQ(pthread_create(&t, NULL, is_user, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
}

TEST(inherited, "a new thread has its maker's")
{
    begin(makes_a_thread);
    other_end();
    EQ(getuid(), 0);
}

static void gives_up(void)
{
    struct caps c = caps_of(0);

    c.inheritable |= BIT(CAP_KILL);
    OK(set_caps(c));
    OK(prctl(AMBIENT, AMBIENT_RAISE, CAP_KILL, 0, 0));
    OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
    OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    c.effective = BIT(CAP_KILL);
    c.permitted &= ~BIT(CAP_CHOWN);
    OK(set_caps(c));
    EQ(prctl(PR_GET_SECUREBITS), KEEP_CAPS);
    EQ(prctl(AMBIENT, AMBIENT_SET, CAP_KILL, 0, 0), 1);
    EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), 0);
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    ERR(chown(".", 1, 1), EPERM);
}

TEST(capabilities, "capset and what prctl changes of rights are the thread's alone")
{
    const struct caps before = caps_of(0);
    struct caps c;
    int bits = prctl(PR_GET_SECUREBITS), bound = prctl(PR_CAPBSET_READ, CAP_CHOWN);

    begin(gives_up);
    c = caps_of(0);
    EQ(c.effective, before.effective);
    EQ(c.permitted, before.permitted);
    EQ(c.inheritable, before.inheritable);
    EQ(prctl(PR_GET_SECUREBITS), bits);
    EQ(prctl(PR_GET_KEEPCAPS), 0);
    EQ(prctl(PR_CAPBSET_READ, CAP_CHOWN), bound);
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    EQ(prctl(AMBIENT, AMBIENT_SET, CAP_KILL, 0, 0), 0);
    OK(chown(".", 0, 0));
    EQ(caps_of(other.tid).effective, BIT(CAP_KILL));
    line_is(getpid(), other.tid, "NoNewPrivs", "1");
    line_is(getpid(), 0, "NoNewPrivs", "0");
    line_is(getpid(), other.tid, "CapAmb", "0000000000000020");
    line_is(getpid(), 0, "CapAmb", "0000000000000000");
    other_end();
}

static void uses_files(void)
{
    EQ(syscall(SYS_setfsuid, USER), 0);
    EQ(syscall(SYS_setfsuid, -1), USER);
    ERR(open("secret", O_RDONLY), EACCES);
    EQ(close(open("its", O_CREAT | O_WRONLY, 0600)), 0);
    EQ(access("secret", R_OK), 0); /* asks for the real user */
    EQ(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS), -1);
}

TEST(files, "a thread's user for files decides what it opens and owns")
{
    struct stat st;

    OK(chmod(".", 0777));
    EQ(close(open("secret", O_CREAT | O_WRONLY, 0600)), 0);
    begin(uses_files);
    OK(open("secret", O_RDONLY));
    OK(stat("its", &st));
    EQ(st.st_uid, USER);
    EQ(syscall(SYS_setfsuid, -1), 0);
    other_end();
}

TEST(owners,
     "/proc: a thread's directory is its user's, the process's its first thread's")
{
    struct stat st;
    char path[64];

    begin(become_user);
    snprintf(path, sizeof(path), "/proc/%d/task/%d", getpid(), other.tid);
    OK(stat(path, &st));
    EQ(st.st_uid, USER);
    EQ(st.st_gid, GROUP);
    snprintf(path, sizeof(path), "/proc/%d", getpid());
    OK(stat(path, &st));
    EQ(st.st_uid, 0);
    other_end();
}

/* A process of two threads, the second one a user's; its second thread's number. */
static pid_t two_kinds(pid_t *second)
{
    int fd[2];
    pid_t pid;

    OK(pipe(fd));
    pid = t_fork();
    if (!pid) {
        begin(become_user);
        EQ(write(fd[1], &other.tid, sizeof(other.tid)), (ssize_t)sizeof(other.tid));
        for (;;)
            pause();
    }
    close(fd[1]);
    EQ(read(fd[0], second, sizeof(*second)), (ssize_t)sizeof(*second));
    close(fd[0]);
    return pid;
}

static void ends(pid_t pid)
{
    OK(kill(pid, SIGKILL));
    EQ(t_status_of(pid), SIGKILL);
}

TEST(signals, "whom a signal may reach: the thread that its number names is asked")
{
    pid_t pid, tid;

    if (geteuid())
        SKIP("needs user 0");
    pid = two_kinds(&tid);
    CHILD(become_user(); ERR(kill(pid, 0), EPERM); OK(kill(tid, 0));
          OK(syscall(SYS_tgkill, pid, tid, 0));
          ERR(syscall(SYS_tgkill, pid, pid, 0), EPERM); OK(syscall(SYS_tkill, tid, 0)));
    ends(pid);
}

static void signals_its_first(void)
{
    become_user();
    OK(kill(getpid(), 0));
    OK(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
}

TEST(signals_within,
     "threads of one process signal each other; the sender is the thread's user")
{
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    begin(signals_its_first);
    EQ(sigwaitinfo(&set, &info), SIGUSR1);
    EQ(info.si_uid, USER);
    other_end();
}

TEST(others, "limits, scheduling, rights of another process: those of the thread named")
{
    struct sched_param param = {0};
    struct rlimit limit;
    cpu_set_t cpus;
    pid_t pid, tid;

    if (geteuid())
        SKIP("needs user 0");
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    pid = two_kinds(&tid);
    CHILD(become_user();
          ERR(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit), EPERM);
          OK(syscall(SYS_prlimit64, tid, RLIMIT_NOFILE, NULL, &limit));
          ERR(syscall(SYS_sched_setaffinity, pid, sizeof(cpus), &cpus), EPERM);
          OK(syscall(SYS_sched_setaffinity, tid, sizeof(cpus), &cpus));
          ERR(syscall(SYS_sched_setscheduler, pid, SCHED_OTHER, &param), EPERM);
          OK(syscall(SYS_sched_setscheduler, tid, SCHED_OTHER, &param));
          ERR(syscall(SYS_ioprio_set, 1, pid, 2 << 13 | 4), EPERM);
          OK(syscall(SYS_ioprio_set, 1, tid, 2 << 13 | 4)); EQ(caps_of(tid).effective, 0);
          CHECK(caps_of(pid).effective != 0));
    ends(pid);
}

static int socket_fd;

static void makes_sockets(void)
{
    int fd[2];
    struct ucred cred;
    socklen_t len = sizeof(cred);

    become_user();
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
    OK(getsockopt(fd[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
    EQ(cred.uid, USER);
    EQ(cred.gid, GROUP);
    EQ(cred.pid, getpid());
    EQ(write(socket_fd, "x", 1), 1);
}

TEST(sockets, "SO_PEERCRED and SCM_CREDENTIALS tell the thread's")
{
    int fd[2], on = 1;
    union {
        struct cmsghdr head;
        char room[256];
    } control;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    struct ucred cred;

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
    OK(setsockopt(fd[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    socket_fd = fd[1];
    begin(makes_sockets);
    EQ(recvmsg(fd[0], &msg, 0), 1);
    EQ(control.head.cmsg_type, SCM_CREDENTIALS);
    memcpy(&cred, CMSG_DATA(&control.head), sizeof(cred));
    EQ(cred.uid, USER);
    EQ(cred.gid, GROUP);
    other_end();
}

static void locks_none(void)
{
    void *at = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    OK(set_caps((struct caps){0, 0, 0}));
    ERR(mlock(at, P), EPERM);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0),
        EPERM);
}

TEST(memory, "what a thread may lock is asked of the thread")
{
    struct rlimit none = {0, 0};
    void *at = mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    OK(setrlimit(RLIMIT_MEMLOCK, &none));
    begin(locks_none);
    OK(mlock(at, P));
    OK(munlock(at, P));
    other_end();
}

static void makes_no_process(void)
{
    OK(syscall(SYS_setresuid, USER + 5, USER + 5, USER + 5));
    ERR(syscall(SYS_fork), EAGAIN);
}

TEST(counted, "RLIMIT_NPROC counts threads by their user")
{
    struct rlimit one = {1, 1};

    OK(setrlimit(RLIMIT_NPROC, &one));
    begin(makes_no_process);
    CHILD();
    other_end();
    CHILD();
}

static void goes_elsewhere(void)
{
    OK(unshare(CLONE_FS));
    umask(077);
    OK(chdir("/"));
    EQ(access("here", F_OK), -1);
}

TEST(directories, "unshare: a thread's own working directory and umask")
{
    char at[512], path[64];
    ssize_t n;

    umask(022);
    EQ(close(open("here", O_CREAT | O_WRONLY, 0600)), 0);
    begin(goes_elsewhere);
    EQ(umask(022), 022);
    OK(access("here", F_OK));
    snprintf(path, sizeof(path), "/proc/self/task/%d/cwd", other.tid);
    n = readlink(path, at, sizeof(at));
    EQ(n, 1);
    EQ(at[0], '/');
    CHECK(readlink("/proc/self/cwd", at, sizeof(at)) > 1);
    line_is(getpid(), other.tid, "Umask", "0077");
    line_is(getpid(), 0, "Umask", "0022");
    other_end();
}

/* ---- exec ---- */

static char seen[32], program[512]; /* its number, and the path of this file */

static void prepare(void)
{
    snprintf(seen, sizeof(seen), "%d", getpid());
    OK(readlink(t_exe, program, sizeof(program) - 1));
}

static void execs(void)
{
    OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    execl(program, program, "--helper", seen, (char *)NULL);
    FAIL("exec: %s", strerror(errno));
}

static void changes_and_execs(void)
{
    become_user();
    execs();
}

TEST(exec, "exec by another thread: the program has that one's")
{
    pid_t pid;

    if (geteuid())
        SKIP("needs user 0");
    OK(setgroups(0, NULL));
    pid = t_fork();
    if (!pid) {
        prepare();
        begin(changes_and_execs);
    }
    EQ(t_status_of(pid), 0);
}

static int helper(int argc, char **argv)
{
    uid_t r, e, s;

    CHECK(argc == 2);
    EQ(atoi(argv[1]), getpid());
    OK(getresuid(&r, &e, &s));
    CHECK(r == USER && e == USER && s == USER);
    EQ(getegid(), GROUP);
    EQ(getgroups(0, NULL), 2);
    EQ(caps_of(0).permitted, 0);
    EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    line_is(getpid(), 0, "Uid", "54321\t54321\t54321\t54321");
    return 0;
}

/* ---- the first thread ends ---- */

static pid_t first;

static void *when_alone(void *arg)
{
    (void)arg;
    become_user();
    while (line_of(first, 0, "State")[0] != 'Z')
        sched_yield();
    line_is(first, 0, "Uid", "0\t0\t0\t0");
    line_is(first, (pid_t)syscall(SYS_gettid), "Uid", "54321\t");
    execs();
    return NULL;
}

TEST(leader, "what the first thread was stays when it has ended, until an exec")
{
    pthread_t t;
    pid_t pid;

    if (geteuid())
        SKIP("needs user 0");
    OK(setgroups(0, NULL));
    pid = t_fork();
    if (!pid) {
        first = getpid();
        prepare();
        EQ(pthread_create(&t, NULL, when_alone, NULL), 0);
        syscall(SYS_exit, 0);
    }
    EQ(t_status_of(pid), 0);
}

/* ---- the C library's calls change all ---- */

static sem_t look;

static void *waits_and_looks(void *arg)
{
    while (sem_wait(&look))
        ;
    EQ(syscall(SYS_getuid), USER);
    EQ(syscall(SYS_getgid), GROUP);
    EQ(caps_of(0).permitted, 0);
    return arg;
}

TEST(library, "setuid(3) and setgid(3) of a program with threads change all of them")
{
    pthread_t t[4];

    if (geteuid())
        SKIP("needs user 0");
    sem_init(&look, 0, 0);
    for (int i = 0; i < 4; i++)
        EQ(pthread_create(&t[i], NULL, waits_and_looks, NULL), 0);
    OK(setgid(GROUP));
    OK(setuid(USER));
    for (int i = 0; i < 4; i++)
        sem_post(&look);
    for (int i = 0; i < 4; i++)
        EQ(pthread_join(t[i], NULL), 0);
    EQ(syscall(SYS_getuid), USER);
}

/* ---- many at once: each sees its own ---- */

static void *flips(void *arg)
{
    unsigned id = 60000 + (unsigned)(uintptr_t)arg;
    char name[16];
    struct stat st;

    snprintf(name, sizeof(name), "f%u", id);
    EQ(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
    for (int i = 0; i < 300; i++) {
        uid_t r, e, s;

        OK(syscall(SYS_setresuid, -1, id, 0));
        OK(getresuid(&r, &e, &s));
        EQ(e, id);
        EQ(caps_of(0).effective, 0);
        ERR(open(name, O_RDONLY), EACCES);
        OK(syscall(SYS_setresuid, -1, 0, 0));
        OK(stat(name, &st));
        CHECK(caps_of(0).effective != 0);
        EQ(close(open(name, O_RDONLY)), 0);
        line_of(getpid(), (pid_t)syscall(SYS_gettid), "Uid");
    }
    return NULL;
}

TEST(many, "threads change theirs at once, and see their own")
{
    pthread_t t[6];

    if (geteuid())
        SKIP("needs user 0");
    for (uintptr_t i = 0; i < 6; i++)
        EQ(pthread_create(&t[i], NULL, flips, (void *)i), 0);
    for (int i = 0; i < 6; i++)
        EQ(pthread_join(t[i], NULL), 0);
    EQ(geteuid(), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
