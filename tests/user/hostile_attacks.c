/* SPDX-License-Identifier: MIT
 *
 * The attacks: each takes one kind of kernel memory until it is told to stop.
 */
#include "tests/user/hostile.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/time.h>

bool took(bool good)
{
    if (good)
        sh->n++;
    else
        sh->error = errno;
    return good;
}

static void all_descriptors(void)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

void in_many(void (*fn)(void))
{
    for (;;) {
        all_descriptors();
        fn();
        if (sh->error != EMFILE && sh->error != EAGAIN)
            return;
        pid_t pid = fork();
        if (pid < 0) {
            sh->error = errno;
            return;
        }
        if (pid)
            for (;;)
                pause();
        for (int fd = 3; fd < 5000; fd++)
            close(fd);
    }
}

char *map(size_t len, int prot, int flags)
{
    char *p = mmap(NULL, len, prot, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void heap(void)
{
    for (char *p; took((p = map(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE)) != NULL);)
        memset(p, 1, 1 << 20);
}

static void heap_in_many(void)
{
    for (pid_t pid = 1; took(pid >= 0); pid = fork()) {
        if (pid)
            continue;
        char *p = map(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
        for (size_t at = 0; p && at < 1 << 20; at += P)
            p[at] = 1;
        for (;;)
            pause();
    }
}

static void shared_memory(void)
{
    for (char *p; took((p = map(1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED)) != NULL);)
        memset(p, 1, 1 << 20);
}

static void tables(void)
{
    volatile char *p = map(1ul << 45, PROT_READ, MAP_PRIVATE);
    for (size_t at = 0; took(at < 1ul << 45); at += 2 << 20)
        (void)p[at];
}

static void records_of_areas(void)
{
    char *p = map(1ul << 40, PROT_NONE, MAP_PRIVATE);
    size_t i = 0;
    while (took(p && mprotect(p + i++ * 2 * P, P, PROT_READ) == 0))
        ;
    pid_t pid = fork();
    if (pid == 0)
        records_of_areas();
    else if (pid < 0)
        sh->error = errno;
    else
        for (;;)
            pause();
}

static void arrangements(void)
{
    int fd = memfd_create("a", 0);
    size_t len = 1ul << 38;
    char *p = ftruncate(fd, (off_t)len) ? MAP_FAILED
                                        : mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    for (size_t at = 0; took(p != MAP_FAILED && at < len &&
                             syscall(SYS_remap_file_pages, p + at, P, 0,
                                     (at / P + 77) % (len / P), MAP_NONBLOCK) == 0);
         at += 1 << 20)
        ;
}

static char megabyte[1 << 20];

static void one_pipe_after_another(void)
{
    for (int end[2]; took(pipe(end) == 0);) {
        fcntl(end[1], F_SETPIPE_SZ, sizeof(megabyte));
        fcntl(end[1], F_SETFL, O_NONBLOCK);
        if (write(end[1], megabyte, sizeof(megabyte)) < 0)
            break;
    }
}

static void pipes(void)
{
    in_many(one_pipe_after_another);
}

static void open_one(void)
{
    while (took(open("/dev/null", O_RDONLY) >= 0))
        ;
}

static void descriptors(void)
{
    in_many(open_one);
}

static void open_text(void)
{
    char c;
    for (int fd; took((fd = open("/proc/self/smaps", O_RDONLY)) >= 0);)
        if (read(fd, &c, 1) != 1)
            break;
}

static void texts(void)
{
    char *p = map(1ul << 40, PROT_NONE, MAP_PRIVATE);
    for (size_t i = 0; p && i < 20000; i++)
        mprotect(p + i * 2 * P, P, PROT_READ);
    in_many(open_text);
}

static void memfds(void)
{
    int fd = memfd_create("m", 0);
    while (took(write(fd, megabyte, sizeof(megabyte)) > 0))
        ;
}

/* ---- files ---- */

void enter(void)
{
    if (chdir("/tmp/hostile"))
        _exit(97);
}

static const char *name_of(long i)
{
    static char name[32];
    snprintf(name, sizeof(name), "n%ld", i);
    return name;
}

static void data(void)
{
    enter();
    int fd = open("data", O_CREAT | O_WRONLY, 0600);
    while (took(write(fd, megabyte, sizeof(megabyte)) > 0))
        ;
}

static void sparse(void)
{
    enter();
    int fd = open("sparse", O_CREAT | O_WRONLY, 0600);
    for (off_t at = 0; took(pwrite(fd, "x", 1, at) == 1); at += 1l << 24)
        ;
}

static void empty_files(void)
{
    enter();
    for (int fd; took((fd = open(name_of(sh->n), O_CREAT | O_WRONLY, 0600)) >= 0);)
        close(fd);
}

static void symbolic_links(void)
{
    enter();
    char target[4096];
    memset(target, 'a', sizeof(target) - 1);
    target[sizeof(target) - 1] = 0;
    while (took(symlink(target, name_of(sh->n)) == 0))
        ;
}

static void hard_links(void)
{
    enter();
    close(open("first", O_CREAT | O_WRONLY, 0600));
    while (took(link("first", name_of(sh->n)) == 0))
        ;
}

static void deep_directories(void)
{
    enter();
    while (took(mkdir("d", 0700) == 0 && chdir("d") == 0))
        ;
}

void flatten(void)
{
    if (chdir("/tmp/hostile"))
        return;
    while (rename("d/d", "e") == 0)
        if (rmdir("d") || rename("e", "d"))
            break;
    if (chdir("/"))
        perror("# chdir");
}

static void fifos(void)
{
    enter();
    while (took(mkfifo(name_of(sh->n), 0600) == 0))
        ;
}

static void failed_lookups(void)
{
    struct stat st;
    enter();
    for (long i = 0; i < 100000; i++)
        took(stat(name_of(i), &st) != 0);
}

static void locks(void)
{
    enter();
    int fd = open("locked", O_CREAT | O_RDWR, 0600);
    struct flock l = {.l_type = F_WRLCK, .l_len = 1};
    for (long i = 0; i < 4000 && took(fcntl(fd, F_SETLK, &l) == 0); i++)
        l.l_start += 2;
}

static void segments(void)
{
    for (int id; took((id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600)) >= 0);) {
        char *p = shmat(id, NULL, 0);
        if (p == (char *)-1)
            break;
        memset(p, 1, 1 << 20);
        shmdt(p);
    }
}

void forget_segments(void)
{
    struct shm_info info;
    struct shmid_ds ds;
    int last = shmctl(0, SHM_INFO, (void *)&info);
    for (int i = 0; i <= last; i++) {
        int id = shmctl(i, SHM_STAT, &ds);
        if (id >= 0 && ds.shm_perm.cuid == 65534)
            shmctl(id, IPC_RMID, NULL);
    }
}

/* ---- processes ---- */

static void forks(void)
{
    for (pid_t pid; took((pid = fork()) >= 0);)
        while (!pid)
            pause();
}

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void threads(void)
{
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    while (took((errno = pthread_create(&t, &attr, wait_for_ever, NULL)) == 0))
        ;
}

static void queue_signals(void)
{
    while (took(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){0}) == 0))
        ;
}

