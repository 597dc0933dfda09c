/* SPDX-License-Identifier: MIT
 *
 * Core files: which signals write one and where, what stands in it, and what prevents it.
 */
#include "tests/user/t.h"
#include <elf.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>

#define MARK 0x5eed5eed12345678ul

static unsigned long touched[2048] = {1}; /* more than a page, in the data */
static unsigned long *shared;

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

static int dies(void (*before)(void), int signo)
{
    pid_t pid = t_fork();
    siginfo_t info;
    int status;

    if (!pid) {
        signal(signo, SIG_DFL);
        if (before)
            before();
        touched[600] = MARK;
        raise(signo);
        _exit(0);
    }
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    EQ(WTERMSIG(status), signo);
    EQ(info.si_code, WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED);
    EQ(WCOREDUMP(status) != 0, access("core", F_OK) == 0);
    return WCOREDUMP(status) != 0;
}

TEST(signals, "the signals that write a core file")
{
    static const int dump[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                               SIGFPE,  SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS};
    static const int none[] = {SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGTERM, 40};

    prepare();
    for (unsigned i = 0; i < sizeof(dump) / sizeof(dump[0]); i++) {
        EQ(dies(NULL, dump[i]), 1);
        OK(unlink("core"));
    }
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        EQ(dies(NULL, none[i]), 0);
}

static unsigned long word_at(int fd, const Elf64_Phdr *part, int n, const void *address)
{
    unsigned long va = (unsigned long)address, word = 0;

    for (int i = 0; i < n; i++)
        if (part[i].p_type == PT_LOAD && va >= part[i].p_vaddr &&
            va < part[i].p_vaddr + part[i].p_filesz)
            EQ(pread(fd, &word, 8, (off_t)(part[i].p_offset + va - part[i].p_vaddr)), 8);
    return word;
}

static void marks_shared(void)
{
    shared[0] = MARK + 1;
}

TEST(contents, "headers, notes and memory of a core file")
{
    static Elf64_Phdr part[256];
    static char notes[65536];
    Elf64_Ehdr h;
    struct stat st;
    int fd, seen = 0;

    prepare();
    unsigned long *sparse = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(sparse != MAP_FAILED);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    sparse[1 << 20] = MARK + 2;
    EQ(dies(marks_shared, SIGABRT), 1);
    OK(fd = open("core", O_RDONLY));
    OK(fstat(fd, &st));
    EQ(st.st_mode, S_IFREG | 0600);
    CHECK(st.st_size > 1 << 30);
    CHECK(st.st_blocks < 40 << 11); /* what was not touched is a hole */
    EQ(pread(fd, &h, sizeof(h), 0), (ssize_t)sizeof(h));
    EQ(memcmp(h.e_ident, ELFMAG, SELFMAG), 0);
    EQ(h.e_type, ET_CORE);
    EQ(h.e_machine, EM_X86_64);
    CHECK(h.e_phnum > 3 && h.e_phnum < 256);
    EQ(pread(fd, part, h.e_phnum * sizeof(part[0]), (off_t)h.e_phoff),
       (ssize_t)(h.e_phnum * sizeof(part[0])));
    EQ(word_at(fd, part, h.e_phnum, &touched[600]), MARK);
    EQ(word_at(fd, part, h.e_phnum, shared), MARK + 1);
    EQ(word_at(fd, part, h.e_phnum, &sparse[1 << 20]), MARK + 2);
    EQ(part[0].p_type, PT_NOTE);
    CHECK(part[0].p_filesz <= sizeof(notes));
    EQ(pread(fd, notes, part[0].p_filesz, (off_t)part[0].p_offset),
       (ssize_t)part[0].p_filesz);
    for (size_t at = 0; at < part[0].p_filesz;) {
        Elf64_Nhdr n;

        memcpy(&n, notes + at, sizeof(n));
        const char *desc = notes + at + sizeof(n) + ((n.n_namesz + 3) & ~3u);
        if (n.n_type == NT_PRSTATUS) {
            const struct elf_prstatus *s = (const void *)desc;
            EQ(n.n_descsz, sizeof(*s));
            EQ(s->pr_cursig, SIGABRT);
            EQ(s->pr_ppid, getpid());
            seen |= 1;
        } else if (n.n_type == NT_PRPSINFO) {
            EQ(n.n_descsz, sizeof(struct elf_prpsinfo));
            EQ(strcmp(((const struct elf_prpsinfo *)desc)->pr_fname, "t_core"), 0);
            seen |= 2;
        } else if (n.n_type == NT_AUXV) {
            seen |= 4;
        } else if (n.n_type == NT_FPREGSET) {
            seen |= 8;
        } else if (n.n_type == NT_SIGINFO) {
            EQ(((const siginfo_t *)desc)->si_signo, SIGABRT);
            seen |= 16;
        }
        at = (size_t)(desc - notes) + ((n.n_descsz + 3) & ~3u);
    }
    EQ(seen, 31);
    OK(close(fd));
    OK(unlink("core"));
}

