/* SPDX-License-Identifier: MIT
 *
 * Names and directories that several threads change at once.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#define NT 4

static atomic_bool stop;
static atomic_long won, made;

static void start(pthread_t *t, int n, void *(*fn)(void *))
{
    for (long i = 0; i < n; i++)
        EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
}

static void join(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++)
        EQ(pthread_join(t[i], NULL), 0);
}

/* ---- one winner ---- */

static pthread_barrier_t gate;

static void *makes_first(void *arg)
{
    char name[16];

    (void)arg;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "x%d", i);
        pthread_barrier_wait(&gate);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd >= 0)
            won++;
        else
            EQ(errno, EEXIST);
        close(fd);
        if (mkdir("dir", 0700) == 0)
            made++;
        else
            EQ(errno, EEXIST);
        pthread_barrier_wait(&gate);
        if (rmdir("dir") == 0)
            made--;
        else
            EQ(errno, ENOENT);
    }
    return NULL;
}

TEST(excl, "of four that create a name with O_EXCL one does")
{
    pthread_t t[NT];

    pthread_barrier_init(&gate, NULL, NT);
    start(t, NT, makes_first);
    join(t, NT);
    EQ(won, 60);
    EQ(made, 0);
}

/* O_CREAT alone: all get the same file. */
static void *makes_shared(void *arg)
{
    char name[16];

    (void)arg;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        pthread_barrier_wait(&gate);
        int fd = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
        OK(fd);
        EQ(write(fd, "z", 1), 1);
        close(fd);
    }
    return NULL;
}

TEST(creat, "four create a name without O_EXCL: one file")
{
    pthread_t t[NT];
    struct stat st;
    char name[16];

    pthread_barrier_init(&gate, NULL, NT);
    start(t, NT, makes_shared);
    join(t, NT);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        OK(stat(name, &st));
        EQ(st.st_size, NT);
        EQ(st.st_nlink, 1);
    }
}

/* ---- storms ---- */

#define DIRS  4
#define FILES 8

/* Only these errors can come of a name that others change. */
static void may_fail(long result)
{
    if (result == -1 && errno != ENOENT && errno != EEXIST && errno != ENOTEMPTY &&
        errno != EINVAL && errno != EBUSY && errno != EISDIR && errno != ENOTDIR)
        FAIL("errno %d", errno);
}

static void pick(uint64_t *seed, char *name)
{
    sprintf(name, "d%u/f%u", (unsigned)(t_random(seed) % DIRS),
            (unsigned)(t_random(seed) % FILES));
}

/* Names are made, moved, linked and removed; what was made less what was removed is left. */
static void *storms(void *arg)
{
    uint64_t seed = (uint64_t)(long)arg * 77 + 1001;
    char a[32], b[32];

    for (int i = 0; i < 600; i++) {
        int fd, result;

        pick(&seed, a);
        pick(&seed, b);
        switch (t_random(&seed) % 6) {
        case 0:
            fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0600);
            may_fail(fd);
            made += fd >= 0;
            close(fd);
            break;
        case 1:
            may_fail(result = unlink(a));
            made -= result == 0;
            break;
        case 2:
            may_fail(result = link(a, b));
            made += result == 0;
            break;
        case 3: /* RENAME_NOREPLACE: the number of names stays */
            may_fail(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 1));
            break;
        case 4: /* RENAME_EXCHANGE */
            may_fail(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2));
            break;
        default: {
            struct stat st;
            may_fail(result = stat(a, &st));
            if (result == 0)
                CHECK(S_ISREG(st.st_mode));
        }
        }
    }
    return NULL;
}

