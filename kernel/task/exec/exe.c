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

/* f, just opened, as what is executed; or err, or that it is being written. */
static int take(struct file *f, int err, struct file **out)
{
    if (err)
        return err;
    err = inode_deny_write(f->inode);
    if (err) {
        file_put(f);
        return err;
    }
    f->denies_write = true;
    *out = f;
    return 0;
}

int exec_open(const struct path *base, const char *name, u32 lookup_flags,
              struct file **out)
{
    u32 flags = VFS_OPEN_EXEC | (lookup_flags & LOOKUP_FOLLOW ? 0 : O_NOFOLLOW);
    struct file *f = NULL;
    int err = vfs_open(current_fs(), base, *name ? name : ".", flags, 0, &f);

    return take(f, err, out);
}

int exec_open_path(const struct path *path, struct file **out)
{
    struct file *f = NULL;
    int err = file_open_path(&own_cred()->fs, path, VFS_OPEN_EXEC, false, &f);

    return take(f, err, out);
}

void exec_close(struct file *f)
{
    if (!f)
        return;
    f->denies_write = false; /* what is mapped of it does not count */
    inode_allow_write(f->inode);
    file_put(f);
}

void proc_set_exe(struct proc *p, struct file *f)
{
    struct file *old;
    irqflags_t flags;

    if (f)
        file_get(f);
    flags = spin_lock_irq(&proc_lock);
    old = p->exe;
    p->exe = f;
    spin_unlock_irq(&proc_lock, flags);
    if (old)
        file_put(old);
}

void proc_copy_exe(struct proc *to, const struct proc *from)
{
    to->exe = from->exe;
    if (to->exe)
        file_get(to->exe);
}
