/* SPDX-License-Identifier: MIT
 *
 * The memory system calls: descriptors become objects, user pointers become kernel copies,
 * then mm/call/calls.h does the work.
 */
#include "kernel/sys/mm.h"
#include "fs/file.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/ramfs/memfd.h"
#include "kernel/sys/fs.h"
#include "kernel/syscall.h"
#include "kernel/task/uaccess.h"
#include "kernel/uffd/event.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mman.h"
#include "lib/uapi/mount.h"
#include "mm/call/calls.h"
#include "mm/vm/object.h"

/* What the descriptor says against the mapping. *begun: memfd_map_begin() was called. */
static int judge_file(struct file *f, struct mmap_args *m, bool shared, bool *begun)
{
    m->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (shared && !file_writable(f)) {
        if (m->prot & PROT_WRITE)
            return -EACCES;
        m->max_prot &= ~(u32)PROT_WRITE;
    } else if (shared && (f->inode->attrs & FS_APPEND_FL)) {
        return -EACCES;
    }
    if (!file_readable(f))
        return -EACCES;
    if (path_mount_flags(&f->path) & MS_NOEXEC) {
        if (m->prot & PROT_EXEC)
            return -EPERM;
        m->max_prot &= ~(u32)PROT_EXEC;
    } else if (executes_too(current_thread(), m->prot)) {
        m->prot |= PROT_EXEC;
    }
    if (!f->ops->mmap)
        return -ENODEV;
    if (m->flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (!shared || !(m->max_prot & PROT_WRITE))
        return 0;
    *begun = memfd_map_begin(f);
    if (*begun)
        return 0;
    m->max_prot &= ~(u32)PROT_WRITE;
    return m->prot & PROT_WRITE ? -EPERM : 0;
}

/* The object of the descriptor. mm_mmap tells what is in file_error in its turn; what is
 * returned here comes first. */
static int map_file(struct file *f, struct mmap_args *m, bool *begun)
{
    bool shared = (m->flags & MAP_TYPE) != MAP_PRIVATE;

    if ((m->flags & MAP_HUGETLB) && !(f->inode->object && f->inode->object->order))
        return -EINVAL;
    m->from_file = true;
    m->file_error = judge_file(f, m, shared, begun);
    if (!m->file_error)
        m->file_error = f->ops->mmap(f, shared, &m->object);
    if (m->object || (!m->file_error && !shared)) /* private /dev/zero keeps its name */
        m->file = &f->vm;
    return 0;
}

/* Perhaps in the place of something else. */
static noinline int map_there(const struct mmap_args *m, vaddr_t *out)
{
    return READ_ONCE(uffd_tells) ? uffd_mmap(current_mm(), m, out)
                                 : mm_mmap(current_mm(), m, out);
}

/* Whether the size asked for with a MAP_HUGETLB mapping is the one there is. */
static bool huge_size_ok(u64 flags)
{
    u32 size = (u32)(flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

    return !(flags & MAP_HUGETLB) || !size || size == MAP_HUGE_2MB >> MAP_HUGE_SHIFT;
}

static noinline int map_rare(const struct mmap_args *m, vaddr_t *out)
{
    return huge_size_ok(m->flags) ? map_there(m, out) : -EINVAL;
}

/* A writable mapping makes its file as long as it reaches; only then can its pages be there. */
static void lengthen_huge_file(struct file *f, const struct mmap_args *m, vaddr_t at)
{
    hugetlbfs_mapped(f, m->offset + m->len);
    if ((m->flags & MAP_LOCKED) ||
        (m->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
        (void)mm_madvise(current_mm(), at, align_up(m->len, HUGE_SIZE),
                         MADV_POPULATE_WRITE); /* best effort by definition */
}

static noinline long map_descriptor(int fd, struct mmap_args *m)
{
    bool begun = false, held;
    struct file *f = io_borrow(fd, &held);
    vaddr_t result;
    int err;

    if (!f)
        return -EBADF;
    err = map_file(f, m, &begun);
    if (!err)
        err = map_there(m, &result);
    if (begun)
        memfd_map_end(f);
    if (!err && m->object)
        file_accessed(f);
    if (!err && m->object && m->object->order && (m->prot & PROT_WRITE))
        lengthen_huge_file(f, m, result);
    if (m->object)
        object_put(m->object);
    io_return(f, held);
    return checked(err ? err : (long)result);
}

/* mmap(addr, len, prot, flags, fd, offset) */
long sys_mmap(const struct syscall_args *a)
{
    struct mmap_args m = {.addr = a->a0,
                          .len = a->a1,
                          .prot = (u32)a->a2,
                          .flags = a->a3,
                          .offset = a->a5,
                          .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC};
    const struct thread *t = current_thread();
    vaddr_t result;
    int err;

    if (m.offset % PAGE_SIZE)
        return -EINVAL;
    if (!(m.flags & MAP_ANONYMOUS))
        return map_descriptor((int)a->a4, &m);
    m.offset = 0;
    if (executes_too(t, m.prot))
        m.prot |= PROT_EXEC;
    err = unlikely(m.flags & (MAP_FIXED | MAP_HUGETLB))
              ? map_rare(&m, &result)
              : mm_mmap(t->proc->mm, &m, &result);
    return checked(err ? err : (long)result);
}

long sys_munmap(const struct syscall_args *a)
{
    if (unlikely(READ_ONCE(uffd_tells)))
        return checked(uffd_munmap(current_mm(), a->a0, a->a1));
    return checked(mm_munmap(current_mm(), a->a0, a->a1));
}

/* mprotect, or with a key. What must not be executed stays readable. */
static noinline long protect_executable(const struct syscall_args *a, int key)
{
    int err = mm_pkey_mprotect(current_mm(), a->a0, a->a1, a->a2 | PROT_EXEC, key);

    if (err == -EACCES && !(a->a2 & PROT_EXEC))
        err = mm_pkey_mprotect(current_mm(), a->a0, a->a1, a->a2, key);
    return checked(err);
}

long sys_pkey_mprotect(const struct syscall_args *a)
{
    if (executes_too(current_thread(), a->a2))
        return protect_executable(a, (s32)a->a3);
    return checked(mm_pkey_mprotect(current_mm(), a->a0, a->a1, a->a2, (s32)a->a3));
}

long sys_pkey_alloc(const struct syscall_args *a)
{
    return mm_pkey_alloc(current_mm(), a->a0, a->a1);
}

long sys_pkey_free(const struct syscall_args *a)
{
    return mm_pkey_free(current_mm(), (s32)a->a0);
}

long sys_mprotect(const struct syscall_args *a)
{
    const struct thread *t = current_thread();

    if (executes_too(t, a->a2))
        return protect_executable(a, -1);
    return checked(mm_mprotect(t->proc->mm, a->a0, a->a1, a->a2));
}

long sys_brk(const struct syscall_args *a)
{
    const struct thread *t = current_thread();

    if (unlikely(READ_ONCE(uffd_tells)))
        return checked((long)uffd_brk(t->proc->mm, a->a0, executes_too(t, PROT_READ)));
    return checked((long)mm_brk(t->proc->mm, a->a0, executes_too(t, PROT_READ)));
}

long sys_mremap(const struct syscall_args *a)
{
    vaddr_t result;
    int err;

    if (a->a3 > UINT32_MAX)
        return -EINVAL;
    if (unlikely(READ_ONCE(uffd_tells)))
        err = uffd_mremap(current_mm(), a->a0, a->a1, a->a2, (u32)a->a3, a->a4, &result);
    else
        err = mm_mremap(current_mm(), a->a0, a->a1, a->a2, (u32)a->a3, a->a4, &result);
    return checked(err ? err : (long)result);
}

/* prot is compared as a whole register: any bit of it is an error. */
long sys_remap_file_pages(const struct syscall_args *a)
{
    return checked(mm_remap(current_mm(), a->a0, a->a1, a->a2, a->a3, (u32)a->a4));
}

long sys_msync(const struct syscall_args *a)
{
    return mm_msync(current_mm(), a->a0, a->a1, (u32)a->a2);
}

long sys_madvise(const struct syscall_args *a)
{
    if (unlikely(READ_ONCE(uffd_tells)))
        return checked(uffd_madvise(current_mm(), a->a0, a->a1, (int)a->a2));
    return checked(mm_madvise(current_mm(), a->a0, a->a1, (int)a->a2));
}

long sys_mincore(const struct syscall_args *a)
{
    vaddr_t addr = a->a0;
    u64 npages = (a->a1 >> PAGE_SHIFT) + (a->a1 % PAGE_SIZE != 0);
    u8 vec[2048];

    if (addr % PAGE_SIZE)
        return -EINVAL;
    if (!user_range_ok(addr, a->a1))
        return -ENOMEM;
    if (!user_range_ok(a->a2, npages))
        return -EFAULT;
    for (u64 done = 0; done < npages;) {
        u64 n = MIN(npages - done, (u64)sizeof(vec));
        int err = mm_mincore(current_mm(), addr + done * PAGE_SIZE, n, vec);

        if (!err)
            err = copy_to_user(a->a2 + done, vec, n);
        if (err)
            return err;
        done += n;
        if (pause_point())
            return -EINTR;
    }
    return 0;
}

long sys_mlock(const struct syscall_args *a)
{
    return checked(mm_mlock(current_mm(), a->a0, a->a1, 0));
}

long sys_mlock2(const struct syscall_args *a)
{
    return checked(mm_mlock(current_mm(), a->a0, a->a1, (u32)a->a2));
}

long sys_munlock(const struct syscall_args *a)
{
    return checked(mm_munlock(current_mm(), a->a0, a->a1));
}

long sys_mlockall(const struct syscall_args *a)
{
    return checked(mm_mlockall(current_mm(), (u32)a->a0));
}

long sys_munlockall(const struct syscall_args *a)
{
    (void)a;
    return checked(mm_munlockall(current_mm()));
}

long sys_mseal(const struct syscall_args *a)
{
    if (a->a2)
        return -EINVAL;
    return checked(mm_seal(current_mm(), a->a0, a->a1));
}