static long count_names(const char *name)
{
    DIR *d = opendir(name);
    long n = 0;

    CHECK(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

TEST(storm, "files are made, moved, linked and removed by four threads")
{
    pthread_t t[NT];
    char name[32];
    long left = 0;

    for (int i = 0; i < DIRS; i++) {
        sprintf(name, "d%d", i);
        OK(mkdir(name, 0700));
    }
    start(t, NT, storms);
    join(t, NT);
    for (int i = 0; i < DIRS; i++) {
        sprintf(name, "d%d", i);
        left += count_names(name);
    }
    EQ(left, made);
}

/* Directories move into each other: never a circle, and the counts of links are right. */
static void *moves_dirs(void *arg)
{
    uint64_t seed = (uint64_t)(long)arg * 31 + 1005;
    char a[64], b[64];

    for (int i = 0; i < 400; i++) {
        unsigned x = (unsigned)(t_random(&seed) % 4), y = (unsigned)(t_random(&seed) % 4);

        sprintf(a, "r/%c%s", 'a' + (int)x, t_random(&seed) % 2 ? "/sub" : "");
        sprintf(b, "r/%c%s", 'a' + (int)y, t_random(&seed) % 2 ? "/sub" : "");
        switch (t_random(&seed) % 4) {
        case 0:
            may_fail(mkdir(a, 0700));
            break;
        case 1:
            may_fail(rmdir(a));
            break;
        default:
            may_fail(rename(a, b));
        }
    }
    return NULL;
}

static void check_links(int dir, int depth)
{
    DIR *d = fdopendir(dir);
    struct dirent *e;
    struct stat st;
    unsigned subs = 0;

    CHECK(d && depth < 10);
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        subs++;
        check_links(openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY), depth + 1);
    }
    OK(fstat(dirfd(d), &st));
    EQ(st.st_nlink, 2 + subs);
    closedir(d);
}

static void remove_below(const char *name)
{
    char cmd[300];
    DIR *d = opendir(name);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(cmd, sizeof(cmd), "%s/%s", name, e->d_name);
        remove_below(cmd);
        rmdir(cmd);
    }
    if (d)
        closedir(d);
}

TEST(directories, "directories move into each other in four threads")
{
    pthread_t t[NT];

    OK(mkdir("r", 0700));
    start(t, NT, moves_dirs);
    join(t, NT);
    check_links(open("r", O_RDONLY | O_DIRECTORY), 0);
    remove_below("r");
}

/* ---- where a process is ---- */

static char top[300];

static void *changes_directory(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++)
        OK(chdir(i % 2 ? "../one" : "../two"));
    stop = true;
    return NULL;
}

static void *asks_where(void *arg)
{
    char text[512], one[512], two[512];

    (void)arg;
    snprintf(one, sizeof(one), "%s/one", top);
    snprintf(two, sizeof(two), "%s/two", top);
    while (!stop) {
        int fd = open("here", O_RDONLY);
        OK(fd);
        close(fd);
        CHECK(getcwd(text, sizeof(text)));
        CHECK(!strcmp(text, one) || !strcmp(text, two));
        ssize_t n = readlink("/proc/self/cwd", text, sizeof(text) - 1);
        OK(n);
        text[n] = 0;
        CHECK(!strcmp(text, one) || !strcmp(text, two));
    }
    return NULL;
}

TEST(chdir, "one thread changes the directory that others look up from")
{
    pthread_t t[NT];

    CHECK(getcwd(top, sizeof(top)));
    OK(mkdir("one", 0700));
    OK(mkdir("two", 0700));
    close(t_make("one/here", ""));
    close(t_make("two/here", ""));
    OK(chdir("one"));
    EQ(pthread_create(&t[0], NULL, changes_directory, NULL), 0);
    for (int i = 1; i < NT; i++)
        EQ(pthread_create(&t[i], NULL, asks_where, NULL), 0);
    join(t, NT);
    OK(chdir(top));
}

/* ---- attributes ---- */

static void *changes_mode(void *arg)
{
    long me = (long)arg;
    struct stat st;

    for (int i = 0; i < 500; i++) {
        if (me == 0) {
            OK(chmod("f", i % 2 ? 0600 : 0755));
        } else if (me == 1) {
            struct timespec ts[2] = {{i, 0}, {0, UTIME_OMIT}};
            OK(utimensat(AT_FDCWD, "f", ts, 0));
        } else if (me == 2) {
            struct timespec ts[2] = {{0, UTIME_OMIT}, {i, 0}};
            OK(utimensat(AT_FDCWD, "f", ts, 0));
        } else {
            OK(stat("f", &st));
            CHECK((st.st_mode & 07777) == 0600 || (st.st_mode & 07777) == 0755);
        }
    }
    return NULL;
}

TEST(attributes, "mode and times change at once: none is lost")
{
    pthread_t t[NT];
    struct stat st;

    close(t_make("f", "x"));
    OK(chmod("f", 0600));
    start(t, NT, changes_mode);
    join(t, NT);
    OK(stat("f", &st));
    EQ(st.st_mode, S_IFREG | 0600);
    EQ(st.st_atim.tv_sec, 499);
    EQ(st.st_mtim.tv_sec, 499);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
