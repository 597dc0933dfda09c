/* SPDX-License-Identifier: MIT
 *
 * The directories of processors in /sys/devices/system/cpu and the links between them and their
 * node, for kernel/sysfs/tree.c. Numbers of inodes are theirs from TOPOLOGY_FIRST to before
 * TOPOLOGY_END.
 */
#pragma once

#include "arch/cpu.h"
#include "kernel/procfs/seq.h"

#define TOPOLOGY_FIRST 96u
#define TOPOLOGY_FILES 13u /* of a processor */
#define TOPOLOGY_END   (TOPOLOGY_FIRST + MAX_CPUS * (4 + TOPOLOGY_FILES))

/* What is not a directory of a processor: those of all processors, of the node. */
#define TOPOLOGY_CPUS 0u
#define TOPOLOGY_NODE 1u

/* The i-th of the processors, of the node's links to them, or of what is in a directory of theirs:
 * its name (size bytes at most) and number. false: no more. */
bool topology_entry(u64 dir, u64 i, char *name, size_t size, u64 *ino);

u32 topology_type(u64 ino); /* S_IFREG, S_IFDIR or S_IFLNK */
void topology_link(u64 ino, char *text, size_t size);
void topology_show(u64 ino, struct seq *s);

/* A set of processors as a number in base 16, with a digit for each four that can run. */
void topology_put_map(struct seq *s, u64 cpus);
