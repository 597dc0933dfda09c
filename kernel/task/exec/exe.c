/* SPDX-License-Identifier: MIT
 *
 * Program files: nobody writes them as long as somebody runs them.
 */
#include "kernel/task/exec/exe.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "kernel/task/cred.h"
#include "kernel/task/proc.h"
#include "lib/uapi/fcntl.h"

static int deny_write(struct file *f)
{
    return inode_deny_write(f->inode);
}

/* f, just opened, as what is executed; or err, or that it is being written. */
static int take(struct file *f, int err, struct file **out)
{
    if (err)
        return err;
    err = deny_write(f);
    if (err)
        file_put(f);
    else
        *out = f;
    return err;
}

int exec_open(const struct path *base, const char *name, u32 lookup_flags,
              struct file **out)
{
    u32 flags = VFS_OPEN_EXEC | (lookup_flags & LOOKUP_FOLLOW ? 0 : O_NOFOLLOW);
    struct file *f = NULL;
    int err = vfs_open(&current_proc()->fs, base, *name ? name : ".", flags, 0, &f);

    return take(f, err, out);
}

int exec_open_path(const struct path *path, struct file **out)
{
    struct file *f = NULL;
    int err = file_open_path(&current_proc()->cred.fs, path, VFS_OPEN_EXEC, false, &f);

    return take(f, err, out);
}

void exec_close(struct file *f)
{
    if (!f)
        return;
    inode_allow_write(f->inode);
    file_put(f);
}

void proc_set_exe(struct proc *p, struct file *f)
{
    struct path path = f ? f->path : (struct path){NULL, NULL}, old;
    struct inode *old_inode;
    irqflags_t flags;

    path_get(&path);
    if (f)
        inode_get(f->inode);
    flags = spin_lock_irq(&proc_lock);
    old = p->exe;
    old_inode = p->exe_inode;
    p->exe = path;
    p->exe_inode = f ? f->inode : NULL;
    spin_unlock_irq(&proc_lock, flags);
    if (old_inode) {
        inode_allow_write(old_inode);
        inode_put(old_inode);
    }
    path_put(&old); /* last: the inode may lie in a file system that goes */
}

void proc_copy_exe(struct proc *to, const struct proc *from)
{
    int err;

    if (!from->exe_inode)
        return;
    /* It is denied already, so one more cannot fail. */
    err = inode_deny_write(from->exe_inode);
    ASSERT(err == 0);
    inode_get(from->exe_inode);
    to->exe_inode = from->exe_inode;
    to->exe = from->exe;
    path_get(&to->exe);
}
