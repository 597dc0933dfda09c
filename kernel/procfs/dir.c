/* SPDX-License-Identifier: MIT
 *
 * Directories of procfs: nothing is kept, every look-up and every listing asks the tables
 * and the list of processes. Positions of a listing: 0 and 1 are "." and "..", then the
 * fixed names, from FIRST_NUMBER on processes or descriptors by their number.
 */
#include "fs/fdtable.h"
#include "kernel/procfs/file.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/threads.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

#define FIRST_NUMBER 1000u

struct special {
    const char *name;
    enum proc_kind kind;
};

static const struct special root_names[] = {
    {"mounts", PROC_MOUNTS}, {"self", PROC_SELF}, {"thread-self", PROC_THREAD_SELF}};
static const struct special pid_names[] = {
    {"cwd", PROC_CWD},           {"exe", PROC_EXE},   {"fd", PROC_FD_DIR},
    {"fdinfo", PROC_FDINFO_DIR}, {"root", PROC_ROOT}, {"task", PROC_TASK_DIR}};

/* The directory of a process or thread: as task_identify(). 0 or -ENOENT. */
static int lookup_task(s32 tgid, s32 number, struct proc_node *out)
{
    struct task_id id;

    if (!task_identify(tgid, number, &id))
        return -ENOENT;
    *out = (struct proc_node){.kind = PROC_PID,
                              .pid = id.pid,
                              .serial = id.serial,
                              .tid = id.tid,
                              .tid_serial = id.tid_serial,
                              .task = tgid != 0};
    return 0;
}

