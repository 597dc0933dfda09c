/* SPDX-License-Identifier: MIT
 *
 * Hostile users: hostile [NAME...], inside Tessera only, for a small machine (tests/run/
 * hostile.py). Each attack of user 65534 takes what it can and holds it until it is killed.
 * Meanwhile a process of root and one of another user must live and make progress, root must
 * be able to fork, exec and write; afterwards every page must be back. TAP; the last pages of
 * caches that stay are allowed for by judging it again: what is lost each time is lost.
 */
#include "tests/user/hostile.h"
#include <grp.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#define PATIENCE_S 20
#define TURNS      3

struct shared *sh;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void become(unsigned uid)
{
    if (setgroups(0, NULL) || setgid(uid) || setuid(uid))
        _exit(99);
}

static void set_adj(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror("# oom_score_adj");
    close(fd);
}

/* Touches 4 MiB once and then a page and the heap again and again. */
static pid_t innocent(unsigned uid, volatile long *beats)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    set_adj("0");
    become(uid);
    size_t len = 4 << 20;
    char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (;;) {
        for (size_t at = 0; at < len; at += P)
            p[at]++;
        madvise(p, P, MADV_DONTNEED);
        ++*beats;
        usleep(10000);
    }
}

static pid_t attacker(const struct attack *a)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    setpgid(0, 0);
    set_adj("0");
    become(65534);
    a->fn();
    sh->done = 1;
    for (;;)
        pause();
}

/* Root's shell starts a program, which writes a file. */
static const char *root_goes_on(void)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return "root cannot fork";
    if (!pid) {
        execl("/proc/self/exe", "hostile", "--write", (char *)NULL);
        _exit(98);
    }
    if (waitpid(pid, &status, 0) != pid || status)
        return "root's program fails";
    return NULL;
}

static int write_file(void)
{
    int fd = open("/tmp/of-root", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, "text", 4) != 4 || close(fd))
        return 1;
    return unlink("/tmp/of-root") ? 2 : 0;
}

static bool lives(pid_t pid, volatile long *beats)
{
    long before = *beats;
    for (int i = 0; i < 300 && *beats == before; i++)
        usleep(10000);
    return waitpid(pid, NULL, WNOHANG) == 0 && *beats != before;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void remove_all(void)
{
    forget_segments();
    forget_ipc();
    flatten();
    pid_t pid = fork();
    if (!pid) {
        execl("/bin/busybox", "rm", "-rf", "/tmp/hostile", (char *)NULL);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* Every process of the attacker's group and its orphans. */
static void end_attack(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        kill(-pid, SIGKILL);
        while (waitpid(-pid, NULL, WNOHANG) > 0)
            ;
        if (kill(-pid, 0) && errno == ESRCH)
            return;
        usleep(20000);
    }
}

/* The free pages once nobody takes the dead apart any more. */
static long settled(void)
{
    long last = -1, pages = t_meminfo("FreePages");
    for (int i = 0; i < 100 && pages != last; i++) {
        usleep(50000);
        last = pages;
        pages = t_meminfo("FreePages");
    }
    return pages;
}

static const char *run(const struct attack *a, long *lost)
{
    const char *wrong = NULL;
    int status = 0;

    memset((void *)sh, 0, sizeof(*sh));
    long before = settled();
    mkdir("/tmp/hostile", 0777);
    chmod("/tmp/hostile", 0777);
    pid_t of_root = innocent(0, &sh->beats[0]), of_other = innocent(1000, &sh->beats[1]);
    pid_t pid = attacker(a);
    bool ended = false;
    for (double t = now(); !sh->done && !ended && now() - t < PATIENCE_S;) {
        usleep(20000);
        ended = waitpid(pid, &status, WNOHANG) == pid;
    }
    usleep(100000);
    if (sh->wrong)
        wrong = sh->wrong;
    else if (!lives(of_root, &sh->beats[0]))
        wrong = "an innocent process of root does not go on";
    else if (!lives(of_other, &sh->beats[1]))
        wrong = "an innocent process of another user does not go on";
    else
        wrong = root_goes_on();
    printf("# %s: %ld times, then %s, %ld pages free\n", a->name, sh->n,
           ended       ? "it was ended"
           : sh->error ? strerror((int)sh->error)
           : sh->done  ? "it had enough"
                       : "no end",
           t_meminfo("FreePages"));
    end_attack(pid);
    end(of_root);
    end(of_other);
    remove_all();
    while (waitpid(-1, NULL, WNOHANG) > 0) /* orphans that had left the group */
        ;
    *lost = before - settled();
    return wrong;
}

static bool report(const struct attack *a, int number)
{
    long lost;
    const char *wrong = run(a, &lost);
    for (int again = 0; !wrong && lost > 0 && again < TURNS; again++)
        wrong = run(a, &lost);
    if (!wrong && lost > 0)
        wrong = "pages are lost";
    printf("%sok %d - hostile: %s: %s%s%s\n", wrong ? "not " : "", number, a->name,
           a->what, wrong ? " # " : "", wrong ? wrong : "");
    if (lost)
        printf("# %ld pages lost\n", lost);
    return !wrong;
}

static bool is_wanted(const struct attack *a, int argc, char **argv)
{
    bool wanted = argc < 2;
    for (int i = 1; i < argc; i++)
        wanted |= strcmp(argv[i], a->name) == 0;
    return wanted;
}

int main(int argc, char **argv)
{
    int number = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_file();
    struct utsname u;
    uname(&u);
    if (!strstr(u.release, "tessera")) {
        puts("1..0 # SKIP would exhaust this machine");
        return 0;
    }
    set_adj("-1000");
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
              0);
    puts("TAP version 13");
    static const struct attack *const all[] = {attacks, more_attacks, call_attacks,
                                               later_attacks, race_attacks};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        for (const struct attack *a = all[i]; a->name; a++)
            if (is_wanted(a, argc, argv))
                failed += !report(a, ++number);
    printf("1..%d\n%d passed, %d failed\n", number, number - failed, failed);
    return failed != 0;
}
