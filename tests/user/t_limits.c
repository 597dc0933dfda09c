/* SPDX-License-Identifier: MIT
 *
 * Limits and exhaustion: RLIMIT_AS, RLIMIT_DATA and the number of areas with remaps (spec
 * T184, T185; R-27), too many processes, threads, zombies and descriptors, a full
 * file system, what /proc tells about the kernel.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void limit(int what, rlim_t value)
{
    struct rlimit r;
    OK(getrlimit(what, &r));
    r.rlim_cur = value;
    OK(setrlimit(what, &r));
}

static void become_ordinary(void)
{
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        SKIP("cannot become an ordinary user");
}

TESTF(T185, "RLIMIT_AS at the present size: remaps go on")
{
    enum { N = 256 };
    M(F(N), N);
    limit(RLIMIT_AS, (rlim_t)t_status("VmSize") * 1024);
    ERR(t_raw_mmap(0, 64 * P, PROT_READ, ANON, -1, 0), ENOMEM);
    t_reverse(N, 0);
    REVERSED(N);
    if (t_tessera)
        EQ(t_lines(A, N), 1);
}

TEST(R27_data, "RLIMIT_DATA: private writable memory, brk; shared memory is not data")
{
    unsigned char *keep = t_map(NULL, 4, RW, ANON, -1, 0);
    memset(keep, 7, 4 * P);
    limit(RLIMIT_DATA, (rlim_t)t_status("VmData") * 1024 + 8 * P);
    ERR(t_raw_mmap(0, 64 * P, RW, ANON, -1, 0), ENOMEM);
    void *top = sbrk(0);
    CHECK((long)syscall(SYS_brk, (char *)top + 64 * P) == (long)top);
    unsigned char *ro = t_map(NULL, 64, PROT_READ, ANON, -1, 0);
    ERR(mprotect(ro, 64 * P, RW), ENOMEM);
    FAULT(t_write(ro, 1), SIGSEGV, SEGV_ACCERR, ro);
    void *moved = mremap(keep, 4 * P, 64 * P, MREMAP_MAYMOVE);
    CHECK(moved == MAP_FAILED && errno == ENOMEM);
    EQ(keep[3 * P], 7);
    A = t_map(NULL, 64, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    OK(R(0, 1, 5));
}

TEST(R27_data_none, "a soft RLIMIT_DATA of 0 stops brk only; mappings have the hard one")
{
    limit(RLIMIT_DATA, 0);
    unsigned char *m = t_map(NULL, 4, RW, ANON, -1, 0);
    memset(m, 1, 4 * P);
    void *top = sbrk(0);
    CHECK((long)syscall(SYS_brk, (char *)top + 64 * P) == (long)top);
    unsigned char *ro = t_map(NULL, 4, PROT_READ, ANON, -1, 0);
    OK(mprotect(ro, 4 * P, RW));
    struct rlimit r = {0, (rlim_t)t_status("VmData") * 1024 + 8 * P};
    OK(setrlimit(RLIMIT_DATA, &r));
    m = mremap(m, 4 * P, 8 * P, MREMAP_MAYMOVE);
    CHECK(m != MAP_FAILED);
    ERR(t_raw_mmap(0, 64 * P, RW, ANON, -1, 0), ENOMEM);
}

/* ---- R-60 ---- */
TEST(R60_procs, "processes up to RLIMIT_NPROC, then EAGAIN; all of them can be ended")
{
    enum { MOST = 40 };
    static pid_t pid[MOST + 1];
    CHILD({
        int n = 0;
        become_ordinary();
        limit(RLIMIT_NPROC, MOST);
        while (n <= MOST && (pid[n] = fork()) >= 0) {
            if (pid[n] == 0) {
                pause();
                _exit(0);
            }
            n++;
        }
        EQ(errno, EAGAIN);
        CHECK(n > 0 && n < MOST);
        while (n > 0) {
            OK(kill(pid[--n], SIGKILL));
            t_status_of(pid[n]);
        }
        CHILD(); /* and there is room again */
    });
}

TEST(R60_bomb, "a fork bomb, ended by one kill of its group")
{
    pid_t bomb = t_fork();
    if (!bomb) {
        setpgid(0, 0);
        become_ordinary();
        limit(RLIMIT_NPROC, 60);
        for (;;)
            fork();
    }
    t_nap(300000);
    CHILD(CHECK(getpid() > 0)); /* others live on */
    while (kill(-bomb, SIGKILL) == 0) {
        waitpid(bomb, NULL, WNOHANG);
        t_nap(1000);
    }
}

static _Noreturn void *waits_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

TEST(R60_threads, "threads until memory or a limit says EAGAIN")
{
    CHILD({
        pthread_attr_t small;
        pthread_t t;
        int n = 0, err;
        become_ordinary();
        limit(RLIMIT_NPROC, 400);
        limit(RLIMIT_AS, (rlim_t)t_status("VmSize") * 1024 + 64 * 1024 * 1024);
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 256 * 1024);
        while (!(err = pthread_create(&t, &small, waits_for_ever, NULL)) && n < 1000)
            n++;
        EQ(err, EAGAIN);
        CHECK(n > 10);
        _exit(0); /* ends them all */
    });
}

