/* SPDX-License-Identifier: MIT
 *
 * shmget, shmat, shmdt, shmctl. What differs from Linux: docs/reference/shm.md.
 */
#include "fs/dentry.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/inode.h"
#include "fs/perm.h"
#include "kernel/ipc/segment.h"
#include "kernel/sys/mm.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/vm/vma.h"

static s64 seconds(void)
{
    return (s64)(fs_now() / 1000000000);
}

/* ---- shmget ---- */

/* Whether the caller may have a segment of pages of the size asked for. */
static int check_huge(u32 flags)
{
    u32 size = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    const struct cred *c = own_cred();

    if (!(flags & SHM_HUGETLB))
        return 0;
    if (size && size != MAP_HUGE_2MB >> MAP_HUGE_SHIFT)
        return -EINVAL;
    return capable(CAP_IPC_LOCK) || ipc_in_group(c, READ_ONCE(hugetlb_shm_group))
               ? 0
               : -EPERM;
}

static long get_segment(s32 key, u64 size, u32 flags)
{
    struct ipc_object *o;
    struct shm_segment *s;
    int err = ipc_find_key(&shm_table, key, flags, &o);

    if (err)
        return err;
    if (!o) {
        err = check_huge(flags);
        if (!err)
            err = shm_create(key, size, flags, &s);
        return err ? err : s->ipc.id;
    }
    if (size > container_of(o, struct shm_segment, ipc)->size)
        return -EINVAL;
    err = ipc_check(o, flags & 0777);
    return err ? err : o->id;
}

/* shmget(key, size, flags) */
long sys_shmget(const struct syscall_args *a)
{
    u32 flags = (u32)a->a2;
    long result;

    mutex_lock(&shm_table.lock);
    result = get_segment((s32)a->a0, a->a1, flags);
    mutex_unlock(&shm_table.lock);
    return result;
}

/* ---- shmat, shmdt ---- */

static int attach_args(struct mmap_args *m, u32 flags)
{
    m->flags = MAP_SHARED;
    if (m->addr) {
        if (m->addr % PAGE_SIZE) {
            if (!(flags & SHM_RND))
                return -EINVAL;
            m->addr &= PAGE_MASK;
            if (!m->addr && (flags & SHM_REMAP))
                return -EINVAL;
        }
        m->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    } else if (flags & SHM_REMAP) {
        return -EINVAL;
    }
    m->prot =
        PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
        (flags & SHM_EXEC || executes_too(current_thread(), PROT_READ) ? PROT_EXEC : 0);
    m->max_prot = PROT_READ | PROT_EXEC | (flags & SHM_RDONLY ? 0 : PROT_WRITE);
    m->vm_flags = VM_NOREMAP;
    return 0;
}

/* The segment with a pin, for mapping. */
static int find_for_attach(s32 id, u32 flags, struct shm_segment **out)
{
    struct shm_segment *s;
    int err = -EINVAL;

    mutex_lock(&shm_table.lock);
    s = shm_by_id(id);
    if (s)
        err = ipc_check(&s->ipc, 0444 | (flags & SHM_RDONLY ? 0 : 0222) |
                                     (flags & SHM_EXEC ? 0111 : 0));
    if (!err && !shm_get(*out = s))
        err = -EINVAL;
    mutex_unlock(&shm_table.lock);
    return err;
}

/* shmat(id, addr, flags) */
long sys_shmat(const struct syscall_args *a)
{
    struct mmap_args m = {.addr = a->a1};
    u32 flags = (u32)a->a2;
    struct shm_segment *s = NULL;
    struct file *given = NULL;
    vaddr_t addr;
    int err = attach_args(&m, flags);

    if (!err)
        err = find_for_attach((s32)a->a0, flags, &s);
    if (err)
        return err;
    m.len = s->size;
    m.object = shm_object(s);
    m.file = &s->file->vm;
    err = mm_mmap(current_proc()->mm, &m, &addr);
    if (!err) {
        mutex_lock(&shm_table.lock);
        s->atime = seconds();
        s->lpid = current_proc()->pid;
        given = shm_attached(s);
        mutex_unlock(&shm_table.lock);
    }
    shm_put(s);
    if (given)
        file_put(given);
    if (err == -EEXIST)
        err = -EINVAL;
    return err ? err : (long)addr;
}

long sys_shmdt(const struct syscall_args *a)
{
    struct vm_file *file;
    struct shm_segment *s;
    int err = mm_shmdt(current_proc()->mm, a->a0, &file);

    if (err)
        return err;
    s = container_of(file, struct file, vm)->data;
    mutex_lock(&shm_table.lock);
    s->pins++; /* the reference mm_shmdt gave us */
    s->dtime = seconds();
    s->lpid = current_proc()->pid;
    mutex_unlock(&shm_table.lock);
    shm_put(s);
    return 0;
}

/* ---- shmctl ---- */

static void fill_ds(const struct shm_segment *s, struct shmid64_ds *ds)
{
    *ds = (struct shmid64_ds){.perm = ipc_perm(&s->ipc),
                              .segsz = s->size,
                              .atime = s->atime,
                              .dtime = s->dtime,
                              .ctime = s->ipc.ctime,
                              .cpid = s->cpid,
                              .lpid = s->lpid,
                              .nattch = shm_attaches(s)};
}