/* A node about the same process or thread as the directory it is in. */
static struct proc_node same_task(const struct proc_node *dir, enum proc_kind kind)
{
    return (struct proc_node){.kind = kind,
                              .pid = dir->pid,
                              .serial = dir->serial,
                              .tid = dir->tid,
                              .tid_serial = dir->tid_serial,
                              .task = dir->task};
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

static bool find_special(const struct special *names, size_t count, const char *name,
                         size_t len, enum proc_kind *kind)
{
    for (size_t i = 0; i < count; i++) {
        if (is_name(names[i].name, name, len)) {
            *kind = names[i].kind;
            return true;
        }
    }
    return false;
}

/* Below a fixed directory: a file of the table, or a directory on the way to one. */
static int lookup_fixed(const struct proc_entry *table, const struct proc_node *dir,
                        const char *name, size_t len, struct proc_node *out)
{
    for (const struct proc_entry *e = table; e->name; e++) {
        const char *rest = e->name + dir->prefix_len;

        if (strncmp(e->name, dir->prefix, dir->prefix_len) != 0 ||
            strncmp(rest, name, len) != 0)
            continue;
        if (rest[len] == '\0') {
            *out = (struct proc_node){.kind = PROC_FILE, .entry = e};
            return 0;
        }
        if (rest[len] == '/') {
            *out = (struct proc_node){.kind = PROC_DIR,
                                      .prefix = e->name,
                                      .prefix_len = dir->prefix_len + len + 1};
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_dir(const struct proc_node *dir, const char *name, size_t len,
                      struct proc_node *out)
{
    s32 pid = to_number(name, len);

    if (dir->prefix_len == 0) {
        if (lookup_task(0, pid, out) == 0)
            return 0;
        if (find_special(root_names, ARRAY_SIZE(root_names), name, len, &out->kind))
            return 0;
    }
    if (lookup_fixed(proc_system_entries, dir, name, len, out) == 0)
        return 0;
    return lookup_fixed(proc_sys_entries, dir, name, len, out);
}

static int lookup_pid(const struct proc_node *dir, const char *name, size_t len,
                      struct proc_node *out)
{
    *out = same_task(dir, PROC_FILE);
    if (find_special(pid_names, ARRAY_SIZE(pid_names), name, len, &out->kind))
        return out->kind == PROC_TASK_DIR && dir->task ? -ENOENT : 0;
    for (const struct proc_entry *e = proc_pid_entries; e->name; e++) {
        if (is_name(e->name, name, len)) {
            out->entry = e;
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_number(const struct proc_node *dir, const char *name, size_t len,
                         struct proc_node *out)
{
    s32 number = to_number(name, len);
    struct fdtable *files;
    bool found;

    if (number < 0)
        return -ENOENT;
    if (dir->kind == PROC_TASK_DIR)
        return lookup_task(dir->pid, number, out);
    *out = same_task(dir, dir->kind == PROC_FD_DIR ? PROC_FD : PROC_FDINFO);
    out->fd = number;
    files = proc_get_files(dir->pid);
    found = files && fd_next(files, number) == number;
    if (files)
        fdtable_put(files);
    return found ? 0 : -ENOENT;
}

/* What a directory is about must be there still, and fdinfo is only for those who may look
 * into the process. Pins its number on success. */
static int enter(const struct proc_node *dir, struct pid_pin *pin)
{
    int err = 0;

    if (!dir->pid)
        return 0;
    if (!proc_node_pin(dir, pin))
        return -ENOENT;
    if (dir->kind == PROC_FDINFO_DIR)
        err = proc_check_look(dir->pid, FS_IDS);
    if (err)
        pid_unpin(pin);
    return err;
}

static void leave(const struct proc_node *dir, struct pid_pin *pin)
{
    if (dir->pid)
        pid_unpin(pin);
}

static int proc_lookup(struct inode *ino, const char *name, size_t len,
                       struct inode **out)
{
    const struct proc_node *dir = ino->data;
    struct proc_node n = {0};
    struct pid_pin pin;
    int err = enter(dir, &pin);

    if (err) /* Linux tells the end of the process itself apart */
        return err == -ENOENT && dir->kind == PROC_PID && !dir->task ? -ESRCH : err;
    if (dir->kind == PROC_DIR)
        err = lookup_dir(dir, name, len, &n);
    else if (dir->kind == PROC_PID)
        err = lookup_pid(dir, name, len, &n);
    else
        err = lookup_number(dir, name, len, &n);
    if (!err)
        err = proc_inode(&n, out);
    leave(dir, &pin);
    return err;
}

/* ---- listing ---- */

static u8 type_of(enum proc_kind kind)
{
    switch (kind) {
    case PROC_DIR:
    case PROC_PID:
    case PROC_TASK_DIR:
    case PROC_FD_DIR:
    case PROC_FDINFO_DIR:
        return DT_DIR;
    case PROC_FILE:
    case PROC_FDINFO:
        return DT_REG;
    default:
        return DT_LNK;
    }
}

/* Emits the entry at s->pos unless it lies before `at`; false: the buffer is full. */
static bool emit(struct dir_sink *s, u64 at, const char *name, size_t len,
                 const struct proc_node *n)
{
    if (s->pos > at)
        return true;
    if (!s->emit(s, name, len, proc_ino(n), type_of(n->kind), at + 1))
        return false;
    s->pos = at + 1;
    return true;
}

static bool list_specials(struct dir_sink *s, const struct special *names, size_t count,
                          const struct proc_node *dir, u64 *at)
{
    for (size_t i = 0; i < count; i++) {
        struct proc_node n = same_task(dir, names[i].kind);

        if (n.kind == PROC_TASK_DIR && dir->task)
            continue;
        if (!emit(s, (*at)++, names[i].name, strlen(names[i].name), &n))
            return false;
    }
    return true;
}

/* Names of the table below dir, each directory once: the table is sorted. */
static bool list_entries(struct dir_sink *s, const struct proc_entry *table,
                         const struct proc_node *dir, u64 *at)
{
    const char *before = NULL;
    size_t before_len = 0;

    for (const struct proc_entry *e = table; e->name; e++) {
        const char *name = e->name + dir->prefix_len;
        const char *slash;
        struct proc_node n = same_task(dir, PROC_FILE);
        size_t len;

        if (strncmp(e->name, dir->prefix ? dir->prefix : "", dir->prefix_len) != 0)
            continue;
        n.entry = e;
        slash = strchr(name, '/');
        len = slash ? (size_t)(slash - name) : strlen(name);
        if (before && before_len == len && memcmp(before, name, len) == 0)
            continue;
        before = name;
        before_len = len;
        if (slash)
            n = (struct proc_node){.kind = PROC_DIR,
                                   .prefix = e->name,
                                   .prefix_len = dir->prefix_len + len + 1};
        if (!emit(s, (*at)++, name, len, &n))
            return false;
    }
    return true;
}

static bool emit_number(struct dir_sink *s, s32 number, const struct proc_node *n)
{
    char name[16];
    int len = fmt_snprintf(name, sizeof(name), "%d", number);

    return emit(s, FIRST_NUMBER + (u64)number, name, (size_t)len, n);
}

static s32 first_number(const struct dir_sink *s)
{
    return s->pos > FIRST_NUMBER ? (s32)MIN(s->pos - FIRST_NUMBER, 0x7fffffffull) : 0;
}

static void list_processes(struct dir_sink *s)
{
    for (s32 pid = first_number(s); (pid = proc_next_pid(pid)) >= 0; pid++) {
        struct proc_node n = {.kind = PROC_PID, .pid = pid};

        if (!emit_number(s, pid, &n))
            return;
    }
}

static void list_threads(struct dir_sink *s, const struct proc_node *dir)
{
    for (s32 tid = first_number(s); (tid = task_next_tid(dir->pid, tid)) >= 0; tid++) {
        struct proc_node n = {.kind = PROC_PID, .pid = dir->pid, .task = true};

        n.tid = tid != dir->pid ? tid : 0;
        if (!emit_number(s, tid, &n))
            return;
    }
}

static void list_descriptors(struct dir_sink *s, const struct proc_node *dir)
{
    struct fdtable *files = proc_get_files(dir->pid);

    if (!files)
        return;
    for (int fd = first_number(s); (fd = fd_next(files, fd)) >= 0; fd++) {
        struct proc_node n =
            same_task(dir, dir->kind == PROC_FD_DIR ? PROC_FD : PROC_FDINFO);

        n.fd = fd;
        if (!emit_number(s, fd, &n))
            break;
    }
    fdtable_put(files);
}

static void list(const struct proc_node *dir, struct dir_sink *s)
{
    u64 at = 2;

    if (!emit(s, 0, ".", 1, dir) || !emit(s, 1, "..", 2, dir))
        return;
    if (dir->kind == PROC_DIR) {
        bool root = dir->prefix_len == 0;

        if (list_entries(s, proc_system_entries, dir, &at) &&
            list_entries(s, proc_sys_entries, dir, &at) && root &&
            list_specials(s, root_names, ARRAY_SIZE(root_names), dir, &at))
            list_processes(s);
    } else if (dir->kind == PROC_PID) {
        if (list_entries(s, proc_pid_entries, dir, &at))
            list_specials(s, pid_names, ARRAY_SIZE(pid_names), dir, &at);
    } else if (dir->kind == PROC_TASK_DIR) {
        list_threads(s, dir);
    } else {
        list_descriptors(s, dir);
    }
}

static int proc_readdir(struct file *f, struct dir_sink *s)
{
    const struct proc_node *dir = f->inode->data;
    struct pid_pin pin;
    int err = enter(dir, &pin);

    if (err)
        return err;
    list(dir, s);
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

static s64 dir_lseek(struct file *f, s64 offset, int whence)
{
    s64 to = whence == SEEK_CUR ? (s64)f->pos + offset : offset;

    return (whence != SEEK_SET && whence != SEEK_CUR) || to < 0 ? -EINVAL : to;
}

static ssize_t dir_read(struct file *f, struct uio *u, u64 *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return -EISDIR;
}

const struct inode_ops proc_dir_ops = {.lookup = proc_lookup,
                                       .destroy = proc_node_destroy};
const struct file_ops proc_dir_fops = {
    .open = dir_open, .read = dir_read, .readdir = proc_readdir, .lseek = dir_lseek};
