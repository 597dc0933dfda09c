/* SPDX-License-Identifier: MIT
 *
 * Inside procfs: what an inode stands for.
 */
#pragma once

#include "kernel/procfs/procfs.h"
#include "kernel/task/proc_access.h"
#include "lib/fmt.h"

enum procfs_kind {
    PROCFS_DIR,  /* /proc and directories below /proc/sys */
    PROCFS_FILE, /* `entry`, `pid` (0: of the system) */
    PROCFS_SELF,
    PROCFS_THREAD_SELF,
    PROCFS_MOUNTS,
    PROCFS_NET_LINK,
    PROCFS_PID, /* /proc/PID, /proc/TID and /proc/PID/task/TID */
    PROCFS_TASK_DIR,
    PROCFS_FD_DIR,
    PROCFS_FDINFO_DIR,
    PROCFS_MAP_DIR,
    PROCFS_NET_DIR,
    PROCFS_EXE,
    PROCFS_CWD,
    PROCFS_ROOT,
    PROCFS_FD,  /* `fd`, `perm` */
    PROCFS_MAP, /* `start`, `end`, `perm` */
    PROCFS_FDINFO,
};

struct procfs_node {
    enum procfs_kind kind;
    s32 pid;
    u64 serial; /* of the process: the number may be another's by now */
    s32 tid; /* of a thread but the first, 0: none; it is the thread with that serial */
    u64 tid_serial;
    int fd;
    u32 perm;           /* of a link */
    vaddr_t start, end; /* of a mapping */
    bool task;          /* /proc/PID/task/TID and what lies below it */
    const char *prefix; /* PROCFS_DIR: its names in the table begin with these bytes */
    size_t prefix_len;
    const struct procfs_entry *entry;
};

static inline struct task_id procfs_node_task(const struct procfs_node *n)
{
    return (struct task_id){n->pid, n->tid, n->serial, n->tid_serial};
}

/* As pid_pin. */
static inline bool must_check procfs_node_pin(const struct procfs_node *n,
                                              struct pid_pin *pin)
{
    struct task_id id = procfs_node_task(n);

    return pid_pin(pin, &id);
}

extern const struct inode_ops procfs_magic_ops, procfs_text_link_ops, procfs_dir_ops,
    procfs_file_ops;
extern const struct file_ops procfs_dir_fops, procfs_file_fops;

/* Whether f is the directory of a process, and of which. */
struct file;
bool must_check procfs_file_process(const struct file *f, struct task_id *out);

void procfs_init(void); /* registers file system "proc" */
