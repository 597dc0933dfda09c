/* SPDX-License-Identifier: MIT
 *
 * procfs: files whose text is made when they are read from the start. One open file keeps its
 * text until it is read from the start again.
 */
#include "kernel/procfs/file.h"
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "kernel/procfs/link.h"
#include "kernel/procfs/node.h"
#include "kernel/procfs/sysctl.h"
#include "kernel/procfs/system.h"
#include "kernel/task/proc_access.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

#define PROC_MAGIC 0x9fa0u
#define STORE_MAX  128u

struct procfs_text {
    struct mutex lock;
    struct seq text; /* the piece read last */
    u64 base;        /* where in the file it begins */
    bool made;
    u64 mm_id; /* GUARD_MEMORY: of the memory it was opened for; 0: none */
    u64 seen;  /* of mounts: vfs_mount_changes when it was opened or polled last */
};

bool procfs_file_process(const struct file *f, struct task_id *out)
{
    const struct procfs_node *n = f->inode->data;

    if (f->inode->ops != &procfs_dir_ops || n->kind != PROCFS_PID || n->task || n->tid)
        return false;
    *out = procfs_node_task(n);
    return true;
}

/* ---- files ---- */

static int show_fdinfo(struct seq *s, const struct procfs_node *n)
{
    struct fdtable *files = procfs_get_files(n);
    struct file *f = files ? fd_get(files, n->fd) : NULL;
    bool closes = f && fd_get_cloexec(files, n->fd) > 0;
    u64 owner = files ? fdtable_lock_owner(files) : 0;

    if (files)
        fdtable_put(files);
    if (!f)
        return -ENOENT;
    if (!s->from)
        seq_printf(s, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
                   READ_ONCE(f->pos), file_flags(f) | (closes ? O_CLOEXEC : 0),
                   f->path.mnt ? f->path.mnt->id : 0, f->inode->ino);
    procfs_show_own_locks(s, f, owner);
    if (f->ops->show && !s->from)
        f->ops->show(f, s);
    file_put(f);
    return 0;
}

static int show_node(const struct procfs_node *n, struct seq *s)
{
    struct task_id id = procfs_node_task(n);

    if (n->kind == PROCFS_FDINFO)
        return show_fdinfo(s, n);
    if (n->entry->value)
        return sysctl_show(n->entry->value, s);
    if (n->entry->show_task)
        return n->entry->show_task(s, &id, !n->task);
    return n->entry->show ? n->entry->show(s, n->pid) : -EINVAL;
}

static int store_node(const struct procfs_node *n, char *text, size_t len)
{
    struct task_id id = procfs_node_task(n);

    if (n->entry->value)
        return sysctl_store(n->entry->value, text, len);
    if (n->entry->store_task)
        return n->entry->store_task(&id, text, len);
    return n->entry->store(n->pid, text, len);
}

static bool is_storable(const struct procfs_node *n)
{
    return n->kind == PROCFS_FILE &&
           (n->entry->store || n->entry->store_task || n->entry->value);
}

/* What the entry asks for when it is opened, and which memory it will show. */
static int open_guard(const struct procfs_node *n, u64 *mm_id)
{
    const struct task_id id = procfs_node_task(n);
    struct mm *mm;
    int err;

    *mm_id = 0;
    if (n->kind != PROCFS_FILE || n->entry->guard != GUARD_MEMORY)
        return 0;
    err = task_access_mm(&id, FS_IDS, &mm);
    if (err == -ESRCH) /* it has ended: there is nothing to see */
        return 0;
    if (err)
        return -EACCES;
    *mm_id = mm->id;
    mm_put(mm);
    return 0;
}

/* Whether the memory that the file was opened for is still the process's. */
static bool memory_is_there(const struct procfs_node *n, const struct procfs_text *t)
{
    struct mm *mm = proc_get_mm(n->pid);
    bool same = mm && mm->id == t->mm_id;

    if (mm)
        mm_put(mm);
    return same;
}

static int text_open(struct file *f)
{
    const struct procfs_node *n = f->inode->data;
    struct procfs_text *t;
    u64 mm_id;
    int err;

    err = open_guard(n, &mm_id);
    if (err)
        return err;
    t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    mutex_init(&t->lock);
    mutex_bears_faults(&t->lock);
    seq_init(&t->text, f->account);
    t->mm_id = mm_id;
    t->seen = __atomic_load_n(&vfs_mount_changes, __ATOMIC_ACQUIRE);
    f->data = t;
    return 0;
}

static void text_release(struct file *f)
{
    struct procfs_text *t = f->data;

    if (!t)
        return;
    seq_free(&t->text);
    kfree(t);
}

/* Texts of a process are made while its number is pinned: it cannot become another's between
 * two looks. */
