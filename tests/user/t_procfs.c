/* SPDX-License-Identifier: MIT
 *
 * /proc: the files programs read, their form, and that they agree with the calls.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <sched.h>
#include <sys/sysinfo.h>

static char text[65536];

static size_t slurp(const char *path, size_t piece)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        FAIL("%s: %s", path, strerror(errno));
    size_t at = 0;
    ssize_t n;
    while (at + piece < sizeof(text) && (n = read(fd, text + at, piece)) > 0)
        at += (size_t)n;
    text[at] = 0;
    OK(close(fd));
    return at;
}

TEST(maps, "maps: sorted, disjoint, with text, heap, stack")
{
    struct t_reader r;
    unsigned long last = 0, here = (unsigned long)(uintptr_t)&text, main_text = 0;
    bool stack = false, data = false, heap = false;
    unsigned char *b = (unsigned char *)syscall(SYS_brk, 0);
    syscall(SYS_brk, b + 4 * P);
    CHECK(t_open(&r, "/proc/self/maps"));
    for (char *l; (l = t_line(&r));) {
        char perms[8], *rest;
        unsigned long lo = strtoul(l, &rest, 16), hi = strtoul(rest + 1, &rest, 16);
        CHECK(lo >= last && hi > lo && lo % P == 0 && hi % P == 0);
        last = hi;
        snprintf(perms, 6, "%s", rest);
        CHECK(strlen(perms) == 5 && strchr("r-", perms[1]) && strchr("w-", perms[2]));
        CHECK(strchr("x-", perms[3]) && strchr("ps", perms[4]));
        if ((unsigned long)(uintptr_t)&slurp >= lo &&
            (unsigned long)(uintptr_t)&slurp < hi) {
            EQ(strncmp(perms, " r-xp", 5), 0);
            main_text = lo;
        }
        if (here >= lo && here < hi)
            data = !strncmp(perms, " rw-p", 5);
        stack |= strstr(l, "[stack]") != NULL;
        heap |= strstr(l, "[heap]") != NULL;
    }
    CHECK(main_text && data && stack && heap);
}

TEST(pieces, "maps read in small pieces is the same text")
{
    static char whole[65536];
    size_t n = slurp("/proc/self/maps", 32768);
    memcpy(whole, text, n + 1);
    EQ(slurp("/proc/self/maps", 7), n);
    EQ(strcmp(text, whole), 0);
    EQ(slurp("/proc/self/maps", 1000), n);
    EQ(strcmp(text, whole), 0);
}

TEST(smaps, "smaps: sizes, Rss, flags")
{
    unsigned char *p =
        t_map(NULL, 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(mprotect(p, P, PROT_READ));
    p += P;
    EQ(t_smaps(p, 15, "Size", NULL), 60);
    EQ(t_smaps(p, 15, "Rss", NULL), 0);
    for (size_t i = 0; i < 5; i++)
        p[i * P] = 1;
    EQ(t_smaps(p, 15, "Rss", NULL), 20);
    CHECK(t_vmflag(p, "rd") && t_vmflag(p, "wr") && !t_vmflag(p, "ex") &&
          !t_vmflag(p, "sh"));
    CHECK(!t_vmflag(p - P, "wr"));
    OK(munmap(p + P, P));
    EQ(t_smaps(p, 15, "Size", NULL), 56);
    EQ(t_smaps(p, 15, "Rss", NULL), 16);
}

TEST(status, "status: VmSize and VmRSS follow")
{
    unsigned char *p;
    EQ(t_status("Pid"), getpid());
    EQ(t_status("PPid"), getppid());
    EQ(t_status("Tgid"), getpid());
    long size = t_status("VmSize"), rss = t_status("VmRSS");
    CHECK(size > 0 && rss > 0 && rss <= size);
    p = t_map(NULL, 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(t_status("VmSize") - size, 256);
    memset(p, 1, 64 * P);
    if (t_tessera)
        EQ(t_status("VmRSS") - rss, 256);
    OK(munmap(p, 64 * P));
    EQ(t_status("VmSize"), size);
    if (t_tessera)
        EQ(t_status("VmRSS"), rss);
    slurp("/proc/self/status", 4096);
    CHECK(!strncmp(text, "Name:\tt_procfs\n", 15));
    CHECK(strstr(text, "\nState:\tR"));
}

TEST(stat, "stat: fields")
{
    char comm[64], state;
    int pid, ppid, pgrp, session;
    slurp("/proc/self/stat", 4096);
    EQ(sscanf(text, "%d %63s %c %d %d %d", &pid, comm, &state, &ppid, &pgrp, &session),
       6);
    EQ(pid, getpid());
    EQ(ppid, getppid());
    EQ(pgrp, getpgrp());
    EQ(session, getsid(0));
    EQ(strcmp(comm, "(t_procfs)"), 0);
    EQ(state, 'R');
    int fields = 1;
    for (char *c = text; *c; c++)
        fields += *c == ' ';
    CHECK(fields >= 44);
}

TEST(other, "the files of another process; gone after its end")
{
    char path[64];
    struct stat st;
    pid_t pid = t_fork();
    if (!pid)
        for (;;)
            pause();
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    CHECK(slurp(path, 4096) > 100);
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    CHECK(slurp(path, 4096) > 50);
    int fd = open(path, O_RDONLY);
    OK(fd);
    OK(kill(pid, SIGKILL));
    siginfo_t info;
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    EQ(slurp(path, 4096), 0); /* a zombie has no memory */
    EQ(t_status_of(pid), SIGKILL);
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    ERR(stat(path, &st), ENOENT);
    char c;
    ERR(read(fd, &c, 1), ESRCH);
    ERR(open("/proc/99999999/maps", O_RDONLY), ENOENT);
}

