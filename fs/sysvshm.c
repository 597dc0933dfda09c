/* SPDX-License-Identifier: MIT
 *
 * The table of shared memory segments and their life; see fs/sysvshm.h.
 */
#include "fs/sysvshm.h"
#include "fs/dentry.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/hugetlb/promise.h"
#include "fs/inode.h"
#include "fs/memfd.h"
#include "fs/ramfs.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"
#include "mm/vm/commit.h"
#include "mm/vm/object.h"

#define SEQ_MASK 0xffffu

struct mutex shm_lock = {.queue = LIST_INIT(shm_lock.queue)};

u64 shm_max = OBJECT_MAX_SIZE, shm_all = OBJECT_MAX_PAGES;
u32 shm_mni = SHM_SEGMENTS_MAX;

static u64 all_pages; /* of all segments together; shm_lock */
static u32 nsegments;
static struct shm_segment *table[SHM_SEGMENTS_MAX];
static u32 highest, next_seq;

SLAB_CACHE(segment_cache, "shm_segment", struct shm_segment);

static u32 slot_of(s32 id)
{
    return (u32)id & ((1u << SHM_SEQ_SHIFT) - 1);
}

/* One whose last holder has left is only waiting to be freed. */
static bool is_alive(const struct shm_segment *s)
{
    return s && READ_ONCE(s->file->vm.refs) > 0;
}

struct shm_segment *shm_by_index(u32 index)
{
    REQUIRES(&shm_lock);
    struct shm_segment *s = index < SHM_SEGMENTS_MAX ? table[index] : NULL;

    return is_alive(s) ? s : NULL;
}

struct shm_segment *shm_by_id(s32 id)
{
    REQUIRES(&shm_lock);
    struct shm_segment *s = id >= 0 ? shm_by_index(slot_of(id)) : NULL;

    return s && s->id == id ? s : NULL;
}

struct shm_segment *shm_by_key(s32 key)
{
    REQUIRES(&shm_lock);
    for (u32 i = 0; i <= highest; i++) {
        struct shm_segment *s = shm_by_index(i);

        if (s && s->key == key)
            return s;
    }
    return NULL;
}

u32 shm_highest(void)
{
    REQUIRES(&shm_lock);
    while (highest && !table[highest])
        highest--;
    return highest;
}

u64 shm_attaches(const struct shm_segment *s)
{
    REQUIRES(&shm_lock);
    return READ_ONCE(s->file->vm.refs) - s->pins - !(s->mode & SHM_DEST);
}

bool shm_get(struct shm_segment *s)
{
    REQUIRES(&shm_lock);
    u32 now = READ_ONCE(s->file->vm.refs);

    do {
        if (!now)
            return false;
    } while (!__atomic_compare_exchange_n(&s->file->vm.refs, &now, now + 1, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    s->pins++;
    return true;
}

void shm_put(struct shm_segment *s)
{
    struct file *f = s->file;

    mutex_lock(&shm_lock);
    s->pins--;
    mutex_unlock(&shm_lock);
    file_put(f);
}

struct file *shm_remove(struct shm_segment *s)
{
    REQUIRES(&shm_lock);
    if (s->mode & SHM_DEST)
        return NULL;
    s->mode |= SHM_DEST;
    s->key = IPC_PRIVATE;
    return s->file;
}

/* The last holder of the file is gone. */
static void segment_release(struct file *f)
{
    struct shm_segment *s = f->data;

    if (!s)
        return;
    mutex_lock(&shm_lock);
    table[slot_of(s->id)] = NULL;
    nsegments--;
    all_pages -= object_npages(shm_object(s));
    mutex_unlock(&shm_lock);
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
    ino->ino = (u64)s->id;
    fmt_snprintf(name, sizeof(name), "/SYSV%08x", (u32)s->key);
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

static void init_segment(struct shm_segment *s, s32 key, u64 size, u32 flags, u32 slot,
                         const struct shm_owner *by)
{
    s->id = (s32)((next_seq++ & SEQ_MASK) << SHM_SEQ_SHIFT | slot);
    s->key = key;
    s->size = size;
    s->uid = s->cuid = by->uid;
    s->gid = s->cgid = by->gid;
    s->mode = flags & 0777;
    s->ctime = (s64)(fs_now() / 1000000000);
    s->cpid = by->pid;
}

int shm_create(s32 key, u64 size, u32 flags, const struct shm_owner *by,
               struct shm_segment **out)
{
    REQUIRES(&shm_lock);
    struct shm_segment *s;
    u32 slot = 0;
    u64 npages = (size >> PAGE_SHIFT) + (size % PAGE_SIZE != 0);
    int err;

    if (size == 0 || size > MIN(READ_ONCE(shm_max), OBJECT_MAX_SIZE))
        return -EINVAL;
    if (npages + all_pages > READ_ONCE(shm_all) || nsegments >= READ_ONCE(shm_mni))
        return -ENOSPC;
    while (slot < SHM_SEGMENTS_MAX && table[slot])
        slot++;
    if (slot == SHM_SEGMENTS_MAX)
        return -ENOSPC;
    s = slab_zalloc(&segment_cache);
    if (!s)
        return -ENOMEM;
    init_segment(s, key, size, flags, slot, by);
    err = make_file(s, flags, by->mm, &s->file);
    if (err) {
        slab_free(&segment_cache, s);
        return err;
    }
    s->file->data = s;
    table[slot] = s;
    nsegments++;
    all_pages += npages;
    highest = MAX(highest, slot);
    *out = s;
    return 0;
}
