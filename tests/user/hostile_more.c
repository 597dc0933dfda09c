/* SPDX-License-Identifier: MIT
 *
 * More attacks: what is taken through several kinds of object at once, or given by others.
 */
#include "tests/user/hostile.h"
#include <sched.h>
#include <sys/file.h>
#include <sys/shm.h>
#include <sys/time.h>

/* ---- objects far apart, lists of aliases ---- */

static void sparse_memfds(void)
{
    for (int fd; took((fd = memfd_create("s", 0)) >= 0);)
        for (off_t at = 1; at < 1l << 43; at <<= 1)
            if (!took(pwrite(fd, "x", 1, at) == 1))
                break;
}

static void sparse_memfds_in_many(void)
{
    in_many(sparse_memfds);
}

/* Sparse holes: index nodes that stay behind when the pages go. */
static void punched(void)
{
    int fd = memfd_create("p", 0);
    for (off_t at = 0; took(at < 1l << 43 && pwrite(fd, "x", 1, at) == 1); at += 1 << 21)
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, P);
}

/* One page of a file at every place of a window. */
static void aliases(void)
{
    int fd = memfd_create("a", 0);
    size_t len = 1ul << 31;
    char *p = ftruncate(fd, (off_t)len)
                  ? MAP_FAILED
                  : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return;
    p[0] = 1;
    for (size_t at = P;
         took(at < len && syscall(SYS_remap_file_pages, p + at, P, 0, 0, 0) == 0);
         at += P)
        (void)((volatile char *)p)[at];
}

static void arranged_children(void)
{
    size_t len = 1ul << 26;
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; p != MAP_FAILED && at < len; at += P)
        syscall(SYS_remap_file_pages, p + at, P, 0, (at / P * 77) % (len / P),
                MAP_NONBLOCK);
    for (pid_t pid; took((pid = fork()) >= 0);)
        while (!pid)
            pause();
}

static void mapped_often(void)
{
    int fd = memfd_create("m", 0);
    char *p;
    if (write(fd, "x", 1) != 1)
        return;
    while (took((p = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) !=
                MAP_FAILED))
        *p = 1;
    pid_t pid = fork();
    if (pid == 0)
        mapped_often();
    for (;;)
        pause();
}

static void attach(void)
{
    int id = shmget(IPC_PRIVATE, P, IPC_CREAT | 0600);
    while (took(shmat(id, NULL, 0) != (void *)-1))
        ;
    shmctl(id, IPC_RMID, NULL);
    sh->error = EAGAIN;
}

static void attaches(void)
{
    in_many(attach);
}

static void huge_pages(void)
{
    for (char *p; took((p = map(2 << 20, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_HUGETLB)) != NULL);)
        *p = 1;
}

/* ---- pipes that hold pages of others ---- */

static void spliced(void)
{
    int fd = memfd_create("s", 0), end[2], other[2];
    if (ftruncate(fd, 1 << 24))
        return;
    while (took(pipe(end) == 0)) {
        loff_t at = 0;
        fcntl(end[1], F_SETPIPE_SZ, 1 << 20);
        if (splice(fd, &at, end[1], NULL, 1 << 20, SPLICE_F_NONBLOCK) < 0)
            sh->error = errno;
        if (!took(pipe(other) == 0))
            break;
        fcntl(other[1], F_SETPIPE_SZ, 1 << 20);
        if (tee(end[0], other[1], 1 << 20, SPLICE_F_NONBLOCK) < 0)
            sh->error = errno;
    }
}

static void spliced_in_many(void)
{
    in_many(spliced);
}

/* ---- files ---- */

static void lock_in_many_files(void)
{
    enter();
    char name[32];
    for (int i = 0, fd; i < 500; i++) {
        snprintf(name, sizeof(name), "l%d-%d", getpid(), i);
        if (!took((fd = open(name, O_CREAT | O_RDWR, 0600)) >= 0))
            break;
        if (!took(flock(fd, LOCK_EX) == 0))
            break;
        struct flock l = {.l_type = F_WRLCK, .l_len = 1};
        for (int k = 0; k < 200 && took(fcntl(fd, F_SETLK, &l) == 0); k++)
            l.l_start += 2;
    }
    if (sh->error == ENOLCK || sh->error == ENOSPC)
        return;
    sh->error = EAGAIN;
}

static void locks_in_many(void)
{
    in_many(lock_in_many_files);
}

static void open_lock(void)
{
    enter();
    int fd = open("one", O_CREAT | O_RDWR, 0600);
    struct flock l = {.l_type = F_WRLCK, .l_len = 1};
    for (l.l_start = 0; took(fcntl(fd, F_OFD_SETLK, &l) == 0);)
        l.l_start += 2;
}

