/* SPDX-License-Identifier: MIT
 *
 * The calls that only Tessera has (user/include/tessera.h), and remap_file_pages, against a
 * naive model in the same program: an array that says which page of which file each address
 * shows, and what each page of a file holds. Every call's result and what memory then shows
 * must be what the model says. Where a call is wrong in several ways, any of their errors is
 * right.
 */
#include "tests/diff/own.h"
#include "user/include/tessera.h"
#include <sys/prctl.h>

struct shown shown[OWN_PAGES];
uint64_t content[OWN_FILES][OWN_FILE_PAGES];
size_t file_size[OWN_FILES];
int own_fds[OWN_FILES];
static uint64_t the_seed, the_program, step;

static const struct area {
    size_t at, n, home;
    int file, prot;
    enum own_kind kind;
} areas[] = {
    {0, 1200, 0, 0, RW, OPEN},          {1200, 700, 300, 0, RW, OPEN},
    {1900, 300, 0, 0, PROT_READ, OPEN}, {2304, 1100, 5, 1, RW, OPEN},
    {3600, 64, 0, 1, RW, SEALED_AREA},  {3700, 64, 0, 0, PROT_READ, READ_ONLY},
    {3800, 64, 0, 0, RW, PRIVATE_ANON}, {4096, 1024, 0, 2, RW, OPEN},
};

void wrong(const char *what, size_t at, uint64_t got, uint64_t want)
{
    if (common->illegal++ < 6)
        dprintf(1, "# step %llu: %s at %zu: %#llx, not %#llx\n", (unsigned long long)step,
                what, at, (unsigned long long)got, (unsigned long long)want);
}

static void map_areas(void)
{
    char path[64];
    memset(shown, 0, sizeof(shown));
    memset(content, 0, sizeof(content));
    for (int f = 0; f < 2; f++) {
        own_fds[f] = memfd_create("own", 0);
        file_size[f] = OWN_FILE_PAGES;
        if (own_fds[f] < 0 || ftruncate(own_fds[f], OWN_FILE_PAGES * (off_t)P))
            _exit(5);
    }
    own_fds[2] = -1;
    file_size[2] = 1024;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", own_fds[0]);
    int reader = open(path, O_RDONLY);
    for (size_t k = 0; k < sizeof(areas) / sizeof(areas[0]); k++) {
        const struct area *a = &areas[k];
        bool anonymous = a->kind == PRIVATE_ANON || a->file == 2;
        int flags = MAP_FIXED | (anonymous ? MAP_ANONYMOUS : 0) |
                    (a->kind == PRIVATE_ANON ? MAP_PRIVATE : MAP_SHARED);
        int fd = anonymous ? -1 : a->kind == READ_ONLY ? reader : own_fds[a->file];
        if (mmap(ARENA + a->at * P, a->n * P, a->prot, flags, fd, (off_t)(a->home * P)) ==
            MAP_FAILED)
            _exit(6);
        if (a->kind == SEALED_AREA && syscall(462, ARENA + a->at * P, a->n * P, 0))
            _exit(7);
        for (size_t i = 0; i < a->n; i++)
            shown[a->at + i] = (struct shown){a->kind,
                                              (uint8_t)a->file,
                                              (uint8_t)(k + 1),
                                              a->prot & PROT_WRITE,
                                              (uint32_t)(a->home + i),
                                              (uint32_t)(a->home + i)};
    }
    close(reader);
}

/* What an address shows, by the call that tells it and by looking. */
void check_shown(size_t at)
{
    const struct shown *s = &shown[at];
    uint64_t word = 0, value = 0, want;
    if (s->kind == NOTHING || s->kind == PRIVATE_ANON)
        return;
    if (remap_query(ARENA + at * P, P, &word))
        wrong("remap_query", at, (uint64_t)errno, 0);
    want = s->page | (s->page != s->home ? RMQ_AWAY : 0);
    if ((word & (RMQ_PGOFF | RMQ_AWAY)) != want)
        wrong("the page shown", at, word, want);
    int sig = touch_read(ARENA + at * P + 8, &value);
    if (s->page >= file_size[s->file]) {
        if (sig != SIGBUS)
            wrong("no SIGBUS", at, (uint64_t)sig, s->page);
    } else if (sig || value != content[s->file][s->page]) {
        wrong("memory", at, sig ? (uint64_t)sig : value, content[s->file][s->page]);
    }
}

static void check_some(size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_shown(pick(OWN_PAGES));
}

static void write_word(void)
{
    size_t at = pick(OWN_PAGES);
    const struct shown *s = &shown[at];
    if (s->kind == NOTHING || s->kind == PRIVATE_ANON)
        return;
    uint64_t word = rnd() | 1;
    int sig = touch_write(ARENA + at * P + 8, word);
    int want = !s->writable ? SIGSEGV : s->page >= file_size[s->file] ? SIGBUS : 0;
    if (sig != want)
        wrong("writing", at, (uint64_t)sig, (uint64_t)want);
    if (!sig)
        content[s->file][s->page] = word;
}

static void resize(void)
{
    size_t file = pick(2), to = pick(OWN_FILE_PAGES + 1), n = 1 + pick(100);
    if (pick(2)) {
        if (fallocate(own_fds[file], 3, (off_t)(to * P), (off_t)(n * P)))
            wrong("punching", to, (uint64_t)errno, 0);
        for (size_t i = to; i < to + n && i < OWN_FILE_PAGES; i++)
            content[file][i] = 0;
        return;
    }
    to = pick(3) ? OWN_FILE_PAGES : to;
    if (ftruncate(own_fds[file], (off_t)(to * P)))
        wrong("ftruncate", to, (uint64_t)errno, 0);
    for (size_t i = to; i < OWN_FILE_PAGES; i++)
        content[file][i] = 0;
    file_size[file] = to;
}

/* The child rearranges its copy; the parent's stays, but what was written shows in both. */
static void fork_some(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        check_some(40);
        for (int i = 0; i < 5; i++)
            own_operation();
        check_some(40);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (status)
        wrong("the child", 0, (uint64_t)status, 0);
    check_some(40);
}

static void do_steps(uint64_t to)
{
    for (step = 0; step < to; step++) {
        rnd_start(the_seed, the_program, step);
        switch (pick(10)) {
        case 0:
            resize();
            break;
        case 1:
        case 2:
            for (int i = 0; i < 16; i++)
                write_word();
            break;
        case 3:
            if (pick(4) == 0)
                fork_some();
            break;
        default:
            own_operation();
        }
        check_some(12);
    }
    for (size_t at = 0; at < OWN_PAGES; at++)
        check_shown(at);
}

int own_main(uint64_t seed, uint64_t from, uint64_t to)
{
    the_seed = seed;
    for (the_program = from; the_program < to; the_program++) {
        int status = -1;
        common->illegal = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(100);
            map_areas();
            touch_arm();
            do_steps(OWN_STEPS);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        printf("%llu %d illegal %llu status %#x\n", (unsigned long long)the_program,
               OWN_STEPS, (unsigned long long)common->illegal, (unsigned)status);
    }
    fflush(stdout);
    return 0;
}
