/* SPDX-License-Identifier: MIT
 *
 * Listings of procfs. Positions: 0 and 1 are "." and "..", then the fixed names, from FIRST_NUMBER
 * on processes or descriptors by their number.
 */
#include "kernel/procfs/list.h"
#include "fs/fdtable.h"
#include "kernel/procfs/dir.h"
#include "kernel/procfs/file.h"
#include "kernel/procfs/link.h"
#include "kernel/procfs/map_files.h"
#include "kernel/procfs/node.h"
#include "lib/string.h"
#include "lib/uapi/stat.h"

#define FIRST_NUMBER 1000u

static u8 type_of(enum procfs_kind kind)
{
    switch (kind) {
    case PROCFS_DIR:
    case PROCFS_PID:
    case PROCFS_TASK_DIR:
    case PROCFS_FD_DIR:
    case PROCFS_FDINFO_DIR:
    case PROCFS_MAP_DIR:
    case PROCFS_NET_DIR:
        return DT_DIR;
    case PROCFS_FILE:
    case PROCFS_FDINFO:
        return DT_REG;
    default:
        return DT_LNK;
    }
}

bool procfs_emit(struct dir_sink *s, u64 at, const char *name, size_t len,
                 const struct procfs_node *n)
{
    if (s->pos > at)
        return true;
    if (!s->emit(s, name, len, procfs_ino(n), type_of(n->kind), at + 1))
        return false;
    s->pos = at + 1;
    return true;
}

static bool list_specials(struct dir_sink *s, const struct procfs_special *names,
                          const struct procfs_node *dir, u64 *at)
{
    for (; names->name; names++) {
        struct procfs_node n = procfs_same_task(dir, names->kind);

        if (!procfs_is_there(n.kind, dir))
            continue;
        if (!procfs_emit(s, (*at)++, names->name, strlen(names->name), &n))
            return false;
    }
    return true;
}

/* Names of the table below dir, each directory once: the table is sorted. */
static bool list_entries(struct dir_sink *s, const struct procfs_entry *table,
                         const struct procfs_node *dir, u64 *at)
{
    const char *before = NULL;
    size_t before_len = 0;

    for (const struct procfs_entry *e = table; e->name; e++) {
        const char *name = e->name + dir->prefix_len;
        const char *slash;
        struct procfs_node n = {.kind = PROCFS_FILE};
        size_t len;

        if (strncmp(e->name, dir->prefix ? dir->prefix : "", dir->prefix_len) != 0 ||
            (e->of_thread && !dir->task))
            continue;
        if (table == procfs_pid_entries)
            n = procfs_same_task(dir, PROCFS_FILE);
        n.entry = e;
        slash = strchr(name, '/');
        len = slash ? (size_t)(slash - name) : strlen(name);
        if (before && before_len == len && memcmp(before, name, len) == 0)
            continue;
        before = name;
        before_len = len;
        if (slash)
            n = (struct procfs_node){.kind = PROCFS_DIR,
                                     .prefix = e->name,
                                     .prefix_len = dir->prefix_len + len + 1};
        if (!procfs_emit(s, (*at)++, name, len, &n))
            return false;
    }
    return true;
}

static bool emit_number(struct dir_sink *s, s32 number, const struct procfs_node *n)
{
    char name[16];
    int len = fmt_snprintf(name, sizeof(name), "%d", number);

    return procfs_emit(s, FIRST_NUMBER + (u64)number, name, (size_t)len, n);
}

static s32 first_number(const struct dir_sink *s)
{
    return s->pos > FIRST_NUMBER ? (s32)MIN(s->pos - FIRST_NUMBER, 0x7fffffffull) : 0;
}

static void list_processes(struct dir_sink *s)
{
    for (s32 pid = first_number(s); (pid = proc_next_pid(pid)) >= 0; pid++) {
        struct procfs_node n = {.kind = PROCFS_PID, .pid = pid};

        if (!emit_number(s, pid, &n))
            return;
    }
}

static void list_threads(struct dir_sink *s, const struct procfs_node *dir)
{
    for (s32 tid = first_number(s); (tid = task_next_tid(dir->pid, tid)) >= 0; tid++) {
        struct procfs_node n = {.kind = PROCFS_PID, .pid = dir->pid, .task = true};

        n.tid = tid != dir->pid ? tid : 0;
        if (!emit_number(s, tid, &n))
            return;
    }
}

static void list_descriptors(struct dir_sink *s, const struct procfs_node *dir)
{
    struct fdtable *files = procfs_get_files(dir);

    if (!files)
        return;
    for (int fd = first_number(s); (fd = fd_next(files, fd)) >= 0; fd++) {
        struct procfs_node n =
            procfs_same_task(dir, dir->kind == PROCFS_FD_DIR ? PROCFS_FD : PROCFS_FDINFO);

        n.fd = fd;
        if (!emit_number(s, fd, &n))
            break;
    }
    fdtable_put(files);
}

void procfs_list(const struct procfs_node *dir, struct dir_sink *s)
{
    u64 at = 2;

    if (!procfs_emit(s, 0, ".", 1, dir) || !procfs_emit(s, 1, "..", 2, dir))
        return;
    if (dir->kind == PROCFS_DIR) {
        bool root = dir->prefix_len == 0;

        if (list_entries(s, procfs_system_entries, dir, &at) &&
            list_entries(s, procfs_sys_entries, dir, &at) && root &&
            list_specials(s, procfs_root_names, dir, &at))
            list_processes(s);
    } else if (dir->kind == PROCFS_PID) {
        if (list_entries(s, procfs_pid_entries, dir, &at))
            list_specials(s, procfs_pid_names, dir, &at);
    } else if (dir->kind == PROCFS_NET_DIR) {
        list_entries(s, procfs_net_entries, dir, &at);
    } else if (dir->kind == PROCFS_TASK_DIR) {
        list_threads(s, dir);
    } else if (dir->kind == PROCFS_MAP_DIR) {
        procfs_list_maps(dir, FIRST_NUMBER, s);
    } else {
        list_descriptors(s, dir);
    }
}
