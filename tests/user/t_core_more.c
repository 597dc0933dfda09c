/* SPDX-License-Identifier: MIT
 *
 * Core files against who wants to do harm: memory of every kind, a file that others write into or cut
 * while it is made, no room for it, a kill in the middle, and each allocation on the way failing once.
 */
#include "tests/user/t.h"
#include <elf.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define SYS_fail_next 1007

/* This machine writes "core" into the directory, and a process may ask for it. */
static void prepare(void)
{
    char pattern[64] = "";
    struct rlimit r;
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);

    if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) < 0 ||
        strcmp(pattern, "core\n") != 0)
        SKIP("core files go elsewhere here");
    OK(close(fd));
    OK(getrlimit(RLIMIT_CORE, &r));
    if (r.rlim_max != RLIM_INFINITY)
        SKIP("the hard limit is too low");
    r.rlim_cur = r.rlim_max;
    OK(setrlimit(RLIMIT_CORE, &r));
    (void)unlink("core");
    prctl(PR_SET_DUMPABLE, 1);
}

static pid_t dying(void (*before)(void))
{
    pid_t pid = t_fork();

    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        if (before)
            before();
        raise(SIGABRT);
        _exit(0);
    }
    return pid;
}

static int ended(pid_t pid)
{
    int status;

    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    return status;
}

/* ---- the file while it is made ---- */

static void has_areas(void)
{
    char *p = mmap(NULL, 4000 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (int i = 0; i < 4000; i += 2) {
        mprotect(p + i * P, P, PROT_READ | PROT_WRITE);
        p[i * P] = 1;
    }
}

/* Numbers that a table may hold, and should not. */
static uint64_t odd(uint64_t *seed)
{
    static const uint64_t some[] = {0,
                                    1,
                                    P,
                                    P - 1,
                                    1ul << 32,
                                    1ul << 47,
                                    -P,
                                    -1ul,
                                    1ul << 63,
                                    (1ul << 63) - P,
                                    0xffffffff80000000ul,
                                    0xffff800000000000ul,
                                    0x400000};

    return some[t_random(seed) % (sizeof(some) / sizeof(*some))] +
           (t_random(seed) % 4 ? 0 : t_random(seed) >> 32);
}

/* Writes into the table of the file, or cuts it, as long as it is being made. */
static void spoil(pid_t pid, uint64_t seed)
{
    int fd = -1;
    siginfo_t info = {0};

    while (!info.si_pid) {
        Elf64_Phdr part = {.p_type = PT_LOAD,
                           .p_offset = odd(&seed),
                           .p_vaddr = t_random(&seed) % 2 ? odd(&seed) : (uintptr_t)&info,
                           .p_filesz = odd(&seed),
                           .p_memsz = odd(&seed)};

        if (fd < 0)
            fd = open("core", O_RDWR);
        for (int i = 0; fd >= 0 && i < 200; i++)
            (void)!pwrite(fd, &part, sizeof(part),
                          (off_t)(64 + 56 * (t_random(&seed) % 4010u)));
        if (fd >= 0 && t_random(&seed) % 200 == 0)
            (void)!ftruncate(fd, t_random(&seed) % 300000);
        sched_yield();
        OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT));
    }
    close(fd);
}

TEST(spoilt, "a core file that its owner writes into and cuts while it is made")
{
    prepare();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        pid_t pid = dying(has_areas);

        spoil(pid, seed);
        ended(pid);
        (void)unlink("core");
    }
}

/* ---- memory of every kind ---- */

enum {
    NONE,
    WRITE_ONLY,
    WATCHED,
    GUARDED,
    CUT,
    LATE,
    ARRANGED,
    NAMELESS,
    OTHERS,
    LEFT_OUT,
    SEALED,
    KINDS
};

static unsigned char *kind[KINDS];
static int file;

static unsigned char *anon(int prot)
{
    unsigned char *p =
        t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p + P, 'a', P);
    OK(mprotect(p, 4 * P, prot));
    return p;
}

static void watch(const void *p)
{
    struct {
        uint64_t api, features, ioctls;
    } api = {0xaa, 0, 0};
    struct {
        uint64_t start, len, mode, ioctls;
    } range = {(uintptr_t)p, 4 * P, 3, 0}; /* what is missing, and writes */
    int fd = (int)syscall(SYS_userfaultfd, 1);

    if (fd >= 0 && ioctl(fd, 0xc018aa3f, &api) == 0)
        (void)!ioctl(fd, 0xc020aa00, &range);
}

static void has_kinds(void)
{
    int cut = (int)syscall(SYS_memfd_create, "cut", 0);
    int sealed = (int)syscall(SYS_memfd_create, "sealed", 2 /* MFD_ALLOW_SEALING */);
    int named;

    if (ftruncate(cut, 4 * P) || ftruncate(sealed, 4 * P) ||
        pwrite(sealed, "s", 1, P) != 1)
        _exit(1);
    fcntl(sealed, 1033 /* F_ADD_SEALS */, 0x1f);
    kind[SEALED] = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, sealed, 0);
    kind[SEALED][0] = 'p';
    kind[CUT] = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, cut, 0);
    kind[CUT][P] = kind[CUT][3 * P] = 'c';
    (void)!ftruncate(cut, 2 * P);
    kind[LATE] = t_map(NULL, 4, PROT_READ, MAP_PRIVATE, cut, 0);
    kind[NONE] = anon(PROT_NONE);
    kind[WRITE_ONLY] = anon(PROT_WRITE);
    kind[WATCHED] = anon(PROT_READ | PROT_WRITE);
    watch(kind[WATCHED]);
    kind[GUARDED] = anon(PROT_READ | PROT_WRITE);
    (void)madvise(kind[GUARDED], P, 102 /* MADV_GUARD_INSTALL */);
    kind[ARRANGED] =
        t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4; i++)
        kind[ARRANGED][i * (long)P] = (unsigned char)('0' + i);
    t_raw_remap(kind[ARRANGED], P, 0, 3, 0);
    kind[NAMELESS] = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, cut, 0);
    kind[NAMELESS][0] = 'n';
    named = open("others", O_RDWR | O_CREAT | O_TRUNC, 0600);
    (void)!ftruncate(named, 4 * P);
    kind[OTHERS] = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, named, 0);
    kind[OTHERS][0] = 'o';
    kind[LEFT_OUT] = anon(PROT_READ | PROT_WRITE);
    OK(madvise(kind[LEFT_OUT], 4 * P, MADV_DONTDUMP));
}

