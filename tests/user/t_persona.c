/* SPDX-License-Identifier: MIT
 *
 * personality(2) and what it changes: names of the machine, rests of times; and other small calls
 * of processes about themselves: the time stamp counter, ioprio_set, vhangup, unshare.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/utsname.h>

TEST(kept, "what is set is told, and the one before it; children have it")
{
    static const unsigned long kinds[] = {
        0,         0x4100001, 0x5000002, 6,    8, 0x8000008, ADDR_NO_RANDOMIZE,
        0x0200000, 0x0080000, 0x4000007, 0x10,
    };

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        CHECK(personality(kinds[i]) >= 0);
        EQ(personality(0xffffffff), (long)kinds[i]);
        pid_t pid = t_fork();
        if (!pid)
            _exit(personality(0xffffffff) == (int)kinds[i] ? 0 : 1);
        int status;
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
}

TEST(names, "PER_LINUX32 and UNAME26 change what uname tells")
{
    struct utsname as_is, old;
    int minor, major;

    OK(uname(&as_is));
    EQ(strcmp(as_is.machine, "x86_64"), 0);
    EQ(sscanf(as_is.release, "%d.%d", &major, &minor), 2);
    CHECK(personality(PER_LINUX32) >= 0);
    OK(uname(&old));
    EQ(strcmp(old.machine, "i686"), 0);
    EQ(strcmp(old.release, as_is.release), 0);
    CHECK(personality(UNAME26) >= 0);
    memset(&old, 1, sizeof(old));
    OK(uname(&old));
    EQ(strcmp(old.machine, "x86_64"), 0);
    int told = 0;
    EQ(sscanf(old.release, "2.6.%d", &told), 1);
    EQ(told, minor + 60);
    for (size_t i = strlen(old.release); i < sizeof(old.release); i++)
        EQ(old.release[i], 0);
}

TEST(sticky, "STICKY_TIMEOUTS: select, pselect and ppoll leave the time as it was")
{
    for (int sticky = 0; sticky < 2; sticky++) {
        struct timeval tv = {0, 2000};
        struct timespec ts = {0, 2000000}, tp = ts;

        CHECK(personality(sticky ? STICKY_TIMEOUTS : 0) >= 0);
        EQ(syscall(SYS_select, 0, NULL, NULL, NULL, &tv), 0);
        EQ(tv.tv_usec, sticky ? 2000 : 0);
        EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, NULL), 0);
        EQ(ts.tv_nsec, sticky ? 2000000 : 0);
        EQ(syscall(SYS_ppoll, NULL, 0, &tp, NULL, 8), 0);
        EQ(tp.tv_nsec, sticky ? 2000000 : 0);
    }
}

/* Whether what is written at `at` runs. */
static int runs(uint8_t *at)
{
    static const uint8_t code[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov $7, %eax; ret */
    long result = 0;

    memcpy(at, code, sizeof(code));
    return t_call(at, &result) == 0 && result == 7;
}

/* In a process of its own: the heap is that of a fresh program there. */
static int readable_executes(void)
{
    uint8_t *at, *heap;
    int fd = memfd_create("p", 0), right = 0, id;

    if (personality(READ_IMPLIES_EXEC) < 0 || ftruncate(fd, 4096) != 0)
        return -1;
    at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    right += runs(at);
    if (mprotect(at, 4096, PROT_NONE) != 0 ||
        mprotect(at, 4096, PROT_READ | PROT_WRITE) != 0)
        return -1;
    right += runs(at);
    right += runs(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    heap = (uint8_t *)syscall(SYS_brk, 0);
    heap += -(uintptr_t)heap % 4096;
    syscall(SYS_brk, heap + 8192);
    right += runs(heap + 4096);
    id = shmget(IPC_PRIVATE, 4096, 0600);
    right += runs(shmat(id, NULL, 0));
    shmctl(id, IPC_RMID, NULL);
    return right;
}

TEST(executes,
     "READ_IMPLIES_EXEC: new memory that may be read, and what is protected so, executes")
{
    pid_t pid = t_fork();
    if (!pid)
        _exit(readable_executes());
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 5 << 8);
}

TEST(executes_not, "READ_IMPLIES_EXEC gives nothing to memory that is there or may not "
                   "be read, and ends with an exec")
{
    uint8_t *old =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *none;
    pid_t pid;
    int status;

    CHECK(personality(READ_IMPLIES_EXEC) >= 0);
    EQ(runs(old), 0);
    FAULT(t_call(old, NULL), SIGSEGV, SEGV_ACCERR, old);
    none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FAULT(t_call(none, NULL), SIGSEGV, SEGV_ACCERR, none);
    pid = t_fork();
    if (!pid) {
        execl(t_exe, "t_persona", "--helper", NULL);
        _exit(100);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    return personality(0xffffffff) & READ_IMPLIES_EXEC ? 1 : 0;
}

static void reads_tsc(bool forbidden)
{
    int told = 0;

    if (forbidden && prctl(PR_SET_TSC, PR_TSC_SIGSEGV) != 0)
        _exit(9);
    if (prctl(PR_GET_TSC, &told) != 0 ||
        told != (forbidden ? PR_TSC_SIGSEGV : PR_TSC_ENABLE))
        _exit(8);
    pid_t pid = fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        for (int i = 0; i < 20; i++)
            sched_yield();
        __builtin_ia32_rdtsc();
        _exit(0);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid)
        _exit(7);
    if (forbidden != (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV))
        _exit(6);
    if (forbidden && prctl(PR_SET_TSC, PR_TSC_ENABLE) != 0)
        _exit(5);
    __builtin_ia32_rdtsc();
    _exit(0);
}

/* Four at once, so that those who may and those who may not follow each other on a CPU. */
TEST(tsc, "PR_SET_TSC forbids the time stamp counter to a thread and its children")
{
    pid_t pid[4];
    int status;

    for (int i = 0; i < 4; i++) {
        pid[i] = t_fork();
        if (!pid[i])
            reads_tsc(i & 1);
    }
    for (int i = 0; i < 4; i++) {
        EQ(waitpid(pid[i], &status, 0), pid[i]);
        EQ(status, 0);
    }
}

TEST(ioprio, "ioprio_set: levels of each class")
{
    enum { NONE, RT, BE, IDLE };

    OK(syscall(SYS_ioprio_set, 1, 0, BE << 13 | 7));
    EQ(syscall(SYS_ioprio_get, 1, 0), BE << 13 | 7);
    if (syscall(SYS_ioprio_set, 1, 0, BE << 13 | 8) == 0)
        SKIP("this Linux takes hints beside the level");
    EQ(errno, EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, 0, BE << 13 | 4096), EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, 0, NONE << 13 | 1), EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, 0, NONE << 13 | 4096), EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, 0, RT << 13 | 8), geteuid() ? EPERM : EINVAL);
    EQ(syscall(SYS_ioprio_get, 1, 0), BE << 13 | 7);
    OK(syscall(SYS_ioprio_set, 1, 0, IDLE << 13 | 9));
}

