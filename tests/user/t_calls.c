/* SPDX-License-Identifier: MIT
 *
 * Rules of the memory calls that programs meet at the edge: order of checks, places, the
 * limit on areas, mremap over several areas, seals of memfd, commitments.
 */
#include "tests/user/t.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

enum {
    RW = PROT_READ | PROT_WRITE,
    ANON = MAP_PRIVATE | MAP_ANONYMOUS,
    MOVE = MREMAP_MAYMOVE | MREMAP_FIXED
};
#define PLACE ((unsigned char *)0x200000000000)

static unsigned char *fixed(size_t page, size_t n, int prot)
{
    return t_map(PLACE + page * P, n, prot, ANON | MAP_FIXED, -1, 0);
}

/* ---- arguments ---- */

TEST(CALL_types, "the kind of a mapping is checked when its range is found right")
{
    int fd = F(4);
    ERR(t_raw_mmap(0, P, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, MAP_SHARED_VALIDATE | 0x800000, fd, 0), EOPNOTSUPP);
    if (t_tessera) /* Linux 6.6 knows it: MAP_ABOVE4G */
        ERR(t_raw_mmap(0, P, RW, MAP_SHARED_VALIDATE | 0x80, fd, 0), EOPNOTSUPP);
    ERR(t_raw_mmap((long)PLACE, P, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0),
        EOPNOTSUPP);
    ERR(t_raw_mmap((long)PLACE + 1, P, RW, MAP_FIXED | 4, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, 1ul << 47, RW, 4, fd, 0), ENOMEM);
    ERR(t_raw_mmap(0, P, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, MAP_PRIVATE, open(".", O_PATH), 0), EBADF);
    ERR(t_raw_mmap(0, P, RW, MAP_DROPPABLE, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, MAP_DROPPABLE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EINVAL);
}

TEST(CALL_droppable, "MAP_DROPPABLE: not inherited, not locked, advice stays")
{
    unsigned char *p = mmap(NULL, P, RW, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        SKIP("this kernel has no MAP_DROPPABLE");
    p[0] = 7;
    CHILD(EQ(p[0], 0));
    long locked = t_status("VmLck");
    OK(mlock(p, P));
    EQ(t_status("VmLck"), locked);
    ERR(madvise(p, P, MADV_DODUMP), EINVAL);
    ERR(madvise(p, P, 19 /* KEEPONFORK */), EINVAL);
}

TEST(CALL_protect, "mprotect, mlock and msync: order and lengths that wrap")
{
    unsigned char *p = t_map(NULL, 2, RW, ANON, -1, 0);
    OK(mprotect(p, 0, 0x100));
    ERR(mprotect(p, -P, 0x100), ENOMEM);
    ERR(mprotect(p, P, 0x100), EINVAL);
    OK(mprotect(p, P, RW | 8 /* PROT_SEM */));
    ERR(syscall(SYS_mprotect, p, P, 0x100000001ul), EINVAL);
    OK(mlock(p, ~0ul));
    OK(munlock(p, ~0ul));
    OK(msync(p, ~0ul, MS_SYNC));
    ERR(mlock(p, -(uintptr_t)p), EINVAL);
}

TEST(CALL_remove, "MADV_REMOVE asks what the descriptor allows, not the present rights")
{
    int fd = F(2);
    A = t_map(NULL, 2, PROT_READ, MAP_SHARED, fd, 0);
    OK(madvise(A, P, MADV_REMOVE));
    EQ(tag(1), 1);
    EQ(A[0], 0);
    unsigned char *hole = fixed(0, 3, RW);
    OK(munmap(hole + P, P));
    ERR(madvise(hole, 3 * P, 23 /* POPULATE_WRITE */), ENOMEM);
}

/* ---- places ---- */

TEST(CALL_32bit, "MAP_32BIT takes a free hint, else the lowest room above 1 GiB")
{
    unsigned char *hint = (void *)0x5a000000, *low = (void *)0x1a000000, *p;
    EQ((long)mmap(hint, P, RW, ANON | MAP_32BIT, -1, 0), (long)hint);
    EQ((long)mmap(low + 5, P, RW, ANON | MAP_32BIT, -1, 0), (long)low);
    p = mmap(hint, P, RW, ANON | MAP_32BIT, -1, 0);
    CHECK((unsigned long)p >= 0x40000000 && (unsigned long)p < 0x44000000);
    if (t_tessera) /* Linux varies the start from call to call */
        EQ((long)mmap(NULL, P, RW, ANON | MAP_32BIT, -1, 0), (long)p + (long)P);
    p = mmap((void *)0x90000000, P, RW, ANON | MAP_32BIT, -1, 0);
    CHECK((unsigned long)p < 0x80000000);
    ERR(t_raw_mmap(0x50000000, 3ul << 30, RW, ANON | MAP_32BIT, -1, 0), ENOMEM);
}

TEST(CALL_top, "the last pages of user space are free, and not the stack")
{
    unsigned char *top = (void *)0x7fffffffe000, here;
    CHECK(&here < top - (1 << 20));
    EQ((long)mmap(top, P, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), (long)top);
    top[P - 1] = 1;
    ERR(t_raw_mmap((long)top, 2 * P, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
}

/* ---- mremap over several areas ---- */

TEST(CALL_tail, "mremap shrinks over areas and holes; an equal size changes nothing")
{
    unsigned char *p = fixed(0, 2, RW);
    fixed(2, 2, PROT_READ);
    fixed(6, 1, RW);
    p[0] = 1;
    EQ((long)mremap(p, 9 * P, 9 * P, 0), (long)p);
    EQ(t_lines(p, 9), 3);
    EQ((long)mremap(p, 9 * P, P, 0), (long)p);
    EQ(t_lines(p, 9), 1);
    FAULT(t_read(p + P), SIGSEGV, SEGV_MAPERR, p + P);
    EQ(p[0], 1);
    ERR(mremap(p, 9 * P, 10 * P, MREMAP_MAYMOVE), EFAULT);
}

TEST(CALL_tail_moved, "MREMAP_FIXED with a shorter length: the tail of all areas goes")
{
    unsigned char *p = fixed(0, 2, RW), *to = PLACE + 40 * P;
    fixed(2, 2, PROT_READ);
    p[P] = 2;
    ERR(mremap(p, 4 * P, 3 * P, MOVE, to), EFAULT);
    EQ(t_lines(p, 4), 2);
    EQ((long)mremap(p, 4 * P, 2 * P, MOVE, to), (long)to);
    EQ(to[P], 2);
    EQ(t_lines(p, 4), 0);
}

TEST(CALL_move_each, "MREMAP_FIXED with an equal length moves every area, holes stay")
{
    unsigned char *p = fixed(0, 2, RW), *to = PLACE + 40 * P;
    p[P] = 2;
    fixed(3, 2, RW)[0] = 3;
    fixed(42, 1, RW)[0] = 42; /* where the hole comes to lie */
    if (mremap(p, 5 * P, 5 * P, MOVE, to) == MAP_FAILED && errno == EFAULT && !t_tessera)
        SKIP("before Linux 6.17");
    EQ(to[P], 2);
    EQ(to[2 * P], 42);
    EQ(to[3 * P], 3);
    EQ(t_lines(p, 5), 0);
    ERR(mremap(p, 5 * P, 5 * P, MOVE, to), EFAULT);
}

/* ---- the number of areas ---- */

static long map_count_limit(void)
{
    struct t_reader r;
    char *line;
    long n = 0;
    if (!t_open(&r, "/proc/sys/vm/max_map_count") || !(line = t_line(&r)))
        SKIP("no vm.max_map_count");
    n = atol(line);
    while (t_line(&r))
        ;
    return n;
}

TEST(CALL_limit,
     "at vm.max_map_count: what needs no new area works, what does is refused")
{
    size_t n = (size_t)map_count_limit() + 1000;
    unsigned char *p;
    if (n > 200000)
        SKIP("vm.max_map_count is too large for a test");
    p = t_map(NULL, n, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    for (size_t i = 1; i < n && mprotect(p + i * P, P, PROT_READ) == 0; i += 2)
        ;
    EQ(errno, ENOMEM);
    OK(mprotect(p + 5 * P, P, RW));
    OK(mprotect(p + 5 * P, P, PROT_READ));
    OK(madvise(p + 7 * P, P, MADV_DONTFORK));
    OK(mlock(p + 9 * P, P));
    OK(munlock(p + 9 * P, P));
    OK(mprotect(p + 11 * P, P, PROT_NONE)); /* one less, two in fact */
    OK(mprotect(p + 11 * P, P, PROT_READ));
    unsigned char *end = p + (n - 400) * P; /* within the last area */
    while (mprotect(end, P, PROT_READ) == 0)
        end += 2 * P;
    (void)mprotect(p + (n - 1) * P, P,
                   PROT_READ); /* where there is room for one, not for two */
    ERR(munmap(end + P, P), ENOMEM);
    ERR(mremap(p + 5 * P, P, P, MOVE, PLACE), ENOMEM);
    OK(munmap(p + 13 * P, P));
}

TEST(CALL_data, "RLIMIT_DATA counts what MAP_FIXED takes away")
{
    unsigned char *p = fixed(0, 16, RW);
    struct rlimit r;
    OK(getrlimit(RLIMIT_DATA, &r));
    r.rlim_cur = (rlim_t)t_status("VmData") * 1024 + 4 * P;
    OK(setrlimit(RLIMIT_DATA, &r));
    OK(mmap(p, 16 * P, RW, ANON | MAP_FIXED, -1, 0));
    OK(mmap(p, 18 * P, RW, ANON | MAP_FIXED, -1, 0));
    ERR(t_raw_mmap((long)p, 32 * P, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
}

/* ---- files that are sealed ---- */

static int sealed(size_t size, int seals)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    OK(ftruncate(fd, (off_t)size));
    OK(fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

TEST(CALL_limit_order,
     "getrlimit: an unknown limit comes before the address, setrlimit: after")
{
    ERR(syscall(SYS_getrlimit, RLIM_NLIMITS, NULL), EINVAL);
    ERR(syscall(SYS_getrlimit, RLIMIT_CORE, NULL), EFAULT);
    ERR(syscall(SYS_setrlimit, RLIM_NLIMITS, NULL), EFAULT);
}

TEST(CALL_seal_grow, "F_SEAL_GROW: no room behind the end, writes in whole pages only")
{
    static char data[3 * P];
    int fd = sealed(2 * P + 100, F_SEAL_GROW);
    ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 * P, P), EPERM);
    ERR(fallocate(fd, 0, 0, 3 * P), EPERM);
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 2 * P + 100));
    OK(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, P, 9 * P));
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, P, P), EOPNOTSUPP);
    EQ(pwrite(fd, data, sizeof(data), 100), 2 * (long)P - 100);
    ERR(pwrite(fd, data, P, 2 * P), EPERM);
    EQ(pwrite(fd, data, 100, 2 * P), 100);
}

TEST(CALL_seal_exec, "MFD_NOEXEC_SEAL, F_SEAL_EXEC and what it brings")
{
    struct stat st;
    int fd = memfd_create("x", 8 /* MFD_NOEXEC_SEAL */);
    if (fd < 0)
        SKIP("this kernel has no MFD_NOEXEC_SEAL");
    fstat(fd, &st);
    EQ(st.st_mode & 07777, 0666);
    EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
    ERR(fchmod(fd, 0777), EPERM);
    OK(fchmod(fd, 0600));
    ERR(memfd_create("x", 8 | 16), EINVAL);
    fd = memfd_create("x", 16 | MFD_ALLOW_SEALING);
    OK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
    EQ(fcntl(fd, F_GET_SEALS), 0x3e);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}

TEST(CALL_name, "prctl: a name's first 15 bytes count; where a thread's end is noted")
{
    char *p = (char *)fixed(0, 1, RW), name[16];
    pid_t *where;

    memset(p, 'n', P);
    OK(prctl(PR_SET_NAME, p + P - 15));
    OK(prctl(PR_GET_NAME, name));
    EQ(strcmp(name, "nnnnnnnnnnnnnnn"), 0);
    ERR(prctl(PR_SET_NAME, p + P - 14), EFAULT);
    EQ(syscall(SYS_set_tid_address, p), getpid());
    if (prctl(PR_GET_TID_ADDRESS, &where) != 0) { /* Linux may be built without it */
        EQ(errno, t_tessera ? 0 : EINVAL);
        return;
    }
    EQ(where == (pid_t *)p, 1);
    ERR(prctl(PR_GET_TID_ADDRESS, 16l), EFAULT);
}
