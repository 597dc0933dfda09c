/* SPDX-License-Identifier: MIT
 *
 * Directories of procfs: nothing is kept, every look-up and every listing asks the tables
 * and the list of processes.
 */
#include "kernel/procfs/dir.h"
#include "fs/fdtable.h"
#include "kernel/procfs/file.h"
#include "kernel/procfs/link.h"
#include "kernel/procfs/list.h"
#include "kernel/procfs/map_files.h"
#include "kernel/procfs/node.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/threads.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

const struct procfs_special procfs_root_names[] = {{"mounts", PROCFS_MOUNTS},
                                                   {"net", PROCFS_NET_LINK},
                                                   {"self", PROCFS_SELF},
                                                   {"thread-self", PROCFS_THREAD_SELF},
                                                   {NULL, 0}};
const struct procfs_special procfs_pid_names[] = {
    {"cwd", PROCFS_CWD},           {"exe", PROCFS_EXE},           {"fd", PROCFS_FD_DIR},
    {"fdinfo", PROCFS_FDINFO_DIR}, {"map_files", PROCFS_MAP_DIR}, {"net", PROCFS_NET_DIR},
    {"root", PROCFS_ROOT},         {"task", PROCFS_TASK_DIR},     {NULL, 0}};

/* The directory of a process or thread: as task_identify(). 0 or -ENOENT. */
static int lookup_task(s32 tgid, s32 number, struct procfs_node *out)
{
    struct task_id id;

    if (!task_identify(tgid, number, &id))
        return -ENOENT;
    *out = (struct procfs_node){.kind = PROCFS_PID,
                                .pid = id.pid,
                                .serial = id.serial,
                                .tid = id.tid,
                                .tid_serial = id.tid_serial,
                                .task = tgid != 0};
    return 0;
}

static bool is_name(const char *have, const char *name, size_t len)
{
    return strncmp(have, name, len) == 0 && have[len] == '\0';
}

/* A number without sign and leading zeros; -1: none. */
static s32 to_number(const char *name, size_t len)
{
    s64 value = 0;

    if (len == 0 || (name[0] == '0' && len > 1))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || value > 0x7ffffff)
            return -1;
        value = value * 10 + (name[i] - '0');
    }
    return (s32)value;
}

/* ---- look-up ---- */

static bool find_special(const struct procfs_special *names, const char *name, size_t len,
                         enum procfs_kind *kind)
{
    for (; names->name; names++) {
        if (is_name(names->name, name, len)) {
            *kind = names->kind;
            return true;
        }
    }
    return false;
}

