/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/map_files, and the modes of links in /proc/PID/fd.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <sys/prctl.h>

static char path[128];

static const char *link_of(const void *start, size_t npages)
{
    unsigned long a = (unsigned long)start;
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", a, a + npages * P);
    return path;
}

static int mode_of(const char *name)
{
    struct stat st;
    OK(lstat(name, &st));
    CHECK(S_ISLNK(st.st_mode));
    return st.st_mode & 0777;
}

static void leads_to(const char *name, const char *want)
{
    char text[256];
    ssize_t n = readlink(name, text, sizeof(text) - 1);
    OK(n);
    text[n] = '\0';
    if (strcmp(text, want))
        FAIL("%s leads to %s, want %s", name, text, want);
}

TEST(links,
     "a link for each mapping of a file, by its exact range; its rights are the file's")
{
    int fd = t_make("some", "text");
    OK(ftruncate(fd, 4 * P));
    char name[300];
    snprintf(name, sizeof(name), "%s/some", t_dir);
    char *p = mmap(NULL, 4 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    leads_to(link_of(p, 4), name);
    EQ(mode_of(link_of(p, 4)), 0600);
    OK(mprotect(p + P, P, PROT_READ | PROT_EXEC));
    ERR(readlink(link_of(p, 4), name, 1), ENOENT);
    leads_to(link_of(p, 1), name);
    EQ(mode_of(link_of(p + P, 1)), 0600);
    EQ(mode_of(link_of(p + 2 * P, 2)), 0600);
    OK(mprotect(p, P, PROT_NONE));
    EQ(mode_of(link_of(p, 1)), 0600);
    int ro = open("some", O_RDONLY);
    char *q = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
    CHECK(q != MAP_FAILED);
    close(ro);
    EQ(mode_of(link_of(q, 1)), 0400);
    OK(munmap(q, P));
    ERR(readlink(link_of(p + 2 * P, 1), name, 1), ENOENT);
    int got = open(link_of(p + 2 * P, 2), O_RDWR);
    OK(got);
    char text[5] = "";
    EQ(read(got, text, 4), 4);
    EQ(strcmp(text, "text"), 0);
    close(got);
    OK(unlink("some"));
    strcat(name, " (deleted)");
    leads_to(link_of(p + 2 * P, 2), name);
    got = open(link_of(p + 2 * P, 2), O_RDONLY);
    OK(got);
    close(got);
    OK(munmap(p, 4 * P));
    ERR(open(link_of(p + 2 * P, 2), O_RDONLY), ENOENT);
}

TEST(names, "only the exact spelling is a name; nameless memory has no link")
{
    int fd = F(2);
    char *p = (char *)M(fd, 2), text[64];
    unsigned long a = (unsigned long)p;
    const char *wrong[] = {"%lx-%lx ", "0%lx-%lx",  "%lx-0%lx",
                           "%lx -%lx", "0x%lx-%lx", "%lx--%lx"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char form[80] = "/proc/self/map_files/";
        strcat(form, wrong[i]);
        snprintf(path, sizeof(path), form, a, a + 2 * P);
        ERR(readlink(path, text, sizeof(text)), ENOENT);
    }
    OK(readlink(link_of(p, 2), text, sizeof(text)));
    char *anon =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(anon != MAP_FAILED);
    ERR(readlink(link_of(anon, 1), text, sizeof(text)), ENOENT);
    char *shared = mmap((void *)0x3fff00000000, P, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(shared != MAP_FAILED);
    leads_to(link_of(shared, 1), "/dev/zero (deleted)");
    snprintf(path, sizeof(path), "/proc/self/task/%d/map_files", getpid());
    ERR(access(path, F_OK), ENOENT);
}

TEST(zero, "a private mapping of /dev/zero has its name, a shared one memory of its own")
{
    int fd = open("/dev/zero", O_RDWR);
    OK(fd);
    for (int shared = 0; shared < 2; shared++) {
        char *p = mmap((void *)0x3fff00000000, P, PROT_READ | PROT_WRITE,
                       (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED_NOREPLACE, fd, 0);
        CHECK(p != MAP_FAILED);
        *p = 'x';
        leads_to(link_of(p, 1), shared ? "/dev/zero (deleted)" : "/dev/zero");
        OK(munmap(p, P));
    }
}

TEST(listing, "a listing names each once, in order, also when it is read in small pieces")
{
    int fd = F(1), count = 0;
    char *at = (char *)0x300000000000;
    for (int i = 0; i < 100; i++)
        CHECK(mmap(at + 2 * i * P, P, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
                   0) == at + 2 * i * P);
    int dir = open("/proc/self/map_files", O_RDONLY | O_DIRECTORY);
    OK(dir);
    unsigned long last = 0;
    char buf[200];
    long n;
    while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
        for (char *e = buf; e < buf + n; e += *(unsigned short *)(e + 16)) {
            unsigned long start, end;
            if (e[19] == '.')
                continue;
            EQ(e[18], DT_LNK);
            EQ(sscanf(e + 19, "%lx-%lx", &start, &end), 2);
            CHECK(start >= last && end > start);
            last = end;
            count += start >= (unsigned long)at && start < (unsigned long)at + 200 * P;
            char text[200];
            snprintf(path, sizeof(path), "/proc/self/map_files/%s", e + 19);
            OK(readlink(path, text, sizeof(text)));
        }
    }
    OK(n);
    EQ(count, 100);
    close(dir);
    OK(munmap(at, 200 * P));
}

/* In a child: with the given user, its answers. */
static int as_user(pid_t of, const char *link, bool keep)
{
    char name[160], text[64];
    if (keep && prctl(PR_SET_KEEPCAPS, 1))
        return 1;
    if (setgid(65534) || setuid(65534))
        return 2;
    if (keep) { /* a process that changes its user is not dumpable */
        if (readlink(link, text, sizeof(text)) <= 0)
            return 3;
        if (open(link, O_RDONLY) >= 0 || errno != EPERM)
            return 4;
    }
    snprintf(name, sizeof(name), "/proc/%d/map_files", of);
    if (open(name, O_RDONLY) >= 0 || errno != EACCES)
        return 5;
    if (readlink(link, text, sizeof(text)) >= 0 || errno != EACCES)
        return keep ? 0 : 6;
    return 0;
}

TEST(rights,
     "only who may look into a process sees them; following asks for a capability")
{
    if (getuid())
        SKIP("needs root");
    int fd = F(2);
    char *p = (char *)M(fd, 2), link[128];
    pid_t me = getpid();
    snprintf(link, sizeof(link), "/proc/%d/map_files/%lx-%lx", me, (unsigned long)p,
             (unsigned long)p + 2 * P);
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(as_user(me, link, false));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(WEXITSTATUS(status), 0);
    pid = fork();
    if (pid == 0) {
        snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx", (unsigned long)p,
                 (unsigned long)p + 2 * P);
        _exit(as_user(me, link, true));
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(WEXITSTATUS(status), 0);
}

TEST(descriptors, "the links of descriptors show how each is open")
{
    const struct {
        int flags, mode;
    } cases[] = {{O_RDONLY, 0500}, {O_WRONLY, 0300}, {O_RDWR, 0700}, {O_PATH, 0}};
    t_make("file", "x");
    for (size_t i = 0; i < 4; i++) {
        int fd = open("file", cases[i].flags);
        OK(fd);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        EQ(mode_of(path), cases[i].mode);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
