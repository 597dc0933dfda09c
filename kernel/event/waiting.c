/* SPDX-License-Identifier: MIT
 *
 * What poll, select and epoll ask of the caller before they wait.
 */
#include "kernel/event/waiting.h"
#include "arch/time.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

u64 deadline_in(u64 ns)
{
    u64 now = clock_monotonic_ns();

    return !ns ? 0 : ns > NO_DEADLINE - 1 - now ? NO_DEADLINE : now + ns;
}

int mask_from_user(vaddr_t user, u64 size, bool *replaced)
{
    struct thread *t = current_thread();
    u64 mask;

    *replaced = false;
    if (!user)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, user, sizeof(mask)) != 0)
        return -EFAULT;
    t->saved_blocked = t->blocked;
    signal_set_mask(mask);
    *replaced = true;
    return 0;
}

void mask_restore(bool replaced, long result)
{
    struct thread *t = current_thread();

    if (!replaced)
        return;
    if (result == -ERESTARTNOHAND || result == -EINTR)
        t->restore_mask = true;
    else
        signal_set_mask(t->saved_blocked);
}