static void nameless_file(void)
{
    for (int fd; took((fd = open("/tmp/hostile", O_TMPFILE | O_RDWR, 0600)) >= 0);)
        if (write(fd, "x", 1) != 1) {
            sh->error = errno;
            break;
        }
}

static void nameless_files(void)
{
    in_many(nameless_file);
}

static void renames(void)
{
    enter();
    char a[240], b[240];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[239] = b[239] = 0;
    close(open(a, O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < 50000; i++) {
        snprintf(b + 200, 20, "%d", i);
        b[strlen(b)] = 'x';
        b[239] = 0;
        if (!took(rename(a, b) == 0))
            return;
        memcpy(a, b, sizeof(a));
    }
}

/* Names that are not there, in directories that are gone but kept open. */
static void lookups_in_dead_directories(void)
{
    struct stat st;
    char name[100];
    enter();
    while (took(mkdir("gone", 0700) == 0 && open("gone", O_RDONLY) >= 0)) {
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof(name), "gone/%d-nothing-of-that-name", i);
            stat(name, &st);
        }
        rmdir("gone");
    }
    sh->error = EMFILE;
}

static void dead_directories(void)
{
    in_many(lookups_in_dead_directories);
}

static void proc_directories(void)
{
    char name[64], buf[256];
    for (int fd, i = 1; took(i < 3000); i++) {
        snprintf(name, sizeof(name), "/proc/%d/task", i % 60 + 1);
        fd = open(name, O_RDONLY | O_DIRECTORY);
        if (fd < 0 && errno == EMFILE)
            break;
        if (fd >= 0)
            syscall(SYS_getdents64, fd, buf, sizeof(buf));
        snprintf(name, sizeof(name), "/proc/self/task/%d/maps", getpid());
        fd = open(name, O_RDONLY);
        if (fd >= 0 && read(fd, buf, 10) < 0)
            sh->error = errno;
    }
    sh->error = EMFILE;
}

static void proc_in_many(void)
{
    in_many(proc_directories);
}

/* ---- processes ---- */

static void vforks(void)
{
    for (int i = 0; i < 200; i++) {
        pid_t pid = fork();
        if (!took(pid >= 0))
            return;
        if (pid == 0)
            for (;;) {
                pid_t kid = vfork();
                if (kid == 0)
                    _exit(0);
                if (kid > 0)
                    waitpid(kid, NULL, 0);
            }
    }
}

static void zombies(void)
{
    for (pid_t pid; took((pid = fork()) >= 0);)
        if (!pid)
            _exit(0);
}

static void clone_storm(void)
{
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (!took(pid >= 0))
            return;
        while (pid == 0)
            if (syscall(SYS_clone, CLONE_FS | CLONE_FILES | CLONE_PARENT, 0, 0, 0, 0) ==
                0)
                _exit(0);
    }
}

static void signals_to_others(void)
{
    sigset_t all;
    pid_t pid[300];
    int n = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (; n < 300 && took((pid[n] = fork()) >= 0); n++)
        while (!pid[n])
            pause();
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2000; k++)
            if (!took(sigqueue(pid[i], SIGRTMIN + k % 20, (union sigval){0}) == 0))
                break;
}

static void interval_timers(void)
{
    struct itimerval v = {{0, 1}, {0, 1}};
    signal(SIGALRM, SIG_IGN);
    for (pid_t pid; took((pid = fork()) >= 0);) {
        if (pid)
            continue;
        signal(SIGVTALRM, SIG_IGN);
        signal(SIGPROF, SIG_IGN);
        for (int i = 0; i < 3; i++)
            setitimer(i, &v, NULL);
        for (;;)
            pause();
    }
}

const struct attack more_attacks[] = {
    {"sparse-memfds", "pages far from each other in many nameless files",
     sparse_memfds_in_many},
    {"punched", "indexes of pages that are gone", punched},
    {"aliases", "one page in a million places", aliases},
    {"arranged-children", "children of an arranged process", arranged_children},
    {"maps", "one page mapped often in many processes", mapped_often},
    {"attaches", "attached segments in many processes", attaches},
    {"hugetlb", "huge pages", huge_pages},
    {"spliced", "spliced pages in pipes", spliced_in_many},
    {"locks-in-many", "locks of many processes in many files", locks_in_many},
    {"ofd-locks", "locks of an open file", open_lock},
    {"nameless", "open files without a name", nameless_files},
    {"renames", "long names of one file", renames},
    {"dead-dirs", "removed directories and names in them", dead_directories},
    {"proc", "directories of /proc and halves of its texts", proc_in_many},
    {"vforks", "vforks", vforks},
    {"zombies", "processes nobody waits for", zombies},
    {"clones", "children for a process that does not wait", clone_storm},
    {"signals-to-others", "signals queued to others", signals_to_others},
    {"timers", "timers that go off always", interval_timers},
    {NULL, NULL, NULL},
};
