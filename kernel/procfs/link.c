/* SPDX-License-Identifier: MIT
 *
 * The links of /proc/PID: exe, cwd, root, fd/N, map_files/RANGE lead to the very file the
 * process holds, also when its name is gone.
 */
#include "kernel/procfs/link.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/mount/path_text.h"
#include "fs/namei.h"
#include "kernel/procfs/file.h"
#include "kernel/procfs/map_files.h"
#include "kernel/procfs/node.h"
#include "kernel/task/proc_access.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

struct fdtable *procfs_get_files(const struct procfs_node *n)
{
    const struct task_id id = procfs_node_task(n);
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    struct fdtable *files = task_find(&id, &t) && t ? t->files : NULL;

    if (files)
        fdtable_get(files);
    spin_unlock_irq(&proc_lock, flags);
    return files;
}

static struct file *get_file(const struct procfs_node *n)
{
    struct fdtable *files = procfs_get_files(n);
    struct file *f = files ? fd_get(files, n->fd) : NULL;

    if (files)
        fdtable_put(files);
    return f;
}

/* A path the process itself holds; dentry NULL when there is none. */
static int process_path(const struct procfs_node *n, struct path *out)
{
    const struct task_id id = procfs_node_task(n);
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(&id, &t);
    int err = p ? 0 : -ESRCH;

    *out = (struct path){NULL, NULL};
    if (p && n->kind == PROCFS_EXE) {
        if (p->exe) {
            *out = p->exe->path;
            path_get(out);
        }
    } else if (t && t->fs.dirs && n->kind == PROCFS_CWD) {
        fs_cwd(&t->fs, out);
    } else if (t && t->fs.dirs) {
        fs_root(&t->fs, out);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (!err && !out->dentry)
        err = -ENOENT;
    return err;
}

static int find_path(const struct procfs_node *n, struct path *out, const char **text)
{
    struct file *f;

    *text = NULL;
    if (n->kind == PROCFS_MAP)
        return procfs_map_path(n, out, text);
    if (n->kind != PROCFS_FD)
        return process_path(n, out);
    f = get_file(n);
    if (!f)
        return -ENOENT;
    *out = f->path;
    path_get(out);
    file_put(f);
    return out->dentry ? 0 : -ENOENT;
}

/* The links lead past the permissions of the directories on the way, out of a chroot as
 * well: only who may look into the process goes or reads them. */
static int node_path(const struct procfs_node *n, struct path *out, const char **text)
{
    const struct task_id id = procfs_node_task(n);
    struct pid_pin pin;
    int err;

    if (!procfs_node_pin(n, &pin))
        return -ENOENT;
    err = task_check_look(&id, FS_IDS);
    if (!err)
        err = find_path(n, out, text);
    pid_unpin(&pin);
    return err;
}

static int magic_follow(struct inode *ino, struct path *out)
{
    const struct procfs_node *n = ino->data;
    const char *text;
    int err;

    if (n->kind == PROCFS_MAP && !capable(CAP_SYS_ADMIN) &&
        !capable(CAP_CHECKPOINT_RESTORE))
        return -EPERM;
    err = node_path(n, out, &text);
    return err || !text ? err : -ENXIO;
}

static ssize_t magic_readlink(struct inode *ino, char *buf, size_t size)
{
    struct path p;
    const char *text;
    int err = node_path(ino->data, &p, &text);
    ssize_t n;

    if (err)
        return err;
    if (text) {
        n = (ssize_t)MIN(strlen(text), size);
        memcpy(buf, text, (size_t)n);
        return n;
    }
    n = fs_path_text(current_fs(), &p, buf, size);
    path_put(&p);
    return n;
}

/* self, thread-self, mounts, net: plain links with a text. */
static ssize_t text_readlink(struct inode *ino, char *buf, size_t size)
{
    const struct procfs_node *n = ino->data;
    s32 pid = current_proc()->pid;
    char text[64];
    int len;

    if (n->kind == PROCFS_SELF)
        len = fmt_snprintf(text, sizeof(text), "%d", pid);
    else if (n->kind == PROCFS_THREAD_SELF)
        len = fmt_snprintf(text, sizeof(text), "%d/task/%d", pid, current_thread()->tid);
    else
        len = fmt_snprintf(text, sizeof(text), "self/%s",
                           n->kind == PROCFS_MOUNTS ? "mounts" : "net");
    len = MIN(len, (int)size);
    memcpy(buf, text, (size_t)len);
    return len;
}

const struct inode_ops procfs_magic_ops = {.readlink = magic_readlink,
                                           .follow = magic_follow,
                                           .destroy = procfs_node_destroy,
                                           .stat = procfs_node_stat,
                                           .passing = true};
const struct inode_ops procfs_text_link_ops = {.readlink = text_readlink,
                                               .destroy = procfs_node_destroy,
                                               .stat = procfs_node_stat,
                                               .passing = true};