/* What the file says of the byte at p; -1: nothing. */
static int byte_at(const unsigned char *p)
{
    Elf64_Ehdr h;
    Elf64_Phdr part;
    unsigned char c;

    EQ(pread(file, &h, sizeof(h), 0), sizeof(h));
    for (int i = 0; i < h.e_phnum; i++) {
        EQ(pread(file, &part, sizeof(part),
                 (off_t)(h.e_phoff + (size_t)i * sizeof(part))),
           sizeof(part));
        if (part.p_type == PT_LOAD && (uintptr_t)p >= part.p_vaddr &&
            (uintptr_t)p < part.p_vaddr + part.p_filesz &&
            pread(file, &c, 1, (off_t)(part.p_offset + (uintptr_t)p - part.p_vaddr)) == 1)
            return c;
    }
    return -1;
}

TEST(kinds, "what is in a core file of memory that cannot be read, is watched, cut, "
            "arranged, sealed")
{
    pid_t pid;

    prepare();
    has_kinds(); /* the same addresses in the child */
    pid = dying(NULL);
    CHECK(WCOREDUMP(ended(pid)));
    OK(file = open("core", O_RDONLY));
    EQ(byte_at(kind[NONE] + P), 'a');
    EQ(byte_at(kind[NONE]), 0);
    EQ(byte_at(kind[WRITE_ONLY] + P), 'a');
    EQ(byte_at(kind[WATCHED] + P), 'a');
    EQ(byte_at(kind[WATCHED] + 2 * P), 0);
    EQ(byte_at(kind[GUARDED] + P), 'a');
    EQ(byte_at(kind[GUARDED]), 0);
    EQ(byte_at(kind[CUT] + P), 'c');
    EQ(byte_at(kind[CUT] + 3 * P), 0);
    EQ(byte_at(kind[SEALED]), 'p');
    EQ(byte_at(kind[SEALED] + P), 's');
    EQ(byte_at(kind[ARRANGED]), '3');
    EQ(byte_at(kind[ARRANGED] + P), '1');
    EQ(byte_at(kind[NAMELESS]), 'n');
    EQ(byte_at(kind[OTHERS]), -1);
    EQ(byte_at(kind[LEFT_OUT] + P), -1);
    OK(close(file));
    OK(unlink("core"));
}

/* ---- no room, no time, no memory ---- */

static void has_much(void)
{
    char *p =
        mmap(NULL, 4096 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p, 1, 4096 * P);
}

TEST(full, "a file system without room for it")
{
    struct stat st;

    prepare();
    if (!t_tessera || geteuid() != 0)
        SKIP("mounts");
    OK(mkdir("small", 0777));
    OK(mount("none", "small", "tmpfs", 0, "size=256k,nr_inodes=2"));
    OK(chdir("small"));
    ended(dying(has_much));
    OK(stat("core", &st));
    CHECK(st.st_blocks <= 512);
    OK(rename("core", "other")); /* no inode is left */
    EQ(WCOREDUMP(ended(dying(has_much))), 0);
    OK(unlink("other"));
    OK(chdir(".."));
    OK(umount2("small", 0));
    OK(rmdir("small"));
}

TEST(killed, "a kill in the middle of it")
{
    prepare();
    for (int i = 0; i < 5; i++) {
        pid_t pid = dying(has_much);
        struct stat st;

        while (stat("core", &st) != 0 || st.st_blocks < 8 * 100 * i)
            sched_yield();
        OK(kill(pid, SIGKILL));
        ended(pid);
        OK(unlink("core"));
    }
}

static unsigned char *no_rights;

/* Blocks of the file that a fault leaves whose n-th allocation, the dump's counted too, fails. */
static long blocks_of(unsigned long n)
{
    pid_t pid = t_fork();
    struct stat st = {.st_blocks = 0};

    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        syscall(SYS_fail_next, n, 1);
        *(volatile char *)no_rights = 1;
        _exit(1);
    }
    EQ(WTERMSIG(ended(pid)), SIGSEGV);
    (void)stat("core", &st);
    (void)unlink("core");
    return st.st_blocks;
}

TEST(injected, "each allocation on the way fails once")
{
    long whole;
    int times = 0;

    prepare();
    no_rights = t_map(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!t_tessera || syscall(SYS_fail_next, 0, 0) < 0)
        SKIP("only in debug kernels of Tessera");
    whole = blocks_of(0);
    CHECK(whole > 0);
    for (unsigned long n = 1; times < 5; n++) {
        CHECK(n < 1000);
        t_progress();
        times = blocks_of(n) == whole ? times + 1 : 0;
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
