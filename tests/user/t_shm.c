/* SPDX-License-Identifier: MIT
 *
 * System V shared memory, and POSIX shared memory in /dev/shm.
 */
#include "tests/user/t.h"
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/statfs.h>

#define KEY 0x54455353

static int segment(size_t size)
{
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    if (id < 0)
        FAIL("shmget: %s", strerror(errno));
    return id;
}

static unsigned char *attach(int id, const void *at, int flags)
{
    void *p = shmat(id, at, flags);
    if (p == (void *)-1)
        FAIL("shmat: %s", strerror(errno));
    return p;
}

static struct shmid_ds stat_of(int id)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds))
        FAIL("IPC_STAT: %s", strerror(errno));
    return ds;
}

#define NATTCH(id, n) EQ(stat_of(id).shm_nattch, n)

TEST(basic, "two attaches show the same pages; removed after the last detach")
{
    int id = segment(3 * P + 5);
    struct shmid_ds ds = stat_of(id);
    EQ(ds.shm_segsz, 3 * P + 5);
    EQ(ds.shm_nattch, 0);
    EQ(ds.shm_atime, 0);
    EQ(ds.shm_dtime, 0);
    CHECK(ds.shm_ctime > 1000000000 || t_tessera);
    EQ(ds.shm_cpid, getpid());
    EQ(ds.shm_perm.mode, 0600);
    unsigned char *a = attach(id, NULL, 0), *b = attach(id, NULL, 0);
    CHECK(a != b && (uintptr_t)a % P == 0);
    NATTCH(id, 2);
    a[0] = 1;
    a[4 * P - 1] = 2;
    EQ(b[0] + b[4 * P - 1], 3);
    EQ(stat_of(id).shm_lpid, getpid());
    OK(shmctl(id, IPC_RMID, NULL));
    EQ(stat_of(id).shm_perm.mode, 01600);
    NATTCH(id, 2);
    unsigned char *c = attach(id, NULL, 0);
    EQ(c[0], 1);
    OK(shmctl(id, IPC_RMID, NULL));
    OK(shmdt(a));
    FAULT(t_read(a), SIGSEGV, SEGV_MAPERR, a);
    NATTCH(id, 2);
    EQ(b[0], 1);
    OK(shmdt(b));
    OK(shmdt(c));
    ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
    ERR(shmat(id, NULL, 0), EINVAL);
}

