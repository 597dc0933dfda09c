/* SPDX-License-Identifier: MIT
 *
 * Nice values and personalities are threads': setpriority(2), sched(7), personality(2). All of it
 * happens in a case's own process.
 */
#include "tests/user/t_thread.h"
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define USER 54321

static void nothing(void)
{
}

static int nice_of(pid_t tid)
{
    int n;

    errno = 0;
    n = getpriority(PRIO_PROCESS, (id_t)tid);
    EQ(errno, 0);
    return n;
}

/* The 19th field of a stat in /proc. */
static int nice_told(const char *path)
{
    static struct t_reader r;
    char *l;
    int n = -100;

    CHECK(t_open(&r, path));
    CHECK((l = t_line(&r)) != NULL);
    l = strrchr(l, ')');
    for (int field = 2; l && field < 19; field++)
        l = strchr(l + 1, ' ');
    CHECK(l != NULL);
    n = atoi(l);
    return n;
}

/* ---- nice ---- */

static void *is_7(void *arg)
{
    EQ(nice_of(0), 7);
    return arg;
}

static void is_nicer(void)
{
    pthread_t t;

    OK(setpriority(PRIO_PROCESS, 0, 7));
    EQ(pthread_create(&t, NULL, is_7, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
    CHILD(EQ(nice_of(0), 7); EQ(nice_told("/proc/self/stat"), 7));
}

TEST(nice, "setpriority of a thread is for it alone; those it makes have it")
{
    char path[64];

    OK(setpriority(PRIO_PROCESS, 0, 3));
    other_begin(is_nicer);
    EQ(nice_of(0), 3);
    EQ(nice_of(getpid()), 3);
    EQ(nice_of(other.tid), 7);
    EQ(nice_told("/proc/self/stat"), 3);
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", other.tid);
    EQ(nice_told(path), 7);
    OK(setpriority(PRIO_PROCESS, (id_t)other.tid, 9));
    EQ(nice_of(other.tid), 9);
    OK(setpriority(PRIO_PROCESS, (id_t)getpid(), 4));
    EQ(nice_of(other.tid), 9);
    CHILD(EQ(nice_of(0), 4));
    other_end();
}

TEST(group,
     "setpriority of a group or user is for all threads, getpriority tells the best")
{
    CHILD({
        OK(setpgid(0, 0));
        OK(setpriority(PRIO_PROCESS, 0, 11));
        other_begin(is_nicer);
        EQ(getpriority(PRIO_PGRP, 0), 7);
        EQ(getpriority(PRIO_PGRP, (id_t)getpid()), 7);
        OK(setpriority(PRIO_PGRP, 0, 12));
        EQ(nice_of(other.tid), 12);
        EQ(nice_of(0), 12);
        if (!geteuid()) {
            OK(syscall(SYS_setresuid, USER, USER, 0)); /* this thread's alone */
            EQ(getpriority(PRIO_USER, USER), 12);
            OK(setpriority(PRIO_USER, USER, 13));
            EQ(nice_of(0), 13);
            EQ(nice_of(other.tid), 12);
        }
        other_end();
    });
}

TEST(rights, "who may not go back may not for a thread either")
{
    struct rlimit l = {0, 0};

    CHILD({
        OK(setrlimit(RLIMIT_NICE, &l));
        if (!geteuid())
            OK(setresuid(USER, USER, USER));
        other_begin(is_nicer);
        ERR(setpriority(PRIO_PROCESS, (id_t)other.tid, 6), EACCES);
        EQ(nice_of(other.tid), 7);
        ERR(setpriority(PRIO_PROCESS, (id_t)other.tid + 1000000, 6), ESRCH);
        other_end();
    });
}

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static void sets_attr(void)
{
    struct attr a = {.size = sizeof(a), .nice = 8}, b;

    OK(syscall(SYS_sched_setattr, 0, &a, 0));
    OK(syscall(SYS_sched_getattr, 0, &b, sizeof(b), 0));
    EQ(b.nice, 8);
}

TEST(attr, "the nice value of sched_setattr is the thread's")
{
    struct attr b;
    int before = nice_of(0);

    other_begin(sets_attr);
    EQ(nice_of(0), before);
    OK(syscall(SYS_sched_getattr, other.tid, &b, sizeof(b), 0));
    EQ(b.nice, 8);
    OK(syscall(SYS_sched_getattr, 0, &b, sizeof(b), 0));
    EQ(b.nice, before);
    other_end();
}

static void *sees_zero(void *arg)
{
    EQ(nice_of(0), 0);
    return arg;
}

static void resets(void)
{
    struct attr a = {.size = sizeof(a), .nice = -5, .flags = 1};
    pthread_t t;

    OK(syscall(SYS_sched_setattr, 0, &a, 0));
    EQ(nice_of(0), -5);
    EQ(pthread_create(&t, NULL, sees_zero, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
    CHILD(EQ(nice_of(0), 0));
}

TEST(reset, "SCHED_RESET_ON_FORK: new threads and children are not before others")
{
    if (geteuid())
        SKIP("needs user 0");
    other_begin(resets);
    other_end();
}

static void *execs(void *arg)
{
    (void)arg;
    OK(setpriority(PRIO_PROCESS, 0, 15));
    personality(ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS);
    execl(t_exe, t_exe, "--helper", (char *)NULL);
    _exit(9);
}

TEST(exec, "the program that a thread starts has the thread's")
{
    pthread_t t;

    CHILD({
        EQ(pthread_create(&t, NULL, execs, NULL), 0);
        for (;;)
            pause();
    });
}

static void *outlives(void *arg)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
    for (char state = 0; state != 'Z'; sched_yield()) {
        struct t_reader r;
        char *l;

        CHECK(t_open(&r, path));
        CHECK((l = t_line(&r)) != NULL);
        state = strrchr(l, ')')[2];
    }
    EQ(nice_of(0), 2);
    EQ(nice_of(getpid()), 6);
    EQ(nice_told("/proc/self/stat"), 6);
    OK(setpriority(PRIO_PROCESS, (id_t)getpid(), 7));
    EQ(nice_of(getpid()), 7);
    EQ(nice_of(0), 2);
    (void)arg;
    _exit(5);
}

TEST(leader, "a first thread that ended still has a nice value")
{
    int status;
    pid_t pid = t_fork();
    pthread_t t;

    if (!pid) {
        OK(setpriority(PRIO_PROCESS, 0, 2));
        EQ(pthread_create(&t, NULL, outlives, NULL), 0);
        OK(setpriority(PRIO_PROCESS, 0, 6));
        syscall(SYS_exit, 0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 5 << 8);
}

/* ---- personality ---- */

static void is_old(void)
{
    struct utsname u;

    EQ(personality(0xffffffff), 0);
    EQ(personality(UNAME26), 0);
    OK(uname(&u));
    EQ(strncmp(u.release, "2.6.", 4), 0);
    CHILD(EQ(personality(0xffffffff), UNAME26));
}

TEST(personality, "personality is the thread's, and its children's")
{
    static struct t_reader r;
    char path[64], *l;
    struct utsname u;

    personality(0);
    other_begin(is_old);
    EQ(personality(0xffffffff), 0);
    OK(uname(&u));
    CHECK(strncmp(u.release, "2.6.", 4) != 0);
    CHILD(EQ(personality(0xffffffff), 0));
    snprintf(path, sizeof(path), "/proc/self/task/%d/personality", other.tid);
    CHECK(t_open(&r, path));
    CHECK((l = t_line(&r)) != NULL);
    EQ(strtoul(l, NULL, 16), UNAME26);
    CHECK(t_open(&r, "/proc/self/personality"));
    CHECK((l = t_line(&r)) != NULL);
    EQ(strtoul(l, NULL, 16), 0);
    other_end();
}

static void maps(void)
{
    personality(READ_IMPLIES_EXEC);
    CHECK(mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int executable_areas(void)
{
    static struct t_reader r;
    char *l;
    int n = 0;

    CHECK(t_open(&r, "/proc/self/maps"));
    while ((l = t_line(&r)))
        n += strstr(l, " r-xp ") != NULL || strstr(l, " rwxp ") != NULL;
    return n;
}

TEST(reads, "READ_IMPLIES_EXEC of one thread says nothing of another's mappings")
{
    int before;

    personality(0);
    other_begin(nothing);
    other_end();
    before = executable_areas();
    other_begin(maps);
    EQ(executable_areas(), before + 1);
    CHECK(mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    EQ(executable_areas(), before + 1);
    other_end();
}

static int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return !(getpriority(PRIO_PROCESS, 0) == 15 &&
             personality(0xffffffff) == (ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