/* Below a fixed directory: a file of the table, or a directory on the way to one. */
static int lookup_fixed(const struct procfs_entry *table, const struct procfs_node *dir,
                        const char *name, size_t len, struct procfs_node *out)
{
    for (const struct procfs_entry *e = table; e->name; e++) {
        const char *rest = e->name + dir->prefix_len;

        if (strncmp(e->name, dir->prefix, dir->prefix_len) != 0 ||
            strncmp(rest, name, len) != 0)
            continue;
        if (rest[len] == '\0') {
            *out = (struct procfs_node){.kind = PROCFS_FILE, .entry = e};
            return 0;
        }
        if (rest[len] == '/') {
            *out = (struct procfs_node){.kind = PROCFS_DIR,
                                        .prefix = e->name,
                                        .prefix_len = dir->prefix_len + len + 1};
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_dir(const struct procfs_node *dir, const char *name, size_t len,
                      struct procfs_node *out)
{
    s32 pid = to_number(name, len);

    if (dir->prefix_len == 0) {
        if (lookup_task(0, pid, out) == 0)
            return 0;
        if (find_special(procfs_root_names, name, len, &out->kind))
            return 0;
    }
    if (lookup_fixed(procfs_system_entries, dir, name, len, out) == 0)
        return 0;
    return lookup_fixed(procfs_sys_entries, dir, name, len, out);
}

static int lookup_pid(const struct procfs_node *dir, const char *name, size_t len,
                      struct procfs_node *out)
{
    *out = procfs_same_task(dir, PROCFS_FILE);
    if (find_special(procfs_pid_names, name, len, &out->kind))
        return procfs_is_there(out->kind, dir) ? 0 : -ENOENT;
    for (const struct procfs_entry *e = procfs_pid_entries; e->name; e++) {
        if (is_name(e->name, name, len) && (dir->task || !e->of_thread)) {
            out->entry = e;
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_number(const struct procfs_node *dir, const char *name, size_t len,
                         struct procfs_node *out)
{
    s32 number = to_number(name, len);
    struct fdtable *files;
    struct file *f;

    if (number < 0)
        return -ENOENT;
    if (dir->kind == PROCFS_TASK_DIR)
        return lookup_task(dir->pid, number, out);
    *out = procfs_same_task(dir, dir->kind == PROCFS_FD_DIR ? PROCFS_FD : PROCFS_FDINFO);
    out->fd = number;
    files = procfs_get_files(dir);
    f = files ? fd_get(files, number) : NULL;
    if (files)
        fdtable_put(files);
    if (!f)
        return -ENOENT;
    if (!(file_flags(f) & O_PATH))
        out->perm = (file_readable(f) ? 0500 : 0) | (file_writable(f) ? 0300 : 0);
    file_put(f);
    return 0;
}

static int lookup_map(const struct procfs_node *dir, const char *name, size_t len,
                      struct procfs_node *out)
{
    *out = procfs_same_task(dir, PROCFS_MAP);
    return procfs_lookup_map(name, len, out);
}

/* What a directory is about must be there still, and fdinfo and map_files are only for those who
 * may look into the process. Pins its number on success. */
static int enter(const struct procfs_node *dir, struct pid_pin *pin)
{
    const struct task_id id = procfs_node_task(dir);
    int err = 0;

    if (!dir->pid)
        return 0;
    if (!procfs_node_pin(dir, pin))
        return -ENOENT;
    if (dir->kind == PROCFS_FDINFO_DIR || dir->kind == PROCFS_MAP_DIR)
        err = task_check_look(&id, FS_IDS);
    if (err)
        pid_unpin(pin);
    return err;
}

static void leave(const struct procfs_node *dir, struct pid_pin *pin)
{
    if (dir->pid)
        pid_unpin(pin);
}

static int procfs_lookup(struct inode *ino, const char *name, size_t len,
                         struct inode **out)
{
    const struct procfs_node *dir = ino->data;
    struct procfs_node n = {0};
    struct pid_pin pin;
    int err = enter(dir, &pin);

    if (err) /* Linux tells the end of the process itself apart */
        return err == -ENOENT && dir->kind == PROCFS_PID && !dir->task ? -ESRCH : err;
    if (dir->kind == PROCFS_DIR)
        err = lookup_dir(dir, name, len, &n);
    else if (dir->kind == PROCFS_PID)
        err = lookup_pid(dir, name, len, &n);
    else if (dir->kind == PROCFS_NET_DIR)
        err = lookup_fixed(procfs_net_entries, dir, name, len, &n);
    else if (dir->kind == PROCFS_MAP_DIR)
        err = lookup_map(dir, name, len, &n);
    else
        err = lookup_number(dir, name, len, &n);
    if (!err)
        err = procfs_inode(&n, out);
    leave(dir, &pin);
    return err;
}

/* ---- listing ---- */

static int procfs_readdir(struct file *f, struct dir_sink *s)
{
    const struct procfs_node *dir = f->inode->data;
    struct pid_pin pin;
    int err = enter(dir, &pin);

    if (err)
        return err;
    procfs_list(dir, s);
    leave(dir, &pin);
    return 0;
}

static int dir_open(struct file *f)
{
    struct pid_pin pin;
    int err = enter(f->inode->data, &pin);

    if (!err)
        leave(f->inode->data, &pin);
    return err;
}

static ssize_t dir_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return -EISDIR;
}

/* All directories are 0 bytes long. */
static s64 dir_seek(struct file *f, s64 offset, int whence)
{
    return file_seek(f, offset, whence == SEEK_END ? SEEK_SET : whence);
}

const struct inode_ops procfs_dir_ops = {.lookup = procfs_lookup,
                                         .destroy = procfs_node_destroy,
                                         .stat = procfs_node_stat,
                                         .passing = true};
const struct file_ops procfs_dir_fops = {
    .open = dir_open, .read = dir_read, .readdir = procfs_readdir, .lseek = dir_seek};