static void may_not_be_read(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

static void limits(unsigned long most)
{
    struct rlimit r = {most, RLIM_INFINITY};

    setrlimit(RLIMIT_CORE, &r);
}

static void limits_to_nothing(void)
{
    limits(0);
}

static void limits_to_little(void)
{
    limits(40960);
}

static void makes_unwritable(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        _exit(1);
    prctl(PR_SET_DUMPABLE, 1);
    if (chdir("/proc") != 0)
        _exit(1);
}

TEST(prevented, "limits, rights and other files in the way")
{
    struct stat st;

    prepare();
    EQ(dies(may_not_be_read, SIGABRT), 0);
    EQ(dies(limits_to_nothing, SIGABRT), 0);
    EQ(dies(makes_unwritable, SIGABRT), 0);
    EQ(dies(limits_to_little, SIGABRT), 1); /* the rest is cut off */
    OK(stat("core", &st));
    CHECK(st.st_size <= 40960);
    OK(link("core", "core2")); /* what was there goes first */
    EQ(dies(NULL, SIGSEGV), 1);
    OK(stat("core2", &st));
    EQ(st.st_nlink, 1);
    CHECK(st.st_size <= 40960);
    OK(unlink("core"));
    OK(symlink("core2", "core"));
    EQ(dies(NULL, SIGSEGV), 1);
    OK(lstat("core", &st));
    CHECK(S_ISREG(st.st_mode) && st.st_size > 40960);
    OK(unlink("core"));
    OK(unlink("core2"));
    OK(mkdir("core", 0755));
    pid_t pid = t_fork();
    int status;
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGABRT);
    OK(rmdir("core"));
}

static void *spins(void *arg)
{
    for (;;)
        (*(volatile unsigned long *)arg)++;
    return NULL;
}

static void *aborts(void *arg)
{
    (void)arg;
    kill(getpid(), SIGABRT);
    for (;;)
        pause();
    return NULL;
}

static void has_threads(void)
{
    static unsigned long count;
    pthread_t t;

    for (int i = 0; i < 3; i++)
        pthread_create(&t, NULL, spins, &count);
    pthread_create(&t, NULL, aborts, NULL);
    for (;;)
        pause();
}

static void sets(const char *pattern)
{
    int fd = open("/proc/sys/kernel/core_pattern", O_WRONLY);

    OK(fd);
    EQ(write(fd, pattern, strlen(pattern)), (ssize_t)strlen(pattern));
    OK(close(fd));
}

/* The name of a file that a process with this name writes, with such a pattern. */
static void writes(const char *comm, const char *pattern, const char *want)
{
    pid_t pid;
    int status;

    sets(pattern);
    pid = t_fork();
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        prctl(PR_SET_NAME, comm);
        abort();
    }
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WCOREDUMP(status));
    OK(unlink(want));
}

TEST(up, "a process whose name is a way up, or nothing, writes no higher")
{
    prepare();
    if (!t_tessera)
        SKIP("changes the machine");
    OK(mkdir("into", 0755));
    OK(mkdir("into/!.", 0755));
    OK(mkdir("into/!", 0755));
    writes("..", "into/%e/x", "into/!./x");
    writes(".", "into/%e/x", "into/!/x");
    writes("", "into/%e/x", "into/!/x");
    writes("...", "into/%e", "into/...");
    OK(rmdir("into/!."));
    OK(rmdir("into/!"));
    OK(rmdir("into"));
    sets("core\n");
}

