/* SPDX-License-Identifier: MIT
 *
 * Looking into memory from outside: process_vm_readv, /proc/PID/mem, pagemap, kpagecount,
 * arrangement, clear_refs; limits; sealing; membarrier. Spec 3.7: T177 to T179, T184, T185.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define PAGEMAP_FRAME     ((1ULL << 55) - 1)
#define PAGEMAP_EXCLUSIVE (1ULL << 56)
#define PAGEMAP_FILE      (1ULL << 61)
#define PAGEMAP_PRESENT   (1ULL << 63)

static int open_proc(pid_t pid, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, flags);
    if (fd < 0)
        FAIL("open %s: %s", path, strerror(errno));
    return fd;
}

static uint64_t entry_of(int fd, const void *p)
{
    uint64_t e = 0;
    EQ(pread(fd, &e, 8, (off_t)((uintptr_t)p / P * 8)), 8);
    return e;
}

/* ---- process_vm_readv, process_vm_writev ---- */

TESTF(T177, "process_vm_readv of an arrangement")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    EQ(tag(2), 5);
    pid_t parent = getpid();
    CHILD({
        uint64_t got[8];
        struct iovec local = {got, sizeof(got)}, remote[8];
        OK(munmap(A, 8 * P));
        for (size_t i = 0; i < 8; i++)
            remote[i] = (struct iovec){A + i * P, 8};
        EQ(process_vm_readv(parent, &local, 1, remote, 8, 0), 64);
        for (size_t i = 0; i < 8; i++)
            EQ(got[i], 1007 - i);
    });
}

TESTF(T179, "process_vm_writev to an arrangement")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(1, 1, 6));
    OK(RF(2, 1, 7, MAP_NONBLOCK));
    pid_t parent = getpid();
    CHILD({
        uint64_t v[2] = {1100, 1200};
        struct iovec local = {v, sizeof(v)}, remote[2] = {{A + P, 8}, {A + 2 * P, 8}};
        EQ(process_vm_writev(parent, &local, 1, remote, 2, 0), 16);
    });
    EQ(tag(1), 100);
    EQ(tag(2), 200);
    EQ(t_tag_in_file(fd, 6), 100);
    EQ(t_tag_in_file(fd, 7), 200);
    EQ(t_tag_in_file(fd, 1), 1);
}

