/* SPDX-License-Identifier: MIT
 *
 * What the files of the benchmark share; see bench.c.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB  (1024ul * 1024)

uint64_t now(void);
void die(const char *what);
/* One line: name, total divided by n. */
void report(const char *name, uint64_t total, uint64_t n);
int file(size_t size); /* a memfd */
/* What fork() of this process costs the parent; the child has gone. */
uint64_t fork_once(void);
char *map(size_t size, int prot, int flags, int fd);
char *shared(size_t size, int populate); /* a mapping of a fresh memfd, closed */
void remap(char *p, size_t size, size_t pgoff, int flags);
uint32_t *permutation(size_t n);
void shuffle(char *p, size_t n, int flags);

void bench_null(void);
void bench_remap_one(size_t mib);
void bench_remap_batch(size_t batch, const char *name, int flags);
void bench_reverse(size_t mib, const char *write_name, const char *remap_name);
void bench_truncate(void);
void bench_map(void);
void bench_anon(void);
void bench_file(void);
void bench_process(void);
void bench_many(void);
void bench_growth(void);