static void signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    in_many(queue_signals);
}

static void locked_memory(void)
{
    for (char *p; (p = map(1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE)) != NULL;)
        if (!took(mlock(p, 1 << 16) == 0))
            break;
}

static void many_polls(void)
{
    for (pid_t pid; took((pid = fork()) >= 0);) {
        if (pid)
            continue;
        static struct pollfd fds[4096];
        int end[2];
        all_descriptors();
        if (pipe(end) == 0)
            for (size_t i = 0; i < 4096; i++)
                fds[i] = (struct pollfd){end[0], POLLIN, 0};
        for (;;)
            poll(fds, 4096, -1);
    }
}

static void big_arguments(void)
{
    static char text[100000];
    char *argv[] = {"sleep", "1000", NULL}, *envp[20] = {NULL};
    memset(text, 'e', sizeof(text) - 1);
    for (size_t i = 0; i < 19; i++)
        envp[i] = text;
    for (pid_t pid; took((pid = fork()) >= 0);)
        if (!pid) {
            execve("/bin/busybox", argv, envp);
            _exit(1);
        }
}

const struct attack attacks[] = {
    {"heap", "private memory", heap},
    {"heaps", "private memory in many processes", heap_in_many},
    {"shared", "shared anonymous memory", shared_memory},
    {"tables", "page tables", tables},
    {"areas", "records of areas in many processes", records_of_areas},
    {"arranged", "arrays of arranged pages", arrangements},
    {"pipes", "full pipes in many processes", pipes},
    {"fds", "open files in many processes", descriptors},
    {"texts", "texts of /proc in many open files", texts},
    {"memfd", "data of a nameless file", memfds},
    {"data", "data of a file", data},
    {"sparse", "pages of a file far from each other", sparse},
    {"files", "empty files", empty_files},
    {"symlinks", "symbolic links", symbolic_links},
    {"links", "hard links", hard_links},
    {"dirs", "directories in directories", deep_directories},
    {"fifos", "FIFOs", fifos},
    {"lookups", "names that are not there", failed_lookups},
    {"locks", "record locks", locks},
    {"segments", "System V segments", segments},
    {"forks", "processes", forks},
    {"threads", "threads", threads},
    {"signals", "queued signals in many processes", signals},
    {"mlock", "locked memory", locked_memory},
    {"polls", "long polls in many processes", many_polls},
    {"args", "arguments and environments", big_arguments},
    {NULL, NULL, NULL},
};
