/* SPDX-License-Identifier: MIT
 *
 * The directories of processors in /sys/devices/system/cpu, for kernel/sysfs/tree.c. Numbers of
 * inodes are theirs from TOPOLOGY_FIRST to before TOPOLOGY_END.
 */
#pragma once

#include "arch/cpu.h"
#include "kernel/procfs/seq.h"

#define TOPOLOGY_FIRST 64u
#define TOPOLOGY_FILES 13u /* of a processor */
#define TOPOLOGY_END   (TOPOLOGY_FIRST + MAX_CPUS * (2 + TOPOLOGY_FILES))

/* The i-th of the processors (dir 0) or of what is in a directory of theirs: its name (size bytes at
 * most) and number. false: no more. */
bool topology_entry(u64 dir, u64 i, char *name, size_t size, u64 *ino);

bool topology_is_file(u64 ino);
void topology_show(u64 ino, struct seq *s);

/* A set of processors as a number in base 16, with a digit for each four that can run. */
void topology_put_map(struct seq *s, u64 cpus);
