/* SPDX-License-Identifier: MIT
 *
 * process_vm_readv and process_vm_writev: copies between the caller's memory and that of
 * another process, through its translations, by way of one page of the kernel; and
 * process_madvise.
 */
#include "kernel/event/pidfd.h"
#include "kernel/sys/fs.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/uaccess.h"
#include "kernel/uffd/wait.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/access.h"
#include "mm/phys/slab.h"

#define REMOTE_MAX 1024u

struct remote {
    struct iovec *iov;
    size_t n;
};

/* -EINVAL too many or a length that is negative, -EFAULT, -ENOMEM. Addresses are looked at
 * when their turn comes. */
static int remote_get(struct remote *r, vaddr_t user, u64 count)
{
    int err = 0;

    *r = (struct remote){NULL, count};
    if (count > REMOTE_MAX)
        return -EINVAL;
    r->iov = kmalloc(count * sizeof(*r->iov));
    if (count && !r->iov)
        return -ENOMEM;
    if (copy_from_user(r->iov, user, count * sizeof(*r->iov)) != 0)
        err = -EFAULT;
    for (size_t i = 0; i < count && !err; i++)
        if ((ssize_t)r->iov[i].len < 0)
            err = -EINVAL;
    if (err)
        kfree(r->iov);
    return err;
}

/* As mm_access(); waits where a monitor is asked. n bytes lie in one page. */
static size_t access_waiting(struct mm *mm, vaddr_t va, char *page, size_t n, bool write)
{
    size_t done;

    do {
        done = mm_access(mm, va, page, n, write ? MM_WRITE : MM_READ);
    } while (done < n && uffd_await(mm, va, write ? FAULT_WRITE : FAULT_READ));
    return done;
}

/* Moves what is left of u to or from [va, va+n) of mm: bytes, less after a fault (*err). */
static size_t move_bytes(struct mm *mm, vaddr_t va, size_t n, struct uio *u, char *page,
                         bool write, ssize_t *err)
{
    size_t done = 0;

    n = MIN(n, u->left);
    while (done < n && !*err) {
        size_t want = MIN(n - done, PAGE_SIZE - va % PAGE_SIZE), part = want;

        if (write)
            part = uio_copy_from(u, page, part);
        part = access_waiting(mm, va, page, part, write);
        if (!write)
            part = uio_copy_to(u, page, part);
        if (part < want)
            *err = -EFAULT;
        else if (pause_point())
            *err = -EINTR;
        done += part;
        va += part;
    }
    return done;
}

static ssize_t transfer(s32 pid, const struct remote *r, struct uio *u, bool write)
{
    struct mm *mm;
    char *page;
    ssize_t err = 0;
    size_t done = 0, total = 0;

    for (size_t i = 0; i < r->n; i++)
        total |= r->iov[i].len;
    if (!total)
        return 0;
    err = proc_access_mm(pid, REAL_IDS, &mm);
    if (err)
        return err;
    page = kmalloc(PAGE_SIZE);
    if (!page)
        err = -ENOMEM;
    for (size_t i = 0; i < r->n && u->left && !err; i++)
        done += move_bytes(mm, r->iov[i].base, r->iov[i].len, u, page, write, &err);
    kfree(page);
    mm_put(mm);
    return done ? (ssize_t)done : err;
}

/* (pid, local, nlocal, remote, nremote, flags) */
static long process_vm(const struct syscall_args *a, bool write)
{
    struct buffers local;
    struct remote remote;
    ssize_t n;

    if (a->a5)
        return -EINVAL;
    n = buffers_get(&local, a->a1, (u32)a->a2);
    if (n)
        return n;
    if (local.uio.left) {
        n = remote_get(&remote, a->a3, a->a4);
        if (!n) {
            n = transfer((s32)a->a0, &remote, &local.uio, write);
            kfree(remote.iov);
        }
    }
    buffers_put(&local);
    return n;
}

long sys_process_vm_readv(const struct syscall_args *a)
{
    return process_vm(a, false);
}

long sys_process_vm_writev(const struct syscall_args *a)
{
    return process_vm(a, true);
}

/* ---- process_madvise ---- */

/* Advice that changes nothing another process sees, so that others may give it. */
static bool may_come_from_others(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED;
}

static ssize_t advise(struct mm *mm, const struct remote *r, int advice)
{
    ssize_t done = 0;
    int err = 0;

    for (size_t i = 0; i < r->n && !err; i++) {
        err = mm_madvise(mm, r->iov[i].base, r->iov[i].len, advice);
        if (!err)
            done += (ssize_t)r->iov[i].len;
        if (!err && pause_point())
            err = -EINTR;
    }
    return done ? done : err;
}

/* (pidfd, iov, n, advice, flags): bytes advised. */
long sys_process_madvise(const struct syscall_args *a)
{
    int advice = (int)a->a3;
    struct remote r;
    struct task_id id;
    struct mm *mm;
    bool nonblock;
    ssize_t n;

    if ((u32)a->a4)
        return -EINVAL;
    n = remote_get(&r, a->a1, (u32)a->a2);
    if (n)
        return n;
    n = pidfd_identify((int)a->a0, &id, &nonblock);
    if (!n)
        n = task_access_mm(&id, REAL_IDS, &mm);
    if (!n) {
        if (mm != current_proc()->mm && !may_come_from_others(advice))
            n = -EINVAL;
        else if (mm != current_proc()->mm && !capable(CAP_SYS_NICE))
            n = -EPERM;
        else
            n = advise(mm, &r, advice);
        mm_put(mm);
    }
    kfree(r.iov);
    return n;
}
