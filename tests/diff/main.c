/* SPDX-License-Identifier: MIT
 *
 * diff run SEED FROM TO           programs FROM..TO-1, one line each: number, lines, digest
 * diff list SEED < LISTS          a line of standard input is a program and the numbers of
 *                                 the operations to do; one line each as above
 * diff text SEED PROGRAM [OPS]    one program, or only those operations of it, written out
 * diff threads SEED FROM TO       programs of several threads at once (threads.h)
 * diff own SEED FROM TO           the calls of Tessera's own against a model (own.c)
 */
#include "tests/diff/own.h"
#include "tests/diff/threads.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

bool on_tessera, full_text;
struct common *common;
struct regime regime;
uint64_t op_number;
static uint64_t seed;
static bool wanted[OPS];

static const struct operation {
    void (*fn)(void);
    const char *name;
    unsigned weight;
} operations[] = {
    {op_map, "map", 16},
    {op_unmap, "unmap", 4},
    {op_protect, "protect", 8},
    {op_seal_memory, "mseal", 1},
    {op_brk, "brk", 1},
    {op_list, "maps", 2},
    {op_move, "move", 14},
    {op_grow, "grow", 4},
    {op_shrink, "shrink", 4},
    {op_duplicate, "duplicate", 4},
    {op_dontunmap, "dontunmap", 4},
    {op_remap, "remap", 20},
    {op_scatter, "scatter", 6},
    {op_home, "home", 4},
    {op_truncate, "truncate", 6},
    {op_allocate, "allocate", 6},
    {op_pread, "pread", 5},
    {op_pwrite, "pwrite", 5},
    {op_seek, "seek", 2},
    {op_seal_file, "fseal", 1},
    {op_write, "write", 16},
    {op_read, "read", 12},
    {op_advise, "advise", 10},
    {op_sync, "msync", 2},
    {op_lock, "mlock", 4},
    {op_incore, "mincore", 3},
    {op_vmread, "vmread", 3},
    {op_cover, "cover", 2},
    {op_limit, "limit", 1},
    {NULL, "fork", 3},
};

enum { KINDS = sizeof(operations) / sizeof(operations[0]) };

static const struct operation *choose(void)
{
    unsigned total = 0;
    for (int i = 0; i < KINDS; i++)
        total += operations[i].weight;
    unsigned at = (unsigned)pick(total);
    int i = 0;
    while (at >= operations[i].weight)
        at -= operations[i++].weight;
    return &operations[i];
}

static void draw_regime(uint64_t program)
{
    static const size_t windows[] = {TABLE, 2 * TABLE, 2 * TABLE, 4 * TABLE, 2000, 700};
    static const size_t skews[] = {0, 0, 0, 1, 3, 256, 511};
    rnd_start(seed, program, OPS);
    if (pick(5) < 2)
        regime = (struct regime){96, 0, 0, 60};
    else if (pick(2))
        regime = (struct regime){8 * TABLE, windows[pick(6)], skews[pick(7)], 2100};
    else
        regime = (struct regime){PAGES, windows[pick(6)], pick(TABLE), 2100};
}

static void forget_in_child(void)
{
    for (size_t i = 0; i < PAGES; i++) {
        if (pages[i].attr & DONTFORK)
            shadow_clear(i, 1);
        /* Ruling: equal neighbours become one mapping here, on Linux they stay parted. */
        struct page *p = &pages[i];
        p->parted = p->parted * 4 + !!(p->attr & LOCKED) + 2 * !!(p->attr & ONFAULT);
        p->attr &= (uint8_t) ~(LOCKED | ONFAULT);
    }
}

static void do_ops(uint64_t program, uint64_t from, uint64_t to);

/* The child does the next operations, and goes; the parent looks on. */
static uint64_t fork_some(uint64_t program, uint64_t to)
{
    uint64_t end = op_number + 2 + pick(24);
    if (end > to)
        end = to;
    say("fork until %llu", (unsigned long long)end);
    say_end();
    uint64_t first = op_number + 1;
    hit(FORK, shape_at(0, regime.pages));
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        forget_in_child();
        say("child");
        say_contents(0, regime.pages, 12);
        say_end();
        do_ops(program, first, end);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    say("parent: status %#x", status);
    say_contents(0, regime.pages, 12);
    say_end();
    return end;
}

static void do_ops(uint64_t program, uint64_t from, uint64_t to)
{
    for (op_number = from; op_number < to; op_number++) {
        if (!wanted[op_number])
            continue;
        rnd_start(seed, program, op_number);
        const struct operation *o = choose();
        if (!o->fn) {
            op_number = fork_some(program, to) - 1;
            continue;
        }
        say("%llu %s", (unsigned long long)op_number, o->name);
        o->fn();
        say_blocks();
        say_end();
    }
}

static void run_program(uint64_t program)
{
    common->digest = 0xcbf29ce484222325ull;
    common->lines = common->objects = 0;
    memset(common->allocated, 0, sizeof(common->allocated));
    pid_t pid = fork();
    if (pid == 0) {
        alarm(120);
        shadow_reset();
        draw_regime(program);
        files_make();
        touch_arm();
        do_ops(program, 0, OPS);
        _exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    printf("%llu %u %016llx %#x\n", (unsigned long long)program, common->lines,
           (unsigned long long)common->digest, status);
    fflush(stdout);
}

/* "0-5,7,9": the operations wanted. */
static void parse_ops(const char *text)
{
    memset(wanted, 0, sizeof(wanted));
    while (*text) {
        char *end;
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (end == text)
            break;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        for (; from <= to && from < OPS; from++)
            wanted[from] = true;
        text = *end == ',' ? end + 1 : end;
    }
}

static void run_lists(void)
{
    static char text[16384];
    while (fgets(text, sizeof(text), stdin)) {
        char *ops;
        uint64_t program = strtoull(text, &ops, 10);
        parse_ops(ops + (*ops == ' '));
        run_program(program);
    }
}

int main(int argc, char **argv)
{
    struct utsname u;
    uname(&u);
    on_tessera = !strncmp(u.sysname, "Tessera", 7) || strstr(u.version, "Tessera") ||
                 strstr(u.release, "tessera");
    common = mmap(NULL, sizeof(*common), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    struct rlimit core = {0, 0};
    setrlimit(RLIMIT_CORE, &core);
    memset(wanted, 1, sizeof(wanted));
    if (argc < 3 || common == MAP_FAILED)
        return 2;
    seed = strtoull(argv[2], NULL, 0);
    if (!strcmp(argv[1], "run") && argc == 5) {
        uint64_t to = strtoull(argv[4], NULL, 0);
        for (uint64_t i = strtoull(argv[3], NULL, 0); i < to; i++)
            run_program(i);
        events_print();
    } else if (!strcmp(argv[1], "threads") && argc == 5) {
        return threads_main(seed, strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0));
    } else if (!strcmp(argv[1], "own") && argc == 5) {
        return own_main(seed, strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0));
    } else if (!strcmp(argv[1], "list")) {
        run_lists();
    } else if (!strcmp(argv[1], "text") && argc >= 4) {
        full_text = true;
        if (argc > 4)
            parse_ops(argv[4]);
        run_program(strtoull(argv[3], NULL, 0));
    } else {
        return 2;
    }
    return 0;
}