TEST(exe, "self/exe and cmdline")
{
    char a[256], b[256];
    struct stat x, y;
    ssize_t n = readlink("/proc/self/exe", a, sizeof(a) - 1);
    CHECK(n > 0);
    a[n] = 0;
    CHECK(a[0] == '/' && strstr(a, "t_procfs"));
    OK(stat("/proc/self/exe", &x));
    OK(stat(a, &y));
    EQ(x.st_ino, y.st_ino);
    snprintf(b, sizeof(b), "/proc/%d/exe", (int)getpid());
    EQ(readlink(b, a, sizeof(a)), n);
    size_t len = slurp("/proc/self/cmdline", 4096);
    CHECK(len > 0 && text[len - 1] == 0 && strstr(text, "t_procfs"));
}

TEST(title, "cmdline of a program that writes a title over its arguments")
{
    unsigned long long start, end, env_end;

    slurp("/proc/self/stat", 4096);
    char *at = strrchr(text, ')') + 1;
    for (int field = 3; field < 48; field++)
        at = strchr(at + 1, ' ');
    EQ(sscanf(at, "%llu %llu %*u %llu", &start, &end, &env_end), 3);
    char *title = (char *)(uintptr_t)start;
    size_t len = (size_t)(end - start), room = (size_t)(env_end - start);

    EQ(slurp("/proc/self/cmdline", 4096), len);
    CHECK(!memcmp(text, title, len));
    memset(title, 'x', len);
    if (room > len + 2)
        strcpy(title + len, "y");
    EQ(slurp("/proc/self/cmdline", 4096),
       room > len + 2 ? len + 2 : strnlen(title, room));
    CHECK(!memcmp(text, title, len));
    title[1] = 0;
    EQ(slurp("/proc/self/cmdline", 4096), 2);
    title[len - 1] = 0;
    EQ(slurp("/proc/self/cmdline", 4096), len);
}

TEST(fd, "self/fd")
{
    char path[64], link[256];
    bool seen = false;
    int fd = open("file", O_RDWR | O_CREAT, 0644), ends[2];
    OK(fd);
    EQ(write(fd, "abc", 3), 3);
    OK(pipe(ends));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    CHECK(n > 0);
    link[n] = 0;
    CHECK(link[0] == '/' && strstr(link, "/file"));
    int again = open(path, O_RDONLY);
    OK(again);
    EQ(read(again, link, 3), 3);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    n = readlink(path, link, sizeof(link) - 1);
    CHECK(n > 0);
    CHECK(!strncmp(link, "pipe:[", 6));
    DIR *d = opendir("/proc/self/fd");
    CHECK(d);
    for (struct dirent *e; (e = readdir(d));)
        seen |= atoi(e->d_name) == fd && e->d_name[0] != '.';
    closedir(d);
    CHECK(seen);
    ERR(open("/proc/self/fd/999", O_RDONLY), ENOENT);
}

