/* SPDX-License-Identifier: MIT
 *
 * PTRACE_PEEKSIGINFO: what is pending for a thread that stands, which stays pending.
 */
#include "kernel/ptrace/tracee.h"
#include "kernel/task/signal.h"
#include "kernel/task/sigqueue.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define AT_ONCE 16u

/* Some of them, as they are at one moment. -ESRCH: it does not stand for us. */
static long peek(s32 tid, bool shared, struct sig_peek *k, struct siginfo *out,
                 unsigned room)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tracee *r = tracee_find(tid);
    long n = -ESRCH;

    if (r && r->state == TRACE_STOPPED && !signal_kill_pending(r->thread)) {
        spin_lock(&r->thread->proc->sig.lock);
        n = signal_peek(r->thread, shared, k, out, room);
        spin_unlock(&r->thread->proc->sig.lock);
    }
    spin_unlock_irq(&proc_lock, flags);
    return n;
}

long tracee_peek_signals(s32 tid, u64 args_at, u64 to)
{
    struct ptrace_peeksiginfo_args args;
    struct siginfo *infos;
    struct sig_peek k = {.pos = NULL};
    long done = 0, n = 0, copied = 0;
    int err = copy_from_user(&args, args_at, sizeof(args));

    if (err)
        return err;
    if (args.nr < 0 || (args.flags & ~PTRACE_PEEKSIGINFO_SHARED))
        return -EINVAL;
    infos = kmalloc(AT_ONCE * sizeof(*infos));
    if (!infos)
        return -ENOMEM;
    k.next = args.off;
    do {
        unsigned room = MIN(AT_ONCE, (unsigned)(args.nr - done));

        n = peek(tid, args.flags & PTRACE_PEEKSIGINFO_SHARED, &k, infos, room);
        for (copied = 0; copied < n; copied++, done++)
            if (copy_to_user(to + (u64)done * sizeof(*infos), &infos[copied],
                             sizeof(*infos)) != 0)
                break;
    } while (n >= 0 && copied == n && done < args.nr && k.more && !pause_point());
    kfree(infos);
    return done ? done : n < 0 ? n : copied < n ? -EFAULT : 0;
}