/* The pattern is everybody's: not for a test to change on a machine that others use. */
TEST(names, "core_pattern: what is put in for each letter, and directories")
{
    char name[64], pattern[128];
    int status;

    prepare();
    if (!t_tessera)
        SKIP("changes the machine");
    OK(mkdir("into", 0755));
    snprintf(pattern, sizeof(pattern), "into/a%%%%%%p.%%s.%%u.%%g.%%Z%%e\n");
    sets(pattern);
    pid_t pid = t_fork();
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        prctl(PR_SET_NAME, "x/y");
        abort();
    }
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WCOREDUMP(status));
    snprintf(name, sizeof(name), "into/a%%%d.6.%d.%d.x!y", pid, getuid(), getgid());
    OK(unlink(name));
    OK(rmdir("into"));
    pid = t_fork();
    if (!pid) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGABRT); /* no such directory */
    sets("core\n");
}

/* Linux looks at every page of it. */
TEST(vast, "memory that was never touched costs no time, however much it is")
{
    struct stat st;

    prepare();
    if (!t_tessera)
        SKIP("takes long");
    unsigned long *m = mmap(NULL, 4ul << 40, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(m != MAP_FAILED);
    m[1ul << 37] = MARK;
    EQ(dies(NULL, SIGABRT), 1);
    OK(stat("core", &st));
    CHECK(st.st_size > 4ll << 40);
    CHECK(st.st_blocks < 4 << 20 >> 9);
    OK(unlink("core"));
}

TEST(threads, "a process of several threads: one of them writes, the others end first")
{
    prepare();
    for (int i = 0; i < 5; i++) {
        EQ(dies(has_threads, SIGABRT), 1);
        OK(unlink("core"));
    }
}

static unsigned long *maps[5];
static unsigned filter;

static void sets_filter(void)
{
    int fd = open("/proc/self/coredump_filter", O_WRONLY);

    dprintf(fd, "%#x\n", filter);
    close(fd);
}

/* Which bits of the filter show the second page of which mapping: shared memory of a file that has no
 * name is as nameless as others, private memory of one that was written to as without a file. */
TEST(filter, "coredump_filter says which mappings are in it")
{
    static const unsigned shows[] = {1, 2, 2, 4 | 1, 8};
    static Elf64_Phdr part[256];
    Elf64_Ehdr h;
    int fd[5];

    prepare();
    fd[0] = fd[1] = -1;
    OK(fd[2] = (int)syscall(SYS_memfd_create, "m", 0));
    OK(fd[3] = open("private", O_CREAT | O_RDWR, 0600));
    OK(fd[4] = open("shared", O_CREAT | O_RDWR, 0600));
    for (int i = 0; i < 5; i++) {
        int flags = i == 0 || i == 3 ? MAP_PRIVATE : MAP_SHARED;

        if (fd[i] >= 0)
            OK(ftruncate(fd[i], 3 * P));
        else
            flags |= MAP_ANONYMOUS;
        maps[i] = mmap(NULL, 3 * P, PROT_READ | PROT_WRITE, flags, fd[i], 0);
        CHECK(maps[i] != MAP_FAILED);
        maps[i][512] = MARK;
    }
    for (filter = 0; filter < 16; filter++) {
        int core;

        EQ(dies(sets_filter, SIGABRT), 1);
        OK(core = open("core", O_RDONLY));
        EQ(pread(core, &h, sizeof(h), 0), (ssize_t)sizeof(h));
        EQ(pread(core, part, h.e_phnum * sizeof(part[0]), (off_t)h.e_phoff),
           (ssize_t)(h.e_phnum * sizeof(part[0])));
        for (int i = 0; i < 5; i++)
            EQ(word_at(core, part, h.e_phnum, maps[i] + 512),
               filter & shows[i] ? MARK : 0);
        OK(close(core));
        OK(unlink("core"));
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
