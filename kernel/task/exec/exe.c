/* SPDX-License-Identifier: MIT
 *
 * The program file of a process: nobody writes it as long as somebody runs it.
 */
#include "kernel/task/exec/exe.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "kernel/task/proc.h"

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
