/* SPDX-License-Identifier: MIT
 *
 * Failed allocations, one after the other: sweep() runs a call again and again, each time in
 * a fresh process, and lets its first, second, third ... allocation fail, until one run needs
 * no more of them. Wherever the call fails it must do so with one of its documented errors,
 * leave all that a program can see as it was, and succeed when it is tried again; all pages
 * come back. Only debug kernels can do this (kernel/inject.c).
 */
#pragma once

#include "tests/user/t.h"
#include <sys/uio.h>

#define SYS_fail_next 1007
#define NOT_REACHED   100 /* status: the call needed fewer allocations */
#define MAX_REGIONS   8

struct sweep {
    void (*setup)(void); /* NULL: nothing */
    long (*call)(void);  /* exactly one system call first; -1 and errno */
    void (*undo)(void);  /* after a success, so that pages come back; NULL: exit does */
    int errors[4];       /* documented ones, ended by 0 */
    bool by_fault;       /* of the next page fault instead */
    bool may_die; /* a failure may kill the process (execve beyond its last return) */
    bool once;    /* a failed call cannot be tried again */
};

void t_region(const void *p, size_t n); /* its bytes belong to the state */
long fail_next(unsigned long n, bool fault);
void sweep_run(const char *file, int line, const struct sweep *s);
#define SWEEP(...) sweep_run(__FILE__, __LINE__, &(const struct sweep){__VA_ARGS__})
