/* SPDX-License-Identifier: MIT
 *
 * ioctl_userfaultfd(2).
 */
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "kernel/uffd/uffd.h"
#include "kernel/uffd/wait.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/op/provide.h"
#include "mm/op/watch.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"

#define BIT(n) (1ull << (n))
#define RANGE_IOCTLS                                                       \
    (BIT(UFFDIO_NR_WAKE) | BIT(UFFDIO_NR_COPY) | BIT(UFFDIO_NR_ZEROPAGE) | \
     BIT(UFFDIO_NR_WRITEPROTECT) | BIT(UFFDIO_NR_CONTINUE))
#define API_IOCTLS \
    (BIT(UFFDIO_NR_API) | BIT(UFFDIO_NR_REGISTER) | BIT(UFFDIO_NR_UNREGISTER))

/* What stands at the end of a record and is told, whatever the call comes to. */
static int tell(uintptr_t arg, size_t size, s64 done)
{
    return copy_to_user(arg + size - sizeof(done), &done, sizeof(done));
}

/* ---- the interface ---- */

static int judge_api(const struct uffdio_api *a)
{
    if (a->api != UFFD_API)
        return -EINVAL;
    if ((a->features & UFFD_FEATURE_EVENT_FORK) && !capable(CAP_SYS_PTRACE))
        return -EPERM;
    return a->features & ~UFFD_FEATURES ? -EINVAL : 0;
}

static long api(struct uffd *u, uintptr_t arg)
{
    struct uffdio_api a, none = {0, 0, 0};
    u64 wanted;
    int err;

    if (copy_from_user(&a, arg, sizeof(a)) != 0)
        return -EFAULT;
    err = judge_api(&a);
    if (err)
        return copy_to_user(arg, &none, sizeof(none)) != 0 ? -EFAULT : err;
    wanted = a.features;
    a = (struct uffdio_api){UFFD_API, UFFD_FEATURES, API_IOCTLS};
    if (copy_to_user(arg, &a, sizeof(a)) != 0)
        return -EFAULT;
    if (uffd_set_features(u, wanted))
        return 0;
    return copy_to_user(arg, &none, sizeof(none)) != 0 ? -EFAULT : -EINVAL;
}

/* ---- what is watched ---- */

static bool bad_range(const struct uffdio_range *r)
{
    return (r->start | r->len) % PAGE_SIZE || !r->len ||
           r->start < READ_ONCE(mm_min_addr) || !user_range_ok(r->start, r->len);
}

static long watch(struct uffd *u, uintptr_t arg)
{
    struct uffdio_register r;
    u64 ioctls = RANGE_IOCTLS;
    u32 asks = 0;
    bool huge;
    int err;

    if (copy_from_user(&r, arg, sizeof(r) - sizeof(r.ioctls)) != 0)
        return -EFAULT;
    if (r.mode & UFFDIO_REGISTER_MODE_MISSING)
        asks |= VM_ASK_MISSING;
    if (r.mode & UFFDIO_REGISTER_MODE_WP)
        asks |= VM_ASK_WRITE;
    if (r.mode & UFFDIO_REGISTER_MODE_MINOR)
        asks |= VM_ASK_MINOR;
    if (!asks ||
        r.mode & ~(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP |
                   UFFDIO_REGISTER_MODE_MINOR) ||
        bad_range(&r.range))
        return -EINVAL;
    if (!mm_tryget(u->mm))
        return -ENOMEM;
    err = mm_watch(u->mm, &u->monitor, r.range.start, r.range.start + r.range.len, asks,
                   &huge);
    mm_put(u->mm);
    if (err)
        return err;
    if (huge)
        ioctls &= ~BIT(UFFDIO_NR_ZEROPAGE);
    if (!(asks & VM_ASK_WRITE))
        ioctls &= ~BIT(UFFDIO_NR_WRITEPROTECT);
    if (!(asks & VM_ASK_MINOR))
        ioctls &= ~BIT(UFFDIO_NR_CONTINUE);
    return tell(arg, sizeof(r), (s64)ioctls);
}

static long unwatch(struct uffd *u, uintptr_t arg)
{
    struct uffdio_range r;
    int err;

    if (copy_from_user(&r, arg, sizeof(r)) != 0)
        return -EFAULT;
    if (bad_range(&r))
        return -EINVAL;
    if (!mm_tryget(u->mm))
        return -ENOMEM;
    err = mm_unwatch(u->mm, &u->monitor, r.start, r.start + r.len);
    mm_put(u->mm);
    if (!err)
        uffd_wake(u, r.start, r.start + r.len);
    return err;
}

static long wake(struct uffd *u, uintptr_t arg)
{
    struct uffdio_range r;

    if (copy_from_user(&r, arg, sizeof(r)) != 0)
        return -EFAULT;
    if (bad_range(&r))
        return -EINVAL;
    uffd_wake(u, r.start, r.start + r.len);
    return 0;
}

/* ---- pages ---- */

enum fill { FILL_COPY, FILL_ZEROS, FILL_SHOWN };

/* A page that is being filled, which may take as long as a program likes: a large one is charged to
 * who made the descriptor. */
static struct page *blank(const struct uffd *u, unsigned order)
{
    struct page *pg;

    if (!order)
        return page_alloc_user(0, 0);
    if (!quota_charge_bytes(u->monitor.quota, HUGE_SIZE))
        return NULL;
    pg = page_alloc(order, 0);
    if (!pg)
        quota_uncharge_bytes(u->monitor.quota, HUGE_SIZE);
    return pg;
}

