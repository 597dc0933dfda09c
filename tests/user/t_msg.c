/* SPDX-License-Identifier: MIT
 *
 * System V messages: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#define KEY ((key_t)0x746d7300 + getpid())

struct message {
    long type;
    char text[8192];
};

static int queue(void)
{
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    OK(id);
    return id;
}

static void gone(int id)
{
    OK(msgctl(id, IPC_RMID, NULL));
}

static int send(int id, long type, const char *text, int flags)
{
    struct message m = {.type = type};
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text) + 1, flags);
}

/* The text of the message that this gives. */
static const char *get(int id, long type, int flags)
{
    static struct message m;
    memset(&m, 0, sizeof(m));
    long n = msgrcv(id, &m, sizeof(m.text), type, flags);
    return n < 0 ? strerror(errno) : m.text;
}

#define GETS(id, type, flags, want)                                        \
    do {                                                                   \
        const char *t_text = get(id, type, flags);                         \
        if (strcmp(t_text, want))                                          \
            FAIL("type %ld gave %s, want %s", (long)(type), t_text, want); \
    } while (0)

static struct msqid_ds stat_of(int id)
{
    struct msqid_ds ds;
    OK(msgctl(id, IPC_STAT, &ds));
    return ds;
}

static int error_of(pid_t pid)
{
    int status = t_status_of(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(get, "msgget: keys, rights and errors; a fresh queue")
{
    ERR(msgget(KEY, 0), ENOENT);
    int id = msgget(KEY, IPC_CREAT | 0620);
    OK(id);
    EQ(msgget(KEY, 0), id);
    ERR(msgget(KEY, IPC_CREAT | IPC_EXCL), EEXIST);
    struct msqid_ds ds = stat_of(id);
    EQ(ds.msg_perm.mode, 0620);
    EQ(ds.msg_qnum, 0);
    EQ(ds.msg_qbytes, 16384);
    EQ(ds.msg_stime | ds.msg_rtime | ds.msg_lspid | ds.msg_lrpid, 0);
    gone(id);
    ERR(msgctl(id, IPC_STAT, &ds), EINVAL);
    ERR(msgctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(order, "types: first, equal, not equal, lowest up to")
{
    int id = queue();
    OK(send(id, 5, "five", 0));
    OK(send(id, 3, "three", 0));
    OK(send(id, 3, "again", 0));
    OK(send(id, 9, "nine", 0));
    OK(send(id, 2, "two", 0));
    EQ(stat_of(id).msg_qnum, 5);
    EQ(stat_of(id).__msg_cbytes, 5 + 6 + 6 + 5 + 4);
    EQ(stat_of(id).msg_lspid, getpid());
    GETS(id, 9, IPC_NOWAIT, "nine");
    GETS(id, 9, IPC_NOWAIT, strerror(ENOMSG));
    GETS(id, -1, IPC_NOWAIT, strerror(ENOMSG));
    GETS(id, 5, MSG_EXCEPT, "three");
    GETS(id, -4, 0, "two");
    GETS(id, (-1ul >> 1) + 1, 0, "again");
    GETS(id, 0, 0, "five");
    EQ(stat_of(id).msg_lrpid, getpid());
    EQ(stat_of(id).__msg_cbytes, 0);
    gone(id);
}

TEST(size, "sizes: too long, cut off, none, limits")
{
    struct message m = {.type = 1, .text = "abcdef"};
    int id = queue();
    OK(msgsnd(id, &m, 6, 0));
    ERR(msgrcv(id, &m, 3, 0, 0), E2BIG);
    EQ(stat_of(id).msg_qnum, 1);
    m.text[3] = 'X';
    EQ(msgrcv(id, &m, 3, 0, MSG_NOERROR), 3);
    CHECK(memcmp(m.text, "abcXef", 6) == 0);
    OK(msgsnd(id, &m, 0, 0));
    EQ(msgrcv(id, &m, 0, 0, 0), 0);
    ERR(msgsnd(id, &m, 8193, 0), EINVAL);
    ERR(msgsnd(id, &m, (size_t)-1, 0), EINVAL);
    ERR(msgrcv(id, &m, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
    m.type = 0;
    ERR(msgsnd(id, &m, 1, 0), EINVAL);
    m.type = -1;
    ERR(msgsnd(id, &m, 1, 0), EINVAL);
    m.type = 1;
    ERR(msgsnd(-1, &m, 1, 0), EINVAL);
    ERR(msgsnd(id, NULL, 1, 0), EFAULT);
    OK(msgsnd(id, &m, 1, 0));
    ERR(msgrcv(id, NULL, 1, 0, 0), EFAULT);
    OK(msgsnd(id, &m, 8192, 0));
    OK(msgsnd(id, &m, 8192, 0));
    ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
    OK(msgsnd(id, &m, 0, IPC_NOWAIT));
    gone(id);
}

TEST(copy, "MSG_COPY looks at the n-th message and leaves it")
{
    int id = queue();
    struct message m;
    OK(send(id, 4, "zero", 0));
    OK(send(id, 5, "one", 0));
    ERR(msgrcv(id, &m, sizeof(m.text), 0, MSG_COPY), EINVAL);
    ERR(msgrcv(id, &m, sizeof(m.text), 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
    if (msgrcv(id, &m, sizeof(m.text), 1, MSG_COPY | IPC_NOWAIT) < 0 && errno == ENOSYS)
        SKIP("this Linux has no MSG_COPY");
    GETS(id, 1, MSG_COPY | IPC_NOWAIT, "one");
    GETS(id, 0, MSG_COPY | IPC_NOWAIT, "zero");
    GETS(id, 2, MSG_COPY | IPC_NOWAIT, strerror(ENOMSG));
    EQ(stat_of(id).msg_qnum, 2);
    gone(id);
}

static pid_t receiver(int id, long type, size_t room)
{
    static struct message m;
    pid_t pid = t_fork();
    if (!pid)
        _exit(msgrcv(id, &m, room, type, 0) < 0 ? errno : 0);
    t_until_asleep(pid);
    return pid;
}

static pid_t sender(int id, size_t n)
{
    static struct message m = {.type = 1};
    pid_t pid = t_fork();
    if (!pid)
        _exit(msgsnd(id, &m, n, 0) ? errno : 0);
    t_until_asleep(pid);
    return pid;
}

TEST(handed, "a message goes to the first receiver that waits for it")
{
    int id = queue();
    pid_t seven = receiver(id, 7, 100), any = receiver(id, 0, 100),
          small = receiver(id, 8, 2);
    OK(send(id, 3, "three", 0));
    EQ(error_of(any), 0);
    EQ(stat_of(id).msg_qnum, 0);
    EQ(stat_of(id).msg_lrpid, any);
    OK(send(id, 7, "seven", 0));
    EQ(error_of(seven), 0);
    OK(send(id, 8, "eight", 0));
    EQ(error_of(small), E2BIG);
    EQ(stat_of(id).msg_qnum, 1);
    gone(id);
}

static void nothing(int sig)
{
    (void)sig;
}

TEST(ends, "waits end with room, IPC_SET, EINTR, EIDRM and kill")
{
    static struct message m = {.type = 1};
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    int id = queue();
    pid_t pid = receiver(id, 0, 10);
    OK(kill(pid, SIGUSR1));
    EQ(error_of(pid), EINTR);
    OK(msgsnd(id, &m, 8192, 0));
    OK(msgsnd(id, &m, 8192, 0));
    pid = sender(id, 100);
    OK(kill(pid, SIGUSR1));
    EQ(error_of(pid), EINTR);
    pid = sender(id, 100);
    EQ(msgrcv(id, &m, 8192, 0, 0), 8192);
    EQ(error_of(pid), 0);
    pid = sender(id, 8190);
    struct msqid_ds ds = stat_of(id);
    ds.msg_qbytes = 65536;
    if (msgctl(id, IPC_SET, &ds) == 0) {
        EQ(error_of(pid), 0);
        EQ(stat_of(id).msg_qbytes, 65536);
    } else { /* without CAP_SYS_RESOURCE */
        EQ(errno, EPERM);
        CHECK(!t_tessera);
        OK(kill(pid, SIGKILL));
        t_status_of(pid);
    }
    while (msgrcv(id, &m, 8192, 0, IPC_NOWAIT) >= 0)
        ;
    pid = receiver(id, 0, 10);
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
    OK(send(id, 1, "x", 0));
    EQ(stat_of(id).msg_qnum, 1);
    pid = receiver(id, 6, 10);
    gone(id);
    EQ(error_of(pid), EIDRM);
    id = queue();
    OK(msgsnd(id, &m, 8192, 0));
    OK(msgsnd(id, &m, 8192, 0));
    pid = sender(id, 1);
    gone(id);
    EQ(error_of(pid), EIDRM);
}

TEST(rights, "another user needs the bits, and may not change what he does not own")
{
    if (geteuid())
        SKIP("needs root");
    int id = msgget(IPC_PRIVATE, 0622), closed = queue();
    struct msqid_ds ds;
    CHILD({
        OK(setgid(65534));
        OK(setuid(65534));
        OK(send(id, 1, "x", 0));
        GETS(id, 0, IPC_NOWAIT, strerror(EACCES));
        ERR(send(closed, 1, "x", 0), EACCES);
        ERR(msgctl(id, IPC_STAT, &ds), EACCES);
        ERR(msgctl(id, IPC_RMID, NULL), EPERM);
        int own = queue();
        ds = stat_of(own);
        ds.msg_qbytes = 16385;
        ERR(msgctl(own, IPC_SET, &ds), EPERM);
        ds.msg_qbytes = 1;
        OK(msgctl(own, IPC_SET, &ds));
        gone(own);
    });
    GETS(id, 0, 0, "x");
    gone(id);
    gone(closed);
}

TEST(info, "IPC_INFO, MSG_INFO, MSG_STAT, MSG_STAT_ANY, /proc/sysvipc/msg")
{
    struct msginfo limits, used;
    struct msqid_ds ds;
    struct t_reader r;
    int id = queue(), seen = 0;
    OK(send(id, 1, "text", 0));
    OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&limits));
    EQ(limits.msgmax, 8192);
    EQ(limits.msgmnb, 16384);
    int top = msgctl(0, MSG_INFO, (struct msqid_ds *)&used);
    OK(top);
    CHECK(used.msgpool >= 1 && used.msgmap >= 1 && used.msgtql >= 5);
    for (int i = 0; i <= top; i++)
        if (msgctl(i, MSG_STAT, &ds) == id) {
            EQ(ds.msg_qnum, 1);
            EQ(msgctl(i, MSG_STAT_ANY, &ds), id);
            seen++;
        }
    EQ(seen, 1);
    CHECK(t_open(&r, "/proc/sysvipc/msg"));
    CHECK(strstr(t_line(&r), "msqid perms      cbytes       qnum lspid"));
    for (char *line; (line = t_line(&r));) {
        int key, i, mode, bytes, n, by;
        EQ(sscanf(line, "%d %d %o %d %d %d", &key, &i, &mode, &bytes, &n, &by), 6);
        if (i != id)
            continue;
        EQ(bytes, 5);
        EQ(n, 1);
        EQ(by, getpid());
        seen++;
    }
    EQ(seen, 2);
    gone(id);
}

static void write_setting(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    OK(fd);
    EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

TEST(limit, "kernel.msgmni: ENOSPC; kernel.msg_next_id: the id of the next")
{
    char text[32];
    if (!t_tessera)
        SKIP("would change this machine's settings");
    int id = queue();
    snprintf(text, sizeof(text), "%d", id + 5 * 32768 + 3);
    write_setting("/proc/sys/kernel/msg_next_id", text);
    int next = queue();
    EQ(next, id + 5 * 32768 + 3);
    write_setting("/proc/sys/kernel/msgmni", "2");
    ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
    write_setting("/proc/sys/kernel/msgmni", "32000");
    gone(queue());
    gone(id);
    gone(next);
}

TEST(storm, "senders, receivers, killers and removal at once leave nothing behind")
{
    int id = queue();
    pid_t pid[12];
    for (int i = 0; i < 12; i++)
        if (!(pid[i] = t_fork())) {
            static struct message m;
            uint64_t s = 99 + (uint64_t)i;
            for (;;) {
                m.type = (long)(t_random(&s) % 3 + 1);
                if (i % 2 ? msgsnd(id, &m, t_random(&s) % 8192, 0)
                          : msgrcv(id, &m, 8192, (long)(t_random(&s) % 3) - 1, 0) < 0)
                    _exit(errno);
            }
        }
    for (int i = 0; i < 4; i++) {
        t_nap(2000);
        OK(kill(pid[i], SIGKILL));
        t_status_of(pid[i]);
    }
    gone(id);
    for (int i = 4; i < 12; i++) {
        int err = error_of(pid[i]);
        CHECK(err == EIDRM || err == EINVAL);
    }
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
