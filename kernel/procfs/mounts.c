/* SPDX-License-Identifier: MIT
 *
 * /proc/filesystems, mounts, mountinfo: what can be mounted, and what is.
 */
#include "kernel/procfs/mounts.h"
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/mount/path_text.h"
#include "fs/namei.h"
#include "kernel/procfs/procfs.h"
#include "kernel/procfs/system.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mount.h"
#include "mm/phys/slab.h"

#define OPTIONS_MAX 256

static void print_type(const struct fs_type *type, void *arg)
{
    seq_printf(arg, "nodev\t%s\n", type->name);
}

int procfs_show_filesystems(struct seq *s, s32 pid)
{
    (void)pid;
    vfs_for_each_type(print_type, s);
    return 0;
}

static void put_flags(struct seq *s, u32 flags)
{
    static const struct {
        u32 flag;
        const char *text;
    } names[] = {{MS_SYNCHRONOUS, ",sync"},       {MS_DIRSYNC, ",dirsync"},
                 {MS_MANDLOCK, ",mand"},          {MS_LAZYTIME, ",lazytime"},
                 {MS_NOSUID, ",nosuid"},          {MS_NODEV, ",nodev"},
                 {MS_NOEXEC, ",noexec"},          {MS_NOATIME, ",noatime"},
                 {MS_NODIRATIME, ",nodiratime"},  {MS_RELATIME, ",relatime"},
                 {MS_NOSYMFOLLOW, ",nosymfollow"}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (flags & names[i].flag)
            seq_puts(s, names[i].text);
}

/* What would end a field; a source could be taken for a comment, too. */
#define ESCAPED        " \t\n\\"
#define ESCAPED_SOURCE ESCAPED "#"

/* The part of its file system that the mount shows: "/" unless it is a bind mount. */
static void put_root(struct seq *s, const struct mount_info *m)
{
    struct path at = m->at;
    char *text = kmalloc(PATH_MAX);

    if (!text || vfs_root_text(&at, text, PATH_MAX) < 0)
        s->error = -ENOMEM;
    else
        seq_escape(s, text, ESCAPED);
    kfree(text);
}

static void put_options(struct seq *s, const struct mount_info *m)
{
    char text[OPTIONS_MAX] = "";

    if (m->type->show)
        m->type->show(m->super, text, sizeof(text));
    seq_puts(s, text);
}

static bool is_seen(const struct mount_info *m)
{
    return fs_path_reachable(current_fs(), &m->at);
}

static void print_mount(const struct mount_info *m, void *arg)
{
    struct seq *s = arg;

    if (!is_seen(m))
        return;
    seq_escape(s, m->source, ESCAPED_SOURCE);
    seq_puts(s, " ");
    seq_path(s, &m->at, ESCAPED);
    seq_printf(s, " %s %s", m->type->name,
               (m->flags | m->super_flags) & MS_RDONLY ? "ro" : "rw");
    put_flags(s, m->flags | m->super_flags);
    put_options(s, m);
    seq_puts(s, " 0 0\n");
}

static void print_mountinfo(const struct mount_info *m, void *arg)
{
    struct seq *s = arg;

    if (!is_seen(m))
        return;
    seq_printf(s, "%u %u %lu:%lu ", m->id, m->parent ? m->parent : m->id, m->dev >> 8,
               m->dev & 0xff);
    put_root(s, m);
    seq_puts(s, " ");
    seq_path(s, &m->at, ESCAPED);
    seq_puts(s, m->flags & MS_RDONLY ? " ro" : " rw");
    put_flags(s, m->flags);
    seq_printf(s, " - %s ", m->type->name);
    seq_escape(s, m->source, ESCAPED_SOURCE);
    seq_puts(s, m->super_flags & MS_RDONLY ? " ro" : " rw");
    put_flags(s, m->super_flags);
    put_options(s, m);
    seq_puts(s, "\n");
}

int procfs_show_mounts(struct seq *s, s32 pid)
{
    (void)pid;
    vfs_for_each_mount(print_mount, s);
    return 0;
}

int procfs_show_mountinfo(struct seq *s, s32 pid)
{
    (void)pid;
    vfs_for_each_mount(print_mountinfo, s);
    return 0;
}
