/* SPDX-License-Identifier: MIT
 *
 * Waiting for several files: poll and select on one engine.
 */
#include "arch/time.h"
#include "arch/uaccess.h"
#include "fs/fdtable.h"
#include "kernel/event/waiting.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/time.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/personality.h"
#include "lib/uapi/time.h"
#include "mm/phys/slab.h"

#define NS_PER_MS    1000000ull
#define ALWAYS_READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

#define SELECT_IN  (POLLIN | POLLRDNORM | 0x80u | POLLHUP | POLLERR)
#define SELECT_OUT (POLLOUT | POLLWRNORM | 0x200u | POLLERR)
#define SELECT_EX  POLLPRI

#define POLL_FEW 16u /* so many need no memory but the stack */

struct pollfd {
    s32 fd;
    s16 events, revents;
};

struct item {
    struct file *file; /* NULL: none */
    u32 want, got;
};

/* The state of all items; their number with something wanted. Once there is one nobody will wait:
 * the queues behind it are not joined. */
static int look(struct item *items, size_t n, struct poll_table *pt)
{
    int ready = 0;

    for (size_t i = 0; i < n; i++) {
        struct item *it = &items[i];

        if (it->file) {
            u32 now =
                it->file->ops->poll ? it->file->ops->poll(it->file, pt) : ALWAYS_READY;

            it->got = now & it->want;
        }
        if (it->got) {
            ready++;
            pt = NULL;
        }
    }
    return ready;
}

/* Waits until something is ready: how many; 0 at the deadline (0: look only);
 * -ERESTARTNOHAND, -ENOMEM. */
static int wait_items(struct item *items, size_t n, u64 deadline)
{
    struct poll_table pt = {.max = n * POLL_QUEUES};
    int ready;

    if (deadline == 0)
        return look(items, n, NULL);
    if (n) {
        pt.links = kmalloc(pt.max * sizeof(*pt.links));
        if (!pt.links)
            return -ENOMEM;
    }
    ready = look(items, n, &pt);
    while (!ready) {
        if (thread_interrupted()) {
            ready = -ERESTARTNOHAND;
            break;
        }
        if (thread_park_until(deadline) != 0) {
            ready = look(items, n, NULL);
            break;
        }
        ready = look(items, n, NULL);
    }
    poll_leave(&pt);
    kfree(pt.links);
    return ready;
}

static void put_items(struct item *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].file)
            file_put(items[i].file);
}

static u64 time_left(u64 deadline)
{
    u64 now = clock_monotonic_ns();

    return deadline > now ? deadline - now : 0;
}

/* As Linux reads select's time: a million microseconds and more are so many seconds. */
static int deadline_from_timeval(vaddr_t user, u64 *deadline)
{
    struct timeval tv;
    s64 sec;

    if (copy_from_user(&tv, user, sizeof(tv)) != 0)
        return -EFAULT;
    if (tv.tv_sec < 0 || tv.tv_usec < 0 ||
        __builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &sec))
        return -EINVAL;
    *deadline =
        (u64)sec >= NO_DEADLINE / 1000000000 / 2
            ? NO_DEADLINE
            : deadline_in((u64)sec * 1000000000 + (u64)(tv.tv_usec % 1000000) * 1000);
    return 0;
}

/* ---- poll ---- */

static long poll_array(struct pollfd *fds, struct item *items, size_t n, u64 deadline)
{
    int bad = 0, ready;

    for (size_t i = 0; i < n; i++) {
        u32 events = (u16)fds[i].events;

        items[i] = (struct item){.want = events | POLLERR | POLLHUP};
        if (fds[i].fd < 0)
            continue;
        items[i].file = io_file_of(fds[i].fd);
        if (!items[i].file) {
            items[i].got = POLLNVAL;
            bad++;
        }
    }
    ready = wait_items(items, n, bad ? 0 : deadline);
    for (size_t i = 0; i < n; i++)
        fds[i].revents = (s16)items[i].got;
    put_items(items, n);
    return ready;
}

static long poll_user(vaddr_t user, struct pollfd *fds, struct item *items, u32 n,
                      u64 deadline)
{
    long result = copy_from_user(fds, user, n * sizeof(*fds));

    if (!result)
        result = poll_array(fds, items, n, deadline);
    /* The array was read, so it lies in user space. The caller's numbers are not written. */
    for (u32 i = 0; i < n && result >= 0; i++)
        if (arch_store_user_u16(user + i * sizeof(*fds) +
                                    offsetof(struct pollfd, revents),
                                (u16)fds[i].revents) != 0)
            result = -EFAULT;
    return result;
}

static long do_poll(vaddr_t user, u32 n, u64 deadline)
{
    struct item few_items[POLL_FEW], *items;
    struct pollfd few[POLL_FEW];
    long result;

    if (n > fd_limit())
        return -EINVAL;
    if (n <= POLL_FEW)
        return poll_user(user, few, few_items, n, deadline);
    items = kmalloc(n * (sizeof(*items) + sizeof(*few)));
    if (!items)
        return -ENOMEM;
    result = poll_user(user, (struct pollfd *)(items + n), items, n, deadline);
    kfree(items);
    return result;
}

static long poll_on(void);

/* Interrupted without a handler it goes on with what is left of its time. */
static long poll_until(vaddr_t user, u32 n, u64 deadline)
{
    struct thread *t = current_thread();
    long result = do_poll(user, n, deadline);

    if (result != -ERESTARTNOHAND || deadline == NO_DEADLINE)
        return result;
    t->restart_fn = poll_on;
    t->restart_deadline = deadline;
    t->restart_args[0] = user;
    t->restart_args[1] = n;
    return -ERESTART_BLOCK;
}

