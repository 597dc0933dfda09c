/* SPDX-License-Identifier: MIT
 *
 * Supplementary groups: as many as Linux has, sorted, handed on by fork, and right for who
 * asks for a file while another thread changes them.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <pthread.h>

#define MOST 65536
#define USER 1000

static gid_t many[MOST + 1], got[MOST];

static void need_root(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
}

/* MOST even numbers in an order that is none. */
static void fill(void)
{
    for (unsigned i = 0; i <= MOST; i++)
        many[i] = 2 * (i * 40503u % MOST) + 1000000;
}

static void ascending(int n)
{
    EQ(getgroups(0, NULL), n);
    EQ(getgroups(MOST, got), n);
    for (int i = 0; i < n; i++)
        EQ(got[i], 1000000 + 2 * i);
}

TEST(most, "65,536 groups, told in ascending order")
{
    need_root();
    fill();
    OK(setgroups(MOST, many));
    ascending(MOST);
    ERR(getgroups(MOST - 1, got), EINVAL);
    ERR(syscall(SYS_setgroups, (long)MOST + 1, many), EINVAL);
    ERR(syscall(SYS_getgroups, MOST, (gid_t *)8), EFAULT);
    ascending(MOST);
}

TEST(bad, "a call that fails leaves the groups")
{
    gid_t three[] = {7, 5, 6}, none[] = {5, (gid_t)-1};
    char *edge =
        mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need_root();
    CHECK(edge != MAP_FAILED);
    OK(munmap(edge + P, P));
    OK(setgroups(3, three));
    ERR(setgroups(2, none), EINVAL);
    ERR(syscall(SYS_setgroups, 3, edge + P - sizeof(gid_t) * 2), EFAULT);
    EQ(getgroups(3, got), 3);
    CHECK(got[0] == 5 && got[1] == 6 && got[2] == 7);
    OK(setgroups(0, NULL));
    EQ(getgroups(0, NULL), 0);
}

TEST(rights, "each of them opens a file, a child's too, the others do not")
{
    int fd = t_make("file", "abc"), status;

    need_root();
    fill();
    OK(fchmod(fd, 0040));
    OK(chmod(".", 0777));
    OK(setgroups(MOST, many));
    for (int i = 0; i < 20; i++) {
        gid_t mine = many[i * 3001];

        OK(fchown(fd, 0, mine));
        pid_t pid = fork();
        OK(pid);
        if (pid == 0) {
            OK(setgid(USER));
            OK(setuid(USER));
            OK(access("file", R_OK));
            OK(open("file", O_RDONLY));
            _exit(0);
        }
        OK(waitpid(pid, &status, 0));
        EQ(status, 0);
    }
    OK(fchown(fd, 0, 1000001));
    OK(setgid(USER));
    OK(setuid(USER));
    ERR(access("file", R_OK), EACCES);
    ERR(open("file", O_RDONLY), EACCES);
}

TEST(status, "/proc/self/status tells them all")
{
    char *line = NULL;
    size_t room = 0;
    int n = 0;
    FILE *f;

    need_root();
    fill();
    OK(setgroups(MOST, many));
    f = fopen("/proc/self/status", "r");
    CHECK(f);
    while (getline(&line, &room, f) > 0) {
        if (strncmp(line, "Groups:", 7) != 0)
            continue;
        for (char *p = line + 7, *end; strtoul(p, &end, 10) && end != p; p = end)
            n++;
    }
    EQ(n, MOST);
}

static int over;

static void *looks(void *arg)
{
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        if (access("file", R_OK) || getgroups(MOST, got) < 1)
            return "lost a group";
    }
    return arg;
}

/* The raw call: libc tells the other threads by signals. */
TEST(threads, "a thread asks while another changes them")
{
    gid_t list[600];
    pthread_t t;
    void *end;

    if (!t_tessera)
        SKIP("threads have groups of their own on Linux");
    OK(close(t_make("file", "abc")));
    OK(chown("file", 0, 77));
    OK(chmod("file", 0040));
    OK(chmod(".", 0777));
    for (int i = 0; i < 600; i++)
        list[i] = 77;
    OK(setgroups(2, list));
    EQ(pthread_create(&t, NULL, looks, NULL), 0);
    for (int i = 0; i < 2000; i++)
        OK(syscall(SYS_setgroups, 1 + i * 7 % 600, list));
    __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
    EQ(pthread_join(t, &end), 0);
    if (end)
        FAIL("%s", (char *)end);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
