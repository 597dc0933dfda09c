/* SPDX-License-Identifier: MIT
 *
 * Inodes of procfs: made at look-up, each for one node; nothing keeps them but who uses them.
 */
#include "kernel/procfs/node.h"
#include "fs/inode.h"
#include "fs/wallclock.h"
#include "kernel/procfs/file.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define PROC_DEV 4u

/* The entry's place in its table; settings come after the other files of the system. */
static u64 entry_number(const struct procfs_node *n)
{
    if (n->pid)
        return (u64)(n->entry - procfs_pid_entries);
    if (n->entry->value)
        return 0x8000 + (u64)(n->entry - procfs_sys_entries);
    if (n->entry >= procfs_net_entries &&
        n->entry < procfs_net_entries + PROCFS_NET_ENTRIES)
        return 0x4000 + (u64)(n->entry - procfs_net_entries);
    return (u64)(n->entry - procfs_system_entries);
}

/* Numbers that tell nodes apart: the process, what it is, and which. */
u64 procfs_ino(const struct procfs_node *n)
{
    u64 which = (u64)n->fd;

    if (n->kind == PROCFS_DIR && !n->prefix_len && !n->pid)
        return 1; /* the root, as everywhere */
    if (n->kind == PROCFS_FILE)
        which = entry_number(n);
    else if (n->kind == PROCFS_DIR)
        which = n->prefix_len;
    else if (n->kind == PROCFS_MAP)
        which = n->start >> PAGE_SHIFT;
    return (u64)n->task << 40 | (u64)(n->tid ? n->tid : n->pid) << 24 |
           (u64)(n->kind + 1) << 16 | (which & 0xffff);
}

static u32 mode_of(const struct procfs_node *n)
{
    switch (n->kind) {
    case PROCFS_FILE:
        return S_IFREG | n->entry->perm;
    case PROCFS_FDINFO:
        return S_IFREG | 0444;
    case PROCFS_DIR:
    case PROCFS_PID:
    case PROCFS_TASK_DIR:
    case PROCFS_NET_DIR:
        return S_IFDIR | 0555;
    case PROCFS_FD_DIR:
    case PROCFS_FDINFO_DIR:
    case PROCFS_MAP_DIR:
        return S_IFDIR | 0500;
    case PROCFS_FD:
    case PROCFS_MAP:
        return S_IFLNK | n->perm;
    default:
        return S_IFLNK | 0777;
    }
}

struct procfs_inode {
    struct inode inode;
    struct procfs_node node;
};

SLAB_CACHE(inode_cache, "procfs_inode", struct procfs_inode);

static void choose_ops(struct inode *ino, const struct procfs_node *n)
{
    if (S_ISDIR(ino->mode)) {
        ino->ops = &procfs_dir_ops;
        ino->fops = &procfs_dir_fops;
    } else if (S_ISREG(ino->mode)) {
        ino->ops = &procfs_file_ops;
        ino->fops =
            n->kind == PROCFS_FILE && n->entry->fops ? n->entry->fops : &procfs_file_fops;
    } else {
        bool plain = n->kind == PROCFS_SELF || n->kind == PROCFS_THREAD_SELF ||
                     n->kind == PROCFS_MOUNTS || n->kind == PROCFS_NET_LINK;

        ino->ops = plain ? &procfs_text_link_ops : &procfs_magic_ops;
    }
}

/* What is of a process belongs to its user, and to root when it may not be dumped or has
 * ended; but its directory tells its user in any case, and its own descriptors are open to
 * itself. */
static void choose_owner(struct inode *ino, const struct procfs_node *n)
{
    bool own = n->kind == PROCFS_FD_DIR || n->kind == PROCFS_FDINFO_DIR ||
               n->kind == PROCFS_MAP_DIR;
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct task_id id = procfs_node_task(n);
    struct thread *t = NULL;
    const struct proc *p = task_find(&id, &t);

    if (p && own && p == current_proc()) {
        ino->uid = own_cred()->fs.uid;
        ino->gid = own_cred()->fs.gid;
    } else if (p && (n->kind == PROCFS_PID || (p->mm && p->dumpable == DUMP_USER))) {
        ino->uid = cred_of(p, t)->euid;
        ino->gid = cred_of(p, t)->egid;
    }
    if (p && n->kind == PROCFS_TASK_DIR)
        ino->nlink += p->nthreads;
    spin_unlock_irq(&proc_lock, flags);
}

int procfs_inode(const struct procfs_node *n, struct inode **out)
{
    struct procfs_inode *p = slab_zalloc(&inode_cache);
    struct inode *ino;

    if (!p)
        return -ENOMEM;
    p->node = *n;
    ino = &p->inode;
    ino->ino = procfs_ino(n);
    ino->dev = PROC_DEV;
    ino->mode = mode_of(n);
    ino->strict = n->kind == PROCFS_FILE && n->entry->value;
    ino->nlink = S_ISDIR(ino->mode) ? 2 : 1;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = (s64)wall_ns();
    mutex_init(&ino->lock);
    ino->data = &p->node;
    choose_ops(ino, n);
    if (n->pid)
        choose_owner(ino, n);
    *out = ino;
    return 0;
}

void procfs_node_destroy(struct inode *ino)
{
    inode_uncharge(ino);
    slab_free(&inode_cache, container_of(ino, struct procfs_inode, inode));
}

void procfs_node_stat(struct inode *ino, struct kernel_stat *st)
{
    (void)ino;
    st->st_blksize =
        1024; /* as always on Linux: C libraries read so many bytes at once */
}
