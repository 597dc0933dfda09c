/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/map_files: a link for each mapping of a file, by its first address and the one
 * behind it. Nothing is kept: a link leads to what is mapped just there now. Mappings that
 * have an object but no name, as shared anonymous ones, have a text and lead nowhere.
 */
#include "kernel/procfs/map_files.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "kernel/procfs/list.h"
#include "kernel/procfs/maps.h"
#include "kernel/task/proc.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/vm/vma.h"

#define BATCH 16

/* Hexadecimal without leading zeros, up to `end`; false: none. */
static bool parse(const char *name, size_t len, vaddr_t *out)
{
    *out = 0;
    if (len == 0 || len > 16 || (name[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i] | ('a' - 'A');
        bool digit = name[i] >= '0' && name[i] <= '9';

        if (!digit && (c < 'a' || c > 'f'))
            return false;
        *out = *out << 4 | (u64)(digit ? name[i] - '0' : c - 'a' + 10);
    }
    return true;
}

static bool parse_range(const char *name, size_t len, vaddr_t *start, vaddr_t *end)
{
    const char *minus = memchr(name, '-', len);
    size_t first = minus ? (size_t)(minus - name) : 0;

    return minus && parse(name, first, start) && parse(minus + 1, len - first - 1, end);
}

static bool has_link(const struct vma *v)
{
    return v->object || v->file || v->flags & VM_HUGE;
}

/* The mapping of just that range. mm locked shared. NULL: none with a link. */
static struct vma *find(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct vma *v = vma_find(mm, start);

    return v && v->start == start && v->end == end && has_link(v) ? v : NULL;
}

/* As the file was open when it was mapped. */
static u32 perm_of(const struct vma *v)
{
    const struct file *f = v->file ? container_of(v->file, struct file, vm) : NULL;

    return f ? (file_readable(f) ? 0400 : 0) | (file_writable(f) ? 0200 : 0) : 0600;
}

int procfs_lookup_map(const char *name, size_t len, struct procfs_node *n)
{
    struct mm *mm;
    struct vma *v = NULL;

    if (!parse_range(name, len, &n->start, &n->end))
        return -ENOENT;
    mm = proc_get_mm(n->pid);
    if (!mm)
        return -ENOENT;
    mm_lock_shared(mm);
    v = find(mm, n->start, n->end);
    if (v)
        n->perm = perm_of(v);
    mm_unlock_shared(mm);
    mm_put(mm);
    return v ? 0 : -ENOENT;
}

int procfs_map_path(const struct procfs_node *n, struct path *out, const char **text)
{
    struct mm *mm = proc_get_mm(n->pid);
    struct vma *v;
    int err = -ENOENT;

    *out = (struct path){NULL, NULL};
    *text = NULL;
    if (!mm)
        return err;
    mm_lock_shared(mm);
    v = find(mm, n->start, n->end);
    if (v) {
        err = 0;
        if (v->file)
            *out = container_of(v->file, struct file, vm)->path;
        if (out->dentry)
            path_get(out);
        else
            *text = procfs_nameless(v->flags);
    }
    mm_unlock_shared(mm);
    mm_put(mm);
    return err;
}

void procfs_list_maps(const struct procfs_node *dir, u64 first, struct dir_sink *s)
{
    struct mm *mm = proc_get_mm(dir->pid);
    vaddr_t next = s->pos > first ? (s->pos - first) << PAGE_SHIFT : 0, found[BATCH][2];
    struct procfs_node n = *dir;
    bool room = true;
    int count;

    if (!mm)
        return;
    n.kind = PROCFS_MAP;
    do {
        count = 0;
        mm_lock_shared(mm);
        for (struct vma *v = vma_find(mm, next); v && count < BATCH; v = vma_next(v)) {
            if (!has_link(v))
                continue;
            found[count][0] = v->start;
            found[count++][1] = next = v->end;
        }
        mm_unlock_shared(mm);
        for (int i = 0; i < count && room; i++) {
            char name[40];
            int len =
                fmt_snprintf(name, sizeof(name), "%lx-%lx", found[i][0], found[i][1]);

            n.start = found[i][0];
            room = procfs_emit(s, first + (n.start >> PAGE_SHIFT), name, (size_t)len, &n);
        }
    } while (count == BATCH && room && !pause_point());
    mm_put(mm);
}
