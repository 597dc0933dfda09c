/* SPDX-License-Identifier: MIT
 *
 * Inside procfs: the files by name and who writes their text. The tree itself is in
 * kernel/procfs/file.c. A file of a process is named below its number; texts are made from a
 * moment's copy taken under proc_lock.
 */
#pragma once

#include "kernel/procfs/seq.h"
#include "kernel/task/threads.h"

/* What a file of a process asks of its reader beside the permission bits. */
enum procfs_guard {
    GUARD_NONE,
    /* proc_may_look when it is opened. The file then shows the memory of that moment: after an
     * exec or the end of the process it is empty. */
    GUARD_MEMORY,
};

struct procfs_entry {
    const char *name; /* path below the root or below /proc/PID */
    u32 perm;
    /* Writes the text. pid: 0 for files of the system. 0, -ESRCH, -ENOMEM... NULL: reading
     * is -EINVAL. */
    int (*show)(struct seq *s, s32 pid);
    /* The same for a file that is different in each thread; `show` is NULL then. whole: of
     * /proc/TID, which adds up all threads, not of /proc/PID/task/TID. */
    int (*show_task)(struct seq *s, const struct task_id *id, bool whole);
    /* A write of n bytes (ended by a NUL): 0 or errno. NULL: not writable. */
    int (*store)(s32 pid, char *text, size_t n);
    int (*store_task)(const struct task_id *id, char *text, size_t n);
    const struct file_ops *fops; /* not those of a text; inode->data is a procfs_node */
    enum procfs_guard guard;
    const struct sysctl *value; /* a setting; then show and store are NULL */
    bool of_thread;             /* below /proc/PID/task only */
};

/* Files of the system; the last has no name. Sorted: a directory's names stand together. */
extern const struct procfs_entry procfs_system_entries[]; /* system.c */
extern const struct procfs_entry procfs_sys_entries[];    /* sysctl_table.c: below sys/ */
/* Files of /proc/PID/net, the same for all; and how many with the last (net.c). */
#define PROCFS_NET_ENTRIES 17
extern const struct procfs_entry procfs_net_entries[PROCFS_NET_ENTRIES];
/* Files of a process (pid.c). */
extern const struct procfs_entry procfs_pid_entries[];

/* uid_map and gid_map, setgroups (ids.c). */
int procfs_show_id_map(struct seq *s, s32 pid);
int procfs_store_id_map(s32 pid, char *text, size_t n);
int procfs_show_setgroups(struct seq *s, s32 pid);
int procfs_store_setgroups(s32 pid, char *text, size_t n);

extern const struct file_ops procfs_mem_fops, procfs_pagemap_fops, procfs_kpagecount_fops,
    procfs_mounts_fops;
