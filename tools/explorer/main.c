/* SPDX-License-Identifier: MIT
 *
 * The two ways in. In the page: ex_start() once, then a line in ex_line and ex_step(). On this
 * machine: lines from the standard input, and after each its result and the picture; with --path,
 * instead of the picture, the functions that were entered (+) and left (-), by address.
 */
#include "mm/debug/check.h"
#include "mm/op/mm.h"
#include "mm/table/mm_lock.h"
#include "tools/explorer/explorer.h"

char ex_line[512];

void ex_start(void);
void ex_step(void);
void ex_check(void);

void ex_start(void)
{
    ex_boot();
    ex_procs[0] = mm_create();
    if (!ex_procs[0])
        panic("no memory for the first process");
}

void ex_step(void)
{
    ex_trace_begin();
    ex_run(ex_line);
    ex_trace_end();
}

/* Every invariant of every address space, and the TLBs: a translation that has become wrong must
 * have been flushed. */
void ex_check(void)
{
    mm_check_all();
    ex_tlb_look();
    for (u32 c = 0; c < EX_CPUS; c++)
        for (u32 i = 0; i < TLB_SLOTS; i++)
            if (ex_tlbs[c].slot[i].wrong)
                panic("CPU %u still translates %lx as before: a flush is missing", c,
                      (unsigned long)ex_tlbs[c].slot[i].va);
}

#ifdef __wasm__
void ex_stop(void)
{
    __builtin_trap();
}
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ex_stop(void)
{
    fprintf(stderr, "%s\n", ex_panic_text);
    exit(1);
}

static void print_path(void)
{
    for (u32 i = 0; i < ex_nevents && i < EX_EVENTS; i++)
        if (ex_events[i].kind == EX_ENTER || ex_events[i].kind == EX_LEAVE)
            printf("%c%llx ", ex_events[i].kind == EX_ENTER ? '+' : '-',
                   (unsigned long long)ex_events[i].arg);
    puts("");
}

int main(int argc, char **argv)
{
    bool path = argc > 1 && strcmp(argv[1], "--path") == 0;

    ex_start();
    if (!path)
        puts(ex_picture());
    while (fgets(ex_line, sizeof(ex_line), stdin)) {
        ex_line[strcspn(ex_line, "\n")] = 0;
        ex_step();
        ex_check();
        puts(ex_result);
        if (path)
            print_path();
        else
            puts(ex_picture());
    }
    return 0;
}
#endif
