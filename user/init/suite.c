/* SPDX-License-Identifier: MIT
 *
 * Runs the userland suite: suite [NAME...], by default every /tests/t_*. Passes each
 * program's TAP through, counts it, and closes with "N passed, N failed". A program that
 * reports less than its plan, or ends badly without a failed case, is one failure more.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITES_MAX 64
#define LINE_MAX_  4096

static int passed, failed, skipped;

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

static void run_suite(const char *name)
{
    char path[256], note[256];
    struct tally t = {-1, 0, 0};
    int pipe_fd[2], status = 0;

    snprintf(path, sizeof(path), "/tests/%s", name);
    int n = snprintf(note, sizeof(note), "# suite %s\n", name);
    copy_out(note, (size_t)n);
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
    if (t.plan != t.ok + t.bad || (status && !t.bad)) {
        n = snprintf(note, sizeof(note), "not ok - %s: %d of %d cases, wait status %#x\n",
                     name, t.ok + t.bad, t.plan, (unsigned)status);
        copy_out(note, (size_t)n);
        failed++;
    }
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
    char *found[SUITES_MAX], note[96];
    char **names = argv + 1;
    int count = argc - 1;

    if (count == 0) {
        names = found;
        count = all_suites(found);
    }
    for (int i = 0; i < count; i++)
        run_suite(names[i]);
    int n = snprintf(note, sizeof(note), "# %d skipped\n%d passed, %d failed\n", skipped,
                     passed, failed);
    copy_out(note, (size_t)n);
    return failed || !passed;
}