static long poll_on(void)
{
    const struct thread *t = current_thread();

    return poll_until(t->restart_args[0], (u32)t->restart_args[1], t->restart_deadline);
}

long sys_poll(const struct syscall_args *a)
{
    s32 ms = (s32)a->a2;

    return poll_until(a->a0, (u32)a->a1,
                      ms < 0 ? NO_DEADLINE : deadline_in((u64)ms * NS_PER_MS));
}

/* Whether the rest of a time is written back: a courtesy, the result stands without. */
static bool tells_rest(uintptr_t to)
{
    return to && !(current_thread()->personality & STICKY_TIMEOUT);
}

long sys_ppoll(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE, ns;
    bool replaced;
    long result;
    int err;

    if (a->a2) {
        err = timespec_from_user(a->a2, &ns);
        if (err)
            return err;
        deadline = deadline_in(ns);
    }
    err = mask_from_user(a->a3, a->a4, &replaced);
    if (err)
        return err;
    result = do_poll(a->a0, (u32)a->a1, deadline);
    mask_restore(replaced, result);
    if (tells_rest(a->a2) && timespec_to_user(a->a2, time_left(deadline)) != 0)
        return result;
    return result;
}

/* ---- select ---- */

/* As many words of each of the three sets as the call says. */
struct fd_sets {
    u64 *words[3]; /* read, write, exceptional */
    u64 all[];
};

static const u32 set_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};

static size_t set_bytes(u32 n)
{
    return (n + 63) / 64 * 8;
}

static int sets_from_user(struct fd_sets *s, u32 n, const vaddr_t user[3])
{
    for (int k = 0; k < 3; k++)
        s->words[k] = s->all + (size_t)k * (set_bytes(n) / 8);
    for (int k = 0; k < 3; k++)
        if (user[k] && copy_from_user(s->words[k], user[k], set_bytes(n)) != 0)
            return -EFAULT;
    return 0;
}

static u32 wanted(const struct fd_sets *s, u32 fd)
{
    u32 want = 0;

    for (int k = 0; k < 3; k++)
        if (s->words[k][fd / 64] >> (fd % 64) & 1)
            want |= set_events[k];
    return want;
}

/* Turns the wanted bits into what is ready: the number of bits. */
static long reduce_sets(struct fd_sets *s, const struct item *items, u32 n)
{
    long bits = 0;

    for (u32 fd = 0; fd < n; fd++) {
        for (int k = 0; k < 3; k++) {
            u64 bit = 1ull << (fd % 64), *word = &s->words[k][fd / 64];

            if (!(*word & bit))
                continue;
            if (items[fd].got & set_events[k])
                bits++;
            else
                *word &= ~bit;
        }
    }
    return bits;
}

static long select_sets(struct fd_sets *s, struct item *items, u32 n, u64 deadline)
{
    long result = 0;

    for (u32 fd = 0; fd < n; fd++) {
        items[fd] = (struct item){.want = wanted(s, fd)};
        if (!items[fd].want)
            continue;
        items[fd].file = io_file_of((int)fd);
        if (!items[fd].file)
            result = -EBADF;
    }
    if (!result)
        result = wait_items(items, n, deadline);
    if (result >= 0)
        result = reduce_sets(s, items, n);
    put_items(items, n);
    return result;
}

static long do_select(const struct syscall_args *a, u64 deadline)
{
    const vaddr_t user[3] = {a->a1, a->a2, a->a3};
    s32 count = (s32)a->a0;
    u32 n = MIN((u32)count, fd_size(current_thread()->files));
    struct fd_sets *s;
    struct item *items;
    long result = -ENOMEM;

    if (count < 0)
        return -EINVAL;
    s = kzalloc(sizeof(*s) + 3 * set_bytes(n));
    items = kmalloc(n * sizeof(*items) + 1);
    if (s && items) {
        result = sets_from_user(s, n, user);
        if (!result)
            result = select_sets(s, items, n, deadline);
        for (int k = 0; k < 3 && result >= 0; k++)
            if (user[k] && copy_to_user(user[k], s->words[k], set_bytes(n)) != 0)
                result = -EFAULT;
    }
    kfree(items);
    kfree(s);
    return result;
}

long sys_select(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE, ns;
    struct timeval left;
    long result;
    int err;

    if (a->a4) {
        err = deadline_from_timeval(a->a4, &deadline);
        if (err)
            return err;
    }
    result = do_select(a, deadline);
    ns = time_left(deadline);
    left = (struct timeval){(s64)(ns / 1000000000), (s64)(ns % 1000000000 / 1000)};
    if (tells_rest(a->a4) && copy_to_user(a->a4, &left, sizeof(left)) != 0)
        return result;
    return result;
}

long sys_pselect6(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE, ns, mask[2] = {0, 0}; /* address and size */
    bool replaced;
    long result;
    int err;

    if (a->a5 && copy_from_user(mask, a->a5, sizeof(mask)) != 0)
        return -EFAULT;
    if (a->a4) {
        err = timespec_from_user(a->a4, &ns);
        if (err)
            return err;
        deadline = deadline_in(ns);
    }
    err = mask_from_user(mask[0], mask[1], &replaced);
    if (err)
        return err;
    result = do_select(a, deadline);
    mask_restore(replaced, result);
    if (tells_rest(a->a4) && timespec_to_user(a->a4, time_left(deadline)) != 0)
        return result;
    return result;
}