TEST(meminfo, "meminfo and sysinfo agree")
{
    struct sysinfo si;
    long total = t_meminfo("MemTotal");
    long avail = t_meminfo("MemAvailable");
    CHECK(total > 0 && avail > 0 && avail <= total);
    CHECK(t_meminfo("Slab") >= 0 && t_meminfo("PageTables") >= 0);
    OK(sysinfo(&si));
    EQ((long)(si.totalram * si.mem_unit / 1024), total);
    if (!t_tessera)
        return;
    /* An open /proc file holds its text, and CPUs keep some objects of each size. */
    long free = t_meminfo("MemFree") / 4, slab = t_meminfo("Slab") / 4, about = 16;
    OK(sysinfo(&si));
    CHECK(labs((long)(si.freeram * si.mem_unit / P) - free) <= about);
    /* FreePages counts those that slabs hold and need not as well. */
    long spare = t_meminfo("FreePages") - free;
    CHECK(spare >= -about && spare <= slab + about);
}

/* One page more in use is one free page less: the counter is exact. */
TEST(free_pages, "the free page count is exact")
{
    if (!t_tessera)
        SKIP("Tessera's own line");
    unsigned char *p =
        t_map(NULL, 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p[0] = 1; /* the table page */
    p[63 * P] = 1;
    (void)t_meminfo("FreePages");
    long before = t_meminfo("FreePages");
    for (size_t i = 1; i < 11; i++) {
        p[i * P] = 1;
        EQ(before - t_meminfo("FreePages"), i);
    }
    OK(madvise(p + P, 10 * P, MADV_DONTNEED));
    EQ(t_meminfo("FreePages"), before);
}

TEST(system, "mounts, uptime, version, cpuinfo, vmstat")
{
    CHECK(slurp("/proc/mounts", 4096) > 0);
    CHECK(strstr(text, " / ") && strstr(text, " /proc "));
    double up = 0, idle = 0;
    slurp("/proc/uptime", 4096);
    EQ(sscanf(text, "%lf %lf", &up, &idle), 2);
    CHECK(up > 0);
    struct sysinfo si;
    OK(sysinfo(&si));
    CHECK((double)si.uptime - up < 5 && up - (double)si.uptime < 5);
    slurp("/proc/version", 4096);
    CHECK(!strncmp(text, "Linux version ", 14) || strstr(text, "Tessera"));
    CHECK(slurp("/proc/cpuinfo", 4096) > 0);
    CHECK(strstr(text, "processor\t: 0"));
    CHECK(slurp("/proc/vmstat", 4096) > 0);
}

TEST(dir, "the directory lists processes")
{
    struct stat st;
    bool me = false, self = false;
    char link[32];
    DIR *d = opendir("/proc");
    CHECK(d);
    for (struct dirent *e; (e = readdir(d));) {
        me |= atoi(e->d_name) == getpid();
        self |= !strcmp(e->d_name, "self");
    }
    closedir(d);
    CHECK(me && self);
    ssize_t n = readlink("/proc/self", link, sizeof(link) - 1);
    CHECK(n > 0);
    link[n] = 0;
    EQ(atoi(link), getpid());
    OK(stat("/proc/self", &st));
    CHECK(S_ISDIR(st.st_mode));
    ERR(open("/proc/self/none", O_RDONLY), ENOENT);
    EQ(mkdir("/proc/newdir", 0755), -1);
    CHECK(errno == ENOENT || errno == EPERM);
}

/* The 39th field of stat. */
static int processor_of(pid_t pid)
{
    char path[64], *at;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    slurp(path, 4096);
    at = strrchr(text, ')');
    for (int field = 2; field < 39; field++)
        at = strchr(at + 1, ' ');
    return atoi(at + 1);
}

TEST(processor, "stat tells where another process ran last, status where it may run")
{
    cpu_set_t all, one;
    char path[64];

    OK(sched_getaffinity(0, sizeof(all), &all));
    for (int cpu = 0; cpu < 64; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        int ready[2];
        OK(pipe(ready));
        pid_t pid = t_fork();
        if (!pid) {
            OK(sched_setaffinity(0, sizeof(one), &one));
            EQ(write(ready[1], "", 1), 1);
            for (;;)
                pause();
        }
        EQ(read(ready[0], path, 1), 1);
        EQ(processor_of(pid), cpu);
        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        slurp(path, 4096);
        snprintf(path, sizeof(path), "\nCpus_allowed_list:\t%d\n", cpu);
        CHECK(strstr(text, path));
        snprintf(path, sizeof(path), "\nNSpid:\t%d\n", pid);
        CHECK(strstr(text, path) && strstr(text, "\nMems_allowed_list:\t0\n"));
        OK(kill(pid, SIGKILL));
        EQ(t_status_of(pid), SIGKILL);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
