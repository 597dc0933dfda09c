/* SPDX-License-Identifier: MIT
 *
 * What the look-up and the listing of directories of procfs share.
 */
#pragma once

#include "kernel/procfs/file.h"

/* Names with a kind of their own, beside the tables of procfs.h; the last has no name. */
struct procfs_special {
    const char *name;
    enum procfs_kind kind;
};

extern const struct procfs_special procfs_root_names[], procfs_pid_names[];

/* A thread's directory lacks those that are of the whole process. */
static inline bool procfs_is_there(enum procfs_kind kind, const struct procfs_node *dir)
{
    return !dir->task || (kind != PROCFS_TASK_DIR && kind != PROCFS_MAP_DIR);
}

/* A node about the same process or thread as the directory it is in. */
static inline struct procfs_node procfs_same_task(const struct procfs_node *dir,
                                                  enum procfs_kind kind)
{
    return (struct procfs_node){.kind = kind,
                                .pid = dir->pid,
                                .serial = dir->serial,
                                .tid = dir->tid,
                                .tid_serial = dir->tid_serial,
                                .task = dir->task};
}