/* IPC_STAT by id, SHM_STAT and SHM_STAT_ANY by slot: these return the id. */
static long ctl_stat(s32 id, s32 cmd, vaddr_t buf)
{
    struct shmid64_ds ds;
    struct shm_segment *s;
    long result = -EINVAL;

    mutex_lock(&shm_table.lock);
    s = cmd == IPC_STAT ? shm_by_id(id) : shm_by_slot(id);
    if (s) {
        result = cmd == SHM_STAT_ANY ? 0 : ipc_check(&s->ipc, 0444);
        fill_ds(s, &ds);
        if (!result && cmd != IPC_STAT)
            result = s->ipc.id;
    }
    mutex_unlock(&shm_table.lock);
    if (result >= 0 && copy_to_user(buf, &ds, sizeof(ds)) != 0)
        return -EFAULT;
    return result;
}

static long ctl_set(s32 id, vaddr_t buf)
{
    struct shmid64_ds ds;
    struct shm_segment *s;
    int err;

    if (copy_from_user(&ds, buf, sizeof(ds)) != 0)
        return -EFAULT;
    mutex_lock(&shm_table.lock);
    s = shm_by_id(id);
    err = s ? ipc_check_owner(&s->ipc) : -EINVAL;
    if (!err)
        err = ipc_set_perm(&s->ipc, &ds.perm);
    mutex_unlock(&shm_table.lock);
    return err;
}

static long ctl_remove(s32 id)
{
    struct shm_segment *s;
    struct file *f = NULL;
    int err;

    mutex_lock(&shm_table.lock);
    s = shm_by_id(id);
    err = s ? ipc_check_owner(&s->ipc) : -EINVAL;
    if (!err)
        f = shm_remove(s);
    mutex_unlock(&shm_table.lock);
    if (f)
        file_put(f);
    return err;
}

/* RLIMIT_MEMLOCK for locking s: all that the user has locked counts. -EPERM: nothing may be. */
static int check_lock(const struct shm_segment *s, const struct cred *c)
{
    u64 limit = READ_ONCE(current_proc()->rlim[RLIMIT_MEMLOCK].rlim_cur);
    u64 pages = s->npages;
    const struct shm_segment *other;

    if (!limit)
        return -EPERM;
    for (u32 i = 0; (other = shm_next(&i)); i++)
        if (other != s && (other->ipc.mode & SHM_LOCKED) && other->locker == c->uid)
            pages += other->npages;
    return limit == RLIM_INFINITY || pages <= limit / PAGE_SIZE ? 0 : -ENOMEM;
}

/* Nothing is ever paged out: the mark is kept, and counted. Huge pages need none. */
static int set_locked(struct shm_segment *s, bool on)
{
    const struct cred *c = own_cred();
    int err = ipc_check_owner(&s->ipc);

    if (capable(CAP_IPC_LOCK))
        err = 0;
    else if (!err && on)
        err = check_lock(s, c);
    if (err || shm_object(s)->order)
        return err;
    if (on && !(s->ipc.mode & SHM_LOCKED))
        s->locker = c->uid;
    s->ipc.mode = (s->ipc.mode & ~SHM_LOCKED) | (on ? SHM_LOCKED : 0);
    return 0;
}

static long ctl_lock(s32 id, bool on)
{
    struct shm_segment *s;
    int err;

    mutex_lock(&shm_table.lock);
    s = shm_by_id(id);
    err = s ? set_locked(s, on) : -EINVAL;
    mutex_unlock(&shm_table.lock);
    return err;
}

/* IPC_INFO and SHM_INFO return the highest slot in use. */
static long ctl_info(s32 cmd, vaddr_t buf)
{
    struct shminfo64 limits = {.shmmax = shm_max,
                               .shmmin = 1,
                               .shmmni = shm_mni,
                               .shmseg = shm_mni,
                               .shmall = shm_all};
    struct shm_info sums = {0};
    const struct shm_segment *s;
    long top;

    mutex_lock(&shm_table.lock);
    top = ipc_highest(&shm_table);
    for (u32 i = 0; (s = shm_next(&i)); i++) {
        sums.used_ids++;
        sums.tot += s->npages;
        sums.rss += object_resident(shm_object(s));
    }
    mutex_unlock(&shm_table.lock);
    if (cmd == IPC_INFO ? copy_to_user(buf, &limits, sizeof(limits))
                        : copy_to_user(buf, &sums, sizeof(sums)))
        return -EFAULT;
    return top;
}

/* shmctl(id, cmd, buf) */
long sys_shmctl(const struct syscall_args *a)
{
    s32 id = (s32)a->a0, cmd = (s32)a->a1;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SHM_INFO:
        return ctl_info(cmd, a->a2);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return ctl_stat(id, cmd, a->a2);
    case IPC_SET:
        return ctl_set(id, a->a2);
    case IPC_RMID:
        return ctl_remove(id);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return ctl_lock(id, cmd == SHM_LOCK);
    default:
        return -EINVAL;
    }
}
