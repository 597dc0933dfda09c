/* SPDX-License-Identifier: MIT
 *
 * Still more attacks: with extended attributes, mapped files, netlink, debug registers, monitors of
 * memory.
 */
#include "tests/user/hostile.h"
#include "tests/user/t_userfaultfd.h"
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/xattr.h>

/* As many and as long ones on each file as it takes. */
static void attributes(void)
{
    static char value[60000];
    char name[32];

    enter();
    for (int f = 0; f < 100000; f++) {
        snprintf(name, sizeof(name), "f%d", f);
        int fd = open(name, O_CREAT | O_RDWR, 0600);
        if (!took(fd >= 0))
            return;
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof(name), "user.%d", i);
            if (!took(fsetxattr(fd, name, value, i % 2 ? 8 : sizeof(value), 0) == 0))
                break;
        }
        close(fd);
        if (errno == EDQUOT || errno == ENOSPC || errno == ENOMEM)
            return;
    }
}

/* Questions without end, whose answers nobody reads, from sockets without end. */
static void question(void)
{
    static struct {
        unsigned len;
        unsigned short type, flags;
        unsigned seq, port;
        unsigned char family, pad[3];
    } q[3000];

    for (int i = 0; i < 3000; i++) {
        q[i].len = sizeof(q[i]);
        q[i].type = i % 2 ? 18 : 200;
        q[i].flags = i % 3 ? 0x305 : 5;
    }
    for (int s; took((s = socket(AF_NETLINK, SOCK_RAW, 0)) >= 0);)
        if (!took(send(s, q, sizeof(q), 0) > 0))
            return;
}

static void questions(void)
{
    in_many(question);
}

/* The links of a process whose mappings come and go under the reader. */
static void mapped_files(void)
{
    int fd = memfd_create("m", 0);
    pid_t pid = -1;

    if (!took(fd >= 0 && ftruncate(fd, 64 * P) == 0 && (pid = fork()) >= 0))
        return;
    if (!pid)
        prctl(PR_SET_DUMPABLE, 1); /* it changed its user */
    for (int turn = 0; !pid; turn++)
        for (size_t i = 0; i < 64; i++) {
            char *at = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, (off_t)(i * P));
            if (at != MAP_FAILED && turn % 3)
                munmap(at, P);
        }
    for (int i = 0; i < 300; i++) {
        char path[300], text[100];
        snprintf(path, sizeof(path), "/proc/%d/map_files", pid);
        DIR *d = opendir(path);
        if (!d) { /* it has not said so yet */
            t_nap(1000);
            continue;
        }
        for (struct dirent *e; (e = readdir(d));) {
            snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid, e->d_name);
            took(readlink(path, text, sizeof(text)) > 0);
            close(open(path, O_RDONLY));
        }
        closedir(d);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sh->error = 0;
}

/* Children with every value in their debug registers, which touch what they watch. */
static void watchers(void)
{
    static volatile long word;
    uint64_t seed = 3;

    for (int i = 0; i < 200; i++) {
        pid_t pid = fork();
        if (!took(pid >= 0))
            return;
        if (!pid) {
            ptrace(PTRACE_TRACEME, 0, NULL, NULL);
            for (raise(SIGSTOP);; word++)
                if (syscall(SYS_getrandom, &word, sizeof(word), 0) < 0 ||
                    (word % 64 == 0 && fork() == 0))
                    _exit(0);
        }
        for (int stop = 0; stop < 50 && waitpid(pid, NULL, 0) == pid; stop++) {
            for (int nr = 0; nr < 8; nr++) {
                unsigned long value = t_random(&seed);
                if (nr < 4 && value % 4)
                    value =
                        value % 2 ? (unsigned long)&word : 0xffffffff80000000 + value % P;
                if (!ptrace(PTRACE_POKEUSER, pid,
                            offsetof(struct user, u_debugreg) + 8 * nr, value))
                    sh->n++;
                else if (nr < 4)
                    continue;
                if (nr < 4 && value >= 0x7ffffffff000)
                    sh->wrong = "an address of the kernel is watched";
            }
            ptrace(stop % 2 ? PTRACE_CONT : PTRACE_SINGLESTEP, pid, NULL, NULL);
        }
        kill(pid, SIGKILL);
        if (i % 2)
            waitpid(pid, NULL, 0);
    }
}

/* Moves memory whose monitor never reads of it. */
static void untold(void)
{
    struct uffdio_api api = {.api = UFFD_API,
                             .features = 1 << 2 | 1 << 6}; /* remap, unmap */

    uffd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);
    if (uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0 &&
        watch(mem, 1UL << 12, REGISTER_WP | REGISTER_MISSING) == 0 &&
        guard(mem, 1UL << 12, true) == 0)
        mremap(mem, P << 12, P << 12, MREMAP_MAYMOVE | MREMAP_FIXED, mem + (1UL << 30));
    _exit(0);
}

/* Monitors without end, each with memory that is guarded as far as it goes, touched by threads whom
 * nobody answers; children of which some end and some stay. */
static void monitors(void)
{
    static struct toucher t[8];
    int file = memfd_create("m", 0);

    uffd_unused();
    if (!took(file >= 0 && ftruncate(file, 1L << 40) == 0))
        return;
    for (int i = 0;; i++) {
        struct uffdio_api api = {.api = UFFD_API};

        uffd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);
        if (!took(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0))
            return;
        mem = mmap(NULL, 1UL << 36, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (!took(mem != MAP_FAILED))
            return;
        took(watch(mem, 1UL << 24, REGISTER_WP | REGISTER_MISSING) == 0);
        took(guard(mem, 1UL << (12 + i % 13), true) == 0);
        for (int k = 0; k < 8 && i == 3; k++)
            touch(&t[k], mem + (unsigned)k * P, k - 1);
        if (i % 16 == 3 && fork() == 0 && i % 32 == 3)
            _exit(0);
        if (i % 16 == 5 && fork() == 0)
            untold();
        if (i == 3) /* the threads' */
            continue;
        mprotect(mem, 1UL << 30, i % 2 ? PROT_NONE : PROT_READ);
        took(mremap(mem, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, mem + (1UL << 20)) !=
             MAP_FAILED);
    }
}

static void monitored(void)
{
    in_many(monitors);
}

/* ---- core files ---- */

/* Eight at once, in folders of their own, each of a file as large as its memory. */
static void dumps(void)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    char name[16];

    setrlimit(RLIMIT_CORE, &r);
    prctl(PR_SET_DUMPABLE, 1);
    enter();
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        mkdir(name, 0700);
        pid_t pid = fork();
        if (pid == 0) {
            if (chdir(name))
                _exit(1);
            signal(SIGABRT, SIG_DFL);
            char *p = map(8UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
            if (p)
                memset(p, 1, 8UL << 20);
            raise(SIGABRT);
        }
        if (!took(pid > 0) || i < 8)
            continue;
        waitpid(-1, NULL, 0);
    }
    sh->done = 1;
}

const struct attack later_attacks[] = {
    {"cores", "core files of many processes at once", dumps},
    {"attributes", "extended attributes without end", attributes},
    {"questions", "netlink answers nobody reads", questions},
    {"mapped-files", "map_files of mappings that come and go", mapped_files},
    {"watchers", "any debug registers on children that touch what they watch", watchers},
    {"monitors", "userfaultfd: guards without end, touches nobody answers", monitored},
    {NULL, NULL, NULL},
};