static int show_pinned(const struct procfs_node *n, struct procfs_text *t)
{
    struct pid_pin pin;
    int err = 0;

    if (!n->pid)
        return show_node(n, &t->text);
    if (!procfs_node_pin(n, &pin))
        return -ESRCH;
    if (n->kind != PROCFS_FILE || n->entry->guard != GUARD_MEMORY ||
        memory_is_there(n, t))
        err = show_node(n, &t->text);
    pid_unpin(&pin);
    return err;
}

/* The piece that begins at the writer's number `from`, in the file at byte `base`. */
static int make_text(const struct procfs_node *n, struct procfs_text *t, u64 from,
                     u64 base)
{
    int err;

    seq_free(&t->text);
    t->made = false;
    t->base = base;
    t->text.from = from;
    err = show_pinned(n, t);
    if (!err)
        err = t->text.error;
    if (err)
        seq_free(&t->text);
    t->made = !err;
    return err;
}

/* Makes the piece in which byte `pos` lies, or the last one. */
static int find_piece(const struct procfs_node *n, struct procfs_text *t, u64 pos)
{
    int err = 0;

    if (pos == 0 || !t->made || pos < t->base)
        err = make_text(n, t, 0, 0);
    while (!err && t->text.next && pos >= t->base + t->text.len) {
        err = make_text(n, t, t->text.next, t->base + t->text.len);
        if (pause_point())
            err = -EINTR;
    }
    return err;
}

static ssize_t text_read(struct file *f, struct uio *u, u64 *pos)
{
    struct procfs_text *t = f->data;
    ssize_t done = 0, n;

    mutex_lock(&t->lock);
    do {
        n = find_piece(f->inode->data, t, *pos);
        if (n == 0)
            n = seq_read(&t->text, u, *pos - t->base);
        if (n > 0) {
            *pos += (u64)n;
            done += n;
        }
    } while (n > 0 && u->left);
    mutex_unlock(&t->lock);
    return done ? done : n;
}

static int store_pinned(const struct procfs_node *n, char *text, size_t len)
{
    struct pid_pin pin;
    int err;

    if (!n->pid)
        return store_node(n, text, len);
    if (!procfs_node_pin(n, &pin))
        return -ESRCH;
    err = store_node(n, text, len);
    pid_unpin(&pin);
    return err;
}

static ssize_t text_write(struct file *f, struct uio *u, u64 *pos)
{
    const struct procfs_node *n = f->inode->data;
    char text[STORE_MAX + 1];
    size_t len = u->left;
    int err;

    if (!is_storable(n)) /* who may pass over the mode opens it all the same */
        return n->pid ? -EINVAL : -EIO;
    if (len > STORE_MAX)
        return -EINVAL;
    if (uio_copy_from(u, text, len) < len)
        return -EFAULT;
    text[len] = '\0';
    err = store_pinned(n, text, len);
    if (err)
        return err;
    *pos += len;
    return (ssize_t)len;
}

/* O_TRUNC on a file of /proc does nothing. */
static int text_truncate(struct inode *ino, u64 size)
{
    (void)ino;
    (void)size;
    return 0;
}

const struct inode_ops procfs_file_ops = {.truncate = text_truncate,
                                          .destroy = procfs_node_destroy,
                                          .stat = procfs_node_stat,
                                          .passing = true};
const struct file_ops procfs_file_fops = {.open = text_open,
                                          .release = text_release,
                                          .read = text_read,
                                          .write = text_write,
                                          .lseek = file_seek};

/* A change of mounts is an error, once for each open file: that is how Linux tells of one. */
static u32 mounts_poll(struct file *f, struct poll_table *pt)
{
    struct procfs_text *t = f->data;
    u64 now;

    poll_add(pt, &vfs_mount_events);
    now = __atomic_load_n(&vfs_mount_changes, __ATOMIC_ACQUIRE);
    return POLLIN | POLLRDNORM |
           (__atomic_exchange_n(&t->seen, now, __ATOMIC_RELAXED) != now
                ? POLLERR | POLLPRI
                : 0);
}

const struct file_ops procfs_mounts_fops = {.open = text_open,
                                            .release = text_release,
                                            .read = text_read,
                                            .write = text_write,
                                            .lseek = file_seek,
                                            .poll = mounts_poll};

/* ---- the file system ---- */

static int make_root(const struct fs_type *type, struct inode **root)
{
    struct procfs_node n = {.kind = PROCFS_DIR, .prefix = ""};

    (void)type;
    return procfs_inode(&n, root);
}

static struct fs_type proc_type = {
    .name = "proc", .magic = PROC_MAGIC, .make_root = make_root};

void procfs_init(void)
{
    vfs_register(&proc_type);
}