TEST(keys, "keys: find, exclusive, too small, after removal")
{
    int id = shmget(KEY, 2 * P, IPC_CREAT | IPC_EXCL | 0600);
    OK(id);
    EQ(shmget(KEY, 2 * P, 0), id);
    EQ(shmget(KEY, 0, 0600), id);
    EQ(shmget(KEY, P, IPC_CREAT | 0600), id);
    ERR(shmget(KEY, P, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    ERR(shmget(KEY, 2 * P + 1, 0), EINVAL);
    ERR(shmget(KEY + 1, P, 0600), ENOENT);
    ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    unsigned char *p = attach(id, NULL, 0);
    OK(shmctl(id, IPC_RMID, NULL));
    ERR(shmget(KEY, 0, 0), ENOENT);
    int other = shmget(KEY, P, IPC_CREAT | 0600);
    OK(other);
    CHECK(other != id);
    NATTCH(id, 1);
    OK(shmctl(other, IPC_RMID, NULL));
    OK(shmdt(p));
    ERR(shmctl(other, IPC_RMID, NULL), EINVAL);
}

TEST(attach_args, "shmat: addresses and flags")
{
    int id = segment(2 * P);
    unsigned char *area =
        t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(area + 4 * P, 4 * P));
    area[P] = 9;
    ERR(shmat(id, area + 1, 0), EINVAL);
    ERR(shmat(id, area + P, 0), EINVAL);
    ERR(shmat(id, area + 3 * P, 0), EINVAL);
    ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
    EQ(area[P], 9);
    CHECK(attach(id, area + 5 * P + 100, SHM_RND) == area + 5 * P);
    CHECK(attach(id, area + P, SHM_REMAP) == area + P);
    EQ(area[P], 0);
    NATTCH(id, 2);
    ERR(shmdt(area), EINVAL);
    ERR(shmdt(area + 2 * P), EINVAL);
    ERR(shmdt(area + P + 1), EINVAL);
    OK(shmdt(area + P));
    OK(shmdt(area + 5 * P));
    ERR(shmdt(area + 5 * P), EINVAL);
    ERR(shmat(-1, NULL, 0), EINVAL);
    ERR(shmat(id + 32768, NULL, 0), EINVAL);
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST(rdonly, "SHM_RDONLY and SHM_EXEC")
{
    int id = shmget(IPC_PRIVATE, P, IPC_CREAT | 0700);
    OK(id);
    unsigned char *p = attach(id, NULL, 0), *r = attach(id, NULL, SHM_RDONLY);
    *p = 4;
    EQ(*r, 4);
    FAULT(t_write(r, 1), SIGSEGV, SEGV_ACCERR, r);
    ERR(mprotect(r, P, PROT_READ | PROT_WRITE), EACCES);
    memcpy(p, "\x6a\x2a\x58\xc3", 4); /* push 42; pop rax; ret */
    unsigned char *x = attach(id, NULL, SHM_RDONLY | SHM_EXEC);
    long result = 0;
    EQ(t_call(x, &result), 0);
    EQ(result, 42);
    FAULT(t_call(r, &result), SIGSEGV, SEGV_ACCERR, r);
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST(count, "attaches through fork, exec, exit, munmap, mremap and splits")
{
    int id = segment(8 * P), go[2];
    unsigned char *p = attach(id, NULL, 0);
    char c;
    OK(pipe(go));
    pid_t pid = t_fork();
    if (!pid) {
        read(go[0], &c, 1);
        execl(t_exe, t_exe, "--helper", "wait", NULL);
        _exit(1);
    }
    NATTCH(id, 2);
    OK(munmap(p + 2 * P, P));
    NATTCH(id, 3);
    OK(mprotect(p + 5 * P, P, PROT_READ));
    NATTCH(id, 5);
    p[7 * P] = 1;
    EQ(write(go[1], "x", 1), 1);
    for (int i = 0; i < 2000 && stat_of(id).shm_nattch != 4; i++)
        t_nap(1000);
    NATTCH(id, 4);
    kill(pid, SIGKILL);
    t_status_of(pid);
    unsigned char *q =
        mremap(p + 6 * P, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
               t_map(NULL, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(q != MAP_FAILED);
    EQ(q[P], 1);
    CHILD(OK(shmdt(p)));
    OK(shmctl(id, IPC_RMID, NULL));
    OK(shmdt(p));
    FAULT(t_read(p), SIGSEGV, SEGV_MAPERR, p);
    NATTCH(id, 1);
    EQ(q[P], 1);
    CHILD(EQ(q[P], 1));
    OK(munmap(q, 2 * P));
    struct shmid_ds ds;
    ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(exit_frees, "a removed segment goes with the last process")
{
    int id = segment(64 * P);
    CHILD({
        unsigned char *p = attach(id, NULL, 0);
        memset(p, 1, 64 * P);
        OK(shmctl(id, IPC_RMID, NULL));
        CHILD(EQ(p[63 * P], 1));
        NATTCH(id, 1);
    });
    struct shmid_ds ds;
    ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(set, "IPC_SET, permissions")
{
    if (getuid())
        SKIP("needs root");
    int id = segment(P);
    struct shmid_ds ds = stat_of(id);
    ds.shm_perm.uid = 1000;
    ds.shm_perm.gid = 1000;
    ds.shm_perm.mode = 0640;
    OK(shmctl(id, IPC_SET, &ds));
    ds = stat_of(id);
    EQ(ds.shm_perm.uid, 1000);
    EQ(ds.shm_perm.mode, 0640);
    EQ(ds.shm_perm.cuid, 0);
    CHILD({
        OK(setgid(1000));
        OK(setuid(2000));
        OK(shmdt(attach(id, NULL, SHM_RDONLY)));
        ERR(shmat(id, NULL, 0), EACCES);
        ERR(shmctl(id, IPC_RMID, NULL), EPERM);
        ERR(shmctl(id, IPC_SET, &ds), EPERM);
    });
    CHILD({
        OK(setgid(3000));
        OK(setuid(2000));
        ERR(shmat(id, NULL, SHM_RDONLY), EACCES);
        ERR(shmctl(id, IPC_STAT, &ds), EACCES);
    });
    CHILD({
        OK(setgid(3000));
        OK(setuid(1000));
        OK(shmdt(attach(id, NULL, 0)));
        OK(shmctl(id, IPC_RMID, NULL));
    });
    ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
}

TEST(locking, "SHM_LOCK within RLIMIT_MEMLOCK, which counts all that a user has locked")
{
    struct rlimit none = {0, 0}, two = {2 * P, 2 * P};

    if (geteuid())
        SKIP("needs root");
    CHILD({
        int a, b, c;

        OK(setrlimit(RLIMIT_MEMLOCK, &two));
        OK(setgid(2000));
        OK(setuid(2000));
        a = segment(P), b = segment(P + 1), c = segment(P);
        OK(shmctl(a, SHM_LOCK, NULL));
        ERR(shmctl(b, SHM_LOCK, NULL), ENOMEM);
        EQ(stat_of(b).shm_perm.mode & 02000, 0);
        OK(shmctl(c, SHM_LOCK, NULL));
        OK(shmctl(c, SHM_LOCK, NULL));
        OK(shmctl(a, SHM_UNLOCK, NULL));
        OK(shmctl(c, SHM_UNLOCK, NULL));
        OK(shmctl(b, SHM_LOCK, NULL));
        OK(setrlimit(RLIMIT_MEMLOCK, &none));
        ERR(shmctl(a, SHM_LOCK, NULL), EPERM);
        OK(shmctl(b, SHM_UNLOCK, NULL));
        OK(shmctl(a, IPC_RMID, NULL));
        OK(shmctl(b, IPC_RMID, NULL));
        OK(shmctl(c, IPC_RMID, NULL));
    });
}

TEST(info, "IPC_INFO, SHM_INFO, SHM_STAT, bad arguments")
{
    int id = segment(4 * P);
    struct shminfo limits;
    struct shm_info sums;
    struct shmid_ds ds;
    unsigned char *p = attach(id, NULL, 0);
    p[0] = p[P] = 1;
    OK(shmctl(id, IPC_INFO, (void *)&limits));
    EQ(limits.shmmni, 4096);
    EQ(limits.shmmin, 1);
    int top = shmctl(0, SHM_INFO, (void *)&sums), found = 0;
    OK(top);
    CHECK(sums.used_ids >= 1 && sums.shm_tot >= 4 && sums.shm_rss >= 2);
    for (int i = 0; i <= top; i++)
        found += shmctl(i, SHM_STAT, &ds) == id && ds.shm_segsz == 4 * P;
    EQ(found, 1);
    ERR(shmctl(id, 77, &ds), EINVAL);
    ERR(shmctl(id, IPC_STAT, (void *)8), EFAULT);
    ERR(shmctl(id, IPC_SET, (void *)8), EFAULT);
    ERR(shmctl(-1, IPC_STAT, &ds), EINVAL);
    OK(shmctl(id, SHM_LOCK, NULL));
    EQ(stat_of(id).shm_perm.mode & 02000, 02000);
    OK(shmctl(id, SHM_UNLOCK, NULL));
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST(maps, "maps and sysvipc tell the segment")
{
    char line[512], want[32];
    int id = shmget(KEY, 2 * P, IPC_CREAT | 0600);
    OK(id);
    unsigned char *p = attach(id, NULL, 0);
    CHECK(t_maps_line(p, line, sizeof(line)));
    if (!strstr(line, "/SYSV54455353 (deleted)") || !strstr(line, " rw-s 00000000 "))
        FAIL("'%s'", line);
    snprintf(want, sizeof(want), " %d ", id);
    CHECK(strstr(line, want));
    struct t_reader r;
    bool found = false;
    CHECK(t_open(&r, "/proc/sysvipc/shm"));
    for (char *l; (l = t_line(&r));) {
        int key, got, mode;
        unsigned long size;
        if (sscanf(l, "%d %d %o %lu", &key, &got, &mode, &size) == 4 && got == id)
            found = key == KEY && mode == 0600 && size == 2 * P;
    }
    CHECK(found);
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST_DIFF(no_remap, "R6", "remap_file_pages on a segment, whole or cut")
{
    int id = segment(4 * P);
    unsigned char *p = attach(id, NULL, 0);
    ERR(t_raw_remap(p, P, 0, 1, 0), EINVAL);
    OK(mprotect(p, P, PROT_READ));
    ERR(t_raw_remap(p + P, P, 0, 3, 0), EINVAL);
    OK(shmctl(id, IPC_RMID, NULL));
}

TEST(posix, "shm_open and shm_unlink")
{
    struct statfs fs;
    OK(statfs("/dev/shm", &fs));
    EQ(fs.f_type, 0x01021994);
    int fd = shm_open("/t.shm", O_RDWR | O_CREAT | O_EXCL, 0600);
    OK(fd);
    OK(ftruncate(fd, 4 * P));
    unsigned char *p = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHILD({
        int other = shm_open("/t.shm", O_RDWR, 0);
        OK(other);
        unsigned char *q = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
        q[3 * P] = 8;
    });
    EQ(p[3 * P], 8);
    OK(shm_unlink("/t.shm"));
    ERR(shm_open("/t.shm", O_RDWR, 0), ENOENT);
    p[0] = 1;
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