TEST(vhangup, "vhangup: who may; a session without a terminal")
{
    CHILD({
        OK(setsid());
        if (geteuid() == 0) {
            OK(syscall(SYS_vhangup));
            OK(setresuid(65534, 65534, 65534));
        }
        ERR(syscall(SYS_vhangup), EPERM);
    });
}

static int sharer(void *arg)
{
    (void)arg;
    if (syscall(SYS_unshare, CLONE_FILES) != -1 || errno != EMFILE)
        _exit(1);
    if (syscall(SYS_fork) != -1 || errno != EMFILE)
        _exit(2);
    if (close(70) != 0 || syscall(SYS_unshare, CLONE_FILES) != 0)
        _exit(3);
    _exit(0);
}

TEST(nr_open, "no copy of descriptors beyond fs.nr_open, which was lowered")
{
    static char stack[65536] __attribute__((aligned(16)));
    char was[32] = "";
    int fd, status;

    if (!t_tessera)
        SKIP("changes a setting of the machine");
    OK(fd = open("/proc/sys/fs/nr_open", O_RDWR));
    CHECK(pread(fd, was, sizeof(was) - 1, 0) > 0);
    EQ(dup2(0, 70), 70);
    EQ(pwrite(fd, "64", 2, 0), 2);
    pid_t pid = clone(sharer, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL);
    CHECK(pid > 0);
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(pwrite(fd, was, strlen(was), 0) > 0);
    EQ(status, 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