/* The page at dst becomes a copy of the one at src. */
static int copy_page_to(const struct uffd *u, vaddr_t dst, vaddr_t src, u32 how)
{
    unsigned order = how & PROVIDE_HUGE ? HUGE_ORDER : 0;
    struct page *pg = blank(u, order);
    int err = 0;

    if (!pg)
        return -ENOMEM;
    for (u64 at = 0; !err && at < PAGE_SIZE << order; at += PAGE_SIZE) {
        err = copy_from_user((char *)page_to_virt(pg) + at, src + at, PAGE_SIZE);
        pause_anyway();
    }
    if (!err)
        err = mm_provide(u->mm, dst, pg, how);
    if (err)
        page_free(pg, order);
    if (order)
        quota_uncharge_bytes(u->monitor.quota, HUGE_SIZE);
    return err;
}

/* [dst, dst+len): bytes done, or why none. */
static s64 fill_range(const struct uffd *u, enum fill kind, vaddr_t dst, vaddr_t src,
                      u64 len, u32 how)
{
    u64 done = 0, size = 0;
    int err = mm_provide_check(u->mm, dst, dst + len, how, kind == FILL_SHOWN, &size);

    if (size > PAGE_SIZE)
        how |= PROVIDE_HUGE;
    while (!err && done < len) {
        err = kind == FILL_SHOWN   ? mm_provide_shown(u->mm, dst + done, how)
              : kind == FILL_ZEROS ? mm_provide(u->mm, dst + done, NULL, how)
                                   : copy_page_to(u, dst + done, src + done, how);
        if (!err)
            done += size;
        if (!err && pause_point())
            err = -EINTR;
    }
    return done ? (s64)done : err;
}

static long fill(struct uffd *u, enum fill kind, const struct uffdio_range *to,
                 vaddr_t src, u32 how, bool wakes)
{
    s64 done;

    if (READ_ONCE(u->monitor.changing))
        return -EAGAIN;
    if (!mm_tryget(u->mm))
        return -ESRCH;
    done = fill_range(u, kind, to->start, src, to->len, how);
    mm_put(u->mm);
    if (done > 0 && wakes)
        uffd_wake(u, to->start, to->start + (u64)done);
    return done;
}

/* What a call answers that has done so much of it. */
static long answer(s64 done, u64 len)
{
    if (done < 0)
        return done;
    return (u64)done == len ? 0 : -EAGAIN;
}

static long copy(struct uffd *u, uintptr_t arg)
{
    struct uffdio_range to;
    struct uffdio_copy c;
    s64 done;

    if (copy_from_user(&c, arg, sizeof(c) - sizeof(c.copy)) != 0)
        return -EFAULT;
    to = (struct uffdio_range){c.dst, c.len};
    if (bad_range(&to) || !user_range_ok(c.src, c.len) ||
        c.mode & ~(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP))
        return -EINVAL;
    done =
        fill(u, FILL_COPY, &to, c.src, c.mode & UFFDIO_COPY_MODE_WP ? PROVIDE_GUARDED : 0,
             !(c.mode & UFFDIO_COPY_MODE_DONTWAKE));
    if (done == -ESRCH)
        return done;
    return tell(arg, sizeof(c), done) != 0 ? -EFAULT : answer(done, c.len);
}

static long fill_fixed(struct uffd *u, uintptr_t arg, enum fill kind)
{
    u64 modes = UFFDIO_ZEROPAGE_MODE_DONTWAKE;
    struct uffdio_fill r;
    s64 done;

    STATIC_ASSERT(UFFDIO_ZEROPAGE_MODE_DONTWAKE == UFFDIO_CONTINUE_MODE_DONTWAKE);
    if (kind == FILL_SHOWN)
        modes |= UFFDIO_CONTINUE_MODE_WP;
    if (copy_from_user(&r, arg, sizeof(r) - sizeof(r.done)) != 0)
        return -EFAULT;
    if (bad_range(&r.range) || r.mode & ~modes)
        return -EINVAL;
    done =
        fill(u, kind, &r.range, 0, r.mode & UFFDIO_CONTINUE_MODE_WP ? PROVIDE_GUARDED : 0,
             !(r.mode & UFFDIO_ZEROPAGE_MODE_DONTWAKE));
    if (done == -ESRCH)
        return done;
    return tell(arg, sizeof(r), done) != 0 ? -EFAULT : answer(done, r.range.len);
}

static long protect(struct uffd *u, uintptr_t arg)
{
    struct uffdio_writeprotect r;
    bool on;
    int err;

    if (copy_from_user(&r, arg, sizeof(r)) != 0)
        return -EFAULT;
    on = r.mode & UFFDIO_WRITEPROTECT_MODE_WP;
    if (bad_range(&r.range) ||
        r.mode & ~(UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE) ||
        (on && r.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
        return -EINVAL;
    if (!mm_tryget(u->mm))
        return -ESRCH;
    err = mm_guard(u->mm, &u->monitor, r.range.start, r.range.start + r.range.len, on);
    mm_put(u->mm);
    if (!err && !on && !(r.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
        uffd_wake(u, r.range.start, r.range.start + r.range.len);
    return err;
}

long uffd_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct uffd *u = f->data;

    if (cmd == UFFDIO_API)
        return api(u, arg);
    if (!__atomic_load_n(&u->features, __ATOMIC_ACQUIRE))
        return -EINVAL;
    switch (cmd) {
    case UFFDIO_REGISTER:
        return watch(u, arg);
    case UFFDIO_UNREGISTER:
        return unwatch(u, arg);
    case UFFDIO_WAKE:
        return wake(u, arg);
    case UFFDIO_COPY:
        return copy(u, arg);
    case UFFDIO_ZEROPAGE:
        return fill_fixed(u, arg, FILL_ZEROS);
    case UFFDIO_CONTINUE:
        return fill_fixed(u, arg, FILL_SHOWN);
    case UFFDIO_WRITEPROTECT:
        return protect(u, arg);
    default:
        return -EINVAL;
    }
}
