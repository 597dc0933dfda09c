/* SPDX-License-Identifier: MIT
 *
 * Inside procfs: what an inode stands for.
 */
#pragma once

#include "kernel/procfs/procfs.h"
#include "kernel/task/proc_access.h"
#include "lib/fmt.h"

enum proc_kind {
    PROC_DIR,  /* /proc and directories below /proc/sys */
    PROC_FILE, /* `entry`, `pid` (0: of the system) */
    PROC_SELF,
    PROC_THREAD_SELF,
    PROC_MOUNTS,
    PROC_PID, /* /proc/PID, /proc/TID and /proc/PID/task/TID */
    PROC_TASK_DIR,
    PROC_FD_DIR,
    PROC_FDINFO_DIR,
    PROC_EXE,
    PROC_CWD,
    PROC_ROOT,
    PROC_FD, /* `fd` */
    PROC_FDINFO,
};

struct proc_node {
    enum proc_kind kind;
    s32 pid;
    u64 serial; /* of the process: the number may be another's by now */
    s32 tid; /* of a thread but the first, 0: none; it is the thread with that serial */
    u64 tid_serial;
    int fd;
    bool task;          /* /proc/PID/task/TID and what lies below it */
    const char *prefix; /* PROC_DIR: its names in the table begin with these bytes */
    size_t prefix_len;
    const struct proc_entry *entry;
};

static inline struct task_id proc_node_task(const struct proc_node *n)
{
    return (struct task_id){n->pid, n->tid, n->serial, n->tid_serial};
}

/* As pid_pin. */
static inline bool must_check proc_node_pin(const struct proc_node *n,
                                            struct pid_pin *pin)
{
    struct task_id id = proc_node_task(n);

    return pid_pin(pin, &id);
}

/* An inode for n (copied), one reference. 0 or -ENOMEM. */
int proc_inode(const struct proc_node *n, struct inode **out);
void proc_node_destroy(struct inode *ino);
u64 proc_ino(const struct proc_node *n);

struct fdtable *proc_get_files(s32 pid);

extern const struct inode_ops proc_magic_ops, proc_text_link_ops, proc_dir_ops,
    proc_file_ops;
extern const struct file_ops proc_dir_fops, proc_file_fops;

/* /proc/PID/fdinfo/N. */
int proc_show_fdinfo(struct seq *s, s32 pid, int fd);

void procfs_init(void); /* registers file system "proc" */
