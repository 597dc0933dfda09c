/* SPDX-License-Identifier: MIT
 *
 * The table of shared memory segments and their life; see fs/sysvshm.h.
 */
#include "kernel/ipc/segment.h"
#include "fs/dentry.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/hugetlb/promise.h"
#include "fs/inode.h"
#include "fs/ramfs/memfd.h"
#include "fs/ramfs/ramfs.h"
#include "kernel/task/proc.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"
#include "mm/vm/commit.h"
#include "mm/vm/object.h"

u64 shm_max = OBJECT_MAX_SIZE, shm_all = OBJECT_MAX_PAGES;
u32 shm_mni = 4096;

static u64 all_pages; /* of all segments together; shm_table.lock */
static bool forced;   /* kernel.shm_rmid_forced; shm_table.lock, and one word */

SLAB_CACHE(segment_cache, "shm_segment", struct shm_segment);

/* One whose last holder has left is only waiting to be freed. */
static struct shm_segment *if_alive(struct ipc_object *o)
{
    struct shm_segment *s = o ? container_of(o, struct shm_segment, ipc) : NULL;

    return s && READ_ONCE(s->file->vm.refs) > 0 ? s : NULL;
}

struct shm_segment *shm_by_slot(s32 slot)
{
    return if_alive(ipc_at(&shm_table, slot));
}

struct shm_segment *shm_by_id(s32 id)
{
    return if_alive(ipc_find_id(&shm_table, id));
}

struct shm_segment *shm_next(u32 *slot)
{
    struct ipc_object *o;

    for (; (o = ipc_next(&shm_table, slot)); ++*slot)
        if (if_alive(o))
            return container_of(o, struct shm_segment, ipc);
    return NULL;
}

u64 shm_attaches(const struct shm_segment *s)
{
    REQUIRES(&shm_table.lock);
    return READ_ONCE(s->file->vm.refs) - s->pins - s->held;
}

bool shm_get(struct shm_segment *s)
{
    REQUIRES(&shm_table.lock);
    if (!file_get_live(s->file))
        return false;
    s->pins++;
    return true;
}

void shm_put(struct shm_segment *s)
{
    struct file *f = s->file;

    mutex_lock(&shm_table.lock);
    s->pins--;
    mutex_unlock(&shm_table.lock);
    file_put(f);
}

/* The table lets go of s; what the caller must give back, NULL: it had let go before. */
static struct file *let_go(struct shm_segment *s)
{
    struct file *f = s->held ? s->file : NULL;

    s->held = false;
    return f;
}

struct file *shm_remove(struct shm_segment *s)
{
    REQUIRES(&shm_table.lock);
    if (s->ipc.mode & SHM_DEST)
        return NULL;
    s->ipc.mode |= SHM_DEST;
    ipc_forget_key(&s->ipc);
    return let_go(s);
}

/* ---- kernel.shm_rmid_forced ---- */

struct file *shm_attached(struct shm_segment *s)
{
    REQUIRES(&shm_table.lock);
    return forced ? let_go(s) : NULL;
}

/* Lets go of what nobody would ever remove, of one maker that ends or (0) of all. */
static void let_go_of(u64 maker)
{
    struct file *f = NULL;

    for (u32 slot = 0;;) {
        struct shm_segment *s;

        mutex_lock(&shm_table.lock);
        for (; !f && (s = shm_next(&slot)); slot++) {
            if (maker && s->maker != maker)
                continue;
            if (maker)
                s->maker = 0;
            if (forced && (shm_attaches(s) || !s->maker))
                f = let_go(s);
        }
        mutex_unlock(&shm_table.lock);
        if (!f)
            return;
        file_put(f);
        f = NULL;
        pause_anyway();
    }
}

void shm_thread_ends(struct thread *t)
{
    if (t->made_segment)
        let_go_of(t->serial);
}

bool shm_forced(void)
{
    return READ_ONCE(forced);
}

void shm_force(bool on)
{
    struct shm_segment *s;

    mutex_lock(&shm_table.lock);
    WRITE_ONCE(forced, on);
    for (u32 slot = 0; !on && (s = shm_next(&slot)); slot++)
        if (!s->held && !(s->ipc.mode & SHM_DEST))
            s->held = file_get_live(s->file);
    mutex_unlock(&shm_table.lock);
    if (on)
        let_go_of(0);
}

/* The last holder of the file is gone. */
static void segment_release(struct file *f)
{
    struct shm_segment *s = f->data;

    if (!s)
        return;
    mutex_lock(&shm_table.lock);
    ipc_remove(&shm_table, &s->ipc);
    all_pages -= s->npages;
    mutex_unlock(&shm_table.lock);
    slab_free(&segment_cache, s);
}

static const struct file_ops segment_fops = {.release = segment_release};

/* A file whose name in maps tells the key, and whose inode number is the id. */
static int make_file(const struct shm_segment *s, u32 flags, struct mm *mm,
                     struct file **out)
{
    char name[16];
    struct inode *ino;
    bool huge = flags & SHM_HUGETLB;
    u64 size = align_up(s->size, huge ? HUGE_SIZE : PAGE_SIZE);
    int err = huge ? hugetlbfs_create_inode(S_IFREG | 0777, 0, &ino)
                   : ramfs_create_inode(S_IFREG | 0777, 0, &ino);

    if (err)
        return err;
    ino->nlink = 0;
    ino->ino = (u64)s->ipc.id;
    fmt_snprintf(name, sizeof(name), "/SYSV%08x", (u32)s->ipc.key);
    object_set_quota(ino->object, account_current()->segments);
    if (!huge)
        err = object_commit(ino->object, size >> PAGE_SHIFT, flags & SHM_NORESERVE, mm);
    else if (!(flags & SHM_NORESERVE))
        err = huge_promise_all(ino->object, size);
    if (!err)
        err = object_truncate(ino->object, huge ? size : s->size);
    if (!err)
        err = file_create_unlinked(name, ino, &segment_fops, out);
    if (err)
        inode_put(ino);
    return err;
}

int shm_create(s32 key, u64 size, u32 flags, struct shm_segment **out)
{
    REQUIRES(&shm_table.lock);
    struct shm_segment *s;
    u64 npages = (size >> PAGE_SHIFT) + (size % PAGE_SIZE != 0);
    int err;

    if (size == 0 || size > MIN(READ_ONCE(shm_max), OBJECT_MAX_SIZE))
        return -EINVAL;
    if (npages > READ_ONCE(shm_all) || all_pages > READ_ONCE(shm_all) - npages ||
        ipc_count(&shm_table) >= READ_ONCE(shm_mni))
        return -ENOSPC;
    s = slab_zalloc(&segment_cache);
    if (!s)
        return -ENOMEM;
    err = ipc_prepare(&shm_table, &s->ipc, key, flags);
    if (err)
        goto out_free;
    s->size = size;
    s->npages = npages;
    s->cpid = current_proc()->pid;
    s->maker = current_thread()->serial;
    err = make_file(s, flags, current_proc()->mm, &s->file);
    if (err)
        goto out_slot;
    s->file->data = s;
    s->held = true;
    current_thread()->made_segment = true;
    ipc_insert(&shm_table, &s->ipc);
    all_pages += npages;
    *out = s;
    return 0;

out_slot:
    ipc_unprepare(&shm_table, &s->ipc);
out_free:
    slab_free(&segment_cache, s);
    return err;
}