TEST(R60_zombies, "a thousand children nobody waited for")
{
    CHILD({
        for (int i = 0; i < 1000; i++)
            if (t_fork() == 0)
                _exit(i & 0x7f);
        for (int i = 0; i < 500; i++)
            OK(wait(NULL)); /* the others are init's */
    });
}

static void *nothing(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    return NULL;
}

TEST(R60_wrap, "numbers of threads come round and never hit a living one")
{
    pid_t sleeper = t_fork();
    if (!sleeper)
        for (;;)
            pause();
    cpu_set_t one; /* where each thread wakes nobody elsewhere: they are many */
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    OK(sched_setaffinity(0, sizeof(one), &one));
    pid_t me = getpid(), last = 0;
    bool wrapped = false;
    for (int k = 0; k < 40000 && !wrapped; k++) {
        pthread_t t;
        pid_t id = 0;
        EQ(pthread_create(&t, NULL, nothing, &id), 0);
        EQ(pthread_join(t, NULL), 0);
        CHECK(id != me && id != sleeper && id > 1);
        wrapped = id < last;
        last = id;
        if (!t_tessera && k == 1000)
            break; /* Linux counts to four million */
    }
    CHECK(wrapped || !t_tessera);
    CHILD(CHECK(getpid() != sleeper));
    OK(kill(sleeper, SIGKILL));
    t_status_of(sleeper);
}

/* ---- R-65 ---- */
TESTF(R65_fork, "dup, fork, close: the last of all references frees the file")
{
    int fd = F(16);
    M(fd, 16);
    t_reverse(16, 0);
    for (int k = 0; k < 300; k++) {
        int d = dup(fd);
        OK(d);
        pid_t pid = t_fork();
        if (!pid) {
            close(fd);
            EQ(t_tag_in_file(d, 3), 3);
            OK(munmap(A, 8 * P));
            _exit(tag(15) != 0);
        }
        OK(close(d));
        t_join(pid);
    }
    OK(close(fd));
    REVERSED(16);
}

TEST(R65_limit, "RLIMIT_NOFILE")
{
    limit(RLIMIT_NOFILE, 32);
    int fd = memfd_create("x", 0), last = fd;
    OK(fd);
    for (int d; (d = dup(fd)) >= 0;)
        last = d;
    EQ(errno, EMFILE);
    EQ(last, 31);
    ERR(fcntl(fd, F_DUPFD, 32), EINVAL);
    ERR(dup2(fd, 32), EBADF);
    ERR(memfd_create("y", 0), EMFILE);
    OK(close(31));
    EQ(dup(fd), 31);
}

/* ---- R-51 ---- */
TEST(R51, "a file system filled to the last page: ENOSPC, and others go on")
{
    if (!t_tessera)
        SKIP("not on a machine that others use");
    static char block[64 * P];
    memset(block, 'f', sizeof(block));
    int fd = open("big", O_RDWR | O_CREAT, 0600);
    OK(fd);
    ssize_t n;
    long written = 0;
    while ((n = write(fd, block, sizeof(block))) > 0)
        written += n;
    EQ(n, -1);
    EQ(errno, ENOSPC);
    CHECK(written > 64L << 20);
    ERR(pwrite(fd, "x", 1, 1L << 40), ENOSPC);
    struct stat st;
    OK(fstat(fd, &st));
    EQ(st.st_size, written);
    CHILD({ /* a program still runs */
            unsigned char *p = t_map(NULL, 32, RW, ANON, -1, 0);
            memset(p, 1, 32 * P);
            execl(t_exe, t_exe, "--helper", (char *)NULL);
            _exit(1);
    });
    OK(ftruncate(fd, 0));
    EQ(write(fd, block, sizeof(block)), sizeof(block));
}

/* ---- R-57 ---- */
static void no_kernel_addresses(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    for (char *at = text; (at = strstr(at, "ffff")); at += 4) {
        char *end;
        unsigned long v = strtoul(at, &end, 16);
        /* -1, AT_FDCWD and the like are arguments of calls, in "syscall". */
        if (end - at == 16 && v >= 0xffff800000000000 && v < -4096ul)
            FAIL("%s shows %.16s", path, at);
    }
}

TEST_DIFF(R57, "R-57", "no kernel address in /proc")
{
    static const char *const places[] = {"/proc", "/proc/self", "/proc/1", "/proc/sys/vm",
                                         "/proc/sys/kernel"};
    for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++) {
        DIR *d = opendir(places[k]);
        if (!d)
            continue;
        for (struct dirent *e; (e = readdir(d));) {
            char path[300];
            snprintf(path, sizeof(path), "%s/%s", places[k], e->d_name);
            if (e->d_type == DT_REG && strcmp(e->d_name, "mem") != 0 &&
                strncmp(e->d_name, "kpage", 5) != 0 && strcmp(e->d_name, "pagemap") != 0)
                no_kernel_addresses(path);
        }
        closedir(d);
    }
}

static int helper(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0;
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