TEST(vm_errors, "process_vm: errors and partial results")
{
    unsigned char *p =
        t_map(NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char buf[3 * P];
    struct iovec l = {buf, sizeof(buf)}, r = {p, 3 * P}, bad = {buf, (size_t)-1};
    pid_t me = getpid(), gone = t_fork();
    if (!gone)
        _exit(0);
    t_join(gone);
    memset(p, 7, 3 * P);
    ERR(process_vm_readv(me, &l, 1, &r, 1, 1), EINVAL);
    for (int prot = PROT_WRITE; prot <= PROT_EXEC; prot += PROT_EXEC - PROT_WRITE) {
        struct iovec one = {mmap(NULL, P, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1};

        ERR(process_vm_readv(me, &l, 1, &one, 1, 0), EFAULT);
        if (prot == PROT_WRITE)
            EQ(process_vm_writev(me, &l, 1, &one, 1, 0), 1);
        else
            ERR(process_vm_writev(me, &l, 1, &one, 1, 0), EFAULT);
    }
    ERR(process_vm_readv(me, &bad, 1, &r, 1, 0), EINVAL);
    ERR(process_vm_readv(me, &l, 1, &bad, 1, 0), EINVAL);
    ERR(process_vm_readv(me, &l, 1025, &r, 1, 0), EINVAL);
    ERR(process_vm_readv(me, &l, 1, &r, 1025, 0), EINVAL);
    ERR(process_vm_readv(gone, &l, 1, &r, 1, 0), ESRCH);
    ERR(process_vm_readv(me, (void *)8, 1, &r, 1, 0), EFAULT);
    ERR(process_vm_readv(me, &l, 1, (void *)8, 1, 0), EFAULT);
    EQ(process_vm_readv(me, &l, 0, &r, 1, 0), 0);
    EQ(process_vm_readv(me, &l, 1, &r, 0, 0), 0);
    OK(munmap(p + 2 * P, P));
    EQ(process_vm_readv(me, &l, 1, &r, 1, 0), 2 * P);
    EQ(buf[2 * P - 1], 7);
    r.iov_base = p + 2 * P;
    ERR(process_vm_readv(me, &l, 1, &r, 1, 0), EFAULT);
    OK(mprotect(p, P, PROT_READ));
    r.iov_base = p;
    ERR(process_vm_writev(me, &l, 1, &r, 1, 0), EFAULT);
    l.iov_len = 5;
    EQ(process_vm_readv(me, &l, 1, &r, 1, 0), 5);
}

TEST(vm_permission, "process_vm of another user's process")
{
    if (getuid())
        SKIP("needs root");
    unsigned char *p =
        t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t parent = getpid();
    CHILD({
        char c;
        struct iovec l = {&c, 1}, r = {p, 1};
        EQ(process_vm_readv(parent, &l, 1, &r, 1, 0), 1);
        OK(setgid(1000));
        OK(setuid(1000));
        ERR(process_vm_readv(parent, &l, 1, &r, 1, 0), EPERM);
    });
}

/* ---- /proc/PID/mem ---- */

TESTF(T178, "write through mem to a read-only shared page")
{
    uint64_t v = 1099;
    int fd = F(4), mem = open_proc(getpid(), "mem", O_RDWR);
    M(fd, 4);
    OK(R(1, 1, 3));
    OK(mprotect(A, 4 * P, PROT_READ));
    ERR(pwrite(mem, &v, 8, (off_t)(uintptr_t)(A + P)), EIO);
    ERR(pwrite(mem, &v, 8, (off_t)(uintptr_t)(A + 2 * P)), EIO);
    EQ(tag(1), 3);
    EQ(t_tag_in_file(fd, 3), 3);
    EQ(t_smaps(A, 4, "Anonymous", NULL), 0);
    OK(mprotect(A, 4 * P, PROT_READ | PROT_WRITE));
    EQ(tag(1), 3);
    EQ(pwrite(mem, &v, 8, (off_t)(uintptr_t)(A + P)), 8);
    EQ(t_tag_in_file(fd, 3), 99);
}

TESTF(mem_private, "write through mem to read-only private pages")
{
    int fd = F(3), mem = open_proc(getpid(), "mem", O_RDWR);
    uint64_t v = 1050, got = 0;
    unsigned char *p = t_map(NULL, 3, PROT_READ, MAP_PRIVATE, fd, 0);
    EQ(t_tag_at(p), 0);
    for (size_t i = 0; i < 2; i++) {
        EQ(pwrite(mem, &v, 8, (off_t)(uintptr_t)(p + i * P)), 8);
        EQ(t_tag_at(p + i * P), 50);
        EQ(t_tag_in_file(fd, i), (long)i);
    }
    v = 1051;
    CHILD({
        int own = open_proc(getpid(), "mem", O_RDWR);
        EQ(pwrite(own, &v, 8, (off_t)(uintptr_t)p), 8);
        EQ(t_tag_at(p), 51);
    });
    EQ(t_tag_at(p), 50);
    FAULT(t_write(p, 1), SIGSEGV, SEGV_ACCERR, p);
    OK(mprotect(p, 3 * P, PROT_NONE));
    EQ(pread(mem, &got, 8, (off_t)(uintptr_t)p), 8);
    EQ(got, 1050);
    EQ(pread(mem, &got, 8, (off_t)(uintptr_t)(p + 2 * P)), 8);
    EQ(got, 1002);
}

TEST(mem_edges, "mem: holes, page borders, the end of the process")
{
    unsigned char *p =
        t_map(NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char buf[2 * P];
    memset(p, 3, 3 * P);
    OK(munmap(p + 2 * P, P));
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    int mem = open_proc(pid, "mem", O_RDWR);
    memset(p, 4, 2 * P);
    EQ(pread(mem, buf, 100, (off_t)(uintptr_t)(p + P - 50)), 100);
    EQ(buf[0] + buf[99], 6);
    EQ(pread(mem, buf, sizeof(buf), (off_t)(uintptr_t)(p + P)), P);
    ERR(pread(mem, buf, 1, (off_t)(uintptr_t)(p + 2 * P)), EIO);
    ERR(pread(mem, buf, 1, 0), EIO);
    EQ(pwrite(mem, "xy", 2, (off_t)(uintptr_t)(p + P - 1)), 2);
    EQ(pread(mem, buf, 2, (off_t)(uintptr_t)(p + P - 1)), 2);
    EQ(memcmp(buf, "xy", 2), 0);
    EQ(p[P], 4);
    kill(pid, SIGKILL);
    t_status_of(pid);
    EQ(pread(mem, buf, 1, (off_t)(uintptr_t)p), 0);
}

TEST(mem_exec, "mem and pagemap end with exec")
{
    int go[2], done[2];
    char c;
    uint64_t e;
    unsigned char *p =
        t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = 1;
    OK(pipe(go));
    OK(pipe2(done, O_CLOEXEC));
    pid_t pid = t_fork();
    if (!pid) {
        read(go[0], &c, 1);
        execl(t_exe, t_exe, "--helper", "wait", NULL);
        _exit(1);
    }
    OK(close(done[1]));
    int mem = open_proc(pid, "mem", O_RDONLY), map = open_proc(pid, "pagemap", O_RDONLY);
    EQ(pread(mem, &c, 1, (off_t)(uintptr_t)p), 1);
    EQ(entry_of(map, p) >> 63, 1);
    EQ(write(go[1], "x", 1), 1);
    EQ(read(done[0], &c, 1), 0); /* exec has closed its end */
    EQ(pread(mem, &c, 1, (off_t)(uintptr_t)&t_exe), 0);
    EQ(pread(map, &e, 8, (off_t)((uintptr_t)&t_exe / P * 8)), 0);
    kill(pid, SIGKILL);
    t_status_of(pid);
}

/* ---- pagemap, kpagecount, arrangement, clear_refs ---- */

TEST(pagemap, "pagemap: present, file, exclusive, positions")
{
    int fd = open_proc(getpid(), "pagemap", O_RDONLY);
    unsigned char *p =
        t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t e[4];
    p[P] = 1;
    EQ(entry_of(fd, p) & PAGEMAP_PRESENT, 0);
    CHECK((entry_of(fd, p + P) & (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_EXCLUSIVE)) ==
          (PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE));
    OK(mprotect(p + P, P, PROT_NONE));
    CHECK(entry_of(fd, p + P) & PAGEMAP_PRESENT);
    M(F(4), 4);
    (void)tag(1);
    CHECK((entry_of(fd, A + P) & (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_EXCLUSIVE)) ==
          (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_EXCLUSIVE));
    OK(R(0, 1, 1));
    (void)tag(0);
    EQ(entry_of(fd, A + P) & PAGEMAP_EXCLUSIVE, 0);
    EQ(pread(fd, e, 32, (off_t)((uintptr_t)A / P * 8)), 32);
    CHECK(e[0] >> 63 && e[1] >> 63);
    ERR(pread(fd, e, 7, 0), EINVAL);
    ERR(pread(fd, e, 8, 4), EINVAL);
    EQ(pread(fd, e, 8, 0), 8);
    EQ(e[0], 0);
    EQ(pread(fd, e, 32, (off_t)(((1UL << 47) / P - 2) * 8)), 8);
    EQ(pread(fd, e, 8, (off_t)((1UL << 47) / P * 8)), 0);
}

TEST(pagemap_user, "pagemap hides frames from users")
{
    if (getuid())
        SKIP("needs root");
    int fd = open_proc(getpid(), "pagemap", O_RDONLY);
    static unsigned char *page;
    page = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    CHECK(entry_of(fd, page) & PAGEMAP_FRAME);
    CHILD({
        OK(setgid(1000));
        OK(setuid(1000));
        OK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
        fd = open_proc(getpid(), "pagemap", O_RDONLY);
        CHECK(entry_of(fd, page) >> 63);
        EQ(entry_of(fd, page) & PAGEMAP_FRAME, 0);
        ERR(open("/proc/kpagecount", O_RDONLY), EACCES);
    });
}

static uint64_t count_of(int counts, int map, const void *p)
{
    uint64_t n = 0, e = entry_of(map, p);
    CHECK(e >> 63);
    EQ(pread(counts, &n, 8, (off_t)((e & PAGEMAP_FRAME) * 8)), 8);
    return n;
}

TEST(kpagecount, "kpagecount: aliases, forks, the end")
{
    if (getuid())
        SKIP("needs root");
    int counts = open("/proc/kpagecount", O_RDONLY);
    int map = open_proc(getpid(), "pagemap", O_RDONLY);
    static unsigned char *p;
    uint64_t n;
    OK(counts);
    M(F(8), 8);
    for (size_t i = 0; i < 5; i++)
        OK(R(i, 1, 7));
    EQ(count_of(counts, map, A), 5);
    EQ(tag(7), 7);
    EQ(count_of(counts, map, A), 6);
    p = t_map(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = 1;
    EQ(count_of(counts, map, p), 1);
    CHILD({
        EQ(count_of(counts, map, p), 2);
        *p = 2;
        EQ(count_of(counts, map, p), 1);
    });
    EQ(count_of(counts, map, p), 1);
    EQ(pread(counts, &n, 8, (off_t)1 << 55), 0);
}

/* Lines of arrangement inside [a, a + npages): each as page numbers from a and of the file. */
static void arrangement(const void *a, size_t npages, char *out, size_t size)
{
    struct t_reader r;
    if (!t_open(&r, "/proc/self/arrangement"))
        FAIL("arrangement: %s", strerror(errno));
    size_t n = 0;
    *out = 0;
    for (char *l; (l = t_line(&r));) {
        unsigned long lo, hi, first, last;
        char how[8], rest;
        if (sscanf(l, "%lx-%lx %lu-%lu %7s%c", &lo, &hi, &first, &last, how, &rest) != 5)
            FAIL("line '%s'", l);
        EQ((hi - lo) / P, last - first + 1);
        if (lo < (uintptr_t)a || hi > (uintptr_t)a + npages * P)
            continue;
        n += (size_t)snprintf(out + n, size - n, "%lu-%lu=%lu-%lu%c ",
                              (lo - (uintptr_t)a) / P, (hi - (uintptr_t)a) / P, first,
                              last, how[0]);
    }
}

static void arranged(const void *a, size_t npages, const char *want)
{
    char got[512];
    arrangement(a, npages, got, sizeof(got));
    if (strcmp(got, want))
        FAIL("'%s', want '%s'", got, want);
}

TESTF_DIFF(arrangement, "own", "arrangement: runs, home and away")
{
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, F(20), 2);
    arranged(A, 8, "0-8=2-9h ");
    OK(R(2, 3, 11));
    arranged(A, 8, "0-2=2-3h 2-5=11-13a 5-8=7-9h ");
    OK(RF(0, 1, 11, MAP_NONBLOCK));
    OK(RF(1, 1, 10, MAP_NONBLOCK));
    arranged(A, 8, "0-1=11-11a 1-5=10-13a 5-8=7-9h ");
    OK(mprotect(A + 3 * P, P, PROT_READ));
    arranged(A, 8, "0-1=11-11a 1-3=10-11a 3-4=12-12a 4-5=13-13a 5-8=7-9h ");
    OK(mprotect(A + 3 * P, P, PROT_READ | PROT_WRITE));
    OK(R(0, 8, 2));
    arranged(A, 8, "0-8=2-9h ");
}

TEST_DIFF(arrangement_large, "own", "arrangement over several tables")
{
    int fd = t_file();
    OK(ftruncate(fd, 1 << 30));
    A = t_map(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    arranged(A, 4096, "0-4096=0-4095h ");
    OK(RF(1000, 1100, 3000, MAP_NONBLOCK));
    arranged(A, 4096, "0-1000=0-999h 1000-2100=3000-4099a 2100-4096=2100-4095h ");
}

TEST(clear_refs, "clear_refs accepts what Linux does")
{
    int fd = open_proc(getpid(), "clear_refs", O_WRONLY);
    EQ(write(fd, "1\n", 2), 2);
    EQ(write(fd, "3", 1), 1);
    EQ(write(fd, "4\n", 2), 2);
    ERR(write(fd, "0\n", 2), EINVAL);
    ERR(write(fd, "9\n", 2), EINVAL);
    ERR(write(fd, "x\n", 2), EINVAL);
}

/* ---- limits ---- */

static bool set_limit(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return false;
    bool done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    OK(close(fd));
    return done;
}

#define MAP_COUNT "/proc/sys/vm/max_map_count"

/* Only where it cannot hurt others. */
static void need_limit(void)
{
    if (!t_tessera)
        SKIP("would change the limit of the whole machine");
}

TEST(T184, "limit of maps and remaps")
{
    need_limit();
    M(F(64), 64);
    CHECK(set_limit(MAP_COUNT, "64\n"));
    uint64_t seed = 184;
    bool ok = true;
    for (int i = 0; i < 10000 && ok; i++) {
        uint64_t x = t_random(&seed);
        ok = RF(x % 64, 1, x / 64 % 64, MAP_NONBLOCK) == 0;
    }
    CHECK(set_limit(MAP_COUNT, "65530\n"));
    CHECK(ok);
    EQ(t_lines(A, 64), 1);
}

TESTF(T185, "remap at the limit of the address space")
{
    struct rlimit old, now;
    M(F(64), 64);
    OK(getrlimit(RLIMIT_AS, &old));
    now = old;
    now.rlim_cur = (rlim_t)t_status("VmSize") * 1024;
    OK(setrlimit(RLIMIT_AS, &now));
    errno = 0;
    bool full =
        mmap(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
        errno == ENOMEM;
    int one = R(0, 1, 63), all = R(1, 62, 2);
    OK(setrlimit(RLIMIT_AS, &old));
    CHECK(full);
    EQ(one, 0);
    EQ(all, 0);
    EQ(tag(0), 63);
    EQ(tag(62), 63);
}

TEST(map_limit, "mmap, munmap and mprotect stop at the limit of maps")
{
    need_limit();
    unsigned char *p = t_map(NULL, 200, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(set_limit(MAP_COUNT, "64"));
    int n = 0, e1 = 0, e2, e3;
    for (size_t i = 0; i < 100 && !e1; i++, n++)
        e1 = mprotect(p + 2 * i * P, P, PROT_READ | PROT_WRITE) ? errno : 0;
    /* mprotect lacks two, so one may still fit, and mmap goes one beyond the limit. */
    for (int i = e2 = 0; i < 3 && !e2; i++)
        if (mmap(NULL, P, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            e2 = errno;
    for (e3 = 0; n < 100 && !e3; n += 2)
        e3 = munmap(p + (100 + n) * P, P) ? errno : 0;
    CHECK(set_limit(MAP_COUNT, "65530"));
    EQ(e1, ENOMEM);
    EQ(e2, ENOMEM);
    EQ(e3, ENOMEM);
    CHECK(n < 100);
    CHECK(!set_limit(MAP_COUNT, "many"));
    CHECK(!set_limit(MAP_COUNT, "-1"));
}

TEST(overcommit, "overcommit_memory")
{
    need_limit();
    const char *path = "/proc/sys/vm/overcommit_memory";
    const size_t huge = 1UL << 42;
    ERR(mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        ENOMEM);
    CHECK(set_limit(path, "1\n"));
    void *p =
        mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(set_limit(path, "0\n"));
    CHECK(p != MAP_FAILED);
    CHECK(!set_limit(path, "7\n"));
}

/* ---- mseal, membarrier ---- */

static int seal(void *p, size_t len, unsigned long flags)
{
    return (int)syscall(462, p, len, flags);
}

static unsigned char *sealed(size_t npages, int prot)
{
    unsigned char *p = t_map(NULL, npages + 2, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (seal(p + P, npages * P, 0)) {
        if (errno == ENOSYS && !t_tessera)
            SKIP("no mseal");
        FAIL("mseal: %s", strerror(errno));
    }
    return p + P;
}

TEST(mseal, "mseal: what is refused, and nothing changes")
{
    unsigned char *p = sealed(4, PROT_READ | PROT_WRITE);
    *p = 5;
    ERR(munmap(p + P, P), EPERM);
    ERR(munmap(p - P, 2 * P), EPERM);
    ERR(mprotect(p - P, 6 * P, PROT_READ), EPERM);
    ERR(mremap(p, 4 * P, 8 * P, MREMAP_MAYMOVE), EPERM);
    ERR(mremap(p, 4 * P, 2 * P, 0), EPERM);
    ERR(mmap(p + P, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
    unsigned char *q =
        t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, p), EPERM);
    if (t_tessera) /* Linux has changed the part before the seal */
        EQ(t_write(p - P, 1), 0);
    EQ(*p, 5);
    OK(madvise(p, P, MADV_DONTNEED));
    EQ(*p, 0);
    OK(seal(p, P, 0));
    OK(munmap(p - P, P));
    OK(munmap(p + 4 * P, P));
    CHILD({ ERR(munmap(p, P), EPERM); });
}

TEST(mseal_discard, "mseal: read-only memory keeps its contents")
{
    unsigned char *p =
        t_map(NULL, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = 5;
    OK(mprotect(p, 2 * P, PROT_READ));
    if (seal(p, 2 * P, 0) && errno == ENOSYS && !t_tessera)
        SKIP("no mseal");
    ERR(madvise(p, 2 * P, MADV_DONTNEED), EPERM);
    ERR(madvise(p, P, MADV_FREE), EPERM);
    EQ(*p, 5);
    OK(madvise(p, P, MADV_WILLNEED));
}

TEST(mseal_args, "mseal: arguments")
{
    unsigned char *p = sealed(1, PROT_READ);
    ERR(seal(p, P, 1), EINVAL);
    ERR(seal(p + 1, P, 0), EINVAL);
    ERR(seal(p, -P + 1, 0), EINVAL);
    OK(seal(p, 0, 0));
    unsigned char *q = t_map(NULL, 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(q + P, P));
    ERR(seal(q, 3 * P, 0), ENOMEM);
    OK(munmap(q, P));
    OK(munmap(q + 2 * P, P));
}

TESTF_DIFF(mseal_remap, "own", "mseal: an arrangement is sealed too")
{
    M(F(4), 4);
    OK(R(0, 1, 3));
    OK(seal(A, 2 * P, 0));
    ERR(R(0, 1, 2), EPERM);
    EQ(tag(0), 3);
    OK(R(2, 1, 1));
}

static long membarrier(int cmd, unsigned flags)
{
    return syscall(SYS_membarrier, (long)cmd, (long)flags, 0L);
}

TEST(membarrier, "membarrier: query, register, errors")
{
    long cmds = membarrier(0, 0);
    if (cmds < 0 && !t_tessera)
        SKIP("no membarrier");
    EQ(cmds & 25, 25);
    OK(membarrier(1, 0));
    ERR(membarrier(8, 0), EPERM);
    OK(membarrier(16, 0));
    OK(membarrier(8, 0));
    ERR(membarrier(0, 1), EINVAL);
    ERR(membarrier(1 << 20, 0), EINVAL);
}

static _Noreturn int helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, helper);
}
