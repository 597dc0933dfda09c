/* SPDX-License-Identifier: MIT
 *
 * Runs the userland suite: suite [-q] [NAME...], by default every /tests/t_*. Passes each
 * program's TAP through, counts it, and closes with "N passed, N failed". A program that
 * reports less than its plan, or ends badly without a failed case, is one failure more.
 * -q: a line a program, for people; the TAP only of one that fails.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITES_MAX 1024
#define LINE_MAX_  4096

static int passed, failed, skipped;
static bool quiet;

struct tally {
    int plan, ok, bad;
};

static void count_line(const char *line, struct tally *t)
{
    if (!strncmp(line, "1..", 3)) {
        t->plan = atoi(line + 3);
    } else if (!strncmp(line, "ok ", 3)) {
        t->ok++;
        skipped += strstr(line, "# SKIP") != NULL;
        passed += strstr(line, "# SKIP") == NULL;
    } else if (!strncmp(line, "not ok ", 7)) {
        t->bad++;
        failed++;
    }
}

/* What a program has said, with -q; what does not fit in memory is lost. */
static char *kept;
static size_t nkept;

static void keep(const char *data, size_t n)
{
    char *more = realloc(kept, nkept + n);

    if (!more)
        return;
    kept = more;
    memcpy(kept + nkept, data, n);
    nkept += n;
}

static void copy_out(const char *data, size_t n)
{
    while (n) {
        ssize_t w = write(1, data, n);

        if (w <= 0)
            return;
        data += w;
        n -= (size_t)w;
    }
}

/* Copies the program's output and counts its lines. */
static void follow(int fd, struct tally *t)
{
    static char line[LINE_MAX_];
    char buf[4096];
    size_t len = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        if (quiet)
            keep(buf, (size_t)n);
        else
            copy_out(buf, (size_t)n);
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n') {
                if (len < sizeof(line) - 1)
                    line[len++] = buf[i];
                continue;
            }
            line[len] = '\0';
            len = 0;
            count_line(line, t);
        }
    }
}

static void begin(const char *name, int number, int count)
{
    if (quiet)
        printf("\r\033[K[%d/%d] %s ", number, count, name);
    else
        printf("# suite %s\n", name);
    fflush(stdout);
}

/* Counts of one program; `bad` of its cases failed, or more. */
static void end(const char *name, const struct tally *t, int skips, bool bad)
{
    if (quiet) {
        if (bad)
            copy_out(kept, nkept);
        printf("\r\033[K%s %-20s %4d passed",
               bad ? "\033[31mFAILED\033[0m" : "\033[32mok\033[0m    ", name,
               t->ok - skips);
        if (skips)
            printf(", %d skipped", skips);
        printf(t->bad ? ", %d failed\n" : "\n", t->bad);
    }
    nkept = 0;
    fflush(stdout);
}

static void run_suite(const char *name, int number, int count)
{
    struct tally t = {-1, 0, 0};
    int pipe_fd[2], status = 0, skips = skipped;
    char path[256], note[256];
    bool broken;

    snprintf(path, sizeof(path), "/tests/%s", name);
    begin(name, number, count);
    if (pipe(pipe_fd)) {
        failed++;
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], 1);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    if (pid > 0)
        follow(pipe_fd[0], &t);
    close(pipe_fd[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        status = 127 << 8;
    broken = t.plan != t.ok + t.bad || (status && !t.bad);
    if (broken) {
        int n =
            snprintf(note, sizeof(note), "not ok - %s: %d of %d cases, wait status %#x\n",
                     name, t.ok + t.bad, t.plan, (unsigned)status);

        if (quiet)
            keep(note, (size_t)n);
        else
            copy_out(note, (size_t)n);
        failed++;
    }
    end(name, &t, skipped - skips, broken || t.bad);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int all_suites(char **names)
{
    DIR *dir = opendir("/tests");
    struct dirent *entry;
    int n = 0;

    while (dir && n < SUITES_MAX && (entry = readdir(dir)))
        if (!strncmp(entry->d_name, "t_", 2))
            names[n++] = strdup(entry->d_name);
    if (dir)
        closedir(dir);
    qsort(names, (size_t)n, sizeof(*names), compare);
    return n;
}

int main(int argc, char **argv)
{
    static char *found[SUITES_MAX];
    char note[96];

    quiet = argc > 1 && !strcmp(argv[1], "-q");
    char **names = argv + 1 + quiet;
    int count = argc - 1 - quiet;

    if (count == 0) {
        names = found;
        count = all_suites(found);
    }
    for (int i = 0; i < count; i++)
        run_suite(names[i], i + 1, count);
    int n = snprintf(note, sizeof(note), "%s%d skipped\n%d passed, %d failed\n",
                     quiet ? "" : "# ", skipped, passed, failed);
    copy_out(note, (size_t)n);
    return failed || !passed;
}
